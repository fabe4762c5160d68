"""The page on data: every code block runs, and its unit table is the code's."""

import re
from pathlib import Path

import pytest

from entangrid.data.units import UNITS

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_code_blocks_run(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(BLOCKS[number], f"{PAGE.name}, block {number}", "exec"), {"__name__": "docs"})


def test_units_are_all_on_the_page():
    assert len(BLOCKS) >= 5
    text = PAGE.read_text(encoding="utf-8")
    for units in UNITS.values():
        assert f"`{', '.join(units)}`" in text
