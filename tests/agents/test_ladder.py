"""Every controller of the ladder runs on what it claims, says what it does not take, and knows no more than it says."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from entangrid import agents
from entangrid.agents import ladder
from entangrid.agents.controller import Foresighted
from entangrid.agents.optimal.forecasts import Forecast
from entangrid.agents.optimal.mpc import MPC
from entangrid.agents.optimal.oracle import Optimum
from entangrid.data.errors import InputError
from entangrid.envs import Simulator, Task
from entangrid.envs.charging import ChargingTask
from entangrid.envs.gym import make_task

FAMILIES = ("Home-v0", "Thermostat-v0", "Battery-v0", "Feeder-v0")
LADDER = (*agents.RULES, *agents.SEARCHED)
ROOMS = {"thermostat-fixed", "thermostat-scheduled", "thermostat-occupancy", "preconditioning"}
REFUSED = {
    "Thermostat-v0": {"tariff", "greedy", "tariff-tuned"},
    "Battery-v0": ROOMS | {f"{name}-tuned" for name in ROOMS},
}


def objective(controller: Any, task: Task) -> np.ndarray:
    """Objectives [EUR] of one episode from each start."""
    n = task.starts.size
    simulator = Simulator(task, n, autoreset=False)
    simulator.reset()
    if isinstance(controller, Foresighted):
        controller.attach(simulator)
    total = np.zeros(n)
    for _ in range(task.episode_steps):
        actions, _ = controller.predict(simulator.obs.reshape(n, -1), deterministic=True)
        simulator.step(actions)
        total -= simulator.reward
    return total


def family(name: str) -> Task:
    if name != "Feeder-v0":
        return make_task(name, episode_steps=4, starts=[4_000], sequential=True)
    few = "synthetic:homes=2,days=7,seed=0,tanks=1,vehicles=1,v2h=1,appliances=1,curtailable=1"
    return make_task(name, scenario=few, episode_steps=4, starts=[40], sequential=True)


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_controller_runs_on_what_it_claims_and_refuses_the_rest(kind: str) -> None:
    task = family(kind)
    for name in LADDER:
        if name in REFUSED.get(kind, set()):
            with pytest.raises(InputError, match=rf"^{name.removesuffix('-tuned')}: [^\n]*; expected [^\n]*$"):
                agents.make(name, task)
        else:
            assert np.isfinite(objective(agents.make(name, task), task)).all(), name


def test_other_tasks_are_refused_in_one_line() -> None:
    for name in LADDER:
        with pytest.raises(InputError, match=r"the task is a ChargingTask; expected a task of homes$"):
            agents.make(name, ChargingTask())  # type: ignore[arg-type]


def test_rules_say_which_parameters_they_have() -> None:
    task = Task.make(worlds.scenario(days=1))
    with pytest.raises(InputError, match="thermostat-fixed: parameter 'x' is unknown; expected some of lower_k"):
        agents.make("thermostat-fixed", task, x=1.0)
    with pytest.raises(InputError, match=r"tariff: cheap is 2; expected 0 to 0\.5"):
        agents.make("tariff", task, cheap=2.0)
    with pytest.raises(InputError, match="optimum: "):
        agents.make("optimum", task, horizon=3)


@pytest.mark.parametrize(
    "name", ["thermostat-fixed", "thermostat-occupancy", "thermostat-scheduled", "preconditioning"]
)
@pytest.mark.parametrize("start", [10 * 96, 200 * 96])
def test_thermostats_keep_the_comfort_band_at_their_set_points(name: str, start: int) -> None:
    """Half a kelvin within the band, with no set-back, at most 0.1 K h of a day are lost; in winter and in summer."""
    task = make_task(
        "Thermostat-v0", episode_steps=96, starts=[start], sequential=True, initial=(0.5, 0.5, 22, 22, 22, 22)
    )
    rule = ladder.RULES[name](task)
    rule.values |= {key: 0.0 for key in rule.values if key.endswith("_k")} | {"raise_k": -1.0}
    simulator = Simulator(task, autoreset=False)
    simulator.reset()
    lost = 0.0
    for _ in range(96):
        simulator.step(rule.predict(simulator.obs.reshape(1, -1))[0])
        lost += float(simulator.terms["discomfort_kh"].sum())
    assert lost < 0.1


def test_set_backs_follow_clock_presence_and_price() -> None:
    task = Task.make(worlds.scenario(days=2), episode_steps=96, starts=[0], sequential=True)
    simulator = Simulator(task)
    simulator.reset()
    seen = {name: [] for name in ("thermostat-scheduled", "thermostat-occupancy", "preconditioning")}
    fixed = []
    for _ in range(96):
        obs = simulator.obs.reshape(1, -1)
        fixed.append(agents.make("thermostat-fixed", task).predict(obs)[0][0, 1])
        for name, commands in seen.items():
            commands.append(agents.make(name, task).predict(obs)[0][0, 1])
        simulator.step_default()
    hour = np.arange(96) / 4.0
    lower = {name: np.array(commands) < np.array(fixed) - 1e-6 for name, commands in seen.items()}
    assert lower["thermostat-scheduled"][(hour >= 9) & (hour < 16)].all()
    assert not lower["thermostat-scheduled"][(hour >= 16) & (hour < 23)].any()
    assert lower["thermostat-occupancy"][(hour >= 8) & (hour <= 16)].all()
    assert not lower["thermostat-occupancy"][hour > 16.1].any()
    ahead = np.array(seen["preconditioning"]) > np.array(fixed) + 1e-6
    assert ahead[(hour >= 14) & (hour < 8 + 8)].sum() == 0  # nobody is in: the set-back outweighs it
    assert ahead[(hour >= 4) & (hour < 6)].all()  # night tariff before the day's


class Sees:
    """Records the very arrays that a controller is given."""

    def __init__(self, controller: Any):
        self.controller, self.arrays = controller, []

    def predict(self, observation: Any, *args: Any, **kwargs: Any) -> Any:
        self.arrays.append(observation)
        return self.controller.predict(observation, *args, **kwargs)


def test_all_controllers_are_given_the_same_observation() -> None:
    task = Task.make(worlds.scenario(days=2), episode_steps=24, starts=[5], sequential=True, observation_set="forecast")
    names = (*LADDER, "ppo-mlp", "ppo-quantum", "a2c-mlp", "sac-mlp", "td3-mlp", "ddpg-mlp")
    given = {}
    for name in names:
        simulator = Simulator(task, 2, seed=4, autoreset=False)
        seen = Sees(agents.make(name, task, n_envs=2))
        if isinstance(seen.controller, Foresighted):
            seen.controller.attach(simulator)
        observation = simulator.reset().reshape(2, -1)
        for _ in range(3):
            seen.predict(observation, deterministic=True)
            simulator.step(np.zeros((2, 2)))  # the same course for everybody
            observation = simulator.obs.reshape(2, -1)
        given[name] = [array.copy() for array in seen.arrays]
        assert all(array.dtype == np.float32 for array in seen.arrays)
    for name, arrays in given.items():
        for array, first in zip(arrays, given["no-control"], strict=True):
            np.testing.assert_array_equal(array, first, err_msg=name)


def test_only_those_who_plan_are_shown_the_simulator() -> None:
    task = Task.make(worlds.scenario(days=1), episode_steps=24)
    for name in (*LADDER, "ppo-mlp", "ppo-quantum"):
        plans = isinstance(agents.make(name, task, n_envs=2), Foresighted)
        assert plans == (name == "optimum" or name.startswith("mpc")), name
        if name in LADDER:
            assert plans == (ladder.information(name) != "observation")


def other_future(world: Any, step: int) -> Any:
    """The same scenario up to and with this step, and another course of load, PV, weather and gains after it."""
    rng = np.random.default_rng(9)
    changed = {}
    for name in ("load_kw", "pv_kw", "gains_air_kw", "gains_mass_kw", "t_out_c"):
        values = getattr(world, name).copy()
        values[step + 1 :] = rng.permutation(values[step + 1 :])
        changed[name] = values
    return replace(world, **changed)


@pytest.mark.parametrize("name", ["mpc-persistence", "mpc-perfect", "mpc-noisy"])
def test_persistence_alone_does_not_know_the_future(name: str) -> None:
    step, acted = 120, []
    for world in (worlds.scenario(days=3), other_future(worlds.scenario(days=3), 120)):
        task = Task.make(world, episode_steps=96, starts=[step], sequential=True)
        simulator = Simulator(task, autoreset=False)
        simulator.reset()
        controller = agents.make(name, task, replan_h=24.0)
        controller.attach(simulator)
        actions = []
        for _ in range(40):  # of one plan
            actions.append(controller.predict(simulator.obs.reshape(1, -1))[0])
            simulator.step(actions[-1])
        acted.append(np.stack(actions))
    assert np.array_equal(*acted) == (name == "mpc-persistence")


def test_forecasts_know_the_coming_step_and_repeat_themselves() -> None:
    task = Task.make(worlds.whole_scenario(days=3, homes=2), episode_steps=96)
    for kind in ("perfect", "noisy", "persistence"):
        one, again = (Forecast(task, kind, seed=1).window(100, 60) for _ in range(2))
        for field in ("load", "pv", "dhw", "ev_home"):
            np.testing.assert_array_equal(one.series[field], again.series[field])
            np.testing.assert_array_equal(one.series[field][0], task.series[field][100])
        np.testing.assert_array_equal(one.common["price_import"], task.common["price_import"][100:160])
    yesterday = Forecast(task, "persistence").window(100, 60).series["load"]
    np.testing.assert_array_equal(yesterday[1:], task.series["load"][5:64])
    with pytest.raises(InputError, match="forecast is 'magic'; expected one of perfect, noisy, persistence"):
        Forecast(task, "magic")


def test_noisy_forecasts_err_more_further_ahead() -> None:
    task = Task.make(worlds.scenario(days=30, dt_h=1.0), episode_steps=24)
    errors = np.stack(
        [
            Forecast(task, "noisy", sigma=0.3).window(t, 24).common["t_out"] - task.common["t_out"][t : t + 24]
            for t in range(600)
        ]
    ).std(0)
    assert errors[0] == 0.0
    np.testing.assert_allclose(errors[12] / errors[3], 2.0, rtol=0.2)
    np.testing.assert_allclose(errors[23], 0.3 * np.sqrt(23 / 24) * task.common["t_out"].std(), rtol=0.15)


def test_mpc_that_sees_everything_is_the_optimum() -> None:
    task = Task.make(worlds.scenario(days=3, dt_h=1.0), episode_steps=48, starts=[0, 24], sequential=True)
    best = objective(Optimum(task), task)
    np.testing.assert_allclose(objective(MPC(task, "perfect", horizon_h=48.0), task), best, rtol=1e-6)


def test_a_longer_horizon_is_not_worse() -> None:
    task = Task.make(worlds.scenario(days=4, dt_h=1.0), episode_steps=72, starts=[0, 24], sequential=True)
    found = [objective(MPC(task, "perfect", horizon_h=hours), task).sum() for hours in (3.0, 12.0, 24.0, 72.0)]
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(found)), found


@st.composite
def small_homes(draw: st.DrawFn) -> Any:
    """Homes of one or three zones with some of the devices that are planned exactly."""
    seed = draw(st.integers(0, 1_000))
    zones, vehicle, appliances, tank = (draw(st.booleans()) for _ in range(4))
    plain: dict[str, float] = {"hp_min_share": 0.0, "battery_calendar_per_a": 0.0, "battery_cycle": 0.0}
    plain |= {"dhw_by_heat_pump": 0.0, "dhw_legionella_h": 0.0, "battery_self_discharge_per_h": 1e-4}
    plain |= {"ev_kwh": 30.0 if vehicle else 0.0, "ev_discharge_kw": draw(st.sampled_from([0.0, 4.0]))}
    plain |= {"ev_to_grid": float(draw(st.booleans())), "dhw_c_kwh_k": 0.2 if tank else 0.0}
    plain |= {"appliance_kw_1": 1.2 if appliances else 0.0, "appliance_kw_2": 0.0}
    plain |= {"demand_eur_kw": draw(st.sampled_from([0.0, 0.3])), "block_kwh_month": draw(st.sampled_from([0.0, 15.0]))}
    if not zones:
        plain |= {"zone2_c_mass_kwh_k": 0.0, "zone3_c_mass_kwh_k": 0.0, "gain_share": 1.0, "emitter_share": 1.0}
        plain |= {"day_share": 1.0, "night_share": 1.0}
    return worlds.whole_scenario(days=2, seed=seed, dt_h=1.0, grid_available=np.ones(48), **plain)


@settings(max_examples=12)
@given(small_homes(), st.integers(0, 20))
def test_the_optimum_is_reached_and_no_other_controller_is_better(world: Any, start: int) -> None:
    task = Task.make(
        world, episode_steps=24, starts=[start], sequential=True, initial=(0.4, 0.4, 21, 21, 21, 21, 50, 50, 0.6, 0.6)
    )
    optimum = Optimum(task)
    best = objective(optimum, task)
    assert best[0] == pytest.approx(optimum.objective_eur[0], abs=1e-6)
    assert optimum.objective_eur[0] - optimum.bound_eur[0] < 2e-5
    for name in LADDER:
        if name in ("optimum", "mpc") or name.startswith("greedy"):
            continue
        assert (best <= objective(agents.make(name, task), task) + 1e-5).all(), name


@pytest.mark.parametrize("start", [30 * 96, 160 * 96])
def test_a_whole_house_is_planned_within_a_bound(start: int) -> None:
    task = make_task("Home-v0", episode_steps=48, starts=[start], sequential=True)
    optimum = Optimum(task)
    best = objective(optimum, task)
    assert best[0] == pytest.approx(optimum.objective_eur[0], abs=1e-6)
    assert optimum.bound_eur[0] <= best[0]
    for name in ("no-control", "self-consumption", "tariff"):
        assert best[0] < objective(agents.make(name, task), task)[0]


def test_searches_improve_on_their_start_within_the_budget() -> None:
    train = Task.make(worlds.scenario(days=6), episode_steps=48, random_state=True)
    test = Task.make(worlds.scenario(days=6, seed=1), episode_steps=96, starts=[0, 96, 192, 288], sequential=True)
    for name, steps in (("linear-cem", 120_000), ("tariff-tuned", 40_000)):
        searched = agents.make(name, train)
        applied = agents.make(name, test)
        before = objective(applied, test).sum()
        searched.learn(steps)
        applied.vector = searched.vector
        assert objective(applied, test).sum() < before
        assert 0 < searched.num_timesteps <= steps
        assert [trial.steps for trial in searched.trials] == list(
            range(searched.steps_of_a_generation, searched.num_timesteps + 1, searched.steps_of_a_generation)
        )


def test_searches_are_seeded_saved_and_loaded(tmp_path: Any) -> None:
    task = Task.make(worlds.scenario(days=3), episode_steps=24, random_state=True)
    one, again, other = (agents.make("linear-cem", task, seed=seed).learn(12_000) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.vector, again.vector)
    assert not np.array_equal(one.vector, other.vector)
    one.save(tmp_path / "linear.npy")
    np.testing.assert_array_equal(agents.make("linear-cem", task).load(tmp_path / "linear.npy").vector, one.vector)
    with pytest.raises(InputError, match="expected at least 4608, two generations"):
        agents.make("linear-cem", task).learn(100)
    tuned = agents.make("tariff-tuned", task, seed=2).learn(6_000)
    for name, value in tuned.values.items():
        assert ladder.RULES["tariff"].parameters[name].low <= value <= ladder.RULES["tariff"].parameters[name].high
