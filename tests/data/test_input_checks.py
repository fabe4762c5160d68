"""What is wrong with a table is refused with the name of the file, the row and the column."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from data_frames import edit_cell, good_folder, good_frames
from hypothesis import given, settings
from hypothesis import strategies as st

from entangrid.data import InputError, Scenario
from entangrid.data.ranges import RANGES
from entangrid.data.sources.tables import load_folder

FILES = {
    "common.csv": ("t_out_c", "price_import_eur_kwh", "price_export_eur_kwh", "carbon_kg_kwh", "hour", "weekday"),
    "home_north.csv": ("load_kw", "pv_kw", "occupancy", "gains_air_kw", "gains_mass_kw"),
}
CELLS = [(file, column) for file, columns in FILES.items() for column in columns]
NO_NUMBER = [
    "",
    " ",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "abc",
    "1,5",
    "1_000",
    "1.2.3",
    "0x1",
    "--",
    "null",
    "1e999",
    "12 kW",
]


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as error:
        load_folder(folder)
    return str(error.value)


def bad_values(column: str) -> st.SearchStrategy[str]:
    limit = RANGES[column]
    beyond = st.floats(limit.high, 1e12, exclude_min=True) | st.floats(-1e12, limit.low, exclude_max=True)
    return st.sampled_from(NO_NUMBER) | beyond.map(repr)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), cell=st.sampled_from(CELLS), row=st.integers(2, 41))
def test_any_spoilt_cell_is_refused_by_file_row_and_column(data, cell, row):
    file, column = cell
    text = data.draw(bad_values(column))
    with tempfile.TemporaryDirectory() as path:
        folder = good_folder(Path(path))
        lines = (folder / file).read_text().splitlines()
        cells = lines[row - 1].split(",")
        cells[lines[0].split(",").index(column)] = f'"{text}"'
        lines[row - 1] = ",".join(cells)
        (folder / file).write_text("\n".join(lines))
        message = refusal(folder)
    assert message.startswith(f"{folder / file}: row {row}, column '{column}': ")


@settings(max_examples=40, deadline=None)
@given(
    file=st.sampled_from(sorted(FILES)), how=st.sampled_from(["drop", "twice", "swap", "late", "empty"]), data=st.data()
)
def test_any_spoilt_time_axis_is_refused_by_file_row_and_column(file, how, data):
    row = data.draw(st.integers(4, 38))
    with tempfile.TemporaryDirectory() as path:
        folder = good_folder(Path(path))
        lines = (folder / file).read_text().splitlines()
        at = row - 1
        if how == "drop":
            del lines[at]
        elif how == "twice":
            lines.insert(at, lines[at])
            row += 1
        elif how == "swap":
            lines[at - 1], lines[at] = lines[at], lines[at - 1]
        elif how == "late":
            lines[at] = lines[at].replace(":00,", ":30,", 1)
        else:
            lines[at] = lines[at][lines[at].index(",") :]
        (folder / file).write_text("\n".join(lines))
        message = refusal(folder)
    assert message.startswith(f"{folder / file}: row {row}, column 'time': ")


@pytest.mark.parametrize(
    ("file", "column", "text", "hint"),
    [
        ("common.csv", "t_out_c", "278.15", "looks like K or °F"),
        ("common.csv", "price_import_eur_kwh", "31", "looks like ct/kWh"),
        ("common.csv", "price_export_eur_kwh", "-8.2", "looks like ct/kWh"),
        ("common.csv", "carbon_kg_kwh", "420", "looks like g/kWh"),
        ("home_north.csv", "load_kw", "350", "looks like W"),
        ("home_north.csv", "pv_kw", "-0.4", "PV power counts positive"),
        ("home_north.csv", "occupancy", "3", "not a number of persons"),
        ("home_north.csv", "load_kw", "0,5", "decimal point"),
        ("home_north.csv", "load_kw", "", "empty cell"),
    ],
)
def test_messages_say_what_the_mistake_probably_is(tmp_path, file, column, text, hint):
    folder = good_folder(tmp_path)
    edit_cell(folder / file, 7, column, f'"{text}"')
    message = refusal(folder)
    assert hint in message
    assert text in message
    assert "row 7" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("26.03.2016 01:00", "is not understood"),
        ("2016-02-30 01:00", "not a date and time that exists"),
        ("2016-03-26 24:00", "not a date and time that exists"),
        ("2016-03-26 01:00+01:00", "is with UTC offset"),
        ("", "missing time"),
    ],
)
def test_times_that_cannot_be_read_are_refused(tmp_path, text, expected):
    folder = good_folder(tmp_path)
    edit_cell(folder / "common.csv", 6, "time", text)
    assert refusal(folder).startswith(f"{folder / 'common.csv'}: row 6, column 'time': ")
    assert expected in refusal(folder)


def wall_clock_folder(tmp_path: Path, day: str) -> Path:
    """A folder whose times are what a German clock shows on ``day``, without offset."""
    folder = good_folder(tmp_path)
    common, series, _ = good_frames(start=day, n_steps=96)
    wall = common.index.tz_localize("Etc/GMT-1").tz_convert("Europe/Berlin").tz_localize(None)
    common.assign(time=wall).to_csv(folder / "common.csv", index=False)
    for name, frame in series.items():
        frame.assign(time=wall).to_csv(folder / f"home_{name}.csv", index=False)
    return folder


def test_the_repeated_hour_of_autumn_is_named(tmp_path):
    message = refusal(wall_clock_folder(tmp_path, "2016-10-30"))
    assert "common.csv: row 10, column 'time': 2016-10-30 02:00:00 is there twice (first in row 6)" in message
    assert "daylight saving ends in autumn" in message


def test_the_missing_hour_of_spring_is_named(tmp_path):
    message = refusal(wall_clock_folder(tmp_path, "2016-03-27"))
    assert "common.csv: row 10, column 'time': gap: 4 step(s) missing" in message
    assert "daylight saving starts in spring" in message


def test_a_gap_by_day_is_not_blamed_on_daylight_saving(tmp_path):
    common, series, parameters = good_frames()
    with pytest.raises(InputError, match="gap: 4") as error:
        Scenario.from_frames(
            common.drop(common.index[60:64]), series, parameters, name="x", utc_offset_h=1.0, provenance={}
        )
    assert "daylight" not in str(error.value)
    assert "common: row 2016-03-26 16:00:00, column 'time'" in str(error.value)


@pytest.mark.parametrize("minutes", [1, 7, 45, 120])
def test_steps_that_do_not_divide_an_hour_are_refused(minutes):
    frames = good_frames(minutes=minutes)
    with pytest.raises(InputError, match=f"the step is {minutes} min"):
        Scenario.from_frames(*frames, name="x", utc_offset_h=1.0, provenance={})


@pytest.mark.parametrize("minutes", [5, 10, 15, 30, 60])
def test_steps_from_five_minutes_to_an_hour_are_taken(minutes):
    scenario = Scenario.from_frames(*good_frames(minutes=minutes), name="x", utc_offset_h=1.0, provenance={})
    assert scenario.dt_h == minutes / 60
    assert scenario.steps_per_day == 24 * 60 / minutes


def test_homes_must_share_the_common_times():
    common, series, parameters = good_frames()

    def message(frame: pd.DataFrame) -> str:
        with pytest.raises(InputError) as error:
            Scenario.from_frames(
                common, series | {"south": frame}, parameters, name="x", utc_offset_h=1.0, provenance={}
            )
        return str(error.value)

    south = series["south"]
    assert "the series ends after 199 rows, but common has 200" in message(south[:-1])
    assert "row 2016-03-26 00:15:00" in message(south[1:])
    assert "the step is 30 min, but 15 in common" in message(south[::2])
    longer = good_frames(n_steps=201)[1]["south"]
    assert "201 rows, but common has 200" in message(longer)
    assert "ends after 1 rows" in message(south[:1])
    assert "column 'time' is empty" in message(south[:0])
    assert "column 'time' is missing" in message(south.reset_index(drop=True))


def test_a_single_row_needs_its_step():
    frames = good_frames(n_steps=1)
    with pytest.raises(InputError, match="give dt_h"):
        Scenario.from_frames(*frames, name="x", utc_offset_h=1.0, provenance={})
    assert Scenario.from_frames(*frames, name="x", utc_offset_h=1.0, provenance={}, dt_h=0.25).n_steps == 1


def test_columns_are_named_with_the_nearest_known_one():
    common, series, parameters = good_frames()

    def message(frame: pd.DataFrame) -> str:
        with pytest.raises(InputError) as error:
            Scenario.from_frames(frame, series, parameters, name="x", utc_offset_h=1.0, provenance={})
        return str(error.value)

    assert "column 't_out' is unknown (did you mean 't_out_c'?)" in message(common.rename(columns={"t_out_c": "t_out"}))
    assert "column 'carbon_kg_kwh' is missing" in message(common.drop(columns="carbon_kg_kwh"))
    assert "column 't_out_c' is there twice" in message(pd.concat([common, common[["t_out_c"]]], axis=1))


@pytest.mark.parametrize("kind", ["float32", "Float64", "object", "str"])
def test_any_column_type_that_holds_numbers_is_taken(kind):
    common, series, parameters = good_frames()
    common["t_out_c"] = common["t_out_c"].round(1)
    reference = common["t_out_c"].astype("float32") if kind == "float32" else common["t_out_c"]
    scenario = Scenario.from_frames(
        common.assign(t_out_c=common["t_out_c"].astype(kind)),
        series,
        parameters,
        name="x",
        utc_offset_h=1.0,
        provenance={},
    )
    np.testing.assert_array_equal(scenario.t_out_c, reference.to_numpy(dtype=float))


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_missing_values_and_times_of_any_kind_are_refused(missing):
    common, series, parameters = good_frames()
    how = {"name": "x", "utc_offset_h": 1.0, "provenance": {}}
    cells = common["t_out_c"].astype(object)
    cells.iloc[3] = missing
    with pytest.raises(InputError, match=r"common: row 2016-03-26 00:45:00, column 't_out_c'"):
        Scenario.from_frames(common.assign(t_out_c=cells), series, parameters, **how)
    times = common.index.to_series().astype(str).astype(object)
    times.iloc[3] = missing
    with pytest.raises(InputError, match="column 'time': missing time"):
        Scenario.from_frames(common.assign(time=times), series, parameters, **how)
    stamps = common.index.to_series()
    stamps.iloc[3] = pd.NaT
    with pytest.raises(InputError, match="column 'time': missing time"):
        Scenario.from_frames(common.assign(time=stamps), series, parameters, **how)


def test_bad_parameters_are_named_by_row_and_column(tmp_path):
    folder = good_folder(tmp_path)
    edit_cell(folder / "homes.csv", 3, "battery_kwh", "ten")
    assert "homes.csv: row 3, column 'battery_kwh': 'ten' is not a number" in refusal(folder)
    edit_cell(folder / "homes.csv", 3, "battery_kwh", "inf")
    assert "homes.csv: row 3, column 'battery_kwh': inf" in refusal(folder)
    edit_cell(folder / "homes.csv", 3, "battery_kwh", "10")
    edit_cell(folder / "homes.csv", 3, "home", "so/uth")
    (folder / "home_south.csv").unlink()
    assert "homes.csv: row 3, column 'home': 'so/uth'" in refusal(folder)
