"""`entangrid circuit`: what it prints for papers' circuits, files and studies, what it writes, what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from entangrid.agents.quantum import Circuit
from entangrid.agents.quantum.analysis import barren_plateau
from entangrid.agents.quantum.qasm import to_qasm
from entangrid.data.errors import InputError
from entangrid.experiments.cli import app
from entangrid.experiments.cli.circuit_command import load
from entangrid.experiments.figures import barren_plateau as barren_plateau_figure
from entangrid.experiments.figures import circuit as circuit_figure

STUDY = """
name: two
scenario: bundled-home
split: {months: [1], test_every: 2}
arms:
  no-control: {controller: no-control}
  small: {controller: ppo-quantum, circuit: {n_qubits: 4, n_layers: 4}}
  large: {controller: ppo-quantum, circuit: {n_qubits: 6, n_layers: 3}}
  best: {controller: optimum}
"""


def circuit(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["circuit", *map(str, arguments)])


def value(result: Result, row: str) -> str:
    assert result.exit_code == 0, result.output
    return re.search(rf"^ *{row} +(\S+)", result.output, re.MULTILINE)[1]  # type: ignore[index]


def test_a_papers_circuit() -> None:
    shown = circuit("skolik2022", "--batch", "16", "--width", "80")
    assert shown.output.startswith(
        "skolik2022: 4 qubits, 5 layers, reuploading, cz-ring, 4 inputs, 2 outputs\n\nq0: ─RX"
    )
    assert max(map(len, shown.output.splitlines()[:20])) <= 80
    assert value(shown, "parameters") == "62"
    assert value(shown, "depth") == "35"  # 5 times three rotations and four gates that wait for one another
    assert value(shown, "two-qubit gates") == "20"
    assert value(shown, "measurement settings") == "1"
    assert value(shown, "parameter shift") == str(16 * (1 + 2 * 60))
    assert value(shown, "adjoint") == "32"
    assert "Z0 Z1, Z2 Z3" in shown.output


def test_numbers_as_json(tmp_path: Path) -> None:
    (found,) = json.loads(circuit("skolik2022", "--batch", "16", "--json").output)
    assert (found["qubits"], found["parameters"], found["depth"], found["two_qubit_gates"]) == (4, 62, 35, 20)
    assert found["executions_parameter_shift"] == 16 * (1 + 2 * 60)
    assert found["executions_adjoint"] == 32
    assert sum(found["parameters_by_group"].values()) == 62
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    both = json.loads(circuit(tmp_path / "study.yaml", "--json", "--qasm", tmp_path / "c.qasm").output)
    assert [one["circuit"] for one in both] == ["small", "large"]
    assert len(list(tmp_path.glob("c-*.qasm"))) == 2
    (tmp_path / "modes.yaml").write_text("n_modes: 2\nn_layers: 3\n", encoding="utf-8")
    (modes,) = json.loads(circuit(tmp_path / "modes.yaml", "--json").output)
    assert modes["modes"] == 2
    assert modes["executions_parameter_shift"] is None  # behind Kerr gates
    refused = circuit("skolik2022", "--json", "--analyse")
    assert str(refused.exception) == "--json and --analyse: expected one of them"


def test_files_of_fields(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("n_qubits: 3\nn_layers: 2\nreadout: [XII, [[0.5, ZZI], [2, IIZ]]]\n")
    shown = circuit(tmp_path / "mine.yaml", "--qasm", tmp_path / "mine.qasm", "--figure", tmp_path / "mine.svg")
    assert value(shown, "measurement settings") == "2"
    assert "X0, 0.5 Z0 Z1 + 2 Z2" in shown.output
    described = load(str(tmp_path / "mine.yaml"))["mine"]
    assert isinstance(described, Circuit)
    for i in (0, 1):
        assert (tmp_path / f"mine-{i + 1}.qasm").read_text(encoding="utf-8") == to_qasm(described, i)
    assert "<svg" in (tmp_path / "mine.svg").read_text(encoding="utf-8")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine-1.qasm", "mine-2.qasm", "mine.svg", "mine.yaml"]


def test_qumodes(tmp_path: Path) -> None:
    path = tmp_path / "cv.json"
    path.write_text(json.dumps({"n_modes": 2, "n_layers": 3, "cutoff": 7}))
    shown = circuit(path, "--figure", tmp_path / "cv.png")
    assert "2 modes, 3 layers, cutoff 7" in shown.output
    assert value(shown, "parameters") == str(3 * 18 + 2)
    assert value(shown, "two-mode gates") == "6"
    assert value(shown, "amplitudes") == "49"
    assert value(shown, "parameter shift") == "-"
    assert (tmp_path / "cv.png").read_bytes()[:4] == b"\x89PNG"
    path.write_text(json.dumps({"n_modes": 1, "kerr": False}))
    assert value(circuit(path), "parameter shift") == str(64 * (1 + 2 * 7))
    refused = circuit(path, "--qasm", tmp_path / "cv.qasm")
    assert isinstance(refused.exception, InputError)
    assert "qumodes" in str(refused.exception)


def test_every_quantum_arm_of_a_study(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(STUDY)
    shown = circuit(tmp_path / "two.yaml", "--qasm", tmp_path / "out.qasm")
    assert shown.exit_code == 0, shown.output
    titles = re.findall(r"^(\w+): (\d) qubits, (\d) layers, .*, (\d+) inputs", shown.output, re.MULTILINE)
    assert [t[:3] for t in titles] == [("small", "4", "4"), ("large", "6", "3")]
    assert titles[0][3] == titles[1][3]
    for name, n in (("small", 4), ("large", 6)):
        assert f"qubit[{n}] q;" in (tmp_path / f"out-{name}.qasm").read_text()


def test_what_sampling_says() -> None:
    shown = circuit("jerbi2021", "--analyse")
    assert float(value(shown, "expressibility")) < 0.05
    assert 0.7 < float(value(shown, "entangling capability")) < 0.85
    assert float(value(shown, "variance of gradients")) > 0
    assert re.search(r"frequencies in x0 +6  0, 1, 2, 3, 4, 5", shown.output)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("n_qubits: 2\nlayers: 3\n", "circuit.yaml: .*'layers' is no field"),
        ("n_layers: 3\n", "circuit.yaml: .*n_qubits"),
        ("n_qubits: two\n", "circuit.yaml: .*n_qubits='two'"),
        ("n_qubits: [\n", "line 2, column 1: not valid YAML"),
        ("- 1\n", "holds list"),
        ("n_modes: 9\n", "n_modes=9"),
        ("name: x\narms: {a: {controller: no-control}, b: {controller: optimum}}\n", "none is quantum"),
        ("name: x\narms: {}\n", "arms"),
    ],
)
def test_bad_files_are_named(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "circuit.yaml").write_text(content)
    refused = circuit(tmp_path / "circuit.yaml")
    assert isinstance(refused.exception, InputError)
    assert re.search(words, str(refused.exception))


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'skolik2021' is unknown.*jerbi2021.*did you mean 'skolik2022'"):
        load("skolik2021")
    with pytest.raises(InputError, match=r"nothing\.yaml: cannot be read"):
        load(str(tmp_path / "nothing.yaml"))
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        load(str(tmp_path / "bytes.yaml"))
    with pytest.raises(InputError, match=r"ending '\.gif'"):
        circuit_figure.draw(Circuit(1, 1), tmp_path / "x.gif")


def test_help_and_counting_need_no_torch() -> None:
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from entangrid.experiments.cli import app\n"
        "assert 'circuit' in CliRunner().invoke(app, ['--help']).output\n"
        "assert not {'torch', 'matplotlib', 'pandas', 'yaml'} & set(sys.modules)\n"
        "assert CliRunner().invoke(app, ['circuit', 'chen2020']).exit_code == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_barren_plateau_figure(tmp_path: Path) -> None:
    rows = barren_plateau(Circuit(2, 1), (2, 3), 10)
    path = barren_plateau_figure.draw({"re-uploading": rows}, tmp_path / "plateau.png")
    assert path.read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(InputError, match="no curve"):
        barren_plateau_figure.draw({}, path)
