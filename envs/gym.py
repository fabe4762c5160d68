"""Gymnasium's faces of the simulator: one environment, and many stepped by one call."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from entangrid.envs import actions as action_sets
from entangrid.envs.layout import N_OBSERVATIONS, TERMS
from entangrid.envs.simulator import Simulator, Snapshot
from entangrid.envs.tasks import Task


def observation_space(task: Task) -> spaces.Box:
    """Box(-1, 1) of shape (12 H,): the homes' local observations one after the other."""
    return spaces.Box(-1.0, 1.0, (N_OBSERVATIONS * task.scenario.n_homes,), np.float32)


def step_info(simulator: Simulator, env: int) -> dict[str, Any]:
    """Every term of the last step of one environment, as arrays (H,), or as numbers where there is one home."""
    terms = simulator.terms[env]
    if simulator.n_homes == 1:
        return dict(zip(TERMS.names or (), terms[0].item(), strict=True))
    return {name: terms[name].copy() for name in TERMS.names or ()}


class HomeEnv(gymnasium.Env[Any, Any]):
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

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium declares it so

    def __init__(self, task: Task, seed: int = 0, env_id: int = 0):
        """``env_id`` is the copy's number: environment e of a vector environment equals a single one with env_id=e."""
        self.task = task
        self.simulator = Simulator(task, 1, seed, autoreset=False, first_env=env_id)
        self.observation_space = observation_space(task)
        self.action_space = action_sets.action_space(task)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Begin an episode: the first of ``seed`` if one is given, otherwise the next one."""
        super().reset(seed=seed)
        if seed is not None:
            self.simulator.reseed(seed)
        return self.simulator.reset().reshape(-1).copy(), {}

    def step(self, action: Any) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Advance one step; see the class for what comes back."""
        simulator = self.simulator
        simulator.step(np.asarray(action)[None])
        obs = simulator.obs.reshape(-1).copy()
        return obs, float(simulator.reward[0]), False, bool(simulator.truncated[0]), step_info(simulator, 0)

    def snapshot(self) -> Snapshot:
        """A copy of the environment's state, for :meth:`restore`."""
        return self.simulator.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot; the same actions then give the same bits."""
        self.simulator.restore(snapshot)


class HomeVectorEnv(VectorEnv[npt.NDArray[np.float32], Any, npt.NDArray[Any]]):
    """Many copies of :class:`HomeEnv` in one kernel call, restarted in the step that ends them (SAME_STEP)."""

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(self, task: Task, num_envs: int = 1, seed: int = 0):
        """See :class:`HomeEnv`."""
        self.task = task
        self.num_envs = num_envs
        self.simulator = Simulator(task, num_envs, seed)
        self.single_observation_space = observation_space(task)
        self.single_action_space = action_sets.action_space(task)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Begin an episode in every environment; one seed serves all copies (a list's first entry is used)."""
        first = seed[0] if isinstance(seed, list) else seed
        super().reset(seed=first)
        if first is not None:
            self.simulator.reseed(first)
        return self.simulator.reset().reshape(self.num_envs, -1).copy(), {}

    def step(
        self, actions: npt.NDArray[Any]
    ) -> tuple[
        npt.NDArray[np.float32], npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]
    ]:
        """Step all copies; ``info`` holds the terms, (E,) or (E, H), and ``final_obs`` where episodes ended."""
        simulator = self.simulator
        simulator.step(actions)
        truncated = simulator.truncated.copy()
        one_home = simulator.n_homes == 1
        info: dict[str, Any] = {
            name: (simulator.terms[name][:, 0] if one_home else simulator.terms[name]).copy()
            for name in TERMS.names or ()
        }
        if truncated.any():
            final = np.full(self.num_envs, None, object)
            for e in np.flatnonzero(truncated):
                final[e] = simulator.final_obs[e].reshape(-1).copy()
            info["final_obs"] = final
            info["_final_obs"] = truncated.copy()
        obs = simulator.obs.reshape(self.num_envs, -1).copy()
        return obs, simulator.reward.copy(), np.zeros(self.num_envs, np.bool_), truncated, info


def make_home(render_mode: str | None = None, seed: int = 0, **task: Any) -> HomeEnv:
    """Entry point of ``gymnasium.make("entangrid/Home-v0", ...)``; keyword arguments as :meth:`Task.make`."""
    return HomeEnv(Task.make(**task), seed)


def make_home_vector(num_envs: int = 1, render_mode: str | None = None, seed: int = 0, **task: Any) -> HomeVectorEnv:
    """Entry point of ``gymnasium.make_vec("entangrid/Home-v0", vectorization_mode="vector_entry_point", ...)``."""
    return HomeVectorEnv(Task.make(**task), num_envs, seed)
