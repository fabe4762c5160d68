"""The bundled home's parameters, each with the reason for its value.

A renovated detached house of 140 m² heated floor, medium mass, floor heating, air/water heat pump, battery.
Symbols: UA [W/K] between air, building mass and outdoors; C [kWh/K] of both.
"""

from typing import NamedTuple

import pandas as pd

from entangrid.data.sources.heat_pumps import hplib_generic

DESIGN_T_OUT_C = -7.0
DESIGN_CAPACITY_KW = 7.0


class Default(NamedTuple):
    """A parameter's value and where it comes from."""

    value: float
    source: str


HOUSE = {
    "ua_air_out_w_k": Default(
        95.0,
        "windows 25 m² at 1.3 W/(m²K) and 0.5 air changes an hour in 350 m³ (0.34 Wh/(m³K)): 32 + 60, and doors",
    ),
    "ua_mass_out_w_k": Default(75.0, "renovated walls, roof and floor: about 300 m² at 0.25 W/(m²K)"),
    "ua_air_mass_w_k": Default(
        1000.0, "ISO 13790: 3.45 W/(m²K) on 4.5 and 9.1 on 2.5 times the floor, in series, give 1290; less furniture"
    ),
    "c_air_kwh_k": Default(0.6, "air of 350 m³ is 0.12 kWh/K; five times that with furniture and plaster surfaces"),
    "c_mass_kwh_k": Default(6.4, "ISO 13790, table 12: medium, 165 kJ/(m²K) on 140 m²"),
}

SINK = {
    "hp_sink_base_c": Default(
        30.0, "floor heating at 0 °C outdoors: Ruhnau, Hirth, Praktiknjo 2019, DOI 10.1038/s41597-019-0199-y"
    ),
    "hp_sink_slope": Default(-0.5, "K per K of outdoor temperature, same source"),
    "hp_sink_min_c": Default(25.0, "own floor: no heating water cooler than that"),
    "hp_air_share": Default(0.3, "own round number: floor heating warms the screed first"),
}

BATTERY_AND_COMFORT = {
    "battery_kwh": Default(10.0, "common size of a home battery"),
    "battery_p_kw": Default(
        3.0, "a third of the capacity an hour, as wall-mounted units with an inverter of 2.5 to 3.5 kW have"
    ),
    "battery_eta_charge": Default(0.95, "own round number: 90 % for the round trip with inverter"),
    "battery_eta_discharge": Default(0.95, "as for charging"),
    "battery_self_discharge_per_h": Default(2e-5, "about 1.5 % a month, usual for lithium ion"),
    "battery_wear_eur_kwh": Default(0.01, "own round number, per kWh of throughput"),
    "t_set_c": Default(21.0, "usual living room"),
    "comfort_low_c": Default(20.0, "EN 16798-1, category II, winter, sedentary"),
    "comfort_high_c": Default(24.0, "own number: four kelvin of room for storing heat in the building"),
    "discomfort_eur_kh": Default(0.3, "own number: per kelvin and hour outside the band while somebody is at home"),
}


def home_parameters(name: str = "home-1") -> pd.DataFrame:
    """Return the parameter table of one home (1, P), index = ``name``.

    Heat pump: the COP of hplib's generic regulated air/water pump (group 1), ``hp_cop_p1`` to ``p4``. Its power fits
    describe part load, so the largest output is that of the generic on-off pump (group 4), ``hp_pth_p1`` to ``p4``: a
    regulated pump at full speed behaves like one. ``hp_q_ref_kw`` [kW] is chosen so that it gives 7 kW of heat at
    -7 °C outdoors into the floor heating's water of 33.5 °C.
    """
    regulated, full_speed = hplib_generic(1), hplib_generic(4)
    sink_c = SINK["hp_sink_base_c"].value + SINK["hp_sink_slope"].value * DESIGN_T_OUT_C
    row = {key: default.value for key, default in HOUSE.items()}
    row["hp_q_ref_kw"] = round(DESIGN_CAPACITY_KW / full_speed.heat_share_at(DESIGN_T_OUT_C, sink_c), 3)
    row |= {f"hp_cop_p{i}": p for i, p in enumerate(regulated.cop, start=1)}
    row |= {f"hp_pth_p{i}": p for i, p in enumerate(full_speed.pth, start=1)}
    row |= {key: default.value for key, default in (SINK | BATTERY_AND_COMFORT).items()}
    return pd.DataFrame(row, index=pd.Index([name], name="home"))
