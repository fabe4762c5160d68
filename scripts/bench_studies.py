#!/usr/bin/env python
"""Wall time of planning a study of ten thousand runs, and of ``entangrid status`` and ``table`` when all are finished.

    python scripts/bench_studies.py [--runs 10000] [--rounds 3] [--keep FOLDER]

A study of two learning arms (``battery-100-seeds``, a few steps) is run once with one seed; its runs are then laid down
for every seed of the large study, with their own seeds and numbers. First the table is held, row by row, to what pandas
makes of the same folders: read each run's metrics, lay them together, write Parquet. Then each command is timed from
its start to its end, as a user waits for it, and so is pandas' way, without its imports. "Behind" is a stored table
that lacks one run in twenty. Printed are the fastest and the slowest of the rounds, and the ratio of medians to pandas.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from entangrid.experiments import config, manifest, plan, run_metrics, store, tidy
from entangrid.experiments.plan import Run

MAIN = "from entangrid.experiments.cli import main; main()"
PLAN = "import sys; from entangrid.experiments import config, plan; print(len(plan.plan(config.load(sys.argv[1]))))"
FEW = ("training.steps=512", "training.seeds={count: 1}")


def call(code: str, *arguments: str | Path) -> float:
    """Seconds that a process takes from its start to its end."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stderr)
    return time.perf_counter() - began


def lay_down(runs: list[Run], of: Path, out: Path) -> None:
    """A finished folder for every run, after the one run of its arm in ``of``, with other numbers."""
    rng = np.random.default_rng(0)
    seen: dict[str, tuple[dict[str, Any], pd.DataFrame]] = {}
    for path in (of / store.RUNS).iterdir():
        result = store.read_result(path)
        seen[result["arm"]] = result, run_metrics.frame(path)
    for run in runs:
        result, metrics = seen[run.arm]
        folder = out / store.RUNS / run.folder
        folder.mkdir(parents=True)
        scale = 1.0 if run.seed is None else 1.0 + 0.05 * rng.normal()
        run_metrics.write(metrics.assign(value=metrics["value"] * scale), folder)
        text = json.dumps({**result, "seed": run.seed, "key": run.key}, indent=1)
        (folder / store.RESULT).write_text(text, encoding="utf-8")


def by_pandas(runs: list[Run], out: Path) -> pd.DataFrame:
    """The rows of weeks as pandas alone lays them together; written beside the study."""
    parts = []
    for run in runs:
        part = pd.read_feather(out / store.RUNS / run.folder / store.METRICS)
        parts.append(part.assign(arm=run.arm, seed=-1 if run.seed is None else run.seed))
    table = pd.concat(parts, ignore_index=True)
    table.to_parquet(out.parent / "pandas.parquet", index=False)
    return table


def check(runs: list[Run], out: Path) -> int:
    """The number of rows of weeks; AssertionError unless both tables have the same."""
    ours, theirs = tidy.rebuild(out), by_pandas(runs, out)
    ours = ours[ours["week"].notna()]
    for name in ("arm", "seed", "week", "home", "metric", "value", "unit"):
        mine = ours["seed"].fillna(-1) if name == "seed" else ours[name]
        np.testing.assert_array_equal(mine.to_numpy(), theirs[name].to_numpy(), name)
    return len(ours)


def fall_behind(runs: list[Run], out: Path) -> None:
    """Make the table while every twentieth run is out of sight."""
    names = [run.folder for run in runs[::20]]
    for name in names:
        (out / store.RUNS / name).rename(out / name)
    call(MAIN, "table", out)
    for name in names:
        (out / name).rename(out / store.RUNS / name)


def bench(folder: Path, n_runs: int, rounds: int) -> None:
    """Lay the study down in the folder, check it, and print the times."""
    file, out = folder / "large.yaml", folder / "large"
    file.write_text("extends: battery-100-seeds\nname: large\n", encoding="utf-8")
    small = [part for few in FEW for part in ("--set", few)]
    call(MAIN, "run", file, "--out", folder / "small", *small)
    file.write_text(f"{file.read_text()}training: {{seeds: {{count: {max(n_runs // 2, 1)}}}}}\n", encoding="utf-8")
    study = config.load(str(file))
    runs = plan.plan(study)
    lay_down(runs, folder / "small", out)
    shutil.copy(folder / "small" / tidy.STUDY, out / tidy.STUDY)
    manifest.write(out, study, runs)
    rows = check(runs, out)
    print(f"{len(runs):,} runs, {rows:,} rows of weeks: equal to what pandas lays together")

    def first() -> float:
        (out / tidy.TABLE).unlink()
        return call(MAIN, "table", out)

    def behind() -> float:
        fall_behind(runs, out)
        return call(MAIN, "table", out)

    def peer() -> float:
        began = time.perf_counter()
        by_pandas(runs, out)
        return time.perf_counter() - began

    rows_of: dict[str, Callable[[], float]] = {
        "planning": lambda: call(PLAN, file),
        "status": lambda: call(MAIN, "status", out),
        "table, none stored": first,
        "table, stored": lambda: call(MAIN, "table", out),
        "table, stored and behind": behind,
        "table --rebuild": lambda: call(MAIN, "table", out, "--rebuild"),
        "pandas: read, concat, write": peer,
    }
    times: dict[str, list[float]] = {name: [] for name in rows_of}
    for _ in range(rounds):
        for name, measure in rows_of.items():
            times[name].append(measure())
    theirs = statistics.median(times["pandas: read, concat, write"])
    print(f"{'':28} {'seconds':>13}   of pandas' time")
    for name, took in times.items():
        print(f"{name:28} {min(took):5.2f} .. {max(took):5.2f}   {statistics.median(took) / theirs:.2f}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000, help="of the large study (default: 10,000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is timed (default: 3)")
    parser.add_argument("--keep", type=Path, help="work in this folder, which must not exist, and leave it")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="bench-studies-"))
    folder.mkdir(parents=True, exist_ok=arguments.keep is None)
    try:
        bench(folder, arguments.runs, arguments.rounds)
    finally:
        if arguments.keep is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
