"""Circuits and modules that several tests of the quantum backends share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from quantum_reference import GATES, run_dense

from entangrid.agents.quantum import Circuit
from entangrid.agents.quantum.library import LIBRARY, single_qubit, unentangled
from entangrid.agents.quantum.program import Angle, Gate
from entangrid.agents.quantum.torchquantum import tq, tqf

N_INPUTS = 3
SHARED_ONLY = ("cu3", "cu", "xxplusyy", "xxminyy")  # TorchQuantum refuses angles here that differ between samples


def angle_value(angle: Angle, x: Any, scales: Any, weights: Any) -> Any:
    value = x[..., 0] * 0 + angle.offset
    if angle.input >= 0:
        z = x[..., angle.input] * (scales[angle.scale] if angle.scale >= 0 else 1.0)
        value = value + angle.factor * z
    return value + weights[angle.weight] if angle.weight >= 0 else value


@st.composite
def circuits(draw: Any, most: int = 6) -> tuple[int, list[Gate], tuple[str, ...]]:
    """Up to `most` qubits, gates on random wires whose angles come from everywhere, and Pauli strings to read."""
    n = draw(st.integers(1, most))
    names = [name for name, (k, _) in GATES.items() if k <= n]
    gates = []
    for _ in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from(names))
        k, n_angles = GATES[name]
        wires = tuple(draw(st.permutations(range(n)))[:k])
        with_inputs = st.just(-1) if name in SHARED_ONLY else st.integers(-1, N_INPUTS - 1)
        angles = []
        for _ in range(n_angles):
            source = draw(with_inputs)
            scale = draw(st.integers(-1, 1)) if source >= 0 else -1
            weight = draw(st.integers(-1, 3))
            angles.append(Angle(source, scale, weight, draw(st.sampled_from([1.0, 0.5])), draw(st.floats(-3, 3))))
        gates.append(Gate(name, wires, tuple(angles), draw(st.booleans())))
    letters = st.lists(st.sampled_from("IXYZ"), min_size=n, max_size=n).map("".join)
    return n, gates, tuple(draw(st.lists(letters, min_size=1, max_size=6, unique=True)))


def dense(n: int, gates: list[Gate], strings: tuple[str, ...], values: Any) -> torch.Tensor:
    x, scales, weights = values
    return torch.stack([
        run_dense(n, [(g.name, g.wires, [angle_value(a, row, scales, weights) for a in g.angles], g.inverse)
                      for g in gates], list(strings))
        for row in x
    ])  # fmt: skip


def draw_values(batch: int, seed: int, dtype: torch.dtype) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = ((batch, N_INPUTS), (2,), (4,))
    return [torch.randn(s, generator=generator, dtype=torch.float64).to(dtype).requires_grad_() for s in shapes]


def with_gradients(out: torch.Tensor, values: list[torch.Tensor]) -> list[np.ndarray]:
    cotangent = torch.linspace(-1, 2, out.numel(), dtype=torch.float64).reshape(out.shape).to(out.dtype)
    total = (out * cotangent).sum()
    grads = torch.autograd.grad(total, values, allow_unused=True) if total.requires_grad else [None] * len(values)
    filled = [torch.zeros_like(v) if g is None else g for g, v in zip(grads, values, strict=True)]
    return [a.detach().numpy().astype(float) for a in (out, *filled)]


def agree(got: list[np.ndarray], want: list[np.ndarray], tolerance: float) -> None:
    for a, b in zip(got, want, strict=True):
        assert np.abs(a - b).max(initial=0.0) <= tolerance * max(1.0, np.abs(b).max(initial=0.0))


FAMILIES = {
    **{name: make() for name, make in LIBRARY.items()},
    "unentangled": unentangled(3),
    "single qubit": single_qubit(5, 2),
    "hardware-efficient": Circuit(3, 2, 7, ansatz="hardware-efficient", final_block=True),
    "strongly-entangling": Circuit(4, 4, 6, ansatz="strongly-entangling", squash="arctan"),
    "controlled ring": Circuit(3, 2, ansatz="controlled-rotation-ring", squash="tanh"),
    "amplitude": Circuit(3, 2, 7, encoding="amplitude"),
    "amplitude, hardware-efficient": Circuit(2, 1, 3, encoding="amplitude", ansatz="hardware-efficient"),
    "min-max": Circuit(2, 2, squash="min-max", input_low=(-1.0, 0.0), input_high=(1.0, 10.0)),
    "identity-block": Circuit(3, 2, initialisation="identity-block"),
    "neighbours": Circuit(4, 1, readout="zz-chain"),
}


N = 3


class Encoded(tq.QuantumModule):
    """Trainable scaling, encoders, gate modules and functions, MeasureAll."""

    def __init__(self) -> None:
        super().__init__()
        self.scaling = torch.nn.Parameter(torch.rand(2, N))
        blocks = [{"input_idx": [i], "func": "rx", "wires": [i]} for i in range(N)]
        self.encoders = tq.QuantumModuleList([tq.GeneralEncoder(blocks) for _ in range(2)])
        self.turns = tq.QuantumModuleList([tq.RY(has_params=True, trainable=True) for _ in range(2 * N)])
        self.pair = tq.CRX(has_params=True, trainable=True)
        self.fixed = tq.RZ(has_params=True, trainable=False, init_params=0.3)
        self.measure = tq.MeasureAll(tq.PauliZ)

    def squash(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def gates(self, x: torch.Tensor, device: Any) -> None:
        for layer in range(2):
            self.encoders[layer](device, self.squash(x * self.scaling[layer]))
            for i in range(N):
                self.turns[layer * N + i](device, wires=i)
                tqf.cnot(device, wires=[i, (i + 1) % N])
            self.pair(device, wires=[2, 0])
        self.fixed(device, wires=1)
        device.h(wires=0)
        tqf.rz(device, wires=2, params=0.5 * x[:, 0] + self.scaling[0, 0] - 1.0)
        device.sx(wires=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        device = tq.QuantumDevice(n_wires=N, bsz=x.shape[0])
        self.gates(x, device)
        return self.measure(device)


class Hybrid(Encoded):
    """Classical layers around the circuit, an argument of its own, two read-outs and a device that is reset."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = torch.nn.Linear(N, N), torch.nn.Linear(N + 1, 2)
        self.device_ = tq.QuantumDevice(n_wires=N)

    def forward(self, x: torch.Tensor, shift: float = 0.5) -> torch.Tensor:
        self.device_.reset_states(x.shape[0])
        self.gates(self.before(x) + shift, self.device_)
        z = self.measure(self.device_)
        zz = tq.expval_joint_analytical(self.device_, "ZZI")
        return self.after(torch.cat([z, zz[:, None]], 1))
