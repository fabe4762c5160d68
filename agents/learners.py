"""Learning controllers by name: one of SB3's algorithms (or REINFORCE) with an MLP or with circuits."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from entangrid.data.errors import InputError

#: algorithm -> (module of its class, module and name of its classical policy, of its quantum policy)
_ACTOR_CRITIC = ("entangrid.agents.policies.ScaledActorCriticPolicy",
                 "entangrid.agents.quantum.policies.QuantumActorCriticPolicy")  # fmt: skip
_ALGORITHMS: dict[str, tuple[str, str, str]] = {
    "ppo": ("stable_baselines3.PPO", *_ACTOR_CRITIC),
    "a2c": ("stable_baselines3.A2C", *_ACTOR_CRITIC),
    "reinforce": ("entangrid.agents.reinforce.REINFORCE", *_ACTOR_CRITIC),
    "dqn": ("stable_baselines3.DQN", "stable_baselines3.dqn.policies.DQNPolicy",
            "entangrid.agents.quantum.q_policies.QuantumDQNPolicy"),
    "sac": ("stable_baselines3.SAC", "stable_baselines3.sac.policies.SACPolicy",
            "entangrid.agents.quantum.off_policy.QuantumSACPolicy"),
    "td3": ("stable_baselines3.TD3", "stable_baselines3.td3.policies.TD3Policy",
            "entangrid.agents.quantum.off_policy.QuantumTD3Policy"),
    "ddpg": ("stable_baselines3.DDPG", "stable_baselines3.td3.policies.TD3Policy",
             "entangrid.agents.quantum.off_policy.QuantumTD3Policy"),
}  # fmt: skip

_WITH_MODES = ("ppo", "a2c")

#: suffix of a name -> which networks are circuits
NETWORKS = {"mlp": None, "quantum": "actor", "quantum-critic": "critic", "quantum-both": "both"}

#: every name that `make_learner` takes; DQN has one network, its Q-network
LEARNERS = tuple(
    f"{algorithm}-{network}"
    for algorithm in _ALGORITHMS
    for network in NETWORKS
    if algorithm != "dqn" or network in ("mlp", "quantum")
)


def make_learner(
    name: str, env: Any, *, seed: int = 0, policy_kwargs: Mapping[str, Any] | None = None, **options: Any
) -> Any:
    """An untrained SB3 algorithm on an environment, by a name of `LEARNERS`.

    The part before the first "-" is the algorithm, the rest its networks: "mlp", "quantum" (the actor; DQN's
    Q-network), "quantum-critic" or "quantum-both". Classical networks have two hidden layers of 64. ``policy_kwargs``
    and ``options`` (the algorithm's own arguments) come on top; REINFORCE plays one episode an environment unless told
    otherwise. A ``circuit`` in ``policy_kwargs`` with ``n_modes`` is one of qumodes, as the actor of PPO and A2C.
    Raises `InputError` for an unknown name, for an action space that the algorithm does not take, and if the ``learn``
    extra is not installed.
    """
    if name not in LEARNERS:
        raise InputError(f"learner {name!r} is unknown; expected one of: {', '.join(LEARNERS)}")
    from entangrid.agents.algorithms import require_torch

    require_torch()
    algorithm, network = name.split("-", 1)
    paths = list(_ALGORITHMS[algorithm])
    _check_actions(name, algorithm, env)
    kwargs: dict[str, Any]
    role = NETWORKS[network]
    modes = role is not None and _has_modes((policy_kwargs or {}).get("circuit"))
    if modes:
        if algorithm not in _WITH_MODES or role != "actor":
            known = ", ".join(f"{each}-quantum" for each in _WITH_MODES)
            raise InputError(f"{name}: circuit has qumodes (n_modes); expected one of {known}")
        paths[2] = "entangrid.agents.quantum.cv_policy.CVActorCriticPolicy"
    made, classical, quantum = (_find(path) for path in paths)
    if modes:
        kwargs = {}
    elif role is None:
        kwargs = {"net_arch": [64, 64]}
    elif algorithm == "dqn":
        kwargs = {}
    else:
        kwargs = {"quantum": role}
        if algorithm in ("sac", "td3", "ddpg") and role != "both":
            kwargs["net_arch"] = [64, 64]
    kwargs |= dict(policy_kwargs or {})
    options = {"device": "cpu"} | options
    if algorithm == "reinforce":
        options.setdefault("n_episodes", env.num_envs)
    return made(classical if role is None else quantum, env, seed=seed, policy_kwargs=kwargs, **options)


def _has_modes(circuit: Any) -> bool:
    return isinstance(circuit, Mapping) and "n_modes" in circuit


def _find(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def _check_actions(name: str, algorithm: str, env: Any) -> None:
    from gymnasium import spaces

    space = env.action_space
    if algorithm == "dqn" and not isinstance(space, spaces.Discrete):
        raise InputError(f"{name} needs a Discrete action space (action_set='discrete', one home), not {space}")
    if algorithm in ("sac", "td3", "ddpg") and not isinstance(space, spaces.Box):
        raise InputError(f"{name} needs a continuous action space (action_set='continuous'), not {space}")
