"""Random circuits on PennyLane's ``default.qubit`` in double precision, values and gradients (needs PennyLane)."""

from __future__ import annotations

from typing import Any

import pennylane as qml
import torch
from quantum_cases import angle_value
from quantum_reference import GATES, gate_matrix

from entangrid.agents.quantum.program import Gate

OPERATIONS: dict[str, tuple[Any, int, int]] = {  # TorchQuantum's name: operation, wires, angles
    "rx": (qml.RX, 1, 1), "ry": (qml.RY, 1, 1), "rz": (qml.RZ, 1, 1), "phaseshift": (qml.PhaseShift, 1, 1),
    "rot": (qml.Rot, 1, 3), "u3": (qml.U3, 1, 3), "crx": (qml.CRX, 2, 1), "cry": (qml.CRY, 2, 1),
    "crz": (qml.CRZ, 2, 1), "crot": (qml.CRot, 2, 3), "rxx": (qml.IsingXX, 2, 1), "ryy": (qml.IsingYY, 2, 1),
    "rzz": (qml.IsingZZ, 2, 1), "multirz": (qml.MultiRZ, 3, 1), "hadamard": (qml.Hadamard, 1, 0), "s": (qml.S, 1, 0),
    "t": (qml.T, 1, 0), "sx": (qml.SX, 1, 0), "pauliy": (qml.PauliY, 1, 0), "cnot": (qml.CNOT, 2, 0),
    "cy": (qml.CY, 2, 0), "cz": (qml.CZ, 2, 0), "swap": (qml.SWAP, 2, 0), "iswap": (qml.ISWAP, 2, 0),
    "ecr": (qml.ECR, 2, 0), "cswap": (qml.CSWAP, 3, 0), "ccz": (qml.CCZ, 3, 0), "qft": (qml.QFT, 3, 0),
    "multicnot": (qml.MultiControlledX, 3, 0),
}  # fmt: skip
_MORE: dict[str, Any] = {
    "i": qml.Identity, "paulix": qml.PauliX, "pauliz": qml.PauliZ, "c3x": qml.MultiControlledX,
    "rzx": lambda a, wires: qml.PauliRot(a, "ZX", wires=wires),
    "sdg": lambda wires: qml.adjoint(qml.S(wires)), "tdg": lambda wires: qml.adjoint(qml.T(wires)),
    "sxdg": lambda wires: qml.adjoint(qml.SX(wires)), "cs": lambda wires: qml.ctrl(qml.S(wires[1]), wires[0]),
    "csx": lambda wires: qml.ctrl(qml.SX(wires[1]), wires[0]),
    "c3sx": lambda wires: qml.ctrl(qml.SX(wires[3]), wires[:3]),
    "cu3": lambda a, b, c, wires: qml.ctrl(qml.U3(a, b, c, wires=wires[1]), wires[0]),
}  # fmt: skip


def _apply(gate: Gate, angles: list[torch.Tensor], batch: int) -> None:
    operation = OPERATIONS[gate.name][0] if gate.name in OPERATIONS else _MORE.get(gate.name)
    if operation is not None:
        (qml.adjoint(operation) if gate.inverse else operation)(*angles, wires=gate.wires)
        return
    # PennyLane knows no such gate: the matrix of the tests' own reference
    if any(a.dim() for a in angles):
        rows = [[a if a.dim() == 0 else a[b] for a in angles] for b in range(batch)]
        matrix = torch.stack([gate_matrix(gate.name, row) for row in rows])
    else:
        matrix = gate_matrix(gate.name, angles)
    qml.QubitUnitary((matrix.mH if gate.inverse else matrix).resolve_conj(), wires=gate.wires)


def run(n: int, gates: list[Gate], strings: tuple[str, ...], values: list[torch.Tensor]) -> torch.Tensor:
    """Expectation values (B, T), differentiable in the inputs (B, N_INPUTS), scalings and weights."""
    x, scales, weights = values
    assert all(g.name in GATES for g in gates)

    @qml.qnode(qml.device("default.qubit", wires=n), interface="torch", diff_method="backprop")
    def circuit() -> Any:
        for gate in gates:
            columns = [angle_value(a, x, scales, weights) for a in gate.angles]
            shared = [c if a.input >= 0 else c[0] for a, c in zip(gate.angles, columns, strict=True)]
            _apply(gate, shared, len(x))
        return [qml.expval(qml.pauli.string_to_pauli_word(s)) for s in strings]

    return torch.stack([torch.as_tensor(v, dtype=torch.float64).expand(len(x)) for v in circuit()], -1)
