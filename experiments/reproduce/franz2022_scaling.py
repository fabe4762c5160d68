"""Franz et al. 2022: what of Skolik's agent learns CartPole without its trainable classical scaling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from entangrid.experiments.reproduce import curves, skolik2022
from entangrid.experiments.reproduce.bootstrap import mean_interval
from entangrid.experiments.reproduce.target import Row, Settings, Target, Unit, Verdict, units

LAST, MOST = 100, 200.0

_COMMON: Settings = skolik2022.PUBLISHED | {"episodes": 1000, "stop": False}
ARMS: dict[str, Settings] = {
    "scaled": _COMMON | {"scale_input": True, "scale_output": True},
    "input-scaling-only": _COMMON | {"scale_input": True, "scale_output": False},
    "output-scaling-only": _COMMON | {"scale_input": False, "scale_output": True},
    "pure": _COMMON | {"scale_input": False, "scale_output": False},
}


def plan(seeds: int | None, smoke: bool) -> list[Unit]:
    """Scaling on both sides, on one, on none."""
    arms = {name: settings | {"episodes": 20} for name, settings in ARMS.items()} if smoke else ARMS
    return units(arms, seeds or (1 if smoke else 5))


def circuit(scale_input: bool, scale_output: bool) -> Any:
    """Skolik's circuit; without output scaling the values are the expectation values themselves, in [-1, 1]."""
    from entangrid.agents.quantum.library import skolik2022 as described

    made = replace(described(), trainable_scaling=scale_input, squash="tanh" if scale_input else "none")
    return made if scale_output else replace(made, output="none", readout_range="signed")


def run(unit: Unit) -> dict[str, Any]:
    """One run of 1,000 episodes."""
    settings = unit.settings
    return skolik2022.train(circuit(settings["scale_input"], settings["scale_output"]), settings, unit.seed)


def judge(results: Mapping[str, list[dict[str, Any]]], smoke: bool, data: Path | None) -> Verdict:
    """Mean of the last 100 of 1,000 episodes."""
    rows, share = [], {}
    for arm, found in results.items():
        mean, low, high = mean_interval([float(np.mean(result["returns"][-LAST:])) for result in found])
        share[arm] = mean / MOST
        claim = arm if arm in ("scaled", "pure") else None
        label = f"{arm} ({found[0]['parameters']} parameters): last 100 episodes"
        rows.append(Row(label, mean, "steps of 200", low, high, len(found), claim))
    passed = None if smoke else share["pure"] < 0.3 and share["scaled"] > 0.7
    reason = f"pure circuit {100 * share['pure']:.0f} % of the most possible, scaled {100 * share['scaled']:.0f} %"
    return Verdict(rows, passed, reason)


def draw(figure: Any, results: Mapping[str, list[dict[str, Any]]], verdict: Verdict, claims: Mapping[str, Any]) -> None:
    """Return over episodes."""
    axes = figure.subplots()
    for colour, (arm, found) in zip(curves.PALETTE, results.items(), strict=False):
        curves.draw_seeds(axes, [result["returns"] for result in found], arm, colour, 25)
    curves.claim_line(axes, claims["scaled"], f"their scaled runs, last 100: {claims['scaled'].value:g}", "#CC79A7")
    curves.claim_line(axes, claims["pure"], f"their pure runs, last 100: {claims['pure'].value:g}", "#009E73")
    axes.set(xlabel="episode", ylabel="return, trailing mean of 25", ylim=(0, 210))
    axes.legend(loc="upper left", fontsize=7)


TARGET = Target(
    name="franz2022-scaling-ablation",
    status="re-implementation",
    title="Franz et al. 2022: the classical scaling decides, CartPole-v0",
    citation=(
        "M. Franz et al., Uncovering instabilities in variational-quantum deep Q-networks, J. Franklin Inst. "
        "(2022), doi:10.1016/j.jfranklin.2022.08.021"
    ),
    criterion="mean of the last 100 of 1,000 episodes: the pure circuit below 30 % of 200, the scaled one above 70 %",
    plan=plan, run=run, judge=judge, draw=draw,
    cost_s={"scaled": 30.0, "input-scaling-only": 5.0, "output-scaling-only": 30.0, "pure": 5.0},
)  # fmt: skip
