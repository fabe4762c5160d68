"""Prices by the clock on the wall: time of use in three levels, and a flat feed-in price.

The defaults are this project's own round numbers, about a German household's: 0.30 EUR/kWh by day, cheap at night, dear
in the evening peak, and 0.08 EUR/kWh for PV power that is fed in.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray

from entangrid.data.errors import InputError
from entangrid.data.ranges import RANGES

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


def time_of_use(
    hour: ArrayLike,
    weekday: ArrayLike,
    *,
    night_eur_kwh: float = 0.22,
    day_eur_kwh: float = 0.30,
    peak_eur_kwh: float = 0.42,
    night_h: tuple[float, float] = (22.0, 6.0),
    peak_h: tuple[float, float] = (17.0, 21.0),
    peak_weekdays: Collection[int] = EVERY_DAY,
) -> NDArray[np.float64]:
    """Return the import price (T,) [EUR/kWh] at wall-clock ``hour`` (T,) [0, 24) and ``weekday`` (T,), 0 = Monday.

    night_h, peak_h: beginning (in it) and end (not in it); an end before the beginning runs over midnight. Where both
    hold, the peak does. A step has the price of its beginning. Raises ``InputError`` for a price beyond 5 EUR/kWh, an
    hour beyond [0, 24] or a day beyond 0 to 6.
    """
    for name, price in (("night", night_eur_kwh), ("day", day_eur_kwh), ("peak", peak_eur_kwh)):
        _check_price(f"{name}_eur_kwh", price)
    for name, span in (("night_h", night_h), ("peak_h", peak_h)):
        if not all(0.0 <= h <= 24.0 for h in span):
            raise InputError(f"tariff: {name} is {span}, expected two hours from 0 to 24")
    wrong = [day for day in peak_weekdays if day not in EVERY_DAY]
    if wrong:
        raise InputError(f"tariff: peak_weekdays has {wrong[0]!r}, expected 0 (Monday) to 6")
    hours, weekdays = np.asarray(hour, dtype=np.float64), np.asarray(weekday)
    if hours.shape != weekdays.shape:
        raise InputError(f"tariff: hour has shape {hours.shape} and weekday {weekdays.shape}, expected the same")
    if ((hours < 0.0) | (hours >= 24.0)).any():
        raise InputError(f"tariff: hour has values from {hours.min()} to {hours.max()}, expected [0, 24)")
    peak = _during(hours, peak_h) & np.isin(weekdays, list(peak_weekdays))
    return np.where(peak, peak_eur_kwh, np.where(_during(hours, night_h), night_eur_kwh, day_eur_kwh))


def feed_in(n_steps: int, *, eur_kwh: float = 0.08) -> NDArray[np.float64]:
    """Return a flat export price (n_steps,) [EUR/kWh]. Raises ``InputError`` beyond 5 EUR/kWh."""
    _check_price("eur_kwh", eur_kwh)
    return np.full(n_steps, eur_kwh)


def _during(hours: NDArray[np.float64], span: tuple[float, float]) -> NDArray[np.bool_]:
    begin, end = span
    return (hours >= begin) & (hours < end) if begin <= end else (hours >= begin) | (hours < end)


def _check_price(name: str, price: float) -> None:
    allowed = RANGES["price_import_eur_kwh"]
    if not allowed.low <= price <= allowed.high:
        raise InputError(
            f"tariff: {name} is {price}, expected {allowed.low:g} to {allowed.high:g} EUR/kWh ({allowed.if_above})"
        )
