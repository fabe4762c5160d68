"""Gymnasium's faces of homes: one environment, and many stepped by one call."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from entangrid.envs.faces import BatchEnv, BatchVectorEnv
from entangrid.envs.layout import N_OBSERVATIONS
from entangrid.envs.simulator import Simulator
from entangrid.envs.tasks import Task


def observation_space(task: Task) -> spaces.Box:
    """Box(-1, 1) of shape (12 H,): the homes' local observations one after the other."""
    return spaces.Box(-1.0, 1.0, (N_OBSERVATIONS * task.scenario.n_homes,), np.float32)


def step_info(simulator: Simulator, env: int) -> dict[str, Any]:
    """Every term of the last step of one environment, as arrays (H,), or as numbers where there is one home."""
    return simulator.info(env)


class HomeEnv(BatchEnv):
    """A home with heat pump, battery and PV under a time-of-use tariff (``entangrid/Home-v0``).

    **Action.** "continuous": Box(-1, 1, (2,)): battery power as a share of its limit, charging positive, and heat-pump
    power from off (-1) to the largest at this outdoor temperature (1). "discrete": Discrete(25), the grid of five
    battery and five heat-pump levels (:data:`entangrid.envs.actions.GRID`). What is not possible is clipped and
    reported (``clipped_battery_kw``, ``clipped_hp_kw``).

    **Observation.** Box(-1, 1, (12,)), each entry scaled from a fixed physical range and clipped:

    ===  ============  =======  =================================================
    no.  name          unit     range
    ===  ============  =======  =================================================
    0    hour_sin      -        sine of the wall-clock hour
    1    hour_cos      -        cosine of the wall-clock hour
    2    price_import  EUR/kWh  scenario's lowest to highest
    3    price_ahead   EUR/kWh  mean of the next four hours; the same range
    4    soc           -        0 to 1
    5    t_air         °C       12 to 32
    6    t_mass        °C       12 to 32
    7    t_out         °C       -20 to 40
    8    p_pv          kW       0 to the scenario's largest; the coming step's mean
    9    p_load        kW       0 to the 99.5 % quantile; the coming step's mean
    10   occupancy     -        0 to 1
    11   weekend       -        0 or 1
    ===  ============  =======  =================================================

    **Reward** [EUR]: -(bill + carbon + discomfort + wear) + change of the value of stored electricity and heat; every
    term is in ``info``. The rewards of an episode sum to minus its objective.

    **Start.** A first step drawn from ``task.starts`` (or taken in turn), middle or drawn initial state.
    **End.** Truncation after ``episode_steps``; there is no termination.

    **Arguments**: those of :meth:`entangrid.envs.tasks.Task.make`, and ``seed``.

    **Versions**: v0, first release.
    """

    def __init__(self, task: Task, seed: int = 0, env_id: int = 0):
        """``env_id`` is the copy's number: environment e of a vector environment equals a single one with env_id=e."""
        super().__init__(Simulator(task, 1, seed, autoreset=False, first_env=env_id))


class HomeVectorEnv(BatchVectorEnv):
    """Many copies of :class:`HomeEnv` in one kernel call, restarted in the step that ends them (SAME_STEP)."""

    def __init__(self, task: Task, num_envs: int = 1, seed: int = 0):
        """See :class:`HomeEnv`."""
        super().__init__(Simulator(task, num_envs, seed))


def make_home(render_mode: str | None = None, seed: int = 0, **task: Any) -> HomeEnv:
    """Entry point of ``gymnasium.make("entangrid/Home-v0", ...)``; keyword arguments as :meth:`Task.make`."""
    return HomeEnv(Task.make(**task), seed)


def make_home_vector(num_envs: int = 1, render_mode: str | None = None, seed: int = 0, **task: Any) -> HomeVectorEnv:
    """Entry point of ``gymnasium.make_vec("entangrid/Home-v0", vectorization_mode="vector_entry_point", ...)``."""
    return HomeVectorEnv(Task.make(**task), num_envs, seed)
