"""Which devices a made-up home has beyond heat pump, battery and PV, how large they are, and how they are used.

- tank: 60 L and 50 L a person, log-normal by 15 %, loss 1 W/K and 4 W/K a cubic metre (class B to C of Regulation (EU)
  812/2013); eight of ten are heated by the heat pump, the others by the element alone
- vehicle: 40 to 77 kWh usable, charged with 3.7 kW (two in ten), 7.4 kW (two in ten) or 11 kW; with vehicle-to-home it
  gives back what it takes. Driving: :mod:`entangrid.data.sources.synthetic_vehicle`
- washing machine and dishwasher: :mod:`entangrid.data.sources.synthetic_appliances`; the load has none of its own then
- cooling: 1.1 times the heat pump's reference output
- zones: :mod:`entangrid.data.sources.zoned_home`

Every part has its own stream of random numbers, so that none depends on the others.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from entangrid.data.sources import device_columns, synthetic_appliances, synthetic_vehicle
from entangrid.data.sources.heat_pumps import HeatPumpFit
from entangrid.data.sources.synthetic_hot_water import dhw_kw
from entangrid.data.sources.synthetic_occupancy import AWAKE
from entangrid.data.sources.synthetic_options import Extras
from entangrid.data.sources.zoned_home import THREE, TWO, split

Floats = NDArray[np.float64]

_WATER, _VEHICLE, _APPLIANCES, _COOLING = 4, 5, 6, 7
CAPACITIES_KWH = (40.0, 52.0, 58.0, 64.0, 77.0)
CHARGERS_KW = (3.7, 7.4, 11.0, 11.0, 11.0)
DEVICES_THAT_WAIT = tuple(appliance.name for appliance in synthetic_appliances.APPLIANCES)


class Calendar(NamedTuple):
    """Wall clock of the steps (n,) that the people live through, and how many of them lie before the scenario."""

    hour: Floats
    weekday: NDArray[np.int64]
    ahead: int
    dt_h: float


class Devices(NamedTuple):
    """Parameter columns, series of the scenario (n,) by column, and whether the load leaves out what may wait."""

    columns: dict[str, float]
    series: dict[str, Floats]
    appliances: bool


def devices(
    row: dict[str, float],
    chains: NDArray[np.int64],
    calendar: Calendar,
    extras: Extras,
    cooling_fit: HeatPumpFit,
    key: tuple[int, int],
) -> Devices:
    """Return what a home has of the parts that ``extras`` asks for; a part with share 0 leaves no trace.

    row: the home's parameters so far; chains: its persons' states (persons, n); key: seed and number of the home.
    """
    hour, weekday, ahead, dt_h = calendar
    columns = split(row, {2: TWO, 3: THREE}[extras.zones]) if extras.zones > 1 else {}
    series: dict[str, Floats] = {}
    appliances = False
    if extras.tanks > 0.0:
        rng = np.random.default_rng((*key, _WATER))
        there = rng.random() < extras.tanks
        by_heat_pump = bool(rng.random() < 0.8)
        litres = (60.0 + 50.0 * len(chains)) * float(np.exp(0.15 * np.clip(rng.standard_normal(), -2.0, 2.0)))
        columns |= device_columns.tank(litres * there, 1.0 + 0.004 * litres, by_heat_pump=by_heat_pump)
        series["dhw_kw"] = dhw_kw(hour, chains, dt_h, rng)[ahead:] * there
    if extras.vehicles > 0.0:
        rng = np.random.default_rng((*key, _VEHICLE))
        there, gives = rng.random() < extras.vehicles, rng.random() < extras.v2h
        capacity = CAPACITIES_KWH[int(rng.integers(len(CAPACITIES_KWH)))]
        charger = CHARGERS_KW[int(rng.integers(len(CHARGERS_KW)))]
        columns |= device_columns.vehicle(capacity * there, charger, to_home_kw=charger * gives)
        # Absences that began before the scenario are part of it from its first step on.
        use = synthetic_vehicle.driving(hour, weekday, chains[0], capacity, dt_h, rng)
        series["vehicle_home"] = use.home[ahead:] * there
        series["vehicle_trip_kwh"] = use.trip_kwh[ahead:] * there
    if extras.appliances > 0.0:
        rng = np.random.default_rng((*key, _APPLIANCES))
        appliances = bool(rng.random() < extras.appliances)
        columns |= synthetic_appliances.columns(appliances)
        somebody = (chains == AWAKE).any(axis=0)
        for i, (appliance, stream) in enumerate(zip(synthetic_appliances.APPLIANCES, rng.spawn(2), strict=True), 1):
            cycles = synthetic_appliances.ready(appliance, hour, somebody, len(chains), dt_h, stream)
            series[f"appliance{i}_ready"] = cycles[ahead:] * appliances
    if extras.cooling > 0.0:
        there = np.random.default_rng((*key, _COOLING)).random() < extras.cooling
        columns |= device_columns.cooling(1.1 * row["hp_q_ref_kw"] * there, cooling_fit)
    if extras.ageing:
        columns |= device_columns.values(device_columns.AGEING)
    if extras.curtailable:
        columns["pv_curtailable"] = 1.0
    if extras.outages > 0.0:
        columns["battery_backup"] = float(row["battery_kwh"] > 0.0)
    if extras.tariff == "block":
        columns |= device_columns.values(device_columns.BLOCK)
    if extras.tariff == "demand":
        columns |= device_columns.values(device_columns.DEMAND)
    return Devices(columns, series, appliances)


def outages(day: NDArray[np.int64], per_year: float, dt_h: float, rng: np.random.Generator) -> Floats:
    """Return 0 where the grid has failed (n,), else 1.

    day: a number from 0 that counts days (n,). A day has an outage with the chance per_year / 365; it begins at any
    hour and lasts log-normally, median 1.5 h, spread 0.8, 12 h at most, whole steps and at least one.
    """
    out = np.ones(len(day))
    first = np.searchsorted(day, np.arange(int(day[-1]) + 1))
    for number, (happens, when, length) in enumerate(rng.random((int(day[-1]) + 1, 3))):
        if happens < per_year / 365.0:
            begin = first[number] + int(when * 24.0 / dt_h)
            hours = min(1.5 * float(np.exp(0.8 * ndtri(length))), 12.0)
            out[begin : begin + max(1, round(hours / dt_h))] = 0.0
    return out
