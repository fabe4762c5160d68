"""Dispatch-v0 through Gymnasium and Stable-Baselines3: the checkers, the copies, the snapshots, the episode ends."""

from __future__ import annotations

from typing import Any

import faces
import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import entangrid  # noqa: F401 - registers the tasks
from entangrid.data.errors import InputError
from entangrid.envs.dispatch import DispatchEnv, DispatchSimulator, DispatchTask

SHORT = DispatchTask(episode_steps=12)
ID = "entangrid/Dispatch-v0"


def make(n_envs: int, seed: int, **keywords: Any) -> DispatchSimulator:
    return DispatchSimulator(SHORT, n_envs, seed, **keywords)


def test_copies_equal_singles_bit_for_bit() -> None:
    faces.check_copies_equal_singles(make, 40)


def test_restored_equals_straight_bit_for_bit() -> None:
    faces.check_restored_equals_straight(make, 30)


def test_same_seed_same_bits() -> None:
    faces.check_same_seed_same_bits(make, 30)


def test_gymnasium_checker_passes() -> None:
    env = gymnasium.make(ID, episode_steps=20)
    assert isinstance(env.unwrapped, DispatchEnv)
    check_env(env.unwrapped, skip_render_check=True)


def test_sb3_checker_passes() -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(gymnasium.make(ID).unwrapped)


def test_vector_env_restarts_in_the_step_that_ends() -> None:
    env = gymnasium.make_vec(ID, num_envs=3, vectorization_mode="vector_entry_point", episode_steps=4, seed=2)
    obs, _ = env.reset(seed=2)
    assert env.observation_space.contains(obs)
    for _ in range(3):
        _, _, _, truncated, info = env.step(np.array([0, 1, 2]))
        assert not truncated.any()
        assert "final_obs" not in info
    obs, _, terminated, truncated, info = env.step(np.array([0, 1, 2]))
    assert truncated.all()
    assert not terminated.any()
    assert (obs[:, 1:] == 0.0).all()  # a new episode: all points idle
    assert all(final[1 + p] > 0.0 for p, final in enumerate(info["final_obs"]))
    assert info["response_h"].shape == (3,)


def test_sb3_vec_env_bootstraps_through_the_end() -> None:
    pytest.importorskip("stable_baselines3")
    from entangrid.envs import make_sb3

    env = make_sb3(ID, n_envs=2, seed=1, episode_steps=3, terms_in_info=True)
    env.reset()
    total = np.zeros(2)
    for k in range(3):
        obs, reward, done, infos = env.step(np.array([4, 7]))
        total += reward
        assert done.all() == (k == 2)
    assert infos[0]["TimeLimit.truncated"]
    assert infos[1]["terminal_observation"].shape == obs[1].shape
    assert infos[0]["episode"]["r"] == pytest.approx(total[0], rel=1e-5)
    assert infos[0]["episode"]["l"] == 3
    assert infos[0]["cost_cny"] > 0.0
    assert len({float(i["length_h"]) for i in infos}) == 2


def test_info_holds_every_term_with_the_reward() -> None:
    env = DispatchEnv(DispatchTask(), seed=3)
    env.reset()
    _, reward, _, _, info = env.step(9)
    assert info["reward"] == reward
    assert info["profit_cny"] == pytest.approx(info["revenue_cny"] - info["cost_cny"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("arrivals_per_h", 0.0),
        ("length_mean_h", float("nan")),
        ("type_share", 1.5),
        ("episode_steps", 0),
        ("speed", (1.0,)),
        ("speed", (0.0,) * 10),
        ("point_type", (2,) * 10),
        ("price_cny_h", (1.0,)),
        ("fee_cny_h", float("inf")),
    ],
)
def test_bad_arguments_are_named(field: str, value: Any) -> None:
    with pytest.raises(InputError, match=field):
        DispatchTask(**{field: value})


def test_a_point_that_does_not_exist_is_refused() -> None:
    env = DispatchEnv(DispatchTask())
    env.reset()
    with pytest.raises(InputError, match="charge point 0 to 9"):
        env.step(10)


def test_a_snapshot_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="snapshot"):
        make(2, 0).restore(make(3, 0).snapshot())


def test_no_environments_are_refused() -> None:
    with pytest.raises(InputError, match="n_envs is 0"):
        make(0, 0)
