"""Trajectories: their mean is the density matrix's value, in read-outs and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from quantum_cases import angle_value, circuits, draw_values

from entangrid.agents.quantum import Circuit, compile_circuit
from entangrid.agents.quantum.density import Density
from entangrid.agents.quantum.noise import Channel, NoiseModel, amplitude_damping, depolarising, thermal_relaxation
from entangrid.agents.quantum.program import Gate
from entangrid.agents.quantum.readout import parse_readout
from entangrid.agents.quantum.states import draw_jump
from entangrid.agents.quantum.steps import noisy_program
from entangrid.agents.quantum.trajectories import Trajectories

PAULI = NoiseModel(0.05, 0.1, phase_damping=0.1, readout_p01=0.05, readout_p10=0.1)
DAMPING = NoiseModel(
    0.02, 0.05, amplitude_damping=0.1, t1=1e-4, t2=6e-5, gate_time_1q=1e-5, gate_time_2q=3e-5, excited=0.2,
    readout_p10=0.1,
)  # fmt: skip


def within_four_errors(samples: torch.Tensor, exact: torch.Tensor) -> None:
    """Means of independent samples (S, ...), the standard error from their spread; rounding is allowed for."""
    error = samples.std(0) / len(samples) ** 0.5
    assert ((samples.mean(0) - exact).abs() <= 4.0 * error + 1e-6).all()


def on_columns(gates: list[Gate], values: Any) -> torch.Tensor:
    x, scales, weights = values
    columns = [angle_value(a, x, scales, weights) for g in gates for a in g.angles]
    return torch.stack(columns, -1) if columns else x.new_zeros(len(x), 0)


@settings(max_examples=16)
@given(circuits(), st.sampled_from([PAULI, DAMPING]), st.integers(0, 999))
def test_means_are_the_density_matrixs(circuit: Any, noise: NoiseModel, seed: int) -> None:
    n, gates, strings = circuit
    gates = [g for g in gates if len(g.wires) < 4]
    program = noisy_program(gates, parse_readout(strings, n), n, noise)
    values = [v.detach() for v in draw_values(1, seed, torch.float64)]
    angles = on_columns(gates, values)
    exact = Density(program)(angles, None, 1)[0]
    rng = np.random.default_rng(seed)
    one = Trajectories(program, 1, "double")
    samples = one(angles.expand(1500, -1), None, 1500, rng)
    within_four_errors(samples, exact)


@pytest.mark.parametrize("noise", [PAULI, DAMPING], ids=["pauli", "damping"])
def test_gradients_are_unbiased(noise: NoiseModel) -> None:
    torch.manual_seed(1)
    module = Circuit(2, 2, entangler="cnot-ring", readout=("ZZ", "XI", "IY"), output="scale").build().double()
    x = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    sources = [x, *module.parameters()]
    cotangent = torch.randn(3, 3, dtype=torch.float64)
    exact = torch.autograd.grad(
        (compile_circuit(module, "density", precision="double", noise=noise)(x) * cotangent).sum(), sources
    )
    layer = compile_circuit(module, "trajectories", precision="double", noise=noise, trajectories=50, seed=5)
    samples = [torch.autograd.grad((layer(x) * cotangent).sum(), sources) for _ in range(60)]
    for i, want in enumerate(exact):
        within_four_errors(torch.stack([s[i] for s in samples]), want)


@pytest.mark.parametrize("engine", [True, False])
def test_kernels_and_torch_execute_the_same_draws(engine: bool) -> None:
    torch.manual_seed(0)
    module = Circuit(3, 2, readout=("XYZ", "ZII")).build().double()
    x = torch.randn(4, 3, dtype=torch.float64)
    layer = compile_circuit(module, "trajectories", precision="double", noise=PAULI, trajectories=20, seed=2)
    want = layer(x)
    layer.reseed(2)
    execute = layer.noisy.execute
    assert execute.engine is not None
    execute.engine = execute.engine if engine else None
    torch.testing.assert_close(layer(x), want, atol=1e-12, rtol=0)


@pytest.mark.parametrize("noise", [PAULI, DAMPING], ids=["pauli", "damping"])
def test_same_seed_same_bits(noise: NoiseModel) -> None:
    torch.manual_seed(0)
    module = Circuit(3, 2).build()
    x = torch.randn(5, 3)
    layers = [compile_circuit(module, "trajectories", noise=noise, trajectories=7, seed=seed) for seed in (1, 1, 2)]
    first, again, other = ([layer(x).detach() for _ in range(2)] for layer in layers)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], first[1])  # every call draws anew
    assert not torch.equal(first[0], other[0])
    layers[0].reseed(1)
    assert torch.equal(layers[0](x), first[0])
    torch.manual_seed(3)
    a = compile_circuit(module, "trajectories", noise=noise)(x)
    torch.manual_seed(3)
    assert torch.equal(compile_circuit(module, "trajectories", noise=noise)(x), a)  # the seed is torch's by default


def test_ten_qubits_that_do_not_meet_equal_ten_single_ones() -> None:
    """Beyond the density matrix's reach: exact values of a product state, one qubit at a time."""
    torch.manual_seed(0)
    noise = NoiseModel(0.02, t1=1e-4, t2=5e-5, gate_time_1q=1e-5, excited=0.1, readout_p01=0.02)
    wide = Circuit(10, 2, entangler="none").build().double()
    x = torch.randn(1, 10, dtype=torch.float64)
    samples = compile_circuit(wide, "trajectories", precision="double", noise=noise, trajectories=1, seed=0)
    got = torch.stack([samples(x.expand(500, -1)) for _ in range(2)]).flatten(0, 1).detach()
    single = Circuit(1, 2, entangler="none").build().double()
    density = compile_circuit(single, "density", precision="double", noise=noise)
    scaling, angles = wide.input_scaling.reshape(2, 10), wide.angles.reshape(2, 10, 2)
    exact = []
    for qubit in range(10):
        single.input_scaling.data = scaling[:, qubit].detach().clone()
        single.angles.data = angles[:, qubit].detach().flatten()
        exact.append(density(x[:, qubit : qubit + 1])[0, 0])
    within_four_errors(got, torch.stack(exact).detach())


@settings(max_examples=200)
@given(st.sampled_from([amplitude_damping(0.3, 0.1), thermal_relaxation(1.0, 1.7, 0.4), depolarising(0.2)]),
       st.floats(0.0, 1.0))  # fmt: skip
def test_jumps_have_the_probabilities_of_their_operators(channel: Channel, excited: float) -> None:
    kraus = channel.kraus()
    numbers = (torch.arange(2000) + 0.5) / 2000
    populations = torch.tensor([[1.0 - excited, excited]], dtype=torch.float64).expand(2000, -1)
    chosen, chance = draw_jump(torch.from_numpy(kraus), populations, numbers.double())
    rho = np.diag([1.0 - excited, excited])
    for k in kraus:
        p = np.trace(k @ rho @ k.conj().T).real
        mine = (chosen - torch.from_numpy(k)).abs().amax((1, 2)) == 0.0
        assert abs(float(mine.double().mean()) - p) <= 2e-3
        assert ((chance[mine] - p).abs() < 1e-9).all()
