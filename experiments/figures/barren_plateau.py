"""Variance of gradients over the number of qubits: a straight line downwards is a barren plateau."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from entangrid.data.errors import InputError
from entangrid.experiments import store
from entangrid.experiments.figures.style import apply

if TYPE_CHECKING:
    from entangrid.agents.quantum.analysis import GradientVariance

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def draw(curves: Mapping[str, Sequence[GradientVariance]], path: Path) -> Path:
    """Draw one curve a name, each from `analysis.barren_plateau`, into a PNG file; bars are two standard errors.
    Raises InputError for no curve."""
    if not any(curves.values()):
        raise InputError("figure barren_plateau: there is no curve to draw")
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    apply(plt)
    figure, axes = plt.subplots(figsize=(4.6, 3.2), layout="constrained")
    for i, (name, rows) in enumerate(curves.items()):
        axes.errorbar(
            [row.n_qubits for row in rows],
            [row.mean for row in rows],
            yerr=[2.0 * row.standard_error for row in rows],
            marker="o",
            ms=4,
            lw=1.3,
            capsize=2.5,
            color=_COLOURS[i % len(_COLOURS)],
            label=name,
        )
    axes.set_yscale("log")
    axes.set_xticks(sorted({row.n_qubits for rows in curves.values() for row in rows}))
    axes.set_xlabel("qubits")
    axes.set_ylabel("variance of the gradient, mean over weights")
    axes.set_title("Gradients at initialisation")
    axes.legend()
    store.write_atomically(path, lambda to: figure.savefig(to, format="png"))
    plt.close(figure)
    return path
