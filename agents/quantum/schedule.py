"""From a list of gates to fused operations in the order of time.

Each primitive is moved as far forward as it commutes (past operations on other wires) and merged there: rotations of a
wire into one SU(2) gate, constant gates that only move and phase amplitudes into one signed permutation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from entangrid.agents.quantum.program import Angle
from entangrid.agents.quantum.translation import Fixed, PauliTurn, Primitive, Turn, su2_turns


class Factor(NamedTuple):
    axis: int
    angle: Angle
    gain: float


@dataclass
class Chain:
    """Rotations of one wire, fused; `controls` must all be 1."""

    wire: int
    controls: tuple[int, ...]
    factors: list[Factor]

    @property
    def wires(self) -> set[int]:
        return {self.wire, *self.controls}


@dataclass
class Move:
    """new[j] = phase[j] old[source[j]] for all 2^n amplitudes."""

    wires: set[int]
    source: np.ndarray
    phase: np.ndarray


@dataclass
class Dense:
    """A constant matrix on ordered wires."""

    ordered: tuple[int, ...]
    matrix: np.ndarray

    @property
    def wires(self) -> set[int]:
        return set(self.ordered)


@dataclass
class String:
    """Rotation about a Pauli string."""

    turn: PauliTurn

    @property
    def wires(self) -> set[int]:
        return set(self.turn.wires)


Operation = Chain | Move | Dense | String


def schedule(primitives: Iterable[Primitive], n_qubits: int) -> list[Operation]:
    """Fused operations in order."""
    out: list[Operation] = []
    for primitive in primitives:
        if isinstance(primitive, Turn):
            new: Operation = Chain(
                primitive.wire, primitive.controls, [Factor(primitive.axis, primitive.angle, primitive.gain)]
            )
        elif isinstance(primitive, PauliTurn):
            new = String(primitive)
        elif len(primitive.wires) == 1:
            factors = [Factor(axis, Angle(offset=a), 1.0) for axis, a in su2_turns(primitive.matrix)]
            if not factors:
                continue
            new = Chain(primitive.wires[0], (), factors)
        else:
            new = _move(primitive, n_qubits) or Dense(primitive.wires, primitive.matrix)
        _append(out, new)
    return out


def _append(out: list[Operation], new: Operation) -> None:
    for old in reversed(out):
        if isinstance(new, Chain) and isinstance(old, Chain) and (new.wire, new.controls) == (old.wire, old.controls):
            old.factors += new.factors
            return
        if isinstance(new, Move) and isinstance(old, Move):
            old.phase = new.phase * old.phase[new.source]
            old.source = old.source[new.source]
            old.wires |= new.wires
            return
        if old.wires & new.wires:
            break
    out.append(new)


def _move(fixed: Fixed, n_qubits: int) -> Move | None:
    """The signed permutation of all amplitudes that a matrix with one entry a row makes, or None for others."""
    entries = np.abs(fixed.matrix) > 1e-12
    if not ((entries.sum(0) == 1).all() and (entries.sum(1) == 1).all()):
        return None
    bits = [n_qubits - 1 - w for w in fixed.wires]
    j = np.arange(1 << n_qubits)
    row = np.zeros_like(j)
    for b in bits:
        row = 2 * row + (j >> b & 1)
    column = entries.argmax(1)[row]
    source = j.copy()
    for position, b in enumerate(reversed(bits)):
        source = (source & ~(1 << b)) | ((column >> position & 1) << b)
    return Move(set(fixed.wires), source, fixed.matrix[row, column])


def stages(operations: Iterable[Operation]) -> list[list[Chain] | Move | Dense | String | Chain]:
    """The operations with neighbouring chains on different wires, none of them controlled, in lists."""
    out: list[list[Chain] | Move | Dense | String | Chain] = []
    for op in operations:
        if not isinstance(op, Chain) or op.controls:
            out.append(op)
        elif out and isinstance(stage := out[-1], list) and all(c.wire != op.wire for c in stage):
            stage.append(op)
        else:
            out.append([op])
    return out
