"""`entangrid validate`, `schema`, `run --set --dry-run`, `envs`, `data`; files that extend others."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import worlds
from typer.testing import CliRunner, Result

import entangrid.data
from entangrid.data.errors import InputError
from entangrid.data.sources.tables import save_folder
from entangrid.experiments import config, plan, prediction, setting, tidy
from entangrid.experiments.cli import app
from entangrid.experiments.config import text as config_text
from entangrid.experiments.config.json_schema import json_schema
from entangrid.experiments.evidence import Evidence
from entangrid.experiments.report import write

STUDY = """
name: tiny
scenario: WORLD
split: {test_every: 2}
training: {steps: 256, n_envs: 2, episode_days: 1, seeds: [0, 1]}
ppo: {n_steps: 16, batch_size: 16, n_epochs: 2}
arms:
  none: {controller: no-control}
  mlp: {controller: ppo-mlp, hidden: [8]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_folder(worlds.scenario(days=21, dt_h=1.0), tmp_path / "world")
    (tmp_path / "tiny.yaml").write_text(STUDY.replace("WORLD", str(tmp_path / "world")), encoding="utf-8")
    return tmp_path / "tiny.yaml"


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_validate_counts_what_is_planned_and_says_whether_the_gap_can_be_shown(file: Path) -> None:
    shown = invoke("validate", file)
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("tiny: 2 arms, 3 runs, 1 held-out weeks: valid\n")
    assert "weeks 2 of training, 0 of validation, 1 of the test" in shown.output
    assert "gap closed: not shown, no arm is the optimum; add one" in shown.output
    found = json.loads(invoke("validate", file, "--json", "--set", "arms.best={controller: optimum}").output)
    assert (found["valid"], found["arms"], found["runs"], found["gap_closed"]) == (True, 3, 4, "shown")
    assert config.check(found["resolved"], "resolved").arms.keys() == {"none", "mlp", "best"}


def test_validate_as_json_lists_what_is_wrong(file: Path) -> None:
    refused = invoke("validate", file, "--json", "--set", "training.steps=0", "--set", "ppo.gamma=2")
    assert refused.exit_code == 2
    found = json.loads(refused.output)
    assert found["valid"] is False
    assert [line.split(": ")[1] for line in found["errors"]] == ["training.steps", "ppo.gamma"]


def test_dry_run_prints_plan_and_cost_and_writes_nothing(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shown = invoke("run", file, "--out", out, "--set", "training.seeds={count: 5}", "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "tiny: 6 runs" in shown.output
    assert "0 of 6 runs are finished" in shown.output
    assert not out.exists()
    run = next(run for run in plan.plan(config.load(str(file))) if run.arm == "mlp" and run.seed == 1)
    (out / "runs" / run.folder).mkdir(parents=True)
    (out / "runs" / run.folder / "result.json").write_text("{}")
    found = json.loads(invoke("run", file, "--out", out, "--jobs", "2", "--dry-run", "--json").stdout)
    assert (found["runs"], found["finished"], found["jobs"]) == (3, 1, 2)
    of_arm = {row["arm"]: row for row in found["arms"]}
    assert of_arm["mlp"]["environment_steps"] == 256
    assert of_arm["mlp"]["gradient_steps"] == 256 // 32 * 2 * 2
    assert of_arm["mlp"]["cpu_s_per_run"] > 0.0
    assert found["cpu_h_left"] == pytest.approx(sum(row["cpu_h_left"] for row in found["arms"]))
    assert [path.name for path in out.rglob("*")].count("result.json") == 1


def test_a_run_prints_its_table_as_json_and_says_when_its_rules_were_changed_later(file: Path, tmp_path: Path) -> None:
    arms = "arms={none: {controller: no-control}, best: {controller: optimum}}"
    first = invoke("run", file, "--out", tmp_path / "out", "--jobs", "1", "--json", "--set", arms)
    assert first.exit_code == 0, first.output
    found = json.loads(first.stdout)
    assert found == json.loads(invoke("table", tmp_path / "out", "--json").stdout)
    assert [row["arm"] for row in found["arms"]] == ["none", "best"]
    assert "not fixed before" not in first.stderr
    again = invoke("run", file, "--out", tmp_path / "out", "--set", arms, "--set", "verdict.margin=0.2", "--json")
    told = "verdict.margin was 0.05 and is 0.2: not fixed before the runs that are finished already"
    assert told in again.stderr
    assert told in (tmp_path / "out" / "study.log").read_text()
    assert json.loads(again.stdout)["margin"] == 0.2
    evidence = Evidence(tmp_path / "out")
    assert evidence.rules_then is not None
    assert (evidence.rules_then.margin, evidence.margin) == (0.05, 0.2)
    third = invoke("run", file, "--out", tmp_path / "out", "--set", arms, "--set", "verdict.margin=0.2")
    assert "not fixed before" not in third.stderr  # said once; the report goes by the runs


@pytest.mark.parametrize("on", ["test", "validation"])
def test_what_is_measured_on_validation_weeks_is_not_called_a_test(on: str, file: Path, tmp_path: Path) -> None:
    arms = "arms={none: {controller: no-control}, best: {controller: optimum}}"
    split = f"split={{test_every: 3, validation_every: 3, evaluate_on: {on}}}"
    shown = invoke("run", file, "--out", tmp_path / "out", "--jobs", "1", "--set", arms, "--set", split)
    assert shown.exit_code == 0, shown.output
    page = write(tmp_path / "out").read_text(encoding="utf-8")
    for text in (shown.stdout, invoke("table", tmp_path / "out").stdout, page):
        assert ("easured on the weeks and homes of validation" in text) == (on == "validation")
    assert set(tidy.read(tmp_path / "out")["split"].dropna()) == {on}


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("ppo", (320, 2 * 5 * 8)),  # five rollouts of 64 steps, two epochs of eight minibatches
        ("a2c", (300, 75)),
        ("sac", (300, 150 - 5)),
        ("td3", (300, 150 - 5)),
        ("reinforce", (384, 4)),  # four updates of one 24-step episode in each of four environments
    ],
)
def test_predicted_work_is_what_the_algorithm_does(algorithm: str, expected: tuple[int, int], file: Path) -> None:
    overrides = [
        "training.steps=300",
        "training.n_envs=2",
        f"arms.mlp.controller={algorithm}-mlp",
        "ppo={n_steps: 32, batch_size: 8, n_epochs: 2}",
        "a2c={n_steps: 2}",
        "reinforce={n_episodes: 4}",
        *(f"{name}={{learning_starts: 11, batch_size: 8, buffer_size: 50}}" for name in ("sac", "td3")),
    ]
    study = config.load(str(file), overrides)
    run = next(run for run in plan.plan(study) if run.arm == "mlp")
    made = setting.make(run.study)
    assert prediction.work(run.study, "mlp", 2, made.train.episode_steps) == expected
    from entangrid.experiments import building

    model = building.build_learner(run, made.train)
    counted = {"gradients": 0, "each": 1}
    train = model.train

    def trained(*args: Any, **kwargs: Any) -> None:
        train(*args, **kwargs)
        counted["gradients"] += kwargs.get("gradient_steps", 16 if algorithm == "ppo" else 1)

    model.train = trained
    model.learn(300)
    assert (model.num_timesteps, counted["gradients"]) == expected


def test_the_schema_describes_every_field_and_allows_what_is_allowed(tmp_path: Path) -> None:
    shown = invoke("schema")
    schema = json.loads(shown.output)
    written = invoke("schema", "--out", tmp_path / "s.json")
    assert written.exit_code == 0
    assert json.loads((tmp_path / "s.json").read_text()) == schema
    for name, model in schema["$defs"].items():
        for field, content in model.get("properties", {}).items():
            assert content.get("description"), (name, field)
            assert "default" in content or field in model.get("required", []) or name in (
                "Range", "SeedRange", "SweepConfig", "SyntheticScenario", "CVCircuitConfig", "MatchedArm"
            ), (name, field)  # fmt: skip
    for field, content in schema["properties"].items():
        assert content.get("description"), field
    assert [part["required"] for part in schema["anyOf"]] == [["extends"], ["name", "arms"]]
    controllers = {
        word
        for name in ("RuleArm", "SearchedArm", "MLPArm", "MatchedArm", "QuantumArm")
        for word in schema["$defs"][name]["properties"]["controller"]["enum"]
    }
    assert controllers == set(config.names())


def test_the_schema_takes_every_study_that_is_taken_and_refuses_what_is_misspelt() -> None:
    """As an editor checks them: packaged studies as they stand, also those that say what differs, and resolved ones."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(schema)
    for name in config.packaged():
        file = files("entangrid.experiments.conf").joinpath(f"{name}.yaml")
        checker.validate(config_text.parse(file.read_text(encoding="utf-8"), name))
        checker.validate(config.load(name).model_dump(mode="json"))
    page = (Path(__file__).parents[2] / "docs" / "studies.md").read_text(encoding="utf-8")
    for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL):
        checker.validate(config_text.parse(block, "studies.md"))
    none = {"none": {"controller": "no-control"}}
    for wrong in (
        {"name": "x", "arms": {"a": {"hidden": [8]}}},  # nothing that it could differ from
        {"name": "x", "arms": {"a": {"controller": "ppo-mlpp"}}},
        {"extends": "smoke", "arms": {"a": {"controller": "ppo-mlp", "hiddn": [8]}}},
        {"name": "x", "arms": none, "training": {"stepz": 1}},
        {"name": "x", "arms": none, "ppo": {"gamma": 2.0}},
        {"arms": none},
    ):
        assert not checker.is_valid(wrong), wrong


def test_a_file_is_laid_upon_the_one_that_it_extends(file: Path, tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    middle = tmp_path / "middle.yaml"
    middle.write_text("extends: tiny.yaml\nppo: {gamma: 0.9}\narms: {q: {controller: ppo-quantum, frozen: [angles]}}\n")
    top = tmp_path / "deeper" / "top.yaml"
    top.write_text(
        "extends: ../middle.yaml\nname: top\nscenarios: [bundled-home]\ntraining: {seeds: [7]}\n"
        "arms: {mlp: {controller: a2c-mlp}, q: {circuit: {n_layers: 5}}, extra: {controller: optimum}}\n"
    )
    study = config.load(str(top))
    assert (study.name, study.ppo.gamma, study.ppo.n_steps) == ("top", 0.9, 16)
    assert study.training.seed_list == [7]  # lists are replaced
    assert study.training.n_envs == 2
    assert study.scenario_names == ["bundled-home"]
    mlp, q = study.arms["mlp"], study.arms["q"]
    assert isinstance(mlp, config.MLPArm)
    assert mlp.hidden == [64, 64]  # another controller is another arm
    assert isinstance(q, config.QuantumArm)
    assert isinstance(q.circuit, config.CircuitConfig)
    assert (q.frozen, q.circuit.n_layers) == (["angles"], 5)
    top.write_text("extends: quickstart\narms: {ppo-mlp: null}\n")
    quickstart = config.load("quickstart")
    assert config.load(str(top)).arms.keys() == quickstart.arms.keys() - {"ppo-mlp"}


def test_an_error_names_the_file_or_the_option_that_it_stands_in(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        "name: base\ntask: home\n"
        "arms: {none: {controller: no-control}, a: {controller: ppo-mlp, hidden: [0], activation: no}}\n"
        "training: {stepz: 5, n_envs: 0}\n"
    )
    (tmp_path / "child.yaml").write_text("extends: base.yaml\nname: child\ntraining: {n_envs: -1}\nppo: {gamma: 2}\n")
    with pytest.raises(InputError) as refused:
        config.load(
            str(tmp_path / "child.yaml"),
            ["training.seeds=[0, -1]", "sac.tau=7", "arms.a.hidden.0=-3", "arms.b={controller: x}"],
        )
    child, base = tmp_path / "child.yaml", tmp_path / "base.yaml"
    starts = {
        f"{child}: training.n_envs: ",  # what the extending file says stands above what the extended one does
        f"{child}: ppo.gamma: ",
        f"{base}: training.stepz: unknown field (did you mean 'steps'?)",
        f"{child} with --set arms.a.hidden.0=-3: arms.a.hidden.0: ",
        f"{base}: arms.a.activation: ",
        f"{child} with --set training.seeds=[0, -1]: training.seeds.1: ",
        f"{child} with --set sac.tau=7: sac.tau: ",
        f"{child} with --set arms.b={{controller: x}}: arms.b.controller: 'x' is unknown",
    }
    said = str(refused.value).splitlines()
    assert len(said) == len(starts)
    for start in starts:
        assert sum(line.startswith(start) for line in said) == 1, (start, said)


def test_files_that_extend_one_another_are_refused(tmp_path: Path) -> None:
    for name, base in (("a", "b.yaml"), ("b", "c.yaml"), ("c", "a.yaml")):
        (tmp_path / f"{name}.yaml").write_text(f"extends: {base}\n")
    with pytest.raises(InputError, match=r"c\.yaml: extends: 'a\.yaml' extends this file in turn"):
        config.load(str(tmp_path / "a.yaml"))
    for i in range(12):
        (tmp_path / f"n{i}.yaml").write_text(f"extends: n{i + 1}.yaml\n")
    with pytest.raises(InputError, match="more than 8 files extend one another"):
        config.load(str(tmp_path / "n0.yaml"))


def test_an_arm_may_have_dots_in_its_name() -> None:
    with pytest.raises(InputError, match=r"arms\.v1\.controller: missing"):  # without such an arm, dots part fields
        config.load("smoke", ["arms.v1.2={controller: ppo-mlp}"])
    study = config.load("smoke", ["arms={none: {controller: no-control}, v1.2: {controller: ppo-mlp}}"])
    content = study.model_dump()
    study = config.check(content, "x", ["arms.v1.2.hidden=[3]"])
    assert content["arms"]["v1.2"]["hidden"] == [64, 64]
    assert study.arms["v1.2"].hidden == [3]  # type: ignore[union-attr]


def test_envs_lists_every_task_with_its_spaces() -> None:
    rows = json.loads(invoke("envs", "--json").output)
    from entangrid.envs.registration import TASKS

    assert [row["task"] for row in rows] == [f"entangrid/{name}" for name in TASKS]
    of = {row["task"]: row for row in rows}
    assert of["entangrid/Battery-v0"]["action"] == "Box(-1 to 1, (1,))"
    assert of["entangrid/Dispatch-v0"]["action"] == "Discrete(10)"
    assert all(len(row["about"]) > 20 for row in rows)


def test_data_lists_sources_describes_one_and_saves_it(tmp_path: Path) -> None:
    sources = json.loads(invoke("data", "--json").output)
    assert {"bundled-home", "FOLDER"} <= {row["source"] for row in sources}
    assert all(row["about"] for row in sources)
    name = "synthetic:homes=2,days=7,dt_h=1.0,vehicles=1"
    found = json.loads(invoke("data", name, "--save", tmp_path / "mine", "--json").stdout)
    assert (found["homes"], found["steps"], found["step_h"]) == (2, 168, 1.0)
    assert "vehicle" in found["controls"]
    scenario = entangrid.data.load(name)
    assert found["hash"] == scenario.content_hash() == entangrid.data.load(tmp_path / "mine").content_hash()
    assert found["means"]["load_kw"] == pytest.approx(float(scenario.load_kw.mean()))
    assert "hash" in invoke("data", tmp_path / "mine").output
    for arguments, message in (
        (["data", "nowhere"], "scenario 'nowhere' is not known"),
        (["data", "bundled-battery", "--save", str(tmp_path / "mine")], "exists already"),
        (["data", "--save", "x"], "which scenario is missing"),
        (["data", "bundled-battery", "--format", "xls"], "--format is 'xls'; expected csv or parquet"),
    ):
        refused = invoke(*arguments)
        assert isinstance(refused.exception, InputError)
        assert message in str(refused.exception)
