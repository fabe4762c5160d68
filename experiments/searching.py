"""Arms that are found by search: rules with tuned numbers, and linear policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from entangrid import agents
from entangrid.data.errors import InputError
from entangrid.experiments.config import SearchedArm, StudyConfig

if TYPE_CHECKING:
    from entangrid.agents.search import Searched
    from entangrid.envs.tasks import Task
    from entangrid.experiments.plan import Run
    from entangrid.experiments.setting import Setting


class Found(NamedTuple):
    """``controller``: of the test's homes; ``of_validation``: of those, None without any. ``steps``: environment steps
    spent; ``vector``: what was found; ``progress``: a CSV of what each generation found."""

    controller: Searched
    of_validation: Searched | None
    steps: int
    vector: npt.NDArray[np.float64]
    progress: str


def homes_of_a_step(study: StudyConfig, task: Task) -> int:
    """Environment steps that a simulator's step counts for: each home's is one where it is controlled by itself."""
    return task.scenario.n_homes if study.task.control == "per-home" else 1


def make(study: StudyConfig, arm: str, task: Task, seed: int = 0) -> Searched:
    """A controller to search for on the training task, or to be given what was found there.

    Raises InputError, naming the arm, for a task that does not fit.
    """
    config = study.arms[arm]
    assert isinstance(config, SearchedArm)
    try:
        return cast("Searched", agents.make(config.controller, task, seed=seed, **config.options))
    except InputError as error:
        raise InputError(f"arms.{arm}: {error}") from None


def check(study: StudyConfig, arm: str, train: Task) -> None:
    """Raise InputError, naming arm and field, for what could not be searched for with the study's steps."""
    made = make(study, arm, train)
    least = 2 * made.steps_of_a_generation * homes_of_a_step(study, train)
    if study.training.steps < least:
        raise InputError(
            f"arms.{arm}: training.steps is {study.training.steps}; expected at least {least}, two generations of "
            f"{made.population} candidates in episodes of {train.episode_steps} steps; "
            "a smaller population or fewer episodes need less"
        )


def search(run: Run, shared: Setting, progress: Callable[[int], None] = lambda _: None) -> Found:
    """Search on the training task with at most ``training.steps`` environment steps; the same seed finds the same.

    It takes seconds, so that a run that was interrupted begins anew.
    """
    assert run.seed is not None
    homes = homes_of_a_step(run.study, shared.train)
    searched = make(run.study, run.arm, shared.train, run.seed)
    searched.learn(run.study.training.steps // homes, lambda steps: progress(steps * homes))
    rows = [f"{trial.steps * homes},{trial.objective_eur!r}" for trial in searched.trials]
    return Found(
        of_others(searched, run, shared.test),
        None if shared.validation is None else of_others(searched, run, shared.validation),
        searched.num_timesteps * homes,
        searched.vector,
        "\n".join(["time/total_timesteps,search/objective_eur", *rows, ""]),
    )


def of_others(searched: Searched, run: Run, task: Task) -> Searched:
    """What was found, for the homes of another task."""
    made = make(run.study, run.arm, task)
    made.vector = searched.vector
    return made
