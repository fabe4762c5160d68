#!/usr/bin/env python
"""Time of one power-flow snapshot on one core: random trees of several sizes and the bundled grids.

Prints microseconds of process time per snapshot, best of several repetitions, for the bare sweeps (the cost inside an
environment's step) and for ``Feeder.power_flow`` (with currents, losses and loadings).
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from numba import njit

from entangrid.envs.feeder import BUNDLED, Feeder
from entangrid.envs.kernels.distflow import Floats, Integers, lindistflow, solve


@njit(cache=True)
def repeat(parent: Integers, r: Floats, x: Floats, p: Floats, v_slack: float, sweeps: int, times: int) -> float:
    """Sum of the last node's voltage over many snapshots, so that no call can be left out; 0 sweeps: LinDistFlow."""
    n = parent.shape[0]
    q, zero, v = 0.3 * p, np.zeros(n), np.empty(n)
    p_flow, q_flow, i2 = np.empty(n), np.empty(n), np.empty(n)
    v[0] = v_slack
    total = 0.0
    for k in range(times):
        p[n - 1] = 1e-3 * k
        if sweeps == 0:
            lindistflow(parent, r, x, zero, zero, p, q, v, p_flow, q_flow)
        else:
            solve(parent, r, x, zero, zero, p, q, v, p_flow, q_flow, i2, sweeps, sweeps, 0.0)
        total += v[n - 1]
    return total


def microseconds(call: Callable[[], object], snapshots: int, repetitions: int) -> float:
    """Least process time of one call, per snapshot [µs], after one call to warm up."""
    call()
    times = []
    for _ in range(repetitions):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1e6 * min(times) / snapshots


def bare_sweeps(n: int, rng: np.random.Generator, snapshots: int, repetitions: int) -> list[float]:
    """LinDistFlow, 1, 2, 3 and 5 sweeps on a random tree of n buses [µs]."""
    parent = np.array([0, 0, 1] + [rng.integers(max(1, i - 6), i) for i in range(3, n + 2)], dtype=np.int64)
    r, x = rng.uniform(1e-6, 5e-5, n + 2), rng.uniform(1e-6, 3e-5, n + 2)
    p = rng.uniform(0.0, 40.0 / n, n + 2)
    return [
        microseconds(lambda s=s: repeat(parent, r, x, p, 1.05, s, snapshots), snapshots, repetitions)  # type: ignore[misc]
        for s in (0, 1, 2, 3, 5)
    ]


def whole_flow(feeder: Feeder, rng: np.random.Generator, repetitions: int) -> list[float]:
    """``power_flow`` by LinDistFlow, with two sweeps, and to 1e-9 pu [µs]."""
    p = rng.uniform(0.0, 80.0 / feeder.n_bus, (2000, feeder.n_bus))
    calls: list[Callable[[], object]] = [
        lambda: feeder.power_flow(p, 0.3 * p, method="lindistflow"),
        lambda: feeder.power_flow(p, 0.3 * p, tolerance_pu=1.0),
        lambda: feeder.power_flow(p, 0.3 * p),
    ]
    return [microseconds(call, len(p), repetitions) for call in calls]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshots", type=int, default=20_000)
    parser.add_argument("--repetitions", type=int, default=7)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    print("bare sweeps, random trees  LinDistFlow   1 sweep  2 sweeps  3 sweeps  5 sweeps   [µs per snapshot]")
    for n in (10, 30, 100, 300):
        row = bare_sweeps(n, rng, args.snapshots, args.repetitions)
        print(f"{n:5d} buses                 " + "".join(f"{value:10.2f}" for value in row))
    print("Feeder.power_flow, all results   lindistflow    2 sweeps  to 1e-9 pu   [µs per snapshot]")
    for name in BUNDLED:
        feeder = Feeder.bundled(name)
        row = whole_flow(feeder, rng, args.repetitions)
        print(f"{name:10s} {feeder.n_bus:4d} buses           " + "".join(f"{value:12.2f}" for value in row))


if __name__ == "__main__":
    main()
