"""Figures "gap-closed" and "comparisons": estimates between the ends of their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from entangrid.experiments import wording
from entangrid.experiments.comparing import GAP, Comparison
from entangrid.experiments.figures.chart import NARROW, Chart, Scale, around, text_width
from entangrid.experiments.statistics import GapClosed

_MARKS = {"better": "better", "worse": "worse", "equivalent": "equivalent", "undecided": "undecided"}


def gap_closed(gaps: Mapping[str, GapClosed | None], classes: Mapping[str, str], width: int) -> Chart | None:
    """Gap closed of every variant: mean, interval, and a point for each seed; None where there is none to show."""
    shown = {label: gap for label, gap in gaps.items() if gap is not None}
    if not shown:
        return None
    above = width <= NARROW  # names above their rows where there is no room beside them
    left = 8.0 if above else min(max(1.12 * text_width(label) for label in shown) + 20, width * 0.34)
    right, row, top = width - (10.0 if above else 146.0), 58.0 if above else 46.0, 10.0
    bottom = top + row * len(shown)
    values = [v for gap in shown.values() for v in (gap.mean, gap.low, gap.high, *gap.per_seed)]
    low, high = around(values, keep=(0.0, 1.0), pad=0.03)
    x = Scale(low, high, left + 8, right)
    said = "; ".join(
        f"{n} {wording.number(g.mean)} {wording.interval(g.low, g.high)}".rstrip() for n, g in shown.items()
    )
    chart = Chart(width, bottom + 40, f"Gap closed of every arm. {said}.")
    chart.x_axis(x, top, bottom, "gap closed: 0 is no control, 1 is perfect foresight", 4 if above else 6)
    for value in (0.0, 1.0):
        chart.line(x(value), top, x(value), bottom, "zero")
    for i, (label, gap) in enumerate(shown.items()):
        middle = top + row * (i + 0.5) + (8 if above else 0)
        colour = classes[label]
        numbers = f"{wording.number(gap.mean)} {wording.interval(gap.low, gap.high)}".rstrip()
        if above:
            chart.text(left, middle - 18, label, "label strong")
            chart.text(right, middle - 18, numbers, "soft", "end")
        else:
            chart.text(left - 10, middle + 4, label, "label strong", "end")
            chart.text(right + 12, middle + 4, numbers, "soft")
        _row(chart, x, middle, gap.mean, gap.low, gap.high, colour)
        if gap.per_seed.size > 1:
            for value in gap.per_seed:
                chart.add("circle", f"seed {colour}", cx=x(float(value)), cy=middle + 12, r=3)
    return chart


def comparisons(found: Sequence[Comparison], width: int) -> Chart | None:
    """The difference of every pair with its interval, over the margin of equivalence; None without comparisons."""
    shown = [c for c in found if c.verdict is not None and not math.isnan(c.low)]
    if not shown:
        return None
    above = width <= NARROW
    names = [f"{c.a} − {c.b}" for c in shown]
    left = 8.0 if above else min(max(map(text_width, names)) + 18, width * 0.44)
    words = [wording.verdict(c).split(" at ")[0] for c in shown]
    right = width - (10.0 if above else 1.25 * max(map(text_width, words)) + 14)
    row, top = 66.0 if above else 44.0, 10.0
    bottom = top + row * len(shown)
    margin = shown[0].margin if shown[0].metric == GAP else None
    keep = (0.0, *((-margin, margin) if margin else ()))
    low, high = around([v for c in shown for v in (c.low, c.high)], keep=keep)
    x = Scale(low, high, left + 8, right)
    unit = "gap closed" if shown[0].metric == GAP else f"{shown[0].metric} [{shown[0].unit}]"
    chart = Chart(width, bottom + 40, "Differences between arms. " + " ".join(f"{wording.sentence(c)}." for c in shown))
    if margin:
        chart.add("rect", "zone", x=x(-margin), y=top, width=x(margin) - x(-margin), height=bottom - top)
    chart.x_axis(
        x, top, bottom, f"difference in {unit}" + (f"; shaded: within ±{margin:g}" if margin else ""), 4 if above else 6
    )
    chart.line(x(0.0), top, x(0.0), bottom, "zero")
    for i, (c, name, word) in enumerate(zip(shown, names, words, strict=True)):
        middle = top + row * (i + 0.5) + (12 if above else 0)
        if above:
            for k, part in enumerate(_lines(name, width - 8 - text_width(word) * 0.95)):
                chart.text(left, middle - 32 + 15 * k + (0 if text_width(name) > width - 96 else 8), part, "label")
            chart.text(right, middle - 24, word, "soft", "end")
        else:
            chart.text(left - 10, middle + 4, name, "label", "end")
            chart.text(right + 12, middle + 4, word, "label strong" if word in _MARKS else "soft")
        _row(chart, x, middle, c.difference, c.low, c.high, "c5")
    return chart


def _row(chart: Chart, x: Scale, y: float, middle: float, low: float, high: float, colour: str) -> None:
    """An interval, open where an end lies outside the axis, with its estimate."""
    if not (math.isnan(low) or math.isnan(high)):
        chart.line(x(low), y, x(high), y, f"bar {colour}")
    chart.add("circle", f"dot {colour}", cx=x(middle), cy=y, r=6)


def _lines(words: str, room: float) -> list[str]:
    """The words in one line, or in two parts of a pair."""
    if text_width(words) <= room or " − " not in words:
        return [words]
    first, second = words.split(" − ", 1)
    return [f"{first} −", second]
