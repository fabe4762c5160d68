"""Franz et al. 2022: a variational-quantum DQN against a 58-parameter network: the statistics, and a re-run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from entangrid.data.errors import InputError
from entangrid.experiments.reproduce import curves
from entangrid.experiments.reproduce.bootstrap import difference_of_medians, probability_less
from entangrid.experiments.reproduce.claims import franz_runs
from entangrid.experiments.reproduce.target import Row, Settings, Target, Unit, Verdict, units

WINDOW, SOLVED, STEPS_A_ROW = 25, 196.0, 100
COLOURS = ("#009E73", "#CC79A7")

#: published configuration of the network, whose runs all have one start (Keras' initializer with seed 27, here this
#: package's with the same number; a third arm has a start for each run); the same budget and schedules for the
#: circuit, whose own one is not named
_COMMON: Settings = {
    "steps": 50_000, "limit": 200, "gamma": 0.99, "batch": 32, "capacity": 50_000, "begin": 1_000, "every": 10,
    "target_first": 30, "target_last": 500, "target_over": 35_000, "epsilon_over": 20_000, "epsilon_min": 0.01,
    "validate_every": 100, "rate": 0.1, "rate_last": 0.01,
}  # fmt: skip
ARMS: dict[str, Settings] = {
    "network": _COMMON | {"rate_over": 4_000, "start": 27},
    "network-own-starts": _COMMON | {"rate_over": 4_000},
    "vqdqn": _COMMON | {"rate_over": 2_000, "rate_output": 0.1},
}


def plan(seeds: int | None, smoke: bool) -> list[Unit]:
    """All agents."""
    small = {"steps": 1_500, "begin": 200, "validate_every": 500}
    arms = {name: settings | small for name, settings in ARMS.items()} if smoke else ARMS
    return units(arms, seeds or (1 if smoke else 10))


def run(unit: Unit) -> dict[str, Any]:
    """Validation returns, one episode every 100 training steps, until 25 in a row have a mean of 196."""
    from entangrid.agents.quantum.library import skolik2022
    from entangrid.experiments.reproduce.approximators import Adam, CircuitFunction, NetworkFunction, n_parameters
    from entangrid.experiments.reproduce.q_learning import CartPole, Learner, Replay, Schedule, greedy

    settings = unit.settings
    rng = np.random.default_rng(unit.seed)
    function: Any
    if unit.arm != "vqdqn":
        function = NetworkFunction((4, 8, 2), np.random.default_rng(settings["start"]) if "start" in settings else rng)
    else:
        function = CircuitFunction(skolik2022(), rng, (0.0, np.pi))
    rates: dict[str, Any] = dict.fromkeys(function.parameters, settings["rate"])
    schedule = Schedule(settings["gamma"], settings["batch"], settings["capacity"], target_every=1)
    learner = Learner(function, Adam(rates), schedule, rng)
    replay = Replay(settings["capacity"], 4)
    game, trial = CartPole(settings["limit"], unit.seed), CartPole(settings["limit"], 100_000 + unit.seed)
    returns: list[float] = []
    state, next_copy = game.reset(), settings["target_first"]
    for step in range(settings["steps"]):
        trained = step - settings["begin"]
        chance = max(1.0 - trained / settings["epsilon_over"], settings["epsilon_min"]) if trained >= 0 else 1.0
        explore = rng.random() < chance
        action = int(rng.integers(2)) if explore else greedy(function, state)
        following, reward, over = game.step(action)
        replay.add(state, action, reward, following, over)
        state = game.reset() if over else following
        if trained < 0:
            continue
        if trained % settings["every"] == 0:
            left = 1.0 - min(learner.updates / settings["rate_over"], 1.0)
            learner.update(replay, settings["rate_last"] + (1.0 - settings["rate_last"]) * left)
        if trained == next_copy:
            learner.copy_target()
            share = min(trained / settings["target_over"], 1.0)
            gap = settings["target_first"] + share * (settings["target_last"] - settings["target_first"])
            next_copy = trained + int(gap)
        if trained % settings["validate_every"] == 0:
            seen, total, over = trial.reset(), 0.0, False
            while not over:
                seen, reward, over = trial.step(greedy(function, seen))
                total += reward
            returns.append(total)
            if len(returns) >= WINDOW and np.mean(returns[-WINDOW:]) >= SOLVED:
                break
    return {"parameters": n_parameters(function), "validation": returns}


Runs = Sequence[tuple[float, bool]]


def ended(validation: Sequence[float]) -> tuple[float, bool]:
    """(training steps at a run's last validation, whether the mean of 25 had reached 196)."""
    solved = len(validation) >= WINDOW and float(np.mean(validation[-WINDOW:])) >= SOLVED
    return (len(validation) - 1.0) * STEPS_A_ROW, solved


def statistics(runs: Mapping[str, Runs], prefix: str, claimed: bool) -> list[Row]:
    """Solved counts, medians of the runs' lengths, their difference (quantum less network) and the chance that the
    quantum run is the shorter one. An unsolved run counts with the length that it has, as in the published numbers."""
    quantum, network = ([steps for steps, _ in runs[arm]] for arm in ("vqdqn", "network"))
    counts = {arm: sum(solved for _, solved in found) for arm, found in runs.items()}
    difference, low, high = difference_of_medians(quantum, network)

    def claim(key: str) -> str | None:
        return key if claimed else None

    n, m = len(quantum), len(network)
    return [
        Row(f"{prefix}VQ-DQN: runs that solve it", counts["vqdqn"], f"of {n}", n=n, claim=claim("solved_vqdqn")),
        Row(f"{prefix}network: runs that solve it", counts["network"], f"of {m}", n=m, claim=claim("solved_nn")),
        Row(f"{prefix}VQ-DQN: median steps", float(np.median(quantum)), "steps", n=n, claim=claim("median_vqdqn")),
        Row(f"{prefix}network: median steps", float(np.median(network)), "steps", n=m, claim=claim("median_nn")),
        Row(f"{prefix}difference of the medians", difference, "steps", low, high, n + m, claim("difference")),
        Row(f"{prefix}chance that a quantum run is faster", probability_less(quantum, network), "-",
            claim=claim("probability_faster")),
    ]  # fmt: skip


def published(data: Path | None) -> dict[str, list[tuple[float, bool]]]:
    """The published runs: from their files where a folder is given, else from the lengths that are kept here (all 30 of
    the network, 29 of the 30 quantum ones)."""
    if data is None:
        return {
            arm: [(abs(last) * float(STEPS_A_ROW), last > 0) for last in found] for arm, found in franz_runs().items()
        }
    import pandas as pd

    out: dict[str, list[tuple[float, bool]]] = {"network": [], "vqdqn": []}
    for path in sorted(data.rglob("*.csv")):
        kind = re.fullmatch(r"(nn|vqdqn)\d+", path.stem)
        if not kind:
            continue
        try:
            values = pd.read_csv(path)["value"].to_numpy(np.float64)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{path}: expected CSV with columns step and value ({error})") from None
        out["network" if kind[1] == "nn" else "vqdqn"].append(ended(values.tolist()))
    if not out["network"] or not out["vqdqn"]:
        raise InputError(f"data: {data} holds no nn*.csv and vqdqn*.csv (plot/data/nn_comparison of lfd/quantum-rl)")
    return out


def judge(results: Mapping[str, list[dict[str, Any]]], smoke: bool, data: Path | None) -> Verdict:
    """The published runs' statistics, and whether the re-run's difference lies in the published interval."""
    theirs = published(data)
    unsolved = {arm: sum(not solved for _, solved in found) for arm, found in theirs.items()}
    total = {arm: len(found) for arm, found in theirs.items()}
    exact = unsolved == {"vqdqn": 1, "network": 2} and total["network"] == 30
    rows = statistics(theirs, "published runs, ", claimed=True)
    ours = {arm: [ended(result["validation"]) for result in found] for arm, found in results.items()}
    rows += [Row(f"re-run: trainable numbers of {arm}", found[0]["parameters"]) for arm, found in results.items()]
    rows += statistics(ours, "re-run, ", claimed=False)
    free = ours["network-own-starts"]
    free_solved, free_median = sum(solved for _, solved in free), float(np.median([steps for steps, _ in free]))
    rows.append(Row("re-run, network with a start for each run: runs that solve it", free_solved, f"of {len(free)}"))
    rows.append(Row("re-run, network with a start for each run: median steps", free_median, "steps", n=len(free)))
    difference = difference_of_medians(*([steps for steps, _ in ours[arm]] for arm in ("vqdqn", "network")))[0]
    within = -8650.0 <= difference <= 4050.0
    missing = "" if total["vqdqn"] == 30 else " (one quantum run could not be read; --data FOLDER takes all)"
    reason = (
        f"published runs: {total['vqdqn'] - unsolved['vqdqn']} of {total['vqdqn']} and"
        f" {total['network'] - unsolved['network']} of {total['network']} solved{missing}; re-run: difference of the"
        f" medians {difference:+.0f} steps, {'within' if within else 'outside'} -8650 to 4050; all runs of the network"
        f" begin with the same weights, as published; with weights of their own {free_solved} of {len(free)} solve it"
    )
    return Verdict(rows, None if smoke else exact and within, reason)


def draw(figure: Any, results: Mapping[str, list[dict[str, Any]]], verdict: Verdict, claims: Mapping[str, Any]) -> None:
    """Validation return over training steps, network and circuit one above the other."""
    panels = figure.subplots(2, 1, sharex=True)
    for axes, arms, colour in zip(panels, (("network", "network-own-starts"), ("vqdqn",)), COLOURS, strict=True):
        for arm, shade in zip(arms, (colour, "#999999"), strict=False):
            for i, result in enumerate(results[arm]):
                values = curves.smooth(result["validation"], WINDOW)
                label = "a start for each run" if arm == "network-own-starts" and i == 0 else None
                steps = np.arange(1, values.size + 1) * STEPS_A_ROW
                axes.plot(steps, values, color=shade, alpha=0.5, linewidth=0.8, label=label)
        key = "nn" if "network" in arms else "vqdqn"
        median, solved = claims[f"median_{key}"].value, claims[f"solved_{key}"].value
        axes.axvline(
            median,
            color="black",
            linestyle="--",
            linewidth=1.0,
            label=f"published: {solved:.0f} of 30 solved, median {median:.0f} steps",
        )
        parameters = results[arms[0]][0]["parameters"]
        axes.set(ylabel="validation return", ylim=(0, 210), title=f"{arms[0]}, {parameters} parameters")
        axes.legend(loc="lower right", fontsize=7)
    panels[1].set_xlabel("training steps")


TARGET = Target(
    name="franz2022-nn-vs-vqdqn",
    status="exact statistics",
    title="Franz et al. 2022: variational-quantum DQN against a 58-parameter network, CartPole-v0",
    citation=(
        "M. Franz et al., Uncovering instabilities in variational-quantum deep Q-networks, J. Franklin Inst. "
        "(2022), doi:10.1016/j.jfranklin.2022.08.021"
    ),
    criterion=(
        "of the published runs one quantum and two of 30 network runs unsolved; the re-run's difference of "
        "median steps in the published interval, -8,650 to 4,050"
    ),
    plan=plan, run=run, judge=judge, draw=draw,
    cost_s={"network": 2.0, "network-own-starts": 2.0, "vqdqn": 2.0}, takes_data=True,
)  # fmt: skip
