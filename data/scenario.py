"""The one form in which data leaves this package: dense, read-only arrays over an even time axis."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entangrid.data.checks import Origin, parameter_table, read_only
from entangrid.data.columns import (
    COMMON_COLUMNS,
    HOME_COLUMNS,
    OPTIONAL_COLUMNS,
    OPTIONAL_COMMON,
    OPTIONAL_HOME,
    PER_HOME,
    WALL_CLOCK_COLUMNS,
)
from entangrid.data.errors import InputError
from entangrid.data.frames import fields_of_frames
from entangrid.data.ranges import check_range

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
    dhw_kw               (T, H)  heat of the hot water drawn [kW], mean of the step; left out: 0
    vehicle_home         (T, H)  1: the vehicle is plugged in all step long, 0: it is away; left out: 0
    vehicle_trip_kwh     (T, H)  energy that driving takes from the vehicle's battery in the step [kWh], only where
                                 it is away; left out: 0
    appliance1_ready     (T, H)  1: a cycle of deferrable appliance 1 becomes ready in the step; left out: 0
    appliance2_ready     (T, H)  the same of appliance 2
    occupancy_meter      (T, H)  chance that somebody is at home, as inferred from the meter; left out: occupancy
    grid_available       (T,)    1: the grid is there, 0: outage; left out: 1
    ==================== ======= =========================================================================

    The last seven may be None when a scenario is built; they are arrays afterwards. Those that equal what stands in for
    None are no part of :meth:`content_hash`. Arrays are copied, C-contiguous and write-protected. Raises ``InputError``
    for shapes, steps or values that do not fit. Two scenarios are the same if their :meth:`content_hash` is.
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
    dhw_kw: Floats = None  # type: ignore[assignment]
    vehicle_home: Floats = None  # type: ignore[assignment]
    vehicle_trip_kwh: Floats = None  # type: ignore[assignment]
    appliance1_ready: Floats = None  # type: ignore[assignment]
    appliance2_ready: Floats = None  # type: ignore[assignment]
    occupancy_meter: Floats = None  # type: ignore[assignment]
    grid_available: Floats = None  # type: ignore[assignment]

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
        for column in (*COMMON_COLUMNS, *WALL_CLOCK_COLUMNS, *HOME_COLUMNS, *OPTIONAL_COLUMNS):
            shape = (n_steps, len(homes)) if column in PER_HOME else (n_steps,)
            given = getattr(self, column)
            if given is None and column in OPTIONAL_COLUMNS:
                default = (OPTIONAL_HOME | OPTIONAL_COMMON)[column]
                values[column] = (
                    values[default]
                    if isinstance(default, str)
                    else np.full(shape, default)
                    if default
                    else np.zeros(shape)
                )
                continue
            if np.shape(given) != shape:
                raise InputError(f"{where}: {column} has shape {np.shape(given)}, expected {shape}")
            array = np.array(given, dtype=np.float64, order="C")
            place = _places(where, column, homes, start, minutes)
            check_range(column, array.reshape(-1), place)
            values[column] = array.astype(np.int64) if column == "weekday" else array
        driven = (values["vehicle_trip_kwh"] > 0.0) & (values["vehicle_home"] > 0.0)
        if driven.any():
            first = int(np.argmax(driven))
            raise InputError(
                f"{_places(where, 'vehicle_trip_kwh', homes, start, minutes)(first)}: "
                f"{values['vehicle_trip_kwh'].flat[first]:g} kWh while vehicle_home is 1, expected 0"
            )
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

    def of_homes(self, names: Collection[str]) -> "Scenario":
        """Return the scenario of some homes, in this one's order; itself if these are all of them.

        Raises ``InputError`` for a name that is none of its homes, and for no name at all.
        """
        if unknown := sorted(set(names) - set(self.home_names)):
            known = ", ".join(self.home_names[:8]) + (", ..." if self.n_homes > 8 else "")
            raise InputError(f"scenario {self.name!r}: no home is called {unknown[0]!r}; expected some of {known}")
        kept = [i for i, name in enumerate(self.home_names) if name in set(names)]
        if not kept:
            raise InputError(f"scenario {self.name!r}: no home is chosen; expected at least one")
        if len(kept) == self.n_homes:
            return self
        parts: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        parts |= {column: getattr(self, column)[:, kept] for column in PER_HOME}
        return Scenario(**parts | {"homes": self.homes.iloc[kept]})

    def content_hash(self) -> str:
        """Return the SHA-256 (hex) of names, times, parameters and arrays; where they came from plays no part."""
        digest = hashlib.sha256()
        head = [self.name, self.start.isoformat(), self.dt_h.hex(), self.utc_offset_h.hex()]
        for text in [*head, *self.home_names, *map(str, self.homes.columns)]:
            digest.update(f"{len(text)}:{text};".encode())
        digest.update(np.ascontiguousarray(self.homes.to_numpy(), dtype="<f8").tobytes())
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray) and not self.at_default(field.name):
                digest.update(f"{field.name}{value.shape}".encode())
                digest.update(value.astype("<i8" if value.dtype.kind == "i" else "<f8").tobytes())
        return digest.hexdigest()

    def at_default(self, column: str, home: int | None = None) -> bool:
        """Whether an optional column, of all homes or of one, is what stands in for None; False for other columns."""
        if column not in OPTIONAL_COLUMNS:
            return False
        default = (OPTIONAL_HOME | OPTIONAL_COMMON)[column]
        value = getattr(self, column)
        other = getattr(self, default) if isinstance(default, str) else np.broadcast_to(default, value.shape)
        if value is other:
            return True
        if home is not None and value.ndim == 2:
            value, other = value[:, home], other[:, home]
        return bool((value == other).all())

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
        clock's ``hour`` and ``weekday``, and ``grid_available``. homes_series: one frame per home with ``load_kw`` and
        optionally ``pv_kw``, ``gains_air_kw``, ``gains_mass_kw`` (left out: 0), ``occupancy`` (left out: 1) and those
        columns of a home that may be None above. Every frame has its times in
        a column ``time`` or a ``DatetimeIndex`` (:mod:`entangrid.data.times`), the same in all. parameters: one row a
        home, index = home name. source: where "common", "homes" and each home came from, for messages. timezone:
        IANA name of the wall clock behind ``hour`` and ``weekday``; without it the clock stays on standard time.
        dt_h: the step [h], needed for a single row only.

        Raises ``InputError`` naming file, row and column of the first thing that does not fit.
        """
        arrays = fields_of_frames(
            common,
            homes_series,
            parameters,
            utc_offset_h=utc_offset_h,
            source=source,
            timezone=timezone,
            dt_h=dt_h,
        )
        return cls(name=name, utc_offset_h=utc_offset_h, provenance=provenance, **arrays)


def _places(where: str, column: str, homes: pd.DataFrame, start: pd.Timestamp, minutes: float) -> Callable[[int], str]:
    """Return what names the place of a value by its position in the flat array."""

    def place(flat: int) -> str:
        step, home = divmod(flat, len(homes)) if column in PER_HOME else (flat, None)
        time = start + pd.Timedelta(minutes=minutes * step)
        whose = "" if home is None else f" of home {homes.index[home]!r}"
        return f"{where}: row {time}, column {column!r}{whose}"

    return place
