"""Rule-based controllers: what a home does without learning or planning."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from entangrid.agents.controller import F, Physical
from entangrid.agents.rule import Range, Rule
from entangrid.envs.kernels.rooms import GAIN_KW_K, pump_tables
from entangrid.envs.tasks import Task

#: How far the set-back rule lets the set point fall while nobody is in [K].
SET_BACK_K = 1.0
TANK_BAND_K = 5.0  # of the tank's proportional control below its set point
ROOMS = ("heat_pump", "zone2", "zone3", "zone4")


def thermostat(task: Task, seen: Physical, lower_k: Any = 0.0, cool_k: Any = 0.0) -> tuple[dict[str, F], F]:
    """(a command [-1, 1] for each zone's control, the heat pump's electric power [kW] (E, H)) that holds set points.

    The law of the simulator's own thermostats (:func:`entangrid.envs.kernels.rooms.step`): heat = steady loss at the
    set point + gain (set point - air temperature), the outdoor-compensated control that heat pumps come with; cooling
    alike from the comfort band's upper end. It knows the home's conductances and no gains. ``lower_k`` lowers the
    heating set points, ``cool_k`` raises those of cooling [K]; numbers or (E, H), one for all zones.
    """
    t_out = np.ascontiguousarray(seen["t_out"])
    cop, q_heat, eer, q_cool = (np.empty_like(t_out) for _ in range(4))
    pump_tables(task.homes, t_out, cop, q_heat, eer, q_cool)
    cools = np.asarray(task.homes["hp_cool_q_ref"]) > 0.0
    commands: dict[str, F] = {}
    power = np.zeros_like(t_out)
    for z, name in enumerate(ROOMS[: task.zones.shape[1]]):
        zone = task.zones[:, z]
        t_air = seen["t_air" if z == 0 else f"t_air_{z + 1}"]
        warm, cool = zone["t_set"] - lower_k, zone["t_high"] + cool_k
        heat = zone["ua_steady"] * (warm - t_out) + GAIN_KW_K * (warm - t_air)
        cold = zone["ua_steady"] * (t_out - cool) + GAIN_KW_K * (t_air - cool)
        most, most_cold = zone["emitter_share"] * q_heat, zone["emitter_share"] * q_cool
        heat = np.clip(heat, 0.0, most)
        cold = np.where(t_air > cool, np.clip(cold, 0.0, most_cold), 0.0)
        heat = np.where(cold > 0.0, 0.0, heat)
        share = np.divide(heat, most, out=np.zeros_like(heat), where=most > 0.0)
        share_cold = np.divide(cold, most_cold, out=np.zeros_like(cold), where=most_cold > 0.0)
        commands[name] = np.where(cools, share - share_cold, 2.0 * share - 1.0)
        power += heat / cop + cold / eer
    return commands, power


def built_in(task: Task, seen: Physical, lower_k: Any = 0.0, cool_k: Any = 0.0) -> tuple[dict[str, F], F]:
    """(what every device does by itself, the heat pump's electric power for the rooms [kW] (E, H)).

    lower_k, cool_k: see :func:`thermostat`.
    """
    commands, power = thermostat(task, seen, lower_k, cool_k)
    full = np.ones_like(power)
    commands |= {"battery": 0.0 * full, "vehicle": full, "appliance1": full, "appliance2": full, "pv": full}
    if "tank" in task.controls:
        missing = (task.homes["dhw_t_set"] - seen["t_tank"]) / TANK_BAND_K
        commands["tank"] = 2.0 * np.clip(missing, 0.0, 1.0) - 1.0
    return commands, power


def battery_for(task: Task, surplus_kw: F) -> F:
    """Battery commands (E, H) that take this power [kW], negative to give it; 0 without a battery."""
    limit = np.asarray(task.homes["battery_p"], np.float64)
    return np.where(limit > 0.0, surplus_kw / np.where(limit > 0.0, limit, 1.0), 0.0)


class NoControl(Rule):
    """Every device by itself: thermostats at their set points, vehicle and appliances at once, battery idle.

    What every saving is measured from. **Information: the observation.**
    """

    name = "no-control"

    def commands(self, seen: Physical) -> dict[str, F]:
        """See :class:`~entangrid.agents.rule.Rule`."""
        return built_in(self.task, seen)[0]


class SelfConsumption(Rule):
    """The battery takes surplus PV and covers what the home draws; the set point falls while nobody is in.

    **Information: the observation.** ``set_back_k``: how far it falls [K]; ``presence``: the seen occupancy below which
    nobody is in; ``cover``: share of the home's demand that the battery covers.
    """

    name = "self-consumption"
    needs = ("battery",)
    parameters: ClassVar[dict[str, Range]] = {
        "set_back_k": Range(SET_BACK_K, 0.0, 4.0),
        "presence": Range(0.5, 0.05, 0.95),
        "cover": Range(1.0, 0.0, 1.0),
    }

    def commands(self, seen: Physical) -> dict[str, F]:
        """See :class:`~entangrid.agents.rule.Rule`."""
        lower = np.where(seen["occupancy"] < self.values["presence"], self.values["set_back_k"], 0.0)
        commands, p_hp = built_in(self.task, seen, lower)
        surplus = seen["p_pv"] - seen["p_load"] - p_hp
        commands["battery"] = battery_for(self.task, np.where(surplus < 0.0, self.values["cover"], 1.0) * surplus)
        return commands
