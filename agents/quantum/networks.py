"""Circuits as networks of a policy: their default sizes, and one layer with the circuit inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from entangrid.agents.quantum.compiling import CompiledCircuit, compile_circuit
from entangrid.agents.quantum.cv import CVCircuit
from entangrid.agents.quantum.cv_module import CVModule
from entangrid.agents.quantum.fitting import fit_circuit, fit_cv_circuit
from entangrid.agents.quantum.noisy import Counting
from entangrid.agents.quantum.torchquantum import tq
from entangrid.data.errors import InputError

#: fields of `Circuit`, or of `CVCircuit` with `n_modes` among them, as a dictionary, or an importable function from the
#: number of inputs to a torch module
CircuitOption = Mapping[str, Any] | Callable[[int], nn.Module]

ROLES = ("actor", "critic", "both")


def check_role(quantum: str) -> tuple[bool, bool]:
    """Whether actor and critic are circuits. Raises `InputError` for an unknown word."""
    if quantum not in ROLES:
        raise InputError(f"quantum={quantum!r} is unknown; expected one of {', '.join(ROLES)}")
    return quantum != "critic", quantum != "actor"


class CVLayer(nn.Module):
    """A continuous-variable circuit between neighbours of any precision."""

    def __init__(self, module: CVModule) -> None:
        super().__init__()
        self.module = module

    @property
    def circuit(self) -> CVCircuit:
        """The description."""
        return self.module.circuit

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Read-outs (B, outputs) of observations (B, n_inputs), in the observations' type."""
        out: torch.Tensor = self.module(x).to(x.dtype)
        return out


def _cv_precision(backend: str | Mapping[str, Any], field: str) -> str:
    options = dict(backend) if isinstance(backend, Mapping) else {"backend": backend}
    precision = options.pop("precision", "single")
    if options not in ({}, {"backend": "fused"}, {"backend": "torch"}):
        raise InputError(
            f"backend={backend!r} does not go with n_modes in {field}: qumodes have a simulator of their own, in plain"
            " torch; expected {'precision': 'single' or 'double'} or nothing"
        )
    return str(precision)


def _between_neighbours(layer: nn.Module) -> nn.Module:
    """The layer, with its outputs in the observations' type where it computes in double precision."""
    if getattr(layer, "dtype", torch.float32) == torch.float64:
        layer.register_forward_hook(_as_observed)
    return layer


def _as_observed(layer: nn.Module, args: tuple[torch.Tensor, ...], out: torch.Tensor) -> torch.Tensor:
    return out.to(args[0].dtype)


def restart_draws(network: nn.Module) -> None:
    """Give circuits with noise or shots their own random numbers back: SB3 builds a target by loading the state of the
    network it follows, the state of whose draws is then the target's too."""
    for module in network.modules():
        if isinstance(module, Counting):
            module.restart()


def circuit_layer(
    option: CircuitOption, n_inputs: int, backend: str | Mapping[str, Any], field: str = "circuit"
) -> tuple[nn.Module, int]:
    """(the layer (B, n_inputs) -> (B, outputs), outputs).

    A function's module is compiled if it is a TorchQuantum module and taken as it is otherwise; its outputs are counted
    by a call. Raises `InputError` naming the field.
    """
    if isinstance(option, Mapping) and "n_modes" in option:
        cv = fit_cv_circuit(option, n_inputs, field)
        return CVLayer(cv.build(_cv_precision(backend, field))), cv.outputs
    if isinstance(option, Mapping):
        circuit = fit_circuit(option, n_inputs, field)
        return _between_neighbours(compile_circuit(circuit, backend=backend)), circuit.outputs
    if not callable(option):
        raise InputError(f"{field}={option!r}: expected a dictionary, or a function from the number of inputs")
    module: nn.Module = option(n_inputs)
    layer = module
    if isinstance(module, tq.QuantumModule):
        layer = _between_neighbours(compile_circuit(module, backend=backend))
    with torch.no_grad():
        out = layer(torch.zeros(2, n_inputs))
    if out.dim() != 2 or out.shape[0] != 2:
        raise InputError(f"{field}: the module returns shape {tuple(out.shape)} for 2 rows; expected (2, outputs)")
    return layer, int(out.shape[1])


def plain(option: CircuitOption, layer: nn.Module | None) -> CircuitOption:
    """What rebuilds the layer when a policy is loaded: every field of the circuit, or the function."""
    if isinstance(layer, CompiledCircuit | CVLayer) and isinstance(option, Mapping):
        return layer.circuit.to_dict()
    return option
