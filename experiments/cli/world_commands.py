"""``entangrid envs`` and ``entangrid data``: the tasks and the scenarios that there are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from entangrid.data.scenario import Scenario

AsJson = Annotated[bool, typer.Option("--json", help="for scripts")]


def envs(as_json: AsJson = False) -> None:
    """List the registered tasks: one line each, with their spaces at their defaults.

    Examples:  entangrid envs  |  entangrid envs --json
    """
    import gymnasium

    from entangrid.envs.registration import TASKS, register

    register()
    rows = []
    for name in TASKS:
        env = gymnasium.make(f"entangrid/{name}", disable_env_checker=True)
        about = (type(env.unwrapped).__doc__ or "").strip().splitlines()[0]
        rows.append(
            {
                "task": f"entangrid/{name}",
                "about": about.split(" (``")[0].rstrip("."),
                "observation": _space(env.observation_space),
                "action": _space(env.action_space),
            }
        )
        env.close()
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        typer.echo(f"{row['task']:<24} {row['about']}")
        typer.echo(f"{'':<24} observation {row['observation']}, action {row['action']}")


def _space(space: Any) -> str:
    """A space in a few words: bounds only where they are all alike."""
    from gymnasium import spaces

    if isinstance(space, spaces.Box):
        low, high = space.low.flat[0], space.high.flat[0]
        alike = bool((space.low == low).all() and (space.high == high).all())
        return f"Box({f'{low:g} to {high:g}, ' if alike else ''}{space.shape})"
    return str(space)


def data(
    source: Annotated[
        str | None, typer.Argument(help="a scenario: a name, synthetic:homes=26,days=92, citylearn:FOLDER, a folder")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="write the scenario into this new folder")] = None,
    format: Annotated[str, typer.Option(help="of the saved folder: csv or parquet")] = "csv",
    as_json: AsJson = False,
) -> None:
    """List the sources of scenarios, or say what is in one; --save writes it as a folder that one can change.

    Examples:  entangrid data  |  entangrid data bundled-home  |  entangrid data synthetic:homes=3,days=14 --save mine
    """
    from entangrid.data.errors import InputError

    if source is None:
        if save is not None:
            raise InputError("--save: which scenario is missing; expected a source before it")
        _list(as_json)
        return
    if format not in ("csv", "parquet"):
        raise InputError(f"--format is {format!r}; expected csv or parquet")
    from entangrid.experiments.setting import load_scenario

    scenario = load_scenario(source)
    found = describe(scenario)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        _show(found)
    if save is not None:
        from entangrid.data.sources.tables import save_folder

        save_folder(scenario, save, "parquet" if format == "parquet" else "csv")
        typer.echo(f"written: {save}", err=as_json)


def _list(as_json: bool) -> None:
    from entangrid.data.loading import BUNDLED, FORMS

    about = {
        "bundled-home": "one home, 2016: SimBench household, Seattle's typical year; heat pump, PV, battery",
        "bundled-house": "the same home with every device: zones, cooling, tank, vehicle, appliances",
        "bundled-zones": "three zones to heat and cool, Atlanta's typical year",
        "bundled-battery": "hourly load, PV and battery; nothing to heat",
        FORMS[0]: "made-up homes from a seed; more arguments in docs/data.md",
        FORMS[1]: "a folder in CityLearn's format",
        FORMS[2]: "one home from a table and a map of its columns",
    }
    rows = [{"source": name, "about": about.get(name, "")} for name in (*BUNDLED, *FORMS)]
    rows.append({"source": "FOLDER", "about": "a saved scenario, CSV or Parquet"})
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        typer.echo(f"{row['source']:<36} {row['about']}")


def describe(scenario: Scenario) -> dict[str, Any]:
    """What is in a scenario: size, period, devices, means of its series, where it came from, and its hash."""
    from entangrid.data.columns import COMMON_COLUMNS, HOME_COLUMNS, OPTIONAL_COLUMNS
    from entangrid.data.splits import profile_clusters
    from entangrid.envs.tasks import Task, devices

    columns = [c for c in (*COMMON_COLUMNS, *HOME_COLUMNS, *OPTIONAL_COLUMNS) if not scenario.at_default(c)]
    task = Task.make(scenario)
    return {
        "scenario": scenario.name,
        "hash": scenario.content_hash(),
        "homes": scenario.n_homes,
        "home_names": scenario.home_names,
        "load_profiles": int(profile_clusters(scenario).max()) + 1,
        "controls": list(devices(task)),
        "from": str(scenario.index[0]),
        "days": round(scenario.n_steps * scenario.dt_h / 24.0, 4),
        "step_h": scenario.dt_h,
        "steps": scenario.n_steps,
        "means": {column: float(getattr(scenario, column).mean()) for column in columns},
        "yearly_load_kwh": float(scenario.load_kw.mean() * 8760.0),
        "provenance": dict(scenario.provenance),
    }


def _show(found: dict[str, Any]) -> None:
    names = ", ".join(found["home_names"][:6]) + (", ..." if found["homes"] > 6 else "")
    rows = [
        ("homes", f"{found['homes']} with {found['load_profiles']} load profiles: {names}"),
        ("controls", ", ".join(found["controls"])),
        (
            "period",
            f"{found['days']:g} days from {found['from']}, {found['steps']} steps of {found['step_h'] * 60:g} min",
        ),
        ("load", f"{found['yearly_load_kwh']:.0f} kWh a year and home"),
        *((column, f"mean {value:.4g}") for column, value in found["means"].items()),
        *((f"from: {part}", where) for part, where in found["provenance"].items()),
        ("hash", found["hash"]),
    ]
    typer.echo(found["scenario"])
    for name, value in rows:
        typer.echo(f"  {name:<22} {value}")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (envs, data):
        app.command()(command)
