"""An hour of the charging station: against a NumPy twin, and conservation of energy and vehicles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entangrid.envs.charging import PROFILES, ChargingSimulator, ChargingTask
from entangrid.envs.kernels import counter_rng

FEWER = settings(max_examples=min(settings().max_examples, 150))
tasks = st.builds(
    ChargingTask,
    price_profile=st.integers(0, 4),
    pv_kwp=st.floats(0.0, 200.0),
    capacity_kwh=st.floats(5.0, 100.0),
    p_max_kw=st.floats(1.0, 50.0),
    eta_charge=st.floats(0.5, 1.0),
    eta_discharge=st.floats(0.5, 1.0),
    arrival_per_h=st.floats(0.0, 1.0),
    occupied_at_start=st.floats(0.0, 1.0),
    stay_h=st.tuples(st.integers(1, 6), st.integers(6, 24)),
    soc_arrival=st.tuples(st.floats(0.0, 0.5), st.floats(0.5, 1.0)),
)
seeds = st.integers(0, 2**40)


def random_actions(seed: int, hours: int = 24) -> np.ndarray:
    """(hours, 10), some far outside [-1, 1]."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-1.5, 1.5, (hours, 10)) * rng.choice([1.0, 1.0, 4.0], (hours, 10))


class Twin:
    """The station again, vectorised over points in plain NumPy; only the uniform numbers are shared."""

    def __init__(self, task: ChargingTask, seed: int):
        self.task, self.seed, self.hour = task, seed, 0
        self.profile = task.price_profile - 1 if task.price_profile else int(self.u(1) * 4)
        self.soc, self.left = np.zeros(10), np.zeros(10, int)
        self.come(100, task.occupied_at_start, 0)

    def u(self, draw: int) -> float:
        return counter_rng.uniform(self.seed, 0, 0, draw)

    def come(self, first: int, chance: float, hour: int) -> float:
        task = self.task
        longest = min(task.stay_h[1], 24 - hour)
        u = np.array([[self.u(first + 3 * p + i) for i in range(3)] for p in range(10)])
        new = (self.left == 0) & (u[:, 0] < chance) & (longest >= task.stay_h[0])
        stay = task.stay_h[0] + np.floor(u[:, 1] * max(longest - task.stay_h[0] + 1, 0)).astype(int)
        low, high = task.soc_arrival
        self.left = np.where(new, stay, self.left)
        self.soc = np.where(new, low + (high - low) * u[:, 2], self.soc)
        return float(self.soc[new].sum() * task.capacity_kwh)

    def radiation(self, hour: int) -> float:
        t = self.task
        x = (hour + 0.5 - t.sunrise_h) / (t.sunset_h - t.sunrise_h)
        if not 0.0 < x < 1.0 or hour > 23:
            return 0.0
        clear = t.clearness_min + (1.0 - t.clearness_min) * self.u(0)
        return t.radiation_peak_w_m2 * math.sin(math.pi * x) * clear * (1.0 - t.cloud * self.u(10 + hour))

    def step(self, action: np.ndarray) -> dict[str, float]:
        t, dt = self.task, 1.0
        energy = self.soc * t.capacity_kwh
        wish = np.clip(action, -1, 1) * t.p_max_kw * (self.left > 0)
        power = np.clip(wish, -energy * t.eta_discharge / dt, (t.capacity_kwh - energy) / t.eta_charge / dt)
        energy = energy + np.where(power > 0, power * t.eta_charge, power / t.eta_discharge) * dt
        self.soc = np.clip(energy / t.capacity_kwh, 0.0, 1.0)
        leaving = self.left == 1
        pv, price = t.pv_kwp * self.radiation(self.hour) / 1000.0, PROFILES[self.profile][self.hour]
        grid = max(power.sum() - pv, 0.0)
        missed = 1.0 - self.soc[leaving]
        terms = {
            "bill_eur": price * grid * dt,
            "departure_eur": float(((2.0 * missed) ** 2).sum()),
            "price_eur_kwh": price,
            "p_points_kw": float(power.sum()),
            "p_pv_kw": pv,
            "p_grid_kw": grid,
            "p_unused_kw": max(pv - power.sum(), 0.0),
            "clipped_kw": float(np.abs(action * t.p_max_kw - power).sum()),
            "departed": float(leaving.sum()),
            "departed_kwh": float(self.soc[leaving].sum() * t.capacity_kwh),
            "missing_kwh": float(missed.sum() * t.capacity_kwh),
        }
        terms["reward_eur"] = -terms["bill_eur"] - terms["departure_eur"]
        self.soc = np.where(leaving, 0.0, self.soc)
        self.left = np.maximum(self.left - 1, 0)
        self.hour += 1
        terms["arrived_kwh"] = self.come(1000 + 30 * self.hour, t.arrival_per_h, self.hour)
        return terms

    def observation(self) -> np.ndarray:
        sun = [min(self.radiation(self.hour + k) / 1000.0, 1.0) for k in range(4)]
        price = [PROFILES[self.profile][(self.hour + k) % 24] / 0.20 for k in range(4)]
        return np.array([sun[0], price[0], *sun[1:], *price[1:], *self.soc, *(self.left / self.task.stay_h[1])])


@FEWER
@given(tasks, seeds)
def test_kernel_equals_numpy_twin(task: ChargingTask, seed: int) -> None:
    simulator, twin = ChargingSimulator(task, 1, seed, autoreset=False), Twin(task, seed)
    simulator.reset()
    np.testing.assert_allclose(simulator.obs[0], twin.observation(), atol=1e-6)
    for action in random_actions(seed):
        simulator.step(action[None])
        expected, got = twin.step(action), simulator.info(0)
        assert got.keys() - {"p_point_kw"} == expected.keys()
        for name, value in expected.items():
            assert got[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name
        np.testing.assert_allclose(simulator.obs[0], twin.observation(), atol=1e-6)


@FEWER
@given(tasks, seeds)
def test_energy_is_conserved_and_soc_in_bounds_whatever_the_action(task: ChargingTask, seed: int) -> None:
    simulator = ChargingSimulator(task, 1, seed, autoreset=False)
    simulator.reset()
    for action in random_actions(seed):
        parked = simulator.hours[0] > 0
        before = simulator.soc[0].sum() * task.capacity_kwh
        simulator.step(action[None])
        info, power = simulator.info(0), simulator.p_point_kw[0]
        into_cells = task.eta_charge * power[power > 0].sum() + power[power < 0].sum() / task.eta_discharge
        after = simulator.soc[0].sum() * task.capacity_kwh
        assert abs(after - before - into_cells - info["arrived_kwh"] + info["departed_kwh"]) < 1e-9
        assert abs(info["p_grid_kw"] - info["p_unused_kw"] - (power.sum() - info["p_pv_kw"])) < 1e-9
        assert (np.abs(power) <= task.p_max_kw).all()
        assert (power[~parked] == 0.0).all()
        assert (simulator.soc >= 0.0).all()
        assert (simulator.soc <= 1.0).all()
        assert (simulator.soc[simulator.hours == 0] == 0.0).all()
        assert (simulator.obs >= 0.0).all()
        assert (simulator.obs <= 1.0).all()
        assert info["reward_eur"] <= 0.0
        assert info["reward_eur"] == pytest.approx(-info["bill_eur"] - info["departure_eur"], abs=1e-12)


@FEWER
@given(tasks, seeds)
def test_every_vehicle_leaves_by_the_end_of_the_day(task: ChargingTask, seed: int) -> None:
    simulator = ChargingSimulator(task, 1, seed, autoreset=False)
    simulator.reset()
    came = int((simulator.hours > 0).sum())
    left = 0.0
    for _ in range(24):
        before = simulator.hours[0].copy()
        simulator.step(np.zeros((1, 10)))
        came += int(((simulator.hours[0] > 0) & (before <= 1)).sum())
        left += simulator.info(0)["departed"]
    assert left == came
    assert (simulator.hours == 0).all()


@FEWER
@given(tasks, seeds, st.floats(0.0, 1.0))
def test_charging_more_never_leaves_less(task: ChargingTask, seed: int, more: float) -> None:
    runs = []
    for extra in (0.0, more):
        simulator = ChargingSimulator(task, 1, seed, autoreset=False)
        simulator.reset()
        missing = 0.0
        for action in np.clip(random_actions(seed), -1.0, 1.0):
            simulator.step(action[None] + extra)
            missing += simulator.info(0)["missing_kwh"]
        runs.append(missing)
    assert runs[1] <= runs[0] + 1e-9


def test_arrivals_have_the_stated_chances() -> None:
    simulator = ChargingSimulator(ChargingTask(), 500, 3, autoreset=False)
    simulator.reset()
    occupied = (simulator.hours > 0).mean()
    assert occupied == pytest.approx(0.5, abs=4 * math.sqrt(0.25 / 5000))
    stays = simulator.hours[simulator.hours > 0]
    assert set(stays) == set(range(4, 11))
    soc = simulator.soc[simulator.hours > 0]
    assert soc.min() >= 0.1
    assert soc.max() <= 0.5
    assert soc.mean() == pytest.approx(0.3, abs=4 * 0.4 / math.sqrt(12 * soc.size))
    free = simulator.hours == 0
    simulator.step(np.zeros((500, 10)))
    new = (simulator.hours > 0) & free
    assert new.sum() / free.sum() == pytest.approx(0.22, abs=4 * math.sqrt(0.22 * 0.78 / free.sum()))
