"""Houses, heat pumps, batteries and PV systems that differ from home to home about the bundled home's values.

A home's numbers are drawn around :mod:`entangrid.data.sources.home_defaults`, whose reasons hold here too:

- floor: 45 m² + 27 m² a person, log-normal by 25 %. UA scales with the floor; that of the opaque envelope with a factor
  for the building's age as well (0.7 to 1.9, skewed to renovated), that of windows and ventilation by a fifth of it.
  Capacities scale with the floor; the mass's with 0.6 to 1.4 as well.
- emission: floor heating (six in ten) or radiators: sink 40 °C - 1.0 K/K (Ruhnau, Hirth, Praktiknjo 2019, DOI
  10.1038/s41597-019-0199-y), 35 °C at least, seven tenths of the heat to the air.
- heat pump: gives 0.9 to 1.2 of the heat loss at the climate's design temperature and 20 °C inside.
- comfort: set point N(21, 0.6) °C; the band from 1 K below to 3 K above; price of discomfort log-normal about 0.3.
- battery: six homes in ten, 5 to 14 kWh, power 0.25 to 0.5 of it an hour. PV: seven in ten, 3 to 10 kWp, tilts 20 to
  45°, azimuths from east-south-east to west-south-west (mirrored south of the equator). Windows: 0.13 of the floor.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from entangrid.data.sources.heat_pumps import HeatPumpFit
from entangrid.data.sources.synthetic_weather import Climate

FLOOR_M2 = 140.0
TILTS_DEG = (20.0, 30.0, 35.0, 45.0)
AZIMUTHS_DEG = (112.5, 135.0, 157.5, 180.0, 202.5, 225.0, 247.5)
WINDOW_SHARES = ((0.5, 0.25, 0.25), (0.4, 0.3, 0.3), (0.6, 0.2, 0.2))


class House(NamedTuple):
    """Parameter row and what the home's own series need."""

    parameters: pd.DataFrame
    kwp: float
    tilt_deg: float
    azimuth_deg: float
    windows_m2: tuple[float, float, float]  # towards the equator, east, west


def house(
    name: str, persons: int, base: pd.DataFrame, full_speed: HeatPumpFit, climate: Climate, rng: np.random.Generator
) -> House:
    """Return the house of a home. base: the bundled home's row; full_speed: the heat pump's fit at full output."""
    normal = np.clip(rng.standard_normal(4), -2.0, 2.0)
    draw = rng.random(12)
    row = {str(column): float(base[column].iloc[0]) for column in base.columns}
    floor_m2 = (45.0 + 27.0 * persons) * np.exp(0.25 * normal[0])
    size, age = floor_m2 / FLOOR_M2, 0.7 + 1.2 * draw[0] ** 1.5
    row["ua_air_out_w_k"] *= size * (0.8 + 0.2 * age)
    row["ua_mass_out_w_k"] *= size * age
    row["ua_air_mass_w_k"] *= size
    row["c_air_kwh_k"] *= size
    row["c_mass_kwh_k"] *= size * (0.6 + 0.8 * draw[1])
    if draw[2] >= 0.6:
        row |= {"hp_sink_base_c": 40.0, "hp_sink_slope": -1.0, "hp_sink_min_c": 35.0, "hp_air_share": 0.7}
    sink_c = max(row["hp_sink_base_c"] + row["hp_sink_slope"] * climate.design_t_c, row["hp_sink_min_c"])
    loss_kw = (row["ua_air_out_w_k"] + row["ua_mass_out_w_k"]) * (20.0 - climate.design_t_c) / 1000.0
    row["hp_q_ref_kw"] = loss_kw * (0.9 + 0.3 * draw[3]) / full_speed.heat_share_at(climate.design_t_c, sink_c)
    has_battery = draw[4] < 0.6
    row["battery_kwh"] = round(5.0 + 9.0 * draw[5], 1) if has_battery else 0.0
    row["battery_p_kw"] = row["battery_kwh"] * (0.25 + 0.25 * draw[6])
    row["t_set_c"] = 21.0 + 0.6 * normal[1]
    row["comfort_low_c"], row["comfort_high_c"] = row["t_set_c"] - 1.0, row["t_set_c"] + 3.0
    row["discomfort_eur_kh"] *= np.exp(0.3 * normal[2])
    shares = WINDOW_SHARES[int(draw[7] * len(WINDOW_SHARES))]
    azimuth_deg = AZIMUTHS_DEG[int(draw[8] * len(AZIMUTHS_DEG))]
    return House(
        parameters=pd.DataFrame(row, index=pd.Index([name], name="home")),
        kwp=round(3.0 + 7.0 * draw[9], 1) if draw[10] < 0.7 else 0.0,
        tilt_deg=TILTS_DEG[int(draw[11] * len(TILTS_DEG))],
        azimuth_deg=azimuth_deg if climate.latitude >= 0.0 else (180.0 - azimuth_deg) % 360.0,
        windows_m2=(0.13 * floor_m2 * shares[0], 0.13 * floor_m2 * shares[1], 0.13 * floor_m2 * shares[2]),
    )
