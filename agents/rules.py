"""Rule-based controllers: what a home does without learning or planning."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from entangrid.agents.controller import F, Memoryless, Physical, encode
from entangrid.envs.kernels import heat_pump
from entangrid.envs.layout import Records
from entangrid.envs.tasks import Task

#: Gain of the thermostat [kW of heat per K below the set point].
GAIN_KW_K = 2.0
#: How far the set-back rule lets the set point fall while nobody is in [K].
SET_BACK_K = 1.0


def _field(homes: Records, name: str) -> Any:
    return np.asarray(homes[name], np.float64)


def heat_pump_limits(task: Task, t_out: Any) -> tuple[F, F]:
    """(cop [-], largest electric power [kW]) for outdoor temperatures (E, H) [°C]."""
    f = task.homes
    sink = np.maximum(_field(f, "hp_sink_base") + _field(f, "hp_sink_slope") * t_out, _field(f, "hp_sink_min"))
    cop_fit = heat_pump.linear_fit(t_out, sink, t_out, f["hp_cop_p1"], f["hp_cop_p2"], f["hp_cop_p3"], f["hp_cop_p4"])
    pth_fit = heat_pump.linear_fit(t_out, sink, t_out, f["hp_pth_p1"], f["hp_pth_p2"], f["hp_pth_p3"], f["hp_pth_p4"])
    cop = np.maximum(cop_fit, 1.0)
    return cop, _field(f, "hp_q_ref") * np.maximum(pth_fit, 0.0) / cop


def thermostat(task: Task, seen: Physical, set_point: F) -> tuple[F, F]:
    """(command [-1, 1], electric power [kW]) that holds a set point [°C]; all (E, H).

    Heat = steady loss at the set point + gain (set point - air temperature): the outdoor-compensated control that heat
    pumps come with. It knows the home's conductances and no gains.
    """
    homes = task.homes
    cop, p_max = heat_pump_limits(task, seen.t_out)
    # to the outdoors in parallel: air directly, and through the mass in series
    between, out = _field(homes, "ua_air_mass"), _field(homes, "ua_mass_out")
    loss = _field(homes, "ua_air_out") + between * out / (between + out)
    heat = loss * (set_point - seen.t_out) + GAIN_KW_K * (set_point - seen.t_air)
    p = np.clip(heat / cop, 0.0, p_max)
    command = np.where(p_max > 0.0, 2.0 * p / np.where(p_max > 0.0, p_max, 1.0) - 1.0, -1.0)
    return command, p


class NoControl(Memoryless):
    """Thermostat at the home's set point day and night, battery idle: what every saving is measured from."""

    def __init__(self, task: Task):
        self.task = task

    def act(self, observation: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Actions for observations (E, 12 H)."""
        seen = Physical(self.task, observation)
        set_point = np.broadcast_to(_field(self.task.homes, "t_set"), seen.t_air.shape)
        command, _ = thermostat(self.task, seen, set_point)
        return encode(self.task, np.stack([np.zeros_like(command), command], -1))


class SelfConsumption(Memoryless):
    """The battery takes surplus PV and covers what the home draws; the set point falls while nobody is in."""

    def __init__(self, task: Task):
        self.task = task

    def act(self, observation: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Actions for observations (E, 12 H)."""
        homes = self.task.homes
        seen = Physical(self.task, observation)
        set_point = _field(homes, "t_set") - SET_BACK_K * (seen.occupancy < 0.5)
        command, p_hp = thermostat(self.task, seen, set_point)
        limit = _field(homes, "battery_p")
        surplus = seen.p_pv - seen.p_load - p_hp
        battery = np.where(limit > 0.0, surplus / np.where(limit > 0.0, limit, 1.0), 0.0)
        return encode(self.task, np.stack([np.clip(battery, -1.0, 1.0), command], -1))
