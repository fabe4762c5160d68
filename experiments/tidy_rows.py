"""The rows of the tidy table: from the results of runs and their metrics to one frame."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from entangrid.experiments import run_metrics

#: The columns of every table, in order; the axes of a sweep follow.
COLUMNS = ("arm", "controller", "seed", "scenario", "home", "cluster", "week", "metric", "value", "unit", "split")

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


def axes(result: dict[str, Any]) -> dict[str, Any]:
    """The swept values of a run, as its result.json has them."""
    swept = result.get("axes")
    return {str(name): value for name, value in swept.items()} if isinstance(swept, dict) else {}


def in_one(tables: list[Any]) -> Any:
    """Tables of metrics, one after the other, as one in one piece."""
    import pyarrow as pa

    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def in_order(tables: list[Any], spans: list[tuple[int, int]]) -> Any:
    """Of metrics in one table after the other the (first row, number of rows) that are asked for, in this order."""
    import pyarrow as pa

    whole = in_one(tables)
    first, n = np.array(spans, np.int64).T
    before = np.cumsum(n) - n
    if np.array_equal(first, before):
        return whole.slice(0, int(n.sum()))
    return whole.take(pa.array(np.repeat(first - before, n) + np.arange(n.sum()))).combine_chunks()


def assemble(results: list[dict[str, Any]], metrics: Any, counts: list[int]) -> pd.DataFrame:
    """The table: the rows of every run's metrics in the order of the runs, and under them the runs' own numbers.

    ``metrics``: of all runs, with the columns of :func:`run_metrics.schema`; ``counts``: how many rows are each run's.
    """
    import pyarrow as pa

    known = {**OF_RUN, **OF_NEWER_RUN}
    own = [
        (i, name, float(result[name]))
        for i, result in enumerate(results)
        for name in known
        if isinstance(result.get(name), int | float)
    ]
    of_own = np.array([i for i, _, _ in own], np.int64)

    def over(values: Any) -> Any:
        """Of every row what is given of every run."""
        return np.concatenate([np.repeat(values, counts), values[of_own]])

    def column(name: str, below: list[str | None]) -> pd.Categorical:
        parts = [*metrics.column(name).chunks, pa.array(below, pa.string()).dictionary_encode()]
        coded = pa.chunked_array(parts, run_metrics.schema().field(name).type).unify_dictionaries().combine_chunks()
        codes = coded.indices.fill_null(-1).to_numpy()
        words = coded.dictionary.to_pylist()
        met = pd.unique(codes)  # categories in the order in which one meets them, whatever was read first
        met = met[met >= 0]
        if not np.array_equal(met, np.arange(len(words))):
            place = np.full(len(words) + 1, -1, np.int32)
            place[met] = np.arange(len(met))
            codes = place[codes]
        return pd.Categorical.from_codes(codes, categories=pd.Index([words[code] for code in met], dtype="str"))

    def spread(values: list[Any], weekly: bool = False) -> pd.Categorical:
        codes, names = pd.factorize(pd.Series(values, dtype="str"))
        codes = over(codes.astype(np.min_scalar_type(-1 - len(names))))
        if weekly:
            codes[len(codes) - len(own) :] = -1
        return pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype="str"))

    nothing: list[str | None] = [None] * len(own)
    home = column("home", nothing)
    frame = pd.DataFrame(
        {
            "arm": spread([result["arm"] for result in results]),
            "controller": spread([result["controller"] for result in results]),
            "seed": _numbers(over(np.array([-1 if result["seed"] is None else result["seed"] for result in results]))),
            "scenario": spread([result.get("scenario") for result in results]),
            "home": home,
            "cluster": _clusters(results, over, home),
            "week": column("week", nothing),
            "metric": column("metric", [name for _, name, _ in own]),
            "value": np.concatenate([metrics.column("value").to_numpy(), [value for _, _, value in own]]),
            "unit": column("unit", [known[name] for _, name, _ in own]),
            "split": spread([str(result.get("evaluated_on") or "test") for result in results], weekly=True),
        },
        copy=False,
    )
    swept = [axes(result) for result in results]
    for name in dict.fromkeys(name for each in swept for name in each if name not in COLUMNS):
        frame[name] = over(_axis([each.get(name) for each in swept]))
    return frame


def _axis(values: list[Any]) -> Any:
    """Values of one axis of a sweep, one a run: numbers where all are, else text."""
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    return np.array([None if v is None else v if isinstance(v, str) else json.dumps(v) for v in values], dtype=object)


def _numbers(values: Any) -> Any:
    """Whole numbers, -1 for none."""
    return pd.arrays.IntegerArray(values.astype(np.int64), values < 0)


def _clusters(results: list[dict[str, Any]], over: Callable[[Any], Any], home: pd.Categorical) -> Any:
    """The cluster of every row's home, as the run's ``home_clusters`` say; NA where it says nothing."""
    place = {name: code for code, name in enumerate(home.categories)}
    lookup: dict[str, int] = {}
    tables: list[Any] = []
    which = np.full(len(results), -1, np.int16 if len(results) < 30_000 else np.int64)
    for i, result in enumerate(results):
        if isinstance(each := result.get("home_clusters"), dict):
            text = json.dumps(each, sort_keys=True)
            if text not in lookup:
                lookup[text] = len(tables)
                row = np.full(len(place) + 1, -1, np.int64)
                for name, number in each.items():
                    if name in place and isinstance(number, int):
                        row[place[name]] = number
                tables.append(row)
            which[i] = lookup[text]
    tables.append(np.full(len(place) + 1, -1, np.int64))  # of runs that say nothing
    return _numbers(np.array(tables)[over(which), home.codes])
