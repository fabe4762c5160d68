"""When the washing machine and the dishwasher are loaded and could start: cycles that may wait.

A cycle becomes ready at random while somebody is awake, at the rates that the generator's load has for the same device
(:data:`entangrid.data.sources.synthetic_load.DEVICES`), and never before the last one must be over: its window to start
and its run. A cycle is a constant power: 0.4 kW for 2 h (0.8 kWh) and 0.55 kW for 1.5 h (0.825 kWh), about what the
Regulations (EU) 2019/2014 and 2019/2017 call for in eco programmes. For comparison: the labels before reckoned with 220
washing and 280 dishwashing cycles a year (Regulations (EU) 1061/2010 and 1059/2010).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from entangrid.data.sources.synthetic_load import DEVICES
from entangrid.data.sources.synthetic_occupancy import rates

Floats = NDArray[np.float64]


class Appliance(NamedTuple):
    """A deferrable cycle: the generator's device that it stands for, power [kW], length and window to start [h]."""

    name: str
    kw: float
    hours: float
    window_h: float


APPLIANCES = (Appliance("washing machine", 0.4, 2.0, 8.0), Appliance("dishwasher", 0.55, 1.5, 8.0))
_DEVICES = {device.name: device for device in DEVICES}


def columns(there: bool) -> dict[str, float]:
    """Return the parameter columns of a home with both appliances, or with none."""
    out: dict[str, float] = {}
    for i, appliance in enumerate(APPLIANCES, start=1):
        out[f"appliance_kw_{i}"] = appliance.kw if there else 0.0
        out[f"appliance_h_{i}"] = appliance.hours
        out[f"appliance_window_h_{i}"] = appliance.window_h
    return out


def ready(
    appliance: Appliance, hour: Floats, somebody: NDArray[np.bool_], persons: int, dt_h: float, rng: np.random.Generator
) -> Floats:
    """Return 1 where a cycle becomes ready (n,), else 0. somebody: whether anybody is awake at home (n,)."""
    device = _DEVICES[appliance.name]
    factor = (persons / 2.0) ** device.per_person * float(np.exp(0.2 * np.clip(rng.standard_normal(), -2.0, 2.0)))
    chance = -np.expm1(-dt_h * factor * rates(device.windows, hour)) * somebody
    apart = math.ceil(appliance.window_h / dt_h) + math.ceil(appliance.hours / dt_h) + 1
    out = np.zeros(len(hour))
    free_from = 0
    for step in np.flatnonzero(rng.random(len(hour)) < chance).tolist():
        if step >= free_from:
            out[step] = 1.0
            free_from = step + apart
    return out
