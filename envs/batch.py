"""What a simulator must offer to get every face, and the part of it that simulators without homes share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from entangrid.data.errors import InputError
from entangrid.envs.layout import Records

Snapshot = dict[str, Any]
Mask = npt.NDArray[np.bool_]


class Batch(Protocol):
    """E environments stepped side by side; :mod:`entangrid.envs.faces` and :mod:`entangrid.envs.sb3` are views of it.

    observation_space, action_space: of one environment. episode_steps: steps until truncation. obs, final_obs: (E, ...)
    float32, flattened by the faces; reward (E,); truncated (E,) bool; all overwritten in place.
    """

    n_envs: int
    episode_steps: int
    obs: npt.NDArray[np.float32]
    final_obs: npt.NDArray[np.float32]
    reward: npt.NDArray[np.float64]
    truncated: Mask

    @property
    def task(self) -> Any: ...

    @property
    def observation_space(self) -> spaces.Box: ...

    @property
    def action_space(self) -> spaces.Space[Any]: ...

    def reseed(self, seed: int) -> None: ...

    def reset(self, which: Mask | None = None) -> npt.NDArray[np.float32]: ...

    def step(self, actions: npt.NDArray[Any]) -> None: ...

    def info(self, env: int) -> dict[str, Any]:
        """Every term of the last step of one environment: numbers, or arrays of that environment's parts."""
        ...

    def infos(self) -> dict[str, npt.NDArray[Any]]:
        """The same of all environments, (E,) or (E, parts)."""
        ...

    def snapshot(self) -> Snapshot: ...

    def restore(self, snapshot: Snapshot) -> None: ...


class BatchSimulator(ABC):
    """The shared arrays, seeds, snapshots and infos of a :class:`Batch`; a task's simulator adds two kernel calls.

    terms (E,): records of what the last step did. state: names of the further arrays (E, ...) that decide what
    follows. parts: names of arrays (E, P) that ``info`` shows beside the terms.
    """

    state: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def __init__(
        self,
        n_envs: int,
        seed: int,
        *,
        autoreset: bool,
        first_env: int,
        episode_steps: int,
        observation_space: spaces.Box,
        action_space: spaces.Space[Any],
        terms: np.dtype[np.void],
    ):
        """Raises InputError for n_envs < 1. Environment e draws as copy number first_env + e of the seed."""
        if n_envs < 1:
            raise InputError(f"n_envs is {n_envs}; expected at least 1")
        self.n_envs = n_envs
        self.autoreset = autoreset
        self.episode_steps = episode_steps
        self.observation_space = observation_space
        self.action_space = action_space
        self.env_ids = np.arange(first_env, first_env + n_envs, dtype=np.int64)
        self.clock = np.zeros((n_envs, 2), np.int64)  # steps taken in this episode, episode number
        self.terms: Records = np.zeros(n_envs, terms)
        self.obs = np.zeros((n_envs, *observation_space.shape), np.float32)
        self.final_obs = np.zeros_like(self.obs)
        self.reward = np.zeros(n_envs)
        self.truncated = np.zeros(n_envs, np.bool_)
        self._everyone = np.ones(n_envs, np.bool_)
        self.reseed(seed)

    @abstractmethod
    def begin(self, which: Mask) -> None:
        """Begin the next episode in the environments that the mask (E,) names, by one kernel call."""

    @abstractmethod
    def step(self, actions: npt.NDArray[Any]) -> None:
        """Advance every environment by one step, by one kernel call; actions have one row an environment."""

    def reseed(self, seed: int) -> None:
        """Use this seed and count episodes from the first again."""
        self.seed = int(seed) % 2**63
        self.clock[:, 1] = -1

    def reset(self, which: Mask | None = None) -> npt.NDArray[np.float32]:
        """Begin a new episode in the environments that the mask (E,) names (all by default); returns obs."""
        mask = self._everyone if which is None else which
        self.truncated[mask] = False
        self.begin(mask)
        return self.obs

    def refuse_if_ended(self) -> None:
        """Raise InputError if an episode has ended and was not begun again."""
        if not self.autoreset and self.truncated.any():
            raise InputError(f"episode of environment {self.truncated.argmax()} has ended; call reset before step")

    def info(self, env: int) -> dict[str, Any]:
        """See :class:`Batch`."""
        terms: dict[str, Any] = dict(zip(self.terms.dtype.names or (), self.terms[env].item(), strict=True))
        return terms | {name: getattr(self, name)[env].copy() for name in self.parts}

    def infos(self) -> dict[str, npt.NDArray[Any]]:
        """See :class:`Batch`."""
        terms = {name: self.terms[name].copy() for name in self.terms.dtype.names or ()}
        return terms | {name: getattr(self, name).copy() for name in self.parts}

    def snapshot(self) -> Snapshot:
        """A copy of everything that decides what follows; :meth:`restore` returns to the same bits."""
        names = ("clock", "terms", "obs", "final_obs", "reward", "truncated", *self.state, *self.parts)
        return {"seed": self.seed, **{name: getattr(self, name).copy() for name in names}}

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot of a simulator of the same task and size; raises InputError for another."""
        shapes = {name: value.shape for name, value in snapshot.items() if name != "seed"}
        expected = {name: value.shape for name, value in self.snapshot().items() if name != "seed"}
        if shapes != expected:
            raise InputError(f"snapshot holds arrays {shapes}; expected {expected}")
        self.seed = snapshot["seed"]
        for name in shapes:
            getattr(self, name)[...] = snapshot[name]
