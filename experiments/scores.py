"""Arrays out of the tidy table: every variant's metric as (seeds, weeks, homes), beside its references.

A *variant* is an arm, or in a sweep an arm with the values that the sweep gave it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from entangrid.data.errors import InputError
from entangrid.experiments import ground, tidy
from entangrid.experiments.shown import shown
from entangrid.experiments.statistics import GapClosed, gap_closed
from entangrid.experiments.statistics.gap import SMALLEST_HEADROOM, enough_headroom

F = npt.NDArray[np.float64]

NO_CONTROL, OPTIMUM = "no-control", "optimum"
#: Units of metrics that add up over homes; others are averaged.
ADDITIVE = ("EUR", "kWh", "kg", "K h", "h", "pu h")


@dataclass(frozen=True)
class Variant:
    """One arm with one set of swept values; ``rows`` are its place in the table."""

    arm: str
    controller: str
    axes: dict[str, Any]
    seeds: list[int]  # empty for a controller that does not learn

    @property
    def label(self) -> str:
        """The arm's name, and the swept values by the last part of their field."""
        return label_of(self.arm, self.axes)

    @property
    def learns(self) -> bool:
        """Whether it was trained, with seeds."""
        return bool(self.seeds)

    @property
    def is_quantum(self) -> bool:
        """Whether a circuit is part of its policy, as it was meant to be: its ablations do not count."""
        return "quantum" in self.controller and "/" not in self.controller

    @property
    def is_reference(self) -> bool:
        """Whether it is an end of the scale of gap closed."""
        return self.controller in (NO_CONTROL, OPTIMUM)


def label_of(arm: str, axes: Mapping[str, Any]) -> str:
    """The label of an arm with these swept values."""
    arm = shown(arm)
    if not axes:
        return arm
    values = [(name.rsplit(".", 1)[-1], value) for name, value in axes.items() if value is not None]
    words = [f"{k}={v:g}" if isinstance(v, int | float) and not isinstance(v, bool) else f"{k}={v}" for k, v in values]
    return f"{arm} [{shown(', '.join(words))}]" if words else arm


def short_labels(variants: Mapping[str, Variant]) -> tuple[str, dict[str, str]]:
    """Labels for a table's first column and its head: in a sweep the values alone, their fields in the head."""
    axes = list(dict.fromkeys(axis for variant in variants.values() for axis in variant.axes))
    head = f"arm [{', '.join(axis.rsplit('.', 1)[-1] for axis in axes)}]" if axes else "arm"
    return head, {label: _short(variant, axes) for label, variant in variants.items()}


def _short(variant: Variant, axes: Sequence[str]) -> str:
    values = [variant.axes.get(axis) for axis in axes]
    words = [
        f"{v:g}" if isinstance(v, int | float) and not isinstance(v, bool) else "–" if v is None else f"{v}"
        for v in values
    ]
    return shown(f"{variant.arm} [{', '.join(words)}]" if variant.axes else variant.arm)


class Scores:
    """A study's table as arrays. ``variants``: by label, in the table's order. ``weeks`` and ``homes`` name the axes:
    homes are (scenario, home), so that several scenarios are more homes."""

    def __init__(self, table: pd.DataFrame):
        """Raises InputError for a table without rows of held-out weeks."""
        self.ground = ground.common(table, tidy.axes(table))
        table = self.ground.table
        self.table = table
        split = _coded(table["split"])[0]
        home, home_names = _coded(table["home"])
        together = [home_names.index(name) for name in tidy.TOGETHER if name in home_names]
        week, week_names = _coded(table["week"])
        rows = np.flatnonzero((split >= 0) & (week >= 0) & ~np.isin(home, together))
        if not rows.size:
            raise InputError("table holds no row of a held-out week; run the study first")
        self._seed = table["seed"].to_numpy(dtype=np.int64, na_value=-1)
        self.variants, self._variant = _variants(table, tidy.axes(table), self._seed)
        self._labels = list(self.variants)
        self._metric, self._metrics = _coded(table["metric"])
        self._value = table["value"].to_numpy(np.float64)
        self._rows = rows
        used = sorted({week_names[code] for code in pd.unique(week[rows])})
        self.weeks = used
        self._week = np.array([used.index(name) if name in used else -1 for name in week_names])[week[rows]]
        scenario, scenario_names = _coded(table["scenario"])
        both = (scenario[rows].astype(np.int64) + 1) * (len(home_names) + 1) + home[rows] + 1
        self._home, found = pd.factorize(both)
        self.homes: list[tuple[str, str]] = [
            (["", *scenario_names][code // (len(home_names) + 1)], ["", *home_names][code % (len(home_names) + 1)])
            for code in found
        ]

    @cached_property
    def metrics(self) -> list[str]:
        """Metrics of held-out weeks."""
        return [self._metrics[code] for code in pd.unique(self._metric[self._rows])]

    @cached_property
    def clusters(self) -> npt.NDArray[np.int64]:
        """For each of ``homes`` the number of its cluster: homes that share a household's profile, else its own."""
        stated = self.table["cluster"].to_numpy(dtype=np.int64, na_value=-1)[self._rows]
        first = np.zeros(len(self.homes), np.int64)
        first[self._home[::-1]] = np.arange(self._home.size)[::-1]
        seen: dict[tuple[str, int], int] = {}
        out = [
            seen.setdefault((scenario, int(stated[i]) if stated[i] >= 0 else -1 - h), len(seen))
            for h, ((scenario, _), i) in enumerate(zip(self.homes, first, strict=True))
        ]
        return np.array(out, np.int64)

    def cube(self, metric: str) -> dict[str, F]:
        """Of every variant the metric as (max(seeds, 1), W, H), NaN where there is no such week and home.

        Raises InputError for a metric that the table does not hold.
        """
        if metric not in self.metrics:
            raise InputError(
                f"metric {metric!r} is not in the table; expected one of: gap_closed, {', '.join(self.metrics)}"
            )
        chosen = np.flatnonzero(self._metric[self._rows] == self._metrics.index(metric))
        rows, week, home = self._rows[chosen], self._week[chosen], self._home[chosen]
        variant, seed, value = self._variant[rows], self._seed[rows], self._value[rows]
        out = {}
        for v, label in enumerate(self._labels):
            mine = variant == v
            seeds = np.array(self.variants[label].seeds or [-1])
            array = np.full((seeds.size, len(self.weeks), len(self.homes)), np.nan)
            array[np.searchsorted(seeds, seed[mine]), week[mine], home[mine]] = value[mine]
            out[label] = array
        return out

    @cached_property
    def objective(self) -> dict[str, F]:
        """See :meth:`cube`."""
        return self.cube("objective")

    def unit(self, metric: str) -> str:
        """The unit of a metric of held-out weeks, or of a whole run."""
        return self._units.get(metric, "-")

    @cached_property
    def _units(self) -> dict[str, str]:
        first = _first(self._metric, len(self._metrics))
        units = self.table["unit"].iloc[first]
        return {name: str(unit) for name, row, unit in zip(self._metrics, first, units, strict=True) if row >= 0}

    def reference(self, label: str, controller: str) -> str | None:
        """The label of "no-control" or "optimum" for a variant: with the same swept values where it has them."""
        mine = self.variants[label].axes
        for name, other in self.variants.items():
            if other.controller == controller and all(mine.get(axis) == value for axis, value in other.axes.items()):
                return name
        return None

    def ends(self, label: str) -> tuple[F, F] | None:
        """Objective (W, H) of no control and of the optimum for a variant; None where one of them is not there."""
        names = [self.reference(label, controller) for controller in (NO_CONTROL, OPTIMUM)]
        if None in names:
            return None
        none, best = (self.objective[str(name)][0] for name in names)
        return none, best

    @cached_property
    def homes_with_headroom(self) -> int:
        """In how many homes the optimum saves anything in any week, of any variant; 0 without an optimum."""
        found = [ends for ends in map(self.ends, self.variants) if ends is not None]
        if not found:
            return 0
        room = np.max([np.nan_to_num(none - best).max(0) for none, best in found], 0)
        return int((room > 1e-9 * max(float(room.sum()), 1e-12)).sum())

    def complete(self, label: str) -> npt.NDArray[np.bool_]:
        """Which of a variant's seeds have every week and home that no control has (or that any seed has)."""
        array = self.objective[label]
        name = self.reference(label, NO_CONTROL)
        wanted = ~np.isnan(array).all(0) if name is None else ~np.isnan(self.objective[name][0])
        return np.asarray(~(np.isnan(array) & wanted).any((1, 2)))

    def gaps(self, confidence: float = 0.95) -> dict[str, GapClosed | None]:
        """Gap closed of every variant; None where the headroom is under 2 %, and without no control or optimum."""
        out: dict[str, GapClosed | None] = {}
        for label in self.variants:
            ends, whole = self.ends(label), self.complete(label)
            if ends is None or not whole.any():
                out[label] = None
                continue
            none, best = map(np.nan_to_num, ends)
            agent = np.nan_to_num(self.objective[label][whole])
            out[label] = gap_closed(none, agent, best, clusters=self.clusters, confidence=confidence)
        return out

    def week_scores(self, label: str) -> F | None:
        """Gap closed of each seed in each week, (S, T), of weeks with enough headroom; None without any."""
        ends = self.ends(label)
        whole = self.complete(label)
        if ends is None or not whole.any() or not enough_headroom(*map(np.nan_to_num, ends)):
            return None
        none, best = (np.nansum(end, 1) for end in ends)
        chosen = none - best >= np.maximum(SMALLEST_HEADROOM * np.abs(none), 1e-12)
        agent = np.nansum(self.objective[label][whole], 2)
        return np.asarray(((none - agent) / np.where(chosen, none - best, 1.0))[:, chosen])

    def per_week(self, metric: str, label: str, cubes: dict[str, F]) -> F:
        """The metric of each seed a week, (S,): summed over homes if it adds up, else their mean."""
        array = cubes[label]
        of_homes = np.nansum(array, 2) if self.unit(metric) in ADDITIVE else np.nanmean(array, 2)
        there = ~np.isnan(array).all(2)
        return np.asarray(np.where(there, of_homes, 0.0).sum(1) / np.maximum(there.sum(1), 1))

    def of_run(self, metric: str) -> dict[str, F]:
        """A number of whole runs by variant, one a run; empty where runs do not have it."""
        return dict(self._of_runs.get(metric, {}))

    @cached_property
    def _of_runs(self) -> dict[str, dict[str, F]]:
        own = np.flatnonzero(self.table["week"].isna().to_numpy())
        frame = pd.DataFrame({"metric": self._metric[own], "variant": self._variant[own], "value": self._value[own]})
        out: dict[str, dict[str, F]] = {}
        for v, label in enumerate(self._labels):
            mine = frame[frame["variant"] == v]
            for metric, values in mine.groupby("metric", sort=False)["value"]:
                out.setdefault(self._metrics[int(str(metric))], {})[label] = values.to_numpy(np.float64)
        return out


def _coded(column: pd.Series) -> tuple[npt.NDArray[np.integer[Any]], list[str]]:
    """A column of words as numbers, of as few bytes as will do (-1 for none), and the words."""
    category = column.astype("category")
    return category.cat.codes.to_numpy(), [str(word) for word in category.cat.categories]


def _first(codes: npt.NDArray[np.integer[Any]], n: int) -> npt.NDArray[np.int64]:
    """The first row that has each of the codes 0 ... n - 1, -1 where none has it."""
    first = np.full(n + 1, -1, np.int64)  # the last is of -1
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return first[:n]


def _variants(
    table: pd.DataFrame, axes: list[str], seed: npt.NDArray[np.int64]
) -> tuple[dict[str, Variant], npt.NDArray[np.int64]]:
    """The variants of a table by label, and which one each row is of."""
    codes: npt.NDArray[Any] = _coded(table["arm"])[0]
    for name in axes:
        values, found = pd.factorize(table[name])
        codes = codes.astype(np.int64) * (len(found) + 1) + values + 1
    codes, kinds = pd.factorize(codes)
    codes = codes.astype(np.int64)
    first = _first(codes, len(kinds))
    low = int(seed.min(initial=-1))
    span = int(seed.max(initial=-1)) - low + 1
    pairs = np.sort(pd.unique(codes * span + seed - low))
    out: dict[str, Variant] = {}
    for v, row in enumerate(first):
        line = table.iloc[int(row)]
        swept = {name: line[name] for name in axes if not pd.isna(line[name])}
        seeds = [int(s) + low for s in pairs[pairs // span == v] % span if s + low >= 0]
        variant = Variant(str(line["arm"]), str(line["controller"]), swept, seeds)
        out[variant.label] = variant
    return out, codes
