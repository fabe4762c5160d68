"""Checkpoint files: written whole, the last two kept, damage named and passed over, nothing executed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from entangrid.data.errors import InputError
from entangrid.experiments import checkpoint, store
from entangrid.experiments.checkpoint import Checkpoint, DamagedError
from entangrid.experiments.model_state import State

KEY = "abc"
FILES = ("tensors.pt", "arrays.npz", "numbers.json", "manifest.json")


def content(steps: int) -> Checkpoint:
    record = np.zeros(2, [("soc", "f8"), ("nodes", "f8", (3,))])
    record["soc"] = steps
    tensors = {"policy": {"weight": torch.arange(4.0) * steps}, "optimizers": {"a": {"state": {0: {"step": 1.0}}}}}
    arrays = {"seen": np.full((2, 3), steps, np.float32), "state": record, "none": np.zeros((0, 4))}
    return Checkpoint(steps, State(tensors, arrays, {"large": 2**127 + steps, "nan": None}), {"finished": False})


def whole(found: Checkpoint | None, steps: int) -> bool:
    expected = content(steps)
    assert found is not None
    assert torch.equal(found.state.tensors["policy"]["weight"], expected.state.tensors["policy"]["weight"])
    for name, array in expected.state.arrays.items():
        assert found.state.arrays[name].dtype == array.dtype
        assert found.state.arrays[name].tobytes() == array.tobytes()
    return found.steps == steps and found.state.numbers == expected.state.numbers and found.more == expected.more


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for steps in (8, 16, 24):
        checkpoint.save(tmp_path / "checkpoints", KEY, content(steps))
    return tmp_path / "checkpoints"


def messages(folder: Path, key: str = KEY) -> tuple[Checkpoint | None, list[str]]:
    told: list[str] = []
    return checkpoint.newest(folder, key, told.append), told


def test_the_last_two_are_kept_and_the_last_is_read(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["000000000016", "000000000024"]
    found, told = messages(folder)
    assert whole(found, 24)
    assert told == []


def test_no_folder_is_no_checkpoint(tmp_path: Path) -> None:
    assert messages(tmp_path / "none") == (None, [])


def test_age_is_of_the_last(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "mlp-seed0-abc"
    assert store.checkpoint_age_s(run, 0.0) is None
    folder = store.work_folder(run) / store.CHECKPOINTS
    for steps, stamp in ((8, 200.0), (16, 100.0)):
        path = checkpoint.save(folder, KEY, content(steps))
        os.utime(path, (stamp, stamp))
    assert store.last_checkpoint(run) == 16
    assert store.checkpoint_age_s(run, 160.0) == 60.0


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("left", [0.0, 0.3, 0.99, None])
def test_a_truncated_or_missing_file_is_named_and_the_one_before_is_used(
    name: str, left: float | None, folder: Path
) -> None:
    path = folder / "000000000024" / name
    data = path.read_bytes()
    path.unlink()
    if left is not None:
        path.write_bytes(data[: int(left * len(data))])
    found, told = messages(folder)
    assert whole(found, 16)
    assert len(told) == 1
    assert f"000000000024: {name}" in told[0]
    assert ("is missing" if left is None else "is damaged") in told[0]
    checkpoint.save(folder, KEY, content(24))  # the run gets there again
    found, told = messages(folder)
    assert whole(found, 24)
    assert told == []


@pytest.mark.parametrize("name", FILES[:3])
def test_every_flipped_bit_is_noticed(name: str, folder: Path) -> None:
    path = folder / "000000000024" / name
    data = path.read_bytes()
    for at in range(0, len(data), max(len(data) // 60, 1)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        with pytest.raises(DamagedError, match=f"{name} is damaged: its checksum"):
            checkpoint.read(path.parent, KEY)


def test_with_all_damaged_the_run_begins_anew(folder: Path) -> None:
    for path in folder.iterdir():
        (path / "arrays.npz").write_bytes(b"")
    found, told = messages(folder)
    assert found is None
    assert len(told) == 2


def test_later_ones_that_were_passed_over_are_forgotten_with_the_next(folder: Path) -> None:
    (folder / "000000000024" / "manifest.json").write_text("{")
    (folder / ".000000000020.123.tmp").mkdir()  # what a kill leaves
    checkpoint.save(folder, KEY, content(20))
    assert sorted(path.name for path in folder.iterdir()) == ["000000000016", "000000000020"]


def test_another_runs_checkpoint_is_not_used(folder: Path) -> None:
    found, told = messages(folder, "xyz")
    assert found is None
    assert "checkpoint is of run 'abc'; expected 'xyz'" in told[0]


def test_a_full_disk_is_named_and_what_was_there_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match="000000000032: checkpoint cannot be written: No space left on device"):
        checkpoint.save(folder, KEY, content(32))
    assert sorted(path.name for path in folder.iterdir()) == ["000000000016", "000000000024"]
    assert whole(messages(folder)[0], 24)


class Payload:
    """Unpickled, it leaves a file."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.mark),)


def reseal(folder: Path) -> None:
    """What a stranger who means harm does: give the files checksums that fit."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES[:3]}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def poison_tensors(path: Path, payload: Payload) -> str:
    torch.save({"policy": payload}, path / "tensors.pt")
    return "tensors.pt holds something else than tensors and was not loaded"


def poison_plain_pickle(path: Path, payload: Payload) -> str:
    (path / "tensors.pt").write_bytes(pickle.dumps(payload))
    return "tensors.pt holds something else than tensors and was not loaded"


def poison_array(path: Path, payload: Payload) -> str:
    np.savez(path / "arrays.npz", seen=np.array([payload], dtype=object))
    return "arrays.npz holds something else than arrays of numbers and was not loaded"


def poison_array_file(path: Path, payload: Payload) -> str:
    (path / "arrays.npz").write_bytes(pickle.dumps(payload))
    return "arrays.npz holds something else than arrays of numbers and was not loaded"


def poison_numbers(path: Path, payload: Payload) -> str:
    (path / "numbers.json").write_bytes(pickle.dumps(payload))
    return "numbers.json is damaged"


@pytest.mark.parametrize(
    "poison", [poison_tensors, poison_plain_pickle, poison_array, poison_array_file, poison_numbers]
)
def test_a_strangers_pickle_is_not_executed(
    poison: Callable[[Path, Payload], str], folder: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "executed"
    pickle.loads(pickle.dumps(Payload(mark)))
    assert mark.exists()  # the payload works where it is unpickled
    mark.rmdir()
    newest = folder / "000000000024"
    expected = poison(newest, Payload(mark))
    reseal(newest)
    found, told = messages(folder)
    assert not mark.exists()
    assert whole(found, 16)
    assert expected in told[0]
