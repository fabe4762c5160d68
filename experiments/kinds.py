"""Kinds of arms: whether one learns, plans, or has a circuit, as tables and figures of the honest test call it."""

from __future__ import annotations

from collections.abc import Mapping

from entangrid.experiments.scores import OPTIMUM, Variant

#: Kind -> what it is called.
KINDS: Mapping[str, str] = {
    "rule": "rule, no learning",
    "planning": "planning, with model and forecast",
    "classical": "classical learner",
    "quantum": "quantum learner",
    "ablation": "ablation of the circuit",
}


def kind(variant: Variant) -> str:
    """One of :data:`KINDS`. A rule whose thresholds were found by search is still a rule."""
    controller = variant.controller
    if "/" in controller:
        return "ablation"
    if "quantum" in controller:
        return "quantum"
    if controller == OPTIMUM or controller == "mpc" or controller.startswith("mpc-"):
        return "planning"
    return "classical" if variant.learns and not controller.endswith("-tuned") else "rule"


def knows(variant: Variant) -> str:
    """What it knows beyond its own observation: "observation", "model", "forecast" or "future"; see the ladder."""
    from entangrid.agents import ladder

    return ladder.information(variant.controller.split("/")[0])
