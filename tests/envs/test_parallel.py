"""PettingZoo's face: its own checkers pass, and it is the Gymnasium environment taken apart."""

from __future__ import annotations

import importlib
import sys
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
import worlds
from gymnasium import spaces

from entangrid.data.errors import InputError

pytest.importorskip("pettingzoo")
from pettingzoo.test import parallel_api_test, parallel_seed_test

from entangrid.envs import registration
from entangrid.envs.parallel import BatchParallelEnv, _split_action, make_parallel

STATIONS = {"entangrid/Charging-v0": {}, "entangrid/Dispatch-v0": {"episode_steps": 40}}


def homes(**changes: Any) -> BatchParallelEnv:
    options: dict[str, Any] = {"scenario": worlds.scenario(days=2, homes=3), "episode_steps": 12}
    return make_parallel("entangrid/Home-v0", **(options | changes))


CASES = [
    *[pytest.param(lambda name=name, kw=kw: make_parallel(name, **kw), id=name) for name, kw in STATIONS.items()],
    pytest.param(homes, id="homes"),
    pytest.param(lambda: homes(action_set="discrete"), id="homes-discrete"),
    pytest.param(lambda: homes(action_set="multi-discrete"), id="homes-multi-discrete"),
    pytest.param(lambda: homes(feeder="rural1", observation_set="feeder"), id="homes-feeder"),
    pytest.param(lambda: homes(shared_reward=True), id="homes-shared"),
]


def draw(env: BatchParallelEnv, rng: np.random.Generator) -> dict[str, Any]:
    """One random action for each agent."""
    actions: dict[str, Any] = {}
    for agent in env.agents:
        space = env.action_space(agent)
        space.seed(int(rng.integers(2**31)))
        actions[agent] = space.sample()
    return actions


@pytest.mark.parametrize("make", CASES)
def test_pettingzoo_s_checkers_accept_it(make: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*overflow.*")
        parallel_api_test(make(), num_cycles=60)
        parallel_seed_test(make, num_cycles=30)


@pytest.mark.parametrize("make", CASES)
def test_rewards_add_up_and_all_are_truncated_together(make: Any) -> None:
    env, rng = make(), np.random.default_rng(0)
    observations, infos = env.reset(seed=1)
    assert observations.keys() == infos.keys() == set(env.possible_agents)
    for step in range(env.simulator.episode_steps):
        last = step == env.simulator.episode_steps - 1
        observations, rewards, terminated, truncated, infos = env.step(draw(env, rng))
        assert sum(rewards.values()) == pytest.approx(env.simulator.reward[0], rel=1e-12, abs=1e-12)
        assert not any(terminated.values())
        assert set(truncated.values()) == {last}
        for agent, seen in observations.items():
            assert env.observation_space(agent).contains(seen)
        assert env.state_space.contains(env.state())
    assert env.agents == []
    assert env.step({}) == ({}, {}, {}, {}, {})
    env.reset()
    assert env.agents == env.possible_agents


@pytest.mark.parametrize("name", STATIONS)
def test_a_station_s_agents_act_as_one_environment(name: str) -> None:
    env, whole = make_parallel(name, seed=2, **STATIONS[name]), gymnasium.make(name, seed=2, **STATIONS[name]).unwrapped
    rng = np.random.default_rng(3)
    env.reset()
    whole.reset()
    for _ in range(10):
        actions = draw(env, rng)
        observations, *_, infos = env.step(actions)
        together = np.concatenate([np.atleast_1d(actions[agent]) for agent in env.possible_agents])
        seen, _, _, _, info = whole.step(together if isinstance(whole.action_space, spaces.Box) else together[0])
        for i, agent in enumerate(env.possible_agents):
            np.testing.assert_array_equal(observations[agent], seen)
            own = {key: value[i] if np.ndim(value) else value for key, value in info.items()}
            assert infos[agent] == own
        np.testing.assert_array_equal(env.state(), seen)


def test_homes_see_and_earn_their_own() -> None:
    env, shared = homes(), homes(shared_reward=True)
    rng = np.random.default_rng(4)
    env.reset(seed=5)
    shared.reset(seed=5)
    assert env.possible_agents == ["home-1", "home-2", "home-3"]
    n = env.state().size // 3
    for _ in range(12):
        actions = draw(env, rng)
        observations, rewards, _, _, infos = env.step(actions)
        again, mean, _, _, _ = shared.step(actions)
        for h, agent in enumerate(env.possible_agents):
            np.testing.assert_array_equal(observations[agent], env.state()[h * n : (h + 1) * n])
            np.testing.assert_array_equal(observations[agent], again[agent])
            assert rewards[agent] == infos[agent]["reward_eur"] == env.simulator.terms[0, h]["reward_eur"]
            assert mean[agent] == pytest.approx(sum(rewards.values()) / 3)
    assert len(set(rewards.values())) == 3


def test_an_agent_s_action_moves_its_own_home_alone() -> None:
    env = homes()
    idle = {agent: np.zeros(env.action_space(agent).shape, np.float32) for agent in env.possible_agents}
    env.reset(seed=0)
    env.step(idle)
    calm = env.simulator.terms[0].copy()
    env.reset(seed=0)
    env.step(idle | {"home-2": np.ones_like(idle["home-2"])})
    moved = env.simulator.terms[0]
    assert moved[1]["p_grid_kw"] != calm[1]["p_grid_kw"]
    assert moved[[0, 2]].tobytes() == calm[[0, 2]].tobytes()


@pytest.mark.parametrize("make", CASES)
def test_snapshot_returns_to_the_same_bits(make: Any) -> None:
    env, rng = make(), np.random.default_rng(6)
    env.reset(seed=7)
    env.step(draw(env, rng))
    kept, actions = env.snapshot(), draw(env, rng)
    first = env.step(actions)
    env.restore(kept)
    second = env.step(actions)
    for one, two in zip(first, second, strict=True):
        for agent in env.possible_agents:
            np.testing.assert_equal(one[agent], two[agent])
    while env.agents:
        env.step(draw(env, rng))
    ended = env.snapshot()
    env.reset()
    env.restore(ended)
    assert env.agents == []


def test_wrong_agents_and_tasks_are_named() -> None:
    env = make_parallel("entangrid/Dispatch-v0")
    env.reset()
    with pytest.raises(InputError, match="agent 'dispatcher' has no action"):
        env.step({})
    with pytest.raises(InputError, match="agent 'nobody' is unknown"):
        env.step({"dispatcher": 1, "nobody": 2})
    with pytest.raises(InputError, match=r"entangrid/None-v0.*expected one of entangrid/"):
        make_parallel("entangrid/None-v0")


@pytest.mark.parametrize("name", [n for n in registration.TASKS if f"entangrid/{n}" not in STATIONS])
def test_registered_tasks_of_homes_pass_the_checkers(name: str) -> None:
    env = make_parallel(f"entangrid/{name}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*overflow.*")
        parallel_api_test(env, num_cycles=100)
        parallel_seed_test(lambda: make_parallel(f"entangrid/{name}", scenario=env.task.scenario), num_cycles=5)
    assert env.metadata["name"] == f"entangrid_{name.replace('-', '_').lower()}"
    assert env.max_num_agents == (50 if name == "Feeder-v0" else 1)


def test_masks_go_with_the_agents_own_spaces() -> None:
    """An empty battery cannot discharge: of home-2's five levels the two below standing still are masked."""
    for action_set in ("discrete", "multi-discrete"):
        env = homes(action_set=action_set, controls=["battery"])
        _, infos = env.reset()
        env.simulator.state["soc"][0, 1] = 0.0
        *_, infos = env.step(dict.fromkeys(env.agents, [2] if action_set == "multi-discrete" else 2))
        env.simulator.state["soc"][0, 1] = 0.0
        masks = [m["action_mask"] for m in env._masks()]
        empty, other = (m[0] if action_set == "multi-discrete" else m for m in (masks[1], masks[0]))
        assert empty.tolist() == [0, 0, 1, 1, 1]
        assert other.tolist() == [1] * 5
        for agent in env.agents:
            assert env.action_space(agent).sample(infos[agent]["action_mask"]) is not None
    assert "action_mask" not in homes().reset()[1]["home-1"]


@pytest.mark.parametrize(
    ("space", "joint", "expected"),
    [
        (spaces.MultiDiscrete([3, 3]), True, [spaces.Discrete(3)] * 2),
        (spaces.MultiDiscrete([3, 3]), False, [spaces.MultiDiscrete([3])] * 2),
        (spaces.MultiDiscrete([2, 3, 2, 3]), False, [spaces.MultiDiscrete([2, 3])] * 2),
        (spaces.Box(-1.0, 1.0, (4,)), False, [spaces.Box(-1.0, 1.0, (2,))] * 2),
    ],
)
def test_actions_are_shared_out_in_equal_parts(space: Any, joint: bool, expected: list[Any]) -> None:
    assert _split_action(space, 2, joint=joint) == expected


def test_an_action_without_equal_parts_is_refused() -> None:
    for space in (spaces.Box(-1.0, 1.0, (3,)), spaces.MultiDiscrete([2, 2, 2]), spaces.Discrete(4)):
        with pytest.raises(InputError, match="cannot be shared out among 2 agents"):
            _split_action(space, 2)


def test_without_pettingzoo_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pettingzoo", None)
    monkeypatch.delitem(sys.modules, "entangrid.envs.parallel")
    with pytest.raises(InputError, match=r'pip install "entangrid\[multiagent\]"'):
        importlib.import_module("entangrid.envs.parallel")
