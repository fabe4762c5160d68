"""Training of one run, which a kill may end at any moment: SB3's own ``learn`` with checkpoints at its rollouts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from entangrid.data.errors import InputError
from entangrid.experiments import checkpoint, model_state, store
from entangrid.experiments.checkpoint import Checkpoint
from entangrid.experiments.counting import Costs
from entangrid.experiments.progress_log import ProgressCSV, RunLogger, Tracker

#: of the evaluations during training: what the learning curve shows
CURVE_COLUMNS = ("steps", "week", "metric", "value", "unit")

Curve = list[list[Any]]  # rows of CURVE_COLUMNS
Evaluate = Callable[[Any], Curve]  # model -> rows without the first column


class Plan(NamedTuple):
    """``steps``: environment steps of the whole training. ``eval_every``: environment steps between evaluations on the
    validation weeks, 0 for none. ``best``: whether the policy with the lowest objective there is taken at the end, or
    the last. A checkpoint is written at the rollout after ``checkpoint_every`` environment steps or ``checkpoint_s``
    seconds, whichever is first."""

    steps: int
    eval_every: int = 0
    best: bool = False
    checkpoint_every: int = 50_000
    checkpoint_s: float = 300.0


class Outcome(NamedTuple):
    """``steps``: environment steps taken. ``selected``: steps after which the policy was as it is now. ``spent_s``,
    ``evaluations_s``, ``earlier_s``: wall and CPU time of all processes without what was computed twice, of the
    evaluations among it, and of the processes before this one. ``resumed``: how often."""

    steps: int
    selected: int
    gradient_steps: int
    circuit_executions: int
    spent_s: tuple[float, float]
    evaluations_s: tuple[float, float]
    earlier_s: tuple[float, float]
    resumed: int
    curve: pd.DataFrame
    progress: str


class Interrupted(Exception):  # noqa: N818  # not an error: somebody asked for it
    """Training was asked to stop; its state is stored."""


def train(
    model: Any,
    plan: Plan,
    folder: Path,
    key: str,
    *,
    evaluate: Evaluate | None = None,
    trackers: Sequence[Tracker] = (),
    report: Callable[[str], Any] = lambda _: None,
    progress: Callable[[int], Any] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train a freshly built model to the end of its plan, from the last whole checkpoint in ``folder`` if there is one.

    ``folder``: where the run works; ``key``: of the run, which its checkpoints must have; ``evaluate``: the rows of one
    evaluation on the validation weeks; ``report`` is told what happens, in lines; ``progress`` the environment steps at
    every rollout; ``stop`` is asked at every rollout whether to store everything and raise Interrupted.
    Raises InputError for an environment whose state cannot be stored and if the disk is full.
    """
    training = Training(plan, folder, key, evaluate, trackers, report, progress, stop)
    found = checkpoint.newest(training.checkpoints, key, report)
    return training.run(model, found)


def _clocks() -> tuple[float, float]:
    return time.monotonic(), time.process_time()


class Training(BaseCallback):
    """See :func:`train`; one object trains one model once."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        key: str,
        evaluate: Evaluate | None,
        trackers: Sequence[Tracker],
        report: Callable[[str], Any],
        progress: Callable[[int], Any],
        stop: Callable[[], bool],
    ):
        super().__init__()
        self.plan, self.key = plan, key
        self.checkpoints = folder / store.CHECKPOINTS
        self.evaluate, self.trackers = evaluate, trackers
        self.report, self.progress, self.stop = report, progress, stop
        folder.mkdir(parents=True, exist_ok=True)
        self.csv = ProgressCSV(folder / store.PROGRESS)
        self.curve: Curve = []
        self.next_evaluation = 0
        self.best: tuple[float, int, dict[str, torch.Tensor]] | None = None  # objective, steps, policy
        self.resumed = 0
        self._found: Checkpoint | None = None
        self._before = (0.0, 0.0)  # wall and CPU time of earlier processes
        self._aside = (0.0, 0.0)  # spent on evaluations
        self._stored_at = (0, 0.0)  # steps, clock

    def run(self, model: Any, found: Checkpoint | None) -> Outcome:
        """Train, or only take the result of a training that was finished."""
        self.costs = Costs(model)
        self.run_logger = RunLogger([self.csv, *self.trackers])
        self._found = found
        self._begin()
        if found is not None and found.more.get("finished"):
            self._restore(found, model)
        else:
            if found is None:
                self.csv.begin()
            model.set_logger(self.run_logger)
            # off-policy algorithms count episodes, of which all environments end one at the same step
            log_interval = model.n_envs if isinstance(model, OffPolicyAlgorithm) else 1
            model.learn(self.plan.steps, callback=self, log_interval=log_interval)
        selected = int(model.num_timesteps)
        if self.plan.best and self.best is not None:
            selected = self.best[1]
            model.policy.load_state_dict(self.best[2])
        for tracker in self.trackers:
            tracker.close()
        return Outcome(
            int(model.num_timesteps),
            selected,
            self.costs.gradient_steps,
            self.costs.circuit_executions,
            self._spent(),
            self._aside,
            self._before,
            self.resumed,
            pd.DataFrame(self.curve, columns=list(CURVE_COLUMNS)),
            self.csv.text(),
        )

    def _begin(self) -> None:
        self._began = _clocks()
        self._stored_at = (0, self._began[0])

    def _spent(self) -> tuple[float, float]:
        now = _clocks()
        return self._before[0] + now[0] - self._began[0], self._before[1] + now[1] - self._began[1]

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        """Between two rollouts: everything that decides what follows is in the model, and nothing is under way."""
        if self._found is not None:
            found, self._found = self._found, None
            self._restore(found, self.model)
            return
        steps = int(self.model.num_timesteps)
        self.progress(steps)
        self._evaluate_if_due()
        stopping = self.stop()
        last, at = self._stored_at
        due = steps - last >= self.plan.checkpoint_every or time.monotonic() - at >= self.plan.checkpoint_s
        if steps and (stopping or due):
            self._store(finished=False)
        if stopping:
            raise Interrupted

    def _on_training_end(self) -> None:
        self.progress(int(self.model.num_timesteps))
        self._evaluate_if_due(last=True)
        self._store(finished=True)

    def _evaluate_if_due(self, last: bool = False) -> None:
        steps = int(self.model.num_timesteps)
        if self.evaluate is None or not self.plan.eval_every or (steps < self.next_evaluation and not last):
            return
        self.next_evaluation = (steps // self.plan.eval_every + 1) * self.plan.eval_every
        began = _clocks()
        self.costs.paused = True
        with model_state.undisturbed(self.model):
            rows = self.evaluate(self.model)
        self.costs.paused = False
        self.curve += [[steps, *row] for row in rows]
        objective = sum(row[2] for row in rows if row[1] == "objective")
        if steps and (self.best is None or objective < self.best[0]):
            policy = {name: value.detach().clone() for name, value in self.model.policy.state_dict().items()}
            self.best = objective, steps, policy
        now = _clocks()
        self._aside = self._aside[0] + now[0] - began[0], self._aside[1] + now[1] - began[1]

    def _store(self, finished: bool) -> None:
        state = model_state.capture(self.model, replay=not finished)
        more: dict[str, Any] = {
            "finished": finished,
            "spent_s": self._spent(),
            "evaluations_s": self._aside,
            "resumed": self.resumed,
            "curve": self.curve,
            "next_evaluation": self.next_evaluation,
            "costs": self.costs.state(),
            "logger": self.run_logger.state(),
            "progress": self.csv.text(),
        }
        if self.best is not None:
            state.tensors["best"] = self.best[2]
            more["best"] = self.best[:2]
        checkpoint.save(self.checkpoints, self.key, Checkpoint(int(self.model.num_timesteps), state, more))
        self._stored_at = (int(self.model.num_timesteps), time.monotonic())

    def _restore(self, found: Checkpoint, model: Any) -> None:
        more = found.more
        try:
            if more["finished"]:
                model_state.fill_policy(model, found.state)
            else:
                model_state.fill(model, found.state)
                self.run_logger.restore(more["logger"])
                self.resumed = 1
            self.csv.begin(more["progress"])
            self.resumed += more["resumed"]
            self._before, self._aside = tuple(more["spent_s"]), tuple(more["evaluations_s"])
            self._stored_at = (found.steps, time.monotonic())
            self.curve, self.next_evaluation = more["curve"], more["next_evaluation"]
            self.costs.restore(more["costs"])
            if "best" in more:
                self.best = (*more["best"], found.state.tensors["best"])
        except (InputError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self.checkpoints}: {error}; delete the folder to begin the run anew") from None
        # SB3 computes its steps per second from these two
        model.start_time = time.time_ns() - int(1e9 * self._before[0])
        model._num_timesteps_at_start = 0
        self.report(f"resumed at step {found.steps}")
        self.progress(found.steps)
