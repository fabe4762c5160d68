"""Money at the meter."""

from numba import njit


@njit(cache=True)
def bill_eur(p_grid: float, price_import: float, price_export: float, dt: float) -> float:
    """Cost of one step [EUR]: import at one price, feed-in at the other; p_grid [kW], prices [EUR/kWh], dt [h]."""
    if p_grid >= 0.0:
        return p_grid * price_import * dt
    return p_grid * price_export * dt
