"""How fast this machine is: tasks in home-steps, circuits in samples, per second of CPU time on one core.

Comparisons with peers are the benchmarks' in ``scripts/``, which check first that both compute the same numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np


class Row(NamedTuple):
    """One measured speed. ``size``: copies of a task, or samples of a batch; ``rate``: ``unit`` per CPU second."""

    what: str
    size: int
    rate: float
    unit: str


TASKS = ("entangrid/Battery-v0", "entangrid/Home-v0", "entangrid/Feeder-v0")
COPIES = (1, 64, 1024)
QUBITS = (4, 8)
BATCHES = (1, 64, 1024)


def _rate(call: Callable[[], Any], work: int, seconds: float) -> float:
    """``work`` of one call per CPU second: the best of five parts, since a shared machine only ever adds time."""
    call()
    best = 0.0
    for _ in range(5):
        started, calls = time.process_time(), 0
        while time.process_time() - started < seconds / 5.0:
            call()
            calls += 1
        best = max(best, calls * work / (time.process_time() - started))
    return best


def tasks(seconds: float = 0.5) -> list[Row]:
    """Home-steps of the simulator with random actions; ``seconds``: CPU time of each row."""
    from entangrid.envs.registration import make_simulator

    rows = []
    for task in TASKS:
        for n in COPIES:
            simulator = make_simulator(task, n, 0)
            simulator.reset()
            space = simulator.action_space
            space.seed(0)
            actions = np.stack([space.sample() for _ in range(n)])
            homes = simulator.n_homes
            rate = _rate(partial(simulator.step, actions), n * homes, seconds)
            rows.append(Row(f"{task}, {homes} home{'s' * (homes > 1)}", n, rate, "home-steps/s"))
    return rows


def circuits(seconds: float = 0.5) -> list[Row]:
    """Samples forward and backward through re-uploading circuits on the fused kernels, in single precision.

    Raises InputError if the ``learn`` extra is not installed.
    """
    from entangrid.agents.algorithms import require_torch

    require_torch()
    import torch

    from entangrid.agents.quantum import Circuit, compile_circuit

    torch.set_num_threads(1)
    rows = []
    for qubits in QUBITS:
        layer = compile_circuit(Circuit(n_qubits=qubits, n_layers=3), threads=1)
        for batch in BATCHES:
            x = torch.rand(batch, qubits)

            def both(layer: Any = layer, x: Any = x) -> None:
                layer(x).sum().backward()

            rows.append(Row(f"circuit, {qubits} qubits, 3 layers", batch, _rate(both, batch, seconds), "samples/s"))
    return rows
