#!/usr/bin/env python3
"""Kill a study again and again, fill its disk, cut its checkpoints: the table must come out as if nothing had happened.

    python scripts/torture.py                     30 kills of a study of 26 runs, a full disk, a truncated checkpoint
    python scripts/torture.py --short --kills 6   the same with 8 short runs

First the study is run undisturbed. Then it is started in another folder and killed with SIGKILL at moments that a seed
draws: the parent (which is then started again), a worker, a worker while it writes a checkpoint, the parent while it
builds the table. At the end every result column of the table, every policy and every learning curve must equal the
undisturbed study's to the last bit, and no finished run may have been started again. Exit code 0, or 1 and what is
wrong. The full disk is a tmpfs without room, where one may be mounted; else a limit on the size of files stands in for
it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

CLOCKS = ("wall_s", "cpu_s", "train_wall_s", "train_cpu_s")  # metrics that are different every time
PROGRESS_CLOCKS = ["time/fps", "time/time_elapsed"]
KINDS = ("parent", "worker", "checkpoint", "table")
WAIT_S = 1800.0


class TortureError(Exception):
    """What must not happen has happened."""


def study(short: bool) -> dict[str, Any]:
    """One study of every algorithm with a continuous action, with validation; short: of two of them."""
    training = {
        "steps": 1_536 if short else 4_096,
        "n_envs": 4,
        "episode_days": 1,
        "seeds": [0, 1] if short else [0, 1, 2],
        "checkpoint_every": 64,
        "select": "validation",
    }
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
        self._finished: dict[str, tuple[tuple[int, int], int]] = {}  # run -> its result's stamp, size of the log then

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
            before, _ = self._finished.setdefault(path.name, (stamp, size))
            if before != stamp:
                raise TortureError(f"{path.name} was finished and was made again")

    def check_nothing_twice(self) -> None:
        """Raise TortureError if a finished run was lost, made again or begun again."""
        self.look()
        log = self.log()
        for name, (_, size) in self._finished.items():
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


def writing_checkpoint(of: Study) -> int | None:
    """The process that is writing a checkpoint now."""
    with contextlib.suppress(OSError):
        for run in os.scandir(of.out / "work"):
            with contextlib.suppress(OSError):
                for entry in os.scandir(Path(run.path) / "checkpoints"):
                    if entry.name.endswith(".tmp"):
                        return int(entry.name.split(".")[-2])
    return None


def kill_once(of: Study, kind: str, random_: random.Random, spread_s: float) -> str | None:
    """One kill, within ``spread_s`` of the study's getting to work; what was hit, None if it came to its end before."""
    if of.ended:
        of.start()
    seen = len(of.log())
    if kind != "table" and random_.random() < 0.85:  # else at any moment, also while it is only starting
        until(lambda: ": started\n" in of.log()[seen:] or (of.workers() and ": " in of.log()[seen:]), of, 120.0)
    if kind != "table":
        until(lambda: False, of, random_.uniform(0.0, spread_s))
    if kind == "checkpoint":
        pid = until(lambda: writing_checkpoint(of), of, 60.0)
    elif kind == "table":
        until(lambda: list(of.out.glob(".table.parquet.*.tmp")) or "runs are finished already" in _said(of), of, WAIT_S)
        pid = None if of.ended else of.process.pid if of.process else None
        if random_.random() < 0.5:
            time.sleep(random_.uniform(0.0, 0.5))
    else:
        workers = of.workers()
        parent = of.process.pid if of.process else None
        pid = random_.choice(workers) if kind == "worker" and workers else parent if kind == "parent" else None
    if of.ended:
        return None
    of.look()
    if pid is None:
        return None
    if of.process is not None and pid == of.process.pid:
        of.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    of.look()
    return kind


def _said(of: Study) -> str:
    with contextlib.suppress(OSError):
        return of.said.read_text(encoding="utf-8")
    return ""


def kills(of: Study, n: int, seed: int, straight_s: float, say: Callable[[str], None]) -> Counter[str]:
    """Start the study, kill it n times all along its way, and let it come to its end."""
    random_ = random.Random(seed)
    n_table = max(n // 5, 1)
    done: Counter[str] = Counter()
    while sum(done.values()) < n - n_table:
        kind = random_.choice(KINDS[:3])
        if (hit := kill_once(of, kind, random_, 2.0 * straight_s / n)) is not None:
            done[hit] += 1
            say(f"kill {sum(done.values())}: {hit}; {len(of._finished)} runs finished")
        elif of.ended:
            code, said = of.to_the_end()
            if code not in (0, -signal.SIGKILL):
                raise TortureError(f"exit code {code}:\n{said}")
            if code == 0:
                break  # the study was faster; what is left are kills while the table is built
    finish(of)
    while sum(done.values()) < n:
        (of.out / "table.parquet").unlink(missing_ok=True)
        of.start()
        if kill_once(of, "table", random_, 0.0) is not None:
            done["table"] += 1
            say(f"kill {sum(done.values())}: while the table is built")
        elif of.ended and of.to_the_end()[0] not in (0, -signal.SIGKILL):
            raise TortureError(of.to_the_end()[1])
    if not of.ended:
        of.kill()
    finish(of)
    return done


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


@contextlib.contextmanager
def small_disk(at: Path) -> Iterator[bool]:
    """A tmpfs at the folder; False where none may be mounted."""
    at.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(at)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(at)], check=True)


def resize(disk: Path, kilobytes: int) -> bool:
    """Give the tmpfs another size; False if more than that is used."""
    command = ["mount", "-o", f"remount,size={kilobytes}k", str(disk)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def fill_up(disk: Path, of: Study) -> None:
    """As soon as some runs are finished and others are not, leave the disk no room but a page."""
    until(lambda: len(list(of.out.glob("runs/[!.]*/result.json"))) >= 2, of, WAIT_S)
    for _ in range(1000):
        if resize(disk, shutil.disk_usage(disk).used // 1024 + 4):
            return
    raise TortureError("the tmpfs could not be made smaller")


def full_disk(file: Path, reference: Path, folder: Path, jobs: int, say: Callable[[str], None]) -> None:
    """Run the study where there is too little room, then where there is enough."""
    disk = folder / "disk"
    with small_disk(disk) as mounted:
        of = Study(file, disk / "out" if mounted else folder / "limited", jobs)
        of.said = folder / "disk.stderr"
        if mounted:
            of.start()
            fill_up(disk, of)
        else:
            say("no tmpfs may be mounted here: a limit on the size of files stands in for the full disk")
            limit = 12_000  # less than a checkpoint

            def limited() -> None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

            of.start(preexec_fn=limited)
        code, said = of.to_the_end()
        expected = "No space left on device" if mounted else "File too large"
        if code not in (1, 2):
            raise TortureError(f"full disk: exit code {code}, expected 1 or 2:\n{said}")
        if f"cannot be written: {expected}" not in said or "Traceback" in said:
            raise TortureError(f"full disk: no clear message:\n{said}")
        finished = len(of._finished)
        if mounted and not (finished >= 2 and resize(disk, 1 << 20)):
            raise TortureError(f"full disk: {finished} finished runs; expected at least 2")
        finish(of)
        of.check_nothing_twice()
        compare(reference, of.out)
        say(f"full disk: said so, kept {finished} finished runs, ended in the same table with more room")


def truncated(file: Path, reference: Path, folder: Path, jobs: int, say: Callable[[str], None]) -> None:
    """Kill the study when a run has two checkpoints, cut the last one, go on."""
    of = Study(file, folder / "truncated", jobs)
    of.start()

    def two() -> list[Path] | None:
        for checkpoints in (of.out / "work").glob("*/checkpoints"):
            found = sorted(path for path in checkpoints.glob("[0-9]*") if (path / "manifest.json").is_file())
            if len(found) == 2:
                return found
        return None

    if until(two, of, WAIT_S) is None:
        raise TortureError("no run ever had two checkpoints")
    of.kill()
    found = two()
    if found is None:
        raise TortureError("the kill took a checkpoint with it")
    before, last = found
    arrays = last / "arrays.npz"
    os.truncate(arrays, arrays.stat().st_size // 2)
    said = finish(of)
    run = last.parent.parent.name
    for expected in (f"{last}: arrays.npz is damaged", f"{run}: resumed at step {int(before.name)}"):
        if expected not in said:
            raise TortureError(f"truncated checkpoint: {expected!r} was not said:\n{said}")
    of.check_nothing_twice()
    compare(reference, of.out)
    say(f"truncated checkpoint: named, resumed at step {int(before.name)} instead of {int(last.name)}, the same table")


def torture(folder: Path, n: int, seed: int, jobs: int, short: bool, say: Callable[[str], None]) -> None:
    """All of it; raises TortureError with what went wrong."""
    file = folder / "torture.yaml"
    file.write_text(yaml.safe_dump(study(short)), encoding="utf-8")
    began = time.monotonic()
    straight = Study(file, folder / "straight", jobs)
    finish(straight)
    straight_s = time.monotonic() - began
    say(f"undisturbed: {len(straight._finished)} runs in {straight_s:.0f} s")
    of = Study(file, folder / "killed", jobs)
    began = time.monotonic()
    done = kills(of, n, seed, straight_s, say)
    of.check_nothing_twice()
    rows = compare(straight.out, of.out)
    resumed = of.log().count(": resumed at step ")
    say(
        f"{sum(done.values())} kills ({', '.join(f'{count} {kind}' for kind, count in sorted(done.items()))}), "
        f"{of.starts} starts, {resumed} resumptions in {time.monotonic() - began:.0f} s: "
        f"{rows} rows, policies and curves equal; no finished run was begun again"
    )
    if not resumed:
        raise TortureError("no run was ever resumed: the kills proved nothing")
    full_disk(file, straight.out, folder, jobs, say)
    truncated(file, straight.out, folder, jobs, say)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30, help="how often to kill (default: 30)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (default: 2)")
    parser.add_argument("--short", action="store_true", help="a small study")
    parser.add_argument("--keep", type=Path, help="work in this folder, which must not exist, and leave it")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="torture-"))
    if arguments.keep:
        folder.mkdir(parents=True)

    def say(text: str) -> None:
        print(text, flush=True)

    try:
        torture(folder, arguments.kills, arguments.seed, arguments.jobs, arguments.short, say)
    except TortureError as error:
        print(f"torture: {error}\nleft in {folder}", file=sys.stderr)
        sys.exit(1)
    if not arguments.keep:
        shutil.rmtree(folder)
    print("torture: nothing was lost")


if __name__ == "__main__":
    main()
