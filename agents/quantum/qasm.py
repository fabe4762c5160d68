"""Circuits as OpenQASM 3 (Cross et al. 2022, doi:10.1145/3505636)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from entangrid.agents.quantum.analysis_cost import measurement_settings, pauli_strings
from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.program import Angle, Gate
from entangrid.data.errors import InputError

Values = Mapping[str, Sequence[float] | None]
_NAMES = {
    "rx": "rx", "ry": "ry", "rz": "rz", "h": "h", "hadamard": "h", "x": "x", "paulix": "x", "y": "y", "pauliy": "y",
    "z": "z", "pauliz": "z", "s": "s", "sdg": "sdg", "t": "t", "tdg": "tdg", "sx": "sx", "cnot": "cx", "cx": "cx",
    "cy": "cy", "cz": "cz", "crx": "crx", "cry": "cry", "crz": "crz", "swap": "swap", "cswap": "cswap",
}  # fmt: skip
_FIELDS = {"x": "features", "lambda": "scaling", "theta": "weights"}
_TO_Z = {"X": ("h",), "Y": ("sdg", "h")}  # what turns a basis into Z's, before measuring


def to_qasm(
    circuit: Circuit,
    setting: int = 0,
    *,
    weights: Sequence[float] | None = None,
    scaling: Sequence[float] | None = None,
    features: Sequence[float] | None = None,
) -> str:
    """The circuit as an OpenQASM 3 program with the gates of ``stdgates.inc``, measured in one of its settings.

    Inputs of the program are the features ``x_i`` (the observation behind min-max scaling and input layer), the input
    scalings ``lambda_i`` and the weights ``theta_i``, unless their values are given. `setting` is one of the bases of
    `analysis_cost.measurement_settings`; most circuits have one. Raises `InputError` for amplitude encoding, a gate
    that ``stdgates.inc`` does not have, values of another number, and a setting that does not exist.
    """
    if circuit.encoding == "amplitude":
        raise InputError("encoding='amplitude' prepares a state, for which OpenQASM 3 has no statement")
    bases = measurement_settings(circuit.terms, circuit.n_qubits)
    if not 0 <= setting < len(bases):
        raise InputError(f"setting={setting} must be between 0 and {len(bases) - 1}")
    values: dict[str, Sequence[float] | None] = {"x": features, "lambda": scaling, "theta": weights}
    declared = []
    sizes = {"x": circuit.features, "lambda": circuit.program.n_scales, "theta": circuit.program.n_weights}
    for name, given in values.items():
        if given is None:
            declared += [f"input float[64] {name}_{i};" for i in range(sizes[name])]
        elif len(given) != sizes[name]:
            raise InputError(f"{_FIELDS[name]} has {len(given)} numbers; expected {sizes[name]}")
    n = circuit.n_qubits
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";', *_comments(circuit, bases[setting], setting, len(bases))]
    lines += [*declared, f"qubit[{n}] q;", f"bit[{n}] c;"]
    for gate in circuit.gates:
        lines += _statements(circuit, gate, values)
    for wire, letter in enumerate(bases[setting]):
        lines += [f"{name} q[{wire}];" for name in _TO_Z.get(letter, ())]
    return "\n".join([*lines, "c = measure q;"]) + "\n"


def _comments(circuit: Circuit, basis: str, setting: int, n_settings: int) -> list[str]:
    terms = circuit.terms
    strings = pauli_strings(terms, circuit.n_qubits)
    lines = [f"// setting {setting + 1} of {n_settings}: qubits measured in the bases {basis.replace('I', 'Z')}"]
    for column in range(terms.weights.shape[1]):
        found = [(w, s) for w, s in zip(terms.weights[:, column], strings, strict=True) if w]
        lines.append(f"// observable {column}: " + " + ".join(f"{w:g} {s}" for w, s in found))
    return lines


def _statements(circuit: Circuit, gate: Gate, given: Values) -> list[str]:
    angles = [_angle(circuit, angle, given) for angle in gate.angles]
    if gate.name in ("rot", "crot"):  # RZ, RY, RZ in the order of time
        parts = list(zip((f"{gate.name[:-3]}r{axis}" for axis in "zyz"), ([a] for a in angles), strict=True))
    else:
        parts = [(gate.name, angles)]
    wires = ", ".join(f"q[{wire}]" for wire in gate.wires)
    out = []
    for name, values in reversed(parts) if gate.inverse else parts:
        if name not in _NAMES:
            raise InputError(f"gate {name!r} on wires {gate.wires} is none of stdgates.inc")
        inner = f"({', '.join(values)})" if values else ""
        out.append(f"{'inv @ ' if gate.inverse else ''}{_NAMES[name]}{inner} {wires};")
    return out


def _angle(circuit: Circuit, angle: Angle, given: Values) -> str:
    """One expression; what is known of it is one number."""
    known, unknown = angle.offset, []
    x, scale, weight = given["x"], given["lambda"], given["theta"]
    if angle.input >= 0 and x is not None and (angle.scale < 0 or scale is not None):
        squash = {"tanh": math.tanh, "arctan": math.atan}.get(circuit.squash, float)
        inner = float(x[angle.input]) * (float(scale[angle.scale]) if angle.scale >= 0 and scale is not None else 1.0)
        known += angle.factor * squash(inner)
    elif angle.input >= 0:
        text = f"x_{angle.input}" if x is None else _number(x[angle.input])
        if angle.scale >= 0:
            text = (f"lambda_{angle.scale}" if scale is None else _number(scale[angle.scale])) + f" * {text}"
        if circuit.squash == "tanh":  # which OpenQASM does not have
            text = f"(1.0 - 2.0 / (exp(2.0 * {text}) + 1.0))"
        elif circuit.squash == "arctan":
            text = f"arctan({text})"
        unknown.append(text if angle.factor == 1.0 else f"{_number(angle.factor)} * {text}")
    if angle.weight >= 0 and weight is not None:
        known += float(weight[angle.weight])
    elif angle.weight >= 0:
        unknown.append(f"theta_{angle.weight}")
    return " + ".join(unknown + ([_number(known)] if known or not unknown else []))


def _number(value: Any) -> str:
    """A float literal that reads back to the same bits; negative ones in brackets, so that they can be multiplied."""
    out = repr(float(value))
    if out in ("inf", "-inf", "nan"):
        raise InputError(f"{out} is no angle")
    return f"({out})" if out.startswith("-") else out
