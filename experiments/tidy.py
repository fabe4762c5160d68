"""The tidy table of a study: one row a number, derived from the run folders alone and rebuilt from them at will."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from entangrid.data.errors import InputError
from entangrid.experiments import store
from entangrid.experiments.stored import STUDY as STUDY

TABLE = "table.parquet"
RUNS = "runs"
TOGETHER = ("all", "feeder")  # in the column home: rows of several homes at once, which no sum over homes may count

#: The columns of every table, in order; the axes of a sweep follow.
COLUMNS = ("arm", "controller", "seed", "scenario", "home", "cluster", "week", "metric", "value", "unit", "split")
_FOLDERS = b"entangrid.runs"
_METRICS = ("week", "home", "metric", "value", "unit")  # of a run's metrics
_WORDS = ("arm", "controller", "scenario", "home", "week", "metric", "unit", "split")

#: numbers of a run as a whole, and their units
OF_RUN = {
    "parameters_actor": "-",
    "parameters_critic": "-",
    "environment_steps": "-",
    "unproven_eur": "EUR",
    "wall_s": "s",
    "cpu_s": "s",
}
#: ... and those that older runs do not have
OF_NEWER_RUN = {
    "parameters_actor_circuit": "-",
    "parameters_actor_classical": "-",
    "parameters_critic_circuit": "-",
    "parameters_critic_classical": "-",
    "gradient_steps": "-",
    "circuit_executions": "-",
    "selected_steps": "-",
}


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
    folders = [out / RUNS / run.folder for run in runs]
    finished = [store.is_finished(folder) for folder in folders]
    if not partial and not all(finished):
        raise InputError(f"{folders[finished.index(False)]}: run not finished; start the study again to finish it")
    folders = [folder for folder, done in zip(folders, finished, strict=True) if done]
    if not folders:
        raise InputError(f"{out}: no run is finished; run the study first")
    results = [_result(folder) for folder in folders]
    parts = [folders[first : first + 100] for first in range(0, len(folders), 100)]
    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1))) as pool:  # reading releases the interpreter
        metrics = [table for part in pool.map(_metrics, parts) for table in part]
    return _assemble(results, metrics)


def rebuild(out: Path, *, partial: bool = True) -> pd.DataFrame:
    """Build a study's table anew from its run folders, store it and return it.

    Runs that do not belong to the study as it stands now do not count. Raises InputError as :func:`build`.
    """
    runs = _planned(out)
    frame = build(runs, out, partial=partial)
    write(frame, out, runs)
    return frame


def current(out: Path) -> pd.DataFrame:
    """The stored table, or where there is none, or more or other runs are finished by now, a new one.

    So a study that is under way shows what it has. A table without the list of its runs, or without their folders, is
    taken as it is; in a folder that cannot be written the new one is not stored. Raises InputError as :func:`read` and
    :func:`build`.
    """
    if (out / TABLE).is_file() and not _behind(out):
        return read(out)
    runs = _planned(out)
    frame = build(runs, out, partial=True)
    with contextlib.suppress(InputError):
        write(frame, out, runs)
    return frame


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


def write(frame: pd.DataFrame, out: Path, runs: Sequence[HasFolder] = ()) -> None:
    """Store the table in the study's folder, and in its metadata which run folders it is of.

    Raises InputError if it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    of = [run.folder for run in runs if store.is_finished(out / RUNS / run.folder)]
    metadata = {**(table.schema.metadata or {}), _FOLDERS: json.dumps(of).encode()}
    store.write_atomically(out / TABLE, lambda path: pq.write_table(table.replace_schema_metadata(metadata), path))


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
        found.append(RunFolder(path, result["arm"], result["seed"], _axes(result), result))
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
        **dict.fromkeys(OF_RUN, ((int, float), "number")),
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
    return result


def _axes(result: dict[str, Any]) -> dict[str, Any]:
    """The run's swept values."""
    axes = result.get("axes")
    return {str(name): value for name, value in axes.items()} if isinstance(axes, dict) else {}


def _metrics(folders: Sequence[Path]) -> list[Any]:
    """The runs' metrics as Arrow tables."""
    import pyarrow.parquet as pq

    out = []
    for folder in folders:
        path = folder / store.METRICS
        try:
            with pq.ParquetFile(path) as file:
                out.append(file.read(list(_METRICS), use_threads=False).select(list(_METRICS)))
        except Exception:
            store.read_frame(path)  # says it in one clear line
            raise InputError(
                f"{path}: lacks one of the columns {', '.join(_METRICS)}; delete the folder to have the run made again"
            ) from None
    return out


def _assemble(results: list[dict[str, Any]], metrics: list[Any]) -> pd.DataFrame:
    """The table: the rows of every run's metrics in the order of the runs, and under them the runs' own numbers."""
    import pyarrow as pa

    weekly = pa.concat_tables(metrics, promote_options="permissive")
    known = {**OF_RUN, **OF_NEWER_RUN}
    own = [
        (i, name, float(result[name]))
        for i, result in enumerate(results)
        for name in known
        if isinstance(result.get(name), int | float)
    ]
    of_run = np.concatenate(
        [np.repeat(np.arange(len(results)), [table.num_rows for table in metrics]), [i for i, _, _ in own]]
    ).astype(np.int64)
    n = weekly.num_rows

    def column(name: str, below: list[str | None]) -> pd.Categorical:
        above = weekly.column(name).cast(pa.large_string())
        whole = pa.chunked_array([*above.chunks, pa.array(below, pa.large_string())]).combine_chunks()
        coded = whole.dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return pd.Categorical.from_codes(codes, categories=pd.Index(coded.dictionary.to_pylist(), dtype="str"))

    def spread(values: list[Any]) -> pd.Categorical:
        codes, names = pd.factorize(pd.Series(values, dtype="str"))
        return pd.Categorical.from_codes(codes[of_run], categories=pd.Index(names, dtype="str"))

    nothing: list[str | None] = [None] * len(own)
    home = column("home", nothing)
    frame = pd.DataFrame(
        {
            "arm": spread([result["arm"] for result in results]),
            "controller": spread([result["controller"] for result in results]),
            "seed": pd.array([result["seed"] for result in results], dtype="Int64")[of_run],
            "scenario": spread([result.get("scenario") for result in results]),
            "home": home,
            "cluster": _clusters(results, of_run, home),
            "week": column("week", nothing),
            "metric": column("metric", [name for _, name, _ in own]),
            "value": np.concatenate([weekly.column("value").to_numpy(), [value for _, _, value in own]]),
            "unit": column("unit", [known[name] for _, name, _ in own]),
            "split": pd.Categorical.from_codes(
                np.repeat([0, -1], [n, len(own)]), categories=pd.Index(["test"], dtype="str")
            ),
        }
    )
    swept = [_axes(result) for result in results]
    for name in dict.fromkeys(name for each in swept for name in each if name not in COLUMNS):
        frame[name] = _axis([each.get(name) for each in swept])[of_run]
    return frame


def _axis(values: list[Any]) -> Any:
    """Values of one axis of a sweep, one a run: numbers where all are, else text."""
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    return np.array([None if v is None else v if isinstance(v, str) else json.dumps(v) for v in values], dtype=object)


def _clusters(results: list[dict[str, Any]], of_run: Any, home: pd.Categorical) -> Any:
    """The cluster of every row's home, as the run's ``home_clusters`` say; NA where it says nothing."""
    out = np.full(len(home), -1, np.int64)
    stated = [result.get("home_clusters") for result in results]
    if any(isinstance(each, dict) for each in stated):
        place = {name: code for code, name in enumerate(home.categories)}
        lookup: dict[str, int] = {}
        tables: list[Any] = []
        which = np.full(len(results), -1, np.int64)
        for i, each in enumerate(stated):
            if isinstance(each, dict):
                text = json.dumps(each, sort_keys=True)
                if text not in lookup:
                    lookup[text] = len(tables)
                    row = np.full(len(place) + 1, -1, np.int64)
                    for name, number in each.items():
                        if name in place and isinstance(number, int):
                            row[place[name]] = number
                    tables.append(row)
                which[i] = lookup[text]
        known = which[of_run] >= 0
        out[known] = np.array(tables)[which[of_run][known], home.codes[known]]
    return pd.arrays.IntegerArray(out, out < 0)
