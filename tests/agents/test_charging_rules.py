"""The rules of Charging-v0: the published score, and that each does what its name says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from entangrid.agents.charging_rules import FullPower, LastHours
from entangrid.envs.charging import ChargingSimulator, ChargingTask


def score(rule: Any, task: ChargingTask, days: int = 100) -> tuple[float, float]:
    """Mean (reward, cost of what departing vehicles miss) of a day [EUR]."""
    simulator = ChargingSimulator(task, days, 0, autoreset=False)
    observation, state = simulator.reset(), None
    total = np.zeros(2)
    for _ in range(24):
        action, state = rule.predict(observation, state, deterministic=True)
        simulator.step(action)
        total += [simulator.reward.mean(), simulator.terms["departure_eur"].mean()]
    return float(total[0]), float(total[1])


@pytest.mark.parametrize("profile", [1, 2, 3, 4])
def test_rule_based_controller_scores_about_as_published(profile: int) -> None:
    task = ChargingTask(price_profile=profile)
    reward, missed = score(LastHours(task), task)
    assert reward == pytest.approx(-31.0, abs=3.0)
    assert 0.0 < missed < 2.0  # nearly everybody leaves full


def test_full_power_leaves_less_missing_and_pays_more() -> None:
    task = ChargingTask(price_profile=3)
    patient, hasty = score(LastHours(task), task), score(FullPower(task), task)
    assert hasty[1] < patient[1]
    assert hasty[0] < patient[0]


def test_last_hours_shares_the_sun_until_it_is_time_to_go() -> None:
    task = ChargingTask()
    observation = np.zeros(28, np.float32)
    observation[0] = 0.5  # 20 kW of PV
    observation[8:12] = 0.4
    observation[18:22] = np.array([1, 2, 3, 10]) / 10  # hours until departure; six points are empty
    action, state = LastHours(task).predict(observation)
    assert state is None
    np.testing.assert_allclose(action, [1.0, 1.0, 0.5, 0.5] + [0.0] * 6, rtol=1e-6)
    batch, _ = LastHours(task).predict(np.stack([observation] * 3))
    np.testing.assert_array_equal(batch, np.stack([action] * 3))


def test_sun_beyond_the_limit_is_full_power() -> None:
    task = ChargingTask(pv_kwp=500.0)
    observation = np.zeros(28, np.float32)
    observation[0], observation[18] = 0.9, 1.0
    assert LastHours(task).predict(observation)[0][0] == 1.0
    assert (FullPower(task).predict(observation)[0] == 1.0).all()
