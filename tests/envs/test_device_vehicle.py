"""Vehicle: against a NumPy twin, bounds, and conservation of energy over whole journeys."""

from __future__ import annotations

import device_cases as cases
import numpy as np
import pytest
from device_cases import STEPS, numbers
from hypothesis import given
from hypothesis import strategies as st

from entangrid.envs import derived
from entangrid.envs.kernels import vehicle

cars = st.builds(
    lambda **fields: cases.home(**fields),
    ev_e=st.one_of(st.just(0.0), numbers(5.0, 120.0)),
    ev_p_charge=numbers(0.0, 22.0),
    ev_p_discharge=st.one_of(st.just(0.0), numbers(0.0, 22.0)),
    ev_eta_c=numbers(0.5, 1.0),
    ev_eta_d=numbers(0.5, 1.0),
    ev_soc_departure=numbers(0.0, 1.0),
)
flags = st.sampled_from([0.0, 1.0])
socs = st.one_of(numbers(0.0, 1.0), st.sampled_from([0.0, 1.0]))
trips = st.one_of(st.just(0.0), numbers(0.0, 40.0))
requests = numbers(-60.0, 60.0)


def twin(home, plugged, trip, leaves, soc, request, dt) -> tuple[float, float, float]:
    """In kilowatt hours: charge or give, drive, then fill up for the departure."""
    e = float(home["ev_e"])
    if e == 0.0:
        return soc, 0.0, 0.0
    energy, p = soc * e, 0.0
    if plugged:
        p = float(np.clip(request, -home["ev_p_discharge"], home["ev_p_charge"]))
        p = float(np.clip(p, -energy * home["ev_eta_d"] / dt, (e - energy) / home["ev_eta_c"] / dt))
        energy += dt * (p * home["ev_eta_c"] if p > 0 else p / home["ev_eta_d"])
    energy -= trip
    unmet = -min(energy, 0.0)
    energy = max(energy, 0.0)
    if plugged and leaves:
        missing = max(home["ev_soc_departure"] * e - energy, 0.0)
        unmet, energy = unmet + missing, energy + missing
    return energy / e, p, unmet


@given(cars, flags, trips, flags, socs, requests, STEPS)
def test_kernel_equals_numpy_twin(home, plugged, trip, leaves, soc: float, request: float, dt: float) -> None:
    assert vehicle.step(home, plugged, trip, leaves, soc, request, dt) == pytest.approx(
        twin(home, plugged, trip, leaves, soc, request, dt), rel=1e-10, abs=1e-10
    )


@given(cars, flags, trips, flags, socs, requests, STEPS)
def test_energy_is_conserved_and_bounds_hold(home, plugged, trip, leaves, soc: float, request: float, dt) -> None:
    after, p, unmet = vehicle.step(home, plugged, trip, leaves, soc, request, dt)
    assert 0.0 <= after <= 1.0
    assert unmet >= 0.0
    if home["ev_e"] == 0.0:
        assert (after, p, unmet) == (soc, 0.0, 0.0)
        return
    charged = (home["ev_eta_c"] * max(p, 0.0) - max(-p, 0.0) / home["ev_eta_d"]) * dt
    assert abs(home["ev_e"] * (after - soc) - (charged - trip + unmet)) < 1e-9
    assert -home["ev_p_discharge"] <= p <= home["ev_p_charge"]
    assert abs(p) <= abs(request)
    assert p * request >= 0.0
    if not plugged:
        assert p == 0.0
    if plugged and leaves:
        assert after >= home["ev_soc_departure"]


@given(cars, flags, socs, STEPS)
def test_limits_are_what_the_largest_requests_get(home, plugged, soc: float, dt: float) -> None:
    charge, discharge = vehicle.limits(home, plugged, soc, dt)
    assert charge >= 0.0
    assert discharge >= 0.0
    assert vehicle.step(home, plugged, 0.0, 0.0, soc, 1e6, dt)[1] == pytest.approx(charge, rel=1e-12, abs=1e-12)
    assert vehicle.step(home, plugged, 0.0, 0.0, soc, -1e6, dt)[1] == pytest.approx(-discharge, rel=1e-12, abs=1e-12)


@given(cars, trips, flags, socs, requests, requests, STEPS)
def test_more_charging_is_never_emptier_nor_leaves_more_unmet(home, trip, leaves, soc, one, other, dt: float) -> None:
    low, high = sorted((one, other))
    soc_low, p_low, unmet_low = vehicle.step(home, 1.0, trip, leaves, soc, low, dt)
    soc_high, p_high, unmet_high = vehicle.step(home, 1.0, trip, leaves, soc, high, dt)
    assert soc_high >= soc_low - 1e-12
    assert p_high >= p_low - 1e-12
    assert unmet_high <= unmet_low + 1e-9


@given(cars, socs, st.lists(requests, min_size=1, max_size=12), STEPS)
def test_no_round_trip_makes_energy(home, soc: float, wishes: list[float], dt: float) -> None:
    start, bought = soc, 0.0
    for wish in wishes:
        soc, p, unmet = vehicle.step(home, 1.0, 0.0, 0.0, soc, wish, dt)
        bought += p * dt
        assert unmet == 0.0
    assert bought >= home["ev_e"] * (soc - start) - 1e-9


@given(cars, st.lists(st.tuples(flags, trips, flags, requests), min_size=1, max_size=30), socs, STEPS)
def test_a_journey_takes_what_was_charged_and_what_was_bought(home, steps, soc: float, dt: float) -> None:
    start, charged, driven, bought = soc, 0.0, 0.0, 0.0
    for plugged, trip, leaves, wish in steps:
        soc, p, unmet = vehicle.step(home, plugged, trip, leaves, soc, wish, dt)
        charged += p * dt
        driven += trip
        bought += unmet
    if home["ev_e"] > 0.0:
        assert charged + bought >= driven + home["ev_e"] * (soc - start) - 1e-8


@given(st.lists(st.lists(flags, min_size=1, max_size=90), min_size=1, max_size=3), st.sampled_from([1.0, 0.5, 1 / 6]))
def test_hours_until_departure_are_what_one_counts(columns: list[list[float]], dt: float) -> None:
    """A vehicle that is there and not there in the next step leaves at this one's end; at most a day is shown."""
    runs = min(map(len, columns))
    at_home = np.repeat(np.array([column[:runs] for column in columns]).T, 7, 0)
    found = derived.hours_until_departure(at_home, dt)
    for h, there in enumerate(at_home.T):
        for t, now in enumerate(there):
            gone = next((k for k in range(t + 1, len(there)) if not there[k]), None)
            counted = derived.FAR_H if not now or gone is None else min((gone - t) * dt, derived.FAR_H)
            assert found[t, h] == pytest.approx(counted, rel=1e-12)


def test_what_is_missing_at_departure_is_bought_elsewhere() -> None:
    home = cases.home(ev_e=50.0, ev_p_charge=10.0, ev_eta_c=0.9, ev_soc_departure=0.8)
    assert vehicle.step(home, 1.0, 0.0, 1.0, 0.5, 10.0, 1.0) == pytest.approx((0.8, 10.0, 6.0))
    assert vehicle.step(home, 0.0, 0.0, 1.0, 0.5, 10.0, 1.0) == (0.5, 0.0, 0.0)
    assert vehicle.step(home, 0.0, 30.0, 0.0, 0.5, 0.0, 1.0) == pytest.approx((0.0, 0.0, 5.0))
