"""Finite shots: measurement settings, sampling, and gradients by parameter shifts."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from quantum_cases import Encoded, angle_value, circuits, draw_values
from quantum_reference import GATES, pauli_string
from stable_baselines3 import PPO

from entangrid.agents.quantum import Circuit, compile_circuit
from entangrid.agents.quantum.density import Density
from entangrid.agents.quantum.noise import NoiseModel
from entangrid.agents.quantum.parameter_shift import equidistant_rule, frequencies, shift_rules, shifted
from entangrid.agents.quantum.policies import QuantumActorCriticPolicy
from entangrid.agents.quantum.program import Angle, Gate
from entangrid.agents.quantum.readout import parse_readout
from entangrid.agents.quantum.shots import Shots, measurement_bases
from entangrid.agents.quantum.steps import noisy_program
from entangrid.data.errors import InputError

NOISE = NoiseModel(0.02, 0.05, amplitude_damping=0.05, phase_damping=0.03, readout_p01=0.03, readout_p10=0.1)


def on_columns(gates: list[Gate], values: Any) -> torch.Tensor:
    x, scales, weights = values
    columns = [angle_value(a, x, scales, weights) for g in gates for a in g.angles]
    return torch.stack(columns, -1) if columns else x.new_zeros(len(x), 0)


# settings ------------------------------------------------------------------------------------------------------------
@given(st.integers(1, 4), st.data())
def test_every_string_is_read_once_in_a_setting_that_fits(n: int, data: Any) -> None:
    letters = st.lists(st.sampled_from("IXYZ"), min_size=n, max_size=n).map("".join)
    strings = data.draw(st.lists(letters, min_size=1, max_size=8, unique=True))
    bases = measurement_bases(parse_readout(strings, n), n)
    assert sorted(int(t) for basis in bases for t in basis.members) == list(range(len(strings)))
    for basis in bases:
        vectors = np.ones((1, 1))
        for letter in basis.letters:
            _, v = np.linalg.eigh(-pauli_string("ixyz"[letter]))  # eigenvalue 1 first
            vectors = np.kron(vectors, v)
        for t, eigenvalues in zip(basis.members, basis.eigenvalues.T, strict=True):
            operator = vectors.conj().T @ pauli_string(strings[t]) @ vectors
            np.testing.assert_allclose(operator, np.diag(eigenvalues), atol=1e-12)


def test_settings_are_shared() -> None:
    assert len(measurement_bases(parse_readout("z", 4), 4)) == 1
    assert len(measurement_bases(parse_readout(("ZZI", "IZX", "XXI", "IXX"), 3), 3)) == 2


# sampling ------------------------------------------------------------------------------------------------------------
@settings(max_examples=40)
@given(circuits(), st.sampled_from([NoiseModel(), NOISE]), st.integers(0, 999))
def test_estimates_are_within_four_standard_errors(circuit: Any, noise: NoiseModel, seed: int) -> None:
    n, gates, strings = circuit
    gates = [g for g in gates if len(g.wires) < 4]
    program = noisy_program(gates, parse_readout(strings, n), n, noise)
    angles = on_columns(gates, [v.detach() for v in draw_values(1, seed, torch.float64)])
    exact = Density(program)(angles, None, 1)[0]
    shots = 20_000
    got = Shots(program, shots)(angles, None, np.random.default_rng(seed))[0]
    error = ((1.0 - exact**2).clamp(min=0.0) / shots).sqrt()  # of a mean of +-1
    assert ((got - exact).abs() <= 4.0 * error + 1e-6).all()


@pytest.mark.parametrize("noise", [None, NOISE], ids=["pure", "noisy"])
def test_nine_qubits_a_trajectory_for_every_shot(noise: NoiseModel | None) -> None:
    torch.manual_seed(0)
    readout = ("Z" + "I" * 8, "I" * 8 + "X", "ZZ" + "I" * 7)
    module = Circuit(9, 1, readout=readout).build()
    x = torch.randn(1, 9)
    shots = 200 if noise else 20_000
    layer = compile_circuit(module, "shots", noise=noise, shots=shots, seed=0)
    got = torch.stack([layer(x)[0] for _ in range(4)]).detach()
    if noise is None:
        exact = compile_circuit(module)(x)[0]
    else:
        reference = compile_circuit(module, "trajectories", noise=noise, trajectories=2000, seed=9)
        exact = reference(x)[0]
    exact = exact.detach()
    error = ((1 - exact**2) * (1 / (4 * shots) + (1 / 2000 if noise else 0))).sqrt()
    assert ((got.mean(0) - exact).abs() <= 4 * error).all()


def test_variance_is_the_binomials() -> None:
    module = Circuit(2, 1).build()
    layer = compile_circuit(module, "shots", shots=50, seed=0)
    exact = compile_circuit(module)(torch.ones(1, 2)).detach()[0]
    estimates = layer(torch.ones(4000, 2)).detach()
    ratio = estimates.var(0) / ((1 - exact**2) / 50)
    assert ((ratio - 1).abs() < 0.12).all()  # 5 standard errors of a variance
    assert torch.equal((estimates * 50).round(), (estimates * 50).round(decimals=3))  # fiftieths


def test_same_seed_same_bits() -> None:
    module = Circuit(3, 2, readout=("ZZI", "XIX")).build()
    x = torch.randn(6, 3)
    results = []
    for seed in (1, 1, 2):
        layer = compile_circuit(module, "shots", shots=64, noise=NOISE, seed=seed)
        y = layer(x)
        results.append((y.detach(), *torch.autograd.grad(y.sum(), list(module.parameters())), layer(x).detach()))
    assert all(torch.equal(a, b) for a, b in zip(results[0], results[1], strict=True))
    assert not torch.equal(results[0][0], results[2][0])
    assert not torch.equal(results[0][0], results[0][-1])


# parameter shifts ----------------------------------------------------------------------------------------------------
def test_rules_are_the_known_ones() -> None:
    two = equidistant_rule(1.0, 1)
    np.testing.assert_allclose(sorted(zip(*two, strict=True)), [(-np.pi / 2, -0.5), (np.pi / 2, 0.5)])
    four = dict(zip(*(v.round(12) for v in equidistant_rule(0.5, 2)), strict=True))
    plus, minus = ((np.sqrt(2) + s) / (4 * np.sqrt(2)) for s in (1, -1))
    want = {np.pi: plus, -np.pi: -plus, 3 * np.pi: -minus, -3 * np.pi: minus}
    assert four == pytest.approx({round(k / 2, 12): v for k, v in want.items()})


@given(st.integers(1, 4), st.sampled_from([0.25, 0.5, 1.0, 2.0]), st.integers(0, 99))
def test_rules_differentiate_trigonometric_polynomials(count: int, base: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, at = rng.normal(size=count), rng.normal(size=count), rng.normal()
    k = base * np.arange(1, count + 1)
    value = lambda t: (a * np.cos(k * t) + b * np.sin(k * t)).sum()  # noqa: E731
    slope = (k * (b * np.cos(k * at) - a * np.sin(k * at))).sum()
    rule = equidistant_rule(base, count)
    assert sum(c * value(at + s) for s, c in zip(*rule, strict=True)) == pytest.approx(slope, abs=1e-9)


@pytest.mark.parametrize("name", sorted(name for name, (_, angles) in GATES.items() if angles))
@pytest.mark.parametrize("inverse", [False, True])
def test_shifts_give_the_exact_gradient_of_every_gate(name: str, inverse: bool) -> None:
    """With exact values in place of shots, and noise."""
    k, n_angles = GATES[name]
    n = max(k, 2)
    before, after = ([Gate(free, (w,), (Angle(),) * 3) for w in range(n)] for free in ("u3", "rot"))
    gates = [*before, Gate(name, tuple(range(k)), (Angle(),) * n_angles, inverse), *after]
    strings = ("Z" * n, "X" + "I" * (n - 1), "I" * (n - 1) + "Y")
    program = noisy_program(gates, parse_readout(strings, n), n, NOISE)
    density = Density(program)
    angles = torch.randn(3, program.n_angles, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    angles.requires_grad_()
    cotangent = torch.linspace(-1, 2, 9, dtype=torch.float64).reshape(3, 3)
    (want,) = torch.autograd.grad((density(angles, None, 3) * cotangent).sum(), angles)
    estimate = lambda a, given: density(a, given, len(a))  # noqa: E731
    out = shifted(angles, None, estimate, shift_rules(program), [True] * program.n_angles)
    (got,) = torch.autograd.grad((out * cotangent).sum(), angles)
    torch.testing.assert_close(got, want, atol=1e-10, rtol=0)


def test_frequencies_of_gates() -> None:
    gates = [Gate("rx", (0,), (Angle(),)), Gate("crz", (0, 1), (Angle(),)), Gate("rzz", (0, 1), (Angle(),))]
    program = noisy_program(gates, parse_readout("z", 2), 2, NoiseModel())
    half, one = Fraction(1, 2), Fraction(1)
    assert [frequencies(program, k) for k in range(3)] == [[one], [half, one], [one]]
    assert [len(rule.shifts) for rule in shift_rules(program)] == [2, 4, 2]


@pytest.mark.parametrize("noise", [None, NOISE], ids=["pure", "noisy"])
def test_gradients_are_within_four_standard_errors(noise: NoiseModel | None) -> None:
    torch.manual_seed(0)
    circuit = Circuit(2, 2, 3, squash="tanh", entangler="cnot-ring", readout=("ZI", "XX"), output="affine", n_outputs=2)
    module = circuit.build().double()
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    sources = [x, *module.parameters()]
    cotangent = torch.randn(2, 2, dtype=torch.float64)
    exact_layer = compile_circuit(module, "density", precision="double", noise=noise)
    exact = torch.autograd.grad((exact_layer(x) * cotangent).sum(), sources)
    layer = compile_circuit(module, "shots", precision="double", noise=noise, shots=1000, seed=7)
    samples = [torch.autograd.grad((layer(x) * cotangent).sum(), sources) for _ in range(50)]
    for i, want in enumerate(exact):
        of = torch.stack([s[i] for s in samples])
        assert ((of.mean(0) - want).abs() <= 4 * of.std(0) / 50**0.5 + 1e-9).all()


def test_executions_are_counted() -> None:
    circuit = Circuit(3, 2, readout=("ZII", "IZI", "XII"))
    layer = compile_circuit(circuit, "shots", shots=10, seed=0)
    x = torch.randn(5, 3)
    with torch.no_grad():
        layer(x)
    assert (layer.executions, layer.measurements) == (5 * 2, 5 * 2 * 10)  # two settings
    y = layer(x)
    assert layer.executions == 2 * 5 * 2
    y.sum().backward()
    rotations = sum(len(gate.angles) for gate in circuit.gates)
    assert rotations == 18
    assert layer.executions == 2 * 5 * 2 + 5 * 2 * 2 * rotations
    layer.reseed(0)
    layer.module.angles.requires_grad_(False)
    layer(x).sum().backward()  # only the six scaled inputs are left
    assert layer.executions == 5 * 2 + 5 * 2 * 2 * 6
    ring = compile_circuit(Circuit(2, 1, ansatz="controlled-rotation-ring"), "shots", shots=10)
    ring(x[:, :2]).sum().backward()
    assert ring.executions == 5 + 5 * 4 * 6  # four shifts for a controlled rotation
    assert ring.measurements == 10 * ring.executions


def test_no_rule_for_amplitudes() -> None:
    layer = compile_circuit(Circuit(2, 1, 4, encoding="amplitude"), "shots", seed=0)
    x = torch.randn(2, 4)
    layer(x).sum().backward()  # the angles have one
    y = layer(x.requires_grad_()).sum()
    with pytest.raises(InputError, match="amplitudes"):
        y.backward()


def test_any_torchquantum_module() -> None:
    torch.manual_seed(0)
    module = Encoded()
    x = torch.randn(2, 3)
    layer = compile_circuit(module, "shots", shots=4000, seed=0)
    assert (layer(x) - compile_circuit(module)(x)).abs().max() < 0.1
    layer.reseed(1)
    layer(x).sum().backward()
    got = module.scaling.grad.clone()
    module.zero_grad()
    compile_circuit(module)(x).sum().backward()
    assert layer.executions > 2 * 20
    assert (got - module.scaling.grad).abs().max() < 0.5


def test_inside_a_policy(tmp_path: Any) -> None:
    backend = {"backend": "shots", "shots": 20, "seed": 3, "noise": {"depolarising_2q": 0.01}}
    options = {"circuit": {"n_qubits": 2, "n_layers": 2}, "backend": backend}
    run = lambda: PPO(QuantumActorCriticPolicy, gym.make("CartPole-v1"), n_steps=8, batch_size=8, n_epochs=1,  # noqa: E731
                      seed=0, policy_kwargs=options, device="cpu").learn(8)  # fmt: skip
    model, again = run(), run()
    for a, b in zip(model.policy.parameters(), again.policy.parameters(), strict=True):
        assert torch.equal(a, b)
    layer = model.policy.mlp_extractor.policy_net[0]
    assert layer.executions > 8
    model.save(tmp_path / "model.zip")
    loaded = PPO.load(tmp_path / "model.zip", device="cpu")
    assert loaded.policy.mlp_extractor.policy_net[0].noise == layer.noise
    model.predict(np.zeros((3, 4), np.float32))
    exact = copy.deepcopy(model.policy)  # the same parameters, executed exactly
    exact.mlp_extractor.policy_net[0] = compile_circuit(exact.mlp_extractor.policy_net[0].module)
    assert exact.predict(np.zeros((3, 4), np.float32), deterministic=True)[0].shape == (3,)
    assert set(exact.state_dict()) == set(model.policy.state_dict()) - {"mlp_extractor.policy_net.0.draws"}
