"""What a study's arms share: the scenario, and the tasks of training, validation and test."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

import entangrid.data
from entangrid.data.errors import InputError
from entangrid.data.scenario import Scenario
from entangrid.data.splits import split_homes
from entangrid.envs import gym, parameters
from entangrid.envs.tasks import Task
from entangrid.experiments.config import StudyConfig, TaskConfig

#: Initial soc, air and mass temperature: drawn within the first in training, the second in validation and test.
TRAIN_FROM = (0.0, 1.0, 19.0, 23.0, 19.5, 22.5)
TEST_FROM = (0.5, 0.5, 21.0, 21.0, 21.0, 21.0)


class Setting(NamedTuple):
    """``train`` draws short episodes within the training weeks; the others take each of their weeks once, in order."""

    scenario: Scenario
    train: Task
    test: Task
    validation: Task | None


def scenario_name(study: StudyConfig) -> str:
    """What ``entangrid.data.load`` takes; the task's own scenario where the study names none."""
    names = study.scenario_names
    if len(names) > 1:
        raise InputError(f"study {study.name!r} has {len(names)} scenarios; expected the study of one run")
    return str(gym.CLASSES[study.task.name].defaults["scenario"]) if names[0] is None else names[0]


def load_scenario(name: str) -> Scenario:
    """The scenario, its homes checked; raises InputError naming it."""
    scenario = _made_up(name) if name.startswith("synthetic") else entangrid.data.load(name)
    try:  # now, not in every worker
        parameters.home_records(scenario.homes)
        parameters.zone_records(scenario.homes)
    except InputError as error:
        raise InputError(f"scenario {name!r}: {error}") from None
    return scenario


@lru_cache(maxsize=4)  # a worker makes many runs of the same one
def _made_up(name: str) -> Scenario:
    return entangrid.data.load(name)


def make(study: StudyConfig, scenario: Scenario | None = None, arm: str | None = None) -> Setting:
    """Build the tasks of a study with one scenario, such as a run's own, as they hold for ``arm`` (None: for most).

    Raises InputError for homes, devices or a split that cannot work.
    """
    asked = study.task if arm is None else study.task_of(arm)
    given = load_scenario(scenario_name(study)) if scenario is None else scenario
    split = study.split
    weeks = entangrid.data.split_weeks(
        given,
        months=None if split.months is None else list(split.months),
        test_every=split.test_every,
        validation_every=split.validation_every,
    )
    for name in ("train", "test", *(["validation"] if split.validation_every else [])):
        if weeks[name].size == 0:
            raise InputError(f"split: no {name} week is left in scenario {given.name!r}; widen months or the period")
    try:
        homes = split_homes(given, **split.homes.model_dump())
    except InputError as error:
        raise InputError(f"split.homes: {error}") from None
    week = 7 * given.steps_per_day
    length = round(study.training.episode_days * given.steps_per_day)
    if length < 1:
        raise InputError(
            f"training.episode_days is {study.training.episode_days:g}, less than a step of scenario {given.name!r}; "
            f"expected at least {given.dt_h / 24.0:.4f}"
        )
    hour = max(round(1.0 / given.dt_h), 1)
    # every full hour from which a training episode stays within its week, so that even its last observation, which
    # already shows the step after it, is none of a held-out week
    within = np.arange(0, week - length, hour, dtype=np.int64)
    starts = (weeks["train"][:, None] + within[None, :]).reshape(-1)
    rest = gym.CLASSES[asked.name].defaults.get("initial", ())[6:]
    weighted = {name: _weigh_comfort(given.of_homes(each), asked.comfort_weight) for name, each in homes.items()}
    try:
        options = _options(asked)
        train = Task.make(
            weighted["train"],
            episode_steps=length,
            starts=starts,
            random_state=True,
            initial=(*TRAIN_FROM, *rest),
            **options,
        )
        whole = {"episode_steps": week, "sequential": True, "initial": (*TEST_FROM, *rest), **options}
        test = Task.make(weighted["test"], starts=weeks["test"], **whole)
        validation = None
        if split.validation_every:
            validation = Task.make(weighted["validation"], starts=weeks["validation"], **whole)
            if split.evaluate_on == "validation":
                test = validation
    except InputError as error:
        raise InputError(f"task: {error}") from None
    if asked.control == "per-home":
        _same_observation(train, test)
    return Setting(given, train, test, validation)


def _options(task: TaskConfig) -> dict[str, Any]:
    """The task's arguments: what the study says, and else the defaults that go with its name."""
    defaults = {
        name: value for name, value in gym.CLASSES[task.name].defaults.items() if name in ("controls", "feeder")
    }
    said = task.model_dump(exclude={"name", "control", "comfort_weight"})
    said = {name: value for name, value in said.items() if value is not None}
    return defaults | said


def _weigh_comfort(scenario: Scenario, weight: float) -> Scenario:
    if weight == 1.0:
        return scenario
    homes = scenario.homes.copy()
    homes["discomfort_eur_kh"] = homes["discomfort_eur_kh"] * weight
    return dataclasses.replace(scenario, homes=homes)


def _same_observation(train: Task, test: Task) -> None:
    """Homes that are held out must look like the others, or one policy could not see them all."""
    if train.observation_names != test.observation_names or train.controls != test.controls:
        names = set(train.observation_names) ^ set(test.observation_names) | set(train.controls) ^ set(test.controls)
        raise InputError(
            f"split.homes: the homes of training and test differ in what is there ({', '.join(sorted(names))}); "
            "expected the same devices, or fewer task.controls"
        )
