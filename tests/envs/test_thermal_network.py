"""Zones as a linear network: against an ODE solver, conservation of energy, limits, symmetry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import thermal_twin
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entangrid.envs import thermal
from entangrid.envs.kernels import zones as kernels
from entangrid.envs.layout import HOME, ZONE

FEWER = settings(max_examples=min(settings().max_examples, 300))  # each builds a matrix exponential
FEW = settings(max_examples=min(settings().max_examples, 60))  # each runs an ODE solver


def number(draw: st.DrawFn, low: float, high: float) -> float:
    return draw(st.floats(low, high, allow_nan=False, allow_infinity=False, allow_subnormal=False))


@st.composite
def networks(draw: st.DrawFn) -> tuple[Any, Any]:
    """(homes (1,), zones (1, Z)): one to four zones, with or without air capacity and surface node."""
    homes, n = np.zeros(1, HOME), draw(st.integers(1, 4))
    zones = np.zeros((1, n), ZONE)
    homes["ua_zones"] = [number(draw, 0.0, 0.5) for _ in range(6)]
    for zone in zones[0]:
        zone["c_air"] = draw(st.one_of(st.just(0.0), st.floats(0.02, 5.0)))
        zone["c_mass"] = number(draw, 0.2, 50.0)
        for name in ("ua_air_out", "ua_mass_out"):
            zone[name] = number(draw, 0.001, 1.0)
        zone["ua_air_mass"] = number(draw, 0.01, 5.0)
        zone["mass_to_mass"] = number(draw, 0.0, 1.0)
        if draw(st.booleans()):
            zone["ua_air_surface"] = number(draw, 0.01, 5.0)
            zone["ua_surface_mass"] = number(draw, 0.0, 5.0)
            zone["ua_surface_out"] = number(draw, 0.0, 0.5)
            zone["mass_to_surface"] = number(draw, 0.0, 1.0) * (1.0 - zone["mass_to_mass"])
    return homes, zones


@st.composite
def situations(draw: st.DrawFn) -> dict[str, Any]:
    homes, zones = draw(networks())
    n = 2 * zones.shape[1]
    x = np.array([number(draw, -5.0, 40.0) for _ in range(n)])
    u = np.array([number(draw, -25.0, 40.0)] + [number(draw, -5.0, 10.0) for _ in range(n)])
    return {"homes": homes, "zones": zones, "x": x, "u": u, "dt": draw(st.sampled_from([1 / 12, 0.25, 1.0, 6.0]))}


def matrices(homes: Any, zones: Any, dt: float) -> thermal.StepMatrices:
    return thermal.StepMatrices(*(part[0] for part in thermal.step_matrices(homes, zones, dt)))


def advance(m: thermal.StepMatrices, x: Any, u: Any) -> tuple[Any, Any]:
    end, mean = np.empty_like(x), np.empty_like(x)
    kernels.advance(x, u, m.a, m.b, m.a_mean, m.b_mean, end, mean)
    return end, mean


def two_nodes(**values: float) -> tuple[Any, Any]:
    """One zone of air and mass."""
    zones = np.zeros((1, 1), ZONE)
    given_values = {"c_air": 0.6, "c_mass": 6.4, "ua_air_out": 0.1, "ua_mass_out": 0.08, "ua_air_mass": 1.0}
    for name, value in (given_values | {"mass_to_mass": 1.0} | values).items():
        zones[name] = value
    return np.zeros(1, HOME), zones


@FEW
@given(situations())
def test_step_equals_an_ode_solver(case: dict) -> None:
    m = matrices(case["homes"], case["zones"], case["dt"])
    end, mean = advance(m, case["x"], case["u"])
    twin_end, twin_mean, twin_loss = thermal_twin.step(
        case["homes"][0], case["zones"][0], case["x"], case["u"], case["dt"]
    )
    assert end == pytest.approx(twin_end, abs=1e-6)
    assert mean == pytest.approx(twin_mean, abs=1e-6)
    assert m.loss_x @ mean + m.loss_u @ case["u"] == pytest.approx(twin_loss, abs=1e-6)


@FEWER
@given(situations())
def test_energy_is_conserved(case: dict) -> None:
    m = matrices(case["homes"], case["zones"], case["dt"])
    end, mean = advance(m, case["x"], case["u"])
    loss = m.loss_x @ mean + m.loss_u @ case["u"]
    assert abs(m.capacity @ (end - case["x"]) - (case["u"][1:].sum() - loss) * case["dt"]) < 1e-9


@FEWER
@given(situations(), st.integers(0, 7), st.floats(0.0, 5.0))
def test_more_heat_never_cools_any_node(case: dict, place: int, more: float) -> None:
    m = matrices(case["homes"], case["zones"], case["dt"])
    warmer = case["u"].copy()
    warmer[1 + place % (len(warmer) - 1)] += more
    for before, after in zip(advance(m, case["x"], case["u"]), advance(m, case["x"], warmer), strict=True):
        assert (after >= before - 1e-9).all()


@FEWER
@given(situations(), st.floats(0.01, 20.0))
def test_without_heat_temperatures_stay_between_those_there_are(case: dict, dt: float) -> None:
    u = np.zeros_like(case["u"])
    u[0] = case["u"][0]
    m = matrices(case["homes"], case["zones"], dt)
    low, high = min(case["x"].min(), u[0]), max(case["x"].max(), u[0])
    for values in advance(m, case["x"], u):
        assert (values >= low - 1e-9).all()
        assert (values <= high + 1e-9).all()


@FEWER
@given(networks(), st.sampled_from([1e-3, 0.25, 24.0, 8_760.0]))
def test_every_step_length_is_stable(network: tuple, dt: float) -> None:
    m = matrices(*network, dt)
    assert all(np.isfinite(part).all() for part in m)
    assert np.abs(np.linalg.eigvals(m.a)).max() <= 1.0 + 1e-9


@FEWER
@given(situations())
def test_two_half_steps_are_one_step(case: dict) -> None:
    whole = advance(matrices(case["homes"], case["zones"], case["dt"]), case["x"], case["u"])
    half = matrices(case["homes"], case["zones"], case["dt"] / 2)
    middle, mean_1 = advance(half, case["x"], case["u"])
    end, mean_2 = advance(half, middle, case["u"])
    assert end == pytest.approx(whole[0], abs=1e-8)
    assert (mean_1 + mean_2) / 2 == pytest.approx(whole[1], abs=1e-8)


@FEWER
@given(situations())
def test_steady_state_balances_heat(case: dict) -> None:
    m = matrices(case["homes"], case["zones"], 24.0)
    has = m.capacity > 0.0
    steady = np.zeros_like(case["x"])
    steady[has] = np.linalg.solve(np.eye(has.sum()) - m.a[np.ix_(has, has)], (m.b @ case["u"])[has])
    end, mean = advance(m, steady, case["u"])
    assert end[has] == pytest.approx(steady[has], abs=1e-5)
    assert mean == pytest.approx(end, abs=1e-5)
    assert m.loss_x @ mean + m.loss_u @ case["u"] == pytest.approx(case["u"][1:].sum(), abs=1e-4)


def test_a_zone_alone_is_the_closed_solution_of_two_nodes() -> None:
    homes, zones = two_nodes()
    x, u, dt = np.array([21.0, 19.0]), np.array([-5.0, 1.5, 0.7]), 0.25
    a = np.array([[-1.1 / 0.6, 1.0 / 0.6], [1.0 / 6.4, -1.08 / 6.4]])
    f = np.array([(0.1 * u[0] + u[1]) / 0.6, (0.08 * u[0] + u[2]) / 6.4])
    values, vectors = np.linalg.eig(a)
    steady = -np.linalg.solve(a, f)
    modes = np.linalg.solve(vectors, x - steady)
    end, mean = advance(matrices(homes, zones, dt), x, u)
    assert end == pytest.approx(steady + vectors @ (np.exp(values * dt) * modes), abs=1e-12)
    assert mean == pytest.approx(steady + vectors @ (np.expm1(values * dt) / values / dt * modes), abs=1e-12)


@pytest.mark.parametrize("surface", [0.0, 0.5])
def test_elimination_is_the_limit_of_a_small_capacity(surface: float) -> None:
    extra = {"ua_air_surface": surface, "ua_surface_mass": surface, "mass_to_mass": 0.7, "mass_to_surface": 0.0}
    x, u = np.array([20.0, 20.0]), np.array([0.0, 2.0, 1.0])
    gone = advance(matrices(*two_nodes(c_air=0.0, **extra), 0.25), x, u)
    errors = []
    for c_air in (1e-2, 1e-3, 4e-4):
        small = advance(matrices(*two_nodes(c_air=c_air, **extra), 0.25), x, u)
        errors.append(max(np.abs(s - g).max() for s, g in zip(small, gone, strict=True)))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.01
    assert matrices(*two_nodes(c_air=0.0, **extra), 0.25).a[:, 0].tolist() == [0.0, 0.0]


@FEWER
@given(st.floats(-15.0, 0.0), st.sampled_from([1 / 12, 1.0]))
@example(-12.0, 1.0)
def test_stiff_air_keeps_the_balance(exponent: float, dt: float) -> None:
    """A capacity next to nothing counts as none, instead of costing the matrix exponential its digits."""
    m = matrices(*two_nodes(c_air=10.0**exponent, ua_air_mass=100.0), dt)
    x, u = np.array([21.0, 20.0]), np.array([-5.0, 3.0, 1.0])
    end, mean = advance(m, x, u)
    loss = m.loss_x @ mean + m.loss_u @ u
    assert abs(m.capacity @ (end - x) - (4.0 - loss) * dt) < 1e-9


@FEWER
@given(networks(), st.integers(0, 10_000))
def test_zones_can_be_numbered_in_any_order(network: tuple, seed: int) -> None:
    homes, zones = network
    n = zones.shape[1]
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    coupling = np.zeros((4, 4))
    for (i, j), ua in zip(thermal_twin.PAIRS, homes["ua_zones"][0], strict=True):
        coupling[i, j] = coupling[j, i] = ua
    full = np.concatenate([order, np.arange(n, 4)])
    renamed = homes.copy()
    renamed["ua_zones"] = [coupling[full[i], full[j]] for i, j in thermal_twin.PAIRS]
    nodes = np.array([2 * z + k for z in order for k in (0, 1)])
    inputs = np.concatenate([[0], 1 + nodes])
    first, second = matrices(homes, zones, 0.5), matrices(renamed, zones[:, order], 0.5)
    assert first.a[np.ix_(nodes, nodes)] == pytest.approx(second.a, abs=1e-10)
    assert first.b_mean[np.ix_(nodes, inputs)] == pytest.approx(second.b_mean, abs=1e-10)
    assert first.loss_u[inputs] == pytest.approx(second.loss_u, abs=1e-12)


def test_absent_zones_are_zero_and_change_nothing() -> None:
    homes, zones = two_nodes()
    more = np.zeros((1, 3), ZONE)
    more[:, 0] = zones[:, 0]
    homes["ua_zones"] = 1.0  # to zones that are not there
    alone, padded = matrices(homes, zones, 0.25), matrices(homes, more, 0.25)
    assert np.array_equal(padded.a[:2, :2], alone.a)
    assert np.array_equal(padded.b[:2, :3], alone.b)
    assert not padded.a[2:].any()
    assert not padded.b_mean[:, 3:].any()
    assert not padded.loss_u[3:].any()
    assert not padded.capacity[2:].any()


def test_homes_alike_and_unlike_keep_their_own_rows() -> None:
    homes, zones = two_nodes()
    other = two_nodes(c_mass=20.0)[1]
    together = thermal.step_matrices(np.repeat(homes, 3), np.concatenate([zones, other, zones]), 0.25)
    assert np.array_equal(together.a[0], together.a[2])
    assert np.array_equal(together.a[0], matrices(homes, zones, 0.25).a)
    assert np.array_equal(together.a[1], matrices(homes, other, 0.25).a)


@FEWER
@given(situations(), st.floats(15.0, 21.0), st.floats(0.0, 6.0))
def test_ideal_heat_keeps_the_mean_in_the_band(case: dict, low: float, width: float) -> None:
    m = matrices(case["homes"], case["zones"], case["dt"])
    u, n = case["u"].copy(), case["zones"].shape[1]
    q = np.empty(n)
    lows, highs = low + np.arange(n) * 0.5, low + np.arange(n) * 0.5 + width
    kernels.ideal_heats(case["x"], u, m.a_mean, m.b_mean, lows, highs, q)
    assert u[1::2] - case["u"][1::2] == pytest.approx(q, abs=1e-6)
    air = advance(m, case["x"], u)[1][::2]
    assert (air >= lows - 1e-6).all()
    assert (air <= highs + 1e-6).all()
    moved = q * np.diag(m.b_mean[::2, 1::2])  # [K]
    if width > 1e-3:
        assert np.abs(air - lows)[moved > 1e-5].max(initial=0.0) < 1e-6
        assert np.abs(air - highs)[moved < -1e-5].max(initial=0.0) < 1e-6


@FEWER
@given(situations(), st.floats(15.0, 21.0), st.floats(0.0, 6.0))
def test_ideal_heat_of_one_zone_leaves_a_good_mean_alone(case: dict, low: float, width: float) -> None:
    m = matrices(case["homes"], case["zones"], case["dt"])
    args = (case["x"], case["u"], m.a_mean, m.b_mean)
    t = kernels.mean_air_c(*args, 0)
    assert t == pytest.approx(advance(m, case["x"], case["u"])[1][0], abs=1e-9)
    q = kernels.ideal_heat(*args, low, low + width, 0)
    if low <= t <= low + width:
        assert q == 0.0
    else:
        u = case["u"].copy()
        u[1] += q
        edge = low if t < low else low + width
        assert (q > 0.0) == (t < low)
        assert advance(m, case["x"], u)[1][0] == pytest.approx(edge, abs=1e-6)
