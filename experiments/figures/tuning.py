"""Figure "tuning": the best score so far of every arm over the environment steps that its search has spent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from entangrid.experiments import store

if TYPE_CHECKING:
    import pandas as pd


def draw(trials: pd.DataFrame, path: Path) -> Path:
    """Draw the table of :func:`entangrid.experiments.tuning.published.trials` into a PNG file; returns it."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.0, 3.6), layout="constrained")
    for arm, own in trials.groupby("arm", sort=False):
        (line,) = axes.step(own["spent"], own["best"], where="post", label=str(arm))
        axes.scatter(own["spent"], own["score"], s=12, color=line.get_color(), alpha=0.5)
    axes.set(xlabel="environment steps spent", ylabel="validation objective, EUR a week")
    axes.set_title("Best so far (lines) and every complete trial (dots)", loc="left", fontsize=10)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    store.write_atomically(path, lambda to: figure.savefig(to, dpi=150, format="png"))
    plt.close(figure)
    return path
