"""A small study from the command line: its folder, what is kept when it is started again, what bad input costs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from entangrid import experiments
from entangrid.data.errors import InputError
from entangrid.experiments import config, figures, plan, run_metrics, runner, scores, setting, store, tidy, train
from entangrid.experiments import summary as summaries

STUDY = """
name: tiny
scenario: bundled-home
split: {months: [1], test_every: 2}
training: {steps: 256, n_envs: 4, episode_days: 1, seeds: [0, 1]}
ppo: {n_steps: 32, batch_size: 64, n_epochs: 1}
arms:
  no-control: {controller: no-control}
  rule: {controller: self-consumption}
  quantum: {controller: ppo-quantum, circuit: {n_qubits: 4, n_layers: 3}}
  twin: {controller: ppo-mlp-matched, match: quantum}
  mlp: {controller: ppo-mlp, hidden: [8]}
  best: {controller: optimum}
"""


def entangrid(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from entangrid.experiments.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    (folder / "tiny.yaml").write_text(STUDY, encoding="utf-8")
    done = entangrid("run", folder / "tiny.yaml", "--out", folder / "out", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert "two seeds: no comparison of arms" in done.stdout
    assert "gap closed" in done.stdout
    return folder


def test_study_leaves_runs_table_and_figure(finished: Path) -> None:
    out = finished / "out"
    study = config.load(str(finished / "tiny.yaml"))
    runs = plan.plan(study, setting.make(study).scenario)
    assert len(runs) == 9
    for run in runs:
        folder = out / "runs" / run.folder
        result = store.read_result(folder)
        assert result["key"] == run.key
        assert yaml.safe_load((folder / store.CONFIG).read_text())["run"]["seed"] == run.seed
        assert (folder / store.POLICY).exists() == (run.seed is not None)
    assert (out / "overview.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert not [path for path in out.rglob("*") if path.name.endswith(".tmp")]

    frame = tidy.read(out)
    assert tuple(frame.columns) == tidy.COLUMNS
    summary = summaries.summary(scores.Scores(frame))
    assert summary.loc["no-control", "gap_closed"] == 0.0
    assert summary.loc["best", "gap_closed"] == pytest.approx(1.0)
    assert (summary["objective_eur_week"] >= summary.loc["best", "objective_eur_week"] - 1e-6).all()
    # 3 layers x 4 qubits x (scaling + 2 angles), a head of 4 x 2 + 2, two log standard deviations
    assert summary.loc["quantum", "parameters_actor"] == 48
    assert abs(summary.loc["twin", "parameters_actor"] - 48) <= 7  # half of one hidden unit
    critics = summary.loc[["quantum", "twin", "mlp"], "parameters_critic"]
    assert critics.nunique() == 1


def test_objective_is_the_sum_of_its_parts(finished: Path) -> None:
    frame = tidy.read(finished / "out").dropna(subset="week")
    wide = frame.pivot_table(index=["arm", frame["seed"].fillna(-1), "week"], columns="metric", values="value")
    parts = wide[["cost", "carbon_cost", "discomfort_cost", "wear_cost"]].sum(axis=1) - wide["stored_value"]
    np.testing.assert_allclose(wide["objective"], parts, rtol=0, atol=1e-9)


def test_started_again_it_redoes_nothing_and_finishes_what_is_missing(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished / "out", out)
    before = {path: path.stat().st_mtime_ns for path in sorted((out / "runs").iterdir())}
    lost = next(path for path in before if path.name.startswith("mlp-seed1"))
    expected = run_metrics.frame(lost)
    shutil.rmtree(lost)
    (out / "runs" / f".{lost.name}.123.tmp").mkdir()  # what a kill in mid-write leaves
    done = entangrid("run", finished / "tiny.yaml", "--out", out, "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert "8 of 9 runs are finished already" in done.stderr
    assert "finished mlp-seed1" in done.stderr
    assert not list(out.rglob("*.tmp"))
    for path, stamp in before.items():
        if path != lost:
            assert path.stat().st_mtime_ns == stamp
    pd.testing.assert_frame_equal(run_metrics.frame(lost), expected)  # the same bits again
    one, two = tidy.read(finished / "out"), tidy.read(out)
    timing = one["metric"].isin(["wall_s", "cpu_s"])
    pd.testing.assert_frame_equal(one[~timing], two[~timing])


def test_killed_study_leaves_no_process_and_goes_on(tmp_path: Path) -> None:
    study = tmp_path / "tiny.yaml"
    study.write_text(STUDY.replace("steps: 256", "steps: 5000"), encoding="utf-8")
    code = "from entangrid.experiments.cli import main; main()"
    started = subprocess.Popen(
        [sys.executable, "-c", code, "run", str(study), "--out", str(tmp_path / "out"), "--jobs", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "ENTANGRID_TEST_MARK": str(tmp_path)},
    )
    runs = tmp_path / "out" / "runs"
    deadline = time.monotonic() + 300
    while not (runs.exists() and any(store.is_finished(path) for path in runs.iterdir())):
        assert started.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    started.kill()
    started.wait()
    finished = {path.name: path.stat().st_mtime_ns for path in runs.iterdir() if store.is_finished(path)}
    assert finished

    def marked() -> list[str]:
        mark = f"ENTANGRID_TEST_MARK={tmp_path}".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (process / "environ").read_bytes():
                    found.append(process.name)
        return found

    while Path("/proc").exists() and marked():
        assert time.monotonic() < deadline, "workers outlived their killed parent"
        time.sleep(0.1)
    quick = tmp_path / "quick.yaml"  # the same study, but what is left to train is short
    quick.write_text(STUDY, encoding="utf-8")
    done = entangrid("run", quick, "--out", tmp_path / "out", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    for name, stamp in finished.items():
        assert (runs / name).stat().st_mtime_ns == stamp


def test_stored_policy_is_rebuilt_without_pickle_and_acts_the_same(finished: Path) -> None:
    import torch

    study = config.load(str(finished / "tiny.yaml"))
    shared = setting.make(study)
    runs = [run for run in plan.plan(study, shared.scenario) if run.arm in ("quantum", "twin")]
    for run in runs:
        folder = finished / "out" / "runs" / run.folder
        assert torch.load(folder / store.POLICY, weights_only=True)
        model = train.load_policy(run, folder)
        from entangrid.experiments.evaluate import evaluate

        again = evaluate(model, shared.test).metrics
        pd.testing.assert_frame_equal(again, run_metrics.frame(folder))


def test_table_and_figure_are_made_again_from_the_folder(finished: Path) -> None:
    shown = entangrid("table", finished / "out")
    assert shown.returncode == 0
    assert "self-consumption" not in shown.stdout  # arms are called as the study calls them
    assert "rule" in shown.stdout
    drawn = entangrid("figure", finished / "out")
    assert drawn.returncode == 0
    assert drawn.stdout.strip().endswith("overview.png")
    with pytest.raises(InputError, match="figure 'pie' is unknown; expected one of: overview"):
        figures.make("pie", finished / "out")


def test_another_study_in_the_same_folder_is_refused(finished: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(STUDY.replace("name: tiny", "name: other"), encoding="utf-8")
    before = (finished / "out" / tidy.STUDY).read_bytes()
    refused = entangrid("run", other, "--out", finished / "out")
    assert refused.returncode == 2
    assert "holds study 'tiny', not 'other'" in refused.stderr
    assert (finished / "out" / tidy.STUDY).read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("scenario: bundled-home", "scenario: nope"), "nope"),
        (("n_layers: 3", "n_layers: 2"), "arms.quantum.circuit: Circuit: n_layers=2 with n_qubits=4 never encodes"),
        (("months: [1], test_every: 2", "months: [1], test_every: 9"), "no test week is left"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_written(
    change: tuple[str, str], message: str, finished: Path, tmp_path: Path
) -> None:
    study = tmp_path / "tiny.yaml"
    study.write_text(STUDY.replace(*change), encoding="utf-8")
    before = (finished / "out" / tidy.STUDY).read_bytes()
    for command in (["validate", study], ["run", study, "--out", tmp_path / "new"]):
        refused = entangrid(*command)
        assert refused.returncode == 2
        assert message in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1
    assert entangrid("run", study, "--out", finished / "out").returncode == 2
    assert (finished / "out" / tidy.STUDY).read_bytes() == before
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    study = tmp_path / "tiny.yaml"
    study.write_text(STUDY, encoding="utf-8")
    refused = entangrid("run", study, "--out", study / "x")
    assert refused.returncode == 2
    assert len(refused.stderr.strip().splitlines()) == 1


def test_damaged_results_are_named(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished / "out", out)
    run = next((out / "runs").glob("rule-*"))
    (run / store.METRICS).write_bytes(b"ARROW1 not really")
    refused = entangrid("run", finished / "tiny.yaml", "--out", out)
    assert refused.returncode == 2
    assert f"{run.name}/{store.METRICS}: not readable as an Arrow file" in refused.stderr
    shutil.copy(next((finished / "out" / "runs").glob("rule-*")) / store.METRICS, run / store.METRICS)
    (run / store.RESULT).write_text("{}")
    refused = entangrid("run", finished / "tiny.yaml", "--out", out)
    assert refused.returncode == 2
    assert "result.json: parameters_actor is missing or no number" in refused.stderr
    (run / store.RESULT).write_text("[1")
    with pytest.raises(InputError, match="not valid JSON; delete the folder"):
        store.read_result(run)
    (run / store.RESULT).write_text(json.dumps([1]))
    with pytest.raises(InputError, match="holds list; expected an object"):
        store.read_result(run)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "quickstrat"], "did you mean 'quickstart'"),
        (["validate", "absent.yaml"], "absent.yaml: cannot be read"),
        (["table", "nowhere"], "study.yaml: missing"),
        (["run", "smoke", "--jobs", "0"], "jobs is 0; expected at least 1"),
        (["run"], "Missing argument"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(arguments: list[str], message: str, tmp_path: Path) -> None:
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        refused = entangrid(*arguments)
    finally:
        os.chdir(here)
    assert refused.returncode == 2
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_bad_csv_of_a_scenario_folder_is_one_clear_line(tmp_path: Path) -> None:
    import worlds

    from entangrid.data.sources.tables import save_folder

    save_folder(worlds.scenario(days=21), tmp_path / "mine")
    series = tmp_path / "mine" / "home_home-1.csv"
    lines = series.read_text().splitlines()
    cells = lines[41].split(",")
    cells[lines[0].split(",").index("load_kw")] = "-3.5"
    series.write_text("\n".join([*lines[:41], ",".join(cells), *lines[42:]]) + "\n")
    study = tmp_path / "study.yaml"
    study.write_text(STUDY.replace("bundled-home", str(tmp_path / "mine")), encoding="utf-8")
    for command in (["validate", study], ["run", study, "--out", tmp_path / "out"]):
        refused = entangrid(*command)
        assert refused.returncode == 2
        line = refused.stderr.strip().splitlines()[-1]
        assert "home_home-1.csv" in line
        assert "42" in line
        assert "load_kw" in line
        assert "-3.5" in line
        assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("battery_kwh", "-5", "battery_kwh of home 'home-1' is -5; expected 0 to 1000"),
        ("colour", "1", "'colour' is unknown"),
    ],
)
def test_bad_parameters_of_a_home_are_refused_by_validate_and_run(
    column: str, value: str, message: str, tmp_path: Path
) -> None:
    import worlds

    from entangrid.data.sources.tables import save_folder

    save_folder(worlds.scenario(days=21), tmp_path / "mine")
    table_file = tmp_path / "mine" / "homes.csv"
    homes = pd.read_csv(table_file)
    homes[column] = float(value)
    homes.to_csv(table_file, index=False)
    study = tmp_path / "study.yaml"
    study.write_text(STUDY.replace("bundled-home", str(tmp_path / "mine")), encoding="utf-8")
    for command in (["validate", study], ["run", study, "--out", tmp_path / "out"]):
        refused = entangrid(*command)
        assert refused.returncode == 2
        assert message in refused.stderr
        assert "mine" in refused.stderr
    assert not (tmp_path / "out").exists()


def test_own_scenario_folder_can_be_studied(tmp_path: Path) -> None:
    import worlds

    from entangrid.data.sources.tables import save_folder

    save_folder(worlds.scenario(days=21), tmp_path / "mine")
    study = tmp_path / "study.yaml"
    content = yaml.safe_load(STUDY.replace("bundled-home", str(tmp_path / "mine")))
    content["arms"] = {"none": {"controller": "no-control"}, "best": {"controller": "optimum"}}
    study.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert entangrid("validate", study).stdout.startswith("tiny: 2 arms, 2 runs, 1 held-out weeks: valid")
    frame = experiments.run(study, tmp_path / "out", jobs=1)
    pd.testing.assert_frame_equal(experiments.table(tmp_path / "out"), frame)
    with pytest.raises(InputError, match="engine is 'roy'; expected one of: local, dask, ray, slurm"):
        experiments.run(study, tmp_path / "out", engine="roy")
    assert set(frame["arm"]) == {"none", "best"}


def test_a_failing_run_is_reported_and_the_others_finish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = config.parse(STUDY.replace("steps: 256", "steps: 64"), "tiny.yaml")
    shared = setting.make(study)
    runs = plan.plan(study, shared.scenario)
    blocked = next(run for run in runs if run.arm == "mlp")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / blocked.folder).write_text("a file where a folder has to be")
    with pytest.raises(runner.RunFailedError, match=rf"1 of 9 runs failed: {blocked.folder}"):
        runner.run_study(study, tmp_path, jobs=2)
    finished = [run for run in runs if store.is_finished(tmp_path / "runs" / run.folder)]
    assert len(finished) == 8


def test_run_keys_change_with_what_decides_the_result_and_only_with_that() -> None:
    study = config.parse(STUDY, "tiny.yaml")
    scenario = setting.make(study).scenario

    def keys(text: str) -> dict[tuple[str, int | None], str]:
        return {(run.arm, run.seed): run.key for run in plan.plan(config.parse(text, "t.yaml"), scenario)}

    base = keys(STUDY)
    assert len(set(base.values())) == len(base)
    assert keys(STUDY.replace("name: tiny", "name: other\nquestion: why")) == base
    longer = keys(STUDY.replace("steps: 256", "steps: 512"))
    assert longer["mlp", 0] != base["mlp", 0]
    assert longer["best", None] == base["best", None]
    wider = keys(STUDY.replace("n_layers: 3", "n_layers: 4"))
    assert wider["twin", 1] != base["twin", 1]  # the twin follows the circuit that it matches
    assert wider["mlp", 1] == base["mlp", 1]


def test_help_answers_without_heavy_imports() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['entangrid', '--help']\n"
        "from entangrid.experiments.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'torch', 'numpy', 'pandas', 'numba', 'scipy', 'gymnasium', 'pvlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "quantum policy" in done.stdout


def test_the_table_follows_a_study_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every so many finished runs, so that a look at a large study has few of them to read."""
    text = yaml.safe_load(STUDY)
    text["arms"] = {name: text["arms"][name] for name in ("no-control", "rule", "best")}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(text), encoding="utf-8")
    seen: list[int] = []
    current = tidy.current

    def watched(out: Path) -> pd.DataFrame:
        frame = current(out)
        assert (out / tidy.TABLE).is_file()
        seen.append(frame["arm"].nunique())
        return frame

    monkeypatch.setattr(runner, "TABLE_EVERY", 2)
    monkeypatch.setattr(tidy, "current", watched)
    whole = runner.run_study(config.load(str(tmp_path / "rules.yaml")), tmp_path / "out", jobs=1)
    assert seen == [2]
    pd.testing.assert_frame_equal(whole, tidy.read(tmp_path / "out"))
    assert whole["arm"].nunique() == 3
