"""Figure "matched": every arm's saving at matched comfort, beside its front (or beside gap closed without a sweep)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entangrid.data.errors import InputError
from entangrid.experiments import headroom, kinds, matched, store, wording
from entangrid.experiments.figures import fronts, panels
from entangrid.experiments.figures.page import Page, Ruler, pitch
from entangrid.experiments.figures.style import KIND_COLOURS, KIND_MARKERS, apply
from entangrid.experiments.headroom import Headroom, Matched

if TYPE_CHECKING:
    from entangrid.experiments.evidence import Evidence
    from entangrid.experiments.statistics import GapClosed

_WIDTH, _EDGE, _ROW = 9.0, 0.12, 0.185
_SIZE, _SMALL = 8.5, 8.0
_SOFT = "#555555"


def draw(evidence: Evidence, path: Path) -> Path:
    """Draw the figure from the stored runs into a PNG file; returns its path.

    Raises InputError for a study without a claim, or whose runs do not allow what it is about.
    """
    found = evidence.headroom
    if found is None:
        raise InputError(f"{evidence.folder}: figure 'matched' is of studies with a claim, and their baseline's runs")
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    apply(plt)
    with plt.rc_context(
        {"font.size": _SIZE, "axes.labelsize": _SIZE, "xtick.labelsize": _SMALL, "ytick.labelsize": _SMALL}
    ):
        page = _page(plt, evidence, found)
        store.write_atomically(path, lambda to: page.figure.savefig(to, format="png", dpi=page.figure.dpi))
        plt.close(page.figure)
    return path


def _page(plt: Any, evidence: Evidence, found: Headroom) -> Page:
    ruler = Ruler()
    variants = {label: group[0] for label, group in matched.groups(evidence.scores).items()}
    kind = {label: kinds.kind(variants[label]) for label in found.arms}
    swept = any(front.energy.shape[1] > 1 for front in found.fronts.values())
    title = ruler.wrap(evidence.study.question or evidence.study.name, 10.0, _WIDTH - 2 * _EDGE, bold=True)
    notes = [line for note in _notes(evidence, found) for line in ruler.wrap(note, _SMALL, _WIDTH - 2 * _EDGE)]
    strong: list[str] = []
    if swept:
        knows = {label: kinds.knows(variants[label]) for label in found.arms}
        strong = fronts.chosen(found, kind, knows, evidence.study.verdict.pairs or ())
    top = _EDGE + pitch(10.0) * len(title) + 0.72
    rows = _ROW * len(found.arms)
    panel = min(max(rows, 2.6), 4.6)
    legend = panel + 0.5 + pitch(_SMALL) * (len(strong) + 2) if swept else 0.0
    below = top + max(rows + 0.5, legend) + 0.1
    page = Page(plt, _WIDTH, below + 0.3 + pitch(_SMALL) * len(notes) + _EDGE)
    page.lines(_EDGE, title, 10.0, weight="bold")

    names = min(max(ruler(label, _SMALL) for label in found.arms), 1.8)
    at = 3.68 if swept else _EDGE  # left of names
    if swept:
        page.text(_EDGE, top - 0.52, "Energy and comfort", weight="bold")
        handles = fronts.draw(page.axes(0.64, top, at - 0.14, top + panel), found, kind, strong)
        page.text(_EDGE, top - 0.3, f"dotted: where arms are compared, {found.bound:.3g} K h", size=_SMALL)
        _legend(page, handles, top + panel + 0.46)
    else:
        page.text(at + names + 0.1, top - 0.52, "Gap closed of the objective", weight="bold")
        panels.gaps(page.axes(at + names + 0.1, top, 3.55, top + rows), evidence.gaps, found, kind)
        _column(page, top, 3.62, [_gap_text(evidence.gaps.get(label)) for label in found.ranked])
    first, last = (at + names + 0.1, 7.1) if swept else (4.95, 7.1)
    page.text(at if swept else first, top - 0.52, "Saving at matched comfort", weight="bold")
    panels.savings(page.axes(first, top, last, top + rows), found, kind)
    colours = [KIND_COLOURS[kind[label]] for label in found.ranked]
    _column(page, top, at + names, [ruler.fit(k, _SMALL, names) for k in found.ranked], colours, ha="right")
    _column(page, top, last + 0.08, [_saving_text(found, label) for label in found.ranked], colours)
    _column(page, top, _WIDTH - _EDGE, [_seeds_text(found.arms[label]) for label in found.ranked], ha="right")
    heads = [
        (last + 0.08, "IQM %", "left"),
        (_WIDTH - _EDGE, "seeds", "right"),
        *([] if swept else [(3.62, "mean", "left")]),
    ]
    for x, head, side in heads:
        more = f" [{evidence.confidence * 100:g} %]" if head != "seeds" else ""
        page.text(x, top - 0.03, head + more, size=_SMALL, va="bottom", ha=side, color=_SOFT)
    _kinds(page, ruler, [each for each in kinds.KINDS if each in kind.values()], below)
    page.lines(below + 0.26, notes, _SMALL)
    return page


def _notes(evidence: Evidence, found: Headroom) -> list[str]:
    """What stands below: how to read it, then the headroom and what was cut."""
    scores = evidence.scores
    size = f"{wording.count(len(scores.homes), 'held-out home')}, {wording.count(len(scores.weeks), 'held-out week')}"
    over = wording.resampled(scores)
    bars = f"bars: {evidence.confidence * 100:g} % intervals over {over}" if over else "one run, one week: no interval"
    read = f"{size}; {bars}; dots: seeds; IQM: interquartile mean over seeds, the mean where there are fewer than four"
    return [f"{line[:1].upper()}{line[1:]}." for line in (read, *headroom.notes(found, evidence.study.cut))]


def _legend(page: Page, handles: Sequence[tuple[Any, str]], y: float) -> None:
    """The strong lines of the left panel by name, a line each."""
    from matplotlib.lines import Line2D

    for row, (line, label) in enumerate(handles):
        at = 1.0 - (y + pitch(_SMALL) * (row + 0.5)) / page.height
        ends = [0.56 / page.width, 0.9 / page.width]
        page.figure.add_artist(
            Line2D(
                ends,
                [at, at],
                color=line.get_color(),
                ls=line.get_linestyle(),
                lw=1.6,
                transform=page.figure.transFigure,
            )
        )
        page.text(0.98, y + pitch(_SMALL) * (row + 0.5), label, size=_SMALL, va="center")
    page.text(
        0.56, y + pitch(_SMALL) * (len(handles) + 0.5), "pale: every other arm", size=_SMALL, va="center", color=_SOFT
    )


def _kinds(page: Page, ruler: Ruler, present: Sequence[str], y: float) -> None:
    """The colours and marks of kinds in one row."""
    from matplotlib.lines import Line2D

    widths = [ruler(kinds.KINDS[kind], _SMALL) + 0.16 for kind in present]
    gap = min((page.width - 2 * _EDGE - sum(widths)) / max(len(present) - 1, 1), 0.4)
    x = _EDGE
    for kind, width in zip(present, widths, strict=True):
        at = ([(x + 0.05) / page.width], [1.0 - (y + 0.06) / page.height])
        how: dict[str, Any] = {"marker": KIND_MARKERS[kind], "color": KIND_COLOURS[kind], "ms": 5, "ls": ""}
        page.figure.add_artist(Line2D(*at, transform=page.figure.transFigure, **how))
        page.text(x + 0.16, y + 0.06, kinds.KINDS[kind], size=_SMALL, va="center")
        x += width + gap


def _column(
    page: Page, top: float, x: float, words: Sequence[str], colours: Sequence[str] | None = None, ha: str = "left"
) -> None:
    """Words beside the rows of a panel."""
    for row, text in enumerate(words):
        colour = "black" if colours is None else colours[row]
        page.text(x, top + _ROW * (row + 0.5), text, size=_SMALL, va="center", ha=ha, color=colour)


def _saving_text(found: Headroom, label: str) -> str:
    if label == found.baseline:
        return "baseline"
    value, low, high = (100.0 * v for v in found.arms[label].saving[:3])
    return "" if math.isnan(value) else f"{wording.number(value, 1)} {_ends(low, high, 1)}".rstrip()


def _gap_text(gap: GapClosed | None) -> str:
    return "" if gap is None else f"{wording.number(gap.mean)} {_ends(gap.low, gap.high, 2)}".rstrip()


def _ends(low: float, high: float, digits: int) -> str:
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"[{wording.number(low, digits)}, {wording.number(high, digits)}]"


def _seeds_text(arm: Matched) -> str:
    """How many seeds are that comfortable, of how many."""
    n = len(arm.seeds)
    if arm.seeds == [-1]:
        return "–"
    return f"{n - arm.missed} of {n}" if arm.missed else str(n)
