"""The headline score and its interval."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F = npt.NDArray[np.float64]

#: Below this share of the no-control objective the headroom is too small for a ratio to mean anything.
SMALLEST_HEADROOM = 0.02


class GapClosed(NamedTuple):
    """Share of the gap between no control and the optimum: mean over seeds, per seed, 95 % interval over weeks."""

    mean: float
    per_seed: F  # (S,)
    low: float
    high: float


def gap_closed(no_control: F, agent: F, optimum: F, *, resamples: int = 2_000, seed: int = 0) -> GapClosed | None:
    """Gap closed (J_no control - J_agent) / (J_no control - J_optimum) as a ratio of sums over weeks.

    no_control, optimum (W,): objective of each held-out week [EUR]; agent (S, W) for S seeds. The interval resamples
    weeks, numerator and denominator together, and averages over seeds: it says how the score would vary with other
    weeks, not with other seeds. None where the headroom is under 2 % of the no-control objective.
    """
    headroom = float(no_control.sum() - optimum.sum())
    if headroom < SMALLEST_HEADROOM * abs(float(no_control.sum())):
        return None
    saved = no_control[None, :] - agent
    available = no_control - optimum
    per_seed = saved.sum(1) / headroom
    draws = np.random.default_rng(seed).integers(0, no_control.size, (resamples, no_control.size))
    ratios = saved.mean(0)[draws].sum(1) / available[draws].sum(1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return GapClosed(float(per_seed.mean()), per_seed, float(low), float(high))
