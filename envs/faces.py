"""Gymnasium's faces of any simulator that is a :class:`entangrid.envs.batch.Batch`."""

from __future__ import annotations

from typing import Any, cast

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from entangrid.data.errors import InputError
from entangrid.envs.batch import Batch, Snapshot

Observation = npt.NDArray[np.float32]
RENDER_MODES = ("human", "rgb_array")
RENDER_FPS = 8


def check_render_mode(render_mode: str | None) -> str | None:
    """The mode itself; raises InputError for an unknown one."""
    if render_mode is not None and render_mode not in RENDER_MODES:
        raise InputError(f"render_mode is {render_mode!r}; expected None, {', '.join(map(repr, RENDER_MODES))}")
    return render_mode


class BatchEnv(gymnasium.Env[Observation, Any]):
    """One environment: a simulator with one copy and without autoreset."""

    metadata = {"render_modes": list(RENDER_MODES), "render_fps": RENDER_FPS}  # noqa: RUF012 - Gymnasium's own form

    def __init__(self, simulator: Batch, render_mode: str | None = None):
        """Raises InputError for an unknown render mode."""
        self.simulator: Any = simulator  # a task's own class narrows it
        self.render_mode = check_render_mode(render_mode)
        self._view: Any = None
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
        obs = self.simulator.reset().reshape(-1).copy()
        if self.render_mode == "human":
            self.render()
        return obs, {}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Advance one step; ``info`` holds every term of it."""
        simulator = self.simulator
        simulator.step(np.asarray(action)[None])
        obs = simulator.obs.reshape(-1).copy()
        if self.render_mode == "human":
            self.render()
        return obs, float(simulator.reward[0]), False, bool(simulator.truncated[0]), simulator.info(0)

    def render(self) -> Any:
        """The present state: a frame (h, w, 3) uint8 with "rgb_array", a window with "human", or nothing."""
        if self.render_mode is None:
            return None
        if self._view is None:
            from entangrid.envs.render import Display, make_view

            view = make_view(self.task)
            self._view = view if self.render_mode == "rgb_array" else Display(view)
        return self._view.frame(self.simulator, 0)

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._view is not None and hasattr(self._view, "close"):
            self._view.close()
        self._view = None

    def snapshot(self) -> Snapshot:
        """A copy of the environment's state, for :meth:`restore`."""
        return self.simulator.snapshot()  # type: ignore[no-any-return]

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot; the same actions then give the same bits."""
        self.simulator.restore(snapshot)


class BatchVectorEnv(VectorEnv[Observation, Any, npt.NDArray[Any]]):
    """Many copies in one kernel call, restarted in the step that ends them (SAME_STEP)."""

    metadata = {  # noqa: RUF012
        "render_modes": ["rgb_array"],
        "render_fps": RENDER_FPS,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(self, simulator: Batch, render_mode: str | None = None, *, terms_in_info: bool = True):
        """Without ``terms_in_info`` a step copies no terms and takes about half the time of a large batch.

        Raises InputError for an unknown render mode.
        """
        self.simulator: Any = simulator
        self.terms_in_info = terms_in_info
        self.render_mode = check_render_mode(render_mode)
        self._view: Any = None
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
        info: dict[str, Any] = simulator.infos() if self.terms_in_info else {}
        if truncated.any():
            final = np.full(self.num_envs, None, object)
            for e in np.flatnonzero(truncated):
                final[e] = simulator.final_obs[e].reshape(-1).copy()
            info["final_obs"] = final
            info["_final_obs"] = truncated.copy()
        obs = simulator.obs.reshape(self.num_envs, -1).copy()
        return obs, simulator.reward.copy(), np.zeros(self.num_envs, np.bool_), truncated, info

    def render(self) -> Any:
        """Frames (h, w, 3) uint8 of all copies; nothing without a render mode."""
        if self.render_mode is None:
            return None
        if self._view is None:
            from entangrid.envs.render import make_view

            self._view = make_view(self.task)
        return tuple(self._view.frame(self.simulator, e) for e in range(self.num_envs))

    def snapshot(self) -> Snapshot:
        """A copy of the state of all environments, for :meth:`restore`."""
        return self.simulator.snapshot()  # type: ignore[no-any-return]

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot; the same actions then give the same bits."""
        self.simulator.restore(snapshot)
