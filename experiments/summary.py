"""The summary of a study: one row a variant, what is printed and shown of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from entangrid.experiments import headroom, wording
from entangrid.experiments.comparing import CONFIDENCE, Comparison, compare_all, of_arms
from entangrid.experiments.headroom import Headroom
from entangrid.experiments.scores import Scores
from entangrid.experiments.stored import Rules, StoredStudy

if TYPE_CHECKING:
    from entangrid.experiments.config import StudyConfig

#: Column of the summary -> metric of the table, whose mean a week it is
WEEKLY: Mapping[str, str] = {
    "objective_eur_week": "objective",
    "cost_eur_week": "cost",
    "energy_kwh_week": "import",
    "carbon_kg_week": "carbon",
    "discomfort_kh_week": "discomfort",
}

#: Numbers of whole runs that are looked at besides.
OF_RUN = ("parameters_actor", "parameters_critic", "wall_s", "environment_steps", "unproven_eur")


def metrics(study: StoredStudy) -> frozenset[str]:
    """The metrics that the summary, the comparisons and matched comfort look at, of all those in a study's table."""
    claimed = () if study.claim is None else (study.claim.metric,)
    return frozenset((*WEEKLY.values(), *OF_RUN, *claimed))


def rules(study: StudyConfig | StoredStudy | None) -> tuple[float, float]:
    """Margin of equivalence and confidence, as the study fixed them before its runs."""
    fixed = Rules() if study is None else study.verdict
    return fixed.margin, fixed.confidence


def summary(scores: Scores, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """One row a variant: means over weeks and seeds, gap closed with its interval, parameters, wall time.

    What a study does not have is NaN. Index: the variants' labels.
    """
    gaps = scores.gaps(confidence)
    present = set(map(str, scores.table["metric"].unique()))
    cubes = {metric: scores.cube(metric) for metric in WEEKLY.values() if metric in present}
    own = {name: scores.of_run(name) for name in ("parameters_actor", "parameters_critic", "wall_s")}
    rows = []
    for label, variant in scores.variants.items():
        gap = gaps[label]
        row: dict[str, object] = {"arm": label, "controller": variant.controller, "seeds": len(variant.seeds)}
        for column, metric in WEEKLY.items():
            known = metric in cubes
            row[column] = float(np.mean(scores.per_week(metric, label, cubes[metric]))) if known else float("nan")
        row["gap_closed"] = gap.mean if gap else float("nan")
        row["gap_low"], row["gap_high"] = (gap.low, gap.high) if gap else (float("nan"), float("nan"))
        row["gap_seeds"] = [float(value) for value in gap.per_seed] if gap and variant.learns else []
        for name, values in own.items():
            row[name] = float(values[label].mean()) if label in values else float("nan")
        for name in ("parameters_actor", "parameters_critic"):
            row[name] = 0 if np.isnan(row[name]) else int(row[name])  # type: ignore[call-overload]
        rows.append(row)
    return pd.DataFrame(rows).set_index("arm")


def closing_lines(
    scores: Scores,
    study: StudyConfig | StoredStudy | None = None,
    found: Sequence[Comparison] | None = None,
    room: Headroom | None = None,
) -> list[str]:
    """Headroom first, then what the intervals allow one to say of the arms; see `wording`.

    ``found``, ``room``: the comparisons and :func:`at_matched_comfort`, where they are there already.
    """
    confidence = rules(study)[1]
    said = [] if study is None else headroom.lines(room or at_matched_comfort(scores, study), study.cut)
    said = [*([] if study is None else of_set(study)), *([scores.ground.line] if scores.ground.line else []), *said]
    return [*said, *wording.closing_lines(scores, comparisons(scores, study) if found is None else found, confidence)]


def of_set(study: StudyConfig | StoredStudy) -> list[str]:
    """That a study's numbers are none of a test, where they are of the weeks and homes that choices are made on."""
    on = study.evaluated_on if isinstance(study, StoredStudy) else study.split.evaluate_on
    if on == "test":
        return []
    return ["measured on the weeks and homes of validation, on which choices are made: this is no held-out test"]


def at_matched_comfort(scores: Scores, study: StudyConfig | StoredStudy) -> Headroom | None:
    """Headroom, every arm and the declared pairs at matched comfort; None for a study without a claim."""
    return headroom.find(scores, study.claim, rules(study)[1], study.verdict.pairs)


def comparisons(scores: Scores, study: StudyConfig | StoredStudy | None = None) -> list[Comparison]:
    """Every comparison that matters, by the rules that the study fixed."""
    margin, confidence = rules(study)
    declared = None if study is None else study.verdict.pairs
    chosen = None if declared is None else of_arms(scores, declared)
    return compare_all(scores, chosen, margin=margin, confidence=confidence)
