"""Rules behave as named; the optimum is what it plans, and nobody is better."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st

import entangrid
from entangrid.agents.controller import Foresighted, Physical, encode
from entangrid.agents.optimal.forecasts import Forecast
from entangrid.agents.optimal.linear import InfeasibleError
from entangrid.agents.optimal.oracle import Optimum
from entangrid.agents.optimal.program import Plan
from entangrid.agents.optimal.program import solve as solve_window
from entangrid.agents.optimal.replay import Values
from entangrid.agents.rules import NoControl, SelfConsumption
from entangrid.data.errors import InputError
from entangrid.envs import HomeEnv, Simulator, Task
from entangrid.experiments.evaluate import evaluate


def solve(task: Task, home: int, start: int, steps: int, *, value_el: float, value_heat: float, **given: Any) -> Plan:
    """A plan with perfect foresight from a state given by some of its fields."""
    simulator = Simulator(task)
    simulator.reset()
    state = simulator.state[0, home].copy()
    options = {"time_limit_s": given.pop("time_limit_s")} if "time_limit_s" in given else {}
    for name, value in given.items():
        state[name] = value
    window = Forecast(task).window(start, steps)
    return solve_window(task, home, window, state, Values(value_el, value_heat, 0.0), **options)


class Anything:
    """A controller that does something else at every step; seeded."""

    def __init__(self, task: Task, seed: int):
        self.task, self.rng = task, np.random.default_rng(seed)

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> Any:
        n = len(observation)
        return self.rng.uniform(-1.0, 1.0, (n, len(self.task.controls) * self.task.scenario.n_homes)), state


def objective(controller: Any, task: Task) -> np.ndarray:
    metrics = evaluate(controller, task).metrics
    rows = metrics[(metrics["metric"] == "objective") & (metrics["home"] != "all")]
    return rows.groupby("week", sort=False)["value"].sum().to_numpy()


def test_no_control_holds_the_set_point_and_leaves_the_battery_alone() -> None:
    task = Task.make(worlds.scenario(days=7), episode_steps=672, starts=[0], sequential=True)
    week = evaluate(NoControl(task), task).first_week
    assert (week["p_battery_kw"] == 0.0).all()
    assert week["t_air_mean_c"].between(20.0, 22.0).all()
    assert week["discomfort_kh"].sum() == 0.0


def test_self_consumption_takes_surplus_covers_demand_and_sets_back() -> None:
    task = Task.make(worlds.scenario(days=7), episode_steps=672, starts=[0], sequential=True)
    week = evaluate(SelfConsumption(task), task).first_week
    top_load = task.observation_ranges[1][0, 9]  # the rule sees the load only up to there
    shown = week[week["p_load_kw"] <= top_load]
    assert len(shown) > 660
    assert shown.loc[shown["p_battery_kw"] > 1e-9, "p_grid_kw"].max() < 1e-3  # never charges from the grid
    assert shown.loc[shown["p_battery_kw"] < -1e-9, "p_grid_kw"].min() > -1e-3  # never discharges into it
    away = evaluate(NoControl(task), task).first_week
    absent = np.asarray(task.series["occupancy"][:672, 0] < 0.5)
    assert week.loc[absent, "t_air_mean_c"].mean() < away.loc[absent, "t_air_mean_c"].mean() - 0.3


def test_thermostat_saves_a_home_without_heat_pump_from_dividing_by_zero() -> None:
    task = Task.make(worlds.scenario(days=1, hp_q_ref_kw=0.0))
    env = HomeEnv(task)
    obs, _ = env.reset()
    for controller in (NoControl(task), SelfConsumption(task)):
        action, _ = controller.predict(obs[None])
        assert np.isfinite(action).all()


def test_physical_units_come_back_from_the_observation() -> None:
    task = Task.make(worlds.scenario(days=1, homes=2), random_state=True)
    env = HomeEnv(task, seed=5)
    obs, _ = env.reset()
    seen = Physical(task, obs[None])
    np.testing.assert_allclose(seen["soc"][0], env.simulator.state[0]["soc"], atol=1e-6)
    np.testing.assert_allclose(seen["t_air"][0], env.simulator.state[0]["t_air"], atol=1e-5)


def test_discrete_actions_are_the_nearest_of_the_grid() -> None:
    from entangrid.envs.actions import grid

    for homes in (1, 2):
        task = Task.make(worlds.scenario(days=1, homes=homes), action_set="discrete")
        chosen = encode(task, {"battery": np.full((3, homes), 0.45), "heat_pump": np.full((3, homes), -0.9)})
        assert chosen.shape == ((3,) if homes == 1 else (3, homes))
        np.testing.assert_array_equal(grid(("battery", "heat_pump"))[chosen.reshape(-1)[0]], [0.5, -1.0])


@pytest.mark.parametrize("dt_h", [0.25, 1.0])
@pytest.mark.parametrize("homes", [1, 2])
def test_replayed_plan_reaches_its_objective(dt_h: float, homes: int) -> None:
    world = worlds.scenario(days=7, homes=homes, dt_h=dt_h)
    steps = 3 * world.steps_per_day
    task = Task.make(world, episode_steps=steps, starts=[0, steps], sequential=True, carbon_price_eur_kg=0.05)
    optimum = Optimum(task)
    reached = objective(optimum, task)
    np.testing.assert_allclose(reached, [optimum.objective_eur[0], optimum.objective_eur[1]], rtol=0, atol=1e-6)


def test_the_plan_is_kept_when_taken_up_midway() -> None:
    task = Task.make(worlds.scenario(days=2), episode_steps=96, starts=[0], sequential=True)
    simulator = Simulator(task, 1, autoreset=False)
    simulator.reset()
    for _ in range(30):
        simulator.step(np.array([[0.3, 0.0]]))
    optimum = Optimum(task)
    optimum.attach(simulator)
    value, total = simulator.stored_value_eur(), 0.0
    assert value > 0.0
    for _ in range(66):
        action, _ = optimum.predict(simulator.obs.reshape(1, -1))
        simulator.step(action)
        total += float(simulator.reward[0])
    assert -total == pytest.approx(optimum.objective_eur[0], abs=1e-6)


@st.composite
def worlds_of_prices(draw: st.DrawFn) -> Any:
    """Scenarios with any prices, negative and upside down ones included, and any home."""
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    n = 48
    kind = draw(st.sampled_from(["ordinary", "negative", "export above import", "flat", "free"]))
    price = {
        "ordinary": rng.uniform(0.1, 0.5, n),
        "negative": rng.uniform(-0.3, 0.5, n),
        "export above import": rng.uniform(0.0, 0.2, n),
        "flat": np.full(n, 0.3),
        "free": np.zeros(n),
    }[kind]
    export = rng.uniform(0.1, 0.4, n) if kind == "export above import" else np.minimum(price, 0.08)
    battery = draw(st.sampled_from([0.0, 5.0, 20.0]))
    return worlds.scenario(
        days=2,
        dt_h=1.0,
        seed=seed,
        price_import_eur_kwh=price,
        price_export_eur_kwh=export,
        battery_kwh=battery,
        battery_wear_eur_kwh=draw(st.sampled_from([0.0, 0.02])),
        hp_q_ref_kw=draw(st.sampled_from([0.0, 3.0, 10.0] if battery else [3.0, 10.0])),  # something to control
        discomfort_eur_kh=draw(st.sampled_from([0.0, 0.3, 2.0])),
        t_out_c=rng.uniform(-10.0, 25.0, n),
    )


@settings(max_examples=40)
@given(worlds_of_prices(), st.integers(0, 1000))
def test_nobody_beats_the_optimum(world: Any, seed: int) -> None:
    task = Task.make(world, episode_steps=48, starts=[0], sequential=True)
    optimum = Optimum(task)
    best = objective(optimum, task)
    assert best[0] == pytest.approx(optimum.objective_eur[0], abs=1e-6)
    for other in (NoControl(task), SelfConsumption(task), Anything(task, seed)):
        assert (best <= objective(other, task) + 1e-6).all()


def test_a_plan_is_made_anew_when_others_acted() -> None:
    task = Task.make(worlds.scenario(days=1), episode_steps=96, starts=[0], sequential=True)

    def rest(fresh: bool) -> float:
        simulator = Simulator(task, 1, autoreset=False)
        simulator.reset()
        optimum = Optimum(task)
        optimum.attach(simulator)
        optimum.predict(simulator.obs.reshape(1, -1))
        for _ in range(40):
            simulator.step(np.array([[1.0, 1.0]]))
        if fresh:
            optimum.attach(simulator)
        total = 0.0
        for _ in range(56):
            simulator.step(optimum.predict(simulator.obs.reshape(1, -1))[0])
            total -= float(simulator.reward[0])
        return total

    assert rest(fresh=False) == pytest.approx(rest(fresh=True), abs=1e-9)


def test_a_search_that_runs_out_of_time_says_how_far_it_may_be_off() -> None:
    world = worlds.scenario(days=7, price_export_eur_kwh=np.full(672, 0.31))
    task = Task.make(world, episode_steps=672, starts=[0], sequential=True)
    start = {"soc": 0.5, "t_air": 21.0, "t_mass": 21.0, "value_el": 0.3, "value_heat": 0.05}
    for limit in (0.5, 2.0, 8.0, 30.0):  # a loaded machine may not find any plan in the first of them
        try:
            hurried = solve(task, 0, 0, 672, **start, time_limit_s=limit)
            break
        except InfeasibleError:
            assert limit < 30.0
    assert hurried.bound_eur <= hurried.objective_eur
    assert np.isfinite(hurried.bound_eur)


@pytest.mark.parametrize("seed", range(8))
def test_with_negative_prices_the_optimum_is_proven(seed: int) -> None:
    rng = np.random.default_rng(seed)
    price = worlds.scenario(days=2).price_import_eur_kwh + rng.normal(-0.25, 0.2, 192)
    world = worlds.scenario(
        days=2, price_import_eur_kwh=price, price_export_eur_kwh=price - rng.uniform(0.0, 0.04, 192)
    )
    task = Task.make(world, episode_steps=192, starts=[0], sequential=True)
    optimum = Optimum(task)
    reached = objective(optimum, task)
    assert reached[0] == pytest.approx(optimum.objective_eur[0], abs=1e-6)
    assert optimum.objective_eur[0] - optimum.bound_eur[0] < 2e-6


def test_plan_equals_an_independent_formulation() -> None:
    """A two-step battery problem solved by hand: buy cheap, use dear, as far as the efficiency pays."""
    world = worlds.scenario(
        days=1,
        dt_h=1.0,
        hp_q_ref_kw=0.0,
        discomfort_eur_kh=0.0,
        battery_self_discharge_per_h=0.0,
        battery_wear_eur_kwh=0.0,
        load_kw=np.array([[0.0], [3.0]] + [[0.0]] * 22),
        pv_kw=np.zeros((24, 1)),
        price_import_eur_kwh=np.array([0.1, 0.5] + [0.3] * 22),
        price_export_eur_kwh=np.zeros(24),
    )
    task = Task.make(world, episode_steps=2, starts=[0], sequential=True)
    plan = solve(task, 0, 0, 2, soc=0.0, t_air=20.0, t_mass=20.0, value_el=0.0, value_heat=0.0)
    assert plan.terms["p_battery_kw"] == pytest.approx([3.0 / 0.95**2, -3.0])
    assert plan.objective_eur == pytest.approx(0.1 * 3.0 / 0.95**2)
    assert plan.bound_eur <= plan.objective_eur + 1e-9


def test_the_optimum_says_what_it_needs() -> None:
    with pytest.raises(InputError, match="expected 'continuous'"):
        Optimum(Task.make(worlds.scenario(days=1), action_set="discrete"))
    with pytest.raises(InputError, match="no simulator attached"):
        Optimum(Task.make(worlds.scenario(days=1))).predict(np.zeros((1, 12)))


@pytest.mark.parametrize("name", entangrid.agents.NAMES)
def test_every_controller_is_made_by_name_and_acts(name: str) -> None:
    action_set = "discrete" if name.startswith("dqn") else "continuous"
    task = Task.make(worlds.scenario(days=2), episode_steps=24, action_set=action_set)
    simulator = Simulator(task, 2)
    simulator.reset()
    controller = entangrid.agents.make(name, task, n_envs=2)
    if isinstance(controller, Foresighted):
        controller.attach(simulator)
    actions, _ = controller.predict(simulator.obs.reshape(2, -1), deterministic=True)
    simulator.step(actions)
    assert np.isfinite(simulator.reward).all()


@pytest.mark.parametrize(("name", "action_set"), [("dqn-quantum", "continuous"), ("sac-quantum-both", "discrete")])
def test_learners_say_which_actions_they_need(name: str, action_set: str) -> None:
    with pytest.raises(InputError, match=f"{name} needs a (Discrete|continuous) action space"):
        entangrid.agents.make(name, Task.make(worlds.scenario(days=1), action_set=action_set), n_envs=2)


def test_unknown_controllers_are_refused() -> None:
    with pytest.raises(InputError, match="'magic' is unknown; expected one of: no-control"):
        entangrid.agents.make("magic", Task.make(worlds.scenario(days=1)))


def test_public_names_are_there_after_one_import() -> None:
    code = (
        "import sys, entangrid\n"
        "assert 'numpy' not in sys.modules\n"
        "circuit = entangrid.agents.quantum.Circuit(n_qubits=4, n_layers=3, entangler='cz-ring', readout='z')\n"
        "layer = entangrid.agents.quantum.compile_circuit(circuit, backend='torchquantum', precision='single')\n"
        "assert entangrid.data.load('bundled-home').n_homes == 1\n"
        "assert entangrid.envs.make_sb3 and entangrid.envs.Feeder and entangrid.experiments.run\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        _ = entangrid.agents.magic
