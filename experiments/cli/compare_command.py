"""``entangrid compare``: the difference between two arms, of one study or of two."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Arm = Annotated[str, typer.Argument(help="FOLDER:ARM, an arm of a study that was run")]


def compare(
    a: Arm,
    b: Arm,
    metric: Annotated[str, typer.Option(help="gap_closed, or a metric of the table, such as cost")] = "gap_closed",
    as_json: Annotated[bool, typer.Option("--json", help="print the comparison as JSON")] = False,
) -> None:
    """Print the paired difference a - b with its interval, what it could have shown, and the verdict.

    Seeds that both arms have are paired. Arms of two studies need the same held-out weeks and homes. The margin of
    equivalence and the confidence are those that the first study fixed. This is one comparison: a study's own table
    corrects for all that it makes.

    Examples:  entangrid compare runs/quickstart:ppo-quantum runs/quickstart:ppo-mlp --metric cost
    """
    from entangrid.experiments import as_json as json_text
    from entangrid.experiments import comparing, stored, summary, tidy, wording
    from entangrid.experiments.scores import Scores

    (folder_a, arm_a), (folder_b, arm_b) = _split(a), _split(b)
    study = stored.read(folder_a)
    one = Scores(tidy.current(folder_a))
    two = one if folder_a.resolve() == folder_b.resolve() else Scores(tidy.current(folder_b))
    margin, confidence = summary.rules(study)
    found = comparing.compare(one, arm_a, two, arm_b, metric, margin=margin, confidence=confidence)
    typer.echo(json_text.comparison(found) if as_json else wording.sentence(found))


def _split(text: str) -> tuple[Path, str]:
    from entangrid.data.errors import InputError

    folder, colon, arm = text.rpartition(":")
    if not colon or not folder or not arm:
        raise InputError(f"{text!r}: expected FOLDER:ARM, such as runs/quickstart:ppo-quantum")
    return Path(folder), arm


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(compare)
