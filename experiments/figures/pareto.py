"""Figure "pareto": what comfort was bought with how much energy."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from entangrid.experiments.figures.chart import NARROW, Chart, Scale, around, legend

F = npt.NDArray[np.float64]


def front(energy: Mapping[str, float], discomfort: Mapping[str, float]) -> list[str]:
    """The variants that no other beats in both, by rising energy."""
    out = []
    for label in energy:
        beaten = any(
            energy[o] <= energy[label]
            and discomfort[o] <= discomfort[label]
            and (energy[o] < energy[label] or discomfort[o] < discomfort[label])
            for o in energy
        )
        if not beaten:
            out.append(label)
    return sorted(out, key=lambda label: energy[label])


def pareto(
    energy: Mapping[str, F],
    discomfort: Mapping[str, F],
    classes: Mapping[str, str],
    width: int,
    *,
    notes: Sequence[str] = (),
    bound: float | None = None,
) -> Chart | None:
    """Imported energy and discomfort a week of every variant: its mean large, its seeds small; and the front.

    ``notes`` stand below; ``bound``: the discomfort at which arms are compared [K h a week], a line.
    """
    if not energy:
        return None
    mean = {label: (float(energy[label].mean()), float(discomfort[label].mean())) for label in energy}
    best = front({k: v[0] for k, v in mean.items()}, {k: v[1] for k, v in mean.items()})
    said = "; ".join(f"{label} {e:.1f} kWh and {d:.1f} K h" for label, (e, d) in mean.items())
    below = [line for note in notes for line in textwrap.wrap(note, max(width // 7, 20))]
    chart = Chart(
        width,
        360 + 18 * len(below),
        f"Energy against discomfort a week: {said}. Not beaten in both: {', '.join(best)}.",
    )
    top = legend(chart, [(label, classes[label].split()[0]) for label in energy], 0, 14, width, dots=True) + 34
    x = Scale(*around([v for each in energy.values() for v in each]), 52, width - 18)
    low, high = around(
        [v for each in discomfort.values() for v in each], keep=(0.0,) if bound is None else (0.0, bound)
    )
    high = high if any(float(each.max()) > 0.0 for each in discomfort.values()) else 1.0
    y = Scale(max(low, -0.05 * high), high, 310, top)
    chart.x_axis(x, top, 310, "energy imported [kWh/week]", 4 if width <= NARROW else 7)
    chart.y_axis(y, 52, width - 18, "discomfort [K h/week]")
    steps: list[tuple[float, float]] = []
    for label in best:
        e, d = mean[label]
        if steps:
            steps.append((x(e), steps[-1][1]))
        steps.append((x(e), y(d)))
    chart.path(steps, "line thin dash2 c4")
    for label in energy:
        colour = classes[label].split()[0]
        if energy[label].size > 1:
            for e, d in zip(energy[label], discomfort[label], strict=True):
                chart.add("circle", f"seed {colour}", cx=x(float(e)), cy=y(float(d)), r=3.5)
    if bound is not None:
        chart.line(52, y(bound), width - 18, y(bound), "line thin dash1 c3")
    for row, line in enumerate(below):
        chart.text(0, 372 + 18 * row, line)
    for label, (e, d) in mean.items():
        chart.add("circle", f"dot {classes[label].split()[0]}", cx=x(e), cy=y(d), r=7)
    return chart
