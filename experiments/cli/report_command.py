"""``entangrid report``: a study as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[Path, typer.Argument(help="folder of a study that was run")],
    out: Annotated[Path | None, typer.Option(help="file to write (default: report.html in the folder)")] = None,
) -> None:
    """Write one self-contained HTML page: verdicts in plain words, tables, figures, costs, versions.

    It loads nothing from anywhere, and reads well in light and dark, on paper and on a phone.

    Examples:  entangrid report runs/quickstart  |  entangrid report runs/quickstart --out quickstart.html
    """
    from entangrid.experiments.report import write

    typer.echo(str(write(folder, out)))


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(report)
