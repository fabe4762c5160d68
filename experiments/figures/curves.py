"""Figures "learning-curves" and "profiles": means of seeds as lines, with bands of what other seeds would give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.experiments import statistics
from entangrid.experiments.figures.chart import NARROW, Chart, Scale, around, legend, short

F = npt.NDArray[np.float64]


class Curves(NamedTuple):
    """Learning curves: ``values`` (seeds, T) of each variant at ``steps`` (T,); NaN where a seed has no such point."""

    name: str
    unit: str
    steps: dict[str, npt.NDArray[np.int64]]
    values: dict[str, F]


class Band(NamedTuple):
    """A line and the ends of its intervals, each (T,)."""

    middle: F
    low: F
    high: F


def band(values: F, confidence: float = 0.95, *, resamples: int = 1_000) -> Band:
    """Mean of the seeds (S, T) at each point, and its interval over seeds; a single seed has no interval."""
    middle = values.mean(0)
    if values.shape[0] < 2:
        return Band(middle, np.full_like(middle, np.nan), np.full_like(middle, np.nan))
    found = statistics.cluster_bootstrap(values, lambda x: x.mean(-2), tasks_too=False, resamples=resamples)
    ends = [one.interval(confidence) for one in found]
    return Band(middle, np.array([e.low for e in ends]), np.array([e.high for e in ends]))


def learning_curves(curves: Curves, classes: Mapping[str, str], width: int, confidence: float = 0.95) -> Chart | None:
    """The curves of every variant that learns over environment steps; None where runs stored none."""
    bands = {label: band(values, confidence) for label, values in curves.values.items() if values.size}
    if not bands:
        return None
    last = {label: float(b.middle[-1]) for label, b in bands.items()}
    said = "; ".join(f"{label} ends at {value:.3g}" for label, value in last.items())
    chart = Chart(width, 340, f"Learning curves, {curves.name} over environment steps: {said}.")
    entries = [(label, classes[label]) for label in bands]
    top = legend(chart, entries, 0, 14, width) + 34
    low, high = _sight(bands)
    x = Scale(0.0, float(max(curves.steps[label][-1] for label in bands)), 52, width - 18)
    y = Scale(low, high, 290, top)
    chart.x_axis(x, top, 290, "environment steps", 3 if width <= NARROW else 6)
    chart.y_axis(y, 52, width - 18, f"{curves.name} [{curves.unit}]" if curves.unit else curves.name)
    for label, b in bands.items():
        steps = curves.steps[label]
        _area(chart, x, y, steps, b, classes[label])
        chart.path([(x(float(s)), y(float(v))) for s, v in zip(steps, b.middle, strict=True)], f"line {classes[label]}")
    return chart


def profiles(scores: Mapping[str, F], classes: Mapping[str, str], width: int, confidence: float = 0.95) -> Chart | None:
    """Performance profiles: the share of a variant's seeds and weeks whose gap closed is above a threshold."""
    if not scores:
        return None
    every = np.concatenate([s.ravel() for s in scores.values()])
    start = float(max(np.quantile(every, 0.02), -1.0))
    thresholds = np.linspace(min(start, 0.0) - 0.05, max(float(every.max()), 0.6) + 0.02, 81)
    middle = {label: statistics.score_distribution(s, thresholds) for label, s in scores.items()}
    said = "; ".join(f"{label} {100 * float((s > 0).mean()):.0f} %" for label, s in scores.items())
    chart = Chart(
        width, 340, f"Performance profiles. Share of seeds and weeks that are better than no control: {said}."
    )
    top = legend(chart, [(label, classes[label]) for label in scores], 0, 14, width) + 34
    x = Scale(float(thresholds[0]), float(thresholds[-1]), 52, width - 18)
    y = Scale(0.0, 1.0, 290, top)
    chart.x_axis(x, top, 290, "gap closed in a week", 4 if width <= NARROW else 7)
    chart.y_axis(y, 52, width - 18, "share of seeds and weeks above")
    if thresholds[0] < 0.0:
        chart.line(x(0.0), top, x(0.0), 290, "zero")
    for label, s in scores.items():
        if s.size > 1:
            found = statistics.cluster_bootstrap(
                s, lambda v: statistics.score_distribution(v, thresholds), resamples=400
            )
            ends = [one.interval(confidence, widened=False) for one in found]
            b = Band(middle[label], np.array([e.low for e in ends]), np.array([e.high for e in ends]))
            _area(chart, x, y, thresholds, b, classes[label])
        chart.path(_stairs(x, y, thresholds, middle[label]), f"line {classes[label]}")
    return chart


def _stairs(x: Scale, y: Scale, at: F, values: F) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for k, (a, v) in enumerate(zip(at, values, strict=True)):
        if k:
            points.append((x(float(a)), y(float(values[k - 1]))))
        points.append((x(float(a)), y(float(v))))
    return points


def _sight(bands: Mapping[str, Band]) -> tuple[float, float]:
    """Ends of the axis: all of the lines but their first tenth where that dwarfs the rest, and the bands there."""
    late = [b.middle[len(b.middle) // 10 :] for b in bands.values()]
    wide = [edge[len(b.middle) // 10 :] for b in bands.values() for edge in (b.low, b.high)]
    values = np.concatenate([*late, *wide])
    return around([float(v) for v in values])


def _area(chart: Chart, x: Scale, y: Scale, at: npt.NDArray[np.generic], b: Band, colour: str) -> None:
    fine = np.isfinite(b.low) & np.isfinite(b.high)
    if not fine.any():
        return
    up = [(x(float(a)), y(float(v))) for a, v in zip(at[fine], b.high[fine], strict=True)]
    down = [(x(float(a)), y(float(v))) for a, v in zip(at[fine], b.low[fine], strict=True)]
    chart.path([*up, *down[::-1]], f"band {colour}", closed=True)


__all__ = ["Band", "Curves", "band", "learning_curves", "profiles", "short"]
