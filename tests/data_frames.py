"""A good scenario in frames and in a folder, for tests to spoil."""

from pathlib import Path

import numpy as np
import pandas as pd

from entangrid.data.scenario import Scenario
from entangrid.data.sources.tables import save_folder


def good_frames(
    start: str = "2016-03-26", n_steps: int = 200, minutes: int = 15, seed: int = 1
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], pd.DataFrame]:
    """Return common, series by home and parameters of two homes, indexed by naive standard time."""
    rng = np.random.default_rng(seed)
    index = pd.date_range(start, periods=n_steps, freq=pd.Timedelta(minutes=minutes))
    common = pd.DataFrame(
        {
            "t_out_c": rng.normal(5.0, 6.0, n_steps).clip(-40, 40),
            "price_import_eur_kwh": rng.uniform(0.1, 0.5, n_steps),
            "price_export_eur_kwh": rng.uniform(-0.1, 0.1, n_steps),
            "carbon_kg_kwh": rng.uniform(0.0, 1.0, n_steps),
        },
        index=index,
    )
    series = {
        name: pd.DataFrame(
            {
                "load_kw": rng.exponential(0.5, n_steps),
                "pv_kw": rng.uniform(0.0, 5.0, n_steps),
                "occupancy": rng.uniform(0.0, 1.0, n_steps),
                "gains_air_kw": rng.uniform(0.0, 1.0, n_steps),
                "gains_mass_kw": rng.uniform(0.0, 1.0, n_steps),
            },
            index=index,
        )
        for name in ("north", "south")
    }
    parameters = pd.DataFrame({"battery_kwh": [10.0, 1 / 3], "t_set_c": [21.0, 20.5]}, index=["north", "south"])
    return common, series, parameters


def good_scenario(**how: int) -> Scenario:
    """Return the scenario of :func:`good_frames`."""
    common, series, parameters = good_frames(**how)
    return Scenario.from_frames(common, series, parameters, name="two", utc_offset_h=1.0, provenance={"all": "made up"})


def good_folder(path: Path) -> Path:
    """Write the good scenario below ``path`` and return its folder."""
    save_folder(good_scenario(n_steps=40), path / "two")
    return path / "two"


def edit_cell(file: Path, row: int, column: str, text: str) -> None:
    """Replace one cell of a CSV file; ``row`` is the line number, 1 being the header."""
    lines = file.read_text().splitlines()
    cells = lines[row - 1].split(",")
    cells[lines[0].split(",").index(column)] = text
    lines[row - 1] = ",".join(cells)
    file.write_text("\n".join(lines) + "\n")
