#!/usr/bin/env python
"""Time this engine against TorchQuantum and, where installed, PennyLane and qulacs, on one circuit.

    python scripts/bench_quantum.py [--qubits 4 8 12] [--batch 1 64 1024] [--device cuda]

The circuit is re-uploading: RX(λ x), RY, RZ and a CZ ring a layer, ⟨Z⟩ of every qubit. Every contestant first has to
give the same values and gradients as the engine in double precision. Then they take turns, so that a slow moment of
the machine hits all of them; printed are medians [ms] of a forward pass and of a forward and backward pass (gradients
to inputs and weights), the ratio to the fused engine, and for the engine's own kernels the useful arithmetic [GFlop/s]
beside what the machine reaches in a 1024 x 1024 single-precision matrix product. At batch 1 the row to compare with
simulators outside torch is "fused, acting", which is what a policy does when it acts.
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

from entangrid.agents.quantum import Circuit, compile_circuit  # noqa: E402
from entangrid.agents.quantum.torchquantum import tq, tqf  # noqa: E402

SLOWEST_CALL_S = 30.0


class Problem(NamedTuple):
    """Parameters, inputs and the gradient to the outputs, in float32."""

    n: int
    layers: int
    x: torch.Tensor
    scaling: torch.Tensor  # (layers, n)
    angles: torch.Tensor  # (layers, n, 2)
    cotangent: torch.Tensor


class Contestant(NamedTuple):
    """`forward()` gives outputs, `both()` outputs and gradients to (x, scaling, angles); either may be missing."""

    name: str
    forward: Callable[[], Any] | None
    both: Callable[[], Any] | None


def make_problem(n: int, layers: int, batch: int) -> Problem:
    generator = torch.Generator().manual_seed(n + 100 * batch)
    draw = lambda *shape: torch.rand(*shape, generator=generator)  # noqa: E731
    return Problem(
        n, layers, draw(batch, n) * 2 - 1, draw(layers, n) + 0.5, draw(layers, n, 2) * 6 - 3, draw(batch, n) * 2 - 1
    )


def by_torch(
    name: str,
    p: Problem,
    run: Callable[[], torch.Tensor],
    leaves: list[torch.Tensor],
) -> Contestant:
    """A contestant whose `run()` torch differentiates; `leaves` are inputs, scaling and angles, in any shape."""
    cotangent = p.cotangent.to(leaves[0])
    wait = torch.cuda.synchronize if leaves[0].is_cuda else lambda: None

    def forward() -> torch.Tensor:
        with torch.no_grad():
            y = run()
        wait()
        return y

    def both() -> list[torch.Tensor]:
        y = run()
        gx, gs, ga = torch.autograd.grad(y, leaves, cotangent.to(y.dtype))
        wait()
        return [y, gx, gs.reshape(p.scaling.shape), ga.reshape(p.angles.shape)]

    return Contestant(name, forward, both)


def fresh_leaves(p: Problem, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    return [t.to(dtype, copy=True).requires_grad_() for t in (p.x, p.scaling, p.angles)]


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
        observations = x.detach().numpy()
        out.append(Contestant(name + ", acting", lambda: layer.act(observations), None))
    return out


def torchquantum_functional(p: Problem) -> Contestant:
    x, scaling, angles = leaves = fresh_leaves(p)

    def run() -> torch.Tensor:
        device = tq.QuantumDevice(n_wires=p.n, bsz=len(x))
        for layer in range(p.layers):
            scaled = x * scaling[layer]
            for i in range(p.n):
                tqf.rx(device, wires=i, params=scaled[:, i])
                tqf.ry(device, wires=i, params=angles[layer, i, 0])
                tqf.rz(device, wires=i, params=angles[layer, i, 1])
            for i in range(p.n):
                tqf.cz(device, wires=[i, (i + 1) % p.n])
        return tq.expval(device, list(range(p.n)), [tq.PauliZ()] * p.n)

    return by_torch("TorchQuantum, functional", p, run, leaves)


def torchquantum_modules(p: Problem) -> Contestant:
    """The style of TorchQuantum's own examples; gradients are compared after the same order of parameters."""

    class Net(tq.QuantumModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.scaling = torch.nn.Parameter(p.scaling.clone())
            blocks = [{"input_idx": [i], "func": "rx", "wires": [i]} for i in range(p.n)]
            self.encoders = tq.QuantumModuleList([tq.GeneralEncoder(blocks) for _ in range(p.layers)])
            turn = [[], []]
            for k, kind in enumerate((tq.RY, tq.RZ)):
                for value in p.angles[:, :, k].flatten().tolist():
                    turn[k].append(kind(has_params=True, trainable=True, init_params=value))
            self.ry, self.rz = tq.QuantumModuleList(turn[0]), tq.QuantumModuleList(turn[1])
            self.cz = tq.QuantumModuleList([tq.CZ() for _ in range(p.layers * p.n)])
            self.measure = tq.MeasureAll(tq.PauliZ)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            device = tq.QuantumDevice(n_wires=p.n, bsz=len(x))
            for layer in range(p.layers):
                self.encoders[layer](device, x * self.scaling[layer])
                for i in range(p.n):
                    self.ry[layer * p.n + i](device, wires=i)
                    self.rz[layer * p.n + i](device, wires=i)
                for i in range(p.n):
                    self.cz[layer * p.n + i](device, wires=[i, (i + 1) % p.n])
            return self.measure(device)

    net, x = Net(), p.x.clone().requires_grad_()
    turns = [m.params for pair in zip(net.ry, net.rz, strict=True) for m in pair]

    def forward() -> torch.Tensor:
        with torch.no_grad():
            return net(x)

    def both() -> list[torch.Tensor]:
        y = net(x)
        gx, gs, *ga = torch.autograd.grad(y, [x, net.scaling, *turns], p.cotangent)
        return [y, gx, gs, torch.cat([g.reshape(-1) for g in ga]).reshape(p.angles.shape)]

    return Contestant("TorchQuantum, modules", forward, both)


def pennylane(p: Problem, device_name: str, method: str) -> Contestant:
    import pennylane as qml

    device = qml.device(device_name, wires=p.n)

    @qml.qnode(device, interface="torch", diff_method=method)
    def circuit(x: torch.Tensor, scaling: torch.Tensor, angles: torch.Tensor) -> Any:
        for layer in range(p.layers):
            for i in range(p.n):
                qml.RX(x[..., i] * scaling[layer, i], wires=i)
                qml.RY(angles[layer, i, 0], wires=i)
                qml.RZ(angles[layer, i, 1], wires=i)
            for i in range(p.n):
                qml.CZ(wires=[i, (i + 1) % p.n])
        return [qml.expval(qml.PauliZ(i)) for i in range(p.n)]

    x, scaling, angles = leaves = fresh_leaves(p, torch.float64)

    def run() -> torch.Tensor:
        if method == "backprop":
            return torch.stack(circuit(x, scaling, angles), -1)
        return torch.stack([torch.stack(circuit(row, scaling, angles), -1) for row in x])

    return by_torch(f"PennyLane {device_name} {method}", p, run, leaves)


def qulacs(p: Problem) -> Contestant:
    from qulacs import Observable, ParametricQuantumCircuit, QuantumState

    circuit = ParametricQuantumCircuit(p.n)  # its rotations turn the other way: exp(+i a/2 P)
    for _ in range(p.layers):
        for i in range(p.n):
            circuit.add_parametric_RX_gate(i, 0.0)
            circuit.add_parametric_RY_gate(i, 0.0)
            circuit.add_parametric_RZ_gate(i, 0.0)
        for i in range(p.n):
            circuit.add_CZ_gate(i, (i + 1) % p.n)
    single = [Observable(p.n) for _ in range(p.n)]
    for i, observable in enumerate(single):
        observable.add_operator(1.0, f"Z {i}")
    x, scaling, angles, cotangent = (t.numpy().astype(float) for t in (p.x, p.scaling, p.angles, p.cotangent))

    def load(row: np.ndarray) -> None:
        values = np.concatenate([(row * scaling)[..., None], angles], -1).ravel()
        for k, value in enumerate(-values):
            circuit.set_parameter(k, value)

    def forward() -> np.ndarray:
        out = np.empty((len(x), p.n))
        for b, row in enumerate(x):
            load(row)
            state = QuantumState(p.n)
            circuit.update_quantum_state(state)
            out[b] = [o.get_expectation_value(state) for o in single]
        return out

    def both() -> list[np.ndarray]:
        gx, gs, ga = np.zeros_like(x), np.zeros_like(scaling), np.zeros_like(angles)
        out = forward()
        for b, row in enumerate(x):
            load(row)
            total = Observable(p.n)
            for i in range(p.n):
                total.add_operator(cotangent[b, i], f"Z {i}")
            g = -np.array(circuit.backprop(total)).reshape(p.layers, p.n, 3)
            gx[b] = (g[..., 0] * scaling).sum(0)
            gs += g[..., 0] * row
            ga += g[..., 1:]
        return [out, gx, gs, ga]

    return Contestant("qulacs", forward, both)


def contestants(p: Problem, device: str) -> list[Callable[[], list[Contestant]]]:
    has = lambda name: importlib.util.find_spec(name) is not None  # noqa: E731
    out: list[Callable[[], list[Contestant]]] = [
        lambda: engine(p, "fused"),
        lambda: engine(p, "fused", "double"),
        lambda: engine(p, "torch", device=device),
        lambda: [torchquantum_modules(p)],
        lambda: [torchquantum_functional(p)],
        lambda: engine(p, "torchquantum"),
    ]
    if has("pennylane"):
        out.append(lambda: [pennylane(p, "default.qubit", "backprop")])
    if has("pennylane_lightning"):
        out.append(lambda: [pennylane(p, "lightning.qubit", "adjoint")])
    if has("qulacs"):
        out.append(lambda: [qulacs(p)])
    return out


def to_numpy(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def require_equal(one: Contestant, reference: list[np.ndarray]) -> float:
    """Seconds of one call; raises if any number differs by more than 1e-4 of the largest."""
    started = time.perf_counter()
    got = one.both() if one.both is not None else [one.forward()] if one.forward is not None else []
    seconds = time.perf_counter() - started
    for what, a, b in zip(("outputs", "x", "scaling", "angles"), got, reference, strict=False):
        worst = float(np.abs(to_numpy(a) - b).max() / max(1.0, np.abs(b).max()))
        if not worst < 1e-4:
            raise SystemExit(f"{one.name}: {what} differ by {worst:.1e} from double precision")
    return seconds


def take_turns(field: list[Contestant], rounds: int) -> dict[tuple[str, int], float]:
    """Median [ms] of (name, 0 forward or 1 both)."""
    times: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for one in field:
            for k, call in enumerate((one.forward, one.both)):
                if call is None:
                    continue
                repeats, spent = 0, 0.0
                while spent < 2e-3:
                    started = time.perf_counter()
                    call()
                    spent += time.perf_counter() - started
                    repeats += 1
                times.setdefault((one.name, k), []).append(1e3 * spent / repeats)
    return {key: statistics.median(values) for key, values in times.items()}


def useful_flop(p: Problem) -> tuple[float, float]:
    """Floating-point operations of the engine's gates: forward, and forward and backward."""
    amplitudes = p.x.shape[0] * 2.0**p.n
    forward = amplitudes * ((p.layers - 1) * p.n * 14 + 12)
    return forward, forward + amplitudes * ((p.layers - 1) * p.n * 40 + p.n * 12)


def sgemm_gflops() -> float:
    a = torch.rand(1024, 1024)
    best = min(_seconds(lambda: a @ a) for _ in range(20))
    return 2 * 1024**3 / best / 1e9


def _seconds(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qubits", type=int, nargs="+", default=[4, 8, 12])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 64, 1024])
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="of the backend 'torch'")
    options = parser.parse_args()
    torch.set_num_threads(1)
    peak = sgemm_gflops()
    print(f"matrix product: {peak:.0f} GFlop/s; one thread; {options.layers} layers")
    for n in options.qubits:
        for batch in options.batch:
            bench(make_problem(n, options.layers, batch), options.rounds, options.device, peak)


def bench(p: Problem, rounds: int, device: str, peak: float) -> None:
    exact = engine(p, "fused", "double")[0]
    assert exact.both is not None
    reference = [to_numpy(v) for v in exact.both()]
    field, slow = [], []
    for make in contestants(p, device):
        for one in make():
            seconds = require_equal(one, reference)
            (field if seconds < SLOWEST_CALL_S else slow).append((one, seconds))
    fast = [one for one, seconds in field if seconds < 0.5]
    times = take_turns(fast, rounds) | take_turns([one for one, s in field if s >= 0.5], 2)
    print(f"\n{p.n} qubits, batch {p.x.shape[0]}   (all equal)")
    print(f"{'':34}{'forward ms':>12}{'ratio':>8}{'both ms':>12}{'ratio':>8}{'GFlop/s':>9}{'of peak':>9}")
    for one, _ in field:
        row = f"{one.name:34}"
        for k in (0, 1):
            if (one.name, k) in times:
                row += f"{times[one.name, k]:12.4f}{times[one.name, k] / times['fused', k]:8.1f}"
        if one.name == "fused":
            rate = useful_flop(p)[1] / times["fused", 1] / 1e6
            row += f"{rate:9.1f}{rate / peak:9.0%}"
        print(row)
    for one, seconds in slow:
        print(f"{one.name:34} {seconds:.0f} s for one call: not timed again")


if __name__ == "__main__":
    main()
