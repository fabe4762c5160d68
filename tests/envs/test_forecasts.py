"""Forecasts and estimates: perfect, persistent or noisy as stated, the same to whoever looks twice."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import worlds
from observed import HOMES, clipped, make, physical

from entangrid.envs import Simulator, Task
from entangrid.envs.observations import FORECASTS

FUTURE = {
    "forecast_price": lambda s, t, h: s.price_import_eur_kwh[t],
    "forecast_t_out": lambda s, t, h: s.t_out_c[t],
    "forecast_pv": lambda s, t, h: s.pv_kw[t, h],
    "forecast_load": lambda s, t, h: s.load_kw[t, h],
}


@pytest.mark.parametrize("kind", ["perfect", "persistence"])
def test_forecasts_show_the_future_or_the_same_time_of_day_before(kind: str) -> None:
    task = make(forecast=kind, forecast_h=(0.25, 3.0, 24.0, 30.0), observation_set="forecast", starts=[90])
    simulator = Simulator(task, 1, 0, autoreset=False)
    simulator.reset()
    s, checked = task.scenario, 0
    for t in range(91, 91 + 90):
        simulator.step_default()
        shown = physical(task, simulator.obs[0])
        for name, (hours, lead) in itertools.product(FORECASTS, {0.25: 1, 3.0: 12, 24.0: 96, 30.0: 120}.items()):
            at = t + lead
            if kind == "persistence":
                at -= 96 * int(np.ceil(hours / 24.0))
                assert at <= t
                if at < 0:
                    continue
            at = min(at, s.n_steps - 1)
            label = f"{name}+{lead}"
            true = np.array([FUTURE[name](s, at, h) for h in range(HOMES)])
            np.testing.assert_allclose(shown[label], clipped(task, label, true), atol=2e-5, err_msg=label)
            checked += 1
    assert checked > 1000


def test_persistence_knows_nothing_of_the_future() -> None:
    def observed(change: int) -> Any:
        world = worlds.whole_scenario(days=3)
        load, price, out = np.minimum(world.load_kw, 1.0), world.price_import_eur_kwh.copy(), world.t_out_c.copy()
        load[change:], price[change:], out[change:] = 0.1, 0.3, 7.0
        pv = world.pv_kw.copy()
        pv[change:] *= 0.5
        low_high = {"load_kw": load, "price_import_eur_kwh": price, "t_out_c": out, "pv_kw": pv}
        task = make(
            scenario=worlds.whole_scenario(days=3, **low_high),
            feeder=None,
            observation_set="forecast",
            forecast="persistence",
        )
        simulator = Simulator(task, 1, 0)
        simulator.reset()
        rows = []
        for _ in range(100 - 20):
            simulator.step_default()
            shown = physical(task, simulator.obs[0])
            rows.append([shown[name][0] for name in task.observation_names if name.startswith("forecast")])
        return np.array(rows)

    # values of step t itself are known in step t, so that a change at step 100 shows from the 80th row on
    np.testing.assert_allclose(observed(100)[:79], observed(150)[:79], atol=1e-5)
    assert np.abs(observed(100)[79] - observed(150)[79]).max() > 1e-3


def errors(n_envs: int = 40, steps: int = 20, **changes: Any) -> tuple[Task, Any]:
    """Errors of noisy forecasts in shares of the range, (E, T, H, entries); and the task."""
    # ranges far wider than the values, so that nothing is clipped
    n = 288
    flat = {
        "price_import_eur_kwh": np.append(np.full(n - 2, 0.5), [0.0, 1.0]),
        "load_kw": np.full((n, 1), 1.0) + np.append(np.zeros(n - 6), np.full(6, 2.0))[:, None],
        "pv_kw": np.full((n, 1), 2.0) + np.append(np.zeros(n - 6), np.full(6, 2.0))[:, None],
        "t_out_c": np.full(n, 10.0),
    }
    options: dict[str, Any] = {"forecast": "noisy", "forecast_sigma": 0.1, "forecast_h": (0.25, 6.0, 24.0)}
    task = make(
        scenario=worlds.scenario(days=3, **flat), feeder=None, **(options | changes), observation_set="forecast"
    )
    simulator = Simulator(task, n_envs, 7)
    simulator.reset()
    rows = [simulator.obs.copy()]
    for _ in range(steps - 1):
        simulator.step_default()
        rows.append(simulator.obs.copy())
    names = [i for i, name in enumerate(task.observation_names) if name.startswith("forecast")]
    low, high = task.observation_ranges
    truth = np.array([{"t_out": 10.0, "price": 0.5, "pv": 2.0, "load": 1.0}[task.observation_names[i].split("+")[0][9:]]
                      for i in names])  # fmt: skip
    shown = 0.5 * (np.stack(rows, 1)[..., names].astype(float) + 1.0)
    return task, shown - ((truth - low[:, names]) / (high - low)[:, names])


def test_noisy_forecasts_err_normally_and_more_with_the_lead_time() -> None:
    _, error = errors()
    n = error.shape[0] * error.shape[1]
    flat = error.reshape(n, 4, 3)
    spread = flat.std(axis=0)
    wanted = 0.1 * np.sqrt(np.array([1, 24, 96]) / 96)
    np.testing.assert_allclose(spread, np.broadcast_to(wanted, (4, 3)), rtol=5.0 / np.sqrt(2 * n))
    assert np.abs(flat.mean(axis=0) / wanted).max() < 5.0 / np.sqrt(n)
    table = flat.reshape(n, -1)
    apart = np.corrcoef(table, rowvar=False) - np.eye(12)
    assert np.abs(apart).max() < 5.0 / np.sqrt(n)  # entries err independently ...
    assert abs(np.corrcoef(error[:, 1:].ravel(), error[:, :-1].ravel())[0, 1]) < 5.0 / np.sqrt(error.size)  # and steps


def test_looking_twice_shows_the_same_noise_and_copies_do_not_matter() -> None:
    options: dict[str, Any] = {"forecast": "noisy", "occupancy": "noisy", "occupancy_accuracy": 0.7, "starts": [0, 40]}
    task = make(**options)
    many, one = Simulator(task, 5, 11), Simulator(task, 1, 11, first_env=3)
    for simulator in (many, one):
        simulator.reset()
    rng = np.random.default_rng(0)
    for _ in range(30):
        a = rng.uniform(-1, 1, many._commands.shape)
        many.step(a)
        one.step(a[3:4])
        assert many.obs[3].tobytes() == one.obs[0].tobytes()
    kept, seen = many.snapshot(), []
    for _ in range(2):
        many.restore(kept)
        many.step(a)
        seen.append(many.obs.copy())
    assert seen[0].tobytes() == seen[1].tobytes()
    other = Simulator(task, 5, 12)
    other.reset()
    assert not np.array_equal(other.obs, many.obs)
    i = task.observation_names.index("forecast_t_out+96")
    assert np.unique(many.obs[:, :, i]).size == many.obs[:, :, i].size  # each copy and home errs by itself


@pytest.mark.parametrize("accuracy", [0.5, 0.8, 0.95])
def test_noisy_occupancy_is_right_as_often_as_stated(accuracy: float) -> None:
    task = make(occupancy="noisy", occupancy_accuracy=accuracy, feeder=None, observation_set="local")
    simulator = Simulator(task, 30, 5)
    simulator.reset()
    i = task.observation_names.index("occupancy")
    right = []
    for t in range(21, 21 + 40):
        simulator.step_default()
        shown = 0.5 * (simulator.obs[:, :, i] + 1.0)
        right.append(shown == task.scenario.occupancy[t])
    share, n = np.mean(right), np.size(right)
    assert abs(share - accuracy) < 4.0 * np.sqrt(accuracy * (1.0 - accuracy) / n)


@pytest.mark.parametrize(("accuracy", "right"), [(0.0, 0.0), (1.0, 1.0)])
def test_occupancy_is_always_wrong_or_right_at_the_ends(accuracy: float, right: float) -> None:
    task = make(occupancy="noisy", occupancy_accuracy=accuracy)
    simulator = Simulator(task, 4, 5)
    simulator.reset()
    i = task.observation_names.index("occupancy")
    for t in range(21, 40):
        simulator.step_default()
        shown = 0.5 * (simulator.obs[:, :, i] + 1.0)
        assert (shown == task.scenario.occupancy[t]).mean() == right


def test_occupancy_from_the_meter_is_the_inferred_one_and_comfort_follows_the_true_one() -> None:
    true, meter = make(occupancy="true"), make(occupancy="meter")
    one, other = Simulator(true, 1, 0), Simulator(meter, 1, 0)
    one.reset()
    other.reset()
    i = true.observation_names.index("occupancy")
    for t in range(21, 60):
        one.step_default()
        other.step_default()
        np.testing.assert_allclose(0.5 * (other.obs[0, :, i] + 1.0), meter.scenario.occupancy_meter[t], atol=1e-6)
        assert one.terms["discomfort_kh"].tobytes() == other.terms["discomfort_kh"].tobytes()
    assert not np.array_equal(one.obs[..., i], other.obs[..., i])


def test_many_leads_do_not_share_their_noise() -> None:
    _, error = errors(n_envs=2, steps=3, forecast_sigma=0.02, forecast_h=tuple(0.25 * np.arange(1, 200)))
    values = error.reshape(-1)
    assert np.unique(values).size > 0.99 * values.size
