"""After Nengroo et al. 2025: how much of 63 % less power there is to save by cooling, on 26 made-up homes.

The paper's data, code, comfort numbers and baselines are not public; nothing here reproduces it. What can be asked is
how far rules without learning come, and how far any controller could come at the same comfort.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from entangrid.experiments.reproduce.bootstrap import interval
from entangrid.experiments.reproduce.target import Row, Settings, Target, Unit, Verdict

F = npt.NDArray[np.float64]

#: kelvin below the upper end of the comfort band at which a rule cools, and whether it stops while nobody is in
RULES = {
    "always-2K-below": (2.0, False),
    "always-at-the-band": (0.0, False),
    "occupied-2K-below": (2.0, True),
    "occupied-at-the-band": (0.0, True),
}
#: what a bound's comfort is matched to
BOUNDS = {
    "bound-comfort-of-2K-below": "always-2K-below",
    "bound-comfort-of-at-the-band": "always-at-the-band",
    "bound-comfort-of-occupied": "occupied-at-the-band",
}
_SCENARIO: Settings = {
    "homes": 26,
    "days": 92,
    "start": "2025-06-01",
    "climate": "mediterranean",
    "zones": 3,
    "dt_h": 1.0,
}


def plan(seeds: int | None, smoke: bool) -> list[Unit]:
    """One run a seed of the made-up set; rules and bound see the same weeks."""
    scenario = _SCENARIO | {"homes": 2, "days": 7} if smoke else _SCENARIO
    return [Unit("26-home-synthetic", seed, scenario) for seed in range(seeds or 1)]


def run(unit: Unit) -> dict[str, Any]:
    """Cooling energy [kWh] and discomfort [K h] of every home over all weeks, by rule and bound."""
    import entangrid.data
    from entangrid.envs.tasks import Task

    options = dict(unit.settings)
    scenario = entangrid.data.synthetic(
        homes=options["homes"], days=options["days"], seed=unit.seed, dt_h=options["dt_h"], start=options["start"],
        climate=options["climate"], cooling=1.0, zones=options["zones"],
    )  # fmt: skip
    week = 7 * scenario.steps_per_day
    starts = np.arange(0, scenario.n_steps - week + 1, week)
    task = Task.make(
        scenario, controls=("heat_pump", "zone2", "zone3"), episode_steps=week, starts=starts, sequential=True,
        initial=(0.5, 0.5, 23.0, 23.0, 23.0, 23.0),
    )  # fmt: skip
    out: dict[str, Any] = {"weeks": len(starts), "names": list(scenario.home_names)}
    allowed = {}  # not rounded: a rule may be as comfortable as the machine can be, and then a bit less is not possible
    for name, (below, gated) in RULES.items():
        energy, allowed[name] = simulate(task, below, gated)
        out[name] = {"energy_kwh": _list(energy), "discomfort_kh": _list(allowed[name])}
    for name, rule in BOUNDS.items():
        energy = np.array(
            [
                [least_energy(task, h, e, float(allowed[rule][e, h])) for h in range(scenario.n_homes)]
                for e in range(len(starts))
            ]
        )
        out[name] = {"energy_kwh": _list(energy)}
    return out


def _list(values: F) -> list[list[float]]:
    return [[round(float(x), 4) for x in row] for row in values]


def simulate(task: Any, below_k: float, gated: bool) -> tuple[F, F]:
    """(electric energy for cooling [kWh], discomfort [K h]), each (weeks, homes), of a thermostat.

    It cools with the steady gain at its set point and the thermostats' usual gain per kelvin above it; while nobody is
    in (as the task shows it: the true occupancy) a gated one is off.
    """
    from entangrid.agents.controller import Physical, encode
    from entangrid.envs.kernels.rooms import GAIN_KW_K, pump_tables
    from entangrid.envs.simulator import Simulator

    n, homes = task.starts.size, task.homes.size
    simulator = Simulator(task, n, 0, autoreset=False)
    observation = simulator.reset().reshape(n, -1)
    energy, discomfort = np.zeros((n, homes)), np.zeros((n, homes))
    for _ in range(task.episode_steps):
        seen = Physical(task, observation)
        t_out = np.ascontiguousarray(seen["t_out"])
        cop, q_heat, eer, q_cool = (np.empty_like(t_out) for _ in range(4))
        pump_tables(task.homes, t_out, cop, q_heat, eer, q_cool)
        commands = {}
        for z in range(task.zones.shape[1]):
            zone = task.zones[:, z]
            t_air = seen["t_air" if z == 0 else f"t_air_{z + 1}"]
            set_point = zone["t_high"] - below_k
            most = zone["emitter_share"] * q_cool
            cold = zone["ua_steady"] * (t_out - set_point) + GAIN_KW_K * (t_air - set_point)
            cold = np.where(t_air > set_point, np.clip(cold, 0.0, most), 0.0)
            if gated:
                cold = np.where(seen["occupancy"] < 0.5, 0.0, cold)
            share = np.divide(cold, most, out=np.zeros_like(cold), where=most > 0.0)
            commands["heat_pump" if z == 0 else f"zone{z + 1}"] = -share
        simulator.step(encode(task, commands))
        energy += np.asarray(simulator.terms["p_hp_kw"]) * task.scenario.dt_h
        discomfort += np.asarray(simulator.terms["discomfort_kh"])
        observation = simulator.obs.reshape(n, -1)
    return energy, discomfort


def least_energy(task: Any, home: int, episode: int, allowed_kh: float) -> float:
    """No controller of this home can cool a week with less electricity [kWh] at this discomfort [K h].

    A linear program with the building's exact step matrices and perfect foresight of weather, gains and presence. It
    pays full-load efficiency at any load, counts no discomfort from cold, and needs no decision at all beforehand, so
    that it bounds every controller from below.
    """
    from scipy import optimize
    from scipy.sparse import block_diag, coo_matrix, csr_matrix, eye, hstack, kron, vstack

    from entangrid.envs.kernels.rooms import DAY_FROM_H, DAY_TO_H, pump_tables

    start, steps, dt = int(task.starts[episode]), int(task.episode_steps), task.scenario.dt_h
    span = slice(start, start + steps)
    common, series = task.common[span], task.series[span, home]
    zone, record, m = task.zones[home], task.homes[home], task.matrices
    there = np.flatnonzero(zone["c_mass"] > 0.0)
    n, k = m.a.shape[1], len(there)
    t_out = np.ascontiguousarray(common["t_out"], np.float64)[:, None]
    cop, q_heat, eer, q_cool = (np.empty_like(t_out) for _ in range(4))
    pump_tables(task.homes[home : home + 1], t_out, cop, q_heat, eer, q_cool)

    given = np.zeros((steps, 1 + n))  # inputs without cooling
    cooled = np.zeros((1 + n, k))  # what a kW of cooling of each zone takes from them
    given[:, 0] = t_out[:, 0]
    for i, z in enumerate(there):
        given[:, 1 + 2 * z] = series["gains_air"] * zone[z]["gain_share"]
        given[:, 2 + 2 * z] = series["gains_mass"] * zone[z]["gain_share"]
        cooled[1 + 2 * z, i], cooled[2 + 2 * z, i] = -record["hp_air_share"], -(1.0 - record["hp_air_share"])
    a, b, a_mean, b_mean = m.a[home], m.b[home], m.a_mean[home], m.b_mean[home]
    first = np.full(n, task.initial[2])
    # variables: temperatures after each step (T n), cooling (T k), kelvin above the band (T k)
    before: Any = csr_matrix((np.ones(steps - 1), (np.arange(1, steps), np.arange(steps - 1))), (steps, steps))
    dynamics = hstack(
        [eye(steps * n) - kron(before, a), -kron(eye(steps), b @ cooled), coo_matrix((steps * n, steps * k))]
    )
    right = given @ b.T
    right[0] += a @ first
    air = 2 * there
    above = hstack([kron(before, a_mean[air]), kron(eye(steps), (b_mean @ cooled)[air]), -eye(steps * k)])
    limit = zone["t_high"][there] - given @ b_mean[air].T
    limit[0] -= a_mean[air] @ first
    day = (common["hour"] >= DAY_FROM_H) & (common["hour"] < DAY_TO_H)
    share = np.where(day[:, None], zone["day_share"][there], zone["night_share"][there])
    weight = np.asarray(series["occupancy"], np.float64)[:, None] * share * dt
    total = coo_matrix(np.concatenate([np.zeros(steps * (n + k)), weight.ravel()])[None])
    each: Any = block_diag([np.ones((1, k))] * steps)
    whole = hstack([coo_matrix((steps, steps * n)), each, coo_matrix((steps, steps * k))])
    cost = np.concatenate([np.zeros(steps * n), np.repeat(dt / eer[:, 0], k), np.zeros(steps * k)])
    most = (q_cool * zone["emitter_share"][there]).ravel()
    bounds = np.concatenate([
        np.tile([-np.inf, np.inf], (steps * n, 1)),
        np.stack([np.zeros_like(most), most], 1),
        np.tile([0.0, np.inf], (steps * k, 1)),
    ])  # fmt: skip
    linprog: Any = optimize.linprog
    found = linprog(
        cost, vstack([above, total, whole]), np.concatenate([limit.ravel(), [allowed_kh + 1e-6], q_cool[:, 0]]),
        dynamics, right.ravel(), bounds, method="highs",
    )  # fmt: skip
    if found.status != 0:
        raise RuntimeError(f"home {home}, week {episode}: {found.message}")
    return float(found.fun)


def judge(results: Mapping[str, list[dict[str, Any]]], smoke: bool, data: Path | None) -> Verdict:
    """Savings in cooling energy over all homes and weeks, each with an interval over homes."""
    found = results["26-home-synthetic"]
    energy = {
        name: np.concatenate([np.asarray(r[name]["energy_kwh"]) for r in found]).sum(0) for name in (*RULES, *BOUNDS)
    }
    discomfort = {name: np.concatenate([np.asarray(r[name]["discomfort_kh"]) for r in found]).sum(0) for name in RULES}
    rows: list[Row] = []
    for name in (*RULES, *BOUNDS):
        rows.append(Row(f"{name}: cooling energy a home", float(energy[name].mean()), "kWh", n=energy[name].size))
        if name in discomfort:
            rows.append(Row(f"{name}: discomfort a home", float(discomfort[name].mean()), "K h", n=energy[name].size))

    def compare(name: str, base: str, comfort: str) -> float:
        found = saved(energy[name], energy[base])
        rows.append(
            Row(f"{name}: less energy than {base}, {comfort}", *_percent(found), energy[name].size, "energy_ddpg")
        )
        return found[0]

    for name in list(RULES)[1:]:
        compare(name, "always-2K-below", "at less comfort")
    headroom = {rule: compare(name, rule, "same comfort") for name, rule in BOUNDS.items()}
    easy = 100.0 * (1.0 - energy["occupied-at-the-band"].sum() / energy["always-2K-below"].sum())
    most = {rule: f"{percent:.0f} %" for rule, percent in headroom.items()}
    reason = (
        f"on this made-up set a rule without learning uses {easy:.0f} % less than a thermostat that over-cools by 2 K,"
        f" at less comfort; at the same comfort no controller can use more than {most['always-2K-below']} less"
        f" than that thermostat, {most['always-at-the-band']} less than one at the band's edge and"
        f" {most['occupied-at-the-band']} less than an occupancy-gated one. The claimed 63 % rests on data,"
        " comfort and baselines that are not public: not independently reproduced"
    )
    return Verdict(rows, None, reason)


def saved(energy: F, base: F) -> tuple[float, float, float]:
    """(percent less of a ratio of sums over homes, low, high)."""
    pairs = np.arange(energy.size, dtype=np.float64)

    def percent(picks: Any, axis: int | None = None) -> Any:
        rows = np.asarray(picks, np.int64)
        return 100.0 * (1.0 - energy[rows].sum(axis) / base[rows].sum(axis))

    return interval(pairs.tolist(), percent)


def _percent(found: tuple[float, float, float]) -> tuple[float, str, float, float]:
    return found[0], "%", found[1], found[2]


def draw(figure: Any, results: Mapping[str, list[dict[str, Any]]], verdict: Verdict, claims: Mapping[str, Any]) -> None:
    """Savings as bars, the claim as a line."""
    axes = figure.subplots()
    rows = [row for row in verdict.rows if "less energy" in row.metric]
    for i, row in enumerate(rows):
        axes.barh(i, row.value, color="#000000" if row.metric.startswith("bound") else "#999999")
        if row.low is not None and np.isfinite(row.low):
            axes.plot([row.low, row.high], [i, i], color="#D55E00", linewidth=2.0)
    axes.axvline(
        claims["energy_ddpg"].value,
        color="#CC79A7",
        linestyle="--",
        label="claimed: 63 % less than DDPG, in a simulation of theirs",
    )
    axes.set_yticks(
        range(len(rows)), [row.metric.replace(": less energy than ", "\nagainst ") for row in rows], fontsize=6
    )
    axes.set(xlabel="less cooling energy [%]; black: most that any controller can save at that comfort")
    axes.invert_yaxis()
    axes.legend(fontsize=7, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.0)  # clear of the line


TARGET = Target(
    name="nengroo2025-like",
    status="inspired",
    title="After Nengroo et al. 2025: what there is to save by cooling, 26-home synthetic",
    citation=(
        "S. H. Nengroo et al., Continuous variable quantum RL for HVAC control and power management in "
        "residential building, Energy and AI 21, 100541 (2025), doi:10.1016/j.egyai.2025.100541"
    ),
    criterion=(
        "none: reported in simulation by the authors, not independently reproduced; headroom and rules beside"
        " the claim"
    ),
    plan=plan, run=run, judge=judge, draw=draw,
    cost_s={"26-home-synthetic": 240.0},
)  # fmt: skip
