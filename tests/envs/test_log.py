"""Logs of episodes: what they keep of a simulator, and what KPIs of real episodes are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import worlds

from entangrid.data.errors import InputError
from entangrid.envs import HomeEnv, Task
from entangrid.envs.connection import FeederRules
from entangrid.envs.kpis import Log, kpis, no_control, relative, run_episode
from entangrid.envs.layout import FEEDER_TERMS, HOME, SERIES, STATE, TERMS


def read(table: pd.DataFrame, home: str = "home-1") -> dict[str, float]:
    rows = table[table["home"] == home]
    return dict(zip(rows["kpi"], rows["value"], strict=True))


class Player:
    """A simulator's public arrays, with numbers that tell step and environment apart."""

    def __init__(self, a_task: Any, n_envs: int):
        homes = a_task.scenario.n_homes
        self.terms = np.zeros((n_envs, homes), TERMS)
        self.state = np.zeros((n_envs, homes), STATE)
        self.feeder_terms = np.zeros(n_envs, FEEDER_TERMS)
        self.steps = 0

    def now(self, env: int = 0) -> int:
        return env + 1

    def step(self) -> None:
        self.steps += 1
        self.terms["bill_eur"] = self.steps * np.arange(1, len(self.terms) + 1)[:, None]
        self.state["soc"] = 0.1 * self.steps
        self.feeder_terms["feeder_eur"] = self.steps


def test_a_log_keeps_each_step_of_each_environment_and_no_more_than_an_episode() -> None:
    a_task: Any = SimpleNamespace(
        episode_steps=3,
        scenario=SimpleNamespace(n_homes=1, home_names=["home-1"], dt_h=1.0),
        series=np.zeros((8, 1), SERIES),
        homes=np.zeros(1, HOME),
        feeder=object(),
        feeder_rules=FeederRules(),
    )
    log, player = Log(a_task, 2), Player(a_task, 2)
    with pytest.raises(InputError, match="begin was not called"):
        log.record(player)
    log.begin(player)
    with pytest.raises(InputError, match="holds no steps"):
        kpis(log)
    for _ in range(2):
        player.step()
        log.record(player)
    assert log.first.tolist() == [1, 2]
    assert read(kpis(log))["cost"] == pytest.approx(1.0 + 2.0)  # after two of three steps
    player.step()
    log.record(player)
    assert [read(kpis(log, e))["cost"] for e in (0, 1)] == pytest.approx([6.0, 12.0])
    assert read(kpis(log, 1), "feeder")["grid_cost"] == pytest.approx(6.0)
    np.testing.assert_allclose(log.state["soc"][:, 1, 0], [0.0, 0.1, 0.2, 0.3])
    with pytest.raises(InputError, match="is full"):
        log.record(player)
    log.begin(player)
    assert log.n == 0
    log.record(player)
    with pytest.raises(InputError, match="env is 2; expected 0 to 1"):
        kpis(log, 2)
    with pytest.raises(InputError, match=r"simulator has \(3, 1\)"):
        log.begin(Player(a_task, 3))


class Steady:
    """A controller that always does the same, and keeps what it was shown."""

    def __init__(self, value: float, n: int):
        self.action = np.full((1, n), value, np.float32)
        self.starting: list[bool] = []
        self.simulator: Any = None

    def attach(self, simulator: Any) -> None:
        self.simulator = simulator

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> Any:
        assert observation.ndim == 2
        assert deterministic
        self.starting.append(bool(episode_start[0]))
        return self.action, (state or 0) + 1


def real_task(**changes: Any) -> Task:
    options: dict[str, Any] = {"scenario": worlds.scenario(days=3, homes=2), "episode_steps": 48}
    return Task.make(**(options | changes))


def test_a_logged_episode_is_what_the_environment_does() -> None:
    a_task = real_task()
    controller = Steady(-0.2, 4)
    log = run_episode(a_task, controller, seed=3, start=96)
    assert controller.simulator is not None
    assert controller.starting == [True] + [False] * 47
    assert log.first.tolist() == [96]
    env = HomeEnv(real_task(starts=[96]), seed=3)
    env.reset()
    sums = dict.fromkeys(("reward_eur", "bill_eur", "discomfort_kh"), np.zeros(2))
    for step in range(48):
        *_, info = env.step(controller.action[0])
        sums = {name: total + info[name] for name, total in sums.items()}
        assert log.terms[step, 0].tobytes() == env.simulator.terms[0].tobytes()
        assert log.state[step + 1, 0].tobytes() == env.simulator.state[0].tobytes()
    table = kpis(log)
    for h, home in enumerate(("home-1", "home-2")):
        got = read(table, home)
        assert got["objective"] == pytest.approx(-sums["reward_eur"][h])
        assert got["cost"] == pytest.approx(sums["bill_eur"][h])
        assert got["discomfort"] == pytest.approx(sums["discomfort_kh"][h])
        demand = got["demand"] + dt_sum(log, "p_battery_kw", h)
        assert got["import"] - got["export"] == pytest.approx(demand - got["pv"], abs=1e-9)
        assert 0.0 < got["self_sufficiency"] < 1.0
        assert 0.0 < got["load_factor"] < 1.0
    whole = read(table, "all")
    assert whole["objective"] == pytest.approx(-sums["reward_eur"].sum())


def dt_sum(log: Log, term: str, home: int) -> float:
    return float(log.terms[term][:, 0, home].sum() * log.task.scenario.dt_h)


def test_no_control_is_every_device_by_itself_and_the_reference() -> None:
    a_task = real_task(feeder="rural1")
    reference = no_control(a_task, seed=1, start=0)
    assert (reference.terms["p_battery_kw"] == 0.0).all()  # an idle battery
    table = kpis(reference)
    assert table["home"].unique().tolist() == ["home-1", "home-2", "all", "feeder"]
    assert 0.9 < read(table, "feeder")["v_min"] <= read(table, "all")["v_min"] < 1.1
    assert read(table, "feeder")["import"] > read(table, "all")["import"] - read(table, "all")["export"]  # losses
    same = relative(table, kpis(no_control(a_task, seed=1, start=0)))
    assert (same["difference"].dropna() == 0.0).all()
    ratios = same.loc[(same["reference"] >= 0.0) & (same["unit"] != "°C"), "ratio"]
    assert (ratios == 1.0).all()
    worse = relative(kpis(run_episode(a_task, Steady(-1.0, 4), seed=1, start=0)), table)
    cold = worse[(worse["home"] == "all") & (worse["kpi"] == "discomfort")].iloc[0]
    assert cold["value"] > 10.0  # nobody heats
    assert cold["difference"] > 10.0


def test_without_a_start_the_task_s_own_are_drawn() -> None:
    a_task = real_task(starts=[8, 40])
    assert {int(no_control(a_task, seed=s).first[0]) for s in range(8)} == {8, 40}
    for start in (-1, 241, 400):
        with pytest.raises(InputError, match=f"start is {start}; expected a step of the scenario from 0 to 240"):
            no_control(a_task, start=start)
    assert no_control(a_task, start=240).n == 48
