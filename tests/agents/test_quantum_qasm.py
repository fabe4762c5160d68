"""OpenQASM 3 programs are read by a strict small reader and do what the circuit does; drawings show every gate."""

from __future__ import annotations

import ast
import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from quantum_cases import FAMILIES
from quantum_reference import run_dense

from entangrid.agents.quantum import Circuit
from entangrid.agents.quantum.analysis_cost import measurement_settings, pauli_strings
from entangrid.agents.quantum.analysis_states import draw_weights, read, states
from entangrid.agents.quantum.cv import CVCircuit
from entangrid.agents.quantum.drawing import boxes, text
from entangrid.agents.quantum.qasm import preparation_angles, to_qasm
from entangrid.data.errors import InputError

# arguments and qubits of each gate of stdgates.inc that may appear, and TorchQuantum's name for it
STDGATES = {
    "rx": (1, 1, "rx"), "ry": (1, 1, "ry"), "rz": (1, 1, "rz"), "h": (0, 1, "hadamard"), "sdg": (0, 1, "sdg"),
    "cx": (0, 2, "cnot"), "cz": (0, 2, "cz"), "crx": (1, 2, "crx"), "cry": (1, 2, "cry"), "crz": (1, 2, "crz"),
}  # fmt: skip
FUNCTIONS = {"exp": math.exp, "arctan": math.atan}
GATE = re.compile(r"^(inv @ )?([a-z]+)(?:\((.*)\))? (q\[\d+\](?:, q\[\d+\])*);$")


def evaluate(expression: str, values: dict[str, float]) -> float:
    """Numbers, names, + - * /, brackets and known functions; anything else fails."""

    def walk(node: ast.expr) -> float:
        match node:
            case ast.Constant(value=float(number)):
                return number
            case ast.Name(id=name):
                return values[name]
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -walk(inner)
            case ast.BinOp(left=left, op=op, right=right):
                a, b = walk(left), walk(right)
                return {ast.Add: a + b, ast.Sub: a - b, ast.Mult: a * b, ast.Div: a / b if b else math.nan}[type(op)]
            case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]):
                return FUNCTIONS[name](walk(inner))
        raise AssertionError(f"{expression!r} holds {ast.dump(node)}")

    return walk(ast.parse(expression, mode="eval").body)


def execute(program: str, values: dict[str, float], strings: list[str]) -> tuple[np.ndarray, set[str]]:
    """Expectation values of strings of Z before the measurement, and the names of the program's inputs."""
    lines = [line for line in program.splitlines() if not line.startswith("//")]
    assert lines[:2] == ["OPENQASM 3.0;", 'include "stdgates.inc";']
    assert lines[-1] == "c = measure q;"
    inputs: set[str] = set()
    rest = lines[2:-1]
    while found := re.match(r"^input float\[64\] ([a-z]+_\d+);$", rest[0]):
        assert found[1] not in inputs
        inputs.add(found[1])
        rest.pop(0)
    n = int(re.fullmatch(r"qubit\[(\d+)\] q;", rest.pop(0))[1])  # type: ignore[index]
    assert rest.pop(0) == f"bit[{n}] c;"
    gates = []
    for line in rest:
        found = GATE.match(line)
        assert found, line
        n_arguments, n_wires, name = STDGATES[found[2]]
        arguments = [evaluate(found[3], {k: values[k] for k in inputs})] if found[3] else []
        wires = tuple(int(w) for w in re.findall(r"\d+", found[4]))
        assert (len(arguments), len(set(wires))) == (n_arguments, n_wires)
        assert max(wires) < n
        gates.append((name, wires, [torch.tensor(a, dtype=torch.float64) for a in arguments], bool(found[1])))
    return run_dense(n, gates, strings).numpy(), inputs


CASES = {k: c for k, c in FAMILIES.items() if c.encoding != "amplitude" and c.n_qubits <= 4}
CASES["other bases"] = Circuit(3, 1, readout=("XYZ", "ZIX", ((0.5, "IYI"), (2.0, "ZZZ"))), squash="arctan")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("given", ["nothing", "weights", "all"])
def test_programs_compute_the_circuits_expectation_values(name: str, given: str) -> None:
    circuit = CASES[name]
    rng = np.random.default_rng(0)
    weights = draw_weights(circuit, 1, 3, "uniform")
    x, scaling = rng.uniform(-2, 2, circuit.features), rng.uniform(-1.5, 1.5, circuit.program.n_scales)
    options: dict[str, Any] = {"nothing": {}, "weights": {"weights": weights[0].tolist()}}.get(
        given, {"weights": weights[0].tolist(), "scaling": scaling, "features": x}
    )
    values = {f"x_{i}": v for i, v in enumerate(x)} | {f"lambda_{i}": v for i, v in enumerate(scaling)}
    values |= {f"theta_{i}": v for i, v in enumerate(weights[0].tolist())}
    strings = pauli_strings(circuit.terms, circuit.n_qubits)
    found: dict[str, float] = {}
    for i, basis in enumerate(measurement_settings(circuit.terms, circuit.n_qubits)):
        here = [s for s in strings if all(a in ("I", b) for a, b in zip(s, basis, strict=True))]
        program = to_qasm(circuit, i, **options)
        results, inputs = execute(program, values, [re.sub("[XYZ]", "Z", s) for s in here])
        found |= dict(zip(here, results, strict=True))
        expected = {"nothing": set(values), "weights": {k for k in values if not k.startswith("theta")}}
        assert inputs == expected.get(given, set())
        assert ("exp(" in program) == (circuit.squash == "tanh" and given != "all")
    by_string = np.array([found[s] for s in strings])
    want = read(circuit, states(circuit, weights, x, scaling)).numpy()[0]
    np.testing.assert_allclose(by_string @ circuit.terms.weights, want, atol=1e-12)


PREPARING = re.compile(r"^((?:(?:neg)?ctrl @ )*)ry\((.*)\) (q\[0\](?:, q\[\d+\])*);$")


@pytest.mark.parametrize("features", [[3.0], [-1.0, 2.0], [0.5, -1.0, 0.0, 2.0, -0.3], [0.0, 0.0, 0.0, 0.0, 0.0, -4.0]])
@pytest.mark.parametrize("given", [True, False])
def test_amplitudes_are_prepared_by_controlled_rotations(features: list[float], given: bool) -> None:
    n = 3
    circuit = Circuit(n, 2, len(features), encoding="amplitude")
    angles = preparation_angles(circuit, features)
    program = to_qasm(circuit, features=features) if given else to_qasm(circuit)
    values = {f"prepare_{i}": angle for i, angle in enumerate(angles)}
    assert set(re.findall(r"input float\[64\] (prepare_\d+);", program)) == (set() if given else set(values))
    psi = np.zeros((2,) * n)
    psi[0, 0, 0] = 1.0
    lines = program[program.index("// prepares") :].splitlines()[1:]
    for line in lines[: len(angles)]:
        found = PREPARING.match(line)
        assert found, line
        bits = tuple(int(m == "ctrl") for m in found[1].split(" @ ")[:-1])
        assert re.findall(r"\d+", found[3]) == [str(w) for w in range(len(bits) + 1)]
        half = 0.5 * evaluate(found[2], values)
        turn = np.array([[math.cos(half), -math.sin(half)], [math.sin(half), math.cos(half)]])
        psi[bits] = np.tensordot(turn, psi[bits], 1)
    want = np.zeros(1 << n)
    want[: len(features)] = np.array(features) / np.linalg.norm(features)
    np.testing.assert_allclose(psi.ravel(), want, atol=1e-15)
    rest = lines[len(angles) : -1]
    assert len(rest) == len(circuit.gates)
    assert all(GATE.match(line) for line in rest)


def test_the_program_says_what_it_reads() -> None:
    program = to_qasm(Circuit(2, 1, readout=("XI", ((0.5, "ZZ"), (1.0, "IZ")))), 1)
    assert "// setting 2 of 2: qubits measured in the bases XZ" in program
    assert "// observable 1: 0.5 ZZ + 1 IZ" in program


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: to_qasm(Circuit(2, 1, encoding="amplitude"), features=[1.0]), "features has 1 numbers; expected 2"),
        (lambda: preparation_angles(Circuit(2, 1), [1.0, 0.0]), "encoding='rx'"),
        (lambda: to_qasm(Circuit(2, 1), 1), "setting=1"),
        (lambda: to_qasm(Circuit(2, 1), weights=[1.0]), "weights has 1 numbers; expected 4"),
        (lambda: to_qasm(Circuit(1, 1), weights=[1.0, math.nan]), "nan is no angle"),
    ],
)
def test_what_cannot_be_written_is_named(call: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("width", [60, 140])
def test_drawings_show_every_gate_once(name: str, width: int) -> None:
    circuit = FAMILIES[name]
    drawn = text(circuit, width)
    placed = boxes(circuit)
    assert len(placed) == len(circuit.gates) + (circuit.encoding == "amplitude")
    taken: set[tuple[int, int]] = set()
    for box in placed:
        cells = {(box.column, w) for w in range(min(box.wires), max(box.wires) + 1)}
        assert not cells & taken
        taken |= cells
        for label in box.labels:
            assert label in drawn
    for k in range(circuit.program.n_weights):
        assert re.search(rf"θ{k}\b", drawn)
    pieces = drawn.split("\n\n")
    for piece in pieces:
        lines = piece.splitlines()
        wires = [line for line in lines if ":" in line]
        assert [line[: line.index(":")] for line in wires] == [f"q{i}" for i in range(circuit.n_qubits)]
        assert all(set(line) <= set(" │") for line in lines if ":" not in line)
        if len(pieces) < 1 + max(box.column for box in placed):  # none of which is one wide column alone
            assert max(map(len, lines)) <= width


def test_small_drawings() -> None:
    circuit = Circuit(3, 1, entangler="cnot-ring", rotations=("ry",), trainable_scaling=False)
    assert text(circuit) == (
        "q0: ─RX(x0)─RY(θ0)─●───⊕─⟨Z⟩\n"
        "                   │   │\n"
        "q1: ─RX(x1)─RY(θ1)─⊕─●─┼─⟨Z⟩\n"
        "                     │ │\n"
        "q2: ─RX(x2)─RY(θ2)───⊕─●─⟨Z⟩"
    )
    assert text(CVCircuit(2, 1, squash="tanh"), 200) == (
        "m0: ─D(tanh(λ0 x0))─BS(θ0,θ1)─R(θ2)─S(θ4,θ6)─BS(θ8,θ9)─R(θ10)─D(θ12,θ14)─K(θ16)─⟨x⟩\n"
        "                        │                        │\n"
        "m1: ─D(tanh(λ1 x1))─BS(θ0,θ1)─R(θ3)─S(θ5,θ7)─BS(θ8,θ9)─R(θ11)─D(θ13,θ15)─K(θ17)─⟨x⟩"
    )
