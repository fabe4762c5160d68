"""A study's YAML: what is wrong is named with file, field, value and expectation."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from entangrid.data.errors import InputError
from entangrid.experiments import config
from entangrid.experiments.config import text as config_text

GOOD = yaml.safe_load(
    """
name: mine
scenario: bundled-home
training: {steps: 128, n_envs: 4, seeds: [0, 1]}
ppo: {n_steps: 16, batch_size: 32}
arms:
  none: {controller: no-control}
  best: {controller: optimum}
  quantum: {controller: ppo-quantum, circuit: {n_qubits: 4, n_layers: 3}}
  twin: {controller: ppo-mlp-matched, match: quantum}
"""
)


def changed(path: str, value: object) -> str:
    content = yaml.safe_load(yaml.safe_dump(GOOD))
    *parents, last = path.split(".")
    place = content
    for name in parents:
        place = place.setdefault(name, {})
    place[last] = value
    return yaml.safe_dump(content)


def test_packaged_studies_are_valid() -> None:
    assert {"quickstart", "smoke"} <= set(config.packaged())
    for name in config.packaged():
        assert config.load(name).name == name


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("training.steps", -1, r"mine.yaml: training.steps: .*greater than or equal to 1 \(got -1\)"),
        ("training.steps", "many", r"training.steps: .*integer.*\(got 'many'\)"),
        ("training.step", 5, r"training.step: unknown field \(did you mean 'steps'\?\)"),
        ("training.seeds", [1, 1], r"training: seeds \[1, 1\] are not distinct"),
        ("training.seeds", [], r"training.seeds: "),
        ("training.seeds", [True], r"training.seeds.0: .*integer \(got True\)"),
        ("ppo.gamma", 1.5, r"ppo.gamma: .*less than or equal to 1 \(got 1.5\)"),
        ("ppo.gamma", float("nan"), r"ppo.gamma: "),
        ("ppo.batch_size", 33, r"ppo.batch_size is 33; expected a divisor of .* = 64"),
        ("arms.quantum.circuit.n_qubit", 3, r"arms.quantum.circuit.n_qubit: unknown field \(did you mean 'n_qubits'"),
        ("arms.quantum.circuit.n_qubits", 0, r"arms.quantum.circuit.n_qubits: .*1 \(got 0\)"),
        (
            "arms.quantum.controller",
            "ppo-quantm",
            r"arms.quantum.controller: 'ppo-quantm' is unk.*mean 'ppo-quantum'",
        ),
        ("arms.twin.match", "nobody", r"arms.twin.match is 'nobody'; expected the name of a ppo-quantum arm"),
        ("arms.twin.match", None, r"arms.twin.match: "),
        ("arms.best", {"controller": "no-control"}, r"arms hold 2 of 'no-control'; expected one"),
        ("arms", {}, r"arms: "),
        ("name", "../escape", r"name: .*got '../escape'"),
        ("split.months", [13], r"split.months.0: .*12 \(got 13\)"),
        ("task.action_set", "discrete", r"task.action_set is 'discrete'"),
        ("scenaro", "x", r"scenaro: unknown field \(did you mean 'scenario'\?\)"),
    ],
)
def test_what_is_wrong_is_named(path: str, value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        config.parse(changed(path, value), "mine.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mine.yaml: holds NoneType; expected a mapping"),
        ("- 1", "mine.yaml: holds list; expected a mapping"),
        ("a: [", "mine.yaml: line 1, column 5: not valid YAML"),
        ("a: b: c", "not valid YAML"),
        ("!!python/object/apply:os.system [echo]", "not valid YAML"),
        ("[" * 5000, "not valid YAML: nested too deeply"),
        ("name: x\nname: y", "line 2, column 1: not valid YAML: field 'name' stands twice"),
        ("training: {steps: 1" + "0" * 5000 + "}", "mine.yaml: not valid YAML: Exceeds the limit"),
    ],
)
def test_text_that_is_no_study_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        config.parse(text, "mine.yaml")


def test_files_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"absent\.yaml: cannot be read: No such file"):
        config.load(str(tmp_path / "absent.yaml"))
    with pytest.raises(InputError, match=r"cannot be read: Is a directory"):
        config.load(str(tmp_path))
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        config.load(str(binary))
    (tmp_path / "quickstart").mkdir()
    monkeypatch.chdir(tmp_path)
    assert config.load("quickstart").name == "quickstart"  # a folder of that name does not hide the packaged study
    with pytest.raises(InputError, match=r"'quickstrat' is unknown.*did you mean 'quickstart'"):
        config.load("quickstrat")


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
PATHS = """
name scenario task split split.months split.test_every training training.steps training.n_envs training.seeds
training.episode_days ppo ppo.n_steps ppo.learning_rate ppo.critic_hidden arms arms.none arms.quantum.circuit
arms.quantum.lr_scale_angles arms.twin.match arms.x.controller extra
"""
paths = st.sampled_from(PATHS.split())


@settings(max_examples=300)
@given(paths, values)
def test_any_mutation_is_accepted_or_named_never_a_traceback(path: str, value: object) -> None:
    try:
        text = changed(path, value)
    except (TypeError, AttributeError):
        return  # the mutation itself has no place in this document
    with suppress(InputError):
        config.parse(text, "mine.yaml")
        return
    with pytest.raises(InputError) as refused:
        config.parse(text, "mine.yaml")
    assert all(line.startswith("mine.yaml: ") for line in str(refused.value).splitlines())


@pytest.mark.parametrize(
    ("text", "value"),
    [("3e-4", 3e-4), ("1E3", 1e3), ("-2.e+1", -20.0), ("1.5e-2", 0.015), ("e5", "e5"), ("1e", "1e"), ("1e5x", "1e5x"),
     ("190:20:30", "190:20:30"), ("1:20.5", "1:20.5"), ("1_000", 1000), ("-.5", -0.5), ("+.5e3", 500.0), ("0x1F", 31)],
)  # fmt: skip
def test_numbers_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = config_text.scalar(text, "--set")
    assert found == value
    assert type(found) is type(value)


def test_a_task_that_is_only_named_can_be_added_to(tmp_path: Path) -> None:
    arms = "arms: {none: {controller: no-control}, mlp: {controller: ppo-mlp}}"
    (tmp_path / "base.yaml").write_text(f"name: base\ntask: Battery-v0\n{arms}\n", encoding="utf-8")
    (tmp_path / "more.yaml").write_text("extends: base.yaml\nname: more\ntask: {comfort_weight: 2}\n", encoding="utf-8")
    for study in (
        config.load(str(tmp_path / "base.yaml"), ["task.comfort_weight=2"]),
        config.load(str(tmp_path / "more.yaml")),
    ):
        assert (study.task.name, study.task.comfort_weight) == ("Battery-v0", 2.0)
    assert config.load(str(tmp_path / "more.yaml"), ["task=thermostat"]).task.comfort_weight == 1.0
