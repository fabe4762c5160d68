#!/usr/bin/env python
"""Run the same battery actions through CityLearn and through Entangrid; compare net consumption, cost and carbon.

    python scripts/crosscheck_citylearn.py FOLDER [--side-env DIR] [--month 1] [--hours 744] [--limit 1.0]

FOLDER holds a schema.json in CityLearn's format with homes that have a battery and may have PV, such as the challenge
of 2022. CityLearn runs on it untouched, in a side environment that is made on the first call. What it draws at random
where the schema is silent (each battery's curves) is read from its run and written into a copy of the schema that
Entangrid loads, so that both simulate the same batteries. Printed are the month's sums by home and in total, their
difference, and the hourly one: the sum of the hours' absolute differences over the sum of CityLearn's absolute values.
Exit code 1 if any of them exceeds the limit. The last table, which decides nothing, is of the folder as it is, where
Entangrid has to guess the curves. docs/citylearn.md explains what remains.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import citylearn_side
import numpy as np
import numpy.typing as npt

F = npt.NDArray[np.float64]
QUANTITIES = {"net_kwh": "net [kWh]", "cost": "cost", "carbon_kg": "carbon [kg]"}


class Row(NamedTuple):
    """One compared sum; differences in percent of CityLearn's."""

    home: str
    quantity: str
    citylearn: float
    entangrid: float
    percent: float
    hourly_percent: float


def actions(kind: str, steps: int, homes: int, seed: int) -> F:
    """Battery commands (steps, homes) from -1 to 1: "random" of any size, or a smooth "day cycle" shifted by home."""
    if kind == "random":
        return np.random.default_rng(seed).uniform(-1.0, 1.0, (steps, homes))
    phase = np.arange(steps)[:, None] - 6.0 - np.arange(homes)
    return 0.5 * np.sin(2.0 * np.pi * phase / 24.0)


def compare(theirs: Mapping[str, Mapping[str, Any]], ours: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """Sums of every home and of all, for each quantity; both map home -> quantity -> values of the steps."""
    rows = []
    for quantity in QUANTITIES:
        series = {home: (np.asarray(theirs[home][quantity]), np.asarray(ours[home][quantity])) for home in theirs}
        series["all homes"] = tuple(np.sum([pair[i] for pair in series.values()], axis=0) for i in (0, 1))
        for home, (a, b) in series.items():
            rows.append(
                Row(
                    home,
                    quantity,
                    float(a.sum()),
                    float(b.sum()),
                    percent(float(b.sum() - a.sum()), float(abs(a.sum()))),
                    percent(float(np.abs(b - a).sum()), float(np.abs(a).sum())),
                )
            )
    return rows


def percent(difference: float, of: float) -> float:
    """100 difference / of; of nothing: 0 if there is no difference either, else infinite."""
    if of == 0.0:
        return 0.0 if difference == 0.0 else float(np.copysign(np.inf, difference))
    return 100.0 * difference / of


def within(rows: list[Row], limit: float) -> bool:
    """Whether no difference exceeds ``limit`` percent; what is not a number does."""
    return all(abs(row.percent) <= limit and row.hourly_percent <= limit for row in rows)


def print_rows(title: str, rows: list[Row]) -> None:
    print(f"\n{title}\n{'home':14s} {'':12s} {'CityLearn':>12s} {'Entangrid':>12s} {'difference':>12s} {'hourly':>10s}")
    for row in rows:
        print(
            f"{row.home:14s} {QUANTITIES[row.quantity]:12s} {row.citylearn:12.4f} {row.entangrid:12.4f} "
            f"{row.percent:+10.4f} % {row.hourly_percent:8.4f} %"
        )


def first_row(folder: Path, schema: Mapping[str, Any], month: int) -> int:
    """First row of the files that lies in ``month`` and follows another month."""
    building = next(b for b in schema["buildings"].values() if b.get("include", True))
    table = np.genfromtxt(folder / building["energy_simulation"], delimiter=",", names=True, usecols=(0,))
    months = np.asarray(table[(table.dtype.names or ())[0]])
    starts = np.flatnonzero((months == month) & (np.roll(months, 1) != month))
    if not len(starts):
        sys.exit(f"{folder / building['energy_simulation']}: no row of month {month}")
    return int(starts[0])


def with_curves(folder: Path, schema: Mapping[str, Any], batteries: Mapping[str, Any], target: Path) -> Path:
    """Copy the folder to ``target`` and name in its schema the battery attributes that CityLearn simulated."""
    shutil.copytree(folder, target, copy_function=shutil.copyfile)
    target.chmod(0o755)
    schema = copy.deepcopy(dict(schema))
    for name, attributes in batteries.items():
        schema["buildings"][name]["electrical_storage"].setdefault("attributes", {}).update(attributes)
    (target / "schema.json").unlink()
    (target / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    return target


def initial_soc(batteries: Mapping[str, Any]) -> float | None:
    """State of charge at the start as a share of what can be used; None if the batteries' differ.

    CityLearn's is a share of the whole capacity, of which 1 - depth_of_discharge stays.
    """
    start = {round(1.0 - (1.0 - a["initial_soc"]) / (a["depth_of_discharge"] or 1.0), 9) for a in batteries.values()}
    return min(max(start.pop(), 0.0), 1.0) if len(start) == 1 else None


def entangrid_series(folder: Path, battery: F, first: int, soc: float) -> dict[str, dict[str, F]]:
    """The same quantities from Entangrid's simulator; battery: commands (steps, homes)."""
    import entangrid.data
    from entangrid.envs.simulator import Simulator
    from entangrid.envs.tasks import Task

    scenario = entangrid.data.load(f"citylearn:{folder}")
    steps, homes = battery.shape
    task = Task.make(
        scenario,
        controls=("battery",),
        episode_steps=steps,
        starts=[first],
        sequential=True,
        initial=(soc, soc, 21.0, 21.0, 21.0, 21.0),
    )
    simulator = Simulator(task, autoreset=False)
    simulator.reset()
    out = {name: np.empty((steps, homes)) for name in ("net_kwh", "cost", "carbon_kg", "soc")}
    for t in range(steps):
        simulator.step(battery[t])
        terms = simulator.terms[0]
        out["net_kwh"][t] = terms["p_grid_kw"] * scenario.dt_h
        out["cost"][t] = terms["bill_eur"]
        out["carbon_kg"][t] = terms["carbon_kg"]
        out["soc"][t] = simulator.state[0]["soc"]
    return {
        str(name): {key: values[:, h] for key, values in out.items()} for h, name in enumerate(scenario.homes.index)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with schema.json and the CSV files it names")
    parser.add_argument("--side-env", type=Path, default=citylearn_side.default_folder(), help="default: %(default)s")
    parser.add_argument("--month", type=int, default=1, help="month to begin with (default: %(default)s)")
    parser.add_argument("--hours", type=int, default=744)
    parser.add_argument("--seed", type=int, default=0, help="of the random actions")
    parser.add_argument("--limit", type=float, default=1.0, help="largest difference in percent (default: %(default)s)")
    args = parser.parse_args()
    schema_file = args.folder / "schema.json"
    if not schema_file.is_file():
        parser.exit(2, f"{schema_file}: there is no such file; expected a folder in CityLearn's format\n")
    schema = json.loads(schema_file.read_text(encoding="utf-8-sig"))
    homes = sum(bool(b.get("include", True)) for b in schema["buildings"].values())
    first = first_row(args.folder, schema, args.month)
    python = citylearn_side.python_of(args.side_env)
    print(f"{citylearn_side.CITYLEARN}, {homes} homes, {args.hours} h from row {first} (month {args.month})")

    good = True
    guessed: list[tuple[str, list[Row]]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for kind in ("random", "day cycle"):
            battery = actions(kind, args.hours, homes, args.seed)
            np.save(Path(scratch) / "actions.npy", battery)
            theirs = citylearn_side.call(python, "run", schema_file, Path(scratch) / "actions.npy", first)
            drawn = {name: home["attributes"] for name, home in theirs.items()}
            named = Path(scratch) / "named"
            if not named.exists():
                with_curves(args.folder, schema, drawn, named)
            start = initial_soc(drawn)
            if start is None:
                parser.exit(
                    2, f"{schema_file}: batteries start at different states; expected one initial_soc for all\n"
                )
            rows = compare(theirs, entangrid_series(named, battery, first, start))
            print_rows(f"{kind} actions, CityLearn's curves", rows)
            good &= within(rows, args.limit)
            guessed.append((kind, compare(theirs, entangrid_series(args.folder, battery, first, start))))
    for kind, rows in guessed:
        print_rows(f"{kind} actions, the folder as it is", [row for row in rows if row.home == "all homes"])
    print(f"\n{'agree' if good else 'DIFFER'}: limit {args.limit:g} %")
    sys.exit(not good)


if __name__ == "__main__":
    main()
