"""A circuit with its noise, gate by gate: what `density`, `trajectories` and `shots` execute.

Every angle of every gate has a column of its own, so that a gate can be shifted alone; where the columns' values come
from is the caller's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

from entangrid.agents.quantum.noise import Damp, NoiseModel, Scatter
from entangrid.agents.quantum.program import Angle, Gate
from entangrid.agents.quantum.readout import PauliTerms
from entangrid.agents.quantum.translation import Primitive, translate
from entangrid.data.errors import InputError

Step = Primitive | Scatter | Damp
_BUDGET = 256 << 20  # bytes of intermediate states that a call may keep


class NoisyProgram(NamedTuple):
    """Steps in the order of time; the angle of a rotation is column `angle.input`. `readout` (n_qubits, 2) are the
    probabilities to read 1 of a |0> and 0 of a |1>."""

    n_qubits: int
    steps: tuple[Step, ...]
    n_angles: int
    terms: PauliTerms
    readout: np.ndarray

    @property
    def is_noisy(self) -> bool:
        """Whether any step is random."""
        return any(isinstance(step, Scatter | Damp) for step in self.steps)


def noisy_program(
    gates: Sequence[Gate],
    terms: PauliTerms,
    n_qubits: int,
    noise: NoiseModel,
    matrices: Sequence[np.ndarray | None] | None = None,
) -> NoisyProgram:
    """The program of gates, whose angles are numbered in order. `matrices` are the unitaries of gates whose names do
    not define them. Raises `InputError` for a gate without a translation."""
    noise.check(n_qubits)
    steps: list[Step] = []
    n_angles = 0
    for gate, matrix in zip(gates, [None] * len(gates) if matrices is None else matrices, strict=True):
        angles = tuple(Angle(input=n_angles + i) for i in range(len(gate.angles)))
        n_angles += len(angles)
        translated = translate(gate._replace(angles=angles), matrix)
        if translated is None:
            raise InputError(f"gate {gate.name!r} on wires {list(gate.wires)} cannot be executed with noise or shots")
        steps += translated
        steps += noise.after(gate)
    return NoisyProgram(n_qubits, tuple(steps), n_angles, terms, noise.readout(n_qubits))


def letters(terms: PauliTerms, n_qubits: int) -> np.ndarray:
    """(T, n_qubits): 0, 1, 2, 3 for I, X, Y, Z on every wire."""
    shift = np.arange(n_qubits - 1, -1, -1)
    x, z = terms.flip[:, None] >> shift & 1, terms.sign[:, None] >> shift & 1
    out: np.ndarray = np.where(x == 1, 1 + z, 3 * z)
    return out


def terms_of(digits: np.ndarray, weights: np.ndarray) -> PauliTerms:
    """Terms of strings (T, n_qubits) as in `letters`."""
    bit = 1 << np.arange(digits.shape[1] - 1, -1, -1)
    flip, sign = ((digits == 1) | (digits == 2)) @ bit, (digits >= 2) @ bit
    return PauliTerms(flip.astype(np.int64), sign.astype(np.int64), (digits == 2).sum(1).astype(np.int64), weights)


def misread(terms: PauliTerms, readout: np.ndarray) -> PauliTerms:
    """Terms whose exact expectation values are those of `terms` read with errors: each Pauli letter of a string becomes
    (p10 - p01) I + (1 - p01 - p10) letter."""
    if not readout.any():
        return terms
    sums: dict[tuple[int, ...], np.ndarray] = {}
    for string, weight in zip(letters(terms, len(readout)), terms.weights, strict=True):
        choices = [
            [(0, 1.0)] if letter == 0 else [(0, p10 - p01), (int(letter), 1.0 - p01 - p10)]
            for letter, (p01, p10) in zip(string, readout, strict=True)
        ]
        for chosen in product(*([c for c in options if c[1] != 0.0] for options in choices)):
            key = tuple(letter for letter, _ in chosen)
            sums[key] = sums.get(key, 0.0) + np.prod([factor for _, factor in chosen]) * weight
    if not sums:  # nothing but coin tosses is read
        sums[(0,) * len(readout)] = np.zeros(terms.weights.shape[1])
    return terms_of(np.array(list(sums)), np.stack(list(sums.values())))


def in_chunks(
    function: Callable[..., torch.Tensor], rows: int, row_bytes: int, *tensors: torch.Tensor | None
) -> torch.Tensor:
    """function(rows, *tensors) for some rows at a time, the results concatenated. Tensors of one row are shared. Where
    gradients are wanted and there are several chunks, each is computed anew in the backward pass, so that memory stays
    bounded."""
    size = max(1, _BUDGET // max(row_bytes, 1))
    if rows <= size:
        return function(rows, *tensors)
    parts: list[torch.Tensor] = []
    for start in range(0, rows, size):
        stop = min(start + size, rows)
        args = [t if t is None or t.shape[0] == 1 else t[start:stop] for t in tensors]
        if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in args):
            part: Any = checkpoint(function, stop - start, *args, use_reentrant=False, preserve_rng_state=False)
        else:
            part = function(stop - start, *args)
        parts.append(part)
    return torch.cat(parts)
