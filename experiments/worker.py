"""What a worker process does: one run, told to the parent by files and one line of text, whatever the engine."""

from __future__ import annotations

import contextlib
import json
import os
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from entangrid.data.errors import InputError

if TYPE_CHECKING:
    from entangrid.experiments.plan import Run

#: One thread a process: runs fill the cores side by side, and their bits do not depend on how many there are.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
EVERY_S = 1.0  # between two notes of progress


def note_path(folder: Path) -> Path:
    """Where a run in work notes how far it is."""
    return folder.with_name(f".{folder.name}.progress")


def read_note(folder: Path) -> dict[str, float]:
    """The last note of a run: ``steps`` done, ``time`` when [s since 1970], ``pid``; empty if there is none."""
    try:
        content = json.loads(note_path(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def work(run: Run, folder: str) -> str | None:
    """Make one run; returns what went wrong as text, since not every exception can be pickled."""
    from entangrid.experiments.train import execute

    path = Path(folder)
    note = note_path(path)
    last = 0.0

    def progress(steps: int) -> None:
        nonlocal last
        now = time.time()
        if now - last > EVERY_S:
            last = now
            temporary = note.with_suffix(f".{os.getpid()}.tmp")
            with contextlib.suppress(OSError):  # a full disk is told by what must be written
                temporary.write_text(json.dumps({"steps": steps, "time": now, "pid": os.getpid()}), encoding="utf-8")
                temporary.replace(note)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        progress(0)
        execute(run.study, run, path, progress)
    except InputError as error:
        return str(error)
    except Exception:
        return traceback.format_exc()
    finally:
        with contextlib.suppress(OSError):
            note.unlink(missing_ok=True)
    return None
