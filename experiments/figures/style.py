"""One look for all figures: an arm keeps its colour, text stays readable in print."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from entangrid.experiments.scores import Variant

#: Okabe and Ito's colour-blind-safe palette, DOI 10.1038/nmeth.1618
COLOURS = {
    "no-control": "#999999",
    "self-consumption": "#E69F00",
    "optimum": "#000000",
    "ppo-mlp": "#56B4E9",
    "ppo-mlp-matched": "#0072B2",
    "ppo-quantum": "#CC79A7",
}

#: By kind of arm (:mod:`entangrid.experiments.kinds`): dark enough for words on white, told apart by marks as well
KIND_COLOURS = {
    "rule": "#6b6b6b",
    "planning": "#000000",
    "classical": "#0072B2",
    "quantum": "#D55E00",
    "ablation": "#A0528A",
}
KIND_MARKERS = {"rule": "s", "planning": "D", "classical": "o", "quantum": "^", "ablation": "v"}


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


#: Slots of the palette in ``chart.css`` by kind of controller, in the order in which arms take them
_SLOTS = {"quantum": (0, 6, 7), "classical": (1, 2, 8, 9), "rule": (3, 9), "no-control": (4,), "optimum": (5,)}


def classes(variants: Iterable[Variant]) -> dict[str, str]:
    """The CSS classes of every variant by label; when a kind's colours are used up, lines are dashed."""
    taken: dict[str, int] = {}
    out = {}
    for variant in variants:
        if variant.is_reference:
            kind = variant.controller
        else:
            kind = "rule" if not variant.learns else "quantum" if variant.is_quantum else "classical"
        n = taken[kind] = taken.get(kind, -1) + 1
        slots = _SLOTS[kind]
        dash = (n // len(slots)) % 3
        out[variant.label] = f"c{slots[n % len(slots)]}" + (f" dash{dash}" if dash else "")
    return out
