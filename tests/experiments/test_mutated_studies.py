"""Hundreds of damaged studies: each ends in exit code 2 with lines that name the field, and touches nothing."""

from __future__ import annotations

import contextlib
import copy
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import worlds
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entangrid.data.errors import InputError
from entangrid.data.sources.tables import save_folder
from entangrid.experiments import config
from entangrid.experiments.cli import main
from entangrid.experiments.config import text as config_text

GOOD: dict[str, Any] = yaml.safe_load(
    """
name: mine
question: why
scenario: FOLDER
task: {name: home, occupancy: noisy, forecast: noisy, forecast_h: [1.0], controls: [battery, heat_pump]}
split: {test_every: 2, homes: {test_share: 0.0}}
training: {steps: 128, n_envs: 4, seeds: [0, 1], eval_every: 64}
ppo: {n_steps: 16, batch_size: 32, final_learning_rate: 0.0, target_kl: 1.0, clip_range_vf: 0.1}
reinforce: {n_episodes: 8, max_grad_norm: 1.0}
arms:
  none: {controller: no-control}
  best: {controller: optimum}
  quantum:
    controller: ppo-quantum
    ppo: {gamma: 0.9, learning_rate: 0.001}
    circuit: {n_qubits: 4, n_layers: 3, readout: [ZIII, IZII], rotations: [ry]}
    noise: {depolarising_1q: 0.01, t1: 50.0, readout_p01: [0.1, 0.1, 0.1, 0.1]}
    frozen: [angles]
  critic: {controller: a2c-quantum-critic, critic_circuit: {n_qubits: 4, n_layers: 3}, hidden: [8]}
  modes: {controller: ppo-quantum, circuit: {n_modes: 2, n_layers: 6, reupload: true}}
  twin: {controller: ppo-mlp-matched, match: quantum, lr_scale: 2.0}
  plain: {controller: ppo-mlp, hidden: [8], activation: relu, head: beta}
sweep: {mode: random, n: 2, seed: 1, axes: {ppo.gae_lambda: {low: 0.1, high: 0.9}, ppo.ent_coef: [0.0, 0.1]}}
tuning: {trials: 3, seeds: {count: 2, first: 100}, space: {ppo.vf_coef: {low: 0.1, high: 1.0, log: true}}}
"""
)
FREE_TEXT = {"question"}


def leaves(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value that is no mapping or list, and where it stands."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, (*path, key))
    elif isinstance(content, list):
        for i, value in enumerate(content):
            yield from leaves(value, (*path, i))
    else:
        yield path, content


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    content = copy.deepcopy(RESOLVED)
    place = content
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return content


def refused(content: dict[str, Any]) -> str | None:
    """What is wrong, or None if nothing is."""
    try:
        config.check(content, "mine.yaml")
    except InputError as error:
        message = str(error)
    else:
        return None
    assert all(line.startswith("mine.yaml: ") for line in message.splitlines()), message
    return message


RESOLVED = config.parse(yaml.safe_dump(GOOD), "mine.yaml").model_dump(mode="json")
LEAVES = list(leaves(RESOLVED))


def test_the_undamaged_study_is_valid_and_says_all_of_itself() -> None:
    assert refused(RESOLVED) is None
    assert len(LEAVES) > 200
    again = config.parse(yaml.safe_dump(RESOLVED), "mine.yaml")
    assert again.model_dump(mode="json") == RESOLVED


def test_every_field_refuses_a_mapping_that_is_no_value_of_it_and_is_named() -> None:
    for path, _ in LEAVES:
        message = refused(changed(path, {"no such field": 1}))
        assert message is not None, path
        named = [str(part) for part in path if isinstance(part, str)]
        assert any(part in message for part in named), (path, message)


def test_every_number_has_a_range_and_is_no_text() -> None:
    numbers = [path for path, value in LEAVES if isinstance(value, int | float) and not isinstance(value, bool)]
    assert len(numbers) > 100
    for path in numbers:
        for wrong in (1e300, -1e300, float("nan"), float("inf"), "three", True):
            message = refused(changed(path, wrong))
            assert message is not None, (path, wrong)
            assert any(str(part) in message for part in path if isinstance(part, str)), (path, message)


def test_every_choice_refuses_another_word() -> None:
    words = [path for path, value in LEAVES if isinstance(value, str) and path[-1] not in FREE_TEXT | {"scenario"}]
    assert len(words) > 20
    for path in words:
        if path[0] == "name" or {"readout", "controls"} & set(path):
            continue  # any plain name will do; the others are looked at when runs are planned
        assert refused(changed(path, "nonsense")) is not None, path


def test_every_section_refuses_a_misspelt_field_with_a_hint() -> None:
    circuits = [("arms", "quantum", "circuit"), ("arms", "modes", "circuit")]
    sections = [(name,) for name in ("task", "split", "training", "ppo", "sweep", "tuning", "verdict")]
    for path in [(), *sections, ("arms", "quantum"), ("arms", "quantum", "ppo"), *circuits]:
        section: Any = RESOLVED
        for part in path:
            section = section[part]
        field = next(name for name in section if len(name) > 3)
        message = refused(changed((*path, field + "x"), 1))
        assert message is not None
        assert f"{field}x: unknown field (did you mean '{field}'?)" in message


def bomb(levels: int = 12) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(lines)


TEXTS: list[tuple[bytes, str]] = [
    (b"", "holds NoneType; expected a mapping"),
    (b"\x00", "not valid YAML"),
    (b"\xff\xfen\x00", "not UTF-8"),
    ("name: mïne".encode("latin-1"), "not UTF-8"),
    (b"[" * 3_000, "nested too deeply"),
    (b"{a: " * 45 + b"1" + b"}" * 45, "nested too deeply; expected at most 40 levels"),
    (bomb().encode(), "values once its aliases are written out; expected at most 50000"),
    (b"a: &a [*a]", "an alias stands within what it names"),
    (b"a: *nobody", "undefined alias"),
    (b"name: x\nname: y", "field 'name' stands twice"),
    (b"name: x\n? [1, 2]\n: 3", "not valid YAML"),
    (b"{1: 2, true: 3, null: 4}", "Keys should be strings (got 1)"),
    (b"a: !!python/name:os.system", "not valid YAML"),
    (b"name: !!binary '*'", "name: Input should be a valid string (got b'')"),
    (b"a: " + b"9" * 5_000, "not valid YAML"),
    (b"# " + b"x" * 1_100_000, "1100002 bytes; expected at most 1000000"),
    ("name: mine".encode("utf-16"), "not UTF-8"),
    ("name: mine".encode("utf-16-be"), "special characters are not allowed"),
    (b'name: "\\ud800"', "name: Input should be a valid string"),
    (b"name: x\narms: {../evil: {controller: no-control}}", "arms.../evil: String should match pattern"),
    (b"name: x\narms: {'': {controller: no-control}}", "arms.'': String should match pattern"),
    (b"name: x\ntraining: {steps: 1e999}", "training.steps: Input should be a valid integer (got inf)"),
    (b"name: x\narms: !!omap [a: 1]", "arms: expected a mapping of fields"),
    (b"extends: /dev/zero", "expected at most 1000000"),
    (b"--- {a: 1}\n--- {b: 2}", "not valid YAML"),
    (b"\tname: x", "not valid YAML"),
    (b"extends: 3", "extends: expected the name"),
    (b"extends: nobody", "extends: study 'nobody' is unknown"),
    (b"extends: study.yaml", "extends: 'study.yaml' extends this file in turn"),
    (b"extends: ..", "extends: "),
    (b"name: x\nquestion: 0x" + b"f" * 4_000, "not valid YAML: Exceeds the limit"),
    (b'name: x\n"\\ud800": 1', "line 2: field '\\ud800' holds half a character; expected Unicode"),
    (b'name: x\narms:\n  a: {"b\\udfff": 1}', "line 3: field 'b\\udfff' holds half a character"),
    (b"'': 1", "study.yaml: '': unknown field"),
    (b"' ': 1", "study.yaml: ' ': unknown field"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scenario, and a study that was run, of which nothing may change."""
    folder = tmp_path_factory.mktemp("mutated")
    save_folder(worlds.scenario(days=14, dt_h=1.0), folder / "world")
    (folder / "done" / "runs" / "x").mkdir(parents=True)
    (folder / "done" / "study.yaml").write_text(yaml.safe_dump(RESOLVED), encoding="utf-8")
    (folder / "done" / "runs" / "x" / "result.json").write_text("{}", encoding="utf-8")
    return folder


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in [folder, *sorted(folder.rglob("*"))]
    }


def command(*arguments: str) -> tuple[int, str]:
    """(exit code, what went to stderr) of the command line, in this process."""
    errors = io.StringIO()
    before = sys.argv
    sys.argv = ["entangrid", *arguments]
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            main()
    except SystemExit as end:
        return (end.code if isinstance(end.code, int) else 0), errors.getvalue()
    finally:
        sys.argv = before
    return 0, errors.getvalue()


def expect_refusal(study: Path, done: Path, *options: str) -> str:
    """Both commands refuse in lines that name the file or the option, and nothing is written."""
    before = snapshot(done)
    code, message = command("validate", str(study), *options)
    again, same = command("run", str(study), "--out", str(done), *options)
    assert (code, again) == (2, 2), message
    assert same == message
    assert "Traceback" not in message
    lines = message.strip().splitlines()
    assert lines[0].startswith("entangrid: ")
    assert snapshot(done) == before
    return message


@pytest.mark.parametrize(("content", "expected"), TEXTS, ids=range(len(TEXTS)))
def test_texts_that_are_no_study(content: bytes, expected: str, place: Path) -> None:
    study = place / "study.yaml"
    study.write_bytes(content)
    message = expect_refusal(study, place / "done")
    assert expected in message
    assert message.count(str(study)) == len(message.splitlines())  # each line names it once


def test_links_that_lead_nowhere(place: Path) -> None:
    for name, target in (("round.yaml", "and-round.yaml"), ("and-round.yaml", "round.yaml"), ("off.yaml", "nowhere")):
        (place / name).symlink_to(target)
    assert "cannot be read: Too many levels" in expect_refusal(place / "round.yaml", place / "done")
    assert "cannot be read: No such file" in expect_refusal(place / "off.yaml", place / "done")


def test_files_that_extend_one_another_end(place: Path) -> None:
    for i in range(12):
        (place / f"on{i}.yaml").write_text(f"extends: on{i + 1}.yaml\nname: on\n", encoding="utf-8")
    assert "more than 8 files extend one another" in expect_refusal(place / "on0.yaml", place / "done")
    (place / "on3.yaml").write_text("extends: ./on1.yaml\n", encoding="utf-8")
    assert "extends this file in turn" in expect_refusal(place / "on0.yaml", place / "done")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("absent.yaml", "cannot be read: No such file"),
        ("absent/deeper.yaml", "cannot be read: No such file"),
        ("", "cannot be read: Is a directory"),
        ("world", "cannot be read: Is a directory"),
        ("x" * 300 + ".yaml", "cannot be read: File name too long"),
        ("nul\0l.yaml", "cannot be read: "),
    ],
)
def test_paths_that_are_no_file(name: str, expected: str, place: Path) -> None:
    assert expected in expect_refusal(place / name, place / "done")


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("training", "expected a field and its value"),
        ("=3", "expected a field and its value"),
        ("training..steps=3", "expected a field and its value"),
        ("training.steps=0", "training.steps: "),
        ("training.stepz=1", "training.stepz: unknown field (did you mean 'steps'?)"),
        ("training.steps=&a [*a]", "--set training.steps=&a [*a]: not valid YAML: an alias stands within"),
        ("training.steps=[", "entangrid: --set training.steps=[: line 1, column 2: not valid YAML"),
        ("training.seeds.7=1", "training.seeds is a list of 2; '7' is no place in it"),
        ("name.first=x", "name is 'mine', which has no field 'first'"),
        ("arms.none=null", "arms hold 0 of 'no-control'"),
        ("scenario=nowhere", "good.yaml: scenario: scenario 'nowhere' is not known"),
        ("traini\udcffng.steps=1", "--set 'traini\\udcffng.steps=1': expected a field and its value"),
        ("question=\udcff", "--set 'question=\\udcff': not valid YAML: special characters"),
        ("scenario={synthetic: {homes: 0}}", "scenario.synthetic.homes: "),
        ("scenario=citylearn:nowhere", "nowhere"),
        ("arms.plain.controller=ppo-mlpp", "arms.plain.controller: 'ppo-mlpp' is unknown (did you mean 'ppo-mlp'?)"),
        ("arms.best.horizon=3", "arms.best.horizon: "),
        ("task=chargin", "task.name: 'chargin' is unknown (did you mean 'charging'?)"),
        ("task=charging", "'charging' has no homes, weeks and bills"),
        ("task.controls=[vehicle]", "task: controls: 'vehicle' is no device of the scenario"),
        ("task.feeder=nowhere", "task: feeder 'nowhere' is not known"),
        ("task.controls=[battery, battery]", "task.controls: 'battery' stands twice"),
        ("verdict={pairs: [[plain, plain]]}", "pairs holds 'plain' against itself"),
        ("verdict={pairs: [[plain, twin], [twin, plain]]}", "pairs holds 'twin' and 'plain' twice"),
        ("arms.plain.head=categorical", "arms.plain.head is 'categorical', which does not go with the action set"),
        ("arms.rule={controller: tariff, low: [x]}", "arms.rule"),
        ("sweep={axes: {ppo.batch_size: [32, 7]}}", "sweep: with ppo.batch_size=7: "),
        ("split.months=[6]", "with its Monday in months [6]"),
        ("training.episode_days=0.01", "training.episode_days is 0.01"),
        ("arms.quantum.circuit.readout=[QQ]", "arms.quantum.circuit: "),
        ("sweep.axes={ppo.gammma: [1]}", "sweep.axes.ppo.gammma: no field 'gammma' that can be varied (did you mean"),
        ("sweep={axes: {ppo.batch_size: [32, 48]}}", "sweep: with ppo.batch_size=48: ppo.batch_size is 48"),
    ],
)
def test_changes_from_the_command_line(option: str, expected: str, place: Path) -> None:
    study = place / "good.yaml"
    study.write_text(yaml.safe_dump(GOOD | {"scenario": str(place / "world")}), encoding="utf-8")
    message = expect_refusal(study, place / "done", "--set", option)
    assert expected in message
    assert all(str(study) in line or "--set" in line for line in message.splitlines()), message


@pytest.mark.parametrize(
    "name", ["nowhere", "/dev/zero", "\0", "synthetic:seed", "synthetic:seed=" + "9" * 40, "WORLD"]
)
def test_what_cannot_be_searched_on_is_no_valid_study(name: str, place: Path) -> None:
    study = place / "searched.yaml"
    world = str(place / "world")
    tuning = GOOD["tuning"] | {"scenario": world if name == "WORLD" else name}
    study.write_text(yaml.safe_dump(GOOD | {"scenario": world, "tuning": tuning}), encoding="utf-8")
    code, message = command("validate", str(study))
    assert code == 2
    assert message.startswith(f"entangrid: {study}: tuning.scenario: ")
    assert message.count("\n") == 1


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.just("x" * 3_000),
    st.binary(max_size=4),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([path for path, _ in LEAVES]), st.integers(0, 3), values)
def test_any_value_anywhere_is_accepted_or_named(path: tuple[Any, ...], up: int, value: Any) -> None:
    place = path[: max(len(path) - up, 1)]
    message = refused(changed(place, value))
    assert message is None or any(part in message for part in place if isinstance(part, str)), (place, value, message)


#: Places whose every value of another kind is refused, so that no run begins.
SECTIONS = [(name,) for name in RESOLVED if isinstance(RESOLVED[name], dict)]
NUMBERS = [path for path, value in LEAVES if isinstance(value, int | float) and not isinstance(value, bool)]


def no_number(text: str) -> bool:
    """Whether a text is not one like 1E2, which the file would hold without quotes and so as a number."""
    try:
        float(text)
    except ValueError:
        return True
    return False


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(SECTIONS + NUMBERS),
    st.one_of(
        st.text(min_size=1, max_size=8).filter(no_number),
        st.just(float("nan")),
        st.lists(st.integers(), min_size=1, max_size=3),
    ),
)
def test_any_wrong_kind_ends_the_command_with_the_field_and_writes_nothing(
    place: Path, path: tuple[Any, ...], value: Any
) -> None:
    """Two hundred of them by the command line itself, in a folder that holds a study already."""
    study = place / "random.yaml"
    study.write_text(yaml.safe_dump(changed(path, value)), encoding="utf-8")
    before = snapshot(place / "done")
    code, message = command("run", str(study), "--out", str(place / "done"))
    assert code == 2, (path, value, message)
    assert "Traceback" not in message
    assert all(line.startswith((f"entangrid: {study}: ", f"{study}: ")) for line in message.strip().splitlines())
    assert any(str(part) in message for part in path if isinstance(part, str)), (path, value, message)
    assert snapshot(place / "done") == before


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**31), st.integers(1, 3), st.binary(max_size=6))
def test_any_damage_to_the_bytes_is_accepted_or_named(where: int, length: int, put: bytes) -> None:
    plain = yaml.safe_dump(GOOD).encode()
    start = where % len(plain)
    damaged = plain[:start] + put + plain[start + length :]
    try:
        decoded = damaged.decode()
    except UnicodeDecodeError:
        return
    with contextlib.suppress(InputError):
        config_text.parse(decoded, "mine.yaml")
        with contextlib.suppress(InputError):
            config.parse(decoded, "mine.yaml")
