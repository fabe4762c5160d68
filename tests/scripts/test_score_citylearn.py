"""The command that prints CityLearn's score: its parts, what it says of odd folders, and how it ends."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from entangrid.data.errors import InputError
from entangrid.data.sources.citylearn_start import initial_share

SCRIPTS = Path(__file__).parents[2] / "scripts"
STORED = Path(__file__).parent / "citylearn"
Schema = dict[str, Any]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("score_citylearn")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(STORED, tmp_path / "homes")
    return tmp_path / "homes"


def change(folder: Path, edit: Callable[[Schema], object]) -> None:
    schema = json.loads((folder / "schema.json").read_text())
    edit(schema)
    (folder / "schema.json").write_text(json.dumps(schema))


def end_of(script: Any, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run it; its exit code."""
    monkeypatch.setattr(sys, "argv", ["score_citylearn.py", *map(str, arguments), "--jobs", "1"])
    try:
        script.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_parts_are_those_whose_homes_batteries_and_days_are_there(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Year:
        n_steps = 8760

        def __init__(self, homes: int, kwh: float = 6.4):
            self.home_names = [f"Building_{i}" for i in range(1, homes + 1)]
            self.homes = {"battery_kwh": [kwh] * homes, "battery_p_kw": [5.0] * homes}

    assert [part.name for part in script.parts_of(Year(5), "all")] == ["year", "phase 1", "phase 2"]
    parts = script.parts_of(Year(17), "phases")
    assert [len(part.homes) for part in parts] == [5, 5, 15]
    assert sum(part.weight for part in parts) == pytest.approx(1.0)
    assert script.parts_of(Year(3), "phases") == []
    assert script.parts_of(Year(17, 140.0), "phases") == []  # other batteries than the challenge's of 2022


def test_a_table_with_what_is_left_out(
    script: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def edit(schema: Schema) -> None:
        for building in schema["buildings"].values():
            building |= {"pricing": None, "power_outage": {"simulate_power_outage": True}}
        schema["buildings"]["three"]["include"] = False

    change(folder, edit)
    options = ("--arms", "no-control", "optimum", "--hours", "24")
    assert end_of(script, monkeypatch, folder / "schema.json", *options) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("citylearn:homes: 2 homes, 97 h")
    assert lines[1:3] == ["no prices: that term is left out of the scores", "not modelled: power_outage"]
    scores = {line.split()[0]: line.split()[1:] for line in lines if line[:7] in ("no-cont", "optimum")}
    assert scores["no-control"][:8] == ["nan", *["1.0000"] * 7]
    assert float(scores["optimum"][7]) < 1.0


WRONG: dict[str, tuple[Callable[[Schema], object], str]] = {
    "vehicles": (lambda s: s["buildings"]["one"].update(chargers={"a": {}}), "one.chargers: not supported"),
    "quarter hours": (lambda s: s.update(seconds_per_time_step=900), "seconds_per_time_step: 900"),
    "no file": (lambda s: s["buildings"]["one"].update(energy_simulation="x.csv"), "x.csv: there is no such file"),
    "a list": (lambda s: s.update(buildings=[{}]), "buildings: no buildings by name"),
    "a day": (lambda s: s.update(simulation_end_time_step=9), "10 hours; expected at least 24"),
    "no battery": (lambda s: [b.pop("electrical_storage") for b in s["buildings"].values()], "no home has a battery"),
    "starts": (
        lambda s: s["buildings"]["two"]["electrical_storage"]["attributes"].update(initial_soc=0.5),
        "buildings.one and two: their batteries start at 0 and 0.5",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_scored_is_one_line_and_exit_code_2(
    script: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    edit, expected = WRONG[name]
    change(folder, edit)
    assert end_of(script, monkeypatch, folder, "--arms", "no-control", "--hours", "24") == 2
    said = capsys.readouterr().err
    assert expected in said
    assert said.count("\n") == 1


def test_a_wrong_path_and_a_folder_without_phases(
    script: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end_of(script, monkeypatch, folder / "one.csv") == 2
    assert "one.csv: expected a folder with schema.json" in capsys.readouterr().err
    assert end_of(script, monkeypatch, folder, "--period", "phases") == 2
    assert "no phase of 2022 fits" in capsys.readouterr().err


def test_the_start_is_a_share_of_what_can_be_used(folder: Path) -> None:
    def start(soc: object, depth: float) -> None:
        def edit(schema: Schema) -> None:
            for name in ("two", "three"):
                battery = schema["buildings"][name]["electrical_storage"]
                battery["attributes"] |= {"initial_soc": soc, "depth_of_discharge": depth}
            schema["buildings"]["one"]["electrical_storage"] = None  # no battery: does not count

        change(folder, edit)

    for soc, depth, share in ((None, 0.8, 0.0), (0.1, 0.8, 0.0), (0.6, 0.8, 0.5), (0.25, 1.0, 0.25)):
        start(soc, depth)
        assert initial_share(folder) == pytest.approx(share)
    start("full", 0.8)
    with pytest.raises(InputError, match=r"two\.electrical_storage\.attributes\.initial_soc: 'full', expected 0 to 1"):
        initial_share(folder)
