"""Actor-critic policies with a choice of heads and with learning rates by group; the classical twin."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import Distribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule

from entangrid.agents.heads import SB3_GAIN, BetaDistribution, ForgetsDistribution, check_head, install_head
from entangrid.agents.optimizers import ScaledAdam, scaled
from entangrid.agents.parameter_groups import Groups, grouped_optimizer
from entangrid.data.errors import InputError


class GroupedActorCriticPolicy(ForgetsDistribution, ActorCriticPolicy):
    """SB3's `ActorCriticPolicy` with one of `entangrid.agents.heads.HEADS` and named parameter groups.

    ``head``                 None is SB3's own for the action space
    ``output_gain``          gain of the head's orthogonal initialisation; SB3 uses 0.01
    ``inverse_temperature``  first value of the "softmax" head's
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        head: str | None = None,
        output_gain: float = SB3_GAIN,
        inverse_temperature: float = 1.0,
        optimizer_class: type[torch.optim.Optimizer] = ScaledAdam,
        **kwargs: Any,
    ) -> None:
        self.head = check_head(head, action_space, bool(kwargs.get("use_sde", False)))
        self.output_gain, self.inverse_temperature = float(output_gain), float(inverse_temperature)
        optimizer_class = scaled(optimizer_class)
        super().__init__(observation_space, action_space, lr_schedule, optimizer_class=optimizer_class, **kwargs)

    @abstractmethod
    def parameter_groups(self) -> tuple[Groups, dict[str, float]]:
        """Named groups and the factor of each on the learning rate."""

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        install_head(self, self.head, self.output_gain, self.inverse_temperature)
        groups, scales = self.parameter_groups()
        self.optimizer = grouped_optimizer(
            self.optimizer_class, self.parameters(), groups, scales, lr_schedule(1), self.optimizer_kwargs
        )

    def _get_action_dist_from_latent(self, latent_pi: torch.Tensor) -> Distribution:
        if isinstance(self.action_dist, BetaDistribution):
            return self.action_dist.proba_distribution(self.action_net(latent_pi))
        return super()._get_action_dist_from_latent(latent_pi)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        data.update(head=self.head, output_gain=self.output_gain, inverse_temperature=self.inverse_temperature)
        if not self.use_sde:
            data["squash_output"] = False  # a head squashes by itself
        return data


class ScaledActorCriticPolicy(GroupedActorCriticPolicy):
    """The classical twin of the quantum policy: its actor learns ``lr_scale_actor`` times as fast as the rest.

    The quantum policy's three factors act on its actor alone; with this one a classical arm differs from it in the
    actor's network and rate, and in nothing else. Raises `InputError` for a factor that is not positive.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        lr_scale_actor: float = 1.0,
        **kwargs: Any,
    ) -> None:
        if not lr_scale_actor > 0.0:
            raise InputError(f"lr_scale_actor={lr_scale_actor!r} must be positive")
        self.lr_scale_actor = float(lr_scale_actor)
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    def parameter_groups(self) -> tuple[Groups, dict[str, float]]:
        """The actor, its latent network and head."""
        actor = [*self.mlp_extractor.policy_net.parameters(), *self.action_net.parameters()]
        return {"actor": actor}, {"actor": self.lr_scale_actor}

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        data.update(lr_scale_actor=self.lr_scale_actor)
        return data
