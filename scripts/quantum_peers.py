"""Other simulators, each as a contestant of bench_quantum.py: TorchQuantum, PennyLane and qulacs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from entangrid.agents.quantum.torchquantum import tq, tqf


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


def torchquantum_net(p: Problem) -> tuple[Any, list[torch.Tensor]]:
    """A module in the style of TorchQuantum's own examples, and its angles in the order of `p.angles`."""

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

    net = Net()
    return net, [m.params for pair in zip(net.ry, net.rz, strict=True) for m in pair]


def torchquantum_modules(p: Problem, name: str = "TorchQuantum, modules", wrap: Any = None) -> Contestant:
    """The module, executed by itself or by what `wrap` makes of it."""
    net, turns = torchquantum_net(p)
    layer, x = net if wrap is None else wrap(net), p.x.clone().requires_grad_()

    def forward() -> torch.Tensor:
        with torch.no_grad():
            return layer(x)

    def both() -> list[torch.Tensor]:
        y = layer(x)
        gx, gs, *ga = torch.autograd.grad(y, [x, net.scaling, *turns], p.cotangent)
        return [y, gx, gs, torch.cat([g.reshape(-1) for g in ga]).reshape(p.angles.shape)]

    return Contestant(name, forward, both)


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

    leaves = fresh_leaves(p, torch.float64)
    # broadcasting, which lightning expands by itself: faster than a loop over samples
    return by_torch(f"PennyLane {device_name} {method}", p, lambda: torch.stack(circuit(*leaves), -1), leaves)


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
