"""A task: a scenario, what is controlled, what it costs, and which episodes it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

import entangrid.data
from entangrid.data.errors import InputError
from entangrid.data.scenario import Scenario
from entangrid.envs import observations, parameters, thermal
from entangrid.envs.kernels import home as home_kernel
from entangrid.envs.layout import COMMON, SERIES, Records

F = npt.NDArray[np.float64]

HEATING_LIMIT_C = 15.0  # above this mean outdoor temperature stored heat saves nothing (VDI 2067's heating limit)
PRICE_AHEAD_H = 4.0  # how far the published tariff is shown to the agents


@dataclass(frozen=True, eq=False)
class Task:
    """What a controller is asked to do.

    scenario: a Scenario, or a name or folder that ``entangrid.data.load`` takes.
    action_set: "continuous" is Box(-1, 1) with battery and heat-pump power for each home; "discrete" is a grid of both.
    episode_steps: steps of an episode (default: one day). starts: allowed first steps (default: every full hour).
    sequential: take the starts in their order (evaluation) instead of drawing them (training).
    random_state: draw the initial state instead of starting from the middle of ``initial``.
    initial: lowest and highest initial soc [-], air temperature [°C], mass temperature [°C].
    carbon_price_eur_kg: price of imported electricity's carbon, 0 where the tariff already contains it.
    """

    scenario: Scenario
    action_set: Literal["continuous", "discrete"] = "continuous"
    episode_steps: int = 0
    starts: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    sequential: bool = False
    random_state: bool = False
    initial: tuple[float, float, float, float, float, float] = (0.2, 0.8, 20.0, 22.0, 20.0, 22.0)
    carbon_price_eur_kg: float = 0.0

    @classmethod
    def make(
        cls,
        scenario: Scenario | str = "bundled-home",
        *,
        action_set: str = "continuous",
        episode_steps: int | None = None,
        starts: Sequence[int] | npt.NDArray[np.int64] | None = None,
        sequential: bool = False,
        random_state: bool = False,
        initial: Sequence[float] = (0.2, 0.8, 20.0, 22.0, 20.0, 22.0),
        carbon_price_eur_kg: float = 0.0,
    ) -> Task:
        """Check the arguments and fill in the defaults; raises InputError naming the argument."""
        data = entangrid.data.load(scenario) if isinstance(scenario, str) else scenario
        if action_set not in ("continuous", "discrete"):
            raise InputError(f"action_set is {action_set!r}; expected 'continuous' or 'discrete'")
        steps = data.steps_per_day if episode_steps is None else int(episode_steps)
        if not 1 <= steps <= data.n_steps or (episode_steps is not None and steps != episode_steps):
            raise InputError(
                f"episode_steps is {episode_steps}; expected a whole number, 1 to the scenario's {data.n_steps}"
            )
        if starts is None:
            every = max(round(1.0 / data.dt_h), 1)
            first = np.arange(0, data.n_steps - steps + 1, every, dtype=np.int64)
        else:
            first = np.ascontiguousarray(starts, np.int64)
            if not np.array_equal(first, np.asarray(starts, np.float64)):
                raise InputError("starts holds a number that is not whole; expected steps of the scenario")
        if first.ndim != 1 or first.size == 0:
            raise InputError("starts is empty; expected at least one step at which an episode may begin")
        bad = (first < 0) | (first + steps > data.n_steps)
        if bad.any():
            raise InputError(
                f"starts: an episode of {steps} steps from step {first[bad][0]} leaves the scenario's {data.n_steps}"
            )
        if len(initial) != 6 or not all(initial[i] <= initial[i + 1] for i in (0, 2, 4)):
            raise InputError(f"initial is {tuple(initial)}; expected (soc low, high, air low, high, mass low, high)")
        if not (initial[0] >= 0.0 and initial[1] <= 1.0):
            raise InputError(f"initial soc is {initial[0]:g} to {initial[1]:g}; expected a range within 0 to 1")
        if not 0.0 <= carbon_price_eur_kg <= 10.0:
            raise InputError(f"carbon_price_eur_kg is {carbon_price_eur_kg:g}; expected 0 to 10")
        return cls(
            data,
            action_set,  # type: ignore[arg-type]
            steps,
            first,
            sequential,
            random_state,
            tuple(float(v) for v in initial),  # type: ignore[arg-type]
            carbon_price_eur_kg,
        )

    @cached_property
    def homes(self) -> Records:
        """Kernel records of the homes (H,)."""
        return parameters.home_records(self.scenario.homes)

    @cached_property
    def common(self) -> Records:
        """Kernel records of what all homes share (T,)."""
        s = self.scenario
        records = np.zeros(s.n_steps, COMMON)
        records["t_out"] = s.t_out_c
        records["price_import"] = s.price_import_eur_kwh
        records["price_export"] = s.price_export_eur_kwh
        records["carbon"] = s.carbon_kg_kwh
        records["hour"] = s.hour
        records["weekend"] = s.weekday >= 5
        ahead = max(round(PRICE_AHEAD_H / s.dt_h), 1)
        padded = np.concatenate([s.price_import_eur_kwh, np.full(ahead, s.price_import_eur_kwh[-1])])
        sums = np.concatenate([[0.0], np.cumsum(padded)])
        records["price_ahead"] = (sums[ahead + 1 :] - sums[1:-ahead])[: s.n_steps] / ahead
        return records

    @cached_property
    def series(self) -> Records:
        """Kernel records of each home's own series (T, H)."""
        s = self.scenario
        records = np.zeros((s.n_steps, s.n_homes), SERIES)
        records["load"] = s.load_kw
        records["pv"] = s.pv_kw
        records["occupancy"] = s.occupancy
        records["gains_air"] = s.gains_air_kw
        records["gains_mass"] = s.gains_mass_kw
        return records

    @cached_property
    def matrices(self) -> thermal.StepMatrices:
        """Thermal step matrices of the homes."""
        return thermal.step_matrices(self.homes, self.scenario.dt_h)

    @cached_property
    def observation_ranges(self) -> tuple[F, F]:
        """Physical ranges (H, 12) that are mapped to [-1, 1]."""
        return observations.ranges(self.common, self.series)

    @cached_property
    def stored_values(self) -> tuple[F, F]:
        """Value of a stored kWh in the episode from each start: electricity (S,), heat (S, H) [EUR/kWh].

        Electricity counts at the episode's mean import price. Heat counts at that price over the coefficient of
        performance at the episode's mean outdoor temperature, and at nothing above the heating limit.
        """
        n = self.episode_steps
        prices = _window_means(self.scenario.price_import_eur_kwh, n)[self.starts]
        outdoor = _window_means(self.scenario.t_out_c, n)[self.starts]
        electricity = np.ascontiguousarray(prices)
        heat = np.zeros((self.starts.size, self.homes.size))
        for h, home in enumerate(self.homes):
            for i, t_out in enumerate(outdoor):
                if t_out < HEATING_LIMIT_C:
                    heat[i, h] = prices[i] / home_kernel.hp_limits(home, float(t_out))[0]
        return electricity, heat


def _window_means(values: F, n: int) -> F:
    """Mean of values[i : i + n] for every i that fits."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    means: F = (sums[n:] - sums[:-n]) / n
    return means
