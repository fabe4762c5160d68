"""When a household is at home: a stated weekly schedule with jitter, the same for the same seed, whatever the period.

The schedule (defaults are this project's own, meant for a household of which everybody works or learns outside):

- Monday to Friday: everybody leaves at 8:00 and is back at 16:30; each is drawn anew every day, normal with a standard
  deviation of 45 min, cut at two deviations.
- Saturday and Sunday: with probability 0.6 everybody is out once, starting between 10:00 and 16:00, for 1 to 4 h.
- Nights and all else: at home. No holidays.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from entangrid.data.errors import InputError


class Schedule(NamedTuple):
    """Parameters of :func:`presence`; times in hours of the wall clock."""

    leave_h: float = 8.0
    return_h: float = 16.5
    jitter_h: float = 0.75
    weekend_out_probability: float = 0.6
    weekend_start_h: tuple[float, float] = (10.0, 16.0)
    weekend_duration_h: tuple[float, float] = (1.0, 4.0)


def presence(
    hour: ArrayLike, weekday: ArrayLike, day: ArrayLike, *, seed: int = 0, schedule: Schedule | None = None
) -> NDArray[np.float64]:
    """Return whether the household is at home, 0 or 1, at each step (T,).

    hour: [0, 24) h, weekday: 0 = Monday, day: a number >= 0 that counts days (all (T,), wall clock). Every day has its
    own generator, ``default_rng((seed, day))``, so that any window of a series gives the same values as the whole.
    Raises ``InputError`` for arrays or a schedule that do not fit.
    """
    plan = schedule or Schedule()
    hours, weekdays, days = np.asarray(hour, dtype=np.float64), np.asarray(weekday), np.asarray(day)
    if hours.ndim != 1 or not hours.shape == weekdays.shape == days.shape:
        raise InputError(
            f"occupancy: hour, weekday and day have shapes {hours.shape}, {weekdays.shape}, {days.shape}, "
            "expected (T,) each"
        )
    if seed < 0 or (days < 0).any():
        raise InputError(f"occupancy: seed {seed}, days from {days.min(initial=0)}; expected numbers >= 0")
    _check(plan)
    at_home = np.ones(len(hours))
    for number in np.unique(days):
        today = np.flatnonzero(days == number)
        away_h, back_h = _absence(plan, weekend=bool(weekdays[today[0]] >= 5), seed=seed, day=int(number))
        at_home[today] = ~((hours[today] >= away_h) & (hours[today] < back_h))
    return at_home


def _absence(plan: Schedule, *, weekend: bool, seed: int, day: int) -> tuple[float, float]:
    """Return when everybody leaves and is back [h]; equal if nobody goes."""
    rng = np.random.default_rng((seed, day))
    if not weekend:
        leave, back = np.clip(rng.standard_normal(2), -2.0, 2.0) * plan.jitter_h + (plan.leave_h, plan.return_h)
        return float(leave), float(max(leave, back))
    out, start, duration = rng.random(3)
    if out >= plan.weekend_out_probability:
        return 0.0, 0.0
    leave = plan.weekend_start_h[0] + start * (plan.weekend_start_h[1] - plan.weekend_start_h[0])
    length = plan.weekend_duration_h[0] + duration * (plan.weekend_duration_h[1] - plan.weekend_duration_h[0])
    return float(leave), float(leave + length)


def _check(plan: Schedule) -> None:
    if not 0.0 <= plan.leave_h <= plan.return_h <= 24.0:
        raise InputError(f"occupancy: leave_h {plan.leave_h} and return_h {plan.return_h}, expected 0 to 24 in order")
    if not 0.0 <= plan.jitter_h <= 4.0:
        raise InputError(f"occupancy: jitter_h is {plan.jitter_h}, expected 0 to 4")
    if not 0.0 <= plan.weekend_out_probability <= 1.0:
        raise InputError(f"occupancy: weekend_out_probability is {plan.weekend_out_probability}, expected 0 to 1")
    for name, (low, high) in (
        ("weekend_start_h", plan.weekend_start_h),
        ("weekend_duration_h", plan.weekend_duration_h),
    ):
        if not 0.0 <= low <= high <= 24.0:
            raise InputError(f"occupancy: {name} is {(low, high)}, expected two hours from 0 to 24 in order")
