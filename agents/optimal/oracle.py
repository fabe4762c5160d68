"""The perfect-foresight optimum as a controller."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.agents.controller import F, Memoryless, encode
from entangrid.agents.optimal.coupled import solve_together
from entangrid.agents.optimal.forecasts import Forecast
from entangrid.agents.optimal.home_model import refuse
from entangrid.agents.optimal.program import solve
from entangrid.agents.optimal.replay import Values
from entangrid.data.errors import InputError
from entangrid.envs.layout import CONTROLS, Records
from entangrid.envs.simulator import Simulator
from entangrid.envs.tasks import Task


class Followed(NamedTuple):
    """A plan being followed: commands (n, H, 10) from step ``start`` on, and the states (n + 1, H) that it passes."""

    start: int
    commands: F
    states: Records

    def leads_to(self, step: int, state: Records) -> bool:
        """Whether the plan holds this step and expected this state (H,) at its beginning."""
        k = step - self.start
        if not 0 <= k < len(self.commands):
            return False
        expected = self.states[k]
        return all(
            bool(np.abs(expected[name] - state[name]).max() < near)
            for name, near in (("soc", 1e-6), ("t_air", 1e-4), ("t_tank", 1e-4), ("ev_soc", 1e-6), ("app_left", 0.5))
        )


def commands_of(task: Task, commands: F) -> dict[str, F]:
    """Commands (E, H, 10) by name; a device's own controller (NaN) is not asked for, so any number does."""
    known = np.nan_to_num(commands, nan=0.0)
    return {name: known[..., CONTROLS.index(name)] for name in task.controls}


class Optimum(Memoryless):
    """Solves each episode's program when it begins and follows the plan: what nobody without a crystal ball can beat.

    **Information: the future.** The true state, the simulator's parameters and every future value of the episode.
    :meth:`attach` gives it the simulator that it controls. ``objective_eur[e]`` is the objective of environment e's
    current episode, found by running the plan through the simulator's kernel, ``bound_eur[e]`` a proven lower bound.
    The two are equal, and the plan optimal, for any zones, heating and cooling, battery, vehicle, appliances, PV, tank
    with an element, and any tariff, unless the search ran out of time; a tank heated by the pump, a battery that ages
    or has curves, part load and disinfection are planned by iteration, and the bound may be lower. On a feeder the
    homes are planned together (:mod:`~entangrid.agents.optimal.coupled`); the bound is that of the homes without it.
    A plan is made anew when the state is not the one that it led to.
    """

    information = "future"

    def __init__(self, task: Task, *, time_limit_s: float = 60.0):
        """time_limit_s: of each home's search [s].

        Raises InputError for a discrete action set, on which the plan cannot be followed, outages, and controls that
        leave half of a heat pump to itself.
        """
        refuse(task, "optimum")
        self.task, self.time_limit_s = task, time_limit_s
        self._simulator: Simulator | None = None
        self._plans: dict[int, Followed] = {}
        self.objective_eur: dict[int, float] = {}
        self.bound_eur: dict[int, float] = {}

    def attach(self, simulator: Simulator) -> None:
        """Plan for this simulator's environments."""
        self._simulator = simulator
        self._plans.clear()
        self.objective_eur.clear()
        self.bound_eur.clear()

    def act(self, observation: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Actions for the attached simulator's state; raises InputError before :meth:`attach`."""
        if self._simulator is None:
            raise InputError("optimum: no simulator attached; call attach(simulator) before predict")
        simulator = self._simulator
        commands = np.zeros((simulator.n_envs, simulator.n_homes, len(CONTROLS)))
        for e in range(simulator.n_envs):
            step = simulator.now(e)
            plan = self._plans.get(e)
            if plan is None or not plan.leads_to(step, simulator.state[e]):
                plan = self._plans[e] = self._plan(simulator, e)
            commands[e] = plan.commands[step - plan.start]
        return encode(self.task, commands_of(self.task, commands))

    def _plan(self, simulator: Simulator, e: int) -> Followed:
        """The plan of environment e from now to its episode's end."""
        task, start, k = self.task, simulator.now(e), int(simulator.clock[e, 0])
        steps = int(simulator.clock[e, 2]) + task.episode_steps - start
        window = Forecast(task, "perfect").window(start, steps)
        values = [Values.of(task, k, h) for h in range(simulator.n_homes)]
        if task.feeder is not None:
            oil, limit = simulator.transformer[e].copy(), self.time_limit_s
            joint = solve_together(task, window, simulator.state[e].copy(), oil, values, time_limit_s=limit)
            self.objective_eur[e], self.bound_eur[e] = joint.objective_eur, joint.bound_eur
            return Followed(start, joint.passage.commands, joint.passage.states)
        plans = [
            solve(task, h, window, simulator.state[e, h], v, time_limit_s=self.time_limit_s)
            for h, v in enumerate(values)
        ]
        self.objective_eur[e] = self.bound_eur[e] = 0.0
        for plan in plans:
            self.objective_eur[e] += plan.objective_eur
            self.bound_eur[e] += plan.bound_eur
        commands = np.stack([plan.commands for plan in plans], 1)
        return Followed(start, commands, np.stack([plan.states for plan in plans], 1))
