"""What a series may hold: one table of ranges, with the mistake that a value beyond them usually is."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from entangrid.data.errors import InputError


class Range(NamedTuple):
    """Closed interval of allowed values, what a value below or above it hints at, whether only whole numbers fit."""

    low: float
    high: float
    unit: str
    if_below: str = ""
    if_above: str = ""
    whole: bool = False


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
    "weekday": Range(0.0, 6.0, "", "", "0 is Monday, 6 is Sunday", whole=True),
    "dhw_kw": Range(0.0, 100.0, "kW", "what is drawn counts positive", "looks like W, or like litres"),
    "vehicle_home": Range(0.0, 1.0, "", "", "1 is plugged in, 0 is away", whole=True),
    "vehicle_trip_kwh": Range(0.0, 300.0, "kWh", "what driving takes counts positive", "looks like Wh, or like km"),
    "appliance1_ready": Range(0.0, 1.0, "", "", "1 where a cycle becomes ready, else 0", whole=True),
    "appliance2_ready": Range(0.0, 1.0, "", "", "1 where a cycle becomes ready, else 0", whole=True),
    "occupancy_meter": Range(0.0, 1.0, "", "", "the chance that somebody is at home, not a number of persons"),
    "grid_available": Range(0.0, 1.0, "", "", "1 where the grid is there, 0 in an outage", whole=True),
}


def check_range(column: str, values: NDArray[np.float64], place: Callable[[int], str]) -> None:
    """Check that ``values`` (n,) are finite and within ``RANGES[column]``.

    ``place(i)`` says where value i comes from. Raises ``InputError`` for the first value that does not fit.
    """
    allowed = RANGES[column]
    fits = (values >= allowed.low) & (values <= allowed.high)
    if fits.all():
        if allowed.whole:
            _check_whole(values, allowed, place)
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


def _check_whole(values: NDArray[np.float64], allowed: Range, place: Callable[[int], str]) -> None:
    fraction = values != np.floor(values)
    if fraction.any():
        first = int(np.argmax(fraction))
        expected = f"{allowed.low:g} {'or' if allowed.high == 1.0 else 'to'} {allowed.high:g}"
        raise InputError(f"{place(first)}: {values[first]:g} is not a whole number, {expected}")
