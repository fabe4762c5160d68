"""Headroom first: what perfect foresight saves at the same comfort, beside what was claimed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from entangrid.experiments import matched, wording
from entangrid.experiments.config.claim import ClaimConfig
from entangrid.experiments.matched import Matched
from entangrid.experiments.scores import NO_CONTROL, OPTIMUM, Scores

#: How a metric is called in a sentence.
CALLED = {"import": "imported energy", "demand": "energy used", "heat_pump": "the heat pumps' energy",
          "cost": "the bill", "carbon": "carbon"}  # fmt: skip


class Headroom(NamedTuple):
    """``bound``: of discomfort [K h a home and week]; ``baseline``, ``optimum``: labels of arms, None without one;
    ``arms``: each at that comfort, a week over all homes in ``unit``."""

    claim: ClaimConfig
    unit: str
    bound: float
    baseline: str | None
    optimum: str | None
    arms: dict[str, Matched]

    @property
    def room(self) -> float:
        """The share of the baseline that perfect foresight saves; NaN where it is not defined."""
        return self.saving(self.optimum) if self.optimum is not None else float("nan")

    def saving(self, label: str) -> float:
        """The share of the baseline that an arm saves at this comfort; NaN where it is not defined."""
        base = self.arms[self.baseline].mean if self.baseline in self.arms else float("nan")
        return 1.0 - self.arms[label].mean / base if base > 0.0 else float("nan")

    @property
    def best(self) -> str | None:
        """The arm with the largest saving, perfect foresight and the baseline apart."""
        savings = {k: self.saving(k) for k in self.arms if k not in (self.optimum, self.baseline)}
        savings = {label: saving for label, saving in savings.items() if not math.isnan(saving)}
        return max(savings, key=savings.__getitem__) if savings else None


def find(scores: Scores, claim: ClaimConfig | None, confidence: float = 0.95) -> Headroom | None:
    """Headroom and every arm at matched comfort; None without a claim, or where the table lacks what it is about."""
    if claim is None or not {claim.metric, "discomfort"} <= set(scores.metrics):
        return None
    points = matched.fronts(scores, claim.metric)
    baseline = claim.baseline or _arm(scores, NO_CONTROL)
    homes = len(scores.homes)
    bound = float("nan") if claim.discomfort_kh is None else claim.discomfort_kh * homes
    if claim.discomfort_kh is None and baseline in points:
        bound = float(np.nanmean(points[baseline].discomfort))
    if math.isnan(bound):
        return None
    arms = matched.at(points, bound, confidence)
    return Headroom(claim, scores.unit(claim.metric), bound / homes, baseline, _arm(scores, OPTIMUM), arms)


def _arm(scores: Scores, controller: str) -> str | None:
    return next((v.arm for v in scores.variants.values() if v.controller == controller), None)


def lines(
    found: Headroom | None, cut: Sequence[str] = (), pairs: Sequence[Sequence[str]] | None = None, at: float = 0.95
) -> list[str]:
    """What stands under the table: the headroom, every arm and ``pairs`` of them at matched comfort with intervals of
    confidence ``at``, and what the study left out."""
    said = [] if found is None else [sentence(found), of_arms(found), *of_pairs(found, pairs or (), at)]
    return [*said, *notes(None, cut)]


def notes(found: Headroom | None, cut: Sequence[str] = ()) -> list[str]:
    """What stands on figures: the headroom, and what the study left out."""
    said = [] if found is None else [sentence(found)]
    return [*said, *([f"cut to fit: {'; '.join(cut)}"] if cut else [])]


def sentence(found: Headroom) -> str:
    """What perfect foresight leaves of the claim, in one plain sentence."""
    of, against = CALLED[found.claim.metric], found.baseline
    claimed = f"the claimed {_percent(found.claim.share)}, {found.claim.said}"
    where = f"with at most {wording.number(found.bound)} K h of discomfort a home and week"
    if found.optimum is None:
        return f"headroom is not known, since the study has no optimum; {claimed}, can be neither held nor refuted here"
    room = found.room
    if math.isnan(room):
        why = f"the optimum or {against} is less comfortable, or {against} spends nothing"
        return f"headroom is not defined {where}: {why}; {claimed}, can be neither held nor refuted here"
    saves = f"{where}, perfect foresight saves {_percent(room)} of {of} against {against}"
    best = found.best
    tail = "" if best is None else f", and the best arm without it, {best}, saves {_percent(found.saving(best))}"
    if max(room, found.saving(best) if best is not None else room) < found.claim.share:
        return f"headroom: {saves}{tail}; {claimed}, is not reached here even with perfect foresight"
    return f"headroom: {saves}, so that {claimed}, is not ruled out{tail}"


def of_arms(found: Headroom) -> str:
    """Every arm at matched comfort in one line, from the least energy on."""
    ranked = sorted(found.arms.items(), key=lambda item: (math.isnan(item[1].mean), item[1].mean))
    met = [
        f"{label} {wording.number(arm.mean, 1)} {wording.interval(arm.low, arm.high)}".rstrip() + _missed(arm)
        for label, arm in ranked
        if not math.isnan(arm.mean)
    ]
    out = [label for label, arm in ranked if math.isnan(arm.mean)]
    text = f"{CALLED[found.claim.metric]} at that comfort [{found.unit}/week]: {'; '.join(met) or 'no arm'}"
    return text + (f"; not that comfortable: {', '.join(out)}" if out else "")


def of_pairs(found: Headroom, pairs: Sequence[Sequence[str]], confidence: float = 0.95) -> list[str]:
    """The differences of pairs of arms at matched comfort, a line each."""
    said = []
    for a, b in pairs:
        if a in found.arms and b in found.arms:
            n, mean, low, high = matched.difference(found.arms[a], found.arms[b], confidence)
            ends = wording.interval(low, high, sign=True)
            difference = f"{wording.number(mean, sign=True)} {ends}".rstrip() + f" {found.unit}/week"
            said.append(f"at that comfort, {a} less {b}: {difference} over {wording.count(n, 'seed')}")
    return said


def _missed(arm: Matched) -> str:
    return f" ({wording.count(arm.missed, 'seed')} not that comfortable)" if arm.missed else ""


def _percent(share: float) -> str:
    return f"{wording.number(100.0 * share, 0)} %"
