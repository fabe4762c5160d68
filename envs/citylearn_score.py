"""CityLearn's score of a community: cost, carbon and what its sum asks of the grid, against the same without control.

The terms of CityLearn's own ``evaluate()`` (version 3.0.2; 2.2 has the same), 1 being no better than no control:

===========  ===========================================================================================================
term         ratio of
===========  ===========================================================================================================
cost         sum of import · price; the mean over homes of each one's ratio
carbon       sum of import · carbon intensity; the same
ramping      sum of the upward ramps of the homes' sum
load factor  mean over days of 1 - mean / highest hour of the homes' sum
daily peak   mean over days of the highest hour of the homes' sum
peak         highest hour of the homes' sum
grid         the mean of the four ratios above
score        the mean of cost, carbon and grid
score-22     the challenge's of 2022: the mean of cost, carbon, and half of ramping and of the 730-hour load factor each
===========  ===========================================================================================================

A folder without prices (2020, 2021) or carbon has no such term: it is NaN, and the scores are the mean of the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

F = npt.NDArray[np.float64]

DAY_H, MONTH_H = 24, 730
TERMS = ("cost", "carbon", "ramping", "load factor", "daily peak", "peak", "grid", "score", "score-22")


def totals(net: F, price: F, carbon: F) -> dict[str, Any]:
    """What the terms divide by the same without control: net (n, H) [kWh] of n hours, price and carbon (n,) a kWh.

    cost and carbon by home (H,); the others of the homes' sum, ``monthly`` being the 730-hour load factor's.
    """
    imported, district = np.maximum(net, 0.0), net.sum(1)

    def windows(hours: int) -> list[F]:
        return [district[i : i + hours] for i in range(0, district.size, hours)]

    def load_factor(hours: int) -> float:
        with np.errstate(invalid="ignore", divide="ignore"):
            return float(np.mean([1.0 - window.mean() / window.max() for window in windows(hours)]))

    return {
        "cost": (imported * price[:, None]).sum(0),
        "carbon": (imported * carbon[:, None]).sum(0),
        "ramping": np.maximum(np.diff(district), 0.0).sum(),
        "load factor": load_factor(DAY_H),
        "daily peak": np.mean([day.max() for day in windows(DAY_H)]),
        "peak": district.max(),
        "monthly": load_factor(MONTH_H),
    }


def score(net: F, reference: F, price: F, carbon: F) -> dict[str, float]:
    """The :data:`TERMS` of net consumption (n, H) [kWh] against that without control."""
    ours, theirs = totals(net, price, carbon), totals(reference, price, carbon)
    ratio = {name: _ratio(ours[name], theirs[name]) for name in ours}
    grid = float(np.mean([ratio[name] for name in ("ramping", "load factor", "daily peak", "peak")]))
    grid_22 = 0.5 * (ratio["ramping"] + ratio["monthly"])
    two = [ratio[name] for name in ("cost", "carbon") if not np.isnan(ratio[name])]
    return ratio | {
        "grid": grid,
        "score": float(np.mean([*two, grid])),
        "score-22": float(np.mean([*two, grid_22])),
    }


def _ratio(ours: Any, theirs: Any) -> float:
    """The mean ratio, a home without anything counting as 1; NaN if none has anything."""
    if not np.any(theirs):
        return float("nan")
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.mean(np.where(theirs == 0.0, 1.0, np.divide(ours, theirs))))
