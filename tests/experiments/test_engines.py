"""Engines: the same YAML gives the same table on all of them; what is not installed is named."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from entangrid.data.errors import InputError
from entangrid.experiments import engines, tidy

STUDY = """
name: tiny
scenario: bundled-home
split: {months: [1], test_every: 4}
training: {steps: 256, n_envs: 8, episode_days: 1, seeds: [0, 1]}
ppo: {n_steps: 16, batch_size: 64, n_epochs: 1}
arms:
  no-control: {controller: no-control}
  mlp: {controller: ppo-mlp, hidden: [8]}
"""
#: what a run cost, which is no result
COSTS = ("wall_s", "cpu_s")
ENGINES = {"dask": ("distributed", []), "ray": ("ray", []), "slurm": ("submitit", ["cluster=local"])}


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    study = folder.parent / "tiny.yaml"
    study.write_text(STUDY, encoding="utf-8")
    command = [sys.executable, "-c", "from entangrid.experiments.cli import main; main()", "run", str(study)]
    command += ["--out", str(folder), "--jobs", "2", *options]
    return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), timeout=600)


def results(folder: Path) -> pd.DataFrame:
    table = tidy.read(folder)
    return table[~table["metric"].str.endswith(COSTS)].reset_index(drop=True)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("local") / "out"
    done = run(folder)
    assert done.returncode == 0, done.stderr
    return results(folder)


@pytest.mark.parametrize("engine", list(ENGINES))
def test_every_engine_makes_the_same_table(engine: str, local: pd.DataFrame, tmp_path: Path) -> None:
    package, options = ENGINES[engine]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: the extra {engine}")
    said = [part for option in options for part in ("--engine-option", option)]
    done = run(tmp_path / "out", "--engine", engine, *said)
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(results(tmp_path / "out"), local)


def test_unknown_engine_and_option_are_named(tmp_path: Path) -> None:
    done = run(tmp_path / "out", "--engine", "slum")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "engine is 'slum'; expected one of: local, dask, ray, slurm" in done.stderr
    done = run(tmp_path / "out", "--engine-option", "partition=cpu")
    assert done.returncode == 2
    assert "engine local: option 'partition' is unknown; expected none" in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for engine, (package, _) in ENGINES.items():
        with pytest.raises(InputError, match=rf"{package}.*not installed: pip install \"entangrid\[{engine}\]\""):
            engines.check(engine)
