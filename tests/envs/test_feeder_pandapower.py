"""The feeder against stored solutions of pandapower: SimBench grids and random ones."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from entangrid.envs.feeder import Feeder, PowerFlow
from entangrid.envs.kernels.distflow import MAX_SWEEPS, MIN_SWEEPS, STEP_TOLERANCE

DATA = Path(__file__).parent / "data"
SIMBENCH = DATA / "pandapower_lv"
BUNDLED = Path(__file__).parents[2] / "data" / "bundled" / "simbench_lv"
STORED = [f"{grid}{load}" for grid in ("rural1", "rural2", "semiurb4") for load in ("", "_stress")]
RANDOM = sorted((DATA / "pandapower_random").glob("case_*.json"))


def from_json(case: dict[str, Any]) -> Feeder:
    tables = {name: pd.DataFrame(case[name]) for name in ("bus", "line", "trafo", "ext_grid")}
    return Feeder.from_tables(**tables)  # type: ignore[arg-type]  # frames by name


def stored(case: str) -> tuple[Any, Any, Any, pd.DataFrame]:
    p, q, vm = (
        pd.read_csv(SIMBENCH / f"{case}_{name}.csv.gz", index_col=0).T.to_numpy()
        for name in ("p_kw", "q_kvar", "vm_pu")
    )
    return p, q, vm, pd.read_csv(SIMBENCH / f"{case}_summary.csv")


def solved(case: str, **options: Any) -> tuple[PowerFlow, Any, pd.DataFrame]:
    p, q, vm, summary = stored(case)
    return Feeder.bundled(case.removesuffix("_stress")).power_flow(p, q, **options), vm, summary


@pytest.mark.parametrize("case", STORED)
def test_converged_sweeps_match_pandapower_to_its_stored_digits(case: str) -> None:
    flow, vm, summary = solved(case)
    assert vm.shape == (48, flow.vm_pu.shape[1])
    np.testing.assert_allclose(flow.vm_pu, vm, atol=1e-7, rtol=0)
    for ours, theirs in (
        (flow.line_loss_kw, 1000 * summary.line_loss_mw),
        (flow.trafo_loss_kw, 1000 * summary.trafo_loss_mw),
        (flow.trafo_loading_percent, summary.trafo_loading_pct),
        (flow.line_loading_percent.max(axis=1), summary.max_line_loading_pct),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    np.testing.assert_allclose(flow.p_slack_kw, 1000 * summary.slack_p_mw, atol=1e-4)
    np.testing.assert_allclose(flow.q_slack_kvar, 1000 * summary.slack_q_mvar, atol=1e-4)


@pytest.mark.parametrize("case", STORED)
def test_two_sweeps_keep_voltage_within_5e_5_and_losses_within_half_a_percent(case: str) -> None:
    flow, vm, summary = solved(case, tolerance_pu=1.0)
    assert (flow.sweeps == 2).all()
    assert np.abs(flow.vm_pu - vm).max() <= 5e-5
    np.testing.assert_allclose(flow.line_loss_kw, 1000 * summary.line_loss_mw, rtol=5e-3)
    np.testing.assert_allclose(flow.trafo_loss_kw, 1000 * summary.trafo_loss_mw, rtol=5e-3)
    np.testing.assert_allclose(flow.trafo_loading_percent, summary.trafo_loading_pct, rtol=5e-3)


def test_an_environments_tolerance_keeps_voltage_within_5e_5_at_any_load() -> None:
    options = {"tolerance_pu": STEP_TOLERANCE, "min_sweeps": MIN_SWEEPS, "max_sweeps": MAX_SWEEPS}
    errors = [np.abs(flow.vm_pu - vm).max() for flow, vm, _ in (solved(case, **options) for case in STORED)]
    for path in RANDOM:
        case = json.loads(path.read_text(encoding="utf-8"))
        flow = from_json(case).power_flow(case["p_kw"], case["q_kvar"], **options)
        errors.append(np.abs(flow.vm_pu - case["result"]["vm_pu"]).max())
    assert max(errors) <= 5e-5


@pytest.mark.parametrize(("load", "limit"), [("", 2.5e-4), ("_stress", 4e-3)])
def test_lindistflow_stays_within_its_stated_error(load: str, limit: float) -> None:
    for grid in ("rural1", "rural2", "semiurb4"):
        flow, vm, _ = solved(grid + load, method="lindistflow")
        assert np.abs(flow.vm_pu - vm).max() <= limit
        assert (flow.sweeps == 0).all()


@pytest.mark.parametrize("grid", ["rural1", "rural3", "semiurb5", "urban6"])
def test_moved_tap_matches_pandapower(grid: str) -> None:
    summary = pd.read_csv(SIMBENCH / "tapped_summary.csv", index_col=0).loc[grid]
    tables = {
        name: pd.read_csv(BUNDLED / f"{grid}_{name}.csv", index_col=0) for name in ("bus", "line", "trafo", "ext_grid")
    }
    tables["trafo"]["tap_pos"] = summary.tap_pos
    case = pd.read_csv(SIMBENCH / f"tapped_{grid}.csv")
    assert case.bus.tolist() == tables["bus"].index.tolist()
    flow = Feeder.from_tables(**tables).power_flow(case[["p_kw"]].T, case[["q_kvar"]].T)
    np.testing.assert_allclose(flow.vm_pu[0], case.vm_pu, atol=1e-8, rtol=0)
    np.testing.assert_allclose(flow.line_loss_kw, summary.line_loss_kw, rtol=1e-7)
    np.testing.assert_allclose(flow.trafo_loss_kw, summary.trafo_loss_kw, rtol=1e-7)
    np.testing.assert_allclose(flow.trafo_loading_percent, summary.trafo_loading_percent, rtol=1e-7)
    np.testing.assert_allclose(flow.line_loading_percent.max(), summary.max_line_loading_percent, rtol=1e-7)


@pytest.mark.parametrize("path", RANDOM, ids=lambda path: path.stem)
def test_random_grid_matches_pandapower(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    flow = from_json(case).power_flow(case["p_kw"], case["q_kvar"])
    for name, values in case["result"].items():
        np.testing.assert_allclose(getattr(flow, name), values, rtol=1e-6, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(flow.vm_pu, case["result"]["vm_pu"], rtol=0, atol=1e-8)


def test_random_cases_are_there() -> None:
    assert len(RANDOM) == 4
