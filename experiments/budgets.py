"""Environment steps that training takes: it ends with a whole rollout, the first at whose end its steps are spent.

So arms of other algorithms, or with other rollouts, take a little more than ``training.steps``, and arms that are
searched for take whole generations within them; how many is in every run's ``environment_steps``. Differences of more
than :data:`MOST` are said before a study is run, and refused in the search for hyperparameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from entangrid.data.errors import InputError
from entangrid.envs.tasks import Task
from entangrid.experiments import searching, setting
from entangrid.experiments.config import LearningArm, SearchedArm, SeededArm, StudyConfig
from entangrid.experiments.config.base import Range
from entangrid.experiments.plan import Run

#: Share of its steps by which an arm may exceed them in a search.
MOST = 0.02
#: The field of an algorithm's section that its rollout's length goes with.
FIELDS = {"ppo": "n_steps", "a2c": "n_steps", "reinforce": "n_episodes"}
_OF_OTHERS = "train_freq"


def rollout(algorithm: str, section: Mapping[str, Any], n_envs: int, episode_steps: int) -> int:
    """Environment steps between two looks at whether training is at its end, on so many environments of SB3's."""
    if algorithm == "reinforce":
        return int((section["n_episodes"] or n_envs) * episode_steps)
    return int(section[FIELDS.get(algorithm, _OF_OTHERS)] * n_envs)


def taken(steps: int, rollout: int) -> int:
    """Environment steps of a training of so many: whole rollouts."""
    return math.ceil(steps / rollout) * rollout


def remarks(runs: Sequence[Run]) -> list[str]:
    """A line where arms that learn or are searched for take environment steps that differ by more than
    :data:`MOST`; none where they are alike."""
    steps: dict[str, int] = {}
    for run in runs:
        if run.arm in steps or not isinstance(run.config, SeededArm):
            continue
        train = setting.make(run.study, arm=run.arm).train
        each, total = _rollout(run.study, run.arm, train), run.study.training.steps
        steps[run.arm] = taken(total, each) if isinstance(run.config, LearningArm) else total // each * each
    if not steps or max(steps.values()) <= (1.0 + MOST) * min(steps.values()):
        return []
    arms: dict[int, list[str]] = {}
    for arm, n in steps.items():
        arms.setdefault(n, []).append(arm)
    each_one = ", ".join(f"{n} of {', '.join(names[:5])}{', ...' * (len(names) > 5)}" for n, names in arms.items())
    return [f"environment steps are not the same, since arms end with whole rollouts: {each_one}"]


def check_search(study: StudyConfig, arm: str, trial: StudyConfig, searched: Mapping[str, Any]) -> None:
    """Raise InputError if a trial of an arm could take other steps than the others'; ``trial``: the study of one,
    ``searched``: its fields and their ranges or choices."""
    config = study.arms[arm]
    assert isinstance(config, LearningArm)
    field = FIELDS.get(config.algorithm, _OF_OTHERS)
    paths = [path for path in searched if path.split(".")[-2:] == [config.algorithm, field]]
    values = _values(searched[paths[-1]]) if paths else [trial.hyperparameters(arm).model_dump()[field]]
    train, total = setting.make(trial, arm=arm).train, trial.training.steps
    of_one = _rollout(trial, arm, train, {field: 1})
    if isinstance(values, range) and values[-1] * of_one <= MOST * total:
        return  # no rollout is longer than that
    for value in values:
        steps = taken(total, _rollout(trial, arm, train, {field: value}) if value is None else value * of_one)
        if steps > (1.0 + MOST) * total:
            raise InputError(
                f"{'tuning.space.' * bool(paths)}{config.algorithm}.{field}: with {value}, arm {arm!r} takes "
                f"{steps} environment steps a trial, since it ends with a whole rollout; expected tuning.steps, "
                f"{total}, or at most {MOST:.0%} more, so that every arm has the same"
            )


def _values(search: Any) -> Sequence[Any]:
    return range(int(search.low), int(search.high) + 1) if isinstance(search, Range) else search


def _rollout(study: StudyConfig, arm: str, train: Task, changed: Mapping[str, Any] | None = None) -> int:
    """Environment steps of a rollout, or of a generation of a search."""
    config, homes = study.arms[arm], searching.homes_of_a_step(study, train)
    if isinstance(config, SearchedArm):
        return searching.make(study, arm, train).steps_of_a_generation * homes
    assert isinstance(config, LearningArm)
    section = study.hyperparameters(arm).model_dump() | dict(changed or {})
    return rollout(config.algorithm, section, study.training.n_envs * homes, train.episode_steps)
