"""Tables in the terminal."""

from __future__ import annotations

import math

import pandas as pd
from rich.console import Console
from rich.table import Table

from entangrid.experiments import tidy
from entangrid.experiments.config import StudyConfig


def print_summary(study: StudyConfig, frame: pd.DataFrame, console: Console | None = None) -> None:
    """Print one row an arm, and under it what the number of seeds allows one to say."""
    console = console or Console(width=None if Console().is_terminal else 150)
    summary = tidy.summary(frame)
    weeks = frame["week"].nunique()
    shown = Table(title=f"{study.name}: mean of {weeks} held-out weeks", title_justify="left")
    shown.add_column("arm", no_wrap=True)
    for heading in (
        "objective\nEUR/week",
        "cost\nEUR/week",
        "energy\nkWh/week",
        "carbon\nkg/week",
        "discomfort\nK h/week",
        "gap closed\n[95 % over weeks]",
        "seeds",
        "parameters\nactor + critic",
        "wall time\ns/run",
    ):
        shown.add_column(heading, justify="right")
    for arm, row in summary.iterrows():
        gap = "headroom < 2 %"
        if not math.isnan(row["gap_closed"]):
            gap = f"{row['gap_closed']:.2f} [{row['gap_low']:.2f}, {row['gap_high']:.2f}]"
        seeds = " ".join(f"{value:.2f}" for value in row["gap_seeds"]) if row["seeds"] else "-"
        size = f"{row['parameters_actor']} + {row['parameters_critic']}" if row["parameters_actor"] else "-"
        shown.add_row(
            str(arm),
            f"{row['objective_eur_week']:.2f}",
            f"{row['cost_eur_week']:.2f}",
            f"{row['energy_kwh_week']:.1f}",
            f"{row['carbon_kg_week']:.1f}",
            f"{row['discomfort_kh_week']:.1f}",
            gap,
            seeds,
            size,
            f"{row['wall_s']:.1f}",
        )
    console.print(shown)
    console.print(tidy.closing_line(frame), highlight=False)
