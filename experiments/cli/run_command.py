"""``entangrid run``: make a study's runs, then its table and figure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from entangrid.data.errors import InputError

EngineOptions = Annotated[
    list[str] | None, typer.Option("--engine-option", help="of the engine, as name=value; may be repeated")
]


def engine_options(given: list[str] | None) -> dict[str, str]:
    """The engine's options by name; raises InputError for one without a value."""
    options: dict[str, str] = {}
    for option in given or []:
        name, equals, value = option.partition("=")
        if not name or not equals:
            raise InputError(f"--engine-option {option!r}: expected name=value, such as slurm_partition=cpu")
        options[name] = value
    return options


def run(
    study: Annotated[str, typer.Argument(help="a packaged study (quickstart, smoke) or a YAML file")],
    out: Annotated[Path | None, typer.Option(help="folder of the study (default: runs/NAME)")] = None,
    jobs: Annotated[int | None, typer.Option(help="worker processes (default: one a core)")] = None,
    engine: Annotated[str, typer.Option(help="local, dask, ray or slurm")] = "local",
    engine_option: EngineOptions = None,
) -> None:
    """Train and evaluate every arm of a study; finished runs are kept, so an interrupted study goes on.

    Examples:  entangrid run quickstart  |  entangrid run my-study.yaml --out runs/mine --jobs 4
    """
    from rich.console import Console

    from entangrid.experiments import config, figures, runner
    from entangrid.experiments.cli.printing import print_summary

    settings = config.load(study)
    folder = out or Path("runs") / settings.name
    console = Console(stderr=True)
    try:
        table = runner.run_study(
            settings, folder, engine=engine, jobs=jobs, options=engine_options(engine_option), console=console
        )
    except runner.RunFailedError as error:
        console.print(f"entangrid: {error}", markup=False)
        raise typer.Exit(1) from None
    print_summary(settings, table)
    figure = figures.make("overview", folder)
    Console().print(f"table: {folder / 'table.parquet'}\nfigure: {figure}", markup=False, highlight=False)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(run)
