"""``entangrid tune``: search hyperparameters, as long for every arm."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from entangrid.experiments.cli.engine_options import EngineOptions, engine_options


def tune(
    study: Annotated[str, typer.Argument(help="a packaged study or a YAML file with a section tuning")],
    out: Annotated[Path | None, typer.Option(help="folder of the search (default: runs/NAME-tuning)")] = None,
    jobs: Annotated[int | None, typer.Option(help="worker processes (default: one a core)")] = None,
    engine: Annotated[str, typer.Option(help="local, dask, ray or slurm")] = "local",
    engine_option: EngineOptions = None,
    storage: Annotated[
        str | None, typer.Option(help="URL of Optuna's database (default: SQLite in the folder)")
    ] = None,
    override: Annotated[list[str] | None, typer.Option("--set", help="a field of the study, as a.b=c")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the best of every arm as JSON")] = False,
) -> None:
    """Search every learning arm's hyperparameters on validation weeks and homes; an interrupted search goes on.

    Every arm has the same number of trials, seeds and environment steps. Leaves trials.parquet (all of them),
    tuning.png (the best so far) and tuned.yaml, which `entangrid run` takes.

    Examples:  entangrid tune my-study.yaml  |  entangrid tune my-study.yaml --set tuning.trials=10 --jobs 4
    """
    import json

    from rich.console import Console

    from entangrid.experiments import config
    from entangrid.experiments.runner import RunFailedError
    from entangrid.experiments.tuning import homes, published
    from entangrid.experiments.tuning.run import tune as search

    settings = config.load(study, override or ())
    folder = out or Path("runs") / f"{settings.name}-tuning"
    console = Console(stderr=True)
    if settings.tuning.shared_homes and homes.shared(settings):
        console.print("Tuning and test have the same homes; their weeks and seeds differ.")
    of_engine = engine_options(engine_option)
    try:
        with config.named(study):
            trials = search(
                settings, folder, engine=engine, jobs=jobs, options=of_engine, storage=storage, console=console
            )
    except RunFailedError as error:
        console.print(f"entangrid: {error}", markup=False)
        raise typer.Exit(1) from None
    best = trials.loc[trials.groupby("arm")["score"].idxmin().dropna().astype(int)]
    if as_json:
        rows = best[["arm", "trial", "score", "values"]].to_dict("records")
        typer.echo(json.dumps([row | {"values": json.loads(row["values"])} for row in rows], indent=1))
    else:
        for row in best.itertuples():
            found = json.loads(str(row.values)).items()
            values = ", ".join(f"{path.split('.', 2)[-1]}={published.brief(value)}" for path, value in found)
            typer.echo(f"{row.arm}: {row.score:.4g} EUR a week with {values} (trial {row.trial})")
        typer.echo(f"trials: {folder / published.TRIALS}\ntuned study: {folder / published.TUNED}")
    failed = int((trials["state"].eq("fail") & trials["steps"].gt(0)).sum())
    if failed:
        console.print(f"{failed} of {len(trials)} trials failed; the others are finished", style="red")
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(tune)
