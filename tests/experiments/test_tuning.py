"""Tuning: the same budget for every arm, no look at the test, and a search that goes on after it was killed."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

import entangrid.data
from entangrid.data.errors import InputError
from entangrid.data.sources.tables import save_folder
from entangrid.experiments import config, plan, setting, store
from entangrid.experiments.cli import app
from entangrid.experiments.tuning import homes, published, search, space
from entangrid.experiments.tuning import run as tuning_run
from entangrid.experiments.tuning.run import check, tune

optuna = pytest.importorskip("optuna", reason="the extra tune is not installed")

STUDY = """
name: tiny
scenario: bundled-home
split: {months: [11, 12, 1, 2], test_every: 4, validation_every: 3}
training: {steps: 256, n_envs: 8, episode_days: 1, seeds: [0]}
ppo: {n_steps: 16, batch_size: 64, n_epochs: 1}
arms:
  no-control: {controller: no-control}
  optimum: {controller: optimum}
  quantum: {controller: ppo-quantum, circuit: {n_qubits: 3, n_layers: 4}}
  matched: {controller: ppo-mlp-matched, match: quantum}
  mlp: {controller: ppo-mlp, hidden: [8]}
tuning:
  trials: 7
  shared_homes: true
  seeds: {count: 2, first: 100}
  space:
    ppo.learning_rate: {low: 1.0e-4, high: 1.0e-2, log: true}
    ppo.n_epochs: {low: 1, high: 3, whole: true}
    ppo.gamma: [0.9, 0.99]
    arms.quantum.lr_scale_angles: {low: 0.5, high: 5.0, log: true}
    arms.mlp.hidden: [[8], [16, 8]]
"""


def study(**tuning: Any) -> config.StudyConfig:
    content = yaml.safe_load(STUDY)
    content["tuning"] |= tuning
    return config.parse(yaml.safe_dump(content, sort_keys=False), "tiny.yaml")


def searches(of: config.StudyConfig, storage: Any) -> list[search.Search]:
    return [search.Search(of, arm, storage) for arm in space.learning_arms(of)]


def rate(job: search.Job) -> float:
    section = job.study.hyperparameters(job.arm)
    return abs(np.log10(section.learning_rate) + 3.0) + 0.01 * (job.seed - 100)


def spend(of: config.StudyConfig, storage: Any, score: Any = rate, stop_after: int | None = None) -> list[search.Job]:
    """Run the search with scores from a formula; ``stop_after``: jobs after which it is killed."""
    made: list[search.Job] = []

    def execute(jobs: Any) -> list[search.Score]:
        if stop_after is not None and len(made) >= stop_after:
            raise KeyboardInterrupt
        made.extend(jobs)
        return [search.Score(score(job), job.study.training.steps) for job in jobs]

    search.run(searches(of, storage), execute)
    return made


def test_each_arm_searches_its_own_fields() -> None:
    of = study()
    assert list(space.axes(of, "quantum")) == [
        "arms.quantum.ppo.learning_rate",
        "arms.quantum.ppo.n_epochs",
        "arms.quantum.ppo.gamma",
        "arms.quantum.lr_scale_angles",
    ]
    assert list(space.axes(of, "mlp"))[-1] == "arms.mlp.hidden"
    assert len(space.axes(of, "matched")) == 3


@pytest.mark.parametrize(
    ("tuning", "message"),
    [
        ({"space": {"task.carbon_price_eur_kg": [0.0, 0.1]}}, "what all arms are asked alike cannot be tuned"),
        ({"space": {"arms.mlp.hidden": [[8], [16]]}}, "holds nothing for arm 'quantum'"),
    ],
)
def test_unequal_tuning_is_refused(tuning: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(study(**tuning))


def test_arms_that_would_take_other_steps_are_refused(tmp_path: Path) -> None:
    """A rollout is 8 environments x 16 steps = 128."""
    check(study(steps=255))
    with pytest.raises(InputError, match=r"^ppo.n_steps: with 16, arm 'quantum' takes 128 environment steps a trial"):
        check(study(steps=100))
    space = yaml.safe_load(STUDY)["tuning"]["space"]
    with pytest.raises(InputError, match=r"^tuning.space.ppo.n_steps: with 24, arm 'quantum' takes 384 environment"):
        check(study(space=space | {"ppo.n_steps": [32, 24]}))
    with pytest.raises(InputError, match=r"^tuning.space.ppo.n_steps: with "):
        check(study(space=space | {"ppo.n_steps": {"low": 8, "high": 64, "whole": True}}))
    check(study(steps=10**8, space=space | {"ppo.n_steps": {"low": 8, "high": 64, "whole": True}}))
    content = yaml.safe_load(STUDY)
    content["tuning"]["steps"] = 100
    content["arms"]["slow"] = {"controller": "a2c-mlp", "hidden": [8], "a2c": {"n_steps": 20}}
    content["tuning"]["space"]["a2c.gamma"] = [0.9]
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    told = CliRunner().invoke(app, ["validate", str(tmp_path / "tiny.yaml"), "--json"])
    assert told.exit_code == 0
    uneven, refused = json.loads(told.stdout)["remarks"]
    assert uneven.endswith("whole rollouts: 256 of quantum, matched, mlp, 320 of slow")
    assert refused.startswith("tune would refuse this study: ppo.n_steps: with 16")


def test_tuning_without_validation_weeks_is_refused() -> None:
    content = yaml.safe_load(STUDY)
    content["split"].pop("validation_every")
    with pytest.raises(InputError, match=r"split\.validation_every is 0; tuning needs validation weeks"):
        check(config.parse(yaml.safe_dump(content, sort_keys=False), "tiny.yaml"))


def test_a_search_on_homes_of_the_test_is_refused_unless_the_study_wants_it() -> None:
    with pytest.raises(InputError, match=r"tuning would search on homes of the test, .* tuning.shared_homes: true"):
        check(study(shared_homes=False))
    check(study(shared_homes=True))
    village = yaml.safe_load(STUDY) | {
        "scenario": {"synthetic": {"homes": 4, "days": 28, "dt_h": 1.0}},
        "task": {"control": "per-home"},
        "split": {"test_every": 4, "validation_every": 3, "homes": {"validation_share": 0.25}},
    }
    village["tuning"]["shared_homes"] = False
    with pytest.raises(InputError, match="tuning would search on homes of the test"):
        check(config.parse(yaml.safe_dump(village), "village.yaml"))  # which are those of training
    village["split"]["homes"]["test_share"] = 0.25
    of = config.parse(yaml.safe_dump(village), "village.yaml")
    check(of)
    whole, trial = setting.make(of), setting.make(space.for_trial(of, "mlp", {}))
    test = set(whole.test.scenario.home_names)
    searched = {home for task in (trial.train, trial.test) for home in task.scenario.home_names}
    assert test
    assert searched
    assert not test & searched


def test_a_search_may_have_homes_of_its_own() -> None:
    other = {"synthetic": {"homes": 2, "days": 28, "dt_h": 1.0, "seed": 7}}
    own = {"synthetic": {"homes": 1, "days": 28, "dt_h": 1.0}}
    content = yaml.safe_load(STUDY) | {"scenario": own, "split": {"test_every": 4, "validation_every": 3}}
    content["arms"]["quantum"]["circuit"]["n_layers"] = 8
    content["tuning"] |= {"shared_homes": False, "scenario": other}
    of = config.parse(yaml.safe_dump(content), "tiny.yaml")
    check(of)
    assert not homes.shared(of)
    database = optuna.storages.InMemoryStorage()
    for job in spend(of, database):
        assert job.study.scenario_names == ["synthetic:homes=2,days=28,seed=7,dt_h=1.0"]
    tuned = published.tuned(of, searches(of, database))
    assert tuned.scenario == of.scenario
    for same in ({"synthetic": {"homes": 3, "days": 28, "dt_h": 1.0}}, "synthetic:homes=2,days=28,seed=0"):
        content["tuning"]["scenario"] = same
        with pytest.raises(InputError, match=r"tuning.scenario has the homes of the study's scenario"):
            check(config.parse(yaml.safe_dump(content), "tiny.yaml"))
    content["tuning"]["scenario"] = "synthetic:homes=1,days=28,seed=00"
    listed = content | {"scenario": None, "scenarios": [own]}
    with pytest.raises(InputError, match=r"tuning.scenario has the homes of the study's scenario"):
        check(config.parse(yaml.safe_dump(listed), "tiny.yaml"))
    dealt = content | {"sweep": {"axes": {"split.test_every": [4, 3]}}}
    with pytest.raises(InputError, match=r"sweep.axes.split.test_every changes what the test is"):
        check(config.parse(yaml.safe_dump(dealt | {"tuning": content["tuning"] | {"scenario": other}}), "tiny.yaml"))
    content["tuning"]["scenario"] = "nowhere-at-all"
    with pytest.raises(InputError, match=r"tuning\.scenario: scenario 'nowhere-at-all' is not known"):
        check(config.parse(yaml.safe_dump(content), "tiny.yaml"))


def test_homes_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    """A saved copy of the homes is no other homes: under other names, of other size, at another step, in part."""
    own = entangrid.data.load("synthetic:homes=3,days=28,dt_h=0.5")
    names = {name: f"other-{name}" for name in own.home_names}
    arrays = {each.name: getattr(own, each.name) for each in dataclasses.fields(own)}
    hourly = {name: array[::2] for name, array in arrays.items() if np.ndim(array) and len(array) == own.n_steps}
    hourly["load_kw"] = (own.load_kw[::2] + own.load_kw[1::2]) / 2.0
    copies = {
        "saved": own,
        "renamed": dataclasses.replace(own, homes=own.homes.rename(index=names)),
        "scaled": dataclasses.replace(own, load_kw=own.load_kw * [1.0, 2.0, 0.5]),
        "one": own.of_homes(["home-3"]),
        "hourly": dataclasses.replace(own, dt_h=1.0, **hourly),
    }
    for name, copy in copies.items():
        save_folder(copy, tmp_path / name)
        found = homes.common_home(entangrid.data.load(str(tmp_path / name)), own)
        assert found is not None
        assert found[0].endswith(found[1])
    for other in ("start=2018-01-01", "dt_h=0.25", "climate=continental,dt_h=0.5"):
        assert homes.common_home(entangrid.data.load(f"synthetic:homes=3,days=28,{other}"), own) is not None
    assert homes.common_home(entangrid.data.load("synthetic:homes=9,days=28,seed=1"), own) is None
    assert homes.common_home(entangrid.data.load("synthetic:homes=9,days=28,seed=1,start=2018-01-01"), own) is None
    still = dataclasses.replace(own, load_kw=np.zeros_like(own.load_kw))
    assert homes.common_home(still, still) == ("home-1", "home-1")

    content = yaml.safe_load(STUDY) | {"split": {"test_every": 4, "validation_every": 3}}
    content["tuning"] |= {"shared_homes": False, "scenario": str(tmp_path / "one")}
    content["scenario"] = {"synthetic": {"homes": 3, "days": 28, "dt_h": 0.5}}
    content["arms"]["quantum"]["circuit"]["n_layers"] = 12
    with pytest.raises(InputError, match=r"^tuning.scenario: home 'home-3' of the search is home 'home-3' of the test"):
        check(config.parse(yaml.safe_dump(content), "tiny.yaml"))


def test_a_study_that_names_no_scenario_is_compared_too(tmp_path: Path) -> None:
    content = yaml.safe_load(STUDY) | {"split": {"test_every": 4, "validation_every": 3}}
    content.pop("scenario")
    of = config.parse(yaml.safe_dump(content), "tiny.yaml")
    save_folder(setting.load_scenario(setting.scenario_name(of)), tmp_path / "copy")
    content["arms"]["quantum"]["circuit"]["n_layers"] = 8
    content["tuning"] |= {"shared_homes": False, "scenario": str(tmp_path / "copy")}
    with pytest.raises(InputError, match=r"^tuning.scenario: home '.*' of the search is home '.*' of the test"):
        check(config.parse(yaml.safe_dump(content), "tiny.yaml"))


def test_homes_held_out_by_name_are_no_household_of_the_search() -> None:
    """Two homes of one household's profile, of which one is held out by name."""
    content = yaml.safe_load(STUDY) | {
        "scenario": {"synthetic": {"homes": 3, "days": 28, "dt_h": 1.0}},
        "task": {"control": "per-home"},
        "split": {"test_every": 4, "validation_every": 3, "homes": {"test": ["home-1"]}},
    }
    content["tuning"]["shared_homes"] = False
    of = config.parse(yaml.safe_dump(content), "tiny.yaml")
    check(of)
    twins = entangrid.data.load("synthetic:homes=3,days=28,dt_h=1.0")
    twins = dataclasses.replace(twins, load_kw=twins.load_kw[:, [0, 0, 2]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setting, "load_scenario", lambda _: twins)
        with pytest.raises(InputError, match=r"^split.homes: home 'home-2' of the search is home 'home-1' of the test"):
            homes.check(of)


def test_a_trial_sees_no_test_week_and_no_test_seed() -> None:
    of = study()
    values = {"arms.quantum.ppo.learning_rate": 0.005, "arms.quantum.lr_scale_angles": 2.0}
    trial = space.for_trial(of, "quantum", values)
    assert set(trial.arms) == {"no-control", "quantum"}
    assert not set(trial.training.seed_list) & set(of.training.seed_list)
    assert trial.hyperparameters("quantum").learning_rate == 0.005
    whole, made = setting.make(of), setting.make(trial)
    assert set(made.test.starts) == set(whole.validation.starts)  # type: ignore[union-attr]
    assert not set(made.test.starts) & set(whole.test.starts)
    assert {run.key for run in plan.plan(trial)}.isdisjoint(run.key for run in plan.plan(of))
    assert set(space.for_trial(of, "matched", {}).arms) == {"no-control", "quantum", "matched"}


def test_every_arm_has_the_same_budget_and_finds_the_better_half() -> None:
    of = study(trials=12)
    storage = optuna.storages.InMemoryStorage()
    spend(of, storage)
    frame = published.trials(searches(of, storage))
    assert frame.groupby("arm")["steps"].sum().to_dict() == dict.fromkeys(["quantum", "matched", "mlp"], 12 * 2 * 256)
    assert (frame["state"] == "complete").all()
    assert (frame.groupby("arm")["best"].diff().fillna(0.0) <= 0.0).all()
    for _, own in frame.groupby("arm"):
        assert own["best"].iloc[-1] == pytest.approx(own["score"].min())
        assert own["score"].min() < 0.3
    best = published.tuned(of, searches(of, storage))
    assert abs(np.log10(best.hyperparameters("mlp").learning_rate) + 3.0) < 0.3
    assert best.arms["mlp"].hidden in ([8], [16, 8])  # type: ignore[union-attr]
    assert best.hyperparameters("mlp") != best.hyperparameters("quantum")


def test_pruned_trials_count_by_the_steps_they_used() -> None:
    of = study(trials=14, prune=True, seeds={"count": 4, "first": 100})
    storage = optuna.storages.InMemoryStorage()
    spend(of, storage)
    frame = published.trials(searches(of, storage))
    for _, own in frame.groupby("arm"):
        assert (own["state"] == "pruned").any()
        assert 13 * 4 * 256 < own["steps"].sum() <= 14 * 4 * 256
        assert own.loc[own["state"] == "pruned", "steps"].max() < 4 * 256
    assert frame.groupby("arm").size().max() > 14  # what pruning left bought more trials


def test_failed_runs_cost_and_never_win() -> None:
    of = study()
    storage = optuna.storages.InMemoryStorage()
    spend(of, storage, lambda job: None if job.trial % 2 else rate(job))
    frame = published.trials(searches(of, storage))
    assert set(frame.loc[frame["trial"] % 2 == 1, "state"]) == {"fail"}
    assert frame.loc[frame["trial"] % 2 == 0, "score"].notna().all()
    assert frame.groupby("arm")["steps"].sum().max() <= 7 * 2 * 256


@pytest.mark.parametrize("stop_after", [1, 16, 31])
def test_a_killed_search_ends_in_the_same_trials(stop_after: int) -> None:
    of = study()
    straight, killed = optuna.storages.InMemoryStorage(), optuna.storages.InMemoryStorage()
    spend(of, straight)
    with pytest.raises(KeyboardInterrupt):
        spend(of, killed, stop_after=stop_after)
    spend(of, killed)
    pd.testing.assert_frame_equal(*(published.trials(searches(of, storage)) for storage in (straight, killed)))
    assert not spend(of, killed)  # nothing is left to do


class Killed(BaseException):
    pass


def spend_killed_at(of: config.StudyConfig, storage: Any, operation: int, patch: pytest.MonkeyPatch) -> int:
    """Kill the search at one operation on its storage (0: at none), and go on; returns how many there were."""
    done = 0

    def counted(method: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal done
            done += 1
            if done == operation:
                raise Killed
            return method(*args, **kwargs)

        return call

    for name in ("create_new_trial", "set_trial_param", "set_trial_state_values", "set_trial_user_attr"):
        patch.setattr(storage, name, counted(getattr(storage, name)))
    name = "set_trial_intermediate_value"
    patch.setattr(storage, name, counted(getattr(storage, name)))
    with contextlib.suppress(Killed):
        spend(of, storage, rough)
    spend(of, storage, rough)
    return done


def rough(job: search.Job) -> float:
    """A score of which seeds say little, so that many trials are given up, at different seeds."""
    text = repr((3, job.study.hyperparameters(job.arm).model_dump(), job.seed))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32


def test_a_search_that_gives_up_trials_and_is_killed_anywhere_ends_in_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = yaml.safe_load(STUDY)
    content["arms"] = {name: content["arms"][name] for name in ("no-control", "mlp")}
    content["tuning"] |= {"trials": 12, "prune": True, "seeds": {"count": 5, "first": 100}}
    content["tuning"]["space"] = {"ppo.learning_rate": {"low": 1e-5, "high": 0.1, "log": True}}
    of = config.parse(yaml.safe_dump(content), "tiny.yaml")
    straight = optuna.storages.InMemoryStorage()
    operations = spend_killed_at(of, straight, 0, monkeypatch)
    wanted = published.trials(searches(of, straight))
    given_up = wanted.loc[wanted["state"] == "pruned", "steps"]
    assert len(wanted) > 12
    assert given_up.nunique() > 1
    for operation in np.random.default_rng(0).choice(np.arange(1, operations), 24, replace=False):
        killed = optuna.storages.InMemoryStorage()
        spend_killed_at(of, killed, int(operation), monkeypatch)
        pd.testing.assert_frame_equal(published.trials(searches(of, killed)), wanted)


def test_a_search_begins_anew_where_its_scenario_or_the_version_of_results_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = entangrid.data.load("synthetic:homes=1,days=28,dt_h=1.0")
    save_folder(world, tmp_path / "world")
    content = yaml.safe_load(STUDY) | {"split": {"test_every": 4, "validation_every": 3}}
    content["scenario"] = str(tmp_path / "world")
    of, storage = config.parse(yaml.safe_dump(content), "tiny.yaml"), optuna.storages.InMemoryStorage()
    names = [{each.study.study_name for each in searches(of, storage)}]
    names.append({each.study.study_name for each in searches(of, storage)})
    shutil.rmtree(tmp_path / "world")
    save_folder(dataclasses.replace(world, price_import_eur_kwh=3.0 * world.price_import_eur_kwh), tmp_path / "world")
    names.append({each.study.study_name for each in searches(of, storage)})
    monkeypatch.setattr(plan, "RESULTS_VERSION", plan.RESULTS_VERSION + 1)
    names.append({each.study.study_name for each in searches(of, storage)})
    assert names[0] == names[1]
    assert not names[1] & names[2]
    assert not names[2] & names[3]


def test_values_that_do_not_fit_together_fail_without_a_run_and_are_never_the_best(tmp_path: Path) -> None:
    content = yaml.safe_load(STUDY)
    content["arms"] = {name: content["arms"][name] for name in ("no-control", "mlp")}
    content["tuning"] |= {"trials": 4, "seeds": [100], "sampler": "random", "space": {"ppo.batch_size": [64, 100]}}
    of = config.parse(yaml.safe_dump(content), "tiny.yaml")
    frame = tune(of, tmp_path / "out", jobs=1)
    values = frame["values"].map(lambda text: json.loads(text)["arms.mlp.ppo.batch_size"])
    assert set(values) == {64, 100}
    assert (frame["state"] == np.where(values == 100, "fail", "complete")).all()
    assert frame["environment_steps"].eq(np.where(values == 100, 0, 256)).all()
    plan.plan(config.load(str(tmp_path / "out" / published.TUNED)))
    content["tuning"]["space"] = {"ppo.batch_size": [100]}
    (tmp_path / "never.yaml").write_text(yaml.safe_dump(content))
    done = CliRunner().invoke(app, ["tune", str(tmp_path / "never.yaml"), "--out", str(tmp_path / "never")])
    assert done.exit_code == 1
    assert "no trial of arm 'mlp' came to its end" in done.output
    assert (tmp_path / "never" / published.TRIALS).is_file()


def test_a_storage_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="storage 'nonsense://x' cannot be opened"):
        search.open_storage("nonsense://x", tmp_path)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("nosuch://ann:pa:s/s@host/db", "nosuch://ann:***@host/db"),
        ("nosuch://ann@host/db", "nosuch://ann@host/db"),
        ("sqlite:///a:b.db", "sqlite:///a:b.db"),
    ],
)
def test_the_password_of_a_storage_is_not_shown(url: str, shown: str) -> None:
    assert search.without_password(url)[0] == shown
    if url.startswith("nosuch"):
        with pytest.raises(InputError) as refused:
            search.open_storage(url, Path("unused"))
        assert shown in str(refused.value)
        assert "pa:s" not in str(refused.value)


def test_a_folder_that_cannot_be_written_or_is_in_use_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(InputError, match=f"{out}: cannot be written: "):
            tune(study(), out)
    (tmp_path / "out").mkdir()
    with (
        store.claimed_study(tmp_path / "out"),
        pytest.raises(InputError, match=r"out: another process is running this study"),
    ):
        tune(study(), tmp_path / "out")
    assert not (tmp_path / "out" / "tuning.db").exists()


@pytest.mark.parametrize(
    ("how", "message"), [({"jobs": 0}, "jobs is 0; expected at least 1"), ({"engine": "roy"}, "engine is 'roy'")]
)
def test_what_cannot_be_run_with_is_refused_before_anything_is_written(
    how: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        tune(study(), tmp_path / "out", **how)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("failed", "code"), [(0, 0), (2, 1)])
def test_failed_trials_are_told_by_the_exit_code(
    failed: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.yaml").write_text(STUDY, encoding="utf-8")
    rows = [
        {"arm": "mlp", "trial": k, "state": "fail" if k < failed else "complete", "score": np.nan if k < failed else k,
         "steps": 512, "values": "{}"} for k in range(5)
    ]  # fmt: skip
    monkeypatch.setattr(tuning_run, "tune", lambda *_, **__: pd.DataFrame(rows))
    for options in ([], ["--json"]):
        done = CliRunner().invoke(app, ["tune", str(tmp_path / "tiny.yaml"), *options])
        assert done.exit_code == code, done.output
        assert ("2 of 5 trials failed" in done.stderr) == bool(failed)
        assert "mlp" in done.stdout


def test_command_leaves_trials_and_a_study_that_run_takes(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(STUDY, encoding="utf-8")
    command = [sys.executable, "-c", "from entangrid.experiments.cli import main; main()", "tune"]
    arguments = [tmp_path / "tiny.yaml", "--out", tmp_path / "out", "--jobs", "2", "--json"]
    small = ["--set", "tuning.trials=1", "--set", "arms.matched=null", "--set", "arms.quantum=null"]
    small += ["--set", "tuning.space={ppo.learning_rate: {low: 0.001, high: 0.01}}"]
    done = subprocess.run(
        [*map(str, [*command, *arguments, *small])], capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr
    (best,) = json.loads(done.stdout)
    tuned = config.load(str(tmp_path / "out" / published.TUNED))
    assert best["arm"] == "mlp"
    assert tuned.hyperparameters("mlp").learning_rate == pytest.approx(best["values"]["arms.mlp.ppo.learning_rate"])
    assert (tmp_path / "out" / published.FIGURE).read_bytes().startswith(b"\x89PNG")
    frame = pd.read_parquet(tmp_path / "out" / published.TRIALS)
    assert len(frame) == 1
    assert len(json.loads(frame["scores"][0])) == 2
    assert len(plan.plan(tuned)) == 3


SWEPT = """
  cut: {controller: ppo-quantum, circuit: {n_qubits: 3, n_layers: 4}, ablation: entanglers-off, seeds: 1}
  blind: {controller: ppo-mlp, hidden: [8], task: {occupancy: noisy, occupancy_accuracy: 0.5}}
  linear: {controller: linear-cem, population: 4}
sweep: {axes: {task.comfort_weight: [0.1, 1.0, 5.0]}}
verdict: {pairs: [[quantum, mlp], [quantum, cut]]}
claim: {source: nengroo2025-like/energy_ddpg, baseline: no-control}
"""


def swept(**changes: Any) -> config.StudyConfig:
    content = yaml.safe_load(STUDY.replace("tuning:", SWEPT.lstrip("\n") + "tuning:"))
    content["training"]["steps"], content["tuning"]["steps"] = 768, 256
    return config.parse(yaml.safe_dump(content | changes, sort_keys=False), "swept.yaml")


def test_a_sweep_is_tuned_at_its_middle_and_ablations_follow_their_parents() -> None:
    of = swept()
    check(of)
    assert space.learning_arms(of) == ["quantum", "matched", "mlp"]
    assert {arm: space.parent(of, arm) for arm in ("cut", "blind", "linear", "quantum", "no-control")} == {
        "cut": "quantum",
        "blind": "mlp",
        "linear": None,
        "quantum": None,
        "no-control": None,
    }
    database = optuna.storages.InMemoryStorage()
    made = spend(of, database)
    assert {job.study.task.comfort_weight for job in made} == {1.0}
    assert all(job.study.sweep is None for job in made)
    result = published.tuned(of, searches(of, database))
    assert result.sweep == of.sweep
    for arm, parent in (("cut", "quantum"), ("blind", "mlp")):
        assert result.hyperparameters(arm) == result.hyperparameters(parent)
        assert result.hyperparameters(arm) != of.hyperparameters(arm)
    assert result.arms["cut"].lr_scale_angles == result.arms["quantum"].lr_scale_angles != 1.0  # type: ignore[union-attr]
    assert result.arms["blind"].hidden == result.arms["mlp"].hidden  # type: ignore[union-attr]
    kept = result.arms["cut"].model_dump() | {"ablation": None, "seeds": None}
    assert kept == result.arms["quantum"].model_dump()


def test_the_default_seeds_of_a_search_can_be_used() -> None:
    content = yaml.safe_load(STUDY)
    del content["tuning"]["seeds"]
    of = config.parse(yaml.safe_dump(content), "tiny.yaml")
    assert spend(of, optuna.storages.InMemoryStorage())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"sweep": {"mode": "random", "n": 2, "axes": {"ppo.gamma": {"low": 0.9, "high": 0.99}}}},
            "sweep.axes.ppo.gamma is a range, without a middle value",
        ),
        ({"sweep": {"axes": {"ppo.gamma": [0.9, 0.99]}}}, "tuning.space.ppo.gamma is an axis of the sweep too"),
        (
            {"tuning": {"space": {"ppo.gamma": [0.9, 0.99], "arms.cut.lr_scale_angles": [1.0, 2.0]}}},
            "tuning.space.arms.cut.lr_scale_angles: this arm takes over the values of 'quantum'",
        ),
    ],
)
def test_a_search_that_would_not_be_equal_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(swept(**changes))
