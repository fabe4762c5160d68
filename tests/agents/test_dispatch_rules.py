"""The four heuristics of Dispatch-v0: the published rows, and that each does what its name says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from entangrid.agents.dispatch_rules import EarliestIdle, Greedy, RandomPoint, RoundRobin
from entangrid.envs.dispatch import DispatchSimulator, DispatchTask

COLUMNS = ("reward", "success", "response_h", "cost_cny", "profit_cny")


def means(rule: Any, task: DispatchTask, copies: int = 10) -> np.ndarray:
    """Mean of COLUMNS over one episode of 5,000 jobs in each copy."""
    simulator = DispatchSimulator(task, copies, 0, autoreset=False)
    observation, state = simulator.reset(), None
    total = np.zeros(5)
    for _ in range(task.episode_steps):
        action, state = rule.predict(observation, state)
        simulator.step(action)
        total += [simulator.terms[name].mean() for name in COLUMNS]
    return total / task.episode_steps


@pytest.mark.parametrize(
    ("rule", "published"),
    [
        (RandomPoint, (3.68, 0.249, 0.479, 0.996, 0.106)),
        (RoundRobin, (5.08, 0.461, 0.290, 0.991, 0.112)),
        (EarliestIdle, (5.17, 0.492, 0.280, 1.009, 0.093)),
        (Greedy, (8.34, 0.821, 0.213, 0.479, 0.624)),
    ],
)
def test_published_rows_at_20_arrivals_an_hour(rule: Any, published: tuple[float, ...]) -> None:
    task = DispatchTask(episode_steps=5000)
    np.testing.assert_allclose(means(rule(task), task), published, rtol=0.05)


@pytest.mark.parametrize(
    ("rule", "arrivals", "success"),
    [(EarliestIdle, 25.0, 0.460), (EarliestIdle, 30.0, 0.362), (Greedy, 25.0, 0.771), (Greedy, 30.0, 0.724)],
)
def test_published_success_when_busier(rule: Any, arrivals: float, success: float) -> None:
    task = DispatchTask(episode_steps=5000, arrivals_per_h=arrivals)
    assert means(rule(task), task)[1] == pytest.approx(success, rel=0.05)


def observation(task: DispatchTask, job_type: int, waits_h: list[float]) -> np.ndarray:
    return np.array([job_type, *np.array(waits_h) / task.wait_max_h], np.float32)


def test_round_robin_takes_turns_and_starts_again_with_an_episode() -> None:
    rule = RoundRobin(DispatchTask())
    seen, state = np.zeros((2, 11), np.float32), None
    chosen = []
    for k in range(12):
        points, state = rule.predict(seen, state, np.array([False, k == 5]))
        chosen.append(points)
    assert [int(c[0]) for c in chosen] == [*range(10), 0, 1]
    assert [int(c[1]) for c in chosen] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6]


def test_earliest_idle_takes_the_shortest_wait_and_ties_in_turn() -> None:
    task = DispatchTask()
    rule = EarliestIdle(task)
    point, _ = rule.predict(observation(task, 0, [0.5, 0.4, 0.3, 0.2, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))
    assert point.shape == ()
    assert int(point) == 4
    idle, state, chosen = observation(task, 0, [0.0] * 10), None, []
    for _ in range(3):
        point, state = rule.predict(idle, state)
        chosen.append(int(point))
    assert chosen == [0, 1, 2]


def test_random_is_seeded_and_uses_every_point() -> None:
    task = DispatchTask()
    seen = np.zeros((4, 11), np.float32)

    def draws(seed: int) -> np.ndarray:
        rule, state, rows = RandomPoint(task, seed), None, []
        for _ in range(300):
            points, state = rule.predict(seen, state)
            rows.append(points)
        return np.array(rows)

    first = draws(1)
    np.testing.assert_array_equal(first, draws(1))
    assert (first != draws(2)).any()
    counts = np.bincount(first.ravel(), minlength=10)
    assert ((counts - 120.0) ** 2 / 120.0).sum() < 27.9  # 99.9 % quantile of chi-squared with 9 degrees of freedom


def test_greedy_prefers_the_cheap_idle_point_of_the_right_type_and_leaves_it_when_it_is_busy() -> None:
    task = DispatchTask()
    rule = Greedy(task)
    assert int(rule.predict(observation(task, 0, [0.0] * 10))[0]) == 0
    assert int(rule.predict(observation(task, 1, [0.0] * 10))[0]) == 5
    assert int(rule.predict(observation(task, 0, [0.3, 0.0] + [0.0] * 8))[0]) == 1
    everything_else_busy = [2.0, 2.0, 0.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    assert int(rule.predict(observation(task, 1, everything_else_busy))[0]) == 2
