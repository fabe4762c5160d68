"""Circuits that fit a network's inputs: what their description leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.cv import CVCircuit
from entangrid.data.errors import InputError


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


def fit_cv_circuit(options: Mapping[str, Any], n_inputs: int, field: str = "circuit") -> CVCircuit:
    """A continuous-variable circuit for so many inputs: `n_modes` defaults to them, at most 2. More inputs than modes
    are re-uploaded, by as many layers as read every one of them; `squash` defaults to "tanh", and `init_scaling` to
    what keeps the sum of displacements below the cutoff. Raises `InputError` naming the field."""
    chosen = dict(options)
    if chosen.setdefault("n_inputs", n_inputs) != n_inputs:
        raise InputError(f"{field}: n_inputs={chosen['n_inputs']}, but the network is given {n_inputs} numbers")
    n_modes = chosen.setdefault("n_modes", min(n_inputs, 2))
    if not isinstance(n_modes, int) or n_modes < 1:
        return CVCircuit.from_dict(chosen)  # which says what is wrong
    blocks = 1 if chosen.get("input_layer") else -(-n_inputs // n_modes)
    chosen.setdefault("reupload", blocks > 1)
    chosen.setdefault("n_layers", max(2, blocks))
    encodings = chosen["n_layers"] if chosen["reupload"] else 1
    if chosen.setdefault("squash", "tanh") == "tanh" and isinstance(encodings, int) and encodings > 0:
        # displacements add up: n of them, of about lambda each, stay within 1.2, some 1.5 photons
        chosen.setdefault("init_scaling", 1.2 / encodings)
    return CVCircuit.from_dict(chosen)
