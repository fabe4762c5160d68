"""Every engine makes the same table; a worker that dies loses nothing, and Ctrl-C leaves no process behind."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from engine_cases import STUDY, command, entangrid, results, stamps, write_study

from entangrid import experiments
from entangrid.data.errors import InputError
from entangrid.experiments import config, engines, heartbeat, plan, runner, store
from entangrid.experiments.engines import Job, Outcome, local, worker


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study made by local processes."""
    folder = tmp_path_factory.mktemp("engines")
    experiments.run(write_study(folder, training={"seeds": [0]}), folder / "local", jobs=2)
    return folder


def needs(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"{package} is not installed")


@pytest.mark.parametrize(
    ("engine", "options"),
    [
        pytest.param("dask", {}, marks=needs("distributed")),
        pytest.param("ray", {}, marks=needs("ray")),
        pytest.param("slurm", {"cluster": "local"}, marks=needs("submitit")),
    ],
)
def test_every_engine_makes_the_same_table(
    engine: str, options: dict[str, str], finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / engine
    experiments.run(finished / "small.yaml", out, jobs=2, engine=engine, options=options)
    pd.testing.assert_frame_equal(results(finished / "local"), results(out))
    for path in (out / store.RUNS).iterdir():
        twin = finished / "local" / store.RUNS / path.name
        assert (path / store.METRICS).read_bytes() == (twin / store.METRICS).read_bytes()
    assert not (out / store.WORK).exists()


def commit_of_the_source() -> str | None:
    """As git itself says it, "+" where tracked files were changed."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True).stdout
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD"], cwd=root, check=False).returncode
    return head.strip() + ("+" if changed else "")


def test_what_a_run_leaves(finished: Path) -> None:
    out = finished / "local"
    assert not (out / store.WORK).exists()
    folder = next((out / store.RUNS).glob("quantum-seed0-*"))
    result = store.read_result(folder)
    assert result["environment_steps"] == 192
    assert result["gradient_steps"] == 12  # 192 / 16
    # every sample in a rollout, and in an update with two shifted copies for each of 3 qubits x 4 layers x 3 rotations
    assert result["circuit_executions"] == 192 + 192 * (1 + 2 * 3 * 4 * 3)
    parts = [result[f"parameters_actor_{part}"] for part in ("circuit", "classical")]
    assert parts == [3 * 4 * 3, 3 * 2 + 2 + 2]  # λ and two angles; the head, log_std
    assert result["parameters_actor"] == sum(parts)
    assert result["parameters_critic_circuit"] == 0
    assert result["interruptions"] == 0
    assert 0 < result["train_cpu_s"] <= result["cpu_s"]
    assert result["processor"]
    assert result["git_commit"] == commit_of_the_source()
    assert set(result["versions"]) >= {"entangrid", "numpy", "torch", "stable-baselines3"}
    curve = store.read_frame(folder / store.CURVE)
    assert sorted(set(curve["steps"])) == [0, 32, 64, 96, 128, 160, 192]  # the first rollout after every 19 steps
    assert set(curve["metric"]) >= {"objective", "cost", "discomfort"}
    progress = pd.read_csv(folder / store.PROGRESS)
    assert list(progress["time/total_timesteps"]) == [32, 64, 96, 128, 160, 192]
    rule = next((out / store.RUNS).glob("none-*"))
    assert set(store.read_frame(rule / store.CURVE)["steps"]) == {0}
    assert not (rule / store.PROGRESS).exists()


def test_a_job_carries_its_run_whole() -> None:
    for name in config.packaged():
        if name.endswith(("-full", "-smoke")):  # the same arms
            continue
        runs = plan.plan(config.load(name), check=False)
        for run in {run.arm: run for run in runs}.values():  # an arm's runs differ in seeds and axes alone
            assert worker.unpack(Job(*json.loads(json.dumps(worker.pack(run, Path("x")))))) == run


def _take_ctrl_c() -> None:
    """Ctrl-C is ignored by what a shell starts in the background, tests among it, and by all that this starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def started(*arguments: str | Path, new_group: bool = False) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(*arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_take_ctrl_c,
        start_new_session=new_group,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> object:
    deadline = time.monotonic() + 300
    while not (found := condition()):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def training(out: Path, arm: str) -> Callable[[], heartbeat.Sign | None]:
    """The sign of a run of this arm that has a checkpoint."""

    def look() -> heartbeat.Sign | None:
        for work in (out / store.WORK).glob(f"{arm}-*"):
            if work.is_dir() and store.last_checkpoint(out / store.RUNS / work.name) and (sign := heartbeat.read(work)):
                return sign
        return None

    return look


LONG = {"steps": 6400, "checkpoint_every": 320, "eval_every": 1600, "seeds": [0]}
LEARNING = {name: arm for name, arm in STUDY["arms"].items() if name != "best"}


@pytest.fixture(scope="module")
def long_study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A study with runs of seconds, and the folder of one that nothing happened to."""
    folder = tmp_path_factory.mktemp("long")
    study = write_study(folder, training=LONG, arms=LEARNING)
    experiments.run(study, folder / "straight", jobs=2)
    return study, folder / "straight"


def test_a_dead_workers_run_is_taken_up_again_from_its_checkpoint(
    long_study: tuple[Path, Path], tmp_path: Path
) -> None:
    study, straight = long_study
    with started("run", study, "--out", tmp_path, "--jobs", "2") as process:
        sign = wait_for(training(tmp_path, "mlp"), process)
        assert isinstance(sign, heartbeat.Sign)
        os.kill(sign.pid, signal.SIGKILL)
        said = process.communicate(timeout=300)[1]
    assert process.returncode == 0, said
    assert "its process was ended by SIGKILL; taken up again from step" in said
    assert "resumed at step" in said
    pd.testing.assert_frame_equal(results(straight), results(tmp_path))
    result = store.read_result(next((tmp_path / store.RUNS).glob("mlp-*")))
    assert result["interruptions"] == 1
    twin = store.read_result(next((straight / store.RUNS).glob("mlp-*")))
    for name in ("gradient_steps", "circuit_executions", "selected_steps", "environment_steps"):
        assert result[name] == twin[name]


@pytest.mark.parametrize(
    ("engine", "options"),
    [
        pytest.param("dask", (), marks=needs("distributed")),
        pytest.param("ray", (), marks=needs("ray")),
        pytest.param("slurm", ("--engine-option", "cluster=local"), marks=needs("submitit")),
    ],
)
def test_a_cluster_engines_dead_worker_loses_nothing(
    engine: str, options: tuple[str, ...], long_study: tuple[Path, Path], tmp_path: Path
) -> None:
    study, straight = long_study
    with started("run", study, "--out", tmp_path, "--jobs", "2", "--engine", engine, *options) as process:
        sign = wait_for(training(tmp_path, "mlp"), process)
        assert isinstance(sign, heartbeat.Sign)
        os.kill(sign.pid, signal.SIGKILL)
        said = process.communicate(timeout=300)[1]
    assert process.returncode == 0, said
    (resumed,) = [line for line in (tmp_path / store.LOG).read_text().splitlines() if "resumed at step" in line]
    assert "mlp-seed0" in resumed
    assert store.read_result(next((tmp_path / store.RUNS).glob("mlp-*")))["interruptions"] == 1
    pd.testing.assert_frame_equal(results(straight), results(tmp_path))


def test_ctrl_c_stops_cleanly_and_the_next_start_goes_on(long_study: tuple[Path, Path], tmp_path: Path) -> None:
    study, straight = long_study
    with started("run", study, "--out", tmp_path, "--jobs", "2") as process:
        sign = wait_for(training(tmp_path, "quantum"), process)
        assert isinstance(sign, heartbeat.Sign)
        shown = json.loads(entangrid("status", tmp_path, "--json").stdout)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "start the same command again" in said
    assert "Traceback" not in said
    assert not Path(f"/proc/{sign.pid}").exists()
    assert shown["runs"] == 3
    assert sum(shown["counts"].values()) == 3
    assert shown["arms"]["quantum"]["running"] == 1
    assert next(run for run in shown["under_way"] if run["arm"] == "quantum")["checkpoint_steps"] >= 320
    before = stamps(tmp_path)
    done = entangrid("run", study, "--out", tmp_path, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert "resumed at step" in done.stderr
    pd.testing.assert_frame_equal(results(straight), results(tmp_path))
    assert {name: stamp for name, stamp in stamps(tmp_path).items() if name in before} == before


@needs("submitit")
def test_ctrl_c_in_a_terminal_reaches_submitits_processes_too(long_study: tuple[Path, Path], tmp_path: Path) -> None:
    """They are in the terminal's group; what they have to say of it is no concern of the user."""
    options = ("--jobs", "2", "--engine", "slurm", "--engine-option", "cluster=local")
    with started("run", long_study[0], "--out", tmp_path, *options, new_group=True) as process:
        sign = wait_for(training(tmp_path, "quantum"), process)
        assert isinstance(sign, heartbeat.Sign)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "start the same command again" in said
    assert "Traceback" not in said
    deadline = time.monotonic() + 60
    while Path(f"/proc/{sign.pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_second_start_of_the_same_study_is_refused(long_study: tuple[Path, Path], tmp_path: Path) -> None:
    study, _ = long_study
    with started("run", study, "--out", tmp_path, "--jobs", "1") as process:
        wait_for(lambda: (tmp_path / store.WORK).is_dir(), process)
        refused = entangrid("run", study, "--out", tmp_path)
    assert refused.returncode == 2
    assert f"{tmp_path}: another process is running this study" in refused.stderr


class Dying:
    """An engine whose processes die at every start of one run."""

    def __init__(self, name: str):
        self.doomed, self.inner, self.starts = name, local.Local(1), 0
        self.dead: list[str] = []

    def submit(self, job: Job) -> None:
        if job.name.startswith(self.doomed):
            self.starts += 1
            self.dead.append(job.name)
        else:
            self.inner.submit(job)

    def as_completed(self, timeout_s: float) -> Iterator[Outcome]:
        dead, self.dead = self.dead, []
        yield from [Outcome(name, "its process was ended by SIGSEGV", died=True) for name in dead]
        yield from self.inner.as_completed(timeout_s)

    def cancel(self) -> None:
        self.inner.cancel()


def test_a_run_that_kills_its_process_every_time_is_given_up_and_the_others_finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = config.load(str(write_study(tmp_path, training={"steps": 32, "seeds": [0]})))
    dying = Dying("mlp")
    monkeypatch.setattr(engines, "make", lambda *_, **__: dying)
    with pytest.raises(runner.RunFailedError, match="1 of 4 runs failed: mlp-seed0"):
        runner.run_study(study, tmp_path / "out", jobs=1)
    assert dying.starts == runner.DEATHS
    assert len(stamps(tmp_path / "out")) == 3
    shown = json.loads(entangrid("status", tmp_path / "out", "--json").stdout)
    assert shown["arms"]["mlp"]["failed"] == 1
    assert "SIGSEGV, 3 times without getting on" in shown["under_way"][0]["problem"]


@pytest.mark.parametrize(
    ("engine", "options", "message"),
    [
        ("roy", {}, "engine is 'roy'; expected one of: local, dask, ray, slurm"),
        ("local", {"nodes": "2"}, "engine local: option 'nodes' is unknown; expected none"),
        pytest.param("slurm", {}, "srun is not found", marks=needs("submitit")),
        pytest.param("slurm", {"minutes": "soon"}, "minutes is 'soon'; expected a whole", marks=needs("submitit")),
        pytest.param("slurm", {"cluster": "x"}, "cluster is 'x'; expected one of", marks=needs("submitit")),
        pytest.param("dask", {"address": "nowhere"}, "nowhere cannot be reached", marks=needs("distributed")),
    ],
)
def test_an_engine_that_cannot_be_used_is_one_clear_line(
    engine: str, options: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        experiments.run(write_study(tmp_path), tmp_path / "out", engine=engine, options=options)


@pytest.mark.parametrize("engine", ["dask", "ray", "slurm"])
def test_a_missing_package_is_named_with_its_extra(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=rf'not installed: pip install "entangrid\[{engine}\]"'):
        engines.check(engine)


def test_an_option_without_a_value_is_refused(tmp_path: Path) -> None:
    refused = entangrid("run", write_study(tmp_path), "--engine", "slurm", "--engine-option", "partition")
    assert refused.returncode == 2
    assert "--engine-option 'partition': expected NAME=VALUE" in refused.stderr
