"""Runs of a study: scenarios, sweeps and seeds; each once, under a key of what decides its result."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import worlds

from entangrid.data.errors import InputError
from entangrid.data.sources.tables import save_folder
from entangrid.data.splits import profile_clusters, split_homes
from entangrid.experiments import config, plan, setting

STUDY = """
name: tiny
scenario: {synthetic: {homes: 2, days: 28, dt_h: 1.0}}
split: {test_every: 2}
task: {controls: [battery]}
training: {steps: 64, n_envs: 2, episode_days: 1, seeds: {count: 2}}
ppo: {n_steps: 8, batch_size: 8}
arms:
  none: {controller: no-control}
  q: {controller: ppo-quantum, circuit: {n_qubits: 6, n_layers: 4}}
  m: {controller: ppo-mlp-matched, match: q}
  p: {controller: ppo-mlp, hidden: [4], ppo: {gamma: 0.5}}
  a: {controller: a2c-mlp, hidden: [4]}
"""


def study(*overrides: str) -> config.StudyConfig:
    return config.parse(STUDY, "tiny.yaml", overrides)


def keys(of: config.StudyConfig) -> dict[tuple[str, int | None, str], str]:
    return {(run.arm, run.seed, str(run.axes)): run.key for run in plan.plan(of)}


def test_without_a_sweep_there_is_a_run_for_each_arm_and_seed() -> None:
    runs = plan.plan(study())
    assert [(run.arm, run.seed) for run in runs] == [
        ("none", None), *[(arm, seed) for arm in "qmpa" for seed in (0, 1)]
    ]  # fmt: skip
    assert len({run.folder for run in runs}) == 9
    assert {run.scenario for run in runs} == {"synthetic:homes=2,days=28,seed=0,dt_h=1.0"}


def test_a_swept_field_multiplies_the_arms_that_it_concerns_and_no_other() -> None:
    runs = plan.plan(study("sweep={axes: {arms.q.circuit.n_layers: [4, 5], a2c.gamma: [0.5, 0.9, 0.95]}}"))
    counts = {arm: sum(run.arm == arm for run in runs) for arm in ("none", "q", "m", "p", "a")}
    assert counts == {"none": 1, "q": 4, "m": 4, "p": 2, "a": 6}
    for run in runs:
        expected = {"q": {"arms.q.circuit.n_layers"}, "m": {"arms.q.circuit.n_layers"}, "a": {"a2c.gamma"}}
        assert set(run.axes) == expected.get(run.arm, set())
        if run.arm == "q":
            assert run.config.circuit.n_layers == run.axes["arms.q.circuit.n_layers"]
            assert run.config is run.study.arms["q"]
        if run.arm == "a":
            assert run.study.a2c.gamma == run.axes["a2c.gamma"]
    assert all(run.study.sweep is None and run.study.scenarios is None for run in runs)
    assert len({run.folder for run in runs}) == len(runs)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ("{ppo.batch_size: [8, 12]}", r"sweep: with ppo.batch_size=12: ppo.batch_size is 12; expected a divisor"),
        ("{ppo.n_steps: [8, 7]}", r"sweep: with ppo.n_steps=7: ppo.batch_size is 8; expected a divisor"),
        ("{training.steps: [5000, 10]}", r"sweep: with training.steps=10: arms.c: training.steps is 10; expected at"),
        ("{arms.q.circuit.n_layers: [4, 1]}", r"sweep: with arms.q.circuit.n_layers=1: arms.q.circuit: "),
        ("{arms.p.seeds: [1, 2]}", r"sweep.axes.arms.p.seeds: cannot be varied"),
    ],
)
def test_every_value_of_a_sweep_is_checked(axes: str, message: str) -> None:
    given = ("task.control=per-home", "arms.c={controller: linear-cem, population: 4}", "training.steps=5000")
    plan.plan(study(*given))
    with pytest.raises(InputError, match=message):
        plan.plan(study(*given, f"sweep={{axes: {axes}}}"))


def test_runs_that_would_be_equal_are_one() -> None:
    runs = plan.plan(study("sweep={axes: {ppo.gamma: [0.8, 0.9]}}"))
    assert sum(run.arm == "p" for run in runs) == 2  # its own gamma stands on top of the swept one
    assert sum(run.arm == "q" for run in runs) == 4


def test_several_scenarios_are_runs_of_their_own() -> None:
    of = study(
        "scenarios=[{synthetic: {homes: 2, days: 28, dt_h: 1.0}}, 'synthetic:homes=3,days=28,dt_h=1.0']",
        "arms.q=null",
        "arms.m=null",
    )
    runs = plan.plan(of)
    assert len(runs) == 10
    assert len({run.scenario for run in runs}) == 2
    assert {run.study.scenario for run in runs} == {run.scenario for run in runs}
    loaded = {name: setting.load_scenario(name) for name in {run.scenario for run in runs}}
    assert plan.plan(of, loaded) == runs


def test_random_combinations_follow_their_seed_and_their_ranges() -> None:
    sweep = "sweep={{mode: random, n: 40, seed: {seed}, axes: {{"
    sweep += "ppo.learning_rate: {{low: 1.0e-4, high: 1.0e-2, log: true}}, "
    sweep += "ppo.n_epochs: {{low: 1, high: 3, whole: true}}, ppo.normalize_advantage: [true, false]}}}}"
    runs = [run for run in plan.plan(study(sweep.format(seed=1))) if run.arm == "q" and run.seed == 0]
    rates = np.array([run.study.ppo.learning_rate for run in runs])
    assert len(runs) == 40
    assert ((rates >= 1e-4) & (rates <= 1e-2)).all()
    assert 0.2 < (rates < 1e-3).mean() < 0.8
    assert {run.study.ppo.n_epochs for run in runs} == {1, 2, 3}
    again = [run for run in plan.plan(study(sweep.format(seed=1))) if run.arm == "q" and run.seed == 0]
    assert [run.key for run in again] == [run.key for run in runs]
    other = [run for run in plan.plan(study(sweep.format(seed=2))) if run.arm == "q" and run.seed == 0]
    assert [run.key for run in other] != [run.key for run in runs]


@pytest.mark.parametrize(
    "same",
    [
        "name=other",
        "question=why",
        "verdict.margin=0.1",
        "tracking.tensorboard=true",
        "training.checkpoint_every=7",
        "training.eval_every=7",
        "tuning.trials=3",
        "sac.gamma=0.5",
        "arms.new={controller: ppo-mlp}",
    ],
)
def test_what_cannot_change_a_result_changes_no_key(same: str) -> None:
    base, other = keys(study()), keys(study(same))
    assert {name: other[name] for name in base} == base


def test_the_interval_of_evaluations_is_in_the_key_where_a_learning_curve_has_other_points() -> None:
    curve = "split={test_every: 3, validation_every: 3}"
    usual = keys(study(curve))
    assert keys(study(curve, "training.eval_every=6")) == usual  # a tenth of the steps, as where none is said
    other = keys(study(curve, "training.eval_every=7"))
    assert {run[0] for run in usual if other[run] != usual[run]} == {"q", "m", "p", "a"}


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ("scenario.synthetic.seed=1", {"none", "q", "m", "p", "a"}),
        ("task.carbon_price_eur_kg=0.1", {"none", "q", "m", "p", "a"}),
        ("task.comfort_weight=2.0", {"none", "q", "m", "p", "a"}),
        ("split.test_every=4", {"none", "q", "m", "p", "a"}),
        ("training.steps=65", {"q", "m", "p", "a"}),
        ("ppo.gamma=0.7", {"q", "m"}),
        ("ppo.gae_lambda=0.7", {"q", "m", "p"}),
        ("a2c.gamma=0.7", {"a"}),
        ("arms.q.circuit.entangler=none", {"q", "m"}),
        ("arms.q.noise={depolarising_1q: 0.01}", {"q", "m"}),
        ("arms.p.hidden=[5]", {"p"}),
    ],
)
def test_what_can_change_a_result_changes_the_keys_of_the_arms_concerned(change: str, changed: set[str]) -> None:
    base, other = keys(study()), keys(study(change))
    assert {name[0] for name in base if other[name] != base[name]} == changed


def test_keys_follow_the_content_of_a_scenario_and_the_version_of_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = study(f"scenario={tmp_path / 'world'}", "arms.q=null", "arms.m=null")
    save_folder(worlds.scenario(days=28, dt_h=1.0), tmp_path / "world")
    first = keys(of)
    assert keys(of) == first
    (tmp_path / "world").rename(tmp_path / "old")
    save_folder(worlds.scenario(days=28, dt_h=1.0, seed=1), tmp_path / "world")
    assert not set(keys(of).values()) & set(first.values())
    monkeypatch.setattr(plan, "RESULTS_VERSION", plan.RESULTS_VERSION + 1)
    (tmp_path / "world").rename(tmp_path / "older")
    (tmp_path / "old").rename(tmp_path / "world")
    assert not set(keys(of).values()) & set(first.values())


def test_ten_thousand_runs_have_ten_thousand_keys() -> None:
    of = study("training.seeds={count: 50}", f"sweep={{axes: {{training.steps: {list(range(64, 114))}}}}}")
    runs = plan.plan(of)
    assert len(runs) == 4 * 50 * 50 + 1
    assert len({run.folder for run in runs}) == len(runs)


def test_planning_needs_no_torch() -> None:
    code = (
        "import sys\nfrom entangrid.experiments import config, plan\n"
        "assert len(plan.plan(config.load('smoke'))) == 6\nassert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_homes_with_one_profile_stay_together() -> None:
    base = worlds.scenario(days=7, homes=4)
    load = base.load_kw.copy()
    load[:, 2] = 3.0 * load[:, 0]
    scenario = worlds.scenario(days=7, homes=4, load_kw=load)
    assert profile_clusters(scenario).tolist() == [0, 1, 0, 2]
    for seed in range(6):
        homes = split_homes(scenario, test_share=0.34, validation_share=0.33, seed=seed)
        assert sorted(homes["train"] + homes["validation"] + homes["test"]) == scenario.home_names
        assert all(
            {"home-1", "home-3"} <= set(names) or not {"home-1", "home-3"} & set(names) for names in homes.values()
        )
    everywhere = split_homes(scenario)
    assert everywhere["train"] == everywhere["test"] == everywhere["validation"] == scenario.home_names
    named = split_homes(scenario, test=["home-4"])
    assert (named["train"], named["test"]) == (["home-1", "home-2", "home-3"], ["home-4"])
    mixed = 0
    for seed in range(6):  # a name in one set and a share of the other: never the same home in both
        for given in ({"test": ["home-2"], "validation_share": 0.4}, {"test_share": 0.4, "validation": ["home-2"]}):
            try:
                homes = split_homes(scenario, seed=seed, **given)  # type: ignore[arg-type]
            except InputError:
                continue
            assert not set(homes["test"]) & set(homes["validation"])
            mixed += 1
    assert 0 < mixed < 12
    with pytest.raises(InputError, match="home 'home-1' is in test, and in validation too, by its name in one"):
        split_homes(scenario, test=["home-1"], validation_share=0.999)
    with pytest.raises(InputError, match="no home is called 'home-9'; expected some of home-1"):
        split_homes(scenario, test=["home-9"])
    with pytest.raises(InputError, match="no home is left to train on; it has 4 in 3 clusters"):
        split_homes(scenario, test=scenario.home_names)
    with pytest.raises(InputError, match="no home is left"):
        split_homes(scenario.of_homes(["home-1"]), test_share=0.5)


def test_a_scenario_of_some_homes_keeps_what_is_theirs() -> None:
    scenario = worlds.scenario(days=7, homes=3)
    part = scenario.of_homes(["home-3", "home-1"])
    assert part.home_names == ["home-1", "home-3"]
    np.testing.assert_array_equal(part.load_kw, scenario.load_kw[:, [0, 2]])
    np.testing.assert_array_equal(part.t_out_c, scenario.t_out_c)
    assert part.homes.equals(scenario.homes.iloc[[0, 2]])
    assert scenario.of_homes(scenario.home_names) is scenario
    with pytest.raises(InputError, match="no home is chosen"):
        scenario.of_homes([])


def test_validation_weeks_are_neither_training_nor_test() -> None:
    of = study("split={test_every: 4, validation_every: 4}", "scenario.synthetic.days=70")
    made = setting.make(plan.plan(of)[0].study)
    assert made.validation is not None
    week = 7 * made.scenario.steps_per_day
    held = {int(start) for start in [*made.test.starts, *made.validation.starts]}
    assert len(held) == made.test.starts.size + made.validation.starts.size
    for start in made.train.starts:
        end = int(start) + made.train.episode_steps
        assert not any(start < first + week and end >= first for first in held)


def test_comfort_weighs_in_the_reward_alone() -> None:
    plain = setting.make(plan.plan(study("task.controls=null"))[0].study)
    heavy = setting.make(plan.plan(study("task.controls=null", "task.comfort_weight=3.0"))[0].study)
    np.testing.assert_allclose(heavy.test.homes["discomfort_price"], 3.0 * plain.test.homes["discomfort_price"])
    assert heavy.scenario.content_hash() == plain.scenario.content_hash()


def test_the_tasks_own_defaults_hold_where_the_study_says_nothing() -> None:
    of = study("scenario=null", "task=battery", "arms.q.circuit.n_layers=5")
    runs = plan.plan(of)
    assert {run.scenario for run in runs} == {"bundled-battery"}
    made = setting.make(runs[0].study)
    assert made.train.controls == ("battery",)


def test_a_task_on_a_feeder_is_planned() -> None:
    of = study("task={name: feeder}", "scenario.synthetic.homes=3", "arms.q=null", "arms.m=null")
    made = setting.make(plan.plan(of)[0].study)
    assert made.test.feeder is not None
    with pytest.raises(InputError, match="homes of a feeder cannot be held out"):
        study("task={name: feeder, control: per-home}", "split.homes.test_share=0.5")
