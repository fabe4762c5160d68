"""Every gate of TorchQuantum that is correct: fused, TorchQuantum and dense double precision agree."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from quantum_cases import N_INPUTS, agree, angle_value, circuits, dense, draw_values, with_gradients
from quantum_reference import GATES, gate_matrix

from entangrid.agents.quantum.fused import Engine, FusedFunction
from entangrid.agents.quantum.plan import make_plan
from entangrid.agents.quantum.program import Angle, Gate
from entangrid.agents.quantum.readout import parse_readout
from entangrid.agents.quantum.schedule import Chain, Move
from entangrid.agents.quantum.torchquantum import tq, tqf
from entangrid.agents.quantum.translation import translate

UNKNOWN_NAMES = {"multicnot", "multixcnot", "multirz"}


def torchquantum_gate(name: str) -> Any:
    return tqf.func_name_dict[name]


def fused(n: int, gates: list[Gate], strings: tuple[str, ...], values: Any, precision: str) -> torch.Tensor:
    primitives = [p for gate in gates for p in translate(gate) or []]
    plan = make_plan(primitives, parse_readout(strings, n), n, N_INPUTS, 2, 4)
    return FusedFunction.apply(*values, None, Engine(plan, precision, 1))


def on_torchquantum(n: int, gates: list[Gate], strings: tuple[str, ...], values: Any) -> torch.Tensor:
    x, scales, weights = values
    device = tq.QuantumDevice(n_wires=n, bsz=len(x))
    for gate in gates:
        columns = [angle_value(a, x, scales, weights) for a in gate.angles]
        is_shared = all(a.input < 0 for a in gate.angles)
        params = torch.stack([c[:1] if is_shared else c for c in columns], -1) if columns else None
        n_wires = {"n_wires": len(gate.wires)} if gate.name in UNKNOWN_NAMES | {"qft"} else {}
        torchquantum_gate(gate.name)(device, wires=list(gate.wires), params=params, inverse=gate.inverse, **n_wires)
    return torch.stack([tq.expval_joint_analytical(device, s) for s in strings], -1)


@pytest.mark.parametrize("name", sorted(GATES))
@pytest.mark.parametrize("inverse", [False, True])
def test_reference_matrices_are_torchquantums(name: str, inverse: bool) -> None:
    k, n_angles = GATES[name]
    values = torch.linspace(0.3, 1.9, n_angles, dtype=torch.float64)
    device = tq.QuantumDevice(n_wires=k, bsz=1 << k)
    device.reset_identity_states()
    params = values.float().reshape(1, -1) if n_angles else None
    n_wires = {"n_wires": k} if name in UNKNOWN_NAMES | {"qft"} else {}
    torchquantum_gate(name)(device, wires=list(range(k)), params=params, inverse=inverse, **n_wires)
    got = device.get_states_1d().T.numpy()
    want = gate_matrix(name, list(values)).resolve_conj().numpy()
    np.testing.assert_allclose(got, want.conj().T if inverse else want, atol=1e-6)


@settings(max_examples=120, deadline=None)
@given(circuits(10), st.integers(1, 100), st.integers(0, 999))
def test_random_circuits_agree(circuit: Any, batch: int, seed: int) -> None:
    n, gates, strings = circuit
    single, double = draw_values(batch, seed, torch.float32), draw_values(min(batch, 3), seed, torch.float64)
    reference = with_gradients(on_torchquantum(n, gates, strings, single), single)
    agree(with_gradients(fused(n, gates, strings, single, "single"), single), reference, 1e-5)
    exact = with_gradients(dense(n, gates, strings, double), double)
    agree(with_gradients(fused(n, gates, strings, double, "double"), double), exact, 1e-10)


# hundreds more: PENNYLANE_EXAMPLES=500 python -m pytest tests/agents/test_quantum_gates.py -k live
@settings(max_examples=int(os.environ.get("PENNYLANE_EXAMPLES", "60")), deadline=None)
@given(circuits(10), st.integers(1, 100), st.integers(0, 999))
def test_random_circuits_equal_live_pennylane(circuit: Any, batch: int, seed: int) -> None:
    pytest.importorskip("pennylane", reason="PennyLane is not installed: stored results stand in for it")
    from pennylane_circuits import run

    n, gates, strings = circuit
    double = draw_values(batch, seed, torch.float64)
    single = [v.detach().float().requires_grad_() for v in double]
    want = with_gradients(run(n, gates, strings, double), double)
    agree(with_gradients(fused(n, gates, strings, double, "double"), double), want, 1e-10)
    # from the same numbers: a rounded input is another input
    rounded = [v.detach().double().requires_grad_() for v in single]
    want = with_gradients(run(n, gates, strings, rounded), rounded)
    agree(with_gradients(fused(n, gates, strings, single, "single"), single), want, 1e-5)
    agree(with_gradients(on_torchquantum(n, gates, strings, single), single), want, 1e-5)


@pytest.mark.parametrize("name", ["cnot", "swap", "ecr", "c3x", "rzx", "crot", "xxplusyy"])
def test_every_order_of_wires(name: str) -> None:
    k, n_angles = GATES[name]
    n = 4
    before = [Gate("ry", (w,), (Angle(offset=0.4 + w),)) for w in range(n)]
    angles = tuple(Angle(input=i) for i in range(n_angles))
    strings = ("ZIII", "IZII", "IIZI", "IIIZ", "XYZX")
    values = draw_values(3, 0, torch.float64)
    for wires in itertools.permutations(range(n), k):
        gates = [*before, Gate(name, wires, angles)]
        exact = with_gradients(dense(n, gates, strings, values), values)
        agree(with_gradients(fused(n, gates, strings, values, "double"), values), exact, 1e-10)


def test_runs_are_fused() -> None:
    gates = [
        *(Gate("h", (0,)), Gate("rx", (0,), (Angle(input=0),)), Gate("s", (0,))),
        *(Gate("cz", (0, 1)), Gate("cz", (1, 2)), Gate("cnot", (0, 2))),
        *(Gate("rz", (1,), (Angle(weight=0),)), Gate("h", (1,))),
    ]
    plan = make_plan([p for g in gates for p in translate(g) or []], parse_readout("z", 3), 3, 1, 0, 1)
    assert [type(op) for op in plan.operations] == [Chain, Move, Chain]


def test_gates_without_a_fast_form_are_told() -> None:
    assert translate(Gate("reset", (0,))) is None
    assert translate(Gate("singleexcitation", (0, 1), (Angle(),))) is None


PENNYLANE = json.loads(Path(__file__).with_name("pennylane_reference.json").read_text())


@pytest.mark.parametrize("case", PENNYLANE, ids=range(len(PENNYLANE)))
def test_equals_stored_pennylane(case: dict[str, Any]) -> None:
    gates = [Gate(name, tuple(wires), tuple(Angle(*a) for a in angles), inverse)
             for name, wires, angles, inverse in case["gates"]]  # fmt: skip
    circuit = case["n"], gates, tuple(case["strings"])
    want = [np.array(result) for result in case["results"]]
    for precision, dtype, tolerance in (("double", torch.float64, 1e-10), ("single", torch.float32, 1e-5)):
        values = [torch.tensor(case[k], dtype=dtype).requires_grad_() for k in ("x", "scales", "weights")]
        agree(with_gradients(fused(*circuit, values, precision), values), want, tolerance)
    agree(with_gradients(on_torchquantum(*circuit, values), values), want, 1e-5)
