"""What an agent sees: names, units and ranges of every entry, and which of them a task shows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from entangrid.envs.layout import Records

F = NDArray[np.float64]
I = NDArray[np.int64]  # noqa: E741


class Entry(NamedTuple):
    """One number of the observation: its name, unit, and the physical range that is mapped to [-1, 1]."""

    name: str
    unit: str
    low: float | None  # None: from the scenario
    high: float | None
    shown: str = "always"  # in which scenarios


#: The entries in the order of the kernel's numbers (:mod:`entangrid.envs.kernels.observe`).
ENTRIES: tuple[Entry, ...] = (
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
    Entry("t_air_2", "°C", 12.0, 32.0, "a home has that zone"),
    Entry("t_air_3", "°C", 12.0, 32.0, "a home has that zone"),
    Entry("t_air_4", "°C", 12.0, 32.0, "a home has that zone"),
    Entry("t_tank", "°C", 20.0, 80.0, "a home has a tank"),
    Entry("q_draw", "kW", 0.0, None, "a home has a tank"),
    Entry("vehicle_home", "-", 0.0, 1.0, "a home has a vehicle"),
    Entry("vehicle_soc", "-", 0.0, 1.0, "a home has a vehicle"),
    Entry("vehicle_leaves", "h", 0.0, 24.0, "a home has a vehicle"),
    Entry("appliance1_ready", "-", 0.0, 1.0, "a home has that appliance"),
    Entry("appliance1_wait", "h", 0.0, 24.0, "a home has that appliance"),
    Entry("appliance2_ready", "-", 0.0, 1.0, "a home has that appliance"),
    Entry("appliance2_wait", "h", 0.0, 24.0, "a home has that appliance"),
    Entry("grid", "-", 0.0, 1.0, "the scenario has outages"),
    Entry("carbon", "kg/kWh", None, None, "carbon varies"),
    Entry("price_export", "EUR/kWh", None, None, "the export price varies"),
    Entry("month_import", "kWh", 0.0, 1000.0, "a home has a block tariff"),
    Entry("month_peak", "kW", 0.0, 20.0, "a home pays for demand"),
    Entry("voltage", "pu", 0.9, 1.1, "the task has a feeder"),
    Entry("feeder_v_min", "pu", 0.9, 1.1, "observation_set 'feeder'"),
    Entry("feeder_v_max", "pu", 0.9, 1.1, "observation_set 'feeder'"),
    Entry("trafo_loading", "%", 0.0, 150.0, "observation_set 'feeder'"),
    Entry("hot_spot", "°C", 0.0, 140.0, "observation_set 'feeder'"),
    Entry("feeder_load", "%", -150.0, 150.0, "observation_set 'feeder'"),
    Entry("forecast_price", "EUR/kWh", None, None, "observation_set 'forecast'"),
    Entry("forecast_t_out", "°C", -20.0, 40.0, "observation_set 'forecast'"),
    Entry("forecast_pv", "kW", 0.0, None, "observation_set 'forecast'"),
    Entry("forecast_load", "kW", 0.0, None, "observation_set 'forecast'"),
)
NUMBER = {entry.name: i for i, entry in enumerate(ENTRIES)}
#: What every home shows.
LOCAL = tuple(entry for entry in ENTRIES if entry.shown == "always")
#: Numbers of the entries that come from a device other than the battery, or from the feeder.
OF_DEVICES = tuple(
    i for i, entry in enumerate(ENTRIES) if entry.shown.startswith(("a home", "the task", "observation_set 'feeder'"))
)
FORECASTS = tuple(entry.name for entry in ENTRIES if entry.name.startswith("forecast_"))
FEEDER = ("feeder_v_min", "feeder_v_max", "trafo_loading", "hot_spot", "feeder_load")


class Layout(NamedTuple):
    """The entries of one home's observation: names (K), their numbers (K,) and steps ahead (K,)."""

    names: tuple[str, ...]
    entries: I
    lead: I


def layout(
    homes: Records, zones: Records, common: Records, *, feeder: bool, observation_set: str, lead: tuple[int, ...]
) -> Layout:
    """Choose the entries for a task; every home shows the same ones, constant where it lacks the device.

    observation_set: "local", "forecast" (local and forecasts ``lead`` steps ahead) or "feeder" (local, forecasts and
    the whole feeder's state).
    """
    there = {
        "always": True,
        "a home has a tank": bool((homes["dhw_c"] > 0.0).any()),
        "a home has a vehicle": bool((homes["ev_e"] > 0.0).any()),
        "the scenario has outages": bool((common["grid"] < 0.5).any()),
        "carbon varies": bool(np.ptp(common["carbon"]) > 0.0),
        "the export price varies": bool(np.ptp(common["price_export"]) > 0.0),
        "a home has a block tariff": bool(((homes["block_kwh"] > 0.0) & (homes["block_adder"] > 0.0)).any()),
        "a home pays for demand": bool((homes["demand_price"] > 0.0).any()),
        "the task has a feeder": feeder,
        "observation_set 'feeder'": feeder and observation_set == "feeder",
        "observation_set 'forecast'": False,
    }
    names: list[str] = []
    for entry in ENTRIES:
        if entry.shown == "a home has that zone":
            shown = int(entry.name[-1]) <= zones.shape[1]
        elif entry.shown == "a home has that appliance":
            shown = bool((homes["app_kw"][:, int(entry.name[9]) - 1] > 0.0).any())
        else:
            shown = there[entry.shown]
        if shown:
            names.append(entry.name)
    numbers, ahead = [NUMBER[name] for name in names], [0] * len(names)
    if observation_set != "local":
        for name in FORECASTS:
            for steps in lead:
                names.append(f"{name}+{steps}")
                numbers.append(NUMBER[name])
                ahead.append(steps)
    return Layout(tuple(names), np.array(numbers, np.int64), np.array(ahead, np.int64))


def ranges(chosen: Layout, common: Records, series: Records) -> tuple[F, F]:
    """Low and high ends (H, K) of every entry's physical range, for records common (T,) and series (T, H).

    Prices and carbon span the scenario's lowest to highest value, PV and hot water end at their largest value, load at
    its 99.5 % quantile; a range without extent is widened to 1 so that its entry is constant.
    """
    n_homes = series.shape[1]
    low = np.zeros((n_homes, len(chosen.names)))
    high = np.ones((n_homes, len(chosen.names)))
    fields = {
        "price_import": "price_import",
        "price_ahead": "price_import",
        "forecast_price": "price_import",
        "price_export": "price_export",
        "carbon": "carbon",
    }
    for h in range(n_homes):
        top = {
            "p_pv": float(series["pv"][:, h].max()),
            "p_load": float(np.quantile(series["load"][:, h], 0.995)),
            "q_draw": float(series["dhw"][:, h].max()),
        }
        top |= {"forecast_pv": top["p_pv"], "forecast_load": top["p_load"]}
        for i, number in enumerate(chosen.entries):
            entry = ENTRIES[number]
            if entry.name in fields:
                values = common[fields[entry.name]]
                low[h, i], high[h, i] = float(values.min()), float(values.max())
            else:
                assert entry.low is not None
                low[h, i] = entry.low
                high[h, i] = top[entry.name] if entry.high is None else entry.high
    flat = high - low < 1e-9
    high[flat] = low[flat] + 1.0
    return low, high


def describe(chosen: Layout, low: F, high: F) -> str:
    """The observation table of one home as text; low, high (K,)."""
    rows = [f"{'#':>3}  {'name':<20}{'unit':<10}{'mapped to -1':>13}{'mapped to 1':>13}"]
    rows += [
        f"{i:>3}  {name:<20}{ENTRIES[number].unit:<10}{low[i]:>13.3f}{high[i]:>13.3f}"
        for i, (name, number) in enumerate(zip(chosen.names, chosen.entries, strict=True))
    ]
    return "\n".join(rows)
