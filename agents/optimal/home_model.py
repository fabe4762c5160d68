"""What the program of one home is built from: its records over the window, and the powers that nobody decides on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.agents.optimal.forecasts import Window
from entangrid.agents.optimal.linear import F, I, LinearProgram
from entangrid.agents.optimal.replay import Course, Values
from entangrid.data.errors import InputError
from entangrid.envs.kernels import appliance, pv, rooms
from entangrid.envs.layout import N_APPLIANCES, Records
from entangrid.envs.tasks import Task

ROOMS = ("heat_pump", "zone2", "zone3", "zone4")


class Model(NamedTuple):
    """One home over n steps: parameters, records, the state at the beginning, and its course without control."""

    task: Task
    home: int
    window: Window
    state: Records
    values: Values
    alone: Course

    @property
    def n(self) -> int:
        """Number of steps."""
        return len(self.window.common)

    @property
    def dt(self) -> float:
        """Step [h]."""
        return self.task.scenario.dt_h

    @property
    def p(self) -> Records:
        """The home's record."""
        return self.task.homes[self.home]

    @property
    def zones(self) -> Records:
        """The home's zones (Z,), absent ones among them."""
        return self.task.zones[self.home]

    @property
    def common(self) -> Records:
        """Records of the steps (n,)."""
        return self.window.common

    @property
    def series(self) -> Records:
        """The home's own records of the steps (n,)."""
        return self.window.series[:, self.home]

    def has(self, control: str) -> bool:
        """Whether the home has the device and the task gives its control to the agent."""
        p = self.p
        if control not in self.task.controls:
            return False
        if control in ROOMS:
            pump = p["hp_q_ref"] > 0.0 or p["hp_cool_q_ref"] > 0.0
            return bool(pump and p["building"] > 0.0 and p["ideal_load"] <= 0.0)
        if control.startswith("appliance"):
            return bool(p["app_kw"][int(control[-1]) - 1] > 0.0)
        there = {"battery": p["battery_e"], "tank": p["dhw_c"], "vehicle": p["ev_e"], "pv": p["pv_curtailable"]}
        return bool(there[control] > 0.0)

    @property
    def heats_rooms(self) -> bool:
        """Whether rooms are part of the program."""
        return self.has("heat_pump")

    @property
    def tank_by_pump(self) -> bool:
        """Whether the home's tank is heated by its heat pump."""
        p = self.p
        return bool(p["dhw_c"] > 0.0 and p["dhw_hp"] > 0.0 and p["hp_q_ref"] > 0.0)

    def pump_limits(self) -> tuple[F, F, F, F]:
        """(cop, heat output [kW], eer, cooling output [kW]) for the rooms, (n,) each."""
        t_out = np.ascontiguousarray(self.common["t_out"])[:, None]
        out = [np.empty_like(t_out) for _ in range(4)]
        homes = self.task.homes[self.home : self.home + 1]
        rooms.pump_tables(homes, t_out, *out)
        cop, q_heat, eer, q_cool = (part[:, 0] for part in out)
        return cop, q_heat, eer, q_cool

    def sun_kw(self, guess: Course, *, optimistic: bool) -> F:
        """PV power (n,) [kW] that may be fed in; volt-watt takes its share at the guess's voltages, or none at all."""
        p, sun = self.p, np.asarray(self.series["pv"], np.float64)
        if self.task.feeder is None or p["vw_end"] <= 0.0:
            return np.asarray(self.alone.terms["p_pv_kw"], np.float64)
        if optimistic:
            return sun
        held = [pv.available_kw(p, kw, vm, np.nan) for kw, vm in zip(sun, guess.states["vm"], strict=False)]
        return np.where(self.common["grid"] > 0.5, held, self.alone.terms["p_pv_kw"])

    def appliance_alone(self, i: int) -> F:
        """Power (n,) [kW] of appliance i (0, 1) left to itself."""
        p, power = self.p, np.zeros(self.n)
        kw, run, window = appliance.cycle(p["app_kw"][i], p["app_h"][i], p["app_window_h"][i], self.dt)
        wait, left = float(self.state["app_wait"][i]), float(self.state["app_left"][i])
        for t in range(self.n):
            ready = float(self.series["app_ready"][t, i])
            wait, left, power[t] = appliance.step(ready, 1.0, wait, left, kw, run, window)
        return power


class Build:
    """The program of one home under construction: the power balance that every device adds to."""

    def __init__(
        self,
        model: Model,
        *,
        optimistic: bool,
        guess: Course,
        trust_k: float = np.inf,
        lp: LinearProgram | None = None,
    ):
        """optimistic: relax whatever is not linear, so that the result is a lower bound; else take it as in ``guess``,
        from which the tank's temperature stays within ``trust_k`` [K]. lp: a program to add to (default: a new one)."""
        self.model, self.optimistic, self.guess, self.trust_k = model, optimistic, guess, trust_k
        self.lp = LinearProgram() if lp is None else lp
        self.fixed_kw = np.array(model.series["load"], np.float64)  # demand that nobody decides on
        self.unity_kw = np.zeros(model.n)  # the part of it that draws no reactive power: less PV, plus vehicle
        self.demand: list[tuple[I, F]] = []  # columns (n,) and their weights in the home's demand
        self.stores: list[tuple[I, F]] = []  # the same of battery and vehicle, which others do not see
        self.start_value = 0.0  # of what is stored at the beginning in the modelled stores [EUR]
        self.constant = 0.0  # costs that nobody decides on, less the change of value in stores left alone [EUR]

    def add_demand(self, columns: I, weight: npt.ArrayLike = 1.0) -> None:
        """Count columns (n,) [kW or kW/weight] as demand of the home."""
        self.demand.append((columns, np.broadcast_to(np.asarray(weight, np.float64), columns.shape)))

    def add_store(self, columns: I, weight: float) -> None:
        """Count columns (n,) [kW] as charging (1) or discharging (-1)."""
        self.stores.append((columns, np.full(columns.shape, weight)))


def refuse(task: Task, who: str, *, approximate: bool = False) -> None:
    """Raise InputError for a task that the program cannot hold even as a relaxation; ``who`` begins the message.

    approximate: take outages as if they were not there.
    """
    if task.action_set != "continuous":
        raise InputError(f"{who}: action_set is {task.action_set!r}; expected 'continuous'")
    has_rooms = "heat_pump" in task.controls
    for h, home in enumerate(task.homes):
        by_pump = home["dhw_c"] > 0.0 and home["dhw_hp"] > 0.0 and home["hp_q_ref"] > 0.0
        heated = by_pump and home["building"] > 0.0 and home["ideal_load"] <= 0.0
        if heated and has_rooms != ("tank" in task.controls):
            given = "heat_pump" if has_rooms else "tank"
            raise InputError(
                f"{who}: controls have {given!r} alone, but rooms and tank of home {task.scenario.home_names[h]!r} "
                "share a heat pump; expected both or neither"
            )
    n_zones = task.zones.shape[1]
    given_zones = {name for name in ROOMS[:n_zones] if name in task.controls}
    if given_zones and len(given_zones) < n_zones:
        raise InputError(f"{who}: controls have {', '.join(sorted(given_zones))} alone; expected all {n_zones} zones")
    if approximate:
        return
    if (task.common["grid"] < 0.5).any():
        raise InputError(f"{who}: scenario {task.scenario.name!r} has outages; expected none")


def inexact(model: Model) -> tuple[str, ...]:
    """What of the home is not linear, so that the program holds it by iteration and a bound."""
    p = model.p
    held = (
        ("battery curves", model.has("battery") and p["battery_curves"] > 0.0),
        ("battery ageing", model.has("battery") and (p["battery_calendar"] > 0.0 or p["battery_cycle"] > 0.0)),
        ("part load", model.heats_rooms and p["hp_min_share"] > 0.0 and p["hp_cc"] < 1.0),
        ("tank heated by the pump", model.has("tank") and model.tank_by_pump),
        ("disinfection", model.has("tank") and p["dhw_legionella_h"] > 0.0),
        ("volt-watt", model.task.feeder is not None and p["vw_end"] > 0.0),
        ("outages", bool((model.common["grid"] < 0.5).any())),
    )
    return tuple(what for what, there in held if there)


def appliances(model: Model) -> list[int]:
    """The appliances (0, 1) that are part of the program."""
    return [i for i in range(N_APPLIANCES) if model.has(f"appliance{i + 1}")]
