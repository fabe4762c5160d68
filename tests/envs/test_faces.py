"""Gymnasium and SB3 faces: their checkers pass, copies equal singles, the same seed gives the same bits."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
import worlds
from gymnasium.utils.env_checker import check_env as gymnasium_check
from stable_baselines3.common.env_checker import check_env as sb3_check

import entangrid
from entangrid.data.errors import InputError
from entangrid.envs import HomeEnv, HomeVecEnv, HomeVectorEnv, Simulator, Task, make_sb3
from entangrid.envs.layout import TERMS


def task(**changes: Any) -> Task:
    options: dict[str, Any] = {"scenario": worlds.scenario(days=3), "episode_steps": 24, "random_state": True}
    return Task.make(**(options | changes))


@pytest.mark.parametrize("action_set", ["continuous", "discrete"])
@pytest.mark.parametrize("homes", [1, 3])
def test_checkers_accept_the_environment(action_set: str, homes: int) -> None:
    env = HomeEnv(task(scenario=worlds.scenario(days=3, homes=homes), action_set=action_set))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*spec is None.*|.*render.*|.*overflow.*")
        gymnasium_check(env, skip_render_check=True)
        sb3_check(env)


def test_registered_name_makes_the_environment() -> None:
    assert entangrid.__version__
    env = gymnasium.make("entangrid/Home-v0", scenario=worlds.scenario(days=2), seed=3)
    gymnasium_check(env.unwrapped, skip_render_check=True)
    vector = gymnasium.make_vec(
        "entangrid/Home-v0",
        num_envs=5,
        vectorization_mode="vector_entry_point",
        scenario=worlds.scenario(days=2),
    )
    obs, _ = vector.reset(seed=1)
    assert obs.shape == (5, 12)
    assert vector.observation_space.contains(obs)


def test_sb3_face_by_name_and_unknown_names_are_refused() -> None:
    env = make_sb3("entangrid/Home-v0", n_envs=4, seed=0, scenario=worlds.scenario(days=2))
    assert env.reset().shape == (4, 12)
    with pytest.raises(InputError, match=r"Home-v9.*expected one of .*entangrid/Home-v0"):
        make_sb3("entangrid/Home-v9")


def test_n_copies_equal_n_singles_bit_for_bit() -> None:
    shared, n = task(), 7
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1.2, 1.2, (60, n, 2)).astype(np.float32)
    many = HomeVectorEnv(shared, n, seed=11)
    many_sb3 = HomeVecEnv(shared, n, seed=11, terms_in_info=True)
    singles = [HomeEnv(shared, seed=11, env_id=e) for e in range(n)]
    obs, _ = many.reset()
    np.testing.assert_array_equal(obs, many_sb3.reset())
    for e, single in enumerate(singles):
        np.testing.assert_array_equal(single.reset()[0], obs[e])
    for a in actions:
        obs, reward, terminated, truncated, info = many.step(a)
        obs_sb3, reward_sb3, done_sb3, infos = many_sb3.step(a)
        np.testing.assert_array_equal(obs, obs_sb3)
        np.testing.assert_array_equal(reward.astype(np.float32), reward_sb3)
        np.testing.assert_array_equal(truncated, done_sb3)
        assert not terminated.any()
        for e, single in enumerate(singles):
            o, r, _, t, i = single.step(a[e])
            assert r == reward[e]
            assert t == truncated[e]
            assert all(i[name] == info[name][e] == infos[e][name] for name in TERMS.names)
            if t:
                np.testing.assert_array_equal(o, info["final_obs"][e])
                np.testing.assert_array_equal(o, infos[e]["terminal_observation"])
                assert infos[e]["TimeLimit.truncated"] is True
                o, _ = single.reset()
            np.testing.assert_array_equal(o, obs[e])


def test_same_seed_gives_the_same_bits_and_another_seed_does_not() -> None:
    def play(seed: int) -> np.ndarray:
        env = HomeVecEnv(task(), 3, seed)
        seen = [env.reset()]
        rng = np.random.default_rng(5)
        for _ in range(50):
            seen.append(env.step(rng.uniform(-1, 1, (3, 2)))[0])
        return np.stack(seen)

    np.testing.assert_array_equal(play(1), play(1))
    assert not np.array_equal(play(1), play(2))


def test_reset_with_a_seed_repeats_and_without_goes_on() -> None:
    env = HomeEnv(task())
    first, _ = env.reset(seed=4)
    second, _ = env.reset()
    again, _ = env.reset(seed=4)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("face", [HomeEnv, lambda t: HomeVecEnv(t, 4)])
def test_snapshot_returns_to_the_same_bits(face: Any) -> None:
    env = face(task())
    env.reset()
    n = getattr(env, "num_envs", None)
    rng = np.random.default_rng(1)
    actions = rng.uniform(-1, 1, (40, 2) if n is None else (40, n, 2))
    for a in actions[:10]:
        env.step(a)
    kept = env.snapshot()

    def rest() -> list[Any]:
        return [env.step(a)[:2] for a in actions[10:20]]

    one = rest()
    env.restore(kept)
    two = rest()
    for (o1, r1), (o2, r2) in zip(one, two, strict=True):
        np.testing.assert_array_equal(o1, o2)
        np.testing.assert_array_equal(r1, r2)


def test_snapshot_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="snapshot is of"):
        Simulator(task(), 2).restore(Simulator(task(), 3).snapshot())


def test_rewards_of_an_episode_sum_to_minus_its_objective() -> None:
    env = HomeEnv(task(episode_steps=96))
    env.reset()
    value = env.simulator.stored_value_eur()
    total = costs = 0.0
    rng = np.random.default_rng(2)
    for _ in range(96):
        _, reward, _, _, info = env.step(rng.uniform(-1, 1, 2))
        total += reward
        costs += info["bill_eur"] + info["carbon_eur"] + info["discomfort_eur"] + info["wear_eur"]
    assert total == pytest.approx(env.simulator.stored_value_eur() - value - costs, abs=1e-9)


def test_observation_of_a_step_shows_its_price_load_and_pv() -> None:
    world = worlds.scenario(days=2)
    env = HomeEnv(Task.make(world, starts=[40], episode_steps=8))
    obs, _ = env.reset()
    low, high = (r[0] for r in env.task.observation_ranges)
    shown = low + 0.5 * (obs + 1.0) * (high - low)
    assert shown[2] == pytest.approx(world.price_import_eur_kwh[40], abs=1e-6)
    assert shown[3] == pytest.approx(world.price_import_eur_kwh[41:57].mean(), abs=1e-6)
    assert shown[8] == pytest.approx(min(world.pv_kw[40, 0], high[8]), abs=1e-5)
    assert shown[9] == pytest.approx(min(world.load_kw[40, 0], high[9]), abs=1e-5)
    _, _, _, _, info = env.step(np.zeros(2))
    assert info["p_load_kw"] == world.load_kw[40, 0]


def test_discrete_actions_mean_their_grid_points() -> None:
    from entangrid.envs.actions import grid

    table = grid(("battery", "heat_pump"))

    discrete, continuous = HomeEnv(task(action_set="discrete")), HomeEnv(task())
    discrete.reset(seed=0)
    continuous.reset(seed=0)
    for a in range(len(table)):
        one, two = discrete.step(a)[4], continuous.step(table[a])[4]
        assert one["p_battery_kw"] == two["p_battery_kw"]
        assert one["p_hp_kw"] == two["p_hp_kw"]
        if a % 20 == 19:
            discrete.reset()
            continuous.reset()


def test_sequential_starts_are_taken_in_order_across_copies() -> None:
    env = Simulator(task(starts=[0, 24, 48, 96], sequential=True), 3)
    env.reset()
    assert env.clock[:, 2].tolist() == [0, 24, 48]
    env.reset()
    assert env.clock[:, 2].tolist() == [96, 0, 24]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"action_set": "analog"}, "action_set is 'analog'"),
        ({"episode_steps": 0}, "episode_steps is 0"),
        ({"episode_steps": 10_000}, "episode_steps is 10000; expected a whole number, 1 to the scenario's 288"),
        ({"episode_steps": 1.7}, "episode_steps is 1.7; expected a whole number"),
        ({"starts": []}, "starts is empty"),
        ({"starts": [1.5]}, "starts holds a number that is not whole"),
        ({"initial": (0.5, 0.5, float("nan"), 21, 20, 21)}, "initial is"),
        ({"starts": [280]}, "an episode of 24 steps from step 280 leaves"),
        ({"initial": (0.5, 0.4, 20, 21, 20, 21)}, "initial is"),
        ({"initial": (0.5, 1.4, 20, 21, 20, 21)}, "initial soc is 0.5 to 1.4"),
        ({"carbon_price_eur_kg": -1.0}, "carbon_price_eur_kg is -1"),
        ({"scenario": "nowhere"}, "nowhere"),
    ],
)
def test_bad_task_arguments_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        task(**changes)


def test_actions_that_are_no_numbers_and_no_environments_are_refused() -> None:
    with pytest.raises(InputError, match="n_envs is 0"):
        Simulator(task(), 0)
    env = HomeEnv(task())
    env.reset()
    with pytest.raises(InputError, match="action of environment 0, home 0 is not finite"):
        env.step(np.array([np.nan, 0.0]))


def test_vec_env_attributes_follow_sb3s_protocol() -> None:
    from stable_baselines3.common.monitor import Monitor

    env = HomeVecEnv(task(), 3)
    assert env.get_attr("num_envs") == [3, 3, 3]
    env.set_attr("mark", 7)
    assert env.get_attr("mark", 0) == [7]
    assert env.env_method("snapshot", indices=[1])[0]["clock"].shape == (3, 4)
    assert env.env_is_wrapped(Monitor) == [True] * 3  # episodes carry their return and length
    assert env.env_is_wrapped(gymnasium.Wrapper) == [False] * 3
    env.seed(9)
    first = env.reset()
    env.seed(9)
    np.testing.assert_array_equal(first, env.reset())
    env.close()


def test_an_ended_episode_goes_no_further_before_reset() -> None:
    env = HomeEnv(task(scenario=worlds.scenario(days=1), episode_steps=96))
    env.reset()
    for _ in range(96):
        *_, truncated, _ = env.step(np.zeros(2))
    assert truncated
    with pytest.raises(InputError, match="episode of environment 0 has ended; call reset before step"):
        env.step(np.zeros(2))
    env.reset()
    env.step(np.zeros(2))


@pytest.mark.parametrize("action", [-1, 25, 3.7, float("nan"), [1, 2]])
def test_actions_outside_the_discrete_set_are_refused(action: Any) -> None:
    env = HomeEnv(task(action_set="discrete"))
    env.reset()
    with pytest.raises(InputError, match="actions"):
        env.step(action)


def test_a_wrong_number_of_actions_is_refused() -> None:
    env = HomeEnv(task())
    env.reset()
    with pytest.raises(InputError, match=r"actions have shape \(1, 3\)"):
        env.step(np.zeros(3))
