"""Dispatch of charging jobs to charge points: one call serves one arriving job in every environment."""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from entangrid.envs.kernels import counter_rng
from entangrid.envs.layout import Records

F = NDArray[np.float64]
I = NDArray[np.int64]  # noqa: E741
F32 = NDArray[np.float32]
Record = Any  # one element of Records

_TWO_PI = 2.0 * np.pi
_DRAWS = 4  # uniform numbers a job uses
SHORTEST_H = 1e-3  # floor of a drawn job length [h]


@njit(cache=True)
def normal(u: float, v: float) -> float:
    """Standard normal from two uniform numbers in [0, 1): sqrt(-2 ln(1 - u)) cos(2 pi v).

    Source: Box, Muller 1958, DOI 10.1214/aoms/1177706645.
    """
    return math.sqrt(-2.0 * math.log(1.0 - u)) * math.cos(_TWO_PI * v)


@njit(cache=True)
def service_h(length: float, job_type: int, point_type: int, speed: float, mismatch: float) -> float:
    """Service time [h]: length / speed, times ``mismatch`` at a point of the other type; length [h], speed [-]."""
    service = length / speed
    return service if job_type == point_type else mismatch * service


@njit(cache=True)
def job_reward(cost: float, length: float, response: float) -> float:
    """(1 + e^(2.5 - cost)) length / response [-]; response = wait + service [h].

    Source: Xu et al. 2025, DOI 10.1016/j.apenergy.2025.125279.
    """
    return (1.0 + math.exp(2.5 - cost)) * length / response


@njit(cache=True)
def draw_job(
    env_id: int, seed: int, episode: int, number: int, share: float, mean: float, sd: float, rate: float, job: Record
) -> None:
    """Draw job ``number`` of an episode and let the clock run until it arrives; job: one record, written.

    arrives' = arrives + Exp(rate) [h];  length ~ N(mean, sd) [h];  type 1 with probability ``share``, else 0.
    """
    first = number * _DRAWS
    u = counter_rng.uniform(seed, env_id, episode, first)
    job["arrives_h"] += -math.log(1.0 - u) / rate
    job["type"] = 1 if counter_rng.uniform(seed, env_id, episode, first + 1) < share else 0
    z = normal(
        counter_rng.uniform(seed, env_id, episode, first + 2), counter_rng.uniform(seed, env_id, episode, first + 3)
    )
    job["length_h"] = max(mean + sd * z, SHORTEST_H)


@njit(cache=True)
def observe(job: Record, idle_at: F, wait_max: float, obs: F32) -> None:
    """obs (11,): job type 0 or 1, then every point's waiting time over wait_max, clipped to 1; idle_at (10,) [h]."""
    obs[0] = job["type"]
    for p in range(idle_at.shape[0]):
        obs[p + 1] = min(max(idle_at[p] - job["arrives_h"], 0.0) / wait_max, 1.0)


@njit(cache=True)
def begin(
    which: NDArray[np.bool_], env_ids: I, seed: int, clock: I, settings: Record, job: Records, idle_at: F, obs: F32
) -> None:
    """Begin an episode in every environment e with which[e]: all points idle, the clock at ``start_hour``.

    clock (E, 2): steps taken, episode number; settings: one record; job (E,); idle_at (E, 10); obs (E, 11); written.
    """
    for e in range(which.shape[0]):
        if which[e]:
            clock[e, 0] = 0
            clock[e, 1] += 1
            job[e]["arrives_h"] = settings["start_hour"]
            for p in range(idle_at.shape[1]):
                idle_at[e, p] = settings["start_hour"]
            draw_job(
                env_ids[e],
                seed,
                clock[e, 1],
                0,
                settings["type_share"],
                settings["length_mean"],
                settings["length_sd"],
                settings["rate"],
                job[e],
            )
            observe(job[e], idle_at[e], settings["wait_max"], obs[e])


@njit(cache=True)
def serve(settings: Record, points: Records, price: F, point: int, job: Record, idle_at: F, terms: Record) -> None:
    """Send a job to a point and write what it costs; idle_at (10,) and terms (one record) are written.

    wait = max(idle_at - arrives, 0);  response = wait + service                               [h]
    cost = service cost_factor + length price,  profit = fee length - cost                     [CNY]

    settings, job: one record; points (10,) records; price (24,) by the hour of arrival.
    """
    arrives = job["arrives_h"]
    length = job["length_h"]
    wait = max(idle_at[point] - arrives, 0.0)
    service = service_h(length, job["type"], points[point]["type"], points[point]["speed"], settings["mismatch"])
    response = wait + service
    now = price[int(arrives) % 24]
    cost = service * points[point]["cost_factor"] + length * now
    idle_at[point] = arrives + response
    terms["reward"] = job_reward(cost, length, response)
    terms["success"] = 1.0 if response <= settings["deadline"] else 0.0
    terms["wait_h"] = wait
    terms["service_h"] = service
    terms["response_h"] = response
    terms["length_h"] = length
    terms["mismatch"] = 1.0 if job["type"] != points[point]["type"] else 0.0
    terms["price_cny_h"] = now
    terms["cost_cny"] = cost
    terms["revenue_cny"] = settings["fee"] * length
    terms["profit_cny"] = settings["fee"] * length - cost


@njit(cache=True)
def step(
    actions: I,
    settings: Record,
    points: Records,
    price: F,
    env_ids: I,
    seed: int,
    clock: I,
    job: Records,
    idle_at: F,
    episode_steps: int,
    autoreset: bool,
    terms: Records,
    obs: F32,
    final_obs: F32,
    reward: F,
    truncated: NDArray[np.bool_],
) -> None:
    """Serve the waiting job of every environment and draw the next one.

    actions (E,): a point 0 to 9; the other shapes as in :func:`begin` and :func:`serve`; terms (E,), final_obs
    (E, 11), reward (E,) and truncated (E,) are written. An episode ends after episode_steps jobs, always by
    truncation; with autoreset the next begins in the same call and final_obs keeps the last observation.
    """
    for e in range(actions.shape[0]):
        serve(settings, points, price, actions[e], job[e], idle_at[e], terms[e])
        reward[e] = terms[e]["reward"]
        clock[e, 0] += 1
        draw_job(
            env_ids[e],
            seed,
            clock[e, 1],
            clock[e, 0],
            settings["type_share"],
            settings["length_mean"],
            settings["length_sd"],
            settings["rate"],
            job[e],
        )
        observe(job[e], idle_at[e], settings["wait_max"], obs[e])
        truncated[e] = clock[e, 0] >= episode_steps
        if truncated[e] and autoreset:
            for i in range(obs.shape[1]):
                final_obs[e, i] = obs[e, i]
    if autoreset:
        begin(truncated, env_ids, seed, clock, settings, job, idle_at, obs)
