"""Stable-Baselines3's DQN with a circuit as Q-network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import nn

from entangrid.agents.optimizers import ScaledAdam, scaled
from entangrid.agents.parameter_groups import check_scales, circuit_groups, grouped_optimizer
from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.compiling import CompiledCircuit
from entangrid.agents.quantum.cv import CVCircuit
from entangrid.agents.quantum.networks import CircuitOption, CVLayer, circuit_layer, plain, restart_draws
from entangrid.data.errors import InputError


class QuantumQNetwork(QNetwork):
    """SB3's Q-network with a circuit and at most one linear layer inside; ``linear_head`` as in the policy."""

    def __init__(
        self,
        *args: Any,
        circuit: CircuitOption,
        backend: str | Mapping[str, Any] = "fused",
        linear_head: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **(kwargs | {"net_arch": []}))
        n_actions = int(self.action_space.n)
        if not linear_head and isinstance(circuit, Mapping) and "output" not in circuit:
            circuit = {**circuit, "output": "affine", "n_outputs": n_actions}
        layer, outputs = circuit_layer(circuit, self.features_dim, backend)
        if not linear_head and outputs != n_actions:
            raise InputError(f"circuit: {outputs} outputs, but linear_head=False needs one an action, {n_actions}")
        self.option, self.backend, self.linear_head = plain(circuit, layer), backend, linear_head
        self.q_net = nn.Sequential(layer, *([nn.Linear(outputs, n_actions)] if linear_head else []))

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        data.update(circuit=self.option, backend=self.backend, linear_head=self.linear_head)
        return data


class QuantumDQNPolicy(DQNPolicy):
    """DQN's policy whose Q-network and target network are circuits.

    ``circuit``, ``backend`` and ``lr_scales`` are as in `QuantumActorCriticPolicy`. ``linear_head`` True puts one
    linear layer from the read-outs to the actions' values; False leaves that to the circuit's own `output`, with one
    output an action ("affine" by default; "scale" with one observable an action is Skolik's,
    doi:10.22331/q-2022-05-24-720). Everything else is as in SB3's `DQNPolicy`. Raises `InputError` naming the field.
    """

    q_net: QuantumQNetwork
    q_net_target: QuantumQNetwork

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Discrete,
        lr_schedule: Schedule,
        net_arch: list[int] | None = None,
        *,
        circuit: CircuitOption | None = None,
        backend: str | Mapping[str, Any] = "fused",
        linear_head: bool = True,
        lr_scales: Mapping[str, float] | None = None,
        optimizer_class: type[torch.optim.Optimizer] = ScaledAdam,
        optimizer_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if net_arch:
            raise InputError(f"net_arch={net_arch!r}: the Q-network is the circuit; expected none")
        self.circuit_option: CircuitOption = {} if circuit is None else circuit
        self.backend, self.linear_head = backend, linear_head
        self.lr_scales = check_scales(lr_scales)
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            [],
            optimizer_class=scaled(optimizer_class),
            optimizer_kwargs=off_policy_options(optimizer_class, optimizer_kwargs),
            **kwargs,
        )

    def make_q_net(self) -> QuantumQNetwork:
        """A Q-network with features of its own."""
        options: dict[str, Any] = self._update_features_extractor(self.net_args, features_extractor=None)
        return QuantumQNetwork(
            **options, circuit=self.circuit_option, backend=self.backend, linear_head=self.linear_head
        ).to(self.device)

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        restart_draws(self.q_net_target)
        network: Any = self.q_net.q_net
        self.optimizer = grouped_optimizer(
            self.optimizer_class,
            self.q_net.parameters(),
            circuit_groups(network[:1], network[1:]),
            self.lr_scales,
            lr_schedule(1),
            self.optimizer_kwargs,
        )

    @property
    def circuit(self) -> Circuit | CVCircuit:
        """The Q-network's circuit."""
        layer = self.q_net.q_net[0]
        if not isinstance(layer, CompiledCircuit | CVLayer):
            raise InputError("the Q-network is not described by a Circuit or a CVCircuit")
        return layer.circuit

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        data.update(
            circuit=self.q_net.option, backend=self.backend, linear_head=self.linear_head, lr_scales=self.lr_scales
        )
        return data


def off_policy_options(
    optimizer_class: type[torch.optim.Optimizer], options: dict[str, Any] | None
) -> dict[str, Any] | None:
    """The optimizer's options; SB3's off-policy algorithms use Adam with torch's own eps."""
    if options is None and scaled(optimizer_class) is ScaledAdam:
        return {"eps": 1e-8}
    return options
