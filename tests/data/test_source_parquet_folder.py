"""Scenario folders in Parquet: the same bits as in text, the same refusals."""

import numpy as np
import pandas as pd
import pytest
from data_frames import good_folder, good_scenario

from entangrid.data import InputError, load
from entangrid.data.sources.tables import load_folder, save_folder


@pytest.mark.parametrize("minutes", [5, 15, 60])
def test_round_trip_is_exact(tmp_path, minutes):
    scenario = good_scenario(n_steps=50, minutes=minutes)
    save_folder(scenario, tmp_path / "saved", format="parquet")
    again = load(tmp_path / "saved")
    assert again.content_hash() == scenario.content_hash()
    assert again.provenance == scenario.provenance
    assert sorted(file.suffix for file in (tmp_path / "saved").iterdir()) == [".parquet"] * 4 + [".yaml"]


def test_text_and_parquet_hold_the_same(tmp_path):
    text = good_folder(tmp_path)
    save_folder(load(text), tmp_path / "columns", format="parquet")
    assert load_folder(tmp_path / "columns").content_hash() == load_folder(text, format="csv").content_hash()


def test_a_single_step_keeps_its_length(tmp_path):
    save_folder(good_scenario(n_steps=10, minutes=30).window(3, 4), tmp_path / "one", format="parquet")
    assert load(tmp_path / "one").dt_h == 0.5


def test_a_saved_index_is_a_column(tmp_path):
    scenario = good_scenario(n_steps=20)
    folder = tmp_path / "two"
    save_folder(scenario, folder, format="parquet")
    for file, key in (("homes", "home"), ("home_north", "time"), ("common", "time")):
        path = folder / f"{file}.parquet"
        pd.read_parquet(path).set_index(key).to_parquet(path)
    assert load(folder).content_hash() == scenario.content_hash()


def test_what_does_not_fit_is_named_by_file_time_and_column(tmp_path):
    folder = tmp_path / "two"
    save_folder(good_scenario(n_steps=20), folder, format="parquet")
    file = folder / "home_north.parquet"
    good = pd.read_parquet(file)

    def message(frame: pd.DataFrame | bytes) -> str:
        file.write_bytes(frame) if isinstance(frame, bytes) else frame.to_parquet(file, index=False)
        with pytest.raises(InputError) as error:
            load_folder(folder)
        assert "\n" not in str(error.value)
        return str(error.value).removeprefix(str(folder) + "/")

    load_kw = good["load_kw"].to_numpy()
    negative = np.where(np.arange(20) == 3, -1.0, load_kw)
    assert message(good.assign(load_kw=negative)).startswith(
        "home_north.parquet: row 2016-03-26 00:45:00, column 'load_kw': -1.0 kW"
    )
    missing = np.where(np.arange(20) == 1, np.nan, load_kw)
    assert "row 2016-03-26 00:15:00, column 'load_kw': missing value" in message(good.assign(load_kw=missing))
    assert "column 'lod_kw' is unknown (did you mean 'load_kw'?)" in message(good.rename(columns={"load_kw": "lod_kw"}))
    assert "gap: 1 step(s) missing" in message(good.drop(index=5))
    assert "home_north.parquet: no rows" in message(good[:0])
    assert "cannot be read as Parquet" in message(b"time,load_kw\n")
    file.unlink()
    with pytest.raises(InputError, match="'north' has no file"):
        load_folder(folder)
    (folder / "homes.parquet").unlink()
    with pytest.raises(InputError, match=r"homes\.parquet: there is no such file"):
        load_folder(folder)


def test_the_format_must_be_known_and_plain(tmp_path):
    folder = good_folder(tmp_path)
    with pytest.raises(InputError, match="format is 'feather', expected 'csv' or 'parquet'"):
        save_folder(load(folder), tmp_path / "new", format="feather")
    with pytest.raises(InputError, match="format is 'feather'"):
        load_folder(folder, format="feather")
    with pytest.raises(InputError, match=r"common\.parquet: there is no such file"):
        load_folder(folder, format="parquet")
    (folder / "common.parquet").write_bytes(b"")
    with pytest.raises(InputError, match=r"has common\.csv and common\.parquet; say format="):
        load(folder)
