"""Rules of ``entangrid/Charging-v0``, with SB3's ``predict``: what a station does without learning."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from entangrid.agents.controller import Memoryless
from entangrid.envs.charging import N_POINTS, RADIATION_MAX_W_M2, ChargingTask
from entangrid.envs.kernels.charging import AHEAD

_FIRST_POINT = 2 + 2 * AHEAD


class FullPower(Memoryless):
    """Every vehicle charges at full power from its arrival."""

    def __init__(self, task: ChargingTask):
        self.task = task

    def act(self, observation: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Actions (..., 10) for observations (..., 28)."""
        return np.ones((*np.shape(observation)[:-1], N_POINTS), np.float32)


class LastHours(Memoryless):
    """Full power for vehicles that leave in less than ``full_power_h`` hours, an even share of the PV for the others.

    The rule-based controller that Chargym is published with: three hours, and PV divided by the parked vehicles.
    """

    def __init__(self, task: ChargingTask, full_power_h: float = 3.0):
        self.task = task
        self.full_power_h = full_power_h

    def act(self, observation: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Actions (..., 10) for observations (..., 28)."""
        task = self.task
        seen = np.asarray(observation, np.float64)
        hours = seen[..., _FIRST_POINT + N_POINTS :] * task.stay_h[1]
        pv_kw = task.pv_kwp * seen[..., 0] * RADIATION_MAX_W_M2 / 1000.0
        parked = (hours > 0.0).sum(-1)
        share = np.minimum(pv_kw / np.maximum(parked, 1) / task.p_max_kw, 1.0)
        # hours were stored in single precision: rounding keeps "less than" exact
        soon = np.round(hours) < self.full_power_h
        return np.where(hours > 0.0, np.where(soon, 1.0, share[..., None]), 0.0).astype(np.float32)
