"""From frames, read or made by hand, to a scenario's arrays; what does not fit is named by file, row and column."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entangrid.data.checks import Origin, check_columns, did_you_mean, parameter_table, series
from entangrid.data.columns import (
    COMMON_COLUMNS,
    HOME_COLUMNS,
    HOME_DEFAULTS,
    OPTIONAL_COMMON,
    OPTIONAL_HOME,
    WALL_CLOCK_COLUMNS,
)
from entangrid.data.errors import InputError
from entangrid.data.times import standard_times, step_minutes, wall_clock

Floats = NDArray[np.float64]


def fields_of_frames(
    common: pd.DataFrame,
    homes_series: Mapping[str, pd.DataFrame],
    parameters: pd.DataFrame,
    *,
    utc_offset_h: float,
    source: Mapping[str, Origin] | None,
    timezone: str | None,
    dt_h: float | None,
) -> dict[str, Any]:
    """Return ``start, dt_h, homes`` and the arrays of :meth:`entangrid.data.Scenario.from_frames`, which says more."""
    source = dict(source or {})
    origin = source.get("common", Origin("common"))
    if not -14 <= utc_offset_h <= 14:
        raise InputError(f"{origin.file}: utc_offset_h is {utc_offset_h}, expected -14 to 14")
    check_columns(_data_columns(common), COMMON_COLUMNS, (*WALL_CLOCK_COLUMNS, *OPTIONAL_COMMON), origin)
    times = standard_times(common, origin, utc_offset_h)
    minutes = step_minutes(times, origin, dt_h)
    labels = times.__getitem__
    there = [column for column in (*COMMON_COLUMNS, *OPTIONAL_COMMON) if column in common.columns]
    arrays: dict[str, Any] = {column: series(common, column, origin, labels) for column in there}
    arrays.update(_clock(common, times, utc_offset_h, timezone, origin))

    table = parameter_table(parameters, source.get("homes", Origin("homes")))
    for home in homes_series:
        if home not in table.index:
            raise InputError(
                f"{source.get(home, Origin(f'home {home}')).file}: home {home!r} has no row in "
                f"{source.get('homes', Origin('homes')).file}{did_you_mean(home, map(str, table.index))}"
            )
    left_out = {column for column in OPTIONAL_HOME if not any(column in f.columns for f in homes_series.values())}
    defaults: dict[str, float | str] = {**HOME_DEFAULTS, **OPTIONAL_HOME}
    columns: dict[str, list[Floats]] = {c: [] for c in (*HOME_COLUMNS, *OPTIONAL_HOME) if c not in left_out}
    for home in table.index:
        if home not in homes_series:
            raise InputError(f"{source.get('homes', Origin('homes')).file}: home {home!r} has no series")
        frame, where = homes_series[home], source.get(home, Origin(f"home {home}"))
        check_columns(_data_columns(frame), ("load_kw",), defaults, where)
        _same_times(standard_times(frame, where, utc_offset_h), times, minutes, where, origin)
        for column, parts in columns.items():
            if column in frame.columns:
                parts.append(series(frame, column, where, labels))
                continue
            default = defaults[column]
            parts.append(columns[default][-1] if isinstance(default, str) else np.full(len(times), default))
    arrays.update({column: np.column_stack(parts) for column, parts in columns.items()})
    return {"start": times[0], "dt_h": minutes / 60.0, "homes": table, **arrays}


def _data_columns(frame: pd.DataFrame) -> list[object]:
    return [column for i, column in enumerate(frame.columns) if column != "time" or "time" in list(frame.columns)[:i]]


def _clock(
    common: pd.DataFrame, times: pd.DatetimeIndex, utc_offset_h: float, timezone: str | None, origin: Origin
) -> dict[str, Any]:
    given = [column for column in WALL_CLOCK_COLUMNS if column in common.columns]
    if not given:
        return dict(zip(WALL_CLOCK_COLUMNS, wall_clock(times, utc_offset_h, timezone, origin), strict=True))
    if len(given) == 1:
        raise InputError(f"{origin.file}: row 1, column {given[0]!r} needs both of {', '.join(WALL_CLOCK_COLUMNS)}")
    if timezone is not None:
        raise InputError(f"{origin.file}: row 1, column 'hour' and timezone {timezone!r} exclude each other; drop one")
    clock = {column: series(common, column, origin, times.__getitem__) for column in WALL_CLOCK_COLUMNS}
    return clock


def _same_times(
    times: pd.DatetimeIndex, common: pd.DatetimeIndex, minutes: int, origin: Origin, common_origin: Origin
) -> None:
    """Raise ``InputError`` unless the home's times are those of the common table."""
    if times.equals(common):
        return
    if len(times) > 1:
        step = step_minutes(times, origin)
        if step != minutes:
            raise InputError(
                f"{origin.place(1, 'time', times[1])}: the step is {step} min, but {minutes} in {common_origin.file}"
            )
    shared = min(len(times), len(common))
    differs = np.asarray(times[:shared] != common[:shared])
    if differs.any():
        first = int(np.argmax(differs))
        raise InputError(
            f"{origin.place(first, 'time', times[first])}: {times[first]}, but {common_origin.file} has "
            f"{common[first]} there"
        )
    raise InputError(
        f"{origin.place(shared - 1, 'time', times[shared - 1])}: the series ends after {len(times)} rows, but "
        f"{common_origin.file} has {len(common)}"
        if len(times) < len(common)
        else f"{origin.place(shared, 'time', times[shared])}: {len(times)} rows, but {common_origin.file} has {shared}"
    )
