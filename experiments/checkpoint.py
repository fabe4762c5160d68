"""Checkpoints of one run: written whole, checked when read, the last two kept. No pickle of ours.

A checkpoint is a folder ``STEPS`` with ``tensors.pt`` (torch, read with ``weights_only``), ``arrays.npz`` (NumPy, read
without pickle), ``numbers.json`` and ``manifest.json``, which holds the run's key and the SHA-256 of each file.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shutil
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from entangrid.data.errors import InputError
from entangrid.experiments import store
from entangrid.experiments.model_state import State

FORMAT = 1
KEPT = 2
_TENSORS, _ARRAYS, _NUMBERS, _MANIFEST = "tensors.pt", "arrays.npz", "numbers.json", "manifest.json"


class DamagedError(Exception):
    """A checkpoint that must not be used, and why."""


class Checkpoint(NamedTuple):
    """``steps``: environment steps done; ``state``: the model's; ``more``: what the caller stored beside it."""

    steps: int
    state: State
    more: dict[str, Any]


def save(folder: Path, key: str, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint under a temporary name, flush it to the disk, rename it; then forget all but the last two.

    ``folder``: of the run's checkpoints; ``key``: of the run. Raises InputError naming the folder if the disk is full
    or not writable; the checkpoints that were there stay.
    """
    final = folder / f"{checkpoint.steps:012d}"
    temporary = folder / f".{final.name}.{os.getpid()}.tmp"
    numbers = {"numbers": checkpoint.state.numbers, "more": checkpoint.more}
    tensors = io.BytesIO()
    torch.save(checkpoint.state.tensors, tensors)
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        (temporary / _TENSORS).write_bytes(tensors.getbuffer())
        with (temporary / _ARRAYS).open("wb") as file:
            np.savez(file, allow_pickle=False, **checkpoint.state.arrays)
        (temporary / _NUMBERS).write_text(json.dumps(numbers), encoding="utf-8")
        digests = {name: _digest(temporary / name) for name in (_TENSORS, _ARRAYS, _NUMBERS)}
        manifest = {"format": FORMAT, "key": key, "steps": checkpoint.steps, "sha256": digests}
        (temporary / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        store.flush(temporary)
        if final.exists():  # a damaged one that was not used, or the same one written before a kill
            shutil.rmtree(final)
        temporary.rename(final)
        store.flush_folder(folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise InputError(f"{final}: checkpoint cannot be written: {error.strerror or error}") from None
    _forget(folder, checkpoint.steps)
    return final


def _forget(folder: Path, steps: int) -> None:
    """Delete all but the last two up to these steps; later ones were damaged, or they would have been used."""
    found = _all(folder)
    kept = [path for path in found if int(path.name) <= steps][-KEPT:]
    for path in found:
        if path not in kept:
            shutil.rmtree(path, ignore_errors=True)
    for remains in folder.glob(".*.tmp"):
        shutil.rmtree(remains, ignore_errors=True)


def _all(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))


def newest(folder: Path, key: str, report: Callable[[str], Any]) -> Checkpoint | None:
    """The last checkpoint of a run that is whole, None if there is none.

    ``report`` is told, in one line each, which checkpoints were passed over and why. Nothing is deleted.
    """
    for path in reversed(_all(folder)):
        try:
            return read(path, key)
        except DamagedError as error:
            report(f"{path}: {error}; the checkpoint before it is used, or the run begins anew")
    return None


def read(path: Path, key: str) -> Checkpoint:
    """One checkpoint; raises DamagedError for one that is not whole, not of this run, or holds more than data."""
    try:
        manifest = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise DamagedError(f"{_MANIFEST} has format {manifest['format']!r}; expected {FORMAT}")
        if manifest["key"] != key:
            raise DamagedError(f"checkpoint is of run {manifest['key']!r}; expected {key!r}")
        for name in (_TENSORS, _ARRAYS, _NUMBERS):
            if _digest(path / name) != manifest["sha256"][name]:
                raise DamagedError(f"{name} is damaged: its checksum is not the one in {_MANIFEST}")
        steps = int(manifest["steps"])
    except FileNotFoundError as error:
        raise DamagedError(f"{Path(error.filename).name} is missing") from None
    except OSError as error:
        raise DamagedError(f"cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"{_MANIFEST} is damaged: {type(error).__name__}: {error}") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what is refused in the same call
            tensors = torch.load(path / _TENSORS, map_location="cpu", weights_only=True)
        if not isinstance(tensors, dict):
            raise DamagedError(f"{_TENSORS} holds {type(tensors).__name__}; expected a dictionary")
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, TypeError):
        raise DamagedError(f"{_TENSORS} holds something else than tensors and was not loaded") from None
    try:
        with np.load(path / _ARRAYS, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, OSError):
        raise DamagedError(f"{_ARRAYS} holds something else than arrays of numbers and was not loaded") from None
    try:
        content = json.loads((path / _NUMBERS).read_text(encoding="utf-8"))
        numbers, more = dict(content["numbers"]), dict(content["more"])
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"{_NUMBERS} is damaged: {type(error).__name__}: {error}") from None
    return Checkpoint(steps, State(tensors, arrays, numbers), more)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
