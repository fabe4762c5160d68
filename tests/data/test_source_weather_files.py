"""EPW and TMY3 files, written here from a bundled station: what is read back is that station."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from entangrid.data import InputError
from entangrid.data.solar import pv_power_kw
from entangrid.data.sources.bundled_files import bundled_csv
from entangrid.data.sources.weather import read_station, station
from entangrid.data.sources.weather_files import open_epw, open_tmy3, read_epw, read_tmy3

EPW_HEAD = """LOCATION,Seattle,WA,USA,TMY3,727930,47.47,-122.32,-8.0,122.0
DESIGN CONDITIONS,0
TYPICAL/EXTREME PERIODS,0
GROUND TEMPERATURES,0
HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0
COMMENTS 1,made for a test
COMMENTS 2,
DATA PERIODS,1,1,Data,Sunday,1/1,12/31
"""
TMY3_HEAD = """727930,"SEATTLE TACOMA INTL A",WA,-8.0,47.470,-122.320,122
Date (MM/DD/YYYY),Time (HH:MM),GHI (W/m^2),DNI (W/m^2),DHI (W/m^2),Dry-bulb (C),Wspd (m/s)
"""


@pytest.fixture(scope="module")
def hours() -> pd.DataFrame:
    return bundled_csv("tmy3/seattle_wa.csv.gz")


def epw_lines(hours: pd.DataFrame) -> list[str]:
    """35 columns: year to minute, a flag, then 29 numbers, of which five matter here (months of different years)."""
    lines = []
    for row in hours.itertuples():
        year = 1980 + row.month
        rest = [row.temp_air_c, 5.0, 80, 101000, 0, 0, 300, row.ghi_w_m2, row.dni_w_m2, row.dhi_w_m2, 0, 0, 0, 0]
        rest += [180, row.wind_m_s, 5, 5, 20.0, 7777, 9, 999999999, 100, 0.1, 0, 0, 0.2, 0.0, 1.0]
        lines.append(",".join(map(str, [year, row.month, row.day, row.hour, 0, "?9", *rest])))
    return lines


def write_epw(path: Path, lines: list[str], head: str = EPW_HEAD) -> Path:
    path.write_text(head + "\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def lines(hours) -> list[str]:
    return epw_lines(hours)


@pytest.fixture(scope="module")
def epw(tmp_path_factory, lines) -> Path:
    return write_epw(tmp_path_factory.mktemp("epw") / "seattle.epw", lines)


@pytest.mark.parametrize(("year", "dt_h"), [(2015, 1.0), (2016, 0.25)])
def test_an_epw_file_is_read_as_the_bundled_station(epw, year, dt_h):
    pd.testing.assert_frame_equal(read_epw(epw, year, dt_h), read_station("seattle_wa", year, dt_h), rtol=1e-12)


def test_an_epw_file_names_its_place(epw):
    place = open_epw(epw).station
    assert place == station("seattle_wa")._replace(name="Seattle")
    weather = read_epw(epw, 2015, 1.0)
    sky = {key: value for key, value in place._asdict().items() if key != "name"}
    power = pv_power_kw(weather, **sky, kwp=1.0, tilt_deg=35.0, azimuth_deg=180.0)
    assert 900.0 < power.sum() < 1300.0


def test_a_tmy3_file_is_read_as_the_bundled_station(tmp_path, hours):
    rows = [
        f"{h.month:02d}/{h.day:02d}/{1990 + h.month},{h.hour:02d}:00,{h.ghi_w_m2},{h.dni_w_m2},{h.dhi_w_m2},"
        f"{h.temp_air_c},{h.wind_m_s}"
        for h in hours.itertuples()
    ]
    file = tmp_path / "727930.csv"
    file.write_text(TMY3_HEAD + "\n".join(rows) + "\n")
    pd.testing.assert_frame_equal(read_tmy3(file, 2015, 0.5), read_station("seattle_wa", 2015, 0.5), rtol=1e-12)
    place = open_tmy3(file).station
    assert (place.latitude, place.longitude, place.altitude_m, place.utc_offset_h) == (47.47, -122.32, 122.0, -8.0)
    rows[100] = rows[100].rsplit(",", 2)[0] + ",-9900,1.0"
    file.write_text(TMY3_HEAD + "\n".join(rows) + "\n")
    with pytest.raises(InputError, match=r"727930.csv: row 103, column 'Dry-bulb.*-9900 °C, expected -80 to 65"):
        read_tmy3(file)


def test_a_leap_day_in_the_file_is_left_out(tmp_path, hours, epw):
    february = hours[(hours["month"] == 2) & (hours["day"] == 28)]
    end = february.index[-1] + 1
    leap = pd.concat([hours[:end], february.assign(day=29, temp_air_c=40.0), hours[end:]])
    file = write_epw(tmp_path / "leap.epw", [line.replace("1982,", "1984,", 1) for line in epw_lines(leap)])
    pd.testing.assert_frame_equal(read_epw(file, 2015, 1.0), read_epw(epw, 2015, 1.0))
    assert read_epw(file, 2016, 1.0).loc["2016-02-29", "temp_air_c"].max() < 40.0


def test_broken_files_are_named(tmp_path, lines, epw):
    def message(changed: list[str], head: str = EPW_HEAD) -> str:
        with pytest.raises(InputError) as error:
            read_epw(write_epw(tmp_path / "x.epw", changed, head))
        assert "\n" not in str(error.value)
        assert str(error.value).startswith(str(tmp_path / "x.epw"))
        return str(error.value)

    def cell(row: int, column: int, text: str) -> list[str]:
        cells = lines[row].split(",")
        cells[column] = text
        return [*lines[:row], ",".join(cells), *lines[row + 1 :]]

    assert "row 19, column 'temp_air': 99.9 °C, expected -80 to 65 (a missing-value code?)" in message(
        cell(10, 6, "99.9")
    )
    assert "row 9, column 'ghi': 9999 W/m², expected 0 to 1600" in message(cell(0, 13, "9999"))
    assert "row 9, column 'wind_speed': 999 m/s" in message(cell(0, 21, "999"))
    assert "row 14, column 'dni'" in message(cell(5, 14, ""))
    assert "8759 rows, expected the 8,760 hours" in message(lines[:-1])
    assert "row 10, column 'time': the hour that begins on 01-01 02:00 stands where" in message(
        [*lines[:1], lines[2], lines[1], *lines[3:]]
    )
    assert "cannot be read as EPW" in message(["nothing"], "no head\n")
    assert "latitude is 147.47, expected -90 to 90" in message(lines, EPW_HEAD.replace("47.47", "147.47", 1))
    with pytest.raises(InputError, match="there is no such file"):
        read_epw(tmp_path / "none.epw")
    with pytest.raises(InputError, match="there is no such file"):
        read_tmy3(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"weather of Seattle: dt_h is 0\.3"):
        read_epw(epw, 2015, 0.3)
    assert np.isfinite(read_epw(epw, 2015, 1.0).to_numpy()).all()
