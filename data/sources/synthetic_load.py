"""Electric load of a home from what its people do: standby, cooling appliances, light, screens, and events.

============== ========================================================================================================
part           power
============== ========================================================================================================
standby        constant, 40 to 110 W and 15 W a person
refrigerators  one or two, each a square wave: 70 to 110 W for a third of a cycle of 40 to 70 min
light          25 W for the home and 30 W for each person awake; with daylight it falls to nothing between 20 and
               200 W/m² of global irradiance
screens        65 W for each person awake, a fifth more from 18 to 23 h, times log-normal noise of an hour
events         :data:`DEVICES`: started at random while somebody is awake, run their course, never twice at a time; all
               rates times log-normal noise of 16 hours, for busy days and lazy ones
============== ========================================================================================================

Vehicles, hot water and space heating are no part of it. The numbers are this project's own, set so that homes of 1 to 4
persons use about 1,500 to 5,000 kWh a year, and that the mean day resembles BDEW's household profile H25.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from entangrid.data.sources.synthetic_occupancy import Windows, rates
from entangrid.data.sources.synthetic_weather import persistent_noise

Floats = NDArray[np.float64]


class Device(NamedTuple):
    """A device that is switched on: its course (power [kW], hours), when (rates [1/h]), and who has one."""

    name: str
    course: tuple[tuple[float, float], ...]
    windows: Windows
    owned_by: float = 1.0
    per_person: float = 0.5  # exponent of the number of persons over two


DEVICES = (
    Device("stove", ((1.4, 0.25), (0.6, 0.4)), ((6.0, 9.0, 0.07), (11.0, 14.0, 0.27), (16.5, 21.0, 0.2)), 1.0, 0.3),
    Device("kettle", ((2.0, 0.05),), ((5.0, 10.0, 0.45), (10.0, 18.0, 0.25), (18.0, 23.0, 0.15))),
    Device("microwave", ((1.1, 0.06),), ((6.5, 9.0, 0.2), (11.5, 14.0, 0.3), (17.0, 21.0, 0.25)), 0.8),
    Device("dishwasher", ((1.7, 0.25), (0.1, 0.5), (1.7, 0.2)), ((9.0, 16.0, 0.08), (19.0, 24.0, 0.09)), 0.75),
    Device("washing machine", ((1.7, 0.25), (0.25, 1.0)), ((7.5, 20.0, 0.07),), 0.95, 0.8),
    Device("dryer", ((1.2, 1.0), (0.6, 0.3)), ((9.5, 21.0, 0.05),), 0.45, 0.8),
    Device("cleaning and ironing", ((1.0, 0.4),), ((8.5, 19.0, 0.06),)),
    Device("hair dryer", ((1.2, 0.1),), ((5.5, 9.0, 0.3), (19.0, 22.5, 0.08))),
)


def load_kw(
    hour: Floats,
    awake: Floats,
    persons: int,
    ghi_w_m2: Floats,
    dt_h: float,
    rng: np.random.Generator,
    without: Collection[str] = (),
) -> Floats:
    """Return the load (n,) [kW], means of the steps. awake: number of persons awake at home (n,).

    without: names of devices that the home uses in another way; all others stay what they are.
    """
    n = len(hour)
    usage = float(np.exp(0.2 * np.clip(rng.standard_normal(), -2.0, 2.0)))
    light, screens, cold, mood, *events = rng.spawn(4 + len(DEVICES))
    load = np.full(n, rng.uniform(0.04, 0.11) + 0.015 * persons)

    edges_h = np.arange(n + 1, dtype=np.float64) * dt_h
    for _ in range(1 + int(cold.random() < 0.4)):
        power, cycle_h = float(cold.uniform(0.07, 0.11)), float(cold.uniform(0.67, 1.17))
        phase = float(cold.random())
        load += power * np.diff(_on_hours(edges_h / cycle_h + phase, 1.0 / 3.0) * cycle_h) / dt_h

    dark = np.clip((200.0 - ghi_w_m2) / 180.0, 0.0, 1.0)
    somebody = awake > 0.0
    flicker = np.exp(0.4 * persistent_noise(light, n, dt_h, 1.0) - 0.08)
    load += usage * dark * flicker * (0.025 * somebody + 0.03 * awake)
    evening = 1.0 + 0.2 * ((hour >= 18.0) & (hour < 23.0))
    noise = np.exp(0.5 * persistent_noise(screens, n, dt_h, 1.0) - 0.125)
    load += usage * 0.065 * awake * evening * noise

    busy = np.exp(0.4 * persistent_noise(mood, n, dt_h, 16.0) - 0.08)
    for device, stream in zip(DEVICES, events, strict=True):
        if device.name in without:
            continue
        factor = usage * busy * (persons / 2.0) ** device.per_person
        load += _events_kw(device, factor, hour, somebody, dt_h, stream)
    return load


def _on_hours(cycles: Floats, duty: float) -> Floats:
    """Return the time on up to ``cycles`` (in cycles) of a square wave that is on in the first ``duty`` of each."""
    whole = np.floor(cycles)
    return np.asarray(whole * duty + np.minimum(cycles - whole, duty))


def _events_kw(
    device: Device, factor: Floats, hour: Floats, somebody: NDArray[np.bool_], dt_h: float, rng: np.random.Generator
) -> Floats:
    """Return the mean power (n,) of a device; a home that has none gives 0."""
    n = len(hour)
    owned, size = rng.random() < device.owned_by, float(np.exp(0.15 * np.clip(rng.standard_normal(), -2.0, 2.0)))
    power = np.zeros(n)
    if not owned:
        return power
    draws = rng.random((n, 2))
    chance = -np.expm1(-dt_h * factor * rates(device.windows, hour)) * somebody
    free_from = 0.0
    for step in np.flatnonzero(draws[:, 0] < chance):
        begin = (step + draws[step, 1]) * dt_h
        if begin < free_from:
            continue
        for kw, duration_h in device.course:
            add_power(power, begin, begin + duration_h, kw * size, dt_h)
            begin += duration_h
        free_from = begin
    return power


def add_power(power: Floats, begin_h: float, end_h: float, kw: float, dt_h: float) -> None:
    """Add ``kw`` from ``begin_h`` to ``end_h`` to the means of the steps; what lies beyond the last step is lost."""
    for step in range(int(begin_h / dt_h), min(int(end_h / dt_h) + 1, len(power))):
        overlap = min(end_h, (step + 1) * dt_h) - max(begin_h, step * dt_h)
        power[step] += kw * max(overlap, 0.0) / dt_h
