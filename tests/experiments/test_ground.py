"""Half-finished studies of several scenarios: numbers are of common ground alone, and say what is left out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import study_cases
from typer.testing import CliRunner

from entangrid.data.errors import InputError
from entangrid.experiments import report, status, summary, tidy
from entangrid.experiments.cli import app
from entangrid.experiments.scores import Scores

WORLDS = ("one", "two", "three")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """A finished study of three scenarios."""
    folder = tmp_path_factory.mktemp("ground")
    parts = []
    for number, world in enumerate(WORLDS):
        part = tidy.read(study_cases.make(folder / world, seeds=4, seed=number)).astype({"scenario": str})
        part.loc[part["value"].notna() & part["week"].notna(), "value"] *= 1.0 + number
        parts.append(part.assign(scenario=world))
    return pd.concat(parts, ignore_index=True)


def table_of(scores: Scores) -> pd.DataFrame:
    return summary.summary(scores).drop(columns="gap_seeds")


def without(table: pd.DataFrame, missing: Callable[[pd.DataFrame], pd.Series]) -> pd.DataFrame:
    return table[~missing(table)].reset_index(drop=True)


@pytest.mark.parametrize("arm", ["nothing", "best", "rule"])
def test_a_scenario_without_a_controllers_run_does_not_count(arm: str, whole: pd.DataFrame) -> None:
    half = Scores(without(whole, lambda t: t["arm"].eq(arm) & t["scenario"].eq("two")))
    alone = Scores(without(whole, lambda t: t["scenario"].eq("two")))
    pd.testing.assert_frame_equal(table_of(half), table_of(alone))
    assert half.ground.line.endswith("not finished in every scenario; the numbers are of 2 of 3 scenarios")
    assert half.ground.runs == whole[whole["scenario"].eq("two")][["arm", "seed"]].drop_duplicates().shape[0] - 1
    assert not alone.ground.line


def test_seeds_that_miss_a_scenario_do_not_count(whole: pd.DataFrame) -> None:
    half = Scores(
        without(
            whole, lambda t: t["arm"].eq("quantum") & t["scenario"].eq("three") & t["seed"].isin([0, 2]).fillna(False)
        )
    )
    alone = Scores(without(whole, lambda t: t["arm"].eq("quantum") & t["seed"].isin([0, 2]).fillna(False)))
    assert half.variants["quantum"].seeds == [1, 3]
    pd.testing.assert_frame_equal(table_of(half), table_of(alone))
    assert half.ground.line == (
        "left out: 4 runs of arms and seeds that are not finished in every scenario; "
        "the numbers are of 3 of 3 scenarios"
    )
    assert half.ground.line in summary.closing_lines(half, None)


def test_an_arm_without_a_seed_in_every_scenario_is_not_shown(whole: pd.DataFrame) -> None:
    half = Scores(without(whole, lambda t: t["arm"].eq("twin") & t["scenario"].eq("one")))
    assert set(Scores(whole).variants) - set(half.variants) == {"twin"}


def test_a_study_at_its_very_beginning(whole: pd.DataFrame) -> None:
    first = whole[whole["arm"].eq("nothing") & whole["scenario"].eq("one")].reset_index(drop=True)
    assert Scores(first).ground.runs == 0
    apart = pd.concat([first, whole[whole["arm"].eq("rule") & whole["scenario"].eq("two")]], ignore_index=True)
    assert list(Scores(apart).variants) == ["nothing"]
    learned = whole[whole["seed"].notna() & (whole["seed"].eq(0) ^ whole["scenario"].eq("one"))]
    with pytest.raises(InputError, match="no arm is finished in every scenario"):
        Scores(learned.reset_index(drop=True))


def test_a_finished_table_stays_as_it_is(whole: pd.DataFrame) -> None:
    scores = Scores(whole)
    assert scores.table is whole
    assert not scores.ground.line
    one = whole[whole["scenario"].eq("one")].reset_index(drop=True)
    assert Scores(one).table is one
    assert np.isfinite(table_of(scores)["gap_closed"]).all()


def test_what_is_missing_is_said_by_table_and_report(tmp_path: Path) -> None:
    folder = study_cases.make(tmp_path / "study", seeds=3)
    assert not status.unfinished(folder)
    assert "runs are finished" not in report.write(folder).read_text(encoding="utf-8")
    runs = tidy.run_folders(folder)
    shutil.rmtree(next(run.path for run in runs if run.seed == 1))
    line = f"{len(runs) - 1} of {len(runs)} runs are finished (1 waiting); the numbers are of those"
    done = CliRunner().invoke(app, ["table", str(folder)])
    assert done.exit_code == 0
    assert line in done.output
    told = json.loads(CliRunner().invoke(app, ["table", str(folder), "--json"]).output)
    assert line in told["lines"]
    assert report.write(folder).read_text(encoding="utf-8").count(line) == 2
