"""One step ahead with the simulator's own model: whatever brings the most in the coming step."""

from __future__ import annotations

import numpy as np

from entangrid.agents.controller import F, Physical
from entangrid.agents.rule import Rule, hour_of
from entangrid.agents.rules import built_in
from entangrid.envs import connection
from entangrid.envs.actions import LEVELS
from entangrid.envs.derived import HEATING_LIMIT_C
from entangrid.envs.kernels import heat_pump, rooms
from entangrid.envs.kernels import step as kernel
from entangrid.envs.kernels.home import TANK_LIFT_K
from entangrid.envs.layout import COMMON, CONTROLS, FEEDER_TERMS, SERIES, STATE, TERMS, Records
from entangrid.envs.tasks import Task
from entangrid.envs.world import Live

SWEEPS = 2


class Greedy(Rule):
    """Tries levels of one control after the other and keeps what brings the highest reward in the coming step.

    The reward counts what is stored at its value, so that charging below the mean price pays in the very step; what
    only shows later (a departure in the evening) does not count until it is due. Rooms answer over hours, so that one
    step's reward says too little of them (measured: a multiple of no control's discomfort): their thermostats hold
    them.

    **Information: the observation, and the simulator's model and parameters.** The state is rebuilt from what is seen:
    masses of further zones are as warm as their air, heat gains are unknown and left out, a stored kWh is worth the
    scenario's mean price (heat: that over the coefficient of performance). A feeder is not seen.
    """

    name = "greedy"
    needs = ("battery", "vehicle", "tank", "appliance1", "appliance2", "pv")

    def __init__(self, task: Task):
        super().__init__(task)
        self._levels = {name: np.array(LEVELS[name]) for name in task.controls if name in self.needs}
        self._tries = 1 + max(len(levels) for levels in self._levels.values())

    def commands(self, seen: Physical) -> dict[str, F]:
        """See :class:`~entangrid.agents.rule.Rule`."""
        task, start = self.task, built_in(self.task, seen)[0]
        chosen = np.full((*seen["t_air"].shape, len(CONTROLS)), np.nan)
        for name in task.controls:
            chosen[..., CONTROLS.index(name)] = start[name]
        model = _OneStep(task, seen, self._tries)
        for _ in range(SWEEPS):
            for name, levels in self._levels.items():
                column = CONTROLS.index(name)
                tried = np.repeat(chosen[:, None], self._tries, 1)  # (E, M, H, 10), the first as it is
                tried[:, 1 : 1 + len(levels), :, column] = levels[:, None]
                best = model.rewards(tried).argmax(1)  # (E, H)
                chosen[..., column] = np.take_along_axis(tried[..., column], best[:, None], 1)[:, 0]
        return {name: chosen[..., CONTROLS.index(name)] for name in task.controls}


class _OneStep:
    """The coming step of E environments, each tried with M sets of commands at once."""

    def __init__(self, task: Task, seen: Physical, n_tries: int):
        self.n_envs, self.n_homes = seen["t_air"].shape
        self.n_tries = n_tries
        world = task.world(seed=0, n_envs=1, autoreset=False)
        settings = world.settings.copy()
        settings["episode_steps"] = 2
        settings["has_feeder"] = settings["shows_devices"] = settings["occupancy_seen"] = 0
        common, series = _records(task, seen)
        price = float(task.common["price_import"].mean())
        t_out = np.asarray(seen["t_out"])
        heat, tank = np.zeros((self.n_envs, self.n_homes)), np.zeros((self.n_envs, self.n_homes))
        for e in range(self.n_envs):
            for h, home in enumerate(task.homes):
                if home["hp_q_ref"] > 0.0 and t_out[e, h] < HEATING_LIMIT_C:
                    heat[e, h] = price / rooms.hp_limits(home, float(t_out[e, h]))[0]
                if home["dhw_c"] > 0.0:
                    by_pump = home["dhw_hp"] > 0.0 and home["hp_q_ref"] > 0.0
                    lift = float(home["dhw_t_set"]) + TANK_LIFT_K
                    tank[e, h] = price / (heat_pump.heating(home, float(t_out[e, h]), lift)[0] if by_pump else 1.0)
        nothing = np.zeros(0, np.int64)
        self._world = world._replace(
            settings=settings,
            common=common,
            series=series,
            value_el=np.full(self.n_envs, price),
            value_heat=heat,
            value_tank=tank,
            starts=np.arange(self.n_envs, dtype=np.int64),
            slots=np.arange(len(CONTROLS), dtype=np.int64),
            entries=nothing,
            lead=nothing,
            low=np.zeros((self.n_homes, 0)),
            scale=np.zeros((self.n_homes, 0)),
        )
        self._state = np.repeat(_state(task, seen), n_tries, 0)
        self._grid = connection.no_grid(self.n_homes)

    def rewards(self, commands: F) -> F:
        """Rewards (E, M, H) of the coming step under commands (E, M, H, 10)."""
        n, n_homes = self.n_envs * self.n_tries, self.n_homes
        clock = np.zeros((n, 4), np.int64)
        clock[:, 0] = clock[:, 1] = clock[:, 2] = np.repeat(np.arange(self.n_envs), self.n_tries)
        live = Live(
            clock=clock,
            env_ids=np.zeros(n, np.int64),
            state=self._state.copy(),
            transformer=np.zeros((n, 3)),
            nodes=np.zeros((n, 6, self._grid.parent.size)),
            current=np.zeros((n, self._grid.line_node.size)),
            terms=np.zeros((n, n_homes), TERMS),
            feeder_terms=np.zeros(n, FEEDER_TERMS),
            feeder_seen=np.zeros(n, FEEDER_TERMS),
            work=np.zeros((n, rooms.WORK + kernel.N_CONTROLS)),
            obs=np.zeros((n, n_homes, 0), np.float32),
            final_obs=np.zeros((n, n_homes, 0), np.float32),
            reward=np.zeros(n),
            truncated=np.zeros(n, np.bool_),
        )
        kernel.step(np.ascontiguousarray(commands.reshape(n, n_homes, -1)), 0, n, self._world, self._grid, live)
        reward: F = live.terms["reward_eur"].reshape(self.n_envs, self.n_tries, n_homes)
        return reward


def _shown(task: Task, seen: Physical, name: str, otherwise: F | float) -> F:
    """An entry (E, H), or what stands in for it where the task does not show it."""
    if name in task.observation_names:
        return seen[name]
    return np.broadcast_to(np.asarray(otherwise, np.float64), seen["t_air"].shape)


def _records(task: Task, seen: Physical) -> tuple[Records, Records]:
    """The coming step's records, one row an environment: common (E,), series (E, H)."""
    n_envs, n_homes = seen["t_air"].shape
    common, series = np.zeros(n_envs, COMMON), np.zeros((n_envs, n_homes), SERIES)
    first = task.common[0]
    for field, entry, otherwise in (
        ("t_out", "t_out", 0.0),
        ("price_import", "price_import", 0.0),
        ("price_export", "price_export", first["price_export"]),
        ("carbon", "carbon", first["carbon"]),
        ("grid", "grid", 1.0),
    ):
        common[field] = _shown(task, seen, entry, float(otherwise))[:, 0]
    common["hour"] = hour_of(seen)[:, 0]
    for field, entry in (
        ("load", "p_load"),
        ("pv", "p_pv"),
        ("occupancy", "occupancy"),
        ("dhw", "q_draw"),
        ("ev_home", "vehicle_home"),
        ("ev_leaves_h", "vehicle_leaves"),
    ):
        series[field] = _shown(task, seen, entry, 0.0)
    return common, series


def _state(task: Task, seen: Physical) -> Records:
    """The state (E, H) as far as it is seen."""
    state = np.zeros(seen["t_air"].shape, STATE)
    for name in ("soc", "t_air", "t_mass"):
        state[name] = seen[name]
    state["soh"] = state["vm"] = 1.0
    state["t_tank"] = _shown(task, seen, "t_tank", np.asarray(task.homes["dhw_t_set"]))
    state["ev_soc"] = _shown(task, seen, "vehicle_soc", 0.0)
    state["month_kwh"] = _shown(task, seen, "month_import", 0.0)
    state["month_peak"] = _shown(task, seen, "month_peak", 0.0)
    for z in range(1, task.zones.shape[1]):
        for node in (2 * z - 2, 2 * z - 1):
            state["t_zones"][..., node] = seen[f"t_air_{z + 1}"]
    for i in range(2):
        ready = _shown(task, seen, f"appliance{i + 1}_ready", 0.0) > 0.5
        wait = np.round(_shown(task, seen, f"appliance{i + 1}_wait", 0.0) / task.scenario.dt_h)
        state["app_wait"][..., i] = np.where(ready, wait, -1.0)
    return state
