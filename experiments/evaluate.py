"""One evaluator for every controller: the same weeks, the same start, the same sums."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from entangrid.agents.controller import Controller, Foresighted
from entangrid.envs.layout import TERMS
from entangrid.envs.simulator import Simulator
from entangrid.envs.tasks import Task


class Evaluation(NamedTuple):
    """What a controller did: tidy rows (week, home, metric, value, unit) and the first week step by step."""

    metrics: pd.DataFrame
    first_week: pd.DataFrame


#: metric -> (unit, the term that is summed)
SUMS = {
    "bill": ("EUR", "bill_eur"),
    "carbon_cost": ("EUR", "carbon_eur"),
    "discomfort_cost": ("EUR", "discomfort_eur"),
    "wear": ("EUR", "wear_eur"),
    "stored_value": ("EUR", "stored_value_eur"),
    "carbon": ("kg", "carbon_kg"),
    "discomfort": ("K h", "discomfort_kh"),
}


def evaluate(controller: Controller, task: Task, seed: int = 0) -> Evaluation:
    """Run one episode from each of the task's starts, in order and side by side, with deterministic actions.

    The objective of an episode is minus the sum of its rewards: bill, carbon, wear and discomfort less the change of
    the value of stored energy.
    """
    n = task.starts.size
    simulator = Simulator(task, n, seed, autoreset=False)
    observation = simulator.reset().reshape(n, -1)
    if isinstance(controller, Foresighted):
        controller.attach(simulator)
    dt = task.scenario.dt_h
    sums = np.zeros((n, simulator.n_homes), TERMS)
    imported = np.zeros((n, simulator.n_homes))
    heating = np.zeros((n, simulator.n_homes))
    steps: list[npt.NDArray[np.void]] = []
    soc: list[float] = []
    state: Any = None
    starting = np.ones(n, np.bool_)
    for _ in range(task.episode_steps):
        actions, state = controller.predict(observation, state, starting, deterministic=True)
        simulator.step(actions)
        observation = simulator.obs.reshape(n, -1)
        starting[:] = False
        for name in TERMS.names or ():
            sums[name] += simulator.terms[name]
        imported += np.maximum(simulator.terms["p_grid_kw"], 0.0) * dt
        heating += simulator.terms["p_hp_kw"] * dt
        steps.append(simulator.terms[0, 0].copy())
        soc.append(float(simulator.state[0, 0]["soc"]))

    index = task.scenario.index
    rows: list[dict[str, Any]] = []
    for e in range(n):
        week = index[task.starts[e]].strftime("%Y-%m-%d")
        for h, home in enumerate(task.scenario.home_names):
            values = {metric: (float(sums[e, h][term]), unit) for metric, (unit, term) in SUMS.items()}
            values["objective"] = (-float(sums[e, h]["reward_eur"]), "EUR")
            values["import"] = (float(imported[e, h]), "kWh")
            values["heat_pump"] = (float(heating[e, h]), "kWh")
            rows += [
                {"week": week, "home": home, "metric": metric, "value": value, "unit": unit}
                for metric, (value, unit) in values.items()
            ]
    first = pd.DataFrame(np.array(steps))
    first.insert(0, "time", index[task.starts[0] : task.starts[0] + task.episode_steps])
    first["soc"] = soc
    first["t_out_c"] = task.scenario.t_out_c[task.starts[0] : task.starts[0] + task.episode_steps]
    first["price_import_eur_kwh"] = task.scenario.price_import_eur_kwh[
        task.starts[0] : task.starts[0] + task.episode_steps
    ]
    return Evaluation(pd.DataFrame(rows), first)
