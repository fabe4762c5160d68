"""States of trajectories in plain torch, one fused operation after another, with quantum jumps among the rotations.

The probabilities of a jump are those of the state that it meets, and depend on the wire's own density matrix only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from entangrid.agents.quantum.schedule import Chain, Factor, Move, Operation, String
from entangrid.agents.quantum.states import apply_single, draw_jump, reduced

JUMP = 0  # the axis of a factor that is no rotation but the channel of jump site `angle.input`
_GENERATORS = {1: [[0, -1j], [-1j, 0]], 2: [[0, -1], [1, 0]], 3: [[-1j, 0], [0, 1j]]}  # -i times X, Y, Z


class JumpStates(torch.nn.Module):
    """Executes operations on `n_qubits`; `kraus` are the operators (K, 2, 2) of every jump site."""

    def __init__(
        self, operations: Sequence[Operation], n_qubits: int, kraus: Sequence[np.ndarray], precision: str
    ) -> None:
        super().__init__()
        self.n, self.operations = n_qubits, tuple(operations)
        self.real = torch.float64 if precision == "double" else torch.float32
        self.complex = torch.complex128 if precision == "double" else torch.complex64
        for i, operators in enumerate(kraus):
            self._keep(f"kraus{i}", operators, torch.complex128)
        self._keep_segments()
        for number, op in enumerate(self.operations):
            self._keep_operation(f"op{number}", op)

    @property
    def n_rotations(self) -> int:
        """Rotations outside of Pauli strings, those that fill the tables up included."""
        return self.get_buffer("seg_gain").numel()

    def _keep(self, name: str, values: object, dtype: torch.dtype | None = None) -> None:
        self.register_buffer(name, torch.as_tensor(np.asarray(values), dtype=dtype), persistent=False)

    def _keep_segments(self) -> None:
        """Runs of turns between jumps, of all chains, as tables (depth, segments) that are multiplied out together; the
        shorter ones are filled with turns by zero. `parts` tells for each chain its segments and jumps in order."""
        segments: list[list[Factor]] = []
        self.parts: dict[int, list[tuple[bool, int]]] = {}  # operation: (whether a jump, its site or the segment)
        for number, op in enumerate(self.operations):
            if not isinstance(op, Chain):
                continue
            parts = self.parts.setdefault(number, [])
            for factor in op.factors:
                if factor.axis == JUMP:
                    parts.append((True, factor.angle.input))
                    continue
                if not parts or parts[-1][0]:
                    parts.append((False, len(segments)))
                    segments.append([])
                segments[-1].append(factor)
        shape = (max((len(s) for s in segments), default=0), len(segments))
        columns, generators = np.full(shape, -1), np.zeros((*shape, 2, 2), complex)
        gains, offsets = np.zeros(shape), np.zeros(shape)
        for i, segment in enumerate(segments):
            for t, factor in enumerate(segment):
                columns[t, i], generators[t, i] = factor.angle.input, _GENERATORS[factor.axis]
                gains[t, i], offsets[t, i] = 0.5 * factor.gain, 0.5 * factor.gain * factor.angle.offset
        self._keep("seg_column", columns)
        self._keep("seg_generator", generators, self.complex)
        self._keep("seg_gain", gains, self.real)
        self._keep("seg_offset", offsets, self.real)

    def _segments(self, columns: torch.Tensor) -> torch.Tensor:
        """(rows, segments, 2, 2): every segment multiplied out."""
        index, generators = self.get_buffer("seg_column"), self.get_buffer("seg_generator")
        columns = torch.nn.functional.pad(columns, (0, 1))  # column -1 is zero
        out = torch.eye(2, dtype=self.complex, device=columns.device).expand(1, index.shape[1], 2, 2)
        for t in range(index.shape[0]):
            half = columns[:, index[t]] * self.get_buffer("seg_gain")[t] + self.get_buffer("seg_offset")[t]
            cos, sin = torch.cos(half)[..., None, None], torch.sin(half)[..., None, None]
            out = cos * out + sin * (generators[t] @ out)
        return out

    def _keep_operation(self, name: str, op: Operation) -> None:
        j = np.arange(1 << self.n)
        bit = [1 << (self.n - 1 - w) for w in range(self.n)]
        if isinstance(op, Chain):
            if op.controls:
                control = sum(bit[w] for w in op.controls)
                low = j[(j & control == control) & (j & bit[op.wire] == 0)]
                self._keep(name, np.concatenate([low, low | bit[op.wire]]))
        elif isinstance(op, Move):
            self._keep(name, op.source)
            self._keep(f"{name}_phase", op.phase, self.complex)
        elif isinstance(op, String):
            marks = list(zip(op.turn.wires, op.turn.letters, strict=True))
            partner = j ^ sum(bit[w] for w, p in marks if p in "xy")
            odd = np.bitwise_count(partner & sum(bit[w] for w, p in marks if p in "yz")) & 1
            self._keep(name, partner)
            self._keep(f"{name}_phase", -1j * (1.0 - 2.0 * odd) * 1j ** op.turn.letters.count("y"), self.complex)
        else:
            order = [*op.ordered, *(w for w in range(self.n) if w not in op.ordered)]
            axes = j.reshape([2] * self.n).transpose(order).ravel()
            self._keep(name, op.matrix, self.complex)
            self._keep(f"{name}_order", axes)
            self._keep(f"{name}_back", np.argsort(axes))

    def forward(self, columns: torch.Tensor, given: torch.Tensor | None, numbers: torch.Tensor) -> torch.Tensor:
        """Amplitudes (rows, 2^n) at the end, of unit norm, from angles (rows, columns) and uniform numbers (rows,
        sites)."""
        rows = columns.shape[0]
        if given is None:
            state = torch.zeros(rows, 1 << self.n, dtype=self.complex, device=columns.device)
            state[:, 0] = 1.0
        else:
            state = given.to(self.complex).expand(rows, -1)
        segments = self._segments(columns)
        for number, op in enumerate(self.operations):
            state = self._step(number, op, state, columns, segments, numbers)
        return state

    def _step(
        self,
        number: int,
        op: Operation,
        state: torch.Tensor,
        columns: torch.Tensor,
        segments: torch.Tensor,
        numbers: torch.Tensor,
    ) -> torch.Tensor:
        name = f"op{number}"
        if isinstance(op, Chain):
            m = self._matrix(number, op.wire, state, segments, numbers)
            if not op.controls:
                return apply_single(state, m, op.wire)
            where = self.get_buffer(name)
            low, high = state[:, where].chunk(2, 1)
            new = (m[:, 0, :1] * low + m[:, 0, 1:] * high, m[:, 1, :1] * low + m[:, 1, 1:] * high)
            return state.index_copy(1, where, torch.cat(new, 1))
        if isinstance(op, Move):
            return state[:, self.get_buffer(name)] * self.get_buffer(f"{name}_phase")
        if isinstance(op, String):
            half = 0.5 * op.turn.gain * columns[:, op.turn.angle.input, None]
            turned = state[:, self.get_buffer(name)] * self.get_buffer(f"{name}_phase")
            return torch.cos(half) * state + torch.sin(half) * turned
        moved = state[:, self.get_buffer(f"{name}_order")].reshape(state.shape[0], 1 << len(op.ordered), -1)
        return (self.get_buffer(name) @ moved).flatten(1)[:, self.get_buffer(f"{name}_back")]

    def _matrix(
        self, number: int, wire: int, state: torch.Tensor, segments: torch.Tensor, numbers: torch.Tensor
    ) -> torch.Tensor:
        """(rows, 2, 2): a chain multiplied out. The probabilities of its jumps depend on the wire's own density matrix
        only."""
        parts = self.parts[number]
        mixed = reduced(state.detach(), wire) if any(is_jump for is_jump, _ in parts) else None
        product: torch.Tensor | None = None
        for is_jump, index in parts:
            if not is_jump:
                segment = segments[:, index]
                product = segment if product is None else segment @ product
                continue
            assert mixed is not None
            if product is None:
                product = torch.eye(2, dtype=self.complex, device=state.device).expand(state.shape[0], 2, 2)
            held = product.detach()
            populations = ((held @ mixed) * held.conj()).sum(2).real
            kraus = self.get_buffer(f"kraus{index}")
            chosen, chance = draw_jump(kraus, populations.double(), numbers[:, index])
            product = (chosen / chance.sqrt()[:, None, None]).to(self.complex) @ product
        assert product is not None
        return product
