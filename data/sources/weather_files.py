"""Weather files of one's own: EnergyPlus' EPW and NREL's TMY3 in CSV, through pvlib's readers.

Both hold one year of hours; hour h is the one that ends at h in local standard time. They come back as the weather of
a calendar year at any step, made as that of the bundled stations (:mod:`entangrid.data.sources.weather`). The years
that the file's months were measured in do not matter. An EPW file with 29 February (a leap year) loses it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pvlib

from entangrid.data.checks import Origin, numbers
from entangrid.data.errors import InputError
from entangrid.data.sources.weather import COLUMNS, Station, calendar_weather

HEADER_LINES = {"EPW": 8, "TMY3": 2}

# What occurs on Earth, with room; the codes for missing values (99.9 °C, 999 m/s, 9999 W/m², -9900) lie beyond.
LIMITS = {
    "temp_air_c": ("temp_air", -80.0, 65.0, "°C"),
    "wind_m_s": ("wind_speed", 0.0, 90.0, "m/s"),
    "ghi_w_m2": ("ghi", 0.0, 1600.0, "W/m²"),
    "dni_w_m2": ("dni", 0.0, 1500.0, "W/m²"),
    "dhi_w_m2": ("dhi", 0.0, 1200.0, "W/m²"),
}


class WeatherFile(NamedTuple):
    """Where a weather file is from, and its 8,760 hours with the columns of ``read_station``."""

    station: Station
    hourly: pd.DataFrame


def read_epw(path: str | Path, year: int = 2015, dt_h: float = 0.25) -> pd.DataFrame:
    """Return an EPW file as the weather of ``year``: one row per step of ``dt_h``, as ``read_station`` gives it.

    Raises ``InputError`` naming file, row and column of what is missing, out of range or no hour of a year.
    """
    return _at_steps(open_epw(path), year, dt_h)


def read_tmy3(path: str | Path, year: int = 2015, dt_h: float = 0.25) -> pd.DataFrame:
    """Return a TMY3 file (CSV) as the weather of ``year``; see :func:`read_epw`."""
    return _at_steps(open_tmy3(path), year, dt_h)


def open_epw(path: str | Path) -> WeatherFile:
    """Return an EPW file's station and hours. Raises ``InputError`` as :func:`read_epw`."""
    return _open(path, "EPW", pvlib.iotools.read_epw, {}, {}, pd.Timedelta(0), "city")


def open_tmy3(path: str | Path) -> WeatherFile:
    """Return a TMY3 file's station and hours. Raises ``InputError`` as :func:`read_epw`."""
    names = {f"{name.upper()} (W/m^2)": name for name in ("ghi", "dni", "dhi")}
    names |= {"Dry-bulb (C)": "temp_air", "Wspd (m/s)": "wind_speed"}
    # These hours are labelled by their ends; without a common year the reader moves the last hour of a February.
    how = {"map_variables": False, "coerce_year": 2015}
    return _open(path, "TMY3", pvlib.iotools.read_tmy3, how, names, pd.Timedelta(hours=1), "Name")


def _at_steps(file: WeatherFile, year: int, dt_h: float) -> pd.DataFrame:
    return calendar_weather(file.hourly, file.station, year, dt_h)


def _open(
    path: str | Path,
    kind: str,
    reader: Callable[..., tuple[pd.DataFrame, dict[str, Any]]],
    how: dict[str, Any],
    names: dict[str, str],
    label_after_start: pd.Timedelta,
    name_key: str,
) -> WeatherFile:
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file}: there is no such file")
    try:
        frame, head = reader(str(file), **how)
    except Exception as error:
        # The readers raise whatever the parser below them does.
        raise InputError(
            f"{file}: cannot be read as {kind}: {type(error).__name__}: {error}".splitlines()[0]
        ) from error
    frame = frame.rename(columns={old: new for old, new in names.items() if old in frame.columns})
    origin = Origin(str(file), HEADER_LINES[kind] + 1)
    begins = pd.DatetimeIndex(frame.index) - label_after_start
    hours = _year_of_hours(begins, origin)
    columns = {}
    for column, (source, low, high, unit) in LIMITS.items():
        shown = next((old for old, new in names.items() if new == source), source)
        if source not in frame.columns:
            raise InputError(f"{file}: column {shown!r} is missing")
        values = numbers(frame[source], lambda i, shown=shown: origin.place(i, shown))  # type: ignore[misc]
        bad = ~((values >= low) & (values <= high))
        if bad.any():
            first = int(np.argmax(bad))
            raise InputError(
                f"{origin.place(first, shown)}: {values[first]:g} {unit}, expected {low:g} to {high:g} "
                "(a missing-value code?)"
            )
        columns[column] = values[hours]
    return WeatherFile(_station(head, file, name_key), pd.DataFrame(columns)[list(COLUMNS)])


def _year_of_hours(begins: pd.DatetimeIndex, origin: Origin) -> Any:
    """Return which rows are the 8,760 hours of a year, without 29 February."""
    if len(begins) not in (8760, 8784):
        raise InputError(
            f"{origin.file}: {len(begins)} rows, expected the 8,760 hours of a year (8,784 with 29 February)"
        )
    due = pd.date_range("2016-01-01" if len(begins) == 8784 else "2015-01-01", periods=len(begins), freq="h")
    wrong = (begins.month != due.month) | (begins.day != due.day) | (begins.hour != due.hour)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise InputError(
            f"{origin.place(first, 'time')}: the hour that begins on {begins[first]:%m-%d %H:%M} stands where "
            f"{due[first]:%m-%d %H:%M} is due"
        )
    return ~((due.month == 2) & (due.day == 29))


def _station(head: dict[str, Any], file: Path, name_key: str) -> Station:
    values = []
    for key, low, high in (("latitude", -90, 90), ("longitude", -180, 180), ("altitude", -500, 6000), ("TZ", -14, 14)):
        try:
            value = float(head[key])
        except (KeyError, TypeError, ValueError):
            raise InputError(f"{file}: row 1: {key} is {head.get(key)!r}, expected a number") from None
        if not low <= value <= high:
            raise InputError(f"{file}: row 1: {key} is {value:g}, expected {low} to {high}")
        values.append(value)
    return Station(str(head.get(name_key) or file.stem).strip() or file.stem, *values)
