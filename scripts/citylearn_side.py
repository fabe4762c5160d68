#!/usr/bin/env python
"""CityLearn in an environment of its own: make it, run actions through it, time it.

CityLearn 3.0.2 pins NumPy below 2 and Gymnasium to 0.28.1, so that it cannot share an environment with this project.
Other scripts import ``python_of`` and ``call``; the commands below run inside the side environment and print JSON.

    python scripts/citylearn_side.py run SCHEMA ACTIONS.npy FIRST_ROW     net, cost, carbon, soc by step and home
    python scripts/citylearn_side.py evaluate SCHEMA ACTIONS.npy FIRST_ROW   evaluate()'s district, and the batteries
    python scripts/citylearn_side.py time SCHEMA ACTIONS.npy FIRST_ROW    CPU seconds, bare and wrapped for SB3
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CITYLEARN = "citylearn==3.0.2"
#: What CityLearn imports for a folder of its own format. Left out of what it declares: torch, torchvision, openstudio,
#: doe_xstock (6 GB), which only its learned temperatures, agents and building generator need; scikit-learn<=1.2.2 has
#: no wheel for current Pythons.
NEEDED = (
    "numpy==1.26.4",
    "gymnasium==0.28.1",
    "pandas",
    "scikit-learn",
    "pyyaml",
    "simplejson",
    "platformdirs",
    "requests",
)


def default_folder() -> Path:
    """Where the side environment is kept: below the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "entangrid" / CITYLEARN.replace("==", "-")


def python_of(folder: Path) -> Path:
    """Python of the side environment in ``folder``; makes it if it is not there (about 0.6 GB, needs a package index).

    Exits with one line if pip fails.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / "ready"
    if ready.exists() and ready.read_text() == CITYLEARN:
        return python
    print(f"making a side environment with {CITYLEARN} in {folder}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    for what in (["--no-deps", CITYLEARN], list(NEEDED)):
        done = subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", *what], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            sys.exit(f"{folder}: pip could not install {' '.join(what)}: {last}")
    ready.write_text(CITYLEARN)
    return python


def call(python: Path, *arguments: object) -> Any:
    """Run this file in the side environment and return what it prints; exits with its last line if it fails."""
    done = subprocess.run(
        [str(python), str(Path(__file__).resolve()), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        sys.exit(f"CityLearn in {python.parents[1]} failed: {last}")
    return json.loads(done.stdout.splitlines()[-1])


def make(schema: str, first: int, steps: int) -> Any:
    """CityLearn's environment over the rows from ``first`` on, all homes steered by one list of numbers."""
    from citylearn.citylearn import CityLearnEnv  # type: ignore[import-not-found]  # only in the side environment

    # the last row of a CityLearn episode is never stepped
    return CityLearnEnv(
        schema, central_agent=True, simulation_start_time_step=first, simulation_end_time_step=first + steps
    )


def stepped(schema: str, actions: Any, first: int) -> Any:
    """The environment after the actions (steps, homes)."""
    env = make(schema, first, len(actions))
    env.reset()
    for row in actions.tolist():
        env.step([row])
    return env


def attributes(building: Any) -> dict[str, Any]:
    """The battery that CityLearn simulated, as the schema would name it."""
    battery = building.electrical_storage
    return {
        "power_efficiency_curve": battery.power_efficiency_curve.T.tolist(),
        "capacity_power_curve": battery.capacity_power_curve.T.tolist(),
        "efficiency": battery.efficiency_history[0],
        "loss_coefficient": battery.loss_coefficient,
        "capacity_loss_coefficient": battery.capacity_loss_coefficient,
        "initial_soc": battery.initial_soc,
        "depth_of_discharge": battery.depth_of_discharge,
    }


def run(schema: str, actions: Any, first: int) -> dict[str, Any]:
    """CityLearn's own series (homes, steps) for actions (steps, homes), and the batteries that it simulated."""
    env = stepped(schema, actions, first)
    n = len(actions)
    homes = {}
    for building in env.buildings:
        battery = building.electrical_storage
        homes[building.name] = {
            "net_kwh": building.net_electricity_consumption[:n].tolist(),
            "cost": building.net_electricity_consumption_cost[:n].tolist(),
            "carbon_kg": building.net_electricity_consumption_emission[:n].tolist(),
            "soc": battery.soc[:n].tolist(),
            "battery_kwh": battery.energy_balance[:n].tolist(),
            "capacity_kwh": list(battery.capacity_history),
            "attributes": attributes(building),
        }
    return homes


def evaluate(schema: str, actions: Any, first: int) -> dict[str, Any]:
    """evaluate()'s values of the district, the sums without control that they are relative to, and the batteries."""
    env = stepped(schema, actions, first)
    table = env.evaluate()
    district = table[table["level"] == "district"]
    n = len(actions)
    return {
        "district": {
            name: float(value)
            for name, value in zip(district["cost_function"], district["value"], strict=True)
            if value == value and value is not None
        },
        "baseline": {
            "cost": sum(float(b.net_electricity_consumption_cost_without_storage[:n].sum()) for b in env.buildings),
            "carbon": sum(
                float(b.net_electricity_consumption_emission_without_storage[:n].sum()) for b in env.buildings
            ),
        },
        "batteries": {building.name: attributes(building) for building in env.buildings},
    }


def timing(schema: str, actions: Any, first: int) -> dict[str, float]:
    """CPU seconds of stepping through ``actions``, bare and as Stable-Baselines3 sees it (one flat, normalised box)."""
    from citylearn.wrappers import NormalizedObservationWrapper, StableBaselines3Wrapper  # type: ignore[import-not-found]

    bare = make(schema, first, len(actions))
    wrapped = StableBaselines3Wrapper(NormalizedObservationWrapper(make(schema, first, len(actions))))
    seconds = {}
    for name, env, rows in (
        ("bare", bare, [[row] for row in actions.tolist()]),
        ("wrapped", wrapped, list(actions.astype("float32"))),
    ):
        env.reset()
        start = time.process_time()
        for row in rows:
            env.step(row)
        seconds[name] = time.process_time() - start
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "evaluate", "time"))
    parser.add_argument("schema", help="a schema.json")
    parser.add_argument("actions", help="a .npy file (steps, homes), -1 to 1 of the battery's power")
    parser.add_argument("first", type=int, help="first row of the files")
    parser.add_argument("--core", type=int, help="pin the process to this core")
    args = parser.parse_args()
    import numpy as np

    if args.core is not None:
        os.sched_setaffinity(0, {args.core})
    actions = np.load(args.actions)
    command = {"run": run, "evaluate": evaluate, "time": timing}[args.command]
    print(json.dumps(command(args.schema, actions, args.first)))


if __name__ == "__main__":
    main()
