"""The rows of the tidy table: from the results of runs and their metrics to Arrow tables, part by part."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd

from entangrid.experiments import run_metrics

#: The columns of every table, in order; the axes of a sweep follow.
COLUMNS = ("arm", "controller", "seed", "scenario", "home", "cluster", "week", "metric", "value", "unit", "split")
WORDS = ("arm", "controller", "scenario", "home", "week", "metric", "unit", "split")

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
#: what the table has of a run's result.json
FIELDS = frozenset({"arm", "controller", "seed", "scenario", "home_clusters", "axes", "evaluated_on"}) | (
    OF_RUN.keys() | OF_NEWER_RUN.keys()
)


def axes(result: dict[str, Any]) -> dict[str, Any]:
    """The swept values of a run, as its result.json has them."""
    swept = result.get("axes")
    return {str(name): value for name, value in swept.items()} if isinstance(swept, dict) else {}


def in_one(tables: list[Any]) -> Any:
    """Tables of metrics, one after the other, as one in one piece."""
    import pyarrow as pa

    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


class Rows:
    """The rows of runs, in the order of their results. ``results``: of each run at least :data:`FIELDS`."""

    def __init__(self, results: Sequence[Mapping[str, Any]]):
        self._results = results
        self._words = {name: _coded([result.get(name) for result in results]) for name in ("arm", "controller")}
        self._words["scenario"] = _coded([result.get("scenario") for result in results])
        self._words["split"] = _coded([str(result.get("evaluated_on") or "test") for result in results])
        seeds = [-1 if result["seed"] is None else result["seed"] for result in results]
        self._seed = np.array(seeds, np.int64)
        swept = [axes(dict(result)) for result in results]
        names = dict.fromkeys(name for each in swept for name in each if name not in COLUMNS)
        self._axes = {name: _axis([each.get(name) for each in swept]) for name in names}
        self._homes: list[dict[str, Any]] = []
        self._clusters = self._of_clusters()

    @cached_property
    def schema(self) -> Any:
        """Of the table in Arrow, with what pandas wants to know of it."""
        import pyarrow as pa

        numbers = {"seed": pa.int64(), "cluster": pa.int64(), "value": pa.float64()}
        fields = [(name, numbers.get(name, _words())) for name in COLUMNS]
        empty = pd.DataFrame({name: pd.Series(dtype=_PANDAS.get(name, "category")) for name in COLUMNS})
        for name, values in self._axes.items():
            text = values.dtype == object
            fields.append((name, pa.string() if text else pa.float64()))
            empty[name] = pd.Series(dtype="str" if text else "float64")
        return pa.schema(fields, pa.Schema.from_pandas(empty, preserve_index=False).metadata)

    def of_weeks(self, metrics: Any, first: int, counts: Sequence[int]) -> Any:
        """Rows of the metrics of some runs.

        ``metrics``: with the columns of :func:`run_metrics.schema`, in one piece; ``first``: the first run's number;
        ``counts``: how many rows are each run's.
        """
        run = np.repeat(np.arange(first, first + len(counts)), counts)
        columns = {name: _as_met(metrics.column(name)) for name in run_metrics.WORDS}
        columns["value"] = _value(metrics.column("value").to_numpy())
        columns["split"] = _decoded(self._words["split"], run)
        columns["cluster"] = self._cluster(run, columns["home"])
        return self._table(columns, run)

    def of_runs(self) -> Any:
        """Rows of the runs' own numbers, which have no week, home, cluster and split."""
        import pyarrow as pa

        units = {**OF_RUN, **OF_NEWER_RUN}
        own = [
            (i, name, float(result[name]))
            for i, result in enumerate(self._results)
            for name in units
            if isinstance(result.get(name), int | float)
        ]
        run = np.array([i for i, _, _ in own], np.int64)
        columns = {
            "metric": _decoded(_coded([name for _, name, _ in own])),
            "unit": _decoded(_coded([units[name] for _, name, _ in own])),
            "value": _value(np.array([value for _, _, value in own], np.float64)),
            **{name: pa.nulls(len(own), _words()) for name in ("home", "week", "split")},
            "cluster": pa.nulls(len(own), pa.int64()),
        }
        return self._table(columns, run)

    def _table(self, columns: dict[str, Any], run: Any) -> Any:
        import pyarrow as pa

        for name in ("arm", "controller", "scenario"):
            columns[name] = _decoded(self._words[name], run)
        columns["seed"] = _numbers(self._seed[run])
        for name, values in self._axes.items():
            columns[name] = pa.array(values[run], from_pandas=True)
        return pa.Table.from_arrays([columns[name] for name in self.schema.names], schema=self.schema)

    def _of_clusters(self) -> Any:
        """Of every run which of ``self._homes``, the clusters by home that results name, is its own; -1 for none."""
        lookup: dict[str, int] = {}
        which = np.full(len(self._results), -1, np.int64)
        for i, result in enumerate(self._results):
            if isinstance(each := result.get("home_clusters"), dict):
                text = json.dumps(each, sort_keys=True)
                if text not in lookup:
                    lookup[text] = len(self._homes)
                    self._homes.append(each)
                which[i] = lookup[text]
        return which

    def _cluster(self, run: Any, home: Any) -> Any:
        """The cluster of every row's home, as the run's ``home_clusters`` say; none where it says nothing."""
        used, which = np.unique(self._clusters[run], return_inverse=True)
        place = {name: code for code, name in enumerate(home.dictionary.to_pylist())}
        numbers = np.full((len(used), len(place) + 1), -1, np.int64)  # the last is of rows without a home
        for row, k in zip(numbers, used, strict=True):
            for name, number in self._homes[k].items() if k >= 0 else ():
                if name in place and isinstance(number, int) and 0 <= number < 2**63:
                    row[place[name]] = number
        return _numbers(numbers[which, home.indices.fill_null(-1).to_numpy()])


_PANDAS = {"seed": "Int64", "cluster": "Int64", "value": "float64"}


@lru_cache(maxsize=1)
def _words() -> Any:
    import pyarrow as pa

    return pa.dictionary(pa.int32(), pa.string())


def _coded(values: list[Any]) -> tuple[Any, Any]:
    """Words as numbers in the order in which one meets them, -1 for none, and the words."""
    codes, names = pd.factorize(pd.Series(values, dtype="str"))
    return codes.astype(np.int32), names.to_numpy(object)


def _decoded(coded: tuple[Any, Any], rows: Any = None) -> Any:
    import pyarrow as pa

    codes, names = coded
    codes = codes if rows is None else codes[rows]
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(names, pa.string()))


def _as_met(column: Any) -> Any:
    """Words whose dictionary has them in the order in which one meets them, whatever was read first."""
    import pyarrow as pa

    coded = column.combine_chunks()
    codes = coded.indices.fill_null(-1).to_numpy()
    met = pd.unique(codes)
    met = met[met >= 0]
    if np.array_equal(met, np.arange(len(coded.dictionary))):
        return coded
    place = np.full(len(coded.dictionary) + 1, -1, np.int32)
    place[met] = np.arange(len(met))
    codes = place[codes]
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), coded.dictionary.take(pa.array(met)))


def _value(values: Any) -> Any:
    import pyarrow as pa

    return pa.array(values, from_pandas=True)


def _numbers(values: Any) -> Any:
    """Whole numbers, -1 for none."""
    import pyarrow as pa

    return pa.array(values, mask=values < 0)


def _axis(values: list[Any]) -> Any:
    """Values of one axis of a sweep, one a run: numbers where all are (and a float can be them), else text."""
    if all(value is None or (type(value) in (int, float) and not abs(value) > 1e300) for value in values):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    return np.array([None if v is None else v if isinstance(v, str) else json.dumps(v) for v in values], dtype=object)
