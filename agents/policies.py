"""The classical twin of the quantum policy: SB3's own actor-critic with a learning rate for the actor."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule

from entangrid.agents.optimizers import ScaledAdam
from entangrid.data.errors import InputError


class ScaledActorCriticPolicy(ActorCriticPolicy):
    """SB3's `ActorCriticPolicy` whose actor learns ``lr_scale_actor`` times as fast as its critic and ``log_std``.

    The quantum policy's three factors act on its actor alone; with this one a classical arm differs from it in the
    actor's network and rate, and in nothing else. Raises `InputError` for a factor that is not positive.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        *,
        lr_scale_actor: float = 1.0,
        optimizer_class: type[torch.optim.Optimizer] = ScaledAdam,
        **kwargs: Any,
    ) -> None:
        if not lr_scale_actor > 0.0:
            raise InputError(f"lr_scale_actor={lr_scale_actor!r} must be positive")
        self.lr_scale_actor = float(lr_scale_actor)
        super().__init__(observation_space, action_space, lr_schedule, optimizer_class=optimizer_class, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        actor = [*self.mlp_extractor.policy_net.parameters(), *self.action_net.parameters()]
        taken = {id(parameter) for parameter in actor}
        rest = [parameter for parameter in self.parameters() if id(parameter) not in taken]
        groups: list[dict[str, Any]] = [
            {"params": rest, "name": "base", "lr_scale": 1.0},
            {"params": actor, "name": "actor", "lr_scale": self.lr_scale_actor},
        ]
        build: Any = self.optimizer_class
        self.optimizer = build(groups, lr=lr_schedule(1), **self.optimizer_kwargs)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        data.update(lr_scale_actor=self.lr_scale_actor)
        return data
