"""Circuits as networks of a policy: their default sizes, and one layer with the circuit inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.compiling import CompiledCircuit, compile_circuit
from entangrid.agents.quantum.torchquantum import tq
from entangrid.data.errors import InputError

#: fields of `Circuit` as a dictionary, or an importable function from the number of inputs to a torch module
CircuitOption = Mapping[str, Any] | Callable[[int], nn.Module]

ROLES = ("actor", "critic", "both")


def check_role(quantum: str) -> tuple[bool, bool]:
    """Whether actor and critic are circuits. Raises `InputError` for an unknown word."""
    if quantum not in ROLES:
        raise InputError(f"quantum={quantum!r} is unknown; expected one of {', '.join(ROLES)}")
    return quantum != "critic", quantum != "actor"


def fit_circuit(options: Mapping[str, Any], n_inputs: int, field: str = "circuit") -> Circuit:
    """A circuit for so many inputs: `n_qubits` defaults to them, at most 6, with layers enough to read every one of
    them at least once (at least 3). Raises `InputError` naming the field."""
    options = dict(options)
    if options.setdefault("n_inputs", n_inputs) != n_inputs:
        raise InputError(f"{field}: n_inputs={options['n_inputs']}, but the network is given {n_inputs} numbers")
    n_qubits = options.setdefault("n_qubits", min(n_inputs, 6))
    if isinstance(n_qubits, int) and n_qubits > 0 and options.get("encoding") != "amplitude":
        options.setdefault("n_layers", max(3, -(-n_inputs // n_qubits)))
    return Circuit.from_dict(options)


def circuit_layer(
    option: CircuitOption, n_inputs: int, backend: str | Mapping[str, Any], field: str = "circuit"
) -> tuple[nn.Module, int]:
    """(the layer (B, n_inputs) -> (B, outputs), outputs).

    A function's module is compiled if it is a TorchQuantum module and taken as it is otherwise; its outputs are counted
    by a call. Raises `InputError` naming the field.
    """
    if isinstance(option, Mapping):
        circuit = fit_circuit(option, n_inputs, field)
        return compile_circuit(circuit, backend=backend), circuit.outputs
    if not callable(option):
        raise InputError(f"{field}={option!r}: expected a dictionary, or a function from the number of inputs")
    module: nn.Module = option(n_inputs)
    layer = compile_circuit(module, backend=backend) if isinstance(module, tq.QuantumModule) else module
    with torch.no_grad():
        out = layer(torch.zeros(2, n_inputs))
    if out.dim() != 2 or out.shape[0] != 2:
        raise InputError(f"{field}: the module returns shape {tuple(out.shape)} for 2 rows; expected (2, outputs)")
    return layer, int(out.shape[1])


def plain(option: CircuitOption, layer: nn.Module | None) -> CircuitOption:
    """What rebuilds the layer when a policy is loaded: every field of the circuit, or the function."""
    if isinstance(layer, CompiledCircuit) and isinstance(option, Mapping):
        return layer.circuit.to_dict()
    return option
