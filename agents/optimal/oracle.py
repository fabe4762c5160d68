"""The perfect-foresight optimum as a controller."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.agents.controller import Memoryless, encode
from entangrid.agents.optimal.program import refuse_unknown, solve
from entangrid.data.errors import InputError
from entangrid.envs.layout import Records
from entangrid.envs.simulator import Simulator
from entangrid.envs.tasks import Task


class _Followed(NamedTuple):
    """A plan being followed: commands (n, H, 2) from step ``start`` on, and the state (n + 1, H) that it passes."""

    start: int
    commands: npt.NDArray[np.float64]
    soc: npt.NDArray[np.float64]
    t_air: npt.NDArray[np.float64]

    def leads_to(self, step: int, state: Records) -> bool:
        """Whether the plan holds this step and expected this state (H,) at its beginning."""
        k = step - self.start
        if not 0 <= k < len(self.commands):
            return False
        near = np.abs(self.soc[k] - state["soc"]).max() < 1e-6 and np.abs(self.t_air[k] - state["t_air"]).max() < 1e-4
        return bool(near)


class Optimum(Memoryless):
    """Solves each episode's program when it begins and follows the plan: what nobody without a crystal ball can beat.

    Information: the true state and every future value of the episode. :meth:`attach` gives it the simulator that it
    controls. ``objective_eur[e]`` is the planned objective of environment e's current episode, ``bound_eur[e]`` a
    proven lower bound, lower than it only where the search ran out of time. A plan is made anew when the state is not
    the one that it led to.
    """

    def __init__(self, task: Task):
        """Raises InputError for a discrete action set, on which the linear plan cannot be followed, and for devices
        that the program does not hold."""
        if task.action_set != "continuous":
            raise InputError(f"optimum: action_set is {task.action_set!r}; expected 'continuous'")
        refuse_unknown(task)
        self.task = task
        self._simulator: Simulator | None = None
        self._plans: dict[int, _Followed] = {}
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
        commands = np.zeros((simulator.n_envs, simulator.n_homes, 2))
        for e in range(simulator.n_envs):
            step = simulator.now(e)
            plan = self._plans.get(e)
            if plan is None or not plan.leads_to(step, simulator.state[e]):
                plan = self._plans[e] = self._plan(simulator, e)
            commands[e] = plan.commands[step - plan.start]
        return encode(self.task, {"battery": commands[..., 0], "heat_pump": commands[..., 1]})

    def _plan(self, simulator: Simulator, e: int) -> _Followed:
        """The plan of environment e from now to its episode's end."""
        task, start, k = self.task, simulator.now(e), int(simulator.clock[e, 0])
        steps = int(simulator.clock[e, 2]) + task.episode_steps - start
        value_el, value_heat, _ = task.stored_values
        commands = np.zeros((steps, simulator.n_homes, 2))
        soc, t_air = np.zeros((steps + 1, simulator.n_homes)), np.zeros((steps + 1, simulator.n_homes))
        soc[0], t_air[0] = simulator.state[e]["soc"], simulator.state[e]["t_air"]
        self.objective_eur[e] = self.bound_eur[e] = 0.0
        for h, home in enumerate(task.homes):
            state = simulator.state[e, h]
            plan = solve(
                task,
                h,
                start,
                steps,
                soc=float(state["soc"]),
                t_air=float(state["t_air"]),
                t_mass=float(state["t_mass"]),
                value_el=float(value_el[k]),
                value_heat=float(value_heat[k, h]),
            )
            limit = home["battery_p"] if home["battery_p"] > 0.0 else 1.0
            p_max = np.where(plan.p_hp_max_kw > 0.0, plan.p_hp_max_kw, 1.0)
            commands[:, h, 0] = plan.p_battery_kw / limit
            commands[:, h, 1] = 2.0 * plan.p_hp_kw / p_max - 1.0
            soc[1:, h] = plan.soc if home["battery_e"] > 0.0 else soc[0, h]  # without a battery it stands still
            t_air[1:, h] = plan.t_air_c
            self.objective_eur[e] += plan.objective_eur
            self.bound_eur[e] += plan.bound_eur
        return _Followed(start, commands, soc, t_air)
