"""What homes show: every entry is the physical value it names, forecasts err as they say, layouts fit the devices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import worlds
from observed import HOMES, clipped, make, physical

from entangrid.envs import Simulator, Task
from entangrid.envs.observations import ENTRIES, FEEDER, FORECASTS, LOCAL


def expected(simulator: Simulator, t: int) -> dict[str, Any]:
    """Every entry's true value now (H,), from the scenario and the state."""
    task, s, state, feeder = simulator.task, simulator.task.scenario, simulator.state[0], simulator.feeder_terms[0]
    dt = s.dt_h
    month = s.index.month
    fresh = t == 0 or month[t] != month[t - 1]
    truth: dict[str, Any] = {
        "hour_sin": np.sin(s.hour[t] * np.pi / 12.0),
        "hour_cos": np.cos(s.hour[t] * np.pi / 12.0),
        "price_import": s.price_import_eur_kwh[t],
        "price_ahead": s.price_import_eur_kwh[t + 1 : t + 1 + round(4.0 / dt)].mean(),
        "soc": state["soc"],
        "t_air": state["t_air"],
        "t_mass": state["t_mass"],
        "t_out": s.t_out_c[t],
        "p_pv": s.pv_kw[t],
        "p_load": s.load_kw[t],
        "occupancy": s.occupancy[t],
        "weekend": float(s.weekday[t] in (5, 6)),
        "t_tank": state["t_tank"],
        "vehicle_soc": state["ev_soc"],
        "grid": s.grid_available[t],
        "carbon": s.carbon_kg_kwh[t],
        "price_export": s.price_export_eur_kwh[t],
        "month_import": 0.0 if fresh else state["month_kwh"],
        "month_peak": 0.0 if fresh else state["month_peak"],
        "voltage": state["vm"],
        "feeder_v_min": feeder["v_min_pu"],
        "feeder_v_max": feeder["v_max_pu"],
        "trafo_loading": feeder["trafo_loading_percent"],
        "hot_spot": feeder["hot_spot_c"],
        "feeder_load": np.copysign(feeder["trafo_loading_percent"], feeder["p_slack_kw"]),
    }
    has = {
        "q_draw": (s.dhw_kw[t], task.homes["dhw_c"] > 0.0),
        "vehicle_home": (s.vehicle_home[t], task.homes["ev_e"] > 0.0),
    }
    truth |= {name: np.where(there, value, 0.0) for name, (value, there) in has.items()}
    leaves = []
    for h in range(HOMES):
        at_home = s.vehicle_home[:, h] * (task.homes["ev_e"][h] > 0.0)
        rest = np.flatnonzero((at_home[t:-1] == 1.0) & (at_home[t + 1 :] == 0.0))
        leaves.append(min((rest[0] + 1) * dt, 24.0) if at_home[t] == 1.0 and rest.size else 24.0)
    truth["vehicle_leaves"] = np.array(leaves)
    for z in (2, 3):
        truth[f"t_air_{z}"] = state["t_zones"][:, 2 * z - 4]
    for i in (1, 2):
        waits, left = state["app_wait"][:, i - 1], state["app_left"][:, i - 1]
        now = (getattr(s, f"appliance{i}_ready")[t] > 0.0) & (left == 0.0) & (task.homes["app_kw"][:, i - 1] > 0.0)
        truth[f"appliance{i}_ready"] = ((waits >= 0.0) | now).astype(float)
        window = task.homes["app_window_h"][:, i - 1]
        truth[f"appliance{i}_wait"] = np.where(waits >= 0.0, waits * dt, window)
    return truth


@pytest.mark.parametrize("start", [20, 80])
def test_every_entry_shows_its_physical_value(start: int) -> None:
    task = make(starts=[start])
    assert {entry.name for entry in ENTRIES} - set(task.observation_names) == {"t_air_4", *FORECASTS}
    simulator = Simulator(task, 1, 3, autoreset=False)
    simulator.reset()
    rng = np.random.default_rng(0)
    moved: dict[str, list[Any]] = {}
    for t in range(start, start + 96):
        wait = rng.uniform(-1.0, 1.0, simulator._commands.shape)
        wait[..., task.controls.index("appliance1")] = -1.0
        simulator.step(wait)
        shown, true = physical(task, simulator.obs[0]), expected(simulator, t + 1)
        assert set(true) == {name for name in task.observation_names if "+" not in name}
        for name, value in true.items():
            np.testing.assert_allclose(shown[name], clipped(task, name, value), atol=2e-5, err_msg=f"{name} at {t}")
            moved.setdefault(name, []).append(shown[name][0])
    still = {name for name, values in moved.items() if np.ptp(values) == 0.0}
    assert still <= {"weekend"}  # so that no entry above was right only by standing still


def test_the_last_observation_of_the_period_stands_in_for_what_nobody_knows() -> None:
    task = make(world={"days": 1, "homes": HOMES}, starts=[92], episode_steps=4)
    simulator = Simulator(task, 1, 0, autoreset=False)
    simulator.reset()
    for _ in range(4):
        simulator.step_default()
    shown = physical(task, simulator.obs[0])
    assert simulator.now() == task.scenario.n_steps
    np.testing.assert_allclose(shown["t_out"], task.scenario.t_out_c[-1], atol=1e-5)
    np.testing.assert_allclose(shown["forecast_t_out+4"], task.scenario.t_out_c[-1], atol=1e-5)
    np.testing.assert_allclose(shown["soc"], simulator.state["soc"][0], atol=1e-6)


def test_four_zones_are_shown_too() -> None:
    extra = {f"zone4_{name}": value for name, value in list(worlds.HOME.items())[:5]}
    task = make(
        world={"homes": 1, **extra, "zone3_gain_share": 0.1, "zone4_gain_share": 0.1},
        feeder=None,
        observation_set="local",
    )
    simulator = Simulator(task, 1, 0)
    simulator.reset()
    simulator.step_default()
    assert physical(task, simulator.obs[0])["t_air_4"][0] == pytest.approx(
        simulator.state["t_zones"][0, 0, 4], abs=1e-5
    )


def test_entries_of_devices_that_a_home_lacks_stand_still() -> None:
    task = make(feeder=None, observation_set="local")
    simulator = Simulator(task, 1, 0)
    simulator.reset()
    rows = [simulator.obs[0].copy()]
    for _ in range(60):
        simulator.step_default()
        rows.append(simulator.obs[0].copy())
    changing = np.ptp(np.array(rows), axis=0) > 0.0
    lacks = {  # home -> entries; see worlds.whole_scenario
        1: ("t_air_2", "t_air_3", "vehicle_home", "vehicle_soc", "vehicle_leaves"),
        2: ("soc", "t_tank", "q_draw", "appliance1_ready", "appliance1_wait", "appliance2_ready", "appliance2_wait"),
    }
    for h, names in lacks.items():
        for name in names:
            i = task.observation_names.index(name)
            assert not changing[h, i], (h, name)
            assert changing[0, i] or name.endswith("_wait"), name


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"world": None}, set()),
        ({"dhw_c_kwh_k": 0.2}, {"t_tank", "q_draw"}),
        ({"ev_kwh": 40.0}, {"vehicle_home", "vehicle_soc", "vehicle_leaves"}),
        ({"appliance_kw_2": 1.0}, {"appliance2_ready", "appliance2_wait"}),
        ({"grid_available": np.append(np.zeros(4), np.ones(92))}, {"grid"}),
        ({"carbon_kg_kwh": np.linspace(0.1, 0.9, 96)}, {"carbon"}),
        ({"price_export_eur_kwh": np.linspace(0.1, 0.2, 96)}, {"price_export"}),
        ({"block_kwh_month": 10.0, "block_adder_eur_kwh": 0.1}, {"month_import"}),
        ({"demand_eur_kw": 1.0}, {"month_peak"}),
    ],
)
def test_a_scenario_shows_what_it_has_and_no_more(changes: dict[str, Any], shown: set[str]) -> None:
    changes.pop("world", None)
    task = Task.make(worlds.scenario(days=1, **changes))
    assert task.observation_names[:12] == tuple(entry.name for entry in LOCAL)
    assert set(task.observation_names[12:]) == shown
    with_feeder = Task.make(worlds.scenario(days=1, **changes), feeder="rural1")
    assert set(with_feeder.observation_names[12:]) == shown | {"voltage"}
    whole = Task.make(worlds.scenario(days=1, **changes), feeder="rural1", observation_set="feeder", forecast_h=(1.0,))
    assert set(whole.observation_names[12:]) == shown | {"voltage", *FEEDER, *(f"{name}+4" for name in FORECASTS)}


def test_all_homes_show_the_same_entries_and_their_own_ranges() -> None:
    world = worlds.whole_scenario(homes=HOMES, pv_kw=np.outer(np.linspace(0, 1, 192), [1.0, 2.0, 3.0]))
    task = make(scenario=world)
    low, high = task.observation_ranges
    assert low.shape == high.shape == (HOMES, len(task.observation_names))
    assert (high > low).all()
    i = task.observation_names.index("p_pv")
    np.testing.assert_allclose(high[:, i], [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(high[:, task.observation_names.index("forecast_pv+4")], high[:, i])
    for h in range(HOMES):
        load = world.load_kw[:, h]
        assert high[h, task.observation_names.index("p_load")] == pytest.approx(np.quantile(load, 0.995))
    for name in ("price_import", "price_ahead", "forecast_price+4"):
        i = task.observation_names.index(name)
        assert (low[0, i], high[0, i]) == (0.22, 0.42)
    simulator = Simulator(task, 2, 0)
    assert simulator.obs.shape == (2, *low.shape)
    assert simulator.observation_space.shape == (low.size,)
    simulator.reset()
    assert np.abs(simulator.obs).max() <= 1.0
