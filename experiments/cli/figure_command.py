"""``entangrid figure``: draw a figure of a study again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def figure(
    folder: Annotated[Path, typer.Argument(help="folder of a study that was run")],
    name: Annotated[str, typer.Option(help="which figure")] = "overview",
    out: Annotated[Path | None, typer.Option(help="file to write (default: NAME.svg or .png in the folder)")] = None,
    names: Annotated[bool, typer.Option("--list", help="list the figures instead")] = False,
) -> None:
    """Draw a figure of a study again from its stored results.

    Examples:  entangrid figure runs/quickstart --list  |  entangrid figure runs/quickstart --name comparisons
    """
    from entangrid.experiments import figures

    if names:
        for each, what in figures.NAMES.items():
            typer.echo(f"{each:16} {what}")
        return
    typer.echo(str(figures.make(name, folder, out)))


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(figure)
