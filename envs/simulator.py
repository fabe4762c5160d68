"""The simulator: the state of many copies of a task in arrays, advanced by one kernel call a step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from entangrid.data.errors import InputError
from entangrid.envs import actions as action_sets
from entangrid.envs.batch import Snapshot
from entangrid.envs.kernels import home as home_kernel
from entangrid.envs.kernels import rooms
from entangrid.envs.kernels import step as kernel
from entangrid.envs.layout import FEEDER_TERMS, STATE, TERMS, Records
from entangrid.envs.tasks import Task
from entangrid.envs.world import Live

#: Arrays that decide what follows, besides the seed.
_KEPT = (
    "clock",
    "state",
    "transformer",
    "nodes",
    "current",
    "terms",
    "feeder_terms",
    "feeder_seen",
    "obs",
    "final_obs",
    "reward",
    "truncated",
)


class Simulator:
    """E environments of one task of H homes; every face (Gymnasium, SB3, PettingZoo) is a view of it.

    Public arrays, all overwritten by :meth:`step` and :meth:`reset`: obs, final_obs (E, H, K) float32; reward (E,)
    [EUR]; truncated (E,) bool; terms (E, H) and feeder_terms (E,) records of what the last step did; state (E, H)
    records.
    """

    def __init__(
        self,
        task: Task,
        n_envs: int = 1,
        seed: int = 0,
        *,
        autoreset: bool = True,
        first_env: int = 0,
        threads: int = 1,
    ):
        """Environment e draws as copy number first_env + e of the seed; ``threads`` share the environments.

        The number of threads changes no bit of any result. Raises InputError for n_envs or threads < 1.
        """
        if n_envs < 1:
            raise InputError(f"n_envs is {n_envs}; expected at least 1")
        if threads < 1:
            raise InputError(f"threads is {threads}; expected at least 1")
        n_homes = task.scenario.n_homes
        n_obs = len(task.observation_names)
        self.task = task
        self.n_envs = n_envs
        self.n_homes = n_homes
        self.episode_steps = task.episode_steps
        self.autoreset = autoreset
        self.world = task.world(seed=0, n_envs=n_envs, autoreset=autoreset)
        self.grid = task.grid
        self._built_in = self.world._replace(slots=np.full_like(self.world.slots, -1))
        self.live = Live(
            clock=np.zeros((n_envs, 4), np.int64),
            env_ids=np.arange(first_env, first_env + n_envs, dtype=np.int64),
            state=np.zeros((n_envs, n_homes), STATE),
            transformer=np.zeros((n_envs, 3)),
            nodes=np.zeros((n_envs, 6, self.grid.parent.size)),
            current=np.zeros((n_envs, self.grid.line_node.size)),
            terms=np.zeros((n_envs, n_homes), TERMS),
            feeder_terms=np.zeros(n_envs, FEEDER_TERMS),
            feeder_seen=np.zeros(n_envs, FEEDER_TERMS),
            work=np.zeros((n_envs, rooms.WORK + kernel.N_CONTROLS)),
            obs=np.zeros((n_envs, n_homes, n_obs), np.float32),
            final_obs=np.zeros((n_envs, n_homes, n_obs), np.float32),
            reward=np.zeros(n_envs),
            truncated=np.zeros(n_envs, np.bool_),
        )
        for name in (*_KEPT, "env_ids"):
            setattr(self, name, getattr(self.live, name))
        self.observation_space = spaces.Box(-1.0, 1.0, (n_obs * n_homes,), np.float32)
        self.action_space = action_sets.action_space(task)
        self._commands = np.zeros((n_envs, n_homes, len(task.controls)))
        self._everyone = np.ones(n_envs, np.bool_)
        edges = [n_envs * i // threads for i in range(threads + 1)]
        self._parts = [(a, b) for a, b in pairwise(edges) if b > a]
        self._pool = ThreadPoolExecutor(len(self._parts)) if len(self._parts) > 1 else None
        self.reseed(seed)

    clock: npt.NDArray[np.int64]
    env_ids: npt.NDArray[np.int64]
    state: Records
    transformer: npt.NDArray[np.float64]
    nodes: npt.NDArray[np.float64]
    current: npt.NDArray[np.float64]
    terms: Records
    feeder_terms: Records
    feeder_seen: Records
    obs: npt.NDArray[np.float32]
    final_obs: npt.NDArray[np.float32]
    reward: npt.NDArray[np.float64]
    truncated: npt.NDArray[np.bool_]

    @property
    def seed(self) -> int:
        """The seed of all draws."""
        return int(self.world.settings["seed"][0])

    @seed.setter
    def seed(self, seed: int) -> None:
        self.world.settings["seed"] = int(seed) % 2**63

    def reseed(self, seed: int) -> None:
        """Use this seed and count episodes from the first again."""
        self.seed = seed
        self.clock[:, 3] = -1

    def reset(self, which: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.float32]:
        """Begin a new episode in the environments that the mask (E,) names (all by default); returns obs."""
        mask = self._everyone if which is None else which
        self.truncated[mask] = False
        kernel.reset(mask, self.world, self.grid, self.live)
        return self.obs

    def step(self, actions: npt.NDArray[Any]) -> None:
        """Advance every environment by one step; actions have one row an environment (:mod:`entangrid.envs.actions`).

        Raises InputError for an action that is not a number, and without autoreset after an episode's end.
        """
        self._refuse_if_ended()
        action_sets.commands(self.task, actions, self._commands)
        self._advance(self.world)

    def step_default(self) -> None:
        """Advance every environment with every device left to its own controller: what "no control" means.

        The battery stands idle, thermostats hold rooms and tank, the vehicle charges at once, appliances start at
        once, PV feeds in.
        """
        self._refuse_if_ended()
        self._advance(self._built_in)

    def _refuse_if_ended(self) -> None:
        if not self.autoreset and (self.truncated[0] if self.n_envs == 1 else self.truncated.any()):
            raise InputError(f"episode of environment {self.truncated.argmax()} has ended; call reset before step")

    def _advance(self, world: Any) -> None:
        if self._pool is None:
            kernel.step(self._commands, 0, self.n_envs, world, self.grid, self.live)
            return
        jobs = [
            self._pool.submit(kernel.step, self._commands, first, last, world, self.grid, self.live)
            for first, last in self._parts
        ]
        for job in jobs:
            job.result()

    @property
    def vm(self) -> npt.NDArray[np.float64]:
        """Voltages (E, n_bus) [pu] of the last step in the row order of the feeder's bus table; (E, 0) without one."""
        if self.task.feeder is None:
            return np.zeros((self.n_envs, 0))
        grid = self.task.feeder.grid
        vm = np.sqrt(self.nodes[:, 2, :])[:, grid.node_of_bus]
        vm[:, grid.node_of_bus == 0] = grid.vm_hv_pu
        return vm

    @property
    def line_loading_percent(self) -> npt.NDArray[np.float64]:
        """Loading (E, n_line) [%] of the last step in the row order of the feeder's line table."""
        return self.current * self.grid.line_percent

    def action_masks(self, env: int = 0) -> npt.NDArray[np.bool_]:
        """Which discrete actions can do anything now: :func:`entangrid.envs.actions.masks`."""
        return action_sets.masks(self, env)

    def now(self, env: int = 0) -> int:
        """Index of the scenario step that environment ``env`` is about to take."""
        return int(self.clock[env, 1])

    def stored_value_eur(self, env: int = 0) -> float:
        """Value of what environment ``env`` has stored: battery, vehicle, tank and building [EUR]."""
        k = int(self.clock[env, 0])
        world = self.world
        total = 0.0
        for h in range(self.n_homes):
            total += home_kernel.stored_value(
                world.homes[h],
                self.state[env, h],
                world.capacity[h],
                world.value_el[k],
                world.value_heat[k, h],
                world.value_tank[k, h],
            )
        return total

    def info(self, env: int) -> dict[str, Any]:
        """Every term of the last step of one environment, as arrays (H,), or as numbers where there is one home."""
        terms = self.terms[env]
        if self.n_homes == 1:
            info = dict(zip(TERMS.names or (), terms[0].item(), strict=True))
        else:
            info = {name: terms[name].copy() for name in TERMS.names or ()}
        if self.task.feeder is not None:
            info |= zip(FEEDER_TERMS.names or (), self.feeder_terms[env].item(), strict=True)
        return info

    def infos(self) -> dict[str, npt.NDArray[Any]]:
        """The terms of all environments, (E, H), or (E,) where there is one home; the feeder's (E,).

        Fields of one copy of the records, so strided; later steps leave them as they are.
        """
        terms = self.terms[:, 0].copy() if self.n_homes == 1 else self.terms.copy()
        infos: dict[str, npt.NDArray[Any]] = {name: terms[name] for name in TERMS.names or ()}
        if self.task.feeder is not None:
            feeder = self.feeder_terms.copy()
            infos |= {name: feeder[name] for name in FEEDER_TERMS.names or ()}
        return infos

    def snapshot(self) -> Snapshot:
        """A copy of everything that decides what follows; :meth:`restore` returns to the same bits."""
        return {"seed": self.seed, **{name: getattr(self, name).copy() for name in _KEPT}}

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot of a simulator of the same task and size; raises InputError for another."""
        for name in ("state", *_KEPT):
            shape = snapshot[name].shape if name in snapshot else None
            if shape != getattr(self, name).shape:
                raise InputError(
                    f"snapshot is of {shape} environments and homes; expected {self.state.shape}"
                    if name == "state"
                    else f"snapshot: {name} does not fit this task"
                )
        self.seed = snapshot["seed"]
        for name in _KEPT:
            getattr(self, name)[...] = snapshot[name]
