"""The sentences of the report, computed from the study's numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from entangrid.experiments import summary, wording
from entangrid.experiments.comparing import FEWEST_SEEDS, GAP, Comparison, best_rule
from entangrid.experiments.evidence import Evidence
from entangrid.experiments.figures.curves import Curves
from entangrid.experiments.report.markup import Raw, Words, join, tag

PARETO = (
    "Energy imported against discomfort, both a week: low and left is better. Large: the mean of an arm; small: its "
    "seeds. The dotted line joins the arms that no other beats in both. A saving of energy at more discomfort is a "
    "trade, not a gain."
)
MATCHED = (
    "Each arm's means at several comfort weights are joined to a front, which is read at that discomfort, by straight "
    "lines and not beyond its ends. An arm with one weight is read at its only point. Intervals are over seeds, weeks "
    "and homes, which are drawn anew for all arms alike, and every front read anew. Perfect foresight minimises the "
    "bill and the discomfort together."
)
COSTS = (
    "What the arms spent on their results. Circuit executions are what a quantum computer would have to run for the "
    "same training, with the parameter-shift rule for gradients; here they were simulated."
)
_NAMED = 10  # arms whose verdicts are told one by one
NO_CURVES = "The runs of this study stored no learning curves."


def kicker(evidence: Evidence) -> str:
    """What this is, in a line."""
    scores = evidence.scores
    seeds = max((len(v.seeds) for v in scores.variants.values()), default=0)
    things = [(len(scores.variants), "arm"), (seeds, "seed"), (len(scores.weeks), "held-out week")]
    things += [(len(scores.homes), "home")] if len(scores.homes) > 1 else []
    return " · ".join([f"Study {evidence.study.name}", *(f"{n} {what}{'s' * (n > 1)}" for n, what in things if n)])


def lead(evidence: Evidence) -> Words:
    """The plain answer: what the intervals allow one to say, best first."""
    learning = [v for v in evidence.scores.variants.values() if v.learns]
    if not learning:
        return "No arm of this study learns; it shows what rules and perfect foresight do."
    most = max(len(v.seeds) for v in learning)
    if most < FEWEST_SEEDS:
        return (
            f"Nothing is compared here: that takes at least {wording.count(FEWEST_SEEDS, 'seed')}, and this study has "
            f"{wording.count(most, 'seed')}. What follows shows what its runs did."
        )
    first = dict.fromkeys(c.a for c in evidence.comparisons)
    if len(first) > _NAMED:
        return join([_counted(evidence.comparisons), *_yardstick(evidence)], " ")
    sentences = [
        join([name(label), " ", _judged([c for c in evidence.comparisons if c.a == label]), "."]) for label in first
    ]
    return join([*sentences, *_yardstick(evidence)], " ")


def _counted(found: Sequence[Comparison]) -> str:
    """How many comparisons came out how; where there are too many to name."""
    counts = Counter[str](c.verdict or "not compared" for c in found)
    words = ("better", "worse", "equivalent", "undecided", "not compared")
    said = ", ".join(f"{counts[word]:,} {word}" for word in words if counts[word])
    return f"Of {len(found):,} comparisons, the first arm against the second: {said}."


def _judged(found: Sequence[Comparison]) -> Words:
    """What one arm is, against whom."""
    clauses: list[Words] = []
    for word, before in (
        ("better", "does better than"),
        ("worse", "does worse than"),
        ("equivalent", "is equivalent to"),
        ("undecided", "is undecided against"),
    ):
        names = [name(c.b) for c in found if c.verdict == word]
        if names:
            clauses.append(join([before, " ", listed(names)]))
    return listed(clauses, ", and ") if clauses else "is not compared"


def name(label: str) -> Raw:
    """An arm's name, which no line breaks."""
    return tag("span", label, class_="name") if len(label) <= 28 else tag("span", label)


def listed(names: Sequence[Words], last: str = " and ") -> Words:
    """a, b and c."""
    return names[0] if len(names) == 1 else join([join(names[:-1], ", "), last, names[-1]])


def _yardstick(evidence: Evidence) -> list[Words]:
    variant = next(v for v in evidence.scores.variants.values() if v.learns)
    rule = best_rule(evidence.scores, variant)
    gap = evidence.gaps.get(rule) if rule else None
    if rule is None or gap is None or evidence.scores.variants[rule].controller == "no-control":
        return []
    ends = wording.interval(gap.low, gap.high)
    closes = f"{wording.number(gap.mean)} {ends}".rstrip()
    return [join(["The best rule, ", name(rule), ", closes ", tag("span", closes, class_="name"), " of the gap."])]


def how_judged(evidence: Evidence) -> str:
    """How verdicts come about."""
    found = [c for c in evidence.comparisons if c.verdict is not None]
    if not found:
        return (
            "Verdicts are computed from intervals over seeds, weeks and homes; here there are too few seeds for them."
        )
    share = f"{evidence.confidence * 100:g} %"
    cut = cut_short(evidence)
    over = wording.resampled(evidence.scores)
    many = f" after Holm's correction over {wording.count(len(found), 'comparison')}" if len(found) > 1 else ""
    if found[0].metric != GAP:
        return (
            "Compared is the objective, in EUR a week, since gap closed needs an optimum with headroom. Better or "
            f"worse: the {share} interval (over {over}) excludes 0{many}. Undecided: neither; the data allow both.{cut}"
        )
    return (
        f"Equivalent: the {share} interval of the difference (over {over}) lies within ±{evidence.margin:g} of gap "
        f"closed, {_fixed(evidence)}. Better or worse: it excludes 0{many}. Undecided: neither; the data "
        "allow both. The smallest detectable effect is the true difference that a comparison like this finds four "
        f"times in five.{cut}"
    )


def _fixed(evidence: Evidence) -> str:
    """Whether the margin is the one that the first run was made under."""
    then = evidence.rules_then
    if then is None or (then.margin, then.confidence) == (evidence.margin, evidence.confidence):
        return "a margin fixed before the run"
    return (
        f"which was not fixed before the run: when the first run was made, the margin was ±{then.margin:g} and the "
        f"confidence {then.confidence:g}"
    )


def cut_short(evidence: Evidence) -> str:
    """That not every comparison is on the page, where that is so."""
    if len(evidence.shown) == len(evidence.comparisons):
        return ""
    return (
        f" Shown are the first {len(evidence.shown)} of {len(evidence.comparisons)} comparisons; entangrid table "
        "prints them all."
    )


def of_table(evidence: Evidence) -> str:
    """What the table shows."""
    weeks = wording.count(len(evidence.scores.weeks), "held-out week")
    homes = f", {len(evidence.scores.homes)} homes together" if len(evidence.scores.homes) > 1 else ""
    of_set = summary.of_set(evidence.study)
    gap = "Gap closed is the share of what could be saved: 0 is no control, 1 is perfect foresight."
    if not any(evidence.gaps.values()):
        gap = "Gap closed needs the arms no-control and optimum, and headroom between them."
    return (
        f"Means a week over {weeks}{homes}. The objective counts all: bill, discomfort, wear, and what is left in "
        f"store at the end. {gap}{''.join(f' {each[:1].upper()}{each[1:]}.' for each in of_set)}"
    )


def of_gap(evidence: Evidence) -> str:
    """Caption of the gap closed."""
    over = wording.resampled(evidence.scores)
    bars = (
        f"Bars: {evidence.confidence * 100:g} % intervals over {over}." if over else "One run, one week: no interval."
    )
    few = wording.few_homes(evidence.scores)
    return f"{bars} Large: the mean; small: single seeds.{f' {few[:1].upper()}{few[1:]}.' if few else ''}"


def of_comparisons(evidence: Evidence) -> str:
    """Caption of the comparisons."""
    in_gap = all(c.metric == GAP for c in evidence.comparisons)
    better = "to the right of 0 the first arm is better" if in_gap else "to the left of 0 the first arm is better"
    return (
        f"Differences with their intervals; {better}. Seeds that both arms have are compared in pairs: they saw the "
        "same weather and occupants."
    )


def of_curves(curves: Curves, evidence: Evidence) -> str:
    """Caption of the learning curves."""
    few = min(values.shape[0] for values in curves.values.values())
    band = f" Bands: {evidence.confidence * 100:g} % intervals of the mean over seeds." if few > 1 else ""
    return f"Mean of the seeds: {curves.name}, while training.{band}"


def of_profiles(evidence: Evidence) -> str:
    """Caption of the performance profiles."""
    return (
        "For every gap closed on the horizontal axis, the share of seeds and weeks above it. A line above another "
        "everywhere is the more reliable arm; a long tail to the left shows runs that failed. "
        f"Bands: {evidence.confidence * 100:g} %, plain percentiles, point by point."
    )


def of_day(evidence: Evidence) -> str:
    """Above the days."""
    first = next(iter(evidence.weeks_of_operation.values()))["time"].iloc[0]
    home = evidence.scores.homes[0][1]
    which = f" of {home}" if len(evidence.scores.homes) > 1 else ""
    return (
        f"One day{which} under every arm: the one with the median of sunshine in the week of "
        f"{first.day} {first:%B %Y}. Of an arm that learns, its first seed."
    )


def of_feeder(evidence: Evidence) -> str:
    """Above the voltages."""
    low, high = evidence.study.voltage_band
    return (
        "Lowest and highest voltage of any bus in the first held-out week. Dashed: the band that the task asks for, "
        f"{low:g} to {high:g} pu."
    )


def colophon(evidence: Evidence) -> str:
    """The last line."""
    margin, confidence = summary.rules(evidence.study)
    return (
        "Made by entangrid report from the study's folder alone; it loads nothing from anywhere. Every statistic, with "
        f"its formula and source: docs/statistics.md. Margin ±{margin:g}, confidence {confidence:g}."
    )
