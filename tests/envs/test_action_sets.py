"""Actions: the same commands from every set, masks that tell the truth, devices left to themselves."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import worlds
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from entangrid.data.errors import InputError
from entangrid.envs import Simulator, Task
from entangrid.envs.actions import LEVELS, grid, possible
from entangrid.envs.layout import CONTROLS, TERMS

EXAMPLES = settings(max_examples=min(settings().max_examples, 60))
FEW = settings(max_examples=min(settings().max_examples, 20))
HOMES = 3
#: what moves when a control moves
MOVES = {
    "battery": "p_battery_kw",
    "heat_pump": "q_hp_kw",
    "zone2": "q_hp_kw",
    "zone3": "q_hp_kw",
    "tank": "q_dhw_kw",
    "vehicle": "p_ev_kw",
    "appliance1": "p_appliances_kw",
    "appliance2": "p_appliances_kw",
    "pv": "p_pv_kw",
}


def make(**changes: Any) -> Task:
    options: dict[str, Any] = {"scenario": worlds.whole_scenario(homes=HOMES), "action_set": "multi-discrete"}
    return Task.make(**(options | changes))


TASK = make()
SOME_IDEAL = make(scenario=worlds.whole_scenario(homes=HOMES, ideal_load=[0.0, 0.0, 1.0]))


def standing_still(task: Task) -> Any:
    """Index (H, C) of the level of each control that stands still; a pump that cools is off in the middle."""
    rest = dict.fromkeys(("battery", "vehicle"), 0.0) | {"pv": 1.0}
    index = np.zeros((task.scenario.n_homes, len(task.controls)), int)
    for h, c in np.ndindex(index.shape):
        name = task.controls[c]
        cools = name in ("heat_pump", "zone2", "zone3") and task.homes["hp_cool_q_ref"][h] > 0.0
        index[h, c] = LEVELS[name].index(0.0 if cools else rest.get(name, -1.0))
    return index


@st.composite
def moments(draw: st.DrawFn, task: Task = TASK) -> tuple[Simulator, np.random.Generator]:
    """A simulator in a random state at a random step; one state in three lies at a bound."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    simulator = Simulator(task, 1, 0)
    simulator.reset()
    simulator.clock[:, 1:3] = draw(st.integers(0, task.scenario.n_steps - 2))

    def fill(name: str, low: float, high: float) -> None:
        value = rng.uniform(low, high, (1, HOMES))
        simulator.state[name] = np.where(rng.random((1, HOMES)) < 1 / 3, rng.choice([low, high]), value)

    for name, low, high in (("soc", 0, 1), ("ev_soc", 0, 1), ("soh", 0.5, 1), ("t_air", 10, 30), ("t_tank", 30, 65)):
        fill(name, low, high)
    simulator.state["app_wait"] = rng.integers(-1, 5, (1, HOMES, 2))
    simulator.state["app_left"] = np.where(simulator.state["app_wait"] < 0, rng.integers(0, 3, (1, HOMES, 2)), 0)
    simulator.state["tank_cold_h"] = 0.0
    return simulator, rng


def outcome(simulator: Simulator, levels: Any) -> tuple[Any, Any]:
    """(states, terms) after one step with levels (H, C) from where the simulator is; it stays there."""
    kept = simulator.snapshot()
    simulator.step(levels.reshape(1, -1))
    result = simulator.state[0].copy(), simulator.terms[0].copy()
    simulator.restore(kept)
    return result


@EXAMPLES
@given(st.one_of(moments(), moments(SOME_IDEAL)))
def test_a_masked_level_changes_nothing(moment: tuple[Simulator, np.random.Generator]) -> None:
    simulator, rng = moment
    task, masks = simulator.task, possible(simulator, 0)
    still = standing_still(task)
    others = np.array([[rng.integers(len(LEVELS[name])) for name in task.controls] for _ in range(HOMES)])
    for h, (c, name) in itertools.product(range(HOMES), enumerate(task.controls)):
        mask = masks[h][c]
        assert mask.shape == (len(LEVELS[name]),)
        assert mask[still[h, c]], f"{name} of home {h} must be able to stand still"
        masked = np.flatnonzero(~mask)
        if not masked.size:
            continue
        one, other = others.copy(), others.copy()
        one[h, c], other[h, c] = still[h, c], rng.choice(masked)
        (state, terms), (state_2, terms_2) = outcome(simulator, one), outcome(simulator, other)
        for names, a, b in ((state.dtype.names, state, state_2), (TERMS.names, terms, terms_2)):
            for field in names:
                if not field.startswith("clipped"):
                    np.testing.assert_allclose(a[field], b[field], atol=2e-6, err_msg=f"{name} of home {h}: {field}")


@EXAMPLES
@given(moments())
def test_an_unmasked_level_moves_its_device(moment: tuple[Simulator, np.random.Generator]) -> None:
    simulator, _ = moment
    task, masks = simulator.task, possible(simulator, 0)
    still = standing_still(task)
    base = outcome(simulator, still)[1]
    for h, (c, name) in itertools.product(range(HOMES), enumerate(task.controls)):
        wait = simulator.state["app_wait"][0, h]
        if name.startswith("appliance") and wait[int(name[-1]) - 1] == 0.0:
            continue  # at its deadline it starts by itself
        for level in np.flatnonzero(masks[h][c]):
            serves_home = name == "vehicle" and LEVELS[name][level] < 0.0 and task.homes["ev_v2g"][h] == 0.0
            if level == still[h, c] or serves_home:  # what the home needs may be nothing
                continue
            moved = still.copy()
            moved[h, c] = level
            terms = outcome(simulator, moved)[1]
            assert terms[MOVES[name]][h] != base[MOVES[name]][h], f"{name} of home {h} at level {level}"


def test_every_mask_of_the_property_above_is_met_both_ways() -> None:
    seen = {(name, flag): 0 for name in TASK.controls for flag in (True, False)}
    rng = np.random.default_rng(0)
    simulator = Simulator(TASK, 1, 0)
    simulator.reset()
    for t in range(0, 190, 3):
        simulator.clock[:, 1] = t
        simulator.state["soc"] = rng.choice([0.0, 0.5, 1.0])
        simulator.state["ev_soc"] = rng.choice([0.0, 0.5, 1.0])
        for h, (c, name) in itertools.product(range(HOMES), enumerate(TASK.controls)):
            for flag in possible(simulator, 0)[h][c]:
                seen[name, bool(flag)] += 1
    assert all(seen.values()), seen


@pytest.mark.parametrize("homes", [1, 2])
def test_spaces_and_masks_have_the_sizes_of_their_sets(homes: int) -> None:
    world = worlds.scenario(days=1, homes=homes)  # battery and heat pump
    sizes = {}
    for action_set in ("continuous", "discrete", "multi-discrete"):
        simulator = Simulator(Task.make(world, action_set=action_set), 2, 0)
        simulator.reset()
        space = simulator.action_space
        sizes[action_set] = space
        space.seed(0)
        simulator.step(np.stack([space.sample(), space.sample()]))
        if action_set != "continuous":
            mask = simulator.action_masks(1)
            assert mask.dtype == np.bool_
            assert mask.shape == ((25 * homes,) if action_set == "discrete" else (10 * homes,))
    assert sizes["continuous"] == spaces.Box(-1.0, 1.0, (2 * homes,), np.float32)
    assert sizes["discrete"] == (spaces.Discrete(25) if homes == 1 else spaces.MultiDiscrete([25, 25]))
    assert sizes["multi-discrete"] == spaces.MultiDiscrete([5, 5] * homes)


@pytest.mark.parametrize("homes", [1, 2])
def test_the_joint_mask_is_the_product_of_its_controls(homes: int) -> None:
    world = worlds.scenario(days=1, homes=homes)
    joint = Simulator(Task.make(world, action_set="discrete"), 1, 0)
    apart = Simulator(Task.make(world, action_set="multi-discrete"), 1, 0)
    for soc in (0.0, 0.5, 1.0):
        for simulator in (joint, apart):
            simulator.reset()
            simulator.state["soc"] = soc
        battery, pump = np.split(apart.action_masks().reshape(homes, 10), 2, axis=1)
        levels = list(itertools.product(range(5), range(5)))
        expected = [[battery[h, b] and pump[h, p] for b, p in levels] for h in range(homes)]
        np.testing.assert_array_equal(joint.action_masks().reshape(homes, 25), expected)
        assert joint.action_masks().any()


@FEW
@given(moments())
def test_every_set_gives_the_same_commands(moment: tuple[Simulator, np.random.Generator]) -> None:
    multi, rng = moment
    controls = ("battery", "zone2", "tank")
    world, kept = TASK.scenario, multi.snapshot()
    index = np.array([[rng.integers(len(LEVELS[name])) for name in controls] for _ in range(HOMES)])
    values = np.array([[LEVELS[name][i] for name, i in zip(controls, row, strict=True)] for row in index])
    number = (index @ np.array([15, 3, 1])).reshape(1, -1)  # the last control changes fastest
    np.testing.assert_array_equal(grid(controls)[number[0]], values)
    results = []
    for action_set, action in (("multi-discrete", index), ("continuous", values), ("discrete", number)):
        simulator = Simulator(Task.make(world, action_set=action_set, controls=controls), 1, 0)
        simulator.restore(kept)
        simulator.step(action.reshape(1, -1))
        results.append((simulator.state.tobytes(), simulator.terms.tobytes()))
    assert results[0] == results[1] == results[2]


@FEW
@given(st.sets(st.sampled_from(TASK.controls), min_size=1), st.integers(0, 2**32 - 1))
def test_controls_that_are_not_given_are_left_to_their_devices(some: set[str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    part = Simulator(make(action_set="continuous", controls=sorted(some)), 2, 1)
    whole = Simulator(make(action_set="continuous"), 2, 1)
    assert part.task.controls == tuple(name for name in CONTROLS if name in some)
    part.reset()
    whole.reset()
    for _ in range(6):
        commands = rng.uniform(-1.2, 1.2, whole._commands.shape)
        given_away = [c for c, name in enumerate(whole.task.controls) if name in some]
        part.step(commands[..., given_away])
        whole._commands[...] = np.nan  # nobody but the simulator itself can say so
        whole._commands[..., given_away] = commands[..., given_away]
        whole._advance(whole.world)
        assert part.terms.tobytes() == whole.terms.tobytes()
        assert part.state.tobytes() == whole.state.tobytes()


def test_the_default_step_leaves_every_device_to_itself() -> None:
    task = make(action_set="continuous")
    simulator, told = Simulator(task, 1, 0), Simulator(task, 1, 0)
    simulator.reset()
    told.reset()
    charged = 0
    for _ in range(96):
        plugged = simulator.world.series[simulator.now(), 0]["ev_home"]
        room = 40.0 * (1.0 - simulator.state["ev_soc"][0, 0])
        simulator.step_default()
        told._commands[...] = np.nan
        told._advance(told.world)
        assert simulator.terms.tobytes() == told.terms.tobytes()
        terms, on = simulator.terms[0], simulator.world.common[simulator.now() - 1]["grid"] > 0.5
        if on:
            assert (terms["p_battery_kw"] == 0.0).all()
            assert terms["p_pv_kw"] == pytest.approx(task.scenario.pv_kw[simulator.now() - 1])
            if plugged:
                assert terms["p_ev_kw"][0] == pytest.approx(min(11.0, room / 0.92 / 0.25))
                charged += terms["p_ev_kw"][0] > 0.0
    assert charged
    assert simulator.n_envs == 1


def test_masks_need_a_discrete_set_and_lists_have_an_end() -> None:
    simulator = Simulator(make(action_set="continuous"), 1)
    simulator.reset()
    with pytest.raises(InputError, match="action_masks: action_set is 'continuous'; expected 'discrete'"):
        simulator.action_masks()
    with pytest.raises(InputError, match=r"'discrete' has \d+ combinations of battery, heat_pump.*'multi-discrete'"):
        Simulator(make(action_set="discrete"))


@pytest.mark.parametrize(
    ("action_set", "actions", "message"),
    [
        ("continuous", np.zeros((1, 5)), r"actions have shape \(1, 5\); expected \(1, 3, 9\) numbers"),
        ("continuous", np.full((1, 27), np.inf), "action of environment 0, home 0 is not finite"),
        ("multi-discrete", np.full((1, 27), 5), "expected whole numbers from 0 to 4"),
        ("multi-discrete", np.full((1, 27), -1), "expected whole numbers from 0 to 4"),
        ("multi-discrete", np.full((1, 27), 0.5), "expected whole numbers from 0 to 4"),
        ("multi-discrete", np.full((1, 27), 4), "expected whole numbers from 0 to 2"),  # the tank has three levels
        ("multi-discrete", np.zeros((2, 27)), r"actions have shape \(2, 27\)"),
    ],
)
def test_wrong_actions_are_named(action_set: str, actions: Any, message: str) -> None:
    simulator = Simulator(make(action_set=action_set), 1)
    simulator.reset()
    with pytest.raises(InputError, match=message):
        simulator.step(actions)


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        (["battery", "lamp"], "controls: 'lamp' is no device of the scenario; expected some of battery, heat_pump"),
        (["zone4"], "controls: 'zone4' is no device of the scenario"),
        ([], "controls is .*; expected some of battery"),
        ("battery", "controls is 'battery'; expected some of battery"),
    ],
)
def test_wrong_controls_are_named(controls: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make(controls=controls)


def test_a_home_without_any_device_has_nothing_to_control() -> None:
    with pytest.raises(InputError, match="no home has a device to control"):
        Task.make(worlds.scenario(days=1, battery_kwh=0.0, hp_q_ref_kw=0.0))


def test_pv_is_a_control_only_where_it_may_be_curtailed() -> None:
    assert Task.make(worlds.scenario(days=1)).controls == ("battery", "heat_pump")
    assert Task.make(worlds.scenario(days=1, pv_curtailable=1.0)).controls == ("battery", "heat_pump", "pv")
    dark = worlds.scenario(days=1, pv_curtailable=1.0, pv_kw=np.zeros((96, 1)))
    assert Task.make(dark).controls == ("battery", "heat_pump")
