"""Qumode gates against matrix exponentials in a larger space, and states against exact Gaussian moments."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from cv_reference import Gaussian, ladder
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from entangrid.agents.quantum.cv_gates import FockGates
from entangrid.agents.quantum.cv_state import FockState
from entangrid.data.errors import InputError

REAL = st.floats(-1.2, 1.2)
ANGLE = st.floats(-np.pi, np.pi)


def t(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


@settings(max_examples=25)
@given(st.sampled_from([2, 3, 7, 12]), st.floats(-3, 3), ANGLE)
def test_one_mode_gates_are_blocks_of_a_larger_space(cutoff: int, r: float, phi: float) -> None:
    a, gates = ladder(110), FockGates(cutoff)
    up, n = a.T, np.diag(np.arange(cutoff))
    block = np.s_[:cutoff, :cutoff]
    alpha = r * np.exp(1j * phi)
    want = expm(alpha * up - alpha.conjugate() * a)[block]
    np.testing.assert_allclose(gates.displacement(t(r), t(phi)).numpy(), want, atol=1e-10)
    np.testing.assert_allclose(gates.coherent(t(r)).numpy(), expm(r * (up - a))[:cutoff, 0], atol=1e-10)
    z = 0.3 * alpha
    want = expm(0.5 * (z.conjugate() * a @ a - z * up @ up))[block]
    np.testing.assert_allclose(gates.squeezing(t(0.3 * r), t(phi)).numpy(), want, atol=1e-10)
    np.testing.assert_allclose(np.diag(gates.phases(t(r)).numpy()), expm(1j * r * n), atol=1e-12)
    np.testing.assert_allclose(np.diag(gates.kerr_phases(t(r)).numpy()), expm(1j * r * n @ n), atol=1e-11)


@settings(max_examples=20)
@given(st.integers(2, 5), st.floats(-7, 7), ANGLE)
def test_beam_splitter_is_a_block_of_a_larger_space(cutoff: int, theta: float, phi: float) -> None:
    levels = 2 * cutoff  # it conserves photons, of which the block has fewer than this
    a, one = ladder(levels), np.eye(levels)
    a1, a2 = np.kron(a, one), np.kron(one, a)
    want = expm(theta * (np.exp(1j * phi) * a1 @ a2.T - np.exp(-1j * phi) * a1.T @ a2)).reshape([levels] * 4)
    got = FockGates(cutoff, 2).beam_splitter(t(theta), t(phi)).numpy().reshape([cutoff] * 4)
    np.testing.assert_allclose(got, want[:cutoff, :cutoff, :cutoff, :cutoff], atol=1e-10)


@pytest.mark.parametrize("cutoff", [3, 10, 25])
def test_a_displaced_block_leaves_itself(cutoff: int) -> None:
    gates = FockGates(cutoff)
    far = gates.displacement(torch.tensor([0.999 * gates.furthest, 1.001 * gates.furthest, -1e6])).numpy()
    assert 0.0 < np.abs(far[0]).max() < 1e-7
    assert (far[1:] == 0.0).all()


def test_gradients_are_those_of_finite_differences() -> None:
    gates = FockGates(4, 2)
    values = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.4, -0.7)]
    for make in (gates.displacement, gates.squeezing, gates.beam_splitter):
        assert torch.autograd.gradcheck(lambda r, phi, make=make: torch.view_as_real(make(r, phi)), values)
    zero = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    for make in (gates.displacement, gates.squeezing, gates.beam_splitter, gates.coherent):
        (slope,) = torch.autograd.grad(make(zero).sum(), zero)
        assert torch.isfinite(slope).all()


@st.composite
def gaussian_gates(draw: st.DrawFn) -> tuple[int, list[tuple]]:
    modes = draw(st.integers(1, 3))
    gates = []
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["displace", "squeeze", "rotate", "beam_split"]))
        if kind == "beam_split" and modes > 1:
            pair = draw(st.permutations(range(modes)))[:2]
            gates.append((kind, *pair, draw(ANGLE), draw(ANGLE)))
        elif kind == "rotate":
            gates.append((kind, draw(st.integers(0, modes - 1)), draw(ANGLE)))
        elif kind != "beam_split":
            small = draw(st.floats(-0.35, 0.35)) * (0.5 if kind == "squeeze" else 1.0)
            gates.append((kind, draw(st.integers(0, modes - 1)), small, draw(ANGLE)))
    return modes, gates


@settings(max_examples=60)
@given(gaussian_gates())
def test_gaussian_states_have_exact_moments(case: tuple[int, list[tuple]]) -> None:
    modes, gates = case
    state, exact = FockState(modes, cutoff=20), Gaussian(modes)
    for kind, *arguments in gates:
        getattr(state, kind)(*arguments)
        getattr(exact, kind)(*arguments)
    lost = 1.0 - float(state.norm())
    assert lost > -1e-12
    assume(lost < 1e-8)
    np.testing.assert_allclose(state.mean_x().numpy()[0], exact.mean_x(), atol=1e-5)
    np.testing.assert_allclose(state.mean_n().numpy()[0], exact.mean_n(), atol=1e-5)


def test_known_states() -> None:
    state = FockState(1, 30, batch=2)
    state.displace(0, torch.tensor([0.5, 1.5]))
    np.testing.assert_allclose(state.mean_x().numpy()[:, 0], [1.0, 3.0], atol=1e-10)
    np.testing.assert_allclose(state.mean_n().numpy()[:, 0], [0.25, 2.25], atol=1e-10)
    state = FockState(1, 40)
    state.squeeze(0, 0.5)
    np.testing.assert_allclose(state.mean_n().numpy(), np.sinh(0.5) ** 2, atol=1e-10)
    # two photons meet at a balanced beam splitter and leave together (doi:10.1103/PhysRevLett.59.2044)
    state = FockState(2, 3)
    state.amplitudes = torch.zeros_like(state.amplitudes)
    state.amplitudes[1, 1] = 1.0
    state.beam_split(0, 1, np.pi / 4, 0.3)
    np.testing.assert_allclose(
        state.amplitudes.abs().square()[..., 0].numpy(), np.diag([1, 0, 1])[::-1] / 2, atol=1e-12
    )


def test_the_order_of_beam_splitter_modes_matters_and_far_pairs_work() -> None:
    rng = np.random.default_rng(0)
    amplitudes = torch.tensor(rng.normal(size=(4, 4, 4, 1)) + 1j * rng.normal(size=(4, 4, 4, 1)))
    a, one = ladder(8), np.eye(8)
    generator = np.kron(a, one) @ np.kron(one, a).T
    unitary = expm(0.6 * (np.exp(0.4j) * generator - np.exp(-0.4j) * generator.T)).reshape([8] * 4)[:4, :4, :4, :4]
    for first, second, letters in ((0, 2, "xyz"), (2, 0, "zyx"), (1, 0, "yxz")):
        state = FockState(3, 4)
        state.amplitudes = amplitudes
        state.beam_split(first, second, 0.6, 0.4)
        i, j = letters[0], letters[2] if letters != "yxz" else "x"
        spec = f"pq{i}{j},xyzb->{'xyzb'.replace(i, 'p').replace(j, 'q')}"
        np.testing.assert_allclose(state.amplitudes.numpy(), np.einsum(spec, unitary, amplitudes.numpy()), atol=1e-12)


def test_parameters_may_differ_between_samples() -> None:
    r = torch.tensor([0.1, -0.6, 0.3], dtype=torch.float64)
    together = FockState(2, 8, batch=3)
    together.displace(0, r)
    together.squeeze(1, 0.5 * r, r)
    together.beam_split(0, 1, 0.4)
    together.rotate(0, r)
    together.kerr(1, r)
    for b in range(3):
        alone = FockState(2, 8)
        alone.displace(0, r[b])
        alone.squeeze(1, 0.5 * r[b], r[b])
        alone.beam_split(0, 1, 0.4)
        alone.rotate(0, r[b])
        alone.kerr(1, r[b])
        torch.testing.assert_close(together.amplitudes[..., b], alone.amplitudes[..., 0], atol=1e-14, rtol=0)


@settings(max_examples=30)
@given(st.floats(-6, 6), st.floats(-2, 2), ANGLE)
def test_truncation_only_loses_norm(r: float, z: float, phi: float) -> None:
    state = FockState(1, 6)
    norms = [float(state.norm())]
    for step in range(4):
        state.displace(0, r, phi) if step % 2 else state.squeeze(0, z, phi)
        norms.append(float(state.norm()))
    assert all(after <= before + 1e-12 for before, after in pairwise(norms))
    # what the first gate leaves is what the exact squeezed vacuum has below the cutoff
    levels = ladder(120)
    exact = expm(0.5 * z * (np.exp(-1j * phi) * levels @ levels - np.exp(1j * phi) * levels.T @ levels.T))[:, 0]
    assert norms[1] == pytest.approx(float((np.abs(exact[:6]) ** 2).sum()), abs=1e-6)


def test_bad_sizes_are_named() -> None:
    with pytest.raises(InputError, match="n_modes=5"):
        FockState(5, 3)
