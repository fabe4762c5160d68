#!/usr/bin/env python
"""Score controllers on a folder in CityLearn's format as CityLearn does: cost, carbon and grid against no control = 1.

    python scripts/score_citylearn.py FOLDER [--period all|year|phases] [--arms ...] [--jobs 2]
    python scripts/score_citylearn.py FOLDER --check --side-env DIR

Printed are the terms of CityLearn's own evaluate(): the mean over homes of each one's cost and carbon, and of the
homes' sum the upward ramps, the daily 1 - load factor, the daily and the highest peak. grid is the mean of these four,
score the mean of cost, carbon and grid. score-22 is the challenge's of 2022, whose grid term is ramping and the
730-hour 1 - load factor. Everything is run in this project's simulator; --check runs two of them (no control and a day
cycle) through CityLearn itself and compares every term.

"year" is the whole folder. "phases" are the three parts of it on which a score is on record for the 17 homes of 2022
(github.com/dvoitekh/mpc-gap-citylearn, printed beside), each run from empty batteries; a folder without the homes of a
part leaves it out. "all" is both. What each arm knows: entangrid.agents.optimal.community.

Exit codes: 0, 1 if --check finds a difference above --limit percent, 2 for bad input.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

import entangrid.data
from entangrid.agents.optimal.community import ARMS, Community
from entangrid.data.errors import InputError
from entangrid.data.scenario import Scenario
from entangrid.data.sources.citylearn_start import folder_of, initial_share
from entangrid.envs.citylearn_score import DAY_H, TERMS


class Part(NamedTuple):
    """A stretch of the folder that is run and scored by itself; hours from ``first`` on."""

    name: str
    homes: tuple[str, ...]
    first: int
    hours: int
    weight: float = 0.0


#: The record's three phases: homes (numbers of "Building_N"), days, weight; and the batteries of that challenge.
PHASES = (
    ("phase 1", range(1, 6), 0, 120, 0.2),
    ("phase 2", range(1, 6), 120, 240, 0.3),
    ("phase 3", [i for i in range(1, 18) if i not in (12, 15)], 240, 365, 0.5),
)
BATTERY_2022 = {"battery_kwh": 6.4, "battery_p_kw": 5.0}
#: What is on record there: phases 1 to 3 and the weighted score, CityLearn 2.2b0.
RECORD = {
    "mpc-persistence": (0.852, 0.905, 0.815, 0.850),
    "mpc-practical": (0.834, 0.879, 0.799, 0.830),
    "mpc-perfect": (0.684, 0.734, 0.695, 0.705),
    "optimum": (0.650, 0.703, 0.647, 0.664),
}


def parts_of(scenario: Scenario, period: str) -> list[Part]:
    """The stretches to run: the year, and the record's phases whose homes, batteries and days are there."""
    names, hours = scenario.home_names, scenario.n_steps
    parts = [Part("year", tuple(names), 0, hours)] if period in ("all", "year") else []
    if all(np.allclose(scenario.homes[column], value) for column, value in BATTERY_2022.items()):
        for name, numbers, start, end, weight in PHASES if period in ("all", "phases") else ():
            homes = tuple(f"Building_{i}" for i in numbers)
            if set(homes) <= set(names) and end * DAY_H <= hours:
                parts.append(Part(name, homes, start * DAY_H, (end - start) * DAY_H, weight))
    return parts


def run_arm(scenario: Scenario, part: Part, arm: str, soc: float, every: int) -> tuple[dict[str, float], float]:
    """The terms of one arm on one part, and the seconds that it took."""
    started = time.perf_counter()
    terms = Community(scenario.of_homes(part.homes), part.first, part.hours, soc).arm(arm, every)
    return terms, time.perf_counter() - started


def header() -> str:
    return " " * 21 + "".join(f"{term:>12s}" for term in TERMS)


def row(name: str, values: dict[str, float], note: str) -> str:
    return f"{name:21s}" + "".join(f"{values[term]:12.4f}" for term in TERMS) + f"  {note}"


def weighted(parts: list[Part], terms: list[dict[str, float]]) -> dict[str, float]:
    """The weighted mean of the parts' terms."""
    return {term: sum(part.weight * found[term] for part, found in zip(parts, terms, strict=True)) for term in TERMS}


def notes(scenario: Scenario) -> list[str]:
    """What the score leaves out."""
    found = []
    for what, series in (("prices", scenario.price_import_eur_kwh), ("carbon intensity", scenario.carbon_kg_kwh)):
        if not series.any():
            found.append(f"no {what}: that term is left out of the scores")
    left_out = scenario.provenance["not modelled"].split(", ")
    if missing := [what for what in left_out if what not in ("nothing", "electrical_storage.initial_soc")]:
        found.append(f"not modelled: {', '.join(missing)}")
    return found


def report(scenario: Scenario, parts: list[Part], args: argparse.Namespace, soc: float) -> None:
    """Run every arm on every part, and print them as they end."""
    print(f"{scenario.name}: {scenario.n_homes} homes, {scenario.n_steps} h; no control is 1, lower is better")
    print("".join(f"{note}\n" for note in notes(scenario)), end="", flush=True)
    longest_first = sorted(parts, key=lambda part: -part.hours * len(part.homes))
    with ProcessPoolExecutor(args.jobs) as pool:
        jobs: dict[tuple[Part, str], Future[tuple[dict[str, float], float]]] = {
            (part, arm): pool.submit(run_arm, scenario, part, arm, soc, args.every)
            for part in longest_first
            for arm in args.arms
        }
        try:
            for part in parts:
                print(f"\n{part.name}: {len(part.homes)} homes, {part.hours} h\n{header()}")
                for arm in args.arms:
                    found, seconds = jobs[part, arm].result()
                    known = RECORD.get(arm) if part.weight and not args.hours else None
                    record = f", on record {known[int(part.name[-1]) - 1]:.3f}" if known else ""
                    print(row(arm, found, f"{seconds:.0f} s{record}"), flush=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    phases = [part for part in parts if part.weight]
    if len(phases) == len(PHASES):
        print(f"\nphases, weighted 0.2, 0.3, 0.5\n{header()}")
        for arm in args.arms:
            known = RECORD.get(arm)
            mean = weighted(phases, [jobs[part, arm].result()[0] for part in phases])
            print(row(arm, mean, f"on record {known[3]:.3f}" if known and not args.hours else ""))


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
    for name, value, least in (("every", args.every, 1), ("jobs", args.jobs, 1), ("hours", args.hours, DAY_H)):
        if value is not None and value < least:
            parser.exit(2, f"--{name} is {value}; expected at least {least}\n")
    try:
        folder = folder_of(args.folder)
        scenario = entangrid.data.load(f"citylearn:{folder}")
        if args.check:
            import check_citylearn_score

            sys.exit(not check_citylearn_score.check(folder, args.side_env, args.hours, args.limit))
        if scenario.n_steps < DAY_H:
            raise InputError(f"{folder}: {scenario.n_steps} hours; expected at least {DAY_H}")
        parts = parts_of(scenario, args.period)
        if not parts:
            raise InputError(f"{folder}: no phase of 2022 fits its homes, batteries and days; try --period year")
        if args.hours:
            parts = [part._replace(hours=min(part.hours, args.hours)) for part in parts]
        report(scenario, parts, args, initial_share(folder))
    except InputError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
