"""Xu et al. 2025 (Q-EVCS): which charge point takes a vehicle, by heuristics, a 263-parameter circuit and a network.

The published code does not run; station and settings follow its description. The circuit learns as it did there, from
15,000 transitions of a random policy, and a second time like for like with the network: from its own decisions.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from entangrid.experiments.reproduce.bootstrap import mean_interval
from entangrid.experiments.reproduce.target import Row, Settings, Target, Unit, Verdict, units

HEURISTICS = ("random", "round-robin", "earliest-idle", "greedy")
METRICS = {
    "reward": "reward",
    "success": "success",
    "response_h": "response_h",
    "cost": "cost_cny",
    "profit": "profit_cny",
}
#: the published code's tariff: valley to 6 h and from 21 h, peak 9 to 12 h and 15 to 18 h, else flat [CNY/h]
PRICE = (0.3946,) * 6 + (0.6950,) * 3 + (1.0044,) * 3 + (0.6950,) * 3 + (1.0044,) * 3 + (0.6950,) * 3 + (0.3946,) * 3
N_STATIONS = 10  # side by side while learning from own decisions

#: gamma, target copies and learning rates of the published quantum script; no mask at an end, there is none
_LEARNING: Settings = {
    "transitions": 15_000, "updates": 7_000, "batch": 128, "gamma": 0.5, "target_every": 3, "test_jobs": 5_000,
    "rates": {"input_scaling": 0.002, "angles": 0.02, "output_scaling": 0.1}, "network_rate": 0.002,
    "warm_up": 1_000, "epsilon_min": 0.05,
}  # fmt: skip
LEARNERS: dict[str, Settings] = {
    "circuit-offline": _LEARNING | {"function": "circuit", "online": False},
    "circuit-online": _LEARNING | {"function": "circuit", "online": True},
    "network-offline": _LEARNING | {"function": "network", "online": False},
    "network-online": _LEARNING | {"function": "network", "online": True},
}


def plan(seeds: int | None, smoke: bool) -> list[Unit]:
    """Ten seeds of every heuristic, three of every learner."""
    rules = {name: {"test_jobs": 300 if smoke else 5_000} for name in HEURISTICS}
    small = {"transitions": 200, "updates": 10, "batch": 16, "warm_up": 50, "test_jobs": 100}
    learners = {name: settings | small for name, settings in LEARNERS.items()} if smoke else LEARNERS
    return units(rules, seeds or (1 if smoke else 10)) + units(learners, seeds or (1 if smoke else 3))


def station(jobs: int, n: int, seed: int) -> Any:
    """Stations of ``entangrid/Dispatch-v0`` with the published code's tariff, which its description leaves open."""
    from entangrid.envs.dispatch import DispatchSimulator, DispatchTask

    return DispatchSimulator(DispatchTask(episode_steps=jobs, price_cny_h=PRICE), n, seed)


def run(unit: Unit) -> dict[str, Any]:
    """Means over the test jobs of one seed."""
    if unit.arm in HEURISTICS:
        return {"test": test(rule(unit.arm, unit.seed), unit.settings["test_jobs"], unit.seed)}
    from entangrid.experiments.reproduce.approximators import n_parameters

    function, losses = train(unit.settings, unit.seed)

    def choose(observation: Any, simulator: Any) -> Any:
        return function.values(np.asarray(observation, np.float32)).argmax(1)

    return {
        "parameters": n_parameters(function),
        "losses": losses,
        "test": test(choose, unit.settings["test_jobs"], 100_000 + unit.seed),
    }


def rule(name: str, seed: int) -> Any:
    """A heuristic as a function of (observation, simulator). Greedy knows the job's own length and price."""
    from entangrid.agents import dispatch_rules as rules
    from entangrid.envs.dispatch import DispatchTask

    if name == "greedy":
        return greedy
    made: Any = {"round-robin": rules.RoundRobin, "earliest-idle": rules.EarliestIdle}.get(name)
    controller = rules.RandomPoint(DispatchTask(), seed) if made is None else made(DispatchTask())
    state: Any = None

    def choose(observation: Any, simulator: Any) -> Any:
        nonlocal state
        actions, state = controller.predict(observation, state, None, deterministic=True)
        return actions

    return choose


def greedy(observation: Any, simulator: Any) -> Any:
    """The point (1,) with the highest reward for the waiting job."""
    task, job = simulator.task, simulator.job[0]
    arrives, length = float(job["arrives_h"]), float(job["length_h"])
    wait = np.maximum(simulator.idle_at[0] - arrives, 0.0)
    wrong = np.asarray(task.point_type) != job["type"]
    service = length / np.asarray(task.speed) * np.where(wrong, task.mismatch, 1.0)
    price = task.price_cny_h[int((task.start_hour + arrives) % 24.0)]
    cost = service * np.asarray(task.cost_factor) + length * price
    reward = (1.0 + np.exp(2.5 - cost)) * length / (wait + service)
    return np.array([reward.argmax()])


def test(choose: Any, jobs: int, seed: int) -> dict[str, float]:
    """Means over the jobs of one long episode."""
    simulator = station(jobs, 1, seed)
    observation = simulator.reset()
    total = dict.fromkeys(METRICS, 0.0)
    for _ in range(jobs):
        simulator.step(choose(observation.reshape(1, -1), simulator))
        terms = simulator.terms[0]
        for name, term in METRICS.items():
            total[name] += float(terms[term])
        observation = simulator.obs
    return {name: value / jobs for name, value in total.items()}


def train(settings: Settings, seed: int) -> tuple[Any, list[float]]:
    """(the trained Q-function, mean loss of every tenth part of the updates): same transitions, updates and losses for
    both regimes and both functions."""
    from entangrid.agents.quantum.library import qevcs2025
    from entangrid.experiments.reproduce.approximators import Adam, CircuitFunction, NetworkFunction
    from entangrid.experiments.reproduce.q_learning import Learner, Replay, Schedule

    rng = np.random.default_rng(seed)
    function: Any
    if settings["function"] == "circuit":
        function, optimizer = CircuitFunction(qevcs2025(), rng, (0.0, np.pi)), Adam(settings["rates"], amsgrad=True)
    else:
        function = NetworkFunction((11, 10, 10, 10), rng)
        rates: dict[str, Any] = dict.fromkeys(function.parameters, settings["network_rate"])
        optimizer = Adam(rates, amsgrad=True)
    schedule = Schedule(
        settings["gamma"], settings["batch"], settings["transitions"], target_every=settings["target_every"],
        huber=True, mask_ends=False,
    )  # fmt: skip
    learner = Learner(function, optimizer, schedule, rng)
    replay = Replay(settings["transitions"], 11)
    n, updates = N_STATIONS, settings["updates"]
    steps = settings["transitions"] // n
    simulator = station(steps + 1, n, seed)
    observation = simulator.reset().reshape(n, -1).copy()
    losses: list[float] = []
    warm = steps if not settings["online"] else min(settings["warm_up"] // n, steps - 1)

    def update() -> None:
        losses.append(learner.update(replay))
        if learner.updates % settings["target_every"] == 0:
            learner.copy_target()

    for step in range(steps):
        chance = 1.0 if step < warm else max(1.0 - 2.0 * (step - warm) / (steps - warm), settings["epsilon_min"])
        actions = function.values(observation).argmax(1) if settings["online"] else np.zeros(n, np.int64)
        actions = np.where(rng.random(n) < chance, rng.integers(0, 10, n), actions)
        simulator.step(actions)
        following = simulator.obs.reshape(n, -1).copy()
        for e in range(n):
            replay.add(observation[e], int(actions[e]), float(simulator.reward[e]), following[e], False)
        observation = following
        if step >= warm:
            while learner.updates < updates * (step + 1 - warm) / (steps - warm):
                update()
    while learner.updates < updates:
        update()
    parts = np.array_split(np.asarray(losses), min(10, len(losses)))
    return function, [float(part.mean()) for part in parts]


def judge(results: Mapping[str, list[dict[str, Any]]], smoke: bool, data: Path | None) -> Verdict:
    """The four heuristics against the recomputed rows; the learners beside them."""
    from entangrid.experiments.reproduce.claims import load

    claims = load("qevcs-2025")
    rows, missed = [], []
    for arm, found in results.items():
        if "parameters" in found[0]:
            claim = "parameters" if arm.startswith("circuit") else "parameters_network"
            rows.append(Row(f"{arm}: trainable numbers", found[0]["parameters"], claim=claim))
        for metric in METRICS:
            mean, low, high = mean_interval([result["test"][metric] for result in found])
            key = f"{arm}_{metric}"
            rows.append(Row(f"{arm}: {metric}", mean, "-", low, high, len(found), key if key in claims else None))
            if key in claims:
                low_, high_ = claims[key].low, claims[key].high  # no interval is stated for times, costs and profits
                if low_ is not None and high_ is not None and not low_ <= mean <= high_:
                    missed.append(f"{arm} {metric} {mean:.3f} outside {low_:g} to {high_:g}")
    sizes = [found[0]["parameters"] for arm, found in results.items() if arm.startswith("circuit")]
    right_size = bool(sizes) and set(sizes) == {263}
    passed = None if smoke else not missed and right_size
    reward = {arm: np.mean([r["test"]["reward"] for r in found]) for arm, found in results.items()}
    learnt = ", ".join(f"{arm} {reward[arm]:.2f}" for arm in LEARNERS if arm in reward)
    rows_text = "the heuristics' rewards and successes lie within 2 sd" if not missed else "; ".join(missed)
    return Verdict(rows, passed, f"{rows_text}; reward a job of {learnt}, one-step greedy {reward['greedy']:.2f}")


def draw(figure: Any, results: Mapping[str, list[dict[str, Any]]], verdict: Verdict, claims: Mapping[str, Any]) -> None:
    """Bars of reward and success, with the published environment's numbers as marks."""
    for axes, metric, label in zip(
        figure.subplots(1, 2), ("reward", "success"), ("reward a job", "share of jobs served in time"), strict=True
    ):
        for i, (arm, found) in enumerate(results.items()):
            values = [result["test"][metric] for result in found]
            colour = "#999999" if arm in HEURISTICS else "#CC79A7" if arm.startswith("circuit") else "#0072B2"
            axes.bar(i, np.mean(values), color=colour, width=0.7)
            axes.plot([i] * len(values), values, ".", color="black", markersize=2)
            claim = claims.get(f"{arm}_{metric}")
            if claim is not None:
                axes.plot(i, claim.value, "D", markersize=6, markerfacecolor="none", markeredgecolor="#D55E00",
                          label="published environment, recomputed" if i == 0 else None)  # fmt: skip
        axes.set_xticks(range(len(results)), list(results), rotation=35, ha="right", fontsize=7)
        axes.set_ylabel(label)
        axes.margins(y=0.25)
    axes.legend(fontsize=7, loc="upper left")


TARGET = Target(
    name="qevcs-2025",
    status="re-implementation",
    title="Xu et al. 2025 (Q-EVCS): dispatch of vehicles to charge points",
    citation="Y. Xu et al., Q-EVCS, Applied Energy 383, 125279 (2025), doi:10.1016/j.apenergy.2025.125279",
    criterion=(
        "the four heuristics' reward and success within 2 sd of the published environment's; a circuit of 263"
        " parameters"
    ),
    plan=plan, run=run, judge=judge, draw=draw,
    cost_s=dict.fromkeys(HEURISTICS, 1.0)
    | {"circuit-offline": 120.0, "circuit-online": 125.0, "network-offline": 5.0, "network-online": 6.0},
)  # fmt: skip
