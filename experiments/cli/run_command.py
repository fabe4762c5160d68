"""``entangrid run``: make a study's runs, then its table and figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entangrid.experiments.cli.engine_options import EngineOptions, engine_options

if TYPE_CHECKING:
    from rich.console import Console

    from entangrid.experiments.config import StudyConfig


def run(
    study: Annotated[str, typer.Argument(help="a packaged study (quickstart, smoke) or a YAML file")],
    out: Annotated[Path | None, typer.Option(help="folder of the study (default: runs/NAME)")] = None,
    jobs: Annotated[int | None, typer.Option(help="runs at a time (default: one a core)")] = None,
    engine: Annotated[str, typer.Option(help="local, dask, ray or slurm")] = "local",
    engine_option: EngineOptions = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="change a field; may be repeated")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the plan and its predicted cost instead")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the table, or the plan of --dry-run, as JSON")] = False,
) -> None:
    """Train and evaluate every arm of a study; finished runs are kept, so an interrupted study goes on.

    Examples:  entangrid run quickstart  |  entangrid run my-study.yaml --out runs/mine --jobs 4  |
    entangrid run quickstart --set training.steps=200000 --dry-run  |
    entangrid run my-study.yaml --engine slurm --jobs 200 --engine-option partition=cpu
    """
    from rich.console import Console

    from entangrid.experiments import config, figures, runner
    from entangrid.experiments.cli.printing import print_summary

    settings = config.load(study, overrides or ())
    folder = out or Path("runs") / settings.name
    console = Console(stderr=True)
    options = engine_options(engine_option)
    if dry_run:
        with config.named(study):
            _print_plan(settings, folder, jobs, console, as_json)
        return
    try:
        with config.named(study):
            table = runner.run_study(settings, folder, engine=engine, jobs=jobs, options=options, console=console)
    except runner.RunFailedError as error:
        console.print(f"entangrid: {error}", markup=False)
        raise typer.Exit(1) from None
    figure = figures.make("overview", folder)
    if as_json:
        from entangrid.experiments import stored
        from entangrid.experiments.as_json import table as as_text

        typer.echo(as_text(stored.read(folder), table))
        return
    print_summary(settings, table)
    Console().print(f"table: {folder / 'table.parquet'}\nfigure: {figure}", markup=False, highlight=False)


def _print_plan(study: StudyConfig, folder: Path, jobs: int | None, console: Console, as_json: bool) -> None:
    import json

    from rich.console import Console

    from entangrid.experiments.cli import dry_run
    from entangrid.experiments.plan import plan

    found = dry_run.summary(study, plan(study), folder, jobs, console)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        dry_run.show(found, Console(width=None if Console().is_terminal else 150))


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(run)
