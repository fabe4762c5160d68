"""The tidy table of a study: one row a number, derived from the run folders alone and rebuilt from them at will."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pandas as pd

from entangrid.data.errors import InputError
from entangrid.experiments import run_metrics, store
from entangrid.experiments import tidy_rows as rows
from entangrid.experiments.stored import STUDY as STUDY
from entangrid.experiments.tidy_rows import COLUMNS as COLUMNS

TABLE = "table.parquet"
RUNS = "runs"
TOGETHER = ("all", "feeder")  # in the column home: rows of several homes at once, which no sum over homes may count

_FOLDERS, _ROWS = b"entangrid.runs", b"entangrid.rows"  # what runs a stored table is of, and each one's rows of weeks
_PART = 100  # runs whose metrics are laid together at once
_WORDS = ("arm", "controller", "scenario", "home", "week", "metric", "unit", "split")


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


class _Built(NamedTuple):
    """A table; which run folders it is of, and how many of its first rows are each one's."""

    frame: pd.DataFrame
    folders: list[str]
    rows: list[int]


def build(runs: Sequence[HasFolder], out: Path, *, partial: bool = False) -> pd.DataFrame:
    """One row an (arm, seed, scenario, home, week, metric): value and unit; a run's own numbers have no week and home.

    ``runs``: a study's plan, of which the names of folders are used; all else stands in the folders. ``cluster``
    numbers homes with the same household's profile, which are no independent samples. Words are categories.
    ``partial``: leave out runs that are not finished. Raises InputError if a run is not finished or damaged, and if
    none is finished.
    """
    return _build(runs, out, partial=partial).frame


def rebuild(out: Path, *, partial: bool = True) -> pd.DataFrame:
    """Build a study's table anew from its run folders, store it and return it.

    Runs that do not belong to the study as it stands now do not count. Raises InputError as :func:`build`.
    """
    built = _build(_planned(out), out, partial=partial)
    _write(built, out)
    return built.frame


def current(out: Path) -> pd.DataFrame:
    """The stored table, or where there is none, or more or other runs are finished by now, a new one.

    So a study that is under way shows what it has. Runs that the stored table has already are not read again: it
    holds their metrics. A table without the list of its runs, or without their folders, is taken as it is; in a
    folder that cannot be written the new one is not stored. Raises InputError as :func:`read` and :func:`build`.
    """
    if (out / TABLE).is_file() and not _behind(out):
        return read(out)
    built = _build(_planned(out), out, partial=True, known=_stored(out))
    with contextlib.suppress(InputError):
        _write(built, out)
    return built.frame


def _build(runs: Sequence[HasFolder], out: Path, *, partial: bool, known: _Known | None = None) -> _Built:
    """See :func:`build`. ``known``: metrics that need not be read."""
    folders = [out / RUNS / run.folder for run in runs]
    finished = [store.is_finished(folder) for folder in folders]
    if not partial and not all(finished):
        raise InputError(f"{folders[finished.index(False)]}: run not finished; start the study again to finish it")
    folders = [folder for folder, done in zip(folders, finished, strict=True) if done]
    if not folders:
        raise InputError(f"{out}: no run is finished; run the study first")
    tables, spans = ([known.table], dict(known.spans)) if known else ([], {})
    at = sum(table.num_rows for table in tables)
    unread = [folder for folder in folders if folder.name not in spans]
    for first in range(0, len(unread), _PART):
        part = [run_metrics.read(folder) for folder in unread[first : first + _PART]]
        tables.append(rows.in_one(part))
        for folder, table in zip(unread[first : first + _PART], part, strict=True):
            spans[folder.name] = at, table.num_rows
            at += table.num_rows
    chosen = [spans[folder.name] for folder in folders]
    metrics = rows.in_order(tables, chosen)
    results = [_result(folder) for folder in folders]
    counts = [n for _, n in chosen]
    return _Built(rows.assemble(results, metrics, counts), [folder.name for folder in folders], counts)


class _Known(NamedTuple):
    """A stored table's metrics, and by run folder (first row, number of rows)."""

    table: Any
    spans: dict[str, tuple[int, int]]


def _stored(out: Path) -> _Known | None:
    """The metrics that the stored table has of runs, where it is younger than their own files; None where it does not
    say which rows are whose."""
    import pyarrow.parquet as pq

    with contextlib.suppress(Exception):  # of an earlier version, or not ours: the runs are read
        path = out / TABLE
        written, spans, at = path.stat().st_mtime_ns, {}, 0
        table = pq.read_table(path, columns=list(run_metrics.COLUMNS))
        metadata = table.schema.metadata
        names, counts = json.loads(metadata[_FOLDERS]), json.loads(metadata[_ROWS])
        for name, n in zip(names, counts, strict=True):
            with contextlib.suppress(OSError):
                if run_metrics.path(out / RUNS / name).stat().st_mtime_ns < written:
                    spans[str(name)] = at, int(n)
            at += int(n)
        if min(counts) >= 0 and at <= table.num_rows:
            return _Known(table.cast(run_metrics.schema()), spans)
    return None


def _behind(out: Path) -> bool:
    """Whether the runs that are finished are not those that the stored table is of."""
    listed = _listed(out)
    if listed:
        from entangrid.experiments import manifest

        with contextlib.suppress(InputError):  # without a plan the list is all there is
            finished = [run.folder for run in manifest.read(out)[1] if store.is_finished(out / RUNS / run.folder)]
            return bool(finished) and finished != listed
    return False


def _listed(out: Path) -> list[str]:
    """The names of the run folders that a stored table says it is of; none where it says nothing."""
    import pyarrow.parquet as pq

    with contextlib.suppress(Exception):
        return [str(name) for name in json.loads((pq.read_schema(out / TABLE).metadata or {})[_FOLDERS])]
    return []


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


def write(frame: pd.DataFrame, out: Path) -> None:
    """Store a table in the study's folder, without a list of its runs; raises InputError if it cannot be written."""
    _write(_Built(frame, [], []), out)


def _write(built: _Built, out: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(built.frame, preserve_index=False)
    of = {_FOLDERS: json.dumps(built.folders).encode(), _ROWS: json.dumps(built.rows).encode()}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **of})
    store.write_atomically(out / TABLE, lambda path: pq.write_table(table, path, write_statistics=False))


def run_folders(out: Path) -> list[RunFolder]:
    """The run folders that a study's table was built from, in its order; without their list all that are finished,
    by name. Raises InputError if there are none."""
    root = out / RUNS
    folders = [path for name in _listed(out) if store.is_finished(path := root / Path(name).name)]
    if not folders and root.is_dir():
        folders = sorted(path for path in root.iterdir() if store.is_finished(path))
    if not folders:
        raise InputError(f"{root}: no run is finished; run the study first")
    found = []
    for path in folders:
        result = _result(path)
        found.append(RunFolder(path, result["arm"], result["seed"], rows.axes(result), result))
    return found


def read(out: Path) -> pd.DataFrame:
    """The stored table of a study folder; raises InputError if there is none."""
    path = out / TABLE
    if not path.is_file():
        raise InputError(f"{path}: missing; run the study first")
    frame = store.read_frame(path)
    if not {"arm", "controller", "seed", "week", "home", "metric", "value", "unit", "split"} <= set(frame.columns):
        raise InputError(f"{path}: lacks columns of a study's table; rebuild it with entangrid table {out} --rebuild")
    for name in ("scenario", "cluster"):  # tables of earlier versions
        if name not in frame:
            frame[name] = pd.Series(pd.NA, frame.index, dtype="Int64" if name == "cluster" else "category")
    return frame.astype({name: "category" for name in _WORDS if frame[name].dtype != "category"})


def axes(frame: pd.DataFrame) -> list[str]:
    """The columns of a table that are axes of a sweep."""
    return [str(name) for name in frame.columns if name not in COLUMNS]


def _result(folder: Path) -> dict[str, Any]:
    """The run's result.json with what the table needs of it."""
    result = store.read_result(folder)
    kinds: dict[str, tuple[tuple[type, ...], str]] = {
        **dict.fromkeys(rows.OF_RUN, ((int, float), "number")),
        "arm": ((str,), "text"),
        "controller": ((str,), "text"),
        "seed": ((int, type(None)), "seed"),
    }
    for name, (kind, what) in kinds.items():
        if not isinstance(result.get(name), kind):
            raise InputError(
                f"{folder / store.RESULT}: {name} is missing or no {what}; delete the folder to have the run made again"
            )
    result.setdefault("seed", None)
    if result["seed"] is not None and not 0 <= result["seed"] < 2**63:
        raise InputError(f"{folder / store.RESULT}: seed is {result['seed']}; expected a whole number from 0 on")
    return result
