"""``plan.json``: the runs that a study's folder is to hold, so that ``entangrid status`` need not plan them again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from entangrid.data.errors import InputError

if TYPE_CHECKING:
    from entangrid.experiments.config import StudyConfig
    from entangrid.experiments.plan import Run

NAME = "plan.json"


class Planned(NamedTuple):
    """One run: its folder's name, its arm, and the environment steps of its training, 0 where it has none."""

    folder: str
    arm: str
    steps: int


def write(out: Path, study: StudyConfig, runs: Sequence[Run]) -> None:
    """Note the runs; raises InputError if the file cannot be written."""
    from entangrid.experiments import store

    planned = [[run.folder, run.arm, run.study.training.steps if run.seed is not None else 0] for run in runs]
    text = json.dumps({"study": study.name, "runs": planned})
    store.write_atomically(out / NAME, lambda to: to.write_text(text, encoding="utf-8"))


def read(out: Path) -> tuple[str, list[Planned]]:
    """(the study's name, its runs); raises InputError if the folder holds no study that was started."""
    from entangrid.experiments import store

    path = out / NAME
    try:
        content = store.parsed(path.read_bytes())
        return str(content["study"]), [Planned(str(f), str(arm), int(steps)) for f, arm, steps in content["runs"]]
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror}; expected the folder of a study that was started"
        ) from None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise InputError(f"{path}: damaged; start the study again to have it written anew") from None
