"""Charging-v0 through Gymnasium and Stable-Baselines3: the checkers, the copies, the snapshots, the episode ends."""

from __future__ import annotations

from typing import Any

import faces
import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import entangrid  # noqa: F401 - registers the tasks
from entangrid.data.errors import InputError
from entangrid.envs.charging import PROFILES, ChargingEnv, ChargingSimulator, ChargingTask

ID = "entangrid/Charging-v0"


def make(n_envs: int, seed: int, **keywords: Any) -> ChargingSimulator:
    return ChargingSimulator(ChargingTask(price_profile=0), n_envs, seed, **keywords)


def test_copies_equal_singles_bit_for_bit() -> None:
    faces.check_copies_equal_singles(make, 60)


def test_restored_equals_straight_bit_for_bit() -> None:
    faces.check_restored_equals_straight(make, 60)


def test_same_seed_same_bits() -> None:
    faces.check_same_seed_same_bits(make, 60)


def test_gymnasium_checker_passes() -> None:
    env = gymnasium.make(ID, price_profile=0)
    assert isinstance(env.unwrapped, ChargingEnv)
    check_env(env.unwrapped, skip_render_check=True)


def test_sb3_checker_passes() -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(gymnasium.make(ID).unwrapped)


def test_vector_env_restarts_in_the_step_that_ends() -> None:
    env = gymnasium.make_vec(ID, num_envs=3, vectorization_mode="vector_entry_point", seed=2)
    first, _ = env.reset(seed=2)
    idle = np.zeros((3, 10), np.float32)
    for hour in range(24):
        obs, reward, terminated, truncated, info = env.step(idle)
        assert env.observation_space.contains(obs)
        assert truncated.all() == (hour == 23)
    assert not terminated.any()
    assert info["p_point_kw"].shape == (3, 10)
    assert info["bill_eur"].shape == reward.shape
    assert all((final[8:] == 0.0).all() for final in info["final_obs"])  # everybody is gone by midnight
    assert (obs[:, 8:] > 0.0).any()
    assert (obs != first).any()  # another day


def test_sb3_vec_env_bootstraps_through_the_end() -> None:
    pytest.importorskip("stable_baselines3")
    from entangrid.envs import make_sb3

    env = make_sb3(ID, n_envs=2, seed=1, terms_in_info=True)
    env.reset()
    total = np.zeros(2)
    for _ in range(24):
        obs, reward, done, infos = env.step(np.ones((2, 10), np.float32))
        total += reward
    assert done.all()
    assert infos[0]["TimeLimit.truncated"]
    assert infos[1]["terminal_observation"].shape == obs[1].shape
    assert infos[0]["episode"]["r"] == pytest.approx(total[0], rel=1e-5)
    assert infos[0]["p_point_kw"].shape == (10,)


def test_four_profiles_have_the_same_mean_and_can_be_chosen_or_drawn() -> None:
    np.testing.assert_allclose(np.mean(PROFILES, 1), 0.10, rtol=1e-12)
    for number in (1, 2, 3, 4):
        simulator = ChargingSimulator(ChargingTask(price_profile=number), 1, 0, autoreset=False)
        simulator.reset()
        seen = []
        for _ in range(24):
            simulator.step(np.zeros((1, 10)))
            seen.append(simulator.info(0)["price_eur_kwh"])
        assert tuple(seen) == PROFILES[number - 1]
    drawn = ChargingSimulator(ChargingTask(price_profile=0), 400, 0)
    drawn.reset()
    assert np.bincount(drawn.profile, minlength=4).min() > 65  # 100 expected, standard deviation 8.7


def test_forecast_is_what_comes() -> None:
    simulator = ChargingSimulator(ChargingTask(), 1, 5, autoreset=False)
    rows = [simulator.reset()[0].copy()]
    for _ in range(23):
        simulator.step(np.zeros((1, 10)))
        rows.append(simulator.obs[0].copy())
        assert simulator.info(0)["p_pv_kw"] == pytest.approx(40.0 * rows[-2][0], rel=1e-6)
    seen = np.array(rows)
    assert seen[:, 0].max() > 0.2
    for k in (1, 2, 3):
        np.testing.assert_array_equal(seen[:-k, 1 + k], seen[k:, 0])
        np.testing.assert_array_equal(seen[:-k, 4 + k], seen[k:, 1])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price_profile", 5),
        ("pv_kwp", -1.0),
        ("capacity_kwh", 0.0),
        ("eta_charge", 1.1),
        ("arrival_per_h", float("nan")),
        ("stay_h", (0, 3)),
        ("stay_h", (5, 4)),
        ("soc_arrival", (0.5, 1.5)),
        ("sunset_h", 3.0),
    ],
)
def test_bad_arguments_are_named(field: str, value: Any) -> None:
    with pytest.raises(InputError, match=field):
        ChargingTask(**{field: value})


def test_an_action_that_is_no_number_is_refused() -> None:
    env = ChargingEnv(ChargingTask())
    env.reset()
    with pytest.raises(InputError, match="point 3 is not finite"):
        env.step(np.array([0, 0, 0, np.nan, 0, 0, 0, 0, 0, 0]))
