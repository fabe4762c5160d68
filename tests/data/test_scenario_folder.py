"""Scenario folders: written and read back bit for bit; whatever is wrong with the files is named."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from data_frames import edit_cell, good_folder, good_scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from entangrid.data import InputError, Scenario, load
from entangrid.data.sources import tables
from entangrid.data.sources.tables import load_folder, save_folder


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as error:
        load_folder(folder)
    return str(error.value)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_round_trip_is_exact(data):
    n_steps = data.draw(st.integers(1, 6))
    minutes = data.draw(st.sampled_from([5, 6, 10, 12, 15, 20, 30, 60]))

    def floats(low: float, high: float, *shape: int) -> np.ndarray:
        return data.draw(arrays(np.float64, shape, elements=st.floats(low, high)))

    scenario = Scenario(
        name=data.draw(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)),
        start=pd.Timestamp("2015-12-30 22:30") + pd.Timedelta(seconds=data.draw(st.integers(0, 10**7))),
        dt_h=minutes / 60,
        utc_offset_h=data.draw(st.sampled_from([-8.0, 0.0, 1.0, 5.75])),
        homes=pd.DataFrame(floats(-1e300, 1e300, 2, 2), index=["NA", "1.50"], columns=["a_kw", "NaN"]),
        t_out_c=floats(-60, 60, n_steps),
        hour=floats(0, 23.999, n_steps),
        weekday=data.draw(arrays(np.int64, n_steps, elements=st.integers(0, 6))),
        price_import_eur_kwh=floats(-5, 5, n_steps),
        price_export_eur_kwh=floats(-5, 5, n_steps),
        carbon_kg_kwh=floats(0, 5, n_steps),
        load_kw=floats(0, 100, n_steps, 2),
        pv_kw=floats(0, 100, n_steps, 2),
        occupancy=floats(0, 1, n_steps, 2),
        gains_air_kw=floats(-100, 100, n_steps, 2),
        gains_mass_kw=floats(-100, 100, n_steps, 2),
        provenance={"load": "drawn: \n 'by' chance #1"},
    )
    with tempfile.TemporaryDirectory() as path:
        save_folder(scenario, Path(path) / "saved")
        again = load(Path(path) / "saved")
    assert again.content_hash() == scenario.content_hash()
    assert again.provenance == scenario.provenance


def test_time_zone_of_the_folder_sets_the_wall_clock(tmp_path):
    folder = good_folder(tmp_path)
    table = pd.read_csv(folder / "common.csv").drop(columns=["hour", "weekday"])
    table.to_csv(folder / "common.csv", index=False)
    head = {"name": "two", "utc_offset_h": 1, "timezone": "Europe/Berlin"}
    (folder / "scenario.yaml").write_text(yaml.safe_dump(head))
    assert load_folder(folder).hour[5] == 1.25
    assert load_folder(folder).provenance == {"folder": "two"}
    (folder / "scenario.yaml").write_text(yaml.safe_dump(head | {"utc_offset_h": 8}))
    assert "timezone 'Europe/Berlin' is +1 h from UTC" in refusal(folder)


def test_saving_never_overwrites_and_leaves_nothing_half_done(tmp_path, monkeypatch):
    scenario = good_scenario(n_steps=10)
    folder = good_folder(tmp_path)
    with pytest.raises(InputError, match="exists already"):
        save_folder(scenario, folder)
    with pytest.raises(InputError, match="there is no folder"):
        save_folder(scenario, tmp_path / "nowhere" / "x")

    def disk_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tables, "_to_csv", disk_full)
    with pytest.raises(OSError, match="No space left"):
        save_folder(scenario, tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["two"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: x\nutc_offset: 1\n", "key 'utc_offset' is unknown (did you mean 'utc_offset_h'?)"),
        ("name: x\n", "utc_offset_h is None, expected a number of hours"),
        ("name: x\nutc_offset_h: true\n", "utc_offset_h is True"),
        ("utc_offset_h: 1\n", "name is None, expected text"),
        ("name: x\nutc_offset_h: 1\ndt_h: soon\n", "dt_h is 'soon'"),
        ("name: x\nutc_offset_h: 1\ntimezone: 3\n", "timezone is 3"),
        ("name: x\nutc_offset_h: 1\nprovenance: me\n", "provenance is 'me'"),
        ("name: [x\n", "cannot be read as YAML"),
        ("- x\n", "expected keys and values"),
        ("name: x\nutc_offset_h: 1\ndt_h: 0.5\n", "row 3, column 'time': uneven step: 15 min"),
    ],
)
def test_a_wrong_head_is_refused(tmp_path, text, expected):
    folder = good_folder(tmp_path)
    (folder / "scenario.yaml").write_text(text)
    message = refusal(folder)
    assert expected in message
    assert message.startswith(str(folder))


def test_files_of_the_wrong_form_are_refused(tmp_path):
    folder = good_folder(tmp_path)
    file = folder / "home_north.csv"
    good = file.read_text()

    def message(text: str | bytes) -> str:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return refusal(folder)

    assert message("") == f"{file}: the file is empty, expected a header in row 1"
    assert "no rows below the header" in message(good.splitlines()[0] + "\n\n\n")
    assert "separated by ';'" in message(good.replace(",", ";"))
    assert "row 3, column 'gains_mass_kw': 7 cells, but the header has 6" in message(edited_line(good, 3, ",1"))
    assert "row 1, column 'load_kw' is there twice" in message(good.replace("pv_kw", "load_kw"))
    assert "(number 3) has no name" in message(good.replace("pv_kw", ""))
    assert "cannot be read as comma-separated UTF-8" in message(b"time,load_kw\n\xff\xfe,1\n")
    assert "row 5, column 'time': blank line" in message(edited_line(good, 4, "\n"))
    assert "row 5, column 'load_kw': 1 cells" in message(edited_line(good, 4, "\n2016"))
    assert "column 'load' is unknown (did you mean 'load_kw'?)" in message(good.replace("load_kw", "load"))
    file.write_bytes(b"\xef\xbb\xbf" + good.replace("\n", "\r\n").encode() + b"\r\n,,\r\n")
    assert load_folder(folder).content_hash() == good_scenario(n_steps=40).content_hash()


def edited_line(text: str, line: int, more: str) -> str:
    lines = text.splitlines()
    lines[line - 1] += more
    return "\n".join(lines)


def test_missing_and_surplus_files_are_named(tmp_path):
    folder = good_folder(tmp_path)
    (folder / "home_attic.csv").write_text("time,load_kw\n")
    assert "home_attic.csv: homes.csv has no home 'attic'" in refusal(folder)
    (folder / "home_attic.csv").unlink()
    (folder / "home_south.csv").unlink()
    assert "homes.csv: row 3, column 'home': 'south' has no file" in refusal(folder)
    edit_cell(folder / "homes.csv", 1, "home", "house")
    assert "homes.csv: row 1, column 'home' is missing" in refusal(folder)
    (folder / "common.csv").unlink()
    assert refusal(folder) == f"{folder / 'common.csv'}: there is no such file"
    (folder / "scenario.yaml").unlink()
    assert refusal(folder) == f"{folder / 'scenario.yaml'}: there is no such file"
    assert "there is no such folder" in refusal(tmp_path / "none")


def test_a_name_that_is_not_known_lists_what_is():
    with pytest.raises(
        InputError, match=r"'bundled-hom' is not known \(did you mean 'bundled-home'\?\); known: bundled"
    ):
        load("bundled-hom")
