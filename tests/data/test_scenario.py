"""Scenario: shapes, protection, windows, identity, and time zones."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from data_frames import good_frames, good_scenario

from entangrid.data import InputError, Scenario

ARRAYS = (
    *("t_out_c", "hour", "weekday", "price_import_eur_kwh", "price_export_eur_kwh", "carbon_kg_kwh"),
    *("load_kw", "pv_kw", "occupancy", "gains_air_kw", "gains_mass_kw"),
)


def build(common, series, parameters, **changes) -> Scenario:
    how = {"name": "two", "utc_offset_h": 1.0, "provenance": {}} | changes
    return Scenario.from_frames(common, series, parameters, **how)


def as_fields(scenario: Scenario) -> dict:
    return {name: getattr(scenario, name) for name in Scenario.__dataclass_fields__}


def test_arrays_are_the_frames_values_contiguous_and_protected():
    common, series, parameters = good_frames()
    scenario = build(common, series, parameters)
    assert (scenario.n_steps, scenario.n_homes, scenario.steps_per_day) == (200, 2, 96)
    assert scenario.home_names == ["north", "south"]
    np.testing.assert_array_equal(scenario.t_out_c, common["t_out_c"])
    np.testing.assert_array_equal(scenario.load_kw[:, 1], series["south"]["load_kw"])
    assert scenario.index.equals(common.index.as_unit("ns"))
    for name in ARRAYS:
        array = getattr(scenario, name)
        assert array.flags.c_contiguous
        assert array.dtype == (np.int64 if name == "weekday" else np.float64)
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        scenario.homes.iloc[0, 0] = 0.0


def test_a_scenario_keeps_no_hold_on_what_it_was_built_from():
    scenario = good_scenario()
    fields = as_fields(scenario) | {"load_kw": scenario.load_kw.copy()}
    other = Scenario(**fields)
    fields["load_kw"][:] = 99.0
    assert other.content_hash() == scenario.content_hash()


def test_left_out_columns_take_their_documented_defaults():
    common, series, parameters = good_frames()
    scenario = build(common, {name: frame[["load_kw"]] for name, frame in series.items()}, parameters)
    assert (scenario.occupancy == 1.0).all()
    for name in ("pv_kw", "gains_air_kw", "gains_mass_kw"):
        assert (getattr(scenario, name) == 0.0).all()


def test_window_is_the_steps_asked_for():
    scenario = good_scenario()
    window = scenario.window(30, 75)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(window, name), getattr(scenario, name)[30:75])
    assert window.index.equals(scenario.index[30:75])
    assert scenario.window(0, 200).content_hash() == scenario.content_hash()
    assert scenario.window(10, 100).window(20, 65).content_hash() == window.content_hash()


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 5), (7, 3), (0, 201)])
def test_window_beyond_the_scenario_is_refused(start, stop):
    with pytest.raises(InputError, match=rf"window\({start}, {stop}\)"):
        good_scenario().window(start, stop)


def test_hash_follows_content_and_nothing_else():
    scenario = good_scenario()
    fields = as_fields(scenario)
    same = scenario.content_hash()
    assert Scenario(**(fields | {"provenance": {"other": "words"}})).content_hash() == same
    for name in ARRAYS:
        changed = getattr(scenario, name).copy()
        changed.flat[-1] = 0
        if changed.flat[-1] != getattr(scenario, name).flat[-1]:
            assert Scenario(**(fields | {name: changed})).content_hash() != same, name
    for name, value in (
        ("name", "three"),
        ("start", scenario.start + pd.Timedelta(days=1)),
        ("dt_h", 0.5),
        ("utc_offset_h", 2.0),
        ("homes", scenario.homes * 2.0),
        ("homes", scenario.homes.rename(index={"north": "west"})),
        ("homes", scenario.homes.rename(columns={"t_set_c": "t_set_k"})),
    ):
        assert Scenario(**(fields | {name: value})).content_hash() != same, name


def test_pickles_and_copies_are_the_same_and_protected():
    scenario = good_scenario()
    for other in (pickle.loads(pickle.dumps(scenario)), copy.deepcopy(scenario)):
        assert other.content_hash() == scenario.content_hash()
        assert not other.load_kw.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            other.homes.iloc[0, 0] = 0.0


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("start", pd.Timestamp("2016-01-01", tz="UTC"), "start"),
        ("dt_h", 2.0, "dt_h is 2.0"),
        ("dt_h", 0.2501, "dt_h is 0.2501"),
        ("utc_offset_h", 60.0, "utc_offset_h is 60.0"),
        ("t_out_c", np.zeros((0,)), "t_out_c has shape"),
        ("hour", np.full(200, 24.0), "'hour': 24.0 h is outside"),
        ("weekday", np.full(200, 0.5), "whole number"),
        ("load_kw", np.zeros(200), r"load_kw has shape \(200,\), expected \(200, 2\)"),
        ("pv_kw", np.full((200, 2), -1.0), "column 'pv_kw' of home 'north': -1.0 kW"),
        ("occupancy", np.full((200, 2), np.nan), "column 'occupancy' of home 'north': missing value"),
        ("homes", pd.DataFrame({"x_kw": []}), "no rows"),
    ],
)
def test_direct_construction_is_checked_too(field, value, message):
    with pytest.raises(InputError, match=message):
        Scenario(**(as_fields(good_scenario()) | {field: value}))


def test_wall_clock_follows_daylight_saving_while_steps_stay_even():
    common, series, parameters = good_frames(start="2016-03-27", n_steps=96)
    scenario = build(common, series, parameters, timezone="Europe/Berlin")
    assert scenario.hour[7] == 1.75
    assert scenario.hour[8] == 3.0
    assert scenario.hour[-4] == 0.0
    assert scenario.weekday[0] == 6
    assert scenario.weekday[-4] == 0
    plain = build(common, series, parameters)
    np.testing.assert_array_equal(plain.hour, np.arange(96) / 4)


def test_time_zones_are_checked_against_the_offset():
    frames = good_frames()
    with pytest.raises(InputError, match="Europe/Berlni"):
        build(*frames, timezone="Europe/Berlni")
    with pytest.raises(InputError, match=r"Asia/Tokyo.*\+9 h.*\+1"):
        build(*frames, timezone="Asia/Tokyo")
    with pytest.raises(InputError, match="utc_offset_h is 3600"):
        build(*frames, utc_offset_h=3600.0)


def test_times_with_offsets_become_standard_time():
    common, series, parameters = good_frames()
    naive = build(common, series, parameters, timezone="Europe/Berlin")
    wall = common.index.tz_localize("Etc/GMT-1").tz_convert("Europe/Berlin")
    aware = build(
        common.set_index(wall),
        {name: frame.set_index(wall.tz_convert("UTC")) for name, frame in series.items()},
        parameters,
        timezone="Europe/Berlin",
    )
    assert aware.content_hash() == naive.content_hash()
    text = common.assign(time=[time.isoformat() for time in wall]).reset_index(drop=True)
    assert {value[-6:] for value in text["time"]} == {"+01:00", "+02:00"}
    assert build(text, series, parameters, timezone="Europe/Berlin").content_hash() == naive.content_hash()


def test_wall_clock_columns_replace_the_time_zone():
    common, series, parameters = good_frames()
    berlin = build(common, series, parameters, timezone="Europe/Berlin")
    given = common.assign(hour=berlin.hour, weekday=berlin.weekday)
    assert build(given, series, parameters).content_hash() == berlin.content_hash()
    with pytest.raises(InputError, match="exclude each other"):
        build(given, series, parameters, timezone="Europe/Berlin")
    with pytest.raises(InputError, match="needs both"):
        build(given.drop(columns="weekday"), series, parameters)
    with pytest.raises(InputError, match=r"column 'weekday': 1.5 is not a whole"):
        build(given.assign(weekday=1.5), series, parameters)


def test_homes_and_series_must_belong_together():
    common, series, parameters = good_frames()
    with pytest.raises(InputError, match=r"home 'nort' has no row in homes.*did you mean 'north'"):
        build(common, series | {"nort": series["north"]}, parameters)
    with pytest.raises(InputError, match="'south' has no series"):
        build(common, {"north": series["north"]}, parameters)
    with pytest.raises(InputError, match=r"home 'North' is there twice"):
        build(common, series, pd.concat([parameters, parameters.rename(index={"north": "North"})[:1]]))
    for name in ("", "a/b", "..", "Süd", "a b"):
        with pytest.raises(InputError, match=r"column 'home': .* is no home name"):
            build(common, series, parameters.rename(index={"south": name}))
    with pytest.raises(InputError, match="'battery_kwh' is there twice"):
        build(common, series, pd.concat([parameters, parameters], axis=1))


def test_importing_entangrid_brings_neither_pandas_nor_pvlib():
    code = "import sys, entangrid, entangrid.data; print([m for m in ('pandas', 'pvlib', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_package_names_only_what_it_has():
    import entangrid.data

    assert {"Scenario", "InputError", "load", "split_weeks"} <= set(dir(entangrid.data))
    with pytest.raises(AttributeError, match="scenarios"):
        entangrid.data.scenarios  # noqa: B018 - the access is what is tested
