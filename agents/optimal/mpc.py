"""Model predictive control: plan a day or two ahead, follow the plan for an hour, plan again."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from entangrid.agents.controller import Memoryless, encode
from entangrid.agents.optimal.forecasts import Forecast, Window
from entangrid.agents.optimal.home_model import refuse
from entangrid.agents.optimal.linear import InfeasibleError
from entangrid.agents.optimal.oracle import Followed, commands_of
from entangrid.agents.optimal.program import solve
from entangrid.agents.optimal.replay import Values
from entangrid.data.errors import InputError
from entangrid.envs.derived import HEATING_LIMIT_C
from entangrid.envs.kernels import heat_pump, rooms
from entangrid.envs.kernels.home import TANK_LIFT_K
from entangrid.envs.layout import CONTROLS
from entangrid.envs.simulator import Simulator
from entangrid.envs.tasks import Task

INFORMATION = {"perfect": "future", "noisy": "forecast", "persistence": "model"}


class MPC(Memoryless):
    """Solves every home's program over the next hours of a forecast, again and again.

    **Information.** The true state (:meth:`attach`) and the simulator's parameters; of the future what
    :class:`~entangrid.agents.optimal.forecasts.Forecast` says: everything ("perfect", information "future"), everything
    with an error ("noisy", "forecast"), or nothing but tariff, carbon and outages, which are published ("persistence",
    "model"). What is stored at the horizon counts as it does at an episode's end. Each home is planned by itself: a
    feeder's limits are not planned for, and neither are outages.
    """

    def __init__(
        self,
        task: Task,
        forecast: str = "perfect",
        *,
        horizon_h: float = 24.0,
        replan_h: float = 1.0,
        forecast_sigma: float = 0.2,
        seed: int = 0,
        time_limit_s: float = 10.0,
    ):
        """horizon_h: how far is planned ahead, at most to the episode's end [h]; replan_h: how long a plan is followed
        [h]. forecast, forecast_sigma, seed: see :class:`~entangrid.agents.optimal.forecasts.Forecast`. time_limit_s: of
        each home's search [s].

        Raises InputError for these, for a discrete action set, and for controls that leave half of a heat pump to
        itself.
        """
        refuse(task, "mpc", approximate=True)
        for name, value in (("horizon_h", horizon_h), ("replan_h", replan_h)):
            if not 0.0 < value <= 8760.0:
                raise InputError(f"mpc: {name} is {value:g}; expected hours above 0")
        self.task, self.time_limit_s = task, time_limit_s
        self.forecast = Forecast(task, forecast, seed, forecast_sigma)
        self.information = INFORMATION[forecast]
        dt = task.scenario.dt_h
        self.horizon, self.replan = max(round(horizon_h / dt), 1), max(round(replan_h / dt), 1)
        self._simulator: Simulator | None = None
        self._plans: dict[int, tuple[int, Followed]] = {}
        #: How often the solver found no plan, and the devices were left to themselves until the next one.
        self.failures = 0

    def attach(self, simulator: Simulator) -> None:
        """Plan for this simulator's environments."""
        self._simulator = simulator
        self._plans.clear()
        self.failures = 0

    def act(self, observation: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Actions for the attached simulator's state; raises InputError before :meth:`attach`."""
        if self._simulator is None:
            raise InputError("mpc: no simulator attached; call attach(simulator) before predict")
        simulator = self._simulator
        commands = np.zeros((simulator.n_envs, simulator.n_homes, len(CONTROLS)))
        for e in range(simulator.n_envs):
            step, episode = simulator.now(e), int(simulator.clock[e, 3])
            known = self._plans.get(e)
            if known is None or known[0] != episode or not 0 <= step - known[1].start < self.replan:
                known = self._plans[e] = (episode, self._plan(simulator, e))
            commands[e] = known[1].commands[step - known[1].start]
        return encode(self.task, commands_of(self.task, commands))

    def _plan(self, simulator: Simulator, e: int) -> Followed:
        """The plan of environment e over the horizon."""
        start, k = simulator.now(e), int(simulator.clock[e, 0])
        left = int(simulator.clock[e, 2]) + self.task.episode_steps - start
        window = self.forecast.window(start, min(self.horizon, left))
        commands, states = [], []
        for h in range(simulator.n_homes):
            state, values = simulator.state[e, h], self._values(k, h, window)
            try:
                limit = self.time_limit_s
                plan = solve(self.task, h, window, state, values, time_limit_s=limit, bounded=False, passes=2)
            except InfeasibleError:
                self.failures += 1
                plan = solve(self.task, h, window, state, values, bounded=False, passes=0)
            commands.append(plan.commands)
            states.append(plan.states)
        return Followed(start, np.stack(commands, 1), np.stack(states, 1))

    def _values(self, k: int, h: int, window: Window) -> Values:
        """Worth of stored energy: the episode's own, or for a blind forecast that of the weather it believes in."""
        values = Values.of(self.task, k, h)
        if self.forecast.foresees:
            return values
        home, price, t_out = self.task.homes[h], values.electric, float(np.mean(window.common["t_out"]))
        heat, tank = 0.0, values.tank
        if (home["hp_q_ref"] > 0.0 or home["ideal_load"] > 0.0) and t_out < HEATING_LIMIT_C:
            heat = price / rooms.hp_limits(home, t_out)[0]
        if home["dhw_c"] > 0.0 and home["dhw_hp"] > 0.0 and home["hp_q_ref"] > 0.0:
            tank = price / heat_pump.heating(home, t_out, float(home["dhw_t_set"]) + TANK_LIFT_K)[0]
        return Values(price, float(heat), float(tank))
