"""What circuits cost: gates, depth, settings of a measurement, executions of a gradient step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from quantum_reference import run_dense

from entangrid.agents.quantum import Circuit
from entangrid.agents.quantum.analysis_cost import cost, depth, measurement_settings, pauli_strings
from entangrid.agents.quantum.analysis_states import draw_weights, read, states
from entangrid.agents.quantum.cv import CVCircuit
from entangrid.agents.quantum.library import LIBRARY


def test_costs_of_the_papers_circuits() -> None:
    skolik = cost(LIBRARY["skolik2022"]())
    assert skolik.gates == {"rx": 20, "ry": 20, "rz": 20, "cz": 20}
    assert (skolik.two_wire_gates, skolik.settings, skolik.shifts) == (20, 1, 2 * (20 + 40))
    assert skolik.shift_executions(16) == 16 * 121
    assert skolik.adjoint_executions(16) == 32
    assert cost(LIBRARY["meyer2025"]()).shifts == 4 * 3 * 40  # controlled rotations
    assert cost(LIBRARY["chen2020"]()).shifts == 2 * 24  # what encodes is not trainable
    fixed = Circuit(2, 1, trainable_scaling=False)
    assert cost(fixed).shifts == 2 * 4
    assert cost(replace(fixed, input_layer=True)).shifts == 2 * 6  # what stands before the encoding is


def test_the_shift_rule_needs_as_many_circuits_as_counted() -> None:
    """Every rotation of a described circuit has the two-term rule; the counted shifts give autograd's gradient."""
    circuit = Circuit(2, 2, rotations=("ry", "rz"))
    torch.manual_seed(0)
    weights = draw_weights(circuit, 1, 0)
    x, scaling = torch.tensor([0.4, -1.1], dtype=torch.float64), torch.full((4,), 1.3, dtype=torch.float64)
    executed = 0

    def run(angles: list[torch.Tensor]) -> torch.Tensor:
        nonlocal executed
        executed += 1
        it = iter(angles)
        gates = [(g.name, g.wires, [next(it) for _ in g.angles], g.inverse) for g in circuit.gates]
        return run_dense(2, gates, ["ZI"])[0]

    angles = [
        scaling[a.scale] * x[a.input] if a.input >= 0 else weights[0, a.weight] for g in circuit.gates for a in g.angles
    ]
    by_shift = torch.zeros(4, dtype=torch.float64), torch.zeros(8, dtype=torch.float64)
    for k, a in enumerate(a for g in circuit.gates for a in g.angles):
        shifted = [run([v + s * (i == k) for i, v in enumerate(angles)]) for s in (np.pi / 2, -np.pi / 2)]
        slope = 0.5 * (shifted[0] - shifted[1])
        if a.weight >= 0:
            by_shift[1][a.weight] += slope
        else:
            by_shift[0][a.scale] += slope * x[a.input]
    assert executed == cost(circuit).shifts
    weights.requires_grad_()
    scaling.requires_grad_()
    value = read(circuit, states(circuit, weights, x, scaling))[0, 0]
    by_scale, by_weight = torch.autograd.grad(value, (scaling, weights))
    torch.testing.assert_close(by_shift[0], by_scale, atol=1e-12, rtol=0)
    torch.testing.assert_close(by_shift[1], by_weight[0], atol=1e-12, rtol=0)


def test_depth_and_measurement_settings() -> None:
    assert depth([]) == 0
    assert depth([(0,), (1,), (0, 1), (2,), (1, 2)]) == 3
    circuit = Circuit(3, 1, readout=("XYI", "IYZ", "ZII", ((0.5, "IIZ"), (1.0, "XYZ"))))
    assert sorted(pauli_strings(circuit.terms, 3)) == sorted(["XYI", "IYZ", "ZII", "IIZ", "XYZ"])
    settings = measurement_settings(circuit.terms, 3)
    assert settings == ["XYZ", "ZII"]
    assert cost(circuit).settings == 2


def test_costs_of_qumodes() -> None:
    with_kerr, without = cost(CVCircuit(3, 2, cutoff=4)), cost(CVCircuit(3, 2, cutoff=4, kerr=False))
    assert with_kerr.gates == {
        "displacement": 3 + 6, "beam-splitter": 12, "rotation": 12, "squeezing": 6, "kerr": 6
    }  # fmt: skip
    assert (with_kerr.two_wire_gates, with_kerr.shifts, with_kerr.shift_executions(64)) == (12, None, None)
    assert without.shifts == 2 * (3 + 2 * 30)
    assert cost(CVCircuit(3, cutoff=4, kerr=False, readout="xn")).shifts is None
    assert cost(CVCircuit(2, cutoff=4, readout="xn")).settings == 2
