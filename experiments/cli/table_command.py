"""``entangrid table``: the table of a study, printed or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from entangrid.experiments.stored import StoredStudy

Folder = Annotated[Path, typer.Argument(help="folder of a study that was run")]


def table(
    folder: Folder,
    as_json: Annotated[bool, typer.Option("--json", help="print the summary and every comparison as JSON")] = False,
    matched: Annotated[bool, typer.Option("--matched", help="only every arm at matched comfort")] = False,
    csv: Annotated[Path | None, typer.Option(help="write the table (with --matched that one) as CSV here")] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="derive the table anew from the run folders")] = False,
) -> None:
    """Print a study's table, with every comparison that its seeds allow. While a study runs: of what is finished.

    Examples:  entangrid table runs/quickstart  |  entangrid table runs/quickstart --rebuild --json  |
    entangrid table runs/honest-test --matched --csv matched.csv
    """
    from entangrid.experiments import status, stored, summary, tidy

    study = stored.read(folder)
    wanted = summary.metrics(study)
    frame = tidy.rebuild(folder, metrics=wanted) if rebuild else tidy.current(folder, wanted)
    if csv is not None:
        _write(study, frame, csv, matched=matched)
    if as_json:
        from entangrid.experiments.as_json import table as as_text

        typer.echo(as_text(study, frame, status.unfinished(folder)))
        return
    from entangrid.experiments.cli.printing import print_summary

    print_summary(study, frame, matched=matched)
    if missing := status.unfinished(folder):
        typer.echo(missing)


def _write(study: StoredStudy, frame: pd.DataFrame, path: Path, *, matched: bool) -> None:
    """Write the summary, or the table at matched comfort, as CSV, numbers with six digits."""
    from entangrid.data.errors import InputError
    from entangrid.experiments import matched_table, store, summary
    from entangrid.experiments.cli.printing import NO_CLAIM
    from entangrid.experiments.scores import Scores

    scores = Scores(frame)
    if matched:
        room = summary.at_matched_comfort(scores, study)
        if room is None:
            raise InputError(f"{study.name}: {NO_CLAIM}")
        table = matched_table.frame(scores, room)
    else:
        table = summary.summary(scores, summary.rules(study)[1]).drop(columns="gap_seeds").reset_index()
    store.write_atomically(path, lambda to: table.to_csv(to, index=False, float_format="%.6g", lineterminator="\n"))


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(table)
