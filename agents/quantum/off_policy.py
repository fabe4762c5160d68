"""Circuits for SAC, TD3 and DDPG: the actor's, and critics whose circuit encodes observation and action together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ContinuousCritic
from stable_baselines3.common.preprocessing import get_action_dim
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.sac.policies import Actor as SACActor
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import Actor as TD3Actor
from stable_baselines3.td3.policies import TD3Policy
from torch import nn

from entangrid.agents.heads import ForgetsDistribution
from entangrid.agents.optimizers import ScaledAdam, scaled
from entangrid.agents.parameter_groups import check_scales, circuit_groups, grouped_optimizer
from entangrid.agents.quantum.networks import CircuitOption, check_role, circuit_layer, plain, restart_draws
from entangrid.agents.quantum.q_policies import off_policy_options
from entangrid.data.errors import InputError


class PlainSACActor(ForgetsDistribution, SACActor):
    """SB3's SAC actor, copyable after training."""


class QuantumSACActor(ForgetsDistribution, SACActor):
    """SB3's SAC actor on the read-outs of a circuit: linear mean and log standard deviation, through tanh."""

    def __init__(
        self, *args: Any, circuit: CircuitOption, backend: str | Mapping[str, Any] = "fused", **kwargs: Any
    ) -> None:
        n_inputs = int(kwargs["features_dim"])
        layer, outputs = circuit_layer(circuit, n_inputs, backend)
        super().__init__(*args, **(kwargs | {"net_arch": [], "features_dim": outputs}))
        self.features_dim = n_inputs
        self.latent_pi = nn.Sequential(layer)
        self.option, self.backend = plain(circuit, layer), backend

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        data.update(circuit=self.option, backend=self.backend)
        return data


class QuantumTD3Actor(TD3Actor):
    """SB3's TD3 actor on the read-outs of a circuit: one linear layer, through tanh."""

    def __init__(
        self, *args: Any, circuit: CircuitOption, backend: str | Mapping[str, Any] = "fused", **kwargs: Any
    ) -> None:
        n_inputs = int(kwargs["features_dim"])
        layer, outputs = circuit_layer(circuit, n_inputs, backend)
        super().__init__(*args, **(kwargs | {"net_arch": [], "features_dim": outputs}))
        self.features_dim = n_inputs
        self.mu = nn.Sequential(layer, *self.mu)
        self.option, self.backend = plain(circuit, layer), backend

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        data.update(circuit=self.option, backend=self.backend)
        return data


class QuantumContinuousCritic(ContinuousCritic):
    """SB3's Q(s, a) critics, each a circuit that encodes the observation and, after it, the action [-1, 1]."""

    def __init__(
        self, *args: Any, circuit: CircuitOption, backend: str | Mapping[str, Any] = "fused", **kwargs: Any
    ) -> None:
        super().__init__(*args, **(kwargs | {"net_arch": []}))
        n_inputs = int(kwargs["features_dim"]) + get_action_dim(self.action_space)
        for i in range(self.n_critics):
            layer, outputs = circuit_layer(circuit, n_inputs, backend, "critic_circuit")
            self.q_networks[i] = nn.Sequential(layer, nn.Linear(outputs, 1))
            self.add_module(f"qf{i}", self.q_networks[i])
        self.option = plain(circuit, layer)


if TYPE_CHECKING:
    _Policy = SACPolicy
else:
    _Policy = object


class _QuantumNetworks(_Policy):
    """What the SAC and the TD3 policy have in common; stands before SB3's policy among the bases."""

    actor_class: type[nn.Module]  # with a circuit
    plain_actor_class: type[nn.Module]

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Box,
        lr_schedule: Schedule,
        net_arch: list[int] | dict[str, list[int]] | None = None,
        *,
        quantum: str = "both",
        circuit: CircuitOption | None = None,
        critic_circuit: CircuitOption | None = None,
        backend: str | Mapping[str, Any] = "fused",
        lr_scales: Mapping[str, float] | None = None,
        critic_lr_scales: Mapping[str, float] | None = None,
        optimizer_class: type[torch.optim.Optimizer] = ScaledAdam,
        optimizer_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.quantum = quantum
        self.quantum_actor, self.quantum_critic = check_role(quantum)
        for field, value, used in (
            ("circuit", circuit, self.quantum_actor),
            ("lr_scales", lr_scales, self.quantum_actor),
            ("critic_circuit", critic_circuit, self.quantum_critic),
            ("critic_lr_scales", critic_lr_scales, self.quantum_critic),
            ("net_arch", net_arch, quantum != "both"),
        ):
            if value and not used:
                raise InputError(f"{field}={value!r} is not used with quantum={quantum!r}")
        self.circuit_option: CircuitOption = {} if circuit is None else circuit
        self.critic_option: CircuitOption = {} if critic_circuit is None else critic_circuit
        self.backend = backend
        self.lr_scales = check_scales(lr_scales)
        self.critic_lr_scales = check_scales(critic_lr_scales, "critic_lr_scales")
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            net_arch,
            optimizer_class=scaled(optimizer_class),
            optimizer_kwargs=off_policy_options(optimizer_class, optimizer_kwargs),
            **kwargs,
        )
        if self.share_features_extractor:
            raise InputError("share_features_extractor=True: expected False, circuits have no shared layers")

    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        """SB3's actor, or one with a circuit."""
        options: dict[str, Any] = self._update_features_extractor(self.actor_kwargs, features_extractor)
        if not self.quantum_actor:
            return self.plain_actor_class(**options).to(self.device)
        return self.actor_class(**options, circuit=self.circuit_option, backend=self.backend).to(self.device)

    def make_critic(self, features_extractor: BaseFeaturesExtractor | None = None) -> ContinuousCritic:
        """SB3's critics, or critics with circuits."""
        if not self.quantum_critic:
            return super().make_critic(features_extractor)
        options: dict[str, Any] = self._update_features_extractor(self.critic_kwargs, features_extractor)
        return QuantumContinuousCritic(**options, circuit=self.critic_option, backend=self.backend).to(self.device)

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        for target in ("actor_target", "critic_target"):
            if hasattr(self, target):
                restart_draws(getattr(self, target))
        rate, options = lr_schedule(1), self.optimizer_kwargs
        if self.quantum_actor:
            actor: Any = self.actor
            if isinstance(actor, QuantumSACActor):
                log_std = actor.log_std
                heads = [actor.mu, *([log_std] if isinstance(log_std, nn.Module) else [])]
                groups = circuit_groups(actor.latent_pi, heads)
            else:
                groups = circuit_groups(actor.mu[:1], actor.mu[1:])
            actor.optimizer = grouped_optimizer(
                self.optimizer_class, actor.parameters(), groups, self.lr_scales, rate, options
            )
        if self.quantum_critic:
            networks: Any = self.critic.q_networks
            groups = circuit_groups([net[0] for net in networks], [net[1] for net in networks])
            self.critic.optimizer = grouped_optimizer(
                self.optimizer_class, self.critic.parameters(), groups, self.critic_lr_scales, rate, options
            )

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        data.update(quantum=self.quantum, backend=self.backend)
        if self.quantum_actor:
            actor: Any = self.actor
            data.update(circuit=actor.option, lr_scales=self.lr_scales)
        if self.quantum_critic:
            critic: Any = self.critic
            data.update(critic_circuit=critic.option, critic_lr_scales=self.critic_lr_scales)
        if self.quantum == "both":
            data["net_arch"] = None
        return data


class QuantumSACPolicy(_QuantumNetworks, SACPolicy):
    """SAC's policy with circuits as actor, as critics or as both.

    ``quantum``         "actor", "critic" or "both"
    ``circuit``         the actor's, of the observation; fields of `Circuit` as in `QuantumActorCriticPolicy`
    ``critic_circuit``  each critic's, of the observation with the action behind it: the action is encoded by gates of
                        its own, re-uploaded like the observation, not only read by a linear layer
    ``lr_scales``, ``critic_lr_scales``, ``backend`` are as in `QuantumActorCriticPolicy`

    ``net_arch`` and everything else are as in SB3's `SACPolicy`. Raises `InputError` naming the field.
    """

    actor_class, plain_actor_class = QuantumSACActor, PlainSACActor


class QuantumTD3Policy(_QuantumNetworks, TD3Policy):  # type: ignore[misc]  # both bases name their own actor
    """TD3's and DDPG's policy with circuits as actor, as critics or as both; options as in `QuantumSACPolicy`."""

    actor_class, plain_actor_class = QuantumTD3Actor, TD3Actor
