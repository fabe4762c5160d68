"""The search: trials are asked in generations, run seed by seed over the engine, told in their order, stored at once.

A generation's size and suggestions follow from what was told before it, and a trial is given up by what was told before
its generation, so that a search that was killed and started again ends in the same trials as one that was not.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from entangrid.data.errors import InputError
from entangrid.experiments import plan
from entangrid.experiments.config import StudyConfig
from entangrid.experiments.tuning import space

GENERATION = 5  # trials of an arm that are asked together
STARTUP = 5  # trials before the first may be given up


class Score(NamedTuple):
    """Of one run: ``value``: lower is better, None where it failed; ``steps``: environment steps that it took."""

    value: float | None
    steps: int


class Job(NamedTuple):
    """One seed of one trial; ``study``: None where the trial's values do not fit together, so that it has failed."""

    arm: str
    trial: int
    study: StudyConfig | None
    seed: int


#: Makes the runs of these jobs, side by side if it can, and returns their scores in the same order.
Execute = Callable[[Sequence[Job]], Sequence[Score]]


def require_optuna() -> Any:
    """Optuna; raises InputError if the ``tune`` extra is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise InputError(f'tune needs {error.name}, which is not installed: pip install "entangrid[tune]"') from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def open_storage(url: str | None, out: Path) -> Any:
    """Optuna's storage: a SQLite file in the folder, or any database that SQLAlchemy reaches by URL."""
    optuna = require_optuna()
    address = url or f"sqlite:///{out / 'tuning.db'}"
    try:
        return optuna.storages.RDBStorage(address)
    except Exception as error:  # SQLAlchemy and its drivers raise families of their own
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        shown, secret = without_password(address)
        first = first.replace(secret, "***") if secret else first
        raise InputError(f"storage {shown!r} cannot be opened: {first}") from None


def without_password(url: str) -> tuple[str, str]:
    """(the URL with its password hidden, the password)."""
    match = re.fullmatch(r"(\w[\w+.-]*://[^:@/]*):(.*)@([^@]*)", url)
    return (f"{match[1]}:***@{match[3]}", match[2]) if match else (url, "")


class Search:
    """The search of one arm. ``budget``: environment steps, of which every seed of a trial takes ``steps``, to which
    whole rollouts may add a little (:mod:`entangrid.experiments.budgets`). What is left at the end is less than a trial
    takes."""

    def __init__(self, study: StudyConfig, arm: str, storage: Any):
        optuna = require_optuna()
        self.config, self.arm = study, arm
        self.searched = space.axes(study, arm)
        self.seeds = study.tuning.seed_list
        self.steps = study.tuning.steps or study.training.steps
        self.budget = study.tuning.trials * len(self.seeds) * self.steps
        never = optuna.pruners.NopPruner()
        median = optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=0)
        self.study = optuna.create_study(
            storage=storage,
            study_name=f"{study.name}/{arm}/{self._identity()}",
            direction="minimize",
            pruner=median if study.tuning.prune else never,
            load_if_exists=True,
        )
        self.alive: list[Any] = []  # Optuna's trials
        self._may_give_up = True  # not where one of the generation is at its end: then the others were not given up

    def _identity(self) -> str:
        """Another search must not be mixed with this one: all that decides its trials but their number makes its name,
        and so do the scenario's content and the version of results, as they do a run's key."""
        tuning = self.config.tuning.model_dump(exclude={"trials", "shared_homes"})
        base = self.config.model_dump(
            mode="json", exclude={"name", "question", "tuning", "verdict", "tracking", "sweep", "claim", "cut"}
        )
        keys = [run.key for run in plan.plan(space.for_trial(self.config, self.arm, {}), check=False)]
        at = space.point(self.config)
        return hashlib.sha256(repr((self.arm, tuning, base, at, keys)).encode()).hexdigest()[:12]

    def spent(self) -> int:
        """Steps of the budget that all trials took which were told."""
        return sum(_steps(trial) for trial in self.study.get_trials(deepcopy=False) if trial.state.is_finished())

    def begin(self) -> bool:
        """Ask the next generation, or take up the one that was interrupted; False where the budget is spent."""
        optuna = require_optuna()
        stored = self.study.get_trials(deepcopy=False)
        first, size = self._generation(stored)
        for trial in stored[first + size :]:  # asked by a search with a larger budget
            if not trial.state.is_finished():
                self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        mine = stored[first : first + size]
        self.alive = [optuna.Trial(self.study, trial._trial_id) for trial in mine if not trial.state.is_finished()]
        self._may_give_up = not any(trial.state == optuna.trial.TrialState.COMPLETE for trial in mine)
        for trial in self.alive:  # killed after it was asked: finished runs are kept, so starting over costs nothing
            self.study.sampler = self._sampler(trial.number)
            space.suggest(trial, self.searched)
            trial.set_user_attr("scores", [])
        for number in range(first + len(mine), first + size):
            self.study.sampler = self._sampler(number)
            trial = self.study.ask()
            space.suggest(trial, self.searched)
            self.alive.append(trial)
        return size > 0

    def _generation(self, stored: Sequence[Any]) -> tuple[int, int]:
        """(number of its first trial, how many trials it has) of the first generation that is not at its end; as many
        as the budget allows after the trials before it. Size 0 where it allows none."""
        whole = len(self.seeds) * self.steps
        first, left = 0, self.budget
        while size := max(min(GENERATION, left // whole), 0):
            trials = stored[first : first + size]
            if len(trials) < size or not all(trial.state.is_finished() for trial in trials):
                break
            first, left = first + size, left - sum(_steps(trial) for trial in trials)
        return first, size

    def _sampler(self, number: int) -> Any:
        optuna = require_optuna()
        seed = int.from_bytes(hashlib.sha256(f"{self.arm}/{number}".encode()).digest()[:4], "big")
        if self.config.tuning.sampler == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        return optuna.samplers.TPESampler(seed=seed)

    def jobs(self, place: int) -> list[Job]:
        """The runs of the generation's remaining trials with the seed at this place."""
        return [
            Job(
                self.arm,
                trial.number,
                self._for_trial(trial),
                self.seeds[place],
            )
            for trial in self.alive
        ]

    def _for_trial(self, trial: Any) -> StudyConfig | None:
        with contextlib.suppress(InputError):
            return space.for_trial(self.config, self.arm, space.values_of(trial, self.searched))
        return None

    def take(self, place: int, scores: Sequence[Score]) -> None:
        """Store the scores of those runs; trials that failed, lag behind or are at their end are told."""
        optuna = require_optuna()
        States = optuna.trial.TrialState  # noqa: N806
        remaining = []
        for trial, score in zip(self.alive, scores, strict=True):
            seen = [*trial.user_attrs.get("scores", []), score.value]
            taken = trial.user_attrs.get("environment_steps", 0) if place else 0
            trial.set_user_attr("environment_steps", taken + score.steps)
            trial.set_user_attr("steps", (place + 1) * self.steps)
            trial.set_user_attr("scores", seen)
            if score.value is None or not np.isfinite(score.value):
                self.study.tell(trial, state=States.FAIL)
                continue
            said = trial.storage.get_trial(trial._trial_id).intermediate_values
            if place not in said:  # unless it was killed since
                trial.report(float(np.mean(seen)), place)
            if place + 1 == len(self.seeds):
                self.study.tell(trial, float(np.mean(seen)))
            elif self._may_give_up and place >= max(said, default=0) and trial.should_prune():
                self.study.tell(trial, state=States.PRUNED)
            else:
                remaining.append(trial)
        self.alive = remaining


def _steps(trial: Any) -> int:
    return int(trial.user_attrs.get("steps", 0))


def run(searches: Sequence[Search], execute: Execute, report: Callable[[str], Any] = lambda _: None) -> None:
    """Spend the budget of every search; their runs of one seed go to the engine together."""
    open_searches = list(searches)
    while open_searches:
        open_searches = [search for search in open_searches if search.begin()]
        for place in range(max((len(search.seeds) for search in open_searches), default=0)):
            jobs = [search.jobs(place) for search in open_searches]
            scores = list(execute([job for each in jobs for job in each]))
            for search, own in zip(open_searches, jobs, strict=True):
                search.take(place, scores[: len(own)])
                scores = scores[len(own) :]
        for search in open_searches:
            done = min(search.spent() / search.budget, 1.0)
            report(f"{search.arm}: {done:.0%} of {search.budget} steps, best {_best(search.study)}")


def _best(study: Any) -> str:
    try:
        return f"{study.best_value:.4g}"
    except ValueError:
        return "none yet"
