"""A small writer of SVG: axes, lines, bands and marks whose colours come from the page, so that light and dark both do.

Colours are CSS classes (``c0`` to ``c9``, ``ink``, ``muted``), defined in ``chart.css``; text has the size it is drawn
with, since a figure is drawn once for wide and once for narrow screens instead of being scaled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Literal, NamedTuple

WIDE, NARROW = 816, 348  # px

Anchor = Literal["start", "middle", "end"]


class Scale(NamedTuple):
    """Values from ``low`` to ``high`` laid onto pixels from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value; beyond the ends it stays at the end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def css() -> str:
    """The colours of figures, for a page or a file by itself."""
    return files("entangrid.experiments.figures").joinpath("chart.css").read_text(encoding="utf-8")


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between two ends, ends included where they are round."""
    span = high - low
    if not span > 0.0 or not math.isfinite(span):
        return [low]
    raw = span / max(about, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(step for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * power >= raw * 0.999) * power
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def around(values: Sequence[float], *, keep: Sequence[float] = (), pad: float = 0.05) -> tuple[float, float]:
    """Ends of an axis that shows all finite values, and those to keep in sight."""
    shown = [float(v) for v in (*values, *keep) if math.isfinite(v)]
    if not shown:
        return 0.0, 1.0
    low, high = min(shown), max(shown)
    if high - low < 1e-9:
        margin = max(abs(low), 1.0) * 0.1
        return low - margin, high + margin
    return low - pad * (high - low), high + pad * (high - low)


def short(value: float) -> str:
    """A tick's label: 120k, 1.5M, −0.25."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            value, end = value / (1e3 if letter == "k" else size), letter
            return f"{value:g}{end}".replace("-", "−")
    return f"{value:.10g}".replace("-", "−")


class Chart:
    """One drawing; coordinates in pixels from the upper left."""

    def __init__(self, width: float, height: float, label: str):
        """label: what a reader who cannot see it is told."""
        self.width, self.height, self.label = width, height, label
        self._parts: list[str] = []

    def add(self, tag: str, css: str, **attributes: float | str) -> None:
        """One element; underscores in names stand for hyphens."""
        listed = "".join(
            f' {name.replace("_", "-")}="{_number(value) if isinstance(value, int | float) else escape(value)}"'
            for name, value in attributes.items()
        )
        self._parts.append(f'<{tag} class="{css}"{listed}/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        """A straight line."""
        self.add("line", css, x1=x1, y1=y1, x2=x2, y2=y2)

    def path(self, points: Sequence[tuple[float, float]], css: str, *, closed: bool = False) -> None:
        """A line through points, or an area within them; points that are no numbers break it."""
        steps, pen = [], "M"
        for x, y in points:
            if not (math.isfinite(x) and math.isfinite(y)):
                pen = "M"
                continue
            steps.append(f"{pen}{_number(x)} {_number(y)}")
            pen = "L"
        if steps:
            self.add("path", css, d="".join(steps) + ("Z" if closed else ""))

    def text(self, x: float, y: float, words: str, css: str = "", anchor: Anchor = "start") -> None:
        """Words; ``y`` is their base line."""
        self._parts.append(
            f'<text class="{css}" x="{_number(x)}" y="{_number(y)}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def x_axis(self, scale: Scale, top: float, bottom: float, title: str = "", about: int = 5) -> None:
        """Vertical grid lines with labels below, and a title under them."""
        for tick in ticks(scale.low, scale.high, about):
            self.line(scale(tick), top, scale(tick), bottom, "grid")
            self.text(scale(tick), bottom + 16, short(tick), "tick", "middle")
        if title:
            self.text((scale.start + scale.end) / 2, bottom + 34, title, "axis", "middle")

    def y_axis(self, scale: Scale, left: float, right: float, title: str = "", about: int = 5) -> None:
        """Horizontal grid lines with labels at the left, and a title above them."""
        for tick in ticks(scale.low, scale.high, about):
            self.line(left, scale(tick), right, scale(tick), "grid")
            self.text(left - 6, scale(tick) + 4, short(tick), "tick", "end")
        if title:
            self.text(0, min(scale.start, scale.end) - 10, title, "axis")

    def svg(self, *, alone: bool = False) -> str:
        """The drawing as an element of a page, or as a file of its own."""
        width, height = _number(self.width), _number(self.height)
        size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        style = f"<style>{css()}</style><rect class='paper' width='100%' height='100%'/>" if alone else ""
        space = ' xmlns="http://www.w3.org/2000/svg"' if alone else ""
        return (
            f'<svg{space} class="chart" role="img" aria-label="{escape(self.label)}" {size}>'
            f"{style}{''.join(self._parts)}</svg>"
        )


def legend(
    chart: Chart, entries: Sequence[tuple[str, str]], left: float, top: float, right: float, *, dots: bool = False
) -> float:
    """Short lines or dots in the entries' classes with their names, in rows; returns where the last row ends."""
    x, y = left, top
    mark = 16 if dots else 26
    for name, css in entries:
        needed = mark + text_width(name) + 16
        if x > left and x + needed > right:
            x, y = left, y + 18
        if dots:
            chart.add("circle", f"dot {css}", cx=x + 5, cy=y - 4.5, r=5.5)
        else:
            chart.line(x, y - 4, x + 20, y - 4, f"line {css}")
        chart.text(x + mark, y, name, "label")
        x += needed
    return y


def text_width(words: str, size: float = 13.0) -> float:
    """About how many pixels words take."""
    return sum(0.34 if c in "il.,;:|!'[]() jt" else 0.88 if c in "mwMW@%" else 0.58 for c in words) * size


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".") if math.isfinite(value) else "0"
