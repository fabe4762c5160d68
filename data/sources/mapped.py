"""One home from a table of one's own (CSV or Parquet) and a small map: which column is what, in which unit.

::

    name: my-home                  # default: the file's name
    file: meter.csv                # beside the map
    time: measured_at              # its time column; default: time
    timezone: Europe/Berlin        # of the wall clock; or utc_offset_h: 1 (standard time minus UTC [h])
    columns:
      load_kw: {column: power, unit: W}
      t_out_c: {column: outdoor, unit: °C}
    weather: seattle_wa            # a bundled station, or an .epw or (TMY3) .csv file beside the map
    pv: {kwp: 6, tilt_deg: 35, azimuth_deg: 180}
    house: bundled                 # or none: no heat pump, no building (a meter that has the heating in it already)
    parameters: {battery_kwh: 5}   # instead of the house's own, or of a device that it does not have

Only ``load_kw`` must be there. Units: :mod:`entangrid.data.units`. Further columns of the file are not read. What the
map does not give comes from the following.

==================== ==================================================================================================
t_out_c              the weather, whose local standard time is laid upon the file's (bundled default: Seattle)
pv_kw                the weather through :func:`~entangrid.data.solar.pv_power_kw`, if there is ``pv``; else 0
occupancy            :func:`~entangrid.data.occupancy.presence`, seed 0; with house "none" 1
gains_*_kw           persons, load and sun as in :mod:`entangrid.data.sources.bundled`; with house "none" 0
price_*_eur_kwh      :mod:`entangrid.data.tariff`
carbon_kg_kwh        0.527 at all times, as in :mod:`entangrid.data.sources.bundled`
occupancy_meter      the occupancy
others               nothing drawn, no vehicle, no appliance, no outage (:class:`~entangrid.data.scenario.Scenario`)
==================== ==================================================================================================
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from entangrid.data.checks import Origin, did_you_mean, first_unknown, numbers
from entangrid.data.columns import PER_HOME
from entangrid.data.errors import InputError
from entangrid.data.occupancy import presence
from entangrid.data.ranges import check_range
from entangrid.data.scenario import Scenario
from entangrid.data.solar import pv_power_kw, window_gains_kw
from entangrid.data.sources import bundled, device_columns
from entangrid.data.sources.home_defaults import home_parameters
from entangrid.data.sources.plain_home import plain_parameters
from entangrid.data.sources.tables import read_parquet, read_table
from entangrid.data.sources.weather import Station, calendar_weather, read_station, station
from entangrid.data.sources.weather_files import WeatherFile, open_epw, open_tmy3
from entangrid.data.tariff import feed_in, time_of_use
from entangrid.data.times import standard_times, step_minutes, wall_clock
from entangrid.data.units import UNITS, converted, unit_of

Floats = NDArray[np.float64]

KEYS = (
    "name", "file", "time", "timezone", "utc_offset_h", "dt_h", "columns", "weather", "pv", "house", "parameters",
)  # fmt: skip
PV_KEYS = ("kwp", "tilt_deg", "azimuth_deg", "losses_percent", "gamma_per_k", "dc_ac_ratio", "inverter_efficiency")


@dataclass(frozen=True)
class _TimeOrigin(Origin):
    """An origin whose messages show the file's own name of the time column."""

    time: str = "time"

    def place(self, position: int, column: str, label: object = None) -> str:
        return super().place(position, self.time if column == "time" else column, label)


def load_mapped(mapping: str | Path | Mapping[str, Any], folder: str | Path = ".") -> Scenario:
    """Return the scenario of one home that a map describes: a YAML file, or a mapping with files beside ``folder``.

    Raises ``InputError`` naming the map's key, or the table's row and column, of the first thing that does not fit.
    """
    if isinstance(mapping, Mapping):
        where, base, given = "map", Path(folder), {str(key): value for key, value in mapping.items()}
    else:
        where, base, given = str(mapping), Path(mapping).parent, _read_map(Path(mapping))
    _check_map(given, where)
    file = base / given["file"]
    text = file.suffix != ".parquet"
    frame = read_table(file) if text else read_parquet(file)
    origin = _TimeOrigin(str(file), 2 if text else None, str(given.get("time", "time")))
    columns = {key: _entry(key, entry, where) for key, entry in given["columns"].items()}
    for name in (origin.time, *(column for column, _ in columns.values())):
        if name not in frame.columns:
            hint = did_you_mean(name, map(str, frame.columns))
            raise InputError(
                f"{file}: row 1, column {name!r} is missing{hint}; found {', '.join(map(str, frame.columns))}"
            )

    utc_offset_h = _utc_offset_h(given, where)
    times = standard_times(frame[[origin.time]].rename(columns={origin.time: "time"}), origin, utc_offset_h)
    dt_h = step_minutes(times, origin, given.get("dt_h")) / 60.0
    hour, weekday = wall_clock(times, utc_offset_h, given.get("timezone"), origin)
    series: dict[str, Floats] = {}
    for key, (column, unit) in columns.items():

        def place(position: int, column: str = column) -> str:
            return origin.place(position, column, times[position])

        series[key] = converted(numbers(frame[column], place), unit_of(key, unit, f"{where}: columns.{key}"), dt_h)
        check_range(key, series[key], lambda i, place=place, unit=unit: f"{place(i)} ({unit})")  # type: ignore[misc]
    sources = {key: f"{file.name}, column {column!r} [{unit}]" for key, (column, unit) in columns.items()}

    name = str(given.get("name", file.stem))
    plain = given.get("house", "bundled") == "none"
    _fill(series, sources, given, where, base, times, dt_h, hour, weekday, plain=plain)
    return Scenario(
        name=name,
        start=times[0],
        dt_h=dt_h,
        utc_offset_h=utc_offset_h,
        homes=_parameters(given, where, plain=plain),
        hour=hour,
        weekday=weekday,
        **{key: values[:, None] if key in PER_HOME else values for key, values in series.items()},
        provenance=sources,
    )


def _read_map(path: Path) -> dict[str, Any]:
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(given, dict):
        raise InputError(f"{path}: expected keys and values, such as 'file: meter.csv'")
    return {str(key): value for key, value in given.items()}


def _check_map(given: Mapping[str, Any], where: str) -> None:
    unknown = first_unknown(given, KEYS)
    if unknown:
        raise InputError(f"{where}: key {unknown}")
    for key in ("name", "file", "time", "timezone", "weather"):
        if key in given and (not isinstance(given[key], str) or not given[key]):
            raise InputError(f"{where}: {key} is {given[key]!r}, expected text")
    if "file" not in given:
        raise InputError(f"{where}: file is missing, expected the name of a CSV or Parquet file")
    for key in ("utc_offset_h", "dt_h"):
        if key in given and (isinstance(given[key], bool) or not isinstance(given[key], (int, float))):
            raise InputError(f"{where}: {key} is {given[key]!r}, expected a number of hours")
    for key in ("columns", "pv", "parameters"):
        if not isinstance(given.get(key, {}), Mapping):
            raise InputError(f"{where}: {key} is {given[key]!r}, expected keys and values")
    columns = given.get("columns", {})
    unknown = first_unknown(columns, UNITS)
    if unknown:
        raise InputError(f"{where}: columns: key {unknown}")
    if "load_kw" not in columns:
        raise InputError(f"{where}: columns: load_kw is missing")
    if given.get("house", "bundled") not in ("bundled", "none"):
        raise InputError(f"{where}: house is {given['house']!r}, expected 'bundled' or 'none'")
    unknown = first_unknown(given.get("pv", {}), PV_KEYS)
    if unknown:
        raise InputError(f"{where}: pv: key {unknown}")
    if "pv" in given and "pv_kw" in columns:
        raise InputError(f"{where}: pv and columns.pv_kw exclude each other; drop one")


def _entry(key: str, entry: object, where: str) -> tuple[str, str]:
    if not isinstance(entry, Mapping) or set(entry) != {"column", "unit"}:
        raise InputError(f"{where}: columns.{key} is {entry!r}, expected {{column: NAME, unit: UNIT}}")
    unit_of(key, entry["unit"], f"{where}: columns.{key}")
    return str(entry["column"]), str(entry["unit"])


def _utc_offset_h(given: Mapping[str, Any], where: str) -> float:
    """Return standard time minus UTC [h], as given or as the time zone has it (the lesser of January and July)."""
    if "utc_offset_h" in given:
        if not -14 <= given["utc_offset_h"] <= 14:
            raise InputError(f"{where}: utc_offset_h is {given['utc_offset_h']}, expected -14 to 14")
        return float(given["utc_offset_h"])
    if "timezone" not in given:
        raise InputError(f"{where}: timezone is missing, expected an IANA name such as Europe/Berlin (or utc_offset_h)")
    try:
        offsets = [pd.Timestamp(f"2021-{month}-01", tz=given["timezone"]).utcoffset() for month in ("01", "07")]
    except (KeyError, ValueError, OSError) as error:
        raise InputError(
            f"{where}: timezone {given['timezone']!r} is not known; expected an IANA name such as Europe/Berlin"
        ) from error
    return min(offset / pd.Timedelta(hours=1) for offset in offsets if offset is not None)


def _weather(
    given: Mapping[str, Any], where: str, base: Path, times: pd.DatetimeIndex, dt_h: float
) -> tuple[pd.DataFrame, Station]:
    """Return the weather at ``times`` and where it was measured."""
    name = given.get("weather", bundled.STATION)
    file: WeatherFile | None = None
    if Path(name).suffix.lower() in (".epw", ".csv"):
        file = open_epw(base / name) if name.lower().endswith(".epw") else open_tmy3(base / name)
    place = file.station if file else station(name)
    years = range(times[0].year, times[-1].year + 1)
    whole = pd.concat(
        [calendar_weather(file.hourly, place, year, dt_h) if file else read_station(name, year, dt_h) for year in years]
    )
    if times[0] not in whole.index:
        raise InputError(f"{where}: the weather has steps from midnight on, but the table starts at {times[0]}")
    return whole.loc[times[0] : times[-1]], place


def _fill(
    series: dict[str, Floats],
    sources: dict[str, str],
    given: Mapping[str, Any],
    where: str,
    base: Path,
    times: pd.DatetimeIndex,
    dt_h: float,
    hour: Floats,
    weekday: NDArray[np.int64],
    *,
    plain: bool,
) -> None:
    """Add the columns that the map does not give, and say where they come from."""
    n = len(times)

    def add(key: str, values: Floats, source: str) -> None:
        if key not in series:
            series[key], sources[key] = values, source

    add("price_import_eur_kwh", time_of_use(hour, weekday), "this project's time-of-use tariff")
    add("price_export_eur_kwh", feed_in(n), "this project's feed-in tariff")
    add("carbon_kg_kwh", np.full(n, bundled.CARBON_KG_KWH), "the bundled home's constant")
    if plain:
        add("occupancy", np.ones(n), "always at home")
        for key in ("gains_air_kw", "gains_mass_kw"):
            add(key, np.zeros(n), "none: no building")
    else:
        # The wall clock is never behind standard time; a step whose hour has gone round belongs to the next day.
        gone_round = hour < np.asarray(times.hour, dtype=np.float64) - 12.0
        day = np.asarray((times - times[0].normalize()).days) + gone_round
        add("occupancy", presence(hour, weekday, day), "this project's schedule, seed 0")
    if {"t_out_c", "gains_air_kw", "gains_mass_kw"} <= set(series) and "pv" not in given:
        add("pv_kw", np.zeros(n), "none")
        return
    weather, place = _weather(given, where, base, times, dt_h)
    sky = {key: value for key, value in place._asdict().items() if key != "name"}
    add("t_out_c", weather["temp_air_c"].to_numpy(dtype=np.float64), f"weather of {place.name}")
    try:
        power = pv_power_kw(weather, **sky, **given["pv"]) if "pv" in given else np.zeros(n)
    except (InputError, TypeError) as error:
        raise InputError(f"{where}: pv: {error}") from None
    add("pv_kw", power, f"pvlib and the weather of {place.name}" if "pv" in given else "none")
    solar_kw = window_gains_kw(weather, **sky, area_equator_m2=bundled.WINDOWS_M2)
    internal_kw = (
        bundled.KW_PER_PERSON * bundled.PERSONS * series["occupancy"] + bundled.LOAD_AS_HEAT * series["load_kw"]
    )
    to_air, sun_to_air = bundled.INTERNAL_TO_AIR, bundled.SOLAR_TO_AIR
    source = f"persons and load as in the bundled home; sun of {place.name}"
    add("gains_air_kw", to_air * internal_kw + sun_to_air * solar_kw, source)
    add("gains_mass_kw", (1.0 - to_air) * internal_kw + (1.0 - sun_to_air) * solar_kw, source)


def _parameters(given: Mapping[str, Any], where: str, *, plain: bool) -> pd.DataFrame:
    table = plain_parameters("home-1") if plain else home_parameters("home-1")
    changes = given.get("parameters", {})
    unknown = first_unknown(changes, dict.fromkeys([*map(str, table.columns), *device_columns.names()]))
    if unknown:
        raise InputError(f"{where}: parameters: key {unknown}")
    for key, value in changes.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(f"{where}: parameters.{key} is {value!r}, expected a number")
    return table.assign(**changes)
