"""One number of many scores, as Agarwal and others (2021, arXiv:2108.13264) define it.

Scores are arrays (..., R, T): R runs of each of T tasks, higher is better, 1 is the best that can be expected. Leading
axes, such as resamples, stay. NaN in gives NaN out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F = npt.NDArray[np.float64]


def mean(scores: F) -> F:
    """Mean over runs and tasks."""
    return np.asarray(scores.mean((-2, -1)))


def median(scores: F) -> F:
    """Median over tasks of the mean over runs."""
    return np.asarray(np.median(scores.mean(-2), -1))


def interquartile_mean(scores: F) -> F:
    """Mean of the middle half of all scores: a quarter of them, rounded down, is left out at either end."""
    flat = scores.reshape(*scores.shape[:-2], -1)
    n = flat.shape[-1]
    cut = n // 4
    ordered = np.sort(flat, -1)
    middle = np.asarray(ordered[..., cut : n - cut].mean(-1))
    return np.where(np.isnan(ordered[..., -1]), np.nan, middle)  # NaN sorts to the end


def optimality_gap(scores: F, target: float = 1.0) -> F:
    """How far the scores fall short of the target on average; what lies above it does not make up for the rest."""
    return np.asarray(target - np.minimum(scores, target).mean((-2, -1)))


def probability_of_improvement(a: F, b: F) -> F:
    """P(a > b) + P(a = b) / 2 for one run of each, mean over tasks; a (..., R, T), b (..., S, T).

    The Mann-Whitney statistic over its greatest value.
    """
    return np.asarray(wins(a, b).mean((-3, -2, -1)))


def wins(a: F, b: F) -> F:
    """1 where run r of a beats run s of b in a task, 1/2 where they tie, else 0: (..., R, S, T)."""
    left, right = a[..., :, None, :], b[..., None, :, :]
    return np.where(np.isnan(left) | np.isnan(right), np.nan, (left > right) + 0.5 * (left == right))


def score_distribution(scores: F, thresholds: F) -> F:
    """Performance profile: the share of runs above each threshold, mean over tasks; (..., len(thresholds))."""
    return _share_above(scores.reshape(*scores.shape[:-2], -1), thresholds)


def average_score_distribution(scores: F, thresholds: F) -> F:
    """The share of tasks whose mean over runs is above each threshold; (..., len(thresholds))."""
    return _share_above(scores.mean(-2), thresholds)


def _share_above(values: F, thresholds: F) -> F:
    return np.stack([(values > threshold).mean(-1) for threshold in thresholds], -1)
