"""``entangrid reproduce``: run a paper's figure again, and say whether its criterion is met."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def reproduce(
    target: Annotated[str | None, typer.Argument(help="a target of --list, or the beginning of its name")] = None,
    show: Annotated[bool, typer.Option("--list", help="list the targets: status, paper, criterion, cost")] = False,
    seeds: Annotated[int | None, typer.Option(help="runs of every arm (default: the target's)")] = None,
    out: Annotated[Path | None, typer.Option(help="folder (default: runs/reproduce/TARGET)")] = None,
    jobs: Annotated[int, typer.Option(help="processes")] = 1,
    smoke: Annotated[bool, typer.Option(help="a tiny version in seconds; shows that it works, not a result")] = False,
    data: Annotated[Path | None, typer.Option(help="folder of the paper's published data, where it has any")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the outcome as JSON")] = False,
) -> None:
    """Run a paper's experiment again: a figure with the paper's numbers beside ours, a table, a verdict.

    Exit code 0 says that it ran; whether the criterion was met is printed. Finished seeds are kept, so that an
    interrupted run goes on.

    Examples:  entangrid reproduce --list  |  entangrid reproduce jerbi2021  |  entangrid reproduce lockwood2020 --smoke
    """
    from entangrid.data.errors import InputError

    if show:
        _list(as_json)
        return
    if target is None:
        raise InputError("reproduce needs a target; entangrid reproduce --list shows them")
    from entangrid.agents.algorithms import require_torch

    require_torch()
    from rich.console import Console

    from entangrid.experiments.reproduce import resolve, running

    console = Console(stderr=True)
    outcome = running.reproduce(
        resolve(target), out, seeds=seeds, jobs=jobs, smoke=smoke, data=data,
        say=lambda line: console.print(line, markup=False, highlight=False),
    )  # fmt: skip
    if as_json:
        rows = json.loads(outcome.table.to_json(orient="records"))
        typer.echo(json.dumps(outcome.summary | {"folder": str(outcome.folder), "rows": rows}, ensure_ascii=False))
        return
    _print(outcome)


def _list(as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from entangrid.experiments.reproduce import NAMES, load

    targets = [load(name) for name in NAMES]
    rows: list[dict[str, Any]] = [
        {
            "target": t.name, "status": t.status, "citation": t.citation, "criterion": t.criterion,
            "runs": len(t.plan(None, False)), "predicted_cpu_s": t.predicted_s(t.plan(None, False)),
        }
        for t in targets
    ]  # fmt: skip
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    shown = Table(show_lines=True)
    for heading in ("target", "status", "paper", "passes if", "runs", "CPU, about"):
        shown.add_column(heading)
    for row in rows:
        cost = float(row["predicted_cpu_s"])
        shown.add_row(
            *(str(row[key]) for key in ("target", "status", "citation", "criterion", "runs")),
            f"{cost:.0f} s" if cost < 90.0 else f"{cost / 60.0:.0f} min",
        )
    Console(width=None if Console().is_terminal else 160).print(shown)


def _print(outcome: object) -> None:
    import math

    from rich.console import Console
    from rich.table import Table

    from entangrid.experiments.reproduce.running import Outcome

    assert isinstance(outcome, Outcome)
    summary = outcome.summary
    shown = Table(title=f"{summary['target']} ({summary['status']})", title_justify="left")
    for heading in ("metric", "ours", "95 % interval", "paper", "mark"):
        shown.add_column(heading, justify="left" if heading == "metric" else "right")

    def number(value: object) -> str:
        return "" if value is None or (isinstance(value, float) and math.isnan(value)) else f"{value:.4g}"

    for row in outcome.table.itertuples():
        between = f"{number(row.low)} to {number(row.high)}" if number(row.low) else ""
        mark = row.mark if isinstance(row.mark, str) else ""
        shown.add_row(str(row.metric), f"{number(row.value)} {row.unit}", between, number(row.claimed), mark)
    console = Console(width=None if Console().is_terminal else 150)
    console.print(shown)
    verdict = {True: "PASS", False: "FAIL", None: "NO CRITERION"}[summary["passed"]]
    if summary["smoke"]:
        verdict = "SMOKE (no result)"
    lines = (f"{verdict}: {summary['reason']}", f"passes if: {summary['criterion']}", f"paper: {summary['citation']}",
             f"cost: {summary['cpu_s']:g} CPU s; table and figure: {outcome.folder}")  # fmt: skip
    console.print("\n".join(lines), markup=False, highlight=False)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(reproduce)
