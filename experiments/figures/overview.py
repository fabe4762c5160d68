"""Figure "overview": a day of operation for the quantum agent and the optimum; gap closed of every arm."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from entangrid.experiments import store, wording
from entangrid.experiments.figures.day import typical_day
from entangrid.experiments.figures.style import COLOURS, apply

if TYPE_CHECKING:
    from entangrid.experiments.evidence import Evidence


def draw(evidence: Evidence, path: Path) -> Path:
    """Draw the figure from the stored runs into a PNG file; returns its path."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    apply(plt)
    shown = _days(evidence)
    figure = plt.figure(figsize=(10.5, max(5.0, 0.22 * len(evidence.scores.variants))), layout="constrained")
    grid = figure.add_gridspec(len(shown), 2, width_ratios=(1.55, 1.0))
    first: Any = None
    for i, (label, day) in enumerate(shown.items()):
        axes = figure.add_subplot(grid[i, 0], sharex=first, sharey=first)
        first = first or axes
        _day(axes, label, day, last=i == len(shown) - 1)
    _gaps(figure.add_subplot(grid[:, 1]), evidence)
    if evidence.notes:
        said = "\n".join(textwrap.fill(note, 150) for note in evidence.notes)
        figure.supxlabel(said, fontsize=8, x=0.01, ha="left")
    store.write_atomically(path, lambda to: figure.savefig(to, format="png"))
    plt.close(figure)
    return path


def _days(evidence: Evidence) -> dict[str, pd.DataFrame]:
    """The same day for two arms: a quantum one, or else a learning one or any, and the optimum or any other."""
    variants = list(evidence.scores.variants.values())
    by_interest = sorted(variants, key=lambda v: (not v.is_quantum, not v.learns, v.controller == "optimum"))
    other = [v for v in variants if v.controller == "optimum"] or by_interest[1:]
    days: dict[str, pd.DataFrame] = {}
    for variant in dict.fromkeys(v.label for v in (by_interest[0], *other[:1])):
        seeds = evidence.scores.variants[variant].seeds
        label = f"{variant}, seed {seeds[0]}" if seeds else variant
        days[label] = typical_day(evidence.weeks_of_operation[variant])
    return days


def _day(axes: Any, label: str, day: pd.DataFrame, *, last: bool) -> None:
    hours = (day["time"] - day["time"].iloc[0].normalize()).dt.total_seconds() / 3600.0
    price = day["price_import_eur_kwh"]
    high = price >= price.max() - 1e-9
    step_h = float(hours.iloc[1] - hours.iloc[0])
    for hour in hours[high]:
        axes.axvspan(hour, hour + step_h, color="#f3e6c8", lw=0)
    axes.step(hours, day["p_pv_kw"], where="post", color="#E69F00", lw=1.2, label="PV")
    axes.step(hours, day["p_load_kw"], where="post", color="#666666", lw=1.0, label="appliances")
    axes.step(hours, day["p_hp_kw"], where="post", color="#D55E00", lw=1.4, label="heat pump")
    axes.step(hours, day["p_battery_kw"], where="post", color="#0072B2", lw=1.4, label="battery (charging > 0)")
    axes.axhline(0.0, color="k", lw=0.5)
    axes.set_ylabel("power [kW]")
    axes.set_title(f"{label}: {day['time'].iloc[0]:%A, %d %B}")
    axes.set_xlim(0, 24)
    axes.set_xticks(range(0, 25, 3))
    right = axes.twinx()
    right.spines["right"].set_visible(True)
    right.plot(hours, day["t_air_mean_c"], color="#009E73", lw=1.2, label="indoor temperature")
    right.plot(
        hours,
        16.0 + 10.0 * day["soc"],
        color="#0072B2",
        lw=1.0,
        ls=":",
        label="state of charge (16 = empty, 26 = full)",
    )
    right.set_ylim(15.5, 26.5)
    right.set_ylabel("indoor [°C]")
    if last:
        axes.set_xlabel("hour (standard time); shaded: highest tariff")
        handles = [*axes.get_legend_handles_labels()[0], *right.get_legend_handles_labels()[0]]
        axes.legend(
            handles, [handle.get_label() for handle in handles], loc="upper center", bbox_to_anchor=(0.5, -0.28), ncol=3
        )


def _gaps(axes: Any, evidence: Evidence) -> None:
    found = evidence.gaps
    names = list(found)[::-1]
    for y, name in enumerate(names):
        gap = found[name]
        if gap is None:
            continue
        colour = COLOURS.get(evidence.scores.variants[name].controller, "#009E73")
        if gap.low == gap.low:
            axes.plot([gap.low, gap.high], [y, y], color=colour, lw=5, alpha=0.35, solid_capstyle="butt")
        axes.plot(gap.mean, y, "|", color=colour, ms=14, mew=2.2)
        if gap.per_seed.size > 1:
            axes.plot(gap.per_seed, [y - 0.22] * gap.per_seed.size, "o", color=colour, ms=4, mec="white", mew=0.5)
        axes.annotate(
            f"{gap.mean:.2f}", (gap.mean, y), xytext=(0, 9), textcoords="offset points", ha="center", color=colour
        )
    axes.axvline(0.0, color="#999999", lw=0.8)
    axes.axvline(1.0, color="k", lw=0.8)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    over = wording.resampled(evidence.scores)
    bar = (
        f"bar: {evidence.confidence * 100:g} % over {over}; points: seeds" if over else "one run, one week: no interval"
    )
    verdicts = [f"{c.a} against {c.b}: {wording.verdict(c)}" for c in evidence.comparisons]
    under = [line for each in verdicts for line in textwrap.wrap(each, 46)]
    axes.set_xlabel("\n".join(["gap closed (0 = no control, 1 = perfect foresight)", bar, *under[:8]]))
    axes.set_xlim(right=max(1.08, axes.get_xlim()[1]))
    axes.set_title("Gap closed")
