"""What an agent sees: names, units and ranges of the local observation, and how ranges follow from the scenario."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from entangrid.envs.layout import COMMON, N_OBSERVATIONS, SERIES, Records

F = NDArray[np.float64]


class Entry(NamedTuple):
    """One number of the observation: its name, unit, and the physical range that is mapped to [-1, 1]."""

    name: str
    unit: str
    low: float | None  # None: from the scenario
    high: float | None


LOCAL: tuple[Entry, ...] = (
    Entry("hour_sin", "-", -1.0, 1.0),
    Entry("hour_cos", "-", -1.0, 1.0),
    Entry("price_import", "EUR/kWh", None, None),
    Entry("price_ahead", "EUR/kWh", None, None),
    Entry("soc", "-", 0.0, 1.0),
    Entry("t_air", "°C", 12.0, 32.0),
    Entry("t_mass", "°C", 12.0, 32.0),
    Entry("t_out", "°C", -20.0, 40.0),
    Entry("p_pv", "kW", 0.0, None),
    Entry("p_load", "kW", 0.0, None),
    Entry("occupancy", "-", 0.0, 1.0),
    Entry("weekend", "-", 0.0, 1.0),
)
assert len(LOCAL) == N_OBSERVATIONS


def ranges(common: Records, series: Records) -> tuple[F, F]:
    """Low and high ends (H, 12) of every entry's physical range, for records common (T,) and series (T, H).

    Prices span the scenario's lowest to highest import price, PV ends at its largest value, load at its 99.5 %
    quantile; a range without extent is widened to 1 so that its entry is constant.
    """
    assert common.dtype == COMMON
    assert series.dtype == SERIES
    n_homes = series.shape[1]
    low = np.zeros((n_homes, N_OBSERVATIONS))
    high = np.ones((n_homes, N_OBSERVATIONS))
    price = common["price_import"]
    for h in range(n_homes):
        top = {
            "p_pv": float(series["pv"][:, h].max()),
            "p_load": float(np.quantile(series["load"][:, h], 0.995)),
        }
        for i, entry in enumerate(LOCAL):
            low[h, i] = float(price.min()) if entry.low is None else entry.low
            high[h, i] = top.get(entry.name, float(price.max())) if entry.high is None else entry.high
    flat = high - low < 1e-9
    high[flat] = low[flat] + 1.0
    return low, high


def describe(low: F, high: F) -> str:
    """The observation table of one home as text; low, high (12,)."""
    rows = [f"{'#':>3}  {'name':<14}{'unit':<10}{'mapped to -1':>13}{'mapped to 1':>13}"]
    rows += [
        f"{i:>3}  {entry.name:<14}{entry.unit:<10}{low[i]:>13.3f}{high[i]:>13.3f}" for i, entry in enumerate(LOCAL)
    ]
    return "\n".join(rows)
