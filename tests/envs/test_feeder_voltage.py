"""Volt-watt curtailment on a feeder, and the EN 50160 judgement."""

import numpy as np
import pytest
from feeder_cases import random_tables
from hypothesis import given
from hypothesis import strategies as st

from entangrid.data.errors import InputError
from entangrid.envs.feeder import Feeder
from entangrid.envs.kernels.voltage import band_excess, volt_watt, volt_watt_share
from entangrid.envs.voltage_band import voltage_band


def test_droop_runs_from_full_power_to_its_end_share() -> None:
    shares = [volt_watt_share(u, 1.06, 1.10, 0.2) for u in (0.9, 1.06, 1.08, 1.10, 1.3)]
    np.testing.assert_allclose(shares, [1.0, 1.0, 0.6, 0.2, 0.2])


@given(st.floats(0.8, 1.3), st.floats(0.0, 1.0), st.floats(0.01, 1.0), st.floats(0.0, 12.0))
def test_curtailed_power_is_never_above_what_is_there(u: float, share: float, response: float, sun: float) -> None:
    power, new_share = volt_watt(sun, 10.0, share, u, 1.05, 1.1, 0.0, response)
    assert 0.0 <= power <= min(sun, 10.0)
    assert 0.0 <= new_share <= 1.0
    assert volt_watt(sun, 10.0, share, u + 0.01, 1.05, 1.1, 0.0, response)[0] <= power


def test_curtailment_from_the_previous_voltage_settles_on_the_droop() -> None:
    tables = random_tables(4, 6)
    tables["trafo"] = tables["trafo"].assign(vn_hv_kv=20.0, vn_lv_kv=0.4, tap_pos=0)
    tables["ext_grid"]["vm_pu"] = 1.05
    feeder = Feeder.from_tables(**tables)
    low = np.flatnonzero(tables["bus"]["vn_kv"] < 1.0)
    rated, u, share, powers = 60.0, 1.05, 1.0, []
    for _ in range(60):
        power, share = volt_watt(rated, rated, share, u, 1.06, 1.10, 0.2, 0.5)
        load = np.zeros((1, feeder.n_bus))
        load[0, low] = -power
        u = feeder.power_flow(load).vm_pu.max()
        powers.append(power)
    assert powers[0] == rated
    assert 0.2 * rated < powers[-1] < rated
    assert powers[-1] == pytest.approx(rated * volt_watt_share(u, 1.06, 1.10, 0.2), rel=1e-6)
    assert u < 1.10


def test_band_excess_is_the_distance_to_the_band() -> None:
    np.testing.assert_allclose([band_excess(u, 0.9, 1.1) for u in (0.85, 0.9, 1.0, 1.1, 1.12)], [0.05, 0, 0, 0, 0.02])


def test_ninety_five_percent_rule_holds_week_by_week() -> None:
    vm = np.ones((2 * 1008, 3))
    vm[:50, 0] = 0.89  # 50 of 1008 values: 4.96 %
    vm[1008 : 1008 + 51, 1] = 1.0 - 0.12  # 5.06 % in the second week only
    vm[0, 2] = 0.84  # one value outside the wide band
    band = voltage_band(vm, 10.0)
    assert band.within_limits.tolist() == [True, False, False]
    np.testing.assert_allclose(band.share_in_band[:, 0], [1 - 50 / 1008, 1.0])
    np.testing.assert_allclose(band.worst_week, [1 - 50 / 1008, 1 - 51 / 1008, 1 - 1 / 1008])


def test_short_steps_are_judged_as_ten_minute_rms_values() -> None:
    vm = np.tile([[1.12], [1.07]], (100, 1))
    assert voltage_band(vm, 5.0).within_limits.all()
    assert not voltage_band(vm, 10.0).within_limits.any()
    assert voltage_band(vm, 60.0).share_in_band.shape == (2, 1)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="vm_pu"):
        voltage_band(np.ones(5), 10.0)
    with pytest.raises(InputError, match="step_minutes = 4"):
        voltage_band(np.ones((5, 1)), 4.0)
    with pytest.raises(InputError, match="step_minutes = -1"):
        voltage_band(np.ones((5, 1)), -1.0)
    with pytest.raises(InputError, match="lower"):
        voltage_band(np.ones((5, 1)), 10.0, lower=1.2)
