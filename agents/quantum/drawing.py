"""Circuits drawn as text, and the columns that any drawing is made of."""

from __future__ import annotations

from typing import NamedTuple

from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.cv import CVCircuit, CVGate
from entangrid.agents.quantum.program import Angle, Gate

_TARGETS = {"cnot": "⊕", "cx": "⊕", "cz": "●"}
_CV = {"displacement": "D", "squeezing": "S", "rotation": "R", "kerr": "K", "beam-splitter": "BS"}
_MEASURED = {"z": "⟨Z⟩", "x": "⟨x⟩", "n": "⟨n⟩", "xn": "⟨x⟩⟨n⟩"}


class Box(NamedTuple):
    """What is drawn of one gate: its column, and a label for each of its wires."""

    column: int
    wires: tuple[int, ...]
    labels: tuple[str, ...]
    encodes: bool


def boxes(circuit: Circuit | CVCircuit) -> list[Box]:
    """Every gate as early as its wires, and those it is drawn across, are free."""
    cv = isinstance(circuit, CVCircuit)
    n = circuit.n_modes if isinstance(circuit, CVCircuit) else circuit.n_qubits
    free, out = [0] * n, []
    drawn = [_cv_box(circuit, g) for g in circuit.gates()] if isinstance(circuit, CVCircuit) else [
        _qubit_box(circuit, g) for g in circuit.gates
    ]  # fmt: skip
    if not cv and isinstance(circuit, Circuit) and circuit.encoding == "amplitude":
        drawn.insert(0, (tuple(range(n)), ("|x⟩",) * n, True))
    for wires, labels, encodes in drawn:
        span = range(min(wires), max(wires) + 1)
        column = max(free[w] for w in span)
        for w in span:
            free[w] = column + 1
        out.append(Box(column, wires, labels, encodes))
    return out


def text(circuit: Circuit | CVCircuit, width: int = 100) -> str:
    """The circuit in Unicode, broken into pieces of at most `width` columns.

    θ are the weights, λ the input scalings, x the features: the observation, or what an input layer makes of it.
    """
    n, letter = (circuit.n_modes, "m") if isinstance(circuit, CVCircuit) else (circuit.n_qubits, "q")
    placed = boxes(circuit)
    columns = 1 + max((box.column for box in placed), default=-1)
    cells = [["" for _ in range(n)] for _ in range(columns)]
    links = [[False] * n for _ in range(columns)]  # below each wire
    for box in placed:
        for wire, label in zip(box.wires, box.labels, strict=True):
            cells[box.column][wire] = label
        for wire in range(min(box.wires), max(box.wires)):
            links[box.column][wire] = True
            if wire > min(box.wires) and wire not in box.wires:
                cells[box.column][wire] = "┼"
    head = len(f"{letter}{n - 1}: ")
    measured = _MEASURED.get(circuit.readout, "") if isinstance(circuit.readout, str) else ""
    pieces: list[list[str]] = []
    first = 0
    while first < columns or not pieces:
        last, used = first, head
        while last < columns and (last == first or used + _width(cells[last]) + 1 <= width - 6):
            used += _width(cells[last]) + 1
            last += 1
        pieces.append(_piece(cells[first:last], links[first:last], letter, head, measured if last == columns else "…"))
        first = last
        if not columns:
            break
    return "\n\n".join("\n".join(line.rstrip() for line in piece) for piece in pieces)


def _width(labels: list[str]) -> int:
    return max(len(label) for label in labels)


def _piece(cells: list[list[str]], links: list[list[bool]], letter: str, head: int, end: str) -> list[str]:
    n = len(cells[0]) if cells else 0
    lines = []
    for wire in range(n):
        line, below = f"{letter}{wire}: ".ljust(head) + "─", " " * (head + 1)
        for labels, link in zip(cells, links, strict=True):
            size = _width(labels)
            line += labels[wire].center(size, "─") + "─"
            below += ("│" if link[wire] else " ").center(size) + " "
        lines += [line + end, below] if below.strip() else [line + end]
    return lines


def _qubit_box(circuit: Circuit, gate: Gate) -> tuple[tuple[int, ...], tuple[str, ...], bool]:
    dagger = "†" if gate.inverse else ""
    encodes = any(angle.input >= 0 for angle in gate.angles)
    if not gate.angles and len(gate.wires) > 1:
        target = _TARGETS.get(gate.name, gate.name.upper())
        return gate.wires, (*["●"] * (len(gate.wires) - 1), target + dagger), False
    if gate.name.startswith("c") and len(gate.wires) == 2:
        return gate.wires, ("●", f"{gate.name[1:].upper()}{dagger}({_angles(circuit, gate.angles)})"), encodes
    inner = f"({_angles(circuit, gate.angles)})" if gate.angles else ""
    return gate.wires, (f"{gate.name.upper()}{dagger}{inner}",) * len(gate.wires), encodes


def _angles(circuit: Circuit, angles: tuple[Angle, ...]) -> str:
    return ", ".join(angle_text(circuit, angle) for angle in angles)


def angle_text(circuit: Circuit, angle: Angle) -> str:
    """An angle in words, such as "tanh(λ0 x0)+θ3"."""
    parts = []
    if angle.input >= 0:
        inner = f"λ{angle.scale} x{angle.input}" if angle.scale >= 0 else f"x{angle.input}"
        inner = f"{circuit.squash}({inner})" if circuit.squash in ("tanh", "arctan") else inner
        parts.append(_factor(angle.factor) + inner)
    if angle.weight >= 0:
        parts.append(f"θ{angle.weight}")
    if angle.offset:
        parts.append(f"{angle.offset:.4g}")
    return "+".join(parts) or "0"


def _factor(value: float) -> str:
    if value == 1.0:
        return ""
    return "π " if abs(value - 3.141592653589793) < 1e-12 else f"{value:.4g} "


def _cv_box(circuit: CVCircuit, gate: CVGate) -> tuple[tuple[int, ...], tuple[str, ...], bool]:
    if gate.input >= 0:
        inner = f"λ{gate.scale} x{gate.input}" if gate.scale >= 0 else f"x{gate.input}"
        inner = f"{circuit.squash}({inner})" if circuit.squash in ("tanh", "arctan") else inner
        return gate.modes, (f"D({inner})",), True
    inner = ",".join(f"θ{w}" for w in gate.weights)
    return gate.modes, (f"{_CV[gate.name]}({inner})",) * len(gate.modes), False
