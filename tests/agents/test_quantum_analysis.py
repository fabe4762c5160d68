"""Expressibility, entanglement, gradients and spectra against results that are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from quantum_cases import FAMILIES

from entangrid.agents.quantum import Circuit
from entangrid.agents.quantum.analysis import (
    barren_plateau,
    encoding_frequencies,
    entangling_capability,
    expressibility,
    fourier_spectrum,
    gradient_variance,
    haar_probabilities,
    meyer_wallach,
)
from entangrid.agents.quantum.analysis_states import draw_weights, read, states
from entangrid.data.errors import InputError


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - {"qevcs2025", "meyer2025"}))
def test_states_are_those_of_the_circuits_module(name: str) -> None:
    circuit = FAMILIES[name]
    torch.manual_seed(0)
    module = circuit.build()
    x = torch.rand(3, circuit.inputs)
    with torch.no_grad():
        module.angles.uniform_(-3, 3)
        module.input_scaling.uniform_(0.5, 1.5)
        features = module.features(x)
        weights = module.angles.double().expand(3, -1)
        got = read(circuit, states(circuit, weights, features, module.input_scaling.double()))
        want = module(x)
        finished = module.finish(got.float())
    torch.testing.assert_close(finished, want, atol=2e-5, rtol=0)


def test_weights_differ_between_samples_and_follow_the_initialisation() -> None:
    circuit = Circuit(2, 1, entangler="cnot-chain")
    weights = draw_weights(circuit, 4, 0)
    together = states(circuit, weights, torch.arange(8).reshape(4, 2))
    for s in range(4):
        alone = states(circuit, weights[s : s + 1], torch.arange(8).reshape(4, 2)[s])
        torch.testing.assert_close(together[s], alone[0], atol=1e-14, rtol=0)
    assert weights.abs().max() <= np.pi
    assert torch.equal(draw_weights(circuit, 4, 0), weights)
    assert not torch.equal(draw_weights(circuit, 4, 1), weights)
    assert not draw_weights(replace(circuit, initialisation="zeros"), 3, 0).any()
    gaussian = draw_weights(replace(circuit, initialisation="gaussian", init_std=0.2), 5_000, 0)
    assert float(gaussian.std()) == pytest.approx(0.2, rel=0.03)
    block = FAMILIES["identity-block"]
    drawn = draw_weights(block, 2, 0)
    assert all(torch.equal(drawn[:, a], drawn[:, b]) for a, b in block.program.twins)


@pytest.mark.parametrize(("n_qubits", "n_bins"), [(1, 75), (1, 10), (3, 40)])
def test_an_idle_circuit_has_the_largest_divergence(n_qubits: int, n_bins: int) -> None:
    idle = Circuit(n_qubits, 1, rotations=(), entangler="none")
    found = expressibility(idle, 50, n_bins)
    assert found.kl == pytest.approx((2**n_qubits - 1) * np.log(n_bins), rel=1e-9)


def test_one_qubit_circuits_have_the_published_expressibility() -> None:
    """Circuits A (RZ behind a Hadamard) and B (RZ, RX) of Sim et al. 2019: 0.2 and 0.02."""
    plus = [np.pi / 2]
    a = Circuit(1, 1, encoding="ry", rotations=("rz",), trainable_scaling=False)
    b = replace(a, rotations=("rz", "rx"))
    found = expressibility(a, 20_000, features=plus)
    # fidelity cos^2(u) of uniform u: the arcsine law, bin by bin
    edges = 2 / np.pi * np.arcsin(np.sqrt(np.linspace(0, 1, 76)))
    p = np.diff(edges)
    exact = float((p * np.log(p * 75)).sum())
    assert found.kl == pytest.approx(exact + found.floor, abs=0.02)  # four standard deviations
    assert 0.005 < expressibility(b, features=plus).kl < 0.03
    euler = expressibility(replace(a, rotations=("rz", "ry", "rz")), features=plus)
    assert euler.kl < found.kl / 10


def test_deep_circuits_come_near_to_haar() -> None:
    shallow, deep = Circuit(4, 1), Circuit(4, 8, ansatz="strongly-entangling")
    reach = expressibility(deep, 3_000)
    assert reach.kl < 2.5 * reach.floor
    assert expressibility(shallow, 3_000).kl > 20 * reach.kl
    q = entangling_capability(deep, 500)
    assert q.haar == 14 / 17
    assert q.mean == pytest.approx(q.haar, abs=4 * q.standard_error)
    assert entangling_capability(shallow, 500).mean < q.mean - 0.2


@pytest.mark.parametrize("n_qubits", [3, 4])
def test_rings_of_cz_on_an_even_number_of_qubits_never_reach_every_state(n_qubits: int) -> None:
    """They and all rotations conserve psi^T (Y...Y) psi, which is 0 in |0...0>: no n-tangle (Wong and Christensen 2001,
    doi:10.1103/PhysRevA.63.044301) however deep the circuit, and less entanglement than Haar-random states have."""
    circuit = Circuit(n_qubits, 30)
    psi = states(circuit, draw_weights(circuit, 300, 0))
    flipped = psi.flip(1) * torch.tensor([(-1.0) ** bin(j).count("1") for j in range(1 << n_qubits)])
    tangle = (psi * flipped).sum(1).abs().square()
    assert float(tangle.max()) < 1e-20  # with an odd number of qubits for any state, by antisymmetry
    q = entangling_capability(circuit, 600)
    assert (q.haar - q.mean > 4 * q.standard_error) == (n_qubits == 4)


def test_haar_probabilities_are_those_of_random_states() -> None:
    log_p = haar_probabilities(2, 10)
    assert np.exp(log_p).sum() == pytest.approx(1.0)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(20_000, 4)) + 1j * rng.normal(size=(20_000, 4))
    fidelity = np.abs(vectors[:, 0]) ** 2 / (np.abs(vectors) ** 2).sum(1)
    counts = np.histogram(fidelity, 10, (0, 1))[0] / 20_000
    np.testing.assert_allclose(counts, np.exp(log_p), atol=4 * 0.5 / np.sqrt(20_000))
    assert haar_probabilities(10, 75)[-1] == pytest.approx(-1023 * np.log(75))


def test_meyer_wallach_of_known_states() -> None:
    def state(amplitudes: list[complex]) -> torch.Tensor:
        psi = torch.tensor([amplitudes], dtype=torch.complex128)
        return psi / torch.linalg.vector_norm(psi)

    ghz = [1, *[0] * 6, 1j]
    w = [0, 1, 1, 0, 1, 0, 0, 0]
    assert float(meyer_wallach(state(ghz))) == pytest.approx(1.0)
    assert float(meyer_wallach(state(w))) == pytest.approx(8 / 9)
    rng = np.random.default_rng(0)
    factors = [rng.normal(size=2) + 1j * rng.normal(size=2) for _ in range(4)]
    product = np.kron(np.kron(factors[0], factors[1]), np.kron(factors[2], factors[3]))
    assert float(meyer_wallach(state(product.tolist()))) == pytest.approx(0.0, abs=1e-12)
    bell_beside_nothing = np.kron([1, 0, 0, 1], [1, 0])
    assert float(meyer_wallach(state(bell_beside_nothing.tolist()))) == pytest.approx(2 / 3)
    # one angle on a pair: purity cos^4 + sin^4
    t = 0.3
    assert float(meyer_wallach(state([np.cos(t), 0, 0, np.sin(t)]))) == pytest.approx(np.sin(2 * t) ** 2)


def test_entangling_capability_of_products_and_of_a_known_mean() -> None:
    assert entangling_capability(Circuit(3, 2, entangler="none"), 50).mean == pytest.approx(0.0, abs=1e-12)
    # RY(a) RY(b) and a CNOT entangle by sin^2(a) cos^2(b), one quarter in the mean
    pair = Circuit(2, 1, rotations=("ry",), entangler="cnot-chain")
    found = entangling_capability(pair, 4_000)
    assert found.mean == pytest.approx(0.25, abs=5 * found.standard_error)


def test_gradient_variance_of_one_rotation_is_exact() -> None:
    # cos(w) has the derivative -sin(w), whose variance is 1/2 over the circle
    circuit = Circuit(1, 1, rotations=("ry",), encoding="rz")
    found = gradient_variance(circuit, 20_000)
    assert found.per_weight.shape == (1,)
    assert found.mean == pytest.approx(0.5, abs=0.02)
    assert found.mean == pytest.approx(found.per_weight.mean())
    # cos(w1) cos(w2) ... of a product read-out: 2^-n, the plainest barren plateau
    rows = barren_plateau(Circuit(2, 1, rotations=("ry",), encoding="rz", entangler="none", readout="z-all"),
                          (1, 2, 4), 4_000)  # fmt: skip
    for row in rows:
        assert row.mean == pytest.approx(0.5**row.n_qubits, abs=6 * row.standard_error + 1e-3)
    gaussian = gradient_variance(circuit, 2_000, initialisation="zeros")
    assert gaussian.mean == pytest.approx(0.0, abs=1e-20)


def test_gradients_vanish_with_the_qubits_for_deep_circuits_and_global_readouts() -> None:
    rows = barren_plateau(Circuit(4, 6, readout="z-all"), (2, 4, 6), 60)
    assert [row.n_qubits for row in rows] == [2, 4, 6]
    assert rows[0].mean > 2 * rows[1].mean > 4 * rows[2].mean


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_reuploading_reaches_whole_frequencies_up_to_the_layers(layers: int) -> None:
    circuit = Circuit(1, layers, rotations=("rz", "ry", "rz"), encode_first=False, final_block=True)
    found = fourier_spectrum(circuit)
    np.testing.assert_allclose(found.frequencies, np.arange(-layers, layers + 1))
    assert found.reached.all()
    assert found.outside < 1e-12


def test_a_spectrum_depends_on_the_readout_and_the_scaling() -> None:
    # without entanglement the second qubit never sees the first one's input
    apart = fourier_spectrum(Circuit(2, 3, entangler="none"))
    assert apart.reached[0].all()
    assert apart.reached[1].tolist() == [False] * 3 + [True] + [False] * 3
    # the encoding about z just before reading z is not seen: one frequency less
    last = Circuit(1, 3, encode_first=False, encoding="rz", rotations=("ry", "rx"))
    assert fourier_spectrum(last).reached.tolist() == [[False, True, True, True, True, True, False]]
    assert encoding_frequencies(Circuit(1, 2, init_scaling=0.5))[0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert fourier_spectrum(Circuit(1, 2, init_scaling=0.5, rotations=("rz", "ry"))).reached.all()
    powers = encoding_frequencies(Circuit(1, 3), scaling=[1.0, 3.0, 9.0])[0]
    np.testing.assert_allclose(powers, np.arange(-13, 14))
    # parallel encoding: one repetition a qubit adds as much as a layer (Schuld et al. 2021)
    assert len(encoding_frequencies(Circuit(3, 1, 1, ansatz="reuploading"))[0]) == 3


def test_controlled_rotations_add_half_frequencies() -> None:
    circuit = Circuit(2, 1, ansatz="controlled-rotation-ring")
    found = fourier_spectrum(circuit, 0)
    np.testing.assert_allclose(found.frequencies, np.arange(-6, 7) / 2)
    assert found.outside < 1e-12
    assert found.reached[0, ::2].any()
    assert found.reached[0, 1::2].any()


def test_the_series_reproduces_the_circuit_at_other_points() -> None:
    circuit = Circuit(2, 3, 2)
    frequencies = encoding_frequencies(circuit)[0]
    weights = draw_weights(circuit, 1, 4)
    x = np.random.default_rng(0).uniform(-5, 5, 40)
    features = np.column_stack([x, np.full(40, 0.7)])
    values = read(circuit, states(circuit, weights.expand(40, -1), features)).numpy()
    design = np.exp(1j * np.outer(x, frequencies))
    fitted = design[:20] @ np.linalg.lstsq(design[:20], values[:20], rcond=None)[0]
    np.testing.assert_allclose(fitted, values[:20], atol=1e-8)
    coefficients = np.linalg.lstsq(design[:20], values[:20], rcond=None)[0]
    np.testing.assert_allclose(design[20:] @ coefficients, values[20:], atol=1e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fourier_spectrum(Circuit(2, 1, encoding="amplitude")), "amplitude"),
        (lambda: fourier_spectrum(Circuit(2, 1), 2), "feature=2"),
        (lambda: encoding_frequencies(Circuit(1, 2), 0), r"scaling has shape \(\); expected \(2,\)"),
        (lambda: encoding_frequencies(Circuit(1, 14), np.sqrt(np.arange(2.0, 16.0))), "common measure"),
        (lambda: gradient_variance(Circuit(1, 1, rotations=())), "no trainable"),
        (lambda: gradient_variance(Circuit(1, 1), output=1), "output=1"),
        (lambda: gradient_variance(Circuit(1, 1), n_samples=1), "n_samples=1"),
        (lambda: gradient_variance(Circuit(1, 1), initialisation="ones"), "'ones'"),
        (lambda: expressibility(Circuit(1, 1), n_samples=1), "n_samples=1"),
        (lambda: expressibility(Circuit(1, 1), features=[1.0, 2.0]), r"\(1, 2\)"),
        (lambda: barren_plateau(Circuit(2, 1, readout=("ZI",))), "fixed size"),
    ],
)
def test_bad_calls_are_named(call: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()
