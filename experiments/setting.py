"""What a study's arms share: the scenario, the training task and the test task."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import entangrid.data
from entangrid.agents.quantum.circuit import Circuit
from entangrid.data.errors import InputError
from entangrid.data.scenario import Scenario
from entangrid.envs import parameters
from entangrid.envs.tasks import Task
from entangrid.experiments.config import QuantumArm, StudyConfig


class Setting(NamedTuple):
    """``train`` draws short episodes within the training weeks; ``test`` takes each held-out week once, in order."""

    scenario: Scenario
    train: Task
    test: Task


def make(study: StudyConfig) -> Setting:
    """Build both tasks; raises InputError for homes, circuits or a split that cannot work."""
    scenario = entangrid.data.load(study.scenario)
    try:  # now, not in every worker
        parameters.home_records(scenario.homes)
        parameters.zone_records(scenario.homes)
    except InputError as error:
        raise InputError(f"scenario {study.scenario!r}: {error}") from None
    months = None if study.split.months is None else list(study.split.months)
    weeks = entangrid.data.split_weeks(scenario, months=months, test_every=study.split.test_every, validation_every=0)
    for name in ("train", "test"):
        if weeks[name].size == 0:
            raise InputError(f"split: no {name} week is left in scenario {scenario.name!r}; widen months or the period")
    week = 7 * scenario.steps_per_day
    length = round(study.training.episode_days * scenario.steps_per_day)
    hour = max(round(1.0 / scenario.dt_h), 1)
    # every full hour from which a training episode stays within its week, so that even its last observation, which
    # already shows the step after it, is none of a held-out week
    within = np.arange(0, week - length, hour, dtype=np.int64)
    starts = (weeks["train"][:, None] + within[None, :]).reshape(-1)
    train = Task.make(
        scenario,
        action_set=study.task.action_set,
        carbon_price_eur_kg=study.task.carbon_price_eur_kg,
        episode_steps=length,
        starts=starts,
        random_state=True,
        initial=(0.0, 1.0, 19.0, 23.0, 19.5, 22.5),
    )
    test = Task.make(
        scenario,
        action_set=study.task.action_set,
        carbon_price_eur_kg=study.task.carbon_price_eur_kg,
        episode_steps=week,
        starts=weeks["test"],
        sequential=True,
        initial=(0.5, 0.5, 21.0, 21.0, 21.0, 21.0),
    )
    for name, arm in study.arms.items():
        if isinstance(arm, QuantumArm):
            try:
                Circuit(**circuit(arm, len(train.observation_names) * scenario.n_homes))
            except InputError as error:
                raise InputError(f"arms.{name}.circuit: {error}") from None
    return Setting(scenario, train, test)


def circuit(arm: QuantumArm, n_inputs: int) -> dict[str, Any]:
    """The fields of the arm's circuit for observations of this length."""
    return {"n_qubits": arm.circuit.n_qubits, "n_layers": arm.circuit.n_layers, "n_inputs": n_inputs}
