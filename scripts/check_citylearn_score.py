"""Every total of CityLearn's score here against CityLearn itself; what scripts/score_citylearn.py --check runs."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import citylearn_side
import numpy as np
from crosscheck_citylearn import actions, entangrid_series, initial_soc, with_curves

import entangrid.data
from entangrid.agents.optimal.community import Community
from entangrid.envs.citylearn_score import score, totals

#: Our terms, and the names of CityLearn's.
NAMES = {
    "cost": "cost_total",
    "carbon": "carbon_emissions_total",
    "ramping": "ramping_average",
    "load factor": "daily_one_minus_load_factor_average",
    "daily peak": "daily_peak_average",
    "peak": "all_time_peak_average",
    "monthly": "monthly_one_minus_load_factor_average",
}
HOURS = 2_880


def check(folder: Path, side_env: Path | None, hours: int | None, limit: float) -> bool:
    """Compare every total with CityLearn's own for no control and a day cycle, on the batteries that it simulates.

    hours: so many of the first (default: 2,880, or all but the last). Prints; returns whether no difference exceeds
    ``limit`` percent.
    """
    schema = json.loads((folder / "schema.json").read_text(encoding="utf-8-sig"))
    n_homes = sum(bool(b.get("include", True)) for b in schema["buildings"].values())
    hours = hours or min(HOURS, entangrid.data.load(f"citylearn:{folder}").n_steps - 1)
    python, good = citylearn_side.python_of(side_env or citylearn_side.default_folder()), True
    with tempfile.TemporaryDirectory() as scratch:
        for kind in ("no control", "day cycle"):
            battery = np.zeros((hours, n_homes)) if kind == "no control" else actions(kind, hours, n_homes, 0)
            np.save(Path(scratch) / "actions.npy", battery)
            found = citylearn_side.call(python, "evaluate", folder / "schema.json", f"{scratch}/actions.npy", 0)
            named = with_curves(folder, schema, found["batteries"], Path(scratch) / kind.replace(" ", "-"))
            series = entangrid_series(named, battery, 0, initial_soc(found["batteries"]) or 0.0)
            net = np.column_stack([home["net_kwh"] for home in series.values()])
            own = Community(entangrid.data.load(f"citylearn:{named}"), 0, hours, 0.0)
            ours, base = score(net, own.net, own.price, own.carbon), totals(own.net, own.price, own.carbon)
            print(f"\n{kind}, {hours} h\n{'term':14s}{'CityLearn':>12s}{'Entangrid':>12s}")
            for name, key in NAMES.items():
                theirs = found["district"][key]
                off = 100.0 * abs(ours[name] - theirs) / abs(theirs)
                good &= bool(off <= limit)
                print(f"{name:14s}{theirs:12.5f}{ours[name]:12.5f}{off:9.3f} %")
            for name in ("cost", "carbon"):
                theirs, here = found["baseline"][name], float(base[name].sum())
                off = 100.0 * abs(here / theirs - 1.0)
                good &= bool(off <= limit)
                print(f"without control: {name:8s}{theirs:12.3f}{here:12.3f}{off:9.3f} %")
    print(f"\n{'agree' if good else 'DIFFER'}: limit {limit:g} %")
    return good
