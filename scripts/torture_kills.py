"""Kill a study again and again at moments that a seed draws; what scripts/torture.py does first."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tortured_study import WAIT_S, Study, TortureError, finish, until

KINDS = ("parent", "worker", "checkpoint", "table")


def writing_checkpoint(of: Study) -> int | None:
    """The process that is writing a checkpoint now."""
    with contextlib.suppress(OSError):
        for run in os.scandir(of.out / "work"):
            with contextlib.suppress(OSError):
                for entry in os.scandir(Path(run.path) / "checkpoints"):
                    if entry.name.endswith(".tmp"):
                        return int(entry.name.split(".")[-2])
    return None


def n_finished(of: Study) -> int:
    """How many runs are finished now."""
    with contextlib.suppress(OSError):
        return sum(not entry.name.startswith(".") for entry in os.scandir(of.out / "runs"))
    return 0


def kill_once(of: Study, kind: str, random_: random.Random, spread_s: float, after: int = 0) -> str | None:
    """One kill, within ``spread_s`` of the study's getting to work, not before ``after`` runs are finished; what was
    hit, None if it came to its end before."""
    if of.ended:
        of.start()
    seen = len(of.log())
    until(lambda: n_finished(of) >= after, of, WAIT_S)
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


def kills(of: Study, n: int, seed: int, straight: Study, straight_s: float, say: Callable[[str], None]) -> Counter[str]:
    """Start the study, kill it n times all along its way, and let it come to its end.

    The kills are spread by the number of finished runs, for on a busy machine time says little of how far a study is.
    """
    random_ = random.Random(seed)
    n_table = max(n // 5, 1)
    done: Counter[str] = Counter()
    while sum(done.values()) < n - n_table:
        kind = random_.choice(KINDS[:3])
        after = sum(done.values()) * len(straight.finished) // (n - n_table)
        if (hit := kill_once(of, kind, random_, 2.0 * straight_s / n, after)) is not None:
            done[hit] += 1
            say(f"kill {sum(done.values())}: {hit}; {len(of.finished)} runs finished")
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
