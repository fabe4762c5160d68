"""``entangrid validate``, ``table``, ``figure``, ``envs``: look without running."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(help="folder of a study that was run")]


def validate(study: Annotated[str, typer.Argument(help="a packaged study or a YAML file")]) -> None:
    """Check a study's file and its scenario without running anything."""
    from entangrid.experiments import config, plan, setting

    settings = config.load(study)
    shared = setting.make(settings)
    runs = plan.plan(settings, shared.scenario)
    typer.echo(
        f"{settings.name}: {len(settings.arms)} arms, {len(runs)} runs, {shared.test.starts.size} held-out weeks: valid"
    )


def table(folder: Folder) -> None:
    """Print the table of a study again."""
    from entangrid.experiments import tidy
    from entangrid.experiments.cli.printing import print_summary
    from entangrid.experiments.figures import stored_study

    print_summary(stored_study(folder), tidy.read(folder))


def figure(folder: Folder, name: Annotated[str, typer.Option(help="which figure")] = "overview") -> None:
    """Draw a figure of a study again from its stored results."""
    from entangrid.experiments import figures

    typer.echo(str(figures.make(name, folder)))


def envs() -> None:
    """List the registered tasks."""
    from entangrid.envs.registration import TASKS

    for name in TASKS:
        typer.echo(f"entangrid/{name}")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (validate, table, figure, envs):
        app.command()(command)
