"""A small study on a small world, and the command line in another process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import worlds
import yaml

from entangrid.data.sources.tables import save_folder
from entangrid.experiments import store

#: of a run as a whole, and different every time
CLOCKS = ("wall_s", "cpu_s", "train_wall_s", "train_cpu_s")

STUDY: dict[str, Any] = {
    "name": "small",
    "split": {"test_every": 3, "validation_every": 3},
    "training": {"steps": 192, "n_envs": 4, "episode_days": 1, "seeds": [0, 1], "checkpoint_every": 1},
    "ppo": {"n_steps": 8, "batch_size": 16, "n_epochs": 1},
    "arms": {
        "none": {"controller": "no-control"},
        "best": {"controller": "optimum"},
        "mlp": {"controller": "ppo-mlp", "hidden": [8]},
        "quantum": {"controller": "ppo-quantum", "circuit": {"n_qubits": 3, "n_layers": 4}},
    },
}


def write_study(folder: Path, **changes: Any) -> Path:
    """A study's file in the folder, beside the scenario that it is about; ``changes`` of sections, field by field."""
    save_folder(worlds.scenario(days=21), folder / "world")
    content = {**STUDY, "scenario": str(folder / "world")}
    for name, change in changes.items():
        content[name] = {**content[name], **change} if name == "training" else change
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def command(*arguments: str | Path) -> list[str]:
    """``entangrid ...`` in another process."""
    return [sys.executable, "-c", "from entangrid.experiments.cli import main; main()", *map(str, arguments)]


def entangrid(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The same, to its end."""
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=600, check=False, env={**os.environ, **environment}
    )


def results(out: Path) -> pd.DataFrame:
    """The study's table without what is different every time."""
    table = store.read_frame(out / "table.parquet")
    return table[~table["metric"].isin(CLOCKS)].reset_index(drop=True)


def stamps(out: Path) -> dict[str, tuple[int, int]]:
    """Of every finished run, what changes if it is made again."""
    found = {}
    for path in (out / store.RUNS).iterdir() if (out / store.RUNS).is_dir() else []:
        if store.is_finished(path):
            state = (path / store.RESULT).stat()
            found[path.name] = state.st_ino, state.st_mtime_ns
    return found
