"""Figure "overview": a day of operation for the quantum agent and the optimum; gap closed of every arm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from entangrid.data.errors import InputError
from entangrid.experiments import store, tidy
from entangrid.experiments.config import QuantumArm
from entangrid.experiments.figures.style import COLOURS, apply
from entangrid.experiments.plan import Run


def draw(runs: list[Run], frame: pd.DataFrame, out: Path) -> Path:
    """Draw the figure from the stored runs and write ``overview.png`` into the study's folder; returns its path."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    apply(plt)
    shown = _days(runs, out)
    figure = plt.figure(figsize=(10.5, 5.0), layout="constrained")
    grid = figure.add_gridspec(len(shown), 2, width_ratios=(1.55, 1.0))
    first: Any = None
    for i, (label, day) in enumerate(shown.items()):
        axes = figure.add_subplot(grid[i, 0], sharex=first, sharey=first)
        first = first or axes
        _day(axes, label, day, last=i == len(shown) - 1)
    _gaps(figure.add_subplot(grid[:, 1]), frame)
    path = out / "overview.png"
    store.write_atomically(path, lambda to: figure.savefig(to, format="png"))
    plt.close(figure)
    return path


def _days(runs: list[Run], out: Path) -> dict[str, pd.DataFrame]:
    """The same day for the first quantum run and the optimum: that of the first held-out week with the median PV."""
    wanted: dict[str, Run] = {}
    for run in runs:
        if isinstance(run.config, QuantumArm) or run.config.controller == "optimum":
            wanted.setdefault(run.config.controller, run)
    if not wanted:
        raise InputError("figure overview: the study has neither a quantum arm nor an optimum")
    days: dict[str, pd.DataFrame] = {}
    for controller in ("ppo-quantum", "optimum"):
        if controller in wanted:
            run = wanted[controller]
            week = store.read_frame(out / "runs" / run.folder / store.FIRST_WEEK)
            date = week["time"].dt.normalize()
            by_pv = week.groupby(date)["p_pv_kw"].sum().sort_values()
            label = run.arm if run.seed is None else f"{run.arm}, seed {run.seed}"
            days[label] = week[date == by_pv.index[len(by_pv) // 2]]
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


def _gaps(axes: Any, frame: pd.DataFrame) -> None:
    found = tidy.gaps(frame)
    controllers = frame.drop_duplicates("arm").set_index("arm")["controller"]
    names = list(found)[::-1]
    for y, name in enumerate(names):
        gap = found[name]
        if gap is None:
            continue
        colour = COLOURS.get(str(controllers[name]), "#009E73")
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
    axes.set_xlabel(
        "gap closed (0 = no control, 1 = perfect foresight)\n"
        f"bar: 95 % over held-out weeks; points: seeds\n{tidy.closing_line(frame)}"
    )
    axes.set_xlim(right=max(1.08, axes.get_xlim()[1]))
    axes.set_title("Gap closed")
