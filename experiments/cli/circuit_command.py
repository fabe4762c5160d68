"""``entangrid circuit``: what a circuit is, what its gradients cost, and as OpenQASM 3."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from entangrid.agents.quantum.circuit import Circuit
    from entangrid.agents.quantum.cv import CVCircuit


def circuit(
    source: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG",
            help="a circuit of the papers (skolik2022, ...), a study, or a YAML or JSON file of a circuit's fields",
        ),
    ],
    qasm: Annotated[Path | None, typer.Option(help="write OpenQASM 3 into this file")] = None,
    figure: Annotated[Path | None, typer.Option(help="draw into this file (png, svg, pdf)")] = None,
    batch: Annotated[int, typer.Option(help="samples of a gradient step", min=1)] = 64,
    analyse: Annotated[bool, typer.Option("--analyse", help="sample what the circuit can do (slower)")] = False,
    width: Annotated[int, typer.Option(help="columns of the drawing (default: the terminal's)", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print the numbers as JSON, without the drawing")] = False,
) -> None:
    """Draw a circuit and print its parameters, depth, two-qubit gates and executions per gradient step.

    Examples:  entangrid circuit skolik2022  |  entangrid circuit my-study.yaml --qasm circuit.qasm
    """
    import json

    from entangrid.agents.quantum.drawing import text
    from entangrid.data.errors import InputError
    from entangrid.experiments.cli import circuit_report
    from entangrid.experiments.cli.circuit_report import analysis_lines, cost_lines, title

    if as_json and analyse:
        raise InputError("--json and --analyse: expected one of them")
    for option, path in (("--qasm", qasm), ("--figure", figure)):
        if path is not None and not path.name:
            raise InputError(f"{option} {str(path)!r}: expected the name of a file")
    found = load(source)
    if as_json:
        for name, one in found.items():
            _write(one, qasm, figure, "" if len(found) == 1 else f"-{name}")
        typer.echo(json.dumps([circuit_report.as_json(name, one, batch) for name, one in found.items()], indent=1))
        return
    columns = width or max(shutil.get_terminal_size((110, 24)).columns, 60)
    for number, (name, one) in enumerate(found.items()):
        typer.echo("\n" * (number > 0) + title(name, one))
        typer.echo("\n" + text(one, columns) + "\n")
        for line in cost_lines(one, batch):
            typer.echo(line)
        if analyse:
            for line in analysis_lines(one):
                typer.echo(line)
        suffix = "" if len(found) == 1 else f"-{name}"
        for path in _write(one, qasm, figure, suffix):
            typer.echo(f"written: {path}")


def load(source: str) -> dict[str, Circuit | CVCircuit]:
    """The circuits that a word or a file names; raises InputError naming file and field."""
    from entangrid.agents.quantum.library import LIBRARY
    from entangrid.data.errors import InputError
    from entangrid.experiments import config

    if source in LIBRARY:
        return {source: LIBRARY[source]()}
    path = Path(source)
    if path.suffix not in (".yaml", ".yml", ".json") and not path.is_file():
        if source in config.packaged():
            return _of_study(source)
        known = [*LIBRARY, *config.packaged()]
        raise InputError(
            f"circuit {source!r} is unknown; expected a YAML or JSON file or one of: {', '.join(known)}"
            + config.did_you_mean(source, known)
        )
    content = _read(path)
    if "arms" in content:
        return _of_study(source)
    try:
        return {path.stem: _of_fields(content)}
    except (InputError, TypeError) as error:
        raise InputError(f"{path}: {error}") from None


def _read(path: Path) -> dict[str, Any]:
    import yaml

    from entangrid.data.errors import InputError

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: cannot be read: not UTF-8 text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}, column {mark.column + 1}:" if mark else ""
        raise InputError(f"{path}:{where} not valid YAML or JSON") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds {type(content).__name__}; expected a study or the fields of a circuit")
    return content


def _of_fields(content: dict[str, Any]) -> Circuit | CVCircuit:
    from entangrid.agents.quantum.circuit import Circuit
    from entangrid.agents.quantum.cv import CVCircuit
    from entangrid.data.errors import InputError

    if "n_modes" in content:
        return CVCircuit.from_dict(content)
    if "n_qubits" not in content:
        raise InputError("n_qubits: missing; expected the fields of a circuit of qubits (n_qubits) or modes (n_modes)")
    return Circuit.from_dict(content)


def _of_study(source: str) -> dict[str, Circuit | CVCircuit]:
    """The circuits of a study's quantum arms, at the length of observation that its scenario gives."""
    from entangrid.data.errors import InputError
    from entangrid.experiments import building, config, plan, setting

    study = config.load(source)
    arms = {name: arm for name, arm in study.arms.items() if isinstance(arm, config.QuantumArm)}
    if not arms:
        raise InputError(f"{source}: arms: none is quantum; expected one such as ppo-quantum")
    found: dict[str, Circuit | CVCircuit] = {}
    for run in plan.plan(study, check=False):  # every arm and value of a sweep once
        if run.arm in arms and run.seed == run.study.training.seed_list[0]:
            values = "".join(f", {path}={value}" for path, value in run.axes.items())
            for role, circuit in building.circuits(
                run.study, run.arm, setting.make(run.study, arm=run.arm).train
            ).items():
                found[run.arm + (" critic" if role == "critic" else "") + values] = circuit
    return found


def _write(circuit: Circuit | CVCircuit, qasm: Path | None, figure: Path | None, suffix: str) -> list[Path]:
    from entangrid.agents.quantum.cv import CVCircuit
    from entangrid.data.errors import InputError
    from entangrid.experiments import store

    programs: dict[Path, str] = {}
    if qasm is not None:
        if isinstance(circuit, CVCircuit):
            raise InputError("--qasm: OpenQASM 3 knows qubits, and this circuit has qumodes")
        from entangrid.agents.quantum.analysis_cost import measurement_settings
        from entangrid.agents.quantum.qasm import to_qasm

        settings = measurement_settings(circuit.terms, circuit.n_qubits)
        for i in range(len(settings)):
            number = "" if len(settings) == 1 else f"-{i + 1}"
            programs[qasm.with_name(f"{qasm.stem}{suffix}{number}{qasm.suffix}")] = to_qasm(circuit, i)
    for path, program in programs.items():
        store.write_atomically(path, lambda to, program=program: to.write_text(program, encoding="utf-8"))  # type: ignore[misc]
    if figure is None:
        return list(programs)
    from entangrid.experiments.figures import circuit as drawing

    return [*programs, drawing.draw(circuit, figure.with_name(f"{figure.stem}{suffix}{figure.suffix}"))]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(circuit)
