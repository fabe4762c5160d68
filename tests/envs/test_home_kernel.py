"""One home, one step: against a NumPy twin, an ODE solver, and conservation of energy."""

from __future__ import annotations

import numpy as np
import pytest
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy_twin import step as twin_step
from numpy_twin import variation_of_constants
from scipy.integrate import solve_ivp

from entangrid.envs import thermal
from entangrid.envs.kernels import counter_rng, heat_pump
from entangrid.envs.kernels import home as home_kernel
from entangrid.envs.layout import COMMON, HOME, SERIES, STATE, TERMS
from entangrid.envs.parameters import home_records

PRICES = (0.29, 0.07, 0.05)
FEWER = settings(max_examples=min(settings().max_examples, 200))


@st.composite
def situations(draw: st.DrawFn) -> dict[str, object]:
    """A random home, its surroundings, state and actions; actions may lie far outside [-1, 1]."""

    def number(low: float, high: float) -> float:
        return draw(st.floats(low, high, allow_nan=False, allow_infinity=False, allow_subnormal=False))

    home = np.zeros(1, HOME)
    base = home_records(worlds.scenario(days=1).homes)
    home[:] = base
    ranges = {
        "c_air": (0.1, 5.0),
        "c_mass": (0.5, 50.0),
        "ua_air_out": (0.01, 1.0),
        "ua_mass_out": (0.01, 1.0),
        "ua_air_mass": (0.05, 5.0),
        "hp_q_ref": (0.0, 20.0),
        "hp_air_share": (0.0, 1.0),
        "battery_e": (0.0, 30.0),
        "battery_p": (0.0, 15.0),
        "battery_eta_c": (0.5, 1.0),
        "battery_eta_d": (0.5, 1.0),
        "battery_self": (0.0, 0.05),
        "battery_wear": (0.0, 0.2),
        "discomfort_price": (0.0, 5.0),
    }
    for field, (low, high) in ranges.items():
        home[field] = number(low, high)
    common = np.zeros(1, COMMON)
    common["t_out"] = number(-25.0, 42.0)
    common["price_import"] = number(-0.3, 1.0)
    common["price_export"] = number(-0.3, 1.0)
    common["carbon"] = number(0.0, 1.0)
    series = np.zeros(1, SERIES)
    series["load"] = number(0.0, 12.0)
    series["pv"] = number(0.0, 15.0)
    series["occupancy"] = number(0.0, 1.0)
    series["gains_air"] = number(0.0, 3.0)
    series["gains_mass"] = number(0.0, 6.0)
    state = np.zeros(1, STATE)
    state["soc"] = number(0.0, 1.0)
    state["t_air"] = number(5.0, 35.0)
    state["t_mass"] = number(5.0, 35.0)
    return {
        "home": home[0],
        "common": common[0],
        "series": series[0],
        "state": state,
        "actions": (number(-3.0, 3.0), number(-3.0, 3.0)),
        "dt": draw(st.sampled_from([1 / 12, 0.25, 0.5, 1.0])),
    }


def run(case: dict, actions: tuple[float, float] | None = None) -> tuple[dict[str, float], dict[str, float]]:
    """(state after, terms) by the kernel."""
    home, dt = case["home"], case["dt"]
    matrices = thermal.discretise(*thermal.continuous(home), dt)
    state, terms = case["state"].copy(), np.zeros(1, TERMS)
    battery, hp = actions or case["actions"]
    home_kernel.step(
        home, case["common"], case["series"], state[0], battery, hp, *matrices, *PRICES, dt, np.zeros(9), terms[0]
    )
    return ({n: float(state[0][n]) for n in STATE.names}, {n: float(terms[0][n]) for n in TERMS.names})


@FEWER
@given(situations())
def test_kernel_equals_numpy_twin(case: dict) -> None:
    before = {n: float(case["state"][0][n]) for n in STATE.names}
    state, terms = run(case)
    matrices = thermal.discretise(*thermal.continuous(case["home"]), case["dt"])
    expected_state, expected_terms = twin_step(
        case["home"], case["common"], case["series"], before, case["actions"], matrices, PRICES, case["dt"]
    )
    for name, value in expected_state.items():
        assert state[name] == pytest.approx(value, rel=1e-12, abs=1e-12), name
    for name, value in expected_terms.items():
        assert terms[name] == pytest.approx(value, rel=1e-12, abs=1e-12), name


@given(situations())
def test_energy_is_conserved_and_soc_in_bounds_whatever_the_action(case: dict) -> None:
    home, dt = case["home"], case["dt"]
    before = {n: float(case["state"][0][n]) for n in STATE.names}
    after, terms = run(case)
    assert 0.0 <= after["soc"] <= 1.0

    p = terms["p_battery_kw"]
    drained = home["battery_self"] * dt * before["soc"] * home["battery_e"]
    into_cells = (home["battery_eta_c"] * max(p, 0.0) - max(-p, 0.0) / home["battery_eta_d"]) * dt
    assert abs(home["battery_e"] * (after["soc"] - before["soc"]) - into_cells + drained) < 1e-9

    stored = home["c_air"] * (after["t_air"] - before["t_air"]) + home["c_mass"] * (after["t_mass"] - before["t_mass"])
    assert abs(stored - (terms["q_hp_kw"] + terms["q_gains_kw"] - terms["q_loss_kw"]) * dt) < 1e-9

    at_meter = terms["p_load_kw"] + terms["p_hp_kw"] + p - terms["p_pv_kw"]
    assert abs(terms["p_grid_kw"] - at_meter) * dt < 1e-9
    assert terms["q_hp_kw"] >= terms["p_hp_kw"] >= 0.0
    paid = sum(terms[f"{name}_eur"] for name in ("bill", "carbon", "discomfort", "wear"))
    assert terms["reward_eur"] == pytest.approx(terms["stored_value_eur"] - paid, abs=1e-12)


@FEWER
@given(situations())
def test_what_is_clipped_is_reported(case: dict) -> None:
    _, terms = run(case)
    battery, hp = case["actions"]
    asked = battery * case["home"]["battery_p"]
    assert abs(asked - terms["p_battery_kw"]) == pytest.approx(terms["clipped_battery_kw"], abs=1e-12)
    if abs(hp) <= 1.0:
        assert terms["clipped_hp_kw"] == 0.0


@FEWER
@given(situations(), st.floats(0.0, 0.5))
def test_more_heat_is_never_colder(case: dict, more: float) -> None:
    battery, hp = case["actions"]
    cooler, _ = run(case)
    warmer, _ = run(case, (battery, hp + more))
    assert warmer["t_air"] >= cooler["t_air"] - 1e-12
    assert warmer["t_mass"] >= cooler["t_mass"] - 1e-12


@FEWER
@given(situations())
def test_zero_prices_cost_nothing(case: dict) -> None:
    case["common"]["price_import"] = case["common"]["price_export"] = 0.0
    _, terms = run(case)
    assert terms["bill_eur"] == 0.0


@pytest.mark.parametrize("dt", [1 / 12, 0.25, 1.0])
@pytest.mark.parametrize("heat", [0.0, 6.0])
def test_thermal_step_equals_an_ode_solver(dt: float, heat: float) -> None:
    home = home_records(worlds.scenario(days=1).homes)[0]
    a, b = thermal.continuous(home)
    matrices = thermal.discretise(a, b, dt)
    x, u = np.array([19.0, 21.5]), np.array([-7.0, 0.3 + 0.3 * heat, 0.5 + 0.7 * heat])
    solution = solve_ivp(
        lambda _, y: np.concatenate([a @ y[:2] + b @ u, y[:2]]),
        (0.0, dt),
        np.concatenate([x, [0.0, 0.0]]),
        method="DOP853",
        rtol=1e-12,
        atol=1e-12,
    )
    end, integral = solution.y[:2, -1], solution.y[2:, -1]
    np.testing.assert_allclose(matrices.a @ x + matrices.b @ u, end, rtol=0, atol=1e-6)
    np.testing.assert_allclose(matrices.a_mean @ x + matrices.b_mean @ u, integral / dt, rtol=0, atol=1e-6)


@FEWER
@given(situations())
def test_step_matrices_equal_the_closed_solution(case: dict) -> None:
    matrices = thermal.discretise(*thermal.continuous(case["home"]), case["dt"])
    x = np.array([case["state"][0]["t_air"], case["state"][0]["t_mass"]])
    u = np.array([case["common"]["t_out"], case["series"]["gains_air"], case["series"]["gains_mass"]])
    end, mean = variation_of_constants(case["home"], x, u, case["dt"])
    np.testing.assert_allclose(matrices.a @ x + matrices.b @ u, end, rtol=0, atol=1e-8)
    np.testing.assert_allclose(matrices.a_mean @ x + matrices.b_mean @ u, mean, rtol=0, atol=1e-6)


def test_steps_compose() -> None:
    home = home_records(worlds.scenario(days=1).homes)[0]
    a, b = thermal.continuous(home)
    short, long = thermal.discretise(a, b, 0.25), thermal.discretise(a, b, 1.0)
    x, u = np.array([18.0, 22.0]), np.array([2.0, 1.0, 0.5])
    y = x
    for _ in range(4):
        y = short.a @ y + short.b @ u
    np.testing.assert_allclose(y, long.a @ x + long.b @ u, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("t_out", "expected"), [(-15, 1.67), (-7, 2.90), (2, 4.29), (7, 5.06), (12, 5.83)])
def test_cop_of_the_generic_pump_at_35_degrees(t_out: float, expected: float) -> None:
    p = [worlds.HEAT_PUMP[f"hp_cop_p{i}"] for i in (1, 2, 3, 4)]
    assert heat_pump.cop(t_out, 35.0, t_out, *p) == pytest.approx(expected, rel=0.01)


def test_counter_numbers_are_uniform_and_independent_of_their_neighbours() -> None:
    draws = np.array([counter_rng.uniform(1, e, k, d) for e in range(20) for k in range(20) for d in range(25)])
    assert draws.min() >= 0.0
    assert draws.max() < 1.0
    counts = np.histogram(draws, 20, (0.0, 1.0))[0]
    chi2 = float(((counts - 500.0) ** 2 / 500.0).sum())
    assert chi2 < 43.8  # 99.9 % quantile of chi-squared with 19 degrees of freedom
    lag = np.corrcoef(draws[:-1], draws[1:])[0, 1]
    assert abs(lag) < 0.035  # about 3.5 standard errors
    assert len(np.unique(draws)) == draws.size


def test_counter_numbers_match_the_published_splitmix64() -> None:
    # first outputs of SplitMix64 seeded with 1234567, as in the Rosetta Code task "Pseudo-random numbers/Splitmix64"
    state, gold = 1234567, 0x9E3779B97F4A7C15
    outputs = []
    for _ in range(3):
        outputs.append(int(counter_rng.mix(np.uint64(state))))
        state = (state + gold) % 2**64
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]
