"""Battery with and without curves, and its ageing: against a NumPy twin, earlier numbers and conservation of energy."""

from __future__ import annotations

import device_cases as cases
import numpy as np
import pytest
from device_cases import STEPS, numbers
from hypothesis import given, settings
from hypothesis import strategies as st

from entangrid.envs.kernels import battery

FIELDS = {
    "battery_e": st.one_of(st.just(0.0), numbers(0.5, 30.0)),
    "battery_p": st.one_of(st.just(0.0), numbers(0.1, 20.0)),
    "battery_eta_c": numbers(0.5, 1.0),
    "battery_eta_d": numbers(0.5, 1.0),
    "battery_self": numbers(0.0, 0.05),
    "battery_calendar": numbers(0.0, 0.2),
    "battery_calendar_soc": numbers(0.0, 3.0),
    "battery_cycle": numbers(0.0, 0.01),
}
POINTS = numbers(0.0, 1.0)


@st.composite
def curves(draw: st.DrawFn) -> dict[str, object]:
    """Two random curves, jumps and flat ends included."""
    grid = st.one_of(POINTS, st.sampled_from([0.0, 0.5, 1.0]))
    eta_x = sorted(draw(st.lists(grid, min_size=5, max_size=5)))
    lim_x = sorted(draw(st.lists(grid, min_size=5, max_size=5)))
    eta_y = draw(st.lists(numbers(0.1, 1.0), min_size=5, max_size=5))
    lim_y = draw(st.lists(POINTS, min_size=5, max_size=5))
    return {
        "battery_curves": 1.0,
        "battery_eta_x": eta_x,
        "battery_eta_y": eta_y,
        "battery_lim_x": lim_x,
        "battery_lim_y": lim_y,
    }


plain = st.fixed_dictionaries(FIELDS).map(lambda fields: cases.home(**fields))
curved = st.builds(lambda a, b: cases.home(**a, **b), st.fixed_dictionaries(FIELDS), curves())
either = st.one_of(plain, curved)
socs = st.one_of(POINTS, st.sampled_from([0.0, 0.5, 1.0]))
sohs = st.one_of(st.just(1.0), numbers(0.3, 1.0))
requests = numbers(-60.0, 60.0)


def at(x: float, xs: np.ndarray, ys: np.ndarray) -> float:
    """The curve at x: the mean of the neighbours weighted by the other's distance; at a jump what lies to the left."""
    left, right = np.flatnonzero(xs < x), np.flatnonzero(xs >= x)
    if not left.size:
        return float(ys[0])
    if not right.size:
        return float(ys[-1])
    i, j = left[-1], right[0]
    return float(np.average([ys[i], ys[j]], weights=[xs[j] - x, x - xs[i]]))


def one_way(home, p: float) -> float:
    if not home["battery_curves"]:
        return float(home["battery_eta_c"] if p >= 0 else home["battery_eta_d"])
    share = abs(p) / home["battery_p"] if home["battery_p"] else 0.0
    return at(share, home["battery_eta_x"], home["battery_eta_y"])


def into_cells(home, p: float, dt: float) -> float:
    """Energy into (or, negative, out of) the cells [kWh]."""
    return dt * (p * one_way(home, p) if p >= 0 else p / one_way(home, p))


def twin_limit(home, soc: float, soh: float, dt: float, sign: float) -> float:
    """First power at which the cells are full (empty), from a fine grid and bisection within its first step beyond."""
    kept = soc * (1 - home["battery_self"] * dt)
    capacity = home["battery_e"] * soh
    room = (1 - kept) * capacity if sign > 0 else kept * capacity
    top = float(home["battery_p"])
    if capacity == 0 or top == 0:
        return 0.0
    share = at(soc, home["battery_lim_x"], home["battery_lim_y"]) if home["battery_curves"] else 1.0
    grid = np.union1d(np.linspace(0.0, 1.0, 4001), np.clip(home["battery_eta_x"], 0, 1))
    grid = np.union1d(grid, np.nextafter(grid, 2.0))  # just right of a jump
    moved = np.array([abs(into_cells(home, sign * x * top, dt)) for x in grid])
    over = np.flatnonzero(moved > room)
    if not over.size or over[0] == 0:
        return 0.0 if over.size else share * top
    low, high = grid[over[0] - 1], grid[over[0]]
    for _ in range(60):
        middle = (low + high) / 2
        if abs(into_cells(home, sign * middle * top, dt)) > room:
            high = middle
        else:
            low = middle
    return min(float(low), share) * top


GOLDEN = [  # (soc, request, e, p, eta_c, eta_d, self, dt), (soc after, power): of the kernel before it knew curves
    ((0.63, 7.1, 12.1, 2.6, 0.895, 0.981, 0.01, 1 / 12), ("0x1.4a7f212438d21p-1", "0x1.4cccccccccccdp+1")),
    ((0.82, 5.3, 8.1, 3.1, 0.892, 0.888, 0.01, 0.25), ("0x1.ce7cc56ff3c86p-1", "0x1.8cccccccccccdp+1")),
    ((0.5, 1.0, 14.9, 6.5, 0.943, 0.998, 2e-05, 1 / 12), ("0x1.02b32bc387bbfp-1", "0x1.0000000000000p+0")),
    ((0.16, 2.0, 2.6, 1.2, 0.927, 0.92, 0.01, 1.0), ("0x1.2c2874b4599bap-1", "0x1.3333333333333p+0")),
    ((0.63, 0.3, 8.5, 2.7, 0.852, 0.879, 0.01, 1.0), ("0x1.4ebb04bf1d529p-1", "0x1.3333333333333p-2")),
    ((0.2, -2.3, 2.0, 6.8, 0.873, 0.89, 0.01, 1.0), ("0x0.0p+0", "-0x1.68e60807357e7p-2")),
    ((0.51, 6.2, 10.3, 6.2, 0.864, 0.931, 0.01, 0.25), ("0x1.4709821f1f244p-1", "0x1.8cccccccccccdp+2")),
    ((0.87, -2.5, 9.8, 1.4, 0.908, 0.898, 0.0, 1 / 12), ("0x1.b6a705a2a3d44p-1", "-0x1.6666666666666p+0")),
]


@pytest.mark.parametrize(("case", "expected"), GOLDEN)
def test_without_curves_and_ageing_the_numbers_are_the_old_ones_bit_for_bit(case, expected) -> None:
    soc, request, e, p, eta_c, eta_d, leak, dt = case
    home = cases.home(battery_e=e, battery_p=p, battery_eta_c=eta_c, battery_eta_d=eta_d, battery_self=leak)
    after, power = battery.step(home, soc, 1.0, request, dt)
    assert (float(after).hex(), float(power).hex()) == expected


@given(plain, socs, sohs, requests, STEPS)
def test_step_equals_numpy_twin(home, soc: float, soh: float, request: float, dt: float) -> None:
    after, p = battery.step(home, soc, soh, request, dt)
    capacity = home["battery_e"] * soh
    if capacity == 0:
        assert (after, p) == (soc, 0.0)
        return
    energy = soc * capacity * (1 - home["battery_self"] * dt)
    most, least = (capacity - energy) / (home["battery_eta_c"] * dt), -energy * home["battery_eta_d"] / dt
    expected = np.clip(np.clip(request, -home["battery_p"], home["battery_p"]), least, most)
    assert p == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert after == pytest.approx((energy + into_cells(home, expected, dt)) / capacity, rel=1e-12, abs=1e-12)


@settings(max_examples=min(settings().max_examples, 60))
@given(curved, socs, sohs, STEPS)
def test_limits_with_curves_equal_a_search(home, soc: float, soh: float, dt: float) -> None:
    expected = twin_limit(home, soc, soh, dt, 1.0), twin_limit(home, soc, soh, dt, -1.0)
    # a crossing between two grid points that is over before the next (a tip of the curve) escapes the search
    assert battery.limits(home, soc, soh, dt) == pytest.approx(expected, rel=1e-6, abs=2e-5 * home["battery_p"] + 1e-12)


@given(either, socs, sohs, requests, STEPS)
def test_energy_is_conserved_and_soc_in_bounds(home, soc: float, soh: float, request: float, dt: float) -> None:
    after, p = battery.step(home, soc, soh, request, dt)
    capacity = home["battery_e"] * soh
    assert 0.0 <= after <= 1.0
    leak = soc * home["battery_self"] * dt * capacity
    assert abs(capacity * (after - soc) + leak - into_cells(home, p, dt)) < 1e-9
    charge, discharge = battery.limits(home, soc, soh, dt)
    assert -discharge - 1e-12 <= p <= charge + 1e-12
    assert abs(p) <= min(abs(request), home["battery_p"])
    assert p * request >= 0.0


@given(either, socs, sohs, STEPS)
def test_limits_are_what_the_largest_requests_get(home, soc: float, soh: float, dt: float) -> None:
    charge, discharge = battery.limits(home, soc, soh, dt)
    assert charge >= 0.0
    assert discharge >= 0.0
    assert battery.step(home, soc, soh, 1e6, dt)[1] == pytest.approx(charge, rel=1e-12, abs=1e-12)
    assert battery.step(home, soc, soh, -1e6, dt)[1] == pytest.approx(-discharge, rel=1e-12, abs=1e-12)


@given(curved, socs, sohs, STEPS)
def test_an_energy_limit_with_curves_is_exact(home, soc: float, soh: float, dt: float) -> None:
    """Whatever is below the power limit fills or empties the cells, but for a jump of the efficiency."""
    if home["battery_e"] == 0.0 or home["battery_p"] == 0.0:
        return
    p_soc = home["battery_p"] * at(soc, home["battery_lim_x"], home["battery_lim_y"])
    for request, bound in ((1e6, 1.0), (-1e6, 0.0)):
        after, p = battery.step(home, soc, soh, request, dt)
        if abs(p) < p_soc - 1e-9:
            jump = np.abs(home["battery_eta_x"] - abs(p) / home["battery_p"]).min() < 1e-9
            assert jump or after == pytest.approx(bound, abs=1e-9)


@pytest.mark.parametrize(
    ("xs", "ys", "room", "share"),
    [
        # x (1 - 0.9 x) has its top, 0.278, at 0.556 and ends at 0.1
        ([0.0, 1.0, 1.0, 1.0, 1.0], [1.0, 0.1, 0.1, 0.1, 0.1], 0.2, (1.0 - np.sqrt(0.28)) / 1.8),
        ([0.0, 1.0, 1.0, 1.0, 1.0], [1.0, 0.1, 0.1, 0.1, 0.1], 0.3, 1.0),
        # steep rise: x (3.6 x - 1.7) on [0.5, 0.75]
        ([0.0, 0.5, 0.75, 1.0, 1.0], [0.1, 0.1, 1.0, 1.0, 1.0], 0.3, (1.7 + np.sqrt(2.89 + 4.32)) / 7.2),
        # a jump up to 0.45, then a fall to 0.1
        ([0.0, 0.5, 0.5, 1.0, 1.0], [0.5, 0.5, 0.9, 0.1, 0.1], 0.3, 0.5),
        # constant outside the points
        ([0.4, 0.5, 0.5, 0.5, 0.6], [0.8, 0.8, 0.8, 0.8, 0.8], 0.6, 0.75),
        ([0.4, 0.5, 0.5, 0.5, 0.6], [0.8, 0.8, 0.8, 0.8, 0.8], 0.16, 0.2),
    ],
)
def test_what_fills_the_cells_by_hand(xs, ys, room: float, share: float) -> None:
    home = cases.home(battery_e=2.0 * room, battery_p=1.0, battery_curves=1.0, battery_eta_x=xs, battery_eta_y=ys)
    assert battery.limits(home, 0.5, 1.0, 1.0)[0] == pytest.approx(share, rel=1e-12)


@pytest.mark.parametrize(
    ("xs", "ys", "stored", "share"),
    [
        ([0.0, 1.0, 1.0, 1.0, 1.0], [1.0, 0.5, 0.5, 0.5, 0.5], 1.0, 2.0 / 3.0),
        # a jump down: 0.5 / 0.9 are drawn before it, 0.5 / 0.2 after
        ([0.0, 0.5, 0.5, 1.0, 1.0], [0.9, 0.9, 0.2, 1.0, 1.0], 1.1, 0.5),
        # steep rise: more drawn at 0.5 than at 1, so the limit is where 10 x = 4
        ([0.0, 0.5, 0.75, 1.0, 1.0], [0.1, 0.1, 1.0, 1.0, 1.0], 4.0, 0.4),
        ([0.0, 0.5, 0.75, 1.0, 1.0], [0.1, 0.1, 1.0, 1.0, 1.0], 5.1, 1.0),
    ],
)
def test_what_empties_the_cells_by_hand(xs, ys, stored: float, share: float) -> None:
    home = cases.home(battery_e=2.0 * stored, battery_p=1.0, battery_curves=1.0, battery_eta_x=xs, battery_eta_y=ys)
    assert battery.limits(home, 0.5, 1.0, 1.0)[1] == pytest.approx(share, rel=1e-12)


def test_power_limit_is_that_of_the_soc_at_the_beginning() -> None:
    curve = {"battery_curves": 1.0, "battery_lim_x": [0.0, 0.5, 0.6, 0.8, 1.0], "battery_lim_y": [0.2, 0.2, 1, 1, 1]}
    home = cases.home(battery_e=100.0, battery_p=5.0, battery_self=0.05, **curve)
    assert battery.limits(home, 0.6, 1.0, 1.0) == pytest.approx((5.0, 5.0))
    assert battery.limits(home, 0.5, 1.0, 1.0) == pytest.approx((1.0, 1.0))


@given(numbers(0.1, 20.0), numbers(0.05, 0.95), numbers(0.05, 0.95), STEPS)
def test_a_limit_at_a_jump_of_the_efficiency_stays_before_it(p_max: float, knot: float, between: float, dt) -> None:
    """Beyond the jump the same power would overfill the cells, or draw more than they hold."""
    curve = {"battery_eta_x": [0.0, knot, knot, 1.0, 1.0], "battery_curves": 1.0, "battery_p": p_max}
    stored = (0.5 + 0.4 * between) * knot * p_max * dt
    home = cases.home(**curve, battery_eta_y=[0.5, 0.5, 0.9, 0.9, 0.9], battery_e=2.0 * stored)
    after, p = battery.step(home, 0.5, 1.0, 1e6, dt)
    assert p == pytest.approx(knot * p_max, rel=1e-12)
    assert after == pytest.approx(0.5 + 0.5 * p * dt / (2.0 * stored), rel=1e-12)
    stored = knot * p_max * dt / (0.3 + 0.6 * between)
    home = cases.home(**curve, battery_eta_y=[0.9, 0.9, 0.3, 0.3, 0.3], battery_e=2.0 * stored)
    after, p = battery.step(home, 0.5, 1.0, -1e6, dt)
    assert p == pytest.approx(-knot * p_max, rel=1e-12)
    assert after == pytest.approx(0.5 + p / 0.9 * dt / (2.0 * stored), rel=1e-12)


@given(either, socs, sohs, requests, requests, STEPS)
def test_a_larger_request_is_never_less_power(
    home, soc: float, soh: float, one: float, other: float, dt: float
) -> None:
    low, high = sorted((one, other))
    (soc_low, p_low), (soc_high, p_high) = (battery.step(home, soc, soh, r, dt) for r in (low, high))
    assert p_high >= p_low - 1e-12
    if not home["battery_curves"]:
        assert soc_high >= soc_low - 1e-12


@given(either, socs, sohs, st.lists(requests, min_size=1, max_size=12), STEPS)
def test_no_round_trip_makes_energy(home, soc: float, soh: float, wishes: list[float], dt: float) -> None:
    """Net energy at the meter is at least what the cells have gained, after any sequence of requests."""
    start, bought = soc, 0.0
    for wish in wishes:
        soc, p = battery.step(home, soc, soh, wish, dt)
        bought += p * dt
    assert bought >= home["battery_e"] * soh * (soc - start) - 1e-9


def test_curves_as_citylearn_means_them() -> None:
    """Its default curves: power [[0, 1], [0.8, 1], [1, 0.2]] over soc, round trip 0.83 at 0 and 0.3 to 0.9 at 0.7."""
    home = cases.home(
        battery_e=6.4,
        battery_p=5.0,
        battery_curves=1.0,
        battery_eta_x=[0.0, 0.3, 0.7, 0.8, 1.0],
        battery_eta_y=np.sqrt([0.83, 0.83, 0.9, 0.9, 0.85]),
        battery_lim_x=[0.0, 0.8, 1.0, 1.0, 1.0],
        battery_lim_y=[1.0, 1.0, 0.2, 0.2, 0.2],
    )
    charge, discharge = battery.limits(home, 0.9, 1.0, 0.1)
    assert (charge, discharge) == pytest.approx((3.0, 3.0))  # half way down from 1 to 0.2 of 5 kW
    after, p = battery.step(home, 0.5, 1.0, 2.5, 1.0)
    eta = 0.5 * (np.sqrt(0.83) + np.sqrt(0.9))  # half way from 0.3 to 0.7 of 5 kW
    assert p == 2.5
    assert after == pytest.approx(0.5 + eta * 2.5 / 6.4, rel=1e-12)
    assert battery.step(home, 0.5, 1.0, -2.5, 1.0)[0] == pytest.approx(0.5 - 2.5 / eta / 6.4, rel=1e-12)


@given(either, socs, socs, sohs, numbers(-20.0, 20.0), STEPS)
def test_fade_equals_numpy_twin_and_is_never_negative(home, soc, after, soh, p: float, dt: float) -> None:
    lost = battery.fade(home, soc, after, soh, p, dt)
    assert 0.0 <= lost <= soh
    if home["battery_e"] == 0.0:
        assert lost == 0.0
        return
    years = dt / (365 * 24)
    expected = home["battery_calendar"] * years * np.exp(home["battery_calendar_soc"] * (np.mean([soc, after]) - 0.5))
    expected += home["battery_cycle"] * -min(into_cells(home, p, dt), 0.0) / home["battery_e"]
    assert lost == pytest.approx(min(expected, soh), rel=1e-12, abs=1e-15)


@given(either, socs, numbers(-20.0, 20.0), STEPS)
def test_energy_drawn_from_the_cells(home, soc: float, p: float, dt: float) -> None:
    assert battery.drawn_kwh(home, p, dt) == pytest.approx(max(-into_cells(home, p, dt), 0.0), rel=1e-12)


@given(plain, numbers(0.0, 1.0), numbers(0.0, 1.0), numbers(-9.0, 9.0), numbers(0.0, 9.0), STEPS)
def test_a_fuller_battery_and_a_deeper_draw_age_faster(
    home, one: float, other: float, p: float, more: float, dt
) -> None:
    low, high = sorted((one, other))
    assert battery.fade(home, high, high, 1.0, p, dt) >= battery.fade(home, low, low, 1.0, p, dt)
    assert battery.fade(home, low, low, 1.0, p - more, dt) >= battery.fade(home, low, low, 1.0, p, dt)


def test_a_year_and_a_cycle_cost_what_they_are_said_to() -> None:
    home = cases.home(battery_e=10.0, battery_p=10.0, battery_calendar=0.02, battery_cycle=1e-4)
    year = sum(battery.fade(home, 0.5, 0.5, 1.0, 0.0, 1.0) for _ in range(8760))
    assert year == pytest.approx(0.02, rel=1e-9)
    home["battery_calendar"] = 0.0
    soc, aged = 1.0, 0.0
    while soc > 0.0:
        after, p = battery.step(home, soc, 1.0, -3.0, 0.25)
        aged += battery.fade(home, soc, after, 1.0, p, 0.25)
        soc = after
    assert aged == pytest.approx(1e-4, rel=1e-9)
    assert battery.fade(home, 0.0, 1.0, 1.0, 5.0, 1.0) == 0.0
    assert battery.fade(home, 0.9, 0.5, 0.5, -4.0, 1.0) == battery.fade(home, 0.9, 0.5, 1.0, -4.0, 1.0) > 0.0


def test_nothing_fades_below_nothing() -> None:
    home = cases.home(battery_e=10.0, battery_p=10.0, battery_calendar=0.5, battery_cycle=0.01)
    soh = 1e-6
    assert battery.fade(home, 1.0, 0.5, soh, -5.0, 1.0) == soh
    assert battery.limits(home, 0.5, 0.0, 1.0) == (0.0, 0.0)
    assert battery.step(home, 0.5, 0.0, 3.0, 1.0) == (0.5, 0.0)
