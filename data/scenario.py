"""The one form in which data leaves this package: dense, read-only arrays over an even time axis."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entangrid.data.checks import Origin, check_columns, did_you_mean, parameter_table, read_only, series
from entangrid.data.errors import InputError
from entangrid.data.ranges import check_range
from entangrid.data.times import standard_times, step_minutes, wall_clock

COMMON_COLUMNS = ("t_out_c", "price_import_eur_kwh", "price_export_eur_kwh", "carbon_kg_kwh")
WALL_CLOCK_COLUMNS = ("hour", "weekday")
HOME_DEFAULTS = {"pv_kw": 0.0, "occupancy": 1.0, "gains_air_kw": 0.0, "gains_mass_kw": 0.0}
HOME_COLUMNS = ("load_kw", *HOME_DEFAULTS)

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scenario:
    """Homes and everything that happens to them from outside, over T steps of ``dt_h``.

    ==================== ======= =========================================================================
    field                shape   meaning
    ==================== ======= =========================================================================
    start                        beginning of step 0, naive local *standard* time
    dt_h                         step [h]: 5 min to 1 h, dividing an hour
    utc_offset_h                 local standard time minus UTC [h]
    homes                (H, P)  parameters with unit suffix, index = home name (ranges: checked in ``envs``)
    t_out_c              (T,)    outdoor air temperature [°C]
    hour, weekday        (T,)    wall clock at the step's beginning: [0, 24) h; 0 = Monday
    price_import_eur_kwh (T,)    price of a kWh from the grid [EUR/kWh]
    price_export_eur_kwh (T,)    what the grid pays for a kWh [EUR/kWh]
    carbon_kg_kwh        (T,)    CO2 of a kWh from the grid [kg/kWh]
    load_kw              (T, H)  electric load without heat pump, battery and PV [kW], mean of the step
    pv_kw                (T, H)  AC power that the PV system can give [kW]
    occupancy            (T, H)  share of the household at home, 0 to 1
    gains_air_kw         (T, H)  internal and solar heat to the air node [kW]
    gains_mass_kw        (T, H)  the same to the building-mass node [kW]
    provenance                   where each part came from; not part of :meth:`content_hash`
    ==================== ======= =========================================================================

    Arrays are copied, C-contiguous and write-protected. Raises ``InputError`` for shapes, steps or values that do
    not fit. Two scenarios are the same if their :meth:`content_hash` is.
    """

    name: str
    start: pd.Timestamp
    dt_h: float
    utc_offset_h: float
    homes: pd.DataFrame
    t_out_c: Floats
    hour: Floats
    weekday: NDArray[np.int64]
    price_import_eur_kwh: Floats
    price_export_eur_kwh: Floats
    carbon_kg_kwh: Floats
    load_kw: Floats
    pv_kw: Floats
    occupancy: Floats
    gains_air_kw: Floats
    gains_mass_kw: Floats
    provenance: Mapping[str, str]

    def __post_init__(self) -> None:
        where = f"scenario {self.name!r}"
        start = pd.Timestamp(self.start)
        if pd.isna(start) or start.tzinfo is not None:
            raise InputError(f"{where}: start is {self.start}, expected naive local standard time")
        minutes = float(self.dt_h) * 60.0
        if not (5 <= minutes <= 60 and minutes == round(minutes) and 60 % round(minutes) == 0):
            raise InputError(f"{where}: dt_h is {self.dt_h}, expected 5, 6, 10, 12, 15, 20, 30 or 60 min in hours")
        if not -14 <= float(self.utc_offset_h) <= 14:
            raise InputError(f"{where}: utc_offset_h is {self.utc_offset_h}, expected -14 to 14")
        homes = parameter_table(self.homes, Origin(f"{where}, homes"))
        values: dict[str, Any] = {
            "start": start.as_unit("ns"),
            "dt_h": float(self.dt_h),
            "utc_offset_h": float(self.utc_offset_h),
            "homes": homes,
            "provenance": {str(key): str(value) for key, value in self.provenance.items()},
        }
        n_steps = np.shape(self.t_out_c)[0] if np.ndim(self.t_out_c) == 1 else 0
        if n_steps == 0:
            raise InputError(f"{where}: t_out_c has shape {np.shape(self.t_out_c)}, expected (T,) with T > 0")
        for column in ("t_out_c", *WALL_CLOCK_COLUMNS, *COMMON_COLUMNS[1:], *HOME_COLUMNS):
            shape = (n_steps, len(homes)) if column in HOME_COLUMNS else (n_steps,)
            given = np.asarray(getattr(self, column))
            if given.shape != shape:
                raise InputError(f"{where}: {column} has shape {given.shape}, expected {shape}")
            array = np.array(given, dtype=np.float64, order="C")

            def place(flat: int, column: str = column) -> str:
                step, home = divmod(flat, len(homes)) if column in HOME_COLUMNS else (flat, None)
                time = start + pd.Timedelta(minutes=minutes * step)
                whose = "" if home is None else f" of home {homes.index[home]!r}"
                return f"{where}: row {time}, column {column!r}{whose}"

            check_range(column, array.reshape(-1), place)
            if column == "weekday":
                fraction = array != np.floor(array)
                if fraction.any():
                    raise InputError(f"{place(int(np.argmax(fraction)))}: a weekday is a whole number, 0 to 6")
            values[column] = array.astype(np.int64) if column == "weekday" else array
        self._set(values)

    def _set(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            elif isinstance(value, pd.DataFrame):
                value = read_only(value)
            object.__setattr__(self, name, value)

    def __setstate__(self, state: dict[str, Any]) -> None:
        # NumPy's pickles forget the write protection.
        self._set(state)

    @property
    def n_steps(self) -> int:
        """T, the number of steps."""
        return len(self.t_out_c)

    @property
    def n_homes(self) -> int:
        """H, the number of homes."""
        return len(self.homes)

    @property
    def home_names(self) -> list[str]:
        """The homes in the order of the arrays' last axis."""
        return [str(name) for name in self.homes.index]

    @property
    def steps_per_day(self) -> int:
        """Steps in 24 h."""
        return round(24.0 / self.dt_h)

    @property
    def index(self) -> pd.DatetimeIndex:
        """The beginnings of all steps (T,), naive local standard time."""
        return pd.date_range(self.start, periods=self.n_steps, freq=pd.Timedelta(minutes=round(self.dt_h * 60)))

    def window(self, start: int, stop: int) -> "Scenario":
        """Return the scenario of steps ``start`` to ``stop - 1``. Raises ``InputError`` beyond [0, T] or if empty."""
        if not 0 <= start < stop <= self.n_steps:
            raise InputError(f"scenario {self.name!r}: window({start}, {stop}) is not within 0 to {self.n_steps}")
        parts: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            parts[field.name] = value[start:stop] if isinstance(value, np.ndarray) else value
        parts["start"] = self.start + start * pd.Timedelta(minutes=round(self.dt_h * 60))
        return Scenario(**parts)

    def content_hash(self) -> str:
        """Return the SHA-256 (hex) of names, times, parameters and arrays; where they came from plays no part."""
        digest = hashlib.sha256()
        head = [self.name, self.start.isoformat(), self.dt_h.hex(), self.utc_offset_h.hex()]
        for text in [*head, *self.home_names, *map(str, self.homes.columns)]:
            digest.update(f"{len(text)}:{text};".encode())
        digest.update(np.ascontiguousarray(self.homes.to_numpy(), dtype="<f8").tobytes())
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                digest.update(f"{field.name}{value.shape}".encode())
                digest.update(value.astype("<i8" if value.dtype.kind == "i" else "<f8").tobytes())
        return digest.hexdigest()

    @classmethod
    def from_frames(
        cls,
        common: pd.DataFrame,
        homes_series: Mapping[str, pd.DataFrame],
        parameters: pd.DataFrame,
        *,
        name: str,
        utc_offset_h: float,
        provenance: Mapping[str, str],
        source: Mapping[str, Origin] | None = None,
        timezone: str | None = None,
        dt_h: float | None = None,
    ) -> Self:
        """Build a scenario from frames, checked.

        common: columns ``t_out_c, price_import_eur_kwh, price_export_eur_kwh, carbon_kg_kwh``, and optionally the wall
        clock's ``hour`` and ``weekday``. homes_series: one frame per home with ``load_kw`` and optionally ``pv_kw``,
        ``gains_air_kw``, ``gains_mass_kw`` (left out: 0) and ``occupancy`` (left out: 1). Every frame has its times in
        a column ``time`` or a ``DatetimeIndex`` (:mod:`entangrid.data.times`), the same in all. parameters: one row a
        home, index = home name. source: where "common", "homes" and each home came from, for messages. timezone:
        IANA name of the wall clock behind ``hour`` and ``weekday``; without it the clock stays on standard time.
        dt_h: the step [h], needed for a single row only.

        Raises ``InputError`` naming file, row and column of the first thing that does not fit.
        """
        source = dict(source or {})
        origin = source.get("common", Origin("common"))
        if not -14 <= utc_offset_h <= 14:
            raise InputError(f"{origin.file}: utc_offset_h is {utc_offset_h}, expected -14 to 14")
        check_columns(_data_columns(common), COMMON_COLUMNS, WALL_CLOCK_COLUMNS, origin)
        times = standard_times(common, origin, utc_offset_h)
        minutes = step_minutes(times, origin, dt_h)
        labels = times.__getitem__
        arrays: dict[str, Any] = {column: series(common, column, origin, labels) for column in COMMON_COLUMNS}
        arrays.update(_clock(common, times, utc_offset_h, timezone, origin))

        table = parameter_table(parameters, source.get("homes", Origin("homes")))
        for home in homes_series:
            if home not in table.index:
                raise InputError(
                    f"{source.get(home, Origin(f'home {home}')).file}: home {home!r} has no row in "
                    f"{source.get('homes', Origin('homes')).file}{did_you_mean(home, map(str, table.index))}"
                )
        columns: dict[str, list[Floats]] = {column: [] for column in HOME_COLUMNS}
        for home in table.index:
            if home not in homes_series:
                raise InputError(f"{source.get('homes', Origin('homes')).file}: home {home!r} has no series")
            frame, where = homes_series[home], source.get(home, Origin(f"home {home}"))
            check_columns(_data_columns(frame), ("load_kw",), HOME_DEFAULTS, where)
            _same_times(standard_times(frame, where, utc_offset_h), times, minutes, where, origin)
            for column in HOME_COLUMNS:
                given = column in frame.columns
                columns[column].append(
                    series(frame, column, where, labels) if given else np.full(len(times), HOME_DEFAULTS[column])
                )
        arrays.update({column: np.column_stack(parts) for column, parts in columns.items()})
        return cls(
            name=name,
            start=times[0],
            dt_h=minutes / 60.0,
            utc_offset_h=utc_offset_h,
            homes=table,
            provenance=provenance,
            **arrays,
        )


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
    fraction = clock["weekday"] != np.floor(clock["weekday"])
    if fraction.any():
        first = int(np.argmax(fraction))
        raise InputError(
            f"{origin.place(first, 'weekday', times[first])}: {clock['weekday'][first]:g} is not a whole number, 0 to 6"
        )
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
