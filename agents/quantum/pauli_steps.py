"""Steps as linear maps on expectation values of Pauli strings, merged where they commute.

The values of all 4^n strings of I, X, Y, Z stand in one vector, wire 0 the most significant digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import NamedTuple

import numpy as np

from entangrid.agents.quantum.noise import Channel, Damp, Scatter
from entangrid.agents.quantum.steps import Step
from entangrid.agents.quantum.translation import Fixed, PauliTurn, Turn, su2_turns
from entangrid.data.errors import InputError

_MAX_FIXED = 5  # wires of a gate without angles: its matrix on Pauli strings has 16^wires entries
PAULI = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
# PQ = i^_PHASE[P, Q] R, where R is the letter p ^ q
_PHASE = np.array([[0, 0, 0, 0], [0, 0, 1, 3], [0, 3, 0, 1], [0, 1, 3, 0]])
_LETTERS = {"x": 1, "y": 2, "z": 3}


class Factor(NamedTuple):
    """fixed + cos(a) even + sin(a) odd, all (4, 4), where a is gain times column `column`, or zero if that is -1."""

    fixed: np.ndarray
    even: np.ndarray
    odd: np.ndarray
    column: int
    gain: float


@dataclass
class Affine:
    """Steps of one wire, fused."""

    wire: int
    factors: list[Factor]

    @property
    def wires(self) -> set[int]:
        return {self.wire}


@dataclass
class Monomial:
    """new[j] = weight[j] old[source[j]]."""

    wires: set[int]
    source: np.ndarray
    weight: np.ndarray


@dataclass
class Dense:
    """A constant real matrix on the Pauli strings of ordered wires."""

    ordered: tuple[int, ...]
    matrix: np.ndarray

    @property
    def wires(self) -> set[int]:
        return set(self.ordered)


@dataclass
class String:
    """Rotation about a string of at least two letters: where it anticommutes, new[j] = cos old[j] + sin sign[j]
    old[partner[j]]."""

    wires: set[int]
    partner: np.ndarray
    sign: np.ndarray
    column: int
    gain: float


Operation = Affine | Monomial | Dense | String


def rotation_factor(axis: int, column: int, gain: float) -> Factor:
    """Rotation of the Bloch vector about axis 1, 2 or 3."""
    along = np.zeros((4, 4))
    along[0, 0] = along[axis, axis] = 1.0
    b, c = axis % 3 + 1, (axis + 1) % 3 + 1
    odd = np.zeros((4, 4))
    odd[c, b], odd[b, c] = 1.0, -1.0
    return Factor(along, np.eye(4) - along, odd, column, gain)


def _constant(matrix: np.ndarray) -> Factor:
    zero = np.zeros((4, 4))
    return Factor(matrix, zero, zero, -1, 1.0)


def channel_matrix(channel: Channel) -> np.ndarray:
    """(4, 4): the channel on (I, X, Y, Z)."""
    out = np.diag([1.0, channel.transverse, channel.transverse, channel.longitudinal])
    out[3, 0] = channel.shift
    return out


def pauli_matrix(unitary: np.ndarray) -> np.ndarray:
    """(4^k, 4^k) real: entry (P, Q) is tr(P U Q U†) / 2^k, what U does to expectation values."""
    k = len(unitary).bit_length() - 1
    basis = np.ones((1, 1), complex)  # rows are strings, columns the entries of a matrix
    for _ in range(k):
        basis = np.einsum("pij,qkl->pqikjl", basis.reshape(-1, *[int(basis.shape[1] ** 0.5)] * 2), PAULI).reshape(
            4 * len(basis), -1
        )
    turned = unitary @ basis.reshape(-1, 1 << k, 1 << k) @ unitary.conj().T
    out: np.ndarray = np.real(basis.conj() @ turned.reshape(len(basis), -1).T) / (1 << k)
    return out


class Scheduler:
    """Steps into operations, merged where they commute."""

    def __init__(self, n_qubits: int) -> None:
        self.n = n_qubits
        self.out: list[Operation] = []
        self.index = np.arange(1 << (2 * n_qubits))
        self.digits = self.index[:, None] >> (2 * np.arange(n_qubits - 1, -1, -1)) & 3  # (4^n, n)

    def add(self, step: Step) -> None:
        """Put a step behind the others."""
        if isinstance(step, Damp):
            self._damp(step)
        elif isinstance(step, Scatter):
            touched = self.digits[:, list(step.wires)].any(1)
            self._put(Monomial(set(step.wires), self.index, np.where(touched, step.factor, 1.0)))
        elif isinstance(step, Turn):
            self._turn(step)
        elif isinstance(step, PauliTurn):
            string = {w: _LETTERS[p] for w, p in zip(step.wires, step.letters, strict=True)}
            self._string(string, step.angle.input, step.gain)
        elif len(step.wires) == 1:
            factors = [rotation_factor(axis, -1, 1.0) for axis, _ in su2_turns(step.matrix)]
            angles = [angle for _, angle in su2_turns(step.matrix)]
            matrices = [f.fixed + np.cos(a) * f.even + np.sin(a) * f.odd for f, a in zip(factors, angles, strict=True)]
            if matrices:
                self._put(Affine(step.wires[0], [_constant(reduce(lambda a, b: b @ a, matrices))]))
        else:
            self._fixed(step)

    def _turn(self, turn: Turn) -> None:
        """Where all m controls are 1: the rotations about the letter times every product of the controls' Z, by the
        angle over +-2^m."""
        if not turn.controls:
            self._put(Affine(turn.wire, [rotation_factor(turn.axis, turn.angle.input, turn.gain)]))
            return
        for chosen in product((0, 1), repeat=len(turn.controls)):
            string = {c: 3 for c, is_in in zip(turn.controls, chosen, strict=True) if is_in}
            gain = turn.gain * (-1.0) ** sum(chosen) / (1 << len(turn.controls))
            self._string({**string, turn.wire: turn.axis}, turn.angle.input, gain)

    def _string(self, string: dict[int, int], column: int, gain: float) -> None:
        if len(string) == 1:
            ((wire, axis),) = string.items()
            self._put(Affine(wire, [rotation_factor(axis, column, gain)]))
            return
        phase = np.ones(len(self.index), np.int64)  # of i P Q, as a power of i
        mask = 0
        for wire, letter in string.items():
            phase += _PHASE[letter][self.digits[:, wire]]
            mask |= letter << (2 * (self.n - 1 - wire))
        sign = np.array([1.0, 0.0, -1.0, 0.0])[phase % 4]  # zero where P and Q commute
        self._put(String(set(string), self.index ^ mask, sign, column, gain))

    def _damp(self, damp: Damp) -> None:
        """A channel of Pauli errors also joins a move before it."""
        wire, channel = damp
        if channel.is_unital:
            for old in reversed(self.out):
                if isinstance(old, Monomial) and wire in old.wires:
                    old.weight = old.weight * np.diag(channel_matrix(channel))[self.digits[:, wire]]
                    return
                if wire in old.wires:
                    break
        self._put(Affine(wire, [_constant(channel_matrix(channel))]))

    def _fixed(self, fixed: Fixed) -> None:
        if len(fixed.wires) > _MAX_FIXED:
            raise InputError(
                f"backend='density': a gate without angles on {len(fixed.wires)} wires; expected at most {_MAX_FIXED}"
            )
        matrix = pauli_matrix(fixed.matrix)
        entries = np.abs(matrix) > 1e-12
        if not (entries.sum(1) == 1).all():
            self._put(Dense(fixed.wires, matrix))
            return
        shifts = [2 * (self.n - 1 - w) for w in fixed.wires]
        row = np.zeros_like(self.index)
        for shift in shifts:
            row = 4 * row + (self.index >> shift & 3)
        column = entries.argmax(1)[row]
        source = self.index.copy()
        for position, shift in enumerate(reversed(shifts)):
            source = (source & ~(3 << shift)) | ((column >> (2 * position) & 3) << shift)
        self._put(Monomial(set(fixed.wires), source, matrix[row, column].round()))

    def _put(self, new: Operation) -> None:
        for old in reversed(self.out):
            if isinstance(new, Affine) and isinstance(old, Affine) and new.wire == old.wire:
                old.factors += new.factors
                return
            if isinstance(new, Monomial) and isinstance(old, Monomial):
                old.weight = new.weight * old.weight[new.source]
                old.source = old.source[new.source]
                old.wires |= new.wires
                return
            if old.wires & new.wires:
                break
        self.out.append(new)


def merged(factors: list[Factor]) -> list[Factor]:
    """The same product from fewer factors: constants join their neighbours."""
    out: list[Factor] = []
    for factor in factors:
        if out and factor.column < 0 and out[-1].column < 0:
            out[-1] = _constant(factor.fixed @ out[-1].fixed)
        elif factor.column < 0 and out:  # behind a rotation: joins its three matrices
            last = out[-1]
            after = factor.fixed
            out[-1] = last._replace(fixed=after @ last.fixed, even=after @ last.even, odd=after @ last.odd)
        elif out and out[-1].column < 0:
            before = out[-1].fixed
            out[-1] = factor._replace(fixed=factor.fixed @ before, even=factor.even @ before, odd=factor.odd @ before)
        else:
            out.append(factor)
    return out
