"""The time axis of CityLearn's files, which give month, hour and day type of every row, but no date.

- Hours run from 1 to 24 (hour h is the one that ends at h) or, if a 0 is among them, from 0 to 23.
- Day of the month: a change of month within the file is its first; a file that lies within one month starts on the 1st.
- Year: the one asked for, else the first from 2015 to 2042 (every calendar there is) on which all rows have the right
  month, hour and weekday; without one, the first with the right months and hours. The file's own day types stay
  what the scenario shows as weekday: 1 is Monday, 7 Sunday, and a holiday (8) counts as Sunday.
- Clock: rows follow each other without a break in standard time. Where the file's hours jump with
  ``daylight_savings_status``, they are the wall clock's, and the axis is an hour behind them while that is 1.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entangrid.data.checks import Origin
from entangrid.data.errors import InputError

YEARS = range(2015, 2043)
HOLIDAY = 8

Integers = NDArray[np.int64]


class Axis(NamedTuple):
    """Beginning of the first hour (standard time), wall clock of every row, and how the year was found."""

    start: pd.Timestamp
    hour: NDArray[np.float64]
    weekday: Integers
    reason: str


def time_axis(
    month: Integers,
    hour: Integers,
    day_type: Integers,
    daylight_saving: Integers,
    origin: Origin,
    start_year: int | None,
) -> Axis:
    """Return the axis of hourly rows (n,); raises ``InputError`` for the first row that does not follow the others."""
    for column, values, low, high in (
        ("month", month, 1, 12),
        ("hour", hour, 0, 24),
        ("day_type", day_type, 1, HOLIDAY),
        ("daylight_savings_status", daylight_saving, 0, 1),
    ):
        bad = (values < low) | (values > high)
        if bad.any():
            first = int(np.argmax(bad))
            raise InputError(f"{origin.place(first, column)}: {values[first]}, expected {low} to {high}")
    from_zero = bool((hour == 0).any())
    if from_zero and (hour == 24).any():
        raise InputError(
            f"{origin.place(int(np.argmax(hour == 0)), 'hour')}: 0, but there are hours 24 too; "
            "expected 1 to 24 or 0 to 23"
        )
    begins = hour if from_zero else hour - 1
    ahead = daylight_saving if _jumps(begins, daylight_saving) else np.zeros_like(begins)
    weekday = np.where(day_type == HOLIDAY, 6, day_type - 1)
    known = day_type != HOLIDAY
    right_months: pd.Timestamp | None = None
    for year in YEARS if start_year is None else (start_year,):
        start = _start(year, month, begins, ahead)
        wall = pd.date_range(start, periods=len(month), freq="h") + pd.to_timedelta(ahead, unit="h")
        fits = (np.asarray(wall.month) == month) & (np.asarray(wall.hour) == begins)
        if not fits.all():
            if start_year is not None:
                raise _refusal(int(np.argmin(fits)), month, hour, wall, origin)
            continue
        if right_months is None:
            right_months = start
        if start_year is not None or (np.asarray(wall.day_of_week) == weekday)[known].all():
            return Axis(start, begins.astype(np.float64), weekday, _reason(start, start_year, weekdays=True))
    if right_months is None:
        start = _start(YEARS[0], month, begins, ahead)
        wall = pd.date_range(start, periods=len(month), freq="h") + pd.to_timedelta(ahead, unit="h")
        fits = (np.asarray(wall.month) == month) & (np.asarray(wall.hour) == begins)
        raise _refusal(int(np.argmin(fits)), month, hour, wall, origin)
    return Axis(right_months, begins.astype(np.float64), weekday, _reason(right_months, None, weekdays=False))


def _jumps(begins: Integers, daylight_saving: Integers) -> bool:
    """Whether the hours leap where daylight saving starts or ends."""
    switch = np.flatnonzero(np.diff(daylight_saving))
    return bool(len(switch)) and bool((np.diff(begins)[switch] % 24 != 1).all())


def _start(year: int, month: Integers, begins: Integers, ahead: Integers) -> pd.Timestamp:
    changes = np.flatnonzero(np.diff(month)) + 1
    if not len(changes):
        wall = pd.Timestamp(year, int(month[0]), 1, int(begins[0]))
        return wall - pd.Timedelta(hours=int(ahead[0]))
    first = int(changes[0])
    next_year = year + int(month[first] < month[0])
    wall = pd.Timestamp(next_year, int(month[first]), 1, int(begins[first]))
    return wall - pd.Timedelta(hours=first + int(ahead[first]))


def _refusal(row: int, month: Integers, hour: Integers, wall: pd.DatetimeIndex, origin: Origin) -> InputError:
    return InputError(
        f"{origin.place(row, 'hour')}: month {month[row]}, hour {hour[row]} where the hour that begins at "
        f"{wall[row]} is due; expected consecutive hours of a calendar year"
    )


def _reason(start: pd.Timestamp, asked: int | None, *, weekdays: bool) -> str:
    if asked is not None:
        why = "start_year as asked for"
    elif weekdays:
        why = f"the first year from {YEARS[0]} on whose months, hours and weekdays are the file's"
    else:
        why = f"the first year from {YEARS[0]} on with the file's months and hours; no year has its day types"
    return f"hourly from {start} standard time, without dates in the files: {why}"
