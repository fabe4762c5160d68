"""A run folder, a checkpoint or a scenario from a stranger executes nothing, and says what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engine_cases import entangrid as entangrid_command
from engine_cases import write_study

import entangrid.data
from entangrid import experiments
from entangrid.data.errors import InputError
from entangrid.experiments import config, manifest, plan, store, tidy, train
from entangrid.experiments.plan import Run


class Payload:
    """Unpickled, it makes a folder."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of one learning arm."""
    folder = tmp_path_factory.mktemp("strangers")
    arms = {
        "none": {"controller": "no-control"},
        "best": {"controller": "optimum"},
        "mlp": {"controller": "ppo-mlp", "hidden": [8]},
    }
    experiments.run(write_study(folder, training={"steps": 64, "seeds": [0]}, arms=arms), folder / "out", jobs=1)
    return folder


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """What a payload would leave; that it does, where it is unpickled, is tried first."""
    path = tmp_path / "executed"
    pickle.loads(pickle.dumps(Payload(path)))
    assert path.exists()
    path.rmdir()
    return path


def learning_run(folder: Path) -> Run:
    return next(run for run in plan.plan(config.load(str(folder / "small.yaml"))) if run.arm == "mlp")


@pytest.mark.parametrize("whole", [True, False])
def test_a_policy(whole: bool, made: Path, mark: Path, tmp_path: Path) -> None:
    run = learning_run(made)
    stored = made / "out" / store.RUNS / run.folder
    assert train.load_policy(run, stored) is not None
    shutil.copytree(stored, tmp_path / "run")
    if whole:
        torch.save({"log_std": Payload(mark)}, tmp_path / "run" / store.POLICY)
    else:
        (tmp_path / "run" / store.POLICY).write_bytes(pickle.dumps(Payload(mark)))
    with pytest.raises(InputError, match=r"policy\.pt: holds something else than tensors and was not loaded"):
        train.load_policy(run, tmp_path / "run")
    assert not mark.exists()


def test_a_checkpoint_with_fitting_checksums(made: Path, mark: Path, tmp_path: Path) -> None:
    run = learning_run(made)
    folder = tmp_path / "out" / store.RUNS / run.folder
    planted = store.work_folder(folder) / store.CHECKPOINTS / "000000000032"
    planted.mkdir(parents=True)
    torch.save({"policy": Payload(mark)}, planted / "tensors.pt")
    np.savez(planted / "arrays.npz", seen=np.array([Payload(mark)], dtype=object))
    (planted / "numbers.json").write_text("{}")
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in planted.iterdir()}
    (planted / "manifest.json").write_text(json.dumps({"format": 1, "key": run.key, "steps": 32, "sha256": digests}))
    told: list[str] = []
    train.execute(run, folder, report=told.append)
    assert not mark.exists()
    assert len(told) == 1
    assert "tensors.pt holds something else than tensors and was not loaded" in told[0]
    twin = made / "out" / store.RUNS / run.folder
    assert (folder / store.METRICS).read_bytes() == (twin / store.METRICS).read_bytes()  # begun anew


@pytest.mark.parametrize(
    ("name", "message"),
    [(store.METRICS, "not readable as an Arrow file"), (store.RESULT, "not valid JSON"), (store.FIRST_WEEK, None)],
)
def test_a_results_file(name: str, message: str | None, made: Path, mark: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(made / "out", out)
    (out / store.RUNS / learning_run(made).folder / name).write_bytes(pickle.dumps(Payload(mark)))
    runs = plan.plan(config.load(str(made / "small.yaml")))
    if message is None:
        with pytest.raises(InputError, match="not readable as Parquet"):
            store.read_frame(out / store.RUNS / learning_run(made).folder / name)
    else:
        with pytest.raises(InputError, match=message):
            tidy.build(runs, out)
    assert not mark.exists()


def test_a_study_file_and_a_plan(made: Path, mark: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(made / "out", out)
    text = f"name: !!python/object/apply:os.mkdir [{str(mark)!r}]\n"
    (out / tidy.STUDY).write_text(text)
    (tmp_path / "mine.yaml").write_text(text)
    for command in (["run", made / "small.yaml", "--out", out], ["validate", tmp_path / "mine.yaml"], ["table", out]):
        refused = entangrid_command(*command)
        assert refused.returncode == 2, refused.stderr
        assert "Traceback" not in refused.stderr
    (out / manifest.NAME).write_bytes(pickle.dumps(Payload(mark)))
    with pytest.raises(InputError, match=r"plan\.json: damaged"):
        manifest.read(out)
    assert not mark.exists()


def test_a_scenario(made: Path, mark: Path, tmp_path: Path) -> None:
    for path in sorted((made / "world").iterdir()):
        world = tmp_path / f"world-{path.name}"
        shutil.copytree(made / "world", world)
        (world / path.name).write_bytes(pickle.dumps(Payload(mark)))
        if path.suffix in (".yaml", ".yml"):
            (world / path.name).write_text(f"!!python/object/apply:os.mkdir [{str(mark)!r}]\n")
        with pytest.raises(InputError, match=path.name):
            entangrid.data.load(str(world))
        assert not mark.exists()
