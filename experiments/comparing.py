"""Pairs of arms: the difference, its interval, what it could have shown, and a verdict in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.data.errors import InputError
from entangrid.experiments import statistics
from entangrid.experiments.scores import ADDITIVE, NO_CONTROL, OPTIMUM, Scores, Variant
from entangrid.experiments.statistics import Verdict
from entangrid.experiments.statistics.bootstrap import RESAMPLES
from entangrid.experiments.statistics.gap import enough_headroom
from entangrid.experiments.statistics.ratios import FEWEST_RESAMPLES

F = npt.NDArray[np.float64]

GAP = "gap_closed"
FEWEST_SEEDS = 3
MARGIN, CONFIDENCE, POWER = 0.05, 0.95, 0.8
_ALL_RESAMPLES = 5_000_000  # of all comparisons together; more than 500 have fewer each

#: Metrics of which more is better; of the others in :data:`_LESS` less is. The rest have no direction.
_MORE = (GAP, "stored_value", "self_consumption", "self_sufficiency")
_LESS = (
    *(
        "objective",
        "cost",
        "carbon_cost",
        "discomfort_cost",
        "wear_cost",
        "unmet_cost",
        "grid_cost",
        "import",
        "carbon",
    ),
    *("peak", "export_peak", "daily_peak", "ramping", "discomfort", "discomfort_share", "unmet_hot_water"),
    *("unmet_vehicle", "unserved", "capacity_lost", "voltage_out"),
)


class Comparison(NamedTuple):
    """a less b. ``seeds``: how many pairs of seeds (of an unpaired comparison: the smaller number of seeds).

    ``low``, ``high``: the interval; ``p``, ``p_holm``: of no difference, alone and corrected for all comparisons made
    together; ``detectable``: the smallest true difference that this comparison finds four times in five; ``df``:
    effective degrees of freedom. ``verdict`` is None where there are too few seeds to compare.
    """

    a: str
    b: str
    metric: str
    unit: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    detectable: float
    seeds: int
    paired: bool
    weeks: int
    homes: int
    df: float
    margin: float | None
    confidence: float
    comparisons: int
    verdict: Verdict | None


def pairs(scores: Scores) -> list[tuple[str, str]]:
    """The pairs that matter: each quantum arm against each other learning arm and against the best rule.

    Without a quantum arm, each learning arm against each. In a sweep, variants that differ in no swept value that both
    have. The best rule is the one with the lowest objective in this table; no control where there is no other.
    """
    learning = [v for v in scores.variants.values() if v.learns]
    quantum = [v for v in learning if v.is_quantum]
    found: dict[tuple[str, str], None] = {}
    for a in quantum or learning:
        for b in learning:
            if a.label != b.label and (b.label, a.label) not in found and _alike(a, b):
                found[a.label, b.label] = None
        rule = best_rule(scores, a)
        if rule is not None:
            found[a.label, rule] = None
    return list(found)


def of_arms(scores: Scores, declared: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """The pairs of variants that declared pairs of arms mean: in a sweep, at equal values."""
    variants = scores.variants.values()
    return [
        (a.label, b.label)
        for one, other in declared
        for a in variants
        for b in variants
        if (a.arm, b.arm) == (one, other) and a.label != b.label and _alike(a, b)
    ]


def best_rule(scores: Scores, variant: Variant) -> str | None:
    """The controller without learning, the optimum apart, with the lowest objective; None if there is none."""
    rules = [v for v in scores.variants.values() if not v.learns and v.controller != OPTIMUM and _alike(variant, v)]
    if others := [v for v in rules if v.controller != NO_CONTROL]:
        rules = others
    return min(rules, key=lambda v: float(np.nansum(scores.objective[v.label]))).label if rules else None


def _alike(a: Variant, b: Variant) -> bool:
    return all(b.axes[name] == value for name, value in a.axes.items() if name in b.axes)


def compare_all(
    scores: Scores,
    chosen: Sequence[tuple[str, str]] | None = None,
    *,
    margin: float = MARGIN,
    confidence: float = CONFIDENCE,
) -> list[Comparison]:
    """Compare the pairs that matter, or those given, in gap closed, p-values corrected for all of them together.

    Where gap closed is not to be had (no optimum, too little headroom) the objective is compared instead.
    """
    found = pairs(scores) if chosen is None else list(chosen)
    with_gap = all(_has_gap(scores, label) for label in dict.fromkeys(label for pair in found for label in pair))
    metric = GAP if with_gap else "objective"
    n = sum(_may_be_judged(scores, *pair) for pair in found)
    resamples = min(max(_ALL_RESAMPLES // max(len(found), 1), FEWEST_RESAMPLES), RESAMPLES)

    def one(a: str, b: str) -> Comparison:
        return compare(scores, a, scores, b, metric, margin=margin, confidence=confidence, comparisons=max(n, 1),
                       resamples=resamples)  # fmt: skip

    return _corrected([one(a, b) for a, b in found])


def _may_be_judged(scores: Scores, a: str, b: str) -> bool:
    """Whether a pair has seeds enough for a verdict; those that have not are not corrected for."""
    if not (scores.variants[a].learns or scores.variants[b].learns):
        return True
    return _means(scores, a, scores, b, "objective")[1] >= FEWEST_SEEDS


def _has_gap(scores: Scores, label: str) -> bool:
    ends = scores.ends(label)
    return ends is not None and enough_headroom(*map(np.nan_to_num, ends))


def compare(
    of_a: Scores,
    a: str,
    of_b: Scores,
    b: str,
    metric: str = GAP,
    *,
    margin: float = MARGIN,
    confidence: float = CONFIDENCE,
    comparisons: int = 1,
    resamples: int = RESAMPLES,
) -> Comparison:
    """The difference a - b of two variants, of one study or of two on the same weeks and homes.

    ``metric``: "gap_closed", or any of the table's, whose mean a week is compared. Seeds, weeks and clusters of homes
    are resampled; seeds in pairs where both have them. The correction for several comparisons comes after: ``p_holm``
    is p. Raises InputError for an unknown variant or metric, and for studies whose weeks, homes or references differ.
    """
    for scores, label in ((of_a, a), (of_b, b)):
        if label not in scores.variants:
            raise InputError(f"arm {label!r} is not in the study; expected one of: {', '.join(scores.variants)}")
    _same_ground(of_a, of_b)
    if metric == GAP:
        numerators, seeds, paired, denominator = _gaps(of_a, a, of_b, b)
        unit = "of gap closed"
    else:
        numerators, seeds, paired, denominator = _means(of_a, a, of_b, b, metric)
        unit = f"{of_a.unit(metric)}/week" if of_a.unit(metric) in ADDITIVE else of_a.unit(metric)
    ratio = statistics.crossed_ratio(numerators, denominator, clusters=of_a.clusters, resamples=resamples)
    interval = ratio.resampled.interval(confidence)
    p = ratio.resampled.p_value()
    limit = margin if metric == GAP else None
    learned = of_a.variants[a].learns or of_b.variants[b].learns
    few = learned and seeds < FEWEST_SEEDS
    return Comparison(
        a,
        b,
        metric,
        unit,
        ratio.estimate,
        interval.low,
        interval.high,
        p,
        p,
        statistics.minimum_detectable_effect(
            ratio.standard_error, ratio.df, alpha=1.0 - confidence, power=POWER, comparisons=comparisons
        ),
        seeds,
        paired,
        len(of_a.weeks),
        len(of_a.homes),
        ratio.df,
        limit,
        confidence,
        comparisons,
        None if few else _verdict(metric, interval.low, interval.high, p, limit, confidence),
    )


def _corrected(found: list[Comparison]) -> list[Comparison]:
    """Holm's p-values over those with enough seeds, and the verdicts that follow from them."""
    adjusted = statistics.holm([float("nan") if c.verdict is None else c.p for c in found])
    return [
        c
        if c.verdict is None
        else c._replace(p_holm=p, verdict=_verdict(c.metric, c.low, c.high, p, c.margin, c.confidence))
        for c, p in zip(found, adjusted, strict=True)
    ]


def _verdict(metric: str, low: float, high: float, p: float, margin: float | None, confidence: float) -> Verdict:
    if metric in _LESS:
        low, high = -high, -low
    return statistics.judge(low, high, p, margin, alpha=1.0 - confidence)


def has_direction(metric: str) -> bool:
    """Whether more of it, or less, is better."""
    return metric in _MORE or metric in _LESS


def _same_ground(one: Scores, two: Scores) -> None:
    """Raise InputError unless both studies were evaluated on the same weeks and homes with the same no control."""
    if one is two:
        return
    for what, mine, other in (("weeks", one.weeks, two.weeks), ("homes", one.homes, two.homes)):
        if list(mine) != list(other):
            raise InputError(f"the studies' held-out {what} differ; expected the same, or one study with both arms")
    for controller in (NO_CONTROL, OPTIMUM):
        values = [
            next((s.objective[v.label][0] for v in s.variants.values() if v.controller == controller), None)
            for s in (one, two)
        ]
        if values[0] is None or values[1] is None:
            continue
        if not np.allclose(values[0], values[1], rtol=1e-6, atol=1e-6, equal_nan=True):
            raise InputError(
                f"{controller} has another objective in one study than in the other: "
                "their scenarios or tasks differ; expected the same"
            )


def _rows(scores: Scores, label: str, array: F) -> tuple[F, list[int]]:
    """The complete runs of a variant, and their seeds."""
    whole = scores.complete(label)
    if not whole.any():
        raise InputError(f"arm {label!r} has no run with all held-out weeks; run the study to its end")
    return array[whole], [s for s, ok in zip(scores.variants[label].seeds, whole, strict=False) if ok]


def _gaps(of_a: Scores, a: str, of_b: Scores, b: str) -> tuple[list[F], int, bool, F]:
    """Numerators and denominator of the difference in gap closed."""
    ends = of_a.ends(a), of_b.ends(b)
    if ends[0] is None or ends[1] is None:
        raise InputError("gap closed needs the arms no-control and optimum; choose another metric")
    none_a, best_a = map(np.nan_to_num, ends[0])
    none_b, best_b = map(np.nan_to_num, ends[1])
    if not enough_headroom(none_a, best_a) or not enough_headroom(none_b, best_b):
        raise InputError("gap closed: the optimum saves less than 2 % of no control's objective; choose another metric")
    x, seeds_a = _rows(of_a, a, of_a.objective[a])
    y, seeds_b = _rows(of_b, b, of_b.objective[b])
    saved_a, saved_b = none_a - np.nan_to_num(x), none_b - np.nan_to_num(y)
    room: F = np.asarray(none_b - best_b)
    if not _close(none_a, none_b) or not _close(best_a, best_b):
        raise InputError(f"gap closed: {a!r} and {b!r} solve different tasks; choose another metric")
    numerators, n, paired = statistics.paired_numerators(saved_a, saved_b, seeds_a, seeds_b)
    return numerators, n, paired, room


def _close(a: F, b: F) -> bool:
    return np.array_equal(a, b) or np.allclose(a, b)


def _means(of_a: Scores, a: str, of_b: Scores, b: str, metric: str) -> tuple[list[F], int, bool, F]:
    """Numerators and denominator of the difference in a metric's mean a week: a sum or a mean over homes."""
    x, seeds_a = _rows(of_a, a, of_a.cube(metric)[a])
    y, seeds_b = _rows(of_b, b, of_b.cube(metric)[b])
    there = ~(np.isnan(x).any(0) | np.isnan(y).any(0))
    if not there.any():
        raise InputError(f"metric {metric!r} is undefined for {a!r} or {b!r} in every week; choose another")
    numerators, n, paired = statistics.paired_numerators(
        np.where(there, x, 0.0), np.where(there, y, 0.0), seeds_a, seeds_b
    )
    homes = np.maximum(there.sum(1, keepdims=True), 1)
    per_home: F = np.where(there, 1.0 / homes if of_a.unit(metric) in ADDITIVE else 1.0, 0.0)
    return numerators, n, paired, per_home
