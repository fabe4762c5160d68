"""``entangrid bench``: how fast this machine is."""

from __future__ import annotations

from typing import Annotated

import typer


def bench(
    seconds: Annotated[float, typer.Option(min=0.01, max=60.0, help="CPU time of each row")] = 0.5,
    as_json: Annotated[bool, typer.Option("--json", help="for scripts")] = False,
) -> None:
    """Measure tasks and circuits on one core of this machine, per second of CPU time.

    Comparisons with CityLearn, TorchQuantum, PennyLane and others: scripts/bench_envs.py, bench_quantum.py and
    bench_training.py in the repository, which check first that both compute the same numbers.

    Examples:  entangrid bench  |  entangrid bench --seconds 0.1 --json
    """
    import json

    from rich.console import Console
    from rich.table import Table

    from entangrid.experiments import bench as speeds

    rows = [*speeds.tasks(seconds), *speeds.circuits(seconds)]
    if as_json:
        typer.echo(json.dumps([row._asdict() for row in rows], indent=1))
        return
    table = Table("", "copies or batch", "rate", title="one core, per CPU second", title_justify="left")
    table.columns[1].justify = table.columns[2].justify = "right"
    for row in rows:
        table.add_row(row.what, f"{row.size:,}", f"{row.rate:,.0f} {row.unit}")
    Console().print(table)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(bench)
