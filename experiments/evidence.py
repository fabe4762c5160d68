"""All that a study's folder says, gathered once for its figures and its report; from the folder alone."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from entangrid.experiments import headroom, run_frames, status, store, stored, summary, tidy
from entangrid.experiments.comparing import Comparison
from entangrid.experiments.figures.curves import Curves
from entangrid.experiments.figures.style import classes
from entangrid.experiments.scores import NO_CONTROL, OPTIMUM, Scores, label_of
from entangrid.experiments.statistics import GapClosed
from entangrid.experiments.statistics.gap import enough_headroom

F = npt.NDArray[np.float64]

MOST_COMPARISONS = 100  # on a page


class Evidence:
    """A finished or half finished study; everything is read when it is first asked for."""

    def __init__(self, folder: Path):
        """Raises InputError for a folder without a study or without a finished run."""
        self.folder = folder
        self.study = stored.read(folder)
        self.table = tidy.current(folder)
        self.scores = Scores(self.table)
        self.margin, self.confidence = summary.rules(self.study)
        self.classes = classes(self.scores.variants.values())

    @cached_property
    def rules_then(self) -> stored.Rules | None:
        """Margin and confidence as they were fixed for the run that was finished first; None where it does not say."""
        runs = [run.path for of_variant in self.folders.values() for run in of_variant]
        first = min(runs, key=lambda path: (path / store.RESULT).stat().st_mtime_ns, default=None)
        return None if first is None else stored.rules_of_run(first)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """See `summary.summary`."""
        return summary.summary(self.scores, self.confidence)

    @cached_property
    def gaps(self) -> dict[str, GapClosed | None]:
        """Gap closed by variant."""
        return self.scores.gaps(self.confidence)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Every comparison that matters."""
        return summary.comparisons(self.scores, self.study)

    @property
    def shown(self) -> list[Comparison]:
        """The comparisons that a page has room for; verdicts and corrections are of all."""
        return self.comparisons[:MOST_COMPARISONS]

    @cached_property
    def headroom(self) -> headroom.Headroom | None:
        """What perfect foresight leaves of the claim that the study names; None without one."""
        return summary.at_matched_comfort(self.scores, self.study)

    @property
    def notes(self) -> list[str]:
        """What stands on figures: the headroom, and what the study left out."""
        return headroom.notes(self.headroom, self.study.cut)

    @cached_property
    def folders(self) -> dict[str, list[tidy.RunFolder]]:
        """Run folders by variant, in the order of seeds."""
        out: dict[str, list[tidy.RunFolder]] = {label: [] for label in self.scores.variants}
        for run in tidy.run_folders(self.folder):
            label = label_of(run.arm, run.axes)
            if label in out:
                out[label].append(run)
        return out

    @cached_property
    def missing(self) -> list[str]:
        """What of the study is not finished, and what does not count for that, in words."""
        return [line for line in (status.unfinished(self.folder), self.scores.ground.line) if line]

    @cached_property
    def results(self) -> list[dict[str, Any]]:
        """``result.json`` of every run."""
        return [run.result for runs in self.folders.values() for run in runs]

    @cached_property
    def week_scores(self) -> dict[str, F]:
        """Gap closed of every seed in every week, by variant; without the ends of the scale."""
        found = {
            label: self.scores.week_scores(label)
            for label, variant in self.scores.variants.items()
            if not variant.is_reference
        }
        return {label: scores for label, scores in found.items() if scores is not None and scores.size}

    def weekly(self, metric: str) -> dict[str, F]:
        """A metric a week of every seed, by variant; empty where the table does not hold it."""
        if metric not in self.scores.metrics:
            return {}
        cubes = self.scores.cube(metric)
        return {label: self.scores.per_week(metric, label, cubes) for label in cubes}

    @cached_property
    def weeks_of_operation(self) -> dict[str, pd.DataFrame]:
        """The first held-out week of each variant's first seed, step by step."""
        return {label: run_frames.first_week(runs[0].path) for label, runs in self.folders.items() if runs}

    @cached_property
    def curves(self) -> Curves | None:
        """Learning curves: gap closed on the validation weeks where the ends of the scale were evaluated there too,
        else the objective there, else the return of training episodes; None where no run stored any."""
        stored = {label: [run_frames.curve(run.path) for run in runs] for label, runs in self.folders.items()}
        evaluated = _align({label: [c for c in curves if c is not None] for label, curves in stored.items()})
        learned = {k: c for k, c in evaluated.items() if self.scores.variants[k].learns and len(c[0]) > 1}
        if learned:
            steps = {label: s for label, (s, _) in learned.items()}
            gaps = {label: self._gap_while_learning(label, evaluated) for label in learned}
            if all(gap is not None for gap in gaps.values()):
                shown = {label: gap for label, gap in gaps.items() if gap is not None}
                return Curves("gap closed on validation weeks", "", steps, shown)
            return Curves("objective on validation weeks", "EUR/week", steps, {k: v for k, (_, v) in learned.items()})
        logged = {label: [run_frames.returns(run.path) for run in runs] for label, runs in self.folders.items()}
        returns = _align({label: [c for c in curves if c is not None] for label, curves in logged.items()})
        returns = {label: c for label, c in returns.items() if len(c[0]) > 1}
        if not returns:
            return None
        done, values = {k: c[0] for k, c in returns.items()}, {k: c[1] for k, c in returns.items()}
        return Curves("return of a training episode", "", done, values)

    def _gap_while_learning(self, label: str, curves: dict[str, tuple[npt.NDArray[np.int64], F]]) -> F | None:
        """A variant's learning curve as gap closed; None where the ends of the scale are not known or alike."""
        ends = [curves.get(str(self.scores.reference(label, end))) for end in (NO_CONTROL, OPTIMUM)]
        if ends[0] is None or ends[1] is None:
            return None
        none, best = ends[0][1][0, -1:], ends[1][1][0, -1:]
        return (none - curves[label][1]) / (none - best) if enough_headroom(none, best) else None

    def feeder(self) -> dict[str, pd.DataFrame]:
        """Weeks of operation that hold the feeder's voltages."""
        return {k: week for k, week in self.weeks_of_operation.items() if "feeder_v_min_pu" in week}


def _align(curves: dict[str, list[pd.Series]]) -> dict[str, tuple[npt.NDArray[np.int64], F]]:
    """Curves of several seeds at the steps that all of them have: steps (T,) and values (S, T)."""
    out = {}
    for label, found in curves.items():
        if not found:
            continue
        frame = pd.concat(found, axis=1, join="inner").sort_index()
        if len(frame):
            out[label] = frame.index.to_numpy(np.int64), frame.to_numpy(np.float64).T
    return out
