"""Intervals of the reproduce targets, by the statistics of studies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from entangrid.experiments.statistics import Resampled, probability_of_improvement
from entangrid.experiments.statistics.bootstrap import RESAMPLES


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """(mean, low, high): the mean over seeds and its 95 % bootstrap interval, widened for few seeds; NaN for one."""
    return interval(values, np.mean)


def interval(values: Sequence[float], statistic: Callable[..., Any]) -> tuple[float, float, float]:
    """(statistic, low, high) likewise of any statistic that takes ``axis``."""
    x = np.asarray(values, np.float64)
    draws = np.random.default_rng(0).integers(0, x.size, (RESAMPLES, x.size))
    found = Resampled(float(statistic(x)), statistic(x[draws], axis=1), x.size - 1.0).interval()
    return found.estimate, found.low, found.high


def difference_of_medians(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float]:
    """(median(a) - median(b), low, high) with the plain 95 % percentiles of two independent groups."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    rng = np.random.default_rng(0)
    draws = np.median(x[rng.integers(0, x.size, (RESAMPLES, x.size))], axis=1)
    draws = draws - np.median(y[rng.integers(0, y.size, (RESAMPLES, y.size))], axis=1)
    found = Resampled(float(np.median(x) - np.median(y)), draws, x.size + y.size - 2.0).interval(widened=False)
    return found.estimate, found.low, found.high


def probability_less(a: Sequence[float], b: Sequence[float]) -> float:
    """P(A < B) + P(A = B) / 2 over all pairs."""
    x, y = np.asarray(a, np.float64)[None, :, None], np.asarray(b, np.float64)[None, :, None]
    return float(probability_of_improvement(-x, -y)[0])
