"""Tables in the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from entangrid.data.errors import InputError
from entangrid.experiments import headroom, matched_table, summary, wording
from entangrid.experiments.headroom import Headroom
from entangrid.experiments.scores import Scores, short_labels
from entangrid.experiments.stored import StoredStudy

if TYPE_CHECKING:
    from entangrid.experiments.config import StudyConfig

NO_CLAIM = "nothing is at matched comfort; expected a study with a claim, and the runs of its baseline"
_SHOWN_SEEDS = 6


def print_summary(
    study: StudyConfig | StoredStudy, frame: pd.DataFrame, console: Console | None = None, *, matched: bool = False
) -> None:
    """Print one row an arm, of a study with a claim first the headroom and then also every arm at matched comfort
    (``matched``: that alone), and under it what the intervals allow one to say.

    Raises InputError where a table at matched comfort alone is wanted, and there is none.
    """
    console = console or Console(width=None if Console().is_terminal else 150)
    scores = Scores(frame)
    room = summary.at_matched_comfort(scores, study)
    if matched and room is None:
        raise InputError(f"{study.name}: {NO_CLAIM}")
    lines = headroom.lines(room, study.cut) if matched else summary.closing_lines(scores, study, room=room)
    if room is not None:
        first, *lines = lines
        console.print(first, highlight=False, markup=False, soft_wrap=True)
    if not matched:
        console.print(_arms(study, scores))
    if room is not None:
        console.print(_matched(scores, room, summary.rules(study)[1]))
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


def _arms(study: StudyConfig | StoredStudy, scores: Scores) -> Table:
    confidence = summary.rules(study)[1]
    weeks = len(scores.weeks)
    shown = Table(title=Text(f"{study.name}: mean of {weeks} held-out week{'s' * (weeks > 1)}"), title_justify="left")
    head, names = short_labels(scores.variants)
    shown.add_column(Text(head), overflow="fold")
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
        size = (
            f"{row['parameters_actor']} + {row['parameters_critic']}"
            if row["parameters_actor"] or row["parameters_critic"]
            else "-"
        )
        shown.add_row(
            Text(names[str(arm)]),
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
    return shown


def _matched(scores: Scores, room: Headroom, confidence: float) -> Table:
    shown = Table(title=Text(matched_table.title(room)), title_justify="left")
    for k, (head, below) in enumerate(matched_table.heads(room, confidence)):
        text = Text(f"{head}\n{below}".rstrip())
        shown.add_column(text, overflow="fold", justify="left" if k < 2 else "right")
    for cells in matched_table.cells(room, matched_table.frame(scores, room)):
        shown.add_row(*map(Text, cells))
    return shown


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
