"""Homes run through the simulator's own kernel, one alone or all on their feeder; records may be a forecast's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.agents.optimal.forecasts import Window
from entangrid.envs import connection
from entangrid.envs.kernels import rooms
from entangrid.envs.kernels import step as kernel
from entangrid.envs.layout import CONTROLS, FEEDER_TERMS, STATE, TERMS, Records
from entangrid.envs.tasks import Task
from entangrid.envs.world import Grid, Live, World

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


def _world(task: Task, homes: slice, window: Window, values: Sequence[Values]) -> World:
    """The kernel's arrays for some homes over a window, with all commands and no observation."""
    world = task.world(seed=0, n_envs=1, autoreset=False)
    settings = world.settings.copy()
    settings["episode_steps"] = len(window.common) + 1
    settings["shows_devices"] = settings["occupancy_seen"] = 0
    nothing = np.zeros(0, np.int64)
    return world._replace(
        settings=settings,
        homes=world.homes[homes],
        zones=world.zones[homes],
        **{name: getattr(world, name)[homes] for name in ("a", "b", "a_mean", "b_mean")},
        **{name: getattr(world, name)[homes] for name in ("loss_x", "loss_u", "capacity")},
        common=np.ascontiguousarray(window.common),
        series=np.ascontiguousarray(window.series[:, homes]),
        value_el=np.array([values[0].electric]),
        value_heat=np.array([[value.heat for value in values]]),
        value_tank=np.array([[value.tank for value in values]]),
        starts=np.zeros(1, np.int64),
        slots=np.arange(len(CONTROLS), dtype=np.int64),
        entries=nothing,
        lead=nothing,
        low=np.zeros((len(values), 0)),
        scale=np.zeros((len(values), 0)),
    )


def _live(n_homes: int, grid: Grid) -> Live:
    """One environment at its first step, everything 0."""
    return Live(
        clock=np.zeros((1, 4), np.int64),
        env_ids=np.zeros(1, np.int64),
        state=np.zeros((1, n_homes), STATE),
        transformer=np.zeros((1, 3)),
        nodes=np.zeros((1, 6, grid.parent.size)),
        current=np.zeros((1, grid.line_node.size)),
        terms=np.zeros((1, n_homes), TERMS),
        feeder_terms=np.zeros(1, FEEDER_TERMS),
        feeder_seen=np.zeros(1, FEEDER_TERMS),
        work=np.zeros((1, rooms.WORK + kernel.N_CONTROLS)),
        obs=np.zeros((1, n_homes, 0), np.float32),
        final_obs=np.zeros((1, n_homes, 0), np.float32),
        reward=np.zeros(1),
        truncated=np.zeros(1, np.bool_),
    )


class Replay:
    """One home of a task over a window of records, stepped by the simulator's kernel without a feeder."""

    def __init__(self, task: Task, home: int, window: Window, values: Values):
        self.n = len(window.common)
        self._world = _world(task, slice(home, home + 1), window, [values])
        self._world.settings["has_feeder"] = 0
        self._grid = connection.no_grid(1)

    def begin(self, state: Records) -> None:
        """Start at the window's first step in this state, one record; it is copied."""
        self._live = _live(1, self._grid)
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


class Flow(NamedTuple):
    """Power flows of n steps in the units of :mod:`entangrid.envs.kernels.distflow`; N nodes, L lines."""

    v: F  # (n, N) squared voltages
    p: F  # (n, N) over the edge that ends at the node
    q: F
    i2: F
    current: F  # (n, L)
    loading: F  # (n,) of the transformer, share of its rating


class Passage(NamedTuple):
    """What happened to all homes and their feeder over n steps."""

    states: Records  # (n + 1, H)
    terms: Records  # (n, H)
    feeder: Records  # (n,)
    flow: Flow
    oil: F  # (n + 1, 3) state of the transformer
    commands: F  # (n, H, 10)

    @property
    def objective_eur(self) -> float:
        """Minus the sum of rewards, the feeder's costs among them."""
        return -float(self.terms["reward_eur"].sum())

    def course(self, home: int) -> Course:
        """That of one home; its rewards hold its share of the feeder's costs."""
        return Course(self.states[:, home], self.terms[:, home])


class Together:
    """All homes of a task and their feeder over a window of records, stepped by the simulator's kernel."""

    def __init__(self, task: Task, window: Window, values: Sequence[Values]):
        self.n, self.n_homes = len(window.common), len(values)
        self._world, self._grid = _world(task, slice(None), window, values), task.grid

    def run(self, state: Records, oil: F, commands: F) -> Passage:
        """Everything that follows from states (H,) and the transformer's (3,) under commands (n, H, 10)."""
        live, n = _live(self.n_homes, self._grid), len(commands)
        live.state[0], live.transformer[0] = state, oil
        states, terms = np.zeros((n + 1, self.n_homes), STATE), np.zeros((n, self.n_homes), TERMS)
        feeder, nodes = np.zeros(n, FEEDER_TERMS), np.zeros((n, *live.nodes.shape[1:]))
        current, oils = np.zeros((n, live.current.shape[1])), np.zeros((n + 1, 3))
        states[0], oils[0] = state, oil
        for t in range(n):
            kernel.step(commands[t : t + 1], 0, 1, self._world, self._grid, live)
            states[t + 1], terms[t], feeder[t] = live.state[0], live.terms[0], live.feeder_terms[0]
            nodes[t], current[t], oils[t + 1] = live.nodes[0], live.current[0], live.transformer[0]
        loading = np.asarray(feeder["trafo_loading_percent"] / 100.0)
        flow = Flow(nodes[:, 2], nodes[:, 3], nodes[:, 4], nodes[:, 5], current, loading)
        return Passage(states, terms, feeder, flow, oils, commands)
