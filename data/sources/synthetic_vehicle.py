"""When a home's electric vehicle is away, and what the driving takes from its battery.

The driver is the first person of the household. When the driver goes out, the vehicle goes too with a chance of 0.8;
days away with the household begin the same way. A work day's absence that begins from 4 to 11 h is a way to work of the
driver's own length, all others are errands:

- to work and back: log-normal, median 36 km, spread 0.6, the same on all days, times 5 % of noise
- errand, there and back: log-normal, median 17 km, spread 0.9
- absences of more than a day: median 250 km, spread 0.5

Half of the way is driven from the absence's first step on and half up to its last one, at 45 km/h on average; an
absence of few steps takes all of it within them. The energy is km times 0.15 to 0.20 kWh/km, the home's own, and at
most seven tenths of the usable capacity in one absence: beyond that the vehicle is charged on the way.

For comparison: German cars were driven 13,602 km in 2019, 37 km a day (Kraftfahrt-Bundesamt, *Verkehr in Kilometern*,
July 2020). The distributions are this project's own, set to come near that.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from entangrid.data.sources.synthetic_occupancy import AWAY

Floats = NDArray[np.float64]

GOES_BY_CAR = 0.8
WORK_KM, WORK_SPREAD = 36.0, 0.6
ERRAND_KM, ERRAND_SPREAD = 17.0, 0.9
JOURNEY_KM, JOURNEY_SPREAD = 250.0, 0.5
KM_H = 45.0
LARGEST_SHARE = 0.7
KWH_KM = (0.15, 0.20)


class Driving(NamedTuple):
    """Series of a vehicle (n,): 1 where it is plugged in, and energy taken by driving [kWh]; its kWh/km; its km."""

    home: Floats
    trip_kwh: Floats
    kwh_km: float
    km: float


def driving(
    hour: Floats,
    weekday: NDArray[np.int64],
    states: NDArray[np.int64],
    capacity_kwh: float,
    dt_h: float,
    rng: np.random.Generator,
) -> Driving:
    """Return when the vehicle is at home and what it drives; states: the driver's at each step (n,).

    The first steps do not depend on the later ones, but for an absence that has not ended: its way back is not driven.
    """
    n = len(hour)
    kwh_km = KWH_KM[0] + (KWH_KM[1] - KWH_KM[0]) * float(rng.random())
    work_km = WORK_KM * float(np.exp(WORK_SPREAD * np.clip(rng.standard_normal(), -2.0, 2.0)))
    draws = rng.random((n, 2))
    away = states == AWAY
    home, trip = np.ones(n), np.zeros(n)
    turns = np.flatnonzero(np.diff(away.astype(np.int64), prepend=0, append=0))
    total_km = 0.0
    for first, end in zip(turns[::2].tolist(), turns[1::2].tolist(), strict=True):
        if draws[first, 0] >= GOES_BY_CAR:
            continue
        home[first:end] = 0.0
        noise = float(np.clip(ndtri(draws[first, 1]), -2.0, 2.0))
        hours = (end - first) * dt_h
        if hours > 24.0:
            km = JOURNEY_KM * np.exp(JOURNEY_SPREAD * noise)
        elif weekday[first] < 5 and 4.0 <= hour[first] < 11.0:
            km = work_km * np.exp(0.05 * noise)
        else:
            km = ERRAND_KM * np.exp(ERRAND_SPREAD * noise)
        energy = min(km * kwh_km, LARGEST_SHARE * capacity_kwh)
        steps = max(1, min(end - first, int(np.ceil(0.5 * km / KM_H / dt_h))))
        trip[first : first + steps] += 0.5 * energy / steps
        total_km += 0.5 * km
        if end < n:
            trip[end - steps : end] += 0.5 * energy / steps
            total_km += 0.5 * km
    return Driving(home, trip, kwh_km, total_km)
