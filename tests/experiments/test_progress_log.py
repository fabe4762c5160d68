"""Training logs: no row twice after an interruption, trackers told every step once."""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from resume_cases import CASES, Case

from entangrid.data.errors import InputError
from entangrid.experiments import progress_log
from entangrid.experiments.progress_log import ProgressCSV, Tracker
from entangrid.experiments.training import Interrupted, Plan, train


def needs(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"{package} is not installed")


def test_columns_that_come_late_and_values_with_commas(tmp_path: Path) -> None:
    log = ProgressCSV(tmp_path / "progress.csv")
    log.begin()
    log.write({"b": 1, "hidden": 2}, {"hidden": ("csv",)})
    log.write({"b": np.float32(0.1), "a": "x,y"}, {})
    text = (tmp_path / "progress.csv").read_text()
    assert text == 'b,a\n1,\n0.10000000149011612,"x,y"\n'
    again = ProgressCSV(tmp_path / "again.csv")
    again.begin(text)
    again.write({"a": 2.5}, {})
    assert (tmp_path / "again.csv").read_text() == text + ",2.5\n"
    assert again.text() == (tmp_path / "again.csv").read_text()


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    log = ProgressCSV(tmp_path / "missing" / "progress.csv")
    with pytest.raises(InputError, match=r"progress\.csv: cannot be written"):
        log.begin()


class Noted(Tracker):
    """A tracker that keeps what it is sent."""

    def __init__(self, folder: Path):
        super().__init__("noted", folder)
        self.steps: list[int] = []
        self.values: list[dict[str, float]] = []

    def send(self, values: dict[str, float], step: int) -> None:
        self.steps.append(step)
        self.values.append(values)

    def close(self) -> None:
        pass


def part(case: Case, folder: Path, last: int | None) -> Noted:
    """A training that is killed when it has come so far; at 72 steps without a checkpoint, the last one is at 48."""
    folder.mkdir(exist_ok=True)
    tracker = Noted(folder)
    reached: list[int] = []

    def stop() -> bool:
        if last == 72 and reached[-1] == last:
            raise KeyboardInterrupt
        return reached[-1] == last

    plan = Plan(case.steps, checkpoint_every=48)
    with contextlib.suppress(Interrupted, KeyboardInterrupt):
        train(case.make(), plan, folder, "abc", trackers=[tracker], progress=reached.append, stop=stop)
    return tracker


def test_a_tracker_is_told_every_step_once_whatever_is_computed_twice(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "ppo-mlp")
    straight = Noted(tmp_path)
    train(case.make(), Plan(case.steps), tmp_path / "straight", "abc", trackers=[straight])

    told = [part(case, tmp_path / "killed", last) for last in (24, 72, None)]
    assert [step for each in told for step in each.steps] == straight.steps == [24, 48, 72, 96]
    assert told[-1].steps == [96]

    def kept(values: dict[str, float]) -> dict[str, float]:
        return {name: value for name, value in values.items() if name not in ("time/fps", "time/time_elapsed")}

    assert [kept(v) for each in told for v in each.values] == [kept(v) for v in straight.values]


def test_a_trackers_note_that_a_kill_left_empty_is_no_step(tmp_path: Path) -> None:
    tracker = Noted(tmp_path)
    tracker.write({"a": 1.0}, {}, 10)
    assert Noted(tmp_path).sent == 10
    assert [path.name for path in tmp_path.iterdir()] == [".noted-sent"]
    (tmp_path / ".noted-sent").write_text("")
    assert Noted(tmp_path).sent == -1


def log_with(name: str, folder: Path) -> Any:
    """A tracker that was told two steps, was interrupted, and went on."""
    for steps in ((10, 20), (20, 30)):
        tracker = progress_log.trackers([name], folder, "study", "mlp-seed0-abc")[0]
        for step in steps:
            tracker.write({"train/loss": 0.5 * step, "text": "no number"}, {}, step)
        tracker.close()
    return tracker


@needs("tensorboard")
def test_tensorboard(tmp_path: Path) -> None:
    log_with("tensorboard", tmp_path)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("train/loss")] == [(10, 5.0), (20, 10.0), (30, 15.0)]


@needs("mlflow")
def test_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    tracker = log_with("mlflow", tmp_path)
    history = tracker.client.get_metric_history(tracker.run_id, "train/loss")
    assert sorted((metric.step, metric.value) for metric in history) == [(10, 5.0), (20, 10.0), (30, 15.0)]
    run = tracker.client.get_run(tracker.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "mlp-seed0-abc"


@needs("wandb")
def test_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    tracker = log_with("wandb", tmp_path)
    assert tracker.sent == 30
    assert list((tmp_path / "wandb").glob("offline-run-*/*.wandb"))


@pytest.mark.parametrize("name", ["tensorboard", "mlflow", "wandb"])
def test_a_missing_package_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=rf'log \'{name}\' needs {name}: pip install "entangrid\[{name}\]"'):
        progress_log.check_trackers([name])


def test_an_unknown_tracker_is_refused() -> None:
    with pytest.raises(InputError, match="log 'comet' is unknown; expected some of: tensorboard, mlflow, wandb"):
        progress_log.check_trackers(["comet"])
