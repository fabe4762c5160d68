"""Tables in the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console
from rich.table import Table

from entangrid.experiments import summary, wording
from entangrid.experiments.scores import Scores
from entangrid.experiments.stored import StoredStudy

if TYPE_CHECKING:
    from entangrid.experiments.config import StudyConfig

_SHOWN_SEEDS = 6


def print_summary(study: StudyConfig | StoredStudy, frame: pd.DataFrame, console: Console | None = None) -> None:
    """Print one row an arm, and under it what the intervals allow one to say."""
    console = console or Console(width=None if Console().is_terminal else 150)
    scores = Scores(frame)
    confidence = summary.rules(study)[1]
    weeks = len(scores.weeks)
    shown = Table(title=f"{study.name}: mean of {weeks} held-out week{'s' * (weeks > 1)}", title_justify="left")
    shown.add_column("arm", overflow="fold")
    for heading in (
        "objective\nEUR/week",
        "cost\nEUR/week",
        "energy\nkWh/week",
        "carbon\nkg/week",
        "discomfort\nK h/week",
        f"gap closed\n[{confidence * 100:g} % interval]",
        "seeds",
        "parameters\nactor + critic",
        "wall time\ns/run",
    ):
        shown.add_column(heading, justify="right")
    for arm, row in summary.summary(scores, confidence).iterrows():
        size = f"{row['parameters_actor']} + {row['parameters_critic']}" if row["parameters_actor"] else "-"
        shown.add_row(
            str(arm),
            f"{row['objective_eur_week']:.2f}",
            f"{row['cost_eur_week']:.2f}",
            f"{row['energy_kwh_week']:.1f}",
            f"{row['carbon_kg_week']:.1f}",
            f"{row['discomfort_kh_week']:.1f}",
            _gap(row, scores),
            _seeds(row),
            size,
            f"{row['wall_s']:.1f}",
        )
    console.print(shown)
    for line in summary.closing_lines(scores, study):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _gap(row: pd.Series, scores: Scores) -> str:
    if math.isnan(row["gap_closed"]):
        return "headroom < 2 %" if scores.ends(str(row.name)) else "-"
    ends = wording.interval(row["gap_low"], row["gap_high"])
    return f"{wording.number(row['gap_closed'])} {ends}".rstrip()


def _seeds(row: pd.Series) -> str:
    """Gap closed of each seed; of many, how many there are."""
    values = row["gap_seeds"]
    if not values or len(values) > _SHOWN_SEEDS:
        return str(row["seeds"]) if row["seeds"] else "-"
    return " ".join(wording.number(value) for value in values)
