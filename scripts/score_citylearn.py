#!/usr/bin/env python
"""Score controllers on a folder in CityLearn's format as CityLearn does: cost, carbon and grid against no control = 1.

    python scripts/score_citylearn.py FOLDER [--period all|year|phases] [--arms ...] [--jobs 2]
    python scripts/score_citylearn.py FOLDER --check --side-env DIR

Printed are the terms of CityLearn's own evaluate(): the mean over homes of each one's cost and carbon, and of the
homes' sum the upward ramps, the daily 1 - load factor, the daily and the highest peak. grid is the mean of these four,
score the mean of cost, carbon and grid. score-22 is the challenge's of 2022, whose grid term is ramping and
the 730-hour 1 -
load factor. Everything is run in this project's simulator; --check runs two of them (no control and a day cycle)
through CityLearn itself and compares every term.

"year" is the whole folder. "phases" are the three parts of it on which a score is on record for the 17 homes of 2022
(github.com/dvoitekh/mpc-gap-citylearn, printed beside), each run from empty batteries; a folder without the homes of a
part leaves it out. "all" is both.

============================  ==========================================================================================
arm                           information
============================  ==========================================================================================
no-control                    -
self-consumption, tariff      the observation (entangrid.agents)
mpc-persistence               load and PV of the last 24 h, and of the coming hour; tariff and carbon of the day to come
mpc-practical                 the same of one and seven days ago, as scenarios that begin at the coming hour's value
mpc-perfect                   the next 36 h
optimum-cost-carbon           everything; the grid term is only scored
optimum                       everything; all six terms are planned for (two linear programs, see
                              entangrid.agents.optimal.district; not proven optimal for the score)
============================  ==========================================================================================

The arms of MPC plan for all six terms; their weights are taken from what happened before, the perfect one's from
everything. Exit codes: 0, 1 if --check finds a difference above --limit percent, 2 for bad input.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

F = npt.NDArray[np.float64]
DAY_H, MONTH_H = 24, 730
ARMS = (
    "no-control",
    "self-consumption",
    "tariff",
    "mpc-persistence",
    "mpc-practical",
    "mpc-perfect",
    "optimum-cost-carbon",
    "optimum",
)
TERMS = ("cost", "carbon", "ramping", "load factor", "daily peak", "peak", "grid", "score", "score-22")
PRACTICAL_DAYS = (1, 7)
FADES_PER_H = 0.5  # of the difference between the coming hour and a scenario's first
PERFECT_H, BLIND_H = 36, 24


class Part(NamedTuple):
    """A stretch of the folder that is run and scored by itself; homes by their place, hours from ``first`` on."""

    name: str
    homes: tuple[int, ...]
    first: int
    hours: int
    weight: float = 0.0


#: The record's three phases: homes (numbers of "Building_N"), days, weight.
PHASES = (
    ("phase 1", range(1, 6), 0, 120, 0.2),
    ("phase 2", range(1, 6), 120, 240, 0.3),
    ("phase 3", [i for i in range(1, 18) if i not in (12, 15)], 240, 365, 0.5),
)
#: What is on record there: phases 1 to 3 and the weighted score, CityLearn 2.2b0.
RECORD = {
    "mpc-persistence": (0.852, 0.905, 0.815, 0.850),
    "mpc-practical": (0.834, 0.879, 0.799, 0.830),
    "mpc-perfect": (0.684, 0.734, 0.695, 0.705),
    "optimum": (0.650, 0.703, 0.647, 0.664),
}


def totals(net: F, price: F, carbon: F) -> dict[str, Any]:
    """What CityLearn divides by the same without control: net (n, H) [kWh], price and carbon (n,).

    cost and carbon by home; the others of the homes' sum. Sources: CityLearn 3.0.2, ``internal/kpi.py``; 2.2 has the
    same.
    """
    imported, district = np.maximum(net, 0.0), net.sum(1)

    def windows(hours: int) -> list[F]:
        return [district[i : i + hours] for i in range(0, district.size, hours)]

    return {
        "cost": (imported * price[:, None]).sum(0),
        "carbon": (imported * carbon[:, None]).sum(0),
        "ramping": np.maximum(np.diff(district), 0.0).sum(),
        "load factor": np.mean([1.0 - day.mean() / day.max() for day in windows(DAY_H)]),
        "daily peak": np.mean([day.max() for day in windows(DAY_H)]),
        "peak": district.max(),
        "monthly": np.mean([1.0 - month.mean() / month.max() for month in windows(MONTH_H)]),
    }


def score(net: F, reference: F, price: F, carbon: F) -> dict[str, float]:
    """CityLearn's terms and scores of net consumption (n, H) [kWh] against that without control; 1: no better."""
    ours, theirs = totals(net, price, carbon), totals(reference, price, carbon)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = {
            name: float(np.mean(np.where(theirs[name] == 0.0, 1.0, np.divide(ours[name], theirs[name]))))
            for name in ours
        }
    grid = np.mean([ratio[name] for name in ("ramping", "load factor", "daily peak", "peak")])
    two = ratio["cost"] + ratio["carbon"]
    return ratio | {
        "grid": float(grid),
        "score": (two + float(grid)) / 3.0,
        "score-22": (two + 0.5 * (ratio["ramping"] + ratio["monthly"])) / 3.0,
    }


def parts_of(names: list[str], hours: int, period: str) -> list[Part]:
    """The stretches to run: the year, and the record's phases whose homes and days are there."""
    parts = [Part("year", tuple(range(len(names))), 0, hours)] if period in ("all", "year") else []
    for name, numbers, start, end, weight in PHASES if period in ("all", "phases") else ():
        homes = [f"Building_{i}" for i in numbers]
        if all(home in names for home in homes) and end * DAY_H <= hours:
            places = tuple(names.index(home) for home in homes)
            parts.append(Part(name, places, start * DAY_H, (end - start) * DAY_H, weight))
    return parts


class World:
    """A part as a task of this project: simulator, series and weights of the score's terms."""

    def __init__(self, folder: str, part: Part, soc: float):
        import entangrid.data
        from entangrid.envs.simulator import Simulator
        from entangrid.envs.tasks import Task

        scenario = entangrid.data.load(f"citylearn:{folder}")
        self.task = Task.make(
            chosen(scenario, part.homes),
            controls=("battery",),
            episode_steps=part.hours,
            starts=[part.first],
            sequential=True,
            initial=(soc, soc, 21.0, 21.0, 21.0, 21.0),
        )
        self.part, self.homes = part, self.task.homes
        self.simulator = Simulator(self.task, autoreset=False)
        now = slice(part.first, part.first + part.hours)
        self.all_net = np.asarray(self.task.series["load"] - self.task.series["pv"], np.float64)
        self.net = self.all_net[now]
        self.price, self.carbon = scenario.price_import_eur_kwh[now], scenario.carbon_kg_kwh[now]
        self.limit = np.maximum(np.asarray(self.homes["battery_p"]), 1e-9)

    def run(self, act: Callable[[int, World], F]) -> F:
        """Net consumption (n, H) [kWh] under battery commands (H,) in [-1, 1] for each hour of the part."""
        self.simulator.reset()
        self.done = np.zeros_like(self.net)
        for t in range(self.part.hours):
            self.simulator.step(act(t, self))
            self.done[t] = self.simulator.terms[0]["p_grid_kw"]
        return self.done

    def goal(self, net: F, hours: slice, *, grid: bool) -> Any:
        """The score as weights of a linear program over ``hours``, scaled by what ``net`` (n, H) came to alone."""
        from entangrid.agents.optimal.district import Goal

        n, before = net.shape[0], totals(net, self.price[:1].repeat(net.shape[0]), np.ones(net.shape[0]))
        per_hour = np.maximum(np.maximum(net, 0.0).mean(0), 1e-6)
        price = self.price[hours, None] / (per_hour * max(self.price.mean(), 1e-9))
        carbon = self.carbon[hours, None] / (per_hour * max(self.carbon.mean(), 1e-9))
        weight = (price + carbon) / (len(per_hour) * self.part.hours)
        if not grid:
            return Goal(weight)
        ramps = max(before["ramping"] / max(n - 1, 1), 1e-6) * self.part.hours
        peaks = max(before["daily peak"], 1e-6) * self.part.hours / DAY_H
        # a day's 1 - load factor falls about as its peak does: the daily peak counts for both
        return Goal(weight, 0.25 / ramps, 0.5 / peaks, 0.25 / max(before["peak"], 1e-6))


def chosen(scenario: Any, homes: tuple[int, ...]) -> Any:
    """The scenario of some of its homes."""
    from dataclasses import fields

    from entangrid.data.scenario import Scenario

    if len(homes) == scenario.n_homes:
        return scenario
    values = {field.name: getattr(scenario, field.name) for field in fields(Scenario)}
    for name, value in values.items():
        if name == "homes":
            values[name] = value.iloc[list(homes)]
        elif isinstance(value, np.ndarray) and value.ndim == 2:
            values[name] = value[:, list(homes)]
    return Scenario(**values)


class Planner:
    """Model predictive control of all homes' batteries: plan again every so many hours, follow the plan."""

    def __init__(self, arm: str, every: int):
        self.arm, self.every = arm, every if arm != "mpc-perfect" else max(every, 8)

    def __call__(self, t: int, world: World) -> F:
        if t % self.every == 0:
            self.plan, self.made = self._plan(t, world), t
        return np.asarray(self.plan[t - self.made] / world.limit)

    def _plan(self, t: int, world: World) -> F:
        from entangrid.agents.optimal.district import Past, plan

        perfect = self.arm == "mpc-perfect"
        n = min(PERFECT_H if perfect else BLIND_H, world.part.hours - t)
        now = world.part.first + t
        known = world.net if perfect else world.all_net[max(now - 28 * DAY_H, 0) : now + 1]
        believed = world.net[t : t + n] if perfect else self._believed(now, n, world)
        today = world.done[t // DAY_H * DAY_H : t].sum(1)
        past = Past(
            float(world.done[t - 1].sum()) if t else np.nan,
            float(today.max()) if today.size else -np.inf,
            float(world.done[:t].sum(1).max()) if t else -np.inf,
        )
        goal = world.goal(known, slice(t, t + n), grid=True)
        soc = world.simulator.state[0]["soc"].copy()
        hours = np.arange(t, t + n)
        return plan(world.homes, believed, goal, soc, 1.0, hours // DAY_H, past, passes=2 if perfect else 1).p_kw

    def _believed(self, now: int, n: int, world: World) -> F:
        """Scenarios (S, n, H) of net load: yesterday's, or those of two days, which fade in from the coming hour."""
        from entangrid.agents.optimal.forecasts import Forecast

        forecast = Forecast(world.task, "persistence")
        if self.arm == "mpc-persistence":
            return world.all_net[forecast.before(now, n)][None]
        fades = FADES_PER_H ** np.arange(n)[:, None]
        scenarios = []
        for days in PRACTICAL_DAYS:
            if now >= days * DAY_H or days == 1:
                net = world.all_net[forecast.before(now, n, days)]
                like_now = world.all_net[max(now - days * DAY_H, 0)]
                net[1:] += (fades * (world.all_net[now] - like_now))[1:]
                scenarios.append(net)
        return np.stack(scenarios)


def run_arm(folder: str, part: Part, arm: str, soc: float, every: int) -> tuple[dict[str, float], float]:
    """The terms of one arm on one part, and the seconds that it took."""
    from entangrid.agents import make
    from entangrid.agents.optimal.district import plan

    started, world = time.perf_counter(), World(folder, part, soc)
    if arm.startswith("mpc"):
        net = world.run(Planner(arm, every))
    elif arm.startswith("optimum"):
        goal = world.goal(world.net, slice(None), grid=arm == "optimum")
        days = np.arange(part.hours) // DAY_H
        best = plan(world.homes, world.net, goal, np.full(len(part.homes), soc), 1.0, days).p_kw / world.limit
        net = world.run(lambda t, _: best[t])
    else:
        controller = make(arm, world.task)
        net = world.run(lambda t, w: controller.predict(w.simulator.obs.reshape(1, -1))[0])
    return score(net, world.net, world.price, world.carbon), time.perf_counter() - started


def initial_soc(folder: Path) -> float:
    """State of charge at the beginning as a share of what can be used; 0 unless the schema says otherwise."""
    schema = json.loads((folder / "schema.json").read_text(encoding="utf-8-sig"))
    shares = set()
    for building in schema["buildings"].values():
        if building.get("include", True):
            given = (building.get("electrical_storage") or {}).get("attributes", {})
            unused = 1.0 - given.get("depth_of_discharge", 1.0)
            shares.add(round((max(given.get("initial_soc", 0.0), unused) - unused) / max(1.0 - unused, 1e-9), 9))
    if len(shares) != 1:
        sys.exit(f"{folder / 'schema.json'}: batteries start at different states; expected one initial_soc for all")
    return float(min(max(shares.pop(), 0.0), 1.0))


def row(name: str, values: dict[str, float], note: str) -> str:
    return f"{name:21s}" + "".join(f"{values[term]:12.4f}" for term in TERMS) + f"  {note}"


def weighted(parts: list[Part], terms: list[dict[str, float]]) -> dict[str, float]:
    """The weighted mean of the parts' terms."""
    return {term: sum(part.weight * found[term] for part, found in zip(parts, terms, strict=True)) for term in TERMS}


def check(folder: Path, side_env: Path, first: int, hours: int, limit: float) -> bool:
    """Compare every total with CityLearn's own for no control and a day cycle, on the batteries that it simulates."""
    import citylearn_side
    from crosscheck_citylearn import actions, entangrid_series, with_curves
    from crosscheck_citylearn import initial_soc as started

    schema = json.loads((folder / "schema.json").read_text(encoding="utf-8-sig"))
    n_homes = sum(bool(b.get("include", True)) for b in schema["buildings"].values())
    python, good = citylearn_side.python_of(side_env), True
    with tempfile.TemporaryDirectory() as scratch:
        for kind in ("no control", "day cycle"):
            battery = np.zeros((hours, n_homes)) if kind == "no control" else actions(kind, hours, n_homes, 0)
            np.save(Path(scratch) / "actions.npy", battery)
            found = citylearn_side.call(python, "evaluate", folder / "schema.json", f"{scratch}/actions.npy", first)
            named = with_curves(folder, schema, found["batteries"], Path(scratch) / kind.replace(" ", "-"))
            soc = started(found["batteries"])
            series = entangrid_series(named, battery, first, 0.0 if soc is None else soc)
            net = np.column_stack([home["net_kwh"] for home in series.values()])
            world = World(str(named), Part("check", tuple(range(n_homes)), first, hours), 0.0)
            ours, base = score(net, world.net, world.price, world.carbon), totals(world.net, world.price, world.carbon)
            print(f"\n{kind}, {hours} h from row {first}\n{'term':14s}{'CityLearn':>12s}{'Entangrid':>12s}")
            theirs = found["district"]
            for name, key in (
                ("cost", "cost_total"),
                ("carbon", "carbon_emissions_total"),
                ("ramping", "ramping_average"),
                ("load factor", "daily_one_minus_load_factor_average"),
                ("daily peak", "daily_peak_average"),
                ("peak", "all_time_peak_average"),
                ("monthly", "monthly_one_minus_load_factor_average"),
            ):
                off = 100.0 * abs(ours[name] - theirs[key]) / abs(theirs[key])
                good &= bool(off <= limit)
                print(f"{name:14s}{theirs[key]:12.5f}{ours[name]:12.5f}{off:9.3f} %")
            for name in ("cost", "carbon"):
                off = 100.0 * abs(base[name].sum() / found["baseline"][name] - 1.0)
                good &= bool(off <= limit)
                print(f"without control: {name:8s}{found['baseline'][name]:12.3f}{base[name].sum():12.3f}{off:9.3f} %")
    print(f"\n{'agree' if good else 'DIFFER'}: limit {limit:g} %")
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with schema.json and the CSV files it names")
    parser.add_argument("--period", choices=("all", "year", "phases"), default="all", help="default: %(default)s")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="default: all of them")
    parser.add_argument("--every", type=int, default=1, help="hours between MPC's plans (default: %(default)s)")
    parser.add_argument("--hours", type=int, help="only the first so many hours of each part")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="compare with CityLearn itself instead")
    parser.add_argument("--side-env", type=Path, help="CityLearn's environment (made if it is not there)")
    parser.add_argument("--limit", type=float, default=1.0, help="largest difference of --check [percent]")
    args = parser.parse_args()
    if not (args.folder / "schema.json").is_file():
        parser.exit(2, f"{args.folder / 'schema.json'}: there is no such file; expected a CityLearn folder\n")
    for name, value, least in (("every", args.every, 1), ("jobs", args.jobs, 1), ("hours", args.hours, DAY_H)):
        if value is not None and value < least:
            parser.exit(2, f"--{name} is {value}; expected at least {least}\n")
    import entangrid.data
    from entangrid.data.errors import InputError

    try:
        scenario = entangrid.data.load(f"citylearn:{args.folder}")
    except InputError as error:
        parser.exit(2, f"{error}\n")
    if args.check:
        import citylearn_side

        side = args.side_env or citylearn_side.default_folder()
        sys.exit(not check(args.folder, side, 0, args.hours or min(2_880, scenario.n_steps - 1), args.limit))
    parts = parts_of(scenario.home_names, scenario.n_steps, args.period)
    if args.hours:
        parts = [part._replace(hours=min(part.hours, args.hours)) for part in parts]
    soc = initial_soc(args.folder)
    tasks = [(part, arm) for part in parts for arm in args.arms]
    print(f"{scenario.name}: {scenario.n_homes} homes, {scenario.n_steps} h; no control is 1, lower is better")
    with ProcessPoolExecutor(args.jobs) as pool:
        jobs = {
            (part, arm): pool.submit(run_arm, str(args.folder), part, arm, soc, args.every)
            for part, arm in sorted(tasks, key=lambda task: -task[0].hours * len(task[0].homes))
        }
        for part in parts:
            print(f"\n{part.name}: {len(part.homes)} homes, {part.hours} h")
            print(" " * 21 + "".join(f"{term:>12s}" for term in TERMS))
            for arm in args.arms:
                found, seconds = jobs[part, arm].result()
                known = RECORD.get(arm) if part.weight and not args.hours else None
                record = f", on record {known[int(part.name[-1]) - 1]:.3f}" if known else ""
                print(row(arm, found, f"{seconds:.0f} s{record}"), flush=True)
    phases = [part for part in parts if part.weight]
    if len(phases) == len(PHASES):
        print("\nphases, weighted 0.2, 0.3, 0.5\n" + " " * 21 + "".join(f"{term:>12s}" for term in TERMS))
        for arm in args.arms:
            known = RECORD.get(arm)
            mean = weighted(phases, [jobs[part, arm].result()[0] for part in phases])
            print(row(arm, mean, f"on record {known[3]:.3f}" if known and not args.hours else ""))


if __name__ == "__main__":
    main()
