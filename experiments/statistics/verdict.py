"""What an interval allows one to say, and what it could have shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from entangrid.data.errors import InputError

Verdict = Literal["better", "worse", "equivalent", "undecided"]


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values (1979, JSTOR 4615733), in the order given; NaN stays and does not count."""
    p = np.asarray(p_values, np.float64)
    real = np.flatnonzero(~np.isnan(p))
    order = real[np.argsort(p[real], kind="stable")]
    adjusted = p.copy()
    steps = p[order] * (real.size - np.arange(real.size))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in adjusted]


def minimum_detectable_effect(
    standard_error: float, df: float, *, alpha: float = 0.05, power: float = 0.8, comparisons: int = 1
) -> float:
    """The smallest true difference that a two-sided t test with this standard error finds with this power.

    ``comparisons``: alpha is divided by it, the first and strictest step of Holm's correction. From the noncentral t
    distribution: the difference d with P(|T| > t_crit | d / standard_error) = power. NaN without degrees of freedom.
    Raises InputError for alpha or power outside 0 to 1.
    """
    from scipy.special import nctdtr, stdtrit

    for name, value in (("alpha", alpha), ("power", power)):
        if not 0.0 < value < 1.0:
            raise InputError(f"{name} is {value}; expected a number between 0 and 1")
    if not df > 0.0 or math.isnan(standard_error):
        return float("nan")
    critical = -float(stdtrit(df, 0.5 * alpha / comparisons))

    def missing(shift: float) -> float:
        far = float(nctdtr(df, shift, -critical))  # NaN where it is below about 1e-20
        return 1.0 - float(nctdtr(df, shift, critical)) + (0.0 if math.isnan(far) else far) - power

    low, high = 0.0, critical + 4.0
    while missing(high) < 0.0:
        high *= 2.0
    for _ in range(60):  # halving is fast enough, and spares importing scipy.optimize
        middle = 0.5 * (low + high)
        low, high = (middle, high) if missing(middle) < 0.0 else (low, middle)
        if high - low < 1e-10 * high:
            break
    return standard_error * 0.5 * (low + high)


def judge(low: float, high: float, p_adjusted: float, margin: float | None, *, alpha: float = 0.05) -> Verdict:
    """The verdict on a difference of which more is better, from its interval.

    Equivalent: the interval lies within ±margin, which was fixed before the run (None: no margin). Otherwise better or
    worse: the interval excludes 0, and so does the test after the correction for the number of comparisons. Otherwise
    undecided; so is an interval without ends.
    """
    if math.isnan(low) or math.isnan(high):
        return "undecided"
    if margin is not None and -margin < low and high < margin:
        return "equivalent"
    if low > 0.0 and p_adjusted < alpha:
        return "better"
    if high < 0.0 and p_adjusted < alpha:
        return "worse"
    return "undecided"
