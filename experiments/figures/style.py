"""One look for all figures: an arm keeps its colour, text stays readable in print."""

from __future__ import annotations

from typing import Any

#: Okabe and Ito's colour-blind-safe palette, DOI 10.1038/nmeth.1618
COLOURS = {
    "no-control": "#999999",
    "self-consumption": "#E69F00",
    "optimum": "#000000",
    "ppo-mlp": "#56B4E9",
    "ppo-mlp-matched": "#0072B2",
    "ppo-quantum": "#CC79A7",
}


def apply(plt: Any) -> None:
    """Set matplotlib's defaults."""
    plt.rcParams.update(
        {
            "figure.dpi": 150,
            "font.size": 8.5,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 9.5,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "legend.frameon": False,
        }
    )
