"""Heads and times that are not merely wrong but absurd still get one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest
import worlds

import entangrid.data
from entangrid.data.errors import InputError
from entangrid.data.sources.tables import save_folder


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("common.csv", "2016-01-04", "0001-01-04", r"common.csv: row 2, column 'time': expected a year from 1700"),
        ("scenario.yaml", "dt_h: 0.25", "dt_h: .nan", "dt_h is nan, expected 5 min to 1 h"),
        ("scenario.yaml", "dt_h: 0.25", "dt_h: .inf", "dt_h is inf, expected 5 min to 1 h"),
        ("scenario.yaml", "dt_h: 0.25", "dt_h: 0", "dt_h is 0, expected 5 min to 1 h"),
        ("scenario.yaml", "utc_offset_h: 1.0", "utc_offset_h: .nan", "utc_offset_h is nan, expected -14 to 14"),
        ("scenario.yaml", "name: test-world", "[" * 5000, "scenario.yaml: cannot be read as YAML"),
        ("scenario.yaml", "dt_h: 0.25", "dt_h: 1" + "0" * 5000, "scenario.yaml: cannot be read as YAML"),
    ],
)
def test_absurd_input_is_refused(file: str, old: str, new: str, message: str, tmp_path: Path) -> None:
    save_folder(worlds.scenario(days=1), tmp_path / "mine")
    path = tmp_path / "mine" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        entangrid.data.load(str(tmp_path / "mine"))
