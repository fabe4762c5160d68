"""What a study will cost, from speeds measured here and now: of each arm a short rollout and a few updates."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from entangrid.envs.tasks import Task
from entangrid.experiments import budgets, building, searching, setting
from entangrid.experiments.config import LearningArm, RuleArm, SearchedArm, StudyConfig
from entangrid.experiments.evaluate import evaluate
from entangrid.experiments.plan import Run

#: Different configurations of one arm (values of a sweep) that are measured; the others are taken for their mean.
MEASURED = 3
MEASURE_S = 1.0  # of every measured configuration, about


class Speed(NamedTuple):
    """Measured CPU time [s]: of a step of one environment, of a gradient step, and of a test week."""

    step_s: float
    gradient_s: float
    week_s: float


class Cost(NamedTuple):
    """Predicted CPU time of one run [s], and what it is made of."""

    cpu_s: float
    environment_steps: int
    gradient_steps: int
    speed: Speed


def work(study: StudyConfig, arm: str, n_envs: int, episode_steps: int) -> tuple[int, int]:
    """(environment steps, gradient steps) of a run of a learning arm on so many environments of SB3's."""
    section = study.hyperparameters(arm).model_dump()
    learner = study.arms[arm]
    assert isinstance(learner, LearningArm)
    each = budgets.rollout(learner.algorithm, section, n_envs, episode_steps)
    steps = budgets.taken(study.training.steps, each)
    rollouts = steps // each
    if learner.algorithm in ("reinforce", "a2c"):
        return steps, rollouts
    if learner.algorithm == "ppo":
        return steps, rollouts * section["n_epochs"] * math.ceil(each / section["batch_size"])
    learning = max(rollouts - section["learning_starts"] // each, 0)
    return steps, learning * (each if section["gradient_steps"] < 0 else section["gradient_steps"])


def predict(runs: list[Run], progress: Callable[[str], None] = lambda _: None) -> dict[str, Cost]:
    """The cost of each run by folder. Measures every arm's configurations, at most `MEASURED` of an arm.

    Takes about a second a configuration, and a few for the first of each scenario. Raises InputError for arms that
    cannot be built.
    """
    kinds: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        kinds.setdefault(run.arm, {}).setdefault(json.dumps([run.scenario, run.axes], sort_keys=True), []).append(run)
    costs: dict[str, Cost] = {}
    made: dict[str, setting.Setting] = {}
    for arm, of_arm in kinds.items():
        chosen = _spread(list(of_arm), MEASURED)
        speeds: dict[str, Speed] = {}
        tasks: dict[str, setting.Setting] = {}
        for name in chosen:
            run = of_arm[name][0]
            progress(arm)
            shared = run.scenario + run.study.task_of(arm).model_dump_json() + run.study.split.model_dump_json()
            if shared not in made:
                made.clear()  # one at a time: scenarios may be large
                made[shared] = setting.make(run.study, arm=arm)
            tasks[name] = made[shared]
            speeds[name] = _measure(run, made[shared])
        mean = Speed(*(sum(values) / len(speeds) for values in zip(*speeds.values(), strict=True)))
        for name, members in of_arm.items():
            cost = _cost(members[0], speeds.get(name, mean), tasks.get(name, tasks[chosen[0]]))
            costs |= {run.folder: cost for run in members}
    return costs


def _spread(names: list[str], most: int) -> list[str]:
    """At most so many of the names, the first and the last among them."""
    if len(names) <= most:
        return names
    return [names[round(i * (len(names) - 1) / (most - 1))] for i in range(most)]


def _cost(run: Run, speed: Speed, made: setting.Setting) -> Cost:
    weeks = made.test.starts.size * speed.week_s
    homes = searching.homes_of_a_step(run.study, made.train)
    if isinstance(run.config, SearchedArm):
        each = searching.make(run.study, run.arm, made.train).steps_of_a_generation * homes
        steps = run.study.training.steps // each * each
        return Cost(steps * speed.step_s + weeks, steps, 0, speed)
    if not isinstance(run.config, LearningArm):
        return Cost(weeks, 0, 0, speed)
    steps, gradients = work(run.study, run.arm, run.study.training.n_envs * homes, made.train.episode_steps)
    training = run.study.training
    if training.select == "validation" and made.validation is not None:
        weeks += training.steps // training.eval_steps * made.validation.starts.size * speed.week_s
    return Cost(steps * speed.step_s + gradients * speed.gradient_s + weeks, steps, gradients, speed)


def _measure(run: Run, made: setting.Setting) -> Speed:
    if isinstance(run.config, RuleArm):
        return Speed(0.0, 0.0, _week(building.make_rule(run.arm, run.config, _day(made.test)), made.test))
    if isinstance(run.config, SearchedArm):
        searched = searching.make(run.study, run.arm, made.train)
        started = time.process_time()
        steps = searched.learn(2 * searched.steps_of_a_generation).num_timesteps
        spent = time.process_time() - started
        step_s = spent / (steps * searching.homes_of_a_step(run.study, made.train))
        return Speed(step_s, 0.0, _week(searching.of_others(searched, run, _day(made.test)), made.test))
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as in a worker
    try:
        model = building.build_learner(_shortened(run), made.train)
        clock = _Clock(model)
        model.learn(1)  # compiles and warms up
        clock.reset()
        started = time.monotonic()
        while clock.gradients == 0 or time.monotonic() - started < MEASURE_S:
            model.learn(clock.least, reset_num_timesteps=False)
            if time.monotonic() - started > 20.0 * MEASURE_S:
                break
        return Speed(
            clock.rollout_s / max(clock.steps, 1), clock.train_s / max(clock.gradients, 1), _week(model, made.test)
        )
    finally:
        torch.set_num_threads(before)


def _shortened(run: Run) -> Run:
    """The same run with short rollouts, so that one holds a minibatch or two, and updates that begin at once."""
    assert isinstance(run.config, LearningArm)
    own = run.config.algorithm
    section = run.study.hyperparameters(run.arm)
    less: dict[str, Any] = {}
    if own == "ppo":
        n_envs = run.study.training.n_envs
        n_steps, batch = section.model_dump()["n_steps"], section.model_dump()["batch_size"]
        short = max(min(n_steps, math.ceil(batch / n_envs)), 2)
        less = {"n_steps": short, "n_epochs": 1, "batch_size": batch if short * n_envs % batch == 0 else short * n_envs}
    elif own in ("dqn", "sac", "td3", "ddpg"):
        less = {"learning_starts": 0}
    # a rate that falls linearly over one step would turn negative, and the policy into no numbers
    section = section.model_copy(update=less | {"final_learning_rate": None})
    arms = dict(run.study.arms) | {run.arm: run.config.model_copy(update={own: None})}
    study = run.study.model_copy(update={own: section, "arms": arms})
    return run._replace(study=study, config=arms[run.arm])


class _Clock:
    """CPU time and number of a model's environment steps and gradient steps, counted around SB3's own methods."""

    def __init__(self, model: Any):
        self._model = model
        self.least = 1
        self.reset()
        collect, train = model.collect_rollouts, model.train

        def collected(*args: Any, **kwargs: Any) -> Any:
            started, before = time.process_time(), model.num_timesteps
            out = collect(*args, **kwargs)
            self.rollout_s += time.process_time() - started
            self.steps += model.num_timesteps - before
            return out

        def trained(*args: Any, **kwargs: Any) -> Any:
            started = time.process_time()
            out = train(*args, **kwargs)
            self.train_s += time.process_time() - started
            self.gradients += self._gradients(args, kwargs)
            return out

        model.collect_rollouts, model.train = collected, trained

    def reset(self) -> None:
        """Begin to count."""
        self.rollout_s = self.train_s = 0.0
        self.steps = self.gradients = 0

    def _gradients(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
        model = self._model
        if hasattr(model, "n_epochs"):
            rollout = model.n_steps * model.n_envs
            return int(model.n_epochs * math.ceil(rollout / model.batch_size))
        given = kwargs.get("gradient_steps", args[0] if args else 1)
        return int(given)


def _day(task: Task) -> Task:
    return dataclasses.replace(task, episode_steps=task.scenario.steps_per_day, starts=task.starts[:1])


def _week(controller: Any, task: Task) -> float:
    """CPU time of an evaluated week, from one of its days."""
    day = _day(task)
    evaluate(controller, day)  # compiles
    started = time.process_time()
    evaluate(controller, day)
    return 7.0 * (time.process_time() - started)
