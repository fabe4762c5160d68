"""Action sets: how an agent's action becomes battery and heat-pump commands in [-1, 1]."""

import itertools

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from entangrid.data.errors import InputError
from entangrid.envs.layout import N_ACTIONS
from entangrid.envs.tasks import Task

BATTERY_LEVELS = (-1.0, -0.5, 0.0, 0.5, 1.0)  # share of the power limit, charging positive
HEAT_PUMP_LEVELS = (-1.0, -0.5, 0.0, 0.5, 1.0)  # off, quarter, half, three quarters, full power

#: (25, 2): the battery and heat-pump command of each discrete action
GRID = np.array(list(itertools.product(BATTERY_LEVELS, HEAT_PUMP_LEVELS)))


def action_space(task: Task) -> spaces.Space[np.ndarray] | spaces.Space[np.int64]:
    """The Gymnasium space of one environment's action.

    "continuous": Box(-1, 1) of (battery, heat pump) for each home in turn, shape (2 H,). "discrete": Discrete(25) for
    one home, MultiDiscrete([25] * H) for more.
    """
    n_homes = task.scenario.n_homes
    if task.action_set == "continuous":
        return spaces.Box(-1.0, 1.0, (N_ACTIONS * n_homes,), np.float32)
    if n_homes == 1:
        return spaces.Discrete(len(GRID))
    return spaces.MultiDiscrete([len(GRID)] * n_homes)


def commands(task: Task, actions: NDArray[np.generic], out: NDArray[np.float64]) -> None:
    """Write the commands of a batch of actions into out (E, H, 2); actions have one row an environment.

    Raises InputError for a wrong number of them and for what is no number of the discrete set.
    """
    n_envs, n_homes, _ = out.shape
    discrete = task.action_set == "discrete"
    given = np.asarray(actions)
    expected = (n_envs, n_homes) if discrete else (n_envs, n_homes, N_ACTIONS)
    if given.size != (n_envs * n_homes if discrete else out.size):
        raise InputError(f"actions have shape {given.shape}; expected {expected} numbers (environments, homes, ...)")
    if not discrete:
        out[...] = given.reshape(expected)
        return
    given = given.reshape(expected)
    if not np.isin(given, np.arange(len(GRID))).all():
        raise InputError(f"actions are {given.tolist()}; expected whole numbers from 0 to {len(GRID) - 1}")
    out[...] = GRID[given.astype(np.int64)]
