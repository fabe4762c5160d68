"""Devices and meter of one home as columns and rows of a linear program."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from entangrid.agents.optimal import heat, storage
from entangrid.agents.optimal.home_model import Build, appliances
from entangrid.agents.optimal.linear import ALL, F, I
from entangrid.envs.kernels import appliance


class Parts(NamedTuple):
    """Columns of a program by device; what the home lacks is None or empty."""

    rooms: heat.Rooms | None
    tank: heat.Tank | None
    battery: storage.Store | None
    vehicle: storage.Store | None
    pv: I | None
    starts: list[tuple[int, I, I]]  # appliance, columns of the possible starts, their steps
    one_way: I  # steps with a binary for heating or cooling


def devices(build: Build, one_way: I) -> Parts:
    """Every device in the order in which the simulator serves them; one_way: see :func:`heat.rooms`."""
    model = build.model
    tank = heat.tank(build)
    rooms = heat.rooms(build, tank, one_way)
    starts = _appliances(build)
    pv = None
    available = model.sun_kw(build.guess, optimistic=build.optimistic)
    held_back = build.optimistic and model.task.feeder is not None and model.p["vw_end"] > 0.0
    if model.has("pv") or held_back:
        pv = build.lp.columns(model.n, high=available)
        build.add_demand(pv, -1.0)
    else:
        build.fixed_kw -= available
        build.unity_kw -= available
    vehicle = storage.vehicle(build)
    return Parts(rooms, tank, storage.battery(build), vehicle, pv, starts, one_way)


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


def meter(build: Build, parts: Parts) -> tuple[I, I]:
    """Columns (n,) of import and export [kW], their prices, and what blocks and peaks cost."""
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
    return imported, exported


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
