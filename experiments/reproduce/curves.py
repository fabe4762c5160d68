"""Learning curves: one thin line a seed, their mean, and the paper's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

PALETTE = ("#CC79A7", "#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#000000")


def smooth(returns: Sequence[float], window: int) -> npt.NDArray[np.float64]:
    """Trailing means over at most ``window`` values."""
    total = np.concatenate([[0.0], np.cumsum(np.asarray(returns, np.float64))])
    ends = np.arange(1, total.size)
    starts = np.maximum(ends - window, 0)
    return np.asarray((total[ends] - total[starts]) / (ends - starts))


def draw_seeds(axes: Any, curves: Sequence[Sequence[float]], label: str, colour: str, window: int) -> None:
    """Trailing means of every seed, and their mean; a run that stopped at success stays at its last value."""
    if not curves:
        return
    length = max(len(c) for c in curves)
    rows = []
    for curve in curves:
        row = smooth(curve, window)
        every = max(row.size // 250, 1)  # as fine as the figure shows
        axes.plot(np.arange(1, row.size + 1)[::every], row[::every], color=colour, alpha=0.25, linewidth=0.7)
        rows.append(np.concatenate([row, np.full(length - row.size, row[-1])]))
    axes.plot(np.arange(1, length + 1), np.mean(rows, 0), color=colour, linewidth=1.8, label=label)


def claim_line(axes: Any, claim: Any, label: str, colour: str = "#000000") -> None:
    """A horizontal line at a claimed number."""
    axes.axhline(float(claim.value), color=colour, linestyle="--", linewidth=1.0, label=label)
