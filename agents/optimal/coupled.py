"""The optimum of homes that share a feeder: every home's program and the feeder's in one.

1. Each home is planned by itself (:mod:`~entangrid.agents.optimal.program`). The feeder's terms are costs alone, so the
   sum of the homes' bounds is a bound of the whole; where the feeder costs next to nothing, the plan stands.
2. Otherwise one linear program holds all homes and the feeder (:mod:`~entangrid.agents.optimal.network`), whole
   numbers relaxed, by the interior-point method. Homes with whole numbers then keep as near to their share of it as
   they can, each in its own program.
3. The plan is run through the simulator with its power flow, and the program solved again around it, whole numbers
   held, while that brings anything. The best plan that the simulator has seen is kept.

Longer episodes of many homes are planned day by day with a day more in sight, from the state that the simulator
ended in. What comes out is the best known plan within the bound; it is proven only as far as the two agree.
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import numpy as np

from entangrid.agents.optimal import network
from entangrid.agents.optimal.forecasts import Window
from entangrid.agents.optimal.home_model import Build, Model
from entangrid.agents.optimal.linear import ALL, F, I, InfeasibleError, LinearProgram
from entangrid.agents.optimal.parts import Parts, devices, meter
from entangrid.agents.optimal.program import Share, Solved, follow, solve, solved
from entangrid.agents.optimal.replay import Flow, Passage, Replay, Together, Values
from entangrid.envs.layout import CONTROLS, Records
from entangrid.envs.tasks import Task

AT_ONCE = 8_000  # homes times steps that one program holds
DAY_H, AHEAD_H = 24.0, 24.0  # else: what is followed of a plan, and how far it looks beyond
_PASSES = 4
_TRUST_K, _TIGHTER = 10.0, 2.5  # how far a tank's temperature may move from the last plan's
_STAY_EUR_KWH, _DEARER = 2e-3, 10.0  # what it costs to exchange another power than the last plan's
_ENOUGH = 1e-4  # of the costs: less gain than this ends the passes
_CHEAP = 1e-4  # of the costs: a feeder that costs less is not planned for
_OFF_SHARE_EUR_KWH = 1.0  # more than any usual tariff
_GAP = 1e-3
_IDLE = np.zeros(0, np.int64)


class Joint(NamedTuple):
    """The best plan found of all homes, as the simulator's kernel ran it; ``coupled``: the feeder was planned for."""

    objective_eur: float
    bound_eur: float  # no plan is better
    passage: Passage
    coupled: bool


def solve_together(
    task: Task, window: Window, state: Records, oil: F, values: list[Values], *, time_limit_s: float = 60.0
) -> Joint:
    """Best plan of all homes over the records of ``window`` from states (H,) and the transformer's state (3,).

    values: worth of each home's stored energy. time_limit_s: of each home's own search. Raises InfeasibleError if a
    home has no plan.
    """
    plans = [solve(task, h, window, state[h], v, time_limit_s=time_limit_s) for h, v in enumerate(values)]
    bound = sum(plan.bound_eur for plan in plans)
    commands = np.stack([plan.commands for plan in plans], 1)
    best = Together(task, window, values).run(state, oil, commands)
    costs = float(np.abs(best.terms["bill_eur"]).sum())
    coupled = float(best.feeder["feeder_eur"].sum()) > _CHEAP * costs
    if coupled:
        found = _day_by_day(task, window, state, oil, values, commands, time_limit_s)
        best = found if found.objective_eur < best.objective_eur else best
    return Joint(best.objective_eur, min(bound, best.objective_eur), best, coupled)


def _day_by_day(
    task: Task, window: Window, state: Records, oil: F, values: list[Values], commands: F, time_limit_s: float
) -> Passage:
    """Plan in one piece or in days, from the commands (n, H, 10) of homes that planned alone."""
    n, dt = len(window.common), task.scenario.dt_h
    day = n if n * len(values) <= AT_ONCE else max(round(DAY_H / dt), 1)
    ahead = 0 if day == n else round(AHEAD_H / dt)
    commands, now, warm, t = commands.copy(), state, oil, 0
    while t < n:
        stop = min(t + day + ahead, n)
        part = Window(window.common[t:stop], window.series[t:stop])
        plan = Planner(task, part, now, warm, values, time_limit_s).best(commands[t:stop])
        taken = stop - t if stop == n else day
        commands[t : t + taken] = plan.commands[:taken]
        now, warm, t = plan.states[taken], plan.oil[taken], t + taken
    return Together(task, window, values).run(state, oil, commands)


class Planner:
    """One coupled program: homes and feeder over a window, from states (H,) and the transformer's (3,)."""

    def __init__(self, task: Task, window: Window, state: Records, oil: F, values: list[Values], time_limit_s: float):
        self.task, self.window, self.state, self.oil = task, window, state, oil
        self.time_limit_s = time_limit_s
        self.together = Together(task, window, values)
        self.replays = [Replay(task, h, window, v) for h, v in enumerate(values)]
        nothing = np.full((len(window.common), len(CONTROLS)), np.nan)
        self.models = [
            Model(task, h, window, np.array(state[h]), v, self.replays[h].run(state[h], nothing))
            for h, v in enumerate(values)
        ]

    def best(self, commands: F) -> Passage:
        """The best plan found, these commands (n, H, 10) among them."""
        first = self.together.run(self.state, self.oil, commands)
        found: Passage | None = None
        trust_k, stay = _TRUST_K, _STAY_EUR_KWH
        for _ in range(_PASSES):
            try:
                plan = self._from_scratch(first, trust_k) if found is None else self._again(found, trust_k, stay)
            except InfeasibleError:
                break
            if found is None:
                found = plan
                continue
            gained = found.objective_eur - plan.objective_eur
            if gained > 0.0:
                found = plan
                if gained < _ENOUGH * float(np.abs(found.terms["bill_eur"]).sum()):
                    break
            else:
                stay *= _DEARER
            trust_k /= _TIGHTER
        return found if found is not None and found.objective_eur < first.objective_eur else first

    def _from_scratch(self, guess: Passage, trust_k: float) -> Passage:
        """Whole numbers relaxed, then each home by itself near its share; the feeder linear around nothing."""
        flow = network.idle(self.task.grid, self.together.n)
        program = Program(self, guess, flow, trust_k, [_IDLE] * len(self.models))
        x = program.lp.solve_inside().x
        commands = []
        for h, model in enumerate(self.models):
            parts, own = program.parts[h], x
            if program.whole[h].size or parts.rooms is not None:  # rooms: not heated and cooled at once
                with contextlib.suppress(InfeasibleError):  # then as it is: the simulator decides
                    near = self._near(h, guess, trust_k, x[program.imported[h]] - x[program.exported[h]])
                    parts, own = near.parts, near.x
            commands.append(follow(model, self.replays[h], parts, own)[1])
        return self.together.run(self.state, self.oil, np.stack(commands, 1))

    def _again(self, guess: Passage, trust_k: float, stay: float) -> Passage:
        """Around a plan, with whole numbers as near to it as they are; stay: see :data:`_STAY_EUR_KWH`."""
        near: list[Solved | None] = []
        for h in range(len(self.models)):
            try:
                near.append(self._near(h, guess, trust_k, np.asarray(guess.terms["p_grid_kw"][:, h])))
            except InfeasibleError:  # of its search's time limit, for the most part
                near.append(None)
        one_way = [_IDLE if each is None else each.parts.one_way for each in near]
        program = Program(self, guess, guess.flow, trust_k, one_way)
        program.stay(np.asarray(guess.terms["p_grid_kw"]), stay)
        known = [(columns, each.whole) for columns, each in zip(program.whole, near, strict=True) if each is not None]
        columns = np.concatenate([_IDLE, *(part[0] for part in known)])
        values = np.concatenate([np.zeros(0), *(part[1] for part in known)])
        x = program.lp.solve_inside((columns, values)).x
        commands = [follow(model, self.replays[h], program.parts[h], x)[1] for h, model in enumerate(self.models)]
        return self.together.run(self.state, self.oil, np.stack(commands, 1))

    def _near(self, home: int, guess: Passage, trust_k: float, p_kw: F) -> Solved:
        """The home's own program with its exchange (n,) as near to a given one as it can be."""
        share = Share(p_kw, _OFF_SHARE_EUR_KWH)
        model, course, limit = self.models[home], guess.course(home), self.time_limit_s
        return solved(model, course, trust_k, optimistic=False, time_limit_s=limit, gap=_GAP, share=share)


class Program:
    """The linear program of all homes and the feeder around a guess; one_way: see :func:`heat.rooms`, by home."""

    def __init__(self, planner: Planner, guess: Passage, flow: Flow, trust_k: float, one_way: list[I]):
        self.lp = LinearProgram()
        self.parts: list[Parts] = []
        self.imported: list[I] = []
        self.exported: list[I] = []
        self.whole: list[I] = []
        exchanges = []
        for h, model in enumerate(planner.models):
            first = self.lp.n_columns
            build = Build(model, optimistic=False, guess=guess.course(h), trust_k=trust_k, lp=self.lp)
            parts = devices(build, one_way[h])
            imported, exported = meter(build, parts)
            whole = self.lp.whole_columns()
            self.whole.append(whole[whole >= first])
            self.parts.append(parts)
            self.imported.append(imported)
            self.exported.append(exported)
            exchanges.append(_exchange(build, parts, imported, exported))
        task, t_out = planner.task, np.asarray(planner.window.common["t_out"], np.float64)
        self._dt = task.scenario.dt_h
        self.feeder = network.add(self.lp, task.grid, flow, exchanges, t_out, planner.oil, task.scenario.dt_h)

    def stay(self, p_kw: F, price: float) -> None:
        """Differences from exchanges (n, H) cost so much a kilowatt hour, so that homes do not trade places idly."""
        for h, (imported, exported) in enumerate(zip(self.imported, self.exported, strict=True)):
            off = self.lp.columns(len(p_kw), cost=price * self._dt)
            net = ((ALL, imported, 1.0), (ALL, exported, -1.0))
            self.lp.at_most(p_kw[:, h], *net, (ALL, off, -1.0))
            self.lp.at_least(p_kw[:, h], *net, (ALL, off, 1.0))


def _exchange(build: Build, parts: Parts, imported: I, exported: I) -> network.Exchange:
    """What the home draws: consumption at its power factor, PV, battery and vehicle without reactive power."""
    model, lp = build.model, build.lp
    tan_phi = float(model.p["tan_phi"])
    used = [(columns, w) for columns, w in build.demand if columns is not parts.pv]
    fixed_kw = build.fixed_kw - build.unity_kw
    most_used = np.abs(fixed_kw) + sum((np.abs(w) * lp.upper_bounds(c) for c, w in used), np.zeros(model.n))
    most_kw = np.maximum(lp.upper_bounds(imported), lp.upper_bounds(exported))
    return network.Exchange(
        node=int(model.task.grid.home_node[model.home]),
        active=[(imported, 1.0), (exported, -1.0)],
        reactive=[(columns, tan_phi * w) for columns, w in used],
        fixed_kvar=tan_phi * fixed_kw,
        most_kva=float(np.hypot(most_kw, tan_phi * most_used).max()),
    )
