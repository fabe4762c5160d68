"""What CartPole's sixteen patterns of signs allow: the best table of actions, and what Q-learning makes of them.

Both are limits of the input, whatever learns from it. A table is an action for each pattern (the signs of position,
velocity, angle and angular velocity). Q-learning is done without any approximation: after every round the values of the
sixteen patterns are solved exactly for the transitions in the replay.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.bool_]
#: what a sign adds to the number of a pattern
BITS = np.array([8, 4, 2, 1])
N = 16
#: right where the pole turns to the right
ANGULAR_VELOCITY: Table = np.arange(N) % 2 == 1


def patterns(states: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Numbers (n,) of the states' (n, 4) patterns; zero counts as positive, as in the published code."""
    return np.asarray((states >= 0.0) @ BITS, np.int64)


def symmetric_tables() -> Table:
    """The 256 tables (256, 16) that do the opposite at the opposite pattern: the task is its own mirror image."""
    half = (np.arange(256)[:, None] >> np.arange(8)) % 2 == 1
    return np.concatenate([half, ~half[:, ::-1]], 1)


def mean_steps(tables: Table, episodes: int, seed: int, limit: int = 500) -> npt.NDArray[np.float64]:
    """Mean length (T,) of ``episodes`` episodes of CartPole with each of the tables (T, 16)."""
    env = _carts(len(tables) * episodes, limit)
    state, _ = env.reset(seed=seed)
    which = np.repeat(np.arange(len(tables)), episodes)
    up, steps = np.ones(which.size, np.bool_), np.zeros(which.size)
    while up.any():
        state, _, fell, late, _ = env.step(tables[which, patterns(state)].astype(np.int64))
        steps += up
        up &= ~(fell | late)
    return np.asarray(steps.reshape(len(tables), episodes).mean(1))


def best_table(episodes: int, seed: int) -> tuple[Table, float]:
    """(the best symmetric table (16,), its mean steps). Ten are chosen from all, one of them with ten times as many
    other episodes, and its mean is of as many others again."""
    tables = symmetric_tables()
    first = tables[np.argsort(-mean_steps(tables, episodes, 3 * seed))[:10]]
    best = first[mean_steps(first, 10 * episodes, 3 * seed + 1).argmax()]
    return best, float(mean_steps(best[None], 10 * episodes, 3 * seed + 2)[0])


def solve(counts: npt.NDArray[np.float64], gamma: float, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Values (16, 2) that satisfy Bellman's equation for the transitions counted (16, 2, 17), the last of which are
    ends; a reward of 1 a step. Pairs that were never seen keep their value."""
    total = counts.sum(2)
    chance = counts / np.maximum(total, 1.0)[..., None]
    while True:
        ahead = np.append(values.max(1), 0.0)
        new = np.where(total > 0.0, 1.0 + gamma * chance @ ahead, values)
        if np.abs(new - values).max() < 1e-6:
            return new
        values = new


def exact_q_learning(settings: dict[str, Any], seed: int) -> list[float]:
    """Mean steps of the greedy table after each round, the values solved for the replay as it is then.

    settings: gamma, epsilon_min (chance of a random action after the first round, which is random), rounds,
    steps (of a round, by ten carts), kept (rounds in the replay), limit, episodes (that measure a table).
    """
    rng = np.random.default_rng(seed)
    n = 10
    env = _carts(n, settings["limit"])
    state, _ = env.reset(seed=seed)
    before, ended = patterns(state), np.zeros(n, np.bool_)
    values = np.zeros((N, 2))
    replay: list[npt.NDArray[np.float64]] = []
    means = []
    for turn in range(settings["rounds"]):
        chance = 1.0 if turn == 0 else settings["epsilon_min"]
        counts = np.zeros((N, 2, N + 1))
        for _ in range(settings["steps"] // n):
            actions = np.where(rng.random(n) < chance, rng.integers(0, 2, n), values[before].argmax(1))
            state, _, fell, late, _ = env.step(actions)
            over, after, seen = fell | late, patterns(state), ~ended  # a step after an end only begins anew
            np.add.at(counts, (before[seen], actions[seen], np.where(over, N, after)[seen]), 1.0)
            before, ended = after, over
        replay = [*replay, counts][-settings["kept"] :]
        values = solve(np.sum(replay, 0), settings["gamma"], values)
        greedy = values.argmax(1)[None] == 1
        means.append(float(mean_steps(greedy, settings["episodes"], 1_000 * seed + turn, settings["limit"])[0]))
    return means


def _carts(n: int, limit: int) -> Any:
    from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv

    return CartPoleVectorEnv(n, max_episode_steps=limit)
