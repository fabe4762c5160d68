"""Channels equal to the textbooks' Kraus operators; noise models as data."""

from __future__ import annotations

import json
from typing import Any

import mixed_reference as reference
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entangrid.agents.quantum import Circuit, compile_circuit
from entangrid.agents.quantum.noise import (
    Channel,
    NoiseModel,
    amplitude_damping,
    depolarising,
    phase_damping,
    thermal_relaxation,
)
from entangrid.agents.quantum.pauli_steps import channel_matrix, pauli_matrix
from entangrid.agents.quantum.program import Gate
from entangrid.data.errors import InputError

SHARE = st.floats(0.0, 1.0)
ALL = NoiseModel(
    depolarising_1q=0.02, depolarising_2q=0.05, amplitude_damping=0.03, phase_damping=0.04, t1=50e-6, t2=70e-6,
    gate_time_1q=1e-6, gate_time_2q=3e-6, excited=0.1, readout_p01=0.03, readout_p10=0.08,
)  # fmt: skip


@st.composite
def channels(draw: Any) -> Channel:
    """Any product of the channels there are."""
    t1 = draw(st.floats(0.1, 10.0))
    parts = [
        depolarising(draw(SHARE)),
        amplitude_damping(draw(SHARE), draw(SHARE)),
        phase_damping(draw(SHARE)),
        thermal_relaxation(t1, draw(st.floats(0.05, 2.0)) * t1, draw(st.floats(0.0, 3.0)), draw(SHARE)),
    ]
    out = Channel()
    for i in draw(st.lists(st.integers(0, 3), min_size=1, max_size=4)):
        out = out.then(parts[i])
    return out


@given(channels(), st.integers(0, 99))
def test_kraus_operators_are_complete_and_make_the_channel(channel: Channel, seed: int) -> None:
    kraus = channel.kraus()
    np.testing.assert_allclose(sum(k.conj().T @ k for k in kraus), np.eye(2), atol=1e-8)
    bloch = np.random.default_rng(seed).normal(size=3)
    bloch /= max(1.0, np.linalg.norm(bloch))
    rho = sum(v * p for v, p in zip((1.0, *bloch), reference.PAULIS, strict=True)) / 2
    out = sum(k @ rho @ k.conj().T for k in kraus)
    got = [np.trace(out @ p).real for p in reference.PAULIS]
    np.testing.assert_allclose(got, channel_matrix(channel) @ [1.0, *bloch], atol=1e-8)
    assert np.linalg.eigvalsh(out).min() >= -1e-8


@given(SHARE, SHARE, st.floats(0.1, 5.0), st.floats(0.05, 2.0), st.floats(0.0, 3.0))
def test_channels_are_the_textbooks(p: float, excited: float, t1: float, ratio: float, time: float) -> None:
    t2 = ratio * t1
    pairs = [
        (depolarising(p), [reference.kraus_depolarising(p, 1)]),
        (amplitude_damping(p, excited), [reference.kraus_amplitude(p, excited)]),
        (phase_damping(p), [reference.kraus_phase(p)]),
        (thermal_relaxation(t1, t2, time, excited), reference.kraus_thermal(t1, t2, time, excited)),
    ]
    for channel, stages in pairs:
        for column, rho in enumerate(reference.PAULIS):
            for kraus in stages:
                rho = reference.apply(rho, kraus, (0,), 1)
            got = [np.trace(rho @ q).real / 2 for q in reference.PAULIS]
            np.testing.assert_allclose(channel_matrix(channel)[:, column], got, atol=1e-8, rtol=0)


@given(channels())
def test_a_unital_channel_is_random_pauli_errors(channel: Channel) -> None:
    channel = channel._replace(shift=0.0)
    chances = channel.pauli_probabilities()
    assert chances.sum() == pytest.approx(1.0)
    signs = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]])  # rows I, X, Y, Z
    np.testing.assert_allclose(np.diag(channel_matrix(channel)), signs @ chances, atol=1e-8)


def test_pauli_matrices_of_clifford_gates() -> None:
    hadamard = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    np.testing.assert_allclose(
        pauli_matrix(hadamard), [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, -1, 0], [0, 1, 0, 0]], atol=1e-15
    )
    cz = pauli_matrix(np.diag([1, 1, 1, -1]).astype(complex))
    assert cz[1 * 4 + 3, 1 * 4 + 0] == pytest.approx(1.0)  # X I becomes X Z


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"depolarising_1q": 1.1}, "depolarising_1q"), ({"amplitude_damping": -0.1}, "amplitude_damping"),
        ({"phase_damping": float("nan")}, "phase_damping"), ({"t1": 0.0}, "t1"), ({"t2": "long"}, "t2"),
        ({"t1": 1.0, "t2": 2.1}, "2 t1"), ({"t1": (1.0, 1.0), "t2": (1.0, 3.0)}, "2 t1"),
        ({"gate_time_2q": -1.0}, "gate_time_2q"), ({"readout_p01": (0.1, 2.0)}, "readout_p01"),
        ({"noiseless": "rz"}, "noiseless"), ({"depolarising": 0.1}, "depolarising"), ({"excited": True}, "excited"),
    ],
)  # fmt: skip
def test_bad_models_are_named(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        NoiseModel.from_dict(fields)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"backend": "fused", "noise": ALL}, "noise does not go"), ({"backend": "density", "shots": 3}, "shots"),
        ({"backend": "shots", "shots": 0}, "shots"), ({"backend": "shots", "seed": -1}, "seed"),
        ({"backend": "trajectories", "trajectories": 2.5}, "trajectories"), ({"backend": "fused", "seed": 1}, "seed"),
        ({"backend": {"backend": "shots", "number": 3}}, "number"),
        ({"backend": "density", "noise": {"t1": [1.0, 1.0, 1.0]}}, "3 values"),
    ],
)  # fmt: skip
def test_bad_options_are_named(options: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        compile_circuit(Circuit(2), **options)


def test_models_are_plain_data() -> None:
    noise = NoiseModel(t1=[1.0, 2.0], t2=1.5, noiseless=["rz"])  # type: ignore[arg-type]
    assert NoiseModel.from_dict(json.loads(json.dumps(noise.to_dict()))) == noise
    quiet = noise.after(Gate("rz", (0,)))
    assert quiet == []
    assert noise.after(Gate("rx", (0,))) == []  # no time passes
