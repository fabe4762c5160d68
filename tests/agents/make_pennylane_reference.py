"""Writes pennylane_reference.json: random circuits, their read-outs and gradients by PennyLane's default.qubit.

PYTHONPATH=tests python tests/agents/make_pennylane_reference.py     (needs PennyLane; tests only read the file)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pennylane_circuits import run
from quantum_cases import N_INPUTS, SHARED_ONLY, with_gradients
from quantum_reference import GATES

from entangrid.agents.quantum.program import Angle, Gate

N_SCALES, N_WEIGHTS = 2, 4


def draw(rng: np.random.Generator, n: int, batch: int) -> dict[str, Any]:
    gates = []
    for name in rng.permutation([name for name, (k, _) in GATES.items() if k <= n])[:14]:
        k, n_angles = GATES[name]
        angles = []
        for _ in range(n_angles):
            source = -1 if name in SHARED_ONLY else int(rng.integers(-1, N_INPUTS))
            scale = int(rng.integers(-1, N_SCALES)) if source >= 0 else -1
            angles.append([source, scale, int(rng.integers(-1, N_WEIGHTS)), 0.5, round(float(rng.uniform(-2, 2)), 3)])
        gates.append([str(name), rng.permutation(n)[:k].tolist(), angles, bool(rng.integers(2))])
    strings = sorted({"".join(rng.choice(list("IXYZ"), n)) for _ in range(3)})
    values = {name: rng.normal(size=size).round(3).tolist() for name, size in
              (("x", (batch, N_INPUTS)), ("scales", N_SCALES), ("weights", N_WEIGHTS))}  # fmt: skip
    return {"n": n, "gates": gates, "strings": strings, **values}


def solve(case: dict[str, Any]) -> dict[str, Any]:
    gates = [Gate(name, tuple(wires), tuple(Angle(*a) for a in angles), inverse)
             for name, wires, angles, inverse in case["gates"]]  # fmt: skip
    values = [torch.tensor(case[k], dtype=torch.float64).requires_grad_() for k in ("x", "scales", "weights")]
    results = with_gradients(run(case["n"], gates, tuple(case["strings"]), values), values)
    return {"results": [np.round(r, 14).tolist() for r in results]}


def main() -> None:
    rng = np.random.default_rng(7)
    sizes = [(1 + i % 10, (2, 1, 5, 17)[i % 4]) for i in range(20)]
    cases = [case | solve(case) for case in (draw(rng, n, batch) for n, batch in sizes)]
    text = "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n"
    Path(__file__).with_name("pennylane_reference.json").write_text(text)


if __name__ == "__main__":
    main()
