"""Stable-Baselines3's face of the simulator: a native VecEnv over the one kernel call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from entangrid.envs import actions as action_sets
from entangrid.envs import registration
from entangrid.envs.batch import Batch, Snapshot
from entangrid.envs.faces import check_render_mode
from entangrid.envs.simulator import Simulator
from entangrid.envs.tasks import Task


class BatchVecEnv(VecEnv):
    """Many copies of a task for SB3, restarted in the step that ends them.

    Ended episodes are truncations: ``infos[e]["terminal_observation"]`` and ``infos[e]["TimeLimit.truncated"]`` are
    set, so that SB3 bootstraps through them, and ``infos[e]["episode"]`` holds return and length as VecMonitor does.
    With ``terms_in_info`` every step's infos hold every term (slower: one dictionary an environment and step).
    """

    def __init__(
        self,
        simulator: Batch,
        *,
        terms_in_info: bool = False,
        render_mode: str | None = None,
        of_one: tuple[int, spaces.Space[Any], spaces.Space[Any]] | None = None,
    ):
        """``simulator``: with autoreset, of any task; ``render_mode``: None or "rgb_array"; ``of_one``: for faces that
        make more than one environment of a copy, how many, and the spaces of each."""
        self.render_mode = check_render_mode(render_mode)
        self._view: Any = None
        self.simulator: Any = simulator
        self.terms_in_info = terms_in_info
        self._actions: npt.NDArray[Any] | None = None
        each, observation_space, action_space = of_one or (1, simulator.observation_space, simulator.action_space)
        self._returns = np.zeros(simulator.n_envs * each)
        self._nothing: dict[str, Any] = {}  # shared by all infos that have nothing to say
        super().__init__(simulator.n_envs * each, observation_space, action_space)
        self.render_mode = check_render_mode(render_mode)  # SB3 looks for it in the attributes of single environments

    @property
    def task(self) -> Any:
        """The simulator's task."""
        return self.simulator.task

    def reset(self) -> VecEnvObs:
        """Begin an episode in every environment, reseeded if :meth:`seed` was called since the last reset."""
        if self._seeds[0] is not None:
            self.simulator.reseed(self._seeds[0])
        self._reset_seeds()
        self._reset_options()
        self._returns[:] = 0.0
        first: npt.NDArray[np.float32] = self.simulator.reset()
        return first.reshape(self.num_envs, -1).copy()

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        """Keep the actions for :meth:`step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Step all environments with the kept actions."""
        assert self._actions is not None
        simulator = self.simulator
        simulator.step(self._actions)
        self._returns += simulator.reward
        infos: list[dict[str, Any]]
        if self.terms_in_info:
            infos = [simulator.info(e) for e in range(self.num_envs)]
        else:
            infos = [self._nothing] * self.num_envs
        done = simulator.truncated.copy()
        if done.any():
            for e in np.flatnonzero(done):
                infos[e] = {
                    **infos[e],
                    "terminal_observation": simulator.final_obs[e].reshape(-1).copy(),
                    "TimeLimit.truncated": True,
                    "episode": {"r": float(self._returns[e]), "l": simulator.episode_steps, "t": 0.0},
                }
            self._returns[done] = 0.0
        obs = simulator.obs.reshape(self.num_envs, -1).copy()
        return obs, simulator.reward.astype(np.float32), done, infos

    def snapshot(self) -> Snapshot:
        """A copy of the state of all environments, for :meth:`restore`."""
        return {**self.simulator.snapshot(), "returns": self._returns.copy()}

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot; the same actions then give the same bits."""
        rest = dict(snapshot)
        self._returns[:] = rest.pop("returns")
        self.simulator.restore(rest)

    def get_images(self) -> Sequence[npt.NDArray[np.uint8] | None]:
        """Frames (h, w, 3) of all environments with render mode "rgb_array"."""
        if self.render_mode is None:
            return [None] * self.num_envs
        if self._view is None:
            from entangrid.envs.render import make_view

            self._view = make_view(self.task)
        return [self._view.frame(self.simulator, e) for e in range(self.num_envs)]

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Masks (E, n) of the discrete actions that can do anything now, for sb3-contrib's MaskablePPO."""
        return np.stack([self.simulator.action_masks(e) for e in range(self.num_envs)])

    def close(self) -> None:
        """Nothing is held open."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The attribute of this object, once for each environment asked about."""
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute; all environments share this object."""
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        """Call a method of this object, once for each environment asked about; masks are each environment's own."""
        if method_name == "action_masks":
            return [self.simulator.action_masks(e) for e in self._get_indices(indices)]
        return [getattr(self, method_name)(*args, **kwargs) for _ in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type, indices: VecEnvIndices = None) -> list[bool]:
        """No wrapper can sit on a single environment, but episodes are monitored already."""
        from stable_baselines3.common.monitor import Monitor

        return [issubclass(wrapper_class, Monitor) for _ in self._get_indices(indices)]


class HomeVecEnv(BatchVecEnv):
    """Many copies of a task of homes for SB3; see :class:`BatchVecEnv`."""

    def __init__(
        self,
        task: Task,
        n_envs: int = 1,
        seed: int = 0,
        *,
        terms_in_info: bool = False,
        threads: int = 1,
        render_mode: str | None = None,
    ):
        """Raises InputError for n_envs or threads < 1."""
        super().__init__(
            Simulator(task, n_envs, seed, threads=threads), terms_in_info=terms_in_info, render_mode=render_mode
        )


class PerHomeVecEnv(BatchVecEnv):
    """Every home of every copy of a task as an SB3 environment of its own, all under one policy (parameter sharing).

    Environment e H + h is home h of copy e: it sees that home's observation (K,), gives that home's actions and earns
    its ``reward_eur``, with its share of what the feeder suffers. The environments of one copy share the simulator's
    draws and end together.
    """

    def __init__(self, task: Task, n_copies: int = 1, seed: int = 0, *, threads: int = 1):
        """Raises InputError for n_copies or threads < 1."""
        simulator = Simulator(task, n_copies, seed, threads=threads)
        own = spaces.Box(-1.0, 1.0, (len(task.observation_names),), np.float32)
        super().__init__(simulator, of_one=(simulator.n_homes, own, action_sets.action_space(task, n_homes=1)))

    def step_wait(self) -> VecEnvStepReturn:
        """Step all copies with the kept actions of their homes."""
        assert self._actions is not None
        simulator = self.simulator
        simulator.step(np.asarray(self._actions).reshape(simulator.n_envs, -1))
        reward = simulator.terms["reward_eur"].reshape(-1).copy()
        self._returns += reward
        infos: list[dict[str, Any]] = [self._nothing] * self.num_envs
        done = np.repeat(simulator.truncated, simulator.n_homes)
        if done.any():
            final = simulator.final_obs.reshape(self.num_envs, -1)
            for e in np.flatnonzero(done):
                infos[e] = {
                    "terminal_observation": final[e].copy(),
                    "TimeLimit.truncated": True,
                    "episode": {"r": float(self._returns[e]), "l": simulator.episode_steps, "t": 0.0},
                }
            self._returns[done] = 0.0
        obs = simulator.obs.reshape(self.num_envs, -1).copy()
        return obs, reward.astype(np.float32), done, infos

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Masks (E H, n) of the discrete actions of each home that can do anything now."""
        masks = np.stack([self.simulator.action_masks(e) for e in range(self.simulator.n_envs)])
        return masks.reshape(self.num_envs, -1)

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        """Call a method of this object, once for each home asked about; masks are each home's own."""
        if method_name == "action_masks":
            masks = self.action_masks()
            return [masks[e] for e in self._get_indices(indices)]
        return super().env_method(method_name, *args, indices=indices, **kwargs)


def make_sb3(
    task_id: str,
    n_envs: int = 1,
    seed: int = 0,
    *,
    terms_in_info: bool = False,
    render_mode: str | None = None,
    **task: Any,
) -> BatchVecEnv:
    """The SB3 VecEnv of a registered task; keyword arguments as for ``gymnasium.make``.

    Raises InputError for an unknown task.
    """
    simulator = registration.make_simulator(task_id, n_envs, seed, **task)
    return BatchVecEnv(simulator, terms_in_info=terms_in_info, render_mode=render_mode)
