"""Controllers found by search: rules with tuned numbers, and a linear policy, by the cross-entropy method.

The cross-entropy method draws candidates from a normal distribution, moves its mean and standard deviation to those of
the best of them, and repeats (Rubinstein 1999, DOI 10.1023/A:1010091220143; with noise kept up as by Szita, Lőrincz
2006, DOI 10.1162/neco.2006.18.12.2936). All candidates play the same episodes, side by side in one simulator. Every
step of every environment counts towards the budget.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.agents.controller import F, Memoryless, Physical, encode
from entangrid.agents.rule import Rule
from entangrid.data.errors import InputError
from entangrid.envs.simulator import Simulator
from entangrid.envs.tasks import Task

ELITES = 0.25


class Trial(NamedTuple):
    """One generation: environment steps so far, and the mean objective [EUR] of the best candidate's episodes."""

    steps: int
    objective_eur: float


class Searched(Memoryless):
    """A controller with a vector of numbers, found by :meth:`learn`; like an SB3 algorithm, it starts untrained.

    **Information: the observation.** ``num_timesteps``: environment steps used; ``trials``: what each generation found.
    """

    information = "observation"

    def __init__(
        self, task: Task, *, seed: int = 0, population: int = 24, episodes: int = 4, spread: float = 0.3, floor: float
    ):
        """population: candidates of a generation; episodes: that each of them plays; spread: first standard deviation
        of every number, floor: what is added to it at first, falling to nothing over the budget.

        Raises InputError for sizes too small to choose from.
        """
        for name, value, least in (("population", population, 4), ("episodes", episodes, 1)):
            if value < least:
                raise InputError(f"search: {name} is {value}; expected at least {least}")
        self.task, self.seed = task, seed
        self.population, self.episodes, self.spread, self.floor = population, episodes, spread, floor
        self.num_timesteps = 0
        self.trials: list[Trial] = []
        self.vector = self.start()

    @abstractmethod
    def start(self) -> F:
        """The vector (d,) to begin with."""

    @abstractmethod
    def decide(self, observation: npt.NDArray[Any], vectors: F) -> npt.NDArray[Any]:
        """Actions for observations (E, K H) with a vector each, (E, d)."""

    def bounded(self, vectors: F) -> F:
        """Vectors (n, d) within what is allowed."""
        return vectors

    def act(self, observation: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Actions for observations (E, K H)."""
        n = np.asarray(observation).reshape(-1, self.task.scenario.n_homes * len(self.task.observation_names)).shape[0]
        return self.decide(observation, np.broadcast_to(self.vector, (n, self.vector.size)))

    @property
    def steps_of_a_generation(self) -> int:
        """Environment steps that one generation takes."""
        return self.population * self.episodes * self.task.episode_steps

    def learn(self, total_timesteps: int, progress: Callable[[int], None] | None = None) -> Searched:
        """Search with at most so many environment steps; ``progress`` is called with those done.

        The last generation is the choice among the start, every generation's mean and best, on fresh episodes. Raises
        InputError for fewer steps than two generations.
        """
        generations = int(total_timesteps) // self.steps_of_a_generation
        if generations < 2:
            least = 2 * self.steps_of_a_generation
            raise InputError(
                f"search: total_timesteps is {total_timesteps}; expected at least {least}, two generations of "
                f"{self.population} candidates, {self.episodes} episodes of {self.task.episode_steps}"
            )
        rng = np.random.default_rng(self.seed)
        simulator = self._simulator()
        mean, spread = self.vector.copy(), np.full(self.vector.size, self.spread)
        kept = [mean]
        for generation in range(generations - 1):
            drawn = mean + spread * rng.standard_normal((self.population, mean.size))
            drawn[0] = mean
            drawn = self.bounded(drawn)
            objective = self._objectives(simulator, drawn)
            elites = drawn[np.argsort(objective, kind="stable")[: max(round(ELITES * self.population), 2)]]
            noise = self.floor * (1.0 - (generation + 1) / generations)
            mean, spread = elites.mean(0), elites.std(0) + noise
            kept += [elites[0], mean]
            self._count(float(objective.min()), progress)
        final = [kept[0], *kept[:0:-1]][: self.population]  # the start, then the latest first
        candidates = np.stack(final + [final[0]] * (self.population - len(final)))
        objective = self._objectives(simulator, self.bounded(candidates))
        self.vector = candidates[int(objective.argmin())].copy()
        self._count(float(objective.min()), progress)
        return self

    def _count(self, objective_eur: float, progress: Callable[[int], None] | None) -> None:
        self.num_timesteps += self.steps_of_a_generation
        self.trials.append(Trial(self.num_timesteps, objective_eur))
        if progress is not None:
            progress(self.num_timesteps)

    def _simulator(self) -> Simulator:
        """One environment a candidate and episode; copies with the same number draw the same."""
        simulator = Simulator(self.task, self.population * self.episodes, self.seed, autoreset=False)
        simulator.env_ids[:] = np.tile(np.arange(self.episodes), self.population)
        return simulator

    def _objectives(self, simulator: Simulator, vectors: F) -> F:
        """Mean objectives (P,) [EUR] of candidates (P, d) over the next episodes, the same for all."""
        of_envs = np.repeat(vectors, self.episodes, 0)
        simulator.reset()
        total = np.zeros(simulator.n_envs)
        for _ in range(self.task.episode_steps):
            simulator.step(self.decide(simulator.obs.reshape(simulator.n_envs, -1), of_envs))
            total -= simulator.reward
        return np.asarray(total.reshape(-1, self.episodes).mean(1))

    def save(self, path: str | Path) -> None:
        """Write the vector as a NumPy array file; a name without suffix gets ``.npy``."""
        np.save(Path(path), self.vector, allow_pickle=False)

    def load(self, path: str | Path) -> Searched:
        """Take a saved vector; raises InputError for one of another size."""
        found = np.load(Path(path), allow_pickle=False)
        if found.shape != self.vector.shape:
            raise InputError(f"{path}: holds {found.shape} numbers; expected {self.vector.shape}")
        self.vector = np.asarray(found, np.float64)
        return self


class TunedRule(Searched):
    """A rule whose declared numbers are searched for on the task's episodes.

    ``vector`` holds them as shares of their ranges; ``values`` as they are.
    """

    def __init__(self, task: Task, rule: type[Rule], *, seed: int = 0, population: int = 16, episodes: int = 4):
        """Raises InputError for a rule without parameters, and what the rule raises."""
        if not rule.parameters:
            raise InputError(f"{rule.name}: has no parameters to tune")
        self.rule = rule(task)
        low_high = np.array([(range_.low, range_.high) for range_ in rule.parameters.values()])
        self._low, self._extent = low_high[:, 0], np.ptp(low_high, axis=1)
        super().__init__(task, seed=seed, population=population, episodes=episodes, spread=0.25, floor=0.1)

    def start(self) -> F:
        """The rule's defaults."""
        default = np.array([range_.default for range_ in self.rule.parameters.values()])
        return np.asarray((default - self._low) / self._extent)

    def bounded(self, vectors: F) -> F:
        """Within the declared ranges."""
        return np.clip(vectors, 0.0, 1.0)

    @property
    def values(self) -> dict[str, float]:
        """The rule's parameters."""
        found = self._low + np.clip(self.vector, 0.0, 1.0) * self._extent
        return dict(zip(self.rule.parameters, found.tolist(), strict=True))

    def decide(self, observation: npt.NDArray[Any], vectors: F) -> npt.NDArray[Any]:
        """See :class:`Searched`."""
        values = self._low + self.bounded(vectors) * self._extent
        self.rule.values = {name: values[:, i : i + 1] for i, name in enumerate(self.rule.parameters)}
        return encode(self.task, self.rule.commands(Physical(self.task, observation)))


class LinearPolicy(Searched):
    """Each command is a linear function of a home's own entries, clipped to [-1, 1]; the same one in every home."""

    def __init__(self, task: Task, *, seed: int = 0, population: int = 24, episodes: int = 4):
        super().__init__(task, seed=seed, population=population, episodes=episodes, spread=0.2, floor=0.05)

    def start(self) -> F:
        """Zeros: batteries idle, everything else half way."""
        return np.zeros(len(self.task.controls) * (len(self.task.observation_names) + 1))

    def decide(self, observation: npt.NDArray[Any], vectors: F) -> npt.NDArray[Any]:
        """See :class:`Searched`."""
        n_in, controls = len(self.task.observation_names), self.task.controls
        seen = np.asarray(observation, np.float64).reshape(-1, self.task.scenario.n_homes, n_in)
        weights = vectors.reshape(-1, len(controls), n_in + 1)
        out = np.einsum("ehk,eck->ceh", seen, weights[:, :, :-1]) + weights[:, :, -1].T[:, :, None]
        return encode(self.task, dict(zip(controls, out, strict=True)))
