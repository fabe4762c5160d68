"""The step of one home again, in plain NumPy and from the equations, sharing no code with the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import expm, solve


def variation_of_constants(home: Any, x: Any, u: Any, dt: float) -> tuple[Any, Any]:
    """End and mean of the two node temperatures by the closed solution with A inverted (A is not singular)."""
    a = np.array(
        [
            [-(home["ua_air_out"] + home["ua_air_mass"]) / home["c_air"], home["ua_air_mass"] / home["c_air"]],
            [home["ua_air_mass"] / home["c_mass"], -(home["ua_mass_out"] + home["ua_air_mass"]) / home["c_mass"]],
        ]
    )
    b = np.array(
        [
            [home["ua_air_out"] / home["c_air"], 1 / home["c_air"], 0.0],
            [home["ua_mass_out"] / home["c_mass"], 0.0, 1 / home["c_mass"]],
        ]
    )
    steady = -solve(a, b @ u)
    e = expm(a * dt)
    end = steady + e @ (x - steady)
    mean = steady + solve(a, (e - np.eye(2)) @ (x - steady)) / dt
    return end, mean


def step(
    home: Any,
    common: Any,
    series: Any,
    state: dict[str, float],
    actions: tuple[float, float],
    matrices: Any,
    prices: tuple[float, float, float],
    dt: float,
) -> tuple[dict[str, float], dict[str, float]]:
    """(state after, terms) of one home; actions: battery, heat pump; matrices: a, b, a_mean, b_mean of the zone;
    prices: value of stored electricity, of stored heat, of carbon."""
    battery, hp = actions
    value_el, value_heat, carbon_price = prices
    sink = max(home["hp_sink_base"] + home["hp_sink_slope"] * common["t_out"], home["hp_sink_min"])
    t = common["t_out"]

    def fit(name: str) -> float:
        p1, p2, p3, p4 = (float(home[f"hp_{name}_p{i}"]) for i in (1, 2, 3, 4))
        return float(p1 * t + p2 * sink + p3 + p4 * t)

    cop = max(1.0, fit("cop"))
    q_max = home["hp_q_ref"] * max(0.0, fit("pth"))
    p_hp = (np.clip(hp, -1, 1) + 1) / 2 * q_max / cop
    q_hp = p_hp * cop

    e, eta_c, eta_d = home["battery_e"], home["battery_eta_c"], home["battery_eta_d"]
    energy = state["soc"] * e * (1 - home["battery_self"] * dt)
    wish = float(np.clip(battery, -1, 1)) * home["battery_p"]
    p_battery = float(np.clip(wish, -energy * eta_d / dt, (e - energy) / (eta_c * dt))) if e > 0 else 0.0
    energy += (eta_c * max(p_battery, 0.0) + min(p_battery, 0.0) / eta_d) * dt

    u = np.array(
        [
            common["t_out"],
            series["gains_air"] + home["hp_air_share"] * q_hp,
            series["gains_mass"] + (1 - home["hp_air_share"]) * q_hp,
        ]
    )
    x = np.array([state["t_air"], state["t_mass"]])
    a, b, a_mean, b_mean = matrices
    end, mean = a @ x + b @ u, a_mean @ x + b_mean @ u
    p_grid = series["load"] + p_hp + p_battery - series["pv"]
    bill = (p_grid * common["price_import"] if p_grid >= 0 else p_grid * common["price_export"]) * dt
    carbon = max(p_grid, 0.0) * common["carbon"] * dt
    miss = max(home["t_low"] - mean[0], 0.0, mean[0] - home["t_high"]) * series["occupancy"] * dt
    wear = -min(p_battery, 0.0) / eta_d * dt * home["battery_wear"]
    capacity = np.array([home["c_air"], home["c_mass"]])
    soc = energy / e if e > 0 else state["soc"]
    stored = value_el * eta_d * e * (soc - state["soc"]) + value_heat * float(capacity @ (end - x))
    terms = {
        "bill_eur": bill,
        "carbon_eur": carbon * carbon_price,
        "discomfort_eur": miss * home["discomfort_price"],
        "wear_eur": wear,
        "stored_value_eur": stored,
        "reward_eur": stored - bill - carbon * carbon_price - miss * home["discomfort_price"] - wear,
        "p_grid_kw": p_grid,
        "p_hp_kw": p_hp,
        "p_battery_kw": p_battery,
        "q_hp_kw": q_hp,
        "carbon_kg": carbon,
        "discomfort_kh": miss,
        "t_air_mean_c": mean[0],
    }
    return {"soc": soc, "t_air": end[0], "t_mass": end[1]}, terms
