"""Intervals at matched comfort: seeds, weeks and clusters of homes are drawn anew, the same for every arm.

In each resample every front is read anew, at the discomfort that the baseline then has. An arm may not be that
comfortable in some of them; they are left out of its interval, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.experiments import matched
from entangrid.experiments.matched import Front, Fronts
from entangrid.experiments.statistics.bootstrap import Resampled, effective_df, resampling_counts

F = npt.NDArray[np.float64]
#: Energy of the seeds of one arm or more, each (B, S) with NaN where a seed is not that comfortable -> (B,)
Statistic = Callable[..., F]

RESAMPLES = 4_000
_FEW = 400  # resamples of one thing alone, for the degrees of freedom
_NONE = float("nan")


class Estimate(NamedTuple):
    """A number, its interval, its p-value against 0, and the share of resamples in which it is not defined.

    ``error``, ``df``: its standard error, and the degrees of freedom of that.
    """

    value: float = _NONE
    low: float = _NONE
    high: float = _NONE
    p: float = _NONE
    undefined: float = 0.0
    error: float = _NONE
    df: float = _NONE


class Draws(NamedTuple):
    """Energy of each seed (., S): as measured (1, S), with weeks and homes drawn, weeks alone, and homes alone."""

    seeds: list[int]
    measured: F
    both: F
    weeks: F
    homes: F

    def of(self, seeds: Sequence[int]) -> Draws:
        """The same of some of the seeds; of an arm that does not learn, its only row."""
        if self.seeds == [-1]:
            return self
        rows = [self.seeds.index(seed) for seed in seeds]
        return Draws(list(seeds), *(each[:, rows] for each in self[1:]))


class Resamples:
    """``arms``: every arm's draws by label."""

    def __init__(
        self,
        found: Fronts,
        bound: float | None,
        baseline: str | None = None,
        *,
        confidence: float = 0.95,
        resamples: int = RESAMPLES,
        seed: int = 0,
    ):
        """``bound``: of discomfort [K h a home and week]; None for what the baseline has in each resample, as the mean
        of its seeds. What there is only one of is not drawn."""
        self.confidence, self.seed = confidence, seed
        self.n_weeks, self.n_clusters = found.counts.shape
        rng = np.random.default_rng(seed)
        weeks, homes = (_counts(n, resamples, rng) for n in found.counts.shape)
        no_weeks, no_homes = np.ones_like(weeks), np.ones_like(homes)
        few = slice(_FEW)
        kinds = (
            (no_weeks[:1], no_homes[:1]), (weeks, homes), (weeks[few], no_homes[few]), (no_weeks[few], homes[few]),
        )  # fmt: skip
        read: dict[str, list[F]] = {label: [] for label in found.arms}
        for of_weeks, of_homes in kinds:
            weights = of_weeks[:, :, None] * of_homes[:, None, :]
            total = (weights * found.counts).sum((1, 2))
            weights = (weights / np.where(total > 0.0, total, np.nan)[:, None, None]).reshape(len(weights), -1)
            most = np.full(len(weights), bound)
            if bound is None:
                most = mean(_points(found.arms[str(baseline)], weights)[1].reshape(len(weights), -1))
            for label, front in found.arms.items():
                energy, discomfort = _points(front, weights)
                read[label].append(matched.energy_at(energy, discomfort, most[:, None]))
        self.arms = {label: Draws(found.arms[label].seeds, *each) for label, each in read.items()}

    def estimate(self, statistic: Statistic, *own: Draws, paired: bool = False) -> Estimate:
        """A statistic of one arm or more, with its interval over seeds, weeks and homes.

        ``paired``: the seeds of all are drawn together; an arm that does not learn stands beside each. Degrees of
        freedom weigh seeds, weeks and homes by the variance that each brings.
        """
        value = float(statistic(*(x.measured for x in own))[0])
        rows = [self._rows(x, 0 if paired else k) for k, x in enumerate(own)]
        drawn = statistic(*(np.take_along_axis(x.both, r, 1) for x, r in zip(own, rows, strict=True)))
        undefined = float(np.isnan(drawn).mean())
        drawn = drawn[~np.isnan(drawn)]
        if np.isnan(value) or not drawn.size:
            return Estimate(value, undefined=undefined)
        alone = (
            statistic(*(x.measured[0][r[:_FEW]] for x, r in zip(own, rows, strict=True))),
            statistic(*(x.weeks for x in own)),
            statistic(*(x.homes for x in own)),
        )
        seeds = min((len(x.seeds) for x in own if len(x.seeds) > 1), default=1)
        dfs = [seeds - 1, self.n_weeks - 1, self.n_clusters - 1]
        variances = [_variance(x) for x in alone]
        df = effective_df(variances, dfs)
        # a resample of n varies by (n - 1) / n less than its mean does
        error = float(np.sqrt(sum(v * (n + 1) / n for v, n in zip(variances, dfs, strict=True) if n > 0)))
        resampled = Resampled(value, drawn, df)
        _, low, high = resampled.interval(self.confidence)
        return Estimate(value, low, high, resampled.p_value(), undefined, error, df)

    def _rows(self, own: Draws, stream: int) -> npt.NDArray[np.int64]:
        """Which seeds are drawn (B, S): the same for arms with as many seeds."""
        n = own.measured.shape[1]
        return np.random.default_rng([self.seed, n, stream]).integers(0, n, (len(own.both), n))


def _counts(n: int, resamples: int, rng: np.random.Generator) -> F:
    return resampling_counts(n, resamples, rng) if n > 1 else np.ones((resamples, 1))


def _points(front: Front, weights: F) -> F:
    """Energy and discomfort (2, B, S, V) with weeks and clusters weighted (B, W * C)."""
    flat = front.cells.reshape(-1, weights.shape[1])
    return np.moveaxis((weights @ flat.T).reshape(-1, *front.cells.shape[:3]), 1, 0)


def _variance(values: F) -> float:
    known = values[~np.isnan(values)]
    return float(known.var()) if known.size else 0.0


def mean(energy: F) -> F:
    """Mean (B,) over the seeds (B, S) that are that comfortable; NaN without any."""
    there = ~np.isnan(energy)
    return np.asarray(np.where(there, energy, 0.0).sum(1) / np.where(there.any(1), there.sum(1), np.nan))


def interquartile_mean(energy: F) -> F:
    """The same of the middle half of them: a quarter, rounded down, is left out at either end (below four: none)."""
    n = (~np.isnan(energy)).sum(1)
    cut = n // 4
    sums = np.cumsum(np.nan_to_num(np.sort(energy, 1)), 1)
    sums = np.concatenate([np.zeros((len(sums), 1)), sums], 1)
    ends = [np.take_along_axis(sums, k[:, None], 1)[:, 0] for k in (cut, n - cut)]
    return np.asarray((ends[1] - ends[0]) / np.where(n > 0, n - 2 * cut, np.nan))


def saving(of: Callable[[F], F]) -> Statistic:
    """The share of the baseline's mean energy that an arm saves by its mean or interquartile mean; NaN where the
    baseline spends nothing."""

    def share(own: F, base: F) -> F:
        spent = mean(base)
        return np.asarray(1.0 - of(own) / np.where(spent > 0.0, spent, np.nan))

    return share


def difference(a: F, b: F) -> F:
    """Mean difference a - b of the seeds that are that comfortable in both."""
    return mean(a - b)
