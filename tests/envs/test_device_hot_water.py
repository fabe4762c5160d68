"""Hot-water tank: against a twin by matrix exponential and bisection, an ODE solver, and conservation of energy."""

from __future__ import annotations

import device_cases as cases
import numpy as np
import pandas as pd
import pytest
from device_cases import STEPS, numbers
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.optimize import brentq

from entangrid.data.errors import InputError
from entangrid.envs.kernels import hot_water
from entangrid.envs.parameters import home_records

tanks = st.builds(
    lambda **fields: cases.home(**fields),
    dhw_c=numbers(0.03, 2.0),
    dhw_ua=st.one_of(st.just(0.0), numbers(1e-6, 0.1)),
    dhw_t_env=numbers(0.0, 40.0),
    dhw_t_set=st.just(52.0),
    dhw_t_min=numbers(35.0, 50.0),
    dhw_t_max=numbers(55.0, 95.0),
    dhw_legionella_c=numbers(52.0, 62.0),
    dhw_legionella_h=st.sampled_from([0.0, 24.0, 168.0]),
)
temperatures = numbers(5.0, 95.0)
requests, draws = numbers(-2.0, 60.0), numbers(0.0, 40.0)


def twin(home, t: float, q: float, d: float, dt: float) -> tuple[float, float]:
    """(end, mean) of the temperature with constant heat and draw, by one exponential of (T, integral of T, 1)."""
    c, ua = float(home["dhw_c"]), float(home["dhw_ua"])
    generator = np.array([[-ua / c, 0.0, (ua * home["dhw_t_env"] + q - d) / c], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    end, integral, _ = expm(generator * dt) @ np.array([t, 0.0, 1.0])
    return float(end), float(integral / dt)


def solved(home, t: float, request: float, draw: float, dt: float) -> tuple[float, float]:
    """(heat taken, draw served) by bisection on the rules."""
    top, low = home["dhw_t_max"], home["dhw_t_min"]

    def excess(q: float) -> float:
        return twin(home, t, q, draw, dt)[0] - top

    q = max(request, 0.0)
    if excess(q) > 0.0:
        q = 0.0 if excess(0.0) >= 0.0 else brentq(excess, 0.0, q, xtol=1e-13, rtol=1e-14)

    def lack(d: float) -> float:
        return low - twin(home, t, q, d, dt)[0]

    d = draw
    if lack(d) > 0.0:
        d = 0.0 if lack(0.0) >= 0.0 else brentq(lack, 0.0, d, xtol=1e-13, rtol=1e-14)
    return q, d


@given(tanks, temperatures, numbers(0.0, 500.0), requests, draws, STEPS)
def test_kernel_equals_numpy_twin(home, t: float, cold: float, request: float, draw: float, dt: float) -> None:
    t_end, cold_after, q, drawn, loss, unmet = hot_water.step(home, t, cold, request, draw, dt)
    assert (q, drawn) == pytest.approx(solved(home, t, request, draw, dt), rel=1e-9, abs=1e-8)
    end, mean = twin(home, t, q, drawn, dt)
    assert t_end == pytest.approx(end, abs=1e-9)
    assert loss == pytest.approx(home["dhw_ua"] * (mean - home["dhw_t_env"]), abs=1e-9)
    assert unmet == pytest.approx((draw - drawn) * dt, abs=1e-12)
    if abs(end - home["dhw_legionella_c"]) > 1e-6:
        assert cold_after == (0.0 if end > home["dhw_legionella_c"] else cold + dt)


@given(tanks, temperatures, requests, draws, STEPS)
def test_energy_is_conserved_and_bounds_hold(home, t: float, request: float, draw: float, dt: float) -> None:
    t_end, _, q, drawn, loss, unmet = hot_water.step(home, t, 0.0, request, draw, dt)
    assert abs(home["dhw_c"] * (t_end - t) - (q - drawn - loss) * dt) < 1e-9
    assert abs(draw * dt - drawn * dt - unmet) < 1e-12
    assert 0.0 <= drawn <= draw
    assert 0.0 <= q <= max(request, 0.0)
    alone = hot_water.step(home, t, 0.0, 0.0, 0.0, dt)[0]
    assert t_end <= max(home["dhw_t_max"], alone) + 1e-9
    assert t_end >= min(home["dhw_t_min"], alone) - 1e-9
    if unmet > 1e-9 and drawn > 0.0:
        assert t_end == pytest.approx(home["dhw_t_min"], abs=1e-9)
    if min(t, t_end) >= home["dhw_t_env"]:
        assert loss >= -1e-12


@given(tanks, temperatures, requests, draws, STEPS, numbers(0.0, 20.0))
def test_more_heat_is_never_colder_nor_less_water(home, t: float, request: float, draw: float, dt: float, more) -> None:
    end, _, _, drawn, _, unmet = hot_water.step(home, t, 0.0, request, draw, dt)
    end_more, _, _, drawn_more, _, unmet_more = hot_water.step(home, t, 0.0, request + more, draw, dt)
    assert end_more >= end - 1e-9
    assert drawn_more >= drawn - 1e-9
    assert unmet_more <= unmet + 1e-9


@given(tanks, temperatures, requests, draws, STEPS, numbers(0.0, 20.0))
def test_more_draw_is_never_warmer(home, t: float, request: float, draw: float, dt: float, more: float) -> None:
    end, *_, unmet = hot_water.step(home, t, 0.0, request, draw, dt)
    end_more, *_, unmet_more = hot_water.step(home, t, 0.0, request, draw + more, dt)
    assert end_more <= end + 1e-9
    assert unmet_more >= unmet - 1e-9


@pytest.mark.parametrize("dt", [1 / 12, 0.25, 1.0])
def test_step_equals_an_ode_solver(dt: float) -> None:
    home = cases.home(dhw_c=0.23, dhw_ua=0.0025, dhw_t_max=90.0)
    t_end, _, q, drawn, loss, _ = hot_water.step(home, 55.0, 0.0, 3.0, 1.5, dt)
    assert (q, drawn) == (3.0, 1.5)
    rate = solve_ivp(
        lambda _, y: [(q - drawn - 0.0025 * (y[0] - 18.0)) / 0.23, 0.0025 * (y[0] - 18.0)],
        (0.0, dt), [55.0, 0.0], method="DOP853", rtol=1e-12, atol=1e-12,
    )  # fmt: skip
    assert t_end == pytest.approx(rate.y[0, -1], abs=1e-9)
    assert loss == pytest.approx(rate.y[1, -1] / dt, abs=1e-9)


@given(numbers(0.0, 40.0))
def test_decay_has_no_seam(k: float) -> None:
    generator = np.array([[-k, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    e = expm(generator)
    assert hot_water.decay(k) == pytest.approx((e[0, 0], e[0, 1], e[0, 2]), rel=1e-10, abs=1e-13)


def test_steps_compose() -> None:
    home = cases.home(dhw_c=0.23, dhw_ua=0.004, dhw_t_max=90.0)
    t = 50.0
    for _ in range(4):
        t = hot_water.step(home, t, 0.0, 2.0, 1.0, 0.25)[0]
    assert t == pytest.approx(hot_water.step(home, 50.0, 0.0, 2.0, 1.0, 1.0)[0], abs=1e-11)


@given(temperatures, numbers(0.0, 500.0), requests, draws, STEPS)
def test_a_home_without_tank_does_nothing(t: float, cold: float, request: float, draw: float, dt: float) -> None:
    home = cases.home(dhw_c=0.0)
    assert hot_water.step(home, t, cold, request, draw, dt) == (t, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert hot_water.thermostat(home, t, 1e4, draw, dt) == 0.0
    assert not hot_water.must_disinfect(home, 1e4)


@given(tanks, numbers(40.0, 52.0), draws, STEPS)
def test_the_thermostat_reaches_its_temperature_and_no_more(home, t: float, draw: float, dt: float) -> None:
    q = hot_water.thermostat(home, t, 0.0, draw, dt)
    t_end, *_, unmet = hot_water.step(home, t, 0.0, q, draw, dt)
    assert t_end == pytest.approx(52.0, abs=1e-9) or (q == 0.0 and t_end > 52.0)
    assert unmet <= 1e-9


@given(tanks, numbers(40.0, 52.0), draws, STEPS)
def test_a_tank_that_is_due_is_disinfected_in_one_step(home, t: float, draw: float, dt: float) -> None:
    home["dhw_t_max"] = max(home["dhw_t_max"], home["dhw_legionella_c"])
    due = home["dhw_legionella_h"] > 0.0
    assert hot_water.must_disinfect(home, 168.0) == due
    assert not hot_water.must_disinfect(home, 23.9)
    q = hot_water.thermostat(home, t, 168.0, draw, dt)
    t_end, cold, *_ = hot_water.step(home, t, 168.0, q, draw, dt)
    if due:
        assert t_end >= home["dhw_legionella_c"] - 1e-9
        assert cold == 0.0


@pytest.mark.parametrize(("short", "cold"), [(0.0, 0.0), (1e-12, 0.0), (1e-6, 3.25)])
def test_a_tank_that_misses_the_temperature_by_rounding_counts_as_hot(short: float, cold: float) -> None:
    home = cases.home(dhw_c=0.23, dhw_ua=0.0, dhw_t_max=60.0, dhw_legionella_c=60.0)
    assert hot_water.step(home, 60.0 - short, 3.0, 0.0, 0.0, 0.25)[1] == cold


def test_cold_hours_add_up_until_the_tank_was_hot() -> None:
    home = cases.home(dhw_c=0.2, dhw_ua=0.0, dhw_t_max=65.0, dhw_legionella_c=60.0)
    t, cold = 59.0, 0.0
    hours = []
    for q in (0.0, 0.0, 1.0, 0.0, 1.0):
        t, cold, *_ = hot_water.step(home, t, cold, q, 0.0, 0.25)
        hours.append(cold)
    assert hours == [0.25, 0.5, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dhw_t_min_c": 55.0}, "dhw_t_min_c of home 'a' is above dhw_t_set_c"),
        ({"dhw_t_set_c": 70.0}, "dhw_t_set_c of home 'a' is above dhw_t_max_c"),
        ({"dhw_legionella_c": 70.0}, "dhw_legionella_c of home 'a' is above dhw_t_max_c"),
    ],
)
def test_tanks_upside_down_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        home_records(pd.DataFrame({"dhw_c_kwh_k": 0.2, **changes}, index=["a"]))
    home_records(pd.DataFrame({"dhw_c_kwh_k": 0.0, **changes}, index=["a"]))
    home_records(pd.DataFrame({"dhw_c_kwh_k": 0.2, "dhw_legionella_c": 70.0, "dhw_legionella_h": 0.0}, index=["a"]))


def test_air_and_ground_pumps_may_stand_in_one_table() -> None:
    records = home_records(pd.DataFrame({"hp_source_c": [np.nan, 8.0]}, index=["a", "b"]))
    np.testing.assert_array_equal(records["hp_source"], [np.nan, 8.0])
    with pytest.raises(InputError, match="hp_cc of home 'a' is nan"):
        home_records(pd.DataFrame({"hp_cc": [np.nan, 0.9]}, index=["a", "b"]))
