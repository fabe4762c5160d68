"""Hot water drawn by a household: showers after getting up or in the evening, taps while somebody is awake.

============== ========================================================================================================
draw           of each person
============== ========================================================================================================
shower         with three chances in eight within the hour after getting up (rate 0.5 an hour), and in the evening from
               17 to 23 h while awake at home (0.09 an hour): 40 L of 40 °C, 1.4 kWh, in 6 min; every one times
               log-normal noise of 25 %
taps           while awake at home, 0.75 an hour: 2 L of 40 °C, 0.07 kWh, in half a minute, log-normal by 60 %
dishes         of the household, while somebody is awake, 0.3 an hour from 7 to 9, 12 to 14 and 18 to 21 h: 0.3 kWh, in
               3 min
============== ========================================================================================================

Heat is that above cold water of 10 °C: 40 L (40 - 10) K 1.163 Wh/(L K) = 1.4 kWh. A household's habit multiplies all
draws (log-normal, 20 %). The numbers are this project's own, set so that a person draws 1.4 to 2 kWh on a day at home.
For comparison: load profile M of Regulation (EU) 814/2013, annex III, has 5.85 kWh a day for a family; the median of
115,000 British homes is about 4 kWh a day, with peaks from 6 to 8 and 17 to 19 h (Department for Energy Security and
Net Zero, *Domestic hot water use in the UK*, 2024).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from entangrid.data.sources.synthetic_load import add_power
from entangrid.data.sources.synthetic_occupancy import ASLEEP, AWAKE, rates

Floats = NDArray[np.float64]

SHOWER_KWH, SHOWER_H, SHOWER_SPREAD = 1.4, 0.1, 0.25
TAP_KWH, TAP_H, TAP_SPREAD = 0.07, 1.0 / 120.0, 0.6
DISHES_KWH, DISHES_H = 0.3, 0.05
AFTER_WAKING_H, AFTER_WAKING_RATE = 1.0, 0.5
EVENING = ((17.0, 23.0, 0.09),)
TAP_RATE = 0.75
DISHES = ((7.0, 9.0, 0.3), (12.0, 14.0, 0.3), (18.0, 21.0, 0.3))


def dhw_kw(hour: Floats, chains: NDArray[np.int64], dt_h: float, rng: np.random.Generator) -> Floats:
    """Return the heat of the hot water drawn (n,) [kW], means of the steps.

    hour: wall clock (n,); chains: the state of each person at each step (persons, n), of
    :mod:`entangrid.data.sources.synthetic_occupancy`. The first steps do not depend on the later ones.
    """
    n = len(hour)
    habit = float(np.exp(0.2 * np.clip(rng.standard_normal(), -2.0, 2.0)))
    kitchen, *streams = rng.spawn(1 + len(chains))
    power = np.zeros(n)
    evening = rates(EVENING, hour)
    for states, stream in zip(chains, streams, strict=True):
        draws = stream.random((n, 6))
        awake = states == AWAKE
        soon = _since_waking_h(states, dt_h) < AFTER_WAKING_H
        shower = (AFTER_WAKING_RATE * soon + evening) * awake
        _draw(power, shower, draws[:, :3], (SHOWER_KWH * habit, SHOWER_H, SHOWER_SPREAD), dt_h)
        _draw(power, TAP_RATE * awake, draws[:, 3:], (TAP_KWH * habit, TAP_H, TAP_SPREAD), dt_h)
    somebody = (chains == AWAKE).any(axis=0)
    _draw(power, rates(DISHES, hour) * somebody, kitchen.random((n, 3)), (DISHES_KWH * habit, DISHES_H, 0.3), dt_h)
    return power


def _draw(power: Floats, rate: Floats, draws: Floats, size: tuple[float, float, float], dt_h: float) -> None:
    """Add draws that come at ``rate`` (n,) [1/h]; draws (n, 3): whether, when, how much; size: kWh, hours, spread."""
    kwh, hours, spread = size
    for step in np.flatnonzero(draws[:, 0] < -np.expm1(-dt_h * rate)):
        noise = float(np.exp(spread * np.clip(ndtri(draws[step, 2]), -2.0, 2.0) - 0.5 * spread**2))
        begin = (step + draws[step, 1]) * dt_h
        add_power(power, begin, begin + hours, kwh * noise / hours, dt_h)


def _since_waking_h(states: NDArray[np.int64], dt_h: float) -> Floats:
    """Return the time [h] since the person last got up (n,); before the first time it is long ago."""
    steps = np.arange(len(states))
    woke = np.concatenate([[False], (states[1:] == AWAKE) & (states[:-1] == ASLEEP)])
    last = np.maximum.accumulate(np.where(woke, steps, -10_000_000))
    return np.asarray((steps - last) * dt_h, dtype=np.float64)
