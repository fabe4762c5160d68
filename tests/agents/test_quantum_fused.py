"""The compiled kernels: equal to TorchQuantum and to dense double precision, for any batch, qubits and threads."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from quantum_reference import evaluate

from entangrid.agents.quantum import Circuit, compile_circuit
from entangrid.agents.quantum.fused import Engine
from entangrid.agents.quantum.readout import observables
from entangrid.data.errors import InputError

CIRCUITS = [
    Circuit(1, 2),
    Circuit(2, 3, squash="tanh"),
    Circuit(3, 3, 7, entangler="cnot-ring", squash="arctan", rotations=("rx", "ry", "rz"), encoding="rz"),
    Circuit(4, 2, 6, entangler="cz-all", readout=("ZZII", "XYIZ", "IIYY", "ZIII", "IZII", "IIIZ", "ZZZZ")),
    Circuit(4, 2, entangler="none", readout="zz", trainable_scaling=False),
    Circuit(3, 2, entangler="cnot-chain", encode_first=False, final_block=True, rotations=("rx", "ry", "rz")),
]


class WithStrings:
    def __init__(self, circuit: Circuit) -> None:
        self.circuit, self.strings = circuit, observables(circuit.readout, circuit.n_qubits)

    def __getattr__(self, name: str) -> object:
        return getattr(self.circuit, name)


def outputs_and_gradients(layer: torch.nn.Module, x: torch.Tensor, cotangent: torch.Tensor) -> list[torch.Tensor]:
    x = x.clone().requires_grad_()
    y = layer(x)
    inputs = [x, *layer.parameters()]
    grads = torch.autograd.grad((y * cotangent).sum(), inputs, allow_unused=True)
    return [y.detach(), *(torch.zeros_like(p) if g is None else g for g, p in zip(grads, inputs, strict=True))]


def close(got: Any, want: Any, tolerance: float) -> None:
    got, want = np.asarray(got, float), np.asarray(want, float)
    scale = max(1.0, float(np.abs(want).max(initial=0.0)))
    assert np.abs(got - want).max(initial=0.0) <= tolerance * scale


@pytest.mark.parametrize("circuit", CIRCUITS, ids=range(len(CIRCUITS)))
@pytest.mark.parametrize(("precision", "tolerance"), [("single", 1e-5), ("double", 1e-10)])
def test_equals_dense_double_precision(circuit: Circuit, precision: str, tolerance: float) -> None:
    torch.manual_seed(1)
    layer = compile_circuit(circuit, precision=precision)
    layer.module.double() if precision == "double" else layer
    with torch.no_grad():
        layer.module.input_scaling.uniform_(0.5, 1.5)
    x = torch.randn(5, circuit.inputs, dtype=layer.dtype)
    cotangent = torch.randn(5, circuit.outputs, dtype=layer.dtype)
    scaling, angles = (p.detach().numpy().astype(float) for p in (layer.module.input_scaling, layer.module.angles))
    values, dx, dscale, dweight = evaluate(WithStrings(circuit), x.numpy().astype(float), scaling, angles)
    got = outputs_and_gradients(layer, x, cotangent)
    w = cotangent.numpy()[..., None]
    want = [values, (w * dx).sum(1), (w * dscale).sum((0, 1)), (w * dweight).sum((0, 1))]
    for a, b in zip(got, want, strict=True):
        assert a.dtype == layer.dtype
        close(a, b, tolerance)


@settings(max_examples=25, deadline=None)
@given(
    n_qubits=st.integers(1, 7),
    n_layers=st.integers(1, 3),
    batch=st.integers(1, 70),
    entangler=st.sampled_from(["cz-ring", "cnot-ring", "cz-all", "cnot-all", "none"]),
    rotations=st.lists(st.sampled_from(["rx", "ry", "rz"]), max_size=3).map(tuple),
    readout=st.sampled_from(["z", "z-all"]),
    squash=st.sampled_from(["none", "tanh", "arctan"]),
    seed=st.integers(0, 1000),
)
def test_equals_torchquantum(seed: int, batch: int, **options: Any) -> None:
    circuit = Circuit(output="linear", readout_range="unit", **options)
    torch.manual_seed(seed)
    reference = compile_circuit(circuit, backend="torchquantum")
    fused = compile_circuit(reference.module)
    x, cotangent = torch.randn(batch, circuit.inputs), torch.randn(batch, circuit.outputs)
    for a, b in zip(
        outputs_and_gradients(fused, x, cotangent), outputs_and_gradients(reference, x, cotangent), strict=True
    ):
        close(a, b, 1e-5)


@pytest.mark.parametrize("n_qubits", [9, 12, 13])
def test_wide_circuits_equal_torchquantum(n_qubits: int) -> None:
    torch.manual_seed(0)
    reference = compile_circuit(Circuit(n_qubits, 2), backend="torchquantum")
    x, cotangent = torch.randn(3, n_qubits), torch.randn(3, n_qubits)
    fused = outputs_and_gradients(compile_circuit(reference.module), x, cotangent)
    for a, b in zip(fused, outputs_and_gradients(reference, x, cotangent), strict=True):
        close(a, b, 1e-5)


def test_any_number_of_threads_gives_the_same_bits() -> None:
    circuit = Circuit(8, 3)
    layer = compile_circuit(circuit, threads=1)
    engine = layer.engine
    assert engine is not None
    x, cotangent = torch.randn(700, 8), torch.randn(700, 8)
    one = outputs_and_gradients(layer, x, cotangent)
    acted = layer.act(x.numpy())
    for threads in (2, 3):
        engine.threads = threads
        assert len(engine._chunks(44)) == threads
        for a, b in zip(outputs_and_gradients(layer, x, cotangent), one, strict=True):
            assert torch.equal(a, b)
        np.testing.assert_array_equal(layer.act(x.numpy()), acted)


def test_acting_equals_the_training_path_bit_for_bit() -> None:
    for circuit in (Circuit(4, 3, 7), Circuit(3, output="scale")):
        layer = compile_circuit(circuit)
        x = torch.randn(21, circuit.inputs)
        np.testing.assert_array_equal(layer.act(x.numpy()), layer(x).detach().numpy())
        np.testing.assert_array_equal(layer.act(x.numpy()[:1]), layer(x).detach().numpy()[:1])


def test_a_second_backward_over_a_kept_graph_repeats_the_first() -> None:
    layer = compile_circuit(Circuit(3, 2))
    y = layer(torch.randn(20, 3)).sum()
    parameters = list(layer.parameters())
    first = torch.autograd.grad(y, parameters, retain_graph=True)
    layer(torch.randn(20, 3)).sum().backward()  # takes the workspace over
    for a, b in zip(first, torch.autograd.grad(y, parameters), strict=True):
        assert torch.equal(a, b)


def test_overlapping_graphs_do_not_share_workspace() -> None:
    layer = compile_circuit(Circuit(3, 2))
    x = torch.randn(4, 20, 3)
    alone = [torch.autograd.grad(layer(part).sum(), list(layer.parameters())) for part in x]
    together = [layer(part).sum() for part in x]
    for y, expected in zip(together, alone, strict=True):
        for a, b in zip(torch.autograd.grad(y, list(layer.parameters())), expected, strict=True):
            assert torch.equal(a, b)


def test_infinite_input_spoils_only_its_own_sample() -> None:
    layer = compile_circuit(Circuit(3, 2))
    x = torch.randn(5, 3)
    good = layer(x)
    x[2, 1] = float("nan")
    bad = layer(x)
    assert torch.isnan(bad[2]).all()
    assert torch.equal(bad[[0, 1, 3, 4]], good[[0, 1, 3, 4]])


def test_large_angles_keep_single_precision() -> None:
    torch.manual_seed(0)
    single, double = compile_circuit(Circuit(2, 1)), compile_circuit(Circuit(2, 1), precision="double")
    double.load_state_dict(single.state_dict())
    x = (torch.rand(64, 2) * 2 - 1) * 1000
    close(single(x).detach(), double(x.double()).detach(), 1e-5)


def test_batch_of_none() -> None:
    layer = compile_circuit(Circuit(3))
    x = torch.zeros(0, 3, requires_grad=True)
    y = layer(x)
    assert y.shape == (0, 3)
    y.sum().backward()
    assert not layer.module.angles.grad.any()


def test_copies_and_pickles() -> None:
    layer = compile_circuit(Circuit(3, 2))
    x = torch.randn(4, 3)
    layer(x).sum().backward()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(other(x), layer(x))
    reference = compile_circuit(Circuit(3, 2), backend="torchquantum")
    reference.load_state_dict(layer.state_dict())
    close(reference(x).detach(), layer(x).detach(), 1e-5)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"backend": "jax"}, "jax"),
        ({"precision": "half"}, "half"),
        ({"backend": "torchquantum", "precision": "double"}, "complex64"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        compile_circuit(Circuit(2), **options)
    with pytest.raises(InputError, match="batch, 2"):
        compile_circuit(Circuit(2))(torch.zeros(3))


def test_kernels_are_kept_for_the_next_process(tmp_path: Any) -> None:
    code = (
        "import numpy as np\nfrom entangrid.agents.quantum import Circuit, compile_circuit\n"
        "from entangrid.agents.quantum.kernels import adjoint\n"
        "compile_circuit(Circuit(2, 1)).act(np.zeros((1, 2), np.float32))\n"
        "print(sum(adjoint.forward.stats.cache_hits.values()), sum(adjoint.forward.stats.cache_misses.values()))\n"
    )
    run = [sys.executable, "-c", code]
    subprocess.run(run, check=True, capture_output=True)
    assert subprocess.run(run, check=True, capture_output=True, text=True).stdout.split() == ["1", "0"]


def test_workspace_is_reused() -> None:
    layer = compile_circuit(Circuit(3, 2))
    engine: Engine | None = layer.engine
    assert engine is not None
    for _ in range(3):
        layer(torch.randn(40, 3)).sum().backward()
    kept = {id(work) for work in engine._free}
    layer(torch.randn(40, 3)).sum().backward()
    assert {id(work) for work in engine._free} == kept


def test_nothing_is_kept_where_no_gradient_is_wanted() -> None:
    layer = compile_circuit(Circuit(3, 2))
    engine = layer.engine
    assert engine is not None
    x = torch.randn(100, 3)
    with torch.no_grad():
        y = layer(x)
    assert not y.requires_grad
    assert [work.size for work in engine._free] == [engine.stride]  # one block's room, used for all blocks
    assert torch.equal(y, layer(x))
