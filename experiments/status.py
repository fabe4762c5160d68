"""How far a study is, from its folder alone, also while it runs: no plan is made, no result is read."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from entangrid.data.errors import InputError
from entangrid.experiments import heartbeat, manifest, store
from entangrid.experiments.manifest import Planned

STATES = ("finished", "running", "failed", "waiting")


class UnderWay(NamedTuple):
    """A run that has begun and is not finished. ``state``: "running", "failed" or "waiting" (it was interrupted);
    ``checkpoint_steps``: environment steps of the last checkpoint, 0 without one, ``checkpoint_age_s``: None then;
    ``problem``: why it failed."""

    run: str
    arm: str
    state: str
    steps: int
    total: int
    doing: str | None
    checkpoint_steps: int
    checkpoint_age_s: float | None
    problem: str | None


class Status(NamedTuple):
    """``counts``: how many runs are in each of `STATES`; ``arms``: the same by arm."""

    study: str
    runs: int
    counts: dict[str, int]
    arms: dict[str, dict[str, int]]
    under_way: list[UnderWay]

    def as_json(self) -> dict[str, Any]:
        """The same in dictionaries and lists."""
        return {**self._asdict(), "under_way": [run._asdict() for run in self.under_way]}


def read(out: Path) -> Status:
    """The state of a study's folder; raises InputError if it holds no study that was started."""
    name, planned = manifest.read(out)
    finished = _finished(out / store.RUNS)
    begun = _names(out / store.WORK)
    under_way = [_look(out, run) for run in planned if run.folder in begun and run.folder not in finished]
    states = {run.run: run.state for run in under_way}
    by_arm: dict[str, Counter[str]] = {}
    for run in planned:
        state = "finished" if run.folder in finished else states.get(run.folder, "waiting")
        by_arm.setdefault(run.arm, Counter())[state] += 1
    arms = {arm: {state: counts[state] for state in STATES} for arm, counts in by_arm.items()}
    counts = {state: sum(of[state] for of in arms.values()) for state in STATES}
    return Status(name, len(planned), counts, arms, under_way)


def unfinished(out: Path) -> str:
    """What of a study's plan is not finished, in words; empty where all is, or where the folder has no plan."""
    try:
        found = read(out)
    except InputError:
        return ""
    done = found.counts["finished"]
    if done == found.runs:
        return ""
    others = ", ".join(f"{found.counts[state]} {state}" for state in STATES[1:] if found.counts[state])
    return f"{done} of {found.runs} runs are finished ({others}); the numbers are of those"


def _names(folder: Path) -> set[str]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.is_dir()}
    return set()


def _finished(folder: Path) -> set[str]:
    return {name for name in _names(folder) if store.is_finished(folder / name)}


def _look(out: Path, planned: Planned) -> UnderWay:
    folder = out / store.RUNS / planned.folder
    work = store.work_folder(folder)
    sign = heartbeat.read(work)
    steps = store.last_checkpoint(folder)
    problem = None
    state = "running" if store.is_claimed(folder) else "waiting"
    if state == "waiting":
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            problem = str(store.parsed((work / store.FAILED).read_bytes())["problem"])
            state = "failed"
    running = sign is not None and state == "running"
    return UnderWay(
        planned.folder,
        planned.arm,
        state,
        sign.steps if sign is not None and running else steps,
        planned.steps,
        sign.doing if sign is not None and running else None,
        steps,
        store.checkpoint_age_s(folder, time.time()),
        problem,
    )
