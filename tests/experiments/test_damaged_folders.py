"""Folders that are damaged, or a stranger's: report and figures name file and column, and steer no terminal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import study_cases
import yaml
from typer.testing import CliRunner

from entangrid.data.errors import InputError
from entangrid.experiments import figures, report, store, stored, tidy
from entangrid.experiments.cli import app
from entangrid.experiments.shown import shown


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study_cases.make(tmp_path_factory.mktemp("damaged") / "study", seeds=2, curves=True)


def learner(folder: Path) -> Path:
    """The folder of the first run that learned."""
    return next(run.path for run in tidy.run_folders(folder) if run.seed is not None)


Change = Callable[[pd.DataFrame], pd.DataFrame]

WEEKS: list[tuple[Change, str]] = [
    (lambda week: week.iloc[:0], "holds no step"),
    (lambda week: week.drop(columns="time"), "time is missing or no ascending times"),
    (lambda week: week.assign(time="Monday"), "time is missing or no ascending times"),
    (lambda week: week.assign(time=pd.NaT), "time is missing or no ascending times"),
    (lambda week: week.iloc[::-1], "time is missing or no ascending times"),
    (lambda week: week.drop(columns="p_pv_kw"), "p_pv_kw is missing"),
    (lambda week: week.assign(soc="full"), "soc is no column of numbers"),
    (lambda week: week.assign(soc=True), "soc is no column of numbers"),
    (lambda week: week.assign(t_air_mean_c=np.nan), "t_air_mean_c holds what is no finite number"),
    (lambda week: week.assign(p_ev_kw=np.inf), "p_ev_kw holds what is no finite number"),
    (lambda week: week.assign(feeder_v_min_pu=1.0), "feeder_v_max_pu is missing"),
]
CURVES: list[tuple[Change, str]] = [
    (lambda curve: curve.drop(columns="week"), "lacks one of the columns steps, week, metric, value"),
    (lambda curve: curve.assign(value="much"), "value is no column of numbers"),
    (lambda curve: curve.assign(value=np.inf), "value holds what is no finite number"),
    (lambda curve: curve.assign(steps="many"), "steps is no column of numbers"),
    (lambda curve: curve.assign(steps=-1), "steps holds what is no number of steps"),
    (lambda curve: curve.assign(week=7), "week is not text everywhere"),
    (lambda curve: curve.assign(metric=None), "metric is not text everywhere"),
]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [(store.FIRST_WEEK, *each) for each in WEEKS] + [(store.CURVE, *each) for each in CURVES],
)
def test_damaged_frames_are_named(name: str, change: Change, message: str, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(made, folder)
    path = learner(folder) / name
    change(pd.read_parquet(path)).to_parquet(path, index=False)
    with pytest.raises(InputError, match=f"{name}: {message}; delete the folder"):
        report.write(folder, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
    figure = "day" if name == store.FIRST_WEEK else "learning-curves"
    refused = CliRunner().invoke(app, ["figure", str(folder), "--name", figure])
    assert isinstance(refused.exception, InputError)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"\xff\xfe\x00"])
@pytest.mark.parametrize("name", [store.FIRST_WEEK, store.CURVE])
def test_what_is_no_parquet_is_named(name: str, content: bytes, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(made, folder)
    path = learner(folder) / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: not readable as Parquet"):
        report.write(folder)
    path.unlink()
    if name == store.FIRST_WEEK:
        path.mkdir()  # which pandas takes for a table in many files
        with pytest.raises(InputError, match=name):
            report.write(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\n", "not readable as CSV"),
        (b"time/total_timesteps,rollout/ep_rew_mean\n1,inf\ninf,2\nnan,1\n,\n-3,1\n1e300,2\n", None),
    ],
)
def test_a_damaged_log_is_named_or_left_out(content: bytes, message: str | None, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(made, folder)
    for run in tidy.run_folders(folder):
        (run.path / store.CURVE).unlink(missing_ok=True)
        (run.path / store.PROGRESS).write_bytes(content)
    if message is None:
        report.write(folder)
    else:
        with pytest.raises(InputError, match=message):
            report.write(folder)


def test_a_stranger_steers_no_terminal(made: Path, tmp_path: Path) -> None:
    assert shown("ohm Ω\u00a0– fine\n\tso") == "ohm Ω\u00a0– fine\n\tso"
    assert shown("a\x1b[31m\u202e") == r"a\x1b[31m\u202e"
    folder = tmp_path / "study"
    shutil.copytree(made, folder)
    evil = "\x1b[2J[/red]"
    result = learner(folder) / store.RESULT
    content = json.loads(result.read_text())
    content["arm"] = evil
    result.write_text(json.dumps(content))
    study = yaml.safe_load((folder / stored.STUDY).read_text())
    (folder / stored.STUDY).write_text(yaml.safe_dump({**study, "name": evil, "question": evil}))
    plan = json.loads((folder / "plan.json").read_text())
    plan["study"], plan["runs"][0][1] = evil, evil
    (folder / "plan.json").write_text(json.dumps(plan))
    for command in (
        ["table", str(folder), "--rebuild"],
        ["status", str(folder)],
        ["compare", f"{folder}:{shown(evil)}", f"{made}:wide"],
    ):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.exception
        assert r"\x1b[2J" in done.output
        assert "\x1b" not in done.output


def test_what_stands_in_many_places_is_looked_at_once(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(made, folder)
    bomb = "a0: &a0 [x]\n" + "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 12))
    path = folder / stored.STUDY
    text = path.read_text()
    path.write_text(text + bomb + 'escaped: "\\\\"\n')
    assert stored.read(folder).name == stored.read(made).name
    path.write_text(text + bomb + 'escaped: "\\ud800"\n')
    with pytest.raises(InputError, match=r"study.yaml: cannot be read as YAML: holds half a character"):
        stored.read(folder)


@pytest.mark.parametrize("path", [".", "", "/"])
@pytest.mark.parametrize(
    "command",
    [
        ["table", "STUDY", "--csv"],
        ["figure", "STUDY", "--out"],
        ["schema", "--out"],
        ["report", "STUDY", "--out"],
        ["circuit", "skolik2022", "--qasm"],
        ["circuit", "skolik2022", "--figure"],
    ],
)
def test_a_path_that_names_no_file_is_refused(command: list[str], path: str, made: Path) -> None:
    words = [str(made) if word == "STUDY" else word for word in command]
    refused = CliRunner().invoke(app, [*words, path])
    assert isinstance(refused.exception, InputError)
    assert str(refused.exception)


def test_a_figure_overwrites_no_file_of_another_kind(made: Path, tmp_path: Path) -> None:
    other = tmp_path / "thesis.tex"
    other.write_text("all my work")
    for name in ("overview", "day", "gap-closed"):
        with pytest.raises(
            InputError, match=r"thesis\.tex': figure '.*' expects a file whose name ends in \.(png|svg)"
        ):
            figures.make(name, made, other)
    assert other.read_text() == "all my work"
