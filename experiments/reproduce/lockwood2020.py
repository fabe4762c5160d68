"""Lockwood and Si 2020: Q-learning on CartPole-v1 with the signs of the state, and what keeps it from learning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from entangrid.experiments.reproduce import curves
from entangrid.experiments.reproduce.bootstrap import mean_interval
from entangrid.experiments.reproduce.target import Row, Settings, Target, Unit, Verdict, units

F = npt.NDArray[np.float32]

LAST, SEEDS = 50, 10
LOW, HIGH, CONTROL = 40.0, 110.0, 150.0
N_POOLING = 12
STEEPNESS = np.array([1.0, 1.0, 8.0, 1.0], np.float32)

#: as published: no target network, one update at the end of an episode, all angles 0 at first; the gradient also runs
#: through the value of the following state, which the released code calculates on the same tape
PUBLISHED: Settings = {
    "episodes": 200, "limit": 500, "gamma": 0.99, "batch": 32, "capacity": 10_000, "begin": 1_000, "rate": 0.01,
    "epsilon_decay": 0.9, "epsilon_min": 0.01, "every": 0, "target_every": 0, "residual": True,
}  # fmt: skip
_CONTROL: Settings = PUBLISHED | {"every": 1, "target_every": 100, "residual": False}
#: rewards of a step and of an end whose sums ⟨Z⟩ can hold: from -1/2 (falling now) to 1/2 (never) at this discount
_BOUNDED: Settings = {"step_reward": 0.005, "end_reward": -0.5}
#: with a target network and an update every step, and values that the read-out and the signs can bear
LEARNS = "and-ten-step-returns"
#: the first and `LEARNS` are judged; the others take them apart, and count for nothing
ARMS: dict[str, Settings] = {
    "as-published": PUBLISHED,
    "target-and-every-step": _CONTROL,
    "and-bounded-reward": _CONTROL | _BOUNDED,
    LEARNS: _CONTROL | _BOUNDED | {"n_steps": 10},
    "and-scaled-outputs": _CONTROL | {"epsilon_decay": 0.97, "output_rate": 0.02},
    "and-continuous-inputs": _CONTROL | _BOUNDED | {"continuous": True},
}
#: what any agent can reach that sees signs only, and what Q-learning on them does reach
LIMITS: dict[str, Settings] = {
    "best-sign-table": {"episodes": 40},
    "exact-sign-learner": {
        "gamma": 0.99, "epsilon_min": 0.01, "rounds": 40, "steps": 2_000, "kept": 5, "limit": 500, "episodes": 20
    },
}  # fmt: skip


def plan(seeds: int | None, smoke: bool) -> list[Unit]:
    """The published agent, the controls, and the limits of the input."""
    arms = ARMS | LIMITS
    if smoke:
        small = {"episodes": 60, "begin": 200}
        arms = {name: settings | small for name, settings in ARMS.items()}
        arms |= {"best-sign-table": {"episodes": 2}, "exact-sign-learner": LIMITS["exact-sign-learner"] | {"rounds": 4}}
    return units(arms, seeds or (1 if smoke else SEEDS))


def run(unit: Unit) -> dict[str, Any]:
    """Steps of the episodes of one run, or what a limit of the input is.

    The released circuit pools with powers of X, Y and Z, turns by π s, so that the same learning rate moves those
    twelve angles π times as far as the others.
    """
    from entangrid.agents.quantum.library import lockwood2020
    from entangrid.experiments.reproduce import sign_tables
    from entangrid.experiments.reproduce.approximators import Adam, CircuitFunction
    from entangrid.experiments.reproduce.q_learning import Learner, Schedule, learn

    settings = unit.settings
    if unit.arm == "best-sign-table":
        table, steps = sign_tables.best_table(settings["episodes"], unit.seed)
        simple = sign_tables.mean_steps(sign_tables.ANGULAR_VELOCITY[None], 10 * settings["episodes"], unit.seed)
        return {"table": [int(a) for a in table], "steps": steps, "angular_velocity": float(simple[0])}
    if unit.arm == "exact-sign-learner":
        means = sign_tables.exact_q_learning(settings, unit.seed)
        return {"steps": float(np.mean(means[len(means) // 2 :]))}
    rng = np.random.default_rng(unit.seed)
    circuit = lockwood2020()
    scaled = "output_rate" in settings
    function = CircuitFunction(replace(circuit, output="affine", n_outputs=2) if scaled else circuit, rng, (0.0, 0.0))
    angles = np.full(function.parameters["angles"].size, settings["rate"], np.float32)
    angles[-N_POOLING:] *= np.pi
    rates: dict[str, Any] = {"angles": angles}
    if scaled:
        function.parameters["output_scaling"] = np.eye(2, dtype=np.float32)
        rates |= {"output_scaling": settings["output_rate"], "output_bias": settings["output_rate"]}
    schedule = Schedule(
        settings["gamma"], settings["batch"], settings["capacity"], settings["begin"], settings["every"],
        settings["target_every"], residual=settings["residual"], n_steps=settings.get("n_steps", 1),
    )  # fmt: skip
    decay, least = settings["epsilon_decay"], settings["epsilon_min"]
    learner = Learner(function, Adam(rates), schedule, rng)
    first: list[int] = []  # the episode of the first update

    def epsilon(episode: int, updates: int) -> float:
        """Falls with the updates, as published; where there is one every step, with the episodes from the first on."""
        if not updates:
            return 1.0
        if not first:
            first.append(episode)
        return float(max(decay ** (episode - first[0] if settings["every"] else updates), least))

    pays = (settings.get("step_reward", 1.0), settings.get("end_reward", 0.0))
    see = continuous if settings.get("continuous") else signs
    game = paying(settings["limit"], unit.seed, see, *pays)
    totals = learn(game, learner, 4, episodes=settings["episodes"], epsilon=epsilon)
    return {"parameters": circuit.n_parameters, "returns": [round((total - pays[1]) / pays[0]) for total in totals]}


def paying(limit: int, seed: int, see: Callable[[F], F], a_step: float, an_end: float) -> Any:
    """CartPole with other rewards than 1 a step: the actions' order of merit stays, the size of the values changes."""
    from entangrid.experiments.reproduce.q_learning import CartPole

    class Paying(CartPole):
        def step(self, action: int) -> tuple[F, float, bool]:
            state, _, over = super().step(action)
            return state, a_step + an_end * over, over

    return Paying(limit, seed, see)


def signs(state: F) -> F:
    """The published input: 1 where an entry of the state is not negative."""
    return (state >= 0.0).astype(np.float32)


def continuous(state: F) -> F:
    """A smooth step in the place of the sign, through the same gates; the angle's range is an eighth of the others'."""
    return np.asarray(0.5 + np.arctan(STEEPNESS * state) / np.pi, np.float32)


def judge(results: Mapping[str, list[dict[str, Any]]], smoke: bool, data: Path | None) -> Verdict:
    """Mean of the last 50 episodes: between 40 and 110 as published, and above 150 for the same circuit and signs with
    a target network and an update every step, where the targets are such that it can learn from them."""
    rows = [Row("trainable numbers of the circuit", results["as-published"][0]["parameters"], claim="parameters")]
    last = {}
    for arm in ARMS:
        found = results[arm]
        mean, low, high = mean_interval([float(np.mean(result["returns"][-LAST:])) for result in found])
        last[arm] = mean
        claim = "last_50" if arm == "as-published" else None
        rows.append(Row(f"{arm}: last 50 episodes", mean, "steps of 500", low, high, len(found), claim))
    table, exact = results["best-sign-table"], results["exact-sign-learner"]
    limits = {
        "the angular velocity's sign alone": [result["angular_velocity"] for result in table],
        "the best table of actions for the signs": [result["steps"] for result in table],
        "one-step Q-learning solved exactly on the signs": [result["steps"] for result in exact],
    }
    for name, values in limits.items():
        mean, low, high = mean_interval(values)
        rows.append(Row(name, mean, "steps of 500", low, high, len(values)))
    fails = LOW <= last["as-published"] <= HIGH
    learns = last[LEARNS] > CONTROL
    enough = min(len(results[arm]) for arm in ("as-published", LEARNS)) >= SEEDS
    passed = (fails and learns) if enough and not smoke else None
    best, solved = (float(np.mean(limits[name])) for name in list(limits)[1:])
    reason = (
        f"as published {last['as-published']:.0f} steps, {'within' if fails else 'outside'} 40 to 110; the same"
        f" circuit, signs and code with a target network and an update every step, rewards within the read-out's range"
        f" and returns of ten steps {last[LEARNS]:.0f}, {'above' if learns else 'not above'} 150. Target network and"
        f" update every step alone are not enough: {last['target-and-every-step']:.0f}, and with those rewards"
        f" {last['and-bounded-reward']:.0f}, with trainable outputs {last['and-scaled-outputs']:.0f}. On the signs the"
        f" best table of actions balances {best:.0f} steps, one-step Q-learning solved exactly {solved:.0f}. With"
        f" continuous inputs in the place of signs one-step targets reach {last['and-continuous-inputs']:.0f}"
    )
    return Verdict(rows, passed, reason)


def draw(figure: Any, results: Mapping[str, list[dict[str, Any]]], verdict: Verdict, claims: Mapping[str, Any]) -> None:
    """Steps over episodes, trailing mean of 50, as the released code draws it."""
    axes = figure.subplots()
    for colour, arm in zip(curves.PALETTE, ARMS, strict=False):
        curves.draw_seeds(axes, [result["returns"] for result in results[arm]], arm, colour, LAST)
    curves.claim_line(axes, claims["last_50"], f"Franz et al., five runs: {claims['last_50'].value:g}")
    for arm, style, label in (
        ("best-sign-table", ":", "best table of actions for the signs"),
        ("exact-sign-learner", "-.", "one-step Q-learning solved exactly on the signs"),
    ):
        axes.axhline(
            np.mean([result["steps"] for result in results[arm]]),
            color="#666666", linestyle=style, linewidth=1.0, label=label,
        )  # fmt: skip
    axes.set(xlabel="episode", ylabel="steps, trailing mean of 50", ylim=(0, 500))
    axes.legend(loc="upper left", fontsize=7, ncols=2)


TARGET = Target(
    name="lockwood2020-cartpole",
    status="negative reproduction",
    title="Lockwood and Si 2020: Q-learning from the signs of CartPole-v1's state",
    citation=(
        "O. Lockwood and M. Si, Reinforcement learning with quantum variational circuits, AIIDE 2020, "
        "doi:10.48550/arXiv.2008.07524"
    ),
    criterion=(
        "mean of the last 50 of 200 episodes between 40 and 110 over at least 10 seeds, and above 150 for the same"
        " circuit and code with a target network and an update every step (with rewards within the read-out's range and"
        " returns of ten steps, without which it does not learn)"
    ),
    plan=plan, run=run, judge=judge, draw=draw,
    cost_s={
        "as-published": 1.0, "target-and-every-step": 1.0, "and-bounded-reward": 2.0, LEARNS: 4.0,
        "and-scaled-outputs": 3.0, "and-continuous-inputs": 8.0, "best-sign-table": 1.0, "exact-sign-learner": 2.0,
    },
)  # fmt: skip
