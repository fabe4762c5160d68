"""A Stable-Baselines3 policy whose actor is a continuous-variable circuit."""

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
from entangrid.agents.quantum.cv import CVCircuit
from entangrid.agents.quantum.cv_module import CVModule
from entangrid.data.errors import InputError

LR_GROUPS = ("input_scaling", "angles", "output_scaling")


class CVActorCriticPolicy(ActorCriticPolicy):
    """Actor-critic policy for PPO and A2C: qumodes, then SB3's own linear head; the critic is SB3's MLP.

    The head ``action_net`` is the trainable output scaling. Pass plain data through ``policy_kwargs``, so that saving
    and loading work:

    ``circuit``      fields of `CVCircuit` as a dictionary; `n_inputs` is the length of the observation, `n_modes`
                     defaults to it, at most 2. Observations longer than the modes are re-uploaded, by as many layers as
                     read every input once; `squash` defaults to "tanh" and `init_scaling` to what keeps their sum
                     below the cutoff
    ``precision``    "single" or "double"
    ``lr_scales``    factors on the learning rate of "input_scaling", "angles" (the layers' parameters) and
                     "output_scaling" (1 by default); they hold under any schedule
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
        precision: str = "single",
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
        if set(self.lr_scales.values()) != {1.0} and not issubclass(optimizer_class, ScaledAdam):
            raise InputError(
                f"lr_scales: optimizer_class {optimizer_class.__name__} knows no factors; expected ScaledAdam"
                " (with A2C: use_rms_prop=False)"
            )
        self.circuit_options = dict(circuit or {})
        self.precision, self.output_gain = precision, output_gain
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            {"pi": [], "vf": list(net_arch.get("vf", []))},
            activation_fn,
            optimizer_class=optimizer_class,
            **kwargs,
        )

    def _build_mlp_extractor(self) -> None:
        assert isinstance(self.net_arch, dict)
        self.circuit = default_circuit(int(self.features_dim), self.circuit_options)
        extractor = MlpExtractor(self.features_dim, self.net_arch, self.activation_fn, self.device)
        extractor.policy_net = nn.Sequential(_Single(self.circuit.build(self.precision))).to(self.device)
        extractor.latent_dim_pi = self.circuit.outputs
        self.mlp_extractor = extractor

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        if self.ortho_init:
            self.action_net.apply(lambda module: self.init_weights(module, gain=self.output_gain))
        layer = self.mlp_extractor.policy_net[0]
        assert isinstance(layer, _Single)
        net = layer.module
        groups: dict[str, list[nn.Parameter]] = {
            "input_scaling": [net.input_scaling, *(net.input_layer.parameters() if net.input_layer else ())],
            "angles": [net.angles],
            "output_scaling": [*self.action_net.parameters()]
            + [p for p in (net.output_scaling, net.output_bias) if p is not None],
        }
        taken = {id(p) for params in groups.values() for p in params}
        rest = [p for p in self.parameters() if id(p) not in taken]
        param_groups: list[dict[str, Any]] = [{"params": rest, "name": "base", "lr_scale": 1.0}]
        param_groups += [
            {"params": params, "name": name, "lr_scale": self.lr_scales[name]} for name, params in groups.items()
        ]
        build: Any = self.optimizer_class
        self.optimizer = build(param_groups, lr=lr_schedule(1), **self.optimizer_kwargs)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        data.update(
            circuit=self.circuit.to_dict(),
            precision=self.precision,
            lr_scales=self.lr_scales,
            output_gain=self.output_gain,
        )
        return data


class _Single(nn.Module):
    """The circuit between single-precision neighbours."""

    def __init__(self, module: CVModule) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.module(x).to(x.dtype)
        return out


def default_circuit(n_inputs: int, options: Mapping[str, Any] | None = None) -> CVCircuit:
    """The circuit of a policy for observations of `n_inputs` numbers: `options` are fields of `CVCircuit`, and what
    they leave open is chosen as `CVActorCriticPolicy` describes. Raises `InputError` naming the field."""
    chosen = dict(options or {})
    if chosen.setdefault("n_inputs", n_inputs) != n_inputs:
        raise InputError(f"circuit: n_inputs={chosen['n_inputs']}, but the observation has {n_inputs} numbers")
    n_modes = chosen.setdefault("n_modes", min(n_inputs, 2))
    if not isinstance(n_modes, int) or n_modes < 1:
        return CVCircuit.from_dict(chosen)  # which says what is wrong
    blocks = 1 if chosen.get("input_layer") else -(-n_inputs // n_modes)
    chosen.setdefault("reupload", blocks > 1)
    chosen.setdefault("n_layers", max(2, blocks))
    encodings = chosen["n_layers"] if chosen["reupload"] else 1
    if "squash" not in chosen:
        chosen["squash"] = "tanh"
    if chosen["squash"] == "tanh" and isinstance(encodings, int) and encodings > 0:
        # displacements add up: n of them, of about lambda each, stay within 1.2, some 1.5 photons
        chosen.setdefault("init_scaling", 1.2 / encodings)
    return CVCircuit.from_dict(chosen)
