"""A ratio of sums over seeds, weeks and homes, with the distribution that resampling all three gives it.

Gap closed and paired differences of it are such ratios; so is a mean a week, with a denominator of constants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.data.errors import InputError
from entangrid.experiments.statistics.bootstrap import RESAMPLES, Resampled, effective_df, resampling_counts

F = npt.NDArray[np.float64]

_ELEMENTS = 4_000_000  # of a chunk of resampled sums
_KEPT = 40_000_000  # numbers of draws that are kept for the next comparison, of two bytes each
_MOST = 65_535  # ... and the largest that fits into them
FEWEST_RESAMPLES = 2_000  # however many clusters or comparisons there are
_NOTHING = 1e-9  # of the summed denominator: less than that is rounding


class Ratio(NamedTuple):
    """The ratio of sums, its distribution, its standard error, and that of each thing resampled."""

    resampled: Resampled
    standard_error: float
    parts: dict[str, float]  # "seeds", "weeks", "homes": variance that each brings; 0 if it was not resampled

    @property
    def estimate(self) -> float:
        return self.resampled.estimate

    @property
    def df(self) -> float:
        return self.resampled.df


def crossed_ratio(
    numerators: Sequence[F],
    denominator: F,
    *,
    clusters: npt.NDArray[np.int64] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Ratio:
    """Sum over samples, weeks and homes of the mean over seeds, over the sum of the denominator.

    numerators: one array (S, W, H) for each independent sample of seeds, S its own in each; their means over seeds
    are added. denominator (W, H). In each resample the seeds of every sample, the weeks, and the clusters of homes are
    drawn anew, numerator and denominator with the same weeks and homes; what there is only one of is not drawn.
    clusters (H,): homes with the same number belong together, such as homes with one household's profile; by default
    each is its own. A cell that does not exist (a home without that week) is 0 in both.

    A week or a cluster of homes that is 0 throughout in both (homes without a battery) says nothing of the ratio and is
    not drawn; a resample that then still holds cells of 0 in both alone has no ratio and is left out.

    The standard error adds the variances that seeds, weeks and homes bring to the linearised ratio, and the degrees of
    freedom are Satterthwaite's. Raises InputError for shapes that do not fit, numbers that are not finite, and a
    denominator that does not sum to more than 0.
    """
    weeks, homes = denominator.shape
    if any(n.ndim != 3 or n.shape[1:] != (weeks, homes) or not n.shape[0] for n in numerators) or not numerators:
        shapes = ", ".join(str(n.shape) for n in numerators)
        raise InputError(f"numerators have shapes {shapes}; expected (seeds, {weeks}, {homes})")
    if not (np.isfinite(denominator).all() and all(np.isfinite(n).all() for n in numerators)):
        raise InputError("the numbers of a ratio are infinite or undefined in some week; expected finite ones")
    total = float(denominator.sum())
    if not total > 0.0:
        raise InputError(f"denominator sums to {total}; expected more than 0")
    labels = np.arange(homes) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    member = np.eye(int(labels.max()) + 1)[labels]  # (H, C)
    nothing = _NOTHING * total
    above, below = _telling([n @ member for n in numerators], denominator @ member, nothing)  # (S, W, C), (W, C)

    summed = sum(n.mean(0) for n in above)
    assert not isinstance(summed, int)
    estimate = float(summed.sum() / total)
    sizes = tuple(n.shape[0] for n in above)
    chunk = max(_ELEMENTS // max(below.size, *sizes), 1)
    resamples = min(resamples, max(FEWEST_RESAMPLES, chunk))  # many clusters make smooth tails, and slow resamples
    plan = sizes, below.shape[0], below.shape[1], resamples, chunk, seed
    kept = resamples * (sum(sizes) + below.shape[0] + below.shape[1]) <= _KEPT and max(sizes) <= _MOST
    drawn = _kept(*plan) if kept else _drawn(*plan)
    draws = np.concatenate([_draw(above, below, each, nothing) for each in drawn])
    draws = draws[~np.isnan(draws)]
    parts, dfs = _variances(above, summed, below, estimate, total)
    df = effective_df(list(parts.values()), list(dfs.values()))
    return Ratio(Resampled(estimate, draws, df), float(np.sqrt(sum(parts.values()))), parts)


def paired_numerators(a: F, b: F, seeds_a: Sequence[int], seeds_b: Sequence[int]) -> tuple[list[F], int, bool]:
    """Numerators of the difference a - b for :func:`crossed_ratio`, the number of seeds, and whether they are paired.

    a (S, W, H), b (T, W, H). Paired are arms with at least three seeds in common, of which those alone count, and an
    arm with one that has no seeds (a rule: one row). Otherwise both samples of seeds are resampled independently.
    """
    if len(seeds_a) == 0 or len(seeds_b) == 0:
        return [a - b], max(len(seeds_a), len(seeds_b)), True
    common = sorted(set(seeds_a) & set(seeds_b))
    if len(common) >= 3 or set(seeds_a) == set(seeds_b):
        row_a, row_b = ({seed: row for row, seed in enumerate(seeds)} for seeds in (seeds_a, seeds_b))
        return [a[[row_a[s] for s in common]] - b[[row_b[s] for s in common]]], len(common), True
    return [a, -b], min(len(seeds_a), len(seeds_b)), False


class _Drawn(NamedTuple):
    """How often each seed of every sample, each week and each cluster of homes is drawn, (B, ...) each."""

    seeds: list[npt.NDArray[np.generic]]
    weeks: npt.NDArray[np.generic]
    homes: npt.NDArray[np.generic]


def _drawn(
    sizes: tuple[int, ...], weeks: int, clusters: int, resamples: int, chunk: int, seed: int
) -> Iterator[_Drawn]:
    """Resamples in chunks; ``sizes``: seeds of every sample."""
    rng = np.random.default_rng(seed)

    def counts(n: int, resamples: int) -> F:
        return resampling_counts(n, resamples, rng) if n > 1 else np.ones((resamples, 1))

    for done in range(0, resamples, chunk):
        n = min(chunk, resamples - done)
        yield _Drawn([counts(size, n) for size in sizes], counts(weeks, n), counts(clusters, n))


@lru_cache(maxsize=4)
def _kept(sizes: tuple[int, ...], weeks: int, clusters: int, resamples: int, chunk: int, seed: int) -> Sequence[_Drawn]:
    """The same in little memory, and kept: hundreds of comparisons of one study draw alike."""
    return [
        _Drawn([each.astype(np.uint16) for each in one.seeds], one.weeks.astype(np.uint16), one.homes.astype(np.uint16))
        for one in _drawn(sizes, weeks, clusters, resamples, chunk, seed)
    ]


def _telling(above: list[F], below: F, nothing: float) -> tuple[list[F], F]:
    """Those weeks and clusters that have anything in the numerators or the denominator."""
    size = np.abs(below) + sum(np.abs(n).max(0) for n in above)
    told = size > nothing
    weeks, clusters = told.any(1), told.any(0)
    return [n[:, weeks][:, :, clusters] for n in above], below[weeks][:, clusters]


def _draw(above: list[F], below: F, drawn: _Drawn, nothing: float) -> F:
    """Resampled ratios (B,); NaN where there is nothing above and nothing below."""
    weeks, clusters = below.shape
    of_weeks, of_homes = drawn.weeks.astype(np.float64), drawn.homes.astype(np.float64)
    upper = np.zeros((of_weeks.shape[0], weeks, clusters))
    for sample, counts in zip(above, drawn.seeds, strict=True):
        share = counts.astype(np.float64) / sample.shape[0]
        upper += (share @ sample.reshape(sample.shape[0], -1)).reshape(upper.shape)
    numerator = (np.einsum("bw,bwc->bc", of_weeks, upper) * of_homes).sum(1)
    denominator = ((of_weeks @ below) * of_homes).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(denominator > nothing, numerator / denominator, np.sign(numerator) * np.inf)
    return np.where((denominator <= nothing) & (np.abs(numerator) <= nothing), np.nan, ratio)


def _variances(
    above: list[F], summed: F, below: F, estimate: float, total: float
) -> tuple[dict[str, float], dict[str, int]]:
    """Variance of the ratio that seeds, weeks and clusters of homes bring, and their degrees of freedom."""
    residual = (summed - estimate * below) / total  # sums to 0
    seeds = [n.sum((1, 2)) / total for n in above]
    parts = {
        "seeds": sum(float(s.var(ddof=1)) / s.size for s in seeds if s.size > 1),
        "weeks": _of_sum(residual.sum(1)),
        "homes": _of_sum(residual.sum(0)),
    }
    sizes = [s.size - 1 for s in seeds if s.size > 1]
    dfs = {"seeds": min(sizes, default=0), "weeks": below.shape[0] - 1, "homes": below.shape[1] - 1}
    if len(sizes) > 1 and parts["seeds"] > 0.0:  # two independent samples: Welch
        dfs["seeds"] = int(effective_df([float(s.var(ddof=1)) / s.size for s in seeds if s.size > 1], sizes))
    return parts, dfs


def _of_sum(values: F) -> float:
    """Variance of the sum of n independent values."""
    return float(values.var(ddof=1) * values.size) if values.size > 1 else 0.0
