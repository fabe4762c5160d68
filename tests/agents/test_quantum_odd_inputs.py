"""Circuits given what they should not be given: NaN, nothing, the wrong shape or type, wires that do not exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from entangrid.agents.quantum import Circuit, CVCircuit, compile_circuit
from entangrid.agents.quantum.compiling import BACKENDS
from entangrid.agents.quantum.fused import Engine
from entangrid.agents.quantum.torchquantum import tq, tqf
from entangrid.data.errors import InputError


def cv_module() -> torch.nn.Module:
    return CVCircuit(3, cutoff=4, norm_tolerance=1.0).build()


MAKERS: dict[str, Callable[[], torch.nn.Module]] = {
    **{name: (lambda name=name: compile_circuit(Circuit(3, 2), backend=name)) for name in BACKENDS},
    "module": lambda: Circuit(3, 2).build(),
    "not in blocks": lambda: Circuit(3, 2, ansatz="strongly-entangling").build(),
    "qumodes": cv_module,
}


@pytest.fixture(params=MAKERS)
def layer(request: pytest.FixtureRequest) -> torch.nn.Module:
    torch.manual_seed(0)
    return MAKERS[request.param]()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_spoils_its_own_sample_alone(layer: torch.nn.Module, value: float) -> None:
    x = torch.rand(4, 3)
    x[1, 2] = value
    y = layer(x)
    assert torch.isnan(y[1]).all()
    assert torch.isfinite(y[[0, 2, 3]]).all()


def test_an_empty_batch_gives_an_empty_batch_and_no_gradients(layer: torch.nn.Module) -> None:
    x = torch.zeros(0, 3, requires_grad=True)
    y = layer(x)
    assert y.shape == (0, 3)
    y.sum().backward()
    assert not any(p.grad is not None and p.grad.any() for p in layer.parameters())
    if hasattr(layer, "act"):
        assert layer.act(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize(
    ("x", "word"),
    [
        (torch.zeros(2, 4), r"\(2, 4\); expected \(batch, 3\)"),
        (torch.zeros(3), r"\(3,\)"),
        (torch.zeros(1, 2, 3), r"\(1, 2, 3\)"),
        (torch.zeros(2, 3, dtype=torch.complex64), "complex64"),
        (np.zeros((2, 3)), "Tensor"),
        ([[0.0, 0.0, 0.0]], "list"),
    ],
    ids=["wide", "1-d", "3-d", "complex", "array", "list"],
)
def test_wrong_shapes_and_types_are_named(layer: torch.nn.Module, x: Any, word: str) -> None:
    with pytest.raises(InputError, match=word):
        layer(x)


@pytest.mark.parametrize("backend", ["fused", "torchquantum", "torch", "density"])
def test_memory_order_and_number_types_do_not_matter(backend: str) -> None:
    torch.manual_seed(0)
    layer = compile_circuit(Circuit(3, 2), backend=backend)
    x = torch.tensor([[1.0, 0.0, 2.0], [-1.0, 3.0, 1.0]])
    want = layer(x)
    for other in (x.double(), x.half(), x.long(), x.T.contiguous().T, torch.stack([x, x], 2)[..., 0]):
        got = layer(other)
        assert got.dtype == torch.float32
        torch.testing.assert_close(got, want, atol=1e-6, rtol=0)
    torch.testing.assert_close(layer(x[:1].expand(5, 3)), want[:1].expand(5, 3), atol=1e-6, rtol=0)
    torch.testing.assert_close(layer(x[:1]), want[:1], atol=1e-6, rtol=0)
    double = x.double().requires_grad_()
    assert torch.autograd.grad(layer(double).sum(), double)[0].dtype == torch.float64
    for array in (x.numpy().astype(float), np.asfortranarray(x.numpy()), x.tolist()):
        np.testing.assert_allclose(layer.act(array), want.detach(), atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_frozen_and_absent_weights(backend: str) -> None:
    torch.manual_seed(0)
    layer, x = compile_circuit(Circuit(2, 2), backend=backend), torch.rand(3, 2)
    layer.requires_grad_(False)
    assert not layer(x).requires_grad
    x.requires_grad_()
    assert torch.autograd.grad(layer(x).sum(), x)[0].abs().sum() > 0
    bare = compile_circuit(Circuit(2, 1, rotations=(), trainable_scaling=False), backend=backend)
    assert bare.circuit.n_parameters == 0
    y = bare(x)
    torch.testing.assert_close(y, torch.cos(x), atol=0.2 if backend == "shots" else 1e-5, rtol=0)
    assert torch.autograd.grad(y.sum(), x)[0].shape == x.shape


@pytest.mark.parametrize("backend", BACKENDS)
def test_amplitudes_of_nothing_are_the_ground_state_and_of_nan_are_nan(backend: str) -> None:
    options: dict[str, Any] = {"ansatz": "hardware-efficient", "initialisation": "zeros", "entangler": "none"}
    layer = compile_circuit(Circuit(2, 1, 4, encoding="amplitude", **options), backend=backend)
    y = layer(torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.0, float("nan"), 1.0, 0.0], [0.0, 0.0, 0.0, 2.0]]))
    torch.testing.assert_close(y[[0, 2]], torch.tensor([[1.0, 1.0], [-1.0, -1.0]]), atol=1e-6, rtol=0)
    assert torch.isnan(y[1]).all()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"n_qubits": 21}, "n_qubits=21 is more than 20"),
        ({"n_qubits": 10**12}, "n_qubits"),
        ({"n_qubits": 2, "n_layers": 10**9}, "n_layers"),
        ({"n_qubits": 2, "readout": (3,)}, "readout"),
        ({"n_qubits": 2, "readout": None}, "readout"),
        ({"n_qubits": 2, "readout": ((),)}, "readout"),
        ({"n_qubits": 2, "readout": (((float("nan"), "ZZ"),),)}, "finite coefficients"),
        ({"n_qubits": 2, "init_std": "large"}, "init_std"),
        ({"n_qubits": 2, "init_scaling": float("nan")}, "init_scaling"),
        ({"n_qubits": 2, "trainable_scaling": "no"}, "trainable_scaling"),
        ({"n_qubits": 1, "squash": "min-max", "input_low": ("a",), "input_high": (1,)}, r"input_low\[0\]"),
        ({"n_qubits": 1, "squash": "min-max", "input_low": (-np.inf,), "input_high": (1,)}, r"input_low\[0\]"),
    ],
)
def test_bad_fields_are_named(options: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        Circuit(**options)


@pytest.mark.parametrize("backend", ["fused", "shots"])
def test_second_derivatives_are_refused_rather_than_left_out(backend: str) -> None:
    layer, x = compile_circuit(Circuit(2, 2), backend=backend), torch.rand(3, 2, requires_grad=True)
    gain = torch.ones(1, requires_grad=True)
    with pytest.raises(InputError, match="no second derivatives"):
        torch.autograd.grad((gain * layer(x)).sum(), [gain, x], create_graph=True)


@pytest.mark.parametrize("threads", [0, -1, True, 1.5, "2"])
def test_bad_thread_counts_are_named(threads: Any) -> None:
    with pytest.raises(InputError, match="threads="):
        compile_circuit(Circuit(2), threads=threads)


class Own(tq.QuantumModule):
    """A module of one's own with one gate between layers of rotations."""

    def __init__(self, gate: Callable[[Any, torch.Tensor], None]) -> None:
        super().__init__()
        self.gate, self.weight = gate, torch.nn.Parameter(torch.rand(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        device = tq.QuantumDevice(n_wires=3, bsz=len(x))
        for i in range(3):
            tqf.ry(device, wires=i, params=x[:, i % x.shape[1]] * self.weight[i])
        self.gate(device, x)
        return tq.MeasureAll(tq.PauliZ)(device)


@pytest.mark.parametrize("wires", [[1, 1], [0, 3], [-1, 0]])
def test_wires_that_do_not_exist_or_repeat_are_named(wires: list[int]) -> None:
    for gate in (lambda d, x: tqf.cnot(d, wires=wires), lambda d, x: tqf.rxx(d, wires=wires, params=x[:, 0])):
        with pytest.raises(InputError, match=r"on wires .*expected different ones from 0 to 2"):
            compile_circuit(Own(gate))(torch.rand(2, 3))


@pytest.mark.parametrize(
    "gate", [lambda d, x: tqf.cnot(d, wires=[0, 1, 2]), lambda d, x: tqf.rot(d, wires=0, params=x[:, :2])]
)
def test_what_torchquantum_refuses_is_not_executed(gate: Any) -> None:
    with pytest.warns(UserWarning, match="no fast form"), pytest.raises((AssertionError, IndexError)):
        compile_circuit(Own(gate))(torch.rand(2, 3))


def test_another_width_is_traced_anew() -> None:
    torch.manual_seed(0)
    module = Own(lambda d, x: tqf.rx(d, wires=0, params=x[:, -1]))
    layer = compile_circuit(module)
    for width in (3, 2, 5, 3):
        x = torch.rand(4, width)
        torch.testing.assert_close(layer(x), module(x), atol=1e-5, rtol=0)
        np.testing.assert_allclose(layer.act(x.numpy()), module(x).detach(), atol=1e-5)
        assert layer.mode == "traced once"


def test_the_kernels_are_never_given_what_their_plan_does_not_hold() -> None:
    engine = compile_circuit(Circuit(3, 2)).engine
    assert isinstance(engine, Engine)
    good = [np.zeros((2, 3), np.float32), np.zeros(6, np.float32), np.zeros(12, np.float32)]
    assert engine.forward(*good).shape == (2, 3)
    for i, wrong in enumerate((np.zeros((2, 2), np.float32), np.zeros(5, np.float32), np.zeros(11, np.float32))):
        for run in (engine.forward, engine.forward_keep):
            with pytest.raises(InputError, match=r"compiled for inputs \(batch, 3\), 6 scalings and 12 angles"):
                run(*good[:i], wrong, *good[i + 1 :])
