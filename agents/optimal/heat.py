"""Rooms and hot water in the program of a home: one heat pump for both."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.agents.optimal.home_model import Build, Model
from entangrid.agents.optimal.linear import ALL, LATER, F, I, Term
from entangrid.envs.kernels import heat_pump, hot_water
from entangrid.envs.kernels.home import TANK_LIFT_K
from entangrid.envs.kernels.rooms import DAY_FROM_H, DAY_TO_H


class Tank(NamedTuple):
    """Columns (n,) of the tank: heat by the pump and by the element [kW]; most heat of the pump (n,) [kW]."""

    pump: I
    element: I
    most_kw: F

    def heat_kw(self, x: F) -> F:
        """Heat into the tank (n,) [kW]."""
        return x[self.pump] + x[self.element]


class Rooms(NamedTuple):
    """Columns (Z, n) of heat and cold [kW] into the zones that there are; most of each zone (Z, n) [kW]."""

    heat: I
    cold: I
    most_heat: F
    most_cold: F
    zones: tuple[int, ...]


def tank(build: Build) -> Tank | None:
    """The tank; None where there is none to decide on."""
    model = build.model
    p, n, dt, lp = model.p, model.n, model.dt, build.lp
    if not model.has("tank"):
        if p["dhw_c"] > 0.0:
            worth = model.values.tank * p["dhw_c"] * model.alone.states["t_tank"]
            unmet = model.alone.terms["unmet_dhw_kwh"].sum() * p["dhw_unmet_price"]
            build.constant += float(unmet - worth[-1] + worth[0])
        return None
    warm, draw = float(model.state["t_tank"]), np.asarray(model.series["dhw"], np.float64)
    keep, first, _ = hot_water.decay(float(p["dhw_ua"]) * dt / float(p["dhw_c"]))
    rise, around = first * dt / float(p["dhw_c"]), float(p["dhw_t_env"])
    coldest = around + (min(warm, float(p["dhw_t_min"])) - around) * keep ** np.arange(1, n + 1)

    per_heat, slope, most = (
        np.ones(n),
        np.zeros(n),
        np.zeros(n),
    )  # power for a kilowatt of heat, and its rise per kelvin
    sink = np.asarray(build.guess.states["t_tank"][:-1], np.float64)
    if build.optimistic:
        sink = np.minimum(np.concatenate([[warm], coldest[:-1]]), warm)
    if model.tank_by_pump:
        for k, t_out in enumerate(model.common["t_out"]):
            cop, most[k] = heat_pump.heating(p, float(t_out), float(sink[k]) + TANK_LIFT_K)
            per_heat[k] = 1.0 / cop
            warmer, _ = heat_pump.heating(p, float(t_out), float(sink[k]) + TANK_LIFT_K + 1.0)
            slope[k] = 0.0 if build.optimistic else 1.0 / warmer - 1.0 / cop
    element = np.zeros(n) if model.tank_by_pump else np.full(n, float(p["dhw_element"]))
    low_pump, low_element, high_pump = np.zeros(n), np.zeros(n), most.copy()
    if not build.optimistic and p["dhw_legionella_h"] > 0.0:  # disinfection comes as it came
        due = build.guess.states["tank_cold_h"][:-1] >= p["dhw_legionella_h"]
        by_element = build.guess.terms["p_element_kw"]
        low_element[due] = element[due] = by_element[due]
        low_pump[due] = high_pump[due] = np.minimum((build.guess.terms["q_dhw_kw"] - by_element)[due], most[due])
    out = Tank(lp.columns(n, low=low_pump, high=high_pump), lp.columns(n, low=low_element, high=element), most)
    hottest = np.maximum(float(p["dhw_t_max"]), around + (warm - around) * keep ** np.arange(1, n + 1))
    after = np.asarray(build.guess.states["t_tank"][1:], np.float64)
    near = np.inf if build.optimistic else build.trust_k
    level = lp.columns(n, low=after - near, high=np.minimum(hottest, after + near))
    unmet = lp.columns(n, high=draw, cost=float(p["dhw_unmet_price"]) * dt)
    right = np.full(n, around * (1.0 - keep)) - rise * draw
    right[0] += keep * warm
    heat = ((ALL, out.pump, -rise), (ALL, out.element, -rise), (ALL, unmet, -rise))
    lp.equal(right, (ALL, level, 1.0), (LATER, level[:-1], -keep), *heat)

    drawn = np.flatnonzero(draw > 0.0)  # served while the tank is warm, or not at all
    useful, gap = float(p["dhw_t_min"]), float(p["dhw_t_min"]) - coldest[drawn] + rise * draw[drawn]
    cold = lp.columns(drawn.size, high=1.0, whole=True)
    lp.at_least(np.full(drawn.size, useful), (ALL, level[drawn], 1.0), (ALL, cold, gap))
    lp.at_least(np.zeros(drawn.size), (ALL, unmet[drawn], 1.0), (ALL, cold, -draw[drawn]))

    worth = model.values.tank * float(p["dhw_c"])
    lp.price(level[-1:], -worth)
    build.start_value += worth * warm
    build.add_demand(out.pump, per_heat)
    build.add_demand(out.element)
    if slope.any():  # heat into a warmer tank takes more power: the guess's heat times the difference in temperature
        by_pump = build.guess.terms["q_dhw_kw"] - build.guess.terms["p_element_kw"]
        rises = np.asarray(by_pump * slope, np.float64)
        build.fixed_kw += rises * (np.where(np.arange(n) > 0, 0.0, warm) - sink)
        build.add_demand(np.concatenate([level[:1], level[:-1]]), np.concatenate([[0.0], rises[1:]]))
    return out


def rooms(build: Build, hot: Tank | None, one_way: I) -> Rooms | None:
    """The rooms; None where nobody decides on them. one_way: steps with a binary for heating or cooling, not both."""
    model = build.model
    if not model.heats_rooms:
        _rooms_alone(build, hot)
        return None
    n, lp = model.n, build.lp
    zones = tuple(z for z in range(len(model.zones)) if model.zones[z]["c_mass"] > 0.0)
    cop, q_heat, eer, q_cool = model.pump_limits()
    share = np.array([model.zones[z]["emitter_share"] for z in zones])[:, None]
    out = Rooms(
        lp.columns((len(zones), n), high=share * q_heat),
        lp.columns((len(zones), n), high=share * q_cool),
        share * q_heat,
        share * q_cool,
        zones,
    )
    _nodes(build, out)
    for columns, most, factor in ((out.heat, q_heat, cop), (out.cold, q_cool, eer)):
        terms: list[Term] = [(ALL, column, 1.0) for column in columns]
        if hot is not None and model.tank_by_pump:
            busy = np.divide(most, hot.most_kw, out=np.zeros(n), where=hot.most_kw > 0.0)
            terms.append((ALL, hot.pump, busy))
        lp.at_most(most.copy(), *terms)
        for column in columns:
            build.add_demand(column, 1.0 / factor)
    if one_way.size:
        heats = lp.columns(one_way.size, high=1.0, whole=True)
        sums = [(ALL, column[one_way], 1.0) for column in out.heat]
        lp.at_most(np.zeros(one_way.size), *sums, (ALL, heats, -q_heat[one_way]))
        sums = [(ALL, column[one_way], 1.0) for column in out.cold]
        lp.at_most(q_cool[one_way], *sums, (ALL, heats, q_cool[one_way]))
    return out


def _nodes(build: Build, out: Rooms) -> None:
    """Temperatures at the steps' ends, and the distance of their means from the comfort band."""
    model = build.model
    p, n, lp, h = model.p, model.n, build.lp, model.home
    matrices = model.task.matrices
    a, b, a_mean, b_mean = (part[h] for part in matrices[:4])
    capacity = matrices.capacity[h]
    x0 = _temperatures(model)
    places = [2 * z + i for z in out.zones for i in (0, 1)]
    levels = lp.columns((len(places), n), low=-np.inf)
    known_u = np.zeros((b.shape[1], n))
    known_u[0] = model.common["t_out"]
    for z in out.zones:
        known_u[1 + 2 * z] = model.series["gains_air"] * model.zones[z]["gain_share"]
        known_u[2 + 2 * z] = model.series["gains_mass"] * model.zones[z]["gain_share"]
    to_air = float(p["hp_air_share"])

    def by_heat(matrix: F, node: int) -> list[float]:
        return [float(to_air * matrix[node, 1 + 2 * z] + (1.0 - to_air) * matrix[node, 2 + 2 * z]) for z in out.zones]

    def pumped(matrix: F, node: int, sign: float) -> list[tuple[slice, I, float]]:
        weights = by_heat(matrix, node)
        terms = [(ALL, out.heat[i], sign * w) for i, w in enumerate(weights)]
        return terms + [(ALL, out.cold[i], -sign * w) for i, w in enumerate(weights)]

    for i, node in enumerate(places):
        right = b[node] @ known_u
        right[0] += a[node] @ x0
        earlier = [(LATER, levels[j][:-1], -float(a[node, other])) for j, other in enumerate(places)]
        lp.equal(right, (ALL, levels[i], 1.0), *earlier, *pumped(b, node, -1.0))
        worth = model.values.heat * float(capacity[node])
        lp.price(levels[i][-1:], -worth)
        build.start_value += worth * float(x0[node])
    day = (model.common["hour"] >= DAY_FROM_H) & (model.common["hour"] < DAY_TO_H)
    for z in out.zones:
        zone, node = model.zones[z], 2 * z
        weight = np.where(day, zone["day_share"], zone["night_share"]) * model.series["occupancy"]
        weight = np.asarray(weight * p["discomfort_price"] * model.dt, np.float64)
        at = np.flatnonzero(weight > 0.0)
        if not at.size:
            continue
        known = b_mean[node] @ known_u
        known[0] += a_mean[node] @ x0
        below, above = (lp.columns(at.size, cost=weight[at]) for _ in range(2))
        later = at > 0
        mean = [(_where(later), levels[j][at[later] - 1], float(a_mean[node, other])) for j, other in enumerate(places)]
        mean += [(ALL, columns[at], w) for _, columns, w in pumped(b_mean, node, 1.0)]
        lp.at_least(float(zone["t_low"]) - known[at], *mean, (ALL, below, 1.0))
        lp.at_most(float(zone["t_high"]) - known[at], *mean, (ALL, above, -1.0))


def _where(mask: npt.NDArray[np.bool_]) -> slice:
    """The rows of a mask of which at most the first is False."""
    return ALL if mask.all() else LATER


def _temperatures(model: Model) -> F:
    """Node temperatures (N,) at the beginning."""
    state = model.state
    n = 2 * len(model.zones)
    return np.concatenate([[state["t_air"], state["t_mass"]], state["t_zones"][: n - 2]])


def _rooms_alone(build: Build, hot: Tank | None) -> None:
    """Rooms that nobody decides on: their power, discomfort and stored heat."""
    model = build.model
    p, alone = model.p, model.alone
    power = alone.terms["p_hp_kw"].copy()
    if model.tank_by_pump:
        by_pump = alone.terms["q_dhw_kw"] - alone.terms["p_element_kw"]
        for k in np.flatnonzero(by_pump > 0.0):
            sink = float(alone.states["t_tank"][k]) + TANK_LIFT_K
            cop, _ = heat_pump.heating(p, float(model.common["t_out"][k]), sink)
            power[k] -= by_pump[k] / cop if hot is not None else 0.0
    if hot is None:
        power += alone.terms["p_element_kw"]
    build.fixed_kw += power
    build.constant += float(alone.terms["discomfort_eur"].sum())
    if p["building"] > 0.0:
        capacity = model.task.matrices.capacity[model.home]
        last = model._replace(state=alone.states[-1])
        change = capacity @ (_temperatures(last) - _temperatures(model))
        build.constant -= model.values.heat * float(change)
