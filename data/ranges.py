"""What a series may hold: one table of ranges, with the mistake that a value beyond them usually is."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from entangrid.data.errors import InputError


class Range(NamedTuple):
    """Closed interval of allowed values and what a value below or above it hints at."""

    low: float
    high: float
    unit: str
    if_below: str = ""
    if_above: str = ""


RANGES = {
    "t_out_c": Range(-60.0, 60.0, "°C", "looks like °F or a missing-value code", "looks like K or °F"),
    "price_import_eur_kwh": Range(-5.0, 5.0, "EUR/kWh", "looks like ct/kWh", "looks like ct/kWh"),
    "price_export_eur_kwh": Range(-5.0, 5.0, "EUR/kWh", "looks like ct/kWh", "looks like ct/kWh"),
    "carbon_kg_kwh": Range(0.0, 5.0, "kg/kWh", "", "looks like g/kWh"),
    "load_kw": Range(0.0, 100.0, "kW", "a load is what the home uses, without PV", "looks like W"),
    "pv_kw": Range(0.0, 100.0, "kW", "PV power counts positive", "looks like W"),
    "occupancy": Range(0.0, 1.0, "", "", "the share of the household that is at home, not a number of persons"),
    "gains_air_kw": Range(-100.0, 100.0, "kW", "looks like W", "looks like W"),
    "gains_mass_kw": Range(-100.0, 100.0, "kW", "looks like W", "looks like W"),
    "hour": Range(0.0, float(np.nextafter(24.0, 0.0)), "h", "", "an hour of the day lies in [0, 24)"),
    "weekday": Range(0.0, 6.0, "", "", "0 is Monday, 6 is Sunday"),
}


def check_range(column: str, values: NDArray[np.float64], place: Callable[[int], str]) -> None:
    """Check that ``values`` (n,) are finite and within ``RANGES[column]``.

    ``place(i)`` says where value i comes from. Raises ``InputError`` for the first value that does not fit.
    """
    allowed = RANGES[column]
    fits = (values >= allowed.low) & (values <= allowed.high)
    if fits.all():
        return
    first = int(np.argmin(fits))
    value = float(values[first])
    if np.isnan(value):
        raise InputError(f"{place(first)}: missing value (NaN), expected a number")
    if np.isinf(value):
        raise InputError(f"{place(first)}: {value} is not finite")
    hint = allowed.if_below if value < allowed.low else allowed.if_above
    unit = f" {allowed.unit}" if allowed.unit else ""
    text = f"{place(first)}: {value!r}{unit} is outside [{allowed.low:g}, {allowed.high:g}]{unit}"
    raise InputError(f"{text} ({hint})" if hint else text)
