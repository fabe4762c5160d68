"""The targets: what they are made of, that each runs in its smoke version, and that finished seeds are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from entangrid.data.errors import InputError
from entangrid.experiments.cli import app
from entangrid.experiments.reproduce import NAMES, claims, load, resolve, running
from entangrid.experiments.reproduce.target import STATUSES

SHORT = {
    "jerbi2021": "jerbi2021-cartpole",
    "skolik2022": "skolik2022-cartpole",
    "chen2020": "chen2020-frozenlake",
    "lockwood2020": "lockwood2020-cartpole",
    "chargym": "chargym-baselines",
}


def reproduce(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["reproduce", *map(str, arguments)])


@pytest.mark.parametrize("name", NAMES)
def test_every_target_runs_in_its_smoke_version(name: str, tmp_path: Path) -> None:
    result = reproduce(name, "--smoke", "--out", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    outcome = json.loads(result.stdout)
    assert outcome["target"] == name
    assert outcome["smoke"]
    assert outcome["versions"]["numpy"] == np.__version__
    for file in ("table.parquet", "table.csv", "figure.png", "verdict.json"):
        assert (tmp_path / file).stat().st_size > 0
    assert (tmp_path / "figure.png").stat().st_size < 200_000
    table = pd.read_parquet(tmp_path / "table.parquet")
    assert len(table) == len(outcome["rows"]) > 0
    assert table["value"].notna().all()
    stated = claims.load(name)
    claimed = table.dropna(subset="claimed")
    assert set(claimed["claimed"]) <= {claim.value for claim in stated.values()}
    assert set(claimed["mark"]) <= {"A", "C", "recomputed"}


def test_targets_have_status_citation_and_criterion() -> None:
    assert len(NAMES) == 11
    for name in NAMES:
        target = load(name)
        assert target.name == name
        assert target.status in STATUSES
        assert "doi:10." in target.citation
        assert target.criterion
        plan = target.plan(None, False)
        assert {unit.arm for unit in plan} <= set(target.cost_s) | {"models"}
        assert len({unit.file for unit in plan}) == len(plan)


def test_nothing_without_code_or_numbers_is_called_reproduced() -> None:
    inspired = {name for name in NAMES if load(name).status == "inspired"}
    assert {"andres2022-like", "nengroo2025-like"} <= inspired
    assert load("lockwood2020").status == "negative reproduction"
    for name in NAMES:
        target = load(name)
        unmatched = (target.title + target.criterion).replace("not independently reproduced", "")
        assert "reproduced" not in unmatched


def test_list_shows_every_target() -> None:
    result = reproduce("--list", "--json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert [row["target"] for row in rows] == list(NAMES)
    assert all(row["runs"] > 0 and row["criterion"] for row in rows)
    assert all(name in reproduce("--list").stdout for name in ("skolik2022-cartpole", "nengroo2025-like"))


def test_short_names_are_beginnings_that_fit_one_target() -> None:
    for short, full in SHORT.items():
        assert resolve(short) == full
    with pytest.raises(InputError, match="fits several; expected one of franz2022-nn-vs-vqdqn, franz2022-scaling"):
        resolve("franz2022")
    with pytest.raises(InputError, match="'nobody1999' is unknown"):
        resolve("nobody1999")


def test_finished_seeds_are_kept_and_changed_settings_are_run_again(tmp_path: Path) -> None:
    first = running.reproduce("jerbi2021", tmp_path, smoke=True)
    files = sorted((tmp_path / "runs").iterdir())
    assert [file.name for file in files] == ["returns-by-batch-0.json", "returns-by-episode-0.json"]
    before = {file: file.read_text() for file in files}
    files[1].unlink()
    lines: list[str] = []
    again = running.reproduce("jerbi2021", tmp_path, smoke=True, say=lines.append)
    assert [line for line in lines if "done" in line] == ["jerbi2021-cartpole: returns-by-episode, seed 0 done"]
    assert json.loads(files[1].read_text())["result"] == json.loads(before[files[1]])["result"]
    assert files[0].read_text() == before[files[0]]
    pd.testing.assert_frame_equal(first.table, again.table)

    changed = json.loads(before[files[0]])
    changed["settings"]["gamma"] = 0.5
    files[0].write_text(json.dumps(changed))
    running.reproduce("jerbi2021", tmp_path, smoke=True)
    assert json.loads(files[0].read_text())["settings"]["gamma"] == 1.0


def test_two_processes_make_the_same_runs(tmp_path: Path) -> None:
    one = running.reproduce("chen2020", tmp_path / "one", seeds=2, smoke=True)
    two = running.reproduce("chen2020", tmp_path / "two", seeds=2, smoke=True, jobs=2)
    pd.testing.assert_frame_equal(one.table, two.table)


def test_bad_options_are_named(tmp_path: Path) -> None:
    for options, message in (
        ({"seeds": 0}, "seeds is 0"),
        ({"jobs": 0}, "jobs is 0"),
        ({"data": tmp_path}, "takes no published data"),
    ):
        with pytest.raises(InputError, match=message):
            running.reproduce("jerbi2021", tmp_path / "out", smoke=True, **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="is no folder"):
        running.reproduce("meyer2025", tmp_path / "out", smoke=True, data=tmp_path / "none")
    with pytest.raises(InputError, match="holds no CSV"):
        running.reproduce("meyer2025", tmp_path / "out", smoke=True, data=tmp_path)
    assert not (tmp_path / "out" / "table.csv").exists()
    damaged = tmp_path / "out" / "runs" / "models-0.json"
    damaged.parent.mkdir(parents=True, exist_ok=True)
    damaged.write_text("{")
    with pytest.raises(InputError, match=r"models-0\.json: holds no run of this target"):
        running.reproduce("meyer2025", tmp_path / "out", smoke=True)
    assert damaged.read_text() == "{"
