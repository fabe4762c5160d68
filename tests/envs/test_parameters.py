"""A scenario's home table becomes kernel records, or one clear line."""

from __future__ import annotations

import pandas as pd
import pytest
import worlds

import entangrid.data
from entangrid.data.errors import InputError
from entangrid.envs import observations
from entangrid.envs.parameters import PARAMETERS, home_records, zone_records
from entangrid.envs.tasks import Task


def test_units_are_converted_once() -> None:
    homes = worlds.scenario(days=1, homes=2).homes
    records = home_records(homes)
    assert zone_records(homes)["ua_air_out"][0, 0] == pytest.approx(0.095)  # W/K to kW/K
    assert records["battery_e"][1] == pytest.approx(12.0)
    assert zone_records(homes)["t_set"][0, 0] == 21.0  # a default


def test_bundled_home_names_every_parameter_it_needs() -> None:
    homes = entangrid.data.load("bundled-home").homes
    assert set(homes.columns) <= set(PARAMETERS)
    assert home_records(homes)["battery_e"][0] == 10.0


def read(homes: pd.DataFrame) -> None:
    home_records(homes)
    zone_records(homes)


@pytest.mark.parametrize("column", list(PARAMETERS))
def test_values_out_of_range_are_named(column: str) -> None:
    homes = worlds.scenario(days=1).homes.copy()
    for zone in range(2, int(column[4]) + 1 if column.startswith("zone") else 2):
        for name in ("c_air_kwh_k", "c_mass_kwh_k", "ua_air_out_w_k", "ua_mass_out_w_k", "ua_air_mass_w_k"):
            homes[f"zone{zone}_{name}"] = homes[name]
    homes[column] = PARAMETERS[column].high * 2.0 + 1.0
    with pytest.raises(InputError, match=rf"homes: {column} of home 'home-1' is .*expected"):
        read(homes)


def test_unknown_missing_and_contradicting_columns_are_named() -> None:
    homes = worlds.scenario(days=1).homes.copy()
    with pytest.raises(InputError, match="'capacity' is unknown"):
        read(homes.assign(capacity=1.0))
    with pytest.raises(InputError, match="'c_air_kwh_k' is missing"):
        read(homes.drop(columns="c_air_kwh_k"))
    with pytest.raises(InputError, match="comfort_low_c of home 'home-1' is not below"):
        read(homes.assign(comfort_low_c=22.0, comfort_high_c=21.0))


def test_observation_table_names_every_entry() -> None:
    task = Task.make(worlds.scenario(days=1))
    low, high = task.observation_ranges
    text = observations.describe(task.observation_layout, low[0], high[0])
    assert all(entry.name in text for entry in observations.LOCAL)
    assert (high > low).all()


def test_a_constant_series_keeps_a_finite_range() -> None:
    import numpy as np

    world = worlds.scenario(days=1, pv_kw=np.zeros((96, 1)), price_import_eur_kwh=np.full(96, 0.3))
    low, high = Task.make(world).observation_ranges
    assert (high - low > 0.5).any()
    assert np.isfinite(low).all()
    assert (high > low).all()


def test_stored_heat_is_worth_nothing_when_it_is_warm() -> None:
    import numpy as np

    cold = Task.make(worlds.scenario(days=1, t_out_c=np.full(96, 0.0)), starts=[0])
    warm = Task.make(worlds.scenario(days=1, t_out_c=np.full(96, 18.0)), starts=[0])
    assert cold.stored_values[1][0, 0] > 0.0
    assert warm.stored_values[1][0, 0] == 0.0
    assert cold.stored_values[0][0] == pytest.approx(cold.scenario.price_import_eur_kwh.mean())
