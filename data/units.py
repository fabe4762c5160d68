"""Units that a column of somebody's own file may come in, and how they become those of :class:`Scenario`."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from entangrid.data.checks import did_you_mean
from entangrid.data.errors import InputError


class Unit(NamedTuple):
    """value in our unit = factor · (value + offset), and divided by the step [h] if the unit is an energy per step."""

    factor: float = 1.0
    offset: float = 0.0
    per_step: bool = False


POWER = {
    "W": Unit(1e-3),
    "kW": Unit(),
    "MW": Unit(1e3),
    "Wh per step": Unit(1e-3, per_step=True),
    "kWh per step": Unit(per_step=True),
}
TEMPERATURE = {"°C": Unit(), "C": Unit(), "K": Unit(offset=-273.15), "°F": Unit(5 / 9, -32.0), "F": Unit(5 / 9, -32.0)}
PRICE = {"EUR/kWh": Unit(), "ct/kWh": Unit(1e-2), "EUR/MWh": Unit(1e-3)}
CARBON = {"kg/kWh": Unit(), "g/kWh": Unit(1e-3), "kg/MWh": Unit(1e-3), "t/MWh": Unit()}
ENERGY = {"kWh": Unit(), "Wh": Unit(1e-3)}
FLAG = {"0 or 1": Unit()}
SHARE = {"share": Unit(), "%": Unit(1e-2)}

UNITS: dict[str, Mapping[str, Unit]] = {
    "load_kw": POWER,
    "pv_kw": POWER,
    "gains_air_kw": POWER,
    "gains_mass_kw": POWER,
    "t_out_c": TEMPERATURE,
    "price_import_eur_kwh": PRICE,
    "price_export_eur_kwh": PRICE,
    "carbon_kg_kwh": CARBON,
    "occupancy": SHARE,
    "dhw_kw": POWER,
    "vehicle_home": FLAG,
    "vehicle_trip_kwh": ENERGY,
    "appliance1_ready": FLAG,
    "appliance2_ready": FLAG,
    "occupancy_meter": SHARE,
    "grid_available": FLAG,
}


def unit_of(column: str, unit: object, where: str) -> Unit:
    """Return the unit by name. Raises ``InputError`` for one that ``column`` cannot have."""
    known = UNITS[column]
    if unit not in known:
        raise InputError(
            f"{where}: unit {unit!r} is unknown{did_you_mean(str(unit), known)}; expected {', '.join(known)}"
        )
    return known[str(unit)]


def converted(values: NDArray[np.float64], unit: Unit, dt_h: float) -> NDArray[np.float64]:
    """Return ``values`` (n,) in the unit of the scenario's column."""
    return (values + unit.offset) * (unit.factor / dt_h if unit.per_step else unit.factor)
