"""The heat pump and the rooms: what every zone asks for, what it gets, and the temperatures that follow."""

import numpy as np

from entangrid.envs.kernels import heat_pump, zones
from entangrid.envs.kernels.jit import kernel
from entangrid.envs.kernels.zones import F
from entangrid.envs.layout import HEAT_PUMP, MAX_ZONES, Records

#: Gain of a room's own thermostat [kW of heat per K from the set point].
GAIN_KW_K = 2.0
DAY_FROM_H, DAY_TO_H = 7.0, 22.0

_N = 2 * MAX_ZONES
#: Numbers of scratch that :func:`step` needs: x, x_next, x_mean, u, and the zones' requests and bands.
WORK = 7 * _N + 1


@kernel
def hp_limits(home: Records, t_out: float) -> tuple[float, float]:
    """(cop [-], largest electric power [kW]) of the heat pump for the rooms at this outdoor temperature [°C]."""
    cop, q_max = heat_pump.heating(
        home, t_out, heat_pump.sink_c(t_out, home["hp_sink_base"], home["hp_sink_slope"], home["hp_sink_min"])
    )
    return cop, q_max / cop


@kernel
def pump_tables(homes: Records, t_out: F, cop: F, q_heat: F, eer: F, q_cool: F) -> None:
    """Write what every home's heat pump can do for the rooms at outdoor temperatures [°C]; all (E, H).

    cop, eer [-], q_heat, q_cool [kW]; a home without heating or cooling has 1 and 0.
    """
    for e in range(t_out.shape[0]):
        for h in range(t_out.shape[1]):
            cop[e, h] = eer[e, h] = 1.0
            q_heat[e, h] = q_cool[e, h] = 0.0
            home = homes[h]
            if home["hp_q_ref"] > 0.0:
                sink = heat_pump.sink_c(t_out[e, h], home["hp_sink_base"], home["hp_sink_slope"], home["hp_sink_min"])
                cop[e, h], q_heat[e, h] = heat_pump.heating(home, t_out[e, h], sink)
            if home["hp_cool_q_ref"] > 0.0:
                eer[e, h], q_cool[e, h] = heat_pump.cooling(home, t_out[e, h])


@kernel
def requests_of(
    home: Records, zone: Records, t_out: float, state: Records, command: F, q_heat: float, q_cool: float, requests: F
) -> tuple[float, float]:
    """Write what each zone asks for [kW, cooling negative] into requests (Z,); return (asked, mean of the clipped).

    A command goes from off to all that the zone's emitters take, or, where the pump can cool, from full cooling over
    off to full heating. Without one the zone's thermostat asks for the steady loss at its set point and
    :data:`GAIN_KW_K` per kelvin below it (above ``t_high``: the same for cooling).
    """
    asked = 0.0
    clipped = 0.0
    for z in range(zone.shape[0]):
        q = 0.0
        share = zone[z]["emitter_share"]
        c = command[HEAT_PUMP + z]
        if zone[z]["c_mass"] <= 0.0:
            requests[z] = 0.0
            continue
        if np.isnan(c):
            t_air = state["t_air"] if z == 0 else state["t_zones"][2 * z - 2]
            q = zone[z]["ua_steady"] * (zone[z]["t_set"] - t_out) + GAIN_KW_K * (zone[z]["t_set"] - t_air)
            q = min(max(q, 0.0), share * q_heat)
            if q_cool > 0.0 and t_air > zone[z]["t_high"]:
                q = zone[z]["ua_steady"] * (t_out - zone[z]["t_high"]) + GAIN_KW_K * (t_air - zone[z]["t_high"])
                q = -min(max(q, 0.0), share * q_cool)
            wish = q
        elif home["hp_cool_q_ref"] > 0.0:
            wish = c * share * (q_heat if c >= 0.0 else q_cool)
            c = min(max(c, -1.0), 1.0)
            q = c * share * (q_heat if c >= 0.0 else q_cool)
        else:
            wish = 0.5 * (c + 1.0) * share * q_heat
            q = 0.5 * (min(max(c, -1.0), 1.0) + 1.0) * share * q_heat
        requests[z] = q
        asked += abs(wish)
        clipped += abs(wish - q)
    return asked, clipped


@kernel
def step(
    home: Records,
    zone: Records,
    common: Records,
    series: Records,
    state: Records,
    command: F,
    busy: float,
    on: bool,
    a: F,
    b: F,
    a_mean: F,
    b_mean: F,
    loss_x: F,
    loss_u: F,
    dt: float,
    work: F,
    terms: Records,
) -> float:
    """Heat or cool the zones and advance their temperatures; return the heat pump's electric power [kW].

    ``busy``: share of the step in which the heat pump heats the tank, at full output; the rooms get the rest of the
    step, in which it runs at part load. It heats or cools in a step, never both: the larger of the two demands is
    served. ``ideal_load``: unlimited heating and cooling instead, whatever the commands; not in an outage.
    """
    n = a.shape[0]
    n_zones = n // 2
    x = work[0:n]
    x_next = work[_N : _N + n]
    x_mean = work[2 * _N : 2 * _N + n]
    u = work[3 * _N : 3 * _N + 1 + n]
    requests = work[4 * _N + 1 : 4 * _N + 1 + n_zones]
    t_out = common["t_out"]
    x[0] = state["t_air"]
    x[1] = state["t_mass"]
    for i in range(2, n):
        x[i] = state["t_zones"][i - 2]
    u[0] = t_out
    for z in range(n_zones):
        u[1 + 2 * z] = series["gains_air"] * zone[z]["gain_share"]
        u[2 + 2 * z] = series["gains_mass"] * zone[z]["gain_share"]

    sink = heat_pump.sink_c(t_out, home["hp_sink_base"], home["hp_sink_slope"], home["hp_sink_min"])
    cop, q_heat = 1.0, 0.0
    if home["hp_q_ref"] > 0.0:
        cop, q_heat = heat_pump.heating(home, t_out, sink)
    eer, q_cool = 1.0, 0.0
    if home["hp_cool_q_ref"] > 0.0:
        eer, q_cool = heat_pump.cooling(home, t_out)
    p_hp = 0.0
    delivered = 0.0
    terms["clipped_hp_kw"] = 0.0
    if home["ideal_load"] > 0.0 and on:
        there = 0
        low = work[5 * _N + 1 : 5 * _N + 1 + n_zones]
        high = work[6 * _N + 1 : 6 * _N + 1 + n_zones]
        for z in range(n_zones):
            low[z], high[z] = zone[z]["t_low"], zone[z]["t_high"]
            there += zone[z]["c_mass"] > 0.0
        zones.ideal_heats(x, u, a_mean, b_mean, low[:there], high[:there], requests[:there])
        for z in range(there):
            delivered += requests[z]
            p_hp += requests[z] / cop if requests[z] >= 0.0 else -requests[z] / eer
    else:
        _, clipped = requests_of(home, zone, t_out, state, command, q_heat, q_cool, requests)
        heat = 0.0
        cool = 0.0
        for z in range(n_zones):
            heat += max(requests[z], 0.0)
            cool += max(-requests[z], 0.0)
        heats = heat >= cool
        demand = heat if heats else cool
        most = (1.0 - busy) * (q_heat if heats else q_cool) if on else 0.0
        fits = 1.0 if demand <= most else most / demand
        for z in range(n_zones):
            q = requests[z] * fits
            if (q < 0.0) == heats:
                q = 0.0
            clipped += abs(requests[z] - q)
            delivered += q
            u[1 + 2 * z] += home["hp_air_share"] * q
            u[2 + 2 * z] += (1.0 - home["hp_air_share"]) * q
        if demand > 0.0 and most > 0.0:
            p_full = q_heat / cop if heats else q_cool / eer
            p_hp = (1.0 - busy) * heat_pump.electric_share(home, min(demand / most, 1.0)) * p_full
        terms["clipped_hp_kw"] = clipped / (cop if heats else eer)

    zones.advance(x, u, a, b, a_mean, b_mean, x_next, x_mean)
    loss = 0.0
    for i in range(n):
        loss += loss_x[i] * x_mean[i] + loss_u[1 + i] * u[1 + i]
    terms["q_loss_kw"] = loss + loss_u[0] * u[0]
    terms["q_hp_kw"] = delivered
    terms["q_gains_kw"] = series["gains_air"] + series["gains_mass"]
    terms["t_air_mean_c"] = x_mean[0]
    day = DAY_FROM_H <= common["hour"] < DAY_TO_H
    kelvin = 0.0
    for z in range(n_zones):
        if zone[z]["c_mass"] > 0.0:
            weight = zone[z]["day_share"] if day else zone[z]["night_share"]
            kelvin += weight * zones.discomfort_k(x_mean[2 * z], zone[z]["t_low"], zone[z]["t_high"])
    terms["discomfort_kh"] = series["occupancy"] * kelvin * dt
    state["t_air"] = x_next[0]
    state["t_mass"] = x_next[1]
    for i in range(2, n):
        if zone[i // 2]["c_mass"] > 0.0:
            state["t_zones"][i - 2] = x_next[i]
    return p_hp
