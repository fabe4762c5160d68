"""The step of one home again, in plain NumPy and from the equations, sharing no code with the kernels."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy_twin_devices as devices

Terms = dict[str, float]
BATTERY, ROOMS, TANK, VEHICLE, APPLIANCES, PV = 0, 1, 5, 6, 7, 9


def plain(record: Any) -> dict[str, Any]:
    """A record as a dictionary of numbers and arrays."""
    return {name: np.array(record[name], float)[()] for name in record.dtype.names}


def stored_eur(home: Any, zones: Any, state: dict[str, Any], values: tuple[float, float, float]) -> float:
    """Value of what is stored, against an empty home at 0 °C [EUR]."""
    electric = home["battery_e"] * state["soh"] * state["soc"] * home["battery_eta_d"]
    if home["ev_e"] > 0.0:
        electric += home["ev_e"] * state["ev_soc"] / home["ev_eta_c"]
    temperatures = np.concatenate([[state["t_air"], state["t_mass"]], state["t_zones"]])
    c = np.array([[zone["c_air"], zone["c_mass"]] for zone in zones]).reshape(-1)
    heat = float(c @ temperatures[: c.size])
    return float(values[0] * electric + values[1] * heat + values[2] * home["dhw_c"] * state["t_tank"])


def _tank(home: Any, common: Any, series: Any, state: dict[str, Any], command: float, dt: float, terms: Terms) -> float:
    """Share of the step in which the pump is busy with the tank; terms and state are written."""
    for name in ("q_dhw_kw", "p_element_kw", "q_draw_kw", "q_tank_loss_kw", "unmet_dhw_kwh", "clipped_dhw_kw"):
        terms[name] = 0.0
    terms["p_hp_kw"] = 0.0
    if home["dhw_c"] == 0.0:
        return 0.0
    t, draw = float(state["t_tank"]), float(series["dhw"])
    cop, pump = devices.heat_pump(home, float(common["t_out"]), t + 5.0) if home["dhw_hp"] == 1.0 else (1.0, 0.0)
    top = pump if pump > 0.0 else float(home["dhw_element"])

    def hold(target: float) -> float:
        return max(0.0, devices.tank_need(home, t, float(target), dt) + draw)

    asked = min(hold(home["dhw_t_set"]), top) if np.isnan(command) else (command + 1.0) / 2.0 * top
    heat = float(np.clip(asked, 0.0, top))
    if home["dhw_legionella_h"] > 0.0 and state["tank_cold_h"] >= home["dhw_legionella_h"]:
        heat = max(heat, min(hold(home["dhw_legionella_c"]), pump + float(home["dhw_element"])))
    if common["grid"] == 0.0:
        heat = 0.0
    heat = min(heat, hold(home["dhw_t_max"]))
    useful = heat - devices.tank_need(home, t, float(home["dhw_t_min"]), dt)  # what leaves it at its lowest
    drawn = float(np.clip(useful, 0.0, draw))
    end = devices.tank_end(home, t, heat - drawn, dt)
    terms["q_dhw_kw"], terms["q_draw_kw"] = heat, drawn
    terms["unmet_dhw_kwh"] = (draw - drawn) * dt
    terms["q_tank_loss_kw"] = heat - drawn - float(home["dhw_c"]) * (end - t) / dt
    terms["p_element_kw"] = max(0.0, heat - pump)
    terms["clipped_dhw_kw"] = abs(asked - heat)
    terms["p_hp_kw"] = min(heat, pump) / cop
    state["t_tank"] = end
    state["tank_cold_h"] = 0.0 if end >= home["dhw_legionella_c"] - 1e-9 else state["tank_cold_h"] + dt
    return min(heat, pump) / pump if pump > 0.0 else 0.0


def _wishes(home: Any, zones: Any, t_out: float, x: Any, command: Any, heat: float, cold: float) -> tuple[Any, Any]:
    """(what each zone would like [kW], what its emitters take of it); cooling negative."""
    wish, fits = np.zeros(len(zones)), np.zeros(len(zones))
    for z, zone in enumerate(zones):
        c, share = float(command[ROOMS + z]), float(zone["emitter_share"])
        if zone["c_mass"] == 0.0:
            continue
        if np.isnan(c):
            ua, air = devices.steady_ua(zone), float(x[2 * z])
            q = np.clip(ua * (zone["t_set"] - t_out) + 2.0 * (zone["t_set"] - air), 0.0, share * heat)
            if cold > 0.0 and air > zone["t_high"]:
                q = -np.clip(ua * (t_out - zone["t_high"]) + 2.0 * (air - zone["t_high"]), 0.0, share * cold)
            wish[z] = fits[z] = q
            continue
        within = np.clip(c, -1.0, 1.0)
        if home["hp_cool_q_ref"] > 0.0:
            top = share * (heat if c >= 0.0 else cold)
            wish[z], fits[z] = c * top, within * top
        else:
            wish[z], fits[z] = (c + 1.0) / 2.0 * share * heat, (within + 1.0) / 2.0 * share * heat
    return wish, fits


def _ideal(home: Any, zones: Any, x: Any, t_out: float, air: Any, mass: Any, dt: float) -> Any:
    """Heat that holds every zone's mean in its band: the one choice of (off, at the lower, at the upper edge) of each
    zone that contradicts nothing."""
    there = [z for z, zone in enumerate(zones) if zone["c_mass"] > 0.0]

    def means(q: Any) -> Any:
        return devices.building(home, zones, x, t_out, air + q, mass, dt)[1][[2 * z for z in there]]

    zero = np.zeros(len(zones))
    free = means(zero)
    response = np.array([means(np.eye(len(zones))[z]) - free for z in there]).T
    low, high = (np.array([zones[z][edge] for z in there]) for edge in ("t_low", "t_high"))
    for choice in itertools.product((0, 1, -1), repeat=len(there)):
        sign = np.array(choice)
        on = sign != 0
        q = np.zeros(len(there))
        target = np.where(sign > 0, low, high)
        if on.any():
            q[on] = np.linalg.solve(response[np.ix_(on, on)], (target - free)[on])
        t = free + response @ q
        if (q * sign >= -1e-12).all() and (t >= low - 1e-9).all() and (t <= high + 1e-9).all():
            zero[there] = q
            return zero
    raise AssertionError("no choice holds every band")


def _rooms(
    home: Any, zones: Any, common: Any, series: Any, state: dict[str, Any], command: Any, busy: float, dt: float,
    terms: Terms,
) -> None:  # fmt: skip
    t_out, on = float(common["t_out"]), common["grid"] == 1.0
    x = np.concatenate([[state["t_air"], state["t_mass"]], state["t_zones"]])
    if home["building"] == 0.0:
        terms |= dict.fromkeys(("q_hp_kw", "q_loss_kw", "q_gains_kw", "discomfort_kh", "clipped_hp_kw"), 0.0)
        terms["t_air_mean_c"] = float(x[0])
        return
    sink = max(home["hp_sink_base"] + home["hp_sink_slope"] * t_out, home["hp_sink_min"])
    cop, heat = devices.heat_pump(home, t_out, float(sink))
    eer, cold = devices.cooling(home, t_out)
    gains = np.array([zone["gain_share"] for zone in zones])
    air, mass = series["gains_air"] * gains, series["gains_mass"] * gains
    terms["clipped_hp_kw"] = 0.0
    if on and home["ideal_load"] == 1.0:
        q = _ideal(home, zones, x, t_out, air, mass, dt)
        air = air + q
        terms["p_hp_kw"] += float(q.clip(0.0).sum() / cop - q.clip(None, 0.0).sum() / eer)
    else:
        wish, fits = _wishes(home, zones, t_out, x, command, heat, cold)
        warm = fits.clip(0.0).sum() >= -fits.clip(None, 0.0).sum()
        full, efficiency = (heat, cop) if warm else (cold, eer)
        served = fits.clip(0.0) if warm else fits.clip(None, 0.0)
        demand = float(np.abs(served).sum())
        room = (1.0 - busy) * full * on
        q = served * (min(1.0, room / demand) if demand > 0.0 else 0.0)
        if demand > 0.0 and room > 0.0:
            share = min(1.0, demand / room)
            terms["p_hp_kw"] += (1.0 - busy) * devices.part_load(home, share) * full / efficiency
        air, mass = air + home["hp_air_share"] * q, mass + (1.0 - home["hp_air_share"]) * q
        terms["clipped_hp_kw"] = float(np.abs(wish - fits).sum() + np.abs(fits - q).sum()) / efficiency
    end, mean, loss = devices.building(home, zones, x, t_out, air, mass, dt)
    terms["q_hp_kw"], terms["q_loss_kw"], terms["t_air_mean_c"] = float(q.sum()), loss, float(mean[0])
    terms["q_gains_kw"] = float(series["gains_air"] + series["gains_mass"])
    who = "day_share" if 7.0 <= common["hour"] < 22.0 else "night_share"
    kelvin = 0.0
    for z, zone in enumerate(zones):
        if zone["c_mass"] > 0.0:
            kelvin += zone[who] * abs(mean[2 * z] - np.clip(mean[2 * z], zone["t_low"], zone["t_high"]))
            x[2 * z : 2 * z + 2] = end[2 * z : 2 * z + 2]
    terms["discomfort_kh"] = float(kelvin * series["occupancy"] * dt)
    state["t_air"], state["t_mass"], state["t_zones"] = x[0], x[1], x[2:]


def _meter(
    home: Any, common: Any, series: Any, state: dict[str, Any], command: Any, others: float, dt: float, terms: Terms
) -> Terms:
    """Vehicle, battery, PV and outage; returns the wear and unmet costs [EUR]."""
    on = common["grid"] == 1.0
    sun = float(series["pv"])
    if on:
        share = [1.0]
        if home["pv_curtailable"] == 1.0 and not np.isnan(command[PV]):
            share.append(float(np.clip((command[PV] + 1.0) / 2.0, 0.0, 1.0)))
        if home["vw_end"] > 0.0:
            share.append(float(np.interp(state["vm"], [home["vw_start"], home["vw_end"]], [1.0, 0.0])))
        pv = min(share) * sun
        c = 1.0 if np.isnan(command[VEHICLE]) else float(command[VEHICLE])
        limit = home["ev_p_charge"] if c >= 0.0 else home["ev_p_discharge"]
        asked_ev, wish_ev = c * float(limit), float(np.clip(c, -1.0, 1.0) * limit)
        if home["ev_v2g"] == 0.0:
            wish_ev = max(wish_ev, -max(others - pv, 0.0))
        c = 0.0 if np.isnan(command[BATTERY]) else float(command[BATTERY])
        asked, wish = c * float(home["battery_p"]), float(np.clip(c, -1.0, 1.0) * home["battery_p"])
    else:
        island = home["battery_backup"] == 1.0 and home["battery_e"] > 0.0
        pv = sun if island else 0.0
        missing = others - pv
        charge, discharge = devices.battery(home, state["soc"], state["soh"], 0.0, dt)[3]
        most_ev = devices.vehicle(home, series, state["ev_soc"], 0.0, dt)[3]
        wish = asked = float(np.clip(-missing, -discharge, charge)) if island else 0.0
        wish_ev = asked_ev = -float(np.clip(missing - discharge, 0.0, most_ev)) if island else 0.0
    soc, soh = state["soc"], state["soh"]
    state["ev_soc"], p_ev, unmet_ev, _ = devices.vehicle(home, series, state["ev_soc"], wish_ev, dt)
    state["soc"], p_battery, drawn, _ = devices.battery(home, soc, soh, wish, dt)
    faded = 0.0
    if home["battery_e"] > 0.0:
        stress = np.exp(home["battery_calendar_soc"] * ((soc + state["soc"]) / 2 - 0.5))
        faded = home["battery_calendar"] * stress * dt / 8760.0 + home["battery_cycle"] * drawn / home["battery_e"]
        faded = min(float(faded), soh)
    state["soh"] = soh - faded
    balance = others + p_ev + p_battery - pv
    p_grid = balance if on else 0.0
    unserved = 0.0 if on else max(balance, 0.0)
    if not on:
        pv -= max(-balance, 0.0)
    terms |= {
        "p_grid_kw": p_grid,
        "p_pv_kw": pv,
        "p_ev_kw": p_ev,
        "p_battery_kw": p_battery,
        "unmet_ev_kwh": unmet_ev,
        "unserved_kwh": unserved * dt,
        "curtailed_kwh": (sun - pv) * dt,
        "ageing": faded,
        "clipped_battery_kw": abs(asked - p_battery),
        "clipped_ev_kw": abs(asked_ev - p_ev) if series["ev_home"] == 1.0 and home["ev_e"] > 0.0 else 0.0,
    }
    wear = drawn * home["battery_wear"] + faded * home["battery_e"] * home["battery_price"]
    wear += max(-p_ev, 0.0) / home["ev_eta_d"] * home["ev_wear"] * dt
    unmet = unmet_ev * home["ev_unmet_price"] + terms["unmet_dhw_kwh"] * home["dhw_unmet_price"]
    unmet += unserved * dt * home["unserved_price"]
    return {"wear_eur": float(wear), "unmet_eur": float(unmet)}


def _bill(home: Any, common: Any, state: dict[str, Any], p_grid: float, dt: float) -> float:
    kwh, peak = float(state["month_kwh"]), float(state["month_peak"])
    state["month_kwh"] = kwh + max(p_grid, 0.0) * dt
    state["month_peak"] = max(peak, p_grid)
    eur = p_grid * dt * float(common["price_import"] if p_grid > 0.0 else common["price_export"])
    if home["block_kwh"] > 0.0:
        beyond = np.clip([kwh, state["month_kwh"]] - home["block_kwh"], 0.0, None)
        eur += float(home["block_adder"] * (beyond[1] - beyond[0]))
    billed = np.clip([peak, state["month_peak"]], home["demand_free"], None)
    return eur + float(home["demand_price"] * (billed[1] - billed[0]))


def step(
    home: Any,
    zones: Any,
    common: Any,
    series: Any,
    before: Any,
    command: Any,
    values: tuple[float, float, float],
    carbon_price: float,
    dt: float,
) -> tuple[dict[str, Any], Terms]:
    """(state after, terms) of one home; records of :mod:`entangrid.envs.layout`, command (10,) with NaN for the
    device's own controller, values [EUR/kWh] of stored electricity, heat in the building and heat in the tank."""
    state, terms = plain(before), Terms()
    worth = stored_eur(home, zones, state, values)
    if common["new_month"] == 1.0:
        state["month_kwh"] = state["month_peak"] = 0.0
    busy = _tank(home, common, series, state, float(command[TANK]), dt, terms)
    _rooms(home, zones, common, series, state, command, busy, dt, terms)
    on = common["grid"] == 1.0
    terms["p_appliances_kw"] = 0.0
    for i in range(2):
        start = None if not on else bool(np.isnan(command[APPLIANCES + i]) or command[APPLIANCES + i] > 0.0)
        state["app_wait"][i], state["app_left"][i], p = devices.appliance(
            *(float(home[name][i]) for name in ("app_kw", "app_h", "app_window_h")),
            series["app_ready"][i] == 1.0, start, state["app_wait"][i], state["app_left"][i], dt,
        )  # fmt: skip
        terms["p_appliances_kw"] += p
    terms["p_load_kw"] = float(series["load"])
    others = terms["p_load_kw"] + terms["p_hp_kw"] + terms["p_element_kw"] + terms["p_appliances_kw"]
    costs = _meter(home, common, series, state, command, others, dt, terms)
    costs["bill_eur"] = _bill(home, common, state, terms["p_grid_kw"], dt)
    terms["carbon_kg"] = max(terms["p_grid_kw"], 0.0) * float(common["carbon"]) * dt
    costs["carbon_eur"] = terms["carbon_kg"] * carbon_price
    costs["discomfort_eur"] = terms["discomfort_kh"] * float(home["discomfort_price"])
    terms["stored_value_eur"] = stored_eur(home, zones, state, values) - worth
    return state, terms | costs | {"grid_eur": 0.0, "reward_eur": terms["stored_value_eur"] - sum(costs.values())}
