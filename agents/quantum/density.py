"""Density matrices as expectation values of all 4^n Pauli strings: real numbers, on which every step is linear.

Rotations and channels of one qubit are 4x4 matrices on (I, X, Y, Z), fused along a wire; Clifford gates and Pauli noise
move and weigh single values, and whole entangling layers of them are one such move; a rotation about a longer string
mixes pairs of values. In plain torch, batched and differentiable, for any device.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch

from entangrid.agents.quantum.noise import Channel, Damp, Scatter
from entangrid.agents.quantum.steps import NoisyProgram, Step, in_chunks, letters, misread
from entangrid.agents.quantum.translation import Fixed, PauliTurn, Turn, su2_turns
from entangrid.data.errors import InputError

MAX_QUBITS = 8
_MAX_FIXED = 5  # wires of a gate without angles: its matrix on Pauli strings has 16^wires entries
_PAULI = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
# PQ = i^_PHASE[P, Q] R, where R is the letter p ^ q
_PHASE = np.array([[0, 0, 0, 0], [0, 0, 1, 3], [0, 3, 0, 1], [0, 1, 3, 0]])
_LETTERS = {"x": 1, "y": 2, "z": 3}


class _Factor(NamedTuple):
    """fixed + cos(a) even + sin(a) odd, all (4, 4), where a is gain times column `column`, or zero if that is -1."""

    fixed: np.ndarray
    even: np.ndarray
    odd: np.ndarray
    column: int
    gain: float


@dataclass
class _Affine:
    """Steps of one wire, fused."""

    wire: int
    factors: list[_Factor]

    @property
    def wires(self) -> set[int]:
        return {self.wire}


@dataclass
class _Monomial:
    """new[j] = weight[j] old[source[j]]."""

    wires: set[int]
    source: np.ndarray
    weight: np.ndarray


@dataclass
class _Dense:
    """A constant real matrix on the Pauli strings of ordered wires."""

    ordered: tuple[int, ...]
    matrix: np.ndarray

    @property
    def wires(self) -> set[int]:
        return set(self.ordered)


@dataclass
class _String:
    """Rotation about a string of at least two letters: where it anticommutes, new[j] = cos old[j] + sin sign[j]
    old[partner[j]]."""

    wires: set[int]
    partner: np.ndarray
    sign: np.ndarray
    column: int
    gain: float


_Operation = _Affine | _Monomial | _Dense | _String


def rotation_factor(axis: int, column: int, gain: float) -> _Factor:
    """Rotation of the Bloch vector about axis 1, 2 or 3."""
    along = np.zeros((4, 4))
    along[0, 0] = along[axis, axis] = 1.0
    b, c = axis % 3 + 1, (axis + 1) % 3 + 1
    odd = np.zeros((4, 4))
    odd[c, b], odd[b, c] = 1.0, -1.0
    return _Factor(along, np.eye(4) - along, odd, column, gain)


def _constant(matrix: np.ndarray) -> _Factor:
    zero = np.zeros((4, 4))
    return _Factor(matrix, zero, zero, -1, 1.0)


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
        basis = np.einsum("pij,qkl->pqikjl", basis.reshape(-1, *[int(basis.shape[1] ** 0.5)] * 2), _PAULI).reshape(
            4 * len(basis), -1
        )
    turned = unitary @ basis.reshape(-1, 1 << k, 1 << k) @ unitary.conj().T
    out: np.ndarray = np.real(basis.conj() @ turned.reshape(len(basis), -1).T) / (1 << k)
    return out


class _Scheduler:
    """Steps into operations, merged where they commute."""

    def __init__(self, n_qubits: int) -> None:
        self.n = n_qubits
        self.out: list[_Operation] = []
        self.index = np.arange(1 << (2 * n_qubits))
        self.digits = self.index[:, None] >> (2 * np.arange(n_qubits - 1, -1, -1)) & 3  # (4^n, n)

    def add(self, step: Step) -> None:
        if isinstance(step, Damp):
            self._damp(step)
        elif isinstance(step, Scatter):
            touched = self.digits[:, list(step.wires)].any(1)
            self._put(_Monomial(set(step.wires), self.index, np.where(touched, step.factor, 1.0)))
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
                self._put(_Affine(step.wires[0], [_constant(reduce(lambda a, b: b @ a, matrices))]))
        else:
            self._fixed(step)

    def _turn(self, turn: Turn) -> None:
        """Where all m controls are 1: the rotations about the letter times every product of the controls' Z, by the
        angle over +-2^m."""
        if not turn.controls:
            self._put(_Affine(turn.wire, [rotation_factor(turn.axis, turn.angle.input, turn.gain)]))
            return
        for chosen in product((0, 1), repeat=len(turn.controls)):
            string = {c: 3 for c, is_in in zip(turn.controls, chosen, strict=True) if is_in}
            gain = turn.gain * (-1.0) ** sum(chosen) / (1 << len(turn.controls))
            self._string({**string, turn.wire: turn.axis}, turn.angle.input, gain)

    def _string(self, string: dict[int, int], column: int, gain: float) -> None:
        if len(string) == 1:
            ((wire, axis),) = string.items()
            self._put(_Affine(wire, [rotation_factor(axis, column, gain)]))
            return
        phase = np.ones(len(self.index), np.int64)  # of i P Q, as a power of i
        mask = 0
        for wire, letter in string.items():
            phase += _PHASE[letter][self.digits[:, wire]]
            mask |= letter << (2 * (self.n - 1 - wire))
        sign = np.array([1.0, 0.0, -1.0, 0.0])[phase % 4]  # zero where P and Q commute
        self._put(_String(set(string), self.index ^ mask, sign, column, gain))

    def _damp(self, damp: Damp) -> None:
        """A channel of Pauli errors also joins a move before it."""
        wire, channel = damp
        if channel.is_unital:
            for old in reversed(self.out):
                if isinstance(old, _Monomial) and wire in old.wires:
                    old.weight = old.weight * np.diag(channel_matrix(channel))[self.digits[:, wire]]
                    return
                if wire in old.wires:
                    break
        self._put(_Affine(wire, [_constant(channel_matrix(channel))]))

    def _fixed(self, fixed: Fixed) -> None:
        if len(fixed.wires) > _MAX_FIXED:
            raise InputError(
                f"backend='density': a gate without angles on {len(fixed.wires)} wires; expected at most {_MAX_FIXED}"
            )
        matrix = pauli_matrix(fixed.matrix)
        entries = np.abs(matrix) > 1e-12
        if not (entries.sum(1) == 1).all():
            self._put(_Dense(fixed.wires, matrix))
            return
        shifts = [2 * (self.n - 1 - w) for w in fixed.wires]
        row = np.zeros_like(self.index)
        for shift in shifts:
            row = 4 * row + (self.index >> shift & 3)
        column = entries.argmax(1)[row]
        source = self.index.copy()
        for position, shift in enumerate(reversed(shifts)):
            source = (source & ~(3 << shift)) | ((column >> (2 * position) & 3) << shift)
        self._put(_Monomial(set(fixed.wires), source, matrix[row, column].round()))

    def _put(self, new: _Operation) -> None:
        for old in reversed(self.out):
            if isinstance(new, _Affine) and isinstance(old, _Affine) and new.wire == old.wire:
                old.factors += new.factors
                return
            if isinstance(new, _Monomial) and isinstance(old, _Monomial):
                old.weight = new.weight * old.weight[new.source]
                old.source = old.source[new.source]
                old.wires |= new.wires
                return
            if old.wires & new.wires:
                break
        self.out.append(new)


class _Take(torch.autograd.Function):
    """old[:, source] for a permutation; its gradient is a permutation too, not a sum."""

    @staticmethod
    def forward(ctx: Any, old: torch.Tensor, source: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(source, back)
        return old.index_select(1, source)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        source, back = ctx.saved_tensors
        out: torch.Tensor = _take(grads[0], back, source)
        return out, None, None


_take: Any = _Take.apply


class Density(torch.nn.Module):
    """Executes a program exactly: angles (B or 1, n_angles), optionally pure states to start from -> (B, n_out).

    Raises `InputError` for more than 8 qubits.
    """

    def __init__(self, program: NoisyProgram, precision: str = "double") -> None:
        super().__init__()
        self.n = program.n_qubits
        if self.n > MAX_QUBITS:
            raise InputError(
                f"backend='density' holds 4^n numbers a sample, n_qubits={self.n} is above {MAX_QUBITS};"
                " use backend='trajectories'"
            )
        self.real = torch.float64 if precision == "double" else torch.float32
        scheduler = _Scheduler(self.n)
        for step in program.steps:
            scheduler.add(step)
        self._chains: list[list[_Factor]] = []
        self._keep_steps(scheduler.out)
        self._keep_chains()
        terms = misread(program.terms, program.readout)
        place = 4 ** np.arange(self.n - 1, -1, -1)
        self._keep("strings", letters(terms, self.n) @ place)
        self._keep("weights", terms.weights, self.real)
        zero = reduce(np.kron, [np.array([1.0, 0.0, 0.0, 1.0])] * self.n)
        self._keep("zero", zero[None], self.real)
        entries = _PAULI.transpose(1, 2, 0).transpose(1, 0, 2).reshape(4, 4)  # entry (i, j) of a matrix to Pauli letter
        self._keep("entries", entries, torch.complex128 if precision == "double" else torch.complex64)
        self.state_bytes = 4 * zero.nbytes  # what one row needs at a time, and with all that its backward pass needs
        self.row_bytes = self.state_bytes + sum(4 if kind == "stage" else 2 for kind, *_ in self.steps) * zero.nbytes

    def _keep(self, name: str, values: object, dtype: torch.dtype | None = None) -> str:
        self.register_buffer(name, torch.as_tensor(np.asarray(values), dtype=dtype), persistent=False)
        return name

    def _keep_steps(self, operations: Iterable[_Operation]) -> None:
        """(kind, name of the buffers, column or stage, gain) of every operation; chains are collected in stages."""
        self.steps: list[tuple[str, str, int, float]] = []
        self.stages: list[list[int]] = []
        is_open = False
        for number, op in enumerate(operations):
            name = f"op{number}"
            if isinstance(op, _Affine):
                if not is_open or self.stages[-1][op.wire] >= 0:
                    self.stages.append([-1] * self.n)
                    self.steps.append(("stage", "", len(self.stages) - 1, 1.0))
                    is_open = True
                self.stages[-1][op.wire] = len(self._chains)
                self._chains.append(op.factors)
                continue
            is_open = False
            if isinstance(op, _Monomial):
                moves = bool((np.diff(op.source) != 1).any())
                if moves:
                    self._keep(name, op.source)
                    self._keep(f"{name}_back", np.argsort(op.source))
                self._keep(f"{name}_weight", op.weight, self.real)
                self.steps.append(("move" if moves else "weigh", name, 0, 1.0))
            elif isinstance(op, _String):
                self._keep(name, op.partner)
                self._keep(f"{name}_turned", op.sign != 0.0, self.real)
                self._keep(f"{name}_sign", op.sign, self.real)
                self.steps.append(("string", name, op.column, op.gain))
            else:
                self._keep(name, op.matrix, self.real)
                order = [*op.ordered, *(w for w in range(self.n) if w not in op.ordered)]
                axes = np.arange(1 << (2 * self.n)).reshape([4] * self.n).transpose(order).ravel()
                self._keep(f"{name}_order", axes)
                self._keep(f"{name}_back", np.argsort(axes))
                self.steps.append(("dense", name, len(op.ordered), 1.0))

    def _keep_chains(self) -> None:
        """Tables of all chains' factors in the order of time, the shorter ones filled with identities. Constant
        neighbours are multiplied out here."""
        chains = [_merged(chain) for chain in self._chains]
        depth = max((len(c) for c in chains), default=0)
        table = np.zeros((3, depth, len(chains) + 1, 4, 4))
        table[0] = np.eye(4)
        columns = np.full((depth, len(chains) + 1), -1)
        gains = np.ones((depth, len(chains) + 1))
        for c, factors in enumerate(chains):
            for t, factor in enumerate(factors):
                table[:, t, c] = factor[:3]
                columns[t, c], gains[t, c] = factor.column, factor.gain
        for name, values in zip(("fixed", "even", "odd"), table, strict=True):
            self._keep(name, values, self.real)
        self._keep("columns", columns)
        self._keep("gains", gains, self.real)

    def _matrices(self, angles: torch.Tensor) -> torch.Tensor:
        """Every chain multiplied out, (B or 1, chains + 1, 4, 4), the last the identity."""
        fixed, even, odd = (self.get_buffer(name) for name in ("fixed", "even", "odd"))
        out = torch.eye(4, dtype=self.real, device=angles.device).expand(1, fixed.shape[1], 4, 4)
        for t in range(fixed.shape[0]):
            turn = (angles[:, self.get_buffer("columns")[t]] * self.get_buffer("gains")[t])[..., None, None]
            factor = fixed[t] + torch.cos(turn) * even[t] + torch.sin(turn) * odd[t]
            out = factor @ out if t else factor
        return out

    def forward(self, angles: torch.Tensor, given: torch.Tensor | None, batch: int) -> torch.Tensor:
        """Read-outs (batch, n_out); `given` (batch, 2^n) are amplitudes."""

        def run(rows: int, angles: torch.Tensor, given: torch.Tensor | None) -> torch.Tensor:
            return self.values(angles, given, rows)[:, self.get_buffer("strings")] @ self.get_buffer("weights")

        is_differentiated = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (angles, given))
        return in_chunks(run, batch, self.row_bytes if is_differentiated else self.state_bytes, angles, given)

    def values(self, angles: torch.Tensor, given: torch.Tensor | None, batch: int) -> torch.Tensor:
        """(batch, 4^n): expectation values of all Pauli strings; wire 0 is the most significant digit of I, X, Y, Z."""
        angles = torch.nn.functional.pad(angles.to(self.real), (0, 1))  # column -1 is zero
        matrices = self._matrices(angles)
        state = self.get_buffer("zero") if given is None else self._mixed(given)
        for kind, name, index, gain in self.steps:
            state = self._step(kind, name, index, gain, state, angles, matrices)
        return state.expand(batch, -1)

    def _mixed(self, given: torch.Tensor) -> torch.Tensor:
        entries, n, batch = self.get_buffer("entries"), self.n, given.shape[0]
        psi = given.to(entries.dtype)
        rho = (psi[:, :, None] * psi[:, None, :].conj()).reshape(batch, *[2] * (2 * n))
        state = rho.permute(0, *(1 + i + n * side for i in range(n) for side in (0, 1))).reshape(batch, -1)
        for _ in range(n):
            state = (state.reshape(batch, 4, -1).transpose(1, 2) @ entries).reshape(batch, -1)
        return state.real.contiguous()

    def _step(
        self,
        kind: str,
        name: str,
        index: int,
        gain: float,
        state: torch.Tensor,
        angles: torch.Tensor,
        matrices: torch.Tensor,
    ) -> torch.Tensor:
        if kind == "stage":
            return self._stage(state, matrices, self.stages[index])
        if kind == "string":
            turn = angles[:, index : index + 1] * gain
            partner, turned = self.get_buffer(name), self.get_buffer(f"{name}_turned")
            swapped: torch.Tensor = _take(state, partner, partner) * self.get_buffer(f"{name}_sign")
            return state * (1.0 + (torch.cos(turn) - 1.0) * turned) + torch.sin(turn) * swapped
        if kind == "dense":
            order, back = self.get_buffer(f"{name}_order"), self.get_buffer(f"{name}_back")
            moved: torch.Tensor = _take(state, order, back).reshape(state.shape[0], 4**index, -1)
            turned_back: torch.Tensor = _take((self.get_buffer(name) @ moved).flatten(1), back, order)
            return turned_back
        if kind == "move":
            state = _take(state, self.get_buffer(name), self.get_buffer(f"{name}_back"))
        return state * self.get_buffer(f"{name}_weight")

    def _stage(self, state: torch.Tensor, matrices: torch.Tensor, chains: list[int]) -> torch.Tensor:
        """Chains on different wires. If they are many, each product moves its pair of wires to the end, so that all are
        in order again afterwards; single ones are applied where they are."""
        if sum(c >= 0 for c in chains) * 2 >= self.n:
            for first in range(0, self.n, 2):
                factor = matrices[:, chains[first]]
                if first + 1 < self.n:
                    factor = _kron(factor, matrices[:, chains[first + 1]])
                moved = state.reshape(state.shape[0], factor.shape[-1], -1).transpose(1, 2)
                state = (moved @ factor.transpose(1, 2)).reshape(-1, state.shape[1])
            return state
        for wire, chain in enumerate(chains):
            if chain >= 0:
                state = self._single(state, matrices[:, chain], wire)
        return state

    def _single(self, state: torch.Tensor, matrix: torch.Tensor, wire: int) -> torch.Tensor:
        rest = 4 ** (self.n - 1 - wire)
        if rest == 1:
            out: torch.Tensor = state.reshape(state.shape[0], -1, 4) @ matrix.transpose(1, 2)
        else:
            out = matrix[:, None] @ state.reshape(state.shape[0], -1, 4, rest)
        return out.flatten(1)


def _merged(factors: list[_Factor]) -> list[_Factor]:
    out: list[_Factor] = []
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


def _kron(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Kronecker product of (B, 4, 4) matrices; the first is most significant."""
    return (a[:, :, None, :, None] * b[:, None, :, None, :]).flatten(1, 2).flatten(-2)
