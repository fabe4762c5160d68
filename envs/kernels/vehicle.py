"""Vehicle: a battery that comes and goes, drives, and may give energy back."""

from entangrid.envs.kernels import battery
from entangrid.envs.kernels.jit import kernel
from entangrid.envs.layout import Records


@kernel
def limits(home: Records, plugged: float, soc: float, dt: float) -> tuple[float, float]:
    """Largest charging and discharging power at the meter [kW], both >= 0, over a step of dt [h]; away: 0."""
    if plugged <= 0.0 or home["ev_e"] <= 0.0:
        return 0.0, 0.0
    charge = (1.0 - soc) * home["ev_e"] / (home["ev_eta_c"] * dt)
    discharge = soc * home["ev_e"] * home["ev_eta_d"] / dt
    return min(home["ev_p_charge"], charge), min(home["ev_p_discharge"], discharge)


@kernel
def step(
    home: Records, plugged: float, trip_kwh: float, leaves: float, soc: float, p_request: float, dt: float
) -> tuple[float, float, float]:
    """Charge, discharge or drive for one step; return (soc at the end, power at the meter [kW], unmet energy [kWh]).

    plugged:  soc' = soc + (eta_c max(p, 0) - max(-p, 0) / eta_d) dt / E,   0 <= soc' <= 1
    driving:  soc' = max(soc - trip / E, 0);   the rest of the trip is charged on the road: unmet
    leaving:  soc' = max(soc', soc_departure); what is missing is bought elsewhere: unmet

    plugged, leaves: above 0 for yes; leaves: a plugged vehicle leaves at the end of this step. Power is asked only
    while plugged in; a trip in a plugged step (one that begins or ends within it) is driven after the charging. Unmet
    energy is counted in the cells. p [kW] at the meter, charging positive; trip, E = ev_e [kWh]; dt [h]. No vehicle
    (ev_e = 0): nothing.
    The battery's balance as in Weniger, Tjaden, Quaschning 2014, DOI 10.1016/j.egypro.2014.01.160.
    """
    capacity = home["ev_e"]
    if capacity <= 0.0:
        return soc, 0.0, 0.0
    p = 0.0
    unmet = 0.0
    if plugged > 0.0:
        soc, p = battery.reservoir(
            soc,
            p_request,
            capacity,
            home["ev_p_charge"],
            home["ev_p_discharge"],
            home["ev_eta_c"],
            home["ev_eta_d"],
            0.0,
            dt,
        )
    if trip_kwh > 0.0:
        unmet += max(trip_kwh - soc * capacity, 0.0)
        soc = max(soc - trip_kwh / capacity, 0.0)
    if plugged > 0.0 and leaves > 0.0 and soc < home["ev_soc_departure"]:
        unmet += (home["ev_soc_departure"] - soc) * capacity
        soc = home["ev_soc_departure"]
    return soc, p, unmet
