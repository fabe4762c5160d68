"""The whole house, the home of three zones and the battery home that come with the package."""

import numpy as np
import pytest

from entangrid.data import Scenario, load
from entangrid.data.loading import BUNDLED
from entangrid.data.sources.bundled import bundled_home
from entangrid.data.sources.bundled_battery import bundled_battery
from entangrid.data.sources.bundled_house import bundled_house, people
from entangrid.data.sources.bundled_zones import bundled_zones
from entangrid.data.sources.synthetic_occupancy import ASLEEP, AWAKE, AWAY
from entangrid.envs.derived import series_records
from entangrid.envs.parameters import home_records, zone_records

MADE = {"bundled-house": bundled_house, "bundled-zones": bundled_zones, "bundled-battery": bundled_battery}


@pytest.fixture(scope="module")
def house() -> Scenario:
    return load("bundled-house")


@pytest.mark.parametrize("name", [name for name in BUNDLED if name != "bundled-home"])
def test_they_load_by_name_the_same_every_time(name):
    scenario = load(name)
    assert scenario.name == name
    assert scenario.content_hash() == MADE[name]().content_hash()
    assert (scenario.n_homes, scenario.start.year) == (1, 2016)
    assert scenario.n_steps * scenario.dt_h == 366 * 24
    assert all(len(text) > 5 for text in scenario.provenance.values())
    home_records(scenario.homes)
    zone_records(scenario.homes)


def test_the_house_has_everything(house):
    record = home_records(house.homes)[0]
    assert all(record[f] > 0.0 for f in ("hp_q_ref", "hp_cool_q_ref", "dhw_c", "dhw_hp", "battery_e", "battery_backup"))
    assert all(
        record[f] > 0.0 for f in ("ev_e", "ev_p_discharge", "battery_calendar", "battery_cycle", "pv_curtailable")
    )
    assert (record["app_kw"] > 0.0).all()
    assert record["battery_wear"] == 0.0
    assert zone_records(house.homes).shape == (1, 2)
    series_records(house, home_records(house.homes))


def test_the_house_is_the_bundled_home_but_for_its_load(house):
    home = bundled_home()
    for column in ("t_out_c", "hour", "pv_kw", "occupancy", "price_import_eur_kwh", "carbon_kg_kwh"):
        np.testing.assert_array_equal(getattr(house, column), getattr(home, column))
    np.testing.assert_allclose(house.load_kw * 4000.0, home.load_kw * 3700.0, rtol=1e-9)
    for column in ("c_mass_kwh_k", "ua_air_out_w_k"):
        parts = house.homes[column].iloc[0] + house.homes[f"zone2_{column}"].iloc[0]
        assert parts == pytest.approx(home.homes[column].iloc[0])


def test_the_houses_days_are_plausible(house):
    """2.5 persons at 1.4 to 2.2 kWh of hot water; 10 to 60 km a day; 100 to 300 cycles a year of each appliance."""
    assert 2.5 * 1.4 < house.dhw_kw.sum() * house.dt_h / 366 < 2.5 * 2.2
    assert 10 * 0.15 < house.vehicle_trip_kwh.sum() / 366 < 60 * 0.2
    assert 0.5 < house.vehicle_home.mean() < 0.95
    assert (house.occupancy[house.vehicle_home == 0.0] == 0.0).all()
    for ready in (house.appliance1_ready, house.appliance2_ready):
        assert 100 < ready.sum() < 300
        assert (house.occupancy[ready > 0.0] == 1.0).all()
    # The appliances' 270 kWh and the scaled load make up the bundled home's 4,000 kWh.
    cycles = 0.8 * house.appliance1_ready.sum() + 0.825 * house.appliance2_ready.sum()
    assert house.load_kw.sum() * house.dt_h + cycles == pytest.approx(4000.0, rel=0.03)
    assert (house.grid_available == 1.0).all()
    assert not house.at_default("occupancy_meter")
    assert house.occupancy_meter.std() > 0.2


@pytest.mark.parametrize("dt_h", [1 / 6, 1.0])
def test_the_house_comes_at_any_step(dt_h):
    other = bundled_house(dt_h)
    assert other.n_steps == round(8784 / dt_h)
    assert 2.5 * 1.3 < other.dhw_kw.sum() * dt_h / 366 < 2.5 * 2.3
    series_records(other, home_records(other.homes))


def test_people_sleep_at_night_and_are_away_together():
    hour = np.tile(np.arange(96) / 4.0, 2)
    weekday = np.repeat([4, 5], 96)
    at_home = (hour < 8.0) | (hour >= 17.0)
    chains = people(hour, weekday, at_home)
    assert chains.shape == (3, 192)
    assert (chains[:, ~at_home] == AWAY).all()
    assert (chains[:, at_home] != AWAY).all()
    assert (chains[0, (hour < 6.5) & (weekday == 4)] == ASLEEP).all()
    assert chains[0, 26] == AWAKE
    assert (chains[:, 26] == AWAKE).sum() == 1
    assert (chains[:, 96 + 28] == ASLEEP).all()


def test_zones_are_three_in_a_place_with_hot_summers():
    scenario = bundled_zones()
    zones, home = zone_records(scenario.homes), home_records(scenario.homes)[0]
    assert zones.shape == (1, 3)
    assert zones["gain_share"].sum() == pytest.approx(1.0)
    assert zones["day_share"].sum() == pytest.approx(1.0)
    assert home["hp_cool_q_ref"] > 0.0
    assert home["battery_e"] == home["dhw_c"] == home["ev_e"] == 0.0
    assert (scenario.pv_kw == 0.0).all()
    assert (scenario.t_out_c > 26.0).mean() > 0.15
    assert scenario.t_out_c.min() < 0.0


def test_the_battery_home_is_hourly_and_idle_but_for_its_battery():
    scenario = bundled_battery()
    home = home_records(scenario.homes)[0]
    assert scenario.dt_h == 1.0
    assert (home["battery_e"], home["battery_p"]) == (6.4, 5.0)
    assert home["battery_eta_c"] * home["battery_eta_d"] == pytest.approx(0.9)
    assert home["hp_q_ref"] == home["hp_cool_q_ref"] == 0.0
    assert (scenario.gains_air_kw == 0.0).all()
    assert len(np.unique(scenario.price_import_eur_kwh)) == 3
    assert scenario.load_kw.sum() == pytest.approx(4000.0)
    by_hour = [scenario.carbon_kg_kwh[scenario.hour == h].mean() for h in range(24)]
    assert max(by_hour) > 1.3 * min(by_hour)
    quarter = bundled_battery(0.25)
    np.testing.assert_allclose(quarter.carbon_kg_kwh.reshape(-1, 4).mean(axis=1), scenario.carbon_kg_kwh, atol=0.03)
