"""Key performance indicators of an episode: of every home, of all homes together and of the feeder.

    log = run_episode(task, controller)
    table = kpis(log)                                   # home, kpi, value, unit
    compared = relative(table, kpis(no_control(task)))  # ... reference, difference, ratio

Definitions with equations: ``docs/environments/kpis.md``. In short, over the n steps of length dt [h] of an episode:
sums of costs, energies and hours are 0 where there is nothing to sum; shares and other ratios are NaN where what they
divide by is 0 (no PV, no battery, never at home, no import).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from entangrid.data.errors import InputError
from entangrid.envs.layout import Records
from entangrid.envs.log import Log, no_control, run_episode

__all__ = ["UNITS", "Log", "kpis", "no_control", "relative", "run_episode"]

F = npt.NDArray[np.float64]

ALL, FEEDER = "all", "feeder"  # names in the column "home" for all homes together and for the feeder
TOLERANCE_K = 0.01  # outside the comfort band by less than this is no discomfort
NEGLIGIBLE = 1e-9  # what is at most that large counts as 0 where it would divide

#: KPIs and their units in the table's order; the second half concerns homes on feeders, and feeders
UNITS = {
    "objective": "EUR",
    "cost": "EUR",
    "carbon_cost": "EUR",
    "discomfort_cost": "EUR",
    "wear_cost": "EUR",
    "unmet_cost": "EUR",
    "grid_cost": "EUR",
    "stored_value": "EUR",
    "import": "kWh",
    "export": "kWh",
    "demand": "kWh",
    "heat_pump": "kWh",
    "pv": "kWh",
    "curtailed_pv": "kWh",
    "carbon": "kg",
    "peak": "kW",
    "export_peak": "kW",
    "daily_peak": "kW",
    "ramping": "kW",
    "load_factor": "-",
    "self_consumption": "-",
    "self_sufficiency": "-",
    "discomfort": "K h",
    "discomfort_share": "-",
    "unmet_hot_water": "kWh",
    "unmet_vehicle": "kWh",
    "unserved": "kWh",
    "capacity_lost": "-",
    "cycles": "-",
    "v_min": "pu",
    "v_max": "pu",
    "voltage_out": "h",
    "voltage_violation": "pu h",
    "overload": "pu h",
    "trafo_loading": "%",
    "line_loading": "%",
    "losses": "kWh",
    "hot_spot": "°C",
    "ageing": "h",
    "ageing_rate": "-",
}
#: KPI -> the term that it sums over the steps ...
_SUMMED = {
    "cost": "bill_eur",
    "carbon_cost": "carbon_eur",
    "discomfort_cost": "discomfort_eur",
    "wear_cost": "wear_eur",
    "unmet_cost": "unmet_eur",
    "grid_cost": "grid_eur",
    "stored_value": "stored_value_eur",
    "curtailed_pv": "curtailed_kwh",
    "carbon": "carbon_kg",
    "discomfort": "discomfort_kh",
    "unmet_hot_water": "unmet_dhw_kwh",
    "unmet_vehicle": "unmet_ev_kwh",
    "unserved": "unserved_kwh",
}
#: ... and what a home takes besides its storage
_DEMAND = ("p_load_kw", "p_hp_kw", "p_element_kw", "p_appliances_kw")


def kpis(log: Log, env: int = 0) -> pd.DataFrame:
    """The indicators of one environment's episode: a tidy frame with the columns home, kpi, value and unit.

    home: the scenario's names; "all", the homes together; "feeder" where the task has one. Raises InputError for a log
    without steps, for an environment that it does not have, and for a home with one of those two names.
    """
    if log.n == 0:
        raise InputError("log holds no steps; expected at least one")
    if not 0 <= env < log.n_envs:
        raise InputError(f"env is {env}; expected 0 to {log.n_envs - 1}")
    names = log.task.scenario.home_names
    for name in (ALL, FEEDER):
        if name in names:
            raise InputError(f"scenario has a home called {name!r}; expected any other name")
    values = _of_homes(log, env)
    rows = [(home, kpi, values[kpi][h]) for h, home in enumerate([*names, ALL]) for kpi in UNITS if kpi in values]
    if log.feeder is not None:
        of_feeder = _of_feeder(log.feeder[: log.n, env], log.task)
        rows += [(FEEDER, kpi, of_feeder[kpi]) for kpi in UNITS if kpi in of_feeder]
    table = pd.DataFrame(rows, columns=["home", "kpi", "value"])
    table["unit"] = table["kpi"].map(UNITS)
    return table


def relative(table: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """A table of :func:`kpis` beside that of a reference run, usually of :func:`no_control`.

    Adds the columns reference; difference = value - reference; ratio = value / reference. The ratio is 1 where both
    are 0, and NaN where only the reference is 0, where it is negative (a cost that was an income: read the
    difference), where either is NaN, and of temperatures. A magnitude up to 1e-9 counts as 0.

    Raises InputError unless both have the same rows.
    """
    keys = ["home", "kpi"]
    rows, others = pd.MultiIndex.from_frame(table[keys]), pd.MultiIndex.from_frame(reference[keys])
    odd = rows.symmetric_difference(others)
    if len(odd) or rows.has_duplicates or others.has_duplicates:
        where = f"{odd[0]} is in one only" if len(odd) else "a row is there twice"
        raise InputError(f"tables do not fit together: {where}; expected KPIs of the same homes")
    result = table[[*keys, "value"]].copy()
    result["reference"] = reference["value"].to_numpy()[others.get_indexer(rows)]
    value, before = result["value"].to_numpy(np.float64), result["reference"].to_numpy(np.float64)
    result["difference"] = value - before
    ratio = np.full(len(result), np.nan)
    np.divide(value, before, out=ratio, where=before > NEGLIGIBLE)
    ratio[(np.abs(value) <= NEGLIGIBLE) & (np.abs(before) <= NEGLIGIBLE)] = 1.0
    ratio[(table["unit"] == "°C").to_numpy()] = np.nan
    result["ratio"] = ratio
    result["unit"] = table["unit"]
    return result


def _of_homes(log: Log, env: int) -> dict[str, F]:
    """Every KPI of the homes as an array (H + 1,), all homes together last."""
    n, dt = log.n, float(log.task.scenario.dt_h)
    terms, state = log.terms[:n, env], log.state[: n + 1, env]
    first = int(log.first[env])
    occupancy = log.task.series["occupancy"][first : first + n]
    p_grid, p_pv = terms["p_grid_kw"], terms["p_pv_kw"]
    stored, driven = terms["p_battery_kw"], terms["p_ev_kw"]
    demand = sum(terms[name] for name in _DEMAND)
    used = np.minimum(p_pv, demand + np.maximum(stored, 0.0) + np.maximum(driven, 0.0))
    too_far = terms["discomfort_kh"] > TOLERANCE_K * occupancy * dt
    capacity = log.task.homes["battery_e"]
    out = {kpi: _total(terms[term].sum(0)) for kpi, term in _SUMMED.items()}
    out["objective"] = -_total(terms["reward_eur"].sum(0))
    out["import"] = _total(np.maximum(p_grid, 0.0).sum(0) * dt)
    out["export"] = _total(np.maximum(-p_grid, 0.0).sum(0) * dt)
    out["pv"] = _total(p_pv.sum(0) * dt)
    out["heat_pump"] = _total(terms["p_hp_kw"].sum(0) * dt)
    out["demand"] = _total(demand.sum(0) * dt + np.maximum(driven.sum(0) * dt, 0.0))
    out |= _profile(np.column_stack([p_grid, p_grid.sum(1)]), dt)
    out["self_consumption"] = _ratio(_total(used.sum(0) * dt), out["pv"])
    out["self_sufficiency"] = np.maximum(1.0 - _ratio(out["import"] + out["unserved"], out["demand"]), 0.0)
    out["discomfort_share"] = _ratio(_total((occupancy * too_far).sum(0)), _total(occupancy.sum(0)))
    out["capacity_lost"] = _ratio(_total(capacity * terms["ageing"].sum(0)), _total(capacity))
    swing = 0.5 * np.abs(np.diff(state["soc"], axis=0)).sum(0)
    out["cycles"] = _ratio(_total(capacity * swing), _total(capacity))
    if log.feeder is not None:
        vm, rules = state["vm"][1:], log.task.feeder_rules
        outside = (vm < rules.v_low_pu) | (vm > rules.v_high_pu)
        out["v_min"] = np.append(vm.min(0), vm.min())
        out["v_max"] = np.append(vm.max(0), vm.max())
        out["voltage_out"] = np.append(outside.sum(0), outside.any(1).sum()) * dt
    return out


def _of_feeder(feeder: Records, task: Any) -> dict[str, float]:
    """Every KPI of the feeder, of its records (n,)."""
    dt, rules = float(task.scenario.dt_h), task.feeder_rules
    slack = feeder["p_slack_kw"][:, None]
    outside = (feeder["v_min_pu"] < rules.v_low_pu) | (feeder["v_max_pu"] > rules.v_high_pu)
    hours = len(feeder) * dt
    return {
        "grid_cost": float(feeder["feeder_eur"].sum()),
        "import": float(np.maximum(slack, 0.0).sum() * dt),
        "export": float(np.maximum(-slack, 0.0).sum() * dt),
        **{kpi: float(value[0]) for kpi, value in _profile(slack, dt).items()},
        "v_min": float(feeder["v_min_pu"].min()),
        "v_max": float(feeder["v_max_pu"].max()),
        "voltage_out": float(outside.sum() * dt),
        "voltage_violation": float(feeder["violation_pu_h"].sum()),
        "overload": float(feeder["overload_h"].sum()),
        "trafo_loading": float(feeder["trafo_loading_percent"].max()),
        "line_loading": float(feeder["line_loading_percent"].max()),
        "losses": float((feeder["line_loss_kw"] + feeder["trafo_loss_kw"]).sum() * dt),
        "hot_spot": float(feeder["hot_spot_c"].max()),
        "ageing": float(feeder["ageing_h"].sum()),
        "ageing_rate": float(feeder["ageing_h"].sum() / hours),
    }


def _profile(p: F, dt: float) -> dict[str, F]:
    """What the shape of power profiles p (n, m) [kW] says, import positive; arrays (m,)."""
    taken = np.maximum(p, 0.0)
    days = np.arange(0, len(p), max(round(24.0 / dt), 1))
    return {
        "peak": taken.max(0),
        "export_peak": np.maximum(-p, 0.0).max(0),
        "daily_peak": np.maximum.reduceat(taken, days, axis=0).mean(0),
        "ramping": np.abs(np.diff(p, axis=0)).sum(0),
        "load_factor": _ratio(taken.mean(0), taken.max(0)),
    }


def _total(values: F) -> F:
    """Values of the homes (H,), and their sum."""
    return np.append(values, values.sum())


def _ratio(part: F, whole: F) -> F:
    """part / whole, NaN where the whole counts as 0."""
    out = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=out, where=whole > NEGLIGIBLE)
    return out
