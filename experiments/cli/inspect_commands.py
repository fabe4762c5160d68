"""``entangrid validate``, ``schema``, ``table``, ``figure``: look without running."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from entangrid.experiments.config import StudyConfig

Folder = Annotated[Path, typer.Argument(help="folder of a study that was run")]
AsJson = Annotated[bool, typer.Option("--json", help="for scripts")]


def validate(
    study: Annotated[str, typer.Argument(help="a packaged study or a YAML file")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="change a field; may be repeated")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a study's file, its scenarios and every run that it plans, without running anything.

    Examples:  entangrid validate my-study.yaml  |  entangrid validate quickstart --set training.steps=5 --json
    """
    from entangrid.data.errors import InputError

    try:
        found = _validated(study, overrides or [])
    except InputError as error:
        if not as_json:
            raise
        _print_json({"valid": False, "errors": str(error).splitlines()})
        raise typer.Exit(2) from None
    if as_json:
        _print_json(found)
        return
    weeks = ", ".join(dict.fromkeys(str(each["test_weeks"]) for each in found["scenarios"]))
    typer.echo(f"{found['study']}: {found['arms']} arms, {found['runs']} runs, {weeks} held-out weeks: valid")
    for each in found["scenarios"]:
        typer.echo(
            f"  {each['name']}: weeks {each['training_weeks']} of training, {each['validation_weeks']} of validation, "
            f"{each['test_weeks']} of the test; homes {each['training_homes']} of training, {each['test_homes']} of "
            f"the test, of {each['homes']}"
        )
    typer.echo(f"  gap closed: {found['gap_closed']}")
    for remark in found["remarks"]:
        typer.echo(f"  {remark}")


def _validated(name: str, overrides: list[str]) -> dict[str, Any]:
    from entangrid.experiments import budgets, config, plan, setting
    from entangrid.experiments.runner import check_options
    from entangrid.experiments.tuning.run import check_scenario

    study = config.load(name, overrides)
    with config.named(name):
        runs = plan.plan(study)
        check_scenario(study)
        check_options(None, "local", None, study)
    scenarios = []
    reason = ""
    for scenario in dict.fromkeys(run.scenario for run in runs):
        made = setting.make(next(run.study for run in runs if run.scenario == scenario))
        hour = max(round(1.0 / made.scenario.dt_h), 1)
        starts_a_week = len(range(0, 7 * made.scenario.steps_per_day - made.train.episode_steps, hour))
        scenarios.append(
            {
                "name": scenario,
                "hash": made.scenario.content_hash(),
                "homes": made.scenario.n_homes,
                "training_homes": made.train.scenario.n_homes,
                "test_homes": made.test.scenario.n_homes,
                "training_weeks": made.train.starts.size // starts_a_week,
                "validation_weeks": 0 if made.validation is None else int(made.validation.starts.size),
                "test_weeks": int(made.test.starts.size),
            }
        )
        reason = reason or _no_gap(study, made.test)
    return {
        "valid": True,
        "study": study.name,
        "arms": len(study.arms),
        "runs": len(runs),
        "scenarios": scenarios,
        "gap_closed": reason or "shown",
        "remarks": [*budgets.remarks(runs), *_of_tuning(study)],
        "resolved": study.model_dump(mode="json"),
    }


def _of_tuning(study: StudyConfig) -> list[str]:
    """Why ``entangrid tune`` would refuse a study that has something to search, which may be run all the same."""
    from entangrid.data.errors import InputError
    from entangrid.experiments.tuning.run import check

    if study.tuning.space:
        try:
            check(study)
        except InputError as error:
            return [f"tune would refuse this study: {error}"]
    return []


def _no_gap(study: StudyConfig, task: Any) -> str:
    """Why the share of the gap to the optimum cannot be shown, or nothing."""
    from entangrid import agents
    from entangrid.data.errors import InputError

    if any(arm.controller == "optimum" for arm in study.arms.values()):
        return ""
    try:
        agents.make("optimum", task)
    except InputError as error:
        return f"not shown, no arm is the optimum, which there is none of for this task ({error})"
    return "not shown, no arm is the optimum; add one such as best: {controller: optimum}"


def schema(
    out: Annotated[Path | None, typer.Option(help="write into this file instead of printing")] = None,
) -> None:
    """Print the JSON Schema of a study's file, which editors check and complete YAML with.

    Examples:  entangrid schema --out study.schema.json
    """
    import json

    from entangrid.experiments import store
    from entangrid.experiments.config.json_schema import json_schema

    text = json.dumps(json_schema(), indent=1) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    store.write_atomically(out, lambda path: path.write_text(text, encoding="utf-8"))
    typer.echo(f"written: {out}")


def _print_json(content: dict[str, Any]) -> None:
    import json

    typer.echo(json.dumps(content, indent=1))


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (validate, schema):
        app.command()(command)
