"""Copies, threads, seeds and snapshots of whole homes on a feeder: the same bits every way."""

from __future__ import annotations

from typing import Any

import faces
import numpy as np
import pytest
import worlds

from entangrid.data.errors import InputError
from entangrid.envs import HomeEnv, HomeVecEnv, HomeVectorEnv, Simulator, Task, make_sb3
from entangrid.envs.layout import FEEDER_TERMS, TERMS

STEPS = 12  # of an episode


def make(**changes: Any) -> Task:
    options: dict[str, Any] = {
        "scenario": worlds.whole_scenario(homes=3),
        "feeder": "rural1",
        "observation_set": "feeder",
        "forecast": "noisy",
        "occupancy": "noisy",
        "random_state": True,
        "episode_steps": STEPS,
    }
    return Task.make(**(options | changes))


TASK = make()


def simulator(n_envs: int, seed: int, **changes: Any) -> Simulator:
    return Simulator(TASK, n_envs, seed, **changes)


def everything(s: Simulator) -> bytes:
    kept = s.snapshot()
    return b"".join(kept[name].tobytes() for name in sorted(kept) if name != "seed")


@pytest.mark.parametrize("n_envs", [1, 2, 5])
def test_threads_change_no_bit(n_envs: int) -> None:
    all_of_them = [simulator(n_envs, 3, threads=threads) for threads in (1, 2, 3)]
    for s in all_of_them:
        s.reset()
    rng = np.random.default_rng(0)
    ended = 0
    for _ in range(2 * STEPS + 3):
        actions = faces.draw_actions(all_of_them[0], rng)
        for s in all_of_them:
            s.step(actions)
        assert everything(all_of_them[0]) == everything(all_of_them[1]) == everything(all_of_them[2])
        ended += int(all_of_them[0].truncated.sum())
    assert ended == 2 * n_envs
    for s in all_of_them:
        s.step_default()
    assert everything(all_of_them[0]) == everything(all_of_them[2])


def test_an_error_leaves_threads_usable() -> None:
    s = simulator(4, 0, threads=2)
    s.reset()
    with pytest.raises(InputError, match="not finite"):
        s.step(np.full((4, 3, len(TASK.controls)), np.nan))
    s.step_default()
    for bad, message in (({"threads": 0}, "threads is 0"), ({"n_envs": 0}, "n_envs is 0")):
        with pytest.raises(InputError, match=message):
            Simulator(TASK, **bad)


def test_copies_equal_singles_with_every_device_and_a_feeder() -> None:
    faces.check_copies_equal_singles(simulator, 2 * STEPS + 3)
    batch = simulator(3, 5)
    singles = [simulator(1, 5, first_env=e) for e in range(3)]
    for s in (batch, *singles):
        s.reset()
    rng = np.random.default_rng(1)
    for _ in range(2 * STEPS + 3):
        a = faces.draw_actions(batch, rng)
        batch.step(a)
        for e, single in enumerate(singles):
            single.step(a[e : e + 1])
            for name in ("feeder_terms", "feeder_seen", "state", "transformer", "nodes", "current"):
                assert getattr(batch, name)[e].tobytes() == getattr(single, name)[0].tobytes(), name


def test_restored_runs_and_seeds_give_the_same_bits() -> None:
    faces.check_restored_equals_straight(simulator, STEPS)
    faces.check_same_seed_same_bits(simulator, STEPS)


def test_a_snapshot_of_another_task_is_refused() -> None:
    ours, other = simulator(1, 0), Simulator(make(feeder=None, observation_set="local"), 1, 0)
    with pytest.raises(InputError, match=r"snapshot: .* does not fit this task"):
        other.restore(ours.snapshot())
    with pytest.raises(InputError, match="snapshot is of"):
        ours.restore({})


def test_a_masked_reset_touches_only_those_it_names() -> None:
    s = simulator(4, 2)
    s.reset()
    for _ in range(3):
        s.step_default()
    before = s.snapshot()
    mask = np.array([False, True, False, True])
    s.reset(mask)
    after = s.snapshot()
    for name, value in before.items():
        if name != "seed":
            assert np.array_equal(value[~mask], after[name][~mask]), name
    assert (after["clock"][mask, 3] == before["clock"][mask, 3] + 1).all()
    assert not np.array_equal(before["obs"][mask], after["obs"][mask])


def test_an_ended_episode_restarts_in_the_same_step_and_shows_its_last_observation() -> None:
    vector, single = HomeVectorEnv(TASK, 2, seed=4), HomeEnv(TASK, seed=4, env_id=1)
    vector.reset()
    single.reset()
    rng = np.random.default_rng(0)
    for i in range(2 * STEPS):
        a = rng.uniform(-1, 1, (2, 3 * len(TASK.controls))).astype(np.float32)
        obs, reward, terminated, truncated, info = vector.step(a)
        o, r, _, t, single_info = single.step(a[1])
        assert r == reward[1]
        assert t == truncated[1] == (i % STEPS == STEPS - 1)
        assert not terminated.any()
        for name in (*TERMS.names, *FEEDER_TERMS.names):
            np.testing.assert_array_equal(info[name][1], single_info[name], err_msg=name)
        if t:
            np.testing.assert_array_equal(info["final_obs"][1], o)
            assert info["_final_obs"].all()
            o, _ = single.reset()
            assert vector.simulator.clock[1, 1] == vector.simulator.clock[1, 2]
        else:
            assert "final_obs" not in info
        np.testing.assert_array_equal(obs[1], o)


def test_sb3_gets_masks_terms_and_threads() -> None:
    task = make(action_set="multi-discrete")
    env = HomeVecEnv(task, 4, seed=1, threads=2, terms_in_info=True)
    env.reset()
    masks = env.action_masks()
    assert masks.shape == (4, int(env.action_space.nvec.sum()))
    one = env.env_method("action_masks", indices=[2])
    np.testing.assert_array_equal(one[0], masks[2])
    assert len(env.env_method("action_masks")) == 4
    rng = np.random.default_rng(0)
    returns = np.zeros(4)
    for i in range(STEPS):
        actions = np.stack([rng.integers(0, env.action_space.nvec) for _ in range(4)])
        _, reward, done, infos = env.step(actions)
        returns += env.simulator.reward
        assert reward.dtype == np.float32
        assert done.all() == done.any() == (i == STEPS - 1)
        assert set(infos[0]) >= {*TERMS.names, *FEEDER_TERMS.names}
        assert infos[3]["feeder_eur"] == env.simulator.feeder_terms["feeder_eur"][3]
    for e in range(4):
        assert infos[e]["episode"]["r"] == pytest.approx(returns[e])
        assert infos[e]["episode"]["l"] == STEPS
        assert infos[e]["TimeLimit.truncated"] is True
        assert infos[e]["terminal_observation"].shape == env.observation_space.shape
    named = make_sb3(
        "entangrid/Home-v0", n_envs=2, threads=2, scenario=worlds.whole_scenario(), controls=["battery"], seed=3
    )
    assert named.reset().shape[0] == 2


@pytest.mark.parametrize("feeder", [None, "rural1"])
def test_rewards_of_an_episode_sum_to_minus_its_objective(feeder: str | None) -> None:
    task = make(feeder=feeder, observation_set="local", episode_steps=120, carbon_price_eur_kg=0.1)
    s = Simulator(task, 1, 0, autoreset=False)
    s.reset()
    start, paid, total = s.stored_value_eur(), 0.0, 0.0
    rng = np.random.default_rng(2)
    spent = set()
    for _ in range(120):
        s.step(faces.draw_actions(s, rng))
        total += s.reward[0]
        for name in ("bill", "carbon", "discomfort", "wear", "unmet", "grid"):
            amount = float(s.terms[f"{name}_eur"].sum())
            paid += amount
            spent |= {name} if amount != 0.0 else set()
    assert total == pytest.approx(s.stored_value_eur() - start - paid, abs=1e-9)
    assert spent == {"bill", "carbon", "discomfort", "wear", "unmet"} | ({"grid"} if feeder else set())
