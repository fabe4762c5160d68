"""Noise by trajectories: pure states whose errors are drawn, and the mean over many of them.

Pauli errors do not depend on the state: they are drawn beforehand as rotations by π, and the compiled kernels execute
all trajectories as one batch. Damping does: its operators K_k are drawn with the probabilities ⟨K_k† K_k⟩ of the state
(Dalibard, Castin, Mølmer 1992, doi:10.1103/PhysRevLett.68.580), which plain torch executes here. After each draw the
state is divided by the root of the probability as a number without gradient, so that the gradient of the mean is an
unbiased estimate too: Σ_k p_k ∇(⟨K_k† O K_k⟩ / p_k) with p_k held is the gradient of the exact value.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from entangrid.agents.quantum.fused import Engine, execute
from entangrid.agents.quantum.noise import Damp, Scatter
from entangrid.agents.quantum.plan import make_plan
from entangrid.agents.quantum.program import Angle
from entangrid.agents.quantum.schedule import Chain, Factor, Move, Operation, String, schedule
from entangrid.agents.quantum.states import apply_single, draw_jump, reduced
from entangrid.agents.quantum.steps import NoisyProgram, in_chunks, misread
from entangrid.agents.quantum.translation import Primitive, Turn

_JUMP = 0  # the axis of a factor that is no rotation but the channel of jump site `angle.input`
_GENERATORS = {1: [[0, -1j], [-1j, 0]], 2: [[0, -1], [1, 0]], 3: [[-1j, 0], [0, 1j]]}  # -i times X, Y, Z


class _Kick(NamedTuple):
    """A site of Pauli errors on k wires: cumulated probabilities of the 4^k products, and the first of its 2 k columns
    (turn by π about X, about Z, of each wire)."""

    cumulated: np.ndarray
    n_wires: int
    column: int


class Trajectories(torch.nn.Module):
    """Executes a program by drawing errors: angles (B or 1, n_angles) -> (B, n_out), mean over `count` trajectories.

    Without anything random one trajectory is exact and is what is computed.
    """

    def __init__(self, program: NoisyProgram, count: int, precision: str = "single") -> None:
        super().__init__()
        self.n, self.n_angles = program.n_qubits, program.n_angles
        self.count = count if program.is_noisy else 1
        self.real = torch.float64 if precision == "double" else torch.float32
        self.complex = torch.complex128 if precision == "double" else torch.complex64
        self.kicks: list[_Kick] = []
        self.n_jumps = 0
        self.n_columns = program.n_angles
        primitives: list[Primitive] = []
        for step in program.steps:
            if isinstance(step, Scatter | Damp):
                primitives += self._site(step)
            else:
                primitives.append(step)
        terms = misread(program.terms, program.readout)
        self.engine: Engine | None = None
        if self.n_jumps == 0:
            self.engine = Engine(make_plan(primitives, terms, self.n, self.n_columns, 0, 0), precision)
            self.given_engine = Engine(
                make_plan(primitives, terms, self.n, self.n_columns, 0, 0, given_state=True), precision
            )
        self.operations = schedule(primitives, self.n)
        self._keep_segments()
        for number, op in enumerate(self.operations):
            self._keep_operation(f"op{number}", op)
        self.terms = terms
        if terms.is_diagonal:
            self._keep("table", terms.phases(self.n).real.T @ terms.weights, self.real)
        else:
            self._keep("partner", np.arange(1 << self.n) ^ terms.flip[:, None])
            self._keep("phases", terms.phases(self.n), self.complex)
            self._keep("weights", terms.weights, self.real)
        size = (16 if precision == "double" else 8) << self.n
        self.state_bytes = 8 * size  # what one row needs at a time, and with all that its backward pass needs
        self.row_bytes = self.state_bytes + 2 * len(self.operations) * size + 256 * self.get_buffer("seg_gain").numel()

    def _keep(self, name: str, values: object, dtype: torch.dtype | None = None) -> None:
        self.register_buffer(name, torch.as_tensor(np.asarray(values), dtype=dtype), persistent=False)

    def _site(self, step: Scatter | Damp) -> list[Primitive]:
        """What a channel is in a trajectory: turns by 0 or π, or a jump."""
        if isinstance(step, Damp) and not step.channel.is_unital:
            self._keep(f"kraus{self.n_jumps}", step.channel.kraus(), torch.complex128)
            self.n_jumps += 1
            return [Turn(step.wire, (), _JUMP, Angle(input=self.n_jumps - 1), 1.0)]
        if isinstance(step, Scatter):
            wires, size = step.wires, 4 ** len(step.wires)
            chances = np.full(size, step.probability / (size - 1))
            chances[0] = 1.0 - step.probability
        else:
            wires, chances = (step.wire,), step.channel.pauli_probabilities()
        self.kicks.append(_Kick(np.cumsum(chances)[:-1], len(wires), self.n_columns))
        self.n_columns += 2 * len(wires)
        first = self.kicks[-1].column
        turns: list[Primitive] = []
        for i, wire in enumerate(wires):
            turns.append(Turn(wire, (), 1, Angle(input=first + 2 * i), 1.0))
            turns.append(Turn(wire, (), 3, Angle(input=first + 2 * i + 1), 1.0))
        return turns

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
                if factor.axis == _JUMP:
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

    def draw(self, rows: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Random turns (rows, n_columns - n_angles), each 0 or π, and uniform numbers (rows, n_jumps) for the jumps."""
        turns = np.zeros((rows, self.n_columns - self.n_angles))
        for kick in self.kicks:
            digits = np.searchsorted(kick.cumulated, rng.random(rows), side="right")
            for i in range(kick.n_wires):
                digit = digits >> (2 * (kick.n_wires - 1 - i)) & 3  # I, X, Y, Z
                first = kick.column - self.n_angles + 2 * i
                turns[:, first] = np.where((digit == 1) | (digit == 2), math.pi, 0.0)
                turns[:, first + 1] = np.where(digit >= 2, math.pi, 0.0)
        device = self.get_buffer("table" if self.terms.is_diagonal else "weights").device
        numbers = torch.from_numpy(rng.random((rows, self.n_jumps)))
        return torch.from_numpy(turns).to(device, self.real), numbers.to(device)

    def forward(
        self, angles: torch.Tensor, given: torch.Tensor | None, batch: int, rng: np.random.Generator
    ) -> torch.Tensor:
        """Read-outs (batch, n_out), with errors drawn from `rng`."""
        rows = batch * self.count
        turns, numbers = self.draw(rows, rng)
        angles = self._repeated(angles.to(self.real))
        given = None if given is None else self._repeated(given)
        if self.engine is not None and angles.device.type == "cpu":
            out = in_chunks(self._fused, rows, self.state_bytes, angles, given, turns)
        else:
            is_differentiated = torch.is_grad_enabled() and any(
                t is not None and t.requires_grad for t in (angles, given)
            )
            held = self.row_bytes if is_differentiated else self.state_bytes
            out = in_chunks(self._read, rows, held, angles, given, turns, numbers)
        return out.reshape(batch, self.count, -1).mean(1)

    def _repeated(self, values: torch.Tensor) -> torch.Tensor:
        """Every row as often as there are trajectories; a single row stands for all."""
        return values if values.shape[0] == 1 else values.repeat_interleave(self.count, 0)

    def _fused(self, rows: int, angles: torch.Tensor, given: torch.Tensor | None, turns: torch.Tensor) -> torch.Tensor:
        x = torch.cat([angles.expand(rows, -1), turns], 1)
        none = x.new_zeros(0)
        assert self.engine is not None
        if given is None:
            return execute(self.engine, x, none, none)
        parts = torch.view_as_real(given.to(self.complex).resolve_conj()).flatten(1).expand(rows, -1)
        return execute(self.given_engine, x, none, none, parts)

    def _read(
        self,
        rows: int,
        angles: torch.Tensor,
        given: torch.Tensor | None,
        turns: torch.Tensor,
        numbers: torch.Tensor,
    ) -> torch.Tensor:
        state = self.states(rows, angles, given, turns, numbers)
        if self.terms.is_diagonal:
            return (state.real.square() + state.imag.square()) @ self.get_buffer("table")
        values = [
            (state[:, partner].conj() * phases * state).sum(1).real
            for partner, phases in zip(self.get_buffer("partner"), self.get_buffer("phases"), strict=True)
        ]
        return torch.stack(values, 1) @ self.get_buffer("weights")

    def states(
        self,
        rows: int,
        angles: torch.Tensor,
        given: torch.Tensor | None,
        turns: torch.Tensor,
        numbers: torch.Tensor,
    ) -> torch.Tensor:
        """Amplitudes (rows, 2^n) at the end, of unit norm."""
        columns = torch.cat([angles.to(self.real).expand(rows, -1), turns], 1)
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
