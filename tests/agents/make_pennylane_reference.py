"""Writes pennylane_reference.json: random circuits, their read-outs and gradients by PennyLane's default.qubit.

python tests/agents/make_pennylane_reference.py     (needs PennyLane; the file is committed, tests only read it)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pennylane as qml
import torch

N_INPUTS, N_SCALES, N_WEIGHTS = 3, 2, 4
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


def draw(rng: np.random.Generator) -> dict[str, Any]:
    n = int(rng.integers(3, 6))
    gates = []
    for name in rng.permutation(list(OPERATIONS))[:14]:
        _, k, n_angles = OPERATIONS[name]
        angles = []
        for _ in range(n_angles):
            source = int(rng.integers(-1, N_INPUTS))
            scale = int(rng.integers(-1, N_SCALES)) if source >= 0 else -1
            angles.append([source, scale, int(rng.integers(-1, N_WEIGHTS)), 0.5, round(float(rng.uniform(-2, 2)), 3)])
        gates.append([str(name), rng.permutation(n)[:k].tolist(), angles, bool(rng.integers(2))])
    strings = sorted({"".join(rng.choice(list("IXYZ"), n)) for _ in range(3)})
    values = {name: rng.normal(size=size).round(3).tolist() for name, size in
              (("x", (2, N_INPUTS)), ("scales", N_SCALES), ("weights", N_WEIGHTS))}  # fmt: skip
    return {"n": n, "gates": gates, "strings": strings, **values}


def solve(case: dict[str, Any]) -> dict[str, Any]:
    n = case["n"]

    @qml.qnode(qml.device("default.qubit", wires=n), interface="torch", diff_method="backprop")
    def circuit(x: torch.Tensor, scales: torch.Tensor, weights: torch.Tensor) -> Any:
        for name, wires, angles, inverse in case["gates"]:
            values = []
            for source, scale, weight, factor, offset in angles:
                value = torch.tensor(offset, dtype=torch.float64)
                if source >= 0:
                    value = value + factor * x[source] * (scales[scale] if scale >= 0 else 1.0)
                values.append(value + (weights[weight] if weight >= 0 else 0.0))
            operation = OPERATIONS[name][0]
            (qml.adjoint(operation) if inverse else operation)(*values, wires=wires)
        return [qml.expval(qml.pauli.string_to_pauli_word(s)) for s in case["strings"]]

    sources = [torch.tensor(case[k], dtype=torch.float64, requires_grad=True) for k in ("x", "scales", "weights")]
    out = torch.stack([torch.stack(circuit(row, *sources[1:])) for row in sources[0]])
    cotangent = torch.linspace(-1, 2, out.numel(), dtype=torch.float64).reshape(out.shape)
    grads = torch.autograd.grad((out * cotangent).sum(), sources, allow_unused=True)
    filled = [torch.zeros_like(s) if g is None else g for g, s in zip(grads, sources, strict=True)]
    return {"results": [np.round(t.detach().numpy(), 14).tolist() for t in (out, *filled)]}


def main() -> None:
    rng = np.random.default_rng(7)
    cases = [case | solve(case) for case in (draw(rng) for _ in range(12))]
    text = "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n"
    Path(__file__).with_name("pennylane_reference.json").write_text(text)


if __name__ == "__main__":
    main()
