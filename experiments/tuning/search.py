"""The search: trials are asked in generations, run seed by seed over the engine, told in their order, stored at once.

The suggestions of a generation follow from what was told before it, so a search that was killed and started again ends
in the same trials as one that was not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from entangrid.data.errors import InputError
from entangrid.experiments.config import StudyConfig
from entangrid.experiments.tuning import space

GENERATION = 5  # trials of an arm that are asked together
STARTUP = 5  # trials before the first may be given up

#: (arm, trial, its values, the seed's place) -> the score, lower is better, or None where the run failed
Score = float | None


class Job(NamedTuple):
    """One seed of one trial."""

    arm: str
    trial: int
    study: StudyConfig
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
    """The search of one arm. ``budget``: environment steps; what is left at the end is less than a trial takes."""

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

    def _identity(self) -> str:
        """Another search must not be mixed with this one: everything but the number of trials makes its name."""
        tuning = self.config.tuning.model_dump(exclude={"trials", "shared_homes"})
        if tuning["scenario"] is None:  # so that searches that were begun without it go on
            del tuning["scenario"]
        base = self.config.model_dump(
            mode="json", exclude={"name", "question", "tuning", "verdict", "tracking", "sweep"}
        )
        at = space.point(self.config)
        return hashlib.sha256(repr((self.arm, tuning, base, *([at] if at else []))).encode()).hexdigest()[:12]

    def spent(self) -> int:
        """Environment steps of all trials that were told."""
        trials = self.study.get_trials(deepcopy=False)
        return sum(int(trial.user_attrs.get("steps", 0)) for trial in trials if trial.state.is_finished())

    def begin(self) -> bool:
        """Ask the next generation, or take up the one that was interrupted; False where the budget is spent."""
        optuna = require_optuna()
        stored = self.study.get_trials(deepcopy=False)
        running = [trial for trial in stored if trial.state == optuna.trial.TrialState.RUNNING]
        whole = len(self.seeds) * self.steps
        left = (self.budget - self.spent()) // whole
        told = len(stored) - len(running)
        if left <= 0:
            for trial in running:  # asked by a search with a larger budget
                self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
            self.alive = []
            return False
        wanted = min(GENERATION - told % GENERATION, left)
        for trial in running[wanted:]:
            self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        self.alive = [optuna.Trial(self.study, trial._trial_id) for trial in running[:wanted]]
        for trial in self.alive:  # killed after it was asked: finished runs are kept, so starting over costs nothing
            self.study.sampler = self._sampler(trial.number)
            space.suggest(trial, self.searched)
            trial.set_user_attr("scores", [])
        for number in range(told + len(self.alive), told + wanted):
            self.study.sampler = self._sampler(number)
            trial = self.study.ask()
            space.suggest(trial, self.searched)
            self.alive.append(trial)
        return True

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
                space.for_trial(self.config, self.arm, space.values_of(trial, self.searched)),
                self.seeds[place],
            )
            for trial in self.alive
        ]

    def take(self, place: int, scores: Sequence[Score]) -> None:
        """Store the scores of those runs; trials that failed, lag behind or are at their end are told."""
        optuna = require_optuna()
        States = optuna.trial.TrialState  # noqa: N806
        remaining = []
        for trial, score in zip(self.alive, scores, strict=True):
            seen = [*trial.user_attrs.get("scores", []), score]
            trial.set_user_attr("scores", seen)
            trial.set_user_attr("steps", (place + 1) * self.steps)
            if score is None or not np.isfinite(score):
                self.study.tell(trial, state=States.FAIL)
                continue
            if place not in trial.storage.get_trial(trial._trial_id).intermediate_values:  # unless it was killed since
                trial.report(float(np.mean(seen)), place)
            if place + 1 == len(self.seeds):
                self.study.tell(trial, float(np.mean(seen)))
            elif trial.should_prune():
                self.study.tell(trial, state=States.PRUNED)
            else:
                remaining.append(trial)
        self.alive = remaining


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
