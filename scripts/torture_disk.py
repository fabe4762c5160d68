"""Fill a study's disk in the middle of it, and cut a checkpoint; what scripts/torture.py does last."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from tortured_study import WAIT_S, Study, TortureError, compare, finish, until


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
        finished = len(of.finished)
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
