"""Stable-Baselines3 actor-critic policies whose actor, critic or both are circuits (PPO, A2C, REINFORCE)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import MlpExtractor
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from entangrid.agents.heads import n_logits
from entangrid.agents.optimizers import ScaledAdam
from entangrid.agents.parameter_groups import CIRCUIT_GROUPS, Groups, check_scales, circuit_groups
from entangrid.agents.policies import GroupedActorCriticPolicy
from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.compiling import CompiledCircuit
from entangrid.agents.quantum.cv import CVCircuit
from entangrid.agents.quantum.networks import CircuitOption, CVLayer, check_role, circuit_layer, plain
from entangrid.data.errors import InputError

LR_GROUPS = CIRCUIT_GROUPS


class CircuitExtractor(MlpExtractor):
    """SB3's pair of latent networks with circuits in place of the actor's, the critic's or both.

    ``actor`` and ``critic`` are None where that network stays SB3's; read-outs are the latent numbers.
    """

    def __init__(
        self,
        features_dim: int,
        actor: CircuitOption | None,
        critic: CircuitOption | None,
        backend: str | Mapping[str, Any],
        net_arch: dict[str, list[int]],
        activation_fn: type[nn.Module],
        device: torch.device,
    ) -> None:
        super().__init__(features_dim, net_arch=net_arch, activation_fn=activation_fn, device=device)
        if actor is not None:
            layer, self.latent_dim_pi = circuit_layer(actor, features_dim, backend)
            self.policy_net = nn.Sequential(layer).to(device)
        if critic is not None:
            layer, self.latent_dim_vf = circuit_layer(critic, features_dim, backend, "critic_circuit")
            self.value_net = nn.Sequential(layer).to(device)


class QuantumActorCriticPolicy(GroupedActorCriticPolicy):
    """Actor-critic policy: circuit, then SB3's own linear head, as actor, as critic or as both.

    The heads ``action_net`` and ``value_net`` are the trainable output scaling; no other layer follows a circuit and
    none precedes it. Pass plain data through ``policy_kwargs``, so that saving and loading work:

    ``quantum``           which network is a circuit: "actor", "critic" or "both"
    ``circuit``           fields of `Circuit` as a dictionary; `n_inputs` is the length of the observation, and
                          `n_qubits` defaults to it, at most 6, with layers enough to read every input at least once
                          (at least 3). With `n_modes` among them fields of `CVCircuit`: a continuous-variable circuit
                          (see `fit_cv_circuit` for its defaults). Or an importable function from the number of inputs
                          to a module
    ``critic_circuit``    the same for the critic
    ``backend``           what executes circuits: a name, or a mapping with its options (see `compile_circuit`)
    ``lr_scales``         factors on the learning rate of the actor's "input_scaling", "angles" and "output_scaling"
                          (1 by default); they hold under any schedule
    ``critic_lr_scales``  the same for the critic's
    ``head``              one of `entangrid.agents.heads.HEADS`; "softmax" is Jerbi's policy, one observable an action
                          times a trainable inverse temperature, for which the circuit's `output` defaults to "linear"
    ``output_gain``       gain of the actor's head's orthogonal initialisation; SB3 uses 0.01
    ``net_arch``          dict(vf=[64, 64]) or dict(pi=[64, 64]): hidden layers of the network that is no circuit

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
        quantum: str = "actor",
        circuit: CircuitOption | None = None,
        critic_circuit: CircuitOption | None = None,
        backend: str | Mapping[str, Any] = "fused",
        lr_scales: Mapping[str, float] | None = None,
        critic_lr_scales: Mapping[str, float] | None = None,
        optimizer_class: type[torch.optim.Optimizer] = ScaledAdam,
        **kwargs: Any,
    ) -> None:
        self.quantum = quantum
        self.quantum_actor, self.quantum_critic = check_role(quantum)
        net_arch = _hidden_layers(net_arch, self.quantum_actor, self.quantum_critic)
        self.lr_scales = check_scales(lr_scales)
        self.critic_lr_scales = check_scales(critic_lr_scales, "critic_lr_scales")
        for field, value, used in (
            ("circuit", circuit, self.quantum_actor),
            ("lr_scales", lr_scales, self.quantum_actor),
            ("critic_circuit", critic_circuit, self.quantum_critic),
            ("critic_lr_scales", critic_lr_scales, self.quantum_critic),
        ):
            if value and not used:
                raise InputError(f"{field}={value!r} is not used with quantum={quantum!r}")
        self.circuit_option: CircuitOption = {} if circuit is None else circuit
        self.critic_option: CircuitOption = {} if critic_circuit is None else critic_circuit
        self.backend = backend
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            net_arch=net_arch,
            activation_fn=activation_fn,
            optimizer_class=optimizer_class,
            **kwargs,
        )

    def _build_mlp_extractor(self) -> None:
        assert isinstance(self.net_arch, dict)
        actor = self.circuit_option
        if self.head == "softmax" and isinstance(actor, Mapping) and "output" not in actor:
            actor = {**actor, "output": "linear", "n_outputs": n_logits(self.action_space)}
        self.mlp_extractor = CircuitExtractor(
            int(self.features_dim),
            actor if self.quantum_actor else None,
            self.critic_option if self.quantum_critic else None,
            self.backend,
            self.net_arch,
            self.activation_fn,
            self.device,
        )

    @property
    def circuit(self) -> Circuit | CVCircuit:
        """The actor's circuit."""
        return _circuit_of(self.mlp_extractor.policy_net, "actor")

    @property
    def critic_circuit(self) -> Circuit | CVCircuit:
        """The critic's circuit."""
        return _circuit_of(self.mlp_extractor.value_net, "critic")

    def parameter_groups(self) -> tuple[Groups, dict[str, float]]:
        """Three groups for each circuit; the critic's names begin with "critic."."""
        groups: Groups = {}
        scales: dict[str, float] = {}
        if self.quantum_actor:
            groups |= circuit_groups([self.mlp_extractor.policy_net], [self.action_net])
            scales |= self.lr_scales
        if self.quantum_critic:
            groups |= circuit_groups([self.mlp_extractor.value_net], [self.value_net], "critic.")
            scales |= {f"critic.{name}": scale for name, scale in self.critic_lr_scales.items()}
        return groups, scales

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        data.update(quantum=self.quantum, backend=self.backend)
        if self.quantum_actor:
            layer = self.mlp_extractor.policy_net[0]
            data.update(circuit=plain(self.circuit_option, layer), lr_scales=self.lr_scales)
        if self.quantum_critic:
            layer = self.mlp_extractor.value_net[0]
            data.update(critic_circuit=plain(self.critic_option, layer), critic_lr_scales=self.critic_lr_scales)
        return data


def _hidden_layers(net_arch: Any, quantum_actor: bool, quantum_critic: bool) -> dict[str, list[int]]:
    """Hidden layers of the classical networks: [64, 64] by default, none where a circuit stands."""
    layers = {"pi": [] if quantum_actor else [64, 64], "vf": [] if quantum_critic else [64, 64]}
    if net_arch is None:
        return layers
    for name, is_circuit, what in (("pi", quantum_actor, "actor"), ("vf", quantum_critic, "critic")):
        if not isinstance(net_arch, dict) or (is_circuit and net_arch.get(name)):
            other = "vf" if name == "pi" else "pi"
            raise InputError(f"net_arch={net_arch!r}: the {what} is the circuit; expected dict({other}=[...])")
        if not is_circuit:
            layers[name] = list(net_arch.get(name, []))
    return layers


def _circuit_of(network: nn.Sequential, what: str) -> Circuit | CVCircuit:
    layer = network[0] if len(network) else None
    if not isinstance(layer, CompiledCircuit | CVLayer):
        raise InputError(f"the {what} is not described by a Circuit or a CVCircuit")
    return layer.circuit
