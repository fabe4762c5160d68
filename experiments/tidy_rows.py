"""The rows of the tidy table: from the results of runs and their metrics to one frame."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

#: The columns of every table, in order; the axes of a sweep follow.
COLUMNS = ("arm", "controller", "seed", "scenario", "home", "cluster", "week", "metric", "value", "unit", "split")
#: The columns of a run's metrics, and which of them are words: codes from the files on
METRICS = ("week", "home", "metric", "value", "unit")
CODED = ["week", "home", "metric", "unit"]

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


def assemble(results: list[dict[str, Any]], metrics: list[Any]) -> pd.DataFrame:
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

    words = pa.dictionary(pa.int32(), pa.string())

    def column(name: str, below: list[str | None]) -> pd.Categorical:
        above = weekly.column(name)
        above = above if above.type == words else above.cast(words)
        whole = pa.chunked_array([*above.chunks, pa.array(below, pa.string()).dictionary_encode()], words)
        coded = whole.unify_dictionaries().combine_chunks()
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
            "split": _split(results, of_run, n),
        }
    )
    swept = [axes(result) for result in results]
    for name in dict.fromkeys(name for each in swept for name in each if name not in COLUMNS):
        frame[name] = _axis([each.get(name) for each in swept])[of_run]
    return frame


def _axis(values: list[Any]) -> Any:
    """Values of one axis of a sweep, one a run: numbers where all are, else text."""
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    return np.array([None if v is None else v if isinstance(v, str) else json.dumps(v) for v in values], dtype=object)


def _split(results: list[dict[str, Any]], of_run: Any, n: int) -> pd.Categorical:
    """The set of weeks and homes that every row is of: "test" where a run says nothing; none of the rows from ``n``."""
    sets = [str(result.get("evaluated_on") or "test") for result in results]
    codes, names = pd.factorize(pd.Series(sets, dtype="str"))
    whole = codes[of_run]
    whole[n:] = -1
    return pd.Categorical.from_codes(whole, categories=pd.Index(names, dtype="str"))


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
