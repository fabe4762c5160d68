"""A log of episodes: what every step did, kept in arrays that KPIs are computed from."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from entangrid.data.errors import InputError
from entangrid.envs.layout import FEEDER_TERMS, STATE, TERMS, Records
from entangrid.envs.simulator import Simulator


class Predicts(Protocol):
    """A controller: anything with Stable-Baselines3's ``predict``."""

    def predict(
        self,
        observation: npt.NDArray[Any],
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = False,
    ) -> tuple[npt.NDArray[Any], Any]: ...


class Log:
    """One episode of each of E environments of a task, side by side.

    terms (S, E, H): records of the steps. state (S + 1, E, H): records before the first step and after each. feeder
    (S, E): records of the feeder, None without one. first (E,): scenario step of the first step. n: steps taken so
    far; only the first n rows (n + 1 of state) hold anything. S is the task's ``episode_steps``.

    Call :meth:`begin` after the simulator's reset and :meth:`record` after each step of a simulator that does not
    begin new episodes by itself (``autoreset=False``).
    """

    def __init__(self, task: Any, n_envs: int = 1):
        """Room for one episode in each of n_envs environments."""
        steps, homes = task.episode_steps, task.scenario.n_homes
        self.task = task
        self.n_envs = n_envs
        self.n = 0
        self.first = np.full(n_envs, -1, np.int64)
        self.terms: Records = np.zeros((steps, n_envs, homes), TERMS)
        self.state: Records = np.zeros((steps + 1, n_envs, homes), STATE)
        self.feeder: Records | None = None if task.feeder is None else np.zeros((steps, n_envs), FEEDER_TERMS)

    def begin(self, simulator: Any) -> None:
        """Forget what was recorded; the simulator is about to take the first step of its episodes.

        Raises InputError for a simulator of another size.
        """
        if simulator.state.shape != self.state.shape[1:]:
            raise InputError(
                f"simulator has {simulator.state.shape} environments and homes; expected {self.state.shape[1:]}"
            )
        self.n = 0
        for e in range(self.n_envs):
            self.first[e] = simulator.now(e)
        self.state[0] = simulator.state

    def record(self, simulator: Any) -> None:
        """Keep what the simulator's last step did; raises InputError before :meth:`begin` and when full."""
        if self.first[0] < 0:
            raise InputError("log: begin was not called; expected begin(simulator) after the simulator's reset")
        if self.n == len(self.terms):
            raise InputError(f"log holds {self.n} steps and is full; expected one episode, call begin for the next")
        self.terms[self.n] = simulator.terms
        self.state[self.n + 1] = simulator.state
        if self.feeder is not None:
            self.feeder[self.n] = simulator.feeder_terms
        self.n += 1


def run_episode(task: Any, controller: Predicts, seed: int = 0, start: int | None = None) -> Log:
    """Play one episode of a task of homes with deterministic actions and log it.

    controller: has SB3's ``predict``; if it also has ``attach``, it is shown the simulator before the first step.
    start: scenario step of the first step; by default the simulator chooses from ``task.starts`` as the seed says.
    Raises InputError for a start that the scenario does not have.
    """
    simulator = Simulator(_from(task, start), 1, seed, autoreset=False)
    log = Log(simulator.task)
    observation = simulator.reset().reshape(1, -1)
    log.begin(simulator)
    if hasattr(controller, "attach"):
        controller.attach(simulator)
    state: Any = None
    starting = np.ones(1, np.bool_)
    for _ in range(simulator.episode_steps):
        actions, state = controller.predict(observation, state, starting, deterministic=True)
        simulator.step(actions)
        log.record(simulator)
        observation = simulator.obs.reshape(1, -1)
        starting = np.zeros(1, np.bool_)
    return log


def no_control(task: Any, seed: int = 0, start: int | None = None) -> Log:
    """Play one episode in which every device follows its own built-in controller: what KPIs are compared with.

    The battery stands idle, thermostats hold rooms and tank, the vehicle charges and appliances start at once, PV
    feeds in (:meth:`Simulator.step_default`). Arguments and errors as :func:`run_episode`.
    """
    simulator = Simulator(_from(task, start), 1, seed, autoreset=False)
    log = Log(simulator.task)
    simulator.reset()
    log.begin(simulator)
    for _ in range(simulator.episode_steps):
        simulator.step_default()
        log.record(simulator)
    return log


def _from(task: Any, start: int | None) -> Any:
    """The task with that one start."""
    if start is None:
        return task
    last = task.scenario.n_steps - task.episode_steps
    if not 0 <= start <= last:
        raise InputError(f"start is {start}; expected a step of the scenario from 0 to {last}")
    return dataclasses.replace(task, starts=np.array([start], np.int64))
