"""Thermal zones: a linear RC network of temperature nodes, solved exactly over a step."""

import numpy as np
from numpy.typing import NDArray

from entangrid.envs.kernels.jit import kernel

F = NDArray[np.float64]


@kernel
def advance(x: F, u: F, a: F, b: F, a_mean: F, b_mean: F, x_next: F, x_mean: F) -> None:
    """Advance node temperatures over one step with inputs held constant.

    With dx/dt = A x + B u the end of the step is ``x_next = a x + b u`` and the mean over it
    ``x_mean = a_mean x + b_mean u``, where a, b, a_mean, b_mean come from one matrix exponential
    (:func:`entangrid.envs.thermal.step_matrices`), so that the step is exact and stable at any length.

    x, x_next, x_mean (N,) [°C]; u (M,): outdoor temperature [°C], then heat meant for each node [kW];
    a, a_mean (N, N) [-]; b, b_mean (N, M).
    Source: Van Loan 1978, DOI 10.1109/TAC.1978.1101743.
    """
    n, m = b.shape
    if n == 2:  # one zone: the same sums written out
        x0, x1, u0, u1, u2 = x[0], x[1], u[0], u[1], u[2]
        x_next[0] = a[0, 0] * x0 + a[0, 1] * x1 + b[0, 0] * u0 + b[0, 1] * u1 + b[0, 2] * u2
        x_mean[0] = a_mean[0, 0] * x0 + a_mean[0, 1] * x1 + b_mean[0, 0] * u0 + b_mean[0, 1] * u1 + b_mean[0, 2] * u2
        x_next[1] = a[1, 0] * x0 + a[1, 1] * x1 + b[1, 0] * u0 + b[1, 1] * u1 + b[1, 2] * u2
        x_mean[1] = a_mean[1, 0] * x0 + a_mean[1, 1] * x1 + b_mean[1, 0] * u0 + b_mean[1, 1] * u1 + b_mean[1, 2] * u2
        return
    for i in range(n):
        end = 0.0
        mean = 0.0
        for j in range(n):
            end += a[i, j] * x[j]
            mean += a_mean[i, j] * x[j]
        for j in range(m):
            end += b[i, j] * u[j]
            mean += b_mean[i, j] * u[j]
        x_next[i] = end
        x_mean[i] = mean


@kernel
def discomfort_k(t: float, low: float, high: float) -> float:
    """Distance of a temperature from the comfort band [K]; t, low, high [°C]."""
    return max(low - t, 0.0) + max(t - high, 0.0)


@kernel
def mean_air_c(x: F, u: F, a_mean: F, b_mean: F, zone: int) -> float:
    """Mean air temperature [°C] of one zone (0, 1, ...) over a step; arguments as in :func:`advance`."""
    n, m = b_mean.shape
    t = 0.0
    for j in range(n):
        t += a_mean[2 * zone, j] * x[j]
    for j in range(m):
        t += b_mean[2 * zone, j] * u[j]
    return t


@kernel
def ideal_heat(x: F, u: F, a_mean: F, b_mean: F, low: float, high: float, zone: int) -> float:
    """Heat [kW] into a zone's air, beside what u holds, that keeps its mean temperature within the band.

    q = (min(max(T, low), high) - T) / b_mean[air, air], T the mean without q: positive heats, negative cools, 0 if
    the band holds by itself. The power is unlimited.

    x (N,), u (M,), a_mean, b_mean as in :func:`advance`; low, high [°C]; zone 0, 1, ...
    Source: ISO 13790:2008, C.4 (there with the band's edge as set-point).
    """
    t = mean_air_c(x, u, a_mean, b_mean, zone)
    return float((min(max(t, low), high) - t) / b_mean[2 * zone, 1 + 2 * zone])


@kernel
def ideal_heats(x: F, u: F, a_mean: F, b_mean: F, low: F, high: F, q: F) -> int:
    """:func:`ideal_heat` of all zones at once: q (Z,) [kW] is written and added to u's air inputs; returns the sweeps.

    Each zone in turn replaces its own heat, given the others', until no mean moves by more than 1e-9 K: projected
    Gauss-Seidel sweeps, which converge because the response b_mean of air to air is symmetric and positive definite.
    A zone heats only at its lower edge and cools only at its upper one.

    low, high (Z,) [°C], Z zones that are there; the rest as in :func:`advance`.
    Source: Cottle, Pang, Stone 2009, The Linear Complementarity Problem, DOI 10.1137/1.9780898719000, chapter 5.
    """
    n_zones = q.size
    for z in range(n_zones):
        q[z] = 0.0
    sweeps = 0
    while sweeps < 1_000:
        sweeps += 1
        largest = 0.0
        for z in range(n_zones):
            air = 1 + 2 * z
            u[air] -= q[z]
            after = ideal_heat(x, u, a_mean, b_mean, low[z], high[z], z)
            largest = max(largest, abs(after - q[z]) * b_mean[2 * z, air])
            q[z] = after
            u[air] += after
        if largest <= 1e-9 or n_zones == 1:
            break
    return sweeps
