"""Action sets: how an agent's action becomes commands in [-1, 1], and which discrete actions can do anything."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from entangrid.data.errors import InputError
from entangrid.envs.kernels import battery, heat_pump, hot_water, rooms, vehicle
from entangrid.envs.kernels import home as home_kernel
from entangrid.envs.layout import HEAT_PUMP

if TYPE_CHECKING:
    from entangrid.envs.simulator import Simulator
    from entangrid.envs.tasks import Task

F = NDArray[np.float64]

_FIVE = (-1.0, -0.5, 0.0, 0.5, 1.0)
#: Levels of each control in the discrete sets.
LEVELS: dict[str, tuple[float, ...]] = {
    "battery": _FIVE,  # share of the power limit, charging positive
    "heat_pump": _FIVE,  # off to full power; where it can cool: full cooling, off, full heating
    "zone2": _FIVE,
    "zone3": _FIVE,
    "zone4": _FIVE,
    "tank": (-1.0, 0.0, 1.0),  # off, half, full power
    "vehicle": _FIVE,  # discharging to charging
    "appliance1": (-1.0, 1.0),  # wait, start
    "appliance2": (-1.0, 1.0),
    "pv": (-1.0, 0.0, 1.0),  # none, half, all of it
}
MOST_DISCRETE = 10_000  # combinations of one home's levels
LEAST_KW = 1e-6  # what moves less than this moves nothing


@lru_cache(maxsize=64)
def grid(controls: tuple[str, ...]) -> F:
    """(n, C): the commands of every discrete action of one home, the last control changing fastest.

    Raises InputError where the combinations are too many to learn or list.
    """
    size = int(np.prod([len(LEVELS[name]) for name in controls]))
    if size > MOST_DISCRETE:
        raise InputError(
            f"action_set 'discrete' has {size} combinations of {', '.join(controls)}; expected at most "
            f"{MOST_DISCRETE}: choose fewer controls, or 'multi-discrete'"
        )
    table = np.array(list(itertools.product(*(LEVELS[name] for name in controls))))
    table.setflags(write=False)
    return table


def action_space(task: Task, n_homes: int | None = None) -> spaces.Space[Any]:
    """The Gymnasium space of one environment's action, for C controls of each of H homes.

    "continuous": Box(-1, 1) of shape (C H,), home after home. "multi-discrete": MultiDiscrete of the number of levels
    of each control, home after home. "discrete": Discrete(n) for one home, MultiDiscrete([n] * H) for more.
    ``n_homes``: of a part of the task's homes, H by default.
    """
    n_homes = task.scenario.n_homes if n_homes is None else n_homes
    if task.action_set == "continuous":
        return spaces.Box(-1.0, 1.0, (len(task.controls) * n_homes,), np.float32)
    if task.action_set == "multi-discrete":
        return spaces.MultiDiscrete([len(LEVELS[name]) for name in task.controls] * n_homes)
    n = len(grid(task.controls))
    return spaces.Discrete(n) if n_homes == 1 else spaces.MultiDiscrete([n] * n_homes)


def commands(task: Task, actions: NDArray[Any], out: F) -> None:
    """Write the commands of a batch of actions into out (E, H, C); actions have one row an environment.

    Raises InputError for a wrong number of them, for what is no number of a discrete set and for what is not finite.
    """
    n_envs, n_homes = out.shape[:2]
    given = np.asarray(actions)
    one = task.action_set == "discrete"
    expected = (n_envs, n_homes) if one else out.shape
    if given.size != (n_envs * n_homes if one else out.size):
        raise InputError(f"actions have shape {given.shape}; expected {expected} numbers (environments, homes, ...)")
    given = given.reshape(expected)
    if task.action_set == "continuous":
        out[...] = given
        if not np.isfinite(out).all():
            bad = np.argwhere(~np.isfinite(out))[0]
            raise InputError(
                f"action of environment {bad[0]}, home {bad[1]} is not finite; expected numbers in [-1, 1]"
            )
        return
    if one:
        table = grid(task.controls)
        out[...] = table[_whole(given, len(table))]
        return
    for c, name in enumerate(task.controls):
        levels = np.array(LEVELS[name])
        out[..., c] = levels[_whole(given[..., c], len(levels))]


def _whole(given: NDArray[Any], n: int) -> NDArray[np.int64]:
    with np.errstate(invalid="ignore"):
        numbers = given.astype(np.int64, copy=False)
    whole = given.dtype.kind in "iu" or np.array_equal(numbers, given)
    if not whole or numbers.min() < 0 or numbers.max() >= n:
        raise InputError(f"actions are {given.tolist()}; expected whole numbers from 0 to {n - 1}")
    return numbers


def possible(simulator: Simulator, env: int) -> list[list[NDArray[np.bool_]]]:
    """Which levels of each control can do anything now: for each home and control a mask over its levels.

    A level is impossible if the device is absent or cannot move that way by more than :data:`LEAST_KW`: charging a
    full store, drawing from an empty one, moving a vehicle that is away, starting a cycle that is not ready, heating
    where the pump has nothing to give or holds the comfort band by itself, anything but standing still in an outage.
    The level that stands still is always possible. Devices share a home: a possible level may still find its room
    taken by another control (a vehicle that serves only the home, a pump busy with the tank).
    """
    task = simulator.task
    t = min(simulator.now(env), task.scenario.n_steps - 1)
    on = bool(task.common[t]["grid"] > 0.5)
    masks: list[list[NDArray[np.bool_]]] = []
    for h, home in enumerate(task.homes):
        state, series = simulator.state[env, h], task.series[t, h]
        row = []
        for name in task.controls:
            levels = np.array(LEVELS[name])
            idle, up, down = _reach(task, home, h, state, series, name, t)
            row.append((levels == idle) | ((levels > idle) & (up and on)) | ((levels < idle) & (down and on)))
        masks.append(row)
    return masks


def _reach(task: Task, home: Any, h: int, state: Any, series: Any, name: str, t: int) -> tuple[float, bool, bool]:
    """(level that stands still, whether more and whether less than it can do anything)."""
    dt = task.scenario.dt_h
    t_out = float(task.common[t]["t_out"])
    if name == "battery":
        charge, discharge = battery.limits(home, state["soc"], state["soh"], dt)
        return 0.0, charge > LEAST_KW, discharge > LEAST_KW
    if name == "vehicle":
        charge, discharge = vehicle.limits(home, series["ev_home"], state["ev_soc"], dt)
        return 0.0, charge > LEAST_KW, discharge > LEAST_KW
    if name.startswith("appliance"):
        i = int(name[-1]) - 1
        ready = state["app_wait"][i] >= 0.0 or (series["app_ready"][i] > 0.5 and state["app_left"][i] <= 0.0)
        return -1.0, bool(home["app_kw"][i] > 0.0 and ready), False
    if name == "tank":
        room = hot_water.heat_to(home, state["t_tank"], home["dhw_t_max"], series["dhw"], dt)
        heats = home["dhw_element"] > LEAST_KW
        if home["dhw_hp"] > 0.0 and home["hp_q_ref"] > 0.0:
            sink = float(state["t_tank"]) + home_kernel.TANK_LIFT_K
            heats = heats or heat_pump.heating(home, t_out, sink)[1] > LEAST_KW
        return -1.0, bool(heats and room > LEAST_KW), False
    if name == "pv":
        return 1.0, False, bool(home["pv_curtailable"] > 0.0 and series["pv"] > LEAST_KW)
    z = 0 if name == "heat_pump" else int(name[-1]) - 1
    emits = task.zones[h, z]["emitter_share"] > 0.0 and home["ideal_load"] <= 0.0
    heats = home["hp_q_ref"] > 0.0 and rooms.hp_limits(home, t_out)[1] > LEAST_KW
    if home["hp_cool_q_ref"] > 0.0:
        cools = heat_pump.cooling(home, t_out)[1] > LEAST_KW
        return 0.0, bool(emits and heats), bool(emits and cools)
    return -1.0, bool(emits and heats), False


def masks(simulator: Simulator, env: int) -> NDArray[np.bool_]:
    """Mask of the possible actions of one environment, as sb3-contrib's MaskablePPO takes it.

    "discrete" with one home: (n,); several homes: their masks one after the other. "multi-discrete": the masks of all
    controls one after the other. Raises InputError for a continuous action set.
    """
    task = simulator.task
    if task.action_set == "continuous":
        raise InputError("action_masks: action_set is 'continuous'; expected 'discrete' or 'multi-discrete'")
    parts: list[NDArray[np.bool_]] = []
    for row in possible(simulator, env):
        if task.action_set == "multi-discrete":
            parts += row
        else:
            joint = np.ones(1, np.bool_)
            for mask in row:
                joint = (joint[:, None] & mask[None, :]).reshape(-1)
            parts.append(joint)
    return np.concatenate(parts)


assert HEAT_PUMP == 1  # zone z's command follows zone 1's
