"""Meyer et al. 2025: the sample complexity of an agent, estimated from runs, and the sizes of their models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from entangrid.data.errors import InputError
from entangrid.experiments.reproduce import curves
from entangrid.experiments.reproduce.target import Row, Target, Unit, Verdict
from entangrid.experiments.statistics import sample_complexity

#: five runs (rows) validated at five times: share of the best score. Counted by hand at error 0.1: above 0.9 are none
#: of the five at the first time, then 1, 3, 4 and, since one falls back, 3
BY_HAND = np.array(
    [
        [0.2, 0.95, 0.95, 0.95, 0.95],
        [0.1, 0.30, 0.92, 0.95, 0.95],
        [0.1, 0.40, 0.91, 0.93, 0.50],
        [0.1, 0.20, 0.60, 0.92, 0.95],
        [0.1, 0.10, 0.20, 0.30, 0.40],
    ]
)
TIMES = np.array([1000, 2000, 3000, 4000, 5000])
ERROR = 0.1
#: required share of runs -> (steps in front of the evaluations at which fewer are good, whether the last one is enough)
ANSWERS = {
    0.2: (1000.0, True),
    0.5: (2000.0, True),
    0.6: (2000.0, True),
    0.75: (4000.0, False),
    0.8: (4000.0, False),
    0.9: (5000.0, False),
}


def plan(seeds: int | None, smoke: bool) -> list[Unit]:
    """One: the sizes of the models."""
    return [Unit("models", 0, {"qubits": [10, 14]})]


def run(unit: Unit) -> dict[str, Any]:
    """Trainable numbers of the hybrids as the library describes them, and of the three classical networks."""
    from entangrid.agents.quantum.library import meyer2025

    return {"parameters": {str(n): meyer2025(n).n_parameters for n in unit.settings["qubits"]}}


def read(folder: Path) -> dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]]:
    """Model -> (scores (R, T), steps (T,)) of ``MODEL.csv`` files: a column "step" and one column a run.

    Raises InputError naming the file.
    """
    import pandas as pd

    out = {}
    for path in sorted(folder.glob("*.csv")):
        try:
            frame = pd.read_csv(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not readable as CSV ({error})") from None
        if "step" not in frame or frame.shape[1] < 3 or not all(np.issubdtype(t, np.number) for t in frame.dtypes):
            raise InputError(f"{path}: expected numbers in a column 'step' and one column a run, at least two")
        scores = frame.drop(columns="step").to_numpy(np.float64).T
        if not np.isfinite(scores).all() or not (np.diff(frame["step"]) > 0).all():
            raise InputError(f"{path}: expected finite scores and rising steps")
        out[path.stem] = (scores, frame["step"].to_numpy(np.int64))
    if not out:
        raise InputError(f"data: {folder} holds no CSV file")
    return out


def judge(results: Mapping[str, list[dict[str, Any]]], smoke: bool, data: Path | None) -> Verdict:
    """The estimator against counts by hand, the sizes against the paper's, and Ŝ of published runs where given."""
    rows, wrong = [], []
    for share, (answer, reached) in ANSWERS.items():
        found = sample_complexity(BY_HAND, TIMES, error=ERROR, success=share)
        rows.append(Row(f"Ŝ at {share:.0%} of five made-up runs (by hand {answer:g})", found.steps, "steps"))
        if (found.steps, found.reached) != (answer, reached):
            wrong.append(f"share {share:g}: {found.steps:g} instead of {answer:g}")
    for n, size in results["models"][0]["parameters"].items():
        claim = f"parameters_{n}"
        rows.append(Row(f"trainable numbers of the hybrid with {n} qubits", size, claim=claim))
    for model, (scores, steps) in (read(data) if data else {}).items():
        for share in (0.5, 0.75):
            found = sample_complexity(scores, steps, error=ERROR, success=share)
            label = f"{model}: Ŝ at {share:.0%} of runs" + ("" if found.reached else ", a lower bound")
            rows.append(Row(label, found.steps, "steps", found.low, found.high, len(scores)))
    sizes = results["models"][0]["parameters"]
    if sizes != {"10": 313, "14": 437}:
        wrong.append(f"sizes {sizes}")
    given = "" if data else "; the ordering of the models needs the published runs (Zenodo 14745672, --data FOLDER)"
    return Verdict(rows, not wrong, ("; ".join(wrong) or "the estimator gives every count made by hand") + given)


def draw(figure: Any, results: Mapping[str, list[dict[str, Any]]], verdict: Verdict, claims: Mapping[str, Any]) -> None:
    """Share of the made-up runs that are good at each evaluation, and Ŝ at each required share."""
    axes = figure.subplots()
    good = (BY_HAND > 1.0 - ERROR).mean(0)
    axes.plot(TIMES, good, "o-", color=curves.PALETTE[0], label="runs above 0.9 (made-up matrix)")
    for share, (answer, reached) in ANSWERS.items():
        axes.plot(answer, share, "k*" if reached else "kx", markersize=6)
    axes.set(xlabel="environment steps", ylabel="share of runs", ylim=(0, 1.05))
    axes.text(
        0.02,
        0.95,
        "stars: Ŝ at that share (crosses: a lower bound); the estimator alone, not the paper's runs",
        transform=axes.transAxes,
        fontsize=7,
    )
    axes.legend(loc="lower right", fontsize=7)


TARGET = Target(
    name="meyer2025-sample-complexity",
    status="exact statistics",
    title="Meyer et al. 2025: the sample complexity estimator, on runs made up by hand",
    citation="N. Meyer et al., Benchmarking quantum reinforcement learning, ICML 2025, doi:10.48550/arXiv.2501.15893",
    criterion="Ŝ equals the counts made by hand on a made-up matrix; hybrids of 313 and 437 parameters",
    plan=plan, run=run, judge=judge, draw=draw, takes_data=True,
)  # fmt: skip
