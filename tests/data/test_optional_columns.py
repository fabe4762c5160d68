"""Columns that few scenarios have: left out they are constants, given they are checked, hashed, cut and saved."""

import pickle

import numpy as np
import pandas as pd
import pytest
from data_frames import edit_cell, good_frames, good_scenario

from entangrid.data import InputError, Scenario
from entangrid.data.columns import OPTIONAL_COLUMNS, OPTIONAL_COMMON, OPTIONAL_HOME
from entangrid.data.sources import device_columns
from entangrid.data.sources.mapped import load_mapped
from entangrid.data.sources.tables import load_folder, save_folder
from entangrid.envs.parameters import PARAMETERS, home_records

N, H = 200, 2


def values(seed: int = 3) -> dict[str, np.ndarray]:
    """Return one array for each optional column, none of them at its default."""
    rng = np.random.default_rng(seed)
    home = (rng.random((N, H)) < 0.6).astype(float)
    return {
        "dhw_kw": rng.exponential(0.3, (N, H)),
        "vehicle_home": home,
        "vehicle_trip_kwh": np.where(home == 0.0, rng.uniform(0.0, 9.0, (N, H)), 0.0),
        "appliance1_ready": (rng.random((N, H)) < 0.02).astype(float),
        "appliance2_ready": (rng.random((N, H)) < 0.1).astype(float),
        "occupancy_meter": rng.random((N, H)),
        "grid_available": (rng.random(N) < 0.9).astype(float),
    }


def fields_of(scenario: Scenario) -> dict:
    return {name: getattr(scenario, name) for name in Scenario.__dataclass_fields__}


def full_scenario() -> Scenario:
    return Scenario(**(fields_of(good_scenario()) | values()))


def test_left_out_columns_are_dense_constants_and_protected():
    scenario = good_scenario()
    for name, default in (OPTIONAL_HOME | OPTIONAL_COMMON).items():
        array = getattr(scenario, name)
        expected = scenario.occupancy if name == "occupancy_meter" else default
        assert array.shape == ((N,) if name == "grid_available" else (N, H))
        np.testing.assert_array_equal(array, np.broadcast_to(expected, array.shape))
        assert array.dtype == np.float64
        assert array.flags.c_contiguous
        assert scenario.at_default(name)
        assert scenario.at_default(name, 1)
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert not scenario.at_default("load_kw")


def test_defaults_leave_the_hash_as_it_was():
    """The hash of a scenario without these columns, as it was before they came."""
    scenario = good_scenario()
    assert scenario.content_hash() == "00c855f69fc18ac3833268ba514153db049511893086f29fda96125d42041bb1"
    spelled_out = fields_of(scenario) | {"occupancy_meter": scenario.occupancy.copy(), "grid_available": np.ones(N)}
    assert Scenario(**spelled_out).content_hash() == scenario.content_hash()


@pytest.mark.parametrize("name", OPTIONAL_COLUMNS)
def test_a_column_that_differs_changes_the_hash(name):
    scenario = good_scenario()
    changed = Scenario(**(fields_of(scenario) | {name: values()[name]}))
    np.testing.assert_array_equal(getattr(changed, name), values()[name])
    assert not changed.at_default(name)
    assert changed.content_hash() != scenario.content_hash()
    assert Scenario(**(fields_of(changed) | {name: None})).content_hash() == scenario.content_hash()


def test_windows_and_pickles_keep_them():
    scenario = full_scenario()
    window = scenario.window(30, 90)
    for name in OPTIONAL_COLUMNS:
        np.testing.assert_array_equal(getattr(window, name), getattr(scenario, name)[30:90])
    again = pickle.loads(pickle.dumps(scenario))
    assert again.content_hash() == scenario.content_hash()
    assert not again.dhw_kw.flags.writeable
    assert scenario.window(0, N).content_hash() == scenario.content_hash()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_folders_keep_them_bit_for_bit(tmp_path, kind):
    scenario = full_scenario()
    save_folder(scenario, tmp_path / "all", format=kind)
    again = load_folder(tmp_path / "all")
    assert again.content_hash() == scenario.content_hash()
    for name in OPTIONAL_COLUMNS:
        np.testing.assert_array_equal(getattr(again, name), getattr(scenario, name))


def test_files_hold_only_what_is_not_at_its_default(tmp_path):
    save_folder(good_scenario(), tmp_path / "plain")
    for file in ("common.csv", "home_north.csv", "home_south.csv"):
        header = (tmp_path / "plain" / file).read_text().splitlines()[0].split(",")
        assert not set(header) & set(OPTIONAL_COLUMNS), file
    dhw = np.zeros((N, H))
    dhw[7, 1] = 2.5
    scenario = Scenario(**(fields_of(good_scenario()) | {"dhw_kw": dhw}))
    save_folder(scenario, tmp_path / "one")
    assert "dhw_kw" not in (tmp_path / "one" / "home_north.csv").read_text()
    assert "dhw_kw" in (tmp_path / "one" / "home_south.csv").read_text()
    assert load_folder(tmp_path / "one").content_hash() == scenario.content_hash()


def test_frames_fill_what_one_home_lacks():
    common, series, parameters = good_frames()
    series["north"] = series["north"].assign(occupancy_meter=0.25, vehicle_home=1.0)
    scenario = Scenario.from_frames(
        common.assign(grid_available=[0.0] + [1.0] * (N - 1)),
        series,
        parameters,
        name="x",
        utc_offset_h=1.0,
        provenance={},
    )
    assert (scenario.occupancy_meter[:, 0] == 0.25).all()
    np.testing.assert_array_equal(scenario.occupancy_meter[:, 1], series["south"]["occupancy"])
    assert (scenario.vehicle_home == [1.0, 0.0]).all()
    assert scenario.grid_available[:2].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("dhw_kw", -1.0, r"column 'dhw_kw' of home 'north': -1.0 kW is outside \[0, 100\] kW"),
        ("dhw_kw", 900.0, "looks like W, or like litres"),
        ("vehicle_home", 0.5, "column 'vehicle_home' of home 'north': 0.5 is not a whole number, 0 or 1"),
        ("vehicle_home", 2.0, "1 is plugged in, 0 is away"),
        ("vehicle_trip_kwh", 5000.0, "looks like Wh"),
        ("appliance1_ready", np.nan, "'appliance1_ready' of home 'north': missing value"),
        ("appliance2_ready", -1.0, "is outside"),
        ("occupancy_meter", 2.0, "not a number of persons"),
        ("grid_available", 0.2, r"row 2016-03-26 00:00:00, column 'grid_available': 0.2 is not a whole number, 0 or 1"),
    ],
)
def test_values_out_of_range_are_named(name, value, message):
    array = np.full((N,) if name == "grid_available" else (N, H), value)
    with pytest.raises(InputError, match=message):
        Scenario(**(fields_of(good_scenario()) | {name: array}))


def test_device_columns_are_those_of_the_environments():
    assert set(device_columns.names()) <= set(PARAMETERS)
    assert len(set(device_columns.names())) == len(device_columns.names())


def test_wrong_shapes_and_driving_while_plugged_in_are_refused():
    fields = fields_of(good_scenario())
    with pytest.raises(InputError, match=r"dhw_kw has shape \(200,\), expected \(200, 2\)"):
        Scenario(**(fields | {"dhw_kw": np.zeros(N)}))
    home, trip = np.zeros((N, H)), np.zeros((N, H))
    home[5, 1], trip[5, 1] = 1.0, 3.0
    with pytest.raises(
        InputError, match=r"row 2016-03-26 01:15:00, column 'vehicle_trip_kwh' of home 'south': 3 kWh while"
    ):
        Scenario(**(fields | {"vehicle_home": home, "vehicle_trip_kwh": trip}))


def test_a_file_is_named_by_row_and_column(tmp_path):
    save_folder(full_scenario(), tmp_path / "all")
    edit_cell(tmp_path / "all" / "home_south.csv", 4, "vehicle_home", "0.5")
    with pytest.raises(
        InputError, match=r"home_south.csv: row 4, column 'vehicle_home': 0.5 is not a whole number, 0 or 1"
    ):
        load_folder(tmp_path / "all")


def test_a_table_of_ones_own_may_have_them(tmp_path):
    times = pd.date_range("2016-02-01", periods=96, freq="15min")
    frame = pd.DataFrame(
        {"time": times, "power": 0.4, "heat": 250.0, "car": 0, "trip": 0.0, "grid": 1, "seen": 50.0, "wash": 0}
    )
    frame.loc[3, ["trip", "grid", "wash"]] = [1500.0, 0, 1]
    frame.to_csv(tmp_path / "meter.csv", index=False)
    columns = {
        "load_kw": ("power", "kW"),
        "dhw_kw": ("heat", "W"),
        "vehicle_home": ("car", "0 or 1"),
        "vehicle_trip_kwh": ("trip", "Wh"),
        "appliance2_ready": ("wash", "0 or 1"),
        "occupancy_meter": ("seen", "%"),
        "grid_available": ("grid", "0 or 1"),
    }
    given = {key: {"column": column, "unit": unit} for key, (column, unit) in columns.items()}
    scenario = load_mapped(
        {
            "file": "meter.csv",
            "timezone": "Europe/Berlin",
            "columns": given,
            "house": "none",
            "parameters": {"ev_kwh": 40, "dhw_c_kwh_k": 0.2, "appliance_kw_2": 0.5},
        },
        tmp_path,
    )
    assert scenario.homes.loc["home-1", "ev_kwh"] == 40.0
    assert home_records(scenario.homes)["app_kw"].tolist() == [[0.0, 0.5]]
    assert (scenario.dhw_kw == 0.25).all()
    assert scenario.vehicle_trip_kwh[3, 0] == 1.5
    assert (scenario.occupancy_meter == 0.5).all()
    assert scenario.grid_available[2:5].tolist() == [1.0, 0.0, 1.0]
    assert scenario.appliance2_ready.sum() == 1.0
