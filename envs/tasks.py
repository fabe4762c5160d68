"""A task: a scenario, what is controlled and seen, what it costs, and which episodes it is made of."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import entangrid.data
from entangrid.data.errors import InputError
from entangrid.data.scenario import Scenario
from entangrid.envs import connection, derived, observations, parameters, thermal
from entangrid.envs.feeder import Feeder
from entangrid.envs.layout import CONTROLS, Records
from entangrid.envs.world import SETTINGS, Grid, World

F = npt.NDArray[np.float64]

ACTION_SETS = ("continuous", "discrete", "multi-discrete")
OBSERVATION_SETS = ("local", "forecast", "feeder")
OCCUPANCY = ("true", "noisy", "meter")
FORECAST = ("perfect", "persistence", "noisy")
INITIAL = (0.2, 0.8, 20.0, 22.0, 20.0, 22.0, 48.0, 55.0, 0.5, 0.9)


@dataclass(frozen=True, eq=False)
class Task:
    """What a controller is asked to do; made by :meth:`make`, which says what each field means."""

    scenario: Scenario
    action_set: Literal["continuous", "discrete", "multi-discrete"]
    controls: tuple[str, ...]
    episode_steps: int
    starts: npt.NDArray[np.int64]
    sequential: bool
    random_state: bool
    initial: tuple[float, ...]
    carbon_price_eur_kg: float
    observation_set: Literal["local", "forecast", "feeder"]
    forecast: Literal["perfect", "persistence", "noisy"]
    forecast_h: tuple[float, ...]
    forecast_sigma: float
    occupancy: Literal["true", "noisy", "meter"]
    occupancy_accuracy: float
    feeder: Feeder | None
    home_bus: tuple[Hashable, ...] | None
    feeder_rules: connection.FeederRules

    @classmethod
    def make(
        cls,
        scenario: Scenario | str | Path = "bundled-home",
        *,
        action_set: str = "continuous",
        controls: Sequence[str] | None = None,
        episode_steps: int | None = None,
        starts: Sequence[int] | npt.NDArray[np.int64] | None = None,
        sequential: bool = False,
        random_state: bool = False,
        initial: Sequence[float] = INITIAL,
        carbon_price_eur_kg: float = 0.0,
        observation_set: str = "local",
        forecast: str = "perfect",
        forecast_h: Sequence[float] = (1.0, 3.0, 6.0, 12.0, 24.0),
        forecast_sigma: float = 0.2,
        occupancy: str = "true",
        occupancy_accuracy: float = 0.9,
        feeder: Feeder | str | Path | None = None,
        home_bus: Sequence[Hashable] | None = None,
        feeder_rules: connection.FeederRules | Mapping[str, Any] | None = None,
    ) -> Task:
        """Check the arguments and fill in the defaults; raises InputError naming the argument.

        scenario: a Scenario, or a name or folder that ``entangrid.data.load`` takes.
        action_set: "continuous" is Box(-1, 1) with one number a control and home; "multi-discrete" a few levels of each
        of them; "discrete" every combination of the levels of one home's controls.
        controls: which of :data:`~entangrid.envs.layout.CONTROLS` the agent has, in that order; the others follow
        their own controllers. Default: every device that a home of the scenario has (PV where it may be curtailed).
        episode_steps: steps of an episode (default: one day). starts: allowed first steps (default: every full hour).
        sequential: take the starts in their order (evaluation) instead of drawing them (training).
        random_state: draw the initial state instead of starting from the middle of ``initial``.
        initial: lowest and highest initial soc [-], air and mass temperature [°C], and optionally those of the tank
        [°C] and the vehicle's soc [-].
        carbon_price_eur_kg: price of imported electricity's carbon, 0 where the tariff already contains it.
        observation_set: "local"; "forecast": and forecasts of price, outdoor temperature, PV and load ``forecast_h``
        ahead [h]; "feeder": and the whole feeder's state. forecast: "perfect", "persistence" (the latest known value
        of that time of day) or "noisy": a normal error with standard deviation ``forecast_sigma`` of the entry's range
        at 24 h, growing with the root of the lead time.
        occupancy: what the agent sees, "true", "noisy" (right with probability ``occupancy_accuracy``) or "meter"
        (inferred from the load); gains and comfort always follow the true one.
        feeder: a Feeder, a bundled feeder's name or a folder of tables; home_bus: a bus label for each home (default:
        spread evenly); feeder_rules: limits and prices (:class:`~entangrid.envs.connection.FeederRules`).
        """
        data = scenario if isinstance(scenario, Scenario) else entangrid.data.load(scenario)
        for name, value, known in (
            ("action_set", action_set, ACTION_SETS),
            ("observation_set", observation_set, OBSERVATION_SETS),
            ("forecast", forecast, FORECAST),
            ("occupancy", occupancy, OCCUPANCY),
        ):
            if value not in known:
                raise InputError(f"{name} is {value!r}; expected one of {', '.join(map(repr, known))}")
        steps = data.steps_per_day if episode_steps is None else int(episode_steps)
        if not 1 <= steps <= data.n_steps or (episode_steps is not None and steps != episode_steps):
            raise InputError(
                f"episode_steps is {episode_steps}; expected a whole number, 1 to the scenario's {data.n_steps}"
            )
        for name, number, low, high in (
            ("carbon_price_eur_kg", carbon_price_eur_kg, 0.0, 10.0),
            ("occupancy_accuracy", occupancy_accuracy, 0.0, 1.0),
            ("forecast_sigma", forecast_sigma, 0.0, 10.0),
        ):
            if not low <= number <= high:
                raise InputError(f"{name} is {number:g}; expected {low:g} to {high:g}")
        if not forecast_h or any(not 0.0 < h <= 168.0 for h in forecast_h):
            raise InputError(f"forecast_h is {tuple(forecast_h)}; expected hours above 0, at most 168")
        if observation_set == "feeder" and feeder is None:
            raise InputError("observation_set is 'feeder' and the task has no feeder; expected one, such as 'rural1'")
        if feeder is None and (home_bus is not None or feeder_rules is not None):
            raise InputError("home_bus and feeder_rules need a feeder; expected one, such as feeder='rural1'")
        rules = feeder_rules if isinstance(feeder_rules, connection.FeederRules) else _rules(feeder_rules)
        grid = None if feeder is None else connection.load_feeder(feeder)
        task = cls(
            data,
            action_set,  # type: ignore[arg-type]
            (),
            steps,
            _starts(data, starts, steps),
            sequential,
            random_state,
            _initial(initial),
            carbon_price_eur_kg,
            observation_set,  # type: ignore[arg-type]
            forecast,  # type: ignore[arg-type]
            tuple(float(h) for h in forecast_h),
            forecast_sigma,
            occupancy,  # type: ignore[arg-type]
            occupancy_accuracy,
            grid,
            None if home_bus is None else tuple(home_bus),
            rules,
        )
        object.__setattr__(task, "controls", _controls(task, controls))
        if grid is not None:
            connection.home_buses(grid, data.n_homes, task.home_bus)
        return task

    @cached_property
    def homes(self) -> Records:
        """Kernel records of the homes (H,)."""
        return parameters.home_records(self.scenario.homes)

    @cached_property
    def zones(self) -> Records:
        """Kernel records of all zones (H, Z)."""
        return parameters.zone_records(self.scenario.homes)

    @cached_property
    def common(self) -> Records:
        """Kernel records of what all homes share (T,)."""
        return derived.common_records(self.scenario)

    @cached_property
    def series(self) -> Records:
        """Kernel records of each home's own series (T, H)."""
        return derived.series_records(self.scenario, self.homes)

    @cached_property
    def matrices(self) -> thermal.StepMatrices:
        """Thermal step matrices of the homes."""
        return thermal.step_matrices(self.homes, self.zones, self.scenario.dt_h)

    @cached_property
    def observation_layout(self) -> observations.Layout:
        """Which entries the observation of a home has."""
        lead = tuple(max(round(h / self.scenario.dt_h), 1) for h in self.forecast_h)
        return observations.layout(
            self.homes,
            self.zones,
            self.common,
            feeder=self.feeder is not None,
            observation_set=self.observation_set,
            lead=lead,
        )

    @property
    def observation_names(self) -> tuple[str, ...]:
        """Names of the K numbers that each home shows."""
        return self.observation_layout.names

    @cached_property
    def observation_ranges(self) -> tuple[F, F]:
        """Physical ranges (H, K) that are mapped to [-1, 1]."""
        return observations.ranges(self.observation_layout, self.common, self.series)

    @cached_property
    def stored_values(self) -> tuple[F, F, F]:
        """Value of a stored kWh in the episode from each start: :func:`entangrid.envs.derived.stored_values`."""
        return derived.stored_values(self.scenario, self.homes, self.starts, self.episode_steps)

    @cached_property
    def bus(self) -> npt.NDArray[np.int64]:
        """Position of each home's bus (H,) in the feeder's bus table."""
        if self.feeder is None:
            raise InputError("task has no feeder")
        return connection.home_buses(self.feeder, self.scenario.n_homes, self.home_bus)

    @cached_property
    def grid(self) -> Grid:
        """The feeder's arrays for the kernel; empty without a feeder."""
        if self.feeder is None:
            return connection.no_grid(self.scenario.n_homes)
        return connection.grid_arrays(self.feeder, self.bus, self.feeder_rules, self.scenario.dt_h)

    def world(self, *, seed: int, n_envs: int, autoreset: bool) -> World:
        """The kernel's arrays for ``n_envs`` copies; the settings are the caller's own."""
        settings = np.zeros(1, SETTINGS)
        settings[0] = (
            self.scenario.dt_h,
            self.carbon_price_eur_kg,
            self.episode_steps,
            seed,
            n_envs,
            self.sequential,
            self.random_state,
            autoreset,
            self.initial,
            OCCUPANCY.index(self.occupancy),
            self.occupancy_accuracy,
            FORECAST.index(self.forecast),
            self.forecast_sigma,
            self.scenario.steps_per_day,
            self.feeder is not None,
            bool(np.isin(self.observation_layout.entries, observations.OF_DEVICES).any()),
        )
        low, high = self.observation_ranges
        slots = np.array([self.controls.index(c) if c in self.controls else -1 for c in CONTROLS], np.int64)
        chosen = self.observation_layout
        return World(
            settings,
            self.homes,
            self.zones,
            *self.matrices,
            self.common,
            self.series,
            *self.stored_values,
            self.starts,
            slots,
            chosen.entries,
            chosen.lead,
            low,
            2.0 / (high - low),
        )


def devices(task: Task) -> tuple[str, ...]:
    """The controls for which at least one home has the device."""
    homes, n_zones = task.homes, task.zones.shape[1]
    heats = bool(((homes["hp_q_ref"] > 0.0) | (homes["hp_cool_q_ref"] > 0.0)).any())
    there = {
        "battery": bool((homes["battery_e"] > 0.0).any()),
        "heat_pump": heats and bool((homes["ideal_load"] <= 0.0).any()),
        "tank": bool((homes["dhw_c"] > 0.0).any()),
        "vehicle": bool((homes["ev_e"] > 0.0).any()),
        "appliance1": bool((homes["app_kw"][:, 0] > 0.0).any()),
        "appliance2": bool((homes["app_kw"][:, 1] > 0.0).any()),
        "pv": bool(((homes["pv_curtailable"] > 0.0) & (task.scenario.pv_kw.max(axis=0) > 0.0)).any()),
    }
    there |= {f"zone{z}": there["heat_pump"] and z <= n_zones for z in (2, 3, 4)}
    return tuple(name for name in CONTROLS if there[name])


def _controls(task: Task, wanted: Sequence[str] | None) -> tuple[str, ...]:
    there = devices(task)
    if wanted is None:
        if not there:
            raise InputError(f"scenario {task.scenario.name!r}: no home has a device to control")
        return there
    if isinstance(wanted, str) or not wanted:
        raise InputError(f"controls is {wanted!r}; expected some of {', '.join(there)}")
    for name in wanted:
        if name not in there:
            raise InputError(f"controls: {name!r} is no device of the scenario; expected some of {', '.join(there)}")
    return tuple(name for name in CONTROLS if name in wanted)


def _rules(given: Mapping[str, Any] | None) -> connection.FeederRules:
    try:
        return connection.FeederRules(**(given or {}))
    except TypeError as error:
        known = ", ".join(connection.FeederRules.__dataclass_fields__)
        raise InputError(f"feeder_rules: {error}; expected some of {known}") from None


def _starts(data: Scenario, starts: Sequence[int] | npt.NDArray[np.int64] | None, steps: int) -> npt.NDArray[np.int64]:
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
    return first


def _initial(given: Sequence[float]) -> tuple[float, ...]:
    if len(given) not in (6, 10) or not all(given[i] <= given[i + 1] for i in range(0, len(given), 2)):
        raise InputError(
            f"initial is {tuple(given)}; expected low and high of soc, air, mass, and optionally tank, vehicle's soc"
        )
    full = tuple(float(v) for v in given) + INITIAL[len(given) :]
    for name, low, high in (("soc", full[0], full[1]), ("vehicle's soc", full[8], full[9])):
        if not (low >= 0.0 and high <= 1.0):
            raise InputError(f"initial {name} is {low:g} to {high:g}; expected a range within 0 to 1")
    return full
