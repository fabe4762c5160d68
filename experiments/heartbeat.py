"""A sign of life of a run that is under way: how far it is, for the bars and for ``entangrid status``."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

NAME = "state.json"
EVERY_S = 1.0


class Sign(NamedTuple):
    """``steps`` of ``total`` environment steps; ``doing``: "training" or "evaluating"; ``resumed_at``: steps of the
    checkpoint that this process went on from, None for a beginning; ``started``, ``written``: seconds since 1970."""

    steps: int
    total: int
    doing: str
    resumed_at: int | None
    pid: int
    started: float
    written: float


class Heartbeat:
    """Writes a `Sign` into the run's work folder while it is entered: when something changes, at most once a second."""

    def __init__(self, work: Path, total: int):
        self.path = work / NAME
        self.sign = Sign(0, total, "training" if total else "evaluating", None, os.getpid(), time.time(), 0.0)
        self._ended = threading.Event()
        self._changed = True
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Heartbeat:
        self._write()
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._ended.set()
        self._thread.join()

    def update(self, **changes: Any) -> None:
        """Change fields of the sign; costs next to nothing."""
        self.sign = self.sign._replace(**changes)
        self._changed = True

    def _beat(self) -> None:
        while not self._ended.wait(EVERY_S):
            if self._changed:
                self._write()

    def _write(self) -> None:
        self._changed = False
        temporary = self.path.with_name(f".{NAME}.{os.getpid()}.tmp")
        content = json.dumps(self.sign._replace(written=time.time())._asdict())
        with contextlib.suppress(OSError):  # a full disk is reported where it matters
            temporary.write_text(content, encoding="utf-8")
            temporary.replace(self.path)


def read(work: Path) -> Sign | None:
    """The last sign of a run, None if there is none that can be read."""
    try:
        return Sign(**json.loads((work / NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
