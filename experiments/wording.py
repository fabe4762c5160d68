"""Comparisons and verdicts in plain words; what the report, the terminal and the figures say alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

from entangrid.experiments.comparing import FEWEST_SEEDS, Comparison, has_direction
from entangrid.experiments.scores import Scores

_NUMBERS = {0: "no", 1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def number(value: float, digits: int = 2, *, sign: bool = False) -> str:
    """A number with a true minus sign; "–" for NaN."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "−∞" if value < 0 else "∞"
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    if not float(text):  # no minus zero
        text = f"{0.0:.{digits}f}"
    return text.replace("-", "−")


def interval(low: float, high: float, *, sign: bool = False) -> str:
    """An interval in brackets; empty where it has no ends."""
    return "" if math.isnan(low) or math.isnan(high) else f"[{number(low, sign=sign)}, {number(high, sign=sign)}]"


def p_value(p: float) -> str:
    """A p-value with its sign of equality."""
    return "=\xa0–" if math.isnan(p) else "<\xa00.001" if p < 0.001 else f"=\xa0{p:.3f}"


def count(n: int, one: str, many: str = "") -> str:
    """A number of things."""
    return f"{_NUMBERS.get(n, str(n))} {one if n == 1 else many or one + 's'}"


def verdict(c: Comparison) -> str:
    """The verdict with the number of seeds, such as "undecided at n = 10"."""
    if c.verdict is None:
        return f"not compared: {count(c.seeds, 'seed')}"
    word: str = c.verdict
    if word == "equivalent" and c.margin is not None:
        word = f"equivalent (within ±{c.margin:g})"
    elif word in ("better", "worse") and not has_direction(c.metric):
        word = "higher" if c.difference > 0.0 else "lower"
    return f"{word} at n = {c.seeds}"


def detectable(c: Comparison) -> str:
    """The smallest effect that the comparison could detect, with its unit."""
    return f"{number(c.detectable)} {c.unit}"


def sentence(c: Comparison) -> str:
    """One comparison in one line."""
    pair = f"{c.a} against {c.b}"
    if c.verdict is None:
        return f"{pair}: {verdict(c)}; a comparison needs {FEWEST_SEEDS}"
    corrected = f" after Holm over {c.comparisons} pairs" if c.comparisons > 1 else ""
    return (
        f"{pair}: {verdict(c)}; smallest effect this could detect: {detectable(c)}; difference "
        f"{number(c.difference, sign=True)} {interval(c.low, c.high, sign=True)}".rstrip()
        + f", p {p_value(c.p_holm)}{corrected}"
        + ("" if c.paired else ", seeds not paired")
    )


def resampled(scores: Scores) -> str:
    """Over what the intervals are: "10 seeds × 7 weeks"."""
    seeds = max((len(v.seeds) for v in scores.variants.values()), default=0)
    clusters = int(scores.clusters.max()) + 1
    parts = [(seeds, "seed"), (len(scores.weeks), "week"), (clusters, "home")]
    return " × ".join(f"{n} {name}s" for n, name in parts if n > 1)


def few_homes(scores: Scores) -> str:
    """That in some homes nothing can be saved, where that is so."""
    n = scores.homes_with_headroom
    if not 0 < n < len(scores.homes):
        return ""
    if n == 1:
        return f"of {len(scores.homes)} homes one alone has anything to save: gap closed says nothing of other homes"
    return f"of {len(scores.homes)} homes {n} have anything to save: gap closed is drawn over these"


def closing_lines(scores: Scores, comparisons: Sequence[Comparison], confidence: float = 0.95) -> list[str]:
    """What stands under the table: over what intervals are, every comparison, and what limits them."""
    seeds = [len(v.seeds) for v in scores.variants.values() if v.learns]
    over = resampled(scores)
    lines = [f"{confidence * 100:g} % intervals over {over}" if over else "one run, one week: no interval"]
    if not seeds:
        lines.append("no learning arm: no comparison of arms")
    elif max(seeds) < FEWEST_SEEDS:
        lines.append(f"{count(max(seeds), 'seed')}: no comparison of arms")
    else:
        lines += [sentence(c) for c in comparisons]
    if len(scores.weeks) == 1:
        lines.append("one held-out week: nothing is said of other weeks")
    if few := few_homes(scores):
        lines.append(few)
    unproven = max((float(v.max()) for v in scores.of_run("unproven_eur").values()), default=0.0)
    if unproven > 1e-3:
        lines.append(f"the optimum is best known, at most {unproven:.2f} EUR above the true one")
    return lines
