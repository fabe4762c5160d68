"""From a study to its runs: which arm, scenario, seed and values of the sweep, under which key."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from entangrid.data.errors import InputError
from entangrid.data.scenario import Scenario
from entangrid.experiments import refusals, setting
from entangrid.experiments.config import Arm, LearningArm, MatchedArm, SeededArm, StudyConfig, StudyError
from entangrid.experiments.config import messages as config_messages
from entangrid.experiments.config.base import Range
from entangrid.experiments.config.fields import concerns, copy_along, set_path, split_path

#: Raised whenever physics or algorithms change, so that no stale result is taken for a fresh one.
RESULTS_VERSION = 2

Axes = dict[str, Any]


class Run(NamedTuple):
    """One arm, one scenario, one seed; ``seed`` is None for a controller that does not learn.

    ``axes`` are the swept fields that concern the arm, and their values. ``study`` is the study as it holds for this
    run: with one scenario, without a sweep, and these values in their places.
    """

    arm: str
    config: Arm
    seed: int | None
    key: str
    scenario: str
    axes: Axes
    study: StudyConfig

    @property
    def folder(self) -> str:
        """Name of the run's folder."""
        seed = "" if self.seed is None else f"-seed{self.seed}"
        return f"{self.arm}{seed}-{self.key}"


def plan(
    study: StudyConfig, scenario: Scenario | Mapping[str, Scenario] | None = None, *, check: bool = True
) -> list[Run]:
    """Every run of a study once, in the order of its arms, then scenarios, values of the sweep, and seeds.

    ``scenario``: the study's only one, or all by name, where they are loaded already. A field of the sweep that cannot
    change an arm's results does not multiply its runs. With ``check``, what could not be built or run is refused now.
    Raises StudyError, an InputError.
    """
    try:
        return _plan(study, scenario, check)
    except InputError as error:
        raise StudyError(str(error)) from None


def _plan(study: StudyConfig, scenario: Scenario | Mapping[str, Scenario] | None, check: bool) -> list[Run]:
    names = [setting.scenario_name(_for_scenario(study, name)) for name in study.scenario_names]
    if isinstance(scenario, Scenario):
        loaded: Mapping[str, Scenario] = {names[0]: scenario}
    else:
        loaded = scenario or {name: _loaded(study, name) for name in names}
    hashes = {name: each.content_hash() for name, each in loaded.items()}
    for path in study.sweep.axes if study.sweep else ():
        if not any(concerns(study, path, arm) for arm in study.arms):
            raise InputError(f"sweep.axes.{path}: changes no arm's results; expected a field of what the arms are")
    points = _points(study)
    resolved = _Resolver(study)
    checker = _Checker(loaded)
    runs: dict[str, Run] = {}
    for arm in study.arms:
        mine = [path for path in (study.sweep.axes if study.sweep else ()) if concerns(study, path, arm)]
        chosen = _distinct([{path: point[path] for path in mine} for point in points])
        for name, axes in itertools.product(names, chosen):
            own = resolved(name, axes)
            config = own.arms[arm]
            if check:
                _checked(checker, own, name, arm, axes)
            digest = _digest(own, arm, hashes[name])
            seeds: list[int | None] = [None]
            if isinstance(config, SeededArm):
                seeds = list(own.training.seed_list[: config.seeds])
            for seed in seeds:
                key = hashlib.sha256(f"{digest}/{seed}".encode()).hexdigest()[:16]
                runs.setdefault(f"{arm}/{key}", Run(arm, config, seed, key, name, axes, own))
    return list(runs.values())


def _checked(checker: _Checker, study: StudyConfig, scenario: str, arm: str, axes: Axes) -> None:
    try:
        checker(study, scenario, arm)
    except InputError as error:
        raise InputError(f"{_with(axes)}: {error}" if axes else str(error)) from None


def _with(axes: Axes) -> str:
    return "sweep: with " + ", ".join(f"{path}={value!r}" for path, value in axes.items())


def _loaded(study: StudyConfig, name: str) -> Scenario:
    try:
        return setting.load_scenario(name)
    except InputError as error:
        raise InputError(f"{'scenario' if study.scenarios is None else 'scenarios'}: {error}") from None


def _for_scenario(study: StudyConfig, name: str | None) -> StudyConfig:
    return study.model_copy(update={"scenario": name, "scenarios": None})


def _points(study: StudyConfig) -> list[Axes]:
    """The combinations of the sweep's values; one without any where there is no sweep."""
    sweep = study.sweep
    if sweep is None:
        return [{}]
    if sweep.mode == "grid":
        return [dict(zip(sweep.axes, values, strict=True)) for values in itertools.product(*sweep.axes.values())]
    random = np.random.default_rng(sweep.seed)
    return [{path: _draw(values, random) for path, values in sweep.axes.items()} for _ in range(sweep.n or 0)]


def _draw(values: Any, random: np.random.Generator) -> Any:
    if not isinstance(values, Range):
        return values[int(random.integers(len(values)))]
    if values.whole and not values.log:
        return int(random.integers(int(values.low), int(values.high) + 1))
    low, high = (float(np.log(v)) if values.log else v for v in (values.low, values.high))
    drawn = float(random.uniform(low, high))
    drawn = float(np.clip(np.exp(drawn), values.low, values.high)) if values.log else drawn
    return round(drawn) if values.whole else drawn


def _distinct(points: list[Axes]) -> list[Axes]:
    return list({json.dumps(point, sort_keys=True): point for point in points}.values())


class _Resolver:
    """Studies of single runs, each made once."""

    def __init__(self, study: StudyConfig):
        self._study = study
        self._plain = study.model_dump()
        self._made: dict[str, StudyConfig] = {}

    def __call__(self, scenario: str, axes: Axes) -> StudyConfig:
        name = json.dumps([scenario, axes], sort_keys=True)
        if name not in self._made:
            self._made[name] = self._make(scenario, axes)
        return self._made[name]

    def _make(self, scenario: str, axes: Axes) -> StudyConfig:
        alone = {"scenario": scenario, "scenarios": None, "sweep": None}
        if not axes:
            return self._study.model_copy(update=alone)
        content = self._plain | alone
        where = _with(axes)
        try:
            for path, value in axes.items():
                parts = split_path(path, self._study)
                copy_along(content, parts)
                set_path(content, parts, value)
            return StudyConfig.model_validate(content)
        except ValidationError as error:
            raise InputError(config_messages.lines(error, where)) from None
        except ValueError as error:
            raise InputError(f"{where}: {error}") from None


class _Checker:
    """Builds every arm's parts that can be checked without training, each once."""

    def __init__(self, scenarios: Mapping[str, Scenario]):
        self._scenarios = scenarios
        self._settings: dict[str, setting.Setting] = {}
        self._seen: set[str] = set()

    def __call__(self, study: StudyConfig, scenario: str, arm: str) -> None:
        parts = [scenario, study.task_of(arm).model_dump(), study.split.model_dump(), study.training.episode_days]
        shared = json.dumps(parts, sort_keys=True)
        if shared not in self._settings:
            self._settings[shared] = setting.make(study, self._scenarios[scenario], arm)
        config = study.arms[arm]
        made = self._settings[shared]
        if isinstance(config, SeededArm):
            own = study.hyperparameters(arm).model_dump() if isinstance(config, LearningArm) else None
            budget = [shared, arm, config.model_dump(), own, study.training.n_envs, study.training.steps]
            self._once(budget, lambda: refusals.check_budget(study, arm, made.train))
        match = study.arms[config.match].model_dump() if isinstance(config, MatchedArm) else None
        whole = [shared, arm, config.model_dump(), match]
        self._once(whole, lambda: refusals.check(study, arm, made.train, made.test))

    def _once(self, key: list[Any], check: Callable[[], None]) -> None:
        name = json.dumps(key, sort_keys=True)
        if name not in self._seen:
            self._seen.add(name)
            check()


def _digest(study: StudyConfig, arm: str, scenario_hash: str) -> str:
    """Hash of all that decides a run's result but the seed; names and questions do not."""
    config = study.arms[arm]
    content: dict[str, Any] = {
        "results_version": RESULTS_VERSION,
        "scenario": scenario_hash,
        "task": study.task_of(arm).model_dump(),
        "feeder": _feeder_hash(study.task.feeder),
        "split": study.split.model_dump(),
        "arm": config.model_dump(),
    }
    if isinstance(config, SeededArm):
        exclude = {"seeds", "checkpoint_every"} | (set() if _evaluations_matter(study) else {"eval_every"})
        content["training"] = study.training.model_dump(exclude=exclude)
        content["arm"].pop("seeds")  # how many there are changes none of them
        content["arm"].pop("task", None)  # contained in the task
    if isinstance(config, LearningArm):
        content["hyperparameters"] = study.hyperparameters(arm).model_dump()
        content["arm"].pop(config.algorithm, None)  # contained in the line above
        if content["arm"].get("ablation", "") is None:  # as runs were keyed before there were ablations
            content["arm"].pop("ablation")
    if isinstance(config, MatchedArm):
        content["match"] = study.arms[config.match].model_dump(exclude={"seeds", "ablation", "task"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _evaluations_matter(study: StudyConfig) -> bool:
    """Whether the interval of evaluations changes what a run leaves: the policy, or points of the learning curve."""
    training = study.training
    usual = training.eval_steps == training.model_copy(update={"eval_every": None}).eval_steps
    return training.select != "last" or (bool(study.split.validation_every) and not usual)


def _feeder_hash(feeder: str | None) -> str | None:
    """Of a folder's tables, which their path does not tell; a bundled feeder's name says all."""
    if feeder is None or not Path(feeder).is_dir():
        return None
    digest = hashlib.sha256()
    for table in ("bus", "line", "trafo", "ext_grid"):
        try:
            digest.update((Path(feeder) / f"{table}.csv").read_bytes())
        except OSError as error:
            raise InputError(f"{Path(feeder) / f'{table}.csv'}: cannot be read: {error.strerror}") from None
    return digest.hexdigest()
