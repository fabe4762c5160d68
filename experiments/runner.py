"""Runs a study's plan over local processes, one core each, and skips what is finished."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from entangrid.data.errors import InputError
from entangrid.experiments import store, tidy
from entangrid.experiments.config import LearningArm, QuantumArm, StudyConfig
from entangrid.experiments.plan import Run, plan

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
_reports: Any = None  # a worker's end of the queue that carries progress


class RunFailedError(RuntimeError):
    """At least one run failed; the others are finished and stored."""


def run_study(
    study: StudyConfig, out: Path, *, jobs: int | None = None, console: Console | None = None
) -> pd.DataFrame:
    """Make every unfinished run of the study, then the table; returns the table.

    ``out``: the study's folder; runs found finished there are kept. ``jobs``: worker processes (default: one a core).
    Raises InputError for bad input, RunFailedError if runs failed, KeyboardInterrupt on Ctrl-C.
    """
    console = console or Console(stderr=True)
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs is {jobs}; expected at least 1")
    runs = plan(study)
    _claim(study, out)
    todo = [run for run in runs if not store.is_finished(out / "runs" / run.folder)]
    if len(todo) < len(runs):
        console.print(f"{len(runs) - len(todo)} of {len(runs)} runs are finished already and are kept.")
    if todo:
        todo.sort(key=_expected_cost, reverse=True)  # long runs first, so that no core waits for the last one
        _run_all(study, todo, out, jobs or os.cpu_count() or 1, console)
    frame = tidy.build(runs, out)
    store.write_atomically(out / tidy.TABLE, lambda path: frame.to_parquet(path, index=False))
    return tidy.read(out)


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


def _work(study: StudyConfig, run: Run, folder: str) -> str | None:
    """In a worker: make one run; returns what went wrong as text, since not every exception can be pickled."""
    from entangrid.experiments.train import execute

    last = 0.0

    def progress(steps: int) -> None:
        nonlocal last
        if time.monotonic() - last > 0.3:
            last = time.monotonic()
            _reports.put((run.folder, steps))

    try:
        execute(study, run, Path(folder), progress)
    except InputError as error:
        return str(error)
    except Exception:
        return traceback.format_exc()
    return None


def _start_worker(reports: Any) -> None:
    global _reports
    _reports = reports
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed parent leaves no workers behind: they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


@contextmanager
def _single_threaded_children() -> Iterator[None]:
    """Processes started within keep their numerical libraries to one thread, hence to one core and the same bits."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _run_all(study: StudyConfig, todo: list[Run], out: Path, jobs: int, console: Console) -> None:
    context = multiprocessing.get_context("spawn")
    reports = context.Queue()
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )
    failures: list[str] = []
    with _single_threaded_children(), progress:
        weight = {run.folder: _weight(run, study) for run in todo}
        total = progress.add_task("all runs ", total=sum(weight.values()))
        bars: dict[str, Any] = {}
        done: dict[str, int] = dict.fromkeys(weight, 0)
        pool = ProcessPoolExecutor(min(jobs, len(todo)), context, _start_worker, (reports,))
        try:
            futures: dict[Future[str | None], Run] = {
                pool.submit(_work, study, run, str(out / "runs" / run.folder)): run for run in todo
            }
            pending = set(futures)
            while pending:
                finished, pending = wait(pending, timeout=0.3, return_when=FIRST_COMPLETED)
                while not reports.empty():
                    folder, steps = reports.get()
                    if folder not in bars:
                        bars[folder] = progress.add_task(folder.rsplit("-", 1)[0], total=study.training.steps)
                    progress.update(bars[folder], completed=min(steps, study.training.steps))
                    done[folder] = min(steps, weight[folder])
                for future in finished:
                    run = futures[future]
                    problem = _outcome(future)
                    done[run.folder] = weight[run.folder]
                    if run.folder in bars:
                        progress.remove_task(bars.pop(run.folder))
                    if problem is None:
                        console.print(f"finished {run.folder}")
                    else:
                        failures.append(run.folder)
                        console.print(f"failed {run.folder}: {problem}", style="red", markup=False)
                progress.update(total, completed=sum(done.values()))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()
            raise
        pool.shutdown()
    if failures:
        raise RunFailedError(f"{len(failures)} of {len(todo)} runs failed: {', '.join(failures)}")


def _weight(run: Run, study: StudyConfig) -> int:
    """The run's share of the overall bar, in environment steps."""
    return study.training.steps if isinstance(run.config, LearningArm) else max(study.training.steps // 20, 1)


def _outcome(future: Future[str | None]) -> str | None:
    try:
        return future.result()
    except BrokenProcessPool:
        return "its worker process died; start the study again to finish it"
