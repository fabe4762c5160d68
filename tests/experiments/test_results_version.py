"""Whoever changes what physics or algorithms give has to raise the results version: this is what they gave under it.

After raising ``RESULTS_VERSION`` in ``experiments/plan.py``:

    RECORD_RESULTS=1 python -m pytest tests/experiments/test_results_version.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import weak_feeder
from resume_cases import CASES, Case

from entangrid.experiments import config, run_metrics, train
from entangrid.experiments.plan import RESULTS_VERSION, plan

RECORD = Path(__file__).with_name("results_of_version.json")
PLANNERS = ("mpc-persistence", "mpc-noisy", "optimum")
RULES = """
name: rules
scenario: {synthetic: {homes: 2, days: 21, seed: 0, dt_h: 1.0, start: "2025-03-03", zones: 2, tariff: dynamic}}
task: {name: home}
split: {test_every: 3}
arms:
  no-control: {controller: no-control}
  self-consumption: {controller: self-consumption}
  tariff: {controller: tariff}
  greedy: {controller: greedy}
  thermostat-occupancy: {controller: thermostat-occupancy}
  preconditioning: {controller: preconditioning}
  mpc-persistence: {controller: mpc-persistence, replan_h: 24.0}
  mpc-noisy: {controller: mpc-noisy, replan_h: 24.0}
  optimum: {controller: optimum}
"""
FEEDER = """
name: feeder
scenario: {synthetic: {homes: 2, days: 21, seed: 0, dt_h: 1.0}}
task: {name: feeder, controls: [battery], feeder: FOLDER, feeder_rules: {v_low_pu: 0.95}}
split: {test_every: 3}
arms:
  no-control: {controller: no-control}
  tariff: {controller: tariff}
"""


def totals(study: str, folder: Path) -> dict[str, dict[str, float]]:
    """Every metric of the test, summed over weeks and homes, of every arm of a study of rules."""
    found = {}
    for run in plan(config.parse(study, "study.yaml")):
        train.execute(run, folder / run.folder)
        metrics = run_metrics.frame(folder / run.folder)
        sums = metrics.groupby("metric")["value"].sum()
        if run.arm in PLANNERS:  # of equally good plans another processor may take another one
            sums = sums[["objective"]].round(2)
        found[run.arm] = {str(name): float(v) for name, v in sums.items()}
    return found


def learnt(case: Case) -> list[float]:
    """What a policy does after a short training, in four made-up moments."""
    model = case.make()
    model.learn(case.steps)
    seen = np.linspace(-1, 1, 48, dtype=np.float32).reshape(4, 12)
    return [float(a) for a in np.ravel(model.predict(seen, deterministic=True)[0])]


def results(folder: Path) -> dict[str, Any]:
    torch.set_num_threads(1)
    grid = folder / "grid"
    grid.mkdir()
    for name, frame in weak_feeder.tables(2, sn_kva=7.0).items():
        frame.to_csv(grid / f"{name}.csv")
    return {
        "rules": totals(RULES, folder / "rules"),
        "feeder": totals(FEEDER.replace("FOLDER", str(grid)), folder / "feeder"),
        "learners": {case.name: learnt(case) for case in CASES},
    }


def test_results_are_those_of_their_version(tmp_path: Path) -> None:
    found = results(tmp_path)
    if os.environ.get("RECORD_RESULTS"):
        RECORD.write_text(json.dumps({"version": RESULTS_VERSION, **found}, indent=1) + "\n", encoding="utf-8")
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    assert recorded.pop("version") == RESULTS_VERSION, "record the results of the new version (see this file's top)"
    changed = [
        f"{kind} {name}"
        for kind in found
        for name in found[kind]
        if not close(found[kind][name], recorded[kind].get(name))
    ]
    assert not changed, f"raise RESULTS_VERSION, for other results than under version {RESULTS_VERSION}: {changed}"


def close(found: Any, recorded: Any) -> bool:
    """To the rounding of another processor, which training makes larger."""
    if isinstance(found, dict):
        return recorded is not None and all(
            name in recorded and np.isclose(value, recorded[name], rtol=1e-5, atol=1e-5)
            for name, value in found.items()
        )
    return recorded is not None and np.allclose(found, recorded, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("change", [1e-4, -1e-4])
def test_a_small_change_is_seen(change: float) -> None:
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    costs = recorded["rules"]["no-control"]
    assert close(costs, costs)
    assert not close(costs | {"cost": costs["cost"] * (1 + change)}, costs)
