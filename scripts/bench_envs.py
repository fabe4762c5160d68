#!/usr/bin/env python
"""Home-steps per CPU second of the environments, and of CityLearn on the same task, in one run.

    python scripts/bench_envs.py [FOLDER] [--side-env DIR] [--seconds 1] [--cores 0 1]

FOLDER, in CityLearn's format with batteries and PV, adds the comparison: CityLearn 3.0.2 in its side environment and
this project step the same homes with the same actions, on the same core. Before they are timed, hourly net
consumption, cost and carbon of both have to agree within 1 %. Every number is the best of three repetitions, resets
included, after compilation; vector environments leave the terms out of their info but in the rows that say so. A step
of an environment with H homes counts as H home-steps; CPU seconds are those of all threads (so two threads cannot gain
here, only lose), wall seconds stand beside them. A second pair of tables shows the cost of a home-step against the
number of homes and of environments: a constant means linear growth.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import citylearn_side
import crosscheck_citylearn
import numpy as np

HOMES = (1, 2, 5, 10, 30, 100)
ENVIRONMENTS = (1, 4, 16, 64, 256, 1024)
REPETITIONS = 3
HOME = "tanks=0.8,vehicles=0.6,v2h=0.5,appliances=0.7,curtailable=1"  # shares of homes that have it
CHECK_HOURS = 336
CITYLEARN_HOURS = 500


class Case(NamedTuple):
    """A registered task with its arguments, and how it is stepped. envs 0: one environment's ``step``."""

    label: str
    task: str
    arguments: dict[str, Any]
    envs: int
    threads: int = 1


class Rate(NamedTuple):
    """Home-steps per second of CPU and of wall time."""

    cpu: float
    wall: float


def pin(cores: list[int]) -> None:
    """Keep the process on these cores; has to come before Numba is imported, whose threads inherit it."""
    os.sched_setaffinity(0, set(cores))
    os.environ["NUMBA_NUM_THREADS"] = str(len(cores))


def measure(case: Case, seconds: float) -> Rate:
    """Best rate of some repetitions of about ``seconds`` CPU seconds each."""
    import gymnasium

    import entangrid  # noqa: F401  # registers the tasks

    rng = np.random.default_rng(0)
    env: Any
    if case.envs == 0:
        env = gymnasium.make(case.task, **case.arguments)
        n_envs = 1
        actions = list(rng.uniform(-1.0, 1.0, (64, *env.action_space.shape)).astype(np.float32))
    else:
        env = gymnasium.make_vec(
            case.task,
            num_envs=case.envs,
            vectorization_mode="vector_entry_point",
            **{"threads": case.threads, "terms_in_info": False, **case.arguments},
        )
        n_envs = case.envs
        actions = list(rng.uniform(-1.0, 1.0, (8, *env.action_space.shape)).astype(np.float32))
    homes = env.unwrapped.task.scenario.n_homes
    env.reset(seed=0)
    steps = 64
    while True:  # compiles, then finds how many steps take the time asked for
        used = timed(env, actions, steps, case.envs == 0)[0]
        if used > 0.1 * seconds:
            break
        steps *= 4
    steps = max(int(steps * seconds / used), 1)
    runs = [timed(env, actions, steps, case.envs == 0) for _ in range(REPETITIONS)]
    env.close()
    work = steps * homes * n_envs
    return Rate(work / min(cpu for cpu, _ in runs), work / min(wall for _, wall in runs))


def timed(env: Any, actions: list[Any], steps: int, single: bool) -> tuple[float, float]:
    """CPU and wall seconds of so many steps; a single environment is reset where its episode ends."""
    n = len(actions)
    wall, cpu = time.perf_counter(), time.process_time()
    if single:
        for k in range(steps):
            if env.step(actions[k % n])[3]:
                env.reset()
    else:
        for k in range(steps):
            env.step(actions[k % n])
    return time.process_time() - cpu, time.perf_counter() - wall


def citylearn_rates(folder: Path, python: Path, core: int) -> tuple[dict[str, float], float]:
    """(CityLearn's home-steps per CPU second, largest difference in percent) on the battery and PV task."""
    schema_file = folder / "schema.json"
    schema = json.loads(schema_file.read_text(encoding="utf-8-sig"))
    homes = sum(bool(b.get("include", True)) for b in schema["buildings"].values())
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "actions.npy"
        actions = crosscheck_citylearn.actions("random", CHECK_HOURS, homes, 0)
        np.save(file, actions)
        theirs = citylearn_side.call(python, "run", schema_file, file, 0)
        drawn = {name: home["attributes"] for name, home in theirs.items()}
        named = crosscheck_citylearn.with_curves(folder, schema, drawn, Path(scratch) / "named")
        start = crosscheck_citylearn.initial_soc(drawn)
        if start is None:
            raise SystemExit(f"{schema_file}: batteries start at different states; expected one initial_soc for all")
        rows = crosscheck_citylearn.compare(theirs, crosscheck_citylearn.entangrid_series(named, actions, 0, start))
        worst = max(max(abs(row.percent), row.hourly_percent) for row in rows)
        np.save(file, crosscheck_citylearn.actions("random", CITYLEARN_HOURS, homes, 0))
        runs = [citylearn_side.call(python, "time", schema_file, file, 0, "--core", core) for _ in range(REPETITIONS)]
    work = CITYLEARN_HOURS * homes
    return {name: work / min(run[name] for run in runs) for name in ("bare", "wrapped")}, worst


def cases(folder: Path | None, feeder: str) -> list[Case]:
    """The rows of the first table."""
    homes = {"scenario": f"synthetic:homes=30,days=7,{HOME}"}
    rows = []
    for title, task, arguments in (
        *([("battery + PV", "entangrid/Battery-v0", {"scenario": f"citylearn:{folder}"})] if folder else []),
        ("1 home", "entangrid/Home-v0", {}),
        ("30 homes", "entangrid/Home-v0", homes),
        ("30 homes + feeder", "entangrid/Feeder-v0", {**homes, "feeder": feeder}),
    ):
        for envs in (0, 1, 64, 1024):
            label = f"{title}, env.step" if envs == 0 else f"{title}, vector of {envs}"
            rows.append(Case(label, task, arguments, envs))
            if envs == 64:
                rows.append(Case(f"{label}, terms in info", task, {**arguments, "terms_in_info": True}, envs))
            if envs >= 64 and title.startswith("30"):
                rows.append(Case(f"{label}, 2 threads", task, arguments, envs, 2))
    return rows


def growth(values: tuple[int, ...], rates: list[Rate]) -> float:
    """Exponent b of time ~ n^b over the upper half of the sizes, by least squares: 1 is linear."""
    half = len(values) // 2
    n, seconds = (
        np.array(values[half:], np.float64),
        [v / r.cpu for v, r in zip(values[half:], rates[half:], strict=True)],
    )
    return float(np.polyfit(np.log(n), np.log(seconds), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="homes in CityLearn's format; without it no comparison")
    parser.add_argument("--side-env", type=Path, default=citylearn_side.default_folder(), help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one repetition (default: %(default)s)")
    parser.add_argument("--cores", type=int, nargs=2, help="one for a thread, both for two (default: the first two)")
    parser.add_argument(
        "--feeder", default="rural1", help="bundled grid of the rows with feeder (default: %(default)s)"
    )
    args = parser.parse_args()
    cores = args.cores or sorted(os.sched_getaffinity(0))[:2]
    spawn = multiprocessing.get_context("spawn")
    one = ProcessPoolExecutor(1, spawn, pin, (cores[:1],))
    two = ProcessPoolExecutor(1, spawn, pin, (cores,))
    peer = math.nan
    if args.folder:
        python = citylearn_side.python_of(args.side_env)
        rates, worst = one.submit(citylearn_rates, args.folder, python, cores[0]).result()
        peer = rates["bare"]
        print(f"same actions on the same homes: net, cost and carbon differ by at most {worst:.3f} % (limit 1 %)")
        if not worst <= 1.0:
            parser.exit(1, "the two do not simulate the same; not timed\n")
    print(f"\n{'':44s} {'home-steps per':>14s} {'per wall':>14s} {'times':>9s}")
    print(f"{'':44s} {'CPU second':>14s} {'second':>14s} {'CityLearn':>9s}")
    if args.folder:
        for name, rate in (("env.step", peer), ("wrapped for SB3", rates["wrapped"])):
            label = f"{citylearn_side.CITYLEARN}, battery + PV, {name}"
            print(f"{label:44s} {rate:14,.0f} {'':14s} {rate / peer:9.1f}")
    for case in cases(args.folder, args.feeder):
        if case.threads > len(cores):
            continue
        measured = (one if case.threads == 1 else two).submit(measure, case, args.seconds).result()
        print(f"{case.label:44s} {measured.cpu:14,.0f} {measured.wall:14,.0f} {measured.cpu / peer:9,.0f}", flush=True)

    for title, sizes, make in (
        (
            "homes, vector of 64",
            HOMES,
            lambda n: Case("", "entangrid/Home-v0", {"scenario": f"synthetic:homes={n},days=2,{HOME}"}, 64),
        ),
        (
            "environments of 30 homes + feeder",
            ENVIRONMENTS,
            lambda n: Case(
                "", "entangrid/Feeder-v0", {"scenario": f"synthetic:homes=30,days=7,{HOME}", "feeder": args.feeder}, n
            ),
        ),
    ):
        print(f"\n{title:44s} {'home-steps per':>14s} {'ns a':>14s}\n{'':44s} {'CPU second':>14s} {'home-step':>14s}")
        column = []
        for n in sizes:
            column.append(one.submit(measure, make(n), args.seconds).result())
            print(f"{n:44d} {column[-1].cpu:14,.0f} {1e9 / column[-1].cpu:14,.0f}", flush=True)
        print(f"time grows with the power {growth(sizes, column):.2f} of the number over the upper half (1: linear)")
    one.shutdown()
    two.shutdown()


if __name__ == "__main__":
    main()
