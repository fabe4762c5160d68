"""Stable-Baselines3 policies whose actor is a circuit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import MlpExtractor
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from entangrid.agents.optimizers import ScaledAdam
from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.compiling import CompiledCircuit, compile_circuit
from entangrid.data.errors import InputError

LR_GROUPS = ("input_scaling", "angles", "output_scaling")


class CircuitExtractor(MlpExtractor):
    """SB3's pair of latent networks with the circuit as the actor's: expectation values as latent."""

    def __init__(
        self,
        circuit: Circuit,
        backend: str | Mapping[str, Any],
        net_arch: dict[str, list[int]],
        activation_fn: type[nn.Module],
        device: torch.device,
    ) -> None:
        super().__init__(circuit.inputs, net_arch=net_arch, activation_fn=activation_fn, device=device)
        self.policy_net = nn.Sequential(compile_circuit(circuit, backend=backend)).to(device)
        self.latent_dim_pi = circuit.outputs


class QuantumActorCriticPolicy(ActorCriticPolicy):
    """Actor-critic policy for PPO and A2C: circuit, then SB3's own linear head; the critic is SB3's MLP.

    The head ``action_net`` is the trainable output scaling; no other layer follows the circuit and none precedes it.
    Pass plain data through ``policy_kwargs``, so that saving and loading work:

    ``circuit``      fields of `Circuit` as a dictionary; `n_inputs` is the length of the observation, and `n_qubits`
                     defaults to it, at most 6, with layers enough to read every input at least once (at least 3)
    ``backend``      what executes the circuit: a name, or a mapping with its options (see `compile_circuit`)
    ``lr_scales``    factors on the learning rate of "input_scaling", "angles" and "output_scaling" (1 by default);
                     they hold under any schedule
    ``output_gain``  gain of the head's orthogonal initialisation; SB3 uses 0.01
    ``net_arch``     dict(vf=[64, 64]): the critic's hidden layers, on the observation

    Everything else is as in SB3's `ActorCriticPolicy`. Raises `InputError` naming the field.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        net_arch: dict[str, list[int]] | None = None,
        activation_fn: type[nn.Module] = nn.Tanh,
        *,
        circuit: Mapping[str, Any] | None = None,
        backend: str | Mapping[str, Any] = "fused",
        lr_scales: Mapping[str, float] | None = None,
        output_gain: float = 0.01,
        optimizer_class: type[torch.optim.Optimizer] = ScaledAdam,
        **kwargs: Any,
    ) -> None:
        net_arch = {"vf": [64, 64]} if net_arch is None else net_arch
        if not isinstance(net_arch, dict) or net_arch.get("pi"):
            raise InputError(f"net_arch={net_arch!r}: the actor is the circuit; expected dict(vf=[...]) for the critic")
        if unknown := sorted(set(lr_scales or {}) - set(LR_GROUPS)):
            raise InputError(f"lr_scales: unknown group {unknown[0]!r}; expected some of {', '.join(LR_GROUPS)}")
        self.lr_scales = {name: float((lr_scales or {}).get(name, 1.0)) for name in LR_GROUPS}
        if wrong := {k: v for k, v in self.lr_scales.items() if not v >= 0.0}:
            raise InputError(f"lr_scales: {wrong} must not be negative")
        self.circuit_options = dict(circuit or {})
        self.backend, self.output_gain = backend, output_gain
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            {"pi": [], "vf": list(net_arch.get("vf", []))},
            activation_fn,
            optimizer_class=optimizer_class,
            **kwargs,
        )

    def _circuit(self) -> Circuit:
        n_inputs = int(self.features_dim)
        options = dict(self.circuit_options)
        if options.setdefault("n_inputs", n_inputs) != n_inputs:
            raise InputError(f"circuit: n_inputs={options['n_inputs']}, but the observation has {n_inputs} numbers")
        n_qubits = options.setdefault("n_qubits", min(n_inputs, 6))
        options.setdefault("n_layers", max(3, -(-n_inputs // n_qubits)))
        return Circuit.from_dict(options)

    def _build_mlp_extractor(self) -> None:
        assert isinstance(self.net_arch, dict)
        self.circuit = self._circuit()
        self.mlp_extractor = CircuitExtractor(
            self.circuit, self.backend, self.net_arch, self.activation_fn, self.device
        )

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        if self.ortho_init:
            self.action_net.apply(lambda module: self.init_weights(module, gain=self.output_gain))
        layer = self.mlp_extractor.policy_net[0]
        assert isinstance(layer, CompiledCircuit)
        net = layer.module
        groups: dict[str, list[nn.Parameter]] = {
            "input_scaling": [net.input_scaling, *(net.input_layer.parameters() if net.input_layer else ())],
            "angles": [net.angles],
            "output_scaling": [*self.action_net.parameters()]
            + [p for p in (net.output_scaling, net.output_bias) if p is not None],
        }
        taken = {id(p) for params in groups.values() for p in params}
        param_groups: list[dict[str, Any]] = [
            {"params": [p for p in self.parameters() if id(p) not in taken], "name": "base", "lr_scale": 1.0}
        ]
        param_groups += [
            {"params": params, "name": name, "lr_scale": self.lr_scales[name]} for name, params in groups.items()
        ]
        build: Any = self.optimizer_class
        self.optimizer = build(param_groups, lr=lr_schedule(1), **self.optimizer_kwargs)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        data.update(
            circuit=self.circuit.to_dict(),
            backend=self.backend,
            lr_scales=self.lr_scales,
            output_gain=self.output_gain,
        )
        return data
