"""How homes are hung on a feeder: buses, folders of tables, and what wrong arguments are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import feeder_cases
import numpy as np
import pandas as pd
import pytest
import worlds

from entangrid.data.errors import InputError
from entangrid.envs import Feeder, Simulator, Task


def make(world: dict[str, Any], **changes: Any) -> Task:
    options: dict[str, Any] = {"feeder": "rural1", "episode_steps": 48, "starts": [48]}
    return Task.make(worlds.whole_scenario(**world), **(options | changes))


def voltages(task: Task, steps: int) -> Any:
    """Voltages (steps, n_bus) without control."""
    simulator = Simulator(task)
    simulator.reset()
    rows = []
    for _ in range(steps):
        simulator.step_default()
        rows.append(simulator.vm[0].copy())
    return np.array(rows)


def test_homes_hang_where_home_bus_says() -> None:
    feeder = Feeder.bundled("rural1")
    labels = [feeder.bus_labels[i] for i in np.flatnonzero(feeder.grid.node_of_bus > 2)[[4, 0, 4]]]
    task = make({"homes": 3}, home_bus=labels)
    assert [feeder.bus_labels[i] for i in task.bus] == labels
    as_text = make({"homes": 3}, home_bus=[str(label) for label in labels])
    assert as_text.bus.tolist() == task.bus.tolist()


def test_homes_are_spread_evenly_and_share_buses_when_they_are_many() -> None:
    few, many = make({"homes": 3}), make({"homes": 30})
    assert few.feeder is not None
    own = np.flatnonzero(few.feeder.grid.node_of_bus == 2)
    free = few.feeder.n_bus - 2  # without the transformer's two
    assert np.unique(few.bus).size == 3
    assert few.bus.max() - few.bus.min() > free // 2
    assert free < 30
    counts = np.bincount(many.bus, minlength=few.feeder.n_bus)
    assert set(counts[counts > 0]) == {30 // free, 30 // free + 1}
    assert not np.isin(own, many.bus).any()


def test_a_feeder_without_lines_takes_homes_at_the_transformer() -> None:
    task = make({"homes": 2}, feeder=Feeder.from_tables(**feeder_cases.random_tables(1, 1)))
    assert task.feeder is not None
    assert (task.feeder.grid.node_of_bus[task.bus] == 2).all()
    assert np.ptp(voltages(task, 4)) > 0.0


def write(folder: Path, tables: dict[str, pd.DataFrame]) -> Path:
    for name, frame in tables.items():
        label = name if name in frame.columns and name in ("bus", "line") else None
        (frame.set_index(label) if label else frame).to_csv(folder / f"{name}.csv")
    return folder


def test_a_folder_of_tables_is_the_feeder_of_those_tables(tmp_path: Path) -> None:
    tables = feeder_cases.random_tables(5, 9)
    tables["line"].index = pd.Index([f"line {i}" for i in range(len(tables["line"]))])
    one = make({"homes": 2}, feeder=write(tmp_path, tables))
    other = make({"homes": 2}, feeder=Feeder.from_tables(**tables))
    assert one.feeder is not None
    assert other.feeder is not None
    assert one.feeder.bus_labels == other.feeder.bus_labels
    np.testing.assert_array_equal(voltages(one, 8), voltages(other, 8))


def meshed() -> dict[str, pd.DataFrame]:
    tables = feeder_cases.random_tables(2, 6)
    first = tables["line"].iloc[[0]].copy()
    ends = set(first[["from_bus", "to_bus"]].to_numpy().ravel())
    free = [b for b in tables["bus"]["bus"] if b not in ends and b != tables["trafo"]["hv_bus"].iloc[0]]
    first["to_bus"] = free[0]
    tables["line"] = pd.concat([tables["line"], first], ignore_index=True)
    return tables


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"home_bus": ["nowhere", "x", "x"]}, "home_bus: 'nowhere' is no bus of the feeder; expected some of"),
        ({"home_bus": [1]}, "home_bus names 1 buses; expected one for each of the 3 homes"),
        ({"feeder": "rural9"}, "feeder 'rural9' is not known; expected rural1, .*or a folder of tables"),
        ({"feeder": None, "home_bus": [1, 2, 3]}, "home_bus and feeder_rules need a feeder"),
        ({"feeder": None, "feeder_rules": {}}, "home_bus and feeder_rules need a feeder"),
        ({"feeder": None, "observation_set": "feeder"}, "observation_set is 'feeder' and the task has no feeder"),
        ({"feeder_rules": {"v_low_pu": 1.2}}, "v_low_pu 1.2 is not below v_high_pu 1.1"),
        ({"feeder_rules": {"overload_eur_pu_h": -1.0}}, "overload_eur_pu_h is -1.0; expected a number >= 0"),
        ({"feeder_rules": {"method": "newton"}}, "method is 'newton'; expected 'distflow' or 'lindistflow'"),
        ({"feeder_rules": {"v_min": 1.2}}, "feeder_rules: .*v_min.*; expected some of v_low_pu, v_high_pu"),
        ({"feeder_rules": {"v_low_pu": "low"}}, "feeder_rules: "),
    ],
)
def test_wrong_feeder_arguments_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make({"homes": 3}, **changes)


def test_the_high_voltage_bus_takes_no_home() -> None:
    feeder = Feeder.from_tables(**feeder_cases.random_tables(4, 5))
    hv = feeder.bus_labels[int(np.flatnonzero(feeder.grid.node_of_bus == 0)[0])]
    lv = feeder.bus_labels[int(np.flatnonzero(feeder.grid.node_of_bus == 2)[0])]
    assert make({"homes": 2}, feeder=feeder, home_bus=[lv, lv]).bus.size == 2
    with pytest.raises(InputError, match=f"home_bus: {hv} is the transformer's high-voltage bus"):
        make({"homes": 2}, feeder=feeder, home_bus=[lv, hv])


def test_broken_folders_and_meshed_grids_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line \d+ between buses .* closes a loop: expected a radial feeder"):
        make({"homes": 2}, feeder=write(tmp_path, meshed()))
    (tmp_path / "line.csv").unlink()
    with pytest.raises(InputError, match=r"line\.csv: .*expected a table with a first column of labels"):
        make({"homes": 2}, feeder=tmp_path)


def test_a_task_without_feeder_has_no_buses_and_no_voltages() -> None:
    task = Task.make(worlds.whole_scenario())
    with pytest.raises(InputError, match="task has no feeder"):
        _ = task.bus
    simulator = Simulator(task, 2)
    simulator.reset()
    assert simulator.vm.shape == (2, 0)
    simulator.step(np.zeros((2, 1, len(task.controls))))
    assert "v_min_pu" not in simulator.info(0)
    assert (simulator.terms["grid_eur"] == 0.0).all()
    assert (simulator.state["vm"] == 1.0).all()
