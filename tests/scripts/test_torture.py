"""The short form of scripts/torture.py: kills, a full disk and a truncated checkpoint change nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "torture.py"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds a study's workers in /proc")
def test_nothing_is_lost() -> None:
    command = [sys.executable, str(SCRIPT), "--short", "--kills", "4", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "policies and curves equal; no finished run was begun again" in done.stdout
    assert "full disk: said so" in done.stdout
    assert "truncated checkpoint: named" in done.stdout
    assert done.stdout.endswith("torture: nothing was lost\n")
