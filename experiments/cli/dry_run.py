"""What ``entangrid run --dry-run`` prints: the plan, what of it is finished, and what the rest will cost."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from entangrid.experiments import store
from entangrid.experiments.config import StudyConfig
from entangrid.experiments.plan import Run
from entangrid.experiments.prediction import Cost, predict


def summary(study: StudyConfig, runs: list[Run], out: Path, jobs: int | None, console: Console) -> dict[str, Any]:
    """Measure and add up; nothing is written. CPU hours are of what is not finished in ``out``."""
    with console.status("") as status:
        costs = predict(runs, lambda arm: status.update(f"measuring {arm}"))
    finished = {run.folder for run in runs if store.is_finished(out / "runs" / run.folder)}
    rows: list[dict[str, Any]] = []
    for arm in study.arms:
        mine = [run for run in runs if run.arm == arm]
        left = [costs[run.folder].cpu_s for run in mine if run.folder not in finished]
        each = [costs[run.folder] for run in mine]
        rows.append(
            {
                "arm": arm,
                "controller": mine[0].config.controller,
                "scenarios": _count(run.scenario for run in mine),
                "sweep": _count(str(run.axes) for run in mine),
                "seeds": _count(str(run.seed) for run in mine if run.seed is not None),
                "runs": len(mine),
                "finished": len(mine) - len(left),
                "environment_steps": max(cost.environment_steps for cost in each),
                "gradient_steps": max(cost.gradient_steps for cost in each),
                "cpu_s_per_run": _mean(each),
                "cpu_h_left": sum(left) / 3600.0,
            }
        )
    left_h = sum(float(row["cpu_h_left"]) for row in rows)
    cores = jobs or os.cpu_count() or 1
    longest = max((costs[run.folder].cpu_s for run in runs if run.folder not in finished), default=0.0) / 3600.0
    return {
        "study": study.name,
        "out": str(out),
        "runs": len(runs),
        "finished": len(finished),
        "jobs": cores,
        "cpu_h_left": left_h,
        "wall_h_left": max(left_h / cores, longest),
        "arms": rows,
    }


def _count(values: Iterable[str]) -> int:
    return len(set(values))


def _mean(costs: list[Cost]) -> float:
    return sum(cost.cpu_s for cost in costs) / len(costs)


def show(found: dict[str, Any], console: Console) -> None:
    """Print it as a table."""
    table = Table(title=f"{found['study']}: {found['runs']} runs", title_justify="left")
    table.add_column("arm", no_wrap=True)
    for heading in (
        "scenarios",
        "sweep",
        "seeds",
        "runs",
        "finished",
        "steps",
        "updates",
        "CPU s\na run",
        "CPU h\nleft",
    ):
        table.add_column(heading, justify="right")
    for row in found["arms"]:
        learns = row["seeds"] > 0
        table.add_row(
            row["arm"],
            str(row["scenarios"]),
            str(row["sweep"]),
            str(row["seeds"]) if learns else "-",
            str(row["runs"]),
            str(row["finished"]),
            f"{row['environment_steps']:,}" if learns else "-",
            f"{row['gradient_steps']:,}" if learns else "-",
            f"{row['cpu_s_per_run']:.1f}",
            f"{row['cpu_h_left']:.3f}",
        )
    console.print(table)
    console.print(
        f"{found['finished']} of {found['runs']} runs are finished in {found['out']}. Left: about "
        f"{found['cpu_h_left']:.3f} CPU hours, {found['wall_h_left']:.3f} h on {found['jobs']} cores, from speeds "
        "measured just now; start-up of workers is not in it. Nothing was run or written.",
        highlight=False,
        markup=False,
    )
