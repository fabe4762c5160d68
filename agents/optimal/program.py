"""The linear program of one home over a stretch of time: the simulated dynamics, device by device.

    minimise   bill + carbon + wear + discomfort + unmet energy - change of the value of stored energy
    subject to demand + charging - discharging - pv = import - export

:mod:`~entangrid.agents.optimal.heat` holds rooms and hot water, :mod:`~entangrid.agents.optimal.storage` battery
and vehicle, this module meter, PV and appliances. Charging while discharging, or importing while exporting, never pays
while 0 <= export price <= import price; steps where prices are otherwise get a binary variable each, and so do starts
of appliances, draws of hot water from a tank that may be cold, vehicles that may serve the home alone while the sun
shines, and steps in which the plan would heat and cool at once. What is not linear at all
(:func:`entangrid.agents.optimal.home_model.inexact`) is taken as the last plan's replay found it, and planned again; a
relaxation gives the bound. Every plan is run through the simulator's kernel: its objective is what came out there.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from entangrid.agents.optimal import heat, storage
from entangrid.agents.optimal.forecasts import Window
from entangrid.agents.optimal.home_model import ROOMS, Build, Model, appliances, inexact
from entangrid.agents.optimal.linear import ALL, F, I, InfeasibleError, Solution
from entangrid.agents.optimal.replay import Course, Replay, Values
from entangrid.envs.kernels import appliance, heat_pump
from entangrid.envs.kernels.home import TANK_LIFT_K
from entangrid.envs.layout import APPLIANCE, BATTERY, CONTROLS, HEAT_PUMP, PV, STATE, TANK, TERMS, VEHICLE, Records
from entangrid.envs.tasks import Task

_GAP = 5e-4  # of a home that is not linear, where the iteration is no better
_PASSES = 10  # of planning around the best replay
_TRUST_K, _TIGHTER, _LEAST_TRUST_K = 10.0, 2.5, 0.2  # how far a tank's temperature may move from it
_ENOUGH_EUR = 1e-4  # a smaller gain tightens that


class Plan(NamedTuple):
    """The best plan found of one home over n steps, as the simulator's kernel ran it."""

    objective_eur: float
    bound_eur: float  # no plan is better than this; -inf: not asked for
    commands: F  # (n, 10) in the order of ``layout.CONTROLS``, NaN: the device's own controller
    states: Records  # (n + 1,)
    terms: Records  # (n,)


def solve(
    task: Task,
    home: int,
    window: Window,
    state: Records,
    values: Values,
    *,
    time_limit_s: float = 60.0,
    bounded: bool = True,
    passes: int = _PASSES,
) -> Plan:
    """Best plan of home number ``home`` over the records of ``window`` from ``state`` (one record).

    values: worth of stored energy at the end and at the beginning. bounded: prove a lower bound, which costs a second
    program where the home is not linear. Where the search is long, the best plan after about ``time_limit_s`` comes
    back (and as long again for the bound). passes: of planning anew around the best plan so far,
    where the home is not linear. Raises InfeasibleError if the solver finds none.
    """
    replay = Replay(task, home, window, values)
    state = np.array(state, STATE)
    best_commands = np.full((replay.n, len(CONTROLS)), np.nan)
    best = alone = replay.run(state, best_commands)
    model = Model(task, home, window, state, values, alone)
    curved = inexact(model)
    bound, trust_k, gap = -np.inf, np.inf, _GAP if curved else 0.0
    until = time.monotonic() + time_limit_s
    for _ in range(passes if curved else min(passes, 1)):
        left = max(until - time.monotonic(), 0.1 * time_limit_s)
        try:
            parts, x, least = _solved(model, best, trust_k, optimistic=False, time_limit_s=left, gap=gap)
        except InfeasibleError as error:
            if best is not alone:
                break
            raise InfeasibleError(f"home {home}: {error}") from None
        course, commands = _follow(model, replay, parts, x)
        gained = best.objective_eur - course.objective_eur
        bound = bound if curved else least
        if gained > 0.0 or not curved:
            best, best_commands = course, commands
        elif parts.tank is None or trust_k < _LEAST_TRUST_K:
            break
        if time.monotonic() > until:
            break
        trust_k = min(trust_k, _TRUST_K) / (1.0 if gained > _ENOUGH_EUR else _TIGHTER)
    if curved and bounded:
        bound = _solved(model, alone, np.inf, optimistic=True, time_limit_s=time_limit_s, gap=gap)[2]
    return Plan(best.objective_eur, min(bound, best.objective_eur), best_commands, best.states, best.terms)


class _Parts(NamedTuple):
    """Columns of a program by device; what the home lacks is None or empty."""

    rooms: heat.Rooms | None
    tank: heat.Tank | None
    battery: storage.Store | None
    vehicle: storage.Store | None
    pv: I | None
    starts: list[tuple[int, I, I]]  # appliance, columns of the possible starts, their steps


def _solved(
    model: Model, guess: Course, trust_k: float, *, optimistic: bool, time_limit_s: float, gap: float
) -> tuple[_Parts, F, float]:
    """(columns, their values, lower bound of the objective); steps that heat and cool at once are told apart."""
    one_way = np.zeros(0, np.int64)
    while True:
        build = Build(model, optimistic=optimistic, guess=guess, trust_k=trust_k)
        parts = _devices(build, one_way)
        _meter(build, parts)
        solution: Solution = build.lp.solve(time_limit_s, gap)
        both = _both_ways(parts.rooms, solution.x)
        fresh = np.setdiff1d(both, one_way)
        if optimistic or not fresh.size:
            return parts, solution.x, solution.bound + build.start_value + build.constant
        one_way = np.union1d(one_way, fresh)


def _both_ways(rooms: heat.Rooms | None, x: F) -> I:
    """Steps in which zones are heated and cooled."""
    if rooms is None:
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.minimum(x[rooms.heat].sum(0), x[rooms.cold].sum(0)) > 1e-6)


def _devices(build: Build, one_way: I) -> _Parts:
    """Every device in the order in which the simulator serves them."""
    model = build.model
    tank = heat.tank(build)
    rooms = heat.rooms(build, tank, one_way)
    starts = _appliances(build)
    pv = None
    available = np.asarray(model.alone.terms["p_pv_kw"], np.float64)
    if model.has("pv"):
        pv = build.lp.columns(model.n, high=available)
        build.add_demand(pv, -1.0)
    else:
        build.fixed_kw -= available
    vehicle = storage.vehicle(build)
    return _Parts(rooms, tank, storage.battery(build), vehicle, pv, starts)


def _appliances(build: Build) -> list[tuple[int, I, I]]:
    """One binary for every step in which a cycle may start; what must start within the window starts once."""
    model, out = build.model, []
    decided = appliances(model)
    for i in range(2):
        if model.p["app_kw"][i] > 0.0 and i not in decided:
            build.fixed_kw += model.appliance_alone(i)
    for i in decided:
        p = model.p
        kw, run, window = appliance.cycle(p["app_kw"][i], p["app_h"][i], p["app_window_h"][i], model.dt)
        left, wait = round(float(model.state["app_left"][i])), float(model.state["app_wait"][i])
        build.fixed_kw[:left] += kw
        ready = [(0, round(wait))] if wait >= 0.0 else []
        ready += [(int(t), round(window)) for t in np.flatnonzero(model.series["app_ready"][:, i] > 0.0) if t >= left]
        for first, slack in ready:
            steps = np.arange(first, min(first + slack + 1, model.n))
            columns = build.lp.columns(steps.size, high=1.0, whole=True)
            once = [(ALL, columns[k : k + 1], 1.0) for k in range(steps.size)]
            if first + slack < model.n:
                build.lp.equal(np.ones(1), *once)
            else:
                build.lp.at_most(np.ones(1), *once)
            out.append((i, columns, steps))
        _run(build, [part for part in out if part[0] == i], kw, round(run))
    return out


def _run(build: Build, cycles: list[tuple[int, I, I]], kw: float, run: int) -> None:
    """The power of an appliance's cycles as columns (n,)."""
    n = build.model.n
    power = build.lp.columns(n, high=kw)
    rows: list[tuple[slice, I, float]] = [(ALL, power, 1.0)]
    for _, columns, steps in cycles:
        for column, start in zip(columns, steps, strict=True):
            span = slice(int(start), min(int(start) + run, n))
            rows.append((span, np.full(span.stop - span.start, column), -kw))
    build.lp.equal(np.zeros(n), *rows)
    build.add_demand(power)


def _meter(build: Build, parts: _Parts) -> None:
    """Import and export, their prices, and what blocks and peaks cost."""
    model, lp, n, dt = build.model, build.lp, build.model.n, build.model.dt
    common = model.common
    flows = build.demand + build.stores
    lowest = build.fixed_kw + sum((np.minimum(w, 0.0) * lp.upper_bounds(c) for c, w in flows), np.zeros(n))
    highest = build.fixed_kw + sum((np.maximum(w, 0.0) * lp.upper_bounds(c) for c, w in flows), np.zeros(n))
    most_import, most_export = np.maximum(highest, 0.0), np.maximum(-lowest, 0.0)
    import_price = common["price_import"] + model.task.carbon_price_eur_kg * common["carbon"]
    imported = lp.columns(n, high=most_import, cost=import_price * dt)
    exported = lp.columns(n, high=most_export, cost=-common["price_export"] * dt)
    terms = [(ALL, columns, -weights) for columns, weights in flows]
    lp.equal(build.fixed_kw, (ALL, imported, 1.0), (ALL, exported, -1.0), *terms)
    upside_down = np.flatnonzero(common["price_export"] > import_price)
    negative = np.flatnonzero((common["price_export"] < 0.0) | (import_price < 0.0))
    _either(build, upside_down, imported, exported, most_import, most_export)
    for store in (parts.battery, parts.vehicle):
        if store is not None:
            charge, discharge = lp.upper_bounds(store.charge), lp.upper_bounds(store.discharge)
            _either(build, negative, store.charge, store.discharge, charge, discharge)
    _months(build, imported)


def _either(build: Build, steps: I, one: I, other: I, most_one: F, most_other: F) -> None:
    """At each of the steps only one of two columns is above 0."""
    if not steps.size:
        return
    flag = build.lp.columns(steps.size, high=1.0, whole=True)
    build.lp.at_most(np.zeros(steps.size), (ALL, one[steps], 1.0), (ALL, flag, -most_one[steps]))
    build.lp.at_most(most_other[steps].copy(), (ALL, other[steps], 1.0), (ALL, flag, most_other[steps]))


def _months(build: Build, imported: I) -> None:
    """Block tariff and demand charge of each calendar month that the window touches."""
    model, lp, dt = build.model, build.lp, build.model.dt
    p, common, state = model.p, model.common, model.state
    month = np.cumsum(common["new_month"] > 0.5)
    month -= month[0]
    begins = bool(common["new_month"][0] > 0.5)
    for m in range(int(month[-1]) + 1):
        columns = imported[month == m]
        goes_on = m == 0 and not begins
        if p["block_kwh"] > 0.0 and p["block_adder"] > 0.0:
            had = float(state["month_kwh"]) if goes_on else 0.0
            beyond = max(had - float(p["block_kwh"]), 0.0)
            extra = lp.columns(1, low=beyond, cost=float(p["block_adder"]))
            build.constant -= beyond * float(p["block_adder"])
            each = [(ALL, columns[k : k + 1], dt) for k in range(columns.size)]
            lp.at_most(np.array([float(p["block_kwh"]) - had]), *each, (ALL, extra, -1.0))
        if p["demand_price"] > 0.0:
            paid = max(float(state["month_peak"]) if goes_on else 0.0, float(p["demand_free"]))
            peak = lp.columns(1, low=paid, cost=float(p["demand_price"]))
            build.constant -= paid * float(p["demand_price"])
            lp.at_most(np.zeros(columns.size), (ALL, columns, 1.0), (ALL, np.repeat(peak, columns.size), -1.0))


def _follow(model: Model, replay: Replay, parts: _Parts, x: F) -> tuple[Course, F]:
    """Run the plan through the kernel; a tank's command depends on how warm it is by then."""
    n, p = model.n, model.p
    commands = np.full((n, len(CONTROLS)), np.nan)
    if parts.battery is not None:
        commands[:, BATTERY] = parts.battery.p_kw(x) / max(float(p["battery_p"]), 1e-9)
    if parts.rooms is not None:
        _room_commands(model, parts.rooms, x, commands)
    if parts.vehicle is not None:
        power = parts.vehicle.p_kw(x)
        most = np.where(power >= 0.0, float(p["ev_p_charge"]), max(float(p["ev_p_discharge"]), 1e-9))
        commands[:, VEHICLE] = power / np.maximum(most, 1e-9)
    for i in appliances(model):
        commands[:, APPLIANCE + i] = -1.0
    for i, columns, steps in parts.starts:
        commands[steps[x[columns] > 0.5], APPLIANCE + i] = 1.0
    if parts.pv is not None:
        sun = np.asarray(model.series["pv"], np.float64)
        commands[:, PV] = np.where(sun > 0.0, 2.0 * x[parts.pv] / np.where(sun > 0.0, sun, 1.0) - 1.0, 1.0)
    if parts.tank is None:
        return replay.run(model.state, commands), commands
    asked = parts.tank.heat_kw(x)
    replay.begin(model.state)
    states, terms = np.zeros(n + 1, STATE), np.zeros(n, TERMS)
    states[0] = model.state
    for t in range(n):
        warmest = float(p["dhw_element"])
        if model.tank_by_pump:
            sink = float(replay.state["t_tank"]) + TANK_LIFT_K
            warmest = heat_pump.heating(p, float(model.common["t_out"][t]), sink)[1]
        commands[t, TANK] = 2.0 * asked[t] / warmest - 1.0 if warmest > 0.0 else -1.0
        terms[t] = replay.step(commands[t])
        states[t + 1] = replay.state
    return Course(states, terms), commands


def _room_commands(model: Model, rooms: heat.Rooms, x: F, commands: F) -> None:
    """Commands of the zones from heat and cold."""
    hot, cold = x[rooms.heat], x[rooms.cold]
    share = np.divide(hot, rooms.most_heat, out=np.zeros_like(hot), where=rooms.most_heat > 0.0)
    share_cold = np.divide(cold, rooms.most_cold, out=np.zeros_like(cold), where=rooms.most_cold > 0.0)
    cools = model.p["hp_cool_q_ref"] > 0.0
    for i, z in enumerate(rooms.zones):
        commands[:, HEAT_PUMP + z] = share[i] - share_cold[i] if cools else 2.0 * share[i] - 1.0
    for z in range(len(ROOMS)):
        if f"zone{z + 1}" in model.task.controls and z not in rooms.zones:
            commands[:, HEAT_PUMP + z] = 0.0
