"""A study of homes on a feeder from its YAML to its table, with the optimum among the arms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import weak_feeder

from entangrid import experiments

STUDY = """
name: on-a-feeder
scenario: {synthetic: {homes: 2, days: 21, seed: 0, dt_h: 1.0}}
task: {name: feeder, controls: [battery], feeder: FOLDER, feeder_rules: {v_low_pu: 0.95}}
split: {test_every: 3}
arms:
  nothing: {controller: no-control}
  blind: {controller: mpc-perfect, replan_h: 24.0}
  best: {controller: optimum}
"""


def test_the_optimum_is_an_arm_of_a_study_on_a_feeder(tmp_path: Path) -> None:
    """It spares the transformer that homes planned by themselves overload, and says how far it may be from the best."""
    folder = tmp_path / "feeder"
    folder.mkdir()
    for name, frame in weak_feeder.tables(2, sn_kva=7.0).items():
        frame.to_csv(folder / f"{name}.csv")
    (tmp_path / "study.yaml").write_text(STUDY.replace("FOLDER", str(folder)), encoding="utf-8")
    experiments.run(str(tmp_path / "study.yaml"), out=tmp_path / "out", jobs=1)
    table = experiments.table(tmp_path / "out")

    def total(arm: str, metric: str) -> float:
        rows = table[(table["arm"] == arm) & (table["metric"] == metric) & ~table["home"].isin(["all", "feeder"])]
        assert len(rows), (arm, metric)
        return float(rows["value"].sum())

    objective = {arm: total(arm, "objective") for arm in ("nothing", "blind", "best")}
    assert objective["best"] < min(objective["nothing"], objective["blind"]) - 0.5
    unproven = table[table["metric"] == "unproven_eur"].set_index("arm")["value"]
    assert np.isfinite(unproven["best"])
    assert 0.0 < unproven["best"] < 0.5 * (objective["nothing"] - objective["best"])
    overload = table[(table["home"] == "feeder") & (table["metric"] == "overload")].groupby("arm")["value"].sum()
    assert overload["best"] < 0.5 * overload["blind"]
