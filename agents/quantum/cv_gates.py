"""Gates of qumodes in the Fock basis, cut to the first D levels.

Each matrix here is the block <m|U|n>, m, n < D, of the gate in the infinite space, so that a cut gate is no longer
unitary and the norm of a state drops where it leaves the block. Conventions (hbar = 2, x = a + a^†, p = -i (a - a^†))
and signs are those of Killoran et al. 2019, doi:10.1103/PhysRevResearch.1.033063:

    D(r, phi) = exp(alpha a^† - h.c.), alpha = r e^{i phi}      S(r, phi) = exp(r/2 (e^{-i phi} a^2 - h.c.))
    R(phi) = exp(i phi n)      K(kappa) = exp(i kappa n^2)      B(theta, phi) = exp(theta (e^{i phi} a1 a2^† - h.c.))

With phi = 0 the first three are real matrices, and phases around them give the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from scipy.special import gammaln


class _Spread(torch.autograd.Function):
    """Entries of sectors to their places in the matrix. Both directions only read: torch's own backward of an index
    adds entry by entry."""

    @staticmethod
    def forward(ctx: Any, sectors: torch.Tensor, places: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(slots)
        return torch.nn.functional.pad(sectors, (0, 1))[..., places]

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (slots,) = ctx.saved_tensors
        return torch.nn.functional.pad(grads[0], (0, 1))[..., slots], None, None


class FockGates(torch.nn.Module):
    """Differentiable gate matrices of `cutoff` levels D, double precision, for parameters of any batch shape."""

    def __init__(self, cutoff: int, n_modes: int = 1) -> None:
        super().__init__()
        self.cutoff = cutoff
        tables = {"levels": np.arange(cutoff, dtype=float)}
        tables |= _displacement_tables(cutoff) | _squeezing_tables(cutoff)
        if n_modes > 1:
            tables |= _beam_splitter_tables(cutoff)
        for name, table in tables.items():
            self.register_buffer(f"_{name}", torch.as_tensor(table), persistent=False)
        # a state of the block displaced this far has left it: |m> lies within sqrt(m) + 2 of its centre
        self.furthest = 2.0 * math.sqrt(cutoff) + 4.0

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> FockGates:
        # tables go where the module goes, but stay in double precision
        super()._apply(lambda table: table.to(fn(table).device), recurse)  # type: ignore[no-untyped-call]
        return self

    def _table(self, name: str) -> torch.Tensor:
        return self.get_buffer(f"_{name}")

    def phases(self, phi: torch.Tensor) -> torch.Tensor:
        """The diagonal of R(phi), (..., D)."""
        angle = phi.double()[..., None] * self._table("levels")
        return torch.polar(torch.ones_like(angle), angle)

    def kerr_phases(self, kappa: torch.Tensor) -> torch.Tensor:
        """The diagonal of K(kappa), (..., D)."""
        angle = kappa.double()[..., None] * self._table("levels") ** 2
        return torch.polar(torch.ones_like(angle), angle)

    def coherent(self, r: torch.Tensor) -> torch.Tensor:
        """D(r, 0) |0>, (..., D): e^{-r^2/2} r^n / sqrt(n!)."""
        r = r.double()[..., None]
        return torch.exp(-0.5 * r * r) * r ** self._table("levels") * self._table("inverse_root")

    def displacement(self, r: torch.Tensor, phi: torch.Tensor | None = None) -> torch.Tensor:
        """D(r, phi), (..., D, D); zero where |r| leaves nothing of the block in the block.

        x = a + a^† in K levels has eigenvalues l_k and eigenvectors u_k (Gauss-Hermite quadrature), and
        D(r) = sum_k u_k u_k^T exp(-i r l_k) between phases i^m: real, cosines where m - n is even and sines elsewhere.
        """
        near = r.abs() <= self.furthest
        angle = torch.where(near, r, 0.0).double()[..., None, None] * self._table("nodes")
        u = self._table("vectors")
        even, odd = self._table("even"), self._table("odd")
        real = even * ((u * torch.cos(angle)) @ u.T) + odd * ((u * torch.sin(angle)) @ u.T)
        return self._between(torch.where(near[..., None, None], real, 0.0), phi)

    def squeezing(self, r: torch.Tensor, phi: torch.Tensor | None = None) -> torch.Tensor:
        """S(r, phi), (..., D, D), normally ordered, in which the block is closed: with t = tanh r,
        exp(-t/2 a^†^2) sech(r)^{n + 1/2} exp(t/2 a^2)."""
        r = r.double()
        powers = torch.tanh(r)[..., None] ** self._table("pairs")
        lower, raised = (
            (p @ self._table("lower")).reshape(*r.shape, self.cutoff, self.cutoff)
            for p in (powers, powers * self._table("signs"))
        )
        sech = (1.0 / torch.cosh(r))[..., None] ** (self._table("levels") + 0.5)
        return self._between((raised * sech[..., None, :]) @ lower.mT, None if phi is None else 0.5 * phi)

    def _between(self, real: torch.Tensor, phi: torch.Tensor | None) -> torch.Tensor:
        if phi is None:
            return real
        phases = self.phases(phi)
        return phases[..., :, None] * real * phases.conj()[..., None, :]

    def beam_splitter(self, theta: torch.Tensor, phi: torch.Tensor | None = None) -> torch.Tensor:
        """B(theta, phi), (..., D^2, D^2), row m1 D + m2. Photons are conserved: one rotation matrix for each number of
        photons, whose entries are sums of cos(l theta) and sin(l theta) with whole l."""
        angle = theta.double()[..., None] * self._table("frequencies")
        waves = torch.cat([torch.cos(angle), torch.sin(angle)], -1)
        sectors = waves @ self._table("sectors")
        size = self.cutoff * self.cutoff
        spread: torch.Tensor = _Spread.apply(  # type: ignore[no-untyped-call]
            sectors, self._table("places"), self._table("slots")
        )
        real = spread.reshape(*theta.shape, size, size)
        if phi is None:
            return real
        phases = self.phases(phi)[..., None, :].expand(*phi.shape, self.cutoff, self.cutoff).flatten(-2)
        return phases[..., :, None] * real * phases.conj()[..., None, :]


@lru_cache(maxsize=8)
def _displacement_tables(cutoff: int) -> dict[str, np.ndarray]:
    # levels enough for a state of the block that is displaced by `furthest`; even, so that no eigenvalue is zero
    levels = 2 * math.ceil((3.0 * math.sqrt(cutoff) + 7.0) ** 2 / 2.0)
    ladder = np.diag(np.sqrt(np.arange(1.0, levels)), 1)
    nodes, vectors = np.linalg.eigh(ladder + ladder.T)
    positive = nodes > 0  # the negative ones give the same terms
    difference = (np.arange(cutoff)[:, None] - np.arange(cutoff)) % 4
    return {
        "nodes": nodes[positive],
        "vectors": math.sqrt(2.0) * vectors[:cutoff, positive],
        "even": np.select([difference == 0, difference == 2], [1.0, -1.0]),
        "odd": np.select([difference == 1, difference == 3], [1.0, -1.0]),
        "inverse_root": np.exp(-0.5 * gammaln(np.arange(cutoff) + 1.0)),
    }


@lru_cache(maxsize=8)
def _squeezing_tables(cutoff: int) -> dict[str, np.ndarray]:
    pairs = np.arange((cutoff + 1) // 2)[:, None, None]
    m, k = np.arange(cutoff)[:, None], np.arange(cutoff)
    # sqrt(m!/k!) / j! / 2^j, by which exp(t/2 a^†^2) is t^j where m - k = 2 j
    log = 0.5 * (gammaln(m + 1.0) - gammaln(k + 1.0)) - gammaln(pairs + 1.0) - pairs * math.log(2.0)
    return {
        "pairs": pairs.ravel().astype(float),
        "signs": (-1.0) ** pairs.ravel(),
        "lower": np.where(m - k == 2 * pairs, np.exp(log), 0.0).reshape(pairs.size, -1),
    }


@lru_cache(maxsize=8)
def _beam_splitter_tables(cutoff: int) -> dict[str, np.ndarray]:
    top = 2 * (cutoff - 1)
    frequencies = np.arange(top + 1)
    waves = np.zeros((2, top + 1, top + 1, cutoff, cutoff))
    places = np.full((cutoff, cutoff, cutoff, cutoff), waves[0, 0].size)  # elsewhere: the zero behind all
    for photons in range(top + 1):
        n1 = np.arange(photons + 1.0)
        down = np.diag(np.sqrt(n1[1:] * (photons - n1[1:] + 1.0)), 1)  # a1 a2^†: n1 -> n1 - 1
        values, vectors = np.linalg.eigh(1j * (down - down.T))
        kept = np.arange(max(0, photons - cutoff + 1), min(photons, cutoff - 1) + 1)
        for value, vector in zip(np.rint(values).astype(int), vectors[kept].T, strict=True):
            # the exponential is the sum of exp(-i value theta) |v><v| and is real
            projector = np.outer(vector, vector.conj())
            waves[0, abs(value), photons, : len(kept), : len(kept)] += projector.real
            waves[1, abs(value), photons, : len(kept), : len(kept)] += np.sign(value) * projector.imag
        i, j = kept[:, None], kept[None, :]
        slots = np.arange(len(kept))
        places[i, photons - i, j, photons - j] = (photons * cutoff + slots[:, None]) * cutoff + slots
    slots_of = np.full(waves[0, 0].size + 1, places.size)
    slots_of[places.reshape(-1)] = np.arange(places.size)
    return {
        "frequencies": frequencies.astype(float),
        "sectors": waves.reshape(2 * (top + 1), -1),
        "places": places.reshape(-1),
        "slots": slots_of[:-1],
    }
