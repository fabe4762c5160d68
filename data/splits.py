"""Weeks for training, validation and testing, dealt in a fixed pattern so that each set sees every season."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from entangrid.data.errors import InputError
from entangrid.data.scenario import Scenario


def split_weeks(
    scenario: Scenario,
    *,
    months: Collection[int] | None = None,
    validation_every: int = 5,
    test_every: int = 5,
) -> dict[str, NDArray[np.int64]]:
    """Return the first steps (int64, ascending) of whole weeks: ``train``, ``validation`` and ``test``.

    A week starts on Monday at 00:00 local standard time and lies fully within the scenario; with ``months`` (1 to 12)
    its Monday must be in one of them. The weeks that remain are numbered k = 0, 1, ... in time: k goes to ``test`` if
    ``k % test_every == test_every - 1``, else to ``validation`` if ``k % validation_every == validation_every // 2``,
    else to ``train``. With 5 and 5: train, train, validation, train, test, and again. 0 leaves a set empty. Nothing
    is random: the same scenario gives the same weeks.

    Raises ``InputError`` for a month or a number that does not exist, for steps that miss midnight, and if no week
    fits.
    """
    wrong = [month for month in months or () if month not in range(1, 13)]
    if wrong or (months is not None and not months):
        raise InputError(f"months: {wrong[0] if wrong else 'empty'}, expected numbers from 1 to 12")
    for name, every in (("validation_every", validation_every), ("test_every", test_every)):
        if every < 0 or every == 1:
            raise InputError(f"{name}: {every}, expected 0 (none) or at least 2")
    index = scenario.index
    midnight = np.asarray(index == index.normalize())
    if not midnight.any() and scenario.n_steps >= scenario.steps_per_day:
        raise InputError(f"scenario {scenario.name!r}: steps start at {index[0]}, and none at midnight")
    mondays = np.flatnonzero(midnight & (np.asarray(index.day_of_week) == 0))
    weeks = mondays[mondays + 7 * scenario.steps_per_day <= scenario.n_steps]
    if months is not None:
        weeks = weeks[np.isin(np.asarray(index.month)[weeks], list(months))]
    if not len(weeks):
        within = "" if months is None else f" with its Monday in months {sorted(months)}"
        raise InputError(f"scenario {scenario.name!r}: no whole week{within} between {index[0]} and {index[-1]}")
    k = np.arange(len(weeks))
    test = (k % test_every == test_every - 1) if test_every else np.zeros(len(k), dtype=bool)
    validation = (k % validation_every == validation_every // 2) if validation_every else np.zeros(len(k), dtype=bool)
    validation &= ~test
    sets = {"train": ~test & ~validation, "validation": validation, "test": test}
    return {name: weeks[chosen].astype(np.int64) for name, chosen in sets.items()}
