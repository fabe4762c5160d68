"""One call steps every home of every environment, ends and restarts episodes, and writes the observations."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from entangrid.envs.kernels import counter_rng, home
from entangrid.envs.kernels.zones import F
from entangrid.envs.layout import Records

I = NDArray[np.int64]  # noqa: E741
F32 = NDArray[np.float32]

_TWO_PI = 2.0 * np.pi


@njit(cache=True)
def scaled(value: float, low: float, high: float) -> float:
    """Map [low, high] to [-1, 1], clipped outside."""
    return min(max(2.0 * (value - low) / (high - low) - 1.0, -1.0), 1.0)


@njit(cache=True)
def observe(common: Records, series: Records, state: Records, low: F, high: F, obs: F32) -> None:
    """Write one home's local observation, obs (12,), each entry in [-1, 1].

    Order and ranges: the table of :mod:`entangrid.envs.observations`; low, high (12,).
    """
    angle = _TWO_PI * common["hour"] / 24.0
    obs[0] = np.sin(angle)
    obs[1] = np.cos(angle)
    obs[2] = scaled(common["price_import"], low[2], high[2])
    obs[3] = scaled(common["price_ahead"], low[3], high[3])
    obs[4] = scaled(state["soc"], low[4], high[4])
    obs[5] = scaled(state["t_air"], low[5], high[5])
    obs[6] = scaled(state["t_mass"], low[6], high[6])
    obs[7] = scaled(common["t_out"], low[7], high[7])
    obs[8] = scaled(series["pv"], low[8], high[8])
    obs[9] = scaled(series["load"], low[9], high[9])
    obs[10] = scaled(series["occupancy"], low[10], high[10])
    obs[11] = scaled(common["weekend"], low[11], high[11])


@njit(cache=True)
def begin_episode(
    e: int,
    env_id: int,
    seed: int,
    clock: I,
    state: Records,
    starts: I,
    sequential: bool,
    stride: int,
    random_state: bool,
    initial: F,
) -> None:
    """Choose the start step of environment e's next episode and its initial state.

    clock (E, 4): start index, step, start step, episode number; written. starts (S,): allowed first steps.
    initial (6,): lowest and highest of soc [-], air and mass temperature [°C]; the middle is taken unless
    random_state.
    """
    clock[e, 3] += 1
    episode = clock[e, 3]
    n = starts.shape[0]
    if sequential:
        k = (env_id + episode * stride) % n
    else:
        k = int(counter_rng.uniform(seed, env_id, episode, 0) * n)
    clock[e, 0] = k
    clock[e, 1] = starts[k]
    clock[e, 2] = starts[k]
    for h in range(state.shape[1]):
        u_soc = 0.5
        u_air = 0.5
        u_mass = 0.5
        if random_state:
            u_soc = counter_rng.uniform(seed, env_id, episode, 3 * h + 1)
            u_air = counter_rng.uniform(seed, env_id, episode, 3 * h + 2)
            u_mass = counter_rng.uniform(seed, env_id, episode, 3 * h + 3)
        state[e, h]["soc"] = initial[0] + u_soc * (initial[1] - initial[0])
        state[e, h]["t_air"] = initial[2] + u_air * (initial[3] - initial[2])
        state[e, h]["t_mass"] = initial[4] + u_mass * (initial[5] - initial[4])


@njit(cache=True)
def observe_all(e: int, clock: I, common: Records, series: Records, state: Records, low: F, high: F, obs: F32) -> None:
    """Observe every home of environment e; obs (E, H, 12)."""
    t = clock[e, 1]
    if t >= common.shape[0]:  # the period's last step is over: its exogenous values stand in for the next ones
        t = common.shape[0] - 1
    for h in range(state.shape[1]):
        observe(common[t], series[t, h], state[e, h], low[h], high[h], obs[e, h])


@njit(cache=True)
def reset(
    which: NDArray[np.bool_],
    env_ids: I,
    seed: int,
    clock: I,
    state: Records,
    common: Records,
    series: Records,
    low: F,
    high: F,
    starts: I,
    sequential: bool,
    stride: int,
    random_state: bool,
    initial: F,
    obs: F32,
) -> None:
    """Begin a new episode in every environment e with which[e]; which (E,)."""
    for e in range(which.shape[0]):
        if which[e]:
            begin_episode(e, env_ids[e], seed, clock, state, starts, sequential, stride, random_state, initial)
            observe_all(e, clock, common, series, state, low, high, obs)


@njit(cache=True)
def step(
    actions: F,
    homes: Records,
    a: F,
    b: F,
    a_mean: F,
    b_mean: F,
    common: Records,
    series: Records,
    value_el: F,
    value_heat: F,
    carbon_price: float,
    dt: float,
    episode_steps: int,
    env_ids: I,
    seed: int,
    clock: I,
    state: Records,
    low: F,
    high: F,
    starts: I,
    sequential: bool,
    stride: int,
    random_state: bool,
    initial: F,
    autoreset: bool,
    work: F,
    terms: Records,
    obs: F32,
    final_obs: F32,
    reward: F,
    truncated: NDArray[np.bool_],
) -> None:
    """Step every home of every environment once.

    actions (E, H, 2); homes (H,); a, a_mean (H, N, N); b, b_mean (H, N, M); common (T,); series (T, H); value_el (S,)
    and value_heat (S, H): value of a stored kWh in the episode that begins at starts[s] [EUR/kWh]; clock (E, 4);
    state, terms (E, H); low, high (H, 12); obs, final_obs (E, H, 12); reward (E,) sum over homes [EUR];
    truncated (E,). An episode ends after episode_steps steps, always by truncation. With autoreset the next episode
    begins in the same call and final_obs keeps the last observation of the ended one.
    """
    for e in range(actions.shape[0]):
        t = clock[e, 1]
        k = clock[e, 0]
        total = 0.0
        for h in range(homes.shape[0]):
            home.step(
                homes[h],
                common[t],
                series[t, h],
                state[e, h],
                actions[e, h, 0],
                actions[e, h, 1],
                a[h],
                b[h],
                a_mean[h],
                b_mean[h],
                value_el[k],
                value_heat[k, h],
                carbon_price,
                dt,
                work,
                terms[e, h],
            )
            total += terms[e, h]["reward_eur"]
        reward[e] = total
        clock[e, 1] = t + 1
        truncated[e] = clock[e, 1] - clock[e, 2] >= episode_steps
        observe_all(e, clock, common, series, state, low, high, obs)
        if truncated[e] and autoreset:
            for h in range(homes.shape[0]):
                for i in range(obs.shape[2]):
                    final_obs[e, h, i] = obs[e, h, i]
            begin_episode(e, env_ids[e], seed, clock, state, starts, sequential, stride, random_state, initial)
            observe_all(e, clock, common, series, state, low, high, obs)
