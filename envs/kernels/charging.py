"""A charging station with PV over a day: one call steps all points of every environment by one hour."""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from entangrid.envs.kernels import battery, counter_rng
from entangrid.envs.layout import Records

F = NDArray[np.float64]
I = NDArray[np.int64]  # noqa: E741
F32 = NDArray[np.float32]
Record = Any  # one element of Records

HOURS = 24  # steps of a day
AHEAD = 3  # hours of price and radiation that are shown in advance
# counters of the random numbers of an episode
_CLEARNESS, _PROFILE, _CLOUD, _INITIAL, _ARRIVAL = 0, 1, 10, 100, 1000


@njit(cache=True)
def radiation_w_m2(env_id: int, seed: int, episode: int, hour: int, site: Record) -> float:
    """Global radiation of an hour [W/m²], a function of the counter alone, so that the forecast is what will come.

    G = peak sin(pi (h + 1/2 - sunrise) / (sunset - sunrise)) k (1 - cloud u_h) between sunrise and sunset, else 0;
    clearness k ~ U(k_min, 1) once a day, u_h ~ U(0, 1) every hour.
    """
    x = (hour + 0.5 - site["sunrise"]) / (site["sunset"] - site["sunrise"])
    if hour >= HOURS or x <= 0.0 or x >= 1.0:
        return 0.0
    clearness = site["k_min"] + (1.0 - site["k_min"]) * counter_rng.uniform(seed, env_id, episode, _CLEARNESS)
    cloud = 1.0 - site["cloud"] * counter_rng.uniform(seed, env_id, episode, _CLOUD + hour)
    return float(site["radiation_peak"] * math.sin(math.pi * x) * clearness * cloud)


@njit(cache=True)
def park(env_id: int, seed: int, episode: int, first: int, hour: int, chance: float, site: Record) -> tuple[int, float]:
    """(hours until departure, soc) of a vehicle that comes with this chance at an empty point, (0, 0) if none does.

    stay ~ U{stay_min, ..., min(stay_max, 24 - hour)} [h];  soc ~ U(soc_min, soc_max). Nobody comes so late that the
    shortest stay would not fit into the day. Draws ``first`` to ``first`` + 2 are used.
    """
    longest = min(site["stay_max"], HOURS - hour)
    if longest < site["stay_min"] or counter_rng.uniform(seed, env_id, episode, first) >= chance:
        return 0, 0.0
    span = longest - site["stay_min"] + 1
    stay = site["stay_min"] + int(counter_rng.uniform(seed, env_id, episode, first + 1) * span)
    u = counter_rng.uniform(seed, env_id, episode, first + 2)
    return stay, site["soc_min"] + (site["soc_max"] - site["soc_min"]) * u


@njit(cache=True)
def observe(
    e: int, env_ids: I, seed: int, clock: I, profile: I, price: F, site: Record, soc: F, hours: I, obs: F32
) -> None:
    """Write obs[e] (28,), each entry in [0, 1]: the table of :class:`entangrid.envs.charging.ChargingEnv`."""
    hour, episode = clock[e, 0], clock[e, 1]
    n = soc.shape[1]
    for k in range(AHEAD + 1):
        r = radiation_w_m2(env_ids[e], seed, episode, hour + k, site) / site["radiation_max"]
        c = price[profile[e], (hour + k) % HOURS] / site["price_max"]
        obs[e, 0 if k == 0 else 1 + k] = min(max(r, 0.0), 1.0)
        obs[e, 1 if k == 0 else 1 + AHEAD + k] = min(max(c, 0.0), 1.0)
    for p in range(n):
        obs[e, 2 + 2 * AHEAD + p] = soc[e, p]
        obs[e, 2 + 2 * AHEAD + n + p] = hours[e, p] / site["stay_max"]


@njit(cache=True)
def begin(
    which: NDArray[np.bool_],
    env_ids: I,
    seed: int,
    clock: I,
    profile: I,
    price: F,
    site: Record,
    soc: F,
    hours: I,
    obs: F32,
) -> None:
    """Begin a day in every environment e with which[e]: midnight, each point occupied by chance.

    clock (E, 2): hour, episode number; profile (E,): row of price (4, 24), drawn where the site's is -1; soc, hours
    (E, 10): state of charge and hours until departure, both 0 at an empty point; obs (E, 28); all written.
    """
    for e in range(which.shape[0]):
        if which[e]:
            clock[e, 0] = 0
            clock[e, 1] += 1
            episode = clock[e, 1]
            profile[e] = site["profile"]
            if profile[e] < 0:
                profile[e] = int(counter_rng.uniform(seed, env_ids[e], episode, _PROFILE) * price.shape[0])
            for p in range(soc.shape[1]):
                hours[e, p], soc[e, p] = park(
                    env_ids[e], seed, episode, _INITIAL + 3 * p, 0, site["occupied_at_start"], site
                )
            observe(e, env_ids, seed, clock, profile, price, site, soc, hours, obs)


@njit(cache=True)
def charge_and_leave(
    actions: F, price: float, pv: float, site: Record, soc: F, hours: I, p_point: F, terms: Record
) -> None:
    """One hour of one station: charge, pay, and let go whose time has come.

    P_i = battery.reservoir of (a_i P_max), charging positive                                             [kW]
    bill = price max(sum P - PV, 0) 1 h,  departure = sum over departing (2 (1 - soc))²,  reward = -(bill + departure)

    actions (10,) in [-1, 1]; price [EUR/kWh]; pv [kW]; soc, hours, p_point (10,) and terms (one record) are written.
    Source of the stage cost: the description of Chargym (Karatzinis et al. 2022).
    """
    total = clipped = departure = missing = departed_kwh = departed = 0.0
    capacity = site["capacity"]
    for p in range(soc.shape[0]):
        p_point[p] = 0.0
        asked = actions[p] * site["p_max"]
        if hours[p] > 0:
            request = min(max(actions[p], -1.0), 1.0) * site["p_max"]
            soc[p], p_point[p] = battery.reservoir(
                soc[p], request, capacity, site["p_max"], site["p_max"], site["eta_c"], site["eta_d"], 0.0, 1.0
            )
            hours[p] -= 1
            if hours[p] == 0:
                departed += 1.0
                departure += (2.0 * (1.0 - soc[p])) ** 2
                missing += (1.0 - soc[p]) * capacity
                departed_kwh += soc[p] * capacity
                soc[p] = 0.0
        clipped += abs(asked - p_point[p])
        total += p_point[p]
    p_grid = max(total - pv, 0.0)
    terms["reward_eur"] = -(price * p_grid + departure)
    terms["bill_eur"] = price * p_grid
    terms["departure_eur"] = departure
    terms["price_eur_kwh"] = price
    terms["p_points_kw"] = total
    terms["p_pv_kw"] = pv
    terms["p_grid_kw"] = p_grid
    terms["p_unused_kw"] = max(pv - total, 0.0)
    terms["clipped_kw"] = clipped
    terms["departed"] = departed
    terms["departed_kwh"] = departed_kwh
    terms["missing_kwh"] = missing


@njit(cache=True)
def arrive(env_id: int, seed: int, episode: int, hour: int, site: Record, soc: F, hours: I) -> float:
    """Let vehicles come to the empty points when ``hour`` begins and return their energy [kWh]; soc, hours written."""
    energy = 0.0
    for p in range(soc.shape[0]):
        if hours[p] == 0:
            first = _ARRIVAL + 3 * (hour * soc.shape[0] + p)
            hours[p], soc[p] = park(env_id, seed, episode, first, hour, site["arrival"], site)
            energy += soc[p] * site["capacity"]
    return energy


@njit(cache=True)
def step(
    actions: F,
    site: Record,
    price: F,
    env_ids: I,
    seed: int,
    clock: I,
    profile: I,
    soc: F,
    hours: I,
    autoreset: bool,
    p_point: F,
    terms: Records,
    obs: F32,
    final_obs: F32,
    reward: F,
    truncated: NDArray[np.bool_],
) -> None:
    """Step every environment by one hour.

    actions, p_point (E, 10); shapes else as in :func:`begin`; terms (E,), final_obs (E, 28), reward (E,) and
    truncated (E,) are written. The day ends after 24 hours, always by truncation; with autoreset the next begins in
    the same call and final_obs keeps the last observation of the ended one.
    """
    for e in range(actions.shape[0]):
        hour, episode = clock[e, 0], clock[e, 1]
        now = hour % HOURS  # a finished day that is stepped on without a reset goes on at the next midnight's price
        pv = site["pv_kwp"] * radiation_w_m2(env_ids[e], seed, episode, hour, site) / 1000.0
        charge_and_leave(actions[e], price[profile[e], now], pv, site, soc[e], hours[e], p_point[e], terms[e])
        reward[e] = terms[e]["reward_eur"]
        clock[e, 0] = hour + 1
        terms[e]["arrived_kwh"] = arrive(env_ids[e], seed, episode, hour + 1, site, soc[e], hours[e])
        truncated[e] = clock[e, 0] >= HOURS
        observe(e, env_ids, seed, clock, profile, price, site, soc, hours, obs)
        if truncated[e] and autoreset:
            for i in range(obs.shape[1]):
                final_obs[e, i] = obs[e, i]
    if autoreset:
        begin(truncated, env_ids, seed, clock, profile, price, site, soc, hours, obs)
