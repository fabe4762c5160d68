"""Supply voltage against EN 50160: the share of every week inside the band."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from entangrid.data.errors import InputError


class VoltageBand(NamedTuple):
    """Judgement per bus; W weeks, the last one as long as the data go."""

    share_in_band: NDArray[np.float64]  # (W, n_bus) share of the 10-min values in the band
    worst_week: NDArray[np.float64]  # (n_bus,) smallest of them
    within_limits: NDArray[np.bool_]  # (n_bus,) every week keeps the 95 % rule and no value leaves the wide band


def voltage_band(
    vm_pu: ArrayLike,
    step_minutes: float,
    *,
    lower: float = 0.9,
    upper: float = 1.1,
    share: float = 0.95,
    lowest: float = 0.85,
) -> VoltageBand:
    """EN 50160:2010, 4.2.2.2: 95 % of each week's 10-min rms values in 0.9 to 1.1 pu, all of them above 0.85 pu.

    vm_pu: (T, n_bus). Steps shorter than 10 min are put together to 10-min rms values (10 must be a multiple of the
    step); longer ones stand for themselves, which hides the swings inside them. Raises InputError otherwise.
    """
    vm = np.asarray(vm_pu, dtype=np.float64)
    if vm.ndim != 2 or len(vm) == 0 or not np.isfinite(vm).all():
        raise InputError(f"vm_pu: expected finite numbers of shape (T, n_bus) with T >= 1, got shape {vm.shape}")
    if not (math.isfinite(step_minutes) and step_minutes > 0.0):
        raise InputError(f"step_minutes = {step_minutes!r}, expected a number > 0")
    if not 0.0 < lowest <= lower < upper:
        raise InputError(f"lowest, lower, upper = {lowest}, {lower}, {upper}: expected 0 < lowest <= lower < upper")
    if step_minutes < 10.0:
        together = round(10.0 / step_minutes)
        if abs(together * step_minutes - 10.0) > 1e-9:
            raise InputError(f"step_minutes = {step_minutes!r}, expected a divisor of 10 or at least 10")
        starts = np.arange(0, len(vm), together)
        lengths = np.diff(np.append(starts, len(vm)))
        vm = np.sqrt(np.add.reduceat(vm**2, starts, axis=0) / lengths[:, None])
        step_minutes = 10.0
    weeks = np.arange(0, len(vm), max(1, round(7 * 24 * 60 / step_minutes)))
    inside = ((vm >= lower) & (vm <= upper)).astype(np.float64)
    shares = np.add.reduceat(inside, weeks, axis=0) / np.diff(np.append(weeks, len(vm)))[:, None]
    worst = shares.min(axis=0)
    wide = ((vm >= lowest) & (vm <= upper)).all(axis=0)
    return VoltageBand(shares, worst, (worst >= share) & wide)
