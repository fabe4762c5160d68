"""Every arm at matched comfort as a table: printed, as CSV and as JSON; and swept values in tables of arms."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import study_cases
from rich.console import Console
from typer.testing import CliRunner

from entangrid.experiments import (
    as_json,
    headroom,
    matched,
    matched_bootstrap,
    matched_table,
    report,
    stored,
    summary,
    tidy,
)
from entangrid.experiments.cli import app
from entangrid.experiments.cli.printing import print_summary
from entangrid.experiments.scores import Scores, Variant, short_labels

ARMS = {
    "nothing": ("no-control", 0.0),
    "rule": ("self-consumption", 0.5),
    "quantum": ("ppo-quantum", 0.40),
    "[red]twin": ("ppo-mlp-matched", 0.38),
    "hasty": ("ppo-mlp", -1.5),
    "plan": ("mpc-noisy", 0.9),
    "best": ("optimum", 1.0),
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study") / "swept"
    axes = [{matched.WEIGHT: w} for w in (0.1, 0.3)]
    study_cases.make(out, arms=ARMS, seeds=4, homes=("a", "b"), weeks=2, axes=axes)
    claim = {"source": "nengroo2025-like/energy_ddpg", "discomfort_kh": 1.0}
    study_cases.declare(out, claim=claim, verdict={"pairs": [["quantum", "hasty"]]}, cut=["much"])
    return out


def test_the_table_holds_what_headroom_found(study: Path) -> None:
    scores, content = Scores(tidy.read(study)), stored.read(study)
    found = summary.at_matched_comfort(scores, content)
    assert found is not None
    table = matched_table.frame(scores, found).set_index("arm")
    assert list(table.index) == found.ranked
    known = table["saving_iqm"].dropna()
    assert known.is_monotonic_decreasing
    for label, row in table.iterrows():
        arm = found.arms[str(label)]
        assert row["energy_mean"] == pytest.approx(arm.mean.value, nan_ok=True)
        each = arm.per_seed[~np.isnan(arm.per_seed)]
        assert row["energy_mean"] == pytest.approx(each.mean() if each.size else np.nan, nan_ok=True)
        assert row["saving_iqm"] == pytest.approx(
            1.0 - row["energy_iqm"] / found.arms["nothing"].mean.value, nan_ok=True
        )
        if not np.isnan(row["saving_iqm_low"]) and label != "nothing":
            assert row["saving_iqm_low"] <= row["saving_iqm"] <= row["saving_iqm_high"]
    assert table["knows"].to_dict() | {"plan": "forecast", "best": "future"} == table["knows"].to_dict()
    assert set(table["knows"].drop(["plan", "best"])) == {"observation"}
    assert table.loc["hasty", "seeds_too_uncomfortable"] == 4
    assert table.loc["hasty", "least_discomfort_kh"] > 1.0
    assert np.isnan(table.loc["hasty", "energy_iqm"])
    assert (table.loc["quantum", ["seeds", "parameters_actor", "environment_steps"]] == [4, 88, 1000]).all()
    assert (table.loc["plan", ["seeds", "parameters_actor", "environment_steps"]] == 0).all()
    assert table.loc["plan", "saving_iqm_low"] < table.loc["plan", "saving_iqm_high"]  # over weeks and homes


def printed(study: Path, *, matched: bool = False) -> str:
    console = Console(file=io.StringIO(), width=170)
    print_summary(stored.read(study), tidy.read(study), console, matched=matched)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("claimed", [True, False])
def test_the_metrics_that_a_summary_looks_at_give_all_that_the_whole_table_gives(
    study: Path, claimed: bool, tmp_path: Path
) -> None:
    """So that ``entangrid table`` need not hold the rest, of thousands of runs."""
    out = study
    if not claimed:
        out = study_cases.make(tmp_path / "plain", seeds=4, homes=("a", "b"), clusters={"a": 1, "b": 1}, feeder=True)
    content = stored.read(out)
    assert (content.claim is not None) == claimed
    wanted = summary.metrics(content)
    whole, part = tidy.read(out), tidy.current(out, wanted)
    assert 0 < len(part) < len(whole)
    pd.testing.assert_frame_equal(
        part.astype(dict.fromkeys(("metric", "unit", "home"), object)),
        whole[whole["metric"].isin(wanted)]
        .reset_index(drop=True)
        .astype(dict.fromkeys(("metric", "unit", "home"), object)),
    )
    assert as_json.table(content, part) == as_json.table(content, whole)
    texts = []
    for frame in (whole, part, tidy.rebuild(out, metrics=wanted)):
        console = Console(file=io.StringIO(), width=170)
        print_summary(content, frame, console)
        texts.append(console.file.getvalue())  # type: ignore[attr-defined]
    assert texts[0] == texts[1] == texts[2] != ""
    assert tidy.read(out).equals(whole)


def test_rows_of_a_sweep_say_their_values_and_the_table_at_matched_comfort_follows(study: Path) -> None:
    text = printed(study)
    assert "arm [comfort_weight]" in text
    assert text.index("quantum [0.1]") < text.index("quantum [0.3]") < text.index("at matched comfort")
    assert "[red]twin [0.3]" in text  # no word of a study is a style
    lines = text[text.index("at matched comfort") :].splitlines()
    (row,) = [line for line in lines if "hasty" in line and "│" in line]
    assert "never that comfortable" in row
    assert lines.index(row) > lines.index(next(line for line in lines if "│ nothing" in line))
    assert "baseline" in next(line for line in lines if "│ nothing" in line)
    assert text.startswith("headroom: with at most 1.00 K h")  # before any table
    assert text.count("headroom: ") == 1
    assert "at that comfort, quantum less hasty: not known, since one of them is not that comfortable" in text
    alone = printed(study, matched=True)
    assert alone.startswith("headroom: ")
    assert "[comfort_weight]" not in alone  # no table of the arms
    assert "cut to fit: much" in alone


def test_csv_and_json_hold_it(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "matched.csv"
    done = CliRunner().invoke(app, ["table", str(study), "--matched", "--csv", str(out)])
    assert done.exit_code == 0, done.output
    found = pd.read_csv(out)
    assert list(found["arm"])[-1] == "hasty"
    assert (found["discomfort_bound_kh"] == 1.0).all()
    done = CliRunner().invoke(app, ["table", str(study), "--json"])
    content = json.loads(done.stdout)
    assert [row["arm"] for row in content["matched"]] == list(found["arm"])
    for row, saving in zip(content["matched"], found["saving_iqm"], strict=True):
        assert (row["saving_iqm"] is None) == np.isnan(saving)
        assert np.isnan(saving) or row["saving_iqm"] == pytest.approx(saving, rel=1e-5, abs=1e-9)
    (pair,) = content["matched_pairs"]
    assert (pair["a"], pair["b"], pair["value"]) == ("quantum", "hasty", None)
    plain = tmp_path / "arms.csv"
    assert CliRunner().invoke(app, ["table", str(study), "--csv", str(plain)]).exit_code == 0
    assert len(pd.read_csv(plain)) == 3 * 2 + 4


def test_without_a_claim_there_is_none(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "study", arms={"nothing": ("no-control", 0.0)})
    for more in ([], ["--csv", str(tmp_path / "x.csv")]):
        done = CliRunner().invoke(app, ["table", str(out), "--matched", *more])
        assert "expected a study with a claim" in str(done.exception)
    assert not (tmp_path / "x.csv").exists()
    assert "matched" not in json.loads(CliRunner().invoke(app, ["table", str(out), "--json"]).stdout)


def test_the_report_has_the_table(study: Path) -> None:
    page = report.write(study).read_text(encoding="utf-8")
    assert "never that comfortable" in page
    assert "arm [comfort_weight]" in page
    assert "[red]twin [0.3]" in page


def test_short_labels_keep_the_order_of_axes() -> None:
    variants = {
        "a": Variant("a", "ppo-mlp", {"ppo.gamma": 0.9, "task.comfort_weight": 1.0}, [0]),
        "b": Variant("b", "ppo-mlp", {"task.comfort_weight": 3.0}, [0]),
        "c": Variant("c", "no-control", {}, []),
    }
    assert short_labels(variants) == (
        "arm [gamma, comfort_weight]", {"a": "a [0.9, 1]", "b": "b [–, 3]", "c": "c"}
    )  # fmt: skip
    assert short_labels({"c": variants["c"]}) == ("arm", {"c": "c"})


def test_pairs_of_learning_arms_are_corrected_together(study: Path) -> None:
    scores, claim = Scores(tidy.read(study)), stored.read(study).claim
    wanted = [["quantum", "[red]twin"], ["quantum", "rule"], ["quantum", "hasty"]]
    found = headroom.find(scores, claim, 0.95, wanted)
    assert found is not None
    p = [pair.difference.p for pair in found.pairs]
    assert [pair.seeds for pair in found.pairs] == [4, 4, 0]
    assert np.isnan(p[2])
    np.testing.assert_allclose(sorted(pair.p_holm for pair in found.pairs[:2])[0], min(2.0 * min(p[:2]), 1.0))
    for pair in found.pairs[:2]:
        # the true difference that is found four times in five lies beyond where the interval has to end
        low, high = pair.difference.low, pair.difference.high
        assert pair.detectable > 0.25 * (high - low) > 0.0
        beyond = max(-high, low)  # how far the interval stays from 0
        assert pair.verdict in (("better", "worse") if beyond > 0.0 and pair.p_holm < 0.05 else ("undecided",))
        assert pair.verdict != "better" or high < 0.0
    assert found.pairs[2].verdict is None
    for pair, line in zip(found.pairs[:2], headroom.of_pairs(found)[:2], strict=True):
        assert line.endswith(f": {pair.verdict}; smallest effect this could detect: {pair.detectable:.2f} {found.unit}")
        assert f"over {['no', 'one', 'two', 'three', 'four'][pair.seeds]} seeds" in line
    (told,) = json.loads(as_json.table(stored.read(study), tidy.read(study)))["matched_pairs"]
    assert (told["a"], told["detectable"], told["verdict"]) == (
        "quantum",
        None,
        None,
    )  # hasty is never that comfortable


def test_smallest_detectable_difference_at_matched_comfort_is_that_of_the_t_test() -> None:
    """One home, one week: the seeds alone vary, and the differences are paired."""
    rng = np.random.default_rng(3)
    n = 8
    cells = rng.normal(5.0, 1.0, (2, n, 1, 1, 1))
    cells[1] = 0.0  # discomfort
    none = np.zeros((2, 1, 1, 1, 1))
    fronts = {
        "a": matched.Front(list(range(n)), cells[0, :, :, 0, 0], cells[1, :, :, 0, 0], cells),
        "b": matched.Front([-1], none[0, :, :, 0, 0], none[1, :, :, 0, 0], none),
    }
    drawn = matched_bootstrap.Resamples(matched.Fronts(fronts, np.ones((1, 1))), 1.0)
    found = drawn.estimate(matched_bootstrap.difference, drawn.arms["a"], drawn.arms["b"], paired=True)
    assert found.df == pytest.approx(n - 1)
    assert found.error == pytest.approx(cells[0].std(ddof=1) / np.sqrt(n), rel=0.1)
