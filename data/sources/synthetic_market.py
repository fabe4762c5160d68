"""A made-up power market: a day-ahead price and the carbon of the grid's electricity, from demand, sun and wind.

Hour by hour, residual demand as a share of the mean demand:

    r = d - 0.5 s - 0.36 w

- d, demand: 1 + 0.15 about 9 h + 0.22 about 19 h - 0.18 about 3 h (Gaussian bumps of 2.5 h of wall-clock time), an
  eighth less at weekends
- s, sun: global irradiance of the scenario's own weather over 700 W/m²
- w, wind: log-normal, of an Ornstein-Uhlenbeck process with a memory of 30 h; mean 1, a quarter more in January than
  the mean of the year and a quarter less in July

    price = 0.072 + 0.20 (r - 0.5) EUR/kWh, and where that is below 0.02: 0.02 - 0.6 (0.02 - it); noise of 0.006
    carbon = 0.06 + 0.55 max(r, 0) kg/kWh, at most 0.9

Price and carbon hold for a full hour. The numbers are this project's own, set near the German market of 2024: mean
0.080 EUR/kWh, weekdays from 8 to 20 h 1.11 times that, about 460 negative hours (Forschungsstelle für
Energiewirtschaft, *German Electricity Prices on EPEX Spot 2024*). The carbon's mean is about 0.36 kg/kWh.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from entangrid.data.sources.synthetic_weather import persistent_noise

Floats = NDArray[np.float64]


class Market(NamedTuple):
    """Price [EUR/kWh] and carbon [kg/kWh] at each step (n,)."""

    spot_eur_kwh: Floats
    carbon_kg_kwh: Floats


def market(
    hour: Floats, weekday: NDArray[np.int64], day_of_year: Floats, ghi_w_m2: Floats, dt_h: float, seed: int
) -> Market:
    """Return the market at steps (n,) that begin at a full hour and fill whole hours.

    hour, weekday (0 = Monday): wall clock; day_of_year: 1 to 366; ghi_w_m2: global irradiance of the steps. The first
    steps do not depend on the later ones.
    """
    per_hour = round(1.0 / dt_h)
    first = slice(None, None, per_hour)
    sun = ghi_w_m2.reshape(-1, per_hour).mean(axis=1) / 700.0
    clock = np.floor(hour[first])
    demand = 1.0 + 0.15 * _bump(clock, 9.0) + 0.22 * _bump(clock, 19.0) - 0.18 * _bump(clock, 3.0)
    demand = demand * np.where(weekday[first] >= 5, 0.88, 1.0)
    gusts, noise = (np.random.default_rng((seed, 0, stream)) for stream in (10, 11))
    n = len(sun)
    winter = 1.0 + 0.25 * np.cos(2.0 * np.pi * (day_of_year[first] - 15.0) / 365.25)
    wind = winter * np.exp(0.6 * persistent_noise(gusts, n, 1.0, 30.0) - 0.18)
    residual = demand - 0.5 * sun - 0.36 * wind
    price = 0.072 + 0.20 * (residual - 0.5) + 0.006 * persistent_noise(noise, n, 1.0, 3.0)
    price = np.where(price < 0.02, 0.02 - 0.6 * (0.02 - price), price)
    carbon = np.minimum(0.06 + 0.55 * np.maximum(residual, 0.0), 0.9)
    return Market(np.repeat(price, per_hour), np.repeat(carbon, per_hour))


def _bump(clock: Floats, centre: float) -> Floats:
    """Gaussian of 2.5 h about ``centre`` on a clock of 24 h, from 0 to 1."""
    distance = (clock - centre + 12.0) % 24.0 - 12.0
    return np.asarray(np.exp(-0.5 * (distance / 2.5) ** 2))
