"""The feeder inside the step: the public power flow of what the homes exchange, and what its limits cost."""

from __future__ import annotations

from typing import Any

import feeder_cases
import numpy as np
import pytest
import worlds

from entangrid.envs import Feeder, Simulator, Task
from entangrid.envs.connection import FeederRules
from entangrid.envs.observations import NUMBER
from entangrid.envs.transformer_life import hot_spot

USED = ("p_load_kw", "p_hp_kw", "p_element_kw", "p_appliances_kw")
#: far from any limit, and far beyond each of them
CALM, STRAINED = {"homes": 4}, {"homes": 40, "ev_charge_kw": 22.0, "hp_q_ref_kw": 25.0}


def simulate(steps: int, task: Task, seed: int = 0) -> list[dict[str, Any]]:
    """What every step under random commands did; one environment, with the voltages at its end."""
    simulator = Simulator(task, 1, seed, autoreset=False)
    simulator.reset()
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(steps):
        before = simulator.state["vm"][0].copy()
        simulator.step(rng.uniform(-1.0, 1.0, simulator._commands.shape))
        rows.append(
            simulator.info(0)
            | {
                "vm_before": before,
                "vm_home": simulator.state["vm"][0].copy(),
                "vm": simulator.vm[0].copy(),
                "line_loading": simulator.line_loading_percent[0].copy(),
            }
        )
    return rows


def consumption(task: Task, rows: list[dict[str, Any]]) -> tuple[Any, Any]:
    """(p, q) at every bus (T, n_bus) of the steps in rows."""
    assert task.feeder is not None
    p, q = (np.zeros((len(rows), task.feeder.n_bus)) for _ in range(2))
    for t, row in enumerate(rows):
        np.add.at(p[t], task.bus, row["p_grid_kw"])
        np.add.at(q[t], task.bus, task.homes["tan_phi"] * sum(row[name] for name in USED))
    return p, q


def make(world: dict[str, Any], **changes: Any) -> Task:
    options: dict[str, Any] = {"feeder": "rural1", "episode_steps": 48, "starts": [48]}
    return Task.make(worlds.whole_scenario(**world), **(options | changes))


@pytest.mark.parametrize("feeder", ["rural1", "semiurb4", "random"])
@pytest.mark.parametrize("world", [CALM, STRAINED], ids=["calm", "strained"])
def test_fused_step_equals_the_public_power_flow(feeder: str, world: dict[str, Any]) -> None:
    chosen: Any = feeder if feeder != "random" else Feeder.from_tables(**feeder_cases.random_tables(3, 20))
    task = make(world, feeder=chosen)
    rows = simulate(32, task)
    assert task.feeder is not None
    flow = task.feeder.power_flow(*consumption(task, rows))
    vm = np.array([row["vm"] for row in rows])
    on = np.array([row["p_slack_kw"] != 0.0 for row in rows])
    assert on.sum() == 24  # and two hours of outage
    assert np.abs(vm - flow.vm_pu)[on].max() <= 5e-5
    np.testing.assert_allclose([row["vm_home"] for row in rows], vm[:, task.bus], rtol=0, atol=1e-12)
    for name in ("trafo_loading_percent", "trafo_loss_kw", "line_loss_kw", "p_slack_kw"):
        fused, public = np.array([row[name] for row in rows]), getattr(flow, name)
        np.testing.assert_allclose(fused[on], public[on], rtol=2e-3, atol=1e-3, err_msg=name)
    lines = np.array([row["line_loading"] for row in rows])
    np.testing.assert_allclose(lines[on], flow.line_loading_percent[on], rtol=2e-3, atol=1e-2)
    np.testing.assert_allclose([row["line_loading_percent"] for row in rows], lines.max(1), rtol=1e-12)
    behind = task.feeder.grid.node_of_bus >= 2
    np.testing.assert_allclose([row["v_min_pu"] for row in rows], vm[:, behind].min(1), atol=1e-12)
    np.testing.assert_allclose([row["v_max_pu"] for row in rows], vm[:, behind].max(1), atol=1e-12)
    assert max(row["residual_pu"] for row in rows) <= 1e-4


def test_lindistflow_equals_the_public_one() -> None:
    task = make(STRAINED, feeder_rules={"method": "lindistflow"})
    rows = [row for row in simulate(24, task) if row["p_slack_kw"] != 0.0]
    assert task.feeder is not None
    flow = task.feeder.power_flow(*consumption(task, rows), method="lindistflow")
    np.testing.assert_allclose([row["vm"] for row in rows], flow.vm_pu, rtol=0, atol=1e-12)
    for name in ("trafo_loading_percent", "trafo_loss_kw", "line_loss_kw", "p_slack_kw"):
        np.testing.assert_allclose([row[name] for row in rows], getattr(flow, name), rtol=1e-9, err_msg=name)
    full = task.feeder.power_flow(*consumption(task, rows)).vm_pu
    assert np.abs(full - flow.vm_pu).max() > 1e-4  # not the same thing


@pytest.mark.parametrize("world", [CALM, STRAINED], ids=["calm", "strained"])
def test_hot_spot_and_ageing_are_those_of_the_episode_s_loadings(world: dict[str, Any]) -> None:
    task = make(world)
    rows = simulate(48, task)
    assert task.feeder is not None
    loading = [0.0] + [row["trafo_loading_percent"] for row in rows]  # an episode begins with an idle transformer
    ambient = np.append(task.scenario.t_out_c[48], task.scenario.t_out_c[48 : 48 + 48])
    life = hot_spot(loading, ambient, 0.25, loss_ratio=task.feeder.grid.transformer.loss_ratio)
    np.testing.assert_allclose([row["hot_spot_c"] for row in rows], life.hot_spot_c[1:], rtol=0, atol=1e-9)
    np.testing.assert_allclose([row["ageing_h"] for row in rows], life.loss_of_life_hours[1:], rtol=1e-9)
    assert life.loss_of_life_hours.min() > 0.0


def test_violations_overload_and_ageing_cost_what_the_rules_say() -> None:
    rules = FeederRules(0.99, 1.02, violation_eur_pu_h=70.0, overload_eur_pu_h=9.0, ageing_eur_h=0.5)
    task = make(STRAINED, feeder_rules=rules)
    rows = simulate(48, task)
    kinds = set()
    for row in rows:
        vm = row["vm_home"]
        outside = np.clip(0.99 - vm, 0.0, None) + np.clip(vm - 1.02, 0.0, None)
        on = row["p_slack_kw"] != 0.0
        violation = outside.sum() * 0.25 * on
        above = np.append(row["line_loading"], row["trafo_loading_percent"]) - 100.0
        overload = above.clip(0.0).sum() / 100.0 * 0.25
        assert row["violation_pu_h"] == pytest.approx(violation, abs=1e-12)
        assert row["overload_h"] == pytest.approx(overload, abs=1e-12)
        cost = 70.0 * violation + 9.0 * overload + 0.5 * row["ageing_h"]
        assert row["feeder_eur"] == pytest.approx(cost, rel=1e-12)
        np.testing.assert_allclose(row["grid_eur"], cost / 40, rtol=1e-12)
        costs = sum(row[f"{name}_eur"] for name in ("bill", "carbon", "discomfort", "wear", "unmet", "grid"))
        np.testing.assert_allclose(row["reward_eur"], row["stored_value_eur"] - costs, atol=1e-9)
        kinds |= {"low"} if (vm < 0.99).any() else set()
        kinds |= {"high"} if (vm > 1.02).any() else set()
        kinds |= {"transformer"} if row["trafo_loading_percent"] > 100.0 else set()
        kinds |= {"outage"} if not on else set()
    assert kinds == {"low", "high", "transformer", "outage"}


def test_volt_watt_answers_the_step_before_and_is_not_iterated() -> None:
    world = worlds.whole_scenario(homes=20, pv_curtailable=0.0, grid_available=np.ones(192))
    task = Task.make(world, feeder="rural1", episode_steps=24, starts=[36], controls=["battery"])
    rows = simulate(24, task)
    start, end = worlds.EVERYTHING["volt_watt_start_pu"], worlds.EVERYTHING["volt_watt_end_pu"]
    shares = []
    for t, row in enumerate(rows):
        share = 1.0 - (np.clip(row["vm_before"], start, end) - start) / (end - start)
        np.testing.assert_allclose(row["p_pv_kw"], share * world.pv_kw[36 + t], atol=1e-12)
        shares.append(share)
    assert (rows[0]["vm_before"] == np.sqrt(task.grid.settings["v_slack"][0])).all()
    assert np.ptp(shares) > 0.05
    with_now = [1.0 - (np.clip(row["vm_home"], start, end) - start) / (end - start) for row in rows]
    assert np.abs(np.array(shares) - with_now).max() > 1e-3  # the present voltage would have given another answer


def test_nothing_flows_in_an_outage() -> None:
    task = make(CALM, starts=[68], episode_steps=16)  # 17 to 21 h, an outage from 18 to 20 h
    rows = simulate(16, task)
    slack = np.sqrt(task.grid.settings["v_slack"][0])
    for row in rows[4:12]:
        assert (row["p_grid_kw"] == 0.0).all()
        for name in ("p_slack_kw", "line_loss_kw", "trafo_loss_kw", "trafo_loading_percent", "line_loading_percent"):
            assert row[name] == 0.0, name
        assert row["v_min_pu"] == row["v_max_pu"] == slack
        assert (row["vm_home"] == slack).all()
        assert not row["line_loading"].any()
        assert row["violation_pu_h"] == row["overload_h"] == row["residual_pu"] == 0.0
    assert all(row["p_slack_kw"] != 0.0 for row in rows[:4] + rows[12:])


def test_a_new_episode_sees_an_idle_feeder_and_terms_keep_the_last_step() -> None:
    task = make(STRAINED, observation_set="feeder", episode_steps=6, sequential=True)
    slack = np.sqrt(task.grid.settings["v_slack"][0])
    simulator, single = Simulator(task, 1, 0), Simulator(task, 1, 0, autoreset=False)
    place = {name: task.observation_names.index(name) for name in ("voltage", "feeder_v_min", "trafo_loading")}
    low, high = task.observation_ranges
    simulator.reset()
    single.reset()

    def seen(obs: Any, name: str) -> Any:
        i = place[name]
        return low[:, i] + 0.5 * (obs[0, :, i] + 1.0) * (high[:, i] - low[:, i])

    for _ in range(6):
        command = np.full(simulator._commands.shape, 0.5)
        simulator.step(command)
        single.step(command)
    assert simulator.truncated[0]
    assert simulator.feeder_terms.tobytes() == single.feeder_terms.tobytes()
    assert simulator.vm.tobytes() == single.vm.tobytes()
    assert simulator.feeder_terms["trafo_loading_percent"][0] > 50.0
    assert seen(simulator.obs, "trafo_loading") == pytest.approx(0.0, abs=1e-5)
    for name in ("voltage", "feeder_v_min"):
        assert seen(simulator.obs, name) == pytest.approx(slack, abs=1e-6)
        assert (seen(simulator.final_obs, name) < slack - 1e-3).any()
    single.reset()
    assert single.obs.tobytes() == simulator.obs.tobytes()
    assert single.vm[0, task.bus] == pytest.approx(slack)
    assert NUMBER["voltage"] == 29
