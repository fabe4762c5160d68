"""KPIs: tiny logs whose indicators are worked out by hand, and properties on random ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from entangrid.data.errors import InputError
from entangrid.envs.connection import FeederRules
from entangrid.envs.kpis import UNITS, Log, kpis, relative
from entangrid.envs.layout import HOME, SERIES


def task(steps: int, homes: int = 1, dt_h: float = 1.0, feeder: Any = None, names: list[str] | None = None) -> Any:
    """As much of a task as a log needs; everyone is at home and has a battery of 10 kWh."""
    names = names or [f"home-{h + 1}" for h in range(homes)]
    series = np.zeros((steps + 5, homes), SERIES)
    series["occupancy"] = 1.0
    records = np.zeros(homes, HOME)
    records["battery_e"] = 10.0
    scenario = SimpleNamespace(n_homes=homes, home_names=names, dt_h=dt_h, n_steps=steps + 5)
    return SimpleNamespace(
        episode_steps=steps, scenario=scenario, series=series, homes=records, feeder=feeder, feeder_rules=FeederRules()
    )


def log_of(a_task: Any, first: int = 0, **terms: Any) -> Log:
    """A full log with these terms (S,) or (S, H), and zero for the rest."""
    log = Log(a_task)
    log.n, log.first[0] = a_task.episode_steps, first
    for name, values in terms.items():
        array = np.asarray(values, float)
        log.terms[name][:, 0] = array.reshape(len(array), -1)
    return log


def read(table: pd.DataFrame, home: str = "home-1") -> dict[str, float]:
    rows = table[table["home"] == home]
    return dict(zip(rows["kpi"], rows["value"], strict=True))


def test_a_day_of_four_steps_by_hand() -> None:
    """Half-hour steps: PV for load and battery, then the battery for the load, then import."""
    log = log_of(
        task(4, dt_h=0.5),
        reward_eur=[0.1, -0.2, -0.3, -0.4],
        bill_eur=[-0.1, 0.0, 0.5, 0.3],
        wear_eur=[0.0, 0.0, 0.02, 0.0],
        p_grid_kw=[-1.0, 0.0, 2.0, 1.0],
        p_load_kw=[1.0, 1.0, 2.0, 1.0],
        p_hp_kw=[0.0, 1.0, 2.0, 0.0],
        p_pv_kw=[4.0, 0.0, 0.0, 0.0],
        p_battery_kw=[2.0, -2.0, -2.0, 0.0],
        carbon_kg=[0.0, 0.0, 0.4, 0.2],
        ageing=[1e-5, 2e-5, 0.0, 1e-5],
    )
    log.state["soc"][:, 0, 0] = [0.5, 0.6, 0.5, 0.4, 0.4]
    table = kpis(log)
    assert list(table.columns) == ["home", "kpi", "value", "unit"]
    assert (table["unit"] == table["kpi"].map(UNITS)).all()
    got = read(table)
    expected = {
        "objective": 0.8,
        "cost": 0.7,
        "wear_cost": 0.02,
        "import": 1.5,
        "export": 0.5,
        "demand": 4.0,  # (5 load + 3 heat pump) kW, half an hour each
        "heat_pump": 1.5,
        "pv": 2.0,
        "carbon": 0.6,
        "peak": 2.0,
        "export_peak": 1.0,
        "daily_peak": 2.0,
        "ramping": 1.0 + 2.0 + 1.0,
        "load_factor": 0.75 / 2.0,
        "self_consumption": 3.0 / 4.0,  # 1 kW of load and 2 kW into the battery of 4 kW
        "self_sufficiency": 1.0 - 1.5 / 4.0,
        "capacity_lost": 4e-5,
        "cycles": 0.15,
    }
    assert {kpi: got[kpi] for kpi in expected} == pytest.approx(expected)
    rest = set(got) - set(expected) - {"discomfort_share"}
    assert all(got[kpi] == 0.0 for kpi in rest)
    assert read(table, "all") == pytest.approx(got, nan_ok=True)  # one home: all of them is that one


def test_discomfort_counts_occupied_time_from_where_the_episode_began() -> None:
    a_task = task(4)
    a_task.series["occupancy"][2:6, 0] = [1.0, 0.5, 0.0, 1.0]  # the episode begins at step 2
    log = log_of(a_task, first=2, discomfort_kh=[0.0, 0.5, 0.0, 0.005])
    got = read(kpis(log))
    assert got["discomfort"] == pytest.approx(0.505)
    assert got["discomfort_share"] == pytest.approx(0.5 / 2.5)  # 0.005 K is within the tolerance


def test_service_terms_are_summed_under_their_names() -> None:
    log = log_of(
        task(2),
        unmet_dhw_kwh=[0.1, 0.2],
        unmet_ev_kwh=[0.0, 3.0],
        unserved_kwh=[0.5, 0.0],
        curtailed_kwh=[0.0, 0.7],
        unmet_eur=[0.6, 1.8],
        grid_eur=[0.2, 0.0],
        carbon_eur=[0.1, 0.1],
        discomfort_eur=[0.4, 0.1],
        stored_value_eur=[-0.3, 0.1],
    )
    got = read(kpis(log))
    expected = {
        "unmet_hot_water": 0.3,
        "unmet_vehicle": 3.0,
        "unserved": 0.5,
        "curtailed_pv": 0.7,
        "unmet_cost": 2.4,
        "grid_cost": 0.2,
        "carbon_cost": 0.2,
        "discomfort_cost": 0.5,
        "stored_value": -0.2,
    }
    assert {kpi: got[kpi] for kpi in expected} == pytest.approx(expected)


def test_nothing_to_divide_by_gives_nan() -> None:
    a_task = task(3)
    a_task.homes["battery_e"] = 0.0
    a_task.series["occupancy"] = 0.0
    got = read(kpis(log_of(a_task)))
    ratios = {"load_factor", "self_consumption", "self_sufficiency", "discomfort_share", "capacity_lost", "cycles"}
    assert {kpi for kpi, value in got.items() if np.isnan(value)} == ratios


def test_noise_is_nothing_to_divide_by() -> None:
    got = read(kpis(log_of(task(2), p_grid_kw=[1e-16, -1e-16], p_pv_kw=[1e-16, 0.0])))
    assert np.isnan(got["load_factor"])
    assert np.isnan(got["self_consumption"])


def test_a_vehicle_is_demand_by_what_it_keeps() -> None:
    """It charges 6 kWh and gives 4 back to the home: 2 kWh of demand beside the load."""
    log = log_of(task(2), p_grid_kw=[6.0, 0.0], p_load_kw=[0.0, 4.0], p_ev_kw=[6.0, -4.0])
    got = read(kpis(log))
    assert got["demand"] == pytest.approx(6.0)
    assert got["self_sufficiency"] == pytest.approx(0.0)
    only_back = read(kpis(log_of(task(2), p_load_kw=[2.0, 2.0], p_ev_kw=[-2.0, -2.0])))
    assert only_back["demand"] == pytest.approx(4.0)
    assert only_back["self_sufficiency"] == pytest.approx(1.0)


def test_what_is_not_served_is_no_supply_of_one_s_own() -> None:
    log = log_of(task(2), p_grid_kw=[1.0, 0.0], p_load_kw=[2.0, 2.0], p_pv_kw=[1.0, 1.5], unserved_kwh=[0.0, 0.5])
    assert read(kpis(log))["self_sufficiency"] == pytest.approx(1.0 - (1.0 + 0.5) / 4.0)


def test_a_trader_is_not_less_than_not_self_sufficient() -> None:
    log = log_of(task(2), p_grid_kw=[9.0, -6.0], p_load_kw=[1.0, 1.0], p_battery_kw=[8.0, -7.0])
    assert read(kpis(log))["self_sufficiency"] == 0.0


def test_all_homes_together_meter_each_home_but_share_one_profile() -> None:
    log = log_of(
        task(2, homes=2),
        p_grid_kw=[[2.0, -2.0], [1.0, 3.0]],
        p_pv_kw=[[0.0, 4.0], [0.0, 0.0]],
        p_load_kw=[[2.0, 2.0], [1.0, 3.0]],
        bill_eur=[[0.5, -0.1], [0.2, 0.6]],
    )
    log.task.homes["battery_e"] = [10.0, 30.0]
    log.state["soc"][:, 0] = [[0.0, 0.0], [1.0, 0.0], [0.0, 0.5]]
    table = kpis(log)
    both = read(table, "all")
    assert table["home"].unique().tolist() == ["home-1", "home-2", "all"]
    assert both["cost"] == pytest.approx(1.2)
    assert both["import"] == pytest.approx(6.0)  # what the meters count, not the 4 kWh of the sum
    assert both["export"] == pytest.approx(2.0)
    assert both["peak"] == pytest.approx(4.0)
    assert both["ramping"] == pytest.approx(4.0)
    assert both["load_factor"] == pytest.approx(0.5)
    assert both["self_consumption"] == pytest.approx(0.5)
    assert read(table, "home-1")["cycles"] == pytest.approx(1.0)
    assert both["cycles"] == pytest.approx((10.0 * 1.0 + 30.0 * 0.25) / 40.0)


def test_the_mean_of_daily_peaks_goes_by_days_of_the_episode() -> None:
    p_grid = np.r_[np.zeros(23), 5.0, 3.0, np.zeros(23), 1.0]  # two days and an hour of a third
    assert read(kpis(log_of(task(49), p_grid_kw=p_grid)))["daily_peak"] == pytest.approx((5.0 + 3.0 + 1.0) / 3.0)


def test_feeder_and_voltages_by_hand() -> None:
    a_task = task(3, homes=2, dt_h=0.5, feeder=object())
    log = log_of(a_task)
    log.state["vm"][:, 0] = [[1.0, 1.0], [0.89, 1.0], [1.0, 1.0], [0.88, 1.12]]
    assert log.feeder is not None
    values = {
        "v_min_pu": [0.89, 1.0, 0.88],
        "v_max_pu": [1.01, 1.02, 1.12],
        "trafo_loading_percent": [20.0, 110.0, 60.0],
        "line_loading_percent": [30.0, 80.0, 70.0],
        "line_loss_kw": [0.1, 0.5, 0.2],
        "trafo_loss_kw": [0.1, 0.1, 0.2],
        "p_slack_kw": [10.0, 50.0, -20.0],
        "violation_pu_h": [0.005, 0.0, 0.02],
        "overload_h": [0.0, 0.05, 0.0],
        "hot_spot_c": [50.0, 95.0, 80.0],
        "ageing_h": [0.1, 0.4, 0.1],
        "feeder_eur": [0.0, 2.0, 1.0],
    }
    for name, row in values.items():
        log.feeder[name][:, 0] = row
    table = kpis(log)
    got = read(table, "feeder")
    expected = {
        "grid_cost": 3.0,
        "import": 30.0,
        "export": 10.0,
        "peak": 50.0,
        "export_peak": 20.0,
        "daily_peak": 50.0,
        "ramping": 110.0,
        "load_factor": 20.0 / 50.0,
        "v_min": 0.88,
        "v_max": 1.12,
        "voltage_out": 1.0,
        "voltage_violation": 0.025,
        "overload": 0.05,
        "trafo_loading": 110.0,
        "line_loading": 80.0,
        "losses": 0.6,
        "hot_spot": 95.0,
        "ageing": 0.6,
        "ageing_rate": 0.4,
    }
    assert got == pytest.approx(expected)
    one, two, both = (read(table, home) for home in ("home-1", "home-2", "all"))
    assert (one["v_min"], one["v_max"], one["voltage_out"]) == (0.88, 1.0, 1.0)
    assert (two["v_min"], two["v_max"], two["voltage_out"]) == (1.0, 1.12, 0.5)
    assert (both["v_min"], both["v_max"], both["voltage_out"]) == (0.88, 1.12, 1.0)
    assert "v_min" not in read(kpis(log_of(task(2))))


def table_of(**values: float) -> pd.DataFrame:
    rows = [("home-1", kpi, value, UNITS[kpi]) for kpi, value in values.items()]
    return pd.DataFrame(rows, columns=["home", "kpi", "value", "unit"])


def test_relative_states_ratio_and_difference_and_what_zero_means() -> None:
    ours = table_of(cost=6.0, peak=2.0, export=0.0, unserved=1.0, cycles=np.nan, grid_cost=-1.0, hot_spot=60.0)
    base = table_of(cost=8.0, peak=4.0, export=0.0, unserved=0.0, cycles=1.0, grid_cost=-2.0, hot_spot=50.0)
    result = relative(ours, base.iloc[::-1])  # the order of rows does not matter
    assert list(result.columns) == ["home", "kpi", "value", "reference", "difference", "ratio", "unit"]
    ratio = dict(zip(result["kpi"], result["ratio"], strict=True))
    wanted = {"cost": 0.75, "peak": 0.5, "export": 1.0, **dict.fromkeys(("unserved", "cycles", "grid_cost"), np.nan)}
    assert ratio == pytest.approx({**wanted, "hot_spot": np.nan}, nan_ok=True)
    assert result["reference"].tolist() == base["value"].tolist()
    assert result["difference"].tolist()[:4] == [-2.0, -2.0, 0.0, 1.0]


def test_tables_of_other_homes_are_refused() -> None:
    other = table_of(cost=1.0)
    other["home"] = "home-2"
    with pytest.raises(InputError, match="in one only"):
        relative(table_of(cost=1.0), other)
    with pytest.raises(InputError, match="in one only"):
        relative(table_of(cost=1.0), table_of(cost=1.0, peak=2.0))
    with pytest.raises(InputError, match="twice"):
        relative(pd.concat([table_of(cost=1.0)] * 2), table_of(cost=1.0))


powers = hnp.arrays(np.float64, (12, 2), elements=st.floats(-20.0, 20.0).map(lambda x: round(x, 3)))
uses = hnp.arrays(np.float64, (12, 2), elements=st.floats(0.0, 20.0).map(lambda x: round(x, 3)))


def balanced(load: np.ndarray, pv: np.ndarray, battery: np.ndarray, scale: float = 1.0) -> dict[str, Any]:
    p_grid = load + battery - pv
    powers = {"p_load_kw": load, "p_pv_kw": pv, "p_battery_kw": battery, "p_grid_kw": p_grid}
    return {name: scale * value for name, value in powers.items()}


@settings(max_examples=60, deadline=None)
@given(load=uses, pv=uses, battery=powers)
def test_shares_are_shares(load: np.ndarray, pv: np.ndarray, battery: np.ndarray) -> None:
    table = kpis(log_of(task(12, homes=2), **balanced(load, pv, battery)))
    for kpi in ("self_consumption", "self_sufficiency", "load_factor", "discomfort_share"):
        values = table.loc[table["kpi"] == kpi, "value"].dropna()
        assert values.between(0.0, 1.0 + 1e-12).all(), kpi
    values = table.set_index(["home", "kpi"])["value"]
    for home in ("home-1", "home-2", "all"):
        got = values[home]
        assert got["daily_peak"] <= got["peak"] + 1e-12
        assert got["ramping"] >= 0.0
    assert values["all"]["peak"] <= values["home-1"]["peak"] + values["home-2"]["peak"] + 1e-9
    assert values["all"]["ramping"] <= values["home-1"]["ramping"] + values["home-2"]["ramping"] + 1e-9


@settings(max_examples=60, deadline=None)
@given(load=uses, pv=uses, scale=st.floats(0.1, 10.0))
def test_without_storage_energy_that_is_not_exported_is_consumed(
    load: np.ndarray, pv: np.ndarray, scale: float
) -> None:
    """Then self-consumption is 1 - export / pv and self-sufficiency 1 - import / load, and both are free of scale."""
    none = np.zeros_like(load)
    got = read(kpis(log_of(task(12, homes=2), **balanced(load, pv, none))), "all")
    larger = read(kpis(log_of(task(12, homes=2), **balanced(load, pv, none, scale))), "all")
    if got["pv"] > 1e-6:
        assert got["self_consumption"] == pytest.approx(1.0 - got["export"] / got["pv"], abs=1e-6)
    if got["demand"] > 1e-6:
        assert got["self_sufficiency"] == pytest.approx(1.0 - got["import"] / got["demand"], abs=1e-6)
    assert got["import"] - got["export"] == pytest.approx(got["demand"] - got["pv"], abs=1e-6)
    for kpi in ("self_consumption", "self_sufficiency", "load_factor"):
        assert larger[kpi] == pytest.approx(got[kpi], abs=1e-9, nan_ok=True)
    for kpi in ("import", "export", "peak", "ramping", "daily_peak"):
        assert larger[kpi] == pytest.approx(scale * got[kpi], rel=1e-9, abs=1e-9)


def test_a_home_with_a_row_s_name_is_refused() -> None:
    with pytest.raises(InputError, match="home called 'feeder'"):
        kpis(log_of(task(1, names=["feeder"])))
