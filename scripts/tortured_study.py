"""A study that scripts/torture.py starts, kills and starts again: its file, its process, and what must hold of it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CLOCKS = ("wall_s", "cpu_s", "train_wall_s", "train_cpu_s")  # metrics that are different every time
PROGRESS_CLOCKS = ["time/fps", "time/time_elapsed"]
WAIT_S = 1800.0


class TortureError(Exception):
    """What must not happen has happened."""


def study(short: bool) -> dict[str, Any]:
    """One study of every algorithm with a continuous action, with validation; short: of two of them."""
    training = {
        "steps": 1_536 if short else 4_096,
        "n_envs": 4,
        "episode_days": 1,
        "seeds": [0] if short else [0, 1, 2],
        "checkpoint_every": 64,
        "select": "validation",
    }
    if short:
        training["eval_every"] = 512
    off_policy = {"learning_starts": 64, "batch_size": 16, "buffer_size": 1_000, "train_freq": 4}
    circuit = {"n_qubits": 3, "n_layers": 4}
    arms: dict[str, Any] = {
        "no-control": {"controller": "no-control"},
        "optimum": {"controller": "optimum"},
        "ppo": {"controller": "ppo-mlp", "hidden": [8]},
        "sac": {"controller": "sac-mlp", "hidden": [8]},
        "ppo-quantum": {"controller": "ppo-quantum", "circuit": circuit},
    }
    if not short:
        arms |= {
            "a2c": {"controller": "a2c-mlp", "hidden": [8]},
            "reinforce": {"controller": "reinforce-mlp", "hidden": [8]},
            "td3": {"controller": "td3-mlp", "hidden": [8]},
            "ddpg": {"controller": "ddpg-mlp", "hidden": [8]},
            "shots": {"controller": "ppo-quantum", "circuit": circuit, "backend": "shots", "shots": 16},
        }
    return {
        "name": "torture",
        "scenario": "bundled-home",
        "split": {"months": [1], "test_every": 4, "validation_every": 4},
        "training": training,
        "ppo": {"n_steps": 16, "batch_size": 32, "n_epochs": 2, "final_learning_rate": 1e-5},
        "sac": off_policy,
        "td3": off_policy,
        "ddpg": off_policy,
        "arms": arms,
    }


class Study:
    """The study in a folder, and the process that runs it now."""

    def __init__(self, file: Path, out: Path, jobs: int):
        self.file, self.out, self.jobs = file, out, jobs
        self.process: subprocess.Popen[str] | None = None
        self.said = out.with_name(f"{out.name}.stderr")
        self.starts = 0
        self.finished: dict[str, tuple[tuple[int, int], int]] = {}  # run -> its result's stamp, size of the log then

    def start(self, **options: Any) -> None:
        """Start it, or start it again."""
        code = "from entangrid.experiments.cli import main; main()"
        command = [sys.executable, "-c", code, "run", str(self.file), "--out", str(self.out), "--jobs", str(self.jobs)]
        with self.said.open("w", encoding="utf-8") as file:
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file, text=True, **options)
        self.starts += 1

    def to_the_end(self) -> tuple[int, str]:
        """Wait for its end; exit code and what it said."""
        assert self.process is not None
        code = self.process.wait(WAIT_S)
        self.look()
        return code, self.said.read_text(encoding="utf-8")

    def kill(self) -> None:
        """SIGKILL for the parent; its workers go with it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    @property
    def ended(self) -> bool:
        """Whether no process runs it."""
        return self.process is None or self.process.poll() is not None

    def log(self) -> str:
        """What the study's log says."""
        path = self.out / "study.log"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def workers(self) -> list[int]:
        """Processes that make a run now."""
        found = []
        for lines in self.log().splitlines():
            parts = lines.split(" ", 3)
            if len(parts) == 4 and parts[3].endswith(": started"):
                found.append(int(parts[2]))
        return [pid for pid in dict.fromkeys(found) if _child_of(pid, self.process)]

    def look(self) -> None:
        """Note what is finished, and check that nothing finished was made or begun again."""
        size = len(self.log())
        runs = self.out / "runs"
        for path in runs.iterdir() if runs.is_dir() else []:
            result = path / "result.json"
            if path.name.startswith(".") or not result.is_file():
                continue
            stamp = result.stat().st_ino, result.stat().st_mtime_ns
            before, _ = self.finished.setdefault(path.name, (stamp, size))
            if before != stamp:
                raise TortureError(f"{path.name} was finished and was made again")

    def check_nothing_twice(self) -> None:
        """Raise TortureError if a finished run was lost, made again or begun again."""
        self.look()
        log = self.log()
        for name, (_, size) in self.finished.items():
            if not (self.out / "runs" / name / "result.json").is_file():
                raise TortureError(f"{name} was finished and is gone")
            if f" {name}: started\n" in log[size:]:
                raise TortureError(f"{name} was finished and was begun again")


def _child_of(pid: int, parent: subprocess.Popen[str] | None) -> bool:
    with contextlib.suppress(OSError, IndexError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        return parent is not None and int(fields[1]) == parent.pid
    return False


def until(found: Callable[[], Any], of: Study, seconds: float) -> Any:
    """What ``found`` gives as soon as it gives something; None if that takes too long or the study ends before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if got := found():
            return got
        if of.ended:
            return None
        time.sleep(0.001)
    return None


def finish(of: Study) -> str:
    """Let the study come to its end; what it said. Raises TortureError if it does not end well."""
    if of.ended:
        of.start()
    code, said = of.to_the_end()
    if code != 0:
        raise TortureError(f"exit code {code}:\n{said}")
    return said


def compare(one: Path, two: Path) -> int:
    """Number of result rows that were compared; raises TortureError if any is not equal to the last bit."""
    import pandas as pd
    import torch

    tables = []
    for out in (one, two):
        table = pd.read_parquet(out / "table.parquet")
        tables.append(table[~table["metric"].isin(CLOCKS)].reset_index(drop=True))
    try:
        pd.testing.assert_frame_equal(*tables, check_exact=True)
    except AssertionError as error:
        raise TortureError(f"the tables differ: {error}") from None
    for run in sorted((one / "runs").iterdir()):
        twin = two / "runs" / run.name
        if (run / "policy.pt").is_file():
            policies = [torch.load(path / "policy.pt", weights_only=True) for path in (run, twin)]
            if not all(torch.equal(value, policies[1][name]) for name, value in policies[0].items()):
                raise TortureError(f"{run.name}: the policies differ")
            logs = [pd.read_csv(path / "progress.csv").drop(columns=PROGRESS_CLOCKS) for path in (run, twin)]
            if not logs[0].equals(logs[1]):
                raise TortureError(f"{run.name}: progress.csv differs")
        if (run / "curve.parquet").is_file():
            curves = [pd.read_parquet(path / "curve.parquet") for path in (run, twin)]
            if not curves[0].equals(curves[1]):
                raise TortureError(f"{run.name}: the learning curves differ")
    if (two / "work").exists():
        raise TortureError(f"{two / 'work'}: something was left behind")
    return len(tables[0])
