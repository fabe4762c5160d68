"""Time stamps at the door: one even series in local standard time, or an error that says what daylight saving did.

Two forms are taken. Without an offset ("2016-03-27 02:30") a time is local *standard* time, all year. With an offset
("2016-03-27T03:30+02:00"; summer and winter offsets may mix) it is converted to the standard time of the place.
Wall-clock time without offset cannot be told apart in autumn and is refused.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entangrid.data.checks import Origin
from entangrid.data.errors import InputError

_FORM = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?\s*(?P<offset>Z|[+-]\d{2}:?\d{2})?"
_EXPECTED = "expected 2016-12-31 23:45 (local standard time) or 2016-12-31T23:45+01:00"
_REMEDY = "give standard time all year, or write the UTC offset behind every time"


def standard_times(frame: pd.DataFrame, origin: Origin, utc_offset_h: float) -> pd.DatetimeIndex:
    """Return the frame's times as naive local standard time.

    They are its column ``time`` or, without one, its ``DatetimeIndex``. Raises ``InputError`` for a time that is
    missing or cannot be read, and for a mixture of times with and without UTC offset.
    """
    if "time" in frame.columns:
        column = frame["time"]
    elif isinstance(frame.index, pd.DatetimeIndex):
        column = frame.index.to_series()
    else:
        raise InputError(f"{origin.file}: row 1, column 'time' is missing")
    if len(column) == 0:
        raise InputError(f"{origin.file}: no rows below the header (column 'time' is empty)")
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        stamps = column.dt.tz_convert("UTC").dt.tz_localize(None) + pd.Timedelta(hours=utc_offset_h)
    elif pd.api.types.is_datetime64_dtype(column.dtype):
        stamps = column
    else:
        stamps = _parsed(column.reset_index(drop=True), origin, utc_offset_h)
    missing = stamps.isna().to_numpy()
    if missing.any():
        raise InputError(f"{origin.place(int(np.argmax(missing)), 'time')}: missing time; {_EXPECTED}")
    times = pd.DatetimeIndex(stamps.to_numpy())
    outside = np.asarray((times.year < 1700) | (times.year > 2200))  # what nanoseconds hold, and no measurement is
    if outside.any():
        first = int(np.argmax(outside))
        raise InputError(f"{origin.place(first, 'time', times[first])}: expected a year from 1700 to 2200")
    return times.as_unit("ns")


def _parsed(column: "pd.Series[str]", origin: Origin, utc_offset_h: float) -> "pd.Series[pd.Timestamp]":
    cells = column.tolist()
    text = pd.Series([c if isinstance(c, str) else "" if _absent(c) else str(c) for c in cells], dtype=object)
    empty = (text.str.strip() == "").to_numpy()
    if empty.any():
        raise InputError(f"{origin.place(int(np.argmax(empty)), 'time')}: missing time; {_EXPECTED}")
    matches = text.str.fullmatch(_FORM).to_numpy(dtype=bool)
    if not matches.all():
        first = int(np.argmin(matches))
        raise InputError(f"{origin.place(first, 'time')}: {text[first]!r} is not understood; {_EXPECTED}")
    aware = text.str.extract(_FORM)["offset"].notna().to_numpy()
    if aware.any() and not aware.all():
        first = int(np.argmax(aware != aware[0]))
        raise InputError(
            f"{origin.place(first, 'time')}: {text[first]!r} is {'with' if aware[first] else 'without'} UTC offset, "
            "unlike the rows before; use one form throughout"
        )
    # A UTC parse of naive times changes nothing, as the zone is dropped again.
    stamps = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce").dt.tz_localize(None)
    invalid = stamps.isna().to_numpy()
    if invalid.any():
        first = int(np.argmax(invalid))
        raise InputError(
            f"{origin.place(first, 'time')}: {text[first]!r} is not a date and time that exists "
            "(hours run from 00 to 23)"
        )
    return stamps + pd.Timedelta(hours=utc_offset_h) if aware.all() else stamps


def _absent(cell: object) -> bool:
    return cell is None or cell is pd.NaT or cell is pd.NA or cell != cell


def step_minutes(times: pd.DatetimeIndex, origin: Origin, dt_h: float | None = None) -> int:
    """Return the step [min] of times that are sorted, complete and even, or raise ``InputError``.

    Given ``dt_h``, the step must be that; a single row needs it. Allowed: 5 min to 1 h in whole minutes that
    divide an hour.
    """
    if dt_h is not None and not 0.0 < dt_h <= 24.0:
        raise InputError(f"{origin.file}: dt_h is {dt_h}, expected 5 min to 1 h, in hours")
    nanoseconds = times.to_numpy().astype("datetime64[ns]").astype(np.int64)
    if len(times) == 1 and dt_h is None:
        raise InputError(f"{origin.place(0, 'time', times[0])}: one row alone has no time step; give dt_h")
    differences = np.diff(nanoseconds)
    if dt_h is not None:
        step = round(dt_h * 3.6e12)
    else:
        steps, counts = np.unique(differences[differences > 0], return_counts=True)
        # A series that never moves forward has a repeated time, which is named below.
        step = int(steps[np.argmax(counts)]) if len(steps) else 0
    repeated = times.duplicated()
    if repeated.any():
        _refuse_duplicate(times, origin, int(np.argmax(repeated)))
    if (differences < 0).any():
        late = int(np.argmax(differences < 0)) + 1
        raise InputError(
            f"{origin.place(late, 'time', times[late])}: {times[late]} comes after {times[late - 1]}; "
            "rows must be sorted by time"
        )
    odd = differences != step
    if odd.any():
        _refuse_uneven(times, origin, int(np.argmax(odd)) + 1, step)
    minutes = step // 60_000_000_000
    if step % 60_000_000_000 or not 5 <= minutes <= 60 or 60 % minutes:
        raise InputError(
            f"{origin.place(min(1, len(times) - 1), 'time', times[min(1, len(times) - 1)])}: the step is "
            f"{step / 6e10:g} min, expected 5, 6, 10, 12, 15, 20, 30 or 60 min"
        )
    return minutes


def _clocks_change(time: pd.Timestamp) -> bool:
    """Whether clocks may change about this time: in the early hours of spring and autumn, on either hemisphere."""
    return time.hour <= 3 and time.month in (3, 4, 9, 10, 11)


def _refuse_duplicate(times: pd.DatetimeIndex, origin: Origin, second: int) -> None:
    first = int(np.argmax(times == times[second]))
    before = f"row {origin.first_line + first}" if origin.first_line is not None else f"position {first}"
    text = f"{origin.place(second, 'time', times[second])}: {times[second]} is there twice (first in {before})"
    if _clocks_change(times[second]):
        text += f"; this looks like the repeated hour when daylight saving ends in autumn: {_REMEDY}"
    raise InputError(text)


def _refuse_uneven(times: pd.DatetimeIndex, origin: Origin, position: int, step: int) -> None:
    before, after = times[position - 1], times[position]
    ns = int((after - before).value)
    place = origin.place(position, "time", after)
    if ns > step and ns % step == 0:
        text = f"{place}: gap: {ns // step - 1} step(s) missing between {before} and {after}"
        if ns - step == 3_600_000_000_000 and _clocks_change(before + pd.Timedelta(step, "ns")):
            text += f"; this looks like the missing hour when daylight saving starts in spring: {_REMEDY}"
        raise InputError(text)
    raise InputError(f"{place}: uneven step: {ns / 6e10:g} min after {before}, expected {step / 6e10:g} min")


def wall_clock(
    times: pd.DatetimeIndex, utc_offset_h: float, timezone: str | None, origin: Origin
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the hour of day [h] (n,) and the weekday (n,), 0 = Monday, that a clock on the wall shows.

    Without ``timezone`` (an IANA name) the clock stays on standard time. Raises ``InputError`` for a name that is
    not known, and for one whose standard time is not ``utc_offset_h``.
    """
    wall = times
    if timezone is not None:
        utc = (times - pd.Timedelta(hours=utc_offset_h)).tz_localize("UTC")
        try:
            wall = utc.tz_convert(timezone).tz_localize(None)
        except (KeyError, ValueError, OSError) as error:
            raise InputError(
                f"{origin.file}: timezone {timezone!r} is not known; expected an IANA name such as Europe/Berlin"
            ) from error
        shift_h = np.asarray((wall - times) / pd.Timedelta(hours=1), dtype=np.float64)
        if shift_h.min() < 0.0 or shift_h.max() > 1.0:
            raise InputError(
                f"{origin.file}: timezone {timezone!r} is {utc_offset_h + shift_h[0]:+g} h from UTC on {times[0]}, "
                f"but utc_offset_h (standard time) is {utc_offset_h:+g}"
            )
    seconds = (wall - wall.normalize()) / pd.Timedelta(seconds=1)
    hour = np.asarray(seconds, dtype=np.float64) / 3600.0
    return hour, np.asarray(wall.day_of_week, dtype=np.int64)
