"""Plans for CityLearn's score: better knowledge scores better, and the program's parts do what they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import entangrid.data
from entangrid.agents.optimal.community import Community
from entangrid.agents.optimal.district import Goal, plan
from entangrid.agents.optimal.linear import ALL, LinearProgram
from entangrid.data.errors import InputError

FOLDER = Path(__file__).parents[1] / "scripts" / "citylearn"


@pytest.fixture(scope="module")
def community() -> Community:
    scenario = entangrid.data.load(f"citylearn:{FOLDER}")
    return Community(scenario.of_homes(scenario.home_names[:2]), 0, 48, 0.0)


def test_plans_that_know_more_score_better(community: Community) -> None:
    found = {arm: community.arm(arm) for arm in ("no-control", "mpc-practical", "mpc-perfect", "optimum")}
    cheap = community.arm("optimum-cost-carbon")
    assert found["no-control"]["score"] == pytest.approx(1.0)
    assert found["optimum"]["score"] < found["mpc-practical"]["score"]
    assert found["mpc-perfect"]["score"] < found["mpc-practical"]["score"]
    assert cheap["cost"] + cheap["carbon"] <= found["optimum"]["cost"] + found["optimum"]["carbon"] + 0.02


def test_a_plan_does_not_depend_on_the_unit_of_its_goal(community: Community) -> None:
    days, empty = np.arange(48) // 24, np.zeros(2)
    goal = community.goal(community.own_sizes, slice(None), grid=True)
    small = Goal(*(1e-3 * weight for weight in goal))
    plans = [plan(community.homes, community.net, given, empty, 1.0, days) for given in (goal, small)]
    np.testing.assert_allclose(plans[0].p_kw, plans[1].p_kw, atol=1e-6)


def test_stretches_score_as_the_whole_period_does(monkeypatch: pytest.MonkeyPatch) -> None:
    four_days = Community(entangrid.data.load(f"citylearn:{FOLDER}"), 0, 96, 0.0)
    whole = four_days.arm("optimum")
    monkeypatch.setattr("entangrid.agents.optimal.district.STRETCH_DAYS", 2)
    monkeypatch.setattr("entangrid.agents.optimal.district.AHEAD_DAYS", 1)
    assert four_days.arm("optimum")["score"] == pytest.approx(whole["score"], abs=0.005)


@pytest.mark.parametrize("many", [1, 10**9])
def test_either_quick_solver_finds_the_least_cost(monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.setattr("entangrid.agents.optimal.linear.MANY", many)
    lp = LinearProgram()
    x = lp.columns(3, cost=[1.0, 2.0, 3.0], high=2.0)
    lp.equal(np.array([4.0]), (ALL, x[:1], 1.0), (ALL, x[1:2], 1.0), (ALL, x[2:], 1.0))
    lp.at_most(np.array([1.0]), (ALL, x[:1], 1.0))
    found = lp.solve_quickly()
    np.testing.assert_allclose(found.x, [1.0, 2.0, 1.0], atol=1e-6)
    assert found.cost == pytest.approx(8.0)


def test_homes_without_a_battery_are_refused() -> None:
    scenario = entangrid.data.load(f"citylearn:{FOLDER}")
    with pytest.raises(InputError, match="no home has a battery"):
        Community(replace(scenario, homes=scenario.homes.assign(battery_kwh=0.0)), 0, 24, 0.0)
