"""The memory layout that simulator and kernels share: one structured record a home, a step, a state.

A record keeps a home's numbers side by side in memory and by name in the kernels. Units follow
``docs/nomenclature.md``: power [kW], energy [kWh], temperature [°C], money [EUR], time [h].
"""

from typing import Any, TypeAlias

import numpy as np

#: A structured array of one of the types below; type checkers know no field types.
Records: TypeAlias = Any

MAX_ZONES = 4
CURVE_POINTS = 5
N_APPLIANCES = 2
ZONE_PAIRS = MAX_ZONES * (MAX_ZONES - 1) // 2

_THERMAL = [
    ("hp_air_share", "f8"),  # share of the heat pump's heat that enters the air nodes
    ("ideal_load", "f8"),  # 1: heating and cooling hold the comfort band exactly, whatever the action
    ("n_zones", "f8"),
    ("building", "f8"),  # 0: a meter without a building; temperatures stand still and nobody minds them
    ("ua_zones", "f8", (ZONE_PAIRS,)),  # air to air between zones 12, 13, 14, 23, 24, 34 [kW/K]
]
_HEAT_PUMP = [
    ("hp_q_ref", "f8"),  # reference heat output [kW]; 0: no heat pump
    ("hp_cop_p1", "f8"),
    ("hp_cop_p2", "f8"),
    ("hp_cop_p3", "f8"),
    ("hp_cop_p4", "f8"),
    ("hp_pth_p1", "f8"),
    ("hp_pth_p2", "f8"),
    ("hp_pth_p3", "f8"),
    ("hp_pth_p4", "f8"),
    ("hp_model", "f8"),  # 0: hplib's linear fits; 1: when2heat's quadratic for the COP, constant heat output
    ("hp_quad_0", "f8"),  # when2heat: cop = factor (q0 + q1 dT + q2 dT²)
    ("hp_quad_1", "f8"),
    ("hp_quad_2", "f8"),
    ("hp_quad_factor", "f8"),
    ("hp_source", "f8"),  # temperature of a ground or water source [°C]; NaN: outdoor air
    ("hp_sink_base", "f8"),  # heating curve [°C]
    ("hp_sink_slope", "f8"),
    ("hp_sink_min", "f8"),
    ("hp_min_share", "f8"),  # smallest share of the full output without cycling
    ("hp_cc", "f8"),  # EN 14825's Cc: 1 means that cycling costs nothing
    ("hp_cool_q_ref", "f8"),  # reference cooling output [kW]; 0: no cooling
    ("hp_eer_p1", "f8"),
    ("hp_eer_p2", "f8"),
    ("hp_eer_p3", "f8"),
    ("hp_eer_p4", "f8"),
    ("hp_pdc_p1", "f8"),
    ("hp_pdc_p2", "f8"),
    ("hp_pdc_p3", "f8"),
    ("hp_pdc_p4", "f8"),
    ("hp_cool_sink", "f8"),  # supply temperature when cooling [°C]
]
_HOT_WATER = [
    ("dhw_c", "f8"),  # heat capacity of the tank [kWh/K]; 0: no tank
    ("dhw_ua", "f8"),  # loss conductance [kW/K]
    ("dhw_t_env", "f8"),  # temperature around the tank [°C]
    ("dhw_t_set", "f8"),  # thermostat [°C]
    ("dhw_t_min", "f8"),  # lowest useful temperature [°C]: below it, draw is unmet
    ("dhw_t_max", "f8"),
    ("dhw_hp", "f8"),  # 1: the heat pump heats the tank; 0: the element alone does
    ("dhw_element", "f8"),  # electric element [kW]
    ("dhw_legionella_c", "f8"),
    ("dhw_legionella_h", "f8"),  # the tank must be that hot once in so many hours; 0: never
    ("dhw_unmet_price", "f8"),  # [EUR/kWh]
]
_BATTERY = [
    ("battery_e", "f8"),  # usable capacity [kWh]; 0: no battery
    ("battery_p", "f8"),  # power limit in both directions [kW]
    ("battery_eta_c", "f8"),
    ("battery_eta_d", "f8"),
    ("battery_self", "f8"),  # self-discharge [1/h]
    ("battery_wear", "f8"),  # wear per kWh drawn from the cells [EUR/kWh]
    ("battery_curves", "f8"),  # 1: the two curves below hold, 0: constant efficiency and power limit
    ("battery_eta_x", "f8", (CURVE_POINTS,)),  # share of the power limit
    ("battery_eta_y", "f8", (CURVE_POINTS,)),  # efficiency there, one way
    ("battery_lim_x", "f8", (CURVE_POINTS,)),  # state of charge
    ("battery_lim_y", "f8", (CURVE_POINTS,)),  # share of the power limit allowed there
    ("battery_calendar", "f8"),  # capacity lost a year at half charge [1/a]
    ("battery_calendar_soc", "f8"),  # exponent of the state of charge's stress
    ("battery_cycle", "f8"),  # capacity lost a full equivalent cycle
    ("battery_price", "f8"),  # of a kWh of new capacity [EUR/kWh]; ageing costs that much
    ("battery_backup", "f8"),  # 1: the battery carries the home in an outage
]
_VEHICLE = [
    ("ev_e", "f8"),  # usable capacity [kWh]; 0: no vehicle
    ("ev_p_charge", "f8"),  # [kW]
    ("ev_p_discharge", "f8"),  # [kW]; 0: no vehicle-to-home
    ("ev_eta_c", "f8"),
    ("ev_eta_d", "f8"),
    ("ev_v2g", "f8"),  # 1: may feed the grid, 0: may only serve the home
    ("ev_soc_departure", "f8"),  # wanted when it leaves
    ("ev_unmet_price", "f8"),  # of a kWh that is missing when it leaves, bought elsewhere [EUR/kWh]
    ("ev_wear", "f8"),  # per kWh drawn from the cells for the home [EUR/kWh]
]
_REST = [
    ("app_kw", "f8", (N_APPLIANCES,)),  # power of a deferrable cycle [kW]; 0: no such appliance
    ("app_h", "f8", (N_APPLIANCES,)),  # its length [h]
    ("app_window_h", "f8", (N_APPLIANCES,)),  # from being ready to the latest start [h]
    ("pv_curtailable", "f8"),  # 1: the agent may curtail PV
    ("vw_start", "f8"),  # volt-watt: full power up to this voltage [pu] ...
    ("vw_end", "f8"),  # ... and none from here on; 0: no such rule
    ("tan_phi", "f8"),  # reactive over active power of the home's consumption
    ("block_kwh", "f8"),  # import a calendar month at the base price; beyond it the adder is due; 0: no blocks
    ("block_adder", "f8"),  # [EUR/kWh]
    ("demand_price", "f8"),  # of a new highest import of the calendar month [EUR/kW]
    ("demand_free", "f8"),  # import that costs no demand charge [kW]
    ("unserved_price", "f8"),  # of a kWh not served in an outage [EUR/kWh]
    ("discomfort_price", "f8"),  # of one occupied kelvin hour [EUR/(K h)]
]

HOME = np.dtype(_THERMAL + _HEAT_PUMP + _HOT_WATER + _BATTERY + _VEHICLE + _REST)

ZONE = np.dtype(
    [
        ("c_air", "f8"),  # heat capacity of the air node [kWh/K]; 0: without capacity, eliminated
        ("c_mass", "f8"),  # heat capacity of the mass node [kWh/K]
        ("ua_air_out", "f8"),  # air to outdoors: windows, ventilation [kW/K]
        ("ua_mass_out", "f8"),  # mass to outdoors: opaque envelope [kW/K]
        ("ua_air_mass", "f8"),  # air to mass [kW/K]
        ("ua_air_surface", "f8"),  # air to a surface node without capacity [kW/K]; 0: no such node
        ("ua_surface_mass", "f8"),
        ("ua_surface_out", "f8"),
        ("mass_to_mass", "f8"),  # share of the heat meant for the mass that enters the mass node ...
        ("mass_to_surface", "f8"),  # ... and the surface node; the rest is lost outdoors
        ("gain_share", "f8"),  # share of the home's heat gains
        ("emitter_share", "f8"),  # share of the heat pump's output that the zone's emitters can take
        ("day_share", "f8"),  # whose comfort counts from 7 to 22 h ...
        ("night_share", "f8"),  # ... and from 22 to 7 h
        ("t_set", "f8"),  # thermostat when heating [°C]
        ("t_low", "f8"),  # comfort band [°C]
        ("t_high", "f8"),
        ("ua_steady", "f8"),  # steady loss to the outdoors per kelvin of the zone alone [kW/K]
    ]
)

COMMON = np.dtype(  # one record a step, the same for every home
    [
        ("t_out", "f8"),
        ("price_import", "f8"),  # [EUR/kWh]
        ("price_export", "f8"),
        ("carbon", "f8"),  # [kg/kWh]
        ("hour", "f8"),  # wall-clock hour at the start of the step
        ("hour_sin", "f8"),  # of its angle on the day's circle
        ("hour_cos", "f8"),
        ("weekend", "f8"),
        ("price_ahead", "f8"),  # mean import price of the next hours [EUR/kWh]
        ("grid", "f8"),  # 1: the grid is there, 0: outage
        ("new_month", "f8"),  # 1: the first step of a calendar month
    ]
)

SERIES = np.dtype(  # one record a step and home
    [
        ("load", "f8"),
        ("pv", "f8"),
        ("occupancy", "f8"),
        ("occupancy_meter", "f8"),  # inferred from the meter
        ("gains_air", "f8"),
        ("gains_mass", "f8"),
        ("dhw", "f8"),  # hot water drawn [kW]
        ("ev_home", "f8"),  # 1: plugged in during the step
        ("ev_trip", "f8"),  # energy that driving takes in the step [kWh]
        ("ev_leaves_h", "f8"),  # hours until the vehicle leaves next; 24 if later or away
        ("app_ready", "f8", (N_APPLIANCES,)),  # 1: a cycle becomes ready
    ]
)

STATE = np.dtype(
    [
        ("soc", "f8"),
        ("t_air", "f8"),  # zone 1
        ("t_mass", "f8"),
        ("t_zones", "f8", (2 * MAX_ZONES - 2,)),  # air, mass of zones 2 to 4
        ("soh", "f8"),  # capacity that the battery has kept
        ("t_tank", "f8"),
        ("tank_cold_h", "f8"),  # hours since the tank was last hot enough against legionella
        ("ev_soc", "f8"),
        ("app_wait", "f8", (N_APPLIANCES,)),  # steps until a ready cycle must start; -1: none is ready
        ("app_left", "f8", (N_APPLIANCES,)),  # steps that a running cycle still takes
        ("month_kwh", "f8"),  # imported in this calendar month
        ("month_peak", "f8"),  # highest import of this calendar month [kW]
        ("vm", "f8"),  # voltage at the home's bus in the last step [pu]
    ]
)

TERMS = np.dtype(  # what one step of one home did; the reward is minus the costs plus stored_value_eur
    [
        ("reward_eur", "f8"),
        ("bill_eur", "f8"),
        ("carbon_eur", "f8"),
        ("discomfort_eur", "f8"),
        ("wear_eur", "f8"),
        ("unmet_eur", "f8"),  # hot water, vehicle, outage
        ("grid_eur", "f8"),  # the home's share of the feeder's violations and ageing
        ("stored_value_eur", "f8"),  # change of the value of stored electricity and heat
        ("p_grid_kw", "f8"),  # import positive
        ("p_load_kw", "f8"),
        ("p_pv_kw", "f8"),  # used or fed in
        ("p_hp_kw", "f8"),  # electric, for rooms and tank
        ("p_battery_kw", "f8"),  # at the meter, charging positive
        ("p_element_kw", "f8"),  # the tank's electric element
        ("p_ev_kw", "f8"),  # at the meter, charging positive
        ("p_appliances_kw", "f8"),
        ("q_hp_kw", "f8"),  # delivered to the rooms; cooling negative
        ("q_dhw_kw", "f8"),  # delivered to the tank
        ("q_draw_kw", "f8"),  # hot water taken
        ("q_tank_loss_kw", "f8"),
        ("q_loss_kw", "f8"),  # heat lost to the outdoors, mean of the step
        ("q_gains_kw", "f8"),
        ("carbon_kg", "f8"),
        ("discomfort_kh", "f8"),  # occupied kelvin hours outside the comfort band
        ("t_air_mean_c", "f8"),  # zone 1
        ("unmet_dhw_kwh", "f8"),
        ("unmet_ev_kwh", "f8"),
        ("unserved_kwh", "f8"),
        ("curtailed_kwh", "f8"),
        ("ageing", "f8"),  # capacity that the battery lost, share of new
        ("clipped_hp_kw", "f8"),  # requested but not possible
        ("clipped_battery_kw", "f8"),
        ("clipped_dhw_kw", "f8"),
        ("clipped_ev_kw", "f8"),
    ]
)

FEEDER_TERMS = np.dtype(  # what one step did to the feeder of one environment
    [
        ("v_min_pu", "f8"),  # over all buses behind the transformer
        ("v_max_pu", "f8"),
        ("trafo_loading_percent", "f8"),
        ("line_loading_percent", "f8"),  # the most loaded line
        ("line_loss_kw", "f8"),
        ("trafo_loss_kw", "f8"),
        ("p_slack_kw", "f8"),
        ("violation_pu_h", "f8"),  # voltage outside the band, summed over homes
        ("overload_h", "f8"),  # transformer and lines above their rating [pu h]
        ("hot_spot_c", "f8"),
        ("ageing_h", "f8"),  # hours of normal life that the transformer lost
        ("residual_pu", "f8"),
        ("feeder_eur", "f8"),
    ]
)

#: Commands of one home, in this order; -1 to 1 each. NaN leaves the device to its own controller.
CONTROLS = (
    "battery",
    "heat_pump",  # zone 1
    "zone2",
    "zone3",
    "zone4",
    "tank",
    "vehicle",
    "appliance1",
    "appliance2",
    "pv",
)
BATTERY, HEAT_PUMP, TANK, VEHICLE, APPLIANCE, PV = 0, 1, 5, 6, 7, 9
