"""A study's folder as finished runs leave it, of seeded numbers: for tests of what is derived from such folders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from entangrid.experiments import manifest, run_metrics, store, stored, tidy

WEEKS = ("2016-01-04", "2016-02-01", "2016-03-07", "2016-11-07", "2016-12-05")
#: Arm -> controller and the mean gap that it closes
ARMS: Mapping[str, tuple[str, float]] = {
    "nothing": ("no-control", 0.0),
    "rule": ("self-consumption", 0.5),
    "quantum": ("ppo-quantum", 0.40),
    "twin": ("ppo-mlp-matched", 0.38),
    "wide": ("ppo-mlp", 0.10),
    "best": ("optimum", 1.0),
}
NO_CONTROL, OPTIMUM = np.array([40.0, 35.0, 30.0, 28.0, 42.0]), np.array([20.0, 19.0, 17.0, 15.0, 24.0])


def make(
    folder: Path,
    *,
    arms: Mapping[str, tuple[str, float]] = ARMS,
    seeds: int = 6,
    homes: Sequence[str] = ("home-1",),
    weeks: int = len(WEEKS),
    spread: float = 0.05,
    question: str = "Does it help?",
    curves: bool = False,
    feeder: bool = False,
    clusters: Mapping[str, int] | None = None,
    axes: Sequence[Mapping[str, Any]] = ({},),
    seed: int = 0,
    table: bool = True,
) -> Path:
    """Write the folder. Every learning arm has ``seeds`` runs for each of ``axes``, others one run."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    study = {"name": "made-up", "question": question, "verdict": {"margin": 0.05, "confidence": 0.95}}
    (folder / stored.STUDY).write_text(yaml.safe_dump(study), encoding="utf-8")
    planned = []
    week_luck = rng.normal(0.0, spread, (weeks, len(homes)))
    for arm, (controller, closed) in arms.items():
        learns = controller.startswith("ppo")
        for axis in axes if learns else ({},):
            for s in range(seeds) if learns else (None,):
                luck = rng.normal(0.0, spread) + rng.normal(0.0, spread / 2, (weeks, len(homes))) if learns else 0.0
                luck = luck + week_luck if controller not in ("no-control", "optimum") else 0.0
                name = f"{arm}{'' if s is None else f'-seed{s}'}-{len(planned):016x}"
                path = folder / tidy.RUNS / name
                path.mkdir(parents=True)
                gap = closed + luck + sum(v for v in axis.values() if isinstance(v, float))
                run_metrics.write(_metrics(homes, weeks, gap, feeder), path)
                _first_week(closed, feeder).to_parquet(path / store.FIRST_WEEK, index=False)
                if curves:
                    _curve(closed, learns, rng).to_parquet(path / store.CURVE, index=False)
                result = _result(arm, controller, s, dict(axis), name, clusters)
                (path / store.RESULT).write_text(json.dumps(result), encoding="utf-8")
                planned.append([name, arm, 1000 if learns else 0])
    (folder / manifest.NAME).write_text(json.dumps({"study": "made-up", "runs": planned}), encoding="utf-8")
    if table:
        tidy.rebuild(folder)
    return folder


def declare(folder: Path, **more: Any) -> None:
    """Add fields to the folder's study, such as a claim."""
    content = yaml.safe_load((folder / stored.STUDY).read_text(encoding="utf-8"))
    (folder / stored.STUDY).write_text(yaml.safe_dump(content | more), encoding="utf-8")


def _metrics(homes: Sequence[str], weeks: int, gap: Any, feeder: bool) -> pd.DataFrame:
    none, best = (ends[:weeks, None] / len(homes) for ends in (NO_CONTROL, OPTIMUM))
    objective = none - np.broadcast_to(gap, (weeks, len(homes))) * (none - best)
    rows = []
    for w in range(weeks):
        for h, home in enumerate(homes):
            value = float(objective[w, h])
            rows += [
                (WEEKS[w], home, "objective", value, "EUR"),
                (WEEKS[w], home, "cost", value - 1.0, "EUR"),
                (WEEKS[w], home, "import", 4.0 * value, "kWh"),
                (WEEKS[w], home, "carbon", 2.0 * value, "kg"),
                (WEEKS[w], home, "discomfort", max(value - 20.0, 0.0), "K h"),
                (WEEKS[w], home, "self_consumption", min(0.02 * value, 1.0), "-"),
            ]
        if feeder:
            named = (("v_min", 0.95, "pu"), ("v_max", 1.02, "pu"), ("voltage_out", 0.5, "h"), ("losses", 3.0, "kWh"))
            rows += [(WEEKS[w], "feeder", metric, value, unit) for metric, value, unit in named]
            rows.append((WEEKS[w], "all", "objective", float(objective[w].sum()), "EUR"))
    return pd.DataFrame(rows, columns=["week", "home", "metric", "value", "unit"])


def _first_week(closed: float, feeder: bool) -> pd.DataFrame:
    time = pd.date_range(WEEKS[0], periods=7 * 24, freq="h")
    hour = time.hour.to_numpy()
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0.0, None) * (1.0 + 0.1 * time.day_of_week.to_numpy())
    frame = pd.DataFrame(
        {
            "time": time,
            "p_pv_kw": 3.0 * sun,
            "p_load_kw": 0.5 + 0.3 * (hour > 17),
            "p_hp_kw": 0.8 - 0.3 * sun,
            "p_battery_kw": closed * (sun - 0.4),
            "p_ev_kw": 0.0,
            "t_air_mean_c": 21.0 + 0.5 * sun,
            "soc": np.clip(0.3 + 0.5 * sun, 0.0, 1.0),
            "price_import_eur_kwh": np.where((hour >= 17) & (hour < 21), 0.42, 0.3),
        }
    )
    if feeder:
        frame["feeder_v_min_pu"], frame["feeder_v_max_pu"] = 0.96 - 0.02 * sun, 1.0 + 0.03 * sun
    return frame


def _curve(closed: float, learns: bool, rng: np.random.Generator) -> pd.DataFrame:
    steps = range(0, 1001, 100) if learns else (0,)
    noise = rng.normal(0.0, 0.02)
    rows = [
        (s, week, "objective", 40.0 - (closed * (s / 1000 if learns else 1.0) + noise * learns) * 20.0, "EUR")
        for s in steps
        for week in ("2016-05-02", "2016-05-09")
    ]
    return pd.DataFrame(rows, columns=["steps", "week", "metric", "value", "unit"])


def _result(
    arm: str, controller: str, seed: int | None, axes: dict[str, Any], name: str, clusters: Mapping[str, int] | None
) -> dict[str, Any]:
    learns = seed is not None
    return {
        "arm": arm,
        "controller": controller,
        "seed": seed,
        "axes": axes,
        "key": name.rsplit("-", 1)[-1],
        "results_version": 3,
        "scenario": "made-up-home",
        "scenario_hash": "0123456789abcdef" * 4,
        **({} if clusters is None else {"home_clusters": dict(clusters)}),
        "parameters_actor": 88 if learns else 0,
        "parameters_actor_circuit": 72 if "quantum" in controller else 0,
        "parameters_critic": 5057 if learns else 0,
        "environment_steps": 1000 if learns else 0,
        "gradient_steps": 40 if learns else 0,
        "circuit_executions": 123_456 if "quantum" in controller else 0,
        "unproven_eur": 0.0,
        "wall_s": 12.5,
        "cpu_s": 11.0,
        "versions": {"entangrid": "0.1.0", "numpy": "2.4.6"},
        "git_commit": "0123456789ab",
        "processor": "a processor",
        "python": "3.11.7",
    }
