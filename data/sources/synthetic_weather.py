"""Made-up weather with the persistence of real weather: clouds, temperature and wind from seeded noise.

Noise is Ornstein-Uhlenbeck: x' = r x + √(1 - r²) e with r = exp(-dt / τ), e standard normal, so that its correlation
over time does not depend on the step.

- Clearness: u = Φ(0.85 x_day + 0.53 x_hour), τ of 36 h and 1.5 h; clear-sky index k = 0.1 + 0.95 u^a, with a higher
  in winter (cloudier). Global irradiance = k · clear sky (Haurwitz), split into beam and diffuse by Erbs, with pvlib.
- Temperature: year's wave (coldest on 20 January) + weather fronts (τ 60 h) + day's wave with its top at 15 h of
  solar time, whose height grows with the clearness of the days about (x_day).
- Wind: log-normal, τ 8 h.

The climates' numbers are this project's own, rounded from what is generally known of such places; no measured series
was used. Sources: B. Haurwitz, *Insolation in relation to cloudiness and cloud density*, J. Meteorol. 2, 154 (1945);
D. G. Erbs, S. A. Klein, J. A. Duffie, Solar Energy 28, 293 (1982), DOI 10.1016/0038-092X(82)90302-4.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pvlib
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import ndtr

from entangrid.data.checks import did_you_mean
from entangrid.data.errors import InputError

Floats = NDArray[np.float64]


class Climate(NamedTuple):
    """A place and its weather; temperatures and their spreads [°C, K]."""

    name: str
    latitude: float
    longitude: float
    altitude_m: float
    utc_offset_h: float
    timezone: str
    t_mean_c: float
    t_year_k: float  # half the way from the coldest to the warmest month
    t_day_k: float  # half the day's wave when the sky is of middling clearness
    t_front_k: float  # standard deviation of the fronts
    cloud_exponent: float  # a of the clear-sky index, mean of the year: larger is cloudier
    cloud_winter: float  # relative change of a from the mean to winter
    wind_m_s: float
    design_t_c: float  # outdoor temperature that heating is sized for


CLIMATES = {
    climate.name: climate
    for climate in (
        Climate(
            "temperate", 51.3, 9.5, 170.0, 1.0, "Europe/Berlin", 9.8, 9.3, 3.2, 3.4, 1.0, 0.35, 3.3, -12.0,
        ),
        Climate(
            "continental", 44.9, -93.2, 250.0, -6.0, "America/Chicago", 8.0, 17.0, 4.5, 4.8, 0.65, 0.35, 4.3, -23.0,
        ),
        Climate(
            "mediterranean", 41.9, 12.5, 40.0, 1.0, "Europe/Rome", 16.0, 8.5, 4.2, 2.4, 0.45, 0.7, 3.0, -1.0,
        ),
    )
}  # fmt: skip


def climate_of(name: "str | Climate") -> Climate:
    """Return a climate by name. Raises ``InputError`` for one that is not known."""
    if isinstance(name, Climate):
        return name
    if name not in CLIMATES:
        raise InputError(
            f"climate {name!r} is unknown{did_you_mean(str(name), CLIMATES)}; known: {', '.join(CLIMATES)}"
        )
    return CLIMATES[name]


def persistent_noise(rng: np.random.Generator, n: int, dt_h: float, tau_h: float) -> Floats:
    """Return Ornstein-Uhlenbeck noise (n,) of mean 0 and variance 1, correlated by exp(-t / tau_h).

    The first values do not depend on ``n``.
    """
    e = rng.standard_normal(n)
    r = float(np.exp(-dt_h / tau_h))
    e[1:] *= np.sqrt(1.0 - r * r)
    return np.asarray(lfilter([1.0], [1.0, -r], e), dtype=np.float64)


def synthetic_weather(climate: Climate, index: pd.DatetimeIndex, dt_h: float, seed: int) -> pd.DataFrame:
    """Return weather at ``index`` (steps' beginnings, naive standard time), columns as those of ``read_station``."""
    n = len(index)
    streams = [np.random.default_rng((seed, 0, stream)) for stream in range(4)]
    days, hours, front, gusts = (
        persistent_noise(rng, n, dt_h, tau_h) for rng, tau_h in zip(streams, (36.0, 1.5, 60.0, 8.0), strict=True)
    )
    centre = index + pd.Timedelta(hours=dt_h / 2)
    utc = (centre - pd.Timedelta(hours=climate.utc_offset_h)).tz_localize("UTC")
    sun = pvlib.solarposition.get_solarposition(utc, climate.latitude, climate.longitude, climate.altitude_m)
    zenith = sun["apparent_zenith"].to_numpy(dtype=np.float64)

    cold = np.cos(2.0 * np.pi * (np.asarray(centre.day_of_year, dtype=np.float64) - 20.0) / 365.25)
    if climate.latitude < 0.0:
        cold = -cold
    exponent = climate.cloud_exponent * (1.0 + climate.cloud_winter * cold)
    index_clear = 0.1 + 0.95 * ndtr(0.85 * days + 0.53 * hours) ** exponent
    clear = pvlib.clearsky.haurwitz(pd.Series(zenith))["ghi"].to_numpy(dtype=np.float64)
    # The clear sky fades out in powers of e; less than this is night.
    ghi = np.where(clear >= 0.1, index_clear * clear, 0.0)
    split = pvlib.irradiance.erbs(ghi, zenith, utc)
    # Near the horizon the split divides by almost nothing; beam that is more than the sky's is none.
    dni = np.where(zenith < 87.0, np.clip(np.nan_to_num(np.asarray(split["dni"])), 0.0, 1100.0), 0.0)
    dhi = np.maximum(ghi - dni * np.cos(np.radians(zenith)), 0.0)

    solar_h = np.asarray(centre.hour + centre.minute / 60.0) + climate.longitude / 15.0 - climate.utc_offset_h
    day_wave = climate.t_day_k * (0.4 + 1.2 * ndtr(days)) * np.cos(2.0 * np.pi * (solar_h - 15.0) / 24.0)
    temp = climate.t_mean_c - climate.t_year_k * cold + climate.t_front_k * front + day_wave
    wind = climate.wind_m_s * np.exp(0.5 * gusts - 0.125)
    columns = {"temp_air_c": temp, "wind_m_s": wind, "ghi_w_m2": ghi, "dni_w_m2": dni, "dhi_w_m2": dhi}
    return pd.DataFrame(columns, index=index)
