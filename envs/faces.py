"""Gymnasium's faces of any simulator that is a :class:`entangrid.envs.batch.Batch`."""

from __future__ import annotations

from typing import Any, cast

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from entangrid.envs.batch import Batch, Snapshot

Observation = npt.NDArray[np.float32]


class BatchEnv(gymnasium.Env[Observation, Any]):
    """One environment: a simulator with one copy and without autoreset."""

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium declares it so

    def __init__(self, simulator: Batch):
        self.simulator: Any = simulator  # a task's own class narrows it
        self.observation_space = cast(Any, simulator.observation_space)
        self.action_space = simulator.action_space

    @property
    def task(self) -> Any:
        """The simulator's task."""
        return self.simulator.task

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode: the first of ``seed`` if one is given, otherwise the next one."""
        super().reset(seed=seed)
        if seed is not None:
            self.simulator.reseed(seed)
        return self.simulator.reset().reshape(-1).copy(), {}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Advance one step; ``info`` holds every term of it."""
        simulator = self.simulator
        simulator.step(np.asarray(action)[None])
        obs = simulator.obs.reshape(-1).copy()
        return obs, float(simulator.reward[0]), False, bool(simulator.truncated[0]), simulator.info(0)

    def snapshot(self) -> Snapshot:
        """A copy of the environment's state, for :meth:`restore`."""
        return self.simulator.snapshot()  # type: ignore[no-any-return]

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot; the same actions then give the same bits."""
        self.simulator.restore(snapshot)


class BatchVectorEnv(VectorEnv[Observation, Any, npt.NDArray[Any]]):
    """Many copies in one kernel call, restarted in the step that ends them (SAME_STEP)."""

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(self, simulator: Batch):
        self.simulator: Any = simulator
        self.num_envs = simulator.n_envs
        self.single_observation_space = self.simulator.observation_space
        self.single_action_space = simulator.action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    @property
    def task(self) -> Any:
        """The simulator's task."""
        return self.simulator.task

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode in every environment; one seed serves all copies (a list's first entry is used)."""
        first = seed[0] if isinstance(seed, list) else seed
        super().reset(seed=first)
        if first is not None:
            self.simulator.reseed(first)
        return self.simulator.reset().reshape(self.num_envs, -1).copy(), {}

    def step(
        self, actions: npt.NDArray[Any]
    ) -> tuple[Observation, npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]]:
        """Step all copies; ``info`` holds the terms as arrays (E, ...), and ``final_obs`` where episodes ended."""
        simulator = self.simulator
        simulator.step(actions)
        truncated = simulator.truncated.copy()
        info: dict[str, Any] = simulator.infos()
        if truncated.any():
            final = np.full(self.num_envs, None, object)
            for e in np.flatnonzero(truncated):
                final[e] = simulator.final_obs[e].reshape(-1).copy()
            info["final_obs"] = final
            info["_final_obs"] = truncated.copy()
        obs = simulator.obs.reshape(self.num_envs, -1).copy()
        return obs, simulator.reward.copy(), np.zeros(self.num_envs, np.bool_), truncated, info

    def snapshot(self) -> Snapshot:
        """A copy of the state of all environments, for :meth:`restore`."""
        return self.simulator.snapshot()  # type: ignore[no-any-return]

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot; the same actions then give the same bits."""
        self.simulator.restore(snapshot)
