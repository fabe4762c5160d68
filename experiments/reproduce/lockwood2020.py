"""Lockwood and Si 2020: Q-learning on CartPole-v1 with the signs of the state, and what keeps it from learning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from entangrid.experiments.reproduce import curves
from entangrid.experiments.reproduce.bootstrap import mean_interval
from entangrid.experiments.reproduce.target import Row, Settings, Target, Unit, Verdict, units

LAST = 50
LOW, HIGH, CONTROL = 40.0, 110.0, 150.0
N_POOLING = 12

#: as published: no target network, one update at the end of an episode, all angles 0 at first
PUBLISHED: Settings = {
    "episodes": 200, "limit": 500, "gamma": 0.99, "batch": 32, "capacity": 10_000, "begin": 1_000, "rate": 0.01,
    "epsilon_decay": 0.9, "epsilon_min": 0.01, "every": 0, "target_every": 0,
}  # fmt: skip
ARMS: dict[str, Settings] = {"as-published": PUBLISHED}


def plan(seeds: int | None, smoke: bool) -> list[Unit]:
    """The published agent and the control."""
    arms = {name: settings | {"episodes": 60, "begin": 200} for name, settings in ARMS.items()} if smoke else ARMS
    return units(arms, seeds or (1 if smoke else 10))


def run(unit: Unit) -> dict[str, Any]:
    """Episode returns of one run.

    The released circuit pools with powers of X, Y and Z, turns by π s, so that the same learning rate moves those
    twelve angles π times as far as the others.
    """
    from entangrid.agents.quantum.library import lockwood2020
    from entangrid.experiments.reproduce.approximators import Adam, CircuitFunction, n_parameters
    from entangrid.experiments.reproduce.q_learning import CartPole, Learner, Schedule, learn

    settings = unit.settings
    rng = np.random.default_rng(unit.seed)
    function = CircuitFunction(lockwood2020(), rng, (0.0, 0.0))
    rates = np.full(function.parameters["angles"].size, settings["rate"], np.float32)
    rates[-N_POOLING:] *= np.pi
    schedule = Schedule(
        settings["gamma"], settings["batch"], settings["capacity"], settings["begin"], settings["every"],
        settings["target_every"],
    )  # fmt: skip
    decay, least = settings["epsilon_decay"], settings["epsilon_min"]
    returns = learn(
        CartPole(settings["limit"], unit.seed, lambda state: (state >= 0.0).astype(np.float32)),
        Learner(function, Adam({"angles": rates}), schedule, rng),
        4,
        episodes=settings["episodes"],
        epsilon=lambda episode, updates: max(decay**updates, least),
    )
    return {"parameters": n_parameters(function), "returns": returns}


TARGET = None
