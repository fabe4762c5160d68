"""What a feeder accepts as tables, and what it says about those that it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feeder_cases import Tables, random_load, random_tables

from entangrid.data.errors import InputError
from entangrid.envs.feeder import BUNDLED, Feeder

RANDOM = Path(__file__).parent / "data" / "pandapower_random"


def small() -> Tables:
    """Buses 7, 3, 9 in a row behind the transformer at 7; high-voltage bus 1."""
    line = pd.DataFrame(
        {
            "from_bus": [7, 9],
            "to_bus": [3, 3],
            "length_km": 0.1,
            "r_ohm_per_km": 0.2,
            "x_ohm_per_km": 0.08,
            "c_nf_per_km": 800.0,
            "max_i_ka": 0.27,
        },
        index=[20, 21],
    )
    trafo = pd.DataFrame(
        {
            "hv_bus": [1], "lv_bus": [7], "sn_mva": [0.25], "vn_hv_kv": [20.0], "vn_lv_kv": [0.4], "vk_percent": [6.0],
            "vkr_percent": [1.3], "pfe_kw": [0.9], "i0_percent": [0.35], "tap_side": ["hv"], "tap_pos": [0],
            "tap_neutral": [0], "tap_step_percent": [2.5],
        }
    )  # fmt: skip
    return {
        "bus": pd.DataFrame({"vn_kv": [20.0, 0.4, 0.4, 0.4]}, index=[1, 3, 7, 9]),
        "line": line,
        "trafo": trafo,
        "ext_grid": pd.DataFrame({"bus": [1], "vm_pu": [1.02]}),
    }


LOAD = np.array([[0.0, 20.0, 5.0, -12.0]])


def with_cell(table: str, column: str, value: Any, row: int = 0) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        frame = tables[table].copy()
        values = list(frame[column]) if column in frame else [None] * len(frame)
        values[row] = value
        frame[column] = values
        tables[table] = frame

    return change


def with_rows(table: str, *rows: dict[str, Any]) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        frame = tables[table]
        more = pd.DataFrame([{**frame.iloc[0].to_dict(), **row} for row in rows])
        tables[table] = pd.concat([frame, more], ignore_index=True)

    return change


def without(table: str, column: str) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        tables[table] = tables[table].drop(columns=column)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("line", "max_i_ka"), r"line: missing column\(s\) max_i_ka; expected at least from_bus"),
        (without("trafo", "pfe_kw"), r"trafo: missing column\(s\) pfe_kw"),
        (without("bus", "vn_kv"), r"bus: missing column\(s\) vn_kv"),
        (without("ext_grid", "vm_pu"), r"ext_grid: missing column\(s\) vm_pu"),
        (with_cell("line", "r_ohm_per_km", np.nan), "line 20: r_ohm_per_km is empty, expected a finite number >= 0"),
        (with_cell("line", "x_ohm_per_km", -0.1, 1), r"line 21: x_ohm_per_km = -0.1, expected a finite number >= 0"),
        (with_cell("line", "length_km", np.inf), "line 20: length_km = inf, expected"),
        (with_cell("line", "length_km", "long"), "line 20: length_km = 'long', expected a finite number"),
        (with_cell("line", "max_i_ka", 0.0), "line 20: max_i_ka = 0.0, expected a finite number > 0"),
        (with_cell("line", "to_bus", 44), "line 20: to_bus = 44, expected a bus of the bus table"),
        (with_cell("line", "from_bus", None), "line 20: from_bus is empty, expected a bus"),
        (with_cell("line", "to_bus", 1), "line 20: to_bus = 1, expected a low-voltage bus"),
        (with_cell("line", "in_service", "maybe"), "line 20: in_service = 'maybe', expected True or False"),
        (with_cell("line", "in_service", False, 1), "bus 9: not connected to the transformer"),
        (with_rows("line", {"from_bus": 9, "to_bus": 7}), "line 2 between buses 9 and 7 closes a loop"),
        (with_rows("line", {"from_bus": 9, "to_bus": 9}), "line 2 between buses 9 and 9 closes a loop"),
        (with_rows("line", {"from_bus": 3, "to_bus": 7}), "line 2 between buses 3 and 7 runs beside line 0"),
        (with_cell("bus", "vn_kv", 0.69, 3), "line 21: to_bus = 3, expected a bus of the same vn_kv"),
        (with_cell("bus", "vn_kv", np.nan, 1), "bus 3: vn_kv is empty"),
        (with_cell("bus", "in_service", False, 3), "bus 9: in_service = False, expected buses in service"),
        (with_rows("ext_grid", {"bus": 9}), "2 external grids in service at buses 1, 9, expected exactly one"),
        (with_cell("ext_grid", "in_service", False), r"0 external grids in service at buses \(none\)"),
        (with_cell("ext_grid", "vm_pu", np.nan), "ext_grid 0: vm_pu is empty"),
        (with_cell("ext_grid", "bus", 9), "ext_grid: bus = 9, expected the transformer's high-voltage bus 1"),
        (with_cell("trafo", "in_service", False), "trafo: no transformer in service, expected one"),
        (with_cell("trafo", "lv_bus", 8), "trafo 0: lv_bus = 8, expected a bus of the bus table"),
        (with_cell("trafo", "vkr_percent", 7.0), "trafo 0: vkr_percent = 7.0, expected at most vk_percent = 6"),
        (with_cell("trafo", "sn_mva", 0.0), "trafo 0: sn_mva = 0.0, expected a finite number > 0"),
        (with_cell("trafo", "tap_side", "mv"), "trafo 0: tap_side = 'mv', expected 'hv', 'lv' or nothing"),
        (with_cell("trafo", "tap_neutral", np.nan), "trafo 0: tap_neutral is empty"),
        (with_cell("trafo", "tap_pos", 80), "trafo 0: tap_pos = 80"),
        (with_cell("trafo", "tap_changer_type", "Tabular"), "trafo 0: tap_changer_type = 'Tabular', expected 'Ratio'"),
        (with_rows("trafo", {"lv_bus": 9}), "trafo 0, 1: 2 transformers between different buses, expected one"),
        (with_rows("trafo", {"sn_mva": 0.4}), "trafo 0, 1: parallel transformers differ in sn_mva"),
    ],
)  # fmt: skip
def test_bad_table_is_named_in_one_line(change: Callable[[Tables], None], message: str) -> None:
    tables = small()
    if message.startswith("trafo 0: tap_pos"):
        tables["trafo"]["tap_step_percent"] = -1.0
    change(tables)
    with pytest.raises(InputError, match=message) as error:
        Feeder.from_tables(**tables)
    assert "\n" not in str(error.value)


def test_duplicate_bus_and_table_of_another_kind_are_refused() -> None:
    tables = small()
    tables["bus"].index = [1, 3, 7, 3]
    with pytest.raises(InputError, match="bus 3: listed more than once"):
        Feeder.from_tables(**tables)
    with pytest.raises(InputError, match="bus: expected a pandas DataFrame, got dict"):
        Feeder.from_tables(**{**small(), "bus": {}})  # type: ignore[arg-type]  # frames by name
    with pytest.raises(InputError, match="frequency_hz = 0"):
        Feeder.from_tables(**small(), frequency_hz=0)
    with pytest.raises(InputError, match="feeder = 'rural9', expected one of rural1"):
        Feeder.bundled("rural9")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"p_kw": np.zeros(4)}, r"p_kw: shape \(4,\), expected \(T, 4\)"),
        ({"p_kw": np.zeros((2, 3))}, r"p_kw: shape \(2, 3\), expected \(T, 4\)"),
        ({"p_kw": np.zeros((2, 4)), "q_kvar": np.zeros((1, 4))}, r"q_kvar: shape \(1, 4\), expected p_kw's \(2, 4\)"),
        ({"p_kw": [[0, 0, np.nan, 0]]}, "p_kw: nan at snapshot 0, bus 7"),
        ({"p_kw": LOAD, "method": "newton"}, "method = 'newton', expected 'distflow' or 'lindistflow'"),
        ({"p_kw": LOAD, "max_sweeps": 1}, "expected 1 <= min <= max"),
        ({"p_kw": LOAD, "tolerance_pu": np.nan}, "tolerance_pu = nan"),
    ],
)
def test_bad_power_flow_argument_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Feeder.from_tables(**small()).power_flow(**arguments)


def test_every_bundled_grid_loads_with_one_column_a_bus() -> None:
    for name in BUNDLED:
        feeder = Feeder.bundled(name)
        flow = feeder.power_flow(np.zeros((1, feeder.n_bus)))
        assert flow.vm_pu.shape == (1, feeder.n_bus)
        assert flow.line_current_ka.shape == (1, feeder.n_line)
        assert 1.0 < flow.vm_pu.min() <= flow.vm_pu.max() < 1.03


def test_high_voltage_bus_may_be_missing_from_the_bus_table() -> None:
    for seed in range(5):
        tables = random_tables(seed)
        tables["trafo"]["vn_hv_kv"] = 20.0
        p, q = random_load(seed, tables)
        flow = Feeder.from_tables(**tables).power_flow(p, q)
        low = (tables["bus"]["vn_kv"] < 1.0).to_numpy()
        alone = Feeder.from_tables(**{**tables, "bus": tables["bus"][low]}).power_flow(p[:, low], q[:, low])
        np.testing.assert_allclose(alone.vm_pu, flow.vm_pu[:, low], rtol=0, atol=1e-12)
        np.testing.assert_allclose(flow.vm_pu[:, ~low], tables["ext_grid"]["vm_pu"].iloc[0])
        np.testing.assert_allclose(alone.trafo_loading_percent, flow.trafo_loading_percent)


def test_buses_may_be_labelled_by_index_by_column_and_by_any_value() -> None:
    plain = Feeder.from_tables(**small()).power_flow(LOAD)
    column = small()
    column["bus"] = column["bus"].rename_axis("bus").reset_index()
    named = small()
    names = {1: "MV", 3: "a", 7: "b", 9: "c"}
    named["bus"].index = [names[label] for label in named["bus"].index]
    for table, fields in (("line", ("from_bus", "to_bus")), ("trafo", ("hv_bus", "lv_bus")), ("ext_grid", ("bus",))):
        for field in fields:
            named[table][field] = named[table][field].map(names)
    for tables in (column, named):
        np.testing.assert_array_equal(Feeder.from_tables(**tables).power_flow(LOAD).vm_pu, plain.vm_pu)
    assert Feeder.from_tables(**named).bus_labels == ["MV", "a", "b", "c"]


def test_equal_transformers_side_by_side_count_as_parallel_units() -> None:
    rows, column = small(), small()
    rows["trafo"] = pd.concat([rows["trafo"], rows["trafo"]], ignore_index=True)
    column["trafo"]["parallel"] = 2
    two, also_two = (Feeder.from_tables(**tables).power_flow(LOAD) for tables in (rows, column))
    np.testing.assert_array_equal(two.trafo_loading_percent, also_two.trafo_loading_percent)
    one = Feeder.from_tables(**small()).power_flow(LOAD)
    assert two.trafo_loss_kw[0] > 1.5 * one.trafo_loss_kw[0]
    assert two.trafo_loading_percent[0] < one.trafo_loading_percent[0]


def test_line_out_of_service_opens_a_ring_and_carries_nothing() -> None:
    tables = small()
    flow = Feeder.from_tables(**tables).power_flow(LOAD)
    with_rows("line", {"from_bus": 9, "to_bus": 7, "in_service": False})(tables)
    opened = Feeder.from_tables(**tables).power_flow(LOAD)
    np.testing.assert_array_equal(opened.vm_pu, flow.vm_pu)
    assert opened.line_current_ka[0, 2] == opened.line_loading_percent[0, 2] == 0.0


def test_tap_without_effect_leaves_the_voltage() -> None:
    still = Feeder.from_tables(**small()).power_flow(LOAD).vm_pu
    for change in (
        {"tap_pos": 2, "tap_side": None},
        {"tap_pos": np.nan},
        {"tap_pos": 2, "tap_changer_type": "Ideal", "tap_step_degree": 5.0},
        {"tap_pos": 2, "tap_changer_type": None},
        {"tap_pos": 2, "tap_phase_shifter": True},
    ):
        tables = small()
        tables["trafo"] = tables["trafo"].assign(**change)
        np.testing.assert_array_equal(Feeder.from_tables(**tables).power_flow(LOAD).vm_pu, still)
    moved = small()
    moved["trafo"]["tap_pos"] = -2
    assert (Feeder.from_tables(**moved).power_flow(LOAD).vm_pu[0, 1:] > 1.04 * still[0, 1:]).all()


def test_frames_are_left_as_they_were() -> None:
    case = json.loads((RANDOM / "case_0.json").read_text(encoding="utf-8"))
    tables = {name: pd.DataFrame(case[name]) for name in ("bus", "line", "trafo", "ext_grid")}
    before = {name: frame.copy(deep=True) for name, frame in tables.items()}
    load = np.array(case["p_kw"])
    Feeder.from_tables(**tables).power_flow(load)
    for name, frame in tables.items():
        pd.testing.assert_frame_equal(frame, before[name])
    np.testing.assert_array_equal(load, case["p_kw"])
