"""The linear program of many homes' batteries at once: bills, carbon, and what their sum asks of the grid.

Variables of each step and home: charge, discharge [kW], state of charge at the end; of each scenario besides: each
home's import, the homes' sum and its upward ramp [kW], each day's highest sum, and the highest of all.

    minimise   sum price · import + ramp · upward ramps + daily_peak · daily peaks + top_peak · highest peak
               (the mean over scenarios)
    subject to net + charge - discharge <= import
               soc' = (1 - s dt) soc + (eta charge - discharge / eta) dt / E,   0 <= soc' <= 1
               charge + discharge <= P · limit(soc),   limit concave and piecewise linear

A scenario is one course that load and PV may take; the batteries' plan is the same in all. The efficiency is a constant
of each step and home. A battery whose efficiency depends on its power (as CityLearn's) is planned in two passes: the
second takes the efficiencies at the first's powers, and its directions, which also forbids charging while discharging
(burning surplus would smooth the ramp). So the plan is a very good one, not a proven optimum. With price alone the
homes fall apart, and each is solved by itself.

A long period of homes that do not fall apart is planned in stretches of two weeks, each with two more days in sight,
as the time that the solver needs grows faster than the period. The first pass goes through all of them to learn the
highest peak that cannot be avoided; the second lets every stretch come up to it for nothing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from entangrid.agents.optimal.linear import ALL, LATER, F, I, LinearProgram
from entangrid.agents.optimal.storage import limit_lines
from entangrid.envs.layout import Records

_FAR_KW = 1e9
STRETCH_DAYS, AHEAD_DAYS = 14, 2
_IDLE = 1e-5  # share of its power below which a battery has no direction


class Goal(NamedTuple):
    """What is minimised: weights of imports (n, H) [1/kWh] and of the sum's ramps and peaks [1/kW]."""

    price: F
    ramp: float = 0.0
    daily_peak: float = 0.0
    top_peak: float = 0.0

    @property
    def couples(self) -> bool:
        """Whether anything but the homes' own imports counts."""
        return self.ramp > 0.0 or self.daily_peak > 0.0 or self.top_peak > 0.0

    def scaled(self) -> Goal:
        """The same goal with prices of about 1, as the solver's tolerances are absolute."""
        size = float(np.abs(self.price).mean()) or max(self.ramp, self.daily_peak, self.top_peak, 1e-9)
        return Goal(self.price / size, self.ramp / size, self.daily_peak / size, self.top_peak / size)


class Past(NamedTuple):
    """What happened before the first step: the homes' sum in the last step, the day's and the period's peak [kW]."""

    sum_kw: float = np.nan  # NaN: there was no step
    day_peak_kw: float = -np.inf
    top_peak_kw: float = -np.inf


class Planned(NamedTuple):
    """Battery powers at the meter (n, H) [kW], charging positive, and states of charge at the steps' ends (n, H)."""

    p_kw: F
    soc: F


def efficiency(homes: Records, p_kw: F) -> F:
    """Efficiency one way (n, H) at powers at the meter (n, H) [kW]."""
    eta = np.empty_like(p_kw)
    for h, home in enumerate(homes):
        if home["battery_curves"] > 0.0:
            share = np.abs(p_kw[:, h]) / max(float(home["battery_p"]), 1e-9)
            eta[:, h] = np.interp(share, home["battery_eta_x"], home["battery_eta_y"])
        else:
            eta[:, h] = np.where(p_kw[:, h] >= 0.0, home["battery_eta_c"], home["battery_eta_d"])
    return eta


def plan(
    homes: Records,
    net_kw: F,
    goal: Goal,
    soc: F,
    dt: float,
    day: I,
    past: Past | None = None,
    passes: int = 2,
    around: F | None = None,
) -> Planned:
    """Plan every home's battery over n steps of dt [h] from states of charge (H,).

    net_kw: load less PV (n, H), or of S scenarios (S, n, H). day (n,): number of each step's day, ascending; ``past``
    is that of the first one (default: nothing was before). passes: 1 is enough where only the first step is followed,
    or ``around`` powers (n, H) [kW] of an earlier pass. Raises InfeasibleError if the solver fails, which a program
    without hard demands gives no reason for.
    """
    net = net_kw[None] if net_kw.ndim == 2 else net_kw
    _, n, n_homes = net.shape
    goal = goal.scaled()
    parts = [np.arange(n_homes)] if goal.couples else [np.array([h]) for h in range(n_homes)]
    power, state = np.zeros((n, n_homes)), np.zeros((n, n_homes))
    for part in parts:
        own = homes[part]
        eta, direction = efficiency(own, np.repeat(0.25 * own["battery_p"][None, :], n, 0)), None
        if around is not None:
            eta, direction = efficiency(own, around[:, part]), _direction(own, around[:, part])
        for _ in range(passes if goal.couples or (own["battery_curves"] > 0.0).any() else 1):
            program = _Program(own, net[:, :, part], goal._replace(price=goal.price[:, part]), dt)
            program.batteries(soc[part], eta, direction)
            program.imports()
            if goal.couples:
                program.sums(day - day[0], past or Past())
            p, s = program.solve()
            eta, direction = efficiency(own, p), _direction(own, p)
        power[:, part], state[:, part] = p, s
    return Planned(power, state)


def _direction(homes: Records, p_kw: F) -> F:
    """Powers (n, H) whose sign is that of the battery's direction: 0 where it is idle."""
    return np.where(np.abs(p_kw) > _IDLE * homes["battery_p"], p_kw, 0.0)


def plan_long(homes: Records, net_kw: F, goal: Goal, soc: F, dt: float, day: I) -> Planned:
    """:func:`plan` of (n, H) net loads over a period of any length, in stretches where homes are coupled."""
    n, days = len(day), np.flatnonzero(np.diff(day, prepend=day[0] - 1))  # first step of each day
    edges = [*days[::STRETCH_DAYS], n]
    if not goal.couples or len(edges) == 2:
        return plan(homes, net_kw, goal, soc, dt, day)
    power, state, top = np.zeros_like(net_kw), np.zeros_like(net_kw), -np.inf
    for second in (False, True):
        around, now, past = power.copy(), soc, Past(top_peak_kw=top)
        for k, (begin, end) in enumerate(pairwise(edges)):
            sight = slice(begin, [*days, n][min((k + 1) * STRETCH_DAYS + AHEAD_DAYS, len(days))])
            own = goal._replace(price=goal.price[sight])
            before = around[sight] if second else None
            found = plan(homes, net_kw[sight], own, now, dt, day[sight], past, 1, before)
            power[begin:end], state[begin:end] = found.p_kw[: end - begin], found.soc[: end - begin]
            total = (net_kw[begin:end] + power[begin:end]).sum(1)
            now, top = state[end - 1], max(top, float(total.max()))
            past = Past(float(total[-1]), -np.inf, top)
    return Planned(power, state)


class _Program:
    """The program of some homes under construction."""

    def __init__(self, homes: Records, net: F, goal: Goal, dt: float):
        self.homes, self.net, self.goal, self.dt = homes, net, goal, dt
        self.lp = LinearProgram()

    def batteries(self, soc: F, eta: F, direction: F | None) -> None:
        """Powers and states of charge of all homes; direction (n, H): which way only, where its sign is not 0."""
        n, n_homes = self.net.shape[1:]
        most = np.where(self.homes["battery_e"] > 0.0, self.homes["battery_p"], 0.0)
        way = np.zeros((n, n_homes)) if direction is None else direction
        self.charge = self.lp.columns((n_homes, n), high=np.where(way < 0.0, 0.0, most).T)
        self.discharge = self.lp.columns((n_homes, n), high=np.where(way > 0.0, 0.0, most).T)
        self.level = self.lp.columns((n_homes, n), high=1.0)
        capacity, keep = np.maximum(self.homes["battery_e"], 1e-9), 1.0 - self.homes["battery_self"] * self.dt
        before, later = self.level[:, :-1].ravel(), np.arange(n_homes * n).reshape(n_homes, n)[:, 1:]
        start = np.zeros((n_homes, n))
        start[:, 0] = keep * soc
        self.lp.equal(
            start.ravel(),
            (ALL, self.level.ravel(), 1.0),
            (later.ravel(), before, -np.repeat(keep, n - 1)),
            (ALL, self.charge.ravel(), -(eta * self.dt / capacity).T.ravel()),
            (ALL, self.discharge.ravel(), (self.dt / (eta * capacity)).T.ravel()),
        )
        lines = [limit_lines(home) for home in self.homes]
        for k in range(max(map(len, lines))):
            own = np.array([h for h in range(n_homes) if len(lines[h]) > k])
            slope, at_empty = np.array([lines[h][k] for h in own]).T
            right = np.repeat((most[own] * at_empty)[:, None], n, 1)
            right[:, 0] += most[own] * slope * soc[own]
            self.lp.at_most(
                right.ravel(),
                (ALL, self.charge[own].ravel(), 1.0),
                (ALL, self.discharge[own].ravel(), 1.0),
                (later[: own.size].ravel(), self.level[own, :-1].ravel(), -np.repeat(most[own] * slope, n - 1)),
            )

    def imports(self) -> None:
        """Each home's import in each scenario, at its price."""
        n_scenarios, n, n_homes = self.net.shape
        imported = self.lp.columns((n_scenarios, n_homes, n), cost=self.goal.price.T * self.dt / n_scenarios)
        for s in range(n_scenarios):
            self.lp.at_most(
                -self.net[s].T.ravel(),
                (ALL, self.charge.ravel(), 1.0),
                (ALL, self.discharge.ravel(), -1.0),
                (ALL, imported[s].ravel(), -1.0),
            )

    def sums(self, days: I, past: Past) -> None:
        """The homes' sum in each scenario, its upward ramps, each day's peak, and the highest."""
        n_scenarios, n, _ = self.net.shape
        n_days = int(days[-1]) + 1
        share = 1.0 / n_scenarios
        moved = self.lp.columns(n, low=-np.inf)
        charge = [(ALL, c, 1.0) for c in self.charge]
        discharge = [(ALL, d, -1.0) for d in self.discharge]
        self.lp.equal(np.zeros(n), *charge, *discharge, (ALL, moved, -1.0))
        low = np.full(n_days, -np.inf)
        low[0] = past.day_peak_kw
        for s in range(n_scenarios):
            total = self.net[s].sum(1)
            ramp = self.lp.columns(n, cost=self.goal.ramp * share)
            peak = self.lp.columns(n_days, cost=self.goal.daily_peak * share, low=low)
            top = self.lp.columns(1, cost=self.goal.top_peak * share, low=past.top_peak_kw)
            rise = np.zeros(n)
            rise[1:] = -np.diff(total)
            rise[0] = past.sum_kw - total[0] if np.isfinite(past.sum_kw) else _FAR_KW
            self.lp.at_most(rise, (ALL, moved, 1.0), (LATER, moved[:-1], -1.0), (ALL, ramp, -1.0))
            self.lp.at_most(-total, (ALL, moved, 1.0), (ALL, peak[days], -1.0))
            self.lp.at_most(np.zeros(n_days), (ALL, peak, 1.0), (ALL, np.repeat(top, n_days), -1.0))

    def solve(self) -> tuple[F, F]:
        """Powers and states of charge (n, H)."""
        x = self.lp.solve_quickly().x
        return (x[self.charge] - x[self.discharge]).T, x[self.level].T
