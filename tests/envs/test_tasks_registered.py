"""Every registered task: the libraries' own checkers, and docstrings that say what its spaces are."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
import worlds
from gymnasium.utils.env_checker import check_env as gymnasium_check
from stable_baselines3.common.env_checker import check_env as sb3_check

import entangrid.data
from entangrid.data.errors import InputError
from entangrid.envs import make_sb3
from entangrid.envs.actions import LEVELS
from entangrid.envs.gym import CLASSES, make_home_simulator, make_task
from entangrid.envs.layout import CONTROLS
from entangrid.envs.observations import ENTRIES, LOCAL
from entangrid.envs.registration import HOMES, TASKS, make_simulator

WHOLE = {"scenario": worlds.whole_scenario(homes=2)}
#: id -> task and arguments; each registered task with its own defaults, and tasks of homes with every device
CASES: dict[str, tuple[str, dict[str, Any]]] = {name: (name, {}) for name in TASKS}
CASES |= {f"{name}, whole homes": (name, dict(WHOLE)) for name in HOMES if name != "Thermostat-v0"}
CASES |= {
    "discrete": ("Battery-v0", {"action_set": "discrete"}),
    "multi-discrete": ("Home-v0", WHOLE | {"action_set": "multi-discrete"}),
    "forecast": ("Home-v0", WHOLE | {"observation_set": "forecast", "forecast": "noisy", "occupancy": "noisy"}),
    "feeder": ("Feeder-v0", WHOLE | {"observation_set": "feeder", "occupancy": "meter"}),
}
each_case = pytest.mark.parametrize("case", CASES)


@pytest.fixture(autouse=True, scope="module")
def load_once() -> Iterator[None]:
    """A bundled scenario is a year of weather: read each of them once."""
    with pytest.MonkeyPatch.context() as patch:
        read = functools.cache(entangrid.data.load)
        patch.setattr(entangrid.data, "load", read)
        yield


def make(case: str) -> Any:
    name, arguments = CASES[case]
    return gymnasium.make(f"entangrid/{name}", **arguments)


@each_case
def test_gymnasium_s_and_sb3_s_checkers_accept_it(case: str) -> None:
    assert entangrid.__version__
    env = make(case).unwrapped
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*render.*|.*overflow.*|.*dayofyear.*")
        gymnasium_check(env, skip_render_check=True)
        sb3_check(env)


@each_case
def test_the_vector_and_sb3_faces_show_the_same_as_the_single_one(case: str) -> None:
    name, arguments = CASES[case]
    single = make(case)
    vector = gymnasium.make_vec(f"entangrid/{name}", num_envs=2, vectorization_mode="vector_entry_point", **arguments)
    sb3 = make_sb3(f"entangrid/{name}", n_envs=2, seed=6, **arguments)
    first, _ = single.reset(seed=6)
    many, _ = vector.reset(seed=6)
    np.testing.assert_array_equal(many[0], first)
    np.testing.assert_array_equal(sb3.reset(), many)
    assert single.observation_space == sb3.observation_space
    assert single.action_space == sb3.action_space
    single.action_space.seed(0)
    for _ in range(3):
        action = single.action_space.sample()
        obs, reward, *_ = single.step(action)
        both = np.stack([action, action])
        obs_2, reward_2, *_ = vector.step(both)
        obs_3, *_ = sb3.step(both)
        np.testing.assert_array_equal(obs_2[0], obs)
        np.testing.assert_array_equal(obs_3, obs_2)
        assert reward_2[0] == reward
        assert np.abs(obs).max() <= 1.0


def test_unknown_tasks_are_refused_with_the_known_ones() -> None:
    for wrong in ("entangrid/House-v0", "Home-v0"):
        with pytest.raises(InputError, match=r"is unknown; expected one of entangrid/Thermostat-v0, .*Feeder-v0"):
            make_simulator(wrong)
    assert make_home_simulator(2, 1, "Battery-v0", threads=2).n_envs == 2


NAMES = {entry.name for entry in ENTRIES}


def rows(docstring: str) -> list[tuple[str, str, str]]:
    """(number, names, unit) of the observation table in a class's docstring."""
    found = re.findall(r"^\s+(\d+|\.\.)\s{2,}(\S+(?: \S+)*)\s+(?:(\S+)\s\s+)?\S", docstring, re.M)
    return [row for row in found if row[1] != "name"]


def test_the_table_of_home_env_lists_every_entry_with_its_unit() -> None:
    text = CLASSES["Home-v0"].__doc__ or ""
    table = rows(text)
    numbered = [(int(number), name, unit) for number, name, unit in table if number != ".."]
    assert numbered == [(i, entry.name, entry.unit) for i, entry in enumerate(LOCAL)]
    rest = " ".join(name for number, name, _ in table if number == "..")
    short = {  # written together in one row
        "t_air_3": "t_air_2 to t_air_4",
        "appliance2_ready": "appliance1_ready",
        "appliance2_wait": "appliance1_wait",
        "feeder_v_max": "feeder_v_min, _v_max",
        "forecast_t_out": "forecast_price+k",
        "forecast_pv": "forecast_price+k",
        "forecast_load": "forecast_price+k",
    }
    for entry in ENTRIES[len(LOCAL) :]:
        assert short.get(entry.name, entry.name) in rest, entry.name
    for _, names, _ in table:
        for word in re.findall(r"[a-z][a-z0-9_]+", names):
            assert word in NAMES | {"to"} or f"feeder{word}" in NAMES or word.startswith("v_max"), word
    units = {name: unit for _, names, unit in table for name in re.findall(r"[a-z]\w+", names)}
    for entry in ENTRIES:
        if units.get(entry.name):
            assert units[entry.name] in (entry.unit, ".."), entry.name


def test_the_control_table_of_home_env_lists_every_control() -> None:
    text = CLASSES["Home-v0"].__doc__ or ""
    assert set(LEVELS) == set(CONTROLS)
    for name in CONTROLS:
        named = re.sub(r"^(zone[34]|appliance2)$", lambda m: {"z": "zone2-zone4", "a": "appliance1-2"}[m[0][0]], name)
        assert re.search(rf"^\s+{named}\b", text, re.M), name


@pytest.mark.parametrize("name", HOMES)
def test_docstrings_say_the_sizes_of_their_default_spaces(name: str) -> None:
    text = CLASSES[name].__doc__ or ""
    task = make_task(name)
    assert f"``entangrid/{name}``" in text
    scenario = CLASSES[name].defaults["scenario"]
    assert scenario in text or scenario.startswith("synthetic")
    n_homes, n_controls, n_obs = task.scenario.n_homes, len(task.controls), len(task.observation_names)
    env = gymnasium.make(f"entangrid/{name}")
    assert env.observation_space.shape == (n_homes * n_obs,)
    assert env.action_space.shape == (n_homes * n_controls,)
    if name == "Thermostat-v0":
        assert task.controls == ("heat_pump", "zone2", "zone3")
        assert "Box(-1, 1, (3,))" in text
        assert env.action_space.shape == (3,)
        assert task.observation_names == (*(e.name for e in LOCAL), "t_air_2", "t_air_3")
        assert f"Box(-1, 1, ({n_obs},))" in text
        assert "125 combinations" in text
        assert gymnasium.make(f"entangrid/{name}", action_set="discrete").action_space.n == 125
        nvec = gymnasium.make(f"entangrid/{name}", action_set="multi-discrete").action_space.nvec
        assert nvec.tolist() == [5, 5, 5]
    if name == "Battery-v0":
        assert task.controls == ("battery",)
        assert "Box(-1, 1, (H,))" in text
        assert set(task.observation_names) - {e.name for e in LOCAL} <= {"carbon"}
        assert gymnasium.make(f"entangrid/{name}", action_set="discrete").action_space.n == 5
    if name == "Feeder-v0":
        assert {"Thirty homes": 30, "Fifty homes": 50}[" ".join(text.split()[:2])] == n_homes
        assert "voltage" in task.observation_names
        assert task.feeder is not None
    if name == "Home-v0":
        assert {"battery", "heat_pump", "tank", "vehicle", "appliance1"} <= set(task.controls)


@pytest.mark.parametrize("name", HOMES)
def test_a_day_of_no_control_runs_and_costs_money(name: str) -> None:
    simulator = make_simulator(f"entangrid/{name}", 1, 0)
    simulator.reset()
    bill = 0.0
    for _ in range(simulator.episode_steps):
        simulator.step_default()
        assert np.isfinite(simulator.reward).all()
        bill += float(simulator.terms["bill_eur"].sum())
    assert bill != 0.0
