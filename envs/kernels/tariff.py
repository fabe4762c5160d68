"""Money at the meter: energy at a price that varies, blocks, demand charge, feed-in."""

from entangrid.envs.kernels.jit import kernel
from entangrid.envs.layout import Records


@kernel
def bill_eur(p_grid: float, price_import: float, price_export: float, dt: float) -> float:
    """Cost of one step's energy [EUR]: import at one price, feed-in at the other.

    p_grid [kW], import positive; prices [EUR/kWh]; dt [h].
    """
    if p_grid >= 0.0:
        return p_grid * price_import * dt
    return p_grid * price_export * dt


@kernel
def bill(
    home: Records,
    p_grid: float,
    price_import: float,
    price_export: float,
    month_kwh: float,
    month_peak: float,
    dt: float,
) -> tuple[float, float, float]:
    """Cost of one step [EUR], and the month's import [kWh] and highest import [kW] after it.

    energy: p_grid price dt, at price_import when importing and price_export when feeding in, either may be negative
    block:  block_adder for each kWh of the month beyond block_kwh; a step that crosses is split there; 0: no blocks
    demand: demand_price (max(peak', free) - max(peak, free)), so that a month's sum is demand_price times its highest
            import above demand_free

    p_grid [kW], import positive, mean of the step; prices [EUR/kWh]; dt [h]. month_kwh and month_peak are those before
    the step; the caller sets them to 0 at the first step of a calendar month.
    """
    eur = bill_eur(p_grid, price_import, price_export, dt)
    p_import = max(p_grid, 0.0)
    kwh_after = month_kwh + p_import * dt
    peak_after = max(month_peak, p_import)
    if home["block_kwh"] > 0.0:
        beyond = min(p_import * dt, max(kwh_after - home["block_kwh"], 0.0))
        eur += beyond * home["block_adder"]
    eur += home["demand_price"] * max(p_import - max(month_peak, home["demand_free"]), 0.0)
    return eur, kwh_after, peak_after
