"""Skolik et al. 2022: deep Q-learning with a 62-parameter circuit on CartPole-v0, with both schedules of updates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from entangrid.experiments.reproduce import curves
from entangrid.experiments.reproduce.bootstrap import mean_interval
from entangrid.experiments.reproduce.target import Row, Settings, Target, Unit, Verdict, units

WINDOW, SOLVED = 100, 195.0

#: the authors' script: update of the Q-function and of its target after every step, mean squared error
PUBLISHED: Settings = {
    "episodes": 5000, "limit": 200, "gamma": 0.99, "batch": 16, "capacity": 10_000, "every": 1, "target_every": 1,
    "epsilon_decay": 0.99, "epsilon_min": 0.01, "huber": False,
    "rates": {"input_scaling": 0.001, "angles": 0.001, "output_scaling": 0.1}, "stop": True,
}  # fmt: skip

#: the TensorFlow Quantum tutorial updates every 10 steps, copies the target every 30, and takes the Huber loss
ARMS = {"every-step": PUBLISHED, "every-10-target-30": PUBLISHED | {"every": 10, "target_every": 30, "huber": True}}


def plan(seeds: int | None, smoke: bool) -> list[Unit]:
    """Both schedules."""
    arms = {name: settings | {"episodes": 30} for name, settings in ARMS.items()} if smoke else ARMS
    return units(arms, seeds or (1 if smoke else 5))


def train(circuit: Any, settings: Settings, seed: int) -> dict[str, Any]:
    """Episode returns of Q-learning on CartPole with this circuit, until 100 of them have a mean of 195 if asked to."""
    from entangrid.experiments.reproduce.approximators import Adam, CircuitFunction, n_parameters
    from entangrid.experiments.reproduce.q_learning import CartPole, Learner, Schedule, learn

    rng = np.random.default_rng(seed)
    function = CircuitFunction(circuit, rng, (0.0, np.pi))
    schedule = Schedule(
        settings["gamma"], settings["batch"], settings["capacity"], settings["batch"], settings["every"],
        settings["target_every"], settings["huber"],
    )  # fmt: skip
    returns = learn(
        CartPole(settings["limit"], seed),
        Learner(function, Adam(settings["rates"], amsgrad=True), schedule, rng),
        circuit.inputs,
        episodes=settings["episodes"],
        epsilon=lambda episode, updates: max(settings["epsilon_decay"] ** episode, settings["epsilon_min"]),
        stop=(lambda found: len(found) >= WINDOW and sum(found[-WINDOW:]) >= SOLVED * WINDOW)
        if settings["stop"]
        else (lambda found: False),
    )
    return {"parameters": n_parameters(function), "returns": returns}


def run(unit: Unit) -> dict[str, Any]:
    """One run of the paper's circuit."""
    from entangrid.agents.quantum.library import skolik2022

    return train(skolik2022(), unit.settings, unit.seed)


def judge(results: Mapping[str, list[dict[str, Any]]], smoke: bool, data: Path | None) -> Verdict:
    """Seeds whose last 100 episodes reach a mean of 195."""
    parameters = {result["parameters"] for found in results.values() for result in found}
    rows = [Row("trainable numbers", max(parameters), claim="parameters")]
    solved, n = {}, 0
    for arm, found in results.items():
        ends = [float(np.mean(result["returns"][-WINDOW:])) for result in found]
        at = [len(result["returns"]) for result, end in zip(found, ends, strict=True) if end >= SOLVED]
        n, solved[arm] = len(found), len(at)
        rows.append(Row(f"{arm}: seeds with a 100-episode mean of 195", len(at), f"of {n}", n=n))
        if at:
            mean, low, high = mean_interval(at)
            rows.append(
                Row(
                    f"{arm}: episodes until then, mean of those seeds", mean, "episodes", low, high, len(at), "episodes"
                )
            )
    passed = None if smoke else parameters == {62} and all(2 * count > n for count in solved.values())
    reason = ", ".join(f"{count} of {n} seeds reach 195 with {arm}" for arm, count in solved.items())
    return Verdict(rows, passed, reason)


def draw(figure: Any, results: Mapping[str, list[dict[str, Any]]], verdict: Verdict, claims: Mapping[str, Any]) -> None:
    """Score over episodes, as the paper draws it."""
    axes = figure.subplots()
    for colour, (arm, found) in zip(curves.PALETTE, results.items(), strict=False):
        curves.draw_seeds(axes, [result["returns"] for result in found], arm, colour, WINDOW)
    axes.axhline(SOLVED, color="#999999", linewidth=0.8, linestyle=":", label="solved: 195")
    longest = max(len(result["returns"]) for found in results.values() for result in found)
    axes.text(0.01, 0.97, f"the paper allows {claims['episodes'].value:.0f} episodes; longest run here {longest}",
              transform=axes.transAxes, fontsize=7, va="top")  # fmt: skip
    axes.set(xlabel="episode", ylabel="return, trailing mean of 100", ylim=(0, 215))
    axes.legend(loc="lower right", fontsize=7)


TARGET = Target(
    name="skolik2022-cartpole",
    status="re-implementation",
    title="Skolik et al. 2022: deep Q-learning with a 62-parameter circuit, CartPole-v0",
    citation=(
        "A. Skolik, S. Jerbi and V. Dunjko, Quantum agents in the Gym, Quantum 6, 720 (2022), "
        "doi:10.22331/q-2022-05-24-720"
    ),
    criterion=(
        "62 parameters; 100-episode mean of at least 195 within 5,000 episodes for a majority of 5 seeds, "
        "with both schedules"
    ),
    plan=plan, run=run, judge=judge, draw=draw,
    cost_s={"every-step": 60.0, "every-10-target-30": 15.0},
)  # fmt: skip
