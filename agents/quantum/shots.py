"""Expectation values from finitely many measurements, as hardware gives them.

Strings that agree letter by letter, or are I where they do not, are read from the same measurements. Without noise the
outcomes are drawn from the pure state; with noise from the density matrix up to 8 qubits, and beyond from trajectories,
a new one for every shot, which is the same distribution.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from entangrid.agents.quantum.density import MAX_QUBITS, Density
from entangrid.agents.quantum.readout import PauliTerms
from entangrid.agents.quantum.states import apply_single
from entangrid.agents.quantum.steps import NoisyProgram, letters
from entangrid.agents.quantum.trajectories import Trajectories

_ROOT = 0.5**0.5
# from the eigenvectors of X and of Y to |0> and |1>
_TURNS = {1: [[_ROOT, _ROOT], [_ROOT, -_ROOT]], 2: [[_ROOT, -1j * _ROOT], [_ROOT, 1j * _ROOT]]}
_STATE_BYTES = 64 << 20  # of the states that are held at once


class Basis(NamedTuple):
    """A setting of the measurement: the letter of every wire (1, 2, 3 for X, Y, Z), which terms it gives (indices), and
    their eigenvalues (2^n, terms)."""

    letters: tuple[int, ...]
    members: np.ndarray
    eigenvalues: np.ndarray


def measurement_bases(terms: PauliTerms, n_qubits: int) -> list[Basis]:
    """As few settings as taking the terms in order finds."""
    strings = letters(terms, n_qubits)
    groups: list[tuple[np.ndarray, list[int]]] = []
    for t, string in enumerate(strings):
        for setting, members in groups:
            if not ((setting != string) & (setting > 0) & (string > 0)).any():
                np.maximum(setting, string, out=setting)
                members.append(t)
                break
        else:
            groups.append((string.copy(), [t]))
    place = 1 << np.arange(n_qubits - 1, -1, -1)
    outcomes = np.arange(1 << n_qubits)[:, None]
    bases = []
    for setting, members in groups:
        support = (strings[members] > 0) @ place
        eigenvalues = 1.0 - 2.0 * (np.bitwise_count(outcomes & support) & 1)
        bases.append(Basis(tuple(int(p) or 3 for p in setting), np.array(members), eigenvalues))
    return bases


class Shots(torch.nn.Module):
    """Executes a program with `shots` measurements of every setting: angles (R, n_angles) -> (R, n_out)."""

    def __init__(self, program: NoisyProgram, shots: int, precision: str = "double") -> None:
        super().__init__()
        self.n, self.shots, self.terms, self.readout = program.n_qubits, shots, program.terms, program.readout
        self.bases = measurement_bases(program.terms, self.n)
        exact = program._replace(readout=np.zeros_like(program.readout))  # errors of the read-out are drawn here
        self.density: Density | None = None
        self.pure: Trajectories | None = None
        if program.is_noisy and self.n <= MAX_QUBITS:
            self.density = Density(exact, precision)
        else:
            self.pure = Trajectories(exact, 1, precision)
        self.a_shot_each = program.is_noisy and self.density is None

    @torch.no_grad()
    def forward(self, angles: torch.Tensor, given: torch.Tensor | None, rng: np.random.Generator) -> torch.Tensor:
        """Estimates (R, n_out) in double precision."""
        rows = angles.shape[0]
        held = self.density.state_bytes if self.density is not None else 64 << self.n
        size = max(1, _STATE_BYTES // (held * (self.shots if self.a_shot_each else 1)))
        parts = [np.zeros((0, len(self.terms.flip)))]
        for start in range(0, rows, size):
            states = None if given is None else given[start : start + size]
            parts.append(self._strings(angles[start : start + size], states, rng))
        out = torch.from_numpy(np.concatenate(parts) @ self.terms.weights).to(angles.device)
        known = torch.isfinite(angles).all(1) if given is None else torch.isfinite(torch.cat([angles, given], 1)).all(1)
        out[~known] = torch.nan  # what would be measured of an observation with NaN is not known
        return out

    def _strings(self, angles: torch.Tensor, given: torch.Tensor | None, rng: np.random.Generator) -> np.ndarray:
        out = np.empty((angles.shape[0], len(self.terms.flip)))
        if self.a_shot_each:
            for basis in self.bases:
                out[:, basis.members] = self._one_by_one(basis, angles, given, rng)
            return out
        evolved = self._evolved(angles, given)
        for basis in self.bases:
            chances = self._probabilities(evolved, basis).double().cpu().numpy()
            for wire, (p01, p10) in enumerate(self.readout):
                parts = chances.reshape(len(chances), 1 << wire, 2, -1)
                chances = np.einsum("ij,bajc->baic", [[1 - p01, p10], [p01, 1 - p10]], parts).reshape(chances.shape)
            chances = np.maximum(np.nan_to_num(chances, nan=1.0), 0.0)
            chances /= chances.sum(1, keepdims=True)
            counts = rng.multinomial(self.shots, chances)
            out[:, basis.members] = counts @ basis.eigenvalues / self.shots
        return out

    def _evolved(self, angles: torch.Tensor, given: torch.Tensor | None) -> torch.Tensor:
        rows = angles.shape[0]
        if self.density is not None:
            return self.density.values(angles, given, rows)
        assert self.pure is not None
        none = angles.new_zeros(rows, 0)
        return self.pure.states(rows, angles, given, none, none)

    def _probabilities(self, evolved: torch.Tensor, basis: Basis) -> torch.Tensor:
        """(R, 2^n) of a setting."""
        rows = evolved.shape[0]
        if self.density is None:
            for wire, letter in enumerate(basis.letters):
                if letter != 3:
                    turn = torch.tensor([_TURNS[letter]], dtype=evolved.dtype, device=evolved.device)
                    evolved = apply_single(evolved, turn, wire)
            return evolved.real.square() + evolved.imag.square()
        digits = np.arange(1 << self.n)[:, None] >> np.arange(self.n - 1, -1, -1) & 1
        index = (digits * np.array(basis.letters)) @ 4 ** np.arange(self.n - 1, -1, -1)
        chances = evolved[:, torch.from_numpy(index).to(evolved.device)]
        hadamard = torch.tensor([[0.5, 0.5], [0.5, -0.5]], dtype=evolved.dtype, device=evolved.device)
        for _ in range(self.n):
            chances = (chances.reshape(rows, 2, -1).transpose(1, 2) @ hadamard).reshape(rows, -1)
        return chances

    def _one_by_one(
        self, basis: Basis, angles: torch.Tensor, given: torch.Tensor | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Means (R, terms) over shots that each have a trajectory of their own."""
        assert self.pure is not None
        rows, total = angles.shape[0], np.zeros((angles.shape[0], len(basis.members)))
        size = min(self.shots, max(1, _STATE_BYTES // ((64 << self.n) * rows)))
        for start in range(0, self.shots, size):
            count = min(size, self.shots - start)
            turns, numbers = self.pure.draw(rows * count, rng)
            many = [None if t is None else t.repeat_interleave(count, 0) for t in (angles, given)]
            assert many[0] is not None
            state = self.pure.states(rows * count, many[0], many[1], turns, numbers)
            cumulated = self._probabilities(state, basis).double().cumsum(1)
            uniform = torch.from_numpy(rng.random((rows * count, 1))).to(cumulated.device)
            outcome = torch.searchsorted(cumulated, uniform * cumulated[:, -1:], right=True)[:, 0].cpu().numpy()
            outcome = np.minimum(outcome, (1 << self.n) - 1)
            bits = outcome[:, None] >> np.arange(self.n - 1, -1, -1) & 1
            wrong = rng.random(bits.shape) < np.where(bits == 1, self.readout[:, 1], self.readout[:, 0])
            outcome ^= wrong @ (1 << np.arange(self.n - 1, -1, -1))
            total += basis.eigenvalues[outcome].reshape(rows, count, -1).sum(1)
        return total / self.shots
