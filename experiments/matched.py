"""Energy at matched comfort: every arm's energy-discomfort front, read at the same discomfort.

Energy and discomfort are a home and week: means over the held-out weeks and homes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.experiments.scores import Scores, Variant, label_of

F = npt.NDArray[np.float64]

#: The axis of a sweep whose values make the points of a front.
WEIGHT = "task.comfort_weight"
_NEAR = 1e-9


class Front(NamedTuple):
    """Points (S, V) of an arm, a home and week: its seeds at so many weights; NaN where there is no such run.

    ``seeds``: [-1] of an arm that does not learn. ``cells`` (2, S, V, W, C): energy and discomfort of each week and
    cluster of homes, summed over the cluster's homes.
    """

    seeds: list[int]
    energy: F
    discomfort: F
    cells: F


class Fronts(NamedTuple):
    """Every arm's front by label; ``counts`` (W, C): how many homes each week and cluster has."""

    arms: dict[str, Front]
    counts: F


def energy_at(energy: npt.ArrayLike, discomfort: npt.ArrayLike, bound: npt.ArrayLike) -> F:
    """The least energy (...) at a discomfort of at most ``bound`` (...) on each front of points (..., V) and (..., V).

    The front joins the points that no other beats in both by straight lines: what lies between two of them is reached
    by following one policy in some weeks and the other in the rest. It is not continued beyond its ends: with more
    discomfort allowed than any point has, the least energy of all; NaN where every point has more than is allowed.
    """
    e, d = np.asarray(energy, np.float64), np.asarray(discomfort, np.float64)
    most = np.asarray(bound, np.float64)[..., None]
    there = ~(np.isnan(e) | np.isnan(d))
    within = there & (d <= most + _NEAR * np.maximum(np.abs(most), 1.0))
    e_in, d_in = _best(e, d, within, by_energy=True)
    e_out, d_out = _best(e, d, there & ~within & (e < e_in[..., None]), by_energy=False)
    on, span = np.maximum(most[..., 0] - d_in, 0.0), d_out - d_in
    further = np.isfinite(d_out)
    slope = np.where(further, e_out - e_in, 0.0) / np.where(further, span, 1.0)
    return np.where(within.any(-1), e_in + slope * np.where(further, on, 0.0), np.nan)


def _best(e: F, d: F, allowed: npt.NDArray[np.bool_], *, by_energy: bool) -> tuple[F, F]:
    """Of the points that are allowed the one with the least energy (or discomfort), of those the least of the other;
    infinite where none is."""
    first, second = (e, d) if by_energy else (d, e)
    least = np.where(allowed, first, np.inf).min(-1, initial=np.inf)
    other = np.where(allowed & (first == least[..., None]), second, np.inf).min(-1, initial=np.inf)
    least, other = (np.where(np.isfinite(x), x, np.nan if by_energy else np.inf) for x in (least, other))
    return (least, other) if by_energy else (other, least)


def groups(scores: Scores) -> dict[str, list[Variant]]:
    """The variants whose points make an arm's front, by the arm's label (with its other swept values)."""
    out: dict[str, list[Variant]] = {}
    for variant in scores.variants.values():
        rest = {name: value for name, value in variant.axes.items() if name != WEIGHT}
        out.setdefault(label_of(variant.arm, rest), []).append(variant)
    return out


def fronts(scores: Scores, metric: str) -> Fronts:
    """Of every arm its points of the metric and of discomfort, a home and week."""
    cubes = [scores.cube(metric), scores.cube("discomfort")]
    member = np.eye(int(scores.clusters.max()) + 1)[scores.clusters]  # (H, C)
    there = np.any([~np.isnan(cube).all(0) for cube in cubes[1].values()], 0)  # (W, H)
    out = {}
    for label, group in groups(scores).items():
        seeds = sorted({seed for variant in group for seed in variant.seeds}) or [-1]
        cells = np.full((2, len(seeds), len(group), there.shape[0], member.shape[1]), np.nan)
        for v, variant in enumerate(group):
            whole = scores.complete(variant.label)
            rows = [seeds.index(seed) for seed, ok in zip(variant.seeds or [-1], whole, strict=True) if ok]
            for k, cube in enumerate(cubes):
                cells[k, rows, v] = np.nan_to_num(cube[variant.label][whole]) @ member
        energy, discomfort = cells.sum((-2, -1)) / there.sum()
        out[label] = Front(seeds, energy, discomfort, cells)
    return Fronts(out, there @ member)


def curve(front: Front, bounds: F) -> tuple[F, F]:
    """An arm's energy at each of the bounds (B,) as its mean over the seeds that are that comfortable, and the share
    (B,) of its seeds that are."""
    each = energy_at(front.energy[:, None], front.discomfort[:, None], bounds[None])
    there = ~np.isnan(each)
    return np.where(there, each, 0.0).sum(0) / np.where(there.any(0), there.sum(0), np.nan), there.mean(0)


def bound_of(front: Front) -> float:
    """The discomfort of an arm over all its seeds and weights, a home and week; NaN where it has none."""
    known = front.discomfort[~np.isnan(front.discomfort)]
    return float(known.mean()) if known.size else float("nan")
