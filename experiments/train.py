"""One run, from its configuration to its folder; what a worker process does."""

from __future__ import annotations

import io
import json
import platform
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml

from entangrid.agents.optimal.oracle import Optimum
from entangrid.data.errors import InputError
from entangrid.data.splits import profile_clusters
from entangrid.experiments import building, provenance, run_metrics, searching, setting, store
from entangrid.experiments.config import LearningArm, RuleArm, SearchedArm, SeededArm
from entangrid.experiments.evaluate import Evaluation, evaluate
from entangrid.experiments.heartbeat import Heartbeat
from entangrid.experiments.plan import RESULTS_VERSION, Run

if TYPE_CHECKING:
    from entangrid.agents.controller import Controller
    from entangrid.envs.tasks import Task
    from entangrid.experiments.training import Outcome

Report = Callable[[str], Any]

#: of the learning curve, summed over homes
CURVE_METRICS = ("objective", "cost", "carbon_cost", "discomfort_cost", "wear_cost", "unmet_cost", "grid_cost",
                 "import", "discomfort")  # fmt: skip
#: arms without learning that are evaluated on the validation weeks too: the ends of the scale of a learning curve
_SCALE = ("no-control", "optimum")
_LOGS = ("tensorboard", "wandb")  # folders that a run takes along when it is finished


class _Made(NamedTuple):
    """A controller ready to be tested. ``model``: SB3's, None without one; ``earlier_s``: wall and CPU time of
    processes before this one; ``vector``: what a search has found."""

    controller: Controller
    model: Any
    numbers: dict[str, Any]
    curve: pd.DataFrame
    progress: str
    earlier_s: tuple[float, float]
    vector: npt.NDArray[np.float64] | None = None


def execute(run: Run, folder: Path, *, report: Report = lambda _: None, stop: Callable[[], bool] = bool) -> None:
    """Train (where the arm learns), evaluate on the held-out weeks, and write the run's folder as a whole.

    Goes on from the last checkpoint of an earlier attempt; returns at once if the run is finished. ``folder``:
    ``STUDY/runs/NAME``. ``report`` is told in lines what happens; ``stop`` is asked at every rollout whether to store a
    checkpoint and raise :class:`~entangrid.experiments.training.Interrupted`. Raises InputError, among others if
    another process is making the run and if the disk is full; everything stored before stays.
    """
    if store.is_finished(folder):
        return
    with store.claimed(folder) as work:
        if store.is_finished(folder):  # by the process that had it
            store.forget_work(folder)
            return
        (work / store.FAILED).unlink(missing_ok=True)
        steps = run.study.training.steps if isinstance(run.config, SeededArm) else 0
        with Heartbeat(work, steps) as heart:
            _execute(run, folder, work, heart, report, stop)
        store.forget_work(folder)


def _execute(run: Run, folder: Path, work: Path, heart: Heartbeat, report: Report, stop: Callable[[], bool]) -> None:
    wall, cpu = time.monotonic(), time.process_time()
    shared = setting.make(run.study, arm=run.arm)
    if isinstance(run.config, LearningArm):
        made = _learn(run, shared, work, heart, report, stop)
    elif isinstance(run.config, SearchedArm):
        made = _search(run, shared, heart)
    else:
        made = _rule(run, shared)
    heart.update(doing="evaluating")
    result, unproven = _evaluate(made, shared.test)
    ablation = getattr(run.config, "ablation", None)
    summary = {
        "arm": run.arm,
        "controller": run.config.controller + (f"/{ablation}" if ablation else ""),
        "seed": run.seed,
        "key": run.key,
        "axes": run.axes,
        "results_version": RESULTS_VERSION,
        "scenario": shared.scenario.name,
        "scenario_hash": shared.scenario.content_hash(),
        "home_clusters": _clusters(shared.test),
        "evaluated_on": run.study.split.evaluate_on,
        **made.numbers,
        "unproven_eur": unproven,
        "wall_s": round(made.earlier_s[0] + time.monotonic() - wall, 3),
        "cpu_s": round(made.earlier_s[1] + time.process_time() - cpu, 3),
        "versions": provenance.versions(),
        "git_commit": provenance.git_commit(),
        "processor": provenance.processor(),
        "python": platform.python_version(),
    }

    def write(to: Path) -> None:
        run_metrics.write(result.metrics, to)
        result.first_week.to_parquet(to / store.FIRST_WEEK, index=False)
        if not made.curve.empty:
            made.curve.to_parquet(to / store.CURVE, index=False)
        resolved = {
            "run": {"arm": run.arm, "seed": run.seed, "key": run.key, "axes": run.axes},
            "study": run.study.model_dump(mode="json"),
        }
        (to / store.CONFIG).write_text(yaml.safe_dump(resolved, sort_keys=False), encoding="utf-8")
        if made.vector is not None:
            np.save(to / store.VECTOR, made.vector, allow_pickle=False)
        if made.progress:
            (to / store.PROGRESS).write_text(made.progress, encoding="utf-8")
        if made.model is not None:
            (to / store.POLICY).write_bytes(_policy_bytes(made.model))
            for name in _LOGS:
                if (work / name).is_dir():
                    shutil.copytree(work / name, to / name)
        (to / store.RESULT).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")

    store.write_run(folder, write)


def _clusters(task: Task) -> dict[str, int]:
    """The number of each home's household profile; homes that share one are no independent samples."""
    return dict(zip(task.scenario.home_names, profile_clusters(task.scenario).tolist(), strict=True))


def _rule(run: Run, shared: setting.Setting) -> _Made:
    """A controller that does not learn."""
    assert isinstance(run.config, RuleArm)
    curve = pd.DataFrame()
    if shared.validation is not None and run.config.controller in _SCALE:
        of_validation = building.make_rule(run.arm, run.config, shared.validation)
        curve = _curve_rows(of_validation, shared.validation)
        curve.insert(0, "steps", 0)
    controller = building.make_rule(run.arm, run.config, shared.test)
    return _Made(controller, None, _without_gradients(), curve, "", (0.0, 0.0))


def _without_gradients() -> dict[str, Any]:
    """The numbers of a run without a network."""
    roles = ("actor", "actor_circuit", "actor_classical", "critic", "critic_circuit", "critic_classical")
    numbers: dict[str, Any] = {f"parameters_{role}": 0 for role in roles}
    numbers |= {"environment_steps": 0, "gradient_steps": 0, "circuit_executions": 0, "selected_steps": 0}
    return numbers | {"train_wall_s": 0.0, "train_cpu_s": 0.0, "interruptions": 0}


def _search(run: Run, shared: setting.Setting, heart: Heartbeat) -> _Made:
    """A controller that was searched for."""
    wall, cpu = time.monotonic(), time.process_time()
    found = searching.search(run, shared, lambda steps: heart.update(steps=steps))
    numbers = _without_gradients() | {
        "parameters_actor": found.vector.size,
        "parameters_actor_classical": found.vector.size,
        "environment_steps": found.steps,
        "selected_steps": found.steps,
        "train_wall_s": round(time.monotonic() - wall, 3),
        "train_cpu_s": round(time.process_time() - cpu, 3),
    }
    curve = pd.DataFrame()
    if found.of_validation is not None and shared.validation is not None:
        curve = _curve_rows(found.of_validation, shared.validation)
        curve.insert(0, "steps", found.steps)
    return _Made(found.controller, None, numbers, curve, found.progress, (0.0, 0.0), found.vector)


def _learn(
    run: Run, shared: setting.Setting, work: Path, heart: Heartbeat, report: Report, stop: Callable[[], bool]
) -> _Made:
    """A trained model."""
    import torch

    torch.set_num_threads(1)
    from entangrid.experiments import counting, training

    model = building.build_learner(run, shared.train)
    numbers: dict[str, Any] = dict(counting.parameter_counts(model))
    budget, validation = run.study.training, shared.validation

    def tell(message: str) -> None:
        if message.startswith("resumed at step "):
            heart.update(resumed_at=int(message.rsplit(" ", 1)[1]))
        report(message)

    done: Outcome = training.train(
        model,
        training.Plan(
            budget.steps,
            0 if validation is None else budget.eval_steps,
            best=budget.select == "validation",
            checkpoint_every=budget.checkpoint_every,
        ),
        work,
        run.key,
        evaluate=None if validation is None else lambda policy: _curve_rows(policy, validation).values.tolist(),
        trackers=_trackers(run, work),
        report=tell,
        progress=lambda steps: heart.update(steps=steps),
        stop=stop,
    )
    numbers |= {
        "environment_steps": done.steps,
        "gradient_steps": done.gradient_steps,
        "circuit_executions": done.circuit_executions,
        "selected_steps": done.selected,
        "train_wall_s": round(done.spent_s[0] - done.evaluations_s[0], 3),
        "train_cpu_s": round(done.spent_s[1] - done.evaluations_s[1], 3),
        "interruptions": done.resumed,
    }
    return _Made(model, model, numbers, done.curve, done.progress, done.earlier_s)


def _trackers(run: Run, work: Path) -> Sequence[Any]:
    from entangrid.experiments import progress_log

    names = [name for name, wanted in run.study.tracking.model_dump().items() if wanted]
    return progress_log.trackers(names, work, run.study.name, f"{run.folder}")


def _curve_rows(controller: Controller, task: Task) -> pd.DataFrame:
    """Rows (week, metric, value, unit) of an evaluation, each metric of `CURVE_METRICS` summed over the homes."""
    metrics = evaluate(controller, task).metrics
    rows = metrics[metrics["metric"].isin(CURVE_METRICS) & ~metrics["home"].isin(("all", "feeder"))]
    grouped = rows.groupby(["week", "metric"], sort=True, as_index=False).agg(
        value=("value", "sum"), unit=("unit", "first")
    )
    return grouped[["week", "metric", "value", "unit"]]


def _evaluate(made: _Made, task: Task) -> tuple[Evaluation, float]:
    """What happens on the held-out weeks; and how far above a proven bound the optimum may lie [EUR]: 0 unless its
    search ran out of time."""
    if made.model is None:
        result = evaluate(made.controller, task)
    else:
        from entangrid.experiments import model_state

        with model_state.undisturbed(made.model):  # shots are drawn from the beginning of their own stream
            result = evaluate(made.controller, task)
    unproven = 0.0
    if isinstance(made.controller, Optimum):
        unproven = sum(made.controller.objective_eur.values()) - sum(made.controller.bound_eur.values())
    return result, max(unproven, 0.0)


def _policy_bytes(model: Any) -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.save(dict(model.policy.state_dict()), buffer)
    return buffer.getvalue()


def load_policy(run: Run, folder: Path) -> Any:
    """A finished run's model again: rebuilt from the configuration, filled with the stored tensors (no pickle).

    Raises InputError if the file is missing, holds anything but tensors, or is of another model.
    """
    import pickle
    import warnings

    import torch

    model = building.build_learner(run, setting.make(run.study, arm=run.arm).train)
    path = folder / store.POLICY
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what is refused in the same call
            tensors = torch.load(path, map_location="cpu", weights_only=True)
        model.policy.load_state_dict(tensors)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError):
        raise InputError(f"{path}: holds something else than tensors and was not loaded") from None
    except RuntimeError as error:  # torch's, of a damaged file or of tensors that do not fit
        raise InputError(f"{path}: does not fit this run's model: {str(error).splitlines()[0]}") from None
    return model
