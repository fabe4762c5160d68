"""Runs a study's plan over an engine: skips what is finished, takes up again what a dead worker left."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from entangrid.data.errors import InputError
from entangrid.experiments import engines, store, tidy, worker
from entangrid.experiments.config import LearningArm, QuantumArm, StudyConfig
from entangrid.experiments.plan import Run, plan

ATTEMPTS = 4  # of a run whose workers die; each goes on from its last checkpoint
ELSEWHERE = 64  # workers of a cluster, unless said otherwise


class RunFailedError(RuntimeError):
    """At least one run failed; the others are finished and stored."""


def run_study(
    study: StudyConfig,
    out: Path,
    *,
    engine: str = "local",
    jobs: int | None = None,
    options: Mapping[str, str] | None = None,
    console: Console | None = None,
) -> pd.DataFrame:
    """Make every unfinished run of the study, then the table; returns the table.

    ``out``: the study's folder; runs found finished there are kept. ``engine``, ``options``: see
    :mod:`entangrid.experiments.engines`. ``jobs``: workers (default: one a core of this machine).
    Raises InputError for bad input, RunFailedError if runs failed, KeyboardInterrupt on Ctrl-C.
    """
    console = console or Console(stderr=True)
    runs = plan(study)
    _claim(study, out)
    todo = [run for run in runs if not store.is_finished(out / "runs" / run.folder)]
    if len(todo) < len(runs):
        console.print(f"{len(runs) - len(todo)} of {len(runs)} runs are finished already and are kept.")
    if todo:
        make_runs(todo, out / "runs", engine=engine, jobs=jobs, options=options, console=console)
    tidy.write(tidy.build(runs, out), out, runs)
    return tidy.read(out)


def make_runs(
    todo: Sequence[Run],
    folder: Path,
    *,
    engine: str = "local",
    jobs: int | None = None,
    options: Mapping[str, str] | None = None,
    console: Console | None = None,
) -> None:
    """Make these runs in their folders within ``folder``; raises RunFailedError naming those that failed."""
    console = console or Console(stderr=True)
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs is {jobs}; expected at least 1")
    here = engine == "local" or not options
    workers = min(jobs or (os.cpu_count() or 1 if here and engine != "slurm" else ELSEWHERE), len(todo))
    ordered = sorted(todo, key=_expected_cost, reverse=True)  # long runs first: no core waits for the last one
    opened = engines.open_engine(engine, workers, folder.parent / engine, options)
    now = True
    try:
        failures = _watch(ordered, folder, opened, console)
        now = False
    finally:
        opened.close(now=now)
    if failures:
        raise RunFailedError(f"{len(failures)} of {len(todo)} runs failed: {', '.join(failures)}")


def _watch(todo: Sequence[Run], folder: Path, engine: engines.Engine, console: Console) -> list[str]:
    """Submit every run and see it to its end; returns the folders of those that failed."""
    failures: list[str] = []
    attempts = dict.fromkeys((run.folder for run in todo), 1)
    with _progress(todo, folder, console) as bars:
        futures: dict[Future[Any], Run] = {_submit(engine, run, folder): run for run in todo}
        while futures:
            done, _ = wait(futures, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in done:
                run = futures.pop(future)
                try:
                    problem = future.result()
                except engines.WorkerDiedError as error:
                    problem = str(error)
                    if not store.is_finished(folder / run.folder) and attempts[run.folder] < ATTEMPTS:
                        attempts[run.folder] += 1
                        console.print(f"{run.folder}: {problem}; taken up again", markup=False)
                        futures[_submit(engine, run, folder)] = run
                        continue
                    problem = None if store.is_finished(folder / run.folder) else f"{problem} {ATTEMPTS} times"
                bars.end(run)
                if problem is None:
                    console.print(f"finished {run.folder}", markup=False, highlight=False)
                else:
                    failures.append(run.folder)
                    console.print(f"failed {run.folder}: {problem}", style="red", markup=False)
            bars.update(futures.values())
    return failures


def _submit(engine: engines.Engine, run: Run, folder: Path) -> Future[Any]:
    return engine.submit(worker.work, worker.pack(run), os.fspath(folder / run.folder))


def _claim(study: StudyConfig, out: Path) -> None:
    """Write the resolved study into its folder; refuses a folder that holds another study."""
    path = out / tidy.STUDY
    if path.exists():
        try:
            other = yaml.safe_load(path.read_text(encoding="utf-8"))
            name = other["name"]
        except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
            raise InputError(f"{path}: not a study's file; choose another folder with --out") from None
        if name != study.name:
            raise InputError(f"{out}: holds study {name!r}, not {study.name!r}; choose another folder with --out")
    elif out.exists() and not out.is_dir():
        raise InputError(f"{out}: not a folder; choose another one with --out")
    text = yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False)
    store.write_atomically(path, lambda to: to.write_text(text, encoding="utf-8"))


def _expected_cost(run: Run) -> int:
    if isinstance(run.config, QuantumArm):
        return 3
    if isinstance(run.config, LearningArm):
        return 2
    return 1 if run.config.controller == "optimum" else 0


def weight(run: Run) -> int:
    """The run's share of the overall bar, in environment steps."""
    steps = run.study.training.steps
    return steps if isinstance(run.config, LearningArm) else max(steps // 20, 1)


class _Bars:
    """One bar for all runs and one for each in work; how far those are is read from their notes."""

    def __init__(self, progress: Progress, todo: Sequence[Run], folder: Path):
        self._progress, self._folder = progress, folder
        self._done = {run.folder: 0 for run in todo}
        self._weight = {run.folder: weight(run) for run in todo}
        self._total = progress.add_task("all runs ", total=sum(self._weight.values()))
        self._bars: dict[str, Any] = {}

    def update(self, runs: Any) -> None:
        """Read the notes of runs that are not finished."""
        for run in runs:
            note = worker.read_note(self._folder / run.folder)
            if not note:
                continue
            steps = min(int(note.get("steps", 0)), self._weight[run.folder])
            if run.folder not in self._bars:
                self._bars[run.folder] = self._progress.add_task(
                    run.folder.rsplit("-", 1)[0], total=self._weight[run.folder]
                )
            self._progress.update(self._bars[run.folder], completed=steps)
            self._done[run.folder] = steps
        self._progress.update(self._total, completed=sum(self._done.values()))

    def end(self, run: Run) -> None:
        """The run needs its bar no more."""
        self._done[run.folder] = self._weight[run.folder]
        if run.folder in self._bars:
            self._progress.remove_task(self._bars.pop(run.folder))


@contextlib.contextmanager
def _progress(todo: Sequence[Run], folder: Path, console: Console) -> Iterator[_Bars]:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        yield _Bars(progress, todo, folder)
