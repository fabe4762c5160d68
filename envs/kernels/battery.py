"""Battery: an energy reservoir with power limits, losses in both directions, self-discharge and ageing.

Power p [kW] is at the meter, charging positive; soc [-] is a share of the capacity that is left, E soh [kWh].
"""

import numpy as np

from entangrid.envs.kernels.jit import kernel
from entangrid.envs.kernels.zones import F
from entangrid.envs.layout import Records

HOURS_A_YEAR = 8760.0
BEFORE = 1.0 - 2.0**-51  # keeps a power limit at a jump of the efficiency on the jump's near side in spite of rounding


@kernel
def reservoir(
    soc: float,
    p_request: float,
    capacity: float,
    p_charge: float,
    p_discharge: float,
    eta_charge: float,
    eta_discharge: float,
    self_discharge: float,
    dt: float,
) -> tuple[float, float]:
    """Follow a power request as far as power and energy limits allow; return (soc at the end, power taken [kW]).

    soc' = soc (1 - s dt) + (eta_c max(p, 0) - max(-p, 0) / eta_d) dt / E,   0 <= soc' <= 1

    soc [-] of the capacity E [kWh]; p [kW] at the meter, charging positive; limits [kW], both >= 0; s [1/h]; dt [h].
    Source: Weniger, Tjaden, Quaschning 2014, DOI 10.1016/j.egypro.2014.01.160.
    """
    if capacity <= 0.0:
        return soc, 0.0
    kept = soc * (1.0 - self_discharge * dt)
    if p_request >= 0.0:
        room = (1.0 - kept) * capacity / (eta_charge * dt)
        p = min(p_request, p_charge, room)
        after = kept + eta_charge * p * dt / capacity
    else:
        stored = kept * capacity * eta_discharge / dt
        p = -min(-p_request, p_discharge, stored)
        after = kept + p * dt / (eta_discharge * capacity)
    # rounding of the limits above may overshoot by one unit in the last place
    return min(max(after, 0.0), 1.0), p


@kernel
def on_curve(x: float, xs: F, ys: F) -> float:
    """Piecewise linear curve through (xs, ys), constant outside; xs ascend, at a jump the left value holds."""
    if x <= xs[0]:
        return float(ys[0])
    for i in range(1, xs.shape[0]):
        if x <= xs[i]:
            return float(ys[i - 1] + (ys[i] - ys[i - 1]) * (x - xs[i - 1]) / (xs[i] - xs[i - 1]))
    return float(ys[-1])


@kernel
def share_to_fill(need: float, xs: F, ys: F) -> float:
    """Smallest power share x in [0, 1] with x eta(x) >= need; 1 if there is none.

    eta is :func:`on_curve`. need [-]: energy that fits into the cells over the power limit times the step. On each
    piece eta = b + m x, so the root of m x² + b x = need is closed.
    """
    n = xs.shape[0]
    for i in range(n + 1):
        low = 0.0 if i == 0 else xs[i - 1]
        high = 1.0 if i == n else xs[i]
        if high <= low:
            continue
        y_low = ys[max(i - 1, 0)]
        y_high = ys[min(i, n - 1)]
        if low * y_low >= need:
            return float(low)
        m = (y_high - y_low) / (high - low)
        b = y_low - m * low
        root = b * b + 4.0 * m * need
        crosses = high * y_high >= need
        if crosses or root >= 0.0:
            root = np.sqrt(max(root, 0.0))
            x = 2.0 * need / (b + root) if b >= 0.0 else (root - b) / (2.0 * m)
            if crosses or low <= x <= high:
                return float(min(max(x, low), high))
    return 1.0


@kernel
def share_to_empty(stored: float, xs: F, ys: F) -> float:
    """Smallest power share x in [0, 1] with x / eta(x) >= stored; 1 if there is none.

    eta is :func:`on_curve`. stored [-]: energy in the cells over the power limit times the step. On each piece
    x / (b + m x) is monotone and x = stored b / (1 - stored m).
    """
    n = xs.shape[0]
    for i in range(n + 1):
        low = 0.0 if i == 0 else xs[i - 1]
        high = 1.0 if i == n else xs[i]
        if high <= low:
            continue
        y_low = ys[max(i - 1, 0)]
        y_high = ys[min(i, n - 1)]
        if low >= stored * y_low:
            return float(low)
        if high >= stored * y_high:
            m = (y_high - y_low) / (high - low)
            x = stored * (y_low - m * low) / (1.0 - stored * m)
            return float(min(max(x, low), high))
    return 1.0


@kernel
def efficiency(home: Records, p_kw: float) -> float:
    """Efficiency one way [-] at a power at the meter [kW]: eta_c or eta_d, or the curve over the share of battery_p."""
    if home["battery_curves"] > 0.0:
        share = abs(p_kw) / home["battery_p"] if home["battery_p"] > 0.0 else 0.0
        return on_curve(share, home["battery_eta_x"], home["battery_eta_y"])
    return float(home["battery_eta_c"] if p_kw >= 0.0 else home["battery_eta_d"])


@kernel
def drawn_kwh(home: Records, p_kw: float, dt: float) -> float:
    """Energy taken out of the cells [kWh] while p [kW] flows at the meter: max(-p, 0) dt / eta."""
    return max(-p_kw, 0.0) * dt / efficiency(home, p_kw)


@kernel
def limits(home: Records, soc: float, soh: float, dt: float) -> tuple[float, float]:
    """Largest charging and discharging power at the meter [kW], both >= 0, over a step of dt [h].

    The smaller of the power limit and what fills or empties the cells. With curves the power limit is battery_p times
    the curve at the soc of the step's beginning, for both directions, and the energy limit is solved with the
    efficiency at the limit itself. If an efficiency curve bends so much that more power at the meter stores less, the
    limit is the first power at which the cells are full.
    """
    capacity = home["battery_e"] * soh
    p_max = home["battery_p"]
    if capacity <= 0.0 or p_max <= 0.0:
        return 0.0, 0.0
    kept = soc * (1.0 - home["battery_self"] * dt)
    if home["battery_curves"] > 0.0:
        p_soc = p_max * on_curve(soc, home["battery_lim_x"], home["battery_lim_y"])
        full = capacity / (p_max * dt)
        below = p_max * BEFORE
        charge = below * share_to_fill((1.0 - kept) * full, home["battery_eta_x"], home["battery_eta_y"])
        discharge = below * share_to_empty(kept * full, home["battery_eta_x"], home["battery_eta_y"])
        return min(p_soc, charge), min(p_soc, discharge)
    charge = (1.0 - kept) * capacity / (home["battery_eta_c"] * dt)
    discharge = kept * capacity * home["battery_eta_d"] / dt
    return min(p_max, charge), min(p_max, discharge)


@kernel
def step(home: Records, soc: float, soh: float, p_request: float, dt: float) -> tuple[float, float]:
    """Follow a power request as far as :func:`limits` allow; return (soc at the end, power taken [kW]).

    The balance is :func:`reservoir`'s with E = battery_e soh. With ``battery_curves`` the efficiency of both directions
    is a curve over the share of the power limit and the power limit one over the soc, as in CityLearn (Vázquez-Canteli
    and others 2019, DOI 10.1145/3360322.3360998; its efficiency curve is that of the round trip, the root of it goes
    one way). Here the efficiency is that at the power taken; CityLearn takes that at the power asked for.
    """
    if home["battery_curves"] <= 0.0:
        return reservoir(
            soc,
            p_request,
            home["battery_e"] * soh,
            home["battery_p"],
            home["battery_p"],
            home["battery_eta_c"],
            home["battery_eta_d"],
            home["battery_self"],
            dt,
        )
    capacity = home["battery_e"] * soh
    if capacity <= 0.0:
        return soc, 0.0
    charge, discharge = limits(home, soc, soh, dt)
    p = min(max(p_request, -discharge), charge)
    eta = efficiency(home, p)
    after = soc * (1.0 - home["battery_self"] * dt) + (eta * p if p >= 0.0 else p / eta) * dt / capacity
    return min(max(after, 0.0), 1.0), p


@kernel
def fade(home: Records, soc: float, soc_after: float, soh: float, p_kw: float, dt: float) -> float:
    """Share of the new capacity lost in a step [-], at least 0 and at most what is left.

    calendar = k_cal / 8760 dt exp(k_soc (soc_mean - 0.5)),   cycle = k_cyc drawn / battery_e

    k_cal = battery_calendar [1/a], k_soc = battery_calendar_soc [-], k_cyc = battery_cycle [-] a full equivalent cycle;
    drawn [kWh] from the cells. The stress of the state of charge is that of Xu and others 2018,
    DOI 10.1109/TSG.2016.2578950; left out of that model: temperature, depth of discharge (a shallow cycle costs its
    share of a full one) and the fast loss of the first months, so that capacity falls in a straight line.
    The soc keeps its value when capacity fades: the energy in the lost capacity is lost with it.
    """
    if home["battery_e"] <= 0.0:
        return 0.0
    stress = np.exp(home["battery_calendar_soc"] * (0.5 * (soc + soc_after) - 0.5))
    calendar = home["battery_calendar"] / HOURS_A_YEAR * dt * stress
    cycle = home["battery_cycle"] * drawn_kwh(home, p_kw, dt) / home["battery_e"]
    return float(min(calendar + cycle, soh))
