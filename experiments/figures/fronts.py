"""Left panel of figure "matched": energy against discomfort, the fronts of the main families over all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from entangrid.experiments import matched
from entangrid.experiments.figures.style import KIND_COLOURS, KIND_MARKERS
from entangrid.experiments.headroom import CALLED, Headroom
from entangrid.experiments.scores import NO_CONTROL

_DASHES = ("-", (0, (5, 2)), (0, (1.2, 1.5)), (0, (6, 2, 1.2, 2)))
_MOST = 8


def chosen(
    found: Headroom, kinds: Mapping[str, str], knows: Mapping[str, str], pairs: Sequence[Sequence[str]]
) -> list[str]:
    """The families that are drawn strongly, by saving: perfect foresight, the best plan without it, the best of every
    other kind at matched comfort, the baseline, and the arms of the first declared pair."""
    ranked = found.ranked
    first = [label for label in (found.optimum, found.baseline) if label in found.arms]
    blind = [k for k in ranked if kinds[k] == "planning" and knows[k] != "future"]
    others = [k for k in ranked if k not in (found.baseline, NO_CONTROL)]
    best = [[k for k in others if kinds[k] == kind][:1] for kind in KIND_COLOURS if kind != "planning"]
    wanted = [*first, *blind[:1], *(k for each in best for k in each), *(k for pair in pairs[:1] for k in pair)]
    listed = [k for k in dict.fromkeys(wanted) if k in found.arms][:_MOST]
    return sorted(listed, key=ranked.index)


def draw(axes: Any, found: Headroom, kinds: Mapping[str, str], strong: Sequence[str]) -> list[tuple[Any, str]]:
    """Draw the panel; returns handles and labels for its legend."""
    threshold = _threshold(found)
    axes.set_xscale("symlog", linthresh=threshold, linscale=0.5)
    highest = max(_points(found, [k], 0).max(initial=0.0) for k in found.fronts)
    grid = np.concatenate(
        [np.linspace(0.0, threshold, 40), np.geomspace(threshold, max(highest, threshold) * 1.01, 300)]
    )
    grid = np.unique(np.append(grid, found.bound))
    taken: dict[str, int] = {}
    handles = []
    for label in [*(k for k in found.fronts if k not in strong), *strong]:
        colour, marker = KIND_COLOURS[kinds[label]], KIND_MARKERS[kinds[label]]
        d, e = _points(found, [label], 0), _points(found, [label], 1)
        if label not in strong:
            axes.plot(d, e, marker, color=colour, ms=2.5, alpha=0.3, mew=0)
            continue
        n = taken[kinds[label]] = taken.get(kinds[label], -1) + 1
        energy, share = matched.curve(found.fronts[label], grid)
        enough = share[np.searchsorted(grid, found.bound)] or share.max()
        (line,) = axes.plot(
            grid,
            np.where(share >= max(enough, 1e-9), energy, np.nan),
            color=colour,
            lw=1.5,
            ls=_DASHES[n % len(_DASHES)],
        )
        axes.plot(d, e, marker, color=colour, ms=4, mec="white", mew=0.4)
        handles.append((line, label))
    axes.axvline(found.bound, color="black", lw=0.8, ls=(0, (2, 2)))
    shown = _points(found, strong or list(found.fronts), 1)
    low, high = float(shown.min(initial=np.inf)), float(shown.max(initial=-np.inf))
    if low < high:
        axes.set_ylim(low - 0.06 * (high - low), high + 0.12 * (high - low))
    axes.set_xlim(-0.12 * threshold, max(highest, found.bound) * 1.3 + threshold)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("discomfort [K h a home and week]")
    axes.set_ylabel(f"{CALLED[found.claim.metric]} [{found.unit} a home and week]")
    return handles


def _threshold(found: Headroom) -> float:
    """Where the axis turns from even to logarithmic: a power of ten below the bound."""
    if found.bound > 0.0:
        return float(10.0 ** np.floor(np.log10(found.bound) - 0.7))
    every = _points(found, list(found.fronts), 0)
    positive = every[every > 0.0]
    return float(10.0 ** np.floor(np.log10(np.median(positive)))) if positive.size else 1.0


def _points(found: Headroom, labels: Sequence[str], axis: int) -> Any:
    """Means over seeds of every weight: discomfort (0) or energy (1) of some arms, in one row."""
    out = []
    for label in labels:
        front = found.fronts[label]
        both = np.isnan(front.energy) | np.isnan(front.discomfort)
        values = np.where(both, np.nan, front.energy if axis else front.discomfort)
        known = ~both.all(0)
        out.append(np.nanmean(values[:, known], 0) if known.any() else np.zeros(0))
    return np.concatenate(out) if out else np.zeros(0)
