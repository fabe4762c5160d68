"""``entangrid status``: how far a study is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from entangrid.experiments.status import Status, UnderWay

_SHOWN = 20  # lines of single runs


def status(
    folder: Annotated[Path, typer.Argument(help="folder of a study that was started")],
    as_json: Annotated[bool, typer.Option("--json", help="print it as JSON, with every run under way")] = False,
) -> None:
    """Count a study's runs by arm: finished, running, failed, waiting; also while it runs.

    Examples:  entangrid status runs/quickstart  |  entangrid status runs/mine --json
    """
    import json

    from entangrid.experiments import status as of_study

    found = of_study.read(folder)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=1))
    else:
        _show(found)


def _show(found: Status) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from entangrid.experiments.shown import shown
    from entangrid.experiments.status import STATES

    console = Console(width=None if Console().is_terminal else 150)
    title = f"{shown(found.study)}: {found.counts['finished']} of {found.runs} runs finished"
    table = Table(title=Text(title), title_justify="left")
    table.add_column("arm", no_wrap=True)
    for state in STATES:
        table.add_column(state, justify="right")
    for arm, counts in found.arms.items():
        table.add_row(Text(shown(arm)), *(str(counts[state]) for state in STATES))
    console.print(table)
    for run in found.under_way[:_SHOWN]:
        console.print(shown(_line(run)), markup=False, highlight=False)
    if len(found.under_way) > _SHOWN:
        console.print(f"... and {len(found.under_way) - _SHOWN} more; --json has them all")


def _line(run: UnderWay) -> str:
    if run.state == "failed":
        problem = (run.problem or "").strip().splitlines()
        return f"failed   {run.run}: {problem[-1] if problem else 'no reason is known'}"
    checkpoint = "no checkpoint yet" if run.total else "has no checkpoints"
    if run.checkpoint_age_s is not None:
        checkpoint = f"checkpoint at {run.checkpoint_steps:,}, {_ago(run.checkpoint_age_s)} old"
    if run.state == "running":
        doing = "evaluating" if run.doing == "evaluating" else f"{run.steps:,} of {run.total:,} steps"
        return f"running  {run.run}: {doing}, {checkpoint}"
    return f"waiting  {run.run}: interrupted, {checkpoint}"


def _ago(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(status)
