"""The page: its order, its sentences, its figures."""

from __future__ import annotations

from importlib.resources import files

from entangrid.experiments import figures, headroom
from entangrid.experiments.evidence import Evidence
from entangrid.experiments.figures.chart import NARROW, WIDE, css
from entangrid.experiments.report import tables, words
from entangrid.experiments.report.markup import Raw, Words, details, join, tag

_PANELS = 12
# nothing may be loaded from anywhere, and no script may run, whatever a study's files hold
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def build(evidence: Evidence) -> str:
    """The whole page as text."""
    study = evidence.study
    sections = [(name, title, content) for name, title, content in _sections(evidence) if content]
    style = css() + files("entangrid.experiments.report").joinpath("page.css").read_text(encoding="utf-8")
    head = join(
        [
            Raw('<meta charset="utf-8">'),
            Raw('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Raw(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
            Raw('<link rel="icon" href="data:,">'),
            tag("title", f"{study.name}: {study.question}" if study.question else study.name),
            Raw(f"<style>{style}</style>"),
        ]
    )
    links = [tag("a", title, href=f"#{name}") for name, title, _ in sections]
    body = join(
        [
            tag(
                "header",
                tag("p", words.kicker(evidence), class_="kicker"),
                tag("h1", study.question or study.name),
                tag("p", words.lead(evidence), class_="lead"),
                *(tag("p", line.capitalize() + ".", class_="note") for line in evidence.missing),
                tag("nav", *links, aria_label="Sections"),
            ),
            tag("main", *(_section(name, title, content) for name, title, content in sections)),
            tag("footer", tag("p", words.colophon(evidence))),
        ]
    )
    return f'<!doctype html>\n<html lang="en"><head>{head.html}</head><body>{body.html}</body></html>\n'


def _sections(evidence: Evidence) -> list[tuple[str, str, list[Words]]]:
    return [
        ("headroom", "Headroom", _headroom(evidence)),
        ("verdict", "Verdict", [tables.verdicts(evidence), tag("p", words.how_judged(evidence), class_="note")]),
        ("table", "The arms", [tag("p", words.of_table(evidence)), tables.arms(evidence)]),
        ("gap", "Gap closed", _figure(evidence, "gap-closed", words.of_gap(evidence))),
        (
            "comparisons",
            "Every comparison",
            [
                *_figure(evidence, "comparisons", words.of_comparisons(evidence)),
                *([tables.comparisons(evidence)] if evidence.comparisons else []),
            ],
        ),
        ("learning", "Learning", _learning(evidence)),
        ("pareto", "Energy and comfort", _figure(evidence, "pareto", words.PARETO)),
        ("profiles", "Reliability", _profiles(evidence)),
        ("day", "A day", _panels(evidence, "day", words.of_day(evidence))),
        ("feeder", "The feeder", _feeder(evidence)),
        ("costs", "What it cost", [tag("p", words.COSTS), tables.costs(evidence)]),
        (
            "made",
            "What was run",
            [tables.made(evidence), details("The study's file", tag("pre", evidence.study.text))],
        ),
    ]


def _section(name: str, title: str, content: list[Words]) -> Raw:
    return tag("section", tag("h2", title), *content, id=name)


def _figure(evidence: Evidence, name: str, caption: Words) -> list[Words]:
    """A figure, drawn for wide and for narrow screens; of the two a browser shows one and reads out one."""
    drawn = {size: figures.draw(name, evidence, width) for size, width in (("wide", WIDE), ("narrow", NARROW))}
    if not drawn["wide"]:
        return []
    both = [tag("div", Raw(charts[""].svg()), class_=size) for size, charts in drawn.items()]
    return [tag("figure", *both, tag("figcaption", caption))]


def _headroom(evidence: Evidence) -> list[Words]:
    said: list[Words] = [tag("p", _sentence(note)) for note in evidence.notes]
    found = evidence.headroom
    if found is None:
        return said
    pairs = headroom.of_pairs(found)
    return [
        *said,
        tables.matched(evidence, found),
        *([tag("ul", *(tag("li", _sentence(line)) for line in pairs))] if pairs else []),
        tag("p", words.MATCHED, class_="note"),
    ]


def _sentence(line: str) -> str:
    return f"{line[0].upper()}{line[1:]}."


def _panels(evidence: Evidence, name: str, caption: str) -> list[Words]:
    charts = figures.draw(name, evidence, most=_PANELS)
    if not charts:
        return []
    arms = len(evidence.weeks_of_operation if name == "day" else evidence.feeder())
    if len(charts) < arms:
        caption += f" Shown are the first {_PANELS} of {arms} arms; entangrid figure draws them all."
    panels = [tag("figure", tag("h3", label), Raw(chart.svg())) for label, chart in charts.items()]
    return [tag("p", caption), tag("div", *panels, class_="panels")]


def _learning(evidence: Evidence) -> list[Words]:
    shown = (
        []
        if evidence.curves is None
        else _figure(evidence, "learning-curves", words.of_curves(evidence.curves, evidence))
    )
    if not shown:
        learned = any(v.learns for v in evidence.scores.variants.values())
        return [tag("p", words.NO_CURVES, class_="note")] if learned else []
    return [*shown, details("The numbers", tables.curves(evidence)), *tables.sample_complexity(evidence)]


def _profiles(evidence: Evidence) -> list[Words]:
    shown = _figure(evidence, "profiles", words.of_profiles(evidence))
    return [*shown, tables.aggregates(evidence)] if shown else []


def _feeder(evidence: Evidence) -> list[Words]:
    return [*_panels(evidence, "feeder", words.of_feeder(evidence)), *tables.feeder(evidence)]
