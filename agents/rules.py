"""Rule-based controllers: what a home does without learning or planning."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from entangrid.agents.controller import F, Memoryless, Physical, encode
from entangrid.envs.kernels.rooms import GAIN_KW_K, pump_tables
from entangrid.envs.tasks import Task

#: How far the set-back rule lets the set point fall while nobody is in [K].
SET_BACK_K = 1.0
TANK_BAND_K = 5.0  # of the tank's proportional control below its set point


def heat_pump_limits(task: Task, t_out: Any) -> tuple[F, F]:
    """(cop [-], largest electric power [kW]) of room heating for outdoor temperatures (E, H) [°C]."""
    t = np.ascontiguousarray(np.broadcast_to(t_out, (np.shape(t_out)[0], task.homes.size)), np.float64)
    cop, q_heat, _, _ = (np.empty_like(t) for _ in range(4))
    pump_tables(task.homes, t, cop, q_heat, np.empty_like(t), np.empty_like(t))
    return cop, q_heat / cop


def thermostat(task: Task, seen: Physical, set_back_k: F | float = 0.0) -> tuple[dict[str, F], F]:
    """(a command [-1, 1] for each zone's control, the heat pump's electric power [kW] (E, H)) that holds set points.

    The law of the simulator's own thermostats (:func:`entangrid.envs.kernels.rooms.step`): heat = steady loss at the
    set point + gain (set point - air temperature), the outdoor-compensated control that heat pumps come with; cooling
    alike from the comfort band's upper end. It knows the home's conductances and no gains. ``set_back_k`` lowers the
    heating set points [K].
    """
    t_out = np.ascontiguousarray(seen["t_out"])
    cop, q_heat, eer, q_cool = (np.empty_like(t_out) for _ in range(4))
    pump_tables(task.homes, t_out, cop, q_heat, eer, q_cool)
    cools = np.asarray(task.homes["hp_cool_q_ref"]) > 0.0
    commands: dict[str, F] = {}
    power = np.zeros_like(t_out)
    for z in range(task.zones.shape[1]):
        zone = task.zones[:, z]
        t_air = seen["t_air" if z == 0 else f"t_air_{z + 1}"]
        set_point = zone["t_set"] - set_back_k
        heat = zone["ua_steady"] * (set_point - t_out) + GAIN_KW_K * (set_point - t_air)
        cold = zone["ua_steady"] * (t_out - zone["t_high"]) + GAIN_KW_K * (t_air - zone["t_high"])
        most, most_cold = zone["emitter_share"] * q_heat, zone["emitter_share"] * q_cool
        heat = np.clip(heat, 0.0, most)
        cold = np.where(t_air > zone["t_high"], np.clip(cold, 0.0, most_cold), 0.0)
        heat = np.where(cold > 0.0, 0.0, heat)
        share = np.divide(heat, most, out=np.zeros_like(heat), where=most > 0.0)
        share_cold = np.divide(cold, most_cold, out=np.zeros_like(cold), where=most_cold > 0.0)
        commands["heat_pump" if z == 0 else f"zone{z + 1}"] = np.where(cools, share - share_cold, 2.0 * share - 1.0)
        power += heat / cop + cold / eer
    return commands, power


def built_in(task: Task, seen: Physical, set_back_k: F | float = 0.0) -> tuple[dict[str, F], F]:
    """(what every device does by itself, the heat pump's electric power for the rooms [kW] (E, H))."""
    commands, power = thermostat(task, seen, set_back_k)
    full = np.ones_like(power)
    commands |= {"battery": 0.0 * full, "vehicle": full, "appliance1": full, "appliance2": full, "pv": full}
    if "tank" in task.controls:
        missing = (task.homes["dhw_t_set"] - seen["t_tank"]) / TANK_BAND_K
        commands["tank"] = 2.0 * np.clip(missing, 0.0, 1.0) - 1.0
    return commands, power


class NoControl(Memoryless):
    """Every device by itself: thermostats at their set points, vehicle and appliances at once, battery idle.

    What every saving is measured from.
    """

    def __init__(self, task: Task):
        self.task = task

    def act(self, observation: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Actions for observations (E, K H)."""
        commands, _ = built_in(self.task, Physical(self.task, observation))
        return encode(self.task, commands)


class SelfConsumption(Memoryless):
    """The battery takes surplus PV and covers what the home draws; the set point falls while nobody is in."""

    def __init__(self, task: Task):
        self.task = task

    def act(self, observation: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Actions for observations (E, K H)."""
        homes = self.task.homes
        seen = Physical(self.task, observation)
        commands, p_hp = built_in(self.task, seen, np.where(seen["occupancy"] < 0.5, SET_BACK_K, 0.0))
        limit = np.asarray(homes["battery_p"], np.float64)
        surplus = seen["p_pv"] - seen["p_load"] - p_hp
        commands["battery"] = np.where(limit > 0.0, surplus / np.where(limit > 0.0, limit, 1.0), 0.0)
        return encode(self.task, commands)
