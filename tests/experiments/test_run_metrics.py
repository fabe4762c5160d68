"""The file of a run's metrics: what is written is read, also of earlier versions, and damage is one clear line."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import study_cases

from entangrid.data.errors import InputError
from entangrid.experiments import run_metrics, store, tidy


@pytest.fixture
def metrics() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    words = {name: [f"{name}-{i % k}" for i in range(60)] for k, name in enumerate(run_metrics.WORDS, 2)}
    return pd.DataFrame(words | {"value": rng.normal(size=60)})[list(run_metrics.COLUMNS)]


def test_what_is_written_is_read_bit_for_bit(metrics: pd.DataFrame, tmp_path: Path) -> None:
    run_metrics.write(metrics, tmp_path)
    pd.testing.assert_frame_equal(run_metrics.frame(tmp_path), metrics.astype(dict.fromkeys(run_metrics.WORDS, "str")))
    assert run_metrics.read(tmp_path).schema == run_metrics.schema()
    pd.testing.assert_frame_equal(
        pd.read_feather(tmp_path / store.METRICS).astype(dict.fromkeys(run_metrics.WORDS, "str")),
        run_metrics.frame(tmp_path),
    )
    before = (tmp_path / store.METRICS).read_bytes()
    run_metrics.write(metrics.astype(dict.fromkeys(run_metrics.WORDS, "category")), tmp_path)
    assert (tmp_path / store.METRICS).read_bytes() == before


def test_runs_of_earlier_versions_stand_in_the_same_table(tmp_path: Path) -> None:
    """They kept Parquet, with the columns in any order."""
    out = study_cases.make(tmp_path / "study", seeds=2)
    now = tidy.read(out)
    for number, path in enumerate(sorted((out / tidy.RUNS).iterdir())):
        if number % 2:
            run_metrics.frame(path)[["unit", "value", "week", "metric", "home"]].to_parquet(path / run_metrics.EARLIER)
            (path / store.METRICS).unlink()
    pd.testing.assert_frame_equal(tidy.rebuild(out), now)
    with pytest.raises(InputError, match=r"metrics\.arrow: missing; delete the folder"):
        run_metrics.read(tmp_path)
    (tmp_path / run_metrics.EARLIER).write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match=r"metrics\.parquet: not readable as Parquet"):
        run_metrics.read(tmp_path)


def test_damaged_bytes_are_one_clear_line_or_plain_numbers(metrics: pd.DataFrame, tmp_path: Path) -> None:
    """Codes beyond the words, offsets beyond the file: nothing of it may reach past the file's end."""
    run_metrics.write(metrics, tmp_path)
    path = tmp_path / store.METRICS
    whole, random_ = path.read_bytes(), random.Random(0)
    said: list[str] = []
    for _ in range(2_000):
        content = bytearray(whole)
        for _ in range(random_.choice((1, 2, 16))):
            content[random_.randrange(len(content))] = random_.randrange(256)
        path.write_bytes(content[: random_.choice((len(content), random_.randrange(len(content))))])
        try:
            assert run_metrics.frame(tmp_path).shape == metrics.shape
        except InputError as error:
            said.append(str(error))
    assert len(said) > 1_000
    assert all(text.startswith(f"{path}: ") and "\n" not in text for text in said)
