"""Making a target's runs, keeping them, and what is made of them: table, figure, verdict."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd

from entangrid.data.errors import InputError
from entangrid.experiments import reproduce as targets
from entangrid.experiments.reproduce import claims
from entangrid.experiments.reproduce.target import Target, Unit, Verdict
from entangrid.experiments.store import write_atomically

PACKAGES = ("entangrid", "numpy", "numba", "gymnasium", "torch", "stable-baselines3", "torchquantum-ng", "matplotlib")


@dataclass(frozen=True)
class Outcome:
    """What was written: the verdict (``verdict.json``), the table, its files, and the figure."""

    target: Target
    verdict: Verdict
    table: pd.DataFrame
    folder: Path
    summary: dict[str, Any]


def make_run(name: str, unit: Unit, path: Path) -> None:
    """Make one run and write its file whole; a process of its own may call this."""
    started = time.process_time()
    result = targets.load(name).run(unit)
    content = {
        "target": name, "arm": unit.arm, "seed": unit.seed, "settings": unit.settings,
        "cpu_s": round(time.process_time() - started, 2), "result": result,
    }  # fmt: skip
    text = json.dumps(content, separators=(",", ":"))
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def kept(path: Path, unit: Unit) -> dict[str, Any] | None:
    """A finished run's file, or None where there is none with these settings.

    Raises InputError naming the file where it holds no run.
    """
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        same = content["settings"] == json.loads(json.dumps(unit.settings)) and content["seed"] == unit.seed
        content["result"], content["cpu_s"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path}: holds no run of this target; delete the file to have the run made again") from None
    return content if same else None


def reproduce(
    name: str,
    out: Path | None = None,
    *,
    seeds: int | None = None,
    jobs: int = 1,
    smoke: bool = False,
    data: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Run a target and judge it; finished runs in ``out`` (default: runs/reproduce/NAME) are kept.

    seeds: runs an arm (default: the target's). jobs: processes. smoke: a tiny version that shows only that everything
    works. data: folder of the paper's published data, where the target takes one. Raises InputError naming the option.
    """
    target = targets.load(name)
    if seeds is not None and seeds < 1:
        raise InputError(f"seeds is {seeds}; expected at least 1")
    if jobs < 1:
        raise InputError(f"jobs is {jobs}; expected at least 1")
    if data is not None and not target.takes_data:
        raise InputError(f"data: {target.name} takes no published data")
    if data is not None and not data.is_dir():
        raise InputError(f"data: {data} is no folder")
    folder = out or Path("runs/reproduce") / (f"{target.name}-smoke" if smoke else target.name)
    plan = target.plan(seeds, smoke)
    if not smoke:
        say(f"{target.name}: {len(plan)} runs, about {target.predicted_s(plan):.0f} CPU s in all")
    runs = _runs(target, plan, folder / "runs", jobs, say)
    by_arm: dict[str, list[dict[str, Any]]] = {}
    for unit, content in zip(plan, runs, strict=True):
        by_arm.setdefault(unit.arm, []).append(content["result"])
    verdict = target.judge(by_arm, smoke, data)
    stated = claims.load(target.name)
    table = _table(verdict, stated)
    cpu_s = sum(float(content["cpu_s"]) for content in runs)
    command = f"entangrid reproduce {target.name}" + (f" --seeds {seeds}" if seeds else "") + (" --smoke" * smoke)
    summary: dict[str, Any] = {
        "target": target.name, "status": target.status, "citation": target.citation, "criterion": target.criterion,
        "passed": verdict.passed, "reason": verdict.reason, "smoke": smoke, "command": command,
        "runs": len(plan), "cpu_s": round(cpu_s, 1),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "versions": {package: _version(package) for package in PACKAGES},
    }  # fmt: skip
    write_atomically(folder / "table.parquet", lambda path: table.to_parquet(path, index=False))
    write_atomically(folder / "table.csv", lambda path: table.to_csv(path, index=False, float_format="%.6g"))
    _figure(target, by_arm, verdict, stated, folder / "figure.png", smoke)
    text = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / "verdict.json", lambda path: path.write_text(text, encoding="utf-8"))
    return Outcome(target, verdict, table, folder, summary)


def _runs(
    target: Target, plan: Sequence[Unit], folder: Path, jobs: int, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    paths = [folder / unit.file for unit in plan]
    missing = [(unit, path) for unit, path in zip(plan, paths, strict=True) if kept(path, unit) is None]
    if len(missing) < len(plan):
        say(f"{target.name}: {len(plan) - len(missing)} finished runs kept")
    if jobs == 1 or len(missing) < 2:
        for unit, path in missing:
            make_run(target.name, unit, path)
            say(f"{target.name}: {unit.arm}, seed {unit.seed} done")
    else:
        for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
            os.environ.setdefault(variable, "1")
        with ProcessPoolExecutor(min(jobs, len(missing)), mp_context=get_context("spawn")) as pool:
            waiting = {pool.submit(make_run, target.name, unit, path): unit for unit, path in missing}
            for future in as_completed(waiting):
                future.result()
                unit = waiting[future]
                say(f"{target.name}: {unit.arm}, seed {unit.seed} done")
    found = [kept(path, unit) for path, unit in zip(paths, plan, strict=True)]
    return [content for content in found if content is not None]


def _table(verdict: Verdict, stated: dict[str, claims.Claim]) -> pd.DataFrame:
    rows = []
    for row in verdict.rows:
        claim = stated[row.claim] if row.claim is not None else None
        rows.append(
            {
                "metric": row.metric, "value": row.value, "low": row.low, "high": row.high, "n": row.n,
                "unit": row.unit,
                "claimed": None if claim is None else claim.value,
                "claimed_low": None if claim is None else claim.low,
                "claimed_high": None if claim is None else claim.high,
                "mark": None if claim is None else claim.mark,
                "source": None if claim is None else claim.source,
            }
        )  # fmt: skip
    numbers = ("value", "low", "high", "claimed", "claimed_low", "claimed_high")
    types: Any = dict.fromkeys(numbers, float) | {"n": "Int64"}
    return pd.DataFrame(rows).astype(types)


def _figure(
    target: Target, by_arm: Any, verdict: Verdict, stated: dict[str, claims.Claim], path: Path, smoke: bool
) -> None:
    import matplotlib as mpl

    mpl.use("Agg", force=False)
    import matplotlib.pyplot as plt

    from entangrid.experiments.figures import style

    style.apply(plt)
    figure = plt.figure(figsize=(7.2, 3.9), layout="constrained")
    try:
        target.draw(figure, by_arm, verdict, stated)
        word = {True: "criterion met", False: "criterion missed", None: "nothing to meet"}[verdict.passed]
        note = "; smoke version, no result" if smoke else ""
        figure.suptitle(f"{target.title}\n{target.status}: {word}{note}", fontsize=9, x=0.01, ha="left")
        write_atomically(path, lambda temporary: figure.savefig(temporary, format="png", dpi=110))
    finally:
        plt.close(figure)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
