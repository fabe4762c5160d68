"""What every controller is: something with Stable-Baselines3's ``predict``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from entangrid.envs import actions as action_sets
from entangrid.envs.layout import N_OBSERVATIONS
from entangrid.envs.simulator import Simulator
from entangrid.envs.tasks import Task

F = npt.NDArray[np.float64]


class Controller(Protocol):
    """SB3's protocol: observations (E, 12 H) in, actions with one row an environment out."""

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
    """An observation back in physical units: one array (E, H) an entry of the observation table."""

    def __init__(self, task: Task, observation: npt.NDArray[Any]):
        low, high = task.observation_ranges
        scaled = np.asarray(observation, np.float64).reshape(-1, task.scenario.n_homes, N_OBSERVATIONS)
        values = low + 0.5 * (scaled + 1.0) * (high - low)
        self.soc: F = values[..., 4]
        self.t_air: F = values[..., 5]
        self.t_mass: F = values[..., 6]
        self.t_out: F = values[..., 7]
        self.p_pv: F = values[..., 8]
        self.p_load: F = values[..., 9]
        self.occupancy: F = values[..., 10]


def encode(task: Task, commands: F) -> npt.NDArray[Any]:
    """Commands (E, H, 2) as actions of the task's action set; a discrete set takes the nearest grid point."""
    commands = np.clip(commands, -1.0, 1.0)
    n_envs, n_homes, _ = commands.shape
    if task.action_set == "continuous":
        return commands.reshape(n_envs, -1)
    distance = np.abs(commands[:, :, None, :] - action_sets.GRID).sum(-1)
    nearest: npt.NDArray[np.int64] = distance.argmin(-1)
    return np.asarray(nearest[:, 0]) if n_homes == 1 else nearest
