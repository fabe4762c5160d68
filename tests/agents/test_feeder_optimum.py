"""The optimum on a feeder: its program against the power flow, against programs written by hand, and as a plan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import weak_feeder
import worlds
from scipy.optimize import linprog

from entangrid.agents.optimal import coupled, network
from entangrid.agents.optimal.forecasts import Forecast
from entangrid.agents.optimal.linear import LinearProgram
from entangrid.agents.optimal.oracle import Optimum
from entangrid.agents.optimal.program import solve
from entangrid.agents.optimal.replay import Flow, Passage, Together, Values
from entangrid.envs import Simulator, Task

EVERYTHING = "synthetic:homes=3,days=3,seed=0,vehicles=1,v2h=1,appliances=1,curtailable=1,tanks=1"


def begin(task: Task) -> tuple[Any, Any, Any, list[Values]]:
    """Window, states, transformer's state and values of the episode from the task's only start."""
    simulator = Simulator(task, autoreset=False)
    simulator.reset()
    window = Forecast(task, "perfect").window(int(task.starts[0]), task.episode_steps)
    values = [Values.of(task, 0, h) for h in range(simulator.n_homes)]
    return window, simulator.state[0].copy(), simulator.transformer[0].copy(), values


def alone(task: Task) -> tuple[Passage, float]:
    """The homes' separate plans on the feeder, and the sum of what they cost without it."""
    window, state, oil, values = begin(task)
    plans = [solve(task, h, window, state[h], v) for h, v in enumerate(values)]
    together = Together(task, window, values)
    commands = np.stack([plan.commands for plan in plans], 1)
    return together.run(state, oil, commands), sum(plan.objective_eur for plan in plans)


def followed(optimum: Optimum, task: Task) -> float:
    """Objective of the episode in the simulator under the optimum's actions."""
    simulator = Simulator(task, autoreset=False)
    simulator.reset()
    optimum.attach(simulator)
    total = 0.0
    for _ in range(task.episode_steps):
        simulator.step(optimum.predict(simulator.obs.reshape(1, -1))[0])
        total -= float(simulator.reward[0])
    return total


def fixed_exchange(task: Task, passage: Passage, lp: LinearProgram) -> list[network.Exchange]:
    """Homes whose exchange is that of a passage, in columns of which nothing is left to decide."""
    out = []
    for h, home in enumerate(task.homes):
        terms = passage.terms[:, h]
        p_kw = np.asarray(terms["p_grid_kw"])
        used = terms["p_load_kw"] + terms["p_hp_kw"] + terms["p_element_kw"] + terms["p_appliances_kw"]
        columns = lp.columns(p_kw.size, low=p_kw, high=p_kw)
        kvar = np.asarray(home["tan_phi"] * used)
        out.append(network.Exchange(int(task.grid.home_node[h]), [(columns, 1.0)], [], kvar, 1e3))
    return out


def program_of(task: Task, passage: Passage, guess: Flow) -> tuple[float, network.Columns, Any]:
    """(cost, columns, values) of the feeder's program for a passage's exchange, around a guess."""
    lp = LinearProgram()
    homes = fixed_exchange(task, passage, lp)
    t_out = np.asarray(task.common["t_out"][: len(passage.terms)])
    columns = network.add(lp, task.grid, guess, homes, t_out, passage.oil[0], task.scenario.dt_h)
    solution = lp.solve_inside()
    return solution.cost, columns, solution.x


def uncontrolled(
    method: str = "distflow", scale: float = 1.0, sn_kva: float = 8.0, **rules: float
) -> tuple[Task, Passage]:
    """Three homes left to themselves on a feeder that they leave the limits of, both ways."""
    plain = worlds.scenario(days=2, homes=3, seed=3)
    world = worlds.scenario(
        days=2, homes=3, seed=3, pv_kw=3.0 * scale * plain.pv_kw, load_kw=3.0 * scale * plain.load_kw
    )
    feeder = weak_feeder.chain(3, sn_kva=sn_kva)
    task = Task.make(
        world, controls=["battery"], feeder=feeder, starts=[0], sequential=True,
        feeder_rules={"method": method, "v_low_pu": 0.95, "v_high_pu": 1.05, **rules},
    )  # fmt: skip
    window, state, oil, values = begin(task)
    return task, Together(task, window, values).run(state, oil, np.full((96, 3, 10), np.nan))


@pytest.mark.parametrize("method", ["distflow", "lindistflow"])
@pytest.mark.parametrize("price", ["violation_eur_pu_h", "overload_eur_pu_h", "ageing_eur_h"])
def test_around_a_flow_the_program_pays_what_the_simulator_paid(method: str, price: str) -> None:
    """Voltages and loadings to 1e-6, money too; ageing by tangents is at most 5 % below."""
    prices = {"violation_eur_pu_h": 0.0, "overload_eur_pu_h": 0.0, "ageing_eur_h": 0.0}
    sn_kva = 13.0 if price == "ageing_eur_h" else 8.0
    task, passage = uncontrolled(method, sn_kva=sn_kva, **(prices | {price: 10.0}))
    cost, columns, x = program_of(task, passage, passage.flow)
    paid = float(passage.feeder["feeder_eur"].sum())
    assert paid > 0.1
    assert passage.flow.p[:, 1].min() < 0.0 < passage.flow.p[:, 1].max()
    assert passage.flow.loading.max() > 0.8
    near = {"atol": 1e-4, "rtol": 0.0} if method == "distflow" else {"atol": 2e-3, "rtol": 0.0}
    np.testing.assert_allclose(np.sqrt(x[columns.v]).T, np.sqrt(passage.flow.v), **near)
    if price == "ageing_eur_h":
        assert 0.95 * paid < cost < 1.005 * paid
    else:
        assert cost == pytest.approx(paid, rel=1e-3)
    if price != "violation_eur_pu_h":
        busy = passage.flow.loading > 0.5
        np.testing.assert_allclose(x[columns.loading][busy], passage.flow.loading[busy], rtol=1e-3)


def test_voltages_around_another_flow_are_near_the_power_flow() -> None:
    """Around nothing they are LinDistFlow's; around half of the consumption an order of magnitude nearer."""
    task, passage = uncontrolled()
    half = uncontrolled(scale=0.5)[1].flow
    feeder, n = task.feeder, len(passage.terms)
    p, q = np.zeros((n, feeder.n_bus)), np.zeros((n, feeder.n_bus))
    for h in range(3):
        terms = passage.terms[:, h]
        p[:, task.bus[h]] += terms["p_grid_kw"]
        used = terms["p_load_kw"] + terms["p_hp_kw"] + terms["p_element_kw"] + terms["p_appliances_kw"]
        q[:, task.bus[h]] += task.homes["tan_phi"][h] * used
    exact, linear = feeder.power_flow(p, q).vm_pu, feeder.power_flow(p, q, method="lindistflow").vm_pu
    node = feeder.grid.node_of_bus
    low = node > 0  # the high-voltage bus is in its own base
    _, columns, x = program_of(task, passage, network.idle(task.grid, n))
    around_nothing = np.sqrt(x[columns.v]).T[:, node]
    np.testing.assert_allclose(around_nothing[:, low], linear[:, low], atol=2e-4)
    _, columns, x = program_of(task, passage, half)
    around_half = np.sqrt(x[columns.v]).T[:, node]
    errors = [np.abs(found - exact)[:, low].max() for found in (around_nothing, around_half)]
    assert errors[0] > 0.005
    assert errors[1] < 0.4 * errors[0]


def by_hand(task: Task, limit: str) -> float:
    """The same problem for homes of load, PV and battery alone, as a dense program in one array.

    Either the voltages below the band cost, along a chain that is given by its resistances, or the transformer's load.
    """
    scenario, dt = task.scenario, task.scenario.dt_h
    n, n_homes = task.episode_steps, scenario.n_homes
    net = (scenario.load_kw - scenario.pv_kw)[:n]
    rules = task.feeder_rules
    size = 5 * n_homes * n + (n_homes * n if limit == "voltage" else n)
    charge, discharge, soc, imported, exported = np.arange(5 * n_homes * n).reshape(5, n, n_homes)
    beyond = np.arange(5 * n_homes * n, size).reshape(n, -1)
    cost, upper = np.zeros(size), np.full(size, np.inf)
    value, constant = task.stored_values[0][0], 0.0
    equal, right, less, most = [], [], [], []
    for h, home in enumerate(task.homes):
        upper[charge[:, h]] = upper[discharge[:, h]] = home["battery_p"]
        upper[soc[:, h]] = 1.0
        cost[imported[:, h]] = scenario.price_import_eur_kwh[:n] * dt
        cost[exported[:, h]] = -scenario.price_export_eur_kwh[:n] * dt
        cost[discharge[:, h]] = home["battery_wear"] * dt / home["battery_eta_d"]
        worth = value * home["battery_eta_d"] * home["battery_e"]
        cost[soc[-1, h]] = -worth
        constant += worth * 0.5
        for t in range(n):
            row = np.zeros(size)
            row[soc[t, h]] = 1.0
            row[charge[t, h]] = -home["battery_eta_c"] * dt / home["battery_e"]
            row[discharge[t, h]] = dt / (home["battery_eta_d"] * home["battery_e"])
            if t:
                row[soc[t - 1, h]] = -1.0
            equal.append(row)
            right.append(0.0 if t else 0.5)
            row = np.zeros(size)
            row[[imported[t, h], exported[t, h], charge[t, h], discharge[t, h]]] = 1.0, -1.0, -1.0, 1.0
            equal.append(row)
            right.append(net[t, h])
    rated = 4.0
    for t in range(n):
        if limit == "load":
            cost[beyond[t]] = rules.overload_eur_pu_h * dt
            for sign in (1.0, -1.0):
                row = np.zeros(size)
                row[imported[t]], row[exported[t]], row[beyond[t, 0]] = sign / rated, -sign / rated, -1.0
                less.append(row)
                most.append(1.0)
            continue
        cost[beyond[t]] = rules.violation_eur_pu_h * dt
        line = weak_feeder.R_OHM_KM * 0.1 / (1000.0 * 0.4**2)
        common = weak_feeder.VKR_PERCENT / 100.0 / rated
        for h in range(n_homes):
            shared = common + line * (1.0 + np.minimum(np.arange(n_homes), h))  # of the way, with each home
            for u in np.linspace(rules.v_low_pu - 0.2, rules.v_low_pu, 201):
                # low - sqrt(v) >= low - u - (v - u²) / (2 u), v = 1 - 2 sum of shared resistance and power
                row = np.zeros(size)
                row[imported[t]], row[exported[t]], row[beyond[t, h]] = shared / u, -shared / u, -1.0
                less.append(row)
                most.append(0.5 / u + 0.5 * u - rules.v_low_pu)
    found = linprog(cost, np.array(less), most, np.array(equal), right, np.column_stack([np.zeros(size), upper]))
    assert found.status == 0
    return float(found.fun + constant)


@pytest.mark.parametrize("limit", ["voltage", "load"])
def test_two_homes_are_planned_as_a_program_by_hand_plans_them(limit: str) -> None:
    """Twelve hours of two batteries: the same objective to 1e-5, and not that of a feeder without limits."""
    rules = {"method": "lindistflow", "v_low_pu": 0.985, "ageing_eur_h": 0.0}
    rules |= {"violation_eur_pu_h": 0.0} if limit == "load" else {"overload_eur_pu_h": 0.0}
    plain = worlds.scenario(days=1, homes=2, seed=4, dt_h=1.0)
    price = np.where(np.arange(24) % 12 < 4, 0.1, 0.4)
    world = worlds.scenario(
        days=1, homes=2, seed=4, dt_h=1.0, tan_phi=0.0, price_import_eur_kwh=price, load_kw=2.0 * plain.load_kw,
        pv_kw=np.zeros((24, 2)), hp_q_ref_kw=0.0, battery_self_discharge_per_h=0.0, discomfort_eur_kh=0.0,
    )  # fmt: skip
    feeder = weak_feeder.chain(2, sn_kva=4.0, pure=True, stiff=limit == "load")
    task = Task.make(
        world, controls=["battery"], feeder=feeder, episode_steps=12, starts=[0], sequential=True,
        initial=(0.5, 0.5, 20, 20, 20, 20), feeder_rules=rules,
    )  # fmt: skip
    window, state, oil, values = begin(task)
    separate, without = alone(task)
    best = coupled.Planner(task, window, state, oil, values, 10.0).best(separate.commands)
    assert best.objective_eur == pytest.approx(by_hand(task, limit), rel=1e-5)
    assert without + 0.02 < best.objective_eur < separate.objective_eur - 0.02


def everything(sn_kva: float, steps: int = 48, start: int = 0, scenario: Any = EVERYTHING, **rules: float) -> Task:
    feeder = weak_feeder.chain(3, sn_kva=sn_kva, max_i_ka=0.005 * sn_kva)
    return Task.make(
        scenario, feeder=feeder, episode_steps=steps, starts=[start], sequential=True, feeder_rules=rules or None
    )


def test_where_the_feeder_never_binds_the_homes_are_planned_as_if_it_were_not_there() -> None:
    task = everything(1000.0)
    window, state, oil, values = begin(task)
    separate, without = alone(task)
    joint = coupled.solve_together(task, window, state, oil, values)
    assert not joint.coupled
    np.testing.assert_array_equal(joint.passage.commands, separate.commands)
    assert joint.objective_eur == pytest.approx(without, abs=1e-3)


def test_where_the_feeder_never_binds_the_coupled_program_finds_the_same() -> None:
    """Two batteries, which are planned exactly: from no plan at all to the sum of the separate optima."""
    world = worlds.scenario(days=1, homes=2, seed=4, dt_h=1.0)
    feeder = weak_feeder.chain(2, sn_kva=1000.0, max_i_ka=1.0)
    task = Task.make(world, controls=["battery"], feeder=feeder, starts=[0], sequential=True, episode_steps=24)
    window, state, oil, values = begin(task)
    nothing = np.full((24, 2, 10), np.nan)
    best = coupled.Planner(task, window, state, oil, values, 10.0).best(nothing)
    feeder_eur = float(best.feeder["feeder_eur"].sum())
    assert best.objective_eur - feeder_eur == pytest.approx(alone(task)[1], rel=1e-6)


def test_where_the_feeder_binds_the_plan_beats_the_separate_optima() -> None:
    """Whole homes of which the transformer carries a third at most: violations all but vanish, within the bound."""
    task = everything(9.0)
    optimum = Optimum(task)
    reached = followed(optimum, task)
    separate, without = alone(task)
    assert reached == pytest.approx(optimum.objective_eur[0], abs=1e-6)
    assert separate.objective_eur > without + 50.0
    assert optimum.bound_eur[0] <= reached < without + 0.1 * (separate.objective_eur - without)


def test_days_one_after_the_other_are_nearly_as_good_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = worlds.scenario(days=4, homes=2, seed=1, dt_h=1.0)
    feeder = weak_feeder.chain(2, sn_kva=6.0)
    task = Task.make(world, controls=["battery"], feeder=feeder, episode_steps=76, starts=[0], sequential=True)
    window, state, oil, values = begin(task)
    whole = coupled.solve_together(task, window, state, oil, values)
    monkeypatch.setattr(coupled, "AT_ONCE", 1)
    days = coupled.solve_together(task, window, state, oil, values)
    assert whole.coupled
    assert days.coupled
    assert whole.bound_eur == days.bound_eur < whole.objective_eur
    gained = alone(task)[0].objective_eur - whole.objective_eur
    assert whole.objective_eur - 1e-3 <= days.objective_eur < whole.objective_eur + 0.05 * gained


@pytest.mark.parametrize("controls", [["battery"], ["battery", "pv"]])
def test_volt_watt_inverters_are_planned_within_the_bound(controls: list[str]) -> None:
    """PV lifts the voltage beyond where inverters hold back, and feeding in costs money at times."""
    hour = np.arange(48.0)
    plain = worlds.scenario(days=2, homes=3, dt_h=1.0)
    world = worlds.scenario(
        days=2, homes=3, dt_h=1.0, volt_watt_start_pu=1.01, volt_watt_end_pu=1.06, pv_kw=2.5 * plain.pv_kw,
        pv_curtailable=1.0, price_export_eur_kwh=np.where(hour % 24 == 12, -0.2, 0.08),
    )  # fmt: skip
    task = Task.make(
        world, controls=controls, feeder=weak_feeder.chain(3, sn_kva=15.0), episode_steps=24, starts=[0],
        sequential=True,
    )  # fmt: skip
    optimum = Optimum(task)
    reached = followed(optimum, task)
    separate, _ = alone(task)
    assert separate.flow.v.max() > 1.02**2
    assert float(separate.terms["curtailed_kwh"].sum()) > 0.1
    assert reached == pytest.approx(optimum.objective_eur[0], abs=1e-6)
    assert optimum.bound_eur[0] <= reached <= separate.objective_eur
