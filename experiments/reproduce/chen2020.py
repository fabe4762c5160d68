"""Chen et al. 2020: deep Q-learning with a 28-parameter circuit on the deterministic 4 x 4 FrozenLake."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from entangrid.experiments.reproduce import curves
from entangrid.experiments.reproduce.bootstrap import mean_interval
from entangrid.experiments.reproduce.target import Row, Settings, Target, Unit, Verdict, units

LAST, SHORTEST = 50, 6
HOLES, GOAL, SIDE = (5, 7, 11, 12), 15, 4
#: rewards of a step onto a hole, the goal, and anything else; the shortest path earns 1 - 5 x 0.01
HOLE, WON, STEP = -0.2, 1.0, -0.01

PUBLISHED: Settings = {
    "episodes": 500, "limit": 2500, "gamma": 0.999, "batch": 5, "capacity": 80, "target_every": 20, "rate": 0.01,
    "epsilon": "published", "angles_sd": 0.01,
}  # fmt: skip
ARMS: dict[str, Settings] = {"as-published": PUBLISHED}


class FrozenLake:
    """The 4 x 4 map without slipping, as four bits of the cell's number; actions left, down, right, up."""

    n_actions = 4

    def __init__(self, limit: int) -> None:
        self.limit, self.cell, self.steps = limit, 0, 0

    def reset(self) -> npt.NDArray[np.float32]:
        """See :class:`~entangrid.experiments.reproduce.q_learning.Game`."""
        self.cell = self.steps = 0
        return self.bits()

    def bits(self) -> npt.NDArray[np.float32]:
        """Bits (4,) of the cell, the highest first."""
        return np.array([self.cell >> bit & 1 for bit in (3, 2, 1, 0)], np.float32)

    def step(self, action: int) -> tuple[npt.NDArray[np.float32], float, bool]:
        """See :class:`~entangrid.experiments.reproduce.q_learning.Game`."""
        row, column = divmod(self.cell, SIDE)
        down, right = ((0, -1), (1, 0), (0, 1), (-1, 0))[action]
        self.cell = min(max(row + down, 0), SIDE - 1) * SIDE + min(max(column + right, 0), SIDE - 1)
        self.steps += 1
        if self.cell in HOLES:
            return self.bits(), HOLE, True
        if self.cell == GOAL:
            return self.bits(), WON, True
        return self.bits(), STEP, self.steps >= self.limit


def plan(seeds: int | None, smoke: bool) -> list[Unit]:
    """Every arm."""
    arms = {name: settings | {"episodes": 40, "limit": 50} for name, settings in ARMS.items()} if smoke else ARMS
    return units(arms, seeds or (1 if smoke else 20))


def run(unit: Unit) -> dict[str, Any]:
    """Returns of the episodes, their steps, and the path that the last Q-function takes."""
    from entangrid.agents.quantum.library import chen2020
    from entangrid.experiments.reproduce.approximators import CircuitFunction, RMSprop, n_parameters
    from entangrid.experiments.reproduce.q_learning import Learner, Schedule, greedy, learn

    settings = unit.settings
    rng = np.random.default_rng(unit.seed)
    function = CircuitFunction(chen2020(), rng, (0.0, 0.0))
    angles = function.parameters["angles"]
    angles[:] = settings["angles_sd"] * rng.standard_normal(angles.size)
    schedule = Schedule(
        settings["gamma"], settings["batch"], settings["capacity"], settings["batch"], 1, settings["target_every"]
    )
    chances = exploration(settings["episodes"])
    returns = learn(
        FrozenLake(settings["limit"]),
        Learner(function, RMSprop(settings["rate"]), schedule, rng),
        4,
        episodes=settings["episodes"],
        # a random action is drawn of all four, the best among them
        epsilon=lambda episode, updates: chances[episode] * (1.0 - 1.0 / FrozenLake.n_actions),
    )
    lake = FrozenLake(2 * SIDE * SIDE)
    seen, path, over = lake.reset(), [0], False
    while not over:
        seen, _, over = lake.step(greedy(function, seen))
        path.append(lake.cell)
    return {"parameters": n_parameters(function), "returns": [round(r, 2) for r in returns], "path": path}


def exploration(episodes: int) -> list[float]:
    """The published schedule of epsilon: 1 at first, divided by 1 + k / 100 after episode k."""
    chances = [1.0]
    for k in range(episodes):
        chances.append(chances[-1] / (1.0 + k / 100.0))
    return chances


def judge(results: Mapping[str, list[dict[str, Any]]], smoke: bool, data: Path | None) -> Verdict:
    """Seeds that take the shortest path at the end: the paper shows one run, here is the share of many."""
    found = results["as-published"]
    best = round(WON + (SHORTEST - 1) * STEP, 2)
    ends = np.array([float(np.median(result["returns"][-LAST:])) for result in found])
    ever = sum(any(r >= best - 1e-9 for r in result["returns"]) for result in found)
    optimal = int((ends >= best - 1e-9).sum())
    near = int((ends > 0.0).sum())
    walked = [len(result["path"]) - 1 for result in found if result["path"][-1] == GOAL]
    sizes = {result["parameters"] for result in found}
    mean, low, high = mean_interval(ends.tolist())
    n = len(found)
    rows = [
        Row("trainable numbers", max(sizes), claim="parameters"),
        Row("seeds that ever take six steps in training", ever, f"of {n}", n=n),
        Row("seeds whose last 50 episodes have a median of six steps", optimal, f"of {n}", n=n),
        Row("seeds whose last 50 episodes reach the goal in the median", near, f"of {n}", n=n),
        Row("seeds whose last Q-function reaches the goal greedily", len(walked), f"of {n}", n=n),
        Row("median return of the last 50 episodes, mean over seeds", mean, "-", low, high, n),
    ]
    if optimal or walked:
        rows.append(
            Row("shortest learnt path", min([*walked, *([SHORTEST] if optimal else [])]), "steps", claim="path")
        )
    passed = None if smoke else optimal >= 1 and sizes == {28}
    reason = (
        f"{optimal} of {n} seeds end with the optimal six-step path ({ever} take it at some time): the published run"
        " exists, most seeds do not find it"
    )
    return Verdict(rows, passed, reason)


def draw(figure: Any, results: Mapping[str, list[dict[str, Any]]], verdict: Verdict, claims: Mapping[str, Any]) -> None:
    """Return over episodes."""
    axes = figure.subplots()
    for colour, (arm, found) in zip(curves.PALETTE, results.items(), strict=False):
        curves.draw_seeds(axes, [result["returns"] for result in found], arm, colour, 20)
    axes.axhline(0.95, color="#000000", linestyle="--", linewidth=1.0, label="published: the six-step path, 0.95")
    axes.text(0.01, 0.97, verdict.reason, transform=axes.transAxes, fontsize=6, va="top")
    axes.set(xlabel="episode", ylabel="return, trailing mean of 20", ylim=(-1.2, 1.25))
    axes.legend(loc="lower right", fontsize=7)


TARGET = Target(
    name="chen2020-frozenlake",
    status="re-implementation",
    title="Chen et al. 2020: deep Q-learning with a 28-parameter circuit, FrozenLake 4 x 4 without slipping",
    citation=(
        "S. Y.-C. Chen et al., Variational quantum circuits for deep reinforcement learning, IEEE Access 8 "
        "(2020), doi:10.1109/ACCESS.2020.3010470"
    ),
    criterion=(
        "28 parameters; a run ends with the optimal six-step path, as the paper's one run does (the share of "
        "seeds that do is reported)"
    ),
    plan=plan, run=run, judge=judge, draw=draw,
    cost_s={"as-published": 2.0},
)  # fmt: skip
