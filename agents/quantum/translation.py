"""TorchQuantum's gates in terms of what the fast kernels execute, up to a global phase.

A gate with angles becomes rotations exp(-i gain a/2 P): about X, Y or Z of one qubit, possibly controlled, or about a
longer Pauli string. A gate without angles is a matrix, written out here in double precision, since TorchQuantum's own
are single. Tests hold every one of them to TorchQuantum's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from entangrid.agents.quantum.program import Angle, Gate


class Turn(NamedTuple):
    """Rotation of one wire about axis 1 (X), 2 (Y) or 3 (Z), where all `controls` are 1."""

    wire: int
    controls: tuple[int, ...]
    axis: int
    angle: Angle
    gain: float


class PauliTurn(NamedTuple):
    """Rotation about a product of Pauli letters on wires."""

    wires: tuple[int, ...]
    letters: str
    angle: Angle
    gain: float


class Fixed(NamedTuple):
    """A constant unitary on wires."""

    wires: tuple[int, ...]
    matrix: np.ndarray


Primitive = Turn | PauliTurn | Fixed
NO_ANGLE = Angle()

_X = np.array([[0, 1], [1, 0]], complex)
_Y = np.array([[0, -1j], [1j, 0]])
_Z = np.diag([1, -1]).astype(complex)
_S = np.diag([1, 1j])
_T = np.diag([1, np.exp(0.25j * np.pi)])
_SX = 0.5 * np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]])
_SWAP = np.eye(4)[[0, 2, 1, 3]].astype(complex)
_R = np.sqrt(0.5)
_ECR = _R * np.array([[0, 0, 1, 1j], [0, 0, 1j, 1], [1, -1j, 0, 0], [-1j, 1, 0, 0]])


def _controlled(matrix: np.ndarray, n_controls: int = 1) -> np.ndarray:
    out = np.eye(len(matrix) << n_controls, dtype=complex)
    out[-len(matrix) :, -len(matrix) :] = matrix
    return out


def _on_middle(matrix: np.ndarray) -> np.ndarray:
    """A 2x2 matrix on |01>, |10> of two wires."""
    out = np.eye(4, dtype=complex)
    out[1:3, 1:3] = matrix
    return out


_MATRICES: dict[str, np.ndarray] = {
    "hadamard": _R * np.array([[1, 1], [1, -1]], complex),
    "sh": np.array([[np.cos(np.pi / 8), -np.sin(np.pi / 8)], [np.sin(np.pi / 8), np.cos(np.pi / 8)]], complex),
    "i": np.eye(2, dtype=complex),
    "paulix": _X, "pauliy": _Y, "pauliz": _Z,
    "s": _S, "sdg": _S.conj(), "t": _T, "tdg": _T.conj(), "sx": _SX, "sxdg": _SX.conj().T,
    "cnot": _controlled(_X), "cy": _controlled(_Y), "cz": _controlled(_Z),
    "cs": _controlled(_S), "csdg": _controlled(_S.conj()), "csx": _controlled(_SX),
    "swap": _SWAP, "sswap": _on_middle(_SX), "iswap": _on_middle(1j * _X), "cswap": _controlled(_SWAP),
    "dcx": np.eye(4)[[0, 2, 3, 1]].astype(complex), "ecr": _ECR,
    "ccz": _controlled(_Z, 2), "c3x": _controlled(_X, 3), "c4x": _controlled(_X, 4), "c3sx": _controlled(_SX, 3),
}  # fmt: skip
_ALIASES = {
    "h": "hadamard", "shadamard": "sh", "x": "paulix", "y": "pauliy", "z": "pauliz", "cx": "cnot",
    "echoedcrossresonance": "ecr", "xx": "rxx", "yy": "ryy", "zz": "rzz", "zx": "rzx",
    "p": "phaseshift", "u": "u3",
}  # fmt: skip
_AXES = {"x": 1, "y": 2, "z": 3}


def _fixed_matrix(name: str, n_wires: int) -> np.ndarray | None:
    size = 1 << n_wires
    if name == "multicnot":
        return _controlled(_X, n_wires - 1)
    if name == "multixcnot":
        return np.eye(size)[[1, 0, *range(2, size)]].astype(complex)
    if name == "qft":
        k = np.arange(size)
        out: np.ndarray = np.exp(2j * np.pi * (np.outer(k, k) % size) / size) / np.sqrt(size)
        return out
    return _MATRICES.get(name)


def _euler(wire: int, controls: tuple[int, ...], angles: Sequence[Angle], gains: Sequence[float]) -> list[Primitive]:
    """RZ(third) RY(second) RZ(first), in the order of time."""
    return [Turn(wire, controls, axis, a, g) for axis, a, g in zip((3, 2, 3), angles, gains, strict=True)]


def translate(gate: Gate, matrix: np.ndarray | None = None) -> list[Primitive] | None:
    """The primitives of a gate in the order of time, or None if the kernels have none for it, or not on so many wires.

    `matrix` is the constant unitary of a gate whose name does not define it (``qubitunitary``).
    """
    name = _ALIASES.get(gate.name, gate.name)
    fixed = matrix if matrix is not None else _fixed_matrix(name, len(gate.wires))
    if fixed is not None:
        if len(fixed) != 1 << len(gate.wires):
            return None
        return [Fixed(gate.wires, fixed.conj().T if gate.inverse else fixed)]
    out = _rotations(name, gate.wires, gate.angles)
    if out is None or not gate.inverse:
        return out
    turns = [p for p in reversed(out) if not isinstance(p, Fixed)]
    return [p._replace(gain=-p.gain) for p in turns]


_ONE_WIRE = ("rx", "ry", "rz", "phaseshift", "rot", "u3", "r")


def _rotations(name: str, wires: tuple[int, ...], angles: tuple[Angle, ...]) -> list[Primitive] | None:
    if name not in ("multirz", "globalphase") and len(wires) != (1 if name in _ONE_WIRE else 2):
        return None
    match name, angles:
        case (("rx" | "ry" | "rz"), (a,)):
            return [Turn(wires[0], (), _AXES[name[1]], a, 1.0)]
        case "phaseshift", (a,):
            return [Turn(wires[0], (), 3, a, 1.0)]
        case (("crx" | "cry" | "crz"), (a,)):
            return [Turn(wires[1], wires[:1], _AXES[name[2]], a, 1.0)]
        case "rot", (a, b, c):
            return _euler(wires[0], (), (a, b, c), (1.0, 1.0, 1.0))
        case "crot", (a, b, c):
            return _euler(wires[1], wires[:1], (a, b, c), (1.0, 1.0, 1.0))
        case "u3", (theta, phi, lam):
            return _euler(wires[0], (), (lam, theta, phi), (1.0, 1.0, 1.0))
        case "r", (theta, phi):
            turns = ((3, phi, -1.0), (1, theta, 1.0), (3, phi, 1.0))
            return [Turn(wires[0], (), axis, a, g) for axis, a, g in turns]
        case (("cu3" | "cu"), (theta, phi, lam, *rest)):
            # the phase (phi + lam) / 2 that U3 has beside its rotations turns the control
            phases = [(phi, 0.5), (lam, 0.5), *((a, 1.0) for a in rest)]
            control: list[Primitive] = [Turn(wires[0], (), 3, a, g) for a, g in phases]
            return control + _euler(wires[1], wires[:1], (lam, theta, phi), (1.0, 1.0, 1.0))
        case (("rxx" | "ryy" | "rzz" | "rzx"), (a,)):
            return [PauliTurn(wires, name[1:], a, 1.0)]
        case "multirz", (a,):
            if len(wires) == 1:
                return [Turn(wires[0], (), 3, a, 1.0)]
            return [PauliTurn(wires, "z" * len(wires), a, 1.0)]
        case (("xxplusyy" | "xxminyy"), (theta, beta)):
            sign = 1.0 if name == "xxplusyy" else -1.0
            return [
                Turn(wires[0], (), 3, beta, sign),
                PauliTurn(wires, "xx", theta, 0.5),
                PauliTurn(wires, "yy", theta, 0.5 * sign),
                Turn(wires[0], (), 3, beta, -sign),
            ]
        case "globalphase", _:
            return []
    return None


def su2_turns(matrix: np.ndarray) -> list[tuple[int, float]]:
    """A constant 2x2 unitary as (axis, angle) of RZ, RY, RZ in the order of time, up to a global phase; rotations by
    zero are left out."""
    u = matrix / np.sqrt(np.linalg.det(matrix).astype(complex))
    theta = 2 * np.arctan2(abs(u[1, 0]), abs(u[0, 0]))
    total = 2 * np.angle(u[1, 1]) if abs(u[1, 1]) > 1e-9 else 0.0
    difference = 2 * np.angle(u[1, 0]) if abs(u[1, 0]) > 1e-9 else 0.0
    first, last = (total - difference) / 2, (total + difference) / 2
    return [(axis, float(a)) for axis, a in ((3, first), (2, theta), (3, last)) if abs(a) > 1e-15]
