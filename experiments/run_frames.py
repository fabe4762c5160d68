"""What a run's folder holds beside its metrics: a week of operation and learning curves. Each is checked before it is
drawn, for the folder may be damaged, or a stranger's."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api import types

from entangrid.data.errors import InputError
from entangrid.experiments import store

_WEEK = (
    *("p_pv_kw", "p_load_kw", "p_hp_kw", "p_battery_kw", "t_air_mean_c", "soc", "price_import_eur_kwh"),
    *("p_ev_kw", "feeder_v_min_pu", "feeder_v_max_pu"),
)
_NOT_ALWAYS = ("p_ev_kw", "feeder_v_min_pu", "feeder_v_max_pu")
_CURVE = ("steps", "week", "metric", "value")
_RETURN, _STEPS = "rollout/ep_rew_mean", "time/total_timesteps"
_AGAIN = "delete the folder to have the run made again"
_MOST = 2**53  # steps


def first_week(folder: Path) -> pd.DataFrame:
    """The run's first held-out week, step by step; raises InputError naming file and column."""
    path = folder / store.FIRST_WEEK
    frame = store.read_frame(path)
    if not len(frame):
        raise InputError(f"{path}: holds no step; {_AGAIN}")
    time = frame.get("time")
    if time is None or not types.is_datetime64_dtype(time) or not time.is_monotonic_increasing or time.hasnans:
        raise InputError(f"{path}: time is missing or no ascending times; {_AGAIN}")
    for name in _WEEK:
        if name in frame:
            _check_numbers(path, frame, name)
        elif name not in _NOT_ALWAYS or (name == _WEEK[-1] and _WEEK[-2] in frame):
            raise InputError(f"{path}: {name} is missing; {_AGAIN}")
    return frame


def curve(folder: Path) -> pd.Series | None:
    """Mean objective of the validation weeks at each evaluation, by environment steps; None where it was not stored.
    Raises InputError naming file and column."""
    path = folder / store.CURVE
    if not path.is_file():
        return None
    frame = store.read_frame(path)
    if not set(_CURVE) <= set(frame.columns):
        raise InputError(f"{path}: lacks one of the columns {', '.join(_CURVE)}; {_AGAIN}")
    for name in ("steps", "value"):
        _check_numbers(path, frame, name)
    if not frame["steps"].between(0, _MOST).all():
        raise InputError(f"{path}: steps holds what is no number of steps; {_AGAIN}")
    for name in ("week", "metric"):
        if not frame[name].map(lambda value: isinstance(value, str)).all():
            raise InputError(f"{path}: {name} is not text everywhere; {_AGAIN}")
    rows = frame[frame["metric"] == "objective"]
    if rows.empty:
        return None
    by_week = rows.groupby(["steps", "week"])["value"].sum()
    return by_week.groupby("steps").mean()


def returns(folder: Path) -> pd.Series | None:
    """Mean return of training episodes by environment steps, from SB3's log; None where there is none. Rows that do not
    tell are left out. Raises InputError for a file that is no text."""
    path = folder / store.PROGRESS
    if not path.is_file():
        return None
    points: dict[int, float] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                try:
                    steps, value = float(row[_STEPS]), float(row[_RETURN])
                except (KeyError, TypeError, ValueError):
                    continue
                if 0.0 <= steps <= _MOST and math.isfinite(value):
                    points[int(steps)] = value
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not readable as CSV ({error}); {_AGAIN}") from None
    return pd.Series(points).sort_index() if points else None


def _check_numbers(path: Path, frame: pd.DataFrame, name: str) -> None:
    column = frame[name]
    if not types.is_numeric_dtype(column) or types.is_bool_dtype(column) or types.is_complex_dtype(column):
        raise InputError(f"{path}: {name} is no column of numbers; {_AGAIN}")
    if column.isna().any() or not np.isfinite(column.to_numpy(np.float64)).all():
        raise InputError(f"{path}: {name} holds what is no finite number; {_AGAIN}")
