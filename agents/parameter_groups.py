"""Parameter groups with names and factors on the learning rate, for one optimizer of a policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from entangrid.agents.optimizers import scaled
from entangrid.data.errors import InputError

#: groups of a network with a circuit: λ and input layer, gate angles, and everything after the read-out
CIRCUIT_GROUPS = ("input_scaling", "angles", "output_scaling")

Groups = dict[str, list[nn.Parameter]]


#: a key beside the groups: 0 freezes the linear layers before the gates and after the read-out, λ and angles are left
LAYERS = "layers"


def check_scales(scales: Mapping[str, float] | None, field: str = "lr_scales") -> dict[str, float]:
    """A factor for each of `CIRCUIT_GROUPS`, 1 where none is given; 0 freezes a group. `LAYERS` may be 0 besides.

    Raises `InputError` naming the field for a group that does not exist or a factor that is negative or no number.
    """
    if unknown := sorted(set(scales or {}) - {*CIRCUIT_GROUPS, LAYERS}):
        raise InputError(f"{field}: unknown group {unknown[0]!r}; expected some of {', '.join(CIRCUIT_GROUPS)}")
    out = {name: float((scales or {}).get(name, 1.0)) for name in CIRCUIT_GROUPS}
    if LAYERS in (scales or {}):
        out[LAYERS] = float((scales or {})[LAYERS])
        if out[LAYERS] not in (0.0, 1.0):
            raise InputError(f"{field}: {LAYERS} is {out[LAYERS]:g}; expected 0 (frozen) or 1")
    if wrong := {name: scale for name, scale in out.items() if not 0.0 <= scale < float("inf")}:
        raise InputError(f"{field}: {wrong} must be finite and not negative")
    return out


def circuit_groups(circuits: Iterable[nn.Module], heads: Iterable[nn.Module], prefix: str = "") -> Groups:
    """The parameters of circuits and of the layers after them, by group; each name begins with ``prefix``.

    Within a circuit's module the name of a parameter decides: ``input_scaling`` and ``input_layer`` come before the
    gates, ``output_scaling`` and ``output_bias`` after the read-out, all others are angles.
    """
    groups: Groups = {prefix + name: [] for name in CIRCUIT_GROUPS}
    for circuit in circuits:
        for name, parameter in circuit.named_parameters():
            parts = set(name.split("."))
            parameter.is_classical_layer = "input_layer" in parts  # type: ignore[attr-defined]  # for `LAYERS`
            if parts & {"input_scaling", "input_layer"}:
                groups[prefix + "input_scaling"].append(parameter)
            elif parts & {"output_scaling", "output_bias"}:
                groups[prefix + "output_scaling"].append(parameter)
            else:
                groups[prefix + "angles"].append(parameter)
    for head in heads:
        for parameter in head.parameters():
            parameter.is_classical_layer = True  # type: ignore[attr-defined]
            groups[prefix + "output_scaling"].append(parameter)
    return groups


def grouped_optimizer(
    optimizer_class: type[torch.optim.Optimizer],
    parameters: Iterable[nn.Parameter],
    groups: Groups,
    scales: Mapping[str, float],
    lr: float,
    options: Mapping[str, Any],
) -> torch.optim.Optimizer:
    """An optimizer with a group "base" (factor 1) of the parameters that are in no other, then the named groups.

    The parameters of a group with factor 0 are frozen: they take no gradient, and so have no part in its clipping.
    """
    for name, members in groups.items():
        layers = scales.get(name.rpartition(".")[0] + ("." if "." in name else "") + LAYERS, 1.0)
        for parameter in members:
            classical = getattr(parameter, "is_classical_layer", False)
            if scales[name] == 0.0 or (layers == 0.0 and classical):
                parameter.requires_grad_(False)
    taken = {id(p) for members in groups.values() for p in members}
    rest = [p for p in parameters if id(p) not in taken]
    found: list[dict[str, Any]] = [{"params": rest, "name": "base", "lr_scale": 1.0}]
    found += [{"params": members, "name": name, "lr_scale": scales[name]} for name, members in groups.items()]
    build: Any = scaled(optimizer_class)
    optimizer: torch.optim.Optimizer = build(found, lr=lr, **options)
    return optimizer
