"""The tidy table of a study: one row a number, derived from the run folders alone and rebuilt from them at will."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pandas as pd

from entangrid.data.errors import InputError
from entangrid.experiments import run_metrics, store, tidy_file, tidy_kinds
from entangrid.experiments import tidy_rows as rows
from entangrid.experiments.stored import STUDY as STUDY
from entangrid.experiments.tidy_rows import COLUMNS as COLUMNS

TABLE = "table.parquet"
RUNS = "runs"
TOGETHER = ("all", "feeder")  # in the column home: rows of several homes at once, which no sum over homes may count

_PART = 100_000  # rows of weeks that are laid together and written at once


class HasFolder(Protocol):
    """A planned run."""

    @property
    def folder(self) -> str: ...


class RunFolder(NamedTuple):
    """One finished run's folder; ``seed`` is None for a controller that does not learn; ``result``: result.json."""

    path: Path
    arm: str
    seed: int | None
    axes: dict[str, Any]
    result: dict[str, Any]


def build(runs: Sequence[HasFolder], out: Path, *, partial: bool = False) -> pd.DataFrame:
    """One row an (arm, seed, scenario, home, week, metric): value and unit; a run's own numbers have no week and home.

    ``runs``: a study's plan, of which the names of folders are used; all else stands in the folders. ``cluster``
    numbers homes with the same household's profile, which are no independent samples. Words are categories.
    ``partial``: leave out runs that are not finished. Raises InputError if a run is not finished or damaged, and if
    none is finished.
    """
    return _build(_finished(runs, out, partial=partial), out).frame


def rebuild(out: Path, *, partial: bool = True, metrics: Collection[str] | None = None) -> pd.DataFrame:
    """Build a study's table anew from its run folders, store it and return it, or of it the rows of some metrics.

    Runs that do not belong to the study as it stands now do not count. Raises InputError as :func:`build`.
    """
    built = _build(_finished(_planned(out), out, partial=partial), out, metrics=metrics)
    built.write(out / TABLE)
    return built.frame


def current(out: Path, metrics: Collection[str] | None = None) -> pd.DataFrame:
    """The stored table, or where there is none, or more or other runs are finished by now, a new one; all of it, or the
    rows of some metrics.

    So a study that is under way shows what it has. Runs that the stored table has already are not read again: it
    holds their metrics. A damaged table is built anew where its runs are there, as is one without the list of its runs.
    Without their folders it is taken as it is; in a folder that cannot be written the new one is not stored. Raises
    InputError as :func:`read` and :func:`build`.
    """
    names = tidy_file.listed(out / TABLE)
    if (out / TABLE).is_file():
        finished = _finished_by_plan(out)
        if not finished or names == [folder.name for folder in finished]:
            try:
                return read(out, metrics)
            except tidy_file.DamagedError as error:
                if not finished:
                    raise
                logging.getLogger(__name__).warning("%s; building it anew from its runs", str(error).split(";")[0])
    else:
        finished = _finished(_planned(out), out, partial=True)
    try:
        built = _build(finished, out, metrics=metrics, known=tidy_file.Stored(out / TABLE))
    except tidy_file.DamagedError:
        built = _build(finished, out, metrics=metrics)
    with contextlib.suppress(InputError):
        built.write(out / TABLE)
    return built.frame


def _finished_by_plan(out: Path) -> list[Path]:
    """The folders of the runs in the study's plan that are finished; none without a plan."""
    from entangrid.experiments import manifest

    with contextlib.suppress(InputError):
        return _finished(manifest.read(out)[1], out, partial=True)
    return []


def _finished(runs: Sequence[HasFolder], out: Path, *, partial: bool) -> list[Path]:
    """The folders of the finished runs; raises InputError as :func:`build`."""
    folders = [out / RUNS / run.folder for run in runs]
    finished = [folder for folder in folders if store.is_finished(folder)]
    if not partial and len(finished) < len(folders):
        missing = next(folder for folder in folders if folder not in set(finished))
        raise InputError(f"{missing}: run not finished; start the study again to finish it")
    if not finished:
        raise InputError(f"{out}: no run is finished; run the study first")
    return finished


def _build(
    folders: list[Path], out: Path, *, metrics: Collection[str] | None = None, known: tidy_file.Stored | None = None
) -> tidy_file.Built:
    """See :func:`build`. ``known``: metrics that need not be read; raises DamagedError if it is not what it says."""
    of = rows.Rows(
        [{name: each for name, each in _result(folder).items() if name in rows.FIELDS} for folder in folders]
    )
    sink = tidy_file.Sink(of.schema, metrics)
    counts: list[int] = []
    part: list[Any] = []
    first = waiting = 0
    for folder in folders:
        span = known.spans.get(folder.name) if known else None
        if known and span and run_metrics.changed_ns(folder) < known.written_ns:
            tables = known.rows(*span)
        else:
            tables = [run_metrics.read(folder)]
        part += tables
        counts.append(sum(table.num_rows for table in tables))
        waiting += counts[-1]
        if waiting >= _PART or folder is folders[-1]:
            sink.add(of.of_weeks(rows.in_one(part), first, counts[first:]))
            first, waiting, part = len(counts), 0, []
    sink.add(of.of_runs())
    return sink.close([folder.name for folder in folders], counts)


def _planned(out: Path) -> Sequence[HasFolder]:
    """The runs that a study's folder is to hold, as it was last started."""
    from entangrid.experiments import manifest

    with contextlib.suppress(InputError):
        return manifest.read(out)[1]
    from entangrid.experiments import config
    from entangrid.experiments.plan import plan

    try:  # a study of an earlier version has no list of its runs
        return plan(config.load(str(out / STUDY)), check=False)
    except InputError:
        if not (out / STUDY).is_file():
            raise
    root = out / RUNS  # ... nor, perhaps, a file that is understood today
    names = sorted(path.name for path in root.iterdir() if store.is_finished(path)) if root.is_dir() else []
    return [manifest.Planned(name, "", 0) for name in names]


def run_folders(out: Path) -> list[RunFolder]:
    """The run folders that a study's table was built from, in its order; without their list all that are finished,
    by name. Raises InputError if there are none."""
    root = out / RUNS
    folders = [path for name in tidy_file.listed(out / TABLE) if store.is_finished(path := root / Path(name).name)]
    if not folders and root.is_dir():
        folders = sorted(path for path in root.iterdir() if store.is_finished(path))
    if not folders:
        raise InputError(f"{root}: no run is finished; run the study first")
    found = []
    for path in folders:
        result = _result(path)
        found.append(RunFolder(path, result["arm"], result["seed"], rows.axes(result), result))
    return found


def read(out: Path, metrics: Collection[str] | None = None) -> pd.DataFrame:
    """The stored table of a study folder, or of it the rows of some metrics; raises InputError if there is none."""
    path = out / TABLE
    if not path.is_file():
        raise InputError(f"{path}: missing; run the study first")
    frame = tidy_file.read(path, metrics)
    for name in ("scenario", "cluster"):  # tables of earlier versions
        if name not in frame:
            frame[name] = pd.Series(pd.NA, frame.index, dtype="Int64" if name == "cluster" else "category")
    if not set(COLUMNS) <= set(frame.columns):
        raise tidy_file.DamagedError(f"{path}: lacks columns of a study's table; {tidy_file.mend(path)}")
    if wrong := tidy_kinds.misfit(frame):
        raise tidy_file.DamagedError(
            f"{path}: column {wrong!r} is not of the kind that a study's is; {tidy_file.mend(path)}"
        )
    if metrics is not None and not frame["metric"].isin(metrics).all():
        frame = frame[frame["metric"].isin(metrics)]
    return frame.astype({name: "category" for name in rows.WORDS if frame[name].dtype != "category"})


def axes(frame: pd.DataFrame) -> list[str]:
    """The columns of a table that are axes of a sweep."""
    return [str(name) for name in frame.columns if name not in COLUMNS]


_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(rows.OF_RUN, ((int, float), "number")),
    "arm": ((str,), "text"),
    "controller": ((str,), "text"),
    "seed": ((int, type(None)), "seed"),
}


def _result(folder: Path) -> dict[str, Any]:
    """The run's result.json with what the table needs of it."""
    result = store.read_result(folder)
    for name, (kind, what) in _KINDS.items():
        if not isinstance(result.get(name), kind):
            raise InputError(
                f"{folder / store.RESULT}: {name} is missing or no {what}; delete the folder to have the run made again"
            )
    for name in rows.OF_RUN:
        if not math.isfinite(result[name]):
            raise InputError(f"{folder / store.RESULT}: {name} is {result[name]}; expected a finite number")
    result.setdefault("seed", None)
    if result["seed"] is not None and not 0 <= result["seed"] < 2**31:
        raise InputError(
            f"{folder / store.RESULT}: seed is {result['seed']}; expected a whole number from 0 to 2147483647"
        )
    for name, value in result.items():
        if type(value) is int and abs(value) >= 2**63:
            raise InputError(f"{folder / store.RESULT}: {name} is {value}; expected a number that 64 bits hold")
    return result
