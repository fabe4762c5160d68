"""Jerbi et al. 2021: REINFORCE with a re-uploading circuit on CartPole-v1."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from entangrid.experiments.reproduce import curves
from entangrid.experiments.reproduce.bootstrap import mean_interval
from entangrid.experiments.reproduce.target import Row, Settings, Target, Unit, Verdict, units

BATCH, SOLVED = 10, 475.0

#: the recipe of the authors' TensorFlow Quantum tutorial
PUBLISHED: Settings = {
    "episodes": 1000, "limit": 500, "batch": BATCH, "gamma": 1.0, "stop_at": 500.0, "normalise": "episode",
    "rates": {"input_scaling": 0.1, "angles": 0.01, "output_scaling": 0.1},
    "state_bounds": [2.4, 2.5, 0.21, 2.5],
}  # fmt: skip

#: the tutorial standardises the returns of every episode by itself, so that a long and a short one weigh the same
ARMS = {"returns-by-episode": PUBLISHED, "returns-by-batch": PUBLISHED | {"normalise": "batch"}}


def plan(seeds: int | None, smoke: bool) -> list[Unit]:
    """Both ways to standardise returns."""
    arms = {name: settings | {"episodes": 20} for name, settings in ARMS.items()} if smoke else ARMS
    return units(arms, seeds or (1 if smoke else 10))


def run(unit: Unit) -> dict[str, Any]:
    """Episode returns until the mean of a batch of ten is 500, or 1,000 episodes are over."""
    from entangrid.agents.quantum.library import jerbi2021
    from entangrid.experiments.reproduce.approximators import Adam, CircuitFunction, n_parameters

    settings = unit.settings
    rng = np.random.default_rng(unit.seed)
    policy = CircuitFunction(jerbi2021(), rng, (0.0, np.pi))
    optimizer = Adam(settings["rates"], amsgrad=True)
    batch = settings["batch"]
    returns: list[float] = []
    while len(returns) < settings["episodes"]:
        states, actions, alive = play(policy, settings, rng)
        lengths = alive.sum(0)
        returns += [float(length) for length in lengths]
        weights = advantages(lengths, len(alive), settings["gamma"], settings["normalise"])[alive].astype(np.float32)
        logits, kept = policy.values_and_keep(states[alive])
        chosen = actions[alive]
        right = chance_of_one(logits)
        grad = np.stack([(1.0 - right) - (chosen == 0), right - (chosen == 1)], 1) * weights[:, None] / batch
        optimizer.step(policy.parameters, policy.gradients(kept, grad.astype(np.float32)))
        if np.mean(returns[-batch:]) >= settings["stop_at"]:
            break
    return {"parameters": n_parameters(policy), "returns": returns}


def chance_of_one(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Softmax probability (B,) of action 1 from logits (B, 2)."""
    return np.asarray(1.0 / (1.0 + np.exp(logits[:, 0].astype(np.float64) - logits[:, 1])))


def play(policy: Any, settings: Settings, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """A batch of whole episodes side by side: (states (T, E, 4) over their bounds, actions (T, E), alive (T, E))."""
    import gymnasium

    n = settings["batch"]
    env = gymnasium.make_vec("CartPole-v1", num_envs=n, vectorization_mode="vector_entry_point")
    bounds = np.asarray(settings["state_bounds"], np.float32)
    state, _ = env.reset(seed=int(rng.integers(1 << 31)))
    going = np.ones(n, bool)
    states, actions, alive = [], [], []
    for _ in range(settings["limit"]):
        x = np.asarray(state / bounds, np.float32)
        action = (rng.random(n) < chance_of_one(policy.values(x))).astype(np.int64)
        states.append(x)
        actions.append(action)
        alive.append(going.copy())
        state, _, fell, truncated, _ = env.step(action)
        going &= ~(fell | truncated)
        if not going.any():
            break
    env.close()
    return np.stack(states), np.stack(actions), np.stack(alive)


def advantages(lengths: npt.NDArray[Any], n_steps: int, gamma: float, normalise: str) -> npt.NDArray[np.float64]:
    """Standardised returns (T, E) of rewards of 1 a step, to the end of each episode; meaningless beyond its end."""
    left = np.maximum(lengths[None, :] - np.arange(n_steps)[:, None], 0)
    returns = left.astype(np.float64) if gamma == 1.0 else (1.0 - gamma**left) / (1.0 - gamma)
    alive = left > 0
    if normalise == "batch":
        seen = returns[alive]
        return np.asarray((returns - seen.mean()) / (seen.std() + 1e-8))
    for e, length in enumerate(lengths):
        own = returns[:length, e]
        returns[:length, e] = (own - own.mean()) / (own.std() + 1e-8)
    return returns


def first_solved(returns: list[float]) -> float:
    """Episode at which a batch's mean first reaches 475; NaN where none does."""
    means = np.asarray(returns).reshape(-1, BATCH).mean(1)
    return float((np.argmax(means >= SOLVED) + 1) * BATCH) if (means >= SOLVED).any() else float("nan")


def judge(results: Mapping[str, list[dict[str, Any]]], smoke: bool, data: Path | None) -> Verdict:
    """Seeds that reach a ten-episode mean of 475 within 1,000 episodes."""
    rows, solved, n = [], {}, 0
    parameters = {result["parameters"] for arm in results.values() for result in arm}
    rows.append(Row("trainable numbers", max(parameters), claim="parameters"))
    for arm, found in results.items():
        at = np.array([first_solved(result["returns"]) for result in found])
        n, solved[arm] = len(found), int(np.isfinite(at).sum())
        rows.append(Row(f"{arm}: seeds with a 10-episode mean of 475", solved[arm], f"of {n}", n=n))
        if solved[arm]:
            reached = at[np.isfinite(at)]
            mean, low, high = mean_interval(reached)
            rows.append(
                Row(
                    f"{arm}: episode of that, mean of those seeds",
                    mean,
                    "episodes",
                    low,
                    high,
                    len(reached),
                    "solved_at",
                )
            )
        best = [float(np.max(np.asarray(r["returns"]).reshape(-1, BATCH).mean(1))) for r in found]
        rows.append(Row(f"{arm}: best 10-episode mean", *_rounded(best), n))
    count = solved["returns-by-episode"]
    passed = None if smoke else 2 * count > n and parameters == {94}
    reason = (
        f"{count} of {n} seeds reach 475 as published ({solved['returns-by-batch']} with returns standardised by batch)"
    )
    return Verdict(rows, passed, reason)


def _rounded(values: list[float]) -> tuple[float, str, float, float]:
    mean, low, high = mean_interval(values)
    return mean, "steps of 500", low, high


def draw(figure: Any, results: Mapping[str, list[dict[str, Any]]], verdict: Verdict, claims: Mapping[str, Any]) -> None:
    """Return over episodes, as the paper and the tutorial draw it."""
    axes = figure.subplots()
    for colour, (arm, found) in zip(curves.PALETTE, results.items(), strict=False):
        curves.draw_seeds(axes, [result["returns"] for result in found], arm, colour, BATCH)
    axes.axhline(SOLVED, color="#999999", linewidth=0.8, linestyle=":", label="criterion: 475")
    axes.plot([claims["solved_at"].value], [500.0], "k*", label="published run: 500 at episode 470")
    axes.set(xlabel="episode", ylabel="return, trailing mean of 10")
    axes.legend(loc="lower right", fontsize=7)


TARGET = Target(
    name="jerbi2021-cartpole",
    status="re-implementation",
    title="Jerbi et al. 2021: policy gradient with a re-uploading circuit, CartPole-v1",
    citation=(
        "S. Jerbi et al., Parametrized quantum policies for reinforcement learning, NeurIPS 2021, "
        "doi:10.48550/arXiv.2103.05577"
    ),
    criterion=(
        "94 parameters; mean of a batch of 10 episodes at least 475 within 1,000 episodes for a majority of "
        "10 seeds"
    ),
    plan=plan, run=run, judge=judge, draw=draw,
    cost_s={"returns-by-episode": 3.0, "returns-by-batch": 3.0},
)  # fmt: skip
