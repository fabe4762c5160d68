"""Thermal zone: a linear RC network of temperature nodes, solved exactly over a step."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

F = NDArray[np.float64]


@njit(cache=True)
def advance(x: F, u: F, a: F, b: F, a_mean: F, b_mean: F, x_next: F, x_mean: F) -> None:
    """Advance node temperatures over one step with inputs held constant.

    With dx/dt = A x + B u the end of the step is ``x_next = a x + b u`` and the mean over it
    ``x_mean = a_mean x + b_mean u``, where a, b, a_mean, b_mean come from one matrix exponential
    (:func:`entangrid.envs.thermal.discretise`), so that the step is exact and stable at any length.

    x, x_next, x_mean (N,) [°C]; u (M,): outdoor temperature [°C], then heat into each node [kW];
    a, a_mean (N, N) [-]; b, b_mean (N, M).
    Source: two-node model Bacher, Madsen 2011, DOI 10.1016/j.enbuild.2011.02.005.
    """
    n, m = b.shape
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


@njit(cache=True)
def discomfort_k(t: float, low: float, high: float) -> float:
    """Distance of a temperature from the comfort band [K]; t, low, high [°C]."""
    return max(low - t, 0.0) + max(t - high, 0.0)
