"""Weeks for training, validation and testing, dealt in a fixed pattern so that each set sees every season; and homes,
dealt by the profile of their load, so that no set knows another's households."""

from collections.abc import Collection, Sequence

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


def profile_clusters(scenario: Scenario) -> NDArray[np.int64]:
    """Return the cluster of each home (H,), 0, 1, ... in order of appearance: homes whose loads differ by a factor.

    Few measured households often stand for many homes (SimBench has six household profiles); such homes are no
    independent samples, and belong in one set of a split and in one draw of a bootstrap.
    """
    load = scenario.load_kw
    mean = load.mean(axis=0)
    shape = np.round(load / np.where(mean > 0.0, mean, 1.0), 6)
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(shape[:, h].tobytes(), len(seen)) for h in range(scenario.n_homes)], np.int64)


def split_homes(
    scenario: Scenario,
    *,
    test_share: float = 0.0,
    validation_share: float = 0.0,
    seed: int = 0,
    test: Sequence[str] | None = None,
    validation: Sequence[str] | None = None,
) -> dict[str, list[str]]:
    """Return the names of the homes of ``train``, ``validation`` and ``test``, in the scenario's order.

    Homes are held out by name (``test``, ``validation``), or as a share of the clusters of :func:`profile_clusters`,
    which ``seed`` deals: at least one cluster where the share is above 0. What is not held out is for training. A set
    that nothing is held out for is all homes of training: with neither, every set is all homes. Raises ``InputError``
    for unknown names, for a home in both sets and where nothing is left to train on.
    """
    names, cluster = scenario.home_names, profile_clusters(scenario)
    n_clusters = int(cluster.max()) + 1
    shuffled = np.random.default_rng(seed).permutation(n_clusters)
    held: dict[str, list[str]] = {}
    first = 0
    for which, given, share in (("test", test, test_share), ("validation", validation, validation_share)):
        if given is not None:
            held[which] = scenario.of_homes(given).home_names
            continue
        count = max(round(share * n_clusters), 1) if share > 0.0 else 0
        chosen = set(shuffled[first : first + count].tolist())
        first += count
        held[which] = [name for name, own in zip(names, cluster, strict=True) if own in chosen]
    if both := [name for name in held["test"] if name in held["validation"]]:
        raise InputError(
            f"scenario {scenario.name!r}: home {both[0]!r} is in test, and in validation too, by its name in one and "
            "by the share of the other; expected names for both, shares for both, or another seed"
        )
    out = {*held["test"], *held["validation"]}
    train = [name for name in names if name not in out]
    if not train:
        raise InputError(
            f"scenario {scenario.name!r}: no home is left to train on; it has {len(names)} in {n_clusters} "
            f"cluster{'s' if n_clusters > 1 else ''} of one load profile each"
        )
    return {"train": train, **{which: homes or train for which, homes in held.items()}}
