"""Circuits: what they compute, how many parameters they have, what they refuse."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from quantum_reference import evaluate

from entangrid.agents.quantum import Circuit
from entangrid.agents.quantum.readout import observables
from entangrid.agents.quantum.torchquantum import tq
from entangrid.data.errors import InputError

CIRCUITS = [
    Circuit(3, 2),
    Circuit(1, 2),
    Circuit(2, 3, entangler="cz-ring", squash="tanh"),
    Circuit(3, 3, 7, entangler="cnot-ring", squash="arctan", rotations=("rx", "ry", "rz")),
    Circuit(4, 2, 6, entangler="cz-all", readout=("ZZII", "XYIZ", "IIYY")),
    Circuit(4, 2, entangler="none", readout="zz", trainable_scaling=False),
    Circuit(3, 2, entangler="cnot-chain", encode_first=False, final_block=True, rotations=("rx", "ry", "rz")),
    Circuit(3, 2, rotations=("rz", "ry"), encoding="ry", readout="z-all"),
]


class _WithStrings:
    """A circuit and the plain list of its observables, for the reference."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit, self.strings = circuit, observables(circuit.readout, circuit.n_qubits)

    def __getattr__(self, name: str) -> object:
        return getattr(self.circuit, name)


@pytest.mark.parametrize("circuit", CIRCUITS, ids=range(len(CIRCUITS)))
def test_values_and_gradients_equal_dense_double_precision(circuit: Circuit) -> None:
    torch.manual_seed(1)
    module = circuit.build()
    with torch.no_grad():
        module.input_scaling.uniform_(0.5, 1.5)
    x = torch.randn(4, circuit.inputs, requires_grad=True)
    want, dx, dscale, dweight = evaluate(
        _WithStrings(circuit),
        x.detach().numpy().astype(float),
        module.input_scaling.detach().numpy().astype(float),
        module.angles.detach().numpy().astype(float),
    )
    got = module(x)
    np.testing.assert_allclose(got.detach().numpy(), want, atol=1e-5)
    cotangent = torch.randn(got.shape)
    grads = torch.autograd.grad((got * cotangent).sum(), [x, module.input_scaling, module.angles], allow_unused=True)
    w = cotangent.numpy()[..., None]
    for grad, expected in zip(
        grads, [(w * dx).sum(1), (w * dscale).sum((0, 1)), (w * dweight).sum((0, 1))], strict=True
    ):
        if expected.size:
            np.testing.assert_allclose(grad.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("circuit", CIRCUITS, ids=range(len(CIRCUITS)))
def test_few_large_gates_equal_gate_by_gate(circuit: Circuit) -> None:
    torch.manual_seed(2)
    module = circuit.build()
    assert module.blocks is not None
    x = torch.randn(5, circuit.inputs)
    device = tq.QuantumDevice(n_wires=circuit.n_qubits, bsz=5)
    module.apply_gates(x, device)
    torch.testing.assert_close(module(x), module.read(device.get_states_1d()), atol=2e-6, rtol=0)


def test_weighted_sums_are_the_sums_of_their_strings() -> None:
    torch.manual_seed(3)
    parts = Circuit(3, 2, readout=("ZZI", "XIY")).build()
    total = Circuit(3, 2, readout=(((0.5, "ZZI"), (-2.0, "XIY")),)).build()
    total.load_state_dict(parts.state_dict())
    x = torch.randn(6, 3)
    torch.testing.assert_close(total(x)[:, 0], parts(x) @ torch.tensor([0.5, -2.0]))


def test_outputs_scale_shift_or_mix_the_readout() -> None:
    torch.manual_seed(4)
    plain = Circuit(3, 2).build()
    x = torch.randn(5, 3)
    for kind in ("scale", "bias", "linear", "affine"):
        module = Circuit(3, 2, output=kind, n_outputs=2 if kind in ("linear", "affine") else None).build()
        assert sum(p.numel() for p in module.parameters()) == module.circuit.n_parameters
        state = plain.state_dict() | {
            name: torch.randn_like(p) for name, p in module.named_parameters() if name.startswith("output")
        }
        module.load_state_dict(state)
        z, w, bias = plain(x), module.output_scaling, module.output_bias
        scaled = z if w is None else z * w if kind == "scale" else z @ w
        torch.testing.assert_close(module(x), scaled if bias is None else scaled + bias)


def test_later_layers_read_the_inputs_beyond_the_qubits() -> None:
    circuit = Circuit(2, 3, 5)
    assert [a.input for g in circuit.gates for a in g.angles if a.input >= 0] == [0, 1, 2, 3, 4]
    torch.manual_seed(0)
    module = circuit.build()
    x = torch.randn(1, 5, requires_grad=True)
    (grad,) = torch.autograd.grad(module(x).sum(), x)
    assert (grad != 0).all()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"n_qubits": 0}, "n_qubits"),
        ({"n_qubits": 2.0}, "n_qubits"),
        ({"n_qubits": 2, "n_layers": 0}, "n_layers"),
        ({"n_qubits": 2, "n_layers": 2, "n_inputs": 5}, "never encodes"),
        ({"n_qubits": 2, "ansatz": "magic"}, "ansatz"),
        ({"n_qubits": 2, "entangler": "cx"}, "entangler"),
        ({"n_qubits": 2, "readout": ("ZZZ",)}, "ZZZ"),
        ({"n_qubits": 2, "readout": "q"}, "readout"),
        ({"n_qubits": 1, "readout": "zz"}, "readout"),
        ({"n_qubits": 2, "squash": "relu"}, "squash"),
        ({"n_qubits": 2, "rotations": ("u3",)}, "rotations"),
        ({"n_qubits": 2, "n_outputs": 3}, "output"),
        ({"n_qubits": 2, "initialisation": "normal"}, "initialisation"),
        ({"n_qubits": 2, "init_std": -1.0}, "init_std"),
        ({"n_qubits": 2, "squash": "min-max"}, "input_low"),
        ({"n_qubits": 2, "input_low": (0, 0)}, "input_low"),
        ({"n_qubits": 2, "squash": "min-max", "input_low": (0, 0), "input_high": (1,)}, "input_high"),
        ({"n_qubits": 2, "squash": "min-max", "input_low": (0, 1), "input_high": (1, 1)}, "below"),
        ({"n_qubits": 2, "n_inputs": 5, "encoding": "amplitude"}, "amplitudes"),
        ({"n_qubits": 2, "ansatz": "pooling", "encoding": "amplitude"}, "amplitude"),
        ({"n_qubits": 3, "ansatz": "pooling"}, "even"),
        ({"n_qubits": 1, "ansatz": "controlled-rotation-ring"}, "n_qubits"),
        ({"n_qubits": 2, "ansatz": "pooling", "initialisation": "identity-block"}, "reuploading"),
    ],
)
def test_bad_fields_are_named(options: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word):
        Circuit(**options)  # type: ignore[arg-type]  # wrong on purpose


def test_unknown_fields_and_wrong_shapes_are_named() -> None:
    with pytest.raises(InputError, match="qbits"):
        Circuit.from_dict({"qbits": 3})
    with pytest.raises(InputError, match=r"\(2, 4\).*\(batch, 3\)"):
        Circuit(3).build()(torch.zeros(2, 4))


def test_plain_data_round_trip() -> None:
    circuit = Circuit(4, 2, readout=("ZIII", ((0.5, "ZZII"), (1.0, "XIII"))))
    data = circuit.to_dict()
    assert Circuit.from_dict(data) == circuit
    data["readout"] = ["ZIII", [[0.5, "ZZII"], [1.0, "XIII"]]]
    data["rotations"] = ["ry", "rz"]
    assert Circuit.from_dict(data) == circuit


def test_modules_copy_and_pickle_after_use_and_repeat_bit_for_bit() -> None:
    torch.manual_seed(5)
    module = Circuit(3, 2).build()
    x = torch.randn(4, 3)
    module(x).sum().backward()
    y = module(x)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(other(x), y)
    assert set(module.state_dict()) == {"input_scaling", "angles"}
    torch.manual_seed(5)
    assert torch.equal(Circuit(3, 2).build()(x), y)
