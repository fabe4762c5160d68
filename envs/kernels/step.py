"""One call steps every home of every environment, ends and restarts episodes, and writes the observations."""

import numpy as np
from numpy.typing import NDArray

from entangrid.envs.kernels import counter_rng, grid, home, rooms
from entangrid.envs.kernels.jit import kernel
from entangrid.envs.kernels.observe import observe
from entangrid.envs.kernels.zones import F
from entangrid.envs.layout import CONTROLS, MAX_ZONES
from entangrid.envs.world import Grid, Live, World

N_CONTROLS = len(CONTROLS)
_DRAWS = 3  # of each home's initial state, and as many again in a second round
_SECOND = 1 << 19
_GOLDEN = 0.6180339887498949  # its multiples spread evenly over [0, 1)


@kernel
def begin_episode(e: int, world: World, feeder: Grid, live: Live) -> None:
    """Choose the start step of environment e's next episode and its initial state.

    The initial state is the middle of ``settings["initial"]``, or drawn from it. When each tank was last disinfected is
    spread evenly over homes, so that they do not all fall due in the same hour.
    """
    s = world.settings[0]
    env_id = live.env_ids[e]
    clock = live.clock[e]
    clock[3] += 1
    episode = clock[3]
    n = world.starts.shape[0]
    if s["sequential"] > 0:
        k = (env_id + episode * s["stride"]) % n
    else:
        k = int(counter_rng.uniform(s["seed"], env_id, episode, 0) * n)
    clock[0] = k
    clock[1] = world.starts[k]
    clock[2] = world.starts[k]
    low_high = s["initial"]
    for h in range(live.state.shape[1]):
        state = live.state[e, h]
        u = live.work[e]
        for i in range(5):
            u[i] = 0.5
        if s["random_state"] > 0:
            for i in range(3):
                u[i] = counter_rng.uniform(s["seed"], env_id, episode, _DRAWS * h + 1 + i)
            for i in range(2):
                u[3 + i] = counter_rng.uniform(s["seed"], env_id, episode, _SECOND + 2 * h + i)
        for i in range(5):
            u[i] = low_high[2 * i] + u[i] * (low_high[2 * i + 1] - low_high[2 * i])
        state["soc"] = u[0]
        state["t_air"] = u[1]
        state["t_mass"] = u[2]
        state["t_tank"] = u[3]
        state["ev_soc"] = u[4]
        for z in range(MAX_ZONES - 1):
            state["t_zones"][2 * z] = u[1]
            state["t_zones"][2 * z + 1] = u[2]
        state["soh"] = 1.0
        state["tank_cold_h"] = ((h + 1) * _GOLDEN) % 1.0 * world.homes[h]["dhw_legionella_h"]
        for i in range(2):
            state["app_wait"][i] = -1.0
            state["app_left"][i] = 0.0
        state["month_kwh"] = 0.0
        state["month_peak"] = 0.0
        state["vm"] = 1.0
    seen = live.feeder_seen[e]
    seen["trafo_loading_percent"] = 0.0
    seen["p_slack_kw"] = 0.0
    if s["has_feeder"] > 0:
        grid.begin(feeder, live.state[e], live.transformer[e], world.common[clock[1]]["t_out"], seen)


@kernel
def _observe(e: int, world: World, live: Live) -> None:
    observe(world, live.clock[e], live.env_ids[e], live.state[e], live.feeder_seen[e], live.work[e], live.obs[e])


@kernel
def reset(which: NDArray[np.bool_], world: World, feeder: Grid, live: Live) -> None:
    """Begin a new episode in every environment e with which[e]; which (E,). The feeder is idle again."""
    for e in range(which.shape[0]):
        if which[e]:
            begin_episode(e, world, feeder, live)
            for i in range(live.nodes.shape[2]):
                live.nodes[e, 2, i] = feeder.settings[0]["v_slack"]
            for k in range(live.current.shape[1]):
                live.current[e, k] = 0.0
            _observe(e, world, live)


@kernel
def step(actions: F, first: int, last: int, world: World, feeder: Grid, live: Live) -> None:
    """Step every home of the environments ``first`` to ``last - 1`` once.

    actions (E, H, C): one column for each control that the task gives to the agent (``world.slots``). An episode ends
    after ``episode_steps`` steps, always by truncation. With autoreset the next episode begins in the same call:
    final_obs keeps the last observation of the ended one, and terms, feeder_terms, nodes and current keep what its
    last step did. Environments share nothing, so that any division of them
    among threads gives the same bits; the interpreter's lock is released meanwhile.
    """
    s = world.settings[0]
    dt = s["dt"]
    n_homes = world.homes.shape[0]
    for e in range(first, last):
        clock = live.clock[e]
        work = live.work[e]
        t = clock[1]
        k = clock[0]
        command = work[rooms.WORK : rooms.WORK + N_CONTROLS]
        total = 0.0
        for h in range(n_homes):
            for c in range(N_CONTROLS):
                slot = world.slots[c]
                command[c] = actions[e, h, slot] if slot >= 0 else np.nan
            home.step(
                world.homes[h],
                world.zones[h],
                world.common[t],
                world.series[t, h],
                live.state[e, h],
                command,
                world.a[h],
                world.b[h],
                world.a_mean[h],
                world.b_mean[h],
                world.loss_x[h],
                world.loss_u[h],
                world.capacity[h],
                world.value_el[k],
                world.value_heat[k, h],
                world.value_tank[k, h],
                s["carbon_price"],
                dt,
                work,
                live.terms[e, h],
            )
        if s["has_feeder"] > 0:
            common = world.common[t]
            cost = grid.step(
                feeder,
                world.homes,
                live.state[e],
                live.terms[e],
                common["grid"] > 0.5,
                common["t_out"],
                dt,
                live.transformer[e],
                live.nodes[e],
                live.current[e],
                live.feeder_terms[e],
            )
            done = live.feeder_terms[e]
            seen = live.feeder_seen[e]
            seen["v_min_pu"] = done["v_min_pu"]
            seen["v_max_pu"] = done["v_max_pu"]
            seen["trafo_loading_percent"] = done["trafo_loading_percent"]
            seen["p_slack_kw"] = done["p_slack_kw"]
            seen["hot_spot_c"] = done["hot_spot_c"]
            for h in range(n_homes):
                live.terms[e, h]["grid_eur"] = cost / n_homes
                live.terms[e, h]["reward_eur"] -= cost / n_homes
        for h in range(n_homes):
            total += live.terms[e, h]["reward_eur"]
        live.reward[e] = total
        clock[1] = t + 1
        ended = clock[1] - clock[2] >= s["episode_steps"]
        live.truncated[e] = ended
        _observe(e, world, live)
        if ended and s["autoreset"] > 0:
            for h in range(n_homes):
                for i in range(live.obs.shape[2]):
                    live.final_obs[e, h, i] = live.obs[e, h, i]
            begin_episode(e, world, feeder, live)
            _observe(e, world, live)
