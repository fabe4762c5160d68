"""Pairs, differences and verdicts of whole studies, and what is said of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import study_cases

from entangrid.data.errors import InputError
from entangrid.experiments import comparing, summary, tidy, wording
from entangrid.experiments.scores import Scores

ARMS = study_cases.ARMS


def entangrid(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from entangrid.experiments.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study_cases.make(tmp_path_factory.mktemp("study") / "made-up", seeds=8)


def test_each_quantum_arm_meets_each_learner_and_the_best_rule(study: Path) -> None:
    scores = Scores(tidy.read(study))
    assert comparing.pairs(scores) == [("quantum", "twin"), ("quantum", "wide"), ("quantum", "rule")]
    by_pair = {(c.a, c.b): c for c in comparing.compare_all(scores)}
    wide, twin, rule = (by_pair["quantum", b] for b in ("wide", "twin", "rule"))
    assert wide.verdict == "better"
    assert wide.difference == pytest.approx(0.3, abs=0.08)
    assert wide.low < 0.3 < wide.high
    assert twin.verdict in ("equivalent", "undecided")
    assert rule.verdict in ("worse", "undecided")
    assert {c.seeds for c in by_pair.values()} == {8}
    assert all(c.p <= c.p_holm <= 1.0 and c.comparisons == 3 for c in by_pair.values())
    assert all(c.detectable > 0.0 for c in by_pair.values())


def test_differences_are_the_differences_of_gap_closed(study: Path) -> None:
    scores = Scores(tidy.read(study))
    gaps = scores.gaps()
    for c in comparing.compare_all(scores):
        one, two = gaps[c.a], gaps[c.b]
        assert one is not None
        assert two is not None
        assert c.difference == pytest.approx(one.mean - two.mean, abs=1e-12)
        back = comparing.compare(scores, c.b, scores, c.a)
        assert back.difference == pytest.approx(-c.difference, abs=1e-12)
        assert {c.verdict, back.verdict} in ({"undecided"}, {"equivalent"}, {"better", "worse"})


def test_the_best_rule_is_the_best_and_no_control_only_without_another(tmp_path: Path) -> None:
    arms = {**ARMS, "poor": ("self-consumption", 0.2)}
    scores = Scores(tidy.read(study_cases.make(tmp_path / "a", arms=arms, seeds=3)))
    assert comparing.best_rule(scores, scores.variants["quantum"]) == "rule"
    bare = {name: arm for name, arm in ARMS.items() if name != "rule"}
    scores = Scores(tidy.read(study_cases.make(tmp_path / "b", arms=bare, seeds=3)))
    assert ("quantum", "nothing") in comparing.pairs(scores)


def test_without_a_quantum_arm_every_learner_meets_every_other(tmp_path: Path) -> None:
    arms = {name: arm for name, arm in ARMS.items() if name != "quantum"}
    scores = Scores(tidy.read(study_cases.make(tmp_path / "a", arms=arms, seeds=3)))
    assert comparing.pairs(scores) == [("twin", "wide"), ("twin", "rule"), ("wide", "rule")]


def test_swept_variants_meet_at_the_same_values(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "a", seeds=3, axes=[{"ppo.gamma": 0.0}, {"ppo.gamma": 0.2}])
    pairs = comparing.pairs(Scores(tidy.read(out)))
    assert len(pairs) == 6
    assert ("quantum [gamma=0]", "twin [gamma=0]") in pairs
    assert ("quantum [gamma=0.2]", "rule") in pairs
    assert ("quantum [gamma=0]", "twin [gamma=0.2]") not in pairs


def test_very_many_comparisons_have_fewer_resamples_each(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = Scores(tidy.read(study))
    before = comparing.compare_all(scores)
    drawn: list[int] = []
    whole = comparing.compare

    def noted(*given: Any, **options: Any) -> comparing.Comparison:
        drawn.append(options["resamples"])
        return whole(*given, **options)

    monkeypatch.setattr(comparing, "compare", noted)
    for in_all, expected in ((5_000_000, 10_000), (100_000, 5_000), (1_000, 2_000)):
        drawn.clear()
        monkeypatch.setattr(comparing, "_ALL_RESAMPLES", in_all)
        found = comparing.compare_all(scores, [(before[0].a, before[0].b)] * 20)
        assert drawn == [expected] * 20
        assert found[0].difference == before[0].difference
        assert found[0].low == pytest.approx(before[0].low, abs=0.02)


def test_without_an_optimum_the_objective_is_compared_and_less_is_better(tmp_path: Path) -> None:
    arms = {name: arm for name, arm in ARMS.items() if name != "best"}
    scores = Scores(tidy.read(study_cases.make(tmp_path / "a", arms=arms, seeds=8)))
    assert set(scores.gaps().values()) == {None}
    wide = next(c for c in comparing.compare_all(scores) if c.b == "wide")
    assert (wide.metric, wide.unit, wide.margin) == ("objective", "EUR/week", None)
    assert wide.difference == pytest.approx(-0.3 * np.mean(study_cases.NO_CONTROL - study_cases.OPTIMUM), abs=2.0)
    assert wide.verdict == "better"


def test_two_seeds_compare_nothing_and_three_do(tmp_path: Path) -> None:
    two = Scores(tidy.read(study_cases.make(tmp_path / "two", seeds=2)))
    assert {c.verdict for c in comparing.compare_all(two)} == {None}
    lines = summary.closing_lines(two)
    assert "two seeds: no comparison of arms" in lines
    assert not any("against" in line for line in lines)
    three = Scores(tidy.read(study_cases.make(tmp_path / "three", seeds=3)))
    assert None not in {c.verdict for c in comparing.compare_all(three)}


def test_pairs_with_too_few_seeds_are_not_corrected_for(tmp_path: Path) -> None:
    few = study_cases.make(tmp_path / "few", seeds=3)
    table = tidy.read(few)
    table = table[~(table["arm"].eq("wide") & table["seed"].eq(2).fillna(False))].reset_index(drop=True)
    found = comparing.compare_all(Scores(table))
    judged = [each for each in found if each.verdict is not None]
    assert 0 < len(judged) < len(found)
    assert {each.comparisons for each in found} == {len(judged)}
    alone = comparing.compare_all(Scores(table), [(each.a, each.b) for each in judged])
    assert [each.detectable for each in alone] == pytest.approx([each.detectable for each in judged])
    assert [each.p_holm for each in alone] == pytest.approx([each.p_holm for each in judged], rel=0.2)


def test_every_line_says_what_could_have_been_seen(study: Path) -> None:
    lines = summary.closing_lines(Scores(tidy.read(study)))
    assert lines[0] == "95 % intervals over 8 seeds × 5 weeks"
    assert len(lines) == 4
    for line in lines[1:]:
        assert " at n = 8; smallest effect this could detect: 0." in line
        assert "of gap closed" in line
        assert "after Holm over 3 pairs" in line


def test_closing_lines_state_what_limits_them(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "a", seeds=3, weeks=1)
    for path in (out / tidy.RUNS).glob("best-*"):
        result = json.loads((path / "result.json").read_text())
        (path / "result.json").write_text(json.dumps({**result, "unproven_eur": 0.25}))
    lines = summary.closing_lines(Scores(tidy.rebuild(out)))
    assert "one held-out week: nothing is said of other weeks" in lines
    assert "the optimum is best known, at most 0.25 EUR above the true one" in lines
    rules = {name: arm for name, arm in ARMS.items() if not arm[0].startswith("ppo")}
    lines = summary.closing_lines(Scores(tidy.read(study_cases.make(tmp_path / "b", arms=rules))))
    assert "no learning arm: no comparison of arms" in lines


def test_more_homes_of_one_profile_are_no_more_evidence(tmp_path: Path) -> None:
    homes = [f"home-{k}" for k in range(12)]
    apart = study_cases.make(tmp_path / "a", seeds=4, homes=homes, spread=0.3)
    together = study_cases.make(tmp_path / "b", seeds=4, homes=homes, spread=0.3, clusters=dict.fromkeys(homes, 1))
    one, two = (Scores(tidy.read(out)) for out in (apart, together))
    assert list(one.clusters) == list(range(12))
    assert set(two.clusters) == {0}
    assert wording.resampled(one) == "4 seeds × 5 weeks × 12 homes"
    assert wording.resampled(two) == "4 seeds × 5 weeks"
    first, second = (comparing.compare(s, "quantum", s, "rule") for s in (one, two))
    assert first.difference == pytest.approx(second.difference)


@pytest.mark.parametrize(
    ("able", "line"),
    [
        (1, "of 4 homes one alone has anything to save: gap closed says nothing of other homes"),
        (2, "of 4 homes 2 have anything to save: gap closed is drawn over these"),
        (4, None),
    ],
)
def test_homes_in_which_nothing_can_be_saved_are_named_and_do_not_count(
    able: int, line: str | None, tmp_path: Path
) -> None:
    homes = [f"home-{k}" for k in range(4)]
    frame = tidy.read(study_cases.make(tmp_path / "a", seeds=4, homes=homes))
    unable = frame["home"].isin(homes[able:]) & (frame["metric"] == "objective")
    frame.loc[unable, "value"] = 40.0
    scores = Scores(frame)
    lines = summary.closing_lines(scores)
    assert [each for each in lines if "anything to save" in each] == ([] if line is None else [line])
    optimum = scores.gaps()["best"]
    assert optimum is not None
    assert (optimum.low, optimum.high) == pytest.approx((1.0, 1.0))
    kept = Scores(frame[~frame["home"].isin(homes[able:])].copy())
    one, two = (comparing.compare(s, "quantum", s, "rule") for s in (scores, kept))
    assert (one.difference, one.low, one.high, one.p, one.detectable) == pytest.approx(
        (two.difference, two.low, two.high, two.p, two.detectable)
    )


def test_unequal_seeds_are_compared_unpaired(tmp_path: Path) -> None:
    out = study_cases.make(tmp_path / "a", seeds=6)
    frame = tidy.read(out)
    shifted = frame.copy()
    shifted.loc[shifted["arm"] == "twin", "seed"] += 100
    one, two = (comparing.compare(Scores(f), "quantum", Scores(f), "twin") for f in (frame, shifted))
    assert one.paired
    assert not two.paired
    assert two.seeds == 6
    assert two.difference == pytest.approx(one.difference)
    assert "seeds not paired" in wording.sentence(two)


def test_arms_of_two_studies_are_compared_on_the_same_ground_alone(study: Path, tmp_path: Path) -> None:
    other = study_cases.make(tmp_path / "other", seeds=8, seed=5)
    done = entangrid("compare", f"{study}:quantum", f"{other}:wide", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["verdict"] == "better"
    assert found["seeds"] == 8
    assert found["low"] < found["difference"] < found["high"]
    shorter = study_cases.make(tmp_path / "shorter", seeds=8, weeks=3)
    refused = entangrid("compare", f"{study}:quantum", f"{shorter}:wide")
    assert refused.returncode == 2
    assert "held-out weeks differ" in refused.stderr
    frame = tidy.read(other)
    dearer = frame["metric"].isin(["objective"]) & (frame["controller"] == "no-control")
    frame.loc[dearer, "value"] *= 1.1
    with pytest.raises(InputError, match="no-control has another objective in one study than in the other"):
        comparing.compare(Scores(tidy.read(study)), "quantum", Scores(frame), "wide")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{study}:quantum", "{study}:twist"), "arm 'twist' is not in the study; expected one of: nothing, rule"),
        (("{study}", "{study}:twin"), "expected FOLDER:ARM"),
        (("{study}:quantum", "{study}:twin", "--metric", "price"), "metric 'price' is not in the table"),
        (("nowhere:quantum", "{study}:twin"), "study.yaml: missing"),
    ],
)
def test_bad_comparisons_are_one_clear_line(study: Path, arguments: tuple[str, ...], message: str) -> None:
    refused = entangrid("compare", *(argument.format(study=study) for argument in arguments))
    assert refused.returncode == 2
    assert message in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def test_other_metrics_have_units_and_directions(study: Path) -> None:
    scores = Scores(tidy.read(study))
    cost = comparing.compare(scores, "quantum", scores, "wide", "cost")
    assert (cost.unit, cost.margin, cost.verdict) == ("EUR/week", None, "better")
    cubes = scores.cube("cost")
    expected = cubes["quantum"].mean() - cubes["wide"].mean()
    assert cost.difference == pytest.approx(expected)
    share = comparing.compare(scores, "quantum", scores, "wide", "self_consumption")
    assert (share.unit, share.verdict) == ("-", "worse")  # more self-consumption is better


def test_table_and_its_json_say_the_same(study: Path) -> None:
    shown = entangrid("table", study)
    assert shown.returncode == 0, shown.stderr
    content = json.loads(entangrid("table", study, "--json").stdout)
    assert [arm["arm"] for arm in content["arms"]] == list(ARMS)
    assert content["margin"] == 0.05
    quantum = content["arms"][2]
    assert f"{quantum['gap_closed']:.2f} [{quantum['gap_low']:.2f}, {quantum['gap_high']:.2f}]" in shown.stdout
    for line in content["lines"]:
        assert line in shown.stdout
    rebuilt = entangrid("table", study, "--rebuild", "--json")
    assert json.loads(rebuilt.stdout) == content
