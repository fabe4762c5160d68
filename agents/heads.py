"""Heads of actor-critic policies: from the actor's latent numbers to a distribution of actions.

| head | action space | after the latent numbers |
| --- | --- | --- |
| "gaussian" | Box | linear mean, a trainable log standard deviation; clipped to the bounds by SB3 (its default) |
| "squashed-gaussian" | bounded Box | the same, through tanh |
| "beta" | bounded Box | linear, α and β = 1 + softplus; no mass outside the bounds, no bias from clipping |
| "categorical" | Discrete, MultiDiscrete, MultiBinary | linear logits (SB3's default) |
| "softmax" | Discrete, MultiDiscrete | the latent numbers times one trainable inverse temperature, no linear layer |
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import (
    Distribution,
    SquashedDiagGaussianDistribution,
    sum_independent_dims,
)
from stable_baselines3.common.preprocessing import get_action_dim
from torch import nn
from torch.nn.functional import softplus

from entangrid.data.errors import InputError

if TYPE_CHECKING:
    from stable_baselines3.common.policies import ActorCriticPolicy

HEADS = ("gaussian", "squashed-gaussian", "beta", "categorical", "softmax")
SB3_GAIN = 0.01  # of the heads' orthogonal initialisation
_LOG_2 = math.log(2.0)
_EDGE = 1e-6  # of the unit interval: a sample rounded onto a bound has no finite log probability


class BetaDistribution(Distribution):
    """Independent Beta distributions on [-1, 1], which SB3 maps to the bounds of the action space.

    Chou, Maturana and Scherer (2017), Improving stochastic policy gradients in continuous control with deep
    reinforcement learning using the Beta distribution, ICML, PMLR 70:834. α, β > 1 keeps each unimodal. The
    deterministic action is the mean, which stays well defined where the mode does not (α = β = 1).
    """

    distribution: torch.distributions.Beta

    def __init__(self, action_dim: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.action_dim = action_dim

    def proba_distribution_net(self, latent_dim: int) -> nn.Module:
        """The linear layer (latent_dim -> 2 action_dim)."""
        return nn.Linear(latent_dim, 2 * self.action_dim)

    def proba_distribution(self, raw: torch.Tensor) -> BetaDistribution:
        """From the linear layer's outputs (B, 2 action_dim)."""
        alpha, beta = (1.0 + softplus(raw)).chunk(2, dim=1)
        self.distribution = torch.distributions.Beta(alpha, beta, validate_args=False)
        return self

    def log_prob(self, actions: torch.Tensor) -> torch.Tensor:
        """Log density (B,) of actions (B, action_dim) in [-1, 1]."""
        unit = (0.5 * (actions + 1.0)).clamp(_EDGE, 1.0 - _EDGE)
        density: torch.Tensor = self.distribution.log_prob(unit)  # type: ignore[no-untyped-call]
        return sum_independent_dims(density - _LOG_2)

    def entropy(self) -> torch.Tensor:
        """Differential entropy (B,)."""
        entropy: torch.Tensor = self.distribution.entropy()  # type: ignore[no-untyped-call]
        return sum_independent_dims(entropy + _LOG_2)

    def sample(self) -> torch.Tensor:
        """Actions (B, action_dim), differentiable in the parameters."""
        return 2.0 * self.distribution.rsample() - 1.0

    def mode(self) -> torch.Tensor:
        """The mean (B, action_dim)."""
        return 2.0 * self.distribution.mean - 1.0

    def actions_from_params(self, raw: torch.Tensor, deterministic: bool = False) -> torch.Tensor:
        """Actions from the linear layer's outputs."""
        return self.proba_distribution(raw).get_actions(deterministic)

    def log_prob_from_params(self, raw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Actions and their log densities from the linear layer's outputs."""
        actions = self.actions_from_params(raw)
        return actions, self.log_prob(actions)


class InverseTemperature(nn.Module):
    """Logits β z of a softmax over z, with one trainable β (Jerbi et al. 2021, arXiv:2103.05577, definition 1)."""

    def __init__(self, first: float = 1.0) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.tensor(float(first)))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Logits (B, n) of numbers (B, n)."""
        return self.beta * z


class ForgetsDistribution:
    """A policy that copies and pickles without the last batch's distribution; stands before SB3's class.

    Without this, ``copy.deepcopy`` of an SB3 policy fails after training: the distribution holds tensors that belong
    to a gradient's graph.
    """

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if "action_dist" in state:
            state["action_dist"] = _without_tensors(state["action_dist"])
        return state


def _without_tensors(distribution: Any) -> Any:
    kept = copy.copy(distribution)
    for name, value in vars(distribution).items():
        if name in ("distribution", "weights_dist", "gaussian_actions", "_latent_sde"):
            vars(kept)[name] = None
        elif isinstance(value, torch.Tensor):  # the exploration matrices of gSDE, which a rollout goes on using
            vars(kept)[name] = value.detach()
    return kept


def n_logits(space: spaces.Space[Any]) -> int:
    """Logits that the "softmax" head needs. Raises `InputError` for a space that is not discrete."""
    if isinstance(space, spaces.Discrete):
        return int(space.n)
    if isinstance(space, spaces.MultiDiscrete):
        return int(space.nvec.sum())
    raise InputError(f"head='softmax' needs a Discrete or MultiDiscrete action space, not {space}")


def check_head(head: str | None, space: spaces.Space[Any], use_sde: bool = False) -> str:
    """The head's name, by default the one that SB3 takes. Raises `InputError` if it does not go with the space."""
    continuous = isinstance(space, spaces.Box)
    if head is None:
        return "gaussian" if continuous else "categorical"
    if head not in HEADS:
        raise InputError(f"head={head!r} is unknown; expected one of {', '.join(HEADS)}")
    if continuous == (head in ("categorical", "softmax")):
        raise InputError(f"head={head!r} does not go with the action space {space}")
    if head == "softmax":
        n_logits(space)
    if head in ("squashed-gaussian", "beta"):
        assert isinstance(space, spaces.Box)
        if use_sde:
            raise InputError(f"head={head!r} does not go with use_sde")
        if not space.is_bounded():
            raise InputError(f"head={head!r} needs a bounded action space, not {space}")
    return head


def install_head(policy: ActorCriticPolicy, head: str, gain: float, inverse_temperature: float) -> None:
    """Put a head in the place of the one that SB3's ``_build`` made; ``gain`` is of its orthogonal initialisation.

    Raises `InputError` where the "softmax" head finds another number of latent numbers than of actions.
    """
    latent_dim, space = policy.mlp_extractor.latent_dim_pi, policy.action_space
    if head == "squashed-gaussian":
        policy.action_dist = SquashedDiagGaussianDistribution(get_action_dim(space))
        policy._squash_output = True
    elif head == "beta":
        policy.action_dist = BetaDistribution(get_action_dim(space))
        policy.action_net = policy.action_dist.proba_distribution_net(latent_dim)
        policy._squash_output = True
        del policy.log_std
    elif head == "softmax":
        if latent_dim != n_logits(space):
            raise InputError(f"head='softmax': the actor has {latent_dim} outputs; expected {n_logits(space)}")
        policy.action_net = InverseTemperature(inverse_temperature)
    if policy.ortho_init and (head == "beta" or gain != SB3_GAIN):
        policy.action_net.apply(lambda module: policy.init_weights(module, gain=gain))
