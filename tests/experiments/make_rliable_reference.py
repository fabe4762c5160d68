"""Make rliable_reference.json: what rliable 1.2.0 (Apache-2.0) says of two small sets of scores.

rliable does not import beside pandas 3, so run this in an environment of its own:

    python -m venv rliable && rliable/bin/pip install "rliable==1.2.0" "pandas<3" "arch<7.2"
    rliable/bin/python tests/experiments/make_rliable_reference.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from rliable import library, metrics

THRESHOLDS = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5]
REPS = 50_000


def main() -> None:
    rng = np.random.default_rng(2021)
    a = np.round(rng.gamma(3.0, 0.3, (10, 6)), 3)
    b = np.round(np.clip(rng.normal(0.7, 0.3, (8, 6)), 0.0, 2.0), 3)
    b[:3, 0] = a[:3, 0]  # ties
    functions = {
        "mean": metrics.aggregate_mean,
        "median": metrics.aggregate_median,
        "interquartile_mean": metrics.aggregate_iqm,
        "optimality_gap": metrics.aggregate_optimality_gap,
    }
    out: dict[str, object] = {"a": a.tolist(), "b": b.tolist(), "thresholds": THRESHOLDS, "reps": REPS}
    for name, scores in (("a", a), ("b", b)):
        found = {}
        for metric, function in functions.items():
            points, intervals = library.get_interval_estimates(
                {name: scores},
                lambda x, f=function: np.array([f(x)]),
                reps=REPS,
                random_state=np.random.RandomState(1),
            )
            found[metric] = {"value": float(points[name][0]), "interval": intervals[name][:, 0].tolist()}
        found["score_distribution"] = library.score_distributions(scores, THRESHOLDS).tolist()
        found["average_score_distribution"] = library.average_score_distributions(scores, THRESHOLDS).tolist()
        out[f"of_{name}"] = found
    points, intervals = library.get_interval_estimates(
        {"a,b": (a, b)},
        lambda x, y: np.array([metrics.probability_of_improvement(x, y)]),
        reps=2_000,
        random_state=np.random.RandomState(1),
    )
    out["improvement"] = {"value": float(points["a,b"][0]), "interval": intervals["a,b"][:, 0].tolist()}
    path = Path(__file__).with_name("rliable_reference.json")
    path.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
