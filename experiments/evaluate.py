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


def sees_single_homes(controller: Controller, task: Task) -> bool:
    """Whether a model takes the observation of one home where the task has several."""
    space = getattr(controller, "observation_space", None)
    return task.scenario.n_homes > 1 and space is not None and space.shape == (len(task.observation_names),)


def evaluate(controller: Controller, task: Task, seed: int = 0) -> Evaluation:
    """Run one episode from each of the task's starts, in order and side by side, with deterministic actions.

    The objective of an episode is minus the sum of its rewards. Every indicator of :mod:`entangrid.envs.kpis` is a
    metric; beside each home stand "all", the homes together (where there are several), and "feeder". A model that was
    trained on single homes is asked about each of them by itself. ``seed`` decides what the agent's estimates and
    forecasts get wrong: it is the same for every arm, whatever the arm's own seed.
    """
    n = task.starts.size
    single = sees_single_homes(controller, task)
    simulator = Simulator(task, n, seed, autoreset=False)
    observation = simulator.reset().reshape(n, -1)
    if isinstance(controller, Foresighted):
        controller.attach(simulator)
    log = Log(task, n)
    log.begin(simulator)
    state: Any = None
    starting = np.ones(n, np.bool_)
    for _ in range(task.episode_steps):
        if single:
            rows = observation.reshape(n * simulator.n_homes, -1)
            actions, _ = controller.predict(rows, None, None, deterministic=True)
        else:
            actions, state = controller.predict(observation, state, starting, deterministic=True)
        simulator.step(np.asarray(actions).reshape(n, -1))
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
    if log.feeder is not None:
        for name in ("v_min_pu", "v_max_pu", "trafo_loading_percent"):
            first[f"feeder_{name}"] = log.feeder[name][:, 0]
    first["t_out_c"] = task.scenario.t_out_c[span]
    first["price_import_eur_kwh"] = task.scenario.price_import_eur_kwh[span]
    return Evaluation(pd.concat(frames, ignore_index=True), first)
