"""Intervals of the reproduce targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

F = npt.NDArray[np.float64]


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """(mean, low, high): the mean over seeds and its 95 % percentile bootstrap interval."""
    return interval(values, np.mean)


def interval(values: Sequence[float], statistic: Callable[..., Any]) -> tuple[float, float, float]:
    """(statistic, low, high) over seeds with the 95 % percentile bootstrap; one value has no interval (NaN)."""
    x = np.asarray(values, np.float64)
    if x.size < 2:
        return float(statistic(x)), float("nan"), float("nan")
    draws = np.random.default_rng(0).integers(0, x.size, (10_000, x.size))
    low, high = np.quantile(statistic(x[draws], axis=1), [0.025, 0.975])
    return float(statistic(x)), float(low), float(high)


def difference_of_medians(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float]:
    """(median(a) - median(b), low, high) with the 95 % percentile bootstrap of two independent groups."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    rng = np.random.default_rng(0)
    draws = np.median(x[rng.integers(0, x.size, (10_000, x.size))], axis=1)
    draws = draws - np.median(y[rng.integers(0, y.size, (10_000, y.size))], axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(np.median(x) - np.median(y)), float(low), float(high)


def probability_less(a: Sequence[float], b: Sequence[float]) -> float:
    """P(A < B) + P(A = B) / 2 over all pairs."""
    x, y = np.asarray(a, np.float64)[:, None], np.asarray(b, np.float64)[None, :]
    return float(((x < y) + 0.5 * (x == y)).mean())
