"""Deferrable appliances: against a twin that plans every cycle at once; deadlines, energy and no interruption."""

from __future__ import annotations

import numpy as np
import pytest
from device_cases import STEPS, numbers
from hypothesis import given
from hypothesis import strategies as st

from entangrid.data.errors import InputError
from entangrid.envs.appliances import check_spacing
from entangrid.envs.kernels import appliance

T = 60
booleans = st.lists(st.booleans(), min_size=T, max_size=T)
lengths, windows = st.integers(1, 8), st.integers(0, 12)


def run(ready, starts, kw: float, length: int, window: int) -> tuple[np.ndarray, float, float]:
    """(power of each step, wait, left at the end) by the kernel."""
    wait, left, power = -1.0, 0.0, []
    for r, s in zip(ready, starts, strict=True):
        wait, left, p = appliance.step(float(r), float(s), wait, left, kw, float(length), float(window))
        assert -1.0 <= wait <= max(window - 1.0, -1.0)
        assert 0.0 <= left <= length - 1.0
        assert wait == -1.0 or left == 0.0
        power.append(p)
    return np.array(power), wait, left


def planned(ready, starts, length: int, window: int) -> list[tuple[int, int]]:
    """(ready, start) of every cycle that is not refused: the first wish within the window, or its end."""
    cycles, free = [], 0
    for t in np.flatnonzero(ready):
        if t >= free:
            wishes = [s for s in range(t, t + window) if s < len(starts) and starts[s]]
            begin = wishes[0] if wishes else t + window
            cycles.append((int(t), int(begin)))
            free = begin + length
    return cycles


@given(booleans, booleans, lengths, windows, numbers(0.1, 3.0))
def test_kernel_equals_the_plan(ready, starts, length: int, window: int, kw: float) -> None:
    power, _, _ = run(ready, starts, kw, length, window)
    expected = np.zeros(T)
    for _, begin in planned(ready, starts, length, window):
        expected[begin : begin + length] += kw
    np.testing.assert_array_equal(power, expected)


@given(st.lists(st.integers(0, 9), max_size=6), booleans, lengths, windows, numbers(0.1, 3.0))
def test_spaced_cycles_all_run_whole_and_in_time(gaps, starts, length: int, window: int, kw: float) -> None:
    ready = np.zeros(T, dtype=bool)
    t = -length - window
    for gap in gaps:
        t += length + window + gap
        if t + window + length <= T:
            ready[t] = True
    check_spacing(ready, length, window)
    power, wait, left = run(ready, starts, kw, length, window)
    assert (wait, left) == (-1.0, 0.0)
    assert power.sum() == pytest.approx(ready.sum() * length * kw, rel=1e-12)
    for t in np.flatnonzero(ready):
        on = power[t : t + window + length] > 0.0
        begin = int(np.argmax(on))
        assert begin <= window
        assert on[begin : begin + length].all()
        assert on.sum() == length


def test_a_cycle_waits_to_its_deadline_and_not_longer() -> None:
    power, _, _ = run([True] + [False] * 9, [False] * 10, 2.0, 3, 4)
    np.testing.assert_array_equal(power, [0, 0, 0, 0, 2, 2, 2, 0, 0, 0])
    power, _, _ = run([True] + [False] * 9, [False, True] + [False] * 8, 2.0, 3, 4)
    np.testing.assert_array_equal(power, [0, 2, 2, 2, 0, 0, 0, 0, 0, 0])
    power, _, _ = run([True] + [False] * 9, [False] * 10, 2.0, 3, 0)
    np.testing.assert_array_equal(power, [2, 2, 2, 0, 0, 0, 0, 0, 0, 0])


def test_a_second_cycle_is_refused_while_the_first_waits_or_runs() -> None:
    power, _, _ = run(
        [True, True, True, True, False, True, False, False], [False, False, True] + [False] * 5, 1.0, 3, 4
    )
    np.testing.assert_array_equal(power, [0, 0, 1, 1, 1, 0, 0, 0])
    assert appliance.step(0.0, 0.0, 3.0, 0.0, 1.0, 3.0, 4.0) == (2.0, 0.0, 0.0)


@pytest.mark.parametrize(("kw", "length"), [(0.0, 3.0), (2.0, 0.0)])
def test_no_appliance_does_nothing(kw: float, length: float) -> None:
    assert appliance.step(1.0, 1.0, -1.0, 0.0, kw, length, 4.0) == (-1.0, 0.0, 0.0)


@given(numbers(0.1, 5.0), numbers(0.01, 24.0), numbers(0.0, 48.0), STEPS)
def test_a_cycle_in_steps_keeps_its_energy_and_its_deadline(
    kw: float, hours: float, window_h: float, dt: float
) -> None:
    power, length, window = appliance.cycle(kw, hours, window_h, dt)
    assert power * length * dt == pytest.approx(kw * hours, rel=1e-12)
    assert length == int(length) >= 1
    assert window == int(window) >= 0
    assert abs(length * dt - hours) <= max(0.5 * dt, dt - hours) + 1e-9
    assert window_h - dt < window * dt + 1e-9 <= window_h + 2e-9


def test_no_cycle_without_power_or_length() -> None:
    assert appliance.cycle(0.0, 2.0, 8.0, 0.25) == (0.0, 0.0, 0.0)
    assert appliance.cycle(2.0, 0.0, 8.0, 0.25) == (0.0, 0.0, 0.0)
    assert appliance.cycle(2.0, 1.5, 8.0, 0.25) == (2.0, 6.0, 32.0)
    assert appliance.cycle(2.0, 0.3, 0.3, 0.1) == pytest.approx((2.0, 3.0, 3.0))


def test_cycles_too_close_are_named() -> None:
    ready = np.zeros(20)
    ready[[2, 9, 15]] = 1.0
    check_spacing(ready, 2, 4)
    with pytest.raises(InputError, match="washer: cycles become ready in steps 9 and 15; expected 7 steps or more"):
        check_spacing(ready, 3, 4, "washer")
