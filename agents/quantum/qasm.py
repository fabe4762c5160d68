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
    `analysis_cost.measurement_settings`; most circuits have one. Amplitude encoding becomes rotations that are
    controlled by all qubits before, by the angles ``prepare_i`` of `preparation_angles`, which are inputs in the place
    of the features. Raises `InputError` for a gate that ``stdgates.inc`` does not have, values of another number, and a
    setting that does not exist.
    """
    bases = measurement_settings(circuit.terms, circuit.n_qubits)
    if not 0 <= setting < len(bases):
        raise InputError(f"setting={setting} must be between 0 and {len(bases) - 1}")
    values: dict[str, Sequence[float] | None] = {"x": features, "lambda": scaling, "theta": weights}
    declared = []
    prepares = circuit.encoding == "amplitude"
    sizes = {"x": circuit.features, "lambda": circuit.program.n_scales, "theta": circuit.program.n_weights}
    for name, given in values.items():
        if given is None:
            shown, size = ("prepare", len(_nodes(circuit))) if prepares and name == "x" else (name, sizes[name])
            declared += [f"input float[64] {shown}_{i};" for i in range(size)]
        elif len(given) != sizes[name]:
            raise InputError(f"{_FIELDS[name]} has {len(given)} numbers; expected {sizes[name]}")
    n = circuit.n_qubits
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";', *_comments(circuit, bases[setting], setting, len(bases))]
    lines += [*declared, f"qubit[{n}] q;", f"bit[{n}] c;"]
    lines += _preparation(circuit, features) if prepares else []
    for gate in circuit.gates:
        lines += _statements(circuit, gate, values)
    for wire, letter in enumerate(bases[setting]):
        lines += [f"{name} q[{wire}];" for name in _TO_Z.get(letter, ())]
    return "\n".join([*lines, "c = measure q;"]) + "\n"


def preparation_angles(circuit: Circuit, features: Sequence[float]) -> list[float]:
    """Angles [rad] of the rotations that prepare an observation (n_features,) of amplitude encoding, in the order of
    ``prepare_i``: a binary tree over the amplitudes (Möttönen et al. 2005, arXiv:quant-ph/0407010).

    Each is 2 atan2(b, a) of the norms of the right and the left half of a branch, or at the last qubit of the two
    numbers themselves with their signs. Raises `InputError` for another encoding or another number of features.
    """
    if circuit.encoding != "amplitude":
        raise InputError(f"encoding={circuit.encoding!r} prepares no state; expected 'amplitude'")
    if len(features) != circuit.features:
        raise InputError(f"features has {len(features)} numbers; expected {circuit.features}")
    numbers = [float(v) for v in features] + [0.0] * ((1 << circuit.n_qubits) - circuit.features)
    out = []
    for wire, branch in _nodes(circuit):
        half = 1 << (circuit.n_qubits - wire - 1)
        left, right = (numbers[(2 * branch + k) * half :][:half] for k in (0, 1))
        a, b = (left[0], right[0]) if half == 1 else (math.hypot(*left), math.hypot(*right))
        out.append(2.0 * math.atan2(b, a))
    return out


def _nodes(circuit: Circuit) -> list[tuple[int, int]]:
    """(wire, number of the branch) of every rotation of the tree, without branches that hold no feature."""
    n = circuit.n_qubits
    return [(w, j) for w in range(n) for j in range(1 << w) if j << (n - w) < circuit.features]


def _preparation(circuit: Circuit, features: Sequence[float] | None) -> list[str]:
    angles = None if features is None else preparation_angles(circuit, features)
    lines = [
        f"// prepares the features, normalised, as amplitudes of |0> to |{circuit.features - 1}>, q[0] the highest bit"
    ]
    for i, (wire, branch) in enumerate(_nodes(circuit)):
        bits = [branch >> (wire - 1 - control) & 1 for control in range(wire)]
        modifiers = "".join("ctrl @ " if bit else "negctrl @ " for bit in bits)
        angle = f"prepare_{i}" if angles is None else _number(angles[i])
        lines.append(f"{modifiers}ry({angle}) " + ", ".join(f"q[{w}]" for w in range(wire + 1)) + ";")
    return lines


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
