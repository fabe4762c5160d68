"""Run folders: written whole under another name, then renamed, so that a folder with a run's name is a finished run.

In a study's folder, ``runs/NAME`` is a finished run and ``work/NAME`` what a run has while it is under way:
checkpoints, progress.csv and a sign of life. ``work/NAME.lock`` is locked by the process that makes it. ``study.log``
says what happened when.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from entangrid.data.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

METRICS, FIRST_WEEK, RESULT, CONFIG, POLICY, VECTOR, CURVE, PROGRESS = (
    "metrics.arrow",  # see `run_metrics`
    "first_week.parquet",
    "result.json",
    "config.yaml",
    "policy.pt",
    "policy.npy",  # of a controller that was found by search
    "curve.parquet",
    "progress.csv",
)
RUNS, WORK, FAILED, LOG = "runs", "work", "failed.json", "study.log"
CHECKPOINTS = "checkpoints"  # in a run's work folder
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_WAIT_S = 5.0  # for a killed process's lock, which goes with it


class ClaimedError(InputError):
    """Another process is at it."""


def is_finished(folder: Path) -> bool:
    """Whether the folder holds a finished run; one that was being written when its process was killed does not."""
    return not folder.name.startswith(".") and os.path.isfile(f"{folder}/{RESULT}")  # noqa: PTH113 - asked of thousands


def work_folder(folder: Path) -> Path:
    """Where the run of a folder ``STUDY/runs/NAME`` works until it is finished: ``STUDY/work/NAME``."""
    return folder.parent.parent / WORK / folder.name


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[Path]:
    """Within, this process alone makes the run; gives its work folder, which exists. The system frees what a killed
    process claimed. Raises ClaimedError if another process has the run, InputError if the folder cannot be written."""
    work = work_folder(folder)
    lock = FileLock(work.with_name(f"{work.name}.lock"), timeout=_WAIT_S)
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ClaimedError(f"{work}: another process is making this run") from None
    except OSError as error:
        raise InputError(f"{work}: cannot be written: {error.strerror or error}") from None
    try:
        yield work
    finally:
        lock.release()


def is_claimed(folder: Path) -> bool:
    """Whether a process is making the run now."""
    work = work_folder(folder)
    path = work.with_name(f"{work.name}.lock")
    if not path.is_file():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # somebody else's folder: nothing to be found out
        return False


@contextlib.contextmanager
def claimed_study(out: Path) -> Iterator[None]:
    """Within, this process alone may run the study of the folder; raises ClaimedError if another one does."""
    lock = FileLock(out / f".{RUNS}.lock", timeout=1.0)
    try:
        lock.acquire()
    except Timeout:
        raise ClaimedError(f"{out}: another process is running this study; wait for it, or stop it") from None
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}") from None
    try:
        yield
    finally:
        lock.release()


def log(out: Path, text: str) -> None:
    """Add a line to the study's log, with time and process; a disk that takes none is reported elsewhere."""
    line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {os.getpid()} {text}".replace("\n", "\n    ")
    with contextlib.suppress(OSError), (out / LOG).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def last_checkpoint(folder: Path) -> int:
    """Environment steps of the run's last checkpoint, 0 where there is none."""
    checkpoints = work_folder(folder) / CHECKPOINTS
    with contextlib.suppress(OSError):
        return max((int(path.name) for path in checkpoints.iterdir() if path.name.isdigit()), default=0)
    return 0


def checkpoint_age_s(folder: Path, now: float) -> float | None:
    """Seconds since the run's last checkpoint was written, None if there is none."""
    steps = last_checkpoint(folder)
    with contextlib.suppress(OSError):
        return max(now - (work_folder(folder) / CHECKPOINTS / f"{steps:012d}").stat().st_mtime, 0.0) if steps else None
    return None


def mark_failed(folder: Path, problem: str) -> None:
    """Note in the run's work folder why it failed, for ``entangrid status``; the next attempt deletes the note."""
    note = json.dumps({"problem": problem, "time": time.time()})
    with contextlib.suppress(InputError):
        write_atomically(work_folder(folder) / FAILED, lambda to: to.write_text(note, encoding="utf-8"))


def sweep(out: Path) -> None:
    """Delete what kills have left of finished runs, and the work folder when it is empty."""
    work = out / WORK
    for path in list(work.iterdir()) if work.is_dir() else []:
        if is_finished(out / RUNS / path.name.removesuffix(".lock")):
            shutil.rmtree(path, ignore_errors=True)
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
    for remains in (out / RUNS).glob(".*.tmp") if (out / RUNS).is_dir() else []:
        shutil.rmtree(remains, ignore_errors=True)
    with contextlib.suppress(OSError):
        work.rmdir()


def forget_work(folder: Path) -> None:
    """Delete what a finished run no longer needs."""
    shutil.rmtree(work_folder(folder), ignore_errors=True)


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then give it its name.

    Raises InputError naming the file if the disk is full or not writable; what stood there before stays.
    """
    if not path.name:
        raise InputError(f"{str(path)!r}: expected the name of a file")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def flush(folder: Path) -> None:
    """Have the disk hold every file of a folder, and the folder itself, before it is given its name."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Have the disk hold a folder's entries, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_run(folder: Path, write: Callable[[Path], Any]) -> None:
    """Let ``write`` fill a temporary folder beside ``folder``, then give it its name; raises InputError as above."""
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        write(temporary)
        flush(temporary)
        if folder.exists():  # unfinished remains of a crash between two renames, or a run finished elsewhere meanwhile
            if is_finished(folder):
                return
            shutil.rmtree(folder)
        temporary.rename(folder)
        flush_folder(folder.parent)
        for remains in folder.parent.glob(f".{folder.name}.*.tmp"):  # of processes that were killed while writing
            shutil.rmtree(remains, ignore_errors=True)
    except OSError as error:
        if is_finished(folder):  # another process finished the same run first
            return
        raise InputError(f"{folder}: cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_result(folder: Path) -> dict[str, Any]:
    """The run's ``result.json``; raises InputError if it is missing or no JSON object."""
    path = f"{folder}/{RESULT}"
    try:
        content = parsed(content_of(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not valid JSON; delete the folder to have the run made again") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds {type(content).__name__}; expected an object")
    return content


def parsed(content: bytes) -> Any:
    """A stranger's JSON; raises ValueError or RecursionError if it is none, or holds half a character (a lone
    surrogate), which nothing could print."""
    found = json.loads(content.decode("utf-8"))
    if _SURROGATE.search(content):
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    return found


def content_of(path: str) -> bytes:
    """A small file's content, in a third of the time that a file object takes: a table reads thousands of them."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        parts = []
        while part := os.read(handle, 1 << 20):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(handle)


def read_frame(path: Path, mend: str = "delete the folder to have the run made again") -> pd.DataFrame:
    """A Parquet file, of a run unless ``mend`` says otherwise; raises InputError if it is missing or damaged."""
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise InputError(f"{path}: missing; {mend}") from None
    except Exception as error:  # pyarrow raises its own family
        raise InputError(f"{path}: not readable as Parquet ({error}); {mend}") from None
