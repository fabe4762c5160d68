"""Density matrices with noise: equal to Kraus operators and to PennyLane's default.mixed."""

from __future__ import annotations

import copy
import json
import pickle
from itertools import pairwise
from pathlib import Path
from typing import Any

import mixed_reference as reference
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from quantum_cases import FAMILIES, Encoded, Hybrid, angle_value, circuits, draw_values

from entangrid.agents.quantum import Circuit, compile_circuit
from entangrid.agents.quantum.density import Density
from entangrid.agents.quantum.noise import (
    NoiseModel,
)
from entangrid.agents.quantum.program import Angle, Gate
from entangrid.agents.quantum.readout import parse_readout
from entangrid.agents.quantum.steps import noisy_program
from entangrid.agents.quantum.trajectories import Trajectories
from entangrid.data.errors import InputError

SHARE = st.floats(0.0, 1.0)
ALL = NoiseModel(
    depolarising_1q=0.02, depolarising_2q=0.05, amplitude_damping=0.03, phase_damping=0.04, t1=50e-6, t2=70e-6,
    gate_time_1q=1e-6, gate_time_2q=3e-6, excited=0.1, readout_p01=0.03, readout_p10=0.08,
)  # fmt: skip


@st.composite
def models(draw: Any, n: int = 6) -> NoiseModel:
    t1 = draw(st.floats(1e-6, 1e-3))
    some = lambda top: draw(st.one_of(st.just(0.0), st.floats(0.0, top)))  # noqa: E731
    return NoiseModel(
        some(1.0), some(1.0), some(1.0), some(1.0), t1, t1 * draw(st.floats(0.05, 2.0)), some(1e-4), some(1e-4),
        some(1.0), some(0.5), tuple(some(0.5) for _ in range(n)), ("cnot",) if draw(st.booleans()) else (),
    )  # fmt: skip


def density_of(n: int, gates: list[Gate], strings: tuple[str, ...], noise: NoiseModel) -> Density:
    return Density(noisy_program(gates, parse_readout(strings, n), n, noise))


def on_columns(gates: list[Gate], values: Any) -> torch.Tensor:
    """Angles (B, K) of gates in order."""
    x, scales, weights = values
    columns = [angle_value(a, x, scales, weights) for g in gates for a in g.angles]
    return torch.stack(columns, -1) if columns else x.new_zeros(len(x), 0)


@settings(max_examples=150)
@given(circuits(), models(), st.integers(0, 999))
def test_density_equals_kraus_operators_on_dense_matrices(circuit: Any, noise: NoiseModel, seed: int) -> None:
    n, gates, strings = circuit
    gates = [g for g in gates if len(g.wires) < 4 or n < 5]
    noise = NoiseModel.from_dict(noise.to_dict() | {"readout_p10": noise.readout_p10[:n]})  # type: ignore[index]
    values = [v.detach() for v in draw_values(2, seed, torch.float64)]
    got = density_of(n, gates, strings, noise)(on_columns(gates, values), None, 2).numpy()
    x, scales, weights = values
    for b in range(2):
        rho = reference.evolve(n, gates, noise, x[b], scales, weights)
        np.testing.assert_allclose(got[b], reference.read(rho, strings, noise), atol=1e-8)


CASES = json.loads(Path(__file__).with_name("noise_reference.json").read_text())


def check_case(case: dict[str, Any]) -> None:
    gates = [Gate(name, tuple(wires), (Angle(),) * k, inverse) for name, wires, k, inverse in case["gates"]]
    density = density_of(case["n"], gates, tuple(case["strings"]), NoiseModel.from_dict(case["noise"]))
    angles = torch.tensor([case["angles"]], dtype=torch.float64, requires_grad=True)
    out = density(angles, None, 1)[0]
    (grad,) = torch.autograd.grad((out * torch.linspace(-1, 2, len(out), dtype=torch.float64)).sum(), angles)
    np.testing.assert_allclose(out.detach(), case["results"][0], atol=1e-8, rtol=0)
    np.testing.assert_allclose(grad[0], case["results"][1], atol=1e-8, rtol=0)


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_equals_stored_pennylane(case: dict[str, Any]) -> None:
    check_case(case)


def test_equals_live_pennylane() -> None:
    pytest.importorskip("pennylane")
    import sys

    sys.path.insert(0, str(Path(__file__).parent))
    try:
        import make_noise_reference as maker
    finally:
        sys.path.pop(0)
    rng = np.random.default_rng(123)
    for case in (maker.draw(rng) for _ in range(3)):
        check_case(case | maker.solve(case))


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_without_noise_all_backends_are_the_fused_one(name: str) -> None:
    torch.manual_seed(0)
    module = FAMILIES[name].build()
    if module.circuit.n_qubits > 6:
        pytest.skip("wide")
    module.double()
    x = torch.randn(3, module.n_inputs, dtype=torch.float64)
    sources = list(module.parameters())
    fused = compile_circuit(module, precision="double")(x)
    cotangent = torch.randn_like(fused)
    want = torch.autograd.grad((fused * cotangent).sum(), sources, allow_unused=True)
    for backend in ("density", "trajectories"):
        layer = compile_circuit(module, backend, precision="double")
        out = layer(x)
        torch.testing.assert_close(out, fused, atol=1e-10, rtol=0)
        got = torch.autograd.grad((out * cotangent).sum(), sources, allow_unused=True)
        for a, b in zip(got, want, strict=True):
            if a is not None and b is not None:
                torch.testing.assert_close(a, b, atol=1e-9, rtol=1e-9)
        draws = {"draws"} if backend == "trajectories" else set()
        assert set(layer.state_dict()) == {*compile_circuit(module).state_dict(), *draws}


def test_any_torchquantum_module_runs_with_noise() -> None:
    torch.manual_seed(0)
    for module in (Encoded(), Hybrid()):
        x = torch.randn(4, 3)
        exact = compile_circuit(module)(x)
        torch.testing.assert_close(compile_circuit(module, "density")(x), exact, atol=1e-4, rtol=1e-4)
        layer = compile_circuit(module, "density", noise={"depolarising_1q": 0.75, "depolarising_2q": 15 / 16})
        torch.testing.assert_close(layer(x[:1]).expand(4, -1), layer(x))  # nothing of the input is left
        assert not torch.allclose(layer(x), exact, atol=1e-2)


def dense_rho(values: torch.Tensor, n: int) -> np.ndarray:
    """(2^n, 2^n) from expectation values (4^n,)."""
    basis = np.ones((1, 1, 1))
    for _ in range(n):
        basis = np.stack([np.kron(a, p) for a in basis for p in reference.PAULIS])
    return np.tensordot(values.numpy(), basis, 1) / (1 << n)


@settings(max_examples=150)
@given(circuits(), models(), st.integers(0, 999))
def test_trace_stays_one_and_nothing_is_negative(circuit: Any, noise: NoiseModel, seed: int) -> None:
    n, gates, strings = circuit
    n_ok = NoiseModel.from_dict(noise.to_dict() | {"readout_p10": 0.1})
    values = [v.detach() for v in draw_values(1, seed, torch.float64)]
    coefficients = density_of(n, gates, strings, n_ok).values(on_columns(gates, values), None, 1)[0]
    assert coefficients[0].item() == pytest.approx(1.0, abs=1e-12)
    if n <= 4:
        assert np.linalg.eigvalsh(dense_rho(coefficients, n)).min() >= -1e-10


@settings(max_examples=100)
@given(circuits(), SHARE, SHARE, SHARE, st.integers(0, 999))
def test_purity_never_rises_under_unital_noise(circuit: Any, p1: float, p2: float, lam: float, seed: int) -> None:
    n, gates, strings = circuit
    noise = NoiseModel(p1, p2, phase_damping=lam)
    values = [v.detach() for v in draw_values(1, seed, torch.float64)]
    angles = on_columns(gates, values)
    purities = []
    for stop in range(len(gates) + 1):
        density = density_of(n, gates[:stop], strings, noise)
        coefficients = density.values(angles[:, : density_columns(gates[:stop])], None, 1)
        purities.append(float(coefficients.square().sum()) / (1 << n))
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(purities))
    assert purities[-1] >= 1 / (1 << n) - 1e-12


def density_columns(gates: list[Gate]) -> int:
    return sum(len(g.angles) for g in gates)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_full_depolarising_is_the_maximally_mixed_state(n: int) -> None:
    module = Circuit(n, 2, entangler="cnot-ring", readout=("Z" * n, "X" * n)).build()
    layer = compile_circuit(module, "density", precision="double", noise={"depolarising_1q": 0.75})
    assert layer(torch.randn(3, n)).abs().max() < 1e-15
    gates = [Gate("h", (0,)), *(Gate("cnot", (i, i + 1)) for i in range(n - 1))]
    mixed = density_of(n, gates, ("Z" * n,), NoiseModel(0.75, 15 / 16)).values(torch.zeros(1, 0), None, 1)
    np.testing.assert_allclose(dense_rho(mixed[0], n), np.eye(1 << n) / (1 << n), atol=1e-15)


@given(SHARE, st.floats(0.0, 0.3))
def test_damping_goes_to_equilibrium(excited: float, left: float) -> None:
    noise = NoiseModel(t1=1.0, t2=1.5, gate_time_1q=100.0 + left, excited=excited)
    value = density_of(1, [Gate("ry", (0,), (Angle(),))], ("Z",), noise)(torch.tensor([[1.3]]), None, 1)
    assert value.item() == pytest.approx(1.0 - 2.0 * excited, abs=1e-9)


def test_amplitudes_that_are_given() -> None:
    circuit = Circuit(3, 1, 7, encoding="amplitude", readout=("ZII", "XYZ", "IYI"))
    module = circuit.build().double()
    x = torch.randn(4, 7, dtype=torch.float64, requires_grad=True)
    noise = NoiseModel(t1=1e-4, gate_time_1q=1e-5, gate_time_2q=3e-5, depolarising_2q=0.02)
    layer = compile_circuit(module, "density", precision="double", noise=noise)
    out = layer(x)
    (grad,) = torch.autograd.grad(out[:, 1].sum(), x)
    step = 1e-6
    for i in range(7):
        moved = [layer((x + sign * step * torch.eye(7)[i]).detach())[:, 1] for sign in (1, -1)]
        torch.testing.assert_close(grad[:, i], (moved[0] - moved[1]) / (2 * step), atol=1e-7, rtol=1e-6)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    module = Circuit(3, 2).build().double()
    x = torch.randn(7, 3, dtype=torch.float64)
    for options in ({"backend": "density"}, {"backend": "trajectories", "trajectories": 5, "seed": 3}):
        results = []
        for budget in (256 << 20, 1 << 15):
            monkeypatch.setattr("entangrid.agents.quantum.steps._BUDGET", budget)
            layer = compile_circuit(module, options, precision="double", noise=ALL)
            out = layer(x)
            results.append((out.detach(), *torch.autograd.grad(out.square().sum(), list(module.parameters()))))
        for a, b in zip(*results, strict=True):
            torch.testing.assert_close(a, b, atol=1e-12, rtol=1e-12)


def test_nine_qubits_are_sent_to_trajectories() -> None:
    with pytest.raises(InputError, match="trajectories"):
        compile_circuit(Circuit(9, 1), "density", noise=ALL)
    wide = [Gate("multicnot", tuple(range(6)))]
    with pytest.raises(InputError, match="6 wires"):
        density_of(6, wide, ("ZIIIII",), NoiseModel())
    with pytest.raises(InputError, match="reset"):
        density_of(2, [Gate("reset", (0,))], ("ZI",), NoiseModel())


def test_layers_are_copied_and_pickled() -> None:
    for backend in ("density", "trajectories", "shots"):
        layer = compile_circuit(Circuit(2, 1), backend, noise=ALL, seed=4)
        x = torch.randn(3, 2)
        layer(x)
        for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            original = copy.deepcopy(layer)
            assert torch.equal(other(x), original(x))
            assert torch.equal(other(x), original(x))  # the draws go on alike


def test_trajectories_without_damping_run_on_the_kernels() -> None:
    layer = compile_circuit(Circuit(3, 1), "trajectories", noise={"depolarising_2q": 0.1})
    assert isinstance(layer.noisy.execute, Trajectories)
    assert layer.noisy.execute.engine is not None
