"""The memory layout that simulator and kernels share: one structured record a home, a step, a state.

A record keeps a home's numbers side by side in memory and by name in the kernels. Units follow
``docs/nomenclature.md``: power [kW], energy [kWh], temperature [°C], money [EUR], time [h].
"""

from typing import Any, TypeAlias

import numpy as np

#: A structured array of one of the types below; type checkers know no field types.
Records: TypeAlias = Any

HOME = np.dtype(
    [
        ("c_air", "f8"),  # heat capacity of the air node [kWh/K]
        ("c_mass", "f8"),  # heat capacity of the mass node [kWh/K]
        ("ua_air_out", "f8"),  # conductance air to outdoors: windows, ventilation [kW/K]
        ("ua_mass_out", "f8"),  # conductance mass to outdoors: opaque envelope [kW/K]
        ("ua_air_mass", "f8"),  # conductance air to mass [kW/K]
        ("hp_q_ref", "f8"),  # reference heat output of the heat pump [kW]
        ("hp_cop_p1", "f8"),
        ("hp_cop_p2", "f8"),
        ("hp_cop_p3", "f8"),
        ("hp_cop_p4", "f8"),
        ("hp_pth_p1", "f8"),
        ("hp_pth_p2", "f8"),
        ("hp_pth_p3", "f8"),
        ("hp_pth_p4", "f8"),
        ("hp_sink_base", "f8"),  # heating curve [°C]
        ("hp_sink_slope", "f8"),
        ("hp_sink_min", "f8"),
        ("hp_air_share", "f8"),  # share of the heat pump's heat that enters the air node
        ("battery_e", "f8"),  # usable capacity [kWh]
        ("battery_p", "f8"),  # power limit in both directions [kW]
        ("battery_eta_c", "f8"),
        ("battery_eta_d", "f8"),
        ("battery_self", "f8"),  # self-discharge [1/h]
        ("battery_wear", "f8"),  # wear per kWh drawn from the cells [EUR/kWh]
        ("t_set", "f8"),  # thermostat set point [°C]
        ("t_low", "f8"),  # comfort band [°C]
        ("t_high", "f8"),
        ("discomfort_price", "f8"),  # price of one occupied kelvin hour [EUR/(K h)]
    ]
)

COMMON = np.dtype(  # one record a step, the same for every home
    [
        ("t_out", "f8"),
        ("price_import", "f8"),  # [EUR/kWh]
        ("price_export", "f8"),
        ("carbon", "f8"),  # [kg/kWh]
        ("hour", "f8"),  # wall-clock hour at the start of the step
        ("weekend", "f8"),
        ("price_ahead", "f8"),  # mean import price of the next hours [EUR/kWh]
    ]
)

SERIES = np.dtype(  # one record a step and home
    [
        ("load", "f8"),
        ("pv", "f8"),
        ("occupancy", "f8"),
        ("gains_air", "f8"),
        ("gains_mass", "f8"),
    ]
)

STATE = np.dtype([("soc", "f8"), ("t_air", "f8"), ("t_mass", "f8")])

TERMS = np.dtype(  # what one step of one home did; the reward is minus the costs plus stored_value_eur
    [
        ("reward_eur", "f8"),
        ("bill_eur", "f8"),
        ("carbon_eur", "f8"),
        ("discomfort_eur", "f8"),
        ("wear_eur", "f8"),
        ("stored_value_eur", "f8"),  # change of the value of stored electricity and heat
        ("p_grid_kw", "f8"),  # import positive
        ("p_load_kw", "f8"),
        ("p_pv_kw", "f8"),
        ("p_hp_kw", "f8"),  # electric
        ("p_battery_kw", "f8"),  # at the meter, charging positive
        ("q_hp_kw", "f8"),  # heat delivered
        ("q_loss_kw", "f8"),  # heat lost to the outdoors, mean of the step
        ("q_gains_kw", "f8"),
        ("carbon_kg", "f8"),
        ("discomfort_kh", "f8"),  # occupied kelvin hours outside the comfort band
        ("t_air_mean_c", "f8"),
        ("clipped_hp_kw", "f8"),  # requested but not possible
        ("clipped_battery_kw", "f8"),
    ]
)

N_OBSERVATIONS = 12
N_ACTIONS = 2  # battery, heat pump
