"""Headroom first: what perfect foresight saves at the same comfort, beside what was claimed; then every arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.experiments import kinds, matched, matched_bootstrap, wording
from entangrid.experiments.comparing import FEWEST_SEEDS, POWER
from entangrid.experiments.matched import Front
from entangrid.experiments.matched_bootstrap import Draws, Estimate, Resamples
from entangrid.experiments.scores import NO_CONTROL, OPTIMUM, Scores
from entangrid.experiments.statistics import Verdict, holm, judge, minimum_detectable_effect

if TYPE_CHECKING:
    from entangrid.experiments.config.claim import ClaimConfig

F = npt.NDArray[np.float64]

#: How a metric is called in a sentence.
CALLED = {"import": "imported energy", "demand": "energy used", "heat_pump": "the heat pumps' energy",
          "cost": "the bill", "carbon": "carbon"}  # fmt: skip


class Matched(NamedTuple):
    """An arm at matched comfort, a home and week: of each seed (S,), NaN where its front does not come down to the
    bound; over the others the mean and the interquartile mean (with fewer than four the mean), of energy and of the
    share saved of the baseline's mean. ``seeds``: [-1] of an arm that does not learn; ``missed``: how many do not."""

    seeds: list[int]
    per_seed: F
    missed: int
    mean: Estimate
    iqm: Estimate
    saving_mean: Estimate
    saving: Estimate  # by the interquartile mean


class Pair(NamedTuple):
    """a - b at matched comfort, a mean over ``seeds`` that both have; ``p_holm``: corrected over the study's pairs.

    ``detectable``: the smallest true difference that this comparison finds four times in five; ``verdict``: on a, of
    which less is better, None where nothing is said of other seeds, weeks or homes.
    """

    a: str
    b: str
    seeds: int
    difference: Estimate
    p_holm: float
    detectable: float = float("nan")
    verdict: Verdict | None = None


class Headroom(NamedTuple):
    """``bound``: of discomfort [K h a home and week]; ``baseline``, ``optimum``: labels of arms, None without one;
    ``arms``: each at that comfort, in ``unit`` a home and week; ``fronts``: what they are read from;
    ``foreseeing``: labels of arms that know everything that is to come."""

    claim: ClaimConfig
    unit: str
    bound: float
    baseline: str | None
    optimum: str | None
    arms: dict[str, Matched]
    fronts: dict[str, Front]
    pairs: list[Pair]
    foreseeing: frozenset[str] = frozenset()

    @property
    def room(self) -> float:
        """The share of the baseline that perfect foresight saves; NaN where it is not defined."""
        return self.saving(self.optimum) if self.optimum is not None else float("nan")

    def saving(self, label: str) -> float:
        """The share of the baseline that an arm saves at this comfort; NaN where it is not defined."""
        return self.arms[label].saving.value

    def least_discomfort(self, label: str) -> float:
        """The least discomfort that an arm has at any weight [K h a home and week], as a mean over seeds."""
        discomfort = self.fronts[label].discomfort
        known = discomfort[:, ~np.isnan(discomfort).any(0)]
        return float(known.mean(0).min()) if known.size else float("nan")

    @property
    def ranked(self) -> list[str]:
        """Labels by falling saving, those that are not that comfortable last."""
        return sorted(self.arms, key=lambda k: (math.isnan(self.arms[k].iqm.value), self.arms[k].iqm.value))

    @property
    def best(self) -> str | None:
        """The arm with the largest saving, those with perfect foresight and the baseline apart."""
        apart = {self.optimum, self.baseline, *self.foreseeing}
        return next((k for k in self.ranked if k not in apart and not math.isnan(self.saving(k))), None)

    @property
    def most(self) -> float:
        """The largest saving of all arms; NaN without any."""
        return self.saving(self.ranked[0]) if self.arms else float("nan")


def find(
    scores: Scores,
    claim: ClaimConfig | None,
    confidence: float = 0.95,
    pairs: Sequence[Sequence[str]] | None = None,
) -> Headroom | None:
    """Headroom, every arm and ``pairs`` of them at matched comfort; None without a claim, or where the table lacks what
    it is about."""
    if claim is None or not {claim.metric, "discomfort"} <= set(scores.metrics):
        return None
    found = matched.fronts(scores, claim.metric)
    baseline = claim.baseline or _arm(scores, NO_CONTROL, found)
    bound = claim.discomfort_kh
    if bound is None and baseline in found.arms:
        bound = matched.bound_of(found.arms[baseline])
    if bound is None or math.isnan(bound):
        return None
    drawn = Resamples(found, claim.discomfort_kh, baseline, confidence=confidence)
    base = drawn.arms.get(str(baseline))
    arms = {label: _matched(drawn, own, base) for label, own in drawn.arms.items()}
    unit, best = scores.unit(claim.metric), _arm(scores, OPTIMUM, found)
    foreseeing = frozenset(k for k, group in matched.groups(scores).items() if kinds.knows(group[0]) == "future")
    return Headroom(claim, unit, bound, baseline, best, arms, found.arms, _pairs(drawn, pairs or ()), foreseeing)


def _arm(scores: Scores, controller: str, found: matched.Fronts) -> str | None:
    arms = (v.arm for v in scores.variants.values() if v.controller == controller)
    return next((arm for arm in arms if arm in found.arms), None)


def _matched(drawn: Resamples, own: Draws, base: Draws | None) -> Matched:
    each = own.measured[0]
    of = (matched_bootstrap.mean, matched_bootstrap.interquartile_mean)
    energy = [drawn.estimate(statistic, own) for statistic in of]
    same = base is not None and base.seeds == own.seeds
    saved = [
        Estimate() if base is None else drawn.estimate(matched_bootstrap.saving(s), own, base, paired=same) for s in of
    ]
    return Matched(own.seeds, each, int(np.isnan(each).sum()), *energy, *saved)


def _pairs(drawn: Resamples, wanted: Sequence[Sequence[str]]) -> list[Pair]:
    out = []
    for a, b in wanted:
        if not {a, b} <= set(drawn.arms):
            continue
        seeds = [drawn.arms[name].seeds for name in (a, b) if drawn.arms[name].seeds != [-1]]
        common = sorted(set(seeds[0]).intersection(*seeds)) if seeds else [-1]
        if not common:
            continue
        one, two = (drawn.arms[name].of(common) for name in (a, b))
        n = int((~np.isnan(one.measured - two.measured)).sum())
        found = drawn.estimate(matched_bootstrap.difference, one, two, paired=True)
        if seeds and n < FEWEST_SEEDS:  # nothing is said of other seeds
            found = Estimate(found.value, undefined=found.undefined)
        out.append(Pair(a, b, n if seeds else 0, found, float("nan")))
    corrected = holm([pair.difference.p for pair in out])
    return [_judged(pair, p, drawn.confidence, _counted(corrected)) for pair, p in zip(out, corrected, strict=True)]


def _counted(corrected: Sequence[float]) -> int:
    return sum(not math.isnan(p) for p in corrected)


def _judged(pair: Pair, p: float, confidence: float, many: int) -> Pair:
    """The pair with what it could have shown and its verdict; the margin is of gap closed and says nothing here."""
    found, alpha = pair.difference, 1.0 - confidence
    if math.isnan(p):
        return pair
    least = minimum_detectable_effect(found.error, found.df, alpha=alpha, power=POWER, comparisons=many)
    return pair._replace(p_holm=p, detectable=least, verdict=judge(-found.high, -found.low, p, None, alpha=alpha))


def lines(found: Headroom | None, cut: Sequence[str] = ()) -> list[str]:
    """What stands with the tables: the headroom (in a terminal above them), the pairs at matched comfort, and what the
    study left out."""
    said = [] if found is None else [sentence(found), *of_pairs(found)]
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
    if found.most < found.claim.share:
        return f"headroom: {saves}{tail}; {claimed}, is not reached here even with perfect foresight"
    return f"headroom: {saves}, so that {claimed}, is not ruled out{tail}"


def of_pairs(found: Headroom) -> list[str]:
    """The differences of pairs of arms at matched comfort, a line each."""
    said = []
    many = _counted([pair.p_holm for pair in found.pairs])
    for a, b, seeds, (value, low, high, _, undefined, *_), p, detectable, verdict in found.pairs:
        if math.isnan(value):
            said.append(f"at that comfort, {a} less {b}: not known, since one of them is not that comfortable")
            continue
        ends = wording.interval(low, high, sign=True)
        line = f"at that comfort, {a} less {b}: {wording.number(value, sign=True)} {ends}".rstrip()
        line += f" {found.unit} a home and week" + (f" over {wording.count(seeds, 'seed')}" if seeds else "")
        if not math.isnan(p):
            line += f", p {wording.p_value(p)}" + (f" after Holm over {many} pairs" if many > 1 else "")
            line += f": {verdict}; smallest effect this could detect: {wording.number(detectable)} {found.unit}"
        elif seeds and seeds < FEWEST_SEEDS:
            line += f"; an interval needs {wording.count(FEWEST_SEEDS, 'seed')}"
        if undefined >= 0.01 and not math.isnan(low):
            line += f"; not that comfortable in {_percent(undefined)} of the resamples"
        said.append(line)
    return said


def _percent(share: float) -> str:
    return f"{wording.number(100.0 * share, 0)} %"
