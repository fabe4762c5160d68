"""After Andrés et al. 2022: an actor-critic with a circuit and with networks on heating and on vehicle charging.

The paper states no numbers and no code is public, so there is nothing to match: the table has its columns, the tasks
are this package's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from entangrid.experiments.reproduce.bootstrap import mean_interval
from entangrid.experiments.reproduce.target import Row, Settings, Target, Unit, Verdict, units

TASKS = {"hvac": "entangrid/Thermostat-v0", "charging": "entangrid/Charging-v0"}
UNITS = {"hvac": "EUR", "charging": "-"}  # the charging station's adds squared energy that is missing
NETWORKS = ("quantum", "network-matched", "network-64x64")
_COMMON: Settings = {"steps": 40_000, "n_envs": 8, "n_steps": 24, "rate": 1e-3, "test_days": 50}
ARMS: dict[str, Settings] = {
    f"{task}-{net}": _COMMON | {"task": task, "net": net} for task in TASKS for net in NETWORKS
}


def plan(seeds: int | None, smoke: bool) -> list[Unit]:
    """Three actors on two tasks; the critic is the same network of 64 x 64 in all."""
    small = {"steps": 192, "n_envs": 2, "test_days": 2}
    arms = {name: settings | small for name, settings in ARMS.items()} if smoke else ARMS
    return units(arms, seeds or (1 if smoke else 5))


def run(unit: Unit) -> dict[str, Any]:
    """Episode rewards in training and over the test days, and the actor's size."""
    import torch
    from stable_baselines3.common.logger import Logger
    from stable_baselines3.common.vec_env import VecNormalize

    from entangrid.agents.learners import make_learner
    from entangrid.agents.networks import actor_parameters, matched_hidden
    from entangrid.envs.sb3 import make_sb3

    torch.set_num_threads(1)
    settings = unit.settings
    task = TASKS[settings["task"]]
    vec = make_sb3(task, n_envs=settings["n_envs"], seed=unit.seed)
    env = VecNormalize(vec, norm_obs=False, norm_reward=True, clip_reward=np.inf)
    options = {
        "seed": unit.seed,
        "n_steps": settings["n_steps"],
        "learning_rate": settings["rate"],
        "stats_window_size": 10_000,
    }
    if settings["net"] == "quantum":
        model = make_learner("a2c-quantum", env, **options)
    else:
        hidden = [64, 64]
        if settings["net"] == "network-matched":
            twin = make_learner("a2c-quantum", env, **options)
            n_in, n_out = int(np.prod(env.observation_space.shape or ())), int(np.prod(env.action_space.shape or ()))
            hidden = [matched_hidden(n_in, n_out, actor_parameters(twin.policy), n_out)]
        model = make_learner("a2c-mlp", env, policy_kwargs={"net_arch": {"pi": hidden, "vf": [64, 64]}}, **options)
    model.set_logger(Logger(None, []))  # SB3's own leaves a folder in the system's temporary one
    model.learn(settings["steps"])
    trained = [float(info["r"]) for info in model.ep_info_buffer]
    return {
        "parameters": actor_parameters(model.policy),
        "training": [round(r, 3) for r in trained],
        "test": test(model, task, settings["test_days"], 100_000 + unit.seed),
    }


def test(model: Any, task: str, days: int, seed: int) -> list[float]:
    """Rewards of days side by side, with deterministic actions."""
    from entangrid.envs.sb3 import make_sb3

    env = make_sb3(task, n_envs=days, seed=seed)
    observation: Any = env.reset()
    total = np.zeros(days)
    for _ in range(env.simulator.episode_steps):
        actions, _ = model.predict(observation, deterministic=True)
        observation, reward, _, _ = env.step(actions)
        total += reward
    return [round(float(x), 3) for x in total]


def judge(results: Mapping[str, list[dict[str, Any]]], smoke: bool, data: Path | None) -> Verdict:
    """Mean, best and worst episode in training, test reward, actor's size: the paper's columns."""
    rows = []
    for arm, found in results.items():
        n, unit = len(found), UNITS[arm.split("-")[0]]
        rows.append(Row(f"{arm}: trainable numbers of the actor", found[0]["parameters"]))
        for name, statistic in (("mean", np.mean), ("best", np.max), ("worst", np.min)):
            value, low, high = mean_interval([float(statistic(result["training"])) for result in found])
            rows.append(Row(f"{arm}: {name} episode in training", value, unit, low, high, n))
        value, low, high = mean_interval([float(np.mean(result["test"])) for result in found])
        rows.append(Row(f"{arm}: test reward a day", value, unit, low, high, n))
    return Verdict(rows, None, "no numbers are published that could be matched; arms differ in the actor alone")


def draw(figure: Any, results: Mapping[str, list[dict[str, Any]]], verdict: Verdict, claims: Mapping[str, Any]) -> None:
    """Test reward a day of every seed."""
    for axes, task in zip(figure.subplots(1, 2), TASKS, strict=True):
        for i, (net, colour) in enumerate(zip(NETWORKS, ("#CC79A7", "#0072B2", "#56B4E9"), strict=True)):
            values = [float(np.mean(result["test"])) for result in results[f"{task}-{net}"]]
            axes.plot([i] * len(values), values, ".", color=colour)
            axes.plot([i - 0.2, i + 0.2], [np.mean(values)] * 2, color=colour, linewidth=2.0)
        labels = [f"{net}\n{results[f'{task}-{net}'][0]['parameters']} parameters" for net in NETWORKS]
        axes.set_xticks(range(len(NETWORKS)), labels, fontsize=7)
        axes.set(title=task, ylabel=f"test reward a day [{UNITS[task]}]")


TARGET = Target(
    name="andres2022-like",
    status="inspired",
    title="After Andrés et al. 2022: advantage actor-critic with a circuit and with networks",
    citation=(
        "E. Andrés, M. P. Cuéllar and G. Navarro, On the use of quantum RL in energy-efficiency scenarios, "
        "Energies 15, 6034 (2022), doi:10.3390/en15166034"
    ),
    criterion="none: no numbers are published",
    plan=plan, run=run, judge=judge, draw=draw,
    cost_s={f"{task}-{net}": 25.0 for task in TASKS for net in NETWORKS},
)  # fmt: skip
