"""One home over one step: devices, building, meter, money. The only kernel that knows every device."""

import numpy as np

from entangrid.envs.kernels import appliance, battery, heat_pump, hot_water, pv, rooms, tariff, vehicle
from entangrid.envs.kernels.jit import kernel
from entangrid.envs.kernels.zones import F
from entangrid.envs.layout import APPLIANCE, BATTERY, N_APPLIANCES, PV, TANK, VEHICLE, Records

#: The tank's condenser is that much warmer than its water [K].
TANK_LIFT_K = 5.0


@kernel
def stored_heat_kwh(state: Records, capacity: F) -> float:
    """Heat in the building against 0 °C [kWh]: sum of capacity (N,) [kWh/K] times node temperature."""
    total = capacity[0] * state["t_air"] + capacity[1] * state["t_mass"]
    for i in range(2, capacity.shape[0]):
        total += capacity[i] * state["t_zones"][i - 2]
    return float(total)


@kernel
def stored_value(
    home: Records, state: Records, capacity: F, value_el: float, value_heat: float, value_tank: float
) -> float:
    """Value of what a home has stored, against empty and 0 °C [EUR].

    value_el: of electricity that the battery can still deliver; the vehicle's charge is worth what it cost to put
    there. value_heat, value_tank: of heat in the building and in the tank. All [EUR/kWh].
    """
    electric = home["battery_eta_d"] * home["battery_e"] * state["soh"] * state["soc"]
    electric += home["ev_e"] * state["ev_soc"] / home["ev_eta_c"]
    return float(
        value_el * electric
        + value_heat * stored_heat_kwh(state, capacity)
        + value_tank * home["dhw_c"] * state["t_tank"]
    )


@kernel
def _tank(
    home: Records, common: Records, series: Records, state: Records, command: float, on: bool, dt: float, terms: Records
) -> tuple[float, float]:
    """Heat the tank; return (share of the step that the heat pump is busy with it, its electric power [kW]).

    The command asks for a share of what the heat pump (or, without one, the element) can give; without a command the
    tank's thermostat asks for what brings it to its set point. When disinfection is due, it is served whatever the
    command, with the element's help.
    """
    terms["q_dhw_kw"] = 0.0
    terms["p_element_kw"] = 0.0
    terms["q_draw_kw"] = 0.0
    terms["q_tank_loss_kw"] = 0.0
    terms["unmet_dhw_kwh"] = 0.0
    terms["clipped_dhw_kw"] = 0.0
    if home["dhw_c"] <= 0.0:
        return 0.0, 0.0
    cop, q_hp = 1.0, 0.0
    if home["dhw_hp"] > 0.0 and home["hp_q_ref"] > 0.0:
        cop, q_hp = heat_pump.heating(home, common["t_out"], state["t_tank"] + TANK_LIFT_K)
    most = q_hp if q_hp > 0.0 else home["dhw_element"]
    if np.isnan(command):
        wish = min(hot_water.heat_to(home, state["t_tank"], home["dhw_t_set"], series["dhw"], dt), most)
        asked = wish
    else:
        asked = 0.5 * (command + 1.0) * most
        wish = min(max(asked, 0.0), most)
    if hot_water.must_disinfect(home, state["tank_cold_h"]):
        hot = hot_water.heat_to(home, state["t_tank"], home["dhw_legionella_c"], series["dhw"], dt)
        wish = max(wish, min(hot, q_hp + home["dhw_element"]))
    if not on:
        wish = 0.0
    t_end, cold_h, taken, drawn, loss, unmet = hot_water.step(
        home, state["t_tank"], state["tank_cold_h"], wish, series["dhw"], dt
    )
    state["t_tank"] = t_end
    state["tank_cold_h"] = cold_h
    by_pump = min(taken, q_hp)
    terms["q_dhw_kw"] = taken
    terms["p_element_kw"] = taken - by_pump
    terms["q_draw_kw"] = drawn
    terms["q_tank_loss_kw"] = loss
    terms["unmet_dhw_kwh"] = unmet
    terms["clipped_dhw_kw"] = abs(asked - taken)
    if q_hp <= 0.0:
        return 0.0, 0.0
    return by_pump / q_hp, by_pump / cop


@kernel
def _appliances(home: Records, series: Records, state: Records, command: F, on: bool, dt: float) -> float:
    """Power of the running cycles [kW]. In an outage a running cycle goes on and no new one starts, not even at its
    deadline: it then starts with the grid's return."""
    total = 0.0
    for i in range(N_APPLIANCES):
        if home["app_kw"][i] <= 0.0:
            continue
        kw, run_steps, window_steps = appliance.cycle(home["app_kw"][i], home["app_h"][i], home["app_window_h"][i], dt)
        c = command[APPLIANCE + i]
        start = 1.0 if np.isnan(c) else c
        wait = state["app_wait"][i]
        if not on:
            start = -1.0
            if wait < 0.0 and series["app_ready"][i] > 0.0 and state["app_left"][i] <= 0.0:
                wait = window_steps
            if wait >= 0.0:
                wait = max(wait, 1.0)
        state["app_wait"][i], state["app_left"][i], p = appliance.step(
            series["app_ready"][i],
            start,
            wait,
            state["app_left"][i],
            kw,
            run_steps,
            window_steps,
        )
        total += p
    return total


@kernel
def _vehicle_request(home: Records, command: float, net_kw: float) -> tuple[float, float]:
    """(wanted, asked) power [kW] of the vehicle; vehicle-to-home gives no more than the home's other net demand."""
    c = 1.0 if np.isnan(command) else command
    asked = c * (home["ev_p_charge"] if c >= 0.0 else home["ev_p_discharge"])
    c = min(max(c, -1.0), 1.0)
    wanted = c * (home["ev_p_charge"] if c >= 0.0 else home["ev_p_discharge"])
    if wanted < 0.0 and home["ev_v2g"] <= 0.0:
        wanted = -min(-wanted, max(net_kw, 0.0))
    return wanted, asked


@kernel
def _island(home: Records, series: Records, state: Records, net_kw: float, dt: float) -> tuple[float, float]:
    """(battery, vehicle) requests [kW] that balance a home without the grid, as far as both can."""
    charge, discharge = battery.limits(home, state["soc"], state["soh"], dt)
    if net_kw <= 0.0:
        return min(-net_kw, charge), 0.0
    from_battery = min(net_kw, discharge)
    _, from_vehicle = vehicle.limits(home, series["ev_home"], state["ev_soc"], dt)
    return -from_battery, -min(net_kw - from_battery, from_vehicle)


@kernel
def step(
    home: Records,
    zone: Records,
    common: Records,
    series: Records,
    state: Records,
    command: F,
    a: F,
    b: F,
    a_mean: F,
    b_mean: F,
    loss_x: F,
    loss_u: F,
    capacity: F,
    value_el: float,
    value_heat: float,
    value_tank: float,
    carbon_price: float,
    dt: float,
    work: F,
    terms: Records,
) -> None:
    """Advance one home and write what happened.

    p_grid = load + p_hp + p_element + p_appliances + p_ev + p_battery - pv - unserved       [kW]
    reward = -(bill + carbon + discomfort + wear + unmet) + change of stored value           [EUR]

    home, common, series, state, terms: one record each, zone (Z,) records (:mod:`entangrid.envs.layout`); state and
    terms are written. command (10,): -1 to 1 in the order of ``layout.CONTROLS``, NaN for a device's own controller.
    a to capacity: the zones' step matrices (:mod:`entangrid.envs.thermal`). value_*: see :func:`stored_value`.
    work: scratch of ``rooms.WORK`` numbers.

    In an outage (``common["grid"]`` is 0) nothing is exchanged: a home with backup serves load and running appliances
    from PV, battery and vehicle; what is missing is unserved, surplus PV is curtailed, and heat pump, element and
    charging stand still. Without backup everything is unserved and PV is off. Commands count for nothing then.

    The stored value is a potential of the state, so that it moves reward in time without changing which policy is
    best over an episode (Ng, Harada, Russell, ICML 1999), and the rewards of an episode sum to minus its objective.
    """
    on = common["grid"] > 0.5
    before = stored_value(home, state, capacity, value_el, value_heat, value_tank)
    if common["new_month"] > 0.5:
        state["month_kwh"] = 0.0
        state["month_peak"] = 0.0

    busy, p_tank = _tank(home, common, series, state, command[TANK], on, dt, terms)
    p_hp = p_tank
    if home["building"] > 0.0:
        p_hp += rooms.step(
            home, zone, common, series, state, command, busy, on, a, b, a_mean, b_mean, loss_x, loss_u, dt, work, terms
        )
    else:
        terms["q_hp_kw"] = terms["q_loss_kw"] = terms["q_gains_kw"] = 0.0
        terms["discomfort_kh"] = terms["clipped_hp_kw"] = 0.0
        terms["t_air_mean_c"] = state["t_air"]
    p_app = _appliances(home, series, state, command, on, dt)
    p_pv = pv.available_kw(home, series["pv"], state["vm"], command[PV]) if on else series["pv"]

    soc = state["soc"]
    leaves = series["ev_home"] > 0.5 and series["ev_leaves_h"] <= dt + 1e-9
    others = series["load"] + p_hp + terms["p_element_kw"] + p_app - p_pv
    unserved = 0.0
    if on:
        wanted, asked_ev = _vehicle_request(home, command[VEHICLE], others)
        asked = 0.0 if np.isnan(command[BATTERY]) else command[BATTERY] * home["battery_p"]
        request = 0.0 if np.isnan(command[BATTERY]) else min(max(command[BATTERY], -1.0), 1.0) * home["battery_p"]
    elif home["battery_backup"] > 0.0 and home["battery_e"] > 0.0:
        request, wanted = _island(home, series, state, others, dt)
        asked, asked_ev = request, wanted
    else:
        p_pv = 0.0
        request, wanted, asked, asked_ev = 0.0, 0.0, 0.0, 0.0
    ev_soc, p_ev, unmet_ev = vehicle.step(
        home, series["ev_home"], series["ev_trip"], leaves, state["ev_soc"], wanted, dt
    )
    soc_after, p_battery = battery.step(home, soc, state["soh"], request, dt)
    fade = battery.fade(home, soc, soc_after, state["soh"], p_battery, dt)
    state["soc"] = soc_after
    state["ev_soc"] = ev_soc
    state["soh"] = max(state["soh"] - fade, 0.0)

    p_grid = series["load"] + p_hp + terms["p_element_kw"] + p_app + p_ev + p_battery - p_pv
    if not on:
        unserved = max(p_grid, 0.0)
        p_pv += min(p_grid, 0.0)
        p_grid = 0.0
    bill, state["month_kwh"], state["month_peak"] = tariff.bill(
        home, p_grid, common["price_import"], common["price_export"], state["month_kwh"], state["month_peak"], dt
    )
    carbon_kg = max(p_grid, 0.0) * common["carbon"] * dt
    carbon = carbon_kg * carbon_price
    discomfort = terms["discomfort_kh"] * home["discomfort_price"]
    wear = battery.drawn_kwh(home, p_battery, dt) * home["battery_wear"]
    wear += max(-p_ev, 0.0) * dt / home["ev_eta_d"] * home["ev_wear"]
    wear += fade * home["battery_e"] * home["battery_price"]
    unmet = terms["unmet_dhw_kwh"] * home["dhw_unmet_price"] + unmet_ev * home["ev_unmet_price"]
    unmet += unserved * dt * home["unserved_price"]
    stored = stored_value(home, state, capacity, value_el, value_heat, value_tank) - before

    terms["reward_eur"] = stored - (bill + carbon + discomfort + wear + unmet)
    terms["bill_eur"] = bill
    terms["carbon_eur"] = carbon
    terms["discomfort_eur"] = discomfort
    terms["wear_eur"] = wear
    terms["unmet_eur"] = unmet
    terms["grid_eur"] = 0.0
    terms["stored_value_eur"] = stored
    terms["p_grid_kw"] = p_grid
    terms["p_load_kw"] = series["load"]
    terms["p_pv_kw"] = p_pv
    terms["p_hp_kw"] = p_hp
    terms["p_battery_kw"] = p_battery
    terms["p_ev_kw"] = p_ev
    terms["p_appliances_kw"] = p_app
    terms["carbon_kg"] = carbon_kg
    terms["unmet_ev_kwh"] = unmet_ev
    terms["unserved_kwh"] = unserved * dt
    terms["curtailed_kwh"] = (series["pv"] - p_pv) * dt
    terms["ageing"] = fade
    terms["clipped_battery_kw"] = abs(asked - p_battery)
    terms["clipped_ev_kw"] = abs(asked_ev - p_ev) if series["ev_home"] > 0.5 and home["ev_e"] > 0.0 else 0.0
