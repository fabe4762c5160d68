"""The devices of a home again, in plain NumPy and from the equations, sharing no code with the kernels."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from scipy.linalg import eigh

Pair = tuple[float, float]


def building(home: Any, zones: Any, x: Any, t_out: float, heat_air: Any, heat_mass: Any, dt: float) -> Any:
    """(temperatures at the end, means, mean loss to the outdoors [kW]) of all zones; x, means: air, mass by turns.

    The whole network C dT/dt = f - K T with air, mass and surface nodes. Those without capacity are eliminated from
    the symmetric K; the rest is solved in the eigenvectors of the generalised problem K v = λ C v.
    """
    n = len(zones)
    size = 3 * n  # air, mass, surface of each zone
    k, f, c = np.zeros((size, size)), np.zeros(size), np.zeros(size)
    out = np.zeros(size)
    lost = 0.0
    edges = []
    for z, zone in enumerate(zones):
        air, mass, surface = 3 * z, 3 * z + 1, 3 * z + 2
        if zone["c_mass"] == 0.0:  # not there
            k[[air, mass, surface], [air, mass, surface]] = 1.0
            continue
        c[air], c[mass] = zone["c_air"], zone["c_mass"]
        out[[air, mass]] = zone["ua_air_out"], zone["ua_mass_out"]
        edges.append((air, mass, zone["ua_air_mass"]))
        f[air] += heat_air[z]
        f[mass] += zone["mass_to_mass"] * heat_mass[z]
        lost += (1.0 - zone["mass_to_mass"]) * heat_mass[z]
        if zone["ua_air_surface"] > 0.0:
            out[surface] = zone["ua_surface_out"]
            edges += [(air, surface, zone["ua_air_surface"]), (mass, surface, zone["ua_surface_mass"])]
            f[surface] += zone["mass_to_surface"] * heat_mass[z]
            lost -= zone["mass_to_surface"] * heat_mass[z]
        else:
            k[surface, surface] = 1.0
    pair = 0
    for i in range(4):
        for j in range(i + 1, 4):
            if j < n and zones[i]["c_mass"] > 0.0 and zones[j]["c_mass"] > 0.0:
                edges.append((3 * i, 3 * j, home["ua_zones"][pair]))
            pair += 1
    for i, j, ua in edges:
        for a, b in ((i, j), (j, i)):
            k[a, a] += ua
            k[a, b] -= ua
    k += np.diag(out)
    f += out * t_out
    heavy, light = np.flatnonzero(c > 0.0), np.flatnonzero(c == 0.0)
    fast = np.linalg.inv(k[np.ix_(light, light)])
    couple = k[np.ix_(heavy, light)]
    k_heavy = k[np.ix_(heavy, heavy)] - couple @ fast @ couple.T
    f_heavy = f[heavy] - couple @ fast @ f[light]
    rates, v = eigh(k_heavy, np.diag(c[heavy]))  # vᵀ C v = 1
    place = np.array([2 * (i // 3) + i % 3 for i in heavy])
    modes, force = v.T @ (c[heavy] * np.asarray(x)[place]), v.T @ f_heavy
    z = rates * dt
    decay, first = np.exp(-z), -np.expm1(-z) / z
    second = (1.0 - first) / z
    end, mean = np.zeros(size), np.zeros(size)
    end[heavy] = v @ (decay * modes + first * dt * force)
    mean[heavy] = v @ (first * modes + second * dt * force)
    for t in (end, mean):
        t[light] = fast @ (f[light] - couple.T @ t[heavy])
    keep = np.flatnonzero(np.arange(size) % 3 < 2)
    return end[keep], mean[keep], float(out @ (mean - t_out)) + lost


def steady_ua(zone: Any) -> float:
    """Loss per kelvin of a zone whose air is held at 1 °C with 0 °C outdoors [kW/K]."""
    k = np.array(
        [
            [zone["ua_air_mass"] + zone["ua_surface_mass"] + zone["ua_mass_out"], -zone["ua_surface_mass"]],
            [-zone["ua_surface_mass"], zone["ua_air_surface"] + zone["ua_surface_mass"] + zone["ua_surface_out"]],
        ]
    )
    if zone["ua_air_surface"] == 0.0:
        k[:] = [[zone["ua_air_mass"] + zone["ua_mass_out"], 0.0], [0.0, 1.0]]
    t = np.linalg.solve(k, [zone["ua_air_mass"], zone["ua_air_surface"]])
    out = np.array([zone["ua_mass_out"], zone["ua_surface_out"] if zone["ua_air_surface"] > 0.0 else 0.0])
    return float(zone["ua_air_out"] + out @ t)


def _fit(home: Any, name: str, source: float, sink: float, ambient: float) -> float:
    return float(np.dot([home[f"hp_{name}_p{i}"] for i in (1, 2, 3, 4)], [source, sink, 1.0, ambient]))


def heat_pump(home: Any, t_out: float, sink: float) -> Pair:
    """(COP, largest heat [kW]) with a supply temperature; no pump: (1, 0)."""
    if home["hp_q_ref"] == 0.0:
        return 1.0, 0.0
    source = t_out if np.isnan(home["hp_source"]) else float(home["hp_source"])
    if home["hp_model"] == 1.0:
        lift = np.clip(sink - source, 15.0, None)
        cop = home["hp_quad_factor"] * np.polyval([home["hp_quad_2"], home["hp_quad_1"], home["hp_quad_0"]], lift)
        return max(1.0, float(cop)), float(home["hp_q_ref"])
    heat = home["hp_q_ref"] * _fit(home, "pth", source, sink, t_out)
    return max(1.0, _fit(home, "cop", source, sink, t_out)), max(0.0, float(heat))


def cooling(home: Any, t_out: float) -> Pair:
    """(EER, largest cooling [kW]); none: (1, 0)."""
    if home["hp_cool_q_ref"] == 0.0:
        return 1.0, 0.0
    sink = float(home["hp_cool_sink"])
    cold = home["hp_cool_q_ref"] * _fit(home, "pdc", t_out, sink, t_out)
    return max(1.0, _fit(home, "eer", t_out, sink, t_out)), max(0.0, float(cold))


def part_load(home: Any, share: float) -> float:
    """Electric share of full power for a share of full heat: EN 14825's degradation below the smallest output."""
    if share == 0.0:
        return 0.0
    ratio = min(1.0, share / home["hp_min_share"]) if home["hp_min_share"] > 0.0 else 1.0
    return float(share / (ratio / (home["hp_cc"] * ratio + 1.0 - home["hp_cc"])))


def tank_end(home: Any, t_tank: float, net_kw: float, dt: float) -> float:
    """Temperature after a step with a constant net heat [kW]."""
    c, ua, env = float(home["dhw_c"]), float(home["dhw_ua"]), float(home["dhw_t_env"])
    if ua == 0.0:
        return t_tank + net_kw * dt / c
    final = env + net_kw / ua
    return float(t_tank - (t_tank - final) * -np.expm1(-ua * dt / c))


def tank_need(home: Any, t_tank: float, target: float, dt: float) -> float:
    """Net heat [kW] that ends the step at a target; negative where the tank stays above by itself."""
    idle, one = tank_end(home, t_tank, 0.0, dt), tank_end(home, t_tank, 1.0, dt)
    return (target - idle) / (one - idle)


def _smallest_root(polynomial: list[float], low: float, high: float) -> float:
    roots = np.roots(polynomial)
    roots = roots[np.isreal(roots)].real
    inside = roots[(roots >= low - 1e-12) & (roots <= high + 1e-12)]
    return float(inside.min()) if inside.size else np.inf


def _curve_limits(home: Any, kept: float, capacity: float, dt: float) -> Pair:
    """Shares of the power limit that fill and that empty the cells, at most 1."""
    full = capacity / (home["battery_p"] * dt)
    xs, ys = home["battery_eta_x"], home["battery_eta_y"]
    knots = np.unique(np.clip(np.concatenate([[0.0], xs, [1.0]]), 0.0, 1.0))
    charge = discharge = 1.0
    for low, high in itertools.pairwise(knots):
        at = np.interp([low, high], xs, ys)
        m = (at[1] - at[0]) / (high - low)
        b = at[0] - m * low
        charge = min(charge, _smallest_root([m, b, -(1.0 - kept) * full], low, high))
        discharge = min(discharge, _smallest_root([1.0 - kept * full * m, -kept * full * b], low, high))
    return max(charge, 0.0), max(discharge, 0.0)


def battery(home: Any, soc: float, soh: float, wish: float, dt: float) -> tuple[float, float, float, Pair]:
    """(soc after, power [kW], energy drawn from the cells [kWh], (charge, discharge) limits [kW])."""
    capacity, p_max = float(home["battery_e"]) * soh, float(home["battery_p"])
    if capacity == 0.0:
        return soc, 0.0, 0.0, (0.0, 0.0)
    kept = soc * (1.0 - home["battery_self"] * dt)
    if home["battery_curves"] == 1.0:
        ceiling = float(np.interp(soc, home["battery_lim_x"], home["battery_lim_y"]))
        charge, discharge = (p_max * min(ceiling, share) for share in _curve_limits(home, kept, capacity, dt))
        p = float(np.clip(wish, -discharge, charge))
        eta_c = eta_d = float(np.interp(abs(p) / p_max, home["battery_eta_x"], home["battery_eta_y"]))
    else:
        eta_c, eta_d = float(home["battery_eta_c"]), float(home["battery_eta_d"])
        charge = min(p_max, (1.0 - kept) * capacity / eta_c / dt)
        discharge = min(p_max, kept * capacity * eta_d / dt)
        p = float(np.clip(wish, -discharge, charge))
    drawn = -min(p, 0.0) / eta_d * dt
    return (kept * capacity + max(p, 0.0) * eta_c * dt - drawn) / capacity, p, drawn, (charge, discharge)


def vehicle(home: Any, series: Any, soc: float, wish: float, dt: float) -> tuple[float, float, float, float]:
    """(soc after, power [kW], unmet energy [kWh], largest discharging power [kW])."""
    energy, full = soc * float(home["ev_e"]), float(home["ev_e"])
    if full == 0.0:
        return soc, 0.0, 0.0, 0.0
    p = unmet = most = 0.0
    if series["ev_home"] == 1.0:
        most = min(float(home["ev_p_discharge"]), energy * home["ev_eta_d"] / dt)
        top = min(float(home["ev_p_charge"]), (full - energy) / home["ev_eta_c"] / dt)
        p = float(np.clip(wish, -most, top))
        energy += p * dt * home["ev_eta_c"] if p > 0.0 else p * dt / home["ev_eta_d"]
    energy -= float(series["ev_trip"])
    if energy < 0.0:
        energy, unmet = 0.0, -energy
    wanted = full * float(home["ev_soc_departure"])
    if series["ev_home"] == 1.0 and series["ev_leaves_h"] <= dt * (1 + 1e-9) and energy < wanted:
        energy, unmet = wanted, unmet + wanted - energy
    return energy / full, p, unmet, most


def appliance(
    kw: float, hours: float, window: float, ready: bool, start: bool | None, wait: float, left: float, dt: float
) -> tuple[float, float, float]:
    """(wait after, left after, power [kW]) of one appliance; start None: an outage, in which nothing starts."""
    if kw == 0.0 or hours == 0.0:
        return (wait, left, 0.0) if kw == 0.0 else (-1.0, 0.0, 0.0)
    steps = max(1, int(np.floor(hours / dt + 0.5)))
    power = kw * hours / (steps * dt)
    if left >= 1.0:
        return -1.0, left - 1.0, power
    waiting = wait if wait >= 0.0 else (np.floor(window / dt + 1e-9) if ready else None)
    if waiting is None:
        return -1.0, 0.0, 0.0
    if start is None:
        return max(waiting - 1.0, 0.0), 0.0, 0.0
    if start or waiting == 0.0:
        return -1.0, steps - 1.0, power
    return waiting - 1.0, 0.0, 0.0
