"""A small differentiable simulator of one to four qumodes in the Fock basis, in plain torch.

TorchQuantum has no qumodes; nothing here is built with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from entangrid.agents.quantum.cv_gates import FockGates
from entangrid.data.errors import InputError

MAX_MODES = 4


class FockState:
    """States of `n_modes` qumodes of D levels each, a batch of them at once, from the vacuum on.

    `amplitudes` (D, ..., D, B), one axis a mode, complex. Parameters of gates are tensors (or numbers) of shape () or
    (B,). Gates change the state in place of the object, not of the tensor, so that gradients flow. What a gate moves
    beyond the cutoff is lost, and `norm` tells how much. Conventions: see `cv_gates`.

    >>> state = FockState(2, cutoff=10)
    >>> state.squeeze(0, 0.3); state.beam_split(0, 1, 0.785); state.mean_n()
    """

    def __init__(
        self,
        n_modes: int,
        cutoff: int,
        batch: int = 1,
        *,
        dtype: torch.dtype = torch.complex128,
        gates: FockGates | None = None,
    ) -> None:
        if not 1 <= n_modes <= MAX_MODES:
            raise InputError(f"FockState: n_modes={n_modes} must be between 1 and {MAX_MODES}")
        self.n_modes, self.cutoff, self.batch = n_modes, cutoff, batch
        self.gates = FockGates(cutoff, n_modes) if gates is None else gates
        device = self.gates.get_buffer("_levels").device
        self.amplitudes = torch.zeros((*[cutoff] * n_modes, batch), dtype=dtype, device=device)
        self.amplitudes[(0,) * n_modes] = 1.0

    def displace(self, mode: int, r: torch.Tensor | float, phi: torch.Tensor | float = 0.0) -> None:
        """D(r, phi): moves <x> by 2 r cos(phi) and <p> by 2 r sin(phi)."""
        self.apply(mode, self.gates.displacement(self._parameter(r), self._parameter(phi)))

    def squeeze(self, mode: int, r: torch.Tensor | float, phi: torch.Tensor | float = 0.0) -> None:
        """S(r, phi): with phi = 0 the standard deviation of x shrinks by e^-r."""
        self.apply(mode, self.gates.squeezing(self._parameter(r), self._parameter(phi)))

    def rotate(self, mode: int, phi: torch.Tensor | float) -> None:
        """R(phi)."""
        self.apply(mode, torch.diag_embed(self.gates.phases(self._parameter(phi))))

    def kerr(self, mode: int, kappa: torch.Tensor | float) -> None:
        """K(kappa), the gate that is not Gaussian."""
        self.apply(mode, torch.diag_embed(self.gates.kerr_phases(self._parameter(kappa))))

    def beam_split(self, mode1: int, mode2: int, theta: torch.Tensor | float, phi: torch.Tensor | float = 0.0) -> None:
        """B(theta, phi) of any two modes, with one transmission for the whole batch."""
        self.apply_two(mode1, mode2, self.gates.beam_splitter(self._parameter(theta), self._parameter(phi)))

    def _parameter(self, value: torch.Tensor | float) -> torch.Tensor:
        if isinstance(value, torch.Tensor):
            return value
        return torch.tensor(value, dtype=torch.float64, device=self.amplitudes.device)

    def apply(self, mode: int, matrix: torch.Tensor) -> None:
        """A one-mode gate (D, D), or one a sample (B, D, D)."""
        d, shape = self.cutoff, self.amplitudes.shape
        matrix = matrix.to(self.amplitudes.dtype)
        if matrix.dim() == 3:
            view = self.amplitudes.reshape(d**mode, d, -1, self.batch)
            self.amplitudes = torch.einsum("bij,xjyb->xiyb", matrix, view).reshape(shape)
        else:
            self.amplitudes = (matrix @ self.amplitudes.reshape(d**mode, d, -1)).reshape(shape)

    def apply_two(self, mode1: int, mode2: int, matrix: torch.Tensor) -> None:
        """A two-mode gate (D^2, D^2)."""
        d, shape = self.cutoff, self.amplitudes.shape
        matrix = matrix.to(self.amplitudes.dtype)
        if mode2 == mode1 + 1:
            self.amplitudes = (matrix @ self.amplitudes.reshape(d**mode1, d * d, -1)).reshape(shape)
            return
        moved = self.amplitudes.movedim((mode1, mode2), (0, 1))
        turned = (matrix @ moved.reshape(d * d, -1)).reshape(moved.shape)
        self.amplitudes = turned.movedim((0, 1), (mode1, mode2))

    def norm(self) -> torch.Tensor:
        """<psi|psi> (B,), below 1 by what was lost beyond the cutoff."""
        return self._weights().sum(0)

    def mean_x(self, modes: Sequence[int] | None = None) -> torch.Tensor:
        """<x> of the modes (B, m), x = a + a^†; not divided by the norm."""
        out = []
        for mode in range(self.n_modes) if modes is None else modes:
            view = self.amplitudes.reshape(self.cutoff**mode, self.cutoff, -1, self.batch)
            lower, upper = torch.view_as_real(view[:, :-1]), torch.view_as_real(view[:, 1:])
            root = self.gates.get_buffer("_levels")[1:].sqrt().to(lower.dtype)
            out.append(2.0 * torch.einsum("n,xnybc,xnybc->b", root, lower, upper))
        return torch.stack(out, 1)

    def mean_n(self, modes: Sequence[int] | None = None) -> torch.Tensor:
        """<n> of the modes (B, m), photons; not divided by the norm."""
        weights, out = self._weights(), []
        levels = self.gates.get_buffer("_levels").to(weights.dtype)
        for mode in range(self.n_modes) if modes is None else modes:
            view = weights.reshape(self.cutoff**mode, self.cutoff, -1, self.batch)
            out.append(torch.einsum("n,xnyb->b", levels, view))
        return torch.stack(out, 1)

    def _weights(self) -> torch.Tensor:
        return torch.view_as_real(self.amplitudes).square().sum(-1).reshape(-1, self.batch)
