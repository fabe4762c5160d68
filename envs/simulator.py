"""The simulator: the state of many copies of a task in arrays, advanced by one kernel call a step."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from entangrid.data.errors import InputError
from entangrid.envs import actions as action_sets
from entangrid.envs.batch import Snapshot
from entangrid.envs.kernels import home as home_kernel
from entangrid.envs.kernels import step as kernel
from entangrid.envs.layout import N_ACTIONS, N_OBSERVATIONS, STATE, TERMS, Records
from entangrid.envs.tasks import Task


class Simulator:
    """E environments of one task; every face (Gymnasium, SB3) is a view of it.

    Public arrays, all overwritten by :meth:`step` and :meth:`reset`: obs, final_obs (E, H, 12) float32; reward (E,)
    [EUR]; truncated (E,) bool; terms (E, H) records of what the last step did; state (E, H) records.
    """

    def __init__(self, task: Task, n_envs: int = 1, seed: int = 0, *, autoreset: bool = True, first_env: int = 0):
        """Raises InputError for n_envs < 1. Environment e draws as copy number first_env + e of the seed."""
        if n_envs < 1:
            raise InputError(f"n_envs is {n_envs}; expected at least 1")
        n_homes = task.scenario.n_homes
        self.task = task
        self.n_envs = n_envs
        self.n_homes = n_homes
        self.episode_steps = task.episode_steps
        self.autoreset = autoreset
        self.seed = int(seed)
        self.env_ids = np.arange(first_env, first_env + n_envs, dtype=np.int64)
        self.clock = np.zeros((n_envs, 4), np.int64)
        self.state: Records = np.zeros((n_envs, n_homes), STATE)
        self.terms: Records = np.zeros((n_envs, n_homes), TERMS)
        self.obs = np.zeros((n_envs, n_homes, N_OBSERVATIONS), np.float32)
        self.final_obs = np.zeros_like(self.obs)
        self.reward = np.zeros(n_envs)
        self.truncated = np.zeros(n_envs, np.bool_)
        self._commands = np.zeros((n_envs, n_homes, N_ACTIONS))
        self._work = np.zeros(9)
        self._low, self._high = task.observation_ranges
        self._value_el, self._value_heat = task.stored_values
        self._initial = np.array(task.initial)
        self._everyone = np.ones(n_envs, np.bool_)
        self.reseed(seed)

    @property
    def observation_space(self) -> spaces.Box:
        """Box(-1, 1) of shape (12 H,): the homes' local observations one after the other."""
        return spaces.Box(-1.0, 1.0, (N_OBSERVATIONS * self.n_homes,), np.float32)

    @property
    def action_space(self) -> spaces.Space[Any]:
        """See :func:`entangrid.envs.actions.action_space`."""
        return action_sets.action_space(self.task)

    def reseed(self, seed: int) -> None:
        """Use this seed and count episodes from the first again."""
        self.seed = int(seed) % 2**63
        self.clock[:, 3] = -1

    def reset(self, which: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.float32]:
        """Begin a new episode in the environments that the mask (E,) names (all by default); returns obs."""
        mask = self._everyone if which is None else which
        self.truncated[mask] = False
        kernel.reset(
            mask,
            self.env_ids,
            self.seed,
            self.clock,
            self.state,
            self.task.common,
            self.task.series,
            self._low,
            self._high,
            self.task.starts,
            self.task.sequential,
            self.n_envs,
            self.task.random_state,
            self._initial,
            self.obs,
        )
        return self.obs

    def step(self, actions: npt.NDArray[Any]) -> None:
        """Advance every environment by one step; actions have one row an environment (:mod:`entangrid.envs.actions`).

        Raises InputError for an action that is not a number, and without autoreset after an episode's end.
        """
        if not self.autoreset and (self.truncated[0] if self.n_envs == 1 else self.truncated.any()):
            raise InputError(f"episode of environment {self.truncated.argmax()} has ended; call reset before step")
        action_sets.commands(self.task, actions, self._commands)
        if not np.isfinite(self._commands).all():
            bad = np.argwhere(~np.isfinite(self._commands))[0]
            raise InputError(
                f"action of environment {bad[0]}, home {bad[1]} is not finite; expected numbers in [-1, 1]"
            )
        task = self.task
        kernel.step(
            self._commands,
            task.homes,
            *task.matrices,
            task.common,
            task.series,
            self._value_el,
            self._value_heat,
            task.carbon_price_eur_kg,
            task.scenario.dt_h,
            task.episode_steps,
            self.env_ids,
            self.seed,
            self.clock,
            self.state,
            self._low,
            self._high,
            task.starts,
            task.sequential,
            self.n_envs,
            task.random_state,
            self._initial,
            self.autoreset,
            self._work,
            self.terms,
            self.obs,
            self.final_obs,
            self.reward,
            self.truncated,
        )

    def now(self, env: int = 0) -> int:
        """Index of the scenario step that environment ``env`` is about to take."""
        return int(self.clock[env, 1])

    def stored_value_eur(self, env: int = 0) -> float:
        """Value of what environment ``env`` has stored: battery and building, against empty and 0 °C [EUR]."""
        k = int(self.clock[env, 0])
        total = 0.0
        for h, home in enumerate(self.task.homes):
            state = self.state[env, h]
            usable = home["battery_eta_d"] * home["battery_e"] * state["soc"]
            total += self._value_el[k] * usable + self._value_heat[k, h] * home_kernel.stored_heat_kwh(home, state)
        return float(total)

    def info(self, env: int) -> dict[str, Any]:
        """Every term of the last step of one environment, as arrays (H,), or as numbers where there is one home."""
        terms = self.terms[env]
        if self.n_homes == 1:
            return dict(zip(TERMS.names or (), terms[0].item(), strict=True))
        return {name: terms[name].copy() for name in TERMS.names or ()}

    def infos(self) -> dict[str, npt.NDArray[Any]]:
        """The terms of all environments, (E, H), or (E,) where there is one home."""
        one_home = self.n_homes == 1
        return {name: (self.terms[name][:, 0] if one_home else self.terms[name]).copy() for name in TERMS.names or ()}

    def snapshot(self) -> Snapshot:
        """A copy of everything that decides what follows; :meth:`restore` returns to the same bits."""
        names = ("clock", "state", "obs", "final_obs", "reward", "truncated", "terms")
        return {"seed": self.seed, **{name: getattr(self, name).copy() for name in names}}

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot of a simulator of the same task and size; raises InputError for another size."""
        if snapshot["clock"].shape != self.clock.shape or snapshot["state"].shape != self.state.shape:
            raise InputError(
                f"snapshot is of {snapshot['state'].shape} environments and homes; expected {self.state.shape}"
            )
        self.seed = snapshot["seed"]
        for name, value in snapshot.items():
            if name != "seed":
                getattr(self, name)[...] = value
