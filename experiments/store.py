"""Run folders: written whole under another name, then renamed, so that a folder with a run's name is a finished run."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from entangrid.data.errors import InputError

METRICS, FIRST_WEEK, RESULT, CONFIG, POLICY = (
    "metrics.parquet",
    "first_week.parquet",
    "result.json",
    "config.yaml",
    "policy.pt",
)


def is_finished(folder: Path) -> bool:
    """Whether the folder holds a finished run."""
    return (folder / RESULT).is_file()


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then give it its name.

    Raises InputError naming the file if the disk is full or not writable; what stood there before stays.
    """
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
        if folder.exists():  # unfinished remains of a crash between two renames, or a run finished elsewhere meanwhile
            if is_finished(folder):
                return
            shutil.rmtree(folder)
        temporary.rename(folder)
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
    path = folder / RESULT
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{path}: not valid JSON; delete the folder to have the run made again") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds {type(content).__name__}; expected an object")
    return content


def read_frame(path: Path) -> pd.DataFrame:
    """A Parquet file of a run; raises InputError if it is missing or damaged."""
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise InputError(f"{path}: missing; delete the folder to have the run made again") from None
    except Exception as error:  # pyarrow raises its own family
        raise InputError(
            f"{path}: not readable as Parquet ({error}); delete the folder to have the run made again"
        ) from None
