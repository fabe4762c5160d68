"""From a scenario's series to the kernels' records, and what follows from them: prices of stored energy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from entangrid.data.scenario import Scenario
from entangrid.envs.appliances import check_spacing
from entangrid.envs.kernels import appliance, heat_pump, rooms
from entangrid.envs.kernels import home as home_kernel
from entangrid.envs.layout import COMMON, N_APPLIANCES, SERIES, Records

F = npt.NDArray[np.float64]

HEATING_LIMIT_C = 15.0  # above this mean outdoor temperature stored heat saves nothing (VDI 2067's heating limit)
PRICE_AHEAD_H = 4.0  # how far the published tariff is shown to the agents
FAR_H = 24.0  # the vehicle's next departure is shown up to here


def common_records(scenario: Scenario) -> Records:
    """Kernel records of what all homes share (T,)."""
    s = scenario
    records = np.zeros(s.n_steps, COMMON)
    records["t_out"] = s.t_out_c
    records["price_import"] = s.price_import_eur_kwh
    records["price_export"] = s.price_export_eur_kwh
    records["carbon"] = s.carbon_kg_kwh
    records["hour"] = s.hour
    records["hour_sin"] = np.sin(2.0 * np.pi * s.hour / 24.0)
    records["hour_cos"] = np.cos(2.0 * np.pi * s.hour / 24.0)
    records["weekend"] = s.weekday >= 5
    records["grid"] = s.grid_available
    month = s.index.month.to_numpy()
    records["new_month"] = np.concatenate([[1.0], month[1:] != month[:-1]])
    ahead = max(round(PRICE_AHEAD_H / s.dt_h), 1)
    padded = np.concatenate([s.price_import_eur_kwh, np.full(ahead, s.price_import_eur_kwh[-1])])
    sums = np.concatenate([[0.0], np.cumsum(padded)])
    records["price_ahead"] = (sums[ahead + 1 :] - sums[1:-ahead])[: s.n_steps] / ahead
    return records


def series_records(scenario: Scenario, homes: Records) -> Records:
    """Kernel records of each home's own series (T, H); those of a device that a home lacks are 0.

    Raises InputError where an appliance becomes ready again before its last cycle can be over.
    """
    s = scenario
    records = np.zeros((s.n_steps, s.n_homes), SERIES)
    records["load"] = s.load_kw
    records["pv"] = s.pv_kw
    records["occupancy"] = s.occupancy
    records["occupancy_meter"] = s.occupancy_meter
    records["gains_air"] = s.gains_air_kw
    records["gains_mass"] = s.gains_mass_kw
    vehicle = homes["ev_e"] > 0.0
    at_home = s.vehicle_home * vehicle
    records["dhw"] = s.dhw_kw * (homes["dhw_c"] > 0.0)
    records["ev_home"] = at_home
    records["ev_trip"] = s.vehicle_trip_kwh * vehicle
    records["ev_leaves_h"] = hours_until_departure(at_home, s.dt_h)
    for i in range(N_APPLIANCES):
        ready = getattr(s, f"appliance{i + 1}_ready") * (homes["app_kw"][:, i] > 0.0)
        records["app_ready"][..., i] = ready
        for h in np.flatnonzero(homes["app_kw"][:, i] > 0.0):
            home = homes[h]
            _, run, window = appliance.cycle(home["app_kw"][i], home["app_h"][i], home["app_window_h"][i], s.dt_h)
            name = f"scenario {s.name!r}: appliance{i + 1}_ready of home {s.home_names[h]!r}"
            check_spacing(ready[:, h], run, window, name)
    return records


def hours_until_departure(at_home: F, dt_h: float) -> F:
    """Hours from each step's beginning until the vehicle leaves next (T, H), at most :data:`FAR_H`; away: that."""
    home = at_home > 0.5
    step = np.arange(home.shape[0])[:, None]
    leaves = np.zeros_like(home)
    leaves[:-1] = home[:-1] & ~home[1:]
    never = home.shape[0]
    after = np.minimum.accumulate(np.where(leaves, step, never)[::-1], 0)[::-1]  # the step in which it leaves next
    hours = np.minimum(np.cumsum(np.full(int(np.ceil(FAR_H / dt_h)) + 1, dt_h)), FAR_H)  # of 1, 2, ... steps
    return np.where(home & (after < never), hours[np.minimum(after - step, hours.size - 1)], FAR_H)


def stored_values(scenario: Scenario, homes: Records, starts: npt.NDArray[np.int64], n: int) -> tuple[F, F, F]:
    """Value of a stored kWh in the episode of n steps from each start [EUR/kWh]: electricity (S,), heat in the
    building (S, H), heat in the tank (S, H).

    Electricity counts at the episode's mean import price. Heat counts at that price over the coefficient of
    performance at the episode's mean outdoor temperature; in the building at nothing above the heating limit or
    without heating, in the tank at its set point, and at the plain price where an element heats it.
    """
    prices = _window_means(scenario.price_import_eur_kwh, n)[starts]
    outdoor = _window_means(scenario.t_out_c, n)[starts]
    heat = np.zeros((starts.size, homes.size))
    tank = np.zeros((starts.size, homes.size))
    for h, home in enumerate(homes):
        by_pump = home["dhw_hp"] > 0.0 and home["hp_q_ref"] > 0.0
        heated = home["hp_q_ref"] > 0.0 or home["ideal_load"] > 0.0
        for i, t_out in enumerate(outdoor):
            if heated and t_out < HEATING_LIMIT_C:
                heat[i, h] = prices[i] / rooms.hp_limits(home, float(t_out))[0]
            if home["dhw_c"] > 0.0:
                lift = home["dhw_t_set"] + home_kernel.TANK_LIFT_K
                cop = heat_pump.heating(home, float(t_out), float(lift))[0] if by_pump else 1.0
                tank[i, h] = prices[i] / cop
    return np.ascontiguousarray(prices), heat, tank


def _window_means(values: F, n: int) -> F:
    """Mean of values[i : i + n] for every i that fits."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    means: F = (sums[n:] - sums[:-n]) / n
    return means
