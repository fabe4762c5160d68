"""The comparison with CityLearn: its arithmetic, and the simulator against stored output of CityLearn 3.0.2."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
STORED = Path(__file__).parent / "citylearn"


@pytest.fixture
def crosscheck(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("crosscheck_citylearn")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("bench_envs")


@pytest.mark.parametrize("name", ["citylearn_side", "crosscheck_citylearn", "bench_envs"])
def test_help_needs_nothing_installed(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / f"{name}.py"), "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert name in done.stdout


def series(**values: list[float]) -> dict[str, list[float]]:
    return {"net_kwh": [1.0, -2.0], "cost": [0.2, 0.0], "carbon_kg": [0.5, 0.0], **values}


def test_differences_are_of_citylearns_sums_by_home_and_in_total(crosscheck: Any) -> None:
    theirs = {"a": series(), "b": series(net_kwh=[4.0, 1.0])}
    ours = {"a": series(), "b": series(net_kwh=[4.5, 0.0])}
    rows = {(row.home, row.quantity): row for row in crosscheck.compare(theirs, ours)}
    assert len(rows) == 9
    assert rows["a", "net_kwh"][2:] == (-1.0, -1.0, 0.0, 0.0)
    assert rows["b", "net_kwh"][2:] == pytest.approx((5.0, 4.5, -10.0, 30.0))
    assert rows["all homes", "net_kwh"][2:] == pytest.approx((4.0, 3.5, -12.5, 100.0 * 1.5 / 6.0))
    assert rows["all homes", "cost"][2:] == (0.4, 0.4, 0.0, 0.0)


def test_the_limit_holds_for_sums_and_hours_and_refuses_what_is_no_number(crosscheck: Any) -> None:
    def row(percent: float, hourly: float) -> Any:
        return crosscheck.Row("a", "cost", 1.0, 1.0, percent, hourly)

    assert crosscheck.within([row(1.0, 1.0), row(-1.0, 0.0)], 1.0)
    for wrong in (row(1.1, 0.0), row(-1.1, 0.0), row(0.0, 1.1), row(float("nan"), 0.0), row(0.0, float("inf"))):
        assert not crosscheck.within([row(0.0, 0.0), wrong], 1.0)
    assert crosscheck.percent(0.0, 0.0) == 0.0
    assert crosscheck.percent(-1.0, 0.0) == -np.inf


def test_actions_are_seeded_and_bounded(crosscheck: Any) -> None:
    for kind in ("random", "day cycle"):
        actions = crosscheck.actions(kind, 48, 3, 5)
        assert actions.shape == (48, 3)
        assert np.abs(actions).max() <= 1.0
        np.testing.assert_array_equal(actions, crosscheck.actions(kind, 48, 3, 5))
    assert not np.array_equal(crosscheck.actions("random", 9, 1, 0), crosscheck.actions("random", 9, 1, 1))
    np.testing.assert_allclose(crosscheck.actions("day cycle", 48, 1, 0)[:24], actions[24:, :1], atol=1e-12)


def test_the_month_begins_where_another_ends(crosscheck: Any) -> None:
    schema = json.loads((STORED / "schema.json").read_text())
    assert crosscheck.first_row(STORED, schema, 1) == 24
    assert crosscheck.first_row(STORED, schema, 12) == 0
    with pytest.raises(SystemExit, match=r"one\.csv: no row of month 6"):
        crosscheck.first_row(STORED, schema, 6)


def test_initial_charge_is_of_what_can_be_used(crosscheck: Any) -> None:
    def battery(soc: float, depth: float) -> dict[str, float]:
        return {"initial_soc": soc, "depth_of_discharge": depth}

    assert crosscheck.initial_soc({"a": battery(0.2, 0.8), "b": battery(0.0, 1.0)}) == pytest.approx(0.0)
    assert crosscheck.initial_soc({"a": battery(0.6, 0.8)}) == pytest.approx(0.5)
    assert crosscheck.initial_soc({"a": battery(0.5, 1.0), "b": battery(0.0, 1.0)}) is None


def stored(crosscheck: Any, target: Path) -> tuple[dict[str, Any], Path]:
    output = json.loads((STORED / "output.json").read_text())
    schema = json.loads((STORED / "schema.json").read_text())
    batteries = {name: home["attributes"] for name, home in output["homes"].items()}
    return output, crosscheck.with_curves(STORED, schema, batteries, target)


def test_the_simulator_gives_what_citylearn_gave(crosscheck: Any, tmp_path: Path) -> None:
    """Given curves, steep curves with standby loss and fast ageing, and curves that CityLearn drew."""
    output, folder = stored(crosscheck, tmp_path / "named")
    ours = crosscheck.entangrid_series(folder, np.array(output["actions"]), 0, 0.0)
    rows = crosscheck.compare(output["homes"], ours)
    assert crosscheck.within(rows, 0.4)
    assert crosscheck.within([row for row in rows if row.home in ("one", "three")], 0.02)
    for name, home in output["homes"].items():
        # on a steep curve it matters that CityLearn looks up the power limit after the standby loss
        np.testing.assert_allclose(ours[name]["soc"], home["soc"], atol=2e-2 if name == "two" else 5e-4)


@pytest.mark.parametrize(
    ("home", "key", "value"),
    [
        ("one", "power_efficiency_curve", [[0, 0.95], [1, 0.95]]),
        ("two", "capacity_power_curve", [[0, 1.0], [1, 1.0]]),
        ("two", "loss_coefficient", 0.02),
        ("three", "capacity", 12.0),
    ],
)
def test_another_battery_is_noticed(crosscheck: Any, tmp_path: Path, home: str, key: str, value: object) -> None:
    output, folder = stored(crosscheck, tmp_path / "named")
    schema = json.loads((folder / "schema.json").read_text())
    schema["buildings"][home]["electrical_storage"]["attributes"][key] = value
    (folder / "schema.json").write_text(json.dumps(schema))
    ours = crosscheck.entangrid_series(folder, np.array(output["actions"]), 0, 0.0)
    rows = crosscheck.compare(output["homes"], ours)
    assert not crosscheck.within([row for row in rows if row.home == home], 1.0)


def test_a_read_only_folder_is_copied_and_left_alone(crosscheck: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(STORED, source)
    before = {file.name: file.read_bytes() for file in source.iterdir()}
    for file in (*source.iterdir(), source):
        file.chmod(0o555 if file.is_dir() else 0o444)
    schema = json.loads((source / "schema.json").read_text())
    named = crosscheck.with_curves(source, schema, {"three": {"efficiency": 0.8}}, tmp_path / "named")
    written = json.loads((named / "schema.json").read_text())
    assert written["buildings"]["three"]["electrical_storage"]["attributes"]["efficiency"] == 0.8
    assert schema == json.loads((source / "schema.json").read_text())
    assert {file.name: file.read_bytes() for file in source.iterdir()} == before
    source.chmod(0o755)


def test_growth_is_the_exponent_of_time(bench: Any) -> None:
    sizes = (1, 2, 5, 10, 30, 100)
    linear = [bench.Rate(1e6, 1e6) for _ in sizes]
    quadratic = [bench.Rate(1e6 / n, 1e6) for n in sizes]
    assert bench.growth(sizes, linear) == pytest.approx(1.0)
    assert bench.growth(sizes, quadratic) == pytest.approx(2.0)


def test_the_table_has_every_row_that_was_asked_for(bench: Any) -> None:
    rows = bench.cases(Path("folder"), "rural1")
    assert len({row.label for row in rows}) == len(rows)
    assert {row.envs for row in rows} == {0, 1, 64, 1024}
    assert {row.task for row in rows} == {"entangrid/Battery-v0", "entangrid/Home-v0", "entangrid/Feeder-v0"}
    assert {row.threads for row in rows} == {1, 2}
    assert not any("battery" in row.label for row in bench.cases(None, "rural1"))


@pytest.mark.parametrize("envs", [0, 3])
def test_a_rate_is_measured_in_a_process_that_knows_nothing(envs: int) -> None:
    code = f"""
import sys; sys.path.insert(0, {str(SCRIPTS)!r})
import bench_envs
rate = bench_envs.measure(bench_envs.Case("", "entangrid/Home-v0", {{"scenario": "bundled-home"}}, {envs}), 0.01)
assert rate.cpu > 0.0 and rate.wall > 0.0
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
