"""The papers' circuits and the other families: sizes, and the same numbers by every backend."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from quantum_cases import FAMILIES
from quantum_reference import run_dense

from entangrid.agents.quantum import Circuit, compile_circuit
from entangrid.agents.quantum.library import LIBRARY, meyer2025
from entangrid.agents.quantum.readout import observables
from entangrid.agents.quantum.torchquantum import tq


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("jerbi2021", (0, 20, 72, 2)),  # 94
        ("skolik2022", (0, 20, 40, 2)),  # 62
        ("chen2020", (0, 0, 24, 4)),  # 28
        ("lockwood2020", (0, 0, 48, 0)),  # 48
        ("meyer2025", (40, 120, 120, 33)),  # 313
        ("qevcs2025", (0, 55, 198, 10)),  # 263
    ],
)
def test_parameter_counts_of_the_papers(name: str, counts: tuple[int, ...]) -> None:
    circuit = LIBRARY[name]()
    assert tuple(circuit.parameters.values()) == counts
    module = circuit.build()
    assert sum(p.numel() for p in module.parameters()) == circuit.n_parameters == sum(counts)


def test_totals_of_the_papers() -> None:
    totals = {name: make().n_parameters for name, make in LIBRARY.items()}
    assert totals == {
        "jerbi2021": 94, "skolik2022": 62, "chen2020": 28, "lockwood2020": 48, "meyer2025": 313, "qevcs2025": 263,
    }  # fmt: skip
    assert meyer2025(14).n_parameters == 437


@pytest.mark.parametrize("name", FAMILIES)
def test_fused_equals_torchquantum(name: str) -> None:
    torch.manual_seed(0)
    circuit = FAMILIES[name]
    reference = compile_circuit(circuit, backend="torchquantum")
    fused = compile_circuit(reference.module)
    x = torch.rand(19, circuit.inputs) * 2 - 0.7
    outputs = []
    for layer in (fused, reference):
        z = x.clone().requires_grad_()
        y = layer(z)
        cotangent = torch.linspace(-1, 1, y.numel()).reshape(y.shape)
        sources = [z, *(p for p in layer.parameters() if p.numel())]
        outputs.append([y, *torch.autograd.grad((y * cotangent).sum(), sources)])
    for a, b in zip(*outputs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5 * max(1.0, b.detach().abs().max().item()), rtol=0)
    np.testing.assert_allclose(fused.act(x.numpy()), fused(x).detach().numpy(), atol=0)


@pytest.mark.parametrize(
    "name", ["chen2020", "lockwood2020", "strongly-entangling", "controlled ring", "identity-block"]
)
def test_gates_equal_a_dense_simulation(name: str) -> None:
    torch.manual_seed(1)
    circuit = FAMILIES[name]
    layer = compile_circuit(circuit, precision="double")
    module = layer.module.double()
    x = torch.rand(2, circuit.inputs, dtype=torch.float64)
    squash: Any = {"tanh": torch.tanh, "arctan": torch.atan}.get(circuit.squash, lambda z: z)
    rows = []
    for row in x:
        gates = []
        for gate in circuit.gates:
            angles = []
            for a in gate.angles:
                z = torch.tensor(0.0, dtype=torch.float64)
                if a.input >= 0:
                    z = a.factor * squash(row[a.input] * (module.input_scaling[a.scale] if a.scale >= 0 else 1.0))
                angles.append(z + a.offset + (module.angles[a.weight] if a.weight >= 0 else 0.0))
            gates.append(({"h": "hadamard"}.get(gate.name, gate.name), gate.wires, angles, gate.inverse))
        rows.append(run_dense(circuit.n_qubits, gates, list(observables(circuit.readout, circuit.n_qubits))))
    torch.testing.assert_close(layer(x), module.finish(torch.stack(rows)), atol=1e-10, rtol=0)


def test_identity_blocks_start_as_their_encodings() -> None:
    torch.manual_seed(0)
    circuit = FAMILIES["identity-block"]
    x = torch.randn(6, 3)
    torch.testing.assert_close(compile_circuit(circuit)(x), torch.cos(2 * x), atol=1e-5, rtol=0)
    assert circuit.parameters["angles"] == 2 * Circuit(3, 2).parameters["angles"]


def test_amplitudes_are_the_normalised_observation() -> None:
    torch.manual_seed(0)
    circuit = Circuit(2, 1, 3, encoding="amplitude", ansatz="hardware-efficient", initialisation="zeros",
                      entangler="none")  # fmt: skip
    x = torch.tensor([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0]], requires_grad=True)
    for backend in ("fused", "torchquantum"):
        y = compile_circuit(circuit, backend=backend)(x)
        torch.testing.assert_close(y, torch.tensor([[9 / 25 - 16 / 25, 1.0], [1.0, 1.0]]))
        (grad,) = torch.autograd.grad(y.sum(), x)
        assert torch.isfinite(grad).all()


def test_min_max_takes_bounds_to_a_full_turn() -> None:
    circuit = Circuit(1, 1, squash="min-max", input_low=(2.0,), input_high=(6.0,), initialisation="zeros")
    x = torch.tensor([[2.0], [3.0], [4.0], [6.0], [99.0]])
    want = torch.cos(torch.tensor([[-1.0], [-0.5], [0.0], [1.0], [1.0]]) * math.pi)
    torch.testing.assert_close(compile_circuit(circuit)(x), want, atol=1e-6, rtol=0)


def test_every_family_survives_its_own_device() -> None:
    for circuit in FAMILIES.values():
        module = circuit.build()
        x = torch.rand(3, circuit.inputs)
        device = tq.QuantumDevice(n_wires=circuit.n_qubits, bsz=3)
        module.apply_gates(x, device)
        torch.testing.assert_close(module(x), module.read(device.get_states_1d()), atol=2e-6, rtol=0)


@pytest.mark.parametrize("ansatz", ["reuploading", "hardware-efficient", "strongly-entangling"])
def test_gates_read_what_an_input_layer_gives_and_not_the_observation(ansatz: str) -> None:
    circuit = Circuit(4, 3, n_inputs=10, input_layer=True, ansatz=ansatz)
    x = torch.rand(3, 10)
    reference, fused = (compile_circuit(circuit, backend=backend) for backend in ("torchquantum", "fused"))
    fused.load_state_dict(reference.state_dict())
    torch.testing.assert_close(fused(x), reference(x), rtol=0.0, atol=1e-5)
