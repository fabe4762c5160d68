"""Folders in CityLearn's format (``schema.json`` and CSV files), as the challenges of 2020 to 2023 came.

Of each building: ``electric load = non_shiftable_load + what its devices draw for the cooling, heating and hot water
demand``, PV and battery (:mod:`entangrid.data.sources.citylearn_devices`). There is no building physics in these
folders that could be taken over (the 2023 buildings' indoor temperature is a neural network), so the homes are
:mod:`plain <entangrid.data.sources.plain_home>` ones: no heat pump, an idle building, comfort at no price.

- Hourly only. A row's energy [kWh] is its mean power [kW]. Time: :mod:`entangrid.data.sources.citylearn_time`.
- Prices are taken number for number, whatever the currency. CityLearn's evaluation counts nothing for what is fed in
  (costs of a step are cut at 0), so the export price is 0 unless another is asked for.
- Rows: from ``simulation_start_time_step`` to ``simulation_end_time_step``, both included.
- ``occupant_count`` (2023) over its largest value is the occupancy; without the column it is 1.
- Forecast columns, indoor climate, set points, outages and the schema's parts on observations, actions, agents and
  rewards are not read. Vehicles and washing machines are refused, as leaving them out would change the load.
- The column names of 2020 to 2022 ("Equipment Electric Power [kWh]") are understood.

Origin: K. Nweye et al., *CityLearn v2*, DOI 10.1080/19401493.2024.2418813; the 2022 data: DOI 10.18738/T8/0YLJ6Q.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entangrid.data.checks import did_you_mean
from entangrid.data.errors import InputError
from entangrid.data.ranges import check_range
from entangrid.data.scenario import Scenario
from entangrid.data.sources.citylearn_devices import battery, device_kw, pv_share
from entangrid.data.sources.citylearn_table import Table
from entangrid.data.sources.citylearn_time import time_axis
from entangrid.data.sources.plain_home import plain_parameters

Floats = NDArray[np.float64]

FILES = ("energy_simulation", "weather", "carbon_intensity", "pricing")
USES = ("cooling", "heating", "dhw")
NOT_READ = ("type", "include", "inactive_observations", "inactive_actions", "dynamics", "power_outage", "occupant")
REFUSED = ("chargers", "electric_vehicles", "washing_machines", "deferrable_appliances", "electrical_service")
DEVICES = (*(f"{use}_device" for use in USES), *(f"{use}_storage" for use in USES), "electrical_storage", "pv")
KEYS = (*FILES, *DEVICES, *NOT_READ, "set_point_hold_time_steps", "maximum_temperature_delta")


def load_citylearn(
    folder: str | Path,
    *,
    start_year: int | None = None,
    utc_offset_h: float = 0.0,
    price_export_eur_kwh: float = 0.0,
) -> Scenario:
    """Return the buildings of a CityLearn folder (those that the schema includes) as a scenario of hourly steps.

    start_year: of the first row, else found from the weekdays. utc_offset_h: the files do not tell it, and nothing that
    is read depends on it. Raises ``InputError`` naming file and field of the first thing that does not fit.
    """
    root = Path(folder)
    schema_file = root / "schema.json"
    schema = _read_schema(schema_file)
    rows = _rows(schema, schema_file)
    buildings = _buildings(schema, schema_file)
    tables: dict[str, Table] = {}

    def table(where: str, building: Mapping[str, Any], key: str) -> Table | None:
        name = building.get(key)
        if name is None:
            return None
        if not isinstance(name, str):
            raise InputError(f"{where}.{key}: {name!r}, expected the name of a CSV file")
        if name not in tables:
            tables[name] = Table(root / name, rows)
        return tables[name]

    common: dict[str, Any] = {}
    columns: dict[str, list[Floats]] = {"load_kw": [], "pv_kw": [], "occupancy": []}
    parameters, left_out, reason, shared_files = [], set[str](), "", {}
    for name, building in buildings.items():
        where = f"{schema_file}: buildings.{name}"
        files = {key: table(where, building, key) for key in FILES}
        energy, weather = files["energy_simulation"], files["weather"]
        if energy is None or weather is None:
            raise InputError(
                f"{where}.{'energy_simulation' if energy is None else 'weather'}: missing, expected a CSV file"
            )
        given = {key: building.get(key) for key in FILES[1:]}
        if not common:
            axis = time_axis(
                energy.whole("month"),
                energy.whole("hour"),
                energy.whole("day_type"),
                energy.whole("daylight_savings_status", default=0),
                energy.origin,
                start_year,
            )
            common = {"start": axis.start, "hour": axis.hour, "weekday": axis.weekday}
            common |= _common(weather, files["carbon_intensity"], files["pricing"], len(energy))
            reason, shared_files, first = axis.reason, given, (name, energy)
        elif given != shared_files:
            key = next(key for key in given if given[key] != shared_files[key])
            raise InputError(
                f"{where}.{key}: {given[key]!r}, but {first[0]} has {shared_files[key]!r}; expected one for all"
            )
        _same_clock(energy, first[1])
        columns["load_kw"].append(_load_kw(energy, building, where, common["t_out_c"]))
        columns["pv_kw"].append(_pv_kw(energy, building, where))
        people = energy.energy("occupant_count", default=1.0)
        columns["occupancy"].append(people / people.max() if people.max() > 0.0 else people)
        store = battery(f"{where}.electrical_storage", building.get("electrical_storage"))
        left_out |= {f"electrical_storage.{key}" for key in store.left_out}
        left_out |= {key for key in (*(f"{use}_storage" for use in USES), "dynamics") if building.get(key)}
        left_out |= {"power_outage"} if _has_outages(building.get("power_outage")) else set()
        parameters.append(plain_parameters(name, **store.columns))

    n_steps = len(common["t_out_c"])
    gains = np.zeros((n_steps, len(parameters)))
    common |= {column: np.column_stack(parts) for column, parts in columns.items()}
    return Scenario(
        name=f"citylearn:{root.resolve().name}",
        dt_h=1.0,
        utc_offset_h=utc_offset_h,
        homes=pd.concat(parameters),
        price_export_eur_kwh=np.full(n_steps, price_export_eur_kwh),
        gains_air_kw=gains,
        gains_mass_kw=gains,
        **common,
        provenance={
            "source": f"CityLearn folder {root.resolve().name}; licence and citation are those of the folder",
            "time": f"{reason}; UTC offset {utc_offset_h:+g} h assumed",
            "prices": f"number for number, taken as EUR; export {price_export_eur_kwh:g} EUR/kWh",
            "load": "non_shiftable_load, and the devices' electricity for the recorded cooling, heating and dhw demand",
            "battery": "efficiency of the round trip split evenly; usable capacity = capacity · depth_of_discharge; "
            "what CityLearn draws at random is the middle of its range",
            "building": "none: no heat pump, idle envelope, comfort at no price",
            "not modelled": ", ".join(sorted(left_out)) or "nothing",
        },
    )


def _read_schema(path: Path) -> Mapping[str, Any]:
    try:
        schema = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; expected a folder in CityLearn's format") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(schema, dict):
        raise InputError(f"{path}: expected an object with 'buildings'")
    if schema.get("electric_vehicles_def"):
        raise InputError(f"{path}: electric_vehicles_def: vehicles are not supported; take them out of the schema")
    seconds = schema.get("seconds_per_time_step", 3600)
    if seconds != 3600:
        raise InputError(f"{path}: seconds_per_time_step: {seconds!r}, expected 3600 (hourly)")
    return schema


def _rows(schema: Mapping[str, Any], path: Path) -> slice:
    first, last = schema.get("simulation_start_time_step"), schema.get("simulation_end_time_step")
    for key, value in (("simulation_start_time_step", first), ("simulation_end_time_step", last)):
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise InputError(f"{path}: {key}: {value!r}, expected a row number from 0")
    if last is not None and last < (first or 0):
        raise InputError(f"{path}: simulation_end_time_step: {last}, expected at least the start's {first}")
    return slice(first or 0, None if last is None else last + 1)


def _buildings(schema: Mapping[str, Any], path: Path) -> dict[str, Mapping[str, Any]]:
    buildings = schema.get("buildings")
    if not isinstance(buildings, dict) or not buildings:
        found = "no buildings by name" if "buildings" in schema else f"missing{did_you_mean('buildings', schema)}"
        raise InputError(f"{path}: buildings: {found}, expected buildings by name")
    chosen: dict[str, Mapping[str, Any]] = {}
    for name, building in buildings.items():
        where = f"{path}: buildings.{name}"
        if not isinstance(building, dict):
            raise InputError(f"{where}: {building!r}, expected keys and values")
        if not building.get("include", True):
            continue
        for key, value in building.items():
            if key in REFUSED:
                if value:
                    raise InputError(f"{where}.{key}: not supported; take it out of the schema to leave it out")
            elif key not in KEYS:
                raise InputError(f"{where}.{key}: unknown{did_you_mean(key, KEYS)}; expected {', '.join(KEYS)}")
        chosen[name] = building
    if not chosen:
        raise InputError(f"{path}: buildings: none has include = true")
    return chosen


def _has_outages(content: object) -> bool:
    """Whether a building's ``power_outage`` asks for any."""
    return bool(content.get("simulate_power_outage", True) if isinstance(content, Mapping) else content)


def _common(weather: Table, carbon: Table | None, pricing: Table | None, n_steps: int) -> dict[str, Floats]:
    """Return outdoor temperature, price and carbon (n,); a file that the schema does not name gives 0."""
    out = {}
    for key, table, column in (
        ("t_out_c", weather, "outdoor_dry_bulb_temperature"),
        ("carbon_kg_kwh", carbon, "carbon_intensity"),
        ("price_import_eur_kwh", pricing, "electricity_pricing"),
    ):
        if table is None:
            out[key] = np.zeros(n_steps)
            continue
        values = table.column(column)
        if len(values) != n_steps:
            raise InputError(
                f"{table.origin.file}: {len(values)} rows in column {column!r}, expected {n_steps} as in the buildings"
            )
        check_range(key, values, table.place(column))
        out[key] = values
    return out


def _same_clock(table: Table, first: Table) -> None:
    if table is first:
        return
    if len(table) != len(first):
        raise InputError(
            f"{table.origin.file}: {len(table)} rows in column 'month', expected {len(first)} as in {first.origin.file}"
        )
    for column in ("month", "hour", "day_type"):
        differs = table.whole(column) != first.whole(column)
        if differs.any():
            row = int(np.argmax(differs))
            raise InputError(
                f"{table.place(column)(row)}: differs from {first.origin.file}; expected the same times in all"
            )


def _load_kw(table: Table, building: Mapping[str, Any], where: str, t_out_c: Floats) -> Floats:
    load = table.energy("non_shiftable_load")
    check_range("load_kw", load, table.place("non_shiftable_load"))
    for use in USES:
        demand = table.energy(f"{use}_demand", default=0.0)
        device = building.get(f"{use}_device")
        load = load + device_kw(f"{where}.{use}_device", device, demand, t_out_c, use, table.place(f"{use}_demand"))
    return load


def _pv_kw(table: Table, building: Mapping[str, Any], where: str) -> Floats:
    factor, unit = pv_share(f"{where}.pv", building.get("pv"))
    if factor == 0.0:
        return np.zeros(len(table))
    pv_kw = factor * table.column("solar_generation")
    check_range("pv_kw", pv_kw, lambda i: f"{table.place('solar_generation')(i)} ({unit}), as power")
    return pv_kw
