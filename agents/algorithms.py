"""Learning controllers by name: Stable-Baselines3's own algorithms, told apart by the network alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from entangrid.data.errors import InputError


class PPOSettings(NamedTuple):
    """Hyperparameters of SB3's PPO; the names are SB3's. ``final_learning_rate`` None keeps the rate constant."""

    learning_rate: float = 3e-4
    final_learning_rate: float | None = None
    n_steps: int = 64
    batch_size: int = 256
    n_epochs: int = 10
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_range: float = 0.2
    ent_coef: float = 0.0
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5
    log_std_init: float = -0.5
    critic_hidden: tuple[int, ...] = (64, 64)
    normalise_reward: bool = True  # SB3's VecNormalize on the reward alone


class QuantumSettings(NamedTuple):
    """The quantum networks: ``circuit`` as :class:`entangrid.agents.quantum.circuit.Circuit` takes it, and how much
    faster or slower than the base learning rate its three parameter groups learn. ``output_gain``: of the head's
    orthogonal initialisation (SB3 gives its heads 0.01). ``backend``: what executes the TorchQuantum circuit.
    ``quantum``: "actor", "critic" or "both"; ``critic_circuit`` and ``critic_lr_scales`` describe the critic. ``head``:
    see :mod:`entangrid.agents.heads`."""

    circuit: dict[str, Any]
    lr_scale_input: float = 1.0
    lr_scale_angles: float = 1.0
    lr_scale_output: float = 1.0
    output_gain: float = 0.01
    backend: str = "fused"
    quantum: str = "actor"
    critic_circuit: dict[str, Any] | None = None
    critic_lr_scales: dict[str, float] | None = None
    head: str | None = None


def require_torch() -> None:
    """Raise InputError if the ``learn`` extra is not installed."""
    try:
        import stable_baselines3  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise InputError(
            f'learning arms need {error.name}, which is not installed: pip install "entangrid[learn]"'
        ) from None


class Linear:
    """Learning-rate schedule from first to last, linear in what is left of training (picklable, unlike a closure)."""

    def __init__(self, first: float, last: float):
        self.first, self.last = first, last

    def __call__(self, progress_remaining: float) -> float:
        return self.last + progress_remaining * (self.first - self.last)


def make_ppo(
    env: Any,
    settings: PPOSettings,
    *,
    seed: int,
    hidden: tuple[int, ...] | None = None,
    lr_scale_actor: float = 1.0,
    quantum: QuantumSettings | None = None,
) -> Any:
    """SB3's PPO on a VecEnv with an MLP actor (``hidden``) or a quantum actor (``quantum``), exactly one of them.

    ``lr_scale_actor``: how much faster an MLP actor learns than the base rate, which critic and ``log_std`` keep in
    every arm (a quantum actor has three such factors). The critic is an MLP of ``settings.critic_hidden`` with tanh in
    both cases. Raises InputError if both or neither are given, or if the ``learn`` extra is not installed.
    """
    require_torch()
    if (hidden is None) == (quantum is None):
        raise InputError("make_ppo: expected exactly one of hidden and quantum")
    from stable_baselines3 import PPO
    from torch import nn

    kwargs: dict[str, Any] = {"activation_fn": nn.Tanh, "log_std_init": settings.log_std_init}
    policy: Any
    if quantum is None:
        from entangrid.agents.policies import ScaledActorCriticPolicy

        assert hidden is not None
        policy = ScaledActorCriticPolicy
        kwargs |= {
            "net_arch": {"pi": list(hidden), "vf": list(settings.critic_hidden)},
            "lr_scale_actor": lr_scale_actor,
        }
    else:
        from entangrid.agents.quantum.policies import QuantumActorCriticPolicy

        policy = QuantumActorCriticPolicy
        kwargs |= {
            "quantum": quantum.quantum,
            "net_arch": {
                "pi": [64, 64] if quantum.quantum == "critic" else [],
                "vf": list(settings.critic_hidden) if quantum.quantum == "actor" else [],
            },
            "output_gain": quantum.output_gain,
            "backend": quantum.backend,
            "head": quantum.head,
        }
        if quantum.quantum != "critic":
            kwargs["circuit"] = quantum.circuit
            kwargs["lr_scales"] = {
                "input_scaling": quantum.lr_scale_input,
                "angles": quantum.lr_scale_angles,
                "output_scaling": quantum.lr_scale_output,
            }
        if quantum.quantum != "actor":
            kwargs |= {"critic_circuit": quantum.critic_circuit, "critic_lr_scales": quantum.critic_lr_scales}
    if settings.normalise_reward:
        from stable_baselines3.common.vec_env import VecNormalize

        # PPO clips actor and critic gradients together; unscaled, an early policy's discomfort drowns the actor's
        env = VecNormalize(env, norm_obs=False, norm_reward=True, clip_reward=np.inf, gamma=settings.gamma)
    last = settings.final_learning_rate
    rate = settings.learning_rate if last is None else Linear(settings.learning_rate, last)
    return PPO(
        policy,
        env,
        learning_rate=rate,
        n_steps=settings.n_steps,
        batch_size=settings.batch_size,
        n_epochs=settings.n_epochs,
        gamma=settings.gamma,
        gae_lambda=settings.gae_lambda,
        clip_range=settings.clip_range,
        ent_coef=settings.ent_coef,
        vf_coef=settings.vf_coef,
        max_grad_norm=settings.max_grad_norm,
        policy_kwargs=kwargs,
        seed=seed,
        device="cpu",
    )
