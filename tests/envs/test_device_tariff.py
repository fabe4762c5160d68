"""Bill of a step and of a month: against a twin, monotone, additive, split exactly at the block's edge."""

from __future__ import annotations

import device_cases as cases
import numpy as np
import pytest
from device_cases import STEPS, numbers
from hypothesis import given
from hypothesis import strategies as st

from entangrid.envs.kernels import tariff

tariffs = st.builds(
    lambda **fields: cases.home(**fields),
    block_kwh=st.one_of(st.just(0.0), numbers(0.1, 300.0)),
    block_adder=numbers(0.0, 0.5),
    demand_price=st.one_of(st.just(0.0), numbers(0.0, 20.0)),
    demand_free=numbers(0.0, 10.0),
)
powers, prices = numbers(-20.0, 20.0), numbers(-0.5, 1.0)
months, peaks = numbers(0.0, 400.0), numbers(0.0, 20.0)


def twin(home, p, price_import, price_export, kwh, peak, dt) -> tuple[float, float, float]:
    """The month's bill as a function of its import and peak; the step costs the difference."""

    def so_far(energy: float, highest: float) -> float:
        beyond = np.clip(energy - home["block_kwh"], 0.0, None) if home["block_kwh"] else 0.0
        return float(home["block_adder"] * beyond + home["demand_price"] * np.maximum(highest, home["demand_free"]))

    after, top = kwh + np.clip(p, 0.0, None) * dt, np.maximum(peak, p)
    energy = p * dt * (price_import if p > 0 else price_export)
    return energy + so_far(after, top) - so_far(kwh, peak), after, top


@given(tariffs, powers, prices, prices, months, peaks, STEPS)
def test_kernel_equals_numpy_twin(home, p, price_import, price_export, kwh, peak, dt: float) -> None:
    got = tariff.bill(home, p, price_import, price_export, kwh, peak, dt)
    assert got == pytest.approx(twin(home, p, price_import, price_export, kwh, peak, dt), rel=1e-12, abs=1e-10)


@given(powers, prices, prices, months, peaks, STEPS)
def test_a_plain_tariff_is_energy_times_price(p, price_import, price_export, kwh, peak, dt: float) -> None:
    eur, _, _ = tariff.bill(cases.home(), p, price_import, price_export, kwh, peak, dt)
    assert eur == (p * price_import * dt if p >= 0.0 else p * price_export * dt)
    assert eur == tariff.bill_eur(p, price_import, price_export, dt)


@given(tariffs, powers, powers, numbers(0.0, 1.0), numbers(0.0, 1.0), months, peaks, STEPS)
def test_more_import_never_costs_less_at_prices_above_zero(
    home, one, other, price_in, price_out, kwh, peak, dt
) -> None:
    low, high = sorted((one, other))
    less, more = (tariff.bill(home, p, price_in, price_out, kwh, peak, dt) for p in (low, high))
    assert more[0] >= less[0] - 1e-12
    assert more[1] >= less[1] >= kwh
    assert more[2] >= less[2] >= peak


@given(tariffs, powers, prices, prices, months, peaks, STEPS, st.integers(2, 12))
def test_a_step_costs_as_much_as_its_parts(home, p, price_import, price_export, kwh, peak, dt: float, n: int) -> None:
    """In particular, the step that crosses the block's edge is split exactly there."""
    whole = tariff.bill(home, p, price_import, price_export, kwh, peak, dt)
    eur, parts_kwh, parts_peak = 0.0, kwh, peak
    for _ in range(n):
        part, parts_kwh, parts_peak = tariff.bill(home, p, price_import, price_export, parts_kwh, parts_peak, dt / n)
        eur += part
    assert (eur, parts_kwh, parts_peak) == pytest.approx(whole, rel=1e-10, abs=1e-9)


@given(tariffs, st.lists(st.tuples(powers, prices, prices), min_size=1, max_size=40), STEPS)
def test_a_month_is_energy_plus_block_plus_demand(home, steps, dt: float) -> None:
    eur, kwh, peak, energy = 0.0, 0.0, 0.0, 0.0
    for p, price_import, price_export in steps:
        part, kwh, peak = tariff.bill(home, p, price_import, price_export, kwh, peak, dt)
        eur += part
        energy += p * dt * (price_import if p >= 0.0 else price_export)
    p = np.array([step[0] for step in steps]).clip(0.0)
    assert kwh == pytest.approx(p.sum() * dt, abs=1e-9)
    assert peak == p.max()
    block = home["block_adder"] * max(kwh - home["block_kwh"], 0.0) if home["block_kwh"] > 0.0 else 0.0
    demand = home["demand_price"] * max(peak - home["demand_free"], 0.0)
    assert eur == pytest.approx(energy + block + demand, abs=1e-8)


def test_bills_by_hand() -> None:
    home = cases.home(block_kwh=100.0, block_adder=0.1, demand_price=5.0, demand_free=2.0)
    assert tariff.bill(home, 4.0, 0.3, 0.08, 99.0, 3.0, 0.5) == pytest.approx((0.6 + 0.1 + 5.0, 101.0, 4.0))
    assert tariff.bill(home, 4.0, 0.3, 0.08, 200.0, 6.0, 0.5) == pytest.approx((0.6 + 0.2, 202.0, 6.0))
    assert tariff.bill(home, 1.5, 0.3, 0.08, 0.0, 0.0, 1.0) == pytest.approx((0.45, 1.5, 1.5))
    assert tariff.bill(home, -4.0, 0.3, 0.08, 99.0, 3.0, 0.5) == pytest.approx((-0.16, 99.0, 3.0))
    assert tariff.bill(cases.home(), 4.0, -0.2, 0.0, 0.0, 0.0, 1.0)[0] == pytest.approx(-0.8)
    assert tariff.bill(cases.home(), -4.0, 0.3, -0.05, 0.0, 0.0, 1.0)[0] == pytest.approx(0.2)
