"""Sample complexity: how many steps until a given share of runs is good enough."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.data.errors import InputError

F = npt.NDArray[np.float64]

_ELEMENTS = 4_000_000


class SampleComplexity(NamedTuple):
    """Environment steps, the interval's ends, and whether the last evaluation was good enough in enough runs.

    Where it was not, ``steps`` is no more than a lower bound: the budget ended before.
    """

    steps: float
    low: float
    high: float
    reached: bool


def sample_complexity(
    scores: F,
    steps: npt.NDArray[np.int64],
    *,
    error: float,
    success: float,
    confidence: float = 0.90,
    resamples: int = 1_000,
    seed: int = 0,
) -> SampleComplexity:
    """The estimator S(error, success) of Meyer and others (2025, arXiv:2501.15893), with their cluster bootstrap.

    scores (R, T): score of each run at each evaluation, 1 is the best; steps (T,): environment steps done by then,
    ascending. An evaluation is good enough if at least the share ``success`` of the runs score above 1 - ``error``. The
    sample complexity is the number of steps spent in front of evaluations that are not, all of them, so that one lucky
    early evaluation is not what counts; for curves that rise it is the step at which they pass. (The paper's delta is
    this share of successes; its code's help text calls it a probability of failure.)

    The interval resamples whole runs; plain percentiles, by default 5 and 95 as in the paper. Raises InputError for
    shares outside 0 to 1, for steps that do not ascend and for shapes that do not fit.
    """
    if scores.ndim != 2 or 0 in scores.shape or steps.shape != scores.shape[1:]:
        raise InputError(f"scores have shape {scores.shape} and steps {steps.shape}; expected (runs, T) and (T,)")
    for name, value in (("error", error), ("success", success)):
        if not 0.0 <= value <= 1.0:
            raise InputError(f"{name} is {value}; expected 0 to 1")
    spent = np.diff(steps, prepend=0).astype(np.float64)
    if steps[0] < 0 or (spent[1:] <= 0.0).any():
        raise InputError("steps do not ascend; expected the environment steps done by each evaluation, in order")
    good = (scores > 1.0 - error).astype(np.float64)
    runs = good.shape[0]
    needed = success - 1e-12  # a share such as 3 of 10 runs is not lost to rounding
    rng = np.random.default_rng(seed)
    draws = np.empty(resamples)
    chunk = max(_ELEMENTS // good.size, 1)
    for done in range(0, resamples, chunk):
        n = min(chunk, resamples - done)
        weight = rng.multinomial(runs, np.full(runs, 1.0 / runs), n) / runs
        draws[done : done + n] = (weight @ good < needed) @ spent
    share = good.mean(0)
    value = float((share < needed) @ spent)
    low, high = np.quantile(draws, [0.5 * (1.0 - confidence), 0.5 * (1.0 + confidence)])
    return SampleComplexity(value, min(float(low), value), max(float(high), value), bool(share[-1] >= needed))
