"""A circuit drawn as boxes on wires."""

from __future__ import annotations

from pathlib import Path

from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.cv import CVCircuit
from entangrid.agents.quantum.drawing import Box, boxes
from entangrid.data.errors import InputError
from entangrid.experiments import store
from entangrid.experiments.figures.style import apply

FORMATS = (".png", ".svg", ".pdf")
_COLUMNS = 24  # in one row of the drawing
_LETTER = 0.075  # inches
_DOTS = ("●", "⊕")


def draw(circuit: Circuit | CVCircuit, path: Path) -> Path:
    """Draw the circuit into a file; gates that encode are shaded. Raises InputError for an unknown ending."""
    if path.suffix not in FORMATS:
        raise InputError(f"{path}: ending {path.suffix!r} is unknown; expected one of {', '.join(FORMATS)}")
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    apply(plt)
    n, letter = (circuit.n_modes, "m") if isinstance(circuit, CVCircuit) else (circuit.n_qubits, "q")
    placed = boxes(circuit)
    rows = [
        [box for box in placed if box.column // _COLUMNS == row]
        for row in range(1 + max((box.column for box in placed), default=0) // _COLUMNS)
    ]
    widths = [_widths(row) for row in rows]
    size = max((sum(w.values()) for w in widths), default=1.0) + 0.8
    figure, grid = plt.subplots(len(rows), 1, figsize=(size, (0.42 * n + 0.3) * len(rows)), squeeze=False)
    for axes, row, width in zip(grid[:, 0], rows, widths, strict=True):
        at, left = 0.4, {}
        for column, needed in sorted(width.items()):
            left[column] = at + needed / 2
            at += needed
        for wire in range(n):
            axes.plot([0.3, size - 0.3], [-wire, -wire], color="#444444", lw=0.8, zorder=0)
            axes.text(0.2, -wire, f"{letter}{wire}", ha="right", va="center")
        for box in row:
            _gate(axes, box, left[box.column])
        axes.set_xlim(0, size)
        axes.set_ylim(-n + 0.4, 0.6)
        axes.axis("off")
    figure.subplots_adjust(left=0.0, right=1.0, bottom=0.0, top=1.0, hspace=0.1)
    store.write_atomically(path, lambda to: figure.savefig(to, format=path.suffix[1:]))
    plt.close(figure)
    return path


def _widths(row: list[Box]) -> dict[int, float]:
    """Inches that each column needs."""
    out: dict[int, float] = {}
    for box in row:
        needed = 0.2 + _LETTER * max(len(label) for label in box.labels)
        out[box.column] = max(out.get(box.column, 0.25), needed)
    return out


def _gate(axes: object, box: Box, x: float) -> None:
    plot, text = axes.plot, axes.text  # type: ignore[attr-defined]
    if len(box.wires) > 1:
        plot([x, x], [-min(box.wires), -max(box.wires)], color="#444444", lw=0.8, zorder=1)
    for wire, label in zip(box.wires, box.labels, strict=True):
        if label in _DOTS:
            plot(x, -wire, "o", color="#222222" if label == "●" else "white", mec="#222222", ms=5, zorder=2)
            if label == "⊕":
                plot(x, -wire, "+", color="#222222", ms=5, zorder=3)
            continue
        colour = "#f3e6c8" if box.encodes else "white"
        frame = {"boxstyle": "square,pad=0.25", "fc": colour, "ec": "#222222", "lw": 0.7}
        text(x, -wire, label, ha="center", va="center", fontsize=7.0, bbox=frame, zorder=2)
