"""Gap closed, the headline score: which share of what could be saved was saved."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.experiments.statistics.bootstrap import RESAMPLES
from entangrid.experiments.statistics.ratios import crossed_ratio

F = npt.NDArray[np.float64]

#: Below this share of the no-control objective the headroom is too small for a ratio to mean anything.
SMALLEST_HEADROOM = 0.02


class GapClosed(NamedTuple):
    """Share of the gap between no control and the optimum: mean over seeds, per seed (S,), interval."""

    mean: float
    per_seed: F
    low: float
    high: float


def enough_headroom(no_control: F, optimum: F) -> bool:
    """Whether the optimum saves at least 2 % of the no-control objective."""
    below = float(no_control.sum())
    return below - float(optimum.sum()) >= max(SMALLEST_HEADROOM * abs(below), 1e-12)


def gap_closed(
    no_control: F,
    agent: F,
    optimum: F,
    *,
    clusters: npt.NDArray[np.int64] | None = None,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> GapClosed | None:
    """(J_no control - J_agent) / (J_no control - J_optimum), sums over weeks and homes.

    no_control, optimum (W,) or (W, H): objective of each held-out week and home [EUR]; agent (S, W) or (S, W, H) for S
    seeds. The interval resamples seeds, weeks and clusters of homes together (:func:`crossed_ratio`): it says where the
    score would lie with other seeds, weeks and homes. Its ends are NaN where there is one of each. None where the
    headroom is under 2 % of the no-control objective.
    """
    if not enough_headroom(no_control, optimum):
        return None
    none, best = no_control.reshape(no_control.shape[0], -1), optimum.reshape(optimum.shape[0], -1)
    saved = none - agent.reshape(-1, *none.shape)
    available = none - best
    per_seed = saved.sum((1, 2)) / available.sum()
    ratio = crossed_ratio([saved], available, clusters=clusters, resamples=resamples, seed=seed)
    found = ratio.resampled.interval(confidence)
    return GapClosed(float(per_seed.mean()), per_seed, found.low, found.high)
