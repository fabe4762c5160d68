"""One evaluator for every controller: the same weeks, the same start, the same indicators."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from entangrid.agents.controller import Controller, Foresighted
from entangrid.envs.kpis import ALL, kpis
from entangrid.envs.log import Log
from entangrid.envs.simulator import Simulator
from entangrid.envs.tasks import Task


class Evaluation(NamedTuple):
    """What a controller did: tidy rows (week, home, metric, value, unit) and the first week step by step."""

    metrics: pd.DataFrame
    first_week: pd.DataFrame


def evaluate(controller: Controller, task: Task, seed: int = 0) -> Evaluation:
    """Run one episode from each of the task's starts, in order and side by side, with deterministic actions.

    The objective of an episode is minus the sum of its rewards. Every indicator of :mod:`entangrid.envs.kpis` is a
    metric; beside each home stand "all", the homes together (where there are several), and "feeder".
    """
    n = task.starts.size
    simulator = Simulator(task, n, seed, autoreset=False)
    observation = simulator.reset().reshape(n, -1)
    if isinstance(controller, Foresighted):
        controller.attach(simulator)
    log = Log(task, n)
    log.begin(simulator)
    state: Any = None
    starting = np.ones(n, np.bool_)
    for _ in range(task.episode_steps):
        actions, state = controller.predict(observation, state, starting, deterministic=True)
        simulator.step(actions)
        log.record(simulator)
        observation = simulator.obs.reshape(n, -1)
        starting[:] = False

    index = task.scenario.index
    frames = []
    for e in range(n):
        frame = kpis(log, e).rename(columns={"kpi": "metric"})
        if simulator.n_homes == 1:
            frame = frame[frame["home"] != ALL]
        frame.insert(0, "week", index[task.starts[e]].strftime("%Y-%m-%d"))
        frames.append(frame)
    span = slice(task.starts[0], task.starts[0] + task.episode_steps)
    first = pd.DataFrame(log.terms[:, 0, 0])
    first.insert(0, "time", index[span])
    first["soc"] = log.state["soc"][1:, 0, 0]
    first["t_out_c"] = task.scenario.t_out_c[span]
    first["price_import_eur_kwh"] = task.scenario.price_import_eur_kwh[span]
    return Evaluation(pd.concat(frames, ignore_index=True), first)
