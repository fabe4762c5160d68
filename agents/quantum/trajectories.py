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
from entangrid.agents.quantum.jumps import JUMP, JumpStates
from entangrid.agents.quantum.noise import Damp, Scatter
from entangrid.agents.quantum.plan import make_plan
from entangrid.agents.quantum.program import Angle
from entangrid.agents.quantum.schedule import schedule
from entangrid.agents.quantum.steps import NoisyProgram, in_chunks, misread
from entangrid.agents.quantum.translation import Primitive, Turn


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
        self.kraus: list[np.ndarray] = []
        self.n_columns = program.n_angles
        primitives: list[Primitive] = []
        for step in program.steps:
            if isinstance(step, Scatter | Damp):
                primitives += self._site(step)
            else:
                primitives.append(step)
        terms = misread(program.terms, program.readout)
        self.engine: Engine | None = None
        if not self.kraus:
            self.engine = Engine(make_plan(primitives, terms, self.n, self.n_columns, 0, 0), precision)
            self.given_engine = Engine(
                make_plan(primitives, terms, self.n, self.n_columns, 0, 0, given_state=True), precision
            )
        self.evolve = JumpStates(schedule(primitives, self.n), self.n, self.kraus, precision)
        self.terms = terms
        if terms.is_diagonal:
            self._keep("table", terms.phases(self.n).real.T @ terms.weights, self.real)
        else:
            self._keep("partner", np.arange(1 << self.n) ^ terms.flip[:, None])
            self._keep("phases", terms.phases(self.n), self.complex)
            self._keep("weights", terms.weights, self.real)
        size = (16 if precision == "double" else 8) << self.n
        self.state_bytes = 8 * size  # what one row needs at a time, and with all that its backward pass needs
        self.row_bytes = self.state_bytes + 2 * len(self.evolve.operations) * size + 256 * self.evolve.n_rotations

    def _keep(self, name: str, values: object, dtype: torch.dtype | None = None) -> None:
        self.register_buffer(name, torch.as_tensor(np.asarray(values), dtype=dtype), persistent=False)

    def _site(self, step: Scatter | Damp) -> list[Primitive]:
        """What a channel is in a trajectory: turns by 0 or π, or a jump."""
        if isinstance(step, Damp) and not step.channel.is_unital:
            self.kraus.append(step.channel.kraus())
            return [Turn(step.wire, (), JUMP, Angle(input=len(self.kraus) - 1), 1.0)]
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

    def draw(self, rows: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Random turns (rows, n_columns - n_angles), each 0 or π, and uniform numbers (rows, jumps) for the jumps."""
        turns = np.zeros((rows, self.n_columns - self.n_angles))
        for kick in self.kicks:
            digits = np.searchsorted(kick.cumulated, rng.random(rows), side="right")
            for i in range(kick.n_wires):
                digit = digits >> (2 * (kick.n_wires - 1 - i)) & 3  # I, X, Y, Z
                first = kick.column - self.n_angles + 2 * i
                turns[:, first] = np.where((digit == 1) | (digit == 2), math.pi, 0.0)
                turns[:, first + 1] = np.where(digit >= 2, math.pi, 0.0)
        device = self.get_buffer("table" if self.terms.is_diagonal else "weights").device
        numbers = torch.from_numpy(rng.random((rows, len(self.kraus))))
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

    def states(
        self,
        rows: int,
        angles: torch.Tensor,
        given: torch.Tensor | None,
        turns: torch.Tensor,
        numbers: torch.Tensor,
    ) -> torch.Tensor:
        """Amplitudes (rows, 2^n) at the end, of unit norm."""
        out: torch.Tensor = self.evolve(torch.cat([angles.to(self.real).expand(rows, -1), turns], 1), given, numbers)
        return out

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
