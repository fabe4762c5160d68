"""Modules of one's own: traced once, at every call, or left to TorchQuantum with a warning."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from quantum_cases import Encoded, Hybrid, N

from entangrid.agents.quantum import compile_circuit
from entangrid.agents.quantum.torchquantum import tq, tqf
from entangrid.agents.quantum.traced import TracedCircuit
from entangrid.data.errors import InputError


class Squashed(Encoded):
    def squash(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x)

    def gates(self, x: torch.Tensor, device: Any) -> None:
        for i in range(N):
            tqf.rx(device, wires=i, params=torch.tanh(x[:, i] * self.scaling[0, i]) * np.pi)
            self.turns[i](device, wires=i)
        tqf.cz(device, wires=[0, 1])
        tqf.ry(device, wires=0, params=torch.tanh(x[:, 0] * self.scaling[1, 0]))


class PauliReadOut(Encoded):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        device = tq.QuantumDevice(n_wires=N, bsz=x.shape[0])
        self.gates(x, device)
        return tq.expval(device, [0, 2], [tq.PauliX(), tq.PauliY()])


class Piecewise(Encoded):
    """Looks linear near zero, and is not."""

    def squash(self, x: torch.Tensor) -> torch.Tensor:
        return x.clamp(-20.0, 20.0)


class Product(Encoded):
    """An angle that two inputs make."""

    def squash(self, x: torch.Tensor) -> torch.Tensor:
        return x * x[:, :1]


class Amplitudes(tq.QuantumModule):
    """Amplitude encoding: states given, with a gradient of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = tq.StateEncoder()
        self.turn = tq.RY(has_params=True, trainable=True)
        self.measure = tq.MeasureAll(tq.PauliZ)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        device = tq.QuantumDevice(n_wires=2, bsz=x.shape[0])
        self.encoder(device, x)
        self.turn(device, wires=1)
        device.cnot(wires=[1, 0])
        tqf.rx(device, wires=0, params=x[:, 0])
        return self.measure(device)


class Matrices(Encoded):
    def gates(self, x: torch.Tensor, device: Any) -> None:
        for i in range(N):
            tqf.ry(device, wires=i, params=x[:, i])
        generator = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
        tqf.matrix_exp(device, wires=[2, 0], params=1j * (generator + generator.T))
        tqf.controlled_unitary(device, params=torch.tensor([[0, 1], [1, 0]]) + 0j, c_wires=0, t_wires=1)


def results(layer: Any, x: torch.Tensor, parameters: list[torch.Tensor]) -> list[np.ndarray]:
    x = x.clone().requires_grad_()
    y = layer(x)
    cotangent = torch.linspace(-1, 2, y.numel()).reshape(y.shape)
    grads = torch.autograd.grad((y * cotangent).sum(), [x, *parameters], allow_unused=True)
    inputs = [x, *parameters]
    return [
        y.detach().numpy(),
        *(np.zeros(p.shape) if g is None else g.numpy() for g, p in zip(grads, inputs, strict=True)),
    ]


CASES = [
    (Encoded, "traced once"),
    (Squashed, "traced once"),
    (PauliReadOut, "traced once"),
    (Piecewise, "traced at every call"),
    (Product, "traced at every call"),
    (Hybrid, "traced at every call"),
    (Amplitudes, "traced at every call"),
    (Matrices, "traced once"),
]


@pytest.mark.filterwarnings("ignore:To copy construct")
@pytest.mark.parametrize(("kind", "mode"), CASES, ids=[c[0].__name__ for c in CASES])
@pytest.mark.parametrize("batch", [1, 20])
def test_equals_torchquantum(kind: type[Any], mode: str, batch: int) -> None:
    torch.manual_seed(0)
    module = kind()
    x = torch.randn(batch, N) + 0.1
    parameters = [p for p in module.parameters() if p.requires_grad]
    reference = results(module, x, parameters)
    layer = compile_circuit(module)
    assert isinstance(layer, TracedCircuit)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*fast form")
        got = results(layer, x, parameters)
    assert layer.mode == mode
    assert len(got) == len(reference)
    for a, b in zip(got, reference, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 * max(1.0, np.abs(b).max()))
    np.testing.assert_allclose(layer.act(x.numpy()), reference[0], atol=1e-5)


def test_later_parameters_count() -> None:
    torch.manual_seed(0)
    module = Encoded()
    layer = compile_circuit(module)
    x = torch.randn(5, N)
    layer(x)
    with torch.no_grad():
        for p in module.parameters():
            p.add_(torch.randn_like(p))
    torch.testing.assert_close(layer(x), module(x), atol=1e-5, rtol=0)


def test_replaced_parameters_count_and_missing_ones_are_noticed() -> None:
    torch.manual_seed(0)
    module = Encoded()
    layer = compile_circuit(module)
    x = torch.randn(5, N)
    layer(x)
    module.scaling = torch.nn.Parameter(torch.rand(2, N))
    torch.testing.assert_close(layer(x), module(x), atol=1e-5, rtol=0)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        with torch.no_grad():
            other.module.scaling.add_(1.0)
        torch.testing.assert_close(other(x), other.module(x), atol=1e-5, rtol=0)
    module.scaling = torch.nn.Parameter(torch.rand(3, N))
    with pytest.raises(InputError, match=r"14 angles, .* 17"):
        layer(x)


def test_gradients_are_those_of_the_call_whatever_happens_to_the_parameters() -> None:
    torch.manual_seed(0)
    module = Encoded()
    layer = compile_circuit(module)
    x = torch.randn(20, N)
    y = layer(x).sum()
    trained = [p for p in module.parameters() if p.requires_grad]
    first = torch.autograd.grad(y, trained, retain_graph=True)
    with torch.no_grad():
        module.scaling.add_(1.0)
    layer(x)  # takes the workspace over
    for a, b in zip(first, torch.autograd.grad(y, trained), strict=True):
        assert torch.equal(a, b)


def test_tracing_changes_nothing() -> None:
    torch.manual_seed(0)
    module = Encoded()
    x = torch.randn(5, N)
    before = module(x)
    wrappers = [tqf.rx.__globals__["gate_wrapper"], tq.expval, tq.QuantumDevice.__dict__.get("__getattr__")]
    parameters = [(p, p.detach().clone()) for p in module.parameters()]
    compile_circuit(module)(x).sum().backward()
    assert wrappers == [tqf.rx.__globals__["gate_wrapper"], tq.expval, tq.QuantumDevice.__dict__.get("__getattr__")]
    for p, (same, value) in zip(module.parameters(), parameters, strict=True):
        assert p is same
        assert torch.equal(p.detach(), value)
    torch.testing.assert_close(module(x), before)
    before.sum().backward()  # a graph from before is still good


def test_double_precision_of_a_module() -> None:
    torch.manual_seed(0)
    module = Encoded().double()
    single = compile_circuit(module)
    double = compile_circuit(module, precision="double")
    x = torch.randn(6, N, dtype=torch.float64)
    assert double(x).dtype == torch.float64
    torch.testing.assert_close(single(x.float()).double(), double(x), atol=1e-5, rtol=0)


class Resetting(Encoded):
    def gates(self, x: torch.Tensor, device: Any) -> None:
        super().gates(x, device)
        tqf.reset(device, wires=[1])


class Looking(Encoded):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        device = tq.QuantumDevice(n_wires=N, bsz=x.shape[0])
        self.gates(x, device)
        return device.get_states_1d().abs()


class TrainableMatrix(Encoded):
    def gates(self, x: torch.Tensor, device: Any) -> None:
        tqf.qubitunitaryfast(device, wires=[0], params=torch.matrix_exp(1j * self.scaling[0, 0] * torch.eye(2)))
        super().gates(x, device)


class Sampling(Encoded):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        device = tq.QuantumDevice(n_wires=N, bsz=x.shape[0])
        self.gates(x, device)
        return tq.expval_joint_sampling(device, "ZZI", 10)


def test_sampling_is_named_and_left_to_torchquantum() -> None:
    layer = compile_circuit(Sampling())
    with pytest.warns(
        UserWarning, match="expval_joint_sampling, which reads the amplitudes of the device, has no fast"
    ):
        assert layer(torch.randn(4, N)).shape == (4,)
    assert layer.mode == "torchquantum"


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (Resetting, "gate reset "),
        (Looking, "reading the amplitudes of the device "),
        (TrainableMatrix, "gate qubitunitaryfast "),
    ],
)
def test_what_has_no_fast_form_is_named_and_left_to_torchquantum(kind: type[Any], word: str) -> None:
    torch.manual_seed(0)
    module = kind()
    layer = compile_circuit(module)
    x = torch.randn(4, N)
    with pytest.warns(UserWarning, match=word):
        y = layer(x)
    assert layer.mode == "torchquantum"
    torch.testing.assert_close(y, module(x))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # told once
        layer(x)
    with pytest.raises(InputError, match=word):
        compile_circuit(kind(), precision="double")(x)


def test_broken_gates_fail_as_they_do_in_torchquantum() -> None:
    class Broken(Encoded):
        def gates(self, x: torch.Tensor, device: Any) -> None:
            tqf.u1(device, wires=0, params=x[:, 0])

    x = torch.randn(2, N)
    with pytest.raises(NameError):
        Broken()(x)
    with pytest.raises(NameError):
        compile_circuit(Broken())(x)


def test_copies_and_pickles() -> None:
    layer = compile_circuit(Squashed())
    x = torch.randn(4, N)
    y = layer(x)
    assert torch.equal(pickle.loads(pickle.dumps(layer))(x), y)
    assert torch.equal(copy.deepcopy(layer)(x), y)


def test_only_quantum_modules_are_compiled() -> None:
    with pytest.raises(InputError, match="Linear"):
        compile_circuit(torch.nn.Linear(2, 2))


def test_layers_with_a_memory_run_once_a_call() -> None:
    class Normalised(Encoded):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.drop = torch.nn.BatchNorm1d(N), torch.nn.Dropout()

        def squash(self, x: torch.Tensor) -> torch.Tensor:
            return self.drop(self.norm(x))

    torch.manual_seed(0)
    module = Normalised()
    twin = copy.deepcopy(module)
    layer = compile_circuit(module)
    x = torch.randn(8, N)
    for _ in range(2):
        torch.manual_seed(1)
        got = layer(x)
        torch.manual_seed(1)
        torch.testing.assert_close(got, twin(x), atol=1e-5, rtol=0)
    assert torch.equal(module.norm.running_mean, twin.norm.running_mean)
    assert int(module.norm.num_batches_tracked) == 4


def test_a_matrix_that_turns_out_to_be_trainable_is_left_to_torchquantum() -> None:
    torch.manual_seed(0)
    module = TrainableMatrix()
    layer = compile_circuit(module)
    layer.mode = "traced at every call"
    x = torch.randn(4, N)
    with torch.no_grad():
        y = layer(x)
    with pytest.warns(UserWarning, match="qubitunitaryfast"):
        torch.testing.assert_close(layer(x), y, atol=1e-5, rtol=0)


def test_second_derivatives_are_refused() -> None:
    layer = compile_circuit(Encoded())
    x = torch.randn(4, N, requires_grad=True)
    with pytest.raises(InputError, match="no second derivatives"):
        torch.autograd.grad(layer(x).sum(), x, create_graph=True)
