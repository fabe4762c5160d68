"""Made-up homes with more than heat pump, battery and PV: shares, streams, tariffs, text; plain ones stay as ever."""

import numpy as np
import pandas as pd
import pytest

from entangrid.data import InputError, Scenario, load, synthetic
from entangrid.data.sources.synthetic_options import Extras, read_text
from entangrid.data.sources.zoned_home import EXTENSIVE, THREE, TWO, Zone, split
from entangrid.envs.derived import series_records
from entangrid.envs.parameters import home_records, zone_records

EVERYTHING = {
    "tanks": 0.8,
    "vehicles": 0.6,
    "v2h": 0.5,
    "appliances": 0.7,
    "cooling": 0.5,
    "zones": 2,
    "ageing": True,
    "curtailable": True,
    "outages": 40.0,
    "tariff": "dynamic",
    "carbon": "hourly",
    "meter_occupancy": True,
}
NEW = ("dhw_kw", "vehicle_home", "vehicle_trip_kwh", "appliance1_ready", "appliance2_ready", "occupancy_meter")


@pytest.fixture(scope="module")
def village() -> Scenario:
    return synthetic(homes=14, days=28, seed=3, **EVERYTHING)


def test_plain_homes_are_what_they_were():
    """Hashes of scenarios made before there were other homes."""
    known = {
        "synthetic:homes=3,days=5,seed=4": "e1212d7150b2abbb0fdcd6be9b05a0aa874330c5bf6746cd3f8531f8a5c1005e",
        "synthetic:homes=2,days=3,seed=1,climate=continental,dt_h=0.5": (
            "58a8c8d5e2804ae480d354cac6ab4d0504c3d3548bb622f5074da7bdfdd99960"
        ),
    }
    # Bits are promised on one machine and set of versions only; elsewhere the names and columns must do.
    for name, digest in known.items():
        scenario = load(name)
        assert all(scenario.at_default(column) for column in (*NEW, "grid_available"))
        assert not [c for c in scenario.homes.columns if c.startswith(("ev_", "dhw_", "appliance_", "zone", "hp_cool"))]
        if scenario.content_hash() != digest:
            pytest.xfail("another platform's last bits")


def test_every_part_is_there_in_some_homes_and_not_in_others(village):
    records = home_records(village.homes)
    for field in ("dhw_c", "ev_e", "ev_p_discharge", "hp_cool_q_ref", "battery_e"):
        assert 0 < (records[field] > 0.0).sum() < village.n_homes, field
    assert 0 < (records["app_kw"][:, 0] > 0.0).sum() < village.n_homes
    np.testing.assert_array_equal(village.dhw_kw.any(axis=0), records["dhw_c"] > 0.0)
    np.testing.assert_array_equal(village.vehicle_home.any(axis=0), records["ev_e"] > 0.0)
    np.testing.assert_array_equal(village.vehicle_trip_kwh.any(axis=0), records["ev_e"] > 0.0)
    np.testing.assert_array_equal(village.appliance1_ready.any(axis=0), records["app_kw"][:, 0] > 0.0)
    assert (records["battery_calendar"] > 0.0).all()
    assert (records["battery_wear"] == 0.0).all()
    assert (records["pv_curtailable"] == 1.0).all()
    np.testing.assert_array_equal(records["battery_backup"] > 0.0, records["battery_e"] > 0.0)
    assert zone_records(village.homes).shape == (14, 2)
    # The environments' own check: no cycle becomes ready while another is waiting or running.
    series_records(village, records)


def test_its_name_brings_it_back_and_arguments_are_seeded(village):
    assert load(village.name).content_hash() == village.content_hash()
    assert village.name.endswith(
        "zones=2,ageing=1,curtailable=1,outages=40,tariff=dynamic,carbon=hourly,meter_occupancy=1"
    )
    other = synthetic(homes=2, days=3, seed=4, **EVERYTHING)
    assert (other.carbon_kg_kwh != village.carbon_kg_kwh[: other.n_steps]).any()


def test_a_home_depends_neither_on_the_others_nor_on_the_days_to_come(village):
    few = synthetic(homes=3, days=10, seed=3, **EVERYTHING)
    pd.testing.assert_frame_equal(few.homes, village.homes[:3])
    end = few.n_steps - 40  # beyond it, what was begun ends in the longer one
    for field in ("load_kw", *NEW):
        np.testing.assert_array_equal(getattr(few, field)[:end], getattr(village, field)[:end, :3], err_msg=field)
    for field in ("grid_available", "price_import_eur_kwh", "price_export_eur_kwh", "carbon_kg_kwh"):
        np.testing.assert_array_equal(getattr(few, field)[:end], getattr(village, field)[:end], err_msg=field)


def test_parts_do_not_disturb_each_other():
    """A part has its own random numbers: people, weather, PV and the load without waiting devices stay the same."""
    plain = synthetic(homes=4, days=6, seed=9)
    with_tanks = synthetic(homes=4, days=6, seed=9, tanks=1.0)
    both = synthetic(homes=4, days=6, seed=9, tanks=1.0, vehicles=1.0)
    for scenario in (with_tanks, both):
        for field in ("load_kw", "pv_kw", "occupancy", "t_out_c", "gains_air_kw"):
            np.testing.assert_array_equal(getattr(scenario, field), getattr(plain, field), err_msg=field)
    np.testing.assert_array_equal(both.dhw_kw, with_tanks.dhw_kw)
    columns = list(plain.homes.columns)
    pd.testing.assert_frame_equal(both.homes[columns], plain.homes)


def test_larger_shares_keep_the_homes_that_had_a_part():
    some = synthetic(homes=30, days=1, seed=2, vehicles=0.3)
    more = synthetic(homes=30, days=1, seed=2, vehicles=0.8)
    had, has = some.homes["ev_kwh"] > 0.0, more.homes["ev_kwh"] > 0.0
    assert 0 < had.sum() < has.sum() < 30
    assert has[had].all()
    np.testing.assert_array_equal(more.vehicle_home[:, had], some.vehicle_home[:, had])


def test_devices_that_wait_are_taken_out_of_the_load():
    plain = synthetic(homes=6, days=21, seed=2)
    waiting = synthetic(homes=6, days=21, seed=2, appliances=1.0)
    assert (waiting.load_kw <= plain.load_kw + 1e-12).all()
    taken_out = (plain.load_kw - waiting.load_kw).sum() * 0.25
    put_in = 0.8 * waiting.appliance1_ready.sum() + 0.825 * waiting.appliance2_ready.sum()
    assert put_in == pytest.approx(taken_out, rel=0.6)
    assert taken_out > 20.0


def test_tariffs_differ_as_they_say():
    made = {t: synthetic(homes=1, days=14, seed=1, tariff=t) for t in ("tou", "flat", "dynamic", "block", "demand")}
    assert len(np.unique(made["tou"].price_import_eur_kwh)) == 3
    for tariff in ("flat", "block", "demand"):
        assert len(np.unique(made[tariff].price_import_eur_kwh)) == 1
    dynamic = made["dynamic"]
    assert len(np.unique(dynamic.price_import_eur_kwh)) == 14 * 24
    np.testing.assert_allclose(dynamic.price_import_eur_kwh - dynamic.price_export_eur_kwh, 0.16, atol=1e-12)
    assert home_records(made["block"].homes)["block_kwh"][0] > 0.0
    assert home_records(made["demand"].homes)["demand_price"][0] > 0.0
    for tariff in ("tou", "flat", "dynamic"):
        assert not [c for c in made[tariff].homes.columns if c.startswith(("block_", "demand_"))]
    assert synthetic(homes=1, days=60, seed=1, start="2015-06-01", tariff="dynamic").price_export_eur_kwh.min() < 0.0
    hourly = synthetic(homes=1, days=14, seed=1, carbon="hourly")
    assert hourly.carbon_kg_kwh.std() > 0.03
    np.testing.assert_array_equal(hourly.price_import_eur_kwh, made["tou"].price_import_eur_kwh)


def test_outages_are_those_of_all_homes_and_rare(village):
    assert village.grid_available.shape == (village.n_steps,)
    assert 0.97 < village.grid_available.mean() < 1.0
    assert (synthetic(homes=1, days=28, seed=3).grid_available == 1.0).all()


def test_presence_from_the_meter_is_near_the_truth(village):
    there = village.occupancy > 0.0
    guess = village.occupancy_meter > 0.5
    learnt = slice(14 * 96, None)
    assert (guess == there)[learnt].mean() > 0.85


@pytest.mark.parametrize("zones", [TWO, THREE])
def test_a_split_home_is_the_same_home_in_parts(zones):
    row = {c: float(i + 1) for i, c in enumerate(EXTENSIVE)} | {
        "t_set_c": 21.0,
        "comfort_low_c": 20.0,
        "comfort_high_c": 24.0,
    }
    out = split(row, zones)
    prefixes = ["", *(f"zone{z}_" for z in range(2, len(zones) + 1))]
    for column in EXTENSIVE:
        assert sum(out[p + column] for p in prefixes) == pytest.approx(row[column])
    for column in ("gain_share", "emitter_share", "day_share", "night_share"):
        assert sum(out[p + column] for p in prefixes) == pytest.approx(1.0)
    assert out["zone2_t_set_c"] == 19.0
    assert out["zone2_comfort_high_c"] == 24.0
    assert all(out[f"ua_zone1_zone{z}_w_k"] > 0.0 for z in range(2, len(zones) + 1))
    with pytest.raises(InputError, match="expected 1 to 4 that add up to 1"):
        split(row, [Zone(0.5, 1.0, 1.0)])


def test_three_zones_are_valid_homes():
    homes = synthetic(homes=3, days=1, zones=3, cooling=1.0).homes
    assert zone_records(homes).shape == (3, 3)
    assert (home_records(homes)["hp_cool_q_ref"] > 0.0).all()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"tanks": 1.5}, "tanks is 1.5, expected a share of the homes from 0 to 1"),
        ({"vehicles": True}, "vehicles is True"),
        ({"v2h": float("nan")}, "v2h is nan"),
        ({"outages": -1.0}, "outages is -1.0, expected a number a year from 0 to 365"),
        ({"zones": 5}, "zones is 5, expected 1, 2 or 3"),
        ({"zones": True}, "zones is True"),
        ({"tariff": "dynamc"}, r"tariff is 'dynamc' \(did you mean 'dynamic'\?\), expected tou"),
        ({"carbon": "low"}, "carbon is 'low', expected flat, hourly"),
        ({"ageing": 1}, "ageing is 1, expected True or False"),
    ],
)
def test_impossible_wishes_are_refused(how, message):
    with pytest.raises(InputError, match=message):
        synthetic(homes=1, days=1, **how)


def test_text_is_read_back_as_it_was_written():
    extras = Extras(**EVERYTHING)
    assert Extras(**read_text(extras.text())) == extras
    assert Extras().text() == ""
    third = Extras(tanks=1 / 3)
    assert Extras(**read_text(third.text())) == third
    assert read_text("ageing=yes,curtailable=false") == {"ageing": True, "curtailable": False}
    with pytest.raises(InputError, match="ageing is 'maybe', expected 0 or 1"):
        load("synthetic:ageing=maybe")
    with pytest.raises(InputError, match="argument 'vehicle' is unknown"):
        load("synthetic:vehicle=1")
