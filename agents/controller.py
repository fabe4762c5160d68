"""What every controller is: something with Stable-Baselines3's ``predict``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from entangrid.envs import actions as action_sets
from entangrid.envs.simulator import Simulator
from entangrid.envs.tasks import Task

F = npt.NDArray[np.float64]


class Controller(Protocol):
    """SB3's protocol: observations (E, K H) in, actions with one row an environment out."""

    def predict(
        self,
        observation: npt.NDArray[Any],
        state: tuple[npt.NDArray[Any], ...] | None = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = False,
    ) -> tuple[npt.NDArray[Any], tuple[npt.NDArray[Any], ...] | None]: ...


class Memoryless(ABC):
    """A controller that decides from the observation alone: SB3's ``predict`` around one method."""

    def predict(
        self,
        observation: npt.NDArray[Any],
        state: tuple[npt.NDArray[Any], ...] | None = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = False,
    ) -> tuple[npt.NDArray[Any], tuple[npt.NDArray[Any], ...] | None]:
        """See :class:`Controller`; the state goes through untouched."""
        return self.act(observation), state

    @abstractmethod
    def act(self, observation: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Actions for observations."""


@runtime_checkable
class Foresighted(Protocol):
    """A controller that may look at the simulator itself; the evaluator attaches it before an episode."""

    def attach(self, simulator: Simulator) -> None: ...


class Physical:
    """An observation back in physical units: ``seen["t_air"]`` is an array (E, H); an entry not shown is a KeyError."""

    def __init__(self, task: Task, observation: npt.NDArray[Any]):
        low, high = task.observation_ranges
        scaled = np.asarray(observation, np.float64).reshape(-1, *low.shape)
        self._values = low + 0.5 * (scaled + 1.0) * (high - low)
        self._place = {name: i for i, name in enumerate(task.observation_names)}

    def __getitem__(self, name: str) -> F:
        return np.asarray(self._values[..., self._place[name]])


def encode(task: Task, commands: Mapping[str, F]) -> npt.NDArray[Any]:
    """Commands (E, H) of each of the task's controls as actions of its action set, clipped to [-1, 1].

    A discrete set takes the nearest levels. Raises KeyError for a control without a command.
    """
    stacked = np.clip(np.stack([commands[name] for name in task.controls], -1), -1.0, 1.0)
    n_envs, n_homes, n_controls = stacked.shape
    if task.action_set == "continuous":
        return stacked.reshape(n_envs, -1)
    if task.action_set == "multi-discrete":
        levels = [np.array(action_sets.LEVELS[name]) for name in task.controls]
        columns = [np.abs(stacked[..., c, None] - levels[c]).argmin(-1) for c in range(n_controls)]
        return np.stack(columns, -1).reshape(n_envs, -1)
    distance = np.abs(stacked[:, :, None, :] - action_sets.grid(task.controls)).sum(-1)
    nearest: npt.NDArray[np.int64] = distance.argmin(-1)
    return np.asarray(nearest[:, 0]) if n_homes == 1 else nearest
