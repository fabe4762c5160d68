"""The part of a study's table that numbers may be made of while runs are missing: the same scenarios for every arm.

A study of several scenarios that is half finished has arms with runs in some of them alone. What they cost together is
then no number of the study; so scenarios that a controller without seeds has no run of yet do not count, and seeds that
have no run in one of the others do not either.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from entangrid.data.errors import InputError


class Ground(NamedTuple):
    """``table``: the rows that count. ``scenarios``: of how many there are; ``of``: how many are in the table;
    ``runs``: how many runs of the table do not count."""

    table: pd.DataFrame
    scenarios: int
    of: int
    runs: int

    @property
    def line(self) -> str:
        """What does not count, in words; empty where all does."""
        if not self.runs:
            return ""
        left_out = f"{self.runs} run{'s' * (self.runs > 1)} of arms and seeds"
        return (
            f"left out: {left_out} that are not finished in every scenario; the numbers are of {self.scenarios} of "
            f"{self.of} scenarios"
        )


def common(table: pd.DataFrame, axes: list[str]) -> Ground:
    """The rows of scenarios that every variant without seeds has a run of, and of seeds that have runs in all of those.

    Where no scenario is common to all of them, those of the first of them, which in a study is no control. Raises
    InputError if nothing is left.
    """
    worlds_of = table["scenario"].astype("category").cat
    if len(worlds_of.categories) < 2:
        return Ground(table, 1, 1, 0)
    scenario = worlds_of.codes.to_numpy().astype(np.int64)
    variant = np.zeros(len(table), np.int64)
    for name in ("arm", *axes):
        codes, found = pd.factorize(table[name])
        variant = variant * (len(found) + 1) + codes + 1
    seed = table["seed"].to_numpy(dtype=np.int64, na_value=-1)
    _, variant = np.unique(variant, return_inverse=True)
    numbers = np.unique(np.stack([variant, seed, scenario]), axis=1).T.tolist()
    has: dict[tuple[int, int], set[int]] = {}
    for v, s, world in numbers:
        has.setdefault((v, s), set()).add(world)
    fixed = [worlds for (_, s), worlds in sorted(_by_first_row(has, variant)) if s < 0]
    every = {world for _, _, world in numbers}
    wanted = set.intersection(*fixed) if fixed else every
    wanted = wanted or fixed[0]
    whole = {key for key, worlds in has.items() if worlds >= wanted}
    kept = [key for key in has if key in whole]
    if not kept:
        raise InputError("no arm is finished in every scenario; run the study further")
    counted = np.isin(variant * (2**32) + seed + 1, [v * 2**32 + s + 1 for v, s in kept])
    rows = counted & np.isin(scenario, list(wanted))
    if rows.all():
        return Ground(table, len(wanted), len(every), 0)
    runs = sum(len(worlds) for worlds in has.values()) - len(kept) * len(wanted)
    return Ground(table[rows].reset_index(drop=True), len(wanted), len(every), runs)


def _by_first_row(
    has: dict[tuple[int, int], set[int]], variant: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> list[tuple[tuple[int, int], set[int]]]:
    """The variants and their scenarios with the variants numbered in the order of the table."""
    _, first = np.unique(variant, return_index=True)
    return [((int(first[v]), s), worlds) for (v, s), worlds in has.items()]
