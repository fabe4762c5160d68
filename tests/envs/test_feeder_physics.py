"""Laws that any power flow has to keep, on random feeders, and an independent solution in phasors."""

import warnings

import numpy as np
import pandas as pd
import pytest
from feeder_cases import LINE_COLUMNS, Tables, grids, phasor_flow, random_load, random_tables
from hypothesis import given, settings
from hypothesis import strategies as st

from entangrid.envs.feeder import Feeder

few = settings(max_examples=60, deadline=None)


@few
@given(grids, st.floats(0.0, 1.5))
def test_slack_delivers_consumption_and_losses(case: tuple[int, Tables], share: float) -> None:
    seed, tables = case
    p, q = random_load(seed, tables, rated_share=share)
    p[:, 0] += 1.0  # may sit at the high-voltage bus: it too is delivered by the slack
    flow = Feeder.from_tables(**tables).power_flow(p, q)
    needed = p.sum(axis=1) + flow.line_loss_kw + flow.trafo_loss_kw
    scale = np.abs(p).sum(axis=1) + 1.0
    assert (np.abs(flow.p_slack_kw - needed) <= 1e-6 * scale).all()
    assert (flow.residual_pu <= 1e-9).all()


@few
@given(grids, st.floats(0.0, 1.5))
def test_phasor_solution_agrees(case: tuple[int, Tables], share: float) -> None:
    seed, tables = case
    p, q = random_load(seed, tables, n_step=1, rated_share=share)
    flow = Feeder.from_tables(**tables).power_flow(p, q)
    twin = phasor_flow(tables, p[0], q[0])
    np.testing.assert_allclose(flow.vm_pu[0, twin["rows"]], twin["vm_pu"], rtol=0, atol=2e-9)
    np.testing.assert_allclose(flow.p_slack_kw, twin["slack_kva"].real, rtol=1e-7, atol=1e-5)
    np.testing.assert_allclose(flow.q_slack_kvar, twin["slack_kva"].imag, rtol=1e-7, atol=1e-5)


@few
@given(grids, st.floats(0.0, 6.0), st.sampled_from(["distflow", "lindistflow"]))
def test_losses_are_never_negative(case: tuple[int, Tables], share: float, method: str) -> None:
    seed, tables = case
    p, q = random_load(seed, tables, rated_share=share)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        flow = Feeder.from_tables(**tables).power_flow(p, q, method=method, max_sweeps=20)  # type: ignore[arg-type]  # frames by name
    assert (flow.line_loss_kw >= 0.0).all()
    assert (flow.trafo_loss_kw >= 0.0).all()
    assert np.isfinite(np.column_stack([flow.vm_pu, flow.line_current_ka])).all()


@few
@given(st.integers(0, 10_000), st.integers(1, 25), st.floats(0.0, 1.5))
def test_lindistflow_is_never_below_distflow_without_shunts(seed: int, n_bus: int, share: float) -> None:
    tables = random_tables(seed, n_bus, shunts=False)
    p, q = random_load(seed, tables, rated_share=share)
    feeder = Feeder.from_tables(**tables)
    linear, full = feeder.power_flow(p, q, method="lindistflow"), feeder.power_flow(p, q)
    assert (linear.vm_pu >= full.vm_pu - 1e-9).all()


@few
@given(grids, st.integers(2, 6))
def test_residual_bounds_the_error(case: tuple[int, Tables], sweeps: int) -> None:
    seed, tables = case
    p, q = random_load(seed, tables)
    feeder = Feeder.from_tables(**tables)
    exact = feeder.power_flow(p, q, tolerance_pu=1e-13)
    rough = feeder.power_flow(p, q, min_sweeps=sweeps, max_sweeps=sweeps, tolerance_pu=1.0)
    assert (np.abs(rough.vm_pu - exact.vm_pu).max(axis=1) <= rough.residual_pu + 1e-12).all()


def test_tighter_tolerance_takes_more_sweeps_and_leaves_less_error() -> None:
    tables = random_tables(3, 20)
    p, q = random_load(3, tables, rated_share=2.0)
    feeder = Feeder.from_tables(**tables)
    exact = feeder.power_flow(p, q, tolerance_pu=1e-13).vm_pu
    flows = [feeder.power_flow(p, q, tolerance_pu=tolerance) for tolerance in (1.0, 1e-5, 1e-9)]
    errors = [np.abs(flow.vm_pu - exact).max() for flow in flows]
    assert (flows[0].sweeps == 2).all()
    assert flows[0].sweeps.max() < flows[1].sweeps.max() < flows[2].sweeps.max()
    assert errors[0] > errors[1] > errors[2]


def test_two_buses_solve_the_quadratic() -> None:
    # v² + 2 v (rP + xQ) - v v0 + |z|² (P² + Q²) = 0 with the only impedance r + jx between slack and load
    tables = random_tables(0, 1, shunts=False)
    tables["trafo"] = tables["trafo"].assign(
        vn_hv_kv=20.0, vn_lv_kv=0.4, tap_pos=0, sn_mva=0.1, vk_percent=5.0, vkr_percent=3.0
    )
    tables["ext_grid"]["vm_pu"] = 1.0
    p, q = (np.where(tables["bus"]["vn_kv"] < 1.0, power, 0.0)[None] for power in (80.0, 30.0))
    flow = Feeder.from_tables(**tables).power_flow(p, q, tolerance_pu=1e-13)
    r, x = 0.03 / 100.0, 0.04 / 100.0
    linear = 2 * (r * 80.0 + x * 30.0) - 1.0
    v = (-linear + np.sqrt(linear**2 - 4 * (r**2 + x**2) * (80.0**2 + 30.0**2))) / 2
    np.testing.assert_allclose(flow.vm_pu[p > 0], np.sqrt(v), rtol=1e-12)
    np.testing.assert_allclose(flow.trafo_loss_kw, r * (80.0**2 + 30.0**2) / v, rtol=1e-10)
    np.testing.assert_allclose(flow.trafo_loading_percent, np.hypot(80.0, 30.0) / np.sqrt(v), rtol=1e-12)


def test_idle_feeder_still_has_iron_loss_and_magnetising_current() -> None:
    tables = random_tables(1, 1)
    tables["trafo"] = tables["trafo"].assign(
        vn_hv_kv=20.0, vn_lv_kv=0.4, tap_pos=0, pfe_kw=1.0, i0_percent=0.8, sn_mva=0.25
    )
    tables["ext_grid"]["vm_pu"] = 1.0
    flow = Feeder.from_tables(**tables).power_flow(np.zeros((1, 2)))
    assert flow.trafo_loss_kw[0] == pytest.approx(1.0, rel=1e-3)
    assert flow.trafo_loading_percent[0] == pytest.approx(0.8, rel=1e-3)
    assert flow.q_slack_kvar[0] == pytest.approx(np.sqrt(2.0**2 - 1.0**2), rel=1e-3)


@few
@given(grids)
def test_order_of_rows_permutes_results_and_nothing_else(case: tuple[int, Tables]) -> None:
    seed, tables = case
    rng = np.random.default_rng(seed)
    p, q = random_load(seed, tables)
    flow = Feeder.from_tables(**tables).power_flow(p, q, tolerance_pu=1e-13)
    bus_order, line_order = rng.permutation(len(tables["bus"])), rng.permutation(len(tables["line"]))
    shuffled = {**tables, "bus": tables["bus"].iloc[bus_order], "line": tables["line"].iloc[line_order]}
    again = Feeder.from_tables(**shuffled).power_flow(p[:, bus_order], q[:, bus_order], tolerance_pu=1e-13)
    np.testing.assert_allclose(again.vm_pu, flow.vm_pu[:, bus_order], rtol=0, atol=1e-11)
    np.testing.assert_allclose(again.line_current_ka, flow.line_current_ka[:, line_order], rtol=0, atol=1e-10)
    np.testing.assert_allclose(again.trafo_loss_kw, flow.trafo_loss_kw, rtol=1e-9)


def test_snapshots_do_not_know_of_each_other() -> None:
    tables = random_tables(8)
    p, q = random_load(8, tables, n_step=5)
    feeder = Feeder.from_tables(**tables)
    together = feeder.power_flow(p, q)
    for t in range(5):
        alone = feeder.power_flow(p[t : t + 1], q[t : t + 1])
        np.testing.assert_array_equal(alone.vm_pu[0], together.vm_pu[t])
        assert alone.p_slack_kw[0] == together.p_slack_kw[t]


def test_overload_without_a_solution_warns_and_stays_finite() -> None:
    tables = random_tables(5)
    p, q = random_load(5, tables)
    p = np.abs(p)
    p[1] *= 100.0
    with pytest.warns(RuntimeWarning, match=r"1 of 3 snapshots above 1e-09 pu .* worst snapshot 1"):
        flow = Feeder.from_tables(**tables).power_flow(p, q)
    assert np.isfinite(flow.vm_pu).all()
    assert flow.residual_pu[1] > 1e-3
    assert (flow.residual_pu[[0, 2]] <= 1e-9).all()


def test_feeder_without_lines_or_load_keeps_the_slack_voltage() -> None:
    tables = random_tables(2, 1, shunts=False)
    tables["trafo"] = tables["trafo"].assign(vn_hv_kv=20.0, vn_lv_kv=0.4, tap_side="lv", tap_pos=2)
    tables["line"] = pd.DataFrame(columns=LINE_COLUMNS)
    tables["ext_grid"]["vm_pu"] = 1.0
    flow = Feeder.from_tables(**tables).power_flow(np.zeros((1, 2)))
    np.testing.assert_allclose(flow.vm_pu[0], np.where(tables["bus"]["vn_kv"] < 1.0, 1.05, 1.0))
    assert flow.line_loading_percent.shape == (1, 0)
