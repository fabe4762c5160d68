"""Energy at matched comfort: every arm's energy-discomfort front, read at the same discomfort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.experiments import statistics
from entangrid.experiments.scores import Scores, Variant, label_of

F = npt.NDArray[np.float64]

#: The axis of a sweep whose values make the points of a front.
WEIGHT = "task.comfort_weight"
_NEAR = 1e-9


class Matched(NamedTuple):
    """An arm's energy at the bound: of each seed (S,), NaN where its front does not come down to it; the mean of the
    others and its interval over seeds, NaN where there is one; ``missed``: how many do not. ``seeds``: [-1] of an arm
    that does not learn."""

    seeds: list[int]
    per_seed: F
    mean: float
    low: float
    high: float
    missed: int


def energy_at(energy: npt.ArrayLike, discomfort: npt.ArrayLike, bound: float) -> float:
    """The least energy at a discomfort of at most ``bound`` on the front through points (n,) and (n,).

    The front joins the points that no other beats in both by straight lines: what lies between two of them is reached
    by following one policy in some weeks and the other in the rest. It is not continued beyond its ends: with more
    discomfort allowed than any point has, the least energy of all; NaN where every point has more than is allowed.
    """
    e, d = np.asarray(energy, np.float64), np.asarray(discomfort, np.float64)
    there = ~(np.isnan(e) | np.isnan(d))
    order = np.lexsort((e[there], d[there]))
    e, d = e[there][order], d[there][order]
    kept = e < np.minimum.accumulate(np.concatenate([[np.inf], e[:-1]])) if e.size else np.zeros(0, np.bool_)
    e, d = e[kept], d[kept]
    if not d.size or d[0] > bound + _NEAR * max(abs(bound), 1.0):
        return float("nan")
    return float(np.interp(bound, d, e))


class Front(NamedTuple):
    """Points (S, V) of an arm: its seeds at so many weights."""

    seeds: list[int]
    energy: F
    discomfort: F


def fronts(scores: Scores, metric: str) -> dict[str, Front]:
    """Of every arm its points (S, V) of the metric and of discomfort, both a week over all homes; V: the weights."""
    energy, discomfort = scores.cube(metric), scores.cube("discomfort")
    groups: dict[str, list[Variant]] = {}
    for variant in scores.variants.values():
        rest = {name: value for name, value in variant.axes.items() if name != WEIGHT}
        groups.setdefault(label_of(variant.arm, rest), []).append(variant)
    out = {}
    for label, group in groups.items():
        seeds = sorted({seed for variant in group for seed in variant.seeds}) or [-1]
        points = np.full((2, len(seeds), len(group)), np.nan)
        for v, variant in enumerate(group):
            whole = scores.complete(variant.label)
            rows = [seeds.index(seed) for seed, ok in zip(variant.seeds or [-1], whole, strict=True) if ok]
            for k, cubes, name in ((0, energy, metric), (1, discomfort, "discomfort")):
                points[k, rows, v] = scores.per_week(name, variant.label, cubes)[whole]
        out[label] = Front(seeds, points[0], points[1])
    return out


def at(points: Mapping[str, Front], bound: float, confidence: float = 0.95) -> dict[str, Matched]:
    """Every arm at a discomfort of at most ``bound`` [K h a week, all homes together]."""
    out = {}
    for label, (seeds, energy, discomfort) in points.items():
        each = np.array([energy_at(e, d, bound) for e, d in zip(energy, discomfort, strict=True)])
        found = each[~np.isnan(each)]
        out[label] = Matched(seeds, each, *_mean(found, confidence), int(each.size - found.size))
    return out


def difference(a: Matched, b: Matched, confidence: float = 0.95) -> tuple[int, float, float, float]:
    """(seeds, mean, low, high) of a - b at matched comfort, by seeds that both have and that meet the bound in both."""
    if a.seeds == [-1] or b.seeds == [-1]:  # a rule beside every seed of the other
        pairs = a.per_seed - b.per_seed
    else:
        of_b = dict(zip(b.seeds, b.per_seed, strict=True))
        pairs = np.array([x - of_b.get(seed, np.nan) for seed, x in zip(a.seeds, a.per_seed, strict=True)])
    pairs = pairs[~np.isnan(pairs)]
    return pairs.size, *_mean(pairs, confidence)


def _mean(values: F, confidence: float) -> tuple[float, float, float]:
    if values.size < 2:
        return float(values[0]) if values.size else float("nan"), float("nan"), float("nan")
    (resampled,) = statistics.cluster_bootstrap(values[:, None], statistics.mean, tasks_too=False)
    _, low, high = resampled.interval(confidence)
    return float(values.mean()), low, high
