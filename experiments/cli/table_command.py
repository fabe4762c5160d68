"""``entangrid table``: the table of a study, printed or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(help="folder of a study that was run")]


def table(
    folder: Folder,
    as_json: Annotated[bool, typer.Option("--json", help="print the summary and every comparison as JSON")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="derive the table anew from the run folders")] = False,
) -> None:
    """Print a study's table, with every comparison that its seeds allow. While a study runs: of what is finished.

    Examples:  entangrid table runs/quickstart  |  entangrid table runs/quickstart --rebuild --json
    """
    from entangrid.experiments import stored, tidy

    study = stored.read(folder)
    frame = tidy.read(folder) if (folder / tidy.TABLE).is_file() and not rebuild else tidy.rebuild(folder)
    if as_json:
        from entangrid.experiments.as_json import table as as_text

        typer.echo(as_text(study, frame))
        return
    from entangrid.experiments.cli.printing import print_summary

    print_summary(study, frame)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(table)
