"""PV at the inverter: volt-watt and curtailment, against a NumPy twin."""

from __future__ import annotations

import math

import device_cases as cases
import numpy as np
import pytest
from device_cases import numbers
from hypothesis import given
from hypothesis import strategies as st

from entangrid.envs.kernels import pv

rules = st.one_of(
    st.just((0.0, 0.0)), st.tuples(numbers(1.0, 1.1), numbers(0.0, 0.1)).map(lambda r: (r[0], r[0] + r[1]))
)
homes = st.builds(
    lambda rule, flag: cases.home(vw_start=rule[0], vw_end=rule[1], pv_curtailable=flag),
    rules,
    st.sampled_from([0.0, 1.0]),
)
powers, voltages = numbers(0.0, 30.0), numbers(0.85, 1.25)
commands = st.one_of(st.just(math.nan), numbers(-1.5, 1.5))


@given(homes, powers, voltages, commands)
def test_kernel_equals_numpy_twin(home, p: float, vm: float, command: float) -> None:
    allowed = [1.0]
    if home["pv_curtailable"] and not math.isnan(command):
        allowed.append(np.interp(command, [-1.0, 1.0], [0.0, 1.0]))
    if home["vw_end"] > home["vw_start"] > 0.0:
        allowed.append(np.interp(vm, [home["vw_start"], home["vw_end"]], [1.0, 0.0]))
    elif home["vw_end"] > 0.0:
        allowed.append(1.0 if vm <= home["vw_end"] else 0.0)
    assert pv.available_kw(home, p, vm, command) == pytest.approx(p * min(allowed), rel=1e-9, abs=1e-12)


@given(homes, powers, voltages, voltages, commands, numbers(-1.0, 1.0))
def test_never_more_than_the_sun_gives_and_less_at_higher_voltage(home, p, one, other, command, lower: float) -> None:
    low, high = sorted((one, other))
    assert 0.0 <= pv.available_kw(home, p, high, command) <= pv.available_kw(home, p, low, command) <= p
    assert pv.available_kw(home, p, low, lower) <= pv.available_kw(home, p, low, 1.0)


@given(powers, voltages, commands)
def test_without_rule_and_leave_nothing_is_curtailed(p: float, vm: float, command: float) -> None:
    assert pv.available_kw(cases.home(), p, vm, command) == p
    assert pv.available_kw(cases.home(pv_curtailable=1.0), p, vm, math.nan) == p


def test_without_a_voltage_the_rule_rests() -> None:
    home = cases.home(vw_start=1.06, vw_end=1.1, pv_curtailable=1.0)
    assert pv.available_kw(home, 4.0, math.nan, math.nan) == 4.0
    assert pv.available_kw(home, 4.0, 1.08, math.nan) == pytest.approx(2.0)
    assert pv.available_kw(home, 4.0, 1.08, -0.5) == pytest.approx(1.0)
    assert pv.available_kw(home, 4.0, 1.12, 1.0) == 0.0
