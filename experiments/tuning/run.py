"""``entangrid tune``: the whole search of a study, kept in one folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entangrid.data.errors import InputError
from entangrid.experiments import budgets, plan, run_metrics, runner, store, tidy
from entangrid.experiments.config import StudyConfig, StudyError
from entangrid.experiments.config.fields import split_path
from entangrid.experiments.tuning import homes, published, space
from entangrid.experiments.tuning.search import Job, Score, Search, open_storage, require_optuna
from entangrid.experiments.tuning.search import run as spend

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console


def tune(
    study: StudyConfig,
    out: Path,
    *,
    engine: str = "local",
    jobs: int | None = None,
    options: Mapping[str, str] | None = None,
    storage: str | None = None,
    console: Console | None = None,
) -> pd.DataFrame:
    """Spend the study's tuning budget on every learning arm; returns all trials (:func:`published.trials`).

    ``out``: the search's folder; what is finished there is kept. ``storage``: URL of Optuna's database (default: SQLite
    in the folder). Writes ``trials.parquet`` and ``tuned.yaml``. Raises InputError for a study that cannot be tuned,
    for a folder that cannot be written or is in use, and if the ``tune`` extra is not installed. Raises RunFailedError
    if of an arm no trial came to its end; then ``tuned.yaml`` is not written.
    """
    from rich.console import Console

    console = console or Console(stderr=True)
    check(study)
    runner.check_options(jobs, engine, options, study)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}") from None
    with store.claimed_study(out):
        database = open_storage(storage, out)
        searches = [Search(study, arm, database) for arm in space.learning_arms(study)]
        execute = executor(out, console, engine=engine, jobs=jobs, options=options)
        try:
            spend(searches, execute, lambda line: console.print(line, highlight=False))
        except require_optuna().exceptions.UpdateFinishedTrialError:
            raise InputError(
                f"{out}: another search of study {study.name!r} went on in the same storage; expected one at a time"
            ) from None
        try:
            return published.write(study, searches, out)
        except published.NothingFoundError as error:
            raise runner.RunFailedError(str(error)) from None


def check(study: StudyConfig) -> None:
    """Raise StudyError, an InputError, for a study whose tuning would not be the same for all arms, or would see the
    test."""
    try:
        _check(study)
    except InputError as error:
        raise StudyError(str(error)) from None


def _check(study: StudyConfig) -> None:
    arms = space.learning_arms(study)
    if not arms:
        raise InputError(f"study {study.name!r} has no learning arm to tune")
    if len(study.scenario_names) > 1:
        raise InputError(f"study {study.name!r}: tune takes one scenario")
    space.point(study)
    for path in study.tuning.space:
        parts = split_path(path, study)
        if parts[0] == "arms" and (followed := space.parent(study, parts[1])) is not None:
            raise InputError(f"tuning.space.{path}: this arm takes over the values of {followed!r}; search those")
    if not study.split.validation_every:
        raise InputError("split.validation_every is 0; tuning needs validation weeks, expected at least 2")
    for arm in arms:
        space.axes(study, arm)
    plan.plan(study)  # refuses what could not be built
    homes.check(study)
    check_scenario(study)
    for arm in arms:
        budgets.check_search(study, arm, space.for_trial(study, arm, {}), space.axes(study, arm))


def check_scenario(study: StudyConfig) -> None:
    """Raise StudyError for a ``tuning.scenario`` that has homes of the test, or that no trial could be made on."""
    if study.tuning.scenario is None:
        return
    try:
        homes.check_scenario(study)
        for arm in space.learning_arms(study)[:1]:
            trial = space.for_trial(study, arm, {})
            try:
                plan.plan(trial)
            except InputError as error:
                raise InputError(f"tuning.scenario: {error}") from None
    except InputError as error:
        raise StudyError(str(error)) from None


def executor(out: Path, console: Console, **how: Any) -> Callable[[Sequence[Job]], list[Score]]:
    """What makes the runs of a search in its folder; ``how``: as for :func:`entangrid.experiments.runner.make_runs`."""
    folder = out / "runs"

    def execute(batch: Sequence[Job]) -> list[Score]:
        runs = [_run(job, console) for job in batch]
        distinct = {run.folder: run for run in runs if run is not None}  # two trials with the same values are one run
        todo = [run for run in distinct.values() if not store.is_finished(folder / run.folder)]
        if todo:
            try:
                runner.make_runs(todo, folder, console=console, **how)
            except runner.RunFailedError as error:
                console.print(str(error), markup=False)
        return [Score(None, 0) if run is None else score(folder / run.folder) for run in runs]

    return execute


def _run(job: Job, console: Console) -> plan.Run | None:
    """The run of a job; None for a trial whose values do not fit together, which fails without one."""
    try:
        if job.study is None:
            raise InputError("its values do not fit together")
        runs = plan.plan(job.study)
    except InputError as error:
        console.print(f"trial {job.trial} of {job.arm}: {error}", markup=False, highlight=False, soft_wrap=True)
        return None
    return next(run for run in runs if run.arm == job.arm and run.seed == job.seed)


def score(folder: Path) -> Score:
    """Mean objective of the validation weeks [EUR], summed over homes; None for a run that failed."""
    if not store.is_finished(folder):
        return Score(None, 0)
    metrics: Any = run_metrics.frame(folder)
    rows = metrics[(metrics["metric"] == "objective") & ~metrics["home"].isin(tidy.TOGETHER)]
    total, weeks = float(rows["value"].sum()), int(rows["week"].nunique())
    return Score(total / max(weeks, 1), int(store.read_result(folder)["environment_steps"]))
