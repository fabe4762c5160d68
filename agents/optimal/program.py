"""The linear program of one home over a stretch of its scenario: exactly the simulated dynamics.

Variables of each step: import, export, battery charge and discharge, heat-pump power [kW]; soc and the two node
temperatures at its end; the mean air temperature's distance below and above the comfort band [K].

    minimise   sum of (bill + carbon + wear + discomfort) - change of the value of stored energy
    subject to load + hp + charge - discharge - pv = import - export
               soc' = (1 - s dt) soc + (eta_c charge - discharge / eta_d) dt / E,   0 <= soc' <= 1
               x'   = a x + b u,   u = (t_out, gains_air + w cop hp, gains_mass + (1 - w) cop hp)
               a_mean[0] x + b_mean[0] u + below >= low,   ... - above <= high

Charging while discharging, or importing while exporting, never pays while 0 <= export price <= import price; steps
where prices are otherwise get a binary variable each, so that the plan stays one that the home can follow.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from entangrid.agents.rules import heat_pump_limits
from entangrid.data.errors import InputError
from entangrid.envs.tasks import Task

F = npt.NDArray[np.float64]

_NAMES = ("imp", "exp", "charge", "discharge", "hp", "soc", "air", "mass", "below", "above")


class Plan(NamedTuple):
    """The optimum of one home over n steps."""

    objective_eur: float
    p_battery_kw: F  # (n,) charging positive
    p_hp_kw: F  # (n,)
    soc: F  # (n,) at the end of each step
    t_air_c: F  # (n,)
    p_hp_max_kw: F  # (n,)
    bound_eur: float  # proven lower bound; equal to the objective unless the search ran out of time


def refuse_unknown(task: Task) -> None:
    """Raise InputError for a task with anything that the program does not hold."""
    homes = task.homes
    held = (
        ("several zones", (task.zones["c_mass"] > 0.0).sum(axis=1) > 1),
        ("a zone without a massive air node", task.zones["c_air"][:, 0] <= 0.0),
        ("ideal_load", homes["ideal_load"] > 0.0),
        ("cooling", homes["hp_cool_q_ref"] > 0.0),
        ("a heat pump that cycles below hp_min_share", (homes["hp_min_share"] > 0.0) & (homes["hp_cc"] < 1.0)),
        ("a hot-water tank", homes["dhw_c"] > 0.0),
        ("a vehicle", homes["ev_e"] > 0.0),
        ("appliances", (homes["app_kw"] > 0.0).any(axis=1)),
        ("curtailable PV", homes["pv_curtailable"] > 0.0),
        ("volt-watt curtailment", homes["vw_end"] > 0.0),
        ("battery curves", homes["battery_curves"] > 0.0),
        ("battery ageing", (homes["battery_calendar"] > 0.0) | (homes["battery_cycle"] > 0.0)),
        ("a block tariff", (homes["block_kwh"] > 0.0) & (homes["block_adder"] != 0.0)),
        ("a demand charge", homes["demand_price"] > 0.0),
    )
    for what, where in held:
        if np.any(where):
            name = task.scenario.home_names[int(np.argmax(where))]
            raise InputError(f"optimum: home {name!r} has {what}; expected one zone, heat pump, battery and PV alone")
    if task.feeder is not None:
        raise InputError("optimum: the task has a feeder; expected homes without one")
    if (task.common["grid"] < 0.5).any():
        raise InputError(f"optimum: scenario {task.scenario.name!r} has outages; expected none")


class InfeasibleError(RuntimeError):
    """The solver found no plan; the message carries its own words."""


def solve(
    task: Task,
    home: int,
    start: int,
    steps: int,
    *,
    soc: float,
    t_air: float,
    t_mass: float,
    value_el: float,
    value_heat: float,
    time_limit_s: float = 60.0,
) -> Plan:
    """Best plan of home number ``home`` over [start, start + steps) from the given state, with perfect foresight.

    value_el, value_heat: worth of a kWh that the battery can still deliver, and of heat in the building, at the end
    [EUR/kWh]. Where binary variables make the search long, the best plan after ``time_limit_s`` comes back with its
    proven bound. Raises InfeasibleError if the solver finds none. Solver: HiGHS (Huangfu, Hall 2018, DOI
    10.1007/s12532-017-0130-5) through scipy.optimize.milp.
    """
    n, dt = steps, task.scenario.dt_h
    p, zone = task.homes[home], task.zones[home, 0]
    common = task.common[start : start + n]
    series = task.series[start : start + n, home]
    a, b, a_mean, b_mean = (matrix[home] for matrix in task.matrices[:4])
    cop, p_max = (column[:, home] for column in heat_pump_limits(task, common["t_out"][:, None]))
    into_air, into_mass = p["hp_air_share"] * cop, (1.0 - p["hp_air_share"]) * cop

    first = {name: i * n for i, name in enumerate(_NAMES)}
    two_prices = common["price_export"] > common["price_import"]
    negative = (common["price_export"] < 0.0) | (common["price_import"] < 0.0)
    grid_binary, battery_binary = np.flatnonzero(two_prices), np.flatnonzero(negative)
    n_continuous = len(_NAMES) * n
    n_variables = n_continuous + grid_binary.size + battery_binary.size
    each, zero = np.arange(n), np.zeros(n)

    rows: list[npt.NDArray[np.int64]] = []
    columns: list[npt.NDArray[np.int64]] = []
    values: list[F] = []
    lowest: list[F] = []
    highest: list[F] = []
    n_rows = 0

    def put(row: npt.NDArray[np.int64], column: npt.NDArray[np.int64], value: npt.ArrayLike) -> None:
        rows.append(row)
        columns.append(column)
        values.append(np.broadcast_to(np.asarray(value, np.float64), row.shape))

    def block(low: F, high: F, terms: dict[str, npt.ArrayLike], before: dict[str, float]) -> None:
        """One row a step: terms at this step plus terms of the previous step's end; step 0 has none before it."""
        nonlocal n_rows
        row = n_rows + np.arange(n)
        for name, value in terms.items():
            put(row, first[name] + each, value)
        for name, weight in before.items():
            put(row[1:], first[name] + each[:-1], weight)
        lowest.append(low)
        highest.append(high)
        n_rows += n

    def with_initial(right: F, known: float) -> F:
        """Move what the known initial state contributes to the right-hand side of step 0."""
        out = right.copy()
        out[0] += known
        return out

    net = series["load"] - series["pv"]
    block(-net, -net, {"imp": -1.0, "exp": 1.0, "charge": 1.0, "discharge": -1.0, "hp": 1.0}, {})

    capacity = max(float(p["battery_e"]), 1e-9)
    keep = 1.0 - float(p["battery_self"]) * dt
    right = with_initial(zero, keep * soc)
    into = p["battery_eta_c"] * dt / capacity
    out_of = dt / (p["battery_eta_d"] * capacity)
    block(right, right, {"soc": 1.0, "charge": -into, "discharge": out_of}, {"soc": -keep})

    known_u = np.stack([common["t_out"], series["gains_air"], series["gains_mass"]])
    for i, name in enumerate(("air", "mass")):
        right = with_initial(b[i] @ known_u, float(a[i, 0] * t_air + a[i, 1] * t_mass))
        block(
            right,
            right,
            {name: 1.0, "hp": -(b[i, 1] * into_air + b[i, 2] * into_mass)},
            {"air": -a[i, 0], "mass": -a[i, 1]},
        )
    known_mean = with_initial(b_mean[0] @ known_u, float(a_mean[0, 0] * t_air + a_mean[0, 1] * t_mass))
    hp_mean = b_mean[0, 1] * into_air + b_mean[0, 2] * into_mass
    infinite = np.full(n, np.inf)
    before = {"air": float(a_mean[0, 0]), "mass": float(a_mean[0, 1])}
    block(zone["t_low"] - known_mean, infinite, {"hp": hp_mean, "below": 1.0}, before)
    block(-infinite, zone["t_high"] - known_mean, {"hp": hp_mean, "above": -1.0}, before)

    power = float(p["battery_p"]) if p["battery_e"] > 0.0 else 0.0
    most_import = np.maximum(net + p_max + power, 0.0)
    most_export = np.maximum(power - net, 0.0)
    for offset, steps_with, pair, limits in (
        (n_continuous, grid_binary, ("imp", "exp"), (most_import, most_export)),
        (n_continuous + grid_binary.size, battery_binary, ("charge", "discharge"), (zero + power, zero + power)),
    ):
        m = steps_with.size
        flag = offset + np.arange(m)
        for sign, name, limit in zip((-1.0, 1.0), pair, limits, strict=True):  # first <= limit z, second <= limit (1-z)
            row = n_rows + np.arange(m)
            put(row, first[name] + steps_with, 1.0)
            put(row, flag, sign * limit[steps_with])
            lowest.append(np.full(m, -np.inf))
            highest.append(zero[steps_with] if sign < 0 else limit[steps_with])
            n_rows += m

    lower, upper = np.zeros(n_variables), np.full(n_variables, np.inf)
    cost = np.zeros(n_variables)

    def set_range(name: str, low: npt.ArrayLike, high: npt.ArrayLike) -> None:
        lower[first[name] : first[name] + n] = low
        upper[first[name] : first[name] + n] = high

    set_range("imp", 0.0, most_import)
    set_range("exp", 0.0, most_export)
    set_range("charge", 0.0, power)
    set_range("discharge", 0.0, power)
    set_range("hp", 0.0, p_max)
    set_range("soc", 0.0, 1.0)
    set_range("air", -np.inf, np.inf)
    set_range("mass", -np.inf, np.inf)
    upper[n_continuous:] = 1.0

    def price(name: str, value: npt.ArrayLike) -> None:
        cost[first[name] : first[name] + n] += np.asarray(value, np.float64)

    price("imp", (common["price_import"] + task.carbon_price_eur_kg * common["carbon"]) * dt)
    price("exp", -common["price_export"] * dt)
    price("discharge", p["battery_wear"] * dt / p["battery_eta_d"])
    price("below", p["discomfort_price"] * series["occupancy"] * dt)
    price("above", p["discomfort_price"] * series["occupancy"] * dt)
    worth_soc = value_el * p["battery_eta_d"] * p["battery_e"]
    cost[first["soc"] + n - 1] -= worth_soc
    cost[first["air"] + n - 1] -= value_heat * zone["c_air"]
    cost[first["mass"] + n - 1] -= value_heat * zone["c_mass"]
    at_start = worth_soc * soc + value_heat * (zone["c_air"] * t_air + zone["c_mass"] * t_mass)

    matrix = sparse.csr_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(n_rows, n_variables)
    )
    integrality = np.zeros(n_variables, np.int64)
    integrality[n_continuous:] = 1
    result = milp(
        cost,
        constraints=LinearConstraint(matrix, np.concatenate(lowest), np.concatenate(highest)),
        bounds=Bounds(lower, upper),
        integrality=integrality if n_variables > n_continuous else None,
        options={"mip_rel_gap": 0.0, "time_limit": time_limit_s},
    )
    if result.x is None:
        raise InfeasibleError(f"optimum of home {home} from step {start}: {result.message}")

    def column(name: str) -> F:
        return np.asarray(result.x[first[name] : first[name] + n], np.float64)

    bound = result.mip_dual_bound if n_variables > n_continuous else result.fun
    return Plan(
        objective_eur=float(result.fun + at_start),
        p_battery_kw=column("charge") - column("discharge"),
        p_hp_kw=column("hp"),
        soc=column("soc"),
        t_air_c=column("air"),
        p_hp_max_kw=p_max,
        bound_eur=float(bound + at_start),
    )
