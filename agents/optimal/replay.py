"""One home run through the simulator's own kernel, over records that may be a forecast's."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.agents.optimal.forecasts import Window
from entangrid.envs import connection
from entangrid.envs.kernels import rooms
from entangrid.envs.kernels import step as kernel
from entangrid.envs.layout import CONTROLS, FEEDER_TERMS, STATE, TERMS, Records
from entangrid.envs.tasks import Task
from entangrid.envs.world import Live

F = npt.NDArray[np.float64]


class Values(NamedTuple):
    """Value of a stored kWh [EUR/kWh]: of electricity, of heat in the building, of heat in the tank."""

    electric: float
    heat: float
    tank: float

    @classmethod
    def of(cls, task: Task, start: int, home: int) -> Values:
        """Those of the episode that begins at the task's ``start``-th start."""
        electric, heat, tank = task.stored_values
        return cls(float(electric[start]), float(heat[start, home]), float(tank[start, home]))


class Course(NamedTuple):
    """What happened over n steps: states (n + 1,) and terms (n,) records."""

    states: Records
    terms: Records

    @property
    def objective_eur(self) -> float:
        """Minus the sum of rewards."""
        return -float(self.terms["reward_eur"].sum())


class Replay:
    """One home of a task over a window of records, stepped by the simulator's kernel without a feeder."""

    def __init__(self, task: Task, home: int, window: Window, values: Values):
        world = task.world(seed=0, n_envs=1, autoreset=False)
        settings = world.settings.copy()
        settings["episode_steps"] = len(window.common) + 1
        settings["has_feeder"] = settings["shows_devices"] = settings["occupancy_seen"] = 0
        only = slice(home, home + 1)
        nothing = np.zeros(0, np.int64)
        self.n = len(window.common)
        self._world = world._replace(
            settings=settings,
            homes=world.homes[only],
            zones=world.zones[only],
            **{name: getattr(world, name)[only] for name in ("a", "b", "a_mean", "b_mean")},
            **{name: getattr(world, name)[only] for name in ("loss_x", "loss_u", "capacity")},
            common=np.ascontiguousarray(window.common),
            series=np.ascontiguousarray(window.series[:, only]),
            value_el=np.array([values.electric]),
            value_heat=np.array([[values.heat]]),
            value_tank=np.array([[values.tank]]),
            starts=np.zeros(1, np.int64),
            slots=np.arange(len(CONTROLS), dtype=np.int64),
            entries=nothing,
            lead=nothing,
            low=np.zeros((1, 0)),
            scale=np.zeros((1, 0)),
        )
        self._grid = connection.no_grid(1)

    def begin(self, state: Records) -> None:
        """Start at the window's first step in this state, one record; it is copied."""
        n_nodes, n_lines = self._grid.parent.size, self._grid.line_node.size
        self._live = Live(
            clock=np.zeros((1, 4), np.int64),
            env_ids=np.zeros(1, np.int64),
            state=np.zeros((1, 1), STATE),
            transformer=np.zeros((1, 3)),
            nodes=np.zeros((1, 6, n_nodes)),
            current=np.zeros((1, n_lines)),
            terms=np.zeros((1, 1), TERMS),
            feeder_terms=np.zeros(1, FEEDER_TERMS),
            feeder_seen=np.zeros(1, FEEDER_TERMS),
            work=np.zeros((1, rooms.WORK + kernel.N_CONTROLS)),
            obs=np.zeros((1, 1, 0), np.float32),
            final_obs=np.zeros((1, 1, 0), np.float32),
            reward=np.zeros(1),
            truncated=np.zeros(1, np.bool_),
        )
        self._live.state[0, 0] = state

    @property
    def state(self) -> Records:
        """The state before the next step, a view (one record)."""
        return self._live.state[0, 0]

    def step(self, commands: F) -> Records:
        """Take one step with commands (10,), NaN for a device's own controller; returns its terms, a view."""
        kernel.step(commands.reshape(1, 1, -1), 0, 1, self._world, self._grid, self._live)
        return self._live.terms[0, 0]

    def run(self, state: Records, commands: F) -> Course:
        """Everything that follows from a state under commands (n, 10)."""
        self.begin(state)
        states, terms = np.zeros(self.n + 1, STATE), np.zeros(self.n, TERMS)
        states[0] = state
        for t in range(self.n):
            terms[t] = self.step(commands[t])
            states[t + 1] = self.state
        return Course(states, terms)
