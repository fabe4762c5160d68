"""Plans for CityLearn's score: homes with batteries on an hourly scenario, planned for together.

========================  ==============================================================================================
arm                       information
========================  ==============================================================================================
no-control                -
self-consumption, tariff  the observation (:mod:`entangrid.agents.rules`)
mpc-persistence           load and PV of the last 24 h, and of the coming hour; tariff and carbon of the day to come
mpc-practical             the same of one and seven days ago, as scenarios that begin at the coming hour's value
mpc-perfect               the next 36 h
optimum-cost-carbon       everything; the grid term is only scored
optimum                   everything; all six terms are planned for (two linear programs, see
                          :mod:`entangrid.agents.optimal.district`; not proven optimal for the score)
========================  ==============================================================================================

The arms of MPC plan for all six terms; their weights are taken from what happened before, the perfect one's from
everything.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.agents.ladder import make
from entangrid.agents.optimal.district import Goal, Past, plan, plan_long
from entangrid.agents.optimal.forecasts import Forecast
from entangrid.data.errors import InputError
from entangrid.data.scenario import Scenario
from entangrid.envs.citylearn_score import DAY_H, score, totals
from entangrid.envs.simulator import Simulator
from entangrid.envs.tasks import Task

F = npt.NDArray[np.float64]

ARMS = (
    "no-control",
    "self-consumption",
    "tariff",
    "mpc-persistence",
    "mpc-practical",
    "mpc-perfect",
    "optimum-cost-carbon",
    "optimum",
)
PRACTICAL_DAYS = (1, 7)
FADES_PER_H = 0.5  # of the difference between the coming hour and a scenario's first
PERFECT_H, BLIND_H = 36, 24
PERFECT_EVERY_H = 8  # at least; the coming hours are known
KNOWN_DAYS = 28  # of which a blind arm takes its weights


class Sizes(NamedTuple):
    """What a net consumption came to: mean import of each home (H,) [kW], upward ramps and peaks of the sum [kW]."""

    imported: F
    ramp: float  # mean of an hour
    daily_peak: float
    peak: float


def sizes(net: F) -> Sizes:
    """Sizes of net (n, H) [kWh an hour], none below 1e-6."""
    found = totals(net, np.ones(len(net)), np.ones(len(net)))
    ramp = found["ramping"] / max(len(net) - 1, 1)
    return Sizes(
        np.maximum(np.maximum(net, 0.0).mean(0), 1e-6),
        *(float(max(value, 1e-6)) for value in (ramp, found["daily peak"], found["peak"])),
    )


class Community:
    """The homes of a scenario and their batteries over some of its hours, as a task of this project."""

    def __init__(self, scenario: Scenario, first: int, hours: int, soc: float):
        """Hours ``first`` to ``first + hours`` - 1; every battery starts at the share ``soc`` of what can be used.

        Raises InputError unless the steps are hours and some home has a battery.
        """
        if scenario.dt_h != 1.0:
            raise InputError(f"scenario {scenario.name!r}: steps of {scenario.dt_h:g} h; CityLearn's score needs 1 h")
        if not (scenario.homes["battery_kwh"] > 0.0).any():
            raise InputError(f"scenario {scenario.name!r}: no home has a battery; there is nothing to control")
        self.task = Task.make(
            scenario,
            controls=("battery",),
            episode_steps=hours,
            starts=[first],
            sequential=True,
            initial=(soc, soc, 21.0, 21.0, 21.0, 21.0),
        )
        self.first, self.hours, self.soc, self.homes = first, hours, soc, self.task.homes
        self.simulator = Simulator(self.task, autoreset=False)
        now = slice(first, first + hours)
        self.all_net = np.asarray(self.task.series["load"] - self.task.series["pv"], np.float64)
        self.net = self.all_net[now]
        self.price, self.carbon = scenario.price_import_eur_kwh[now], scenario.carbon_kg_kwh[now]
        self.limit = np.maximum(np.asarray(self.homes["battery_p"]), 1e-9)

    @cached_property
    def own_sizes(self) -> Sizes:
        """Sizes of all the hours."""
        return sizes(self.net)

    def run(self, act: Callable[[int, Community], F]) -> F:
        """Net consumption (n, H) [kWh] under battery commands (H,) in [-1, 1] for each hour."""
        self.simulator.reset()
        self.done = np.zeros_like(self.net)
        for t in range(self.hours):
            self.simulator.step(act(t, self))
            self.done[t] = self.simulator.terms[0]["p_grid_kw"]
        return self.done

    def goal(self, before: Sizes, hours: slice, *, grid: bool) -> Goal:
        """The score as weights of a linear program over ``hours``; a negative price counts as 0 in it."""
        price = np.maximum(self.price[hours, None], 0.0) / (before.imported * max(self.price.mean(), 1e-9))
        carbon = np.maximum(self.carbon[hours, None], 0.0) / (before.imported * max(self.carbon.mean(), 1e-9))
        weight = (price + carbon) / (len(before.imported) * self.hours)
        if not grid:
            return Goal(weight)
        # a day's 1 - load factor falls about as its peak does: the daily peak counts for both
        ramp, daily = 0.25 / (before.ramp * self.hours), 0.5 * DAY_H / (before.daily_peak * self.hours)
        return Goal(weight, ramp, daily, 0.25 / before.peak)

    def arm(self, name: str, every: int = 1) -> dict[str, float]:
        """CityLearn's terms of one of :data:`ARMS`; ``every``: hours between plans of MPC (the perfect one's: >= 8)."""
        if name.startswith("mpc"):
            act: Callable[[int, Community], F] = Planner(name, every)
        elif name.startswith("optimum"):
            goal, days = self.goal(self.own_sizes, slice(None), grid=name == "optimum"), np.arange(self.hours) // DAY_H
            start = np.full(len(self.homes), self.soc)
            best = plan_long(self.homes, self.net, goal, start, 1.0, days).p_kw / self.limit
            act = lambda t, _: best[t]  # noqa: E731
        else:
            controller: Any = make(name, self.task)
            act = lambda _, own: controller.predict(own.simulator.obs.reshape(1, -1))[0]  # noqa: E731
        return score(self.run(act), self.net, self.price, self.carbon)


class Planner:
    """Model predictive control of all homes' batteries: plan again every so many hours, follow the plan."""

    def __init__(self, arm: str, every: int):
        self.arm, self.perfect = arm, arm == "mpc-perfect"
        self.every = max(every, PERFECT_EVERY_H) if self.perfect else every

    def __call__(self, t: int, community: Community) -> F:
        if t % self.every == 0:
            self.plan, self.made = self._plan(t, community), t
        return np.asarray(self.plan[t - self.made] / community.limit)

    def _plan(self, t: int, community: Community) -> F:
        n = min(PERFECT_H if self.perfect else BLIND_H, community.hours - t)
        now, done = community.first + t, community.done
        if self.perfect:
            before, believed = community.own_sizes, community.net[t : t + n]
        else:
            before = sizes(community.all_net[max(now - KNOWN_DAYS * DAY_H, 0) : now + 1])
            believed = self._believed(now, n, community)
        today = done[t // DAY_H * DAY_H : t].sum(1)
        past = Past(
            float(done[t - 1].sum()) if t else np.nan,
            float(today.max()) if today.size else -np.inf,
            float(done[:t].sum(1).max()) if t else -np.inf,
        )
        goal = community.goal(before, slice(t, t + n), grid=True)
        soc, days = community.simulator.state[0]["soc"].copy(), np.arange(t, t + n) // DAY_H
        return plan(community.homes, believed, goal, soc, 1.0, days, past, passes=2 if self.perfect else 1).p_kw

    def _believed(self, now: int, n: int, community: Community) -> F:
        """Scenarios (S, n, H) of net load: yesterday's, or those of two days, which fade in from the coming hour."""
        forecast, net = Forecast(community.task, "persistence"), community.all_net
        if self.arm == "mpc-persistence":
            return net[forecast.before(now, n)][None]
        fades = FADES_PER_H ** np.arange(n)[:, None]
        scenarios = []
        for days in PRACTICAL_DAYS:
            if now >= days * DAY_H or days == 1:
                believed = net[forecast.before(now, n, days)]
                like_now = net[max(now - days * DAY_H, 0)]
                believed[1:] += (fades * (net[now] - like_now))[1:]
                scenarios.append(believed)
        return np.stack(scenarios)
