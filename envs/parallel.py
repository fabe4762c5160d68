"""PettingZoo's face: one agent a home, or a charge point, over one environment of any registered task."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from entangrid.data.errors import InputError
from entangrid.envs import registration
from entangrid.envs.batch import Snapshot
from entangrid.envs.faces import BatchEnv

try:
    from pettingzoo import ParallelEnv
except ImportError as error:
    raise InputError('make_parallel needs PettingZoo; install it with pip install "entangrid[multiagent]"') from error

Observations = dict[str, npt.NDArray[np.float32]]
Infos = dict[str, dict[str, Any]]


class BatchParallelEnv(ParallelEnv[str, npt.NDArray[np.float32], Any]):  # type: ignore[misc]
    """The parts of one environment as agents that act at the same time.

    **Agents.** Tasks of homes: one a home, by the scenario's names; it sees the home's own observation (K,) and gives
    the home's part of the action. Tasks whose action is a box of n numbers and that have no homes (Charging-v0): one a
    number, ``point-1`` to ``point-n``, all with the common observation. Others (Dispatch-v0): one, ``dispatcher``.

    **Rewards** [EUR; Dispatch-v0: without unit]. Homes: their own ``reward_eur``. With ``shared_reward``, and always
    where the reward cannot be told apart by agents, everyone gets the mean over agents. Either way the agents' rewards
    of a step add up to the reward of the Gymnasium environment.

    **Ends.** All agents are truncated together; nobody is terminated. **State.** :meth:`state` is the whole
    environment's observation, flat. ``infos[agent]``: the agent's terms of the step; a station's agents all get the
    station's terms, and their own entry of what it reports by point. Homes with discrete actions also find
    ``action_mask`` there, in the form that ``action_space(agent).sample(mask)`` takes: 1 where an action can do
    anything now.
    """

    def __init__(self, env: BatchEnv, name: str, *, shared_reward: bool = False):
        """``env``: of any task. ``name``: of the metadata."""
        self.env = env
        self.simulator: Any = env.simulator
        self.render_mode = env.render_mode
        self.shared_reward = shared_reward
        self.metadata = {
            "name": name,
            "render_modes": env.metadata["render_modes"],
            "render_fps": env.metadata["render_fps"],
            "is_parallelizable": True,
        }
        self.of_homes = hasattr(self.simulator.task, "scenario")
        whole = env.action_space
        if self.of_homes:
            self.possible_agents = list(self.simulator.task.scenario.home_names)
        elif isinstance(whole, spaces.Box):
            self.possible_agents = [f"point-{i + 1}" for i in range(int(np.prod(whole.shape)))]
        else:
            self.possible_agents = ["dispatcher"]
        self.agents: list[str] = []
        self.state_space = env.observation_space
        n = len(self.possible_agents)
        self.observation_spaces: dict[str, spaces.Space[Any]] = dict(
            zip(self.possible_agents, self._split_observation(n), strict=True)
        )
        joint = self.of_homes and self.simulator.task.action_set == "discrete"
        self.action_spaces: dict[str, spaces.Space[Any]] = dict(
            zip(self.possible_agents, _split_action(whole, n, joint=joint), strict=True)
        )

    @property
    def task(self) -> Any:
        """The simulator's task."""
        return self.simulator.task

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """The agent's space, the same object at every call."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """The agent's space, the same object at every call."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observations, Infos]:
        """Begin an episode: the first of ``seed`` if one is given, otherwise the next one."""
        self.env.reset(seed=seed, options=options)
        self.agents = self.possible_agents[:]
        return self._observations(), dict(zip(self.agents, self._masks(), strict=True))

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[Observations, dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """Advance one step with one action an agent. After an episode's end nothing is returned until a reset.

        Raises InputError unless every agent, and nobody else, has an action.
        """
        if not self.agents:
            return {}, {}, {}, {}, {}
        if actions.keys() != set(self.agents):
            wrong = sorted(actions.keys() ^ set(self.agents))[0]
            problem = "has no action" if wrong in self.agents else "is unknown"
            raise InputError(f"agent {wrong!r} {problem}; expected one action for each of {', '.join(self.agents)}")
        simulator = self.simulator
        simulator.step(np.concatenate([np.atleast_1d(actions[agent]) for agent in self.agents])[None])
        agents = self.agents
        truncated = bool(simulator.truncated[0])
        if truncated:
            self.agents = []
        return (
            self._observations(),
            dict(zip(agents, self._rewards(len(agents)), strict=True)),
            dict.fromkeys(agents, False),
            dict.fromkeys(agents, truncated),
            dict(zip(agents, self._infos(len(agents)), strict=True)),
        )

    def state(self) -> npt.NDArray[np.float32]:
        """The observation of the whole environment, in ``state_space``."""
        whole: npt.NDArray[np.float32] = self.simulator.obs.reshape(-1).copy()
        return whole

    def render(self) -> npt.NDArray[np.uint8] | None:
        """What the Gymnasium environment shows: a frame (h, w, 3), or a window."""
        frame: npt.NDArray[np.uint8] | None = self.env.render()
        return frame

    def close(self) -> None:
        """Close the window, if there is one."""
        self.env.close()

    def snapshot(self) -> Snapshot:
        """A copy of the environment's state, for :meth:`restore`."""
        return {**self.env.snapshot(), "alive": bool(self.agents)}

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot; the same actions then give the same bits."""
        rest = dict(snapshot)
        self.agents = self.possible_agents[:] if rest.pop("alive") else []
        self.env.restore(rest)

    def _split_observation(self, n: int) -> list[spaces.Box]:
        space = self.simulator.observation_space
        if not self.of_homes:
            return [spaces.Box(space.low, space.high, dtype=np.float32) for _ in range(n)]
        low, high = space.low.reshape(n, -1), space.high.reshape(n, -1)
        return [spaces.Box(low[i], high[i], dtype=np.float32) for i in range(n)]

    def _observations(self) -> Observations:
        seen = self.simulator.obs[0]
        if self.of_homes:
            rows = seen.reshape(len(self.possible_agents), -1).copy()
            return dict(zip(self.possible_agents, rows, strict=True))
        return {agent: seen.reshape(-1).copy() for agent in self.possible_agents}

    def _rewards(self, n: int) -> list[float]:
        if self.of_homes and not self.shared_reward:
            own: list[float] = self.simulator.terms[0]["reward_eur"].tolist()
            return own
        return [float(self.simulator.reward[0]) / n] * n

    def _infos(self, n: int) -> list[dict[str, Any]]:
        if self.of_homes:
            terms = self.simulator.terms
            own = [dict(zip(terms.dtype.names, terms[0, i].item(), strict=True)) for i in range(n)]
            return [info | mask for info, mask in zip(own, self._masks(), strict=True)]
        common = self.simulator.info(0)
        parts = {name: value for name, value in common.items() if isinstance(value, np.ndarray) and value.shape == (n,)}
        return [common | {name: float(value[i]) for name, value in parts.items()} for i in range(n)]

    def _masks(self) -> list[dict[str, Any]]:
        n = len(self.possible_agents)
        if not self.of_homes or self.task.action_set == "continuous":
            return [{} for _ in range(n)]
        masks = self.simulator.action_masks(0).reshape(n, -1).astype(np.int8)
        if self.task.action_set == "discrete":
            return [{"action_mask": mask} for mask in masks]
        space: Any = self.action_spaces[self.possible_agents[0]]
        edges = np.cumsum(space.nvec)[:-1]
        return [{"action_mask": tuple(np.split(mask, edges))} for mask in masks]


def _split_action(space: spaces.Space[Any], n: int, *, joint: bool = False) -> list[spaces.Space[Any]]:
    """The equal parts of n agents of the whole action's space; ``joint``: one number of a discrete set each.

    Raises InputError for a space that has no n equal parts.
    """
    if isinstance(space, spaces.Box) and space.low.size % n == 0:
        low, high = space.low.reshape(n, -1), space.high.reshape(n, -1)
        return [spaces.Box(low[i], high[i], dtype=np.float32) for i in range(n)]
    if isinstance(space, spaces.MultiDiscrete) and space.nvec.size % n == 0:
        counts = space.nvec.reshape(n, -1)
        return [spaces.Discrete(int(c[0])) if joint else spaces.MultiDiscrete(c) for c in counts]
    if isinstance(space, spaces.Discrete) and n == 1:
        return [spaces.Discrete(int(space.n))]
    raise InputError(f"action space {space} cannot be shared out among {n} agents; expected equal parts")


def make_parallel(
    task_id: str, seed: int = 0, shared_reward: bool = False, *, render_mode: str | None = None, **task: Any
) -> BatchParallelEnv:
    """The PettingZoo ParallelEnv of a registered task; keyword arguments as for ``gymnasium.make``.

    See :class:`BatchParallelEnv` for agents and rewards. Raises InputError for an unknown task, and on import where
    PettingZoo is missing (the extra ``multiagent``).
    """
    known = {f"entangrid/{name}": name for name in registration.TASKS}
    if task_id not in known:
        raise InputError(f"task {task_id!r} is unknown; expected one of {', '.join(known)}")
    name = known[task_id]
    if name in registration.HOMES:
        task["name"] = name
    module, function = registration.TASKS[name].split(":")
    make = getattr(importlib.import_module(f"entangrid.envs.{module}"), function)
    env = make(render_mode=render_mode, seed=seed, **task)
    return BatchParallelEnv(env, f"entangrid_{name.replace('-', '_').lower()}", shared_reward=shared_reward)
