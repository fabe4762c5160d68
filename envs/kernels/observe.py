"""Observations: one number an entry, from records to [-1, 1]."""

import numpy as np
from numpy.typing import NDArray

from entangrid.envs.kernels import counter_rng
from entangrid.envs.kernels.jit import kernel
from entangrid.envs.kernels.zones import F
from entangrid.envs.layout import Records
from entangrid.envs.world import I, World

F32 = NDArray[np.float32]

_TWO_PI = 2.0 * np.pi
#: First draw of the noise of a step in an episode's sequence of random numbers; initial states come before it.
_NOISE = 1 << 20
_DRAWS_A_STEP = 1 << 12  # more than an observation has entries

# numbers of observations.ENTRIES
FIRST_FORECAST = 35
PRICE, T_OUT, PV = 35, 36, 37


@kernel
def scaled(value: float, low: float, scale: float) -> float:
    """Map [low, low + 2 / scale] to [-1, 1], clipped outside."""
    return min(max((value - low) * scale - 1.0, -1.0), 1.0)


@kernel
def noise(seed: int, env: int, episode: int, draw: int) -> float:
    """One standard normal number (Box, Muller 1958, DOI 10.1214/aoms/1177706645) from two uniform ones."""
    u = counter_rng.uniform(seed, env, episode, 2 * draw)
    w = counter_rng.uniform(seed, env, episode, 2 * draw + 1)
    return float(np.sqrt(-2.0 * np.log(1.0 - u)) * np.cos(_TWO_PI * w))


@kernel
def seen_occupancy(mode: int, accuracy: float, series: Records, u: float) -> float:
    """Occupancy as the agent sees it: true (0), right with probability ``accuracy`` (1), or from the meter (2).

    u: uniform in [0, 1). A wrong estimate is the complement, 1 - occupancy.
    """
    if mode == 2:
        return float(series["occupancy_meter"])
    if mode == 1 and u >= accuracy:
        return 1.0 - float(series["occupancy"])
    return float(series["occupancy"])


@kernel
def forecast(world: World, number: int, t: int, h: int, lead: int) -> float:
    """The value that entry ``number`` will have ``lead`` steps after t: the true one, or with persistence the latest
    known value of the same time of day. Beyond the scenario's ends the nearest step stands in."""
    s = world.settings[0]
    at = t + lead
    if s["forecast"] == 1:
        days = (lead + s["day"] - 1) // s["day"]
        at -= days * s["day"]
        if at < 0:
            at = t
    at = min(max(at, 0), world.common.shape[0] - 1)
    if number == PRICE:
        return float(world.common[at]["price_import"])
    if number == T_OUT:
        return float(world.common[at]["t_out"])
    if number == PV:
        return float(world.series[at, h]["pv"])
    return float(world.series[at, h]["load"])


@kernel
def raw_values(world: World, t: int, h: int, state: Records, feeder: Records, u: float, raw: F) -> None:
    """Write every entry that is not a forecast into raw (35,), in the order of observations.ENTRIES;
    those of devices only if any is shown."""
    s = world.settings[0]
    common = world.common[t]
    series = world.series[t, h]
    raw[0] = common["hour_sin"]
    raw[1] = common["hour_cos"]
    raw[2] = common["price_import"]
    raw[3] = common["price_ahead"]
    raw[4] = state["soc"]
    raw[5] = state["t_air"]
    raw[6] = state["t_mass"]
    raw[7] = common["t_out"]
    raw[8] = series["pv"]
    raw[9] = series["load"]
    raw[10] = seen_occupancy(s["occupancy_seen"], s["occupancy_accuracy"], series, u)
    raw[11] = common["weekend"]
    raw[24] = common["grid"]
    raw[25] = common["carbon"]
    raw[26] = common["price_export"]
    if s["shows_devices"] <= 0:
        return
    raw[12] = state["t_zones"][0]
    raw[13] = state["t_zones"][2]
    raw[14] = state["t_zones"][4]
    raw[15] = state["t_tank"]
    raw[16] = series["dhw"]
    raw[17] = series["ev_home"]
    raw[18] = state["ev_soc"]
    raw[19] = series["ev_leaves_h"]
    for i in range(2):
        ready = (series["app_ready"][i] > 0.5 and state["app_left"][i] <= 0.0) or state["app_wait"][i] >= 0.0
        wait = state["app_wait"][i] * s["dt"] if state["app_wait"][i] >= 0.0 else world.homes[h]["app_window_h"][i]
        raw[20 + 2 * i] = 1.0 if ready else 0.0
        raw[21 + 2 * i] = wait
    new = common["new_month"] > 0.5  # the coming step begins a month
    raw[27] = 0.0 if new else state["month_kwh"]
    raw[28] = 0.0 if new else state["month_peak"]
    raw[29] = state["vm"]
    raw[30] = feeder["v_min_pu"]
    raw[31] = feeder["v_max_pu"]
    raw[32] = feeder["trafo_loading_percent"]
    raw[33] = feeder["hot_spot_c"]
    raw[34] = feeder["trafo_loading_percent"] if feeder["p_slack_kw"] >= 0.0 else -feeder["trafo_loading_percent"]


@kernel
def observe(world: World, clock: I, env_id: int, state: Records, feeder: Records, work: F, obs: F32) -> None:
    """Observe every home of one environment; clock (4,), state (H,), feeder one record, obs (H, K).

    Noise is drawn per (seed, environment, episode, step, home, entry), so that looking twice shows the same.
    """
    s = world.settings[0]
    t = clock[1]
    if t >= world.common.shape[0]:  # the period's last step is over: its exogenous values stand in for the next ones
        t = world.common.shape[0] - 1
    raw = work[0:FIRST_FORECAST]
    for h in range(state.shape[0]):
        first = _NOISE + ((clock[1] - clock[2]) * state.shape[0] + h) * _DRAWS_A_STEP
        u = 0.0
        if s["occupancy_seen"] == 1:
            u = counter_rng.uniform(s["seed"], env_id, clock[3], 2 * first)
        raw_values(world, t, h, state[h], feeder, u, raw)
        for i in range(obs.shape[1]):
            number = world.entries[i]
            low = world.low[h, i]
            scale = world.scale[h, i]
            if number < FIRST_FORECAST:
                value = raw[number]
            else:
                value = forecast(world, number, t, h, world.lead[i])
                if s["forecast"] == 2:
                    sigma = s["forecast_sigma"] * 2.0 / scale * np.sqrt(world.lead[i] / s["day"])
                    value += sigma * noise(s["seed"], env_id, clock[3], first + 1 + i)
            obs[h, i] = scaled(value, low, scale)
