"""Runs a study's plan over an engine: skips what is finished, takes up again what a dead worker left."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import yaml
from rich.console import Console

from entangrid.data.errors import InputError
from entangrid.experiments import budgets, engines, manifest, store, stored, tidy
from entangrid.experiments.bars import Bars
from entangrid.experiments.config import QuantumArm, SeededArm, StudyConfig, StudyError
from entangrid.experiments.engines import Outcome
from entangrid.experiments.engines.worker import pack
from entangrid.experiments.plan import Run, plan

#: deaths of a run's process without a new checkpoint between them, after which the run is given up
DEATHS = 3
#: finished runs after which the table takes them up, so that a look at a large study under way has few to read
TABLE_EVERY = 500
_POLL_S = 0.3
_BUSY_S = 5.0  # until a run that another process had is tried again


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
    :mod:`entangrid.experiments.engines`. ``jobs``: runs at a time (default: one a core of this machine).
    Raises InputError for bad input and if another process is running the study, RunFailedError if runs failed,
    KeyboardInterrupt on Ctrl-C.
    """
    console = console or Console(stderr=True)
    check_options(jobs, engine, options, study)
    runs = plan(study)
    for remark in budgets.remarks(runs):
        console.print(remark, style="yellow", markup=False, highlight=False, soft_wrap=True)
    _claim(study, out, console)
    with store.claimed_study(out):
        manifest.write(out, study, runs)
        todo = [run for run in runs if not store.is_finished(out / store.RUNS / run.folder)]
        if len(todo) < len(runs):
            console.print(
                f"{len(runs) - len(todo)} of {len(runs)} runs are finished already and are kept.", soft_wrap=True
            )
        if todo:
            make_runs(
                todo, out / store.RUNS, engine=engine, jobs=jobs, options=options, console=console, keeps_table=True
            )
        store.sweep(out)
        return tidy.rebuild(out, partial=False)


def check_options(jobs: int | None, engine: str, options: Mapping[str, str] | None, study: StudyConfig) -> None:
    """Raise InputError for what no study can be run with: jobs, engines and trackers."""
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs is {jobs}; expected at least 1")
    engines.check(engine, options)
    trackers = [name for name, wanted in study.tracking.model_dump().items() if wanted]
    if trackers:
        from entangrid.experiments.progress_log import check_trackers

        try:
            check_trackers(trackers)
        except InputError as error:
            raise StudyError(f"tracking: {error}") from None


def _claim(study: StudyConfig, out: Path, console: Console) -> None:
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
        _tell_of_changed_rules(study, out, console)
    elif out.exists() and not out.is_dir():
        raise InputError(f"{out}: not a folder; choose another one with --out")
    text = yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False)
    store.write_atomically(path, lambda to: to.write_text(text, encoding="utf-8"))


def _tell_of_changed_rules(study: StudyConfig, out: Path, console: Console) -> None:
    """Say where verdicts will follow rules that finished runs were not made under."""
    runs = out / store.RUNS
    with contextlib.suppress(InputError):  # what is unreadable there is written anew
        before, now = stored.read(out).verdict, study.verdict
        changed = [f"verdict.{name} was {old:g} and is {new:g}" for name, old, new in (
            ("margin", before.margin, now.margin), ("confidence", before.confidence, now.confidence)
        ) if old != new]  # fmt: skip
        if changed and runs.is_dir() and any(store.is_finished(path) for path in runs.iterdir()):
            text = f"{', '.join(changed)}: not fixed before the runs that are finished already"
            store.log(out, text)
            console.print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)


def make_runs(
    todo: Sequence[Run],
    folder: Path,
    *,
    engine: str = "local",
    jobs: int | None = None,
    options: Mapping[str, str] | None = None,
    console: Console | None = None,
    keeps_table: bool = False,
) -> None:
    """Make these runs in their folders within ``folder`` (``STUDY/runs``). ``keeps_table``: with the study's table.

    Raises InputError for an engine that cannot be used, RunFailedError naming the runs that failed, KeyboardInterrupt
    on Ctrl-C, after which no process of the engine is left.
    """
    console = console or Console(stderr=True)
    at_a_time = min(jobs or os.cpu_count() or 1, len(todo))
    out = folder.parent
    scratch = (out / store.WORK / f".{engine}").absolute()
    made = engines.make(engine, at_a_time, scratch, options)
    store.log(out, f"{len(todo)} runs to make, {at_a_time} at a time, engine {engine}")
    # long runs first, so that no core waits for the last one
    watch = _Watch(sorted(todo, key=_expected_cost, reverse=True), folder, made, console, keeps_table=keeps_table)
    try:
        watch.to_the_end()
    except KeyboardInterrupt:
        store.log(out, f"interrupted: {watch.n_finished} of {len(todo)} runs finished")
        console.print(
            f"interrupted: {watch.n_finished} of {len(todo)} runs finished, the others stopped; "
            "start the same command again to go on from their checkpoints",
            soft_wrap=True,
        )
        raise
    finally:
        made.cancel()
        shutil.rmtree(scratch, ignore_errors=True)
    if watch.failures:
        raise RunFailedError(f"{len(watch.failures)} of {len(todo)} runs failed: {', '.join(watch.failures)}")


def _expected_cost(run: Run) -> int:
    if isinstance(run.config, QuantumArm):
        return 3
    if isinstance(run.config, SeededArm):
        return 2
    return 0 if run.config.controller in ("no-control", "self-consumption") else 1


class _Watch:
    """Sees every run to its end, and tells of it."""

    def __init__(
        self, todo: Sequence[Run], folder: Path, engine: engines.Engine, console: Console, *, keeps_table: bool
    ):
        self.runs = {run.folder: run for run in todo}
        self.folder, self.engine, self.console, self.keeps_table = folder, engine, console, keeps_table
        self.failures: list[str] = []
        self.n_finished = 0
        self._left = set(self.runs)
        self._later: deque[tuple[float, str]] = deque()  # when to submit again, and what
        self._deaths: dict[str, tuple[int, int]] = {}  # checkpoint at the last death, deaths with this checkpoint

    def to_the_end(self) -> None:
        """Until every run is finished or has failed."""
        for name in self.runs:
            self._submit(name)
        with Bars(list(self.runs.values()), self.folder, self.console) as bars:
            while self._left:
                for outcome in self.engine.as_completed(_POLL_S):
                    self._take(outcome)
                while self._later and self._later[0][0] <= time.monotonic():
                    self._submit(self._later.popleft()[1])
                bars.show(self._left)

    def _submit(self, name: str) -> None:
        self.engine.submit(pack(self.runs[name], self.folder / name))

    def _take(self, outcome: Outcome) -> None:
        name, problem = outcome.name, outcome.problem
        if outcome.busy:  # such as a job that a cluster went on with after its study was killed
            self._later.append((time.monotonic() + _BUSY_S, name))
            return
        if outcome.died and not store.is_finished(self.folder / name):
            at = store.last_checkpoint(self.folder / name)
            before, deaths = self._deaths.get(name, (-1, 0))
            deaths = deaths + 1 if at == before else 1
            self._deaths[name] = (at, deaths)
            if deaths < DEATHS:
                self._tell(f"{name}: {problem}; taken up again {f'from step {at}' if at else 'from its beginning'}")
                self._submit(name)
                return
            problem = f"{problem}, {deaths} times without getting on"
        self._left.discard(name)
        if problem is None or outcome.died:
            if store.is_finished(self.folder / name):
                self.n_finished += 1
                self._tell(f"finished {name} ({self.n_finished + len(self.failures)} of {len(self.runs)})")
                if self.keeps_table and self.n_finished % TABLE_EVERY == 0:
                    with contextlib.suppress(InputError):  # the end of the study says what is damaged
                        tidy.current(self.folder.parent)
                return
            problem = problem or "ended without a result"
        self.failures.append(name)
        store.mark_failed(self.folder / name, problem)
        self._tell(f"failed {name}: {problem}", style="red")

    def _tell(self, text: str, style: str | None = None) -> None:
        store.log(self.folder.parent, text)
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
