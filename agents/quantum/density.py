"""Density matrices as expectation values of all 4^n Pauli strings: real numbers, on which every step is linear.

Rotations and channels of one qubit are 4x4 matrices on (I, X, Y, Z), fused along a wire; Clifford gates and Pauli noise
move and weigh single values, and whole entangling layers of them are one such move; a rotation about a longer string
mixes pairs of values. In plain torch, batched and differentiable, for any device.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

import numpy as np
import torch

from entangrid.agents.quantum.pauli_steps import PAULI, Affine, Factor, Monomial, Operation, Scheduler, String, merged
from entangrid.agents.quantum.steps import NoisyProgram, in_chunks, letters, misread
from entangrid.data.errors import InputError

MAX_QUBITS = 8


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
        scheduler = Scheduler(self.n)
        for step in program.steps:
            scheduler.add(step)
        self._chains: list[list[Factor]] = []
        self._keep_steps(scheduler.out)
        self._keep_chains()
        terms = misread(program.terms, program.readout)
        place = 4 ** np.arange(self.n - 1, -1, -1)
        self._keep("strings", letters(terms, self.n) @ place)
        self._keep("weights", terms.weights, self.real)
        zero = reduce(np.kron, [np.array([1.0, 0.0, 0.0, 1.0])] * self.n)
        self._keep("zero", zero[None], self.real)
        entries = PAULI.transpose(1, 2, 0).transpose(1, 0, 2).reshape(4, 4)  # entry (i, j) of a matrix to Pauli letter
        self._keep("entries", entries, torch.complex128 if precision == "double" else torch.complex64)
        self.state_bytes = 4 * zero.nbytes  # what one row needs at a time, and with all that its backward pass needs
        self.row_bytes = self.state_bytes + sum(4 if kind == "stage" else 2 for kind, *_ in self.steps) * zero.nbytes

    def _keep(self, name: str, values: object, dtype: torch.dtype | None = None) -> str:
        self.register_buffer(name, torch.as_tensor(np.asarray(values), dtype=dtype), persistent=False)
        return name

    def _keep_steps(self, operations: Iterable[Operation]) -> None:
        """(kind, name of the buffers, column or stage, gain) of every operation; chains are collected in stages."""
        self.steps: list[tuple[str, str, int, float]] = []
        self.stages: list[list[int]] = []
        is_open = False
        for number, op in enumerate(operations):
            name = f"op{number}"
            if isinstance(op, Affine):
                if not is_open or self.stages[-1][op.wire] >= 0:
                    self.stages.append([-1] * self.n)
                    self.steps.append(("stage", "", len(self.stages) - 1, 1.0))
                    is_open = True
                self.stages[-1][op.wire] = len(self._chains)
                self._chains.append(op.factors)
                continue
            is_open = False
            if isinstance(op, Monomial):
                moves = bool((np.diff(op.source) != 1).any())
                if moves:
                    self._keep(name, op.source)
                    self._keep(f"{name}_back", np.argsort(op.source))
                self._keep(f"{name}_weight", op.weight, self.real)
                self.steps.append(("move" if moves else "weigh", name, 0, 1.0))
            elif isinstance(op, String):
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
        chains = [merged(chain) for chain in self._chains]
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


def _kron(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Kronecker product of (B, 4, 4) matrices; the first is most significant."""
    return (a[:, :, None, :, None] * b[:, None, :, None, :]).flatten(1, 2).flatten(-2)
