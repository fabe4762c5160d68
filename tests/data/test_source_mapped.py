"""A table of one's own through a column map: units, times, what fills the gaps, what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from entangrid.data import InputError, load
from entangrid.data.sources.bundled import bundled_home
from entangrid.data.sources.mapped import load_mapped
from entangrid.data.units import UNITS
from entangrid.envs.parameters import home_records

N = 2 * 96


def meter(start: str = "2016-01-04", n: int = N, minutes: int = 15) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    times = pd.date_range(start, periods=n, freq=f"{minutes}min")
    return pd.DataFrame({"when": times.astype(str), "power": rng.uniform(50.0, 3000.0, n), "note": "x"})


def a_map(**more: object) -> dict[str, object]:
    return {
        "file": "meter.csv",
        "time": "when",
        "timezone": "Europe/Berlin",
        "columns": {"load_kw": {"column": "power", "unit": "W"}},
        **more,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    meter().to_csv(tmp_path / "meter.csv", index=False)
    return tmp_path


def refusal(folder: Path, mapping: dict[str, object]) -> str:
    with pytest.raises(InputError) as error:
        load_mapped(mapping, folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def with_column(key: str, column: str, unit: str) -> dict[str, object]:
    load_kw = {"column": "power", "unit": "W"}
    return a_map(columns={"load_kw": load_kw} | {key: {"column": column, "unit": unit}})


def test_a_meter_becomes_a_home_on_the_bundled_weather(folder):
    scenario = load_mapped(a_map(), folder)
    bundled = bundled_home()
    window = bundled.window(3 * 96, 5 * 96)
    np.testing.assert_allclose(scenario.load_kw[:, 0], meter()["power"] / 1000.0, rtol=1e-15)
    assert scenario.start == window.start
    assert scenario.utc_offset_h == 1.0
    assert scenario.name == "meter"
    for field in ("t_out_c", "hour", "weekday", "price_import_eur_kwh", "price_export_eur_kwh", "carbon_kg_kwh"):
        np.testing.assert_array_equal(getattr(scenario, field), getattr(window, field), err_msg=field)
    pd.testing.assert_frame_equal(scenario.homes, bundled.homes)
    assert (scenario.pv_kw == 0.0).all()
    # Internal gains are those of the bundled home's rule; the sun is that of the same station.
    gains = (scenario.gains_air_kw + scenario.gains_mass_kw) - 0.2 * scenario.occupancy - 0.6 * scenario.load_kw
    bundled_sun = (window.gains_air_kw + window.gains_mass_kw) - 0.2 * window.occupancy - 0.6 * window.load_kw
    np.testing.assert_allclose(gains, bundled_sun, atol=1e-12)
    assert scenario.provenance["load_kw"] == "meter.csv, column 'power' [W]"


def test_photovoltaics_are_those_of_the_bundled_home(folder):
    scenario = load_mapped(a_map(pv={"kwp": 6.0, "tilt_deg": 35.0, "azimuth_deg": 180.0}), folder)
    np.testing.assert_allclose(scenario.pv_kw, bundled_home().pv_kw[3 * 96 : 5 * 96], atol=1e-12)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_map_in_a_file_and_tables_of_both_kinds(folder, suffix):
    expected = load_mapped(a_map(name="home"), folder).content_hash()
    frame = meter()
    if suffix == "parquet":
        frame["when"] = pd.to_datetime(frame["when"])
        frame.to_parquet(folder / "meter.parquet", index=False)
    mapping = a_map(name="home", file=f"meter.{suffix}")
    (folder / "home.yaml").write_text(yaml.safe_dump(mapping))
    assert load(f"mapped:{folder / 'home.yaml'}").content_hash() == expected


@pytest.mark.parametrize(
    ("key", "unit", "value", "expected"),
    [
        ("load_kw", "W", 1500.0, 1.5),
        ("load_kw", "kW", 1.5, 1.5),
        ("load_kw", "MW", 0.002, 2.0),
        ("load_kw", "Wh per step", 250.0, 1.0),
        ("pv_kw", "kWh per step", 0.25, 1.0),
        ("t_out_c", "K", 273.15, 0.0),
        ("t_out_c", "°F", 50.0, 10.0),
        ("t_out_c", "C", -7.0, -7.0),
        ("price_import_eur_kwh", "EUR/MWh", 85.0, 0.085),
        ("price_import_eur_kwh", "ct/kWh", 30.0, 0.3),
        ("price_export_eur_kwh", "EUR/kWh", 0.08, 0.08),
        ("carbon_kg_kwh", "g/kWh", 400.0, 0.4),
        ("carbon_kg_kwh", "t/MWh", 0.4, 0.4),
        ("occupancy", "%", 50.0, 0.5),
        ("gains_air_kw", "W", 100.0, 0.1),
    ],
)
def test_units_become_the_scenarios(folder, key, unit, value, expected):
    meter().assign(value=value).to_csv(folder / "meter.csv", index=False)
    columns = {"load_kw": {"column": "power", "unit": "W"}} | {key: {"column": "value", "unit": unit}}
    scenario = load_mapped(a_map(columns=columns), folder)
    np.testing.assert_allclose(getattr(scenario, key), expected, atol=1e-12)


def test_every_column_has_its_own_unit_first_factor_one():
    for units in UNITS.values():
        assert any(unit.factor == 1.0 and unit.offset == 0.0 and not unit.per_step for unit in units.values())


def test_energy_per_step_is_divided_by_the_step(folder):
    meter(n=48, minutes=60).to_csv(folder / "meter.csv", index=False)
    scenario = load_mapped(with_column("load_kw", "power", "Wh per step"), folder)
    assert scenario.dt_h == 1.0
    np.testing.assert_allclose(scenario.load_kw[:, 0], meter(n=48)["power"] / 1000.0)


def test_offsets_in_the_times_follow_the_clock(folder):
    wall = pd.date_range("2016-03-26 12:00", periods=N, freq="15min", tz="Europe/Berlin")
    meter().assign(when=[time.isoformat() for time in wall]).to_csv(folder / "meter.csv", index=False)
    scenario = load_mapped(a_map(), folder)
    assert scenario.start == pd.Timestamp("2016-03-26 12:00")
    np.testing.assert_array_equal(scenario.hour, wall.hour + wall.minute / 60)
    np.testing.assert_array_equal(scenario.weekday, wall.day_of_week)


def test_years_and_leap_days_run_through(folder):
    meter(start="2015-12-31").to_csv(folder / "meter.csv", index=False)
    assert load_mapped(a_map(), folder).n_steps == N
    meter(start="2016-02-28", n=3 * 96).to_csv(folder / "meter.csv", index=False)
    leap = load_mapped(a_map(), folder)
    np.testing.assert_array_equal(leap.t_out_c[4:96], leap.t_out_c[100:192])


def test_a_home_without_a_house_is_its_meter(folder):
    scenario = load_mapped(a_map(house="none", parameters={"battery_kwh": 5.0, "battery_p_kw": 2.0}), folder)
    assert (scenario.gains_air_kw == 0.0).all()
    assert (scenario.occupancy == 1.0).all()
    records = home_records(scenario.homes)
    assert records["hp_q_ref"] == 0.0
    assert records["battery_e"] == 5.0


def test_other_stations_can_be_named(folder):
    here, there = load_mapped(a_map(), folder), load_mapped(a_map(weather="atlanta_ga"), folder)
    assert there.t_out_c.mean() != here.t_out_c.mean()
    assert "atlanta_ga" in there.provenance["t_out_c"]
    assert "weather station 'atlanta' is not bundled" in refusal(folder, a_map(weather="atlanta"))
    assert "none.epw: there is no such file" in refusal(folder, a_map(weather="none.epw"))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"colums": {}}, "map: key 'colums' is unknown (did you mean 'columns'?)"),
        ({"file": 3}, "map: file is 3, expected text"),
        ({"file": "none.csv"}, "none.csv: there is no such file"),
        ({"time": "date"}, "meter.csv: row 1, column 'date' is missing"),
        ({"timezone": "Berlin"}, "map: timezone 'Berlin' is not known"),
        ({"utc_offset_h": 20}, "map: utc_offset_h is 20, expected -14 to 14"),
        ({"utc_offset_h": 3}, "is +1 h from UTC"),
        ({"dt_h": "soon"}, "map: dt_h is 'soon'"),
        ({"columns": {}}, "map: columns: load_kw is missing"),
        ({"columns": {"load": {}}}, "columns: key 'load' is unknown (did you mean 'load_kw'?)"),
        ({"columns": {"load_kw": "power"}}, "map: columns.load_kw is 'power', expected {column: NAME, unit: UNIT}"),
        ({"columns": {"load_kw": {"column": "power", "unit": "w"}}}, "unit 'w' is unknown"),
        ({"columns": {"load_kw": {"column": "powr", "unit": "W"}}}, "column 'powr' is missing (did you mean 'power'?)"),
        ({"columns": {"load_kw": {"column": "power", "unit": "kW"}}}, "row 2, column 'power' (kW)"),
        ({"columns": {"load_kw": {"column": "note", "unit": "W"}}}, "row 2, column 'note': 'x' is not a number"),
        ({"house": "big"}, "map: house is 'big', expected 'bundled' or 'none'"),
        ({"parameters": {"battery": 5}}, "map: parameters: key 'battery' is unknown"),
        ({"parameters": {"battery_kwh": "5"}}, "map: parameters.battery_kwh is '5', expected a number"),
        ({"pv": {"kwp": 6}}, "map: pv: "),
        ({"pv": {"kwp": -6, "tilt_deg": 35, "azimuth_deg": 180}}, "map: pv: kwp is -6"),
        ({"pv": {"power": 6}}, "map: pv: key 'power' is unknown"),
    ],
)
def test_a_wrong_map_is_refused_by_key(folder, more, expected):
    assert expected in refusal(folder, a_map(**more))


def test_wrong_rows_are_named_with_the_files_own_columns(folder):
    def message(frame: pd.DataFrame) -> str:
        frame.to_csv(folder / "meter.csv", index=False)
        return refusal(folder, a_map()).removeprefix(f"{folder}/")

    frame = meter()
    assert message(frame.drop(index=7)).startswith("meter.csv: row 9, column 'when': gap: 1 step(s) missing")
    assert message(frame.assign(power=np.where(np.arange(N) == 4, np.nan, 1.0))).startswith(
        "meter.csv: row 6, column 'power'"
    )
    assert message(frame.assign(when="soon")).startswith("meter.csv: row 2, column 'when': 'soon' is not understood")
    shifted = (pd.to_datetime(frame["when"]) + pd.Timedelta(minutes=7)).astype(str)
    assert "the table starts at 2016-01-04 00:07:00" in message(frame.assign(when=shifted))


def test_broken_maps_are_named(tmp_path):
    def message(text: str) -> str:
        (tmp_path / "map.yaml").write_text(text)
        with pytest.raises(InputError) as error:
            load_mapped(tmp_path / "map.yaml")
        return str(error.value)

    assert "map.yaml: cannot be read as YAML" in message("a: [")
    assert "map.yaml: expected keys and values" in message("- a")
    assert "map.yaml: file is missing" in message("name: x")
    assert "map.yaml: timezone is missing" in _without_zone(tmp_path)
    with pytest.raises(InputError, match="there is no such file"):
        load(f"mapped:{tmp_path / 'none.yaml'}")


def _without_zone(folder: Path) -> str:
    meter().to_csv(folder / "meter.csv", index=False)
    (folder / "map.yaml").write_text(yaml.safe_dump({k: v for k, v in a_map().items() if k != "timezone"}))
    with pytest.raises(InputError) as error:
        load_mapped(folder / "map.yaml")
    return str(error.value)
