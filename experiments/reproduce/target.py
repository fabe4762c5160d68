"""What a target is: which runs it is made of, how one run is made, and how the runs are judged and drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

STATUSES = ("exact statistics", "re-implementation", "negative reproduction", "inspired")

#: numbers and lists that JSON holds
Settings = dict[str, Any]


class Unit(NamedTuple):
    """One run: an arm with its settings, and a seed."""

    arm: str
    seed: int
    settings: Settings

    @property
    def file(self) -> str:
        """Name of its file."""
        return f"{self.arm}-{self.seed}.json"


@dataclass(frozen=True)
class Row:
    """A line of a target's table: what was measured, with an interval where there is one, beside the claim.

    claim: key of an entry of this target in ``claims.yaml``, or None where the paper states no such number.
    """

    metric: str
    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    n: int | None = None
    claim: str | None = None


@dataclass(frozen=True)
class Verdict:
    """Rows of the table, whether the criterion was met (None: there is nothing to meet, or too little was run), and why
    in a sentence."""

    rows: Sequence[Row]
    passed: bool | None
    reason: str


@dataclass(frozen=True)
class Target:
    """One paper's figure.

    plan: (seeds or None for the default, smoke) to the runs. run: makes one of them; what it returns is JSON. judge:
    (results by arm in the order of seeds, smoke, folder of the published data or None) to the verdict. draw: (figure,
    results by arm, verdict, claims by key). cost_s: predicted CPU seconds of one run of each arm.
    """

    name: str
    status: str
    title: str
    citation: str
    criterion: str
    plan: Callable[[int | None, bool], list[Unit]]
    run: Callable[[Unit], dict[str, Any]]
    judge: Callable[[Mapping[str, list[dict[str, Any]]], bool, Path | None], Verdict]
    draw: Callable[[Any, Mapping[str, list[dict[str, Any]]], Verdict, Mapping[str, Any]], None]
    cost_s: Mapping[str, float] = field(default_factory=dict)
    takes_data: bool = False

    def predicted_s(self, units: Sequence[Unit]) -> float:
        """CPU seconds that the runs will take, about."""
        return sum(self.cost_s.get(unit.arm, 1.0) for unit in units)


def units(arms: Mapping[str, Settings], seeds: int, first: int = 0) -> list[Unit]:
    """Every arm with every seed."""
    return [Unit(arm, first + s, settings) for arm, settings in arms.items() for s in range(seeds)]
