"""Pure states in plain torch, one wire at a time; and batches of none."""

from __future__ import annotations

from collections.abc import Callable

import torch

#: name of the random numbers' state among the tensors of a layer with noise or shots; other layers pass over it
DRAWS = "draws"


def apply_single(state: torch.Tensor, matrix: torch.Tensor, wire: int) -> torch.Tensor:
    """A matrix (B or 1, 2, 2) on one wire of states (B, 2^n)."""
    low, high = state.reshape(state.shape[0], 1 << wire, 2, -1).unbind(2)
    m = matrix[:, :, :, None, None]
    return torch.stack([m[:, 0, 0] * low + m[:, 0, 1] * high, m[:, 1, 0] * low + m[:, 1, 1] * high], 2).flatten(1)


def reduced(state: torch.Tensor, wire: int) -> torch.Tensor:
    """(B, 2, 2): density matrix of one wire of pure states."""
    low, high = state.reshape(state.shape[0], 1 << wire, 2, -1).unbind(2)
    coherence = (low * high.conj()).sum((1, 2))
    populations = [(part.real.square() + part.imag.square()).sum((1, 2)).to(state.dtype) for part in (low, high)]
    rows = [torch.stack([populations[0], coherence], 1), torch.stack([coherence.conj(), populations[1]], 1)]
    return torch.stack(rows, 1)


def draw_jump(
    kraus: torch.Tensor, populations: torch.Tensor, numbers: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """One operator (B, 2, 2) for every pair of populations (B, 2) of |0> and |1>, and its probability (B,); `numbers`
    (B,) are uniform. K†K is diagonal for every operator of a `Channel`."""
    chances = populations @ (kraus.abs() ** 2).sum(1).T
    cumulated = chances.cumsum(1)
    index = (cumulated[:, :-1] <= numbers[:, None] * cumulated[:, -1:]).sum(1)
    return kraus[index], chances.gather(1, index[:, None])[:, 0]


def beside_a_row(run: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """run(x) of an empty batch by what cannot take one: with a row of zeros, whose result is left out."""
    return run(torch.cat([x, x.new_zeros(1, x.shape[1])]))[:0]
