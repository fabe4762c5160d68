"""Chargym (Karatzinis et al. 2022): a rule against PPO and DDPG on a charging station, with seeds and intervals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from entangrid.experiments.reproduce.bootstrap import mean_interval
from entangrid.experiments.reproduce.target import Row, Settings, Target, Unit, Verdict, units

DAYS = 100
ARMS: dict[str, Settings] = {
    "full-power": {"days": DAYS},
    "rule": {"days": DAYS},
    "ppo": {"days": DAYS, "steps": 100_000, "n_envs": 8, "algorithm": "ppo-mlp"},
    "ddpg": {"days": DAYS, "steps": 20_000, "n_envs": 1, "algorithm": "ddpg-mlp"},
}


def plan(seeds: int | None, smoke: bool) -> list[Unit]:
    """Rules and learners on the same days of each seed."""
    arms = ARMS
    if smoke:
        small = {"steps": 192, "days": 4}
        arms = {name: s | {k: v for k, v in small.items() if k in s} for name, s in ARMS.items()}
    return units(arms, seeds or (1 if smoke else 5))


def run(unit: Unit) -> dict[str, Any]:
    """Return of every test day; learners are SB3's with its defaults and 64 x 64 networks."""
    from entangrid.agents.charging_rules import FullPower, LastHours
    from entangrid.envs.charging import ChargingTask

    settings = unit.settings
    controller: Any
    if unit.arm in ("rule", "full-power"):
        controller = (LastHours if unit.arm == "rule" else FullPower)(ChargingTask())
    else:
        import torch
        from stable_baselines3.common.logger import Logger

        from entangrid.agents.learners import make_learner
        from entangrid.envs.sb3 import make_sb3

        torch.set_num_threads(1)
        env = make_sb3("entangrid/Charging-v0", n_envs=settings["n_envs"], seed=unit.seed)
        options: dict[str, Any] = {}
        if unit.arm == "ppo":
            options = {
                "n_steps": 24 if settings["steps"] < 1000 else 240,
                "batch_size": 96 if settings["steps"] < 1000 else 64,
            }
        else:
            options = {"learning_starts": min(1_000, settings["steps"] // 2)}
        controller = make_learner(settings["algorithm"], env, seed=unit.seed, **options)
        controller.set_logger(Logger(None, []))  # SB3's own leaves a folder in the system's temporary one
        controller.learn(settings["steps"])
    return {"days": days(controller, settings["days"], 100_000 + unit.seed)}


def days(controller: Any, n: int, seed: int) -> list[float]:
    """Returns of n days side by side, with deterministic actions."""
    from entangrid.envs.charging import ChargingSimulator, ChargingTask

    simulator = ChargingSimulator(ChargingTask(), n, seed, autoreset=False)
    observation = simulator.reset().reshape(n, -1)
    total = np.zeros(n)
    for _ in range(simulator.episode_steps):
        actions, _ = controller.predict(observation, deterministic=True)
        simulator.step(actions)
        total += simulator.reward
        observation = simulator.obs.reshape(n, -1)
    return [float(x) for x in total]


def judge(results: Mapping[str, list[dict[str, Any]]], smoke: bool, data: Path | None) -> Verdict:
    """Mean reward a day of every arm, intervals over seeds."""
    rows, mean = [], {}
    for arm, found in results.items():
        value, low, high = mean_interval([float(np.mean(result["days"])) for result in found])
        mean[arm] = value
        claim = arm if arm in ("rule", "ppo", "ddpg") else None
        rows.append(Row(f"{arm}: reward a day", value, "-", low, high, len(found), claim))
        if arm in ("ppo", "ddpg"):
            saved = [
                100.0 * (1.0 - np.mean(r["days"]) / np.mean(b["days"]))
                for r, b in zip(found, results["rule"], strict=True)
            ]
            rows.append(Row(f"{arm}: less cost than the rule on the same days", *_percent(saved)))
    passed = None if smoke else abs(mean["rule"] + 31.0) <= 3.0
    reason = (
        f"rule {mean['rule']:.1f} a day; the station's arrivals were fitted to the published -31, since prices and PV"
        " profiles cannot be rebuilt from the description, so that this agreement is no evidence"
    )
    return Verdict(rows, passed, reason)


def _percent(values: list[float]) -> tuple[float, str, float, float, int]:
    value, low, high = mean_interval(values)
    return value, "%", low, high, len(values)


def draw(figure: Any, results: Mapping[str, list[dict[str, Any]]], verdict: Verdict, claims: Mapping[str, Any]) -> None:
    """Reward a day: every seed, the mean, and the published single runs."""
    axes = figure.subplots()
    for i, (arm, found) in enumerate(results.items()):
        values = [float(np.mean(result["days"])) for result in found]
        axes.bar(i, np.mean(values), width=0.6, color="#999999" if arm in ("rule", "full-power") else "#0072B2")
        axes.plot([i] * len(values), values, "k.", markersize=3)
        if arm in claims:
            axes.plot(i, claims[arm].value, "D", markersize=7, markerfacecolor="none", markeredgecolor="#D55E00",
                      label="published: another station, one seed, 940,000 steps" if i == 1 else None)  # fmt: skip
    axes.set_xticks(range(len(results)), list(results))
    axes.set_ylabel("reward a day")
    axes.legend(fontsize=7)


TARGET = Target(
    name="chargym-baselines",
    status="inspired",
    title="Chargym: a rule, PPO and DDPG on a charging station with PV",
    citation=(
        "G. Karatzinis et al., Chargym: an EV charging station model for controller benchmarking, AIAI 2022, "
        "doi:10.1007/978-3-031-08341-9_20"
    ),
    criterion="rule-based reward -31 ± 3 a day (fitted, so inspired only); PPO and DDPG with seeds and intervals",
    plan=plan, run=run, judge=judge, draw=draw,
    cost_s={"full-power": 0.5, "rule": 0.5, "ppo": 60.0, "ddpg": 150.0},
)  # fmt: skip
