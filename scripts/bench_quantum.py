#!/usr/bin/env python
"""Time this engine against TorchQuantum and, where installed, PennyLane and qulacs, on one circuit.

    python scripts/bench_quantum.py [--qubits 4 8 12] [--batch 1 64 1024] [--device cuda]

The circuit is re-uploading: RX(λ x), RY, RZ and a CZ ring a layer, ⟨Z⟩ of every qubit. Every contestant first has to
give the same values and gradients as the engine in double precision, to 1e-5 of the largest number. Then they take
turns, each between two timings of the fused engine, so that a slow moment of the machine hits both sides of a ratio;
printed are medians: milliseconds of processor time (of wall time with --device cuda) of a forward pass and of a forward
and backward pass (gradients to inputs and weights), ratios to the fused engine, and for the engine the arithmetic that
its operations do [GFlop/s] beside what a 1024 x 1024 single-precision matrix product reaches in the same minutes.

At batch 1 the row to compare with simulators outside torch is "fused, acting", which is what a policy does when it
acts. "one ansatz" is a kernel that can execute this circuit only; "fused, own module" is the engine on a TorchQuantum
module that it has traced. Calls of more than 1 s are timed
in two rounds, of more than 30 s in one.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np  # noqa: E402  # after the number of threads
import torch  # noqa: E402
from ansatz_kernel import OneAnsatz, OneAnsatzFunction  # noqa: E402
from quantum_peers import (  # noqa: E402
    Contestant,
    Problem,
    by_torch,
    fresh_leaves,
    pennylane,
    qulacs,
    torchquantum_functional,
    torchquantum_modules,
)

from entangrid.agents.quantum import Circuit, compile_circuit  # noqa: E402
from entangrid.agents.quantum.kernels import layout as at  # noqa: E402
from entangrid.agents.quantum.plan import Plan  # noqa: E402

FEWER_ROUNDS = {30.0: 1, 1.0: 2}  # for calls that take longer [s]
TOLERANCE = 1e-5


def make_problem(n: int, layers: int, batch: int) -> Problem:
    generator = torch.Generator().manual_seed(n + 100 * batch)
    draw = lambda *shape: torch.rand(*shape, generator=generator)  # noqa: E731
    return Problem(
        n, layers, draw(batch, n) * 2 - 1, draw(layers, n) + 0.5, draw(layers, n, 2) * 6 - 3, draw(batch, n) * 2 - 1
    )


def engine(p: Problem, backend: str, precision: str = "single", device: str = "cpu") -> list[Contestant]:
    layer = compile_circuit(Circuit(p.n, p.layers), backend=backend, precision=precision, threads=1)
    module = layer.to(device).module
    if precision == "double":
        module.double()
    with torch.no_grad():
        module.input_scaling.copy_(p.scaling.reshape(-1))
        module.angles.copy_(p.angles.reshape(-1))
    x = p.x.to(device, module.angles.dtype, copy=True).requires_grad_()
    name = {"fused": "fused", "torch": f"torch ({device})", "torchquantum": "TorchQuantum, large gates"}[backend]
    name += ", double" if precision == "double" else ""
    out = [by_torch(name, p, lambda: layer(x), [x, module.input_scaling, module.angles])]
    if backend == "fused":
        observations = x.detach().cpu().numpy()
        out.append(Contestant(name + ", acting", lambda: layer.act(observations), None))
    return out


def one_ansatz(p: Problem) -> list[Contestant]:
    one, (x, scaling, angles) = OneAnsatz(p.n, p.layers), [t.numpy() for t in (p.x, p.scaling, p.angles)]
    leaves = fresh_leaves(p)
    apply: Any = OneAnsatzFunction.apply
    keeping = by_torch("one ansatz", p, lambda: apply(*leaves, one), leaves)
    return [keeping, Contestant("one ansatz, acting", lambda: one.act(x, scaling, angles), None)]


def contestants(p: Problem, device: str) -> list[Callable[[], list[Contestant]]]:
    has = lambda name: importlib.util.find_spec(name) is not None  # noqa: E731
    out: list[Callable[[], list[Contestant]]] = [
        lambda: engine(p, "fused"),
        lambda: [torchquantum_modules(p, "fused, own module", lambda net: compile_circuit(net, threads=1))],
        lambda: engine(p, "fused", "double"),
        lambda: engine(p, "torch", device=device),
        lambda: [torchquantum_modules(p)],
        lambda: [torchquantum_functional(p)],
        lambda: engine(p, "torchquantum"),
    ]
    if p.n >= 3:
        out.insert(3, lambda: one_ansatz(p))
    if has("pennylane"):
        out.append(lambda: [pennylane(p, "default.qubit", "backprop")])
    if has("pennylane_lightning"):
        out.append(lambda: [pennylane(p, "lightning.qubit", "adjoint")])
    if has("qulacs"):
        out.append(lambda: [qulacs(p)])
    return out


def to_numpy(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def require_equal(one: Contestant, reference: list[np.ndarray]) -> None:
    """SystemExit if any number differs by more than `TOLERANCE` of the largest."""
    got = one.both() if one.both is not None else [one.forward()] if one.forward is not None else []
    for what, a, b in zip(("outputs", "x", "scaling", "angles"), got, reference, strict=False):
        worst = float(np.abs(to_numpy(a) - b).max() / max(1.0, np.abs(b).max()))
        if not worst < TOLERANCE:
            raise SystemExit(f"{one.name}: {what} differ by {worst:.1e} from double precision")


def seconds(call: Callable[[], Any], clock: Callable[[], float], least: float = 2e-3) -> float:
    """Of one call: the mean over as many as take `least`."""
    repeats = 1
    while True:
        started = clock()
        for _ in range(repeats):
            call()
        if (spent := clock() - started) >= least:
            return spent / repeats
        repeats = max(2 * repeats, int(1.2 * least / max(spent, 1e-9) * repeats) if spent > 0.1 * least else 0)


class Row(NamedTuple):
    """Medians of a call: its time [ms], and its ratio to the fused engine's."""

    ms: float
    ratio: float


def take_turns(
    field: list[Contestant], rounds: int, clock: Callable[[], float]
) -> tuple[dict[tuple[str, int], Row], float]:
    """The rows of (name, 0 forward or 1 both), and the rate of matrix products [GFlop/s]."""
    times: dict[tuple[str, int], list[tuple[float, float]]] = {}
    matrix, rates = torch.rand(1024, 1024), []
    fused = field[0]
    skipped: set[tuple[str, int]] = set()
    for _ in range(rounds):
        rates.append(2 * 1024**3 / seconds(lambda: matrix @ matrix, clock, 0.1) / 1e9)
        for one in field:
            for k, (call, base) in enumerate(((one.forward, fused.forward), (one.both, fused.both))):
                if call is None or base is None or (one.name, k) in skipped:
                    continue
                before = seconds(base, clock)
                spent = seconds(call, clock)
                beside = spent if one is fused else 0.5 * (before + seconds(base, clock))
                times.setdefault((one.name, k), []).append((1e3 * spent, spent / beside))
                limit = next((n for least, n in FEWER_ROUNDS.items() if spent > least), rounds)
                if len(times[one.name, k]) >= limit:
                    skipped.add((one.name, k))
    medians = {key: Row(*(statistics.median(v) for v in zip(*values, strict=True))) for key, values in times.items()}
    return medians, statistics.median(rates)


def arithmetic(plan: Plan, batch: int) -> tuple[float, float]:
    """Floating-point operations of this circuit's plan for a batch: forward, and forward and backward."""
    dim, operations = 1 << plan.n_qubits, plan.code[plan.code[at.OPS] :].reshape(-1, at.STRIDE)
    forward = both = 3.0 * dim  # probabilities
    for kind, *rest in operations.tolist():
        forward_here, overlaps = 0.0, 0.0  # an amplitude
        if kind == at.PRODUCT:
            forward_here, overlaps = 12.0, 12.0 * plan.n_qubits - 24.0  # nothing is undone
        elif kind == at.CHAIN:
            forward_here, overlaps = 14.0 / (1 << rest[1].bit_count()), 12.0 / (1 << rest[1].bit_count())
        elif kind == at.SWINGS:
            forward_here, overlaps = 6.0 * rest[0], 12.0 * rest[0]
        elif kind == at.DIAGONAL:
            forward_here = 12.0
        forward += forward_here * dim
        both += (3.0 * forward_here + overlaps) * dim
    return forward * batch, both * batch


def bench(p: Problem, rounds: int, device: str) -> None:
    exact = engine(p, "fused", "double")[0]
    assert exact.both is not None
    reference = [to_numpy(v) for v in exact.both()]
    field = [one for make in contestants(p, device) for one in make()]
    for one in field:
        require_equal(one, reference)
    # processor time: on one thread what wall time is on a quiet machine, and no other user of the machine counts
    rows, peak = take_turns(field, rounds, time.perf_counter if device == "cuda" else time.process_time)
    print(f"\n{p.n} qubits, batch {p.x.shape[0]}   (all equal; matrix product {peak:.0f} GFlop/s)")
    print(f"{'':34}{'forward ms':>12}{'ratio':>9}{'both ms':>12}{'ratio':>9}{'GFlop/s':>9}{'of product':>12}")
    layer = compile_circuit(Circuit(p.n, p.layers))
    assert layer.engine is not None
    work = arithmetic(layer.engine.plan, len(p.x))
    for one in field:
        text = f"{one.name:34}"
        for k in (0, 1):
            if (row := rows.get((one.name, k))) is not None:
                text += f"{row.ms:12.4f}{row.ratio:9.2f}"
        if one.name.startswith("fused"):
            k = int((one.name, 1) in rows)
            rate = work[k] / rows[one.name, k].ms / 1e6
            text += " " * (0 if k else 21) + f"{rate:9.1f}{rate / peak:12.0%}"
        print(text, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qubits", type=int, nargs="+", default=[4, 8, 12])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 64, 1024])
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="of the backend 'torch'")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("--device cuda: torch finds no CUDA device here")
    torch.set_num_threads(1)
    print(f"one thread; {options.layers} layers; {options.rounds} rounds")
    for n in options.qubits:
        for batch in options.batch:
            bench(make_problem(n, options.layers, batch), options.rounds, options.device)


if __name__ == "__main__":
    main()
