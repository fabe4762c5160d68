"""The linear program of one home over a stretch of time: the simulated dynamics, device by device.

    minimise   bill + carbon + wear + discomfort + unmet energy - change of the value of stored energy
    subject to demand + charging - discharging - pv = import - export

:mod:`~entangrid.agents.optimal.heat` holds rooms and hot water, :mod:`~entangrid.agents.optimal.storage` battery
and vehicle, :mod:`~entangrid.agents.optimal.parts` meter, PV and appliances. Charging while discharging, or importing
while exporting, never pays while 0 <= export price <= import price; steps where prices are otherwise get a binary
variable each, and so do starts of appliances, draws of hot water from a tank that may be cold, vehicles that may serve
the home alone while the sun shines, and steps in which the plan would heat and cool at once. What is not linear at all
(:func:`entangrid.agents.optimal.home_model.inexact`) is taken as the last plan's replay found it, and planned again; a
relaxation gives the bound. Every plan is run through the simulator's kernel: its objective is what came out there.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from entangrid.agents.optimal import heat
from entangrid.agents.optimal.forecasts import Window
from entangrid.agents.optimal.home_model import ROOMS, Build, Model, appliances, inexact
from entangrid.agents.optimal.linear import ALL, F, I, InfeasibleError, Solution
from entangrid.agents.optimal.parts import Parts, devices, meter
from entangrid.agents.optimal.replay import Course, Replay, Values
from entangrid.envs.kernels import heat_pump
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
            parts, x, least, _ = solved(model, best, trust_k, optimistic=False, time_limit_s=left, gap=gap)
        except InfeasibleError as error:
            if best is not alone:
                break
            raise InfeasibleError(f"home {home}: {error}") from None
        course, commands = follow(model, replay, parts, x)
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
        bound = solved(model, alone, np.inf, optimistic=True, time_limit_s=time_limit_s, gap=gap).bound
    return Plan(best.objective_eur, min(bound, best.objective_eur), best_commands, best.states, best.terms)


class Solved(NamedTuple):
    """Columns of a program, their values, a lower bound of the objective, and the values that had to be whole."""

    parts: Parts
    x: F
    bound: float
    whole: F


class Share(NamedTuple):
    """What a home is to exchange with the grid (n,) [kW], and what a kilowatt hour of difference costs [EUR/kWh]."""

    p_kw: F
    price: float


def solved(
    model: Model,
    guess: Course,
    trust_k: float,
    *,
    optimistic: bool,
    time_limit_s: float,
    gap: float,
    share: Share | None = None,
) -> Solved:
    """The program of a home around a guess; steps that heat and cool at once are told apart. share: a wish besides."""
    one_way = np.zeros(0, np.int64)
    while True:
        build = Build(model, optimistic=optimistic, guess=guess, trust_k=trust_k)
        parts = devices(build, one_way)
        imported, exported = meter(build, parts)
        if share is not None:
            off = build.lp.columns(model.n, cost=share.price * model.dt)
            net = ((ALL, imported, 1.0), (ALL, exported, -1.0))
            build.lp.at_most(share.p_kw, *net, (ALL, off, -1.0))
            build.lp.at_least(share.p_kw, *net, (ALL, off, 1.0))
        solution: Solution = build.lp.solve(time_limit_s, gap)
        fresh = np.setdiff1d(_both_ways(parts.rooms, solution.x), one_way)
        if optimistic or not fresh.size:
            bound = solution.bound + build.start_value + build.constant
            return Solved(parts, solution.x, bound, solution.x[build.lp.whole_columns()])
        one_way = np.union1d(one_way, fresh)


def _both_ways(rooms: heat.Rooms | None, x: F) -> I:
    """Steps in which zones are heated and cooled."""
    if rooms is None:
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.minimum(x[rooms.heat].sum(0), x[rooms.cold].sum(0)) > 1e-6)


def follow(model: Model, replay: Replay, parts: Parts, x: F) -> tuple[Course, F]:
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
