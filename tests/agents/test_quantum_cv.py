"""Continuous-variable networks: sizes, exact Gaussian results, a large-cutoff reference, truncation."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cv_reference import Dense, Gaussian, ladder

from entangrid.agents.quantum.cv import CVCircuit
from entangrid.agents.quantum.cv_module import CVModule, TruncationWarning
from entangrid.data.errors import InputError


def drawn(circuit: CVCircuit, precision: str = "double", seed: int = 0, active: float = 0.1) -> CVModule:
    """A module whose rotations, beam splitters and phases are anything, and whose other gates are small."""
    torch.manual_seed(seed)
    fields = circuit.to_dict() | {"initialisation": "uniform", "init_std": active}
    return CVCircuit.from_dict(fields).build(precision)


def run(circuit: CVCircuit, module: CVModule, x: np.ndarray, simulator: Any) -> Any:
    """The circuit's gates one by one on another simulator, for one observation; squashing and layers left out."""
    weights = module.angles.detach().numpy()
    for gate in circuit.gates():
        values = [float(weights[i]) for i in gate.weights]
        if gate.input >= 0:
            scale = 1.0 if gate.scale < 0 else float(module.input_scaling[gate.scale].detach())
            values = [scale * x[gate.input], 0.0]
        name = {
            "displacement": "displace", "squeezing": "squeeze", "rotation": "rotate", "beam-splitter": "beam_split"
        }  # fmt: skip
        getattr(simulator, name.get(gate.name, gate.name))(*gate.modes, *values)
    return simulator


@pytest.mark.parametrize(("modes", "count"), [(1, 7), (2, 18), (3, 33), (4, 52)])
def test_a_layer_has_the_published_number_of_parameters(modes: int, count: int) -> None:
    for layers in (1, 3):
        circuit = CVCircuit(modes, layers, cutoff=3)
        assert circuit.parameters == {
            "input_layer": 0, "input_scaling": modes, "angles": layers * count, "output_scaling": 0
        }  # fmt: skip
        module = circuit.build()
        assert sum(p.numel() for p in module.parameters()) == circuit.n_parameters
        used = sorted(i for gate in circuit.gates() for i in gate.weights)
        assert used == list(range(layers * count))
    assert CVCircuit(modes, cutoff=3, kerr=False).parameters["angles"] == count - modes


@pytest.mark.parametrize("modes", [1, 2, 3, 4])
def test_without_kerr_it_equals_exact_gaussian_moments(modes: int) -> None:
    circuit = CVCircuit(modes, 2, cutoff={1: 24, 2: 18, 3: 12, 4: 9}[modes], kerr=False, readout="xn", reupload=True)
    active = {1: 0.1, 2: 0.1, 3: 0.06, 4: 0.04}[modes]
    module = drawn(circuit, active=active)
    x = np.random.default_rng(modes).uniform(-1, 1, (5, modes)) * {1: 0.5, 2: 0.4, 3: 0.25, 4: 0.15}[modes]
    inputs = torch.tensor(x)
    got = module(inputs).detach().numpy()
    assert float(module.norm_loss(inputs).detach().max()) < 1e-6
    for row, values in zip(x, got, strict=True):
        exact = run(circuit, module, row, Gaussian(modes))
        np.testing.assert_allclose(values, [*exact.mean_x(), *exact.mean_n()], atol=1e-5)


@pytest.mark.parametrize(("modes", "cutoff", "levels"), [(1, 14, 60), (2, 12, 26), (3, 8, 13), (4, 7, 10)])
def test_with_kerr_it_equals_a_larger_cutoff(modes: int, cutoff: int, levels: int) -> None:
    circuit = CVCircuit(modes, 2, cutoff=cutoff, readout="xn", reupload=True)
    module = drawn(circuit, active={1: 0.15, 2: 0.1, 3: 0.05, 4: 0.04}[modes], seed=1)
    x = np.random.default_rng(0).uniform(-1, 1, (2, modes)) * {1: 0.4, 2: 0.3, 3: 0.2, 4: 0.15}[modes]
    got = module(torch.tensor(x)).detach().numpy()
    a = ladder(levels)
    for row, values in zip(x, got, strict=True):
        dense = run(circuit, module, row, Dense(modes, levels))
        want = [*dense.mean(a + a.T), *dense.mean(a.T @ a)]
        np.testing.assert_allclose(values, want, atol=1e-5)


def residual_of_affine_fit(module: CVModule, x: torch.Tensor) -> float:
    y = module(x).detach().double().numpy()
    design = np.column_stack([np.ones(len(x)), x.double().numpy()])
    return float(np.abs(y - design @ np.linalg.lstsq(design, y, rcond=None)[0]).max())


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize(("modes", "cutoff", "reach"), [(1, 24, 0.6), (2, 18, 0.4), (3, 13, 0.25), (4, 10, 0.15)])
def test_kerr_off_is_affine_in_the_observation(modes: int, cutoff: int, reach: float, precision: str) -> None:
    circuit = CVCircuit(modes, 2, cutoff=cutoff, kerr=False, reupload=True)
    x = (torch.rand(60, modes, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) * 2 - 1) * reach
    assert float(drawn(circuit, active=0.05).norm_loss(x).detach().max()) < 1e-6
    module = drawn(circuit, precision, active=0.05)
    assert float(module(x).detach().abs().max()) > 0.1  # something is to be fitted
    assert residual_of_affine_fit(module, x) < 1e-5


@pytest.mark.parametrize("modes", [1, 2])
def test_kerr_squashing_photons_and_truncation_are_what_bends_it(modes: int) -> None:
    x = (torch.rand(60, modes, dtype=torch.float64) * 2 - 1) * 0.5
    base = CVCircuit(modes, 2, cutoff=14)
    assert residual_of_affine_fit(drawn(base, active=0.2), x) > 1e-3
    for other in ({"squash": "tanh"}, {"readout": "n"}, {"cutoff": 3, "norm_tolerance": 1.0}):
        assert residual_of_affine_fit(drawn(CVCircuit(modes, 2, kerr=False, **({"cutoff": 14} | other))), x) > 1e-3


def test_single_precision_agrees_with_double() -> None:
    circuit = CVCircuit(3, 2, 5, cutoff=6, readout="xn", squash="tanh", reupload=True, output="affine", n_outputs=2)
    double = drawn(circuit, "double", active=0.2)
    single = drawn(circuit, "single")
    single.load_state_dict({k: v.float() for k, v in double.state_dict().items()})
    x = torch.randn(9, 5)
    with pytest.warns(TruncationWarning):
        a, b = single(x), double(x.double())
    assert (a.dtype, b.dtype) == (torch.float32, torch.float64)
    torch.testing.assert_close(a.double(), b, atol=1e-5, rtol=0)
    single(x).sum().backward()
    double(x.double()).sum().backward()
    for p, q in zip(single.parameters(), double.parameters(), strict=True):
        torch.testing.assert_close(p.grad.double(), q.grad, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("options", [{}, {"reupload": True, "n_inputs": 3}, {"kerr": False}, {"input_layer": True}])
def test_gradients_are_those_of_finite_differences(options: dict[str, Any]) -> None:
    circuit = CVCircuit(2, 2, cutoff=4, readout="xn", norm_tolerance=1.0, **options)
    module = drawn(circuit, active=0.3)
    names = [name for name, _ in module.named_parameters()]
    values = [p.detach().requires_grad_() for p in module.parameters()]
    x = torch.randn(2, circuit.inputs, dtype=torch.float64, requires_grad=True)
    call = torch.func.functional_call
    assert torch.autograd.gradcheck(
        lambda x, *given: call(module, dict(zip(names, given, strict=True)), (x,)), (x, *values), atol=1e-6
    )


def test_norm_drops_where_truncation_bites_and_a_warning_says_so() -> None:
    module = CVCircuit(1, 1, cutoff=5, trainable_scaling=False, initialisation="zeros").build("double")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module(torch.tensor([[0.1]]))
    assert module.largest_norm_loss < 1e-6
    with pytest.warns(TruncationWarning, match=r"cutoff=5.*raise the cutoff"):
        module(torch.tensor([[0.1], [2.0]]))
    # a coherent state of four photons: what its Poisson distribution has beyond four
    want = 1.0 - sum(np.exp(-4.0) * 4.0**n / float(np.prod(range(1, n + 1))) for n in range(5))
    assert module.largest_norm_loss == pytest.approx(want, abs=1e-9)
    loss = module.norm_loss(torch.tensor([[0.0], [2.0]], dtype=torch.float64))
    np.testing.assert_allclose(loss.detach().numpy(), [0.0, want], atol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module(torch.tensor([[2.0]]))  # it was said once
    x = torch.tensor([[1e3], [-1e3]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert torch.isfinite(module(x)).all()
    assert module.largest_norm_loss == 1.0


def test_readouts_scalings_and_squashing() -> None:
    for squash, transform in (("none", lambda v: v), ("tanh", np.tanh), ("arctan", np.arctan)):
        circuit = CVCircuit(2, cutoff=20, squash=squash, init_scaling=0.7, initialisation="zeros", readout="xn")
        x = np.array([[0.3, -0.8], [0.1, 0.5]])
        r = transform(0.7 * x)
        got = circuit.build("double")(torch.tensor(x)).detach().numpy()
        np.testing.assert_allclose(got, np.hstack([2 * r, r**2]), atol=1e-6)
    circuit = CVCircuit(
        1, cutoff=20, squash="min-max", input_low=(0.0,), input_high=(10.0,), initialisation="zeros",
        output="affine", n_outputs=2,
    )  # fmt: skip
    module = circuit.build("double")
    with torch.no_grad():
        module.output_bias.copy_(torch.tensor([1.0, 2.0]))
    got = module(torch.tensor([[0.0], [7.5], [99.0]])).detach().numpy()
    np.testing.assert_allclose(got, [[-1, 4], [2, 1], [3, 0]], atol=1e-6)


def test_inputs_beyond_the_modes_go_to_later_layers() -> None:
    circuit = CVCircuit(2, 3, 5, cutoff=4, reupload=True, norm_tolerance=1.0)
    encodings = [(g.modes, g.input, g.scale) for g in circuit.gates() if g.input >= 0]
    assert encodings == [((0,), 0, 0), ((1,), 1, 1), ((0,), 2, 2), ((1,), 3, 3), ((0,), 4, 4)]
    assert circuit.parameters["input_scaling"] == 5
    x = torch.full((1, 5), 0.3, requires_grad=True)
    (slope,) = torch.autograd.grad(drawn(circuit, "single")(x).sum(), x)
    assert (slope.abs() > 1e-4).all()


def test_it_can_be_copied_and_saved(tmp_path: Path) -> None:
    module = drawn(CVCircuit(2, 2, cutoff=5, norm_tolerance=1.0), "single")
    x = torch.randn(3, 2)
    want = module(x).detach()
    torch.save(module.state_dict(), tmp_path / "weights.pt")
    again = module.circuit.build()
    again.load_state_dict(torch.load(tmp_path / "weights.pt"))
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), again):
        assert torch.equal(other(x), want)
    assert set(module.state_dict()) == {"input_scaling", "angles"}
    half = copy.deepcopy(module).float()
    assert half.fock.get_buffer("_vectors").dtype == torch.float64
    data = json.loads(json.dumps(module.circuit.to_dict()))
    assert CVCircuit.from_dict(data) == module.circuit


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"n_modes": 5}, "n_modes=5"),
        ({"n_modes": 2, "cutoff": 1}, "cutoff=1 must be an integer between 2 and 50"),
        ({"n_modes": 4, "cutoff": 12}, "20736 amplitudes"),
        ({"n_modes": 2, "n_layers": True}, "n_layers=True"),
        ({"n_modes": 2, "readout": "p"}, "readout='p'"),
        ({"n_modes": 2, "n_inputs": 3}, "reupload"),
        ({"n_modes": 2, "n_inputs": 5, "n_layers": 2, "reupload": True}, "at least 3 layers"),
        ({"n_modes": 2, "n_outputs": 3}, "output='linear'"),
        ({"n_modes": 2, "init_std": float("nan")}, "init_std=nan"),
        ({"n_modes": 1, "squash": "min-max"}, "input_low"),
        ({"n_modes": 1, "squash": "min-max", "input_low": [0], "input_high": [0]}, "input_low"),
        ({"n_modes": 1, "squash": "min-max", "input_low": [0, 1], "input_high": [2]}, "2 numbers"),
        ({"n_qubits": 2}, "'n_qubits' is no field"),
    ],
)
def test_bad_fields_are_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        CVCircuit.from_dict(fields)


def test_bad_calls_are_named() -> None:
    module = CVCircuit(2, cutoff=3).build()
    with pytest.raises(InputError, match=r"\(1, 3\)"):
        module(torch.zeros(1, 3))
    with pytest.raises(InputError, match="precision='half'"):
        CVCircuit(1).build("half")
