"""Classical networks of matched size, and how many parameters a policy's actor and critic have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from entangrid.data.errors import InputError

if TYPE_CHECKING:
    from stable_baselines3.common.policies import BasePolicy


def mlp_parameters(n_in: int, n_hidden: int, n_out: int) -> int:
    """Weights and biases of a network with one hidden layer."""
    return n_hidden * (n_in + 1) + n_out * (n_hidden + 1)


def matched_hidden(n_in: int, n_out: int, n_parameters: int, n_log_std: int = 0) -> int:
    """Width of the one hidden layer that brings an MLP actor nearest to `n_parameters` (the narrower of two, >= 1).

    `n_log_std` entries of a trainable log standard deviation are part of `n_parameters` and of the MLP actor alike.
    Raises `InputError` for sizes below one.
    """
    for name, value in (("n_in", n_in), ("n_out", n_out), ("n_parameters", n_parameters)):
        if value < 1:
            raise InputError(f"matched_hidden: {name}={value} must be at least 1")
    target = n_parameters - n_log_std
    below = max(1, (target - n_out) // (n_in + 1 + n_out))
    return min((below, below + 1), key=lambda width: abs(mlp_parameters(n_in, width, n_out) - target))


def actor_parameters(policy: BasePolicy) -> int:
    """Trainable numbers of the actor: its latent network, its head and, in every arm alike, ``log_std``; 0 of DQN."""
    return _count(actor_tensors(policy))


def critic_parameters(policy: BasePolicy) -> int:
    """Trainable numbers of the critic: its latent network and its head; of all critics or of the Q-network, targets
    not counted."""
    return _count(critic_tensors(policy))


def actor_tensors(policy: BasePolicy) -> list[Any]:
    """The trainable parameters that `actor_parameters` counts."""
    net: Any = policy
    if hasattr(policy, "q_net"):
        return []
    if hasattr(policy, "actor"):
        return _trainable(net.actor.parameters())
    log_std = getattr(policy, "log_std", None)
    extra = [] if log_std is None else [log_std]
    return _trainable([*net.mlp_extractor.policy_net.parameters(), *net.action_net.parameters(), *extra])


def critic_tensors(policy: BasePolicy) -> list[Any]:
    """The trainable parameters that `critic_parameters` counts."""
    net: Any = policy
    if hasattr(policy, "q_net"):
        return _trainable(net.q_net.parameters())
    if hasattr(policy, "critic"):
        return _trainable(net.critic.parameters())
    return _trainable([*net.mlp_extractor.value_net.parameters(), *net.value_net.parameters()])


def _trainable(parameters: Iterable[Any]) -> list[Any]:
    return [p for p in parameters if p.requires_grad]


def _count(parameters: Iterable[Any]) -> int:
    return sum(p.numel() for p in parameters)
