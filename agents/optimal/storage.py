"""Battery and vehicle in the program of a home."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.agents.optimal.home_model import Build
from entangrid.agents.optimal.linear import ALL, LATER, F, I
from entangrid.envs.layout import Records

#: Tangents that stand for the exponential stress of the state of charge.
_TANGENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
_HOURS_A_YEAR = 8760.0


class Store(NamedTuple):
    """Columns (n,) of a store: charge and discharge at the meter [kW], state of charge at the end."""

    charge: I
    discharge: I
    soc: I

    def p_kw(self, x: F) -> F:
        """Power at the meter (n,) [kW], charging positive."""
        return x[self.charge] - x[self.discharge]


def limit_lines(home: Records) -> list[tuple[float, float]]:
    """(slope, value at empty) of the lines whose lower envelope is the share of the power limit over the charge.

    Without curves, or where the curve is not concave: none, and the power limit alone holds.
    """
    if home["battery_curves"] <= 0.0:
        return []
    x, y = home["battery_lim_x"], home["battery_lim_y"]
    pieces = [i for i in range(len(x) - 1) if x[i + 1] > x[i]]
    slopes = [float((y[i + 1] - y[i]) / (x[i + 1] - x[i])) for i in pieces]
    if any(b > a + 1e-9 for a, b in pairwise(slopes)):
        return []
    return [(m, float(y[i] - m * x[i])) for m, i in zip(slopes, pieces, strict=True)]


def battery(build: Build) -> Store | None:
    """The battery; None where there is none to decide on."""
    model = build.model
    if not model.has("battery"):
        _left_alone(build)
        return None
    p, n, dt = model.p, model.n, model.dt
    soc, soh = float(model.state["soc"]), float(model.state["soh"])
    energy, limit = float(p["battery_e"]) * soh, float(p["battery_p"])
    eta_c, eta_d = _efficiencies(build)
    lp = build.lp
    cycle_eur = float(p["battery_cycle"] * p["battery_price"])  # per kWh from the cells
    wear = (float(p["battery_wear"]) + cycle_eur) * dt / eta_d
    store = Store(lp.columns(n, high=limit), lp.columns(n, high=limit, cost=wear), lp.columns(n, high=1.0))
    keep = 1.0 - float(p["battery_self"]) * dt
    start = np.zeros(n)
    start[0] = keep * soc
    terms = (
        (ALL, store.soc, 1.0),
        (LATER, store.soc[:-1], -keep),
        (ALL, store.charge, -eta_c * dt / energy),
        (ALL, store.discharge, dt / (eta_d * energy)),
    )
    ages = p["battery_calendar"] > 0.0 or p["battery_cycle"] > 0.0
    if build.optimistic and ages:  # what fades takes its energy with it
        lp.at_most(start, *terms)
    else:
        lp.equal(start, *terms)
    for slope, at_empty in limit_lines(p):
        right = np.full(n, limit * at_empty)
        right[0] += limit * slope * soc
        lp.at_most(
            right, (ALL, store.charge, 1.0), (ALL, store.discharge, 1.0), (LATER, store.soc[:-1], -limit * slope)
        )
    _calendar(build, store.soc, soc)
    worth = model.values.electric * float(p["battery_eta_d"]) * energy
    lp.price(store.soc[-1:], -worth)
    build.start_value += worth * soc
    build.add_store(store.charge, 1.0)
    build.add_store(store.discharge, -1.0)
    return store


def _left_alone(build: Build) -> None:
    """An idle battery costs what its ageing does and keeps what it keeps."""
    model = build.model
    p, alone = model.p, model.alone
    if p["battery_e"] <= 0.0:
        return
    fade = alone.terms["ageing"].sum() * p["battery_e"] * p["battery_price"]
    worth = model.values.electric * p["battery_eta_d"] * p["battery_e"] * alone.states["soh"] * alone.states["soc"]
    build.constant += float(fade - worth[-1] + worth[0])


def _efficiencies(build: Build) -> tuple[F, F]:
    """(charging, discharging) efficiency (n,): the best one for a bound, else that of the guess's powers."""
    p, n = build.model.p, build.model.n
    if p["battery_curves"] <= 0.0:
        return np.full(n, float(p["battery_eta_c"])), np.full(n, float(p["battery_eta_d"]))
    if build.optimistic:
        best = np.full(n, float(p["battery_eta_y"].max()))
        return best, best
    power = np.abs(build.guess.terms["p_battery_kw"])
    share = np.where(power > 1e-6, power / max(float(p["battery_p"]), 1e-9), 0.25)
    eta = np.interp(share, p["battery_eta_x"], p["battery_eta_y"])
    return eta, eta


def _calendar(build: Build, soc: I, before: float) -> None:
    """Calendar ageing: the exponential stress of the mean charge from below, by tangents."""
    p, n, dt = build.model.p, build.model.n, build.model.dt
    rate = float(p["battery_calendar"]) / _HOURS_A_YEAR * dt * float(p["battery_e"] * p["battery_price"])
    k = float(p["battery_calendar_soc"])
    if rate <= 0.0:
        return
    stress = build.lp.columns(n, cost=rate)
    for at in _TANGENTS:
        value = np.exp(k * (at - 0.5))
        right = np.full(n, value * (k * at - 1.0))
        right[0] -= value * k * 0.5 * before
        # stress >= value (1 + k (mean - at)), mean of the charge before and after
        build.lp.at_most(right, (ALL, soc, 0.5 * value * k), (LATER, soc[:-1], 0.5 * value * k), (ALL, stress, -1.0))


def vehicle(build: Build) -> Store | None:
    """The vehicle; None where there is none to decide on. To be called when the rest of the home's demand stands."""
    model = build.model
    p = model.p
    if not model.has("vehicle"):
        if p["ev_e"] > 0.0:
            build.fixed_kw += model.alone.terms["p_ev_kw"]
            build.unity_kw += model.alone.terms["p_ev_kw"]
            worth = model.values.electric * p["ev_e"] * model.alone.states["ev_soc"] / p["ev_eta_c"]
            unmet = model.alone.terms["unmet_ev_kwh"].sum() * p["ev_unmet_price"]
            build.constant += float(unmet - worth[-1] + worth[0])
        return None
    n, dt, series, lp = model.n, model.dt, model.series, build.lp
    energy, soc = float(p["ev_e"]), float(model.state["ev_soc"])
    plugged = series["ev_home"] > 0.0
    leaves = (series["ev_home"] > 0.5) & (series["ev_leaves_h"] <= dt + 1e-9)
    wear = float(p["ev_wear"]) * dt / float(p["ev_eta_d"])
    store = Store(
        lp.columns(n, high=np.where(plugged, float(p["ev_p_charge"]), 0.0)),
        lp.columns(n, high=np.where(plugged, float(p["ev_p_discharge"]), 0.0), cost=wear),
        lp.columns(n, low=np.where(leaves, float(p["ev_soc_departure"]), 0.0), high=1.0),
    )
    needs = (series["ev_trip"] > 0.0) | leaves  # energy bought elsewhere [kWh]
    bought = lp.columns(n, high=np.where(needs, np.inf, 0.0), cost=float(p["ev_unmet_price"]))
    right = -np.asarray(series["ev_trip"], np.float64) / energy
    right[0] += soc
    lp.equal(
        right,
        (ALL, store.soc, 1.0),
        (LATER, store.soc[:-1], -1.0),
        (ALL, store.charge, -float(p["ev_eta_c"]) * dt / energy),
        (ALL, store.discharge, dt / (float(p["ev_eta_d"]) * energy)),
        (ALL, bought, -1.0 / energy),
    )
    if p["ev_p_discharge"] > 0.0 and p["ev_v2g"] <= 0.0:
        _only_to_the_home(build, store.discharge, plugged)
    worth = model.values.electric * energy / float(p["ev_eta_c"])
    lp.price(store.soc[-1:], -worth)
    build.start_value += worth * soc
    build.add_store(store.charge, 1.0)
    build.add_store(store.discharge, -1.0)
    return store


def _only_to_the_home(build: Build, discharge: I, plugged: npt.NDArray[np.bool_]) -> None:
    """discharge <= max(demand, 0); a binary where PV may exceed the demand."""
    most = float(build.model.p["ev_p_discharge"])
    at = np.flatnonzero(plugged)
    demand = [(ALL, columns[at], -weights[at]) for columns, weights in build.demand]
    fixed = build.fixed_kw[at]
    lowest = fixed + sum(
        (np.minimum(w[at], 0.0) * build.lp.upper_bounds(c[at]) for c, w in build.demand), np.zeros(at.size)
    )
    sure = lowest >= 0.0
    pick = [(ALL, c[sure], w[sure]) for _, c, w in demand]
    build.lp.at_most(fixed[sure], (ALL, discharge[at[sure]], 1.0), *pick)
    open_ = ~sure
    if not open_.any():
        return
    gap = most - lowest[open_]
    gives = build.lp.columns(int(open_.sum()), high=1.0, whole=True)
    pick = [(ALL, c[open_], w[open_]) for _, c, w in demand]
    build.lp.at_most(np.zeros(int(open_.sum())), (ALL, discharge[at[open_]], 1.0), (ALL, gives, -most))
    build.lp.at_most(fixed[open_] + gap, (ALL, discharge[at[open_]], 1.0), (ALL, gives, gap), *pick)
