"""Rules of ``entangrid/Dispatch-v0``: which charge point takes the job, without learning.

Each has SB3's ``predict``. What a rule remembers of an episode (a count of its jobs, the last point) travels in
``state``, one entry an environment, and starts again where ``episode_start`` says so.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from entangrid.envs.dispatch import N_POINTS, DispatchTask

F = npt.NDArray[np.float64]
Actions = npt.NDArray[np.int64]
State = tuple[npt.NDArray[Any], ...]


class _DispatchRule(ABC):
    """Takes observations apart and puts actions together; a rule says how the points rank."""

    def __init__(self, task: DispatchTask):
        self.task = task

    def predict(
        self,
        observation: npt.NDArray[Any],
        state: State | None = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = False,
    ) -> tuple[Actions, State | None]:
        """SB3's protocol: observations (E, 11), or (11,) of one environment, in; points (E,) or () out."""
        seen = np.atleast_2d(np.asarray(observation, np.float64))
        memory = np.zeros(seen.shape[0], np.int64) if state is None else state[0].copy()
        if episode_start is not None:
            memory[np.broadcast_to(episode_start, memory.shape)] = 0
        points = self._choose(seen[:, 0].astype(np.int64), seen[:, 1:] * self.task.wait_max_h, memory)
        actions = points if np.ndim(observation) > 1 else points[0]
        return np.asarray(actions, np.int64), (self._remember(points, memory),)

    @abstractmethod
    def _choose(self, job_type: Actions, wait_h: F, memory: Actions) -> Actions:
        """Points (E,) for job types (E,), waits (E, 10) [h] and what was remembered (E,); 0 is an episode's start."""

    def _remember(self, points: Actions, memory: Actions) -> Actions:
        """The number of jobs dispatched."""
        return memory + 1


class RandomPoint(_DispatchRule):
    """Every point with the same probability; the seed and the calls before decide the draws."""

    def __init__(self, task: DispatchTask, seed: int = 0):
        super().__init__(task)
        self._rng = np.random.default_rng(seed)

    def _choose(self, job_type: Actions, wait_h: F, memory: Actions) -> Actions:
        return self._rng.integers(0, N_POINTS, memory.size)


class RoundRobin(_DispatchRule):
    """Points 0, 1, ..., 9, 0, ... in turn."""

    def _choose(self, job_type: Actions, wait_h: F, memory: Actions) -> Actions:
        return memory % N_POINTS


class EarliestIdle(_DispatchRule):
    """The point with the shortest wait; among idle ones, the next after the one chosen last."""

    def _choose(self, job_type: Actions, wait_h: F, memory: Actions) -> Actions:
        order = (np.arange(N_POINTS) + memory[:, None]) % N_POINTS
        best = np.take_along_axis(wait_h, order, 1).argmin(1)
        return np.take_along_axis(order, best[:, None], 1)[:, 0]

    def _remember(self, points: Actions, memory: Actions) -> Actions:
        """The point after the chosen one."""
        return (points + 1) % N_POINTS


class Greedy(_DispatchRule):
    """The point with the highest reward for this job at its mean length and the day's mean price.

    Length and price are not observed; both hardly change which point is best (measured: the same reward per job
    within 0.5 % as with the job's own).
    """

    def _choose(self, job_type: Actions, wait_h: F, memory: Actions) -> Actions:
        task = self.task
        length = task.length_mean_h
        wrong = np.array(task.point_type) != job_type[:, None]
        service = length / np.array(task.speed) * np.where(wrong, task.mismatch, 1.0)
        cost = service * np.array(task.cost_factor) + length * np.mean(task.price_cny_h)
        reward = (1.0 + np.exp(2.5 - cost)) * length / (wait_h + service)
        return np.asarray(reward.argmax(1), np.int64)
