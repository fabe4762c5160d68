"""The tables of the report."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from entangrid.experiments import matched_table, statistics, wording
from entangrid.experiments.comparing import GAP, Comparison
from entangrid.experiments.evidence import Evidence
from entangrid.experiments.headroom import Headroom
from entangrid.experiments.report.markup import Raw, Words, chip, join, table, tag
from entangrid.experiments.report.markup import head as column
from entangrid.experiments.scores import short_labels

_FEEDER = {
    "v_min": ("lowest voltage", "pu", 3),
    "v_max": ("highest voltage", "pu", 3),
    "voltage_out": ("outside the band", "h", 2),
    "trafo_loading": ("transformer", "%", 0),
    "line_loading": ("line", "%", 0),
    "losses": ("losses", "kWh", 1),
    "hot_spot": ("hot spot", "°C", 0),
    "ageing_rate": ("ageing rate", "", 2),
}


def verdicts(evidence: Evidence) -> Raw:
    """One line a comparison, in plain words."""
    items = [tag("li", *_verdict(c), class_=c.verdict or "undecided") for c in evidence.shown]
    return tag("ul", *items, class_="verdicts") if items else Raw("")


def _verdict(c: Comparison) -> list[Words]:
    word = wording.verdict(c)
    if c.verdict is None:
        return [
            tag("span", "not compared", class_="word"),
            tag("span", f"{c.a} against {c.b}: {wording.count(c.seeds, 'seed')}."),
        ]
    head, _, seeds = word.partition(" at ")
    of = "of the gap" if c.metric == GAP else c.unit
    how = "more" if c.difference >= 0.0 else "less"
    difference = f"{wording.number(abs(c.difference))} {how} {of}"
    if c.metric != GAP:
        difference = f"{wording.number(c.difference, sign=True)} {of}"
    text = join(
        [
            tag("strong", f"{c.a} against {c.b}"),
            f": {difference} ",
            tag("span", wording.interval(c.low, c.high, sign=True), class_="name"),
            f", p\xa0{wording.p_value(c.p_holm)}. The smallest effect this could detect: {wording.detectable(c)}.",
        ]
    )
    return [
        tag("span", tag("span", head, class_="word"), tag("span", f"at {seeds}", class_="count")),
        tag("span", text, class_="what"),
    ]


def arms(evidence: Evidence) -> Raw:
    """The summary."""
    with_gap = any(evidence.gaps.values())
    gap_head: list[Words] = [column("gap closed", f"[{evidence.confidence * 100:g} % interval]")] * with_gap
    first, names = short_labels(evidence.scores.variants)
    head: list[Words] = [
        first,
        *gap_head,
        column("objective", "EUR/week"),
        column("cost", "EUR/week"),
        column("energy", "kWh/week"),
        column("carbon", "kg/week"),
        column("discomfort", "K h/week"),
        "seeds",
    ]
    rows: list[list[Words]] = []
    for label, row in evidence.summary.iterrows():
        name = str(label)
        rows.append(
            [
                chip(evidence.classes[name], names[name]),
                *[_with_ends(row["gap_closed"], row["gap_low"], row["gap_high"])] * with_gap,
                wording.number(row["objective_eur_week"]),
                wording.number(row["cost_eur_week"]),
                wording.number(row["energy_kwh_week"], 1),
                wording.number(row["carbon_kg_week"], 1),
                wording.number(row["discomfort_kh_week"], 1),
                str(row["seeds"]) if row["seeds"] else "–",
            ]
        )
    return table(head, rows)


def matched(evidence: Evidence, found: Headroom) -> Raw:
    """Every arm at matched comfort, from the largest saving on."""
    head = [column(*each) for each in matched_table.heads(found, evidence.confidence)]
    rows = matched_table.cells(found, matched_table.frame(evidence.scores, found))
    return table(head, [[_below(cell) for cell in row] for row in rows], _capital(matched_table.title(found)), left=2)


def _below(words: str) -> Words:
    """An interval below its number."""
    number, _, ends = words.partition(" [")
    return join([number, Raw("<br>"), tag("small", f"[{ends}")]) if ends else words


def _capital(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def comparisons(evidence: Evidence) -> Raw:
    """Every comparison."""
    found = evidence.shown
    unit = "gap closed" if found[0].metric == GAP else found[0].unit
    head: list[Words] = [
        "first against second",
        column("difference", unit),
        column("p", "Holm"),
        column("smallest", "detectable"),
        "seeds",
        "verdict",
    ]
    rows: list[list[Words]] = [
        [
            join([f"{c.a} against ", Raw("<br>"), c.b]),
            _with_ends(c.difference, c.low, c.high, sign=True),
            wording.p_value(c.p_holm).removeprefix("=\xa0"),
            wording.number(c.detectable),
            f"{c.seeds}" + ("" if c.paired else " unpaired"),
            "not compared" if c.verdict is None else wording.verdict(c).split(" at ")[0],
        ]
        for c in found
    ]
    return table(head, rows)


def _with_ends(value: float, low: float, high: float, *, sign: bool = False) -> Words:
    """A number, and its interval below it."""
    ends = wording.interval(low, high, sign=sign)
    number = wording.number(value, sign=sign)
    return join([number, Raw("<br>"), tag("small", ends)]) if ends else number


def aggregates(evidence: Evidence) -> Raw:
    """Aggregates of seeds and weeks, each with its interval, and the probability of improvement over the best other."""
    functions = {
        "mean": statistics.mean,
        "median": statistics.median,
        "interquartile mean": statistics.interquartile_mean,
        "optimality gap": statistics.optimality_gap,
    }
    rows: list[list[Words]] = []
    for label, scores in evidence.week_scores.items():
        cells: list[Words] = [chip(evidence.classes[label], label)]
        for function in functions.values():
            (found,) = statistics.cluster_bootstrap(scores, function, resamples=2_000)
            ends = found.interval(evidence.confidence)
            cells.append(_with_ends(found.estimate, ends.low, ends.high))
        rows.append(cells)
    whole = table(
        ["arm", *functions],
        rows,
        "Aggregates of gap closed over seeds and weeks; of the optimality gap, less is better",
    )
    chances = _improvements(evidence)
    return join([whole, chances])


def _improvements(evidence: Evidence) -> Raw:
    rows: list[list[Words]] = []
    for c in evidence.shown:
        one, two = (evidence.week_scores.get(name) for name in (c.a, c.b))
        if one is None or two is None or c.verdict is None:
            continue
        paired = c.paired and one.shape == two.shape
        found = statistics.improvement_bootstrap(one, two, paired=paired, resamples=2_000)
        ends = found.interval(evidence.confidence)
        low, high = max(ends.low, 0.0), min(ends.high, 1.0)
        rows.append([f"{c.a} over {c.b}", _with_ends(found.estimate, low, high)])
    if not rows:
        return Raw("")
    return table(
        ["pair", "probability"],
        rows,
        "Probability of improvement: that a seed of the first does better in a week than a seed of the second",
    )


def curves(evidence: Evidence) -> Raw:
    """Learning curves at ten points."""
    found = evidence.curves
    assert found is not None
    rows = []
    for label, values in found.values.items():
        steps = found.steps[label]
        at = np.unique(np.linspace(0, len(steps) - 1, 6).round().astype(int))
        rows += [[label, f"{steps[k]:,}", wording.number(float(values[:, k].mean())), str(values.shape[0])] for k in at]
    return table(["arm", "environment steps", found.name, "seeds"], rows)


def sample_complexity(evidence: Evidence) -> list[Words]:
    """Steps until half of the runs close given shares of the gap; only where curves are of gap closed."""
    found = evidence.curves
    if found is None or not found.name.startswith("gap closed"):
        return []
    errors = (0.75, 0.5, 0.25)
    rows: list[list[Words]] = []
    for label, values in found.values.items():
        cells: list[Words] = [chip(evidence.classes[label], label)]
        for error in errors:
            s = statistics.sample_complexity(values, found.steps[label], error=error, success=0.5)
            cells.append(
                f"{s.steps:,.0f} [{s.low:,.0f}, {s.high:,.0f}]"
                if s.reached
                else f"not within {found.steps[label][-1]:,}"
            )
        rows.append(cells)
    head = ["arm", *(f"gap closed > {1 - error:g}" for error in errors)]
    caption = (
        "Sample complexity: environment steps until half of the seeds are that good, with 90 % intervals over seeds"
    )
    return [table(head, rows, caption)]


def feeder(evidence: Evidence) -> list[Words]:
    """What the feeder went through, where there is one."""
    frame = evidence.table
    rows_of = frame[frame["home"].eq("feeder") & frame["metric"].isin(list(_FEEDER))]
    if rows_of.empty:
        return []
    how = {"v_min": "min", "voltage_out": "mean", "losses": "mean", "ageing_rate": "mean"}
    shown = [name for name in _FEEDER if (rows_of["metric"] == name).any()]
    rows: list[list[Words]] = []
    for label, variant in evidence.scores.variants.items():
        mine = rows_of[rows_of["arm"] == variant.arm]
        for axis, value in variant.axes.items():
            mine = mine[mine[axis] == value]
        cells: list[Words] = [chip(evidence.classes[label], label)]
        for name in shown:
            values = mine.loc[mine["metric"] == name, "value"]
            cells.append(wording.number(float(getattr(values, how.get(name, "max"))()), _FEEDER[name][2]))
        rows.append(cells)
    head: list[Words] = ["arm", *(column(_FEEDER[n][0], _FEEDER[n][1]) for n in shown)]
    return [table(head, rows, "Extremes over all weeks and seeds; hours outside, losses and ageing are means a week")]


def costs(evidence: Evidence) -> Raw:
    """CPU hours, steps, circuit executions and parameters of every arm."""
    of_run = evidence.scores.of_run
    cpu, wall, steps = of_run("cpu_s"), of_run("wall_s"), of_run("environment_steps")
    gradient, circuits = (
        found if any(values.any() for values in found.values()) else {}
        for found in (of_run("gradient_steps"), of_run("circuit_executions"))
    )
    sizes = {name: of_run(f"parameters_{name}") for name in ("actor", "critic")}
    inside = {name: of_run(f"parameters_{name}_circuit") for name in sizes}
    head: list[Words] = [
        "arm",
        "runs",
        column("CPU", "hours"),
        column("wall", "s/run"),
        column("environment", "steps/run"),
    ]
    head += [column("gradient", "steps/run")] * bool(gradient)
    head += [column("circuit", "executions/run")] * bool(circuits)
    head += [column("parameters", "actor"), column("parameters", "critic")]
    rows: list[list[Words]] = []
    for label in evidence.scores.variants:
        cells: list[Words] = [
            chip(evidence.classes[label], label),
            str(cpu[label].size),
            wording.number(float(cpu[label].sum()) / 3600.0, 3),
            wording.number(float(wall[label].mean()), 1),
            _many(steps.get(label)),
        ]
        cells += [_many(gradient.get(label))] * bool(gradient) + [_many(circuits.get(label))] * bool(circuits)
        for name, found in sizes.items():
            cells.append(_parameters(found.get(label), inside[name].get(label)))
        rows.append(cells)
    total = sum(float(values.sum()) for values in cpu.values()) / 3600.0
    return join(
        [table(head, rows), tag("p", f"All runs together: {wording.number(total, 2)} CPU hours.", class_="note")]
    )


def _many(values: Any) -> str:
    mean = float(np.mean(values)) if values is not None and len(values) else 0.0
    return f"{mean:,.0f}" if mean else "–"


def _parameters(values: Any, circuit: Any) -> Words:
    total = float(np.mean(values)) if values is not None and len(values) else 0.0
    if not total or math.isnan(total):
        return "–"
    within = float(np.mean(circuit)) if circuit is not None and len(circuit) else 0.0
    below = [Raw("<br>"), tag("small", f"{within:,.0f} in circuits")] if within else []
    return join([f"{total:,.0f}", *below])


def made(evidence: Evidence) -> Raw:
    """Runs, versions and machines."""
    results = evidence.results
    study = evidence.study
    versions: dict[str, set[str]] = {}
    for result in results:
        listed = result.get("versions")
        for name, version in (listed if isinstance(listed, dict) else {}).items():
            versions.setdefault(str(name), set()).add(str(version))
    entries: list[tuple[str, Words]] = [
        ("Study", study.name),
        ("Scenario", _distinct(result.get("scenario") for result in results)),
        ("Scenario's content", tag("code", _distinct(str(r.get("scenario_hash", ""))[:16] for r in results))),
        ("Held-out weeks", join([tag("span", week, class_="name") for week in evidence.scores.weeks], ", ")),
        ("Runs", "; ".join([str(len(results)), *evidence.missing])),
        ("Results version", _distinct(result.get("results_version") for result in results)),
        ("Commit", _distinct(str(r.get("git_commit") or r.get("commit") or "")[:12] for r in results)),
        ("Python", _distinct(result.get("python") for result in results)),
        ("Processor", _distinct(result.get("processor") for result in results)),
        ("Packages", ", ".join(f"{name} {' and '.join(sorted(found))}" for name, found in versions.items())),
        ("Command", tag("code", f"entangrid run {study.name}.yaml")),
    ]
    return tag("dl", *(join([tag("dt", name), tag("dd", value)]) for name, value in entries if value != ""))


def _distinct(values: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values if value not in (None, "")))
