"""The ageing of a feeder's transformer in a linear program.

The final rises of oil and winding are convex and increasing in the loading, the temperatures follow them linearly with
weights above 0 (the guide's distribution transformer has k21 = 1, so that the second part of the hot spot's rise is 0),
and the rate of ageing is convex and increasing in the hot spot: all of it is the largest of some tangents. The
simulator's cap on the rate, at 160 °C, is not convex and left out; above it the program pays more than the replay.
Source: IEC 60076-7:2018, see :mod:`entangrid.envs.kernels.transformer`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from entangrid.agents.optimal.linear import ALL, LATER, F, I, LinearProgram
from entangrid.envs.kernels import transformer
from entangrid.envs.world import Grid

_LOADS = (*np.arange(0.25, 1.5, 0.125), 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0)
_HOT_SPOTS_C = (40.0, 55.0, 66.0, *np.arange(74.0, 162.0, 6.0))
_EVERY = 2  # so many of the simulator's sub-steps are one here
_STEP = 1e-4  # of differences that stand for derivatives


def life(lp: LinearProgram, grid: Grid, load: I, t_out: F, oil: F, dt: float) -> None:
    """Columns, rows and cost of the transformer's ageing over n steps.

    load: columns (n,) of its loading, share of the rating; t_out (n,) [°C]; oil (3,): its state at the beginning.
    """
    s, n = grid.settings[0], load.size
    ends = [*range(_EVERY, int(s["parts"]), _EVERY), int(s["parts"])]  # sub-steps at whose end the rate is taken
    parts = len(ends)
    rise = _above(lp, load, lambda k: transformer.oil_rise(k, s["loss_ratio"], s["oil_rise"], s["oil_exponent"]))
    winding = _above(lp, load, lambda k: transformer.winding_rise(k, s["gradient"], s["winding_exponent"]))
    top, hot = lp.columns(n, low=-np.inf), lp.columns(n, low=-np.inf)
    spot = lp.columns((parts, n), low=-np.inf)
    for j, end in enumerate(ends):
        keep, keep_hot = float(s["keep_oil"]) ** end, float(s["keep_1"]) ** end
        k21 = float(s["k21"]) * (1.0 - keep_hot)
        right = (1.0 - keep) * t_out
        right[0] += keep * oil[0] + keep_hot * oil[1] - oil[2]
        before = ((LATER, top[:-1], -keep), (LATER, hot[:-1], -keep_hot))
        driven = ((ALL, rise, keep - 1.0), (ALL, winding, -k21))
        lp.equal(right, (ALL, spot[j], 1.0), *before, *driven)
    right = (1.0 - keep) * t_out
    right[0] += keep * oil[0]
    lp.equal(right, (ALL, top, 1.0), (LATER, top[:-1], -keep), (ALL, rise, keep - 1.0))
    right = np.zeros(n)
    right[0] = keep_hot * oil[1]
    k21 = float(s["k21"]) * (1.0 - keep_hot)
    lp.equal(right, (ALL, hot, 1.0), (LATER, hot[:-1], -keep_hot), (ALL, winding, -k21))
    length = np.diff([0, *ends, ends[-1] + ends[0]]) / ends[-1]  # trapezoids, on into the next step
    weight = np.repeat(0.5 * (length[:-1] + length[1:])[:, None], n, 1)
    weight[-1, -1] = 0.5 * length[-2]
    rate = lp.columns((parts, n), cost=weight * float(s["ageing_price"]) * dt)
    upgraded = bool(s["upgraded"] > 0)
    for at in _HOT_SPOTS_C:
        value, slope = _tangent(lambda c: transformer.relative_ageing(c, upgraded), float(at))
        for j in range(parts):
            lp.at_most(np.full(n, slope * at - value), (ALL, spot[j], slope), (ALL, rate[j], -1.0))


def _above(lp: LinearProgram, load: I, function: Callable[[float], float]) -> I:
    """Columns (n,) that are at least a convex function of the loading."""
    out = lp.columns(load.size, low=function(0.0))
    for at in _LOADS:
        value, slope = _tangent(function, float(at))
        lp.at_most(np.full(load.size, slope * at - value), (ALL, load, slope), (ALL, out, -1.0))
    return out


def _tangent(function: Callable[[float], float], at: float) -> tuple[float, float]:
    """Value and slope of a smooth function."""
    return function(at), (function(at + _STEP) - function(at - _STEP)) / (2.0 * _STEP)
