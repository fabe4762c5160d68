"""The tidy table of a study, and the summary that is printed of it; both derived from the run folders."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from entangrid.data.errors import InputError
from entangrid.experiments import store
from entangrid.experiments.plan import Run
from entangrid.experiments.statistics import GapClosed, gap_closed

TABLE = "table.parquet"
TOGETHER = ("all", "feeder")  # in the column home: rows of several homes at once, which no sum over homes may count
STUDY = "study.yaml"

#: numbers of a run as a whole, and their units
OF_RUN = (
    ("parameters_actor", "-"),
    ("parameters_critic", "-"),
    ("environment_steps", "-"),
    ("unproven_eur", "EUR"),
    ("wall_s", "s"),
    ("cpu_s", "s"),
)


def build(runs: list[Run], out: Path) -> pd.DataFrame:
    """One row an (arm, seed, week, home, metric): value and unit; run-level numbers have no week and no home.

    Raises InputError if a run of the plan is not finished.
    """
    frames = []
    for run in runs:
        folder = out / "runs" / run.folder
        if not store.is_finished(folder):
            raise InputError(f"{folder}: run not finished; start the study again to finish it")
        result = store.read_result(folder)
        missing = [metric for metric, _ in OF_RUN if not isinstance(result.get(metric), int | float)]
        if missing:
            raise InputError(
                f"{folder / store.RESULT}: {missing[0]} is missing or no number; "
                "delete the folder to have the run made again"
            )
        metrics = store.read_frame(folder / store.METRICS)
        of_run = pd.DataFrame(
            [
                {"week": None, "home": None, "metric": metric, "value": float(result[metric]), "unit": unit}
                for metric, unit in OF_RUN
            ]
        )
        frame = pd.concat([metrics.astype({"week": object, "home": object}), of_run], ignore_index=True)
        frame.insert(0, "arm", run.arm)
        frame.insert(1, "controller", run.config.controller)
        frame.insert(2, "seed", pd.Series([run.seed] * len(frame), dtype="Int64"))
        frame["split"] = ["test" if isinstance(week, str) else None for week in frame["week"]]
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def read(out: Path) -> pd.DataFrame:
    """The stored table of a study folder; raises InputError if there is none."""
    if not (out / TABLE).is_file():
        raise InputError(f"{out / TABLE}: missing; run the study first")
    return store.read_frame(out / TABLE)


def _objectives(table: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Objective (seed, week), summed over homes."""
    rows = table[(table["arm"] == arm) & (table["metric"] == "objective") & ~table["home"].isin(TOGETHER)]
    return rows.assign(seed=rows["seed"].fillna(-1)).pivot_table(
        index="seed", columns="week", values="value", aggfunc="sum"
    )


def gaps(table: pd.DataFrame) -> dict[str, GapClosed | None]:
    """Gap closed of every arm, in the table's order of arms."""
    controllers = table.drop_duplicates("arm").set_index("arm")["controller"]
    reference = {name: str(controllers.index[controllers == name][0]) for name in ("no-control", "optimum")}
    no_control = _objectives(table, reference["no-control"]).to_numpy(float)[0]
    optimum = _objectives(table, reference["optimum"]).to_numpy(float)[0]
    return {
        str(arm): gap_closed(no_control, _objectives(table, str(arm)).to_numpy(float), optimum)
        for arm in controllers.index
    }


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row an arm: means over weeks and seeds, gap closed with its interval, parameters, wall time."""
    rows = []
    for arm, gap in gaps(table).items():
        of_arm = table[table["arm"] == arm]
        per_week = of_arm[(of_arm["split"] == "test") & ~of_arm["home"].isin(TOGETHER)]
        n_seeds = max(of_arm["seed"].nunique(), 1)
        n_weeks = per_week["week"].nunique()

        def weekly(metric: str, per_week: pd.DataFrame = per_week, n: int = n_seeds * n_weeks) -> float:
            return float(per_week.loc[per_week["metric"] == metric, "value"].sum()) / n

        def of_run(metric: str, of_arm: pd.DataFrame = of_arm) -> float:
            return float(of_arm.loc[of_arm["metric"] == metric, "value"].mean())

        rows.append(
            {
                "arm": arm,
                "seeds": int(of_arm["seed"].nunique()),
                "objective_eur_week": weekly("objective"),
                "cost_eur_week": weekly("cost"),
                "energy_kwh_week": weekly("import"),
                "carbon_kg_week": weekly("carbon"),
                "discomfort_kh_week": weekly("discomfort"),
                "gap_closed": gap.mean if gap else float("nan"),
                "gap_low": gap.low if gap else float("nan"),
                "gap_high": gap.high if gap else float("nan"),
                "gap_seeds": [float(value) for value in gap.per_seed] if gap else [],
                "parameters_actor": int(of_run("parameters_actor")),
                "parameters_critic": int(of_run("parameters_critic")),
                "wall_s": of_run("wall_s"),
            }
        )
    return pd.DataFrame(rows).set_index("arm")


def closing_line(table: pd.DataFrame) -> str:
    """What the number of seeds in the table, and the proof of its optimum, allow one to say."""
    n = int(table.groupby("arm")["seed"].nunique().max())
    words = {1: "one seed", 2: "two seeds", 3: "three seeds"}
    line = f"{n} seeds: intervals are over held-out weeks, not over seeds"
    if n == 0:
        line = "no learning arm"
    elif n < 10:
        line = f"{words.get(n, f'{n} seeds')}: no comparison of arms"
    unproven = float(table.loc[table["metric"] == "unproven_eur", "value"].max())
    if unproven > 1e-3:
        line += f"; the optimum is best known, at most {unproven:.2f} EUR above the true one"
    return line
