"""What a planning controller believes of the steps to come.

Published ahead and so known to every kind: calendar, tariff, carbon intensity, outages. Uncertain: outdoor temperature,
load, PV, heat gains, hot water, occupancy, and when the vehicle is there.

============  =========================================================================================================
kind          the uncertain ones
============  =========================================================================================================
perfect       as they will be
noisy         as they will be, with an error that walks at random: its standard deviation at 24 h is ``sigma`` of the
              series' own, and grows with the root of the lead; drawn from (seed, step), so that asking again repeats it
persistence   the latest known value of the same time of day; nothing after the coming step is read
============  =========================================================================================================

The coming step itself is known wherever the observation shows it (temperature, load, PV, hot water, vehicle and when it
leaves next, appliances); its gains and, where the task estimates it, its occupancy are not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.data.errors import InputError
from entangrid.envs.derived import hours_until_departure
from entangrid.envs.layout import Records
from entangrid.envs.tasks import Task

F = npt.NDArray[np.float64]
I = npt.NDArray[np.int64]  # noqa: E741

KINDS = ("perfect", "noisy", "persistence")
#: Fields of the coming step that the observation shows; fields that a noisy forecast gets wrong, none below 0.
_SHOWN = ("load", "pv", "dhw", "ev_home", "ev_trip", "ev_leaves_h", "app_ready")
_NOISY = ("load", "pv", "gains_air", "gains_mass", "dhw")


class Window(NamedTuple):
    """Records of the steps from t on: of all homes (n,), of each home (n, H)."""

    common: Records
    series: Records


class Forecast:
    """One kind of forecast for a task; see the module's table."""

    def __init__(self, task: Task, kind: str = "perfect", seed: int = 0, sigma: float = 0.2):
        """Raises InputError for an unknown kind or a sigma outside 0 to 10."""
        if kind not in KINDS:
            raise InputError(f"forecast is {kind!r}; expected one of {', '.join(KINDS)}")
        if not 0.0 <= sigma <= 10.0:
            raise InputError(f"forecast_sigma is {sigma:g}; expected 0 to 10")
        self.task, self.kind, self.seed, self.sigma = task, kind, seed, sigma
        self._day = task.scenario.steps_per_day

    @property
    def foresees(self) -> bool:
        """Whether the future is read at all."""
        return self.kind != "persistence"

    def window(self, t: int, n: int) -> Window:
        """The steps t to t + n - 1 as they are believed at the beginning of step t; n at most up to the period's end.

        What is not forecast is a view of the task's records, the rest a copy.
        """
        task = self.task
        common, series = task.common[t : t + n], task.series[t : t + n]
        if self.kind == "perfect":
            return Window(common, series)
        common, series = common.copy(), series.copy()
        if self.kind == "noisy":
            return self._with_errors(common, series, t)
        return self._persistent(common, series, t)

    def before(self, t: int, n: int, days: int = 1) -> I:
        """Steps (n,) of the same times of day as t to t + n - 1, ``days`` or the fewest more days back that are over
        before step t; t itself for t, and where nothing is known yet."""
        lead = np.arange(n)
        at = t + lead - self._day * np.maximum(days, -(-lead // self._day))
        return np.where((lead == 0) | (at < 0), t, at)

    def _persistent(self, common: Records, series: Records, t: int) -> Window:
        task, n = self.task, len(common)
        at = self.before(t, n)
        shown = {name: series[0][name].copy() for name in _SHOWN}
        common["t_out"] = task.common["t_out"][at]
        series[...] = task.series[at]
        unseen = t - self._day if t >= self._day else max(t - 1, 0)
        for name in ("gains_air", "gains_mass", "occupancy", "occupancy_meter"):
            series[name][at == t] = task.series[name][unseen]
        if task.occupancy == "true":
            series["occupancy"][0] = task.series["occupancy"][t]
        elif task.occupancy == "meter":
            series["occupancy"][0] = task.series["occupancy_meter"][t]
        for name, value in shown.items():
            series[name][0] = value
        series["app_ready"][1:][at[1:] == t] = 0.0  # nothing is known: no further cycle
        self._stays(series)
        return Window(common, series)

    def _stays(self, series: Records) -> None:
        """A vehicle that is there stays as long as the observation says; then the pattern goes on."""
        dt = self.task.scenario.dt_h
        for h in range(series.shape[1]):
            first = series[0, h]
            if first["ev_home"] > 0.5:
                stay = min(round(float(first["ev_leaves_h"]) / dt), len(series))
                series["ev_home"][:stay, h] = 1.0
                series["ev_trip"][:stay, h] = 0.0
                if stay < len(series) and first["ev_leaves_h"] < 24.0:
                    series["ev_home"][stay, h] = 0.0
        series["ev_trip"][series["ev_home"] > 0.5] = 0.0
        series["ev_leaves_h"] = hours_until_departure(series["ev_home"], dt)

    def _with_errors(self, common: Records, series: Records, t: int) -> Window:
        n, n_homes = series.shape
        rng = np.random.default_rng([self.seed, t])
        scale = self.sigma / np.sqrt(self._day)

        def walk(*shape: int) -> F:
            steps = rng.standard_normal((n, *shape))
            steps[0] = 0.0  # the coming step is shown
            return np.asarray(np.cumsum(steps, 0) * scale)

        common["t_out"] += walk() * np.std(self.task.common["t_out"])
        for name in _NOISY:
            spread = np.std(self.task.series[name], 0)
            true = series[name]
            wrong = np.maximum(true + walk(n_homes) * spread, 0.0)
            if name == "pv":  # the sun does not rise at night
                wrong = np.where(true > 0.0, wrong, 0.0)
            series[name] = wrong
        return Window(common, series)
