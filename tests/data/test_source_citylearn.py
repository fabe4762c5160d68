"""CityLearn folders: the layouts of 2022, 2023 and before; whatever is broken is named in one line."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from data_frames import edit_cell

from entangrid.data import InputError, load
from entangrid.data.sources.citylearn import load_citylearn
from entangrid.data.sources.citylearn_devices import cop
from entangrid.data.sources.citylearn_table import OLD_NAMES
from entangrid.envs.simulator import Simulator
from entangrid.envs.tasks import Task

BATTERY = {
    "type": "citylearn.energy_model.Battery",
    "autosize": False,
    "attributes": {
        "capacity": 6.4,
        "efficiency": 0.9,
        "capacity_loss_coefficient": 1e-05,
        "loss_coefficient": 0.001,
        "nominal_power": 5.0,
    },
}


def building(number: int, **more: object) -> dict[str, object]:
    return {
        "include": True,
        "energy_simulation": f"Building_{number}.csv",
        "weather": "weather.csv",
        "carbon_intensity": "carbon_intensity.csv",
        "pricing": "pricing.csv",
        "inactive_observations": [],
        "inactive_actions": [],
        "electrical_storage": BATTERY,
        "pv": {"type": "citylearn.energy_model.PV", "autosize": False, "attributes": {"nominal_power": 4.0}},
        **more,
    }


def energy_frame(seed: int, start: str = "2016-07-30 23:00", n: int = 72) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    begins = pd.date_range(start, periods=n, freq="h")
    empty = np.full(n, np.nan)
    return pd.DataFrame(
        {
            "month": begins.month,
            "hour": begins.hour + 1,
            "day_type": begins.day_of_week + 1,
            "daylight_savings_status": 0,
            "indoor_dry_bulb_temperature": empty,
            "average_unmet_cooling_setpoint_difference": empty,
            "indoor_relative_humidity": empty,
            "non_shiftable_load": rng.exponential(1.0, n),
            "dhw_demand": 0.0,
            "cooling_demand": 0.0,
            "heating_demand": 0.0,
            "solar_generation": rng.uniform(0.0, 900.0, n),
        }
    )


def write(folder: Path, schema: dict[str, object], **tables: pd.DataFrame) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "schema.json").write_text(json.dumps(schema))
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


def schema_of(*buildings: dict[str, object], **more: object) -> dict[str, object]:
    return {
        "random_seed": 2022,
        "central_agent": False,
        "simulation_start_time_step": 0,
        "simulation_end_time_step": 71,
        "seconds_per_time_step": 3600,
        "observations": {},
        "actions": {},
        "buildings": {f"Building_{i}": content for i, content in enumerate(buildings, start=1)},
        **more,
    }


def shared(n: int = 72) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(0)
    return {
        "weather": pd.DataFrame(
            {
                "outdoor_dry_bulb_temperature": rng.uniform(15.0, 35.0, n),
                "outdoor_relative_humidity": 50.0,
                "diffuse_solar_irradiance": 0.0,
                "direct_solar_irradiance": 0.0,
                "outdoor_dry_bulb_temperature_predicted_1": 20.0,
            }
        ),
        "carbon_intensity": pd.DataFrame({"carbon_intensity": rng.uniform(0.1, 0.3, n)}),
        "pricing": pd.DataFrame(
            {"electricity_pricing": rng.uniform(0.2, 0.5, n), "electricity_pricing_predicted_1": 0.2}
        ),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two buildings in the layout of 2022: three days from 30 July 2016, 23:00, a Saturday."""
    schema = schema_of(building(1), building(2))
    return write(tmp_path / "phase", schema, Building_1=energy_frame(1), Building_2=energy_frame(2), **shared())


def edit_schema(folder: Path, path: str, value: object) -> None:
    schema = json.loads((folder / "schema.json").read_text())
    *parents, last = path.split("/")
    at = schema
    for key in parents:
        at = at[key]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    (folder / "schema.json").write_text(json.dumps(schema))


def edit_table(folder: Path, name: str, **columns: object) -> None:
    file = folder / f"{name}.csv"
    pd.read_csv(file).assign(**columns).to_csv(file, index=False)


def refusal(folder: Path, **how: object) -> str:
    with pytest.raises(InputError) as error:
        load_citylearn(folder, **how)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(str(folder))
    return message


def test_energy_prices_and_carbon_are_the_files(folder):
    scenario = load(f"citylearn:{folder}")
    assert scenario.home_names == ["Building_1", "Building_2"]
    assert scenario.name == "citylearn:phase"
    for h in (0, 1):
        table = pd.read_csv(folder / f"Building_{h + 1}.csv")
        np.testing.assert_array_equal(scenario.load_kw[:, h], table["non_shiftable_load"])
        np.testing.assert_allclose(scenario.pv_kw[:, h], 4.0 * table["solar_generation"] / 1000.0, rtol=1e-14)
    np.testing.assert_array_equal(scenario.t_out_c, pd.read_csv(folder / "weather.csv")["outdoor_dry_bulb_temperature"])
    np.testing.assert_array_equal(
        scenario.price_import_eur_kwh, pd.read_csv(folder / "pricing.csv")["electricity_pricing"]
    )
    np.testing.assert_array_equal(
        scenario.carbon_kg_kwh, pd.read_csv(folder / "carbon_intensity.csv")["carbon_intensity"]
    )
    assert (scenario.price_export_eur_kwh == 0.0).all()
    assert (load_citylearn(folder, price_export_eur_kwh=0.1).price_export_eur_kwh == 0.1).all()
    assert (scenario.occupancy == 1.0).all()


def test_rows_begin_an_hour_before_their_number_in_the_first_year_with_these_weekdays(folder):
    scenario = load_citylearn(folder)
    assert scenario.start == pd.Timestamp("2016-07-30 23:00")
    assert scenario.dt_h == 1.0
    np.testing.assert_array_equal(scenario.hour, scenario.index.hour)
    np.testing.assert_array_equal(scenario.weekday, scenario.index.day_of_week)
    assert "the first year from 2015 on" in scenario.provenance["time"]
    later = load_citylearn(folder, start_year=2019)
    assert later.start == pd.Timestamp("2019-07-30 23:00")
    np.testing.assert_array_equal(later.weekday, scenario.weekday)


def test_hours_from_zero_holidays_and_a_single_month(folder):
    for name, seed in (("Building_1", 1), ("Building_2", 2)):
        frame = energy_frame(seed, start="2018-06-01 00:00")
        frame["hour"] -= 1
        frame.loc[24:47, "day_type"] = 8
        frame.to_csv(folder / f"{name}.csv", index=False)
    scenario = load_citylearn(folder)
    assert scenario.start == pd.Timestamp("2018-06-01")
    assert (scenario.weekday[:24] == 4).all()
    assert (scenario.weekday[24:48] == 6).all()


def test_daylight_saving_moves_the_wall_clock_and_not_the_axis(folder):
    frame = energy_frame(1, start="2016-03-11 23:00")
    standard = pd.date_range("2016-03-11 23:00", periods=72, freq="h")
    saving = (standard >= "2016-03-13 02:00").astype(int)
    wall = standard + pd.to_timedelta(saving, unit="h")
    frame = frame.assign(
        month=wall.month, hour=wall.hour + 1, day_type=wall.day_of_week + 1, daylight_savings_status=saving
    )
    for name in ("Building_1", "Building_2"):
        frame.to_csv(folder / f"{name}.csv", index=False)
    # Within one month the first day is taken to be the 1st, whose weekday is right in another year.
    scenario = load_citylearn(folder)
    assert scenario.start.day == 1
    np.testing.assert_array_equal(scenario.hour, wall.hour)
    assert scenario.n_steps == 72
    # The same rows with hours of standard time all year.
    for name in ("Building_1", "Building_2"):
        edit_table(folder, name, hour=standard.hour + 1, day_type=standard.day_of_week + 1)
    np.testing.assert_array_equal(load_citylearn(folder).hour, standard.hour)


def test_battery_attributes_become_parameters(folder):
    home = load_citylearn(folder).homes.loc["Building_1"]
    assert home["battery_kwh"] == 6.4
    assert home["battery_p_kw"] == 5.0
    assert home["battery_eta_charge"] * home["battery_eta_discharge"] == pytest.approx(0.9)
    assert home["battery_self_discharge_per_h"] == 0.001
    attributes = "buildings/Building_1/electrical_storage/attributes"
    edit_schema(folder, f"{attributes}/depth_of_discharge", 0.8)
    edit_schema(folder, f"{attributes}/initial_soc", 0.5)
    edit_schema(folder, "buildings/Building_2/electrical_storage", ...)
    scenario = load_citylearn(folder)
    assert scenario.homes.loc["Building_1", "battery_kwh"] == pytest.approx(5.12)
    assert scenario.homes.loc["Building_2", "battery_kwh"] == 0.0
    assert scenario.provenance["not modelled"] == "electrical_storage.initial_soc"


def curve(home: pd.Series, name: str) -> list[tuple[float, float]]:
    return [(home[f"battery_{name}_x{i}"], home[f"battery_{name}_y{i}"]) for i in range(1, 6)]


def test_battery_curves_are_read_one_way_and_above_the_depth_of_discharge(folder):
    attributes = "buildings/Building_1/electrical_storage/attributes"
    edit_schema(folder, f"{attributes}/power_efficiency_curve", [[0, 0.81], [0.5, 0.9025], [1, 0.64]])
    edit_schema(folder, f"{attributes}/capacity_power_curve", [[0.0, 1.0], [0.6, 0.8], [1.0, 0.2]])
    edit_schema(folder, f"{attributes}/depth_of_discharge", 0.75)
    home = load_citylearn(folder).homes.loc["Building_1"]
    assert home["battery_curves"] == 1.0
    assert home["battery_cycle"] == 1e-5
    np.testing.assert_allclose(curve(home, "eta"), [(0, 0.9), (0.5, 0.95), (1, 0.8), (1, 0.8), (1, 0.8)])
    # the quarter that stays is cut off: 1.0 - 0.2 · 0.25 / 0.6 at its upper end, and 0.6 is at 0.35 / 0.75 of the rest
    left = 1.0 - 0.2 * 0.25 / 0.6
    np.testing.assert_allclose(curve(home, "lim"), [(0, left), (0.35 / 0.75, 0.8), (1, 0.2), (1, 0.2), (1, 0.2)])


def test_what_citylearn_draws_is_the_middle_of_its_range(folder):
    """The middles of the ranges in CityLearn 3.0.2, energy_model.py; curves relative to the efficiency."""
    attributes = "buildings/Building_1/electrical_storage/attributes"
    given = load_citylearn(folder).homes.loc["Building_1"]
    assert [y**2 for _, y in curve(given, "eta")] == pytest.approx([0.7875, 0.8325, 0.891, 0.9, 0.8685])
    assert [x for x, _ in curve(given, "eta")] == pytest.approx([0.0, 0.3, 0.7, 0.8, 1.0])
    np.testing.assert_allclose(curve(given, "lim")[:3], [(0.0, 0.975), (0.8, 0.925), (1.0, 0.25)])
    for key in ("efficiency", "loss_coefficient", "capacity_loss_coefficient"):
        edit_schema(folder, f"{attributes}/{key}", ...)
    drawn = load_citylearn(folder).homes.loc["Building_1"]
    assert drawn["battery_eta_charge"] ** 2 == pytest.approx(0.94)
    assert drawn["battery_eta_y4"] ** 2 == pytest.approx(0.94)
    assert drawn["battery_self_discharge_per_h"] == 0.005
    assert drawn["battery_cycle"] == pytest.approx(5.5e-5)


@pytest.mark.parametrize(
    "points",
    [
        "flat",
        [[0.0, 1.0]],
        [[0.0, 0.9], [1.0]],
        [[0.0, 0.9], [0.5, 1.1], [1.0, 0.9]],
        [[0.0, 0.9], [0.5, 0.9], [0.5, 0.8], [1.0, 0.9]],
        [[0.1, 0.9], [1.0, 0.9]],
        [[i / 5, 0.9] for i in range(6)],
    ],
)
def test_a_battery_curve_that_cannot_be_one_is_refused(folder, points):
    edit_schema(folder, "buildings/Building_1/electrical_storage/attributes/power_efficiency_curve", points)
    message = refusal(folder)
    assert "Building_1.electrical_storage.attributes.power_efficiency_curve" in message
    assert "expected 2 to 5 points" in message


def test_nothing_happens_but_load_pv_and_battery(folder):
    """The simulator's own account: the grid's power is load + battery - PV, whatever the heat pump's action."""
    scenario = load_citylearn(folder)
    simulator = Simulator(Task.make(scenario, episode_steps=48, starts=[0]), seed=1)
    simulator.reset()
    rng = np.random.default_rng(0)
    for t in range(47):
        simulator.step(rng.uniform(-1.0, 1.0, simulator.n_homes).reshape(1, -1))
        terms = simulator.terms[0]
        np.testing.assert_allclose(
            terms["p_grid_kw"], scenario.load_kw[t] + terms["p_battery_kw"] - scenario.pv_kw[t], atol=1e-12
        )
        assert (terms["p_hp_kw"] == 0.0).all()
        assert (terms["discomfort_eur"] == 0.0).all()
        np.testing.assert_allclose(simulator.state[0]["t_air"] + simulator.state[0]["t_mass"], 42.0, atol=1e-9)
    assert np.abs(terms["p_battery_kw"]).max() > 0.0


def test_demands_of_2023_become_electricity_of_the_named_devices(folder):
    """A heat pump's COP by Carnot: 0.25 · 281.15 K over the lift; an electric heater's is its efficiency."""
    devices = {
        "type": "citylearn.building.LSTMDynamicsBuilding",
        "cooling_device": {
            "type": "citylearn.energy_model.HeatPump",
            "autosize": False,
            "autosize_attributes": {"safety_factor": 1.0},
            "attributes": {
                "nominal_power": 4.1,
                "efficiency": 0.25,
                "target_cooling_temperature": 8.0,
                "target_heating_temperature": 45,
            },
        },
        "dhw_device": {
            "type": "citylearn.energy_model.ElectricHeater",
            "autosize": False,
            "attributes": {"nominal_power": 4.8, "efficiency": 0.9},
        },
        "dhw_storage": {"type": "citylearn.energy_model.StorageTank", "attributes": {"capacity": 2.0}},
        "dynamics": {"type": "citylearn.dynamics.LSTMDynamics", "attributes": {"filename": "Building_1.pth"}},
    }
    edit_schema(folder, "buildings/Building_1", building(1, **devices))
    people = np.arange(72) % 4
    columns = {"occupant_count": people, "indoor_dry_bulb_temperature_cooling_set_point": 24.0, "power_outage": 0}
    edit_table(folder, "Building_1", cooling_demand=3.0, dhw_demand=0.45, **columns)
    scenario = load_citylearn(folder)
    base = pd.read_csv(folder / "Building_1.csv")["non_shiftable_load"]
    expected = base + 3.0 / np.minimum(0.25 * 281.15 / (scenario.t_out_c - 8.0), 20.0) + 0.5
    np.testing.assert_allclose(scenario.load_kw[:, 0], expected, rtol=1e-12)
    np.testing.assert_array_equal(scenario.occupancy[:, 0], people / 3)
    assert "dhw_storage" in scenario.provenance["not modelled"]
    edit_schema(folder, "buildings/Building_1/cooling_device/type", "citylearn.energy_model.Chiller")
    assert "Building_1.cooling_device.type: 'Chiller' for cooling is not supported" in refusal(folder)
    edit_schema(folder, "buildings/Building_1/cooling_device", ...)
    assert "column 'cooling_demand': 3 kWh, but" in refusal(folder)


def test_cop_is_capped_and_never_negative():
    t_out = np.array([-20.0, 0.0, 44.9, 45.0, 60.0])
    heating = cop(0.3, 45.0, t_out, cooling=False)
    np.testing.assert_allclose(heating[:2], 0.3 * 318.15 / np.array([65.0, 45.0]))
    assert (heating[2:] == 20.0).all()
    assert (cop(0.3, 8.0, np.array([0.0, 8.0]), cooling=True) == 20.0).all()


def test_the_column_names_of_older_years_are_understood(folder):
    expected = load_citylearn(folder).content_hash()
    new_names = {new: old for old, new in OLD_NAMES.items() if old != "Electricity Pricing [$/kWh]"}
    for file in folder.glob("*.csv"):
        pd.read_csv(file).rename(columns=new_names).to_csv(file, index=False)
    assert load_citylearn(folder).content_hash() == expected
    edit_cell(folder / "Building_2.csv", 5, "Equipment Electric Power [kWh]", "-1")
    assert "row 5, column 'Equipment Electric Power [kWh]': -1 kWh" in refusal(folder)


def test_absent_pricing_and_carbon_are_nothing_and_a_window_is_cut(folder):
    for number in (1, 2):
        edit_schema(folder, f"buildings/Building_{number}/pricing", None)
        edit_schema(folder, f"buildings/Building_{number}/carbon_intensity", ...)
    edit_schema(folder, "simulation_start_time_step", 25)
    edit_schema(folder, "simulation_end_time_step", 48)
    edit_schema(folder, "buildings/Building_2/include", False)
    scenario = load_citylearn(folder, start_year=2016)
    assert scenario.home_names == ["Building_1"]
    assert scenario.n_steps == 24
    assert scenario.start == pd.Timestamp("2016-08-01")
    assert (scenario.price_import_eur_kwh == 0.0).all()
    table = pd.read_csv(folder / "Building_1.csv")
    np.testing.assert_array_equal(scenario.load_kw[:, 0], table["non_shiftable_load"][25:49])
    edit_cell(folder / "Building_1.csv", 30, "non_shiftable_load", "")
    assert "Building_1.csv: row 30, column 'non_shiftable_load'" in refusal(folder)


def test_photovoltaics_may_be_absolute_or_absent(folder):
    edit_schema(folder, "buildings/Building_1/pv/attributes/generation_mode", "absolute")
    edit_schema(folder, "buildings/Building_2/pv", ...)
    edit_table(folder, "Building_1", solar_generation=1.5)
    pv_kw = load_citylearn(folder).pv_kw
    assert (pv_kw[:, 0] == 1.5).all()
    assert (pv_kw[:, 1] == 0.0).all()


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("buildings", ..., "schema.json: buildings: missing"),
        (
            "buildings/Building_1/energy_simulaton",
            "x.csv",
            "energy_simulaton: unknown (did you mean 'energy_simulation'?)",
        ),
        ("buildings/Building_1/energy_simulation", ..., "Building_1.energy_simulation: missing"),
        ("buildings/Building_1/weather", 3, "Building_1.weather: 3, expected the name of a CSV file"),
        ("buildings/Building_2/pricing", None, "Building_2.pricing: None, but Building_1 has 'pricing.csv'"),
        ("buildings/Building_1/chargers", {"a": {}}, "Building_1.chargers: not supported"),
        ("buildings/Building_1/washing_machines", {"a": {}}, "Building_1.washing_machines: not supported"),
        ("electric_vehicles_def", {"ev": {}}, "electric_vehicles_def: vehicles are not supported"),
        ("buildings/Building_1/pv/attributes/nominal_power", None, "Building_1.pv.attributes.nominal_power: missing"),
        ("buildings/Building_1/pv/attributes/size", 3, "Building_1.pv.attributes.size: unknown"),
        ("buildings/Building_1/pv/sizing", 3, "Building_1.pv.sizing: unknown"),
        ("buildings/Building_1/pv", 4.0, "Building_1.pv: 4.0, expected a device"),
        (
            "buildings/Building_1/electrical_storage/attributes/efficiency",
            90,
            "Building_1.electrical_storage.attributes.efficiency: 90, expected 0.01 to 1",
        ),
        (
            "buildings/Building_1/electrical_storage/attributes/capacty",
            6.4,
            "attributes.capacty: unknown (did you mean 'capacity'?)",
        ),
        ("seconds_per_time_step", 900, "seconds_per_time_step: 900, expected 3600"),
        ("simulation_end_time_step", 8759, "72 rows, but simulation_end_time_step in the schema is 8759"),
        ("simulation_end_time_step", "all", "simulation_end_time_step: 'all'"),
    ],
)
def test_a_wrong_schema_is_refused_by_key(folder, path, value, expected):
    edit_schema(folder, path, value)
    assert expected in refusal(folder)


@pytest.mark.parametrize(
    ("name", "columns", "expected"),
    [
        (
            "Building_1",
            {"non_shiftable_load": np.nan},
            "Building_1.csv: row 2, column 'non_shiftable_load': empty cell",
        ),
        ("Building_2", {"solar_generation": -5.0}, "Building_2.csv: row 2, column 'solar_generation' (W/kW), as power"),
        ("Building_1", {"non_shiftable_load": 1200.0}, "column 'non_shiftable_load': 1200.0 kW is outside"),
        ("Building_1", {"month": 13}, "Building_1.csv: row 2, column 'month': 13, expected 1 to 12"),
        ("Building_1", {"day_type": 1.5}, "column 'day_type': 1.5, expected a whole number"),
        ("Building_2", {"day_type": 1}, "Building_2.csv: row 2, column 'day_type': differs from"),
        (
            "weather",
            {"outdoor_dry_bulb_temperature": 293.0},
            "weather.csv: row 2, column 'outdoor_dry_bulb_temperature'",
        ),
        (
            "pricing",
            {"electricity_pricing": "free"},
            "pricing.csv: row 2, column 'electricity_pricing': 'free' is not a",
        ),
        ("carbon_intensity", {"carbon_intensity": np.inf}, "column 'carbon_intensity': inf is no value"),
    ],
)
def test_a_wrong_table_is_refused_by_row_and_column(folder, name, columns, expected):
    edit_table(folder, name, **columns)
    assert expected in refusal(folder)


def test_missing_files_columns_and_rows_are_named(folder):
    frame = pd.read_csv(folder / "Building_2.csv")
    frame[:60].to_csv(folder / "Building_2.csv", index=False)
    assert refusal(folder).endswith("Building_2.csv: 60 rows, but simulation_end_time_step in the schema is 71")
    edit_schema(folder, "simulation_end_time_step", ...)
    assert "Building_2.csv: 60 rows in column 'month', expected 72" in refusal(folder)
    frame.drop(columns="non_shiftable_load").to_csv(folder / "Building_2.csv", index=False)
    assert "Building_2.csv: row 1, column 'non_shiftable_load' is missing" in refusal(folder)
    pd.read_csv(folder / "weather.csv")[:50].to_csv(folder / "weather.csv", index=False)
    assert "weather.csv: 50 rows in column 'outdoor_dry_bulb_temperature', expected 72" in refusal(folder)
    (folder / "pricing.csv").unlink()
    assert refusal(folder) == f"{folder / 'pricing.csv'}: there is no such file"
    (folder / "schema.json").write_text("{")
    assert "schema.json: cannot be read as JSON" in refusal(folder)
    (folder / "schema.json").unlink()
    assert "schema.json: there is no such file; expected a folder in CityLearn's format" in refusal(folder)


def test_a_gap_in_the_hours_is_named(folder):
    for name in ("Building_1", "Building_2"):
        frame = pd.read_csv(folder / f"{name}.csv")
        frame.drop(index=[40]).to_csv(folder / f"{name}.csv", index=False)
    edit_schema(folder, "simulation_end_time_step", 70)
    for name in ("weather", "pricing", "carbon_intensity"):
        pd.read_csv(folder / f"{name}.csv")[:71].to_csv(folder / f"{name}.csv", index=False)
    assert "Building_1.csv: row 42, column 'hour': month 8, hour 17 where" in refusal(folder)
    assert "Building_1.csv: row 42, column 'hour': month 8, hour 17 where" in refusal(folder, start_year=2016)
    edit_cell(folder / "Building_1.csv", 4, "hour", "0")
    assert "column 'hour': 0, but there are hours 24 too" in refusal(folder)
