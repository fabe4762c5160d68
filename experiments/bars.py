"""Progress bars of a study and of the runs under way, and what their workers write into the log."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from entangrid.experiments import heartbeat, store
from entangrid.experiments.config import SeededArm
from entangrid.experiments.plan import Run

_SHOWN = 8  # bars of single runs
_EVERY_S = 0.5


class Bars:
    """Drawn while entered. Steps are read from the runs' signs of life, so that it is the same for every engine."""

    def __init__(self, runs: Sequence[Run], folder: Path, console: Console):
        self._weights = {run.folder: _weight(run) for run in runs}
        self._work = folder.parent / store.WORK
        self._log = folder.parent / store.LOG
        self._console = console
        self._read = self._log.stat().st_size if self._log.is_file() else 0
        self._began, self._last = time.time(), 0.0
        self._bars: dict[str, Any] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._total = self._progress.add_task("all runs ", total=sum(self._weights.values()))

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._tail()
        self._progress.stop()

    def show(self, left: Collection[str]) -> None:
        """Draw how far the runs that are left are; cheap enough to be called often."""
        if left and time.monotonic() - self._last < _EVERY_S:
            return
        self._last = time.monotonic()
        self._tail()
        signs = self._signs(left)
        for name in [name for name in self._bars if name not in signs]:
            self._progress.remove_task(self._bars.pop(name))
        done = sum(weight for name, weight in self._weights.items() if name not in left)
        for name, sign in signs.items():
            if sign.total:
                done += min(sign.steps, self._weights[name])
            if name not in self._bars and sign.total and len(self._bars) < _SHOWN:
                self._bars[name] = self._progress.add_task(name.rsplit("-", 1)[0], total=sign.total)
            if name in self._bars:
                self._progress.update(self._bars[name], completed=min(sign.steps, sign.total))
        self._progress.update(self._total, completed=done)

    def _signs(self, left: Collection[str]) -> dict[str, heartbeat.Sign]:
        """Of the runs that some process has begun since the bars are drawn."""
        found: dict[str, heartbeat.Sign] = {}
        with contextlib.suppress(OSError):
            for entry in os.scandir(self._work):
                if entry.name in left and (sign := heartbeat.read(Path(entry.path))) and sign.written >= self._began:
                    found[entry.name] = sign
        return found

    def _tail(self) -> None:
        """Print what workers added to the log; this process's own lines are on the console already."""
        with contextlib.suppress(OSError), self._log.open("rb") as file:
            file.seek(self._read)
            new = file.read()
            new = new[: new.rfind(b"\n") + 1]
            self._read += len(new)
            for line in new.decode("utf-8", "replace").splitlines():
                parts = line.split(" ", 3)
                theirs = len(parts) == 4 and parts[2].isdigit() and parts[2] != str(os.getpid())
                if theirs and not parts[3].endswith(": started"):
                    self._console.print(parts[3], markup=False, highlight=False, soft_wrap=True)


def _weight(run: Run) -> int:
    """The run's share of the overall bar, in environment steps."""
    steps = run.study.training.steps
    return steps if isinstance(run.config, SeededArm) else max(steps // 20, 1)
