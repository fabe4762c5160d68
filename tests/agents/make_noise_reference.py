"""Writes noise_reference.json: random circuits with noise, their read-outs and gradients by PennyLane's default.mixed.

PYTHONPATH=tests python tests/agents/make_noise_reference.py     (needs PennyLane; tests only read the file)
"""

from __future__ import annotations

import functools
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pennylane as qml
from pennylane_circuits import OPERATIONS

WIDE = ("qft", "multicnot", "cswap", "ccz")


def draw(rng: np.random.Generator) -> dict[str, Any]:
    n = int(rng.integers(3, 5))
    gates, angles = [], []
    names = [str(rng.choice(("rx", "ry", "rz", "crot", "cnot", "cz"))) for _ in range(8)]
    names += [str(name) for name in rng.permutation([name for name in OPERATIONS if name not in WIDE])[:6]]
    names.append(str(rng.choice(WIDE)))
    for name in rng.permutation(names):
        _, k, n_angles = OPERATIONS[name]
        angles += rng.uniform(-3, 3, n_angles).round(3).tolist()
        gates.append([str(name), rng.permutation(n)[:k].tolist(), n_angles, bool(rng.integers(2))])
    strings = sorted({"".join(rng.choice(list("IXYZ"), n)) for _ in range(3)})
    t1 = rng.uniform(20e-6, 100e-6, n).round(7)
    noise = {
        "depolarising_1q": 0.01, "depolarising_2q": 0.03, "amplitude_damping": 0.02, "phase_damping": 0.04,
        "t1": t1.tolist(), "t2": (t1 * rng.uniform(0.3, 1.9, n)).round(7).tolist(), "gate_time_1q": 1e-7,
        "gate_time_2q": 4e-7, "excited": float(rng.choice((0.0, 0.07))), "readout_p01": 0.02,
        "readout_p10": rng.uniform(0, 0.1, n).round(3).tolist(), "noiseless": ["rz"],
    }  # fmt: skip
    for name in rng.permutation(list(noise))[: int(rng.integers(0, 7))]:  # fields left out, in whole groups
        for field in ("t1", "t2") if name in ("t1", "t2") else (str(name),):
            noise.pop(field, None)
    return {"n": n, "gates": gates, "angles": angles, "strings": strings, "noise": noise}


@functools.cache
def depolarising(k: int, p: float) -> list[np.ndarray]:
    pauli = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]
    products = [functools.reduce(np.kron, chosen) for chosen in itertools.product(pauli, repeat=k)]
    chances = [1 - p, *[p / (4**k - 1)] * (4**k - 1)]
    return [np.sqrt(chance) * m.astype(complex) for chance, m in zip(chances, products, strict=True)]


def of(noise: dict[str, Any], name: str, wire: int, default: float = 0.0) -> float:
    value = noise.get(name, default)
    return value[wire] if isinstance(value, list) else value


def errors(noise: dict[str, Any], name: str, wires: list[int]) -> None:
    if name in noise.get("noiseless", ()):
        return
    excited = noise.get("excited", 0.0)
    if len(wires) == 1:
        qml.DepolarizingChannel(noise.get("depolarising_1q", 0.0), wires=wires)
    else:
        qml.QubitChannel(depolarising(len(wires), noise.get("depolarising_2q", 0.0)), wires=wires)
    for wire in wires:
        qml.GeneralizedAmplitudeDamping(noise.get("amplitude_damping", 0.0), excited, wires=wire)
        qml.PhaseDamping(noise.get("phase_damping", 0.0), wires=wire)
        time = noise.get("gate_time_1q" if len(wires) == 1 else "gate_time_2q", 0.0)
        if "t1" in noise:
            qml.ThermalRelaxationError(excited, of(noise, "t1", wire), of(noise, "t2", wire), time, wires=wire)


def misread(p01: float, p10: float) -> list[np.ndarray]:
    """Flips of what is read, as a channel on a wire that is about to be measured."""
    entries = (((0, 0), 1 - p01), ((1, 0), p01), ((1, 1), 1 - p10), ((0, 1), p10))
    out = []
    for where, chance in entries:
        out.append(np.zeros((2, 2), complex))
        out[-1][where] = np.sqrt(chance)
    return out


def solve(case: dict[str, Any]) -> dict[str, Any]:
    n, noise = case["n"], case["noise"]

    @qml.qnode(qml.device("default.mixed", wires=n), interface="autograd", diff_method="backprop")
    def circuit(angles: Any, string: str) -> Any:
        at = 0
        for name, wires, n_angles, inverse in case["gates"]:
            operation = OPERATIONS[name][0]
            (qml.adjoint(operation) if inverse else operation)(*angles[at : at + n_angles], wires=wires)
            at += n_angles
            errors(noise, name, wires)
        read = [wire for wire, letter in enumerate(string) if letter != "I"]
        for wire in read:
            if string[wire] == "Y":
                qml.adjoint(qml.S)(wires=wire)
            if string[wire] in "XY":
                qml.Hadamard(wires=wire)
            qml.QubitChannel(misread(of(noise, "readout_p01", wire), of(noise, "readout_p10", wire)), wires=wire)
        return qml.expval(qml.prod(*(qml.PauliZ(wire) for wire in read)) if read else qml.Identity(0))

    angles = qml.numpy.array(case["angles"], requires_grad=True)  # with torch, default.mixed has some single precision
    cotangent = np.linspace(-1, 2, len(case["strings"]))
    out = np.array([circuit(angles, string) for string in case["strings"]], float)
    grads = [np.asarray(qml.grad(circuit, argnums=0)(angles, string), float) for string in case["strings"]]
    return {"results": [np.round(t, 14).tolist() for t in (out, cotangent @ np.array(grads))]}


def main() -> None:
    rng = np.random.default_rng(11)
    cases = [case | solve(case) for case in (draw(rng) for _ in range(10))]
    text = "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n"
    Path(__file__).with_name("noise_reference.json").write_text(text)


if __name__ == "__main__":
    main()
