"""The station's dynamics: against a plain-Python twin, and what queues and streams must obey."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from entangrid.envs.dispatch import DispatchSimulator, DispatchTask
from entangrid.envs.kernels import counter_rng

FEWER = settings(max_examples=min(settings().max_examples, 100))
actions = st.lists(st.integers(0, 9), min_size=1, max_size=40)
tasks = st.builds(
    DispatchTask,
    arrivals_per_h=st.floats(1.0, 100.0),
    type_share=st.floats(0.0, 1.0),
    deadline_h=st.floats(0.05, 1.0),
    mismatch=st.floats(1.0, 3.0),
    speed=st.tuples(*[st.floats(0.5, 2.0)] * 10),
    cost_factor=st.tuples(*[st.floats(0.0, 8.0)] * 10),
    start_hour=st.floats(0.0, 24.0),
)


def twin(task: DispatchTask, seed: int, points: list[int]) -> list[dict[str, float]]:
    """The same station as queues of explicit jobs; only the uniform numbers are shared."""
    queues: list[list[tuple[float, float]]] = [[] for _ in range(10)]  # (begins, ends) of the jobs of each point
    now, rows = task.start_hour, []
    for n, point in enumerate(points):
        u = [counter_rng.uniform(seed, 0, 0, 4 * n + i) for i in range(4)]
        now -= math.log(1.0 - u[0]) / task.arrivals_per_h
        kind = int(u[1] < task.type_share)
        z = math.sqrt(-2.0 * math.log(1.0 - u[2])) * math.cos(2.0 * math.pi * u[3])
        length = task.length_mean_h + task.length_sd_h * z
        begins = max([now, *(ends for _, ends in queues[point])])
        service = length / task.speed[point] * (1.0 if kind == task.point_type[point] else task.mismatch)
        queues[point].append((begins, begins + service))
        response = begins + service - now
        price = task.price_cny_h[math.floor(now) % 24]
        cost = service * task.cost_factor[point] + length * price
        rows.append(
            {
                "reward": (1 + math.exp(2.5 - cost)) * length / response,
                "success": float(response <= task.deadline_h),
                "wait_h": begins - now,
                "service_h": service,
                "response_h": response,
                "length_h": length,
                "mismatch": float(kind != task.point_type[point]),
                "price_cny_h": price,
                "cost_cny": cost,
                "revenue_cny": task.fee_cny_h * length,
                "profit_cny": task.fee_cny_h * length - cost,
            }
        )
    return rows


@FEWER
@given(tasks, st.integers(0, 2**40), actions)
def test_kernel_equals_twin(task: DispatchTask, seed: int, points: list[int]) -> None:
    simulator = DispatchSimulator(task, 1, seed, autoreset=False)
    simulator.reset()
    for expected, point in zip(twin(task, seed, points), points, strict=True):
        simulator.step(np.array([point]))
        got = simulator.info(0)
        assert got.keys() == expected.keys()
        for name, value in expected.items():
            assert got[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name


@FEWER
@given(tasks, st.integers(0, 1000), actions)
def test_work_is_conserved(task: DispatchTask, seed: int, points: list[int]) -> None:
    """What was brought to a point is served, waits, or was idle time: nothing vanishes and nothing overlaps."""
    simulator = DispatchSimulator(task, 1, seed, autoreset=False)
    simulator.reset()
    brought = np.zeros(10)
    for point in points:
        before = simulator.idle_at[0].copy()
        now = float(simulator.job[0]["arrives_h"])
        backlog = np.maximum(before - now, 0.0)
        simulator.step(np.array([point]))
        info = simulator.info(0)
        brought[point] += info["service_h"]
        after = np.maximum(simulator.idle_at[0] - now, 0.0)
        grown = after - backlog
        assert grown[point] == pytest.approx(info["service_h"], abs=1e-9)
        assert np.abs(np.delete(grown, point)).max() == 0.0
        assert info["wait_h"] == pytest.approx(backlog[point], abs=1e-12)
        assert info["response_h"] >= info["service_h"] > 0.0
        assert (simulator.obs >= 0.0).all()
        assert (simulator.obs <= 1.0).all()
    assert (simulator.idle_at[0] - task.start_hour >= brought - 1e-9).all()


def test_jobs_have_the_stated_distributions() -> None:
    task = DispatchTask(episode_steps=10_000, type_share=0.3)
    simulator = DispatchSimulator(task, 4, 11, autoreset=False)
    simulator.reset()
    arrivals, lengths, kinds = [], [], []
    for _ in range(3000):
        arrivals.append(simulator.job["arrives_h"].copy())
        lengths.append(simulator.job["length_h"].copy())
        kinds.append(simulator.job["type"].copy())
        simulator.step(np.zeros(4, np.int64))
    gaps = np.diff(np.array(arrivals), axis=0).ravel()
    assert stats.kstest(gaps, "expon", args=(0.0, 1.0 / 20.0)).pvalue > 1e-3
    assert stats.kstest(np.ravel(lengths), "norm", args=(0.2, 0.02)).pvalue > 1e-3
    assert np.mean(kinds) == pytest.approx(0.3, abs=4.0 * math.sqrt(0.21 / 12_000))
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) < 0.04


def test_price_follows_the_clock_and_every_hour_has_one() -> None:
    task = DispatchTask()
    assert sorted(task.price_cny_h) == [0.3946] * 8 + [0.695] * 8 + [1.0044] * 8
    simulator = DispatchSimulator(task, 1, 0, autoreset=False)
    simulator.reset()
    seen = set()
    for _ in range(499):
        hour = int(simulator.job[0]["arrives_h"]) % 24
        simulator.step(np.array([0]))
        assert simulator.info(0)["price_cny_h"] == task.price_cny_h[hour]
        seen.add(hour)
    assert len(seen) == 24
