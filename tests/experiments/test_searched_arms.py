"""Arms found by search, and arms whose task departs from the study's in how they act or what they see."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from entangrid.data.errors import InputError
from entangrid.experiments import config, plan, run_metrics, runner, searching, setting, store, train
from entangrid.experiments.evaluate import evaluate
from entangrid.experiments.prediction import predict

STUDY = """
name: tiny
scenario: {synthetic: {homes: 3, days: 28, dt_h: 1.0, cooling: 1.0, start: "2025-06-02", tariff: dynamic}}
task: {name: home, control: per-home, controls: [heat_pump, battery], occupancy: noisy}
split: {test_every: 2, validation_every: 4, homes: {test: [home-3]}}
training: {steps: 1152, n_envs: 2, episode_days: 1, seeds: [3, 4]}
dqn: {learning_starts: 8, batch_size: 8, buffer_size: 100}
arms:
  none: {controller: no-control}
  linear: {controller: linear-cem, population: 4}
  tuned: {controller: thermostat-occupancy-tuned, population: 4, seeds: 1}
"""


def study(*overrides: str) -> config.StudyConfig:
    return config.parse(STUDY, "tiny.yaml", overrides)


def test_searched_arms_run_like_those_that_learn(tmp_path: Path) -> None:
    out = tmp_path / "study"
    table = runner.run_study(study(), out, jobs=1)
    runs = {f"{run.arm}/{run.seed}": run for run in plan.plan(study())}
    assert set(runs) == {"none/None", "linear/3", "linear/4", "tuned/3"}
    assert set(table["arm"].unique()) == {"none", "linear", "tuned"}
    run = runs["linear/3"]
    folder = out / store.RUNS / run.folder
    result = json.loads((folder / store.RESULT).read_text(encoding="utf-8"))
    # two homes of training, each step of a home counts: 4 candidates x 24 steps x 2 homes a generation, six of them
    assert result["environment_steps"] == 1152
    vector = np.load(folder / store.VECTOR, allow_pickle=False)
    assert result["parameters_actor"] == vector.size
    assert len((folder / store.PROGRESS).read_text(encoding="utf-8").splitlines()) == 1 + 6
    # the stored vector is the policy: it does in the test's home what the table says
    made = setting.make(run.study, arm=run.arm)
    again = searching.make(run.study, run.arm, made.test)
    again.vector = vector
    mine = evaluate(again, made.test).metrics.set_index(["week", "home", "metric"])["value"]
    stored = run_metrics.frame(folder).set_index(["week", "home", "metric"])["value"]
    np.testing.assert_array_equal(mine.to_numpy(), stored.to_numpy())
    # and it was found by this seed alone
    other = np.load(out / store.RUNS / runs["linear/4"].folder / store.VECTOR, allow_pickle=False)
    assert not np.array_equal(vector, other)
    train.execute(run, tmp_path / "again" / store.RUNS / run.folder)
    np.testing.assert_array_equal(np.load(tmp_path / "again" / store.RUNS / run.folder / store.VECTOR), vector)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.steps=191", r"arms.linear: training.steps is 191; expected at least 384, two generations of 4"),
        ("arms.linear.population=3", r"arms.linear.population: .*greater than or equal to 4"),
        ("arms.linear.ppo={}", r"arms.linear.ppo: .*"),
        ("arms.x={controller: tariff-tuned, task: {action_set: none}}", r"arms.x.task.action_set: "),
        (
            "arms.x={controller: dqn-mlp}",
            r"arms.x.controller is 'dqn-mlp', which needs task.action_set 'discrete', not 'continuous'",
        ),
        (
            "arms.x={controller: sac-mlp, task: {action_set: discrete}}",
            r"needs arms.x.task.action_set 'continuous', not 'discrete'",
        ),
        ("arms.x={controller: ppo-mlp, task: {occupancy_accuracy: 1.5}}", r"arms.x.task.occupancy_accuracy: "),
    ],
)
def test_what_cannot_be_searched_or_asked_is_refused(override: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan.plan(study(override))


def test_an_arm_may_act_in_levels_beside_others_that_do_not(tmp_path: Path) -> None:
    of = study(
        "training.steps=384",
        "arms.q={controller: dqn-mlp, hidden: [8], seeds: 1, task: {action_set: discrete}}",
        "arms.circuit={controller: dqn-quantum, circuit: {n_qubits: 3, n_layers: 5}, task: {action_set: discrete}}",
        "arms.twin={controller: dqn-mlp-matched, match: circuit, task: {action_set: discrete}}",
    )
    runs = [run for run in plan.plan(of) if run.seed in (None, 3) and run.arm in ("none", "q", "circuit", "twin")]
    for run in runs:
        made = setting.make(run.study, arm=run.arm)
        assert made.test.action_set == ("continuous" if run.arm == "none" else "discrete")
    run = next(run for run in runs if run.arm == "q")
    folder = tmp_path / store.RUNS / run.folder
    train.execute(run, folder)
    assert (folder / store.RESULT).is_file()
    assert predict(runs)[run.folder].environment_steps == 384


def test_a_task_of_ones_own_that_says_nothing_is_the_same_run() -> None:
    keys = []
    for own in ("", ", task: {}", ", task: {occupancy: noisy}", ", task: {occupancy: 'true'}"):
        runs = plan.plan(study(f"arms.x={{controller: a2c-mlp{own}}}"), check=False)
        keys.append([run.key for run in runs if run.arm == "x"])
    assert keys[0] == keys[1] == keys[2]
    assert not set(keys[0]) & set(keys[3])
