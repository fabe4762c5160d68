"""Right panels of figure "matched": a row an arm, with its number, its interval and its seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from entangrid.experiments.figures.style import KIND_COLOURS, KIND_MARKERS
from entangrid.experiments.headroom import CALLED, Headroom

if TYPE_CHECKING:
    from entangrid.experiments.statistics import GapClosed

_SMALL = 8.0
_SOFT, _CLAIM, _BAND = "#555555", "#A00000", "#f4f4f4"
_LEAST, _MOST = -60.0, 105.0  # [%]: savings beyond stand at the edge, their numbers beside
_LEAST_GAP, _MOST_GAP = -1.0, 2.0


def _rows(axes: Any, n: int) -> None:
    """The rows of a panel, the first on top, every other one shaded."""
    axes.set_ylim(n - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    for row in range(0, n, 2):
        axes.axhspan(row - 0.5, row + 0.5, color=_BAND, lw=0, zorder=0)


def savings(axes: Any, found: Headroom, kind: Mapping[str, str]) -> None:
    """Every arm's saving with its interval and seeds; beside them perfect foresight and the claim."""
    ranked = found.ranked
    _rows(axes, len(ranked))
    claimed, room = 100.0 * found.claim.share, 100.0 * found.room
    base = found.arms[found.baseline].mean.value if found.baseline in found.arms else float("nan")
    shown = {k: [100.0 * v for v in found.arms[k].saving[:3]] for k in ranked}
    seeds = {k: 100.0 * (1.0 - found.arms[k].per_seed / (base if base > 0.0 else np.nan)) for k in ranked}
    known = [v for values in (shown, seeds) for each in values.values() for v in each] + [0.0, claimed, room]
    low, high = max(np.nanmin(known), _LEAST), min(np.nanmax(known), _MOST)
    axes.set_xlim(low - 0.05 * (high - low), high + 0.04 * (high - low))
    for row, label in enumerate(ranked):
        colour, marker = KIND_COLOURS[kind[label]], KIND_MARKERS[kind[label]]
        value, *ends = shown[label]
        if math.isnan(found.arms[label].iqm.value):
            said = f"never that comfortable: {found.least_discomfort(label):.3g} K h"
            axes.text(0.02, row, said, va="center", size=_SMALL,
                      transform=axes.get_yaxis_transform(), color=_SOFT, style="italic",
                      bbox={"facecolor": "white" if row % 2 else _BAND, "lw": 0, "pad": 1.0})  # fmt: skip
        _estimate(axes, row, value, ends, colour, marker, low)
        _seeds(axes, row, seeds[label], colour)
    axes.axvline(0.0, color="#999999", lw=0.8, zorder=1)
    axes.axvline(claimed, color=_CLAIM, lw=1.2, ls=(0, (1.2, 1.5)), zorder=1)
    _above(axes, claimed, f"claimed, not reproduced: {claimed:.0f} %", 16, _CLAIM)
    if not math.isnan(room):
        axes.axvline(room, color="black", lw=1.0, ls=(0, (5, 2)), zorder=1)
        _above(axes, room, f"perfect foresight: {room:.0f} %", 4, "black")
    axes.set_xlabel(f"saving of {CALLED[found.claim.metric]}\nagainst {found.baseline or 'no arm'} [%]")


def _above(axes: Any, x: float, words: str, up: float, colour: str) -> None:
    """Words above a line: to its left, but for one near the panel's left edge."""
    low, high = axes.get_xlim()
    side, aside = ("right", 3) if x > low + 0.2 * (high - low) else ("left", -3)
    axes.annotate(words, (x, 1.0), xycoords=axes.get_xaxis_transform(), xytext=(aside, up), textcoords="offset points",
                  ha=side, size=_SMALL, color=colour, annotation_clip=False)  # fmt: skip


def gaps(axes: Any, closed: Mapping[str, GapClosed | None], found: Headroom, kind: Mapping[str, str]) -> None:
    """Gap closed of every arm, in the rows of the savings."""
    _rows(axes, len(found.ranked))
    known = [v for gap in closed.values() if gap is not None for v in (gap.low, gap.high, *gap.per_seed)]
    low, high = max(np.nanmin([*known, 0.0]), _LEAST_GAP), min(np.nanmax([*known, 1.0]), _MOST_GAP)
    axes.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    for row, label in enumerate(found.ranked):
        gap, colour, marker = closed.get(label), KIND_COLOURS[kind[label]], KIND_MARKERS[kind[label]]
        if gap is None:
            continue
        _estimate(axes, row, gap.mean, [gap.low, gap.high], colour, marker, low)
        _seeds(axes, row, gap.per_seed, colour)
    axes.axvline(0.0, color="#999999", lw=0.8, zorder=1)
    axes.axvline(1.0, color="black", lw=1.0, ls=(0, (5, 2)), zorder=1)
    axes.set_xlabel("0: no control, 1: perfect foresight")


def _estimate(axes: Any, row: int, value: float, ends: Sequence[float], colour: str, marker: str, low: float) -> None:
    """A mark on its interval; one beyond the left edge is an arrow there."""
    axes.plot(ends, [row, row], color=colour, lw=4, alpha=0.3, solid_capstyle="butt")
    if value < low:
        axes.plot(axes.get_xlim()[0], row, "<", color=colour, ms=5, clip_on=False)
    else:
        axes.plot(value, row, marker, color=colour, ms=5.5, mec="white", mew=0.5, zorder=3)


def _seeds(axes: Any, row: int, values: Any, colour: str) -> None:
    """A dot for each of several seeds."""
    if len(values) > 1:
        axes.plot(values, [row] * len(values), "o", color=colour, ms=2.4, alpha=0.6, mew=0)
