"""``entangrid validate``, ``table``, ``figure``, ``envs``: look without running."""

from __future__ import annotations

from typing import Annotated

import typer


def validate(study: Annotated[str, typer.Argument(help="a packaged study or a YAML file")]) -> None:
    """Check a study's file and its scenario without running anything."""
    from entangrid.experiments import config, plan, setting

    settings = config.load(study)
    shared = setting.make(settings)
    runs = plan.plan(settings, shared.scenario)
    typer.echo(
        f"{settings.name}: {len(settings.arms)} arms, {len(runs)} runs, {shared.test.starts.size} held-out weeks: valid"
    )


def envs() -> None:
    """List the registered tasks."""
    from entangrid.envs.registration import TASKS

    for name in TASKS:
        typer.echo(f"entangrid/{name}")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (validate, envs):
        app.command()(command)
