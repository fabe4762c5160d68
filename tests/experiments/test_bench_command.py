"""``entangrid bench`` prints positive speeds of every task and circuit."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from entangrid.experiments import bench
from entangrid.experiments.cli import app


def test_every_row_has_a_speed() -> None:
    done = CliRunner().invoke(app, ["bench", "--seconds", "0.01", "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.output)
    assert len(rows) == len(bench.TASKS) * len(bench.COPIES) + len(bench.QUBITS) * len(bench.BATCHES)
    assert all(row["rate"] > 0.0 for row in rows)
    assert {row["size"] for row in rows} == {1, 64, 1024}


def test_a_second_must_be_positive() -> None:
    assert CliRunner().invoke(app, ["bench", "--seconds", "0"]).exit_code == 2
