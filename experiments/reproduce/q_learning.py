"""Deep Q-learning with the schedules of the papers, on one environment at a time.

SB3's DQN clips the loss and bootstraps from time limits, and cannot update at the end of episodes only or without a
target network; the differences between the papers are just these. So the loop is written out here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from entangrid.experiments.reproduce.approximators import Adam, Approximator, F, RMSprop

Row = npt.NDArray[np.float32]


class Game(Protocol):
    """One environment with discrete actions."""

    n_actions: int

    def reset(self) -> Row:
        """First observation (n_in,) of an episode."""
        ...

    def step(self, action: int) -> tuple[Row, float, bool]:
        """(observation, reward, whether the episode is over, by a time limit too)."""
        ...


class CartPole:
    """Gymnasium's CartPole with a limit on the steps of an episode: 200 is CartPole-v0, 500 CartPole-v1.

    ``see`` is applied to the state (4,). The limit counts as an end of the episode like a fall, as it did for the
    papers' code: Gym told no difference then.
    """

    n_actions = 2

    def __init__(self, limit: int, seed: int, see: Callable[[Row], Row] = lambda state: state) -> None:
        from gymnasium.envs.classic_control.cartpole import CartPoleEnv

        self.limit, self.see, self.steps = limit, see, 0
        self._env: Any = CartPoleEnv()
        self._env.reset(seed=seed)

    def reset(self) -> Row:
        """See :class:`Game`."""
        self.steps = 0
        return self.see(self._env.reset()[0])

    def step(self, action: int) -> tuple[Row, float, bool]:
        """See :class:`Game`."""
        state, reward, fell, _, _ = self._env.step(action)
        self.steps += 1
        return self.see(state), float(reward), bool(fell) or self.steps >= self.limit


class Replay:
    """The last ``capacity`` transitions."""

    def __init__(self, capacity: int, n_inputs: int) -> None:
        self.capacity, self.size, self._next = capacity, 0, 0
        self.states = np.zeros((capacity, n_inputs), np.float32)
        self.following = np.zeros((capacity, n_inputs), np.float32)
        self.actions = np.zeros(capacity, np.int64)
        self.rewards = np.zeros(capacity, np.float32)
        self.goes_on = np.zeros(capacity, np.float32)

    def add(self, state: Row, action: int, reward: float, following: Row, over: bool) -> None:
        """Keep a transition in the place of the oldest."""
        i = self._next
        self.states[i], self.actions[i], self.rewards[i] = state, action, reward
        self.following[i], self.goes_on[i] = following, not over
        self._next = (i + 1) % self.capacity
        self.size = min(self.size + 1, self.capacity)


@dataclass(frozen=True)
class Schedule:
    """When Q-learning updates, and with what.

    gamma, batch, capacity: discount, transitions of an update, size of the replay. begin: steps before the first
    update. every: steps between updates, or 0 to update once at the end of every episode. target_every: steps (with
    every=0: episodes) between copies into the target network, or 0 for none. huber: else the mean squared error.
    mask_ends: no value beyond the end of an episode. residual: without a target network, the gradient also runs through
    the value ahead (Baird 1995's residual gradient), as in code that calculates the target on the gradient's tape.
    n_steps: rewards added up before the value ahead is taken (Sutton 1988), uncorrected for random actions in between.
    """

    gamma: float
    batch: int
    capacity: int
    begin: int = 0
    every: int = 1
    target_every: int = 1
    huber: bool = False
    mask_ends: bool = True
    residual: bool = False
    n_steps: int = 1


class Learner:
    """Updates a Q-function from a replay; the target network's parameters are a copy."""

    def __init__(
        self, function: Approximator, optimizer: Adam | RMSprop, schedule: Schedule, rng: np.random.Generator
    ) -> None:
        self.function, self.optimizer, self.schedule, self.rng = function, optimizer, schedule, rng
        self.updates = 0
        self._rows = np.arange(schedule.batch)
        self.copy_target()

    def copy_target(self) -> None:
        """The target network becomes the Q-function."""
        self.target = {name: p.copy() for name, p in self.function.parameters.items()}

    def update(self, replay: Replay, factor: float = 1.0) -> float:
        """One gradient step on a random batch; ``factor`` multiplies the learning rates. Mean absolute error before."""
        schedule = self.schedule
        picks = self.rng.integers(0, replay.size, schedule.batch)
        discount = np.float32(schedule.gamma**schedule.n_steps)
        weight = discount * (replay.goes_on[picks] if schedule.mask_ends else np.float32(1.0))
        states, chosen = replay.states[picks], replay.actions[picks]
        through = schedule.residual and not schedule.target_every
        if through:
            values, kept = self.function.values_and_keep(np.concatenate([states, replay.following[picks]]))
            ahead = values[schedule.batch :]
        else:
            ahead = self.function.values(
                replay.following[picks], self.target if schedule.target_every else self.function.parameters
            )
            values, kept = self.function.values_and_keep(states)
        miss = values[self._rows, chosen] - (replay.rewards[picks] + weight * ahead.max(1))
        slope: F = (np.clip(miss, -1.0, 1.0) if schedule.huber else 2.0 * miss) / np.float32(schedule.batch)
        grad = np.zeros_like(values)
        grad[self._rows, chosen] = slope
        if through:
            grad[schedule.batch + self._rows, ahead.argmax(1)] -= weight * slope
        self.optimizer.step(self.function.parameters, self.function.gradients(kept, grad), factor)
        self.updates += 1
        return float(np.abs(miss).mean())


def greedy(function: Approximator, state: Row) -> int:
    """The action with the highest value."""
    return int(function.values(state[None])[0].argmax())


def learn(
    game: Game,
    learner: Learner,
    n_inputs: int,
    *,
    episodes: int,
    epsilon: Callable[[int, int], float],
    stop: Callable[[list[float]], bool] = lambda returns: False,
) -> list[float]:
    """Returns of the episodes played, at most ``episodes``, until ``stop`` says so.

    ``epsilon`` (episode, updates so far) is the chance of a random action.
    """
    schedule, rng = learner.schedule, learner.rng
    replay = Replay(schedule.capacity, n_inputs)
    returns: list[float] = []
    steps = 0
    for episode in range(episodes):
        state, total, over = game.reset(), 0.0, False
        waiting: deque[tuple[Row, int, float]] = deque()  # for the rewards that follow them
        chance = epsilon(episode, learner.updates)
        while not over:
            explore = rng.random() < chance
            action = int(rng.integers(game.n_actions)) if explore else greedy(learner.function, state)
            following, reward, over = game.step(action)
            waiting.append((state, action, reward))
            while waiting and (len(waiting) == schedule.n_steps or over):
                pay = sum(schedule.gamma**i * reward for i, (_, _, reward) in enumerate(waiting))
                first, acted, _ = waiting.popleft()
                replay.add(first, acted, pay, following, over)
            state, total, steps = following, total + reward, steps + 1
            if schedule.every and steps > schedule.begin and steps % schedule.every == 0 and replay.size:
                learner.update(replay)
            if schedule.every and schedule.target_every and steps % schedule.target_every == 0:
                learner.copy_target()
        if not schedule.every and steps > schedule.begin:
            learner.update(replay)
            if schedule.target_every and (episode + 1) % schedule.target_every == 0:
                learner.copy_target()
        returns.append(total)
        if stop(returns):
            break
    return returns
