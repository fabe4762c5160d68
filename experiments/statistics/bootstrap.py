"""Bootstrap distributions and the percentile intervals and p-values that are read off them.

Plain percentile intervals of few clusters are too short: they have the normal curve's width, shrunk by
sqrt((n - 1) / n), where Student's t is due. At n = 10 they cover 90 % instead of 95 %. So the percentiles are taken
further out, such that a mean of normal values gets exactly its t interval (Hesterberg 2015, DOI
10.1080/00031305.2015.1089789, section 3.1); ``widened=False`` gives the plain ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.data.errors import InputError

F = npt.NDArray[np.float64]
Statistic = Callable[[F], F]  # scores (B, R, T) -> (B,) or (B, K)

RESAMPLES = 10_000
_IN_TAIL = 20  # beyond the 20th most extreme resample, a tail is continued by a normal curve
_ELEMENTS = 4_000_000  # of a chunk of resampled scores
_IN_CACHE = 50_000  # numbers that are drawn at once


class Interval(NamedTuple):
    """An estimate between its ends."""

    estimate: float
    low: float
    high: float


class Resampled:
    """A statistic and its bootstrap distribution; ``df``: degrees of freedom, the number of clusters less one."""

    def __init__(self, estimate: float, draws: F, df: float):
        """draws (B,) in any order."""
        self.estimate = estimate
        self.draws = np.sort(draws)
        self.df = df
        low, self._middle, high = (quantile(self.draws, share) for share in (0.15865525, 0.5, 0.84134475))
        self._sd = (high - low) / 2.0

    def interval(self, confidence: float = 0.95, *, widened: bool = True) -> Interval:
        """Percentile interval; widened for few clusters, as the module says."""
        if not 0.0 < confidence < 1.0:
            raise InputError(f"confidence is {confidence}; expected a number between 0 and 1")
        tail = 0.5 * (1.0 - confidence)
        if not widened:
            return Interval(self.estimate, quantile(self.draws, tail), quantile(self.draws, 1.0 - tail))
        if self.df <= 0.0:  # one cluster says nothing of others
            return Interval(self.estimate, float("nan"), float("nan"))
        tail = self._widened(tail)
        return Interval(self.estimate, self._quantile(tail, 1.0), self._quantile(tail, -1.0))

    def p_value(self, null: float = 0.0) -> float:
        """Two-sided: one less the confidence of the widened interval that ends at ``null``."""
        from scipy.special import ndtri, stdtr

        if self.df <= 0.0:
            return float("nan")
        below, above = self._share_beyond(null, 1.0), self._share_beyond(null, -1.0)
        z = -float(ndtri(min(below, above)))
        if z <= 0.0:
            return 1.0
        return min(1.0, 2.0 * float(stdtr(self.df, -z / self._factor)))

    @property
    def _factor(self) -> float:
        return float(np.sqrt((self.df + 1.0) / self.df))

    def _widened(self, tail: float) -> float:
        from scipy.special import ndtr, stdtrit

        return float(ndtr(self._factor * stdtrit(self.df, tail)))

    def _turned(self, side: float) -> F:
        """The distribution with its lower (1) or upper (-1) tail first and towards minus infinity."""
        return self.draws if side > 0.0 else -self.draws[::-1]

    def _continues(self, side: float) -> tuple[float, float, float]:
        """Where the continued tail begins, its share of the distribution, and the normal curve's there."""
        from scipy.special import ndtr

        ordered = self._turned(side)
        k = min(_IN_TAIL, ordered.size // 2)
        edge = float(ordered[k - 1])
        share = k / ordered.size
        normal = float(ndtr((edge - side * self._middle) / self._sd)) if self._sd > 0.0 else 0.0
        return edge, share, normal

    def _quantile(self, tail: float, side: float) -> float:
        from scipy.special import ndtri

        edge, share, normal = self._continues(side)
        if tail >= share or normal <= 0.0:
            return side * quantile(self._turned(side), tail)
        return min(edge, side * self._middle + self._sd * float(ndtri(normal * tail / share))) * side

    def _share_beyond(self, null: float, side: float) -> float:
        """Share of the distribution at or beyond ``null``, seen from its middle."""
        from scipy.special import ndtr

        ordered, at = self._turned(side), side * null
        edge, share, normal = self._continues(side)
        if at >= edge:
            return float(np.searchsorted(ordered, at, "right") / ordered.size)
        if self._sd <= 0.0 or normal <= 0.0:
            return 0.0
        return share * float(ndtr((at - side * self._middle) / self._sd)) / normal


def quantile(ordered: F, share: float) -> float:
    """``np.quantile`` of values that are sorted already, in a hundredth of its time; NaN of none."""
    if not ordered.size:
        return float("nan")
    at = share * (ordered.size - 1)
    below = min(int(at), ordered.size - 1)
    low, high = float(ordered[below]), float(ordered[min(below + 1, ordered.size - 1)])
    return low if low == high else low + (high - low) * (at - below)


def resampling_counts(n: int, resamples: int, rng: np.random.Generator) -> F:
    """How often each of n clusters is drawn in each resample, (B, n); rows sum to n."""
    counts = np.empty((resamples, n))
    step = max(_IN_CACHE // n, 1)
    for first in range(0, resamples, step):
        k = min(step, resamples - first)
        drawn = rng.integers(0, n, (k, n))
        drawn += np.arange(0, k * n, n)[:, None]
        counts[first : first + k] = np.bincount(drawn.ravel(), minlength=k * n).reshape(k, n)
    return counts


def effective_df(variances: list[float], dfs: list[int]) -> float:
    """Degrees of freedom of a sum of variances (Satterthwaite 1946, DOI 10.2307/3002019); 0 if nothing was resampled.

    Where every variance is 0, the smallest number.
    """
    pairs = [(v, df) for v, df in zip(variances, dfs, strict=True) if df > 0]
    if not pairs:
        return 0.0
    total = sum(v for v, _ in pairs)
    parts = sum(v * v / df for v, df in pairs)
    return float(total * total / parts) if parts > 0.0 else float(min(df for _, df in pairs))


def stratified_bootstrap(
    scores: F, statistic: Statistic, *, resamples: int = RESAMPLES, seed: int = 0
) -> list[Resampled]:
    """Resample the runs of each task independently of the other tasks (Agarwal and others 2021).

    scores (R, T); statistic maps (B, R, T) to (B,) or (B, K). One distribution for each of the K numbers. It treats a
    run of one task and a run of another as unrelated: right for tasks that are trained separately, too narrow where one
    trained agent is tested on all of them (then :func:`cluster_bootstrap`). Raises InputError for scores of another
    shape.
    """
    runs, tasks = _shape(scores)
    rng = np.random.default_rng(seed)
    columns = np.arange(tasks)

    def draw(n: int) -> F:
        return scores[rng.integers(0, runs, (n, runs, tasks)), columns]

    return _distributions(scores, statistic, draw, resamples, runs - 1.0)


def cluster_bootstrap(
    scores: F, statistic: Statistic, *, tasks_too: bool = True, resamples: int = RESAMPLES, seed: int = 0
) -> list[Resampled]:
    """Resample whole runs, and independently of them whole tasks: seeds crossed with weeks or homes.

    Arguments and result as :func:`stratified_bootstrap`. The crossed resampling is the pigeonhole bootstrap of Owen
    (2007, DOI 10.1214/07-AOAS122), which errs towards wide intervals. ``tasks_too=False``: runs alone, for what holds
    for these tasks. A single run or task is not resampled. The degrees of freedom weigh runs and tasks by the variance
    that each brings.
    """
    runs, tasks = _shape(scores)
    rng = np.random.default_rng(seed)
    every_run, every_task = np.arange(runs), np.arange(tasks)

    def rows(n: int) -> npt.NDArray[np.int64]:
        return rng.integers(0, runs, (n, runs)) if runs > 1 else np.tile(every_run, (n, 1))

    def columns(n: int) -> npt.NDArray[np.int64]:
        return rng.integers(0, tasks, (n, tasks)) if tasks > 1 and tasks_too else np.tile(every_task, (n, 1))

    def both(n: int) -> F:
        return scores[rows(n)[:, :, None], columns(n)[:, None, :]]

    few = max(resamples // 10, 200)
    of_runs = _values(statistic, lambda n: scores[rows(n)], few, scores.size)
    of_tasks = _values(statistic, lambda n: np.moveaxis(scores[:, columns(n)], 0, 1), few, scores.size)
    found = _distributions(scores, statistic, both, resamples, 0.0)
    dfs = [runs - 1, tasks - 1 if tasks_too else 0]
    for k, one in enumerate(found):
        one.df = effective_df([float(of_runs[:, k].var()), float(of_tasks[:, k].var())], dfs)
    return found


def improvement_bootstrap(
    a: F, b: F, *, paired: bool = False, tasks_too: bool = True, resamples: int = RESAMPLES, seed: int = 0
) -> Resampled:
    """Distribution of the probability of improvement of a (R, T) over b (S, T), runs and tasks resampled crosswise.

    ``paired``: run r of a and of b share their random draws and are resampled together (R = S).
    """
    runs, tasks = _shape(a)
    others, same = _shape(b)
    if tasks != same or (paired and runs != others):
        raise InputError(f"scores have shapes {a.shape} and {b.shape}; expected the same tasks, and runs where paired")
    if np.isnan(a).any() or np.isnan(b).any():
        return Resampled(float("nan"), np.full(resamples, np.nan), 0.0)
    beaten = [_beaten(a[:, t], b[:, t]) for t in range(tasks)]
    rng = np.random.default_rng(seed)

    def counts(n: int, resamples: int) -> F:
        return resampling_counts(n, resamples, rng) / n if n > 1 else np.ones((resamples, 1))

    def draws(n: int, *, with_runs: bool = True, with_tasks: bool = True) -> F:
        chunk = max(_ELEMENTS // max(runs, others), 1)
        parts = [part(min(chunk, n - done), with_runs, with_tasks) for done in range(0, n, chunk)]
        return np.concatenate(parts)

    def part(n: int, with_runs: bool, with_tasks: bool) -> F:
        left = counts(runs, n) if with_runs else np.full((n, runs), 1.0 / runs)
        right = left if paired else counts(others, n) if with_runs else np.full((n, others), 1.0 / others)
        weight = counts(tasks, n) if with_tasks and tasks_too else np.full((n, tasks), 1.0 / tasks)
        return np.asarray(sum(weight[:, t] * _won(left, right, each) for t, each in enumerate(beaten)))

    few = max(resamples // 10, 200)
    variances = [float(draws(few, with_tasks=False).var()), float(draws(few, with_runs=False).var())]
    df = effective_df(variances, [max(min(runs, others), 1) - 1, tasks - 1 if tasks_too else 0])
    even = np.full((1, runs), 1.0 / runs), np.full((1, others), 1.0 / others)
    estimate = float(np.mean([_won(*even, each)[0] for each in beaten]))
    return Resampled(estimate, draws(resamples), df)


class _Beaten(NamedTuple):
    """Of two samples: ``order`` sorts the second; how many of it each of the first is above, and not below."""

    order: npt.NDArray[np.int64]
    above: npt.NDArray[np.int64]
    not_below: npt.NDArray[np.int64]


def _beaten(a: F, b: F) -> _Beaten:
    order = np.argsort(b)
    return _Beaten(order, *(np.searchsorted(b[order], a, side) for side in ("left", "right")))


def _won(left: F, right: F, beaten: _Beaten) -> F:
    """P(a > b) + P(a = b) / 2 of weighted samples, (B,); left (B, R), right (B, S): weights, whose rows sum to 1.

    By ranks, so that thousands of runs need no table of every pair.
    """
    total = np.zeros((right.shape[0], right.shape[1] + 1))
    np.cumsum(right[:, beaten.order], 1, out=total[:, 1:])
    return np.asarray(0.5 * (left * (total[:, beaten.above] + total[:, beaten.not_below])).sum(1))


def _shape(scores: F) -> tuple[int, int]:
    if scores.ndim != 2 or 0 in scores.shape:
        raise InputError(f"scores have shape {scores.shape}; expected (runs, tasks), at least one of each")
    return int(scores.shape[0]), int(scores.shape[1])


def _distributions(
    scores: F, statistic: Statistic, draw: Callable[[int], F], resamples: int, df: float
) -> list[Resampled]:
    estimates = np.atleast_1d(statistic(scores[None])[0])
    drawn = _values(statistic, draw, resamples, scores.size)
    return [Resampled(float(e), drawn[:, k], df) for k, e in enumerate(estimates)]


def _values(statistic: Statistic, draw: Callable[[int], F], resamples: int, size: int) -> F:
    """The statistic (B, K) of B resamples, in chunks that fit into memory."""
    chunk = max(_ELEMENTS // size, 1)
    parts = [statistic(draw(min(chunk, resamples - done))) for done in range(0, resamples, chunk)]
    return np.concatenate([part.reshape(part.shape[0], -1) for part in parts])
