"""One CSV file of a CityLearn folder: its column names of all years, its rows, its numbers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from entangrid.data.checks import Origin, did_you_mean, numbers
from entangrid.data.errors import InputError
from entangrid.data.sources.tables import read_table

Floats = NDArray[np.float64]

OLD_NAMES = {
    "Month": "month",
    "Hour": "hour",
    "Day Type": "day_type",
    "Daylight Savings Status": "daylight_savings_status",
    "Equipment Electric Power [kWh]": "non_shiftable_load",
    "DHW Heating [kWh]": "dhw_demand",
    "Cooling Load [kWh]": "cooling_demand",
    "Heating Load [kWh]": "heating_demand",
    "Solar Generation [W/kW]": "solar_generation",
    "Outdoor Drybulb Temperature [C]": "outdoor_dry_bulb_temperature",
    "Electricity Pricing [$]": "electricity_pricing",
    "Electricity Pricing [$/kWh]": "electricity_pricing",
    "kg_CO2/kWh": "carbon_intensity",
}


class Table:
    """One CSV file of the folder, cut to the simulated rows; columns come out as checked numbers."""

    def __init__(self, path: Path, rows: slice) -> None:
        frame = read_table(path)
        self.frame = frame.rename(columns=OLD_NAMES)
        self.old = {new: old for old, new in OLD_NAMES.items() if old in frame.columns}
        stop = len(frame) if rows.stop is None else rows.stop
        if stop > len(frame):
            raise InputError(f"{path}: {len(frame)} rows, but simulation_end_time_step in the schema is {stop - 1}")
        self.frame = self.frame.iloc[rows.start : stop].reset_index(drop=True)
        self.origin = Origin(str(path), rows.start + 2)

    def __len__(self) -> int:
        return len(self.frame)

    def place(self, column: str) -> Callable[[int], str]:
        """Return what names a row of ``column`` by the file's own header."""
        return lambda position: self.origin.place(position, self.old.get(column, column))

    def column(self, name: str, *, default: float | None = None) -> Floats:
        """Return a column (n,) of finite numbers; raises ``InputError`` if it is missing without default."""
        if name not in self.frame.columns:
            if default is not None:
                return np.full(len(self), default)
            hint = did_you_mean(name, map(str, self.frame.columns))
            raise InputError(f"{self.origin.file}: row 1, column {name!r} is missing{hint}")
        place = self.place(name)
        values = numbers(self.frame[name], place)
        finite = np.isfinite(values)
        if not finite.all():
            first = int(np.argmin(finite))
            raise InputError(f"{place(first)}: {values[first]} is no value, expected a finite number")
        return values

    def whole(self, name: str, *, default: int | None = None) -> NDArray[np.int64]:
        """Return a column (n,) of whole numbers."""
        values = self.column(name, default=default)
        fraction = values != np.floor(values)
        if fraction.any():
            first = int(np.argmax(fraction))
            raise InputError(f"{self.place(name)(first)}: {values[first]:g}, expected a whole number")
        return values.astype(np.int64)

    def energy(self, name: str, *, default: float | None = None) -> Floats:
        """Return a column (n,) of kWh that is not negative."""
        values = self.column(name, default=default)
        if (values < 0.0).any():
            first = int(np.argmax(values < 0.0))
            raise InputError(f"{self.place(name)(first)}: {values[first]:g} kWh, expected 0 or more")
        return values
