"""Figures by name, each drawn from a study's folder alone."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from entangrid.data.errors import InputError

if TYPE_CHECKING:
    from entangrid.experiments.evidence import Evidence
    from entangrid.experiments.figures.chart import Chart

#: Name -> what it shows. The first two are PNG files, the others SVG.
NAMES = {
    "overview": 'of a study with a claim the figure "matched"; else a day, and gap closed of every arm (PNG)',
    "matched": "savings at matched comfort, beside the fronts of energy and comfort or gap closed (PNG)",
    "gap-closed": "gap closed of every arm with its interval and seeds",
    "comparisons": "the differences between arms with their intervals and the margin of equivalence",
    "learning-curves": "means of the seeds over environment steps, with bands",
    "pareto": "energy against discomfort, and the front",
    "profiles": "performance profiles: the share of seeds and weeks above a gap closed",
    "day": "a day of operation of every arm",
    "feeder": "voltages on the feeder under every arm",
}


def make(name: str, folder: Path, out: Path | None = None) -> Path:
    """Draw figure ``name`` of the study in ``folder`` into ``out`` (default: a file in the folder) and return the file.

    "day" and "feeder" write one file an arm and return the first. Raises InputError for an unknown name, for a study
    that has nothing to draw in it, and for a file that cannot be written.
    """
    if name not in NAMES:
        raise InputError(f"figure {name!r} is unknown; expected one of: {', '.join(NAMES)}")
    kind = ".png" if name in ("overview", "matched") else ".svg"
    if out is not None and out.suffix.lower() != kind:
        raise InputError(f"{str(out)!r}: figure {name!r} expects a file whose name ends in {kind}")
    from entangrid.experiments import store
    from entangrid.experiments.evidence import Evidence

    evidence = Evidence(folder)
    if name == "matched" or (name == "overview" and evidence.headroom is not None):
        from entangrid.experiments.figures import matched

        return matched.draw(evidence, out or folder / f"{name}.png")
    if name == "overview":
        from entangrid.experiments.figures import overview

        return overview.draw(evidence, out or folder / "overview.png")
    charts = draw(name, evidence)
    if not charts:
        raise InputError(f"{folder}: the study has nothing to draw in figure {name!r}")
    written = []
    for label, chart in charts.items():
        path = out or folder / f"{name}.svg"
        if len(charts) > 1:
            path = path.with_name(f"{path.stem}-{re.sub('[^A-Za-z0-9._-]+', '-', label).strip('-')}{path.suffix}")
        store.write_atomically(path, partial(_write, chart.svg(alone=True)))
        written.append(path)
    return written[0]


def _write(text: str, to: Path) -> None:
    to.write_text(text, encoding="utf-8")


def draw(name: str, evidence: Evidence, width: int = 0, most: int | None = None) -> dict[str, Chart]:
    """The drawings of a figure by variant ("" for one of all), empty where there is nothing to draw.

    ``most``: of "day" and "feeder" the first so many; their axes are those of all.
    """
    from entangrid.experiments.figures import curves, day, intervals, pareto
    from entangrid.experiments.figures.chart import WIDE

    width = width or WIDE
    chart: Chart | None = None
    if name == "gap-closed":
        chart = intervals.gap_closed(evidence.gaps, evidence.classes, width)
    elif name == "comparisons":
        chart = intervals.comparisons(evidence.shown, width)
    elif name == "learning-curves" and evidence.curves is not None:
        chart = curves.learning_curves(evidence.curves, evidence.classes, width, evidence.confidence)
    elif name == "pareto":
        found = evidence.headroom
        chart = pareto.pareto(
            evidence.weekly("import"),
            evidence.weekly("discomfort"),
            evidence.classes,
            width,
            notes=evidence.notes,
            bound=None if found is None else found.bound * len(evidence.scores.homes),
        )
    elif name == "profiles":
        chart = curves.profiles(evidence.week_scores, evidence.classes, width, evidence.confidence)
    elif name == "day":
        days = {label: day.typical_day(week) for label, week in evidence.weeks_of_operation.items()}
        return {label: day.day(label, days) for label in list(days)[:most]}
    elif name == "feeder":
        weeks = evidence.feeder()
        return {label: day.feeder(label, weeks, evidence.study.voltage_band) for label in list(weeks)[:most]}
    return {} if chart is None else {"": chart}
