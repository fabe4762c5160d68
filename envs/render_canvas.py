"""A small drawing board for views: a figure in pixels that is reused from frame to frame, and what all views show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import IdentityTransform

F = npt.NDArray[np.float64]
Frame = npt.NDArray[np.uint8]
Point = tuple[float, float]

WIDTH, HEIGHT = 640, 480

#: Okabe and Ito's colour-blind-safe palette, DOI 10.1038/nmeth.1618
ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PINK = (
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
INK, GREY, PALE, WALL = "#222222", "#8a8a8a", "#e6e6e6", "#faf8f5"
GIVES, TAKES = BLUE, VERMILLION  # power towards the home's wiring, and away from it

STRIP = (52.0, 30.0, 536.0, 78.0)  # x, y, width, height of the strip chart [px]


class Canvas:
    """A figure of 640 x 480 px; coordinates are pixels from the lower left corner, sizes of text points.

    It belongs to nobody's pyplot. :meth:`clear` it before a frame, and read the frame from :meth:`image`.
    """

    def __init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor="white")
        self.canvas: Any = FigureCanvasAgg(self.figure)
        self.layer = 0

    def clear(self) -> None:
        """Take everything off."""
        self.figure.clear()
        self.layer = 0

    def add(self, artist: Artist) -> None:
        """Put something on top, in pixels; there are no axes, which would cost more time than the drawing."""
        self.layer += 1
        artist.set_zorder(self.layer)
        artist.set_transform(IdentityTransform())
        self.figure.add_artist(artist)

    def image(self) -> Frame:
        """The frame (480, 640, 3)."""
        self.canvas.draw()
        return np.asarray(self.canvas.buffer_rgba())[..., :3].copy()

    def text(
        self, x: float, y: float, words: str, size: float = 8, colour: str = INK, at: str = "center", bold: bool = False
    ) -> None:
        """Words beside x ("left", "center" or "right"), centred on y."""
        weight = "bold" if bold else "normal"
        self.add(Text(x, y, words, fontsize=size, color=colour, ha=at, va="center", fontweight=weight))

    def box(
        self, x: float, y: float, w: float, h: float, face: Any = "white", edge: Any = GREY, line: float = 1
    ) -> None:
        """A rectangle with round corners; x, y: its lower left one."""
        shape = "round,pad=0,rounding_size=4"
        self.add(FancyBboxPatch((x, y), w, h, boxstyle=shape, fc=face, ec=edge, lw=line))

    def shape(self, points: Sequence[Point], face: Any = "none", edge: Any = "none", line: float = 1) -> None:
        """A closed polygon."""
        self.add(Polygon(points, closed=True, fc=face, ec=edge, lw=line))

    def line(self, points: Sequence[Point], colour: Any = GREY, width: float = 1, style: str = "-") -> None:
        """A polyline."""
        self.add(PathPatch(Path(points), fc="none", ec=colour, lw=width, ls=style))

    def lines(self, segments: Sequence[Sequence[Point]], colours: Any, widths: Any) -> None:
        """Many polylines."""
        self.add(LineCollection(segments, colors=colours, linewidths=widths, capstyle="round"))

    def dots(self, x: F, y: F, colours: Any, sizes: Any, marker: str = "o", edges: Any = INK, line: Any = 0.6) -> None:
        """Markers of sizes (n,) [px], all in one shape."""
        style = MarkerStyle(marker)
        shape = style.get_path().transformed(style.get_transform())
        scales = np.broadcast_to(sizes, np.shape(x))
        paths = [
            Path(shape.vertices * size + at, shape.codes)
            for size, at in zip(scales, np.column_stack([x, y]), strict=True)
        ]
        self.add(PathCollection(paths, facecolors=colours, edgecolors=edges, linewidths=line))

    def gauge(self, x: float, y: float, w: float, h: float, share: float, colour: Any) -> None:
        """A bar that is filled from the left up to a share."""
        self.add(Polygon(_corners(x, y, w, h), fc=PALE, ec="none"))
        filled = min(max(share, 0.0), 1.0) * w
        if filled > 0.0:
            self.add(Polygon(_corners(x, y, filled, h), fc=colour, ec="none"))
        self.add(Polygon(_corners(x, y, w, h), fc="none", ec=GREY, lw=0.6))

    def arrow(self, start: Point, end: Point, kw: float, scale_kw: float, colour: Any) -> None:
        """An arrow whose width shows a power against the largest one shown; none below 5 W."""
        if not abs(kw) >= 0.005:
            return
        half = 1.2 + 7.0 * min(abs(kw) / scale_kw, 1.0)
        (x0, y0), (x1, y1) = start, end
        length = float(np.hypot(x1 - x0, y1 - y0))
        along = np.array([x1 - x0, y1 - y0]) / length
        across = np.array([-along[1], along[0]])
        head = min(half + 6.0, 0.6 * length)
        neck = length - head
        outline = [
            (0, half),
            (neck, half),
            (neck, half + 4.5),
            (length, 0),
            (neck, -half - 4.5),
            (neck, -half),
            (0, -half),
        ]
        points = [tuple(np.array(start) + a * along + b * across) for a, b in outline]
        self.shape(points, colour, "white", 0.8)

    def header(self, title: str, when: str, outdoors: str) -> None:
        """The line on top: what, when, and what it is like."""
        self.text(14, 465, title, 11, at="left", bold=True)
        self.text(WIDTH / 2 - 30, 465, when, 9.5)
        self.text(WIDTH - 14, 465, outdoors, 9, at="right")
        self.line([(14, 450), (WIDTH - 14, 450)], PALE, 1)

    def strip(self, title: str, hours: F, kw: F, price: F, unit: str, step_h: float) -> None:
        """A chart of the last 24 h: power as columns, import up and export down, and the price as a line.

        hours (n,): when each step began, before now, negative; kw, price (n,), NaN where unknown.
        """
        x0, y0, w, h = STRIP
        known = kw[np.isfinite(kw)]
        top, bottom = nice(max(known.max(initial=0.0), 0.5)), -nice(max(-known.min(initial=0.0), 0.0))
        zero = y0 + h * -bottom / (top - bottom)

        def up(value: float) -> float:
            return y0 + h * (value - bottom) / (top - bottom)

        self.add(Polygon(_corners(x0, y0, w, h), fc="#fbfbfb", ec="none"))
        for hour in (-24, -18, -12, -6, 0):
            x = x0 + w * (hour + 24) / 24
            self.line([(x, y0), (x, y0 + h)], PALE, 0.8)
            self.text(x, y0 - 9, f"{hour} h" if hour else "now", 7, GREY)
        for sign, colour in ((1.0, GIVES), (-1.0, TAKES)):
            columns = [(t, v) for t, v in zip(hours, kw, strict=True) if v * sign > 0.0]
            bars = [_corners(x0 + w * (t + 24) / 24, zero, w * step_h / 24, up(v) - zero) for t, v in columns]
            if bars:
                path = Path.make_compound_path(*[Path([*bar, bar[0]], closed=True) for bar in bars])
                self.add(PathPatch(path, fc=colour, ec="none", alpha=0.75))
        self.line([(x0, zero), (x0 + w, zero)], GREY, 0.8)
        for value in (top, bottom):
            if abs(up(value) - zero) > 10.0:
                self.text(x0 - 5, up(value), f"{value:g}", 7, GREY, "right")
        self.text(x0 - 5, zero, "0", 7, GREY, "right")
        seen = np.isfinite(price)
        if seen.any():
            low, high = float(price[seen].min()), float(price[seen].max())
            level = y0 + h * (0.08 + 0.84 * (price[seen] - low) / max(high - low, 1e-9))
            ends = x0 + w * (np.column_stack([hours, hours + step_h])[seen] + 24) / 24
            self.line([(float(x), float(v)) for pair, v in zip(ends, level, strict=True) for x in pair], INK, 1.3)
            ends_of_scale = {low: y0 + 0.08 * h, high: y0 + (0.92 if high > low else 0.08) * h}
            for value, y in ends_of_scale.items():
                self.text(x0 + w + 5, y, f"{value:.2f}", 7, INK, "left")
        self.text(x0, y0 + h + 9, title, 7.5, at="left", bold=True)
        self.text(x0 + w, y0 + h + 9, f"price, {unit}", 7.5, INK, "right", bold=True)


def _corners(x: float, y: float, w: float, h: float) -> list[Point]:
    return [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]


def nice(value: float) -> float:
    """The next round number that is not smaller: 0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, ..."""
    if value <= 0.0:
        return 0.0
    if value <= 0.5:
        return 0.5
    unit = 10.0 ** np.floor(np.log10(value))
    steps = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
    return float(next(unit * step for step in steps if unit * step >= value * (1.0 - 1e-9)))


def mixed(colour: str, share: float) -> tuple[float, float, float]:
    """White with a share of a colour."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5)])
    part = min(max(share, 0.0), 1.0)
    red, green, blue = (1.0 - part + part * rgb).tolist()
    return red, green, blue


class Trail:
    """What each environment's last 24 hours looked like, kept by a view from frame to frame."""

    def __init__(self, step_h: float, hours: float = 24.0):
        """step_h: length of a step [h]."""
        self.step_h = step_h
        self.size = max(round(hours / step_h), 1)
        self.rows: dict[Any, dict[int, tuple[float, ...]]] = {}
        self.episode: dict[Any, int] = {}

    def add(self, key: Any, episode: int, step: int, *values: float) -> None:
        """Keep the values of a step; those of another episode, or of a run that was further on, are forgotten."""
        rows = self.rows.setdefault(key, {})
        if self.episode.get(key) != episode or any(seen > step for seen in rows):
            rows.clear()
            self.episode[key] = episode
        for old in [seen for seen in rows if seen <= step - self.size]:
            del rows[old]
        rows[step] = values

    def forget(self, key: Any) -> None:
        """An episode begins."""
        self.rows.pop(key, None)

    def last(self, key: Any, step: int, width: int) -> tuple[F, F]:
        """(when (n,), values (n, width)): the steps up to and with ``step``, as hours before now; NaN if not seen."""
        rows = self.rows.get(key, {})
        steps = np.arange(step - self.size + 1, step + 1)
        values: F = np.array([rows.get(int(s), (np.nan,) * width) for s in steps], np.float64)
        hours: F = np.asarray((steps - step - 1) * self.step_h, np.float64)
        return hours, values
