"""Every arm at matched comfort as a table: what it knows, its energy and saving, seeds, size and steps."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from entangrid.experiments import kinds, matched, wording
from entangrid.experiments.headroom import CALLED, Headroom
from entangrid.experiments.matched_bootstrap import Estimate
from entangrid.experiments.scores import Scores


def frame(scores: Scores, found: Headroom) -> pd.DataFrame:
    """One row an arm, by falling saving; NaN is what is not known.

    ``energy_*`` [``unit`` a home and week of ``metric``] and ``saving_*`` (share of ``baseline``'s mean), each as the
    ``mean`` and the interquartile mean ``iqm`` over the seeds that are that comfortable, with the ends of its interval.
    ``seeds_too_uncomfortable``: of ``seeds`` (0: it does not learn); ``resamples_too_uncomfortable``: the share of
    resamples in which no seed is that comfortable, which the intervals leave out; ``least_discomfort_kh`` [K h a home
    and week]: at any weight, a mean over seeds; ``parameters_actor``, ``environment_steps``: of a run, 0 where there is
    none.
    """
    groups = matched.groups(scores)
    size, steps = scores.of_run("parameters_actor"), scores.of_run("environment_steps")
    rows = []
    for label in found.ranked:
        arm, variant = found.arms[label], groups[label][0]
        row: dict[str, object] = {"arm": label, "controller": variant.controller, "kind": kinds.kind(variant),
                                  "knows": kinds.knows(variant), "seeds": 0 if arm.seeds == [-1] else len(arm.seeds),
                                  "seeds_too_uncomfortable": arm.missed}  # fmt: skip
        numbers = {"energy_mean": arm.mean, "energy_iqm": arm.iqm,
                   "saving_mean": arm.saving_mean, "saving_iqm": arm.saving}  # fmt: skip
        for name, (value, low, high, *_) in numbers.items():
            row |= {name: value, f"{name}_low": low, f"{name}_high": high}
        row["resamples_too_uncomfortable"] = arm.mean.undefined
        row["least_discomfort_kh"] = found.least_discomfort(label)
        names = [one.label for one in groups[label]]
        for column, values in (("parameters_actor", size), ("environment_steps", steps)):
            each = [values[name] for name in names if name in values]
            row[column] = round(float(np.concatenate(each).mean())) if each else 0
        row |= {"metric": found.claim.metric, "unit": found.unit, "baseline": found.baseline or "",
                "discomfort_bound_kh": found.bound}  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def heads(found: Headroom, confidence: float) -> list[tuple[str, str]]:
    """What is printed of it: every column's head and the line below."""
    ends = f"[{confidence * 100:g} % interval]"
    return [
        ("arm", ""),
        ("knows", ""),
        (f"{CALLED[found.claim.metric]}, {found.unit}/home/week", ends),
        ("saving, %", ends),
        ("seeds", ""),
        ("too", "uncomfortable"),
        ("parameters", "actor"),
        ("environment", "steps/run"),
    ]


def cells(found: Headroom, table: pd.DataFrame) -> list[list[str]]:
    """The same of every arm in words; energy and saving are interquartile means over seeds."""
    out = []
    for _, row in table.iterrows():
        arm = found.arms[str(row["arm"])]
        learns = bool(row["seeds"])
        out.append(
            [
                str(row["arm"]),
                str(row["knows"]),
                _with_ends(arm.iqm) if not math.isnan(arm.iqm.value) else "never that comfortable",
                "baseline" if row["arm"] == found.baseline else _with_ends(arm.saving, 100.0),
                str(row["seeds"]) if learns else "–",
                str(arm.missed) if learns else "–",
                _many(row["parameters_actor"]),
                _many(row["environment_steps"]),
            ]
        )
    return out


def title(found: Headroom) -> str:
    """What the table is of."""
    return (
        f"at matched comfort, at most {wording.number(found.bound)} K h of discomfort a home and week: interquartile "
        f"means over seeds (means below four); savings against {found.baseline or 'no arm'}"
    )


def _with_ends(found: Estimate, times: float = 1.0) -> str:
    if math.isnan(found.value):
        return "–"
    value, low, high = (times * each for each in found[:3])
    ends = "" if math.isnan(low) else f"[{wording.number(low, 1)}, {wording.number(high, 1)}]"
    return f"{wording.number(value, 1)} {ends}".rstrip()


def _many(value: int) -> str:
    return f"{value:,}" if value else "–"
