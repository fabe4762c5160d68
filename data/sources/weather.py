"""Typical years (TMY3), bundled or from a file, as the weather of a calendar year at any step.

What the files hold: hour h is the hour that *ends* at h, local standard time; irradiance is that hour's mean, while
temperature and wind are read about its end (S. Wilcox, W. Marion, *Users Manual for TMY3 Data Sets*,
NREL/TP-581-43156, 2008). What is made of it:

- temperature and wind: straight lines between the hours' ends, taken at each step's centre. Before the first hour
  stands the year's last.
- irradiance below an hour: the hour's global and diffuse means are spread in proportion to the cosine of the sun's
  zenith at each step's centre, and its beam mean evenly over the steps with the sun up, so that the means stay exact.
  Where the sun is down all hour, global and diffuse are spread evenly and beam is nothing. Beam is not taken from
  (global - diffuse) / cos zenith: about sunrise and sunset that quotient runs away, to three times the file's beam,
  while otherwise the two agree (to 0.4 W/m² of global in the mean of a year).
- 29 February repeats the 28th, as a typical year has no leap day.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pvlib
from numpy.typing import NDArray

from entangrid.data.checks import did_you_mean
from entangrid.data.errors import InputError
from entangrid.data.sources.bundled_files import bundled_csv

COLUMNS = ("temp_air_c", "wind_m_s", "ghi_w_m2", "dni_w_m2", "dhi_w_m2")

Floats = NDArray[np.float64]


class Station(NamedTuple):
    """A weather station: degrees north and east, metres, hours of standard time ahead of UTC."""

    name: str
    latitude: float
    longitude: float
    altitude_m: float
    utc_offset_h: float


def stations() -> dict[str, Station]:
    """Return the bundled stations by name."""
    table = bundled_csv("tmy3/stations.csv")
    return {
        str(name): Station(str(name), *(float(v) for v in row))
        for name, row in table.set_index("file")[["lat", "lon", "altitude_m", "tz_h"]].iterrows()
    }


def station(name: str) -> Station:
    """Return the bundled station ``name``. Raises ``InputError`` if there is none."""
    known = stations()
    if name not in known:
        raise InputError(
            f"weather station {name!r} is not bundled{did_you_mean(name, known)}; known: {', '.join(known)}"
        )
    return known[name]


def read_station(name: str, year: int, dt_h: float = 0.25) -> pd.DataFrame:
    """Return the weather of ``year`` at a bundled station: one row per step of ``dt_h`` (5 min to 1 h).

    Index: the step's beginning, naive local standard time. Columns: ``temp_air_c`` [°C], ``wind_m_s`` [m/s at 10 m],
    ``ghi_w_m2, dni_w_m2, dhi_w_m2`` [W/m²], all meant for the step's whole length. Raises ``InputError`` for a
    station or a step that does not exist.
    """
    place = station(name)
    return calendar_weather(bundled_csv(f"tmy3/{name}.csv.gz"), place, year, dt_h)


def calendar_weather(typical: pd.DataFrame, place: Station, year: int, dt_h: float) -> pd.DataFrame:
    """Return 8,760 hours of a typical year at ``place`` as the weather of ``year``, as :func:`read_station` does.

    typical: the columns that are returned, in the order of the calendar. Raises ``InputError`` for an impossible step.
    """
    per_hour = round(1.0 / dt_h) if dt_h > 0 else 0
    if not 1 <= per_hour <= 12 or 60 % per_hour or abs(per_hour * dt_h - 1.0) > 1e-9:
        raise InputError(
            f"weather of {place.name}: dt_h is {dt_h}, expected 5, 6, 10, 12, 15, 20, 30 or 60 min in hours"
        )
    hourly = _calendar_year(typical, year)
    step = pd.Timedelta(minutes=60 // per_hour)
    index = pd.date_range(f"{year}-01-01", periods=len(hourly) * per_hour, freq=step)
    centre_h = (np.arange(len(index)) + 0.5) / per_hour
    out = pd.DataFrame(index=index)
    for column in ("temp_air_c", "wind_m_s"):
        at_end = hourly[column].to_numpy(dtype=np.float64)
        out[column] = np.interp(centre_h, np.arange(len(hourly) + 1), np.concatenate([at_end[-1:], at_end]))
    ghi, dni, dhi = (hourly[column].to_numpy(dtype=np.float64) for column in COLUMNS[2:])
    if per_hour > 1:
        utc = (index + step / 2 - pd.Timedelta(hours=place.utc_offset_h)).tz_localize("UTC")
        sun = pvlib.solarposition.get_solarposition(utc, place.latitude, place.longitude, place.altitude_m)
        cos_zenith = np.cos(np.radians(sun["zenith"].to_numpy()))
        beyond_air = pvlib.irradiance.get_extra_radiation(utc).to_numpy()
        ghi, dni, dhi = spread_irradiance(ghi, dni, dhi, cos_zenith, beyond_air)
    out["ghi_w_m2"], out["dni_w_m2"], out["dhi_w_m2"] = ghi, dni, dhi
    return out


def spread_irradiance(
    ghi_w_m2: Floats, dni_w_m2: Floats, dhi_w_m2: Floats, cos_zenith: Floats, extraterrestrial_w_m2: Floats
) -> tuple[Floats, Floats, Floats]:
    """Spread hourly means (n,) over the k steps of each hour; return global, beam and diffuse (n k,) [W/m²].

    cos_zenith, extraterrestrial_w_m2: (n k,), of the sun at the steps' centres. The steps' mean of global and diffuse
    is the hour's, to rounding; that of beam too, unless the sun is down in all steps or the extraterrestrial value
    caps it (an hour of which the sun is up for minutes).
    """
    up = np.maximum(cos_zenith, 0.0).reshape(len(ghi_w_m2), -1)
    mean = up.mean(axis=1, keepdims=True)
    share = np.divide(up, mean, out=np.ones_like(up), where=mean > 0.0)
    sunlit = (up > 0.0).astype(np.float64)
    lit = sunlit.mean(axis=1, keepdims=True)
    beam = dni_w_m2[:, None] * np.divide(sunlit, lit, out=np.zeros_like(up), where=lit > 0.0)
    beam = np.minimum(beam, extraterrestrial_w_m2.reshape(up.shape))
    return (ghi_w_m2[:, None] * share).ravel(), beam.ravel(), (dhi_w_m2[:, None] * share).ravel()


def _calendar_year(typical: pd.DataFrame, year: int) -> pd.DataFrame:
    """Return a typical year as 8,760 hours, or 8,784 in a leap year."""
    if not pd.Timestamp(year=year, month=1, day=1).is_leap_year:
        return typical
    to_28_february = (31 + 28) * 24
    return pd.concat(
        [typical[:to_28_february], typical[to_28_february - 24 : to_28_february], typical[to_28_february:]],
        ignore_index=True,
    )
