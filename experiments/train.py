"""One run, from its configuration to its folder; what a worker process does."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from entangrid.agents.controller import Controller
from entangrid.agents.optimal.oracle import Optimum
from entangrid.envs.tasks import Task
from entangrid.experiments import building, setting, store
from entangrid.experiments.config import LearningArm, StudyConfig
from entangrid.experiments.evaluate import evaluate
from entangrid.experiments.plan import RESULTS_VERSION, Run

Progress = Callable[[int], None]  # called with the environment steps done so far

_VERSIONS = ("entangrid", "numpy", "numba", "scipy", "pandas", "pvlib", "torch", "stable-baselines3", "torchquantum-ng")


def build_learner(study: StudyConfig, run: Run, task: Task) -> Any:
    """SB3's algorithm of a learning arm on the training task; the run carries the study as it holds for it."""
    return building.build_learner(run, task)


def execute(study: StudyConfig, run: Run, folder: Path, progress: Progress) -> None:
    """Train (where the arm learns), evaluate on the held-out weeks, and write the run's folder as a whole."""
    started_wall, started_cpu = time.time(), time.process_time()
    study = run.study
    shared = setting.make(study)
    model: Any = None
    parameters = {"actor": 0, "critic": 0}
    if isinstance(run.config, LearningArm):
        import torch

        torch.set_num_threads(1)
        model = build_learner(study, run, shared.train)
        from entangrid.agents.networks import actor_parameters, critic_parameters

        parameters = {"actor": actor_parameters(model.policy), "critic": critic_parameters(model.policy)}
        _learn(model, study.training.steps, progress)
        controller: Controller = model
        trained_steps = int(model.num_timesteps)
    else:
        controller = building.make_rule(run.arm, run.config, shared.test)
        trained_steps = 0
    trained_wall, trained_cpu = time.time(), time.process_time()
    result = evaluate(controller, shared.test)
    # how far above a proven bound the optimum may lie; 0 unless its search ran out of time
    unproven = 0.0
    if isinstance(controller, Optimum):
        unproven = sum(controller.objective_eur.values()) - sum(controller.bound_eur.values())
    summary = {
        "arm": run.arm,
        "controller": run.config.controller,
        "seed": run.seed,
        "key": run.key,
        "results_version": RESULTS_VERSION,
        "scenario": shared.scenario.name,
        "scenario_hash": shared.scenario.content_hash(),
        "parameters_actor": parameters["actor"],
        "parameters_critic": parameters["critic"],
        "environment_steps": trained_steps,
        "unproven_eur": max(unproven, 0.0),
        "train_wall_s": round(trained_wall - started_wall, 3),
        "train_cpu_s": round(trained_cpu - started_cpu, 3),
        "wall_s": round(time.time() - started_wall, 3),
        "cpu_s": round(time.process_time() - started_cpu, 3),
        "versions": versions(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
    }

    def write(to: Path) -> None:
        result.metrics.to_parquet(to / store.METRICS, index=False)
        result.first_week.to_parquet(to / store.FIRST_WEEK, index=False)
        resolved = {"run": {"arm": run.arm, "seed": run.seed, "key": run.key}, "study": study.model_dump(mode="json")}
        (to / store.CONFIG).write_text(yaml.safe_dump(resolved, sort_keys=False), encoding="utf-8")
        if model is not None:
            import torch

            torch.save(model.policy.state_dict(), to / store.POLICY)
        (to / store.RESULT).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")

    store.write_run(folder, write)


def _learn(model: Any, steps: int, progress: Progress) -> None:
    from stable_baselines3.common.callbacks import BaseCallback

    class Report(BaseCallback):
        def _on_step(self) -> bool:
            return True

        def _on_rollout_end(self) -> None:
            progress(int(self.num_timesteps))

    model.learn(steps, callback=Report())


def load_policy(study: StudyConfig, run: Run, folder: Path) -> Any:
    """A finished run's model again: rebuilt from the configuration, filled with the stored tensors (no pickle)."""
    import torch

    model = build_learner(study, run, setting.make(run.study).train)
    model.policy.load_state_dict(torch.load(folder / store.POLICY, weights_only=True))
    return model


def versions() -> dict[str, str]:
    """Versions of what decides a number; packages that are not installed are left out."""
    found = {}
    for name in _VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
