"""The whole house that comes with the package: the bundled home with every device that a home can have.

House, weather, PV, prices and load are those of :mod:`entangrid.data.sources.bundled`; what is added or changed, all of
it this project's own stated assumptions and the same every time (seed 0):

- Zones: living (six tenths of the floor) and sleeping, 2 K cooler: :mod:`entangrid.data.sources.zoned_home`.
- People: three, of whom the household's 2.5 persons are made (hot water times 2.5 / 3). They are away when the
  household is, asleep from 23 to 6.5 h (to 8 h on Saturdays and Sundays) by the clock, a quarter of an hour later for
  each next one, and awake else.
- Hot water: :mod:`entangrid.data.sources.synthetic_hot_water`; a tank of 250 L that loses 2 W/K, heated by the heat
  pump, with an element of 2 kW.
- Vehicle: 58 kWh, 11 kW in both directions, to the home but not to the grid; it goes to work and on errands with the
  first person (:mod:`entangrid.data.sources.synthetic_vehicle`).
- Washing machine and dishwasher that may wait 8 h (:mod:`entangrid.data.sources.synthetic_appliances`). The measured
  load has such cycles in it already: it is scaled to 3,700 kWh instead of 4,000, about what is left without them.
- Cooling: hplib's generic regulated pump (group 1), 7 kW at 35 °C outdoors and 7 °C supply.
- Battery: as the bundled home's, with ageing in place of a price of wear, and carrying the home in an outage (none is
  in the series). PV may be curtailed.
- Occupancy as the meter shows it: :mod:`entangrid.data.meter_occupancy` on the load. The measured load is another
  household's than the made-up schedule, so it tells little of it (an area under the curve of about 0.6, where 0.5 is
  chance); the generator's homes, whose load is made by their people, are the ones to study that with.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entangrid.data.meter_occupancy import occupancy_from_meter
from entangrid.data.scenario import Scenario
from entangrid.data.sources import device_columns, synthetic_appliances, synthetic_vehicle
from entangrid.data.sources.bundled import PERSONS, PROVENANCE, home_series
from entangrid.data.sources.heat_pumps import hplib_generic
from entangrid.data.sources.home_defaults import home_parameters
from entangrid.data.sources.synthetic_hot_water import dhw_kw
from entangrid.data.sources.synthetic_occupancy import ASLEEP, AWAKE, AWAY
from entangrid.data.sources.zoned_home import TWO, split

Floats = NDArray[np.float64]

SEED = 0
_WATER, _VEHICLE, _APPLIANCES = 1, 2, 3
PEOPLE = 3
BED_H, UP_H, UP_WEEKEND_H, NEXT_H = 23.0, 6.5, 8.0, 0.25
LOAD_KWH = 3700.0
TANK_L, TANK_LOSS_W_K = 250.0, 2.0
VEHICLE_KWH, VEHICLE_KW = 58.0, 11.0
COOLING_KW = 7.0


def bundled_house(dt_h: float = 0.25) -> Scenario:
    """Return the scenario "bundled-house": 2016, one home with all devices, at steps of ``dt_h`` [h] (5 min to 1 h)."""
    fields = home_series(dt_h, kwh=LOAD_KWH).fields
    added: dict[str, Any] = {key: values[:, None] for key, values in _series(fields, dt_h).items()}
    return Scenario(
        name="bundled-house",
        dt_h=dt_h,
        homes=house_parameters(),
        **fields,
        **added,
        provenance=PROVENANCE
        | {
            "load": PROVENANCE["load"].replace("4000", f"{LOAD_KWH:g}"),
            "hot water, vehicle, appliances, zones": "this project's own stated assumptions, made up from seed 0",
            "occupancy_meter": "inferred from the load by a hidden Markov filter without labels",
        },
    )


def house_parameters(name: str = "home-1") -> pd.DataFrame:
    """Return the parameter table of the whole house (1, P), index = ``name``."""
    base = {str(column): float(value) for column, value in home_parameters(name).iloc[0].items()}
    row = (
        split(base, TWO)
        | device_columns.tank(TANK_L, TANK_LOSS_W_K)
        | device_columns.vehicle(VEHICLE_KWH, VEHICLE_KW, to_home_kw=VEHICLE_KW)
        | synthetic_appliances.columns(True)
        | device_columns.cooling(COOLING_KW, hplib_generic(1))
        | device_columns.values(device_columns.AGEING)
        | {"battery_backup": 1.0, "pv_curtailable": 1.0}
    )
    return pd.DataFrame(row, index=pd.Index([name], name="home"))


def _series(fields: dict[str, Any], dt_h: float) -> dict[str, Floats]:
    """Return the columns (n,) that the bundled home does not have."""
    hour, weekday = fields["hour"], fields["weekday"]
    chains = people(hour, weekday, fields["occupancy"][:, 0] > 0.0)
    water, vehicle, wash = (np.random.default_rng((SEED, part)) for part in (_WATER, _VEHICLE, _APPLIANCES))
    use = synthetic_vehicle.driving(hour, weekday, chains[0], VEHICLE_KWH, dt_h, vehicle)
    somebody = (chains == AWAKE).any(axis=0)
    out = {
        "dhw_kw": dhw_kw(hour, chains, dt_h, water) * (PERSONS / PEOPLE),
        "vehicle_home": use.home,
        "vehicle_trip_kwh": use.trip_kwh,
        "occupancy_meter": occupancy_from_meter(fields["load_kw"][:, 0], hour, dt_h),
    }
    for i, (appliance, rng) in enumerate(zip(synthetic_appliances.APPLIANCES, wash.spawn(2), strict=True), start=1):
        out[f"appliance{i}_ready"] = synthetic_appliances.ready(appliance, hour, somebody, PEOPLE, dt_h, rng)
    return out


def people(hour: Floats, weekday: NDArray[np.int64], at_home: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the state of each person at each step (PEOPLE, n) of a household that is at home or away as a whole."""
    up = np.where(weekday >= 5, UP_WEEKEND_H, UP_H)
    later = NEXT_H * np.arange(PEOPLE)[:, None]
    asleep = (hour >= (BED_H + later)) | (hour < up + later)
    return np.where(at_home, np.where(asleep, ASLEEP, AWAKE), AWAY).astype(np.int64)
