"""Battery: an energy reservoir with power limits, losses in both directions and self-discharge."""

from numba import njit


@njit(cache=True)
def step(
    soc: float,
    p_request: float,
    capacity: float,
    p_max: float,
    eta_charge: float,
    eta_discharge: float,
    self_discharge: float,
    dt: float,
) -> tuple[float, float]:
    """Follow a power request as far as power and energy limits allow; return (soc at the end, power taken [kW]).

    soc' = soc (1 - s dt) + (eta_c max(p, 0) - max(-p, 0) / eta_d) dt / E,   0 <= soc' <= 1

    soc [-] of the usable capacity E [kWh]; p [kW] at the meter, charging positive; s [1/h]; dt [h].
    Source: Weniger, Tjaden, Quaschning 2014, DOI 10.1016/j.egypro.2014.01.160.
    """
    if capacity <= 0.0:
        return soc, 0.0
    kept = soc * (1.0 - self_discharge * dt)
    if p_request >= 0.0:
        room = (1.0 - kept) * capacity / (eta_charge * dt)
        p = min(p_request, p_max, room)
        after = kept + eta_charge * p * dt / capacity
    else:
        stored = kept * capacity * eta_discharge / dt
        p = -min(-p_request, p_max, stored)
        after = kept + p * dt / (eta_discharge * capacity)
    # rounding of the limits above may overshoot by one unit in the last place
    return min(max(after, 0.0), 1.0), p
