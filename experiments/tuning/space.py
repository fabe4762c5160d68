"""What is searched for an arm, and the study that a trial's values make."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from entangrid.data.errors import InputError
from entangrid.experiments.config import LearningArm, StudyConfig, messages
from entangrid.experiments.config.algorithms import ALGORITHMS
from entangrid.experiments.config.base import Range
from entangrid.experiments.config.fields import set_path, split_path

#: Sections whose fields an arm may have of its own.
_OWN = tuple(ALGORITHMS)


def learning_arms(study: StudyConfig) -> list[str]:
    """The arms that are tuned, in the study's order."""
    return [name for name, arm in study.arms.items() if isinstance(arm, LearningArm)]


def axes(study: StudyConfig, arm: str) -> dict[str, Any]:
    """The searched fields of an arm, as paths within the study, with their ranges or choices.

    ``ppo.learning_rate`` in ``tuning.space`` is searched for every arm that PPO trains, by itself: it becomes
    ``arms.NAME.ppo.learning_rate``. Raises InputError for a field that is no arm's and no algorithm's, since it would
    change what is asked of the arms, and for an arm for which nothing is searched.
    """
    config = study.arms[arm]
    assert isinstance(config, LearningArm)
    found: dict[str, Any] = {}
    for path, search in study.tuning.space.items():
        parts = split_path(path, study)
        if parts[0] == "arms":
            if parts[1] == arm:
                found[path] = search
        elif parts[0] in _OWN:
            if parts[0] == config.algorithm:
                found[f"arms.{arm}.{path}"] = search
        else:
            raise InputError(
                f"tuning.space.{path}: not a field of an arm or of an algorithm; "
                "what all arms are asked alike cannot be tuned"
            )
    if not found:
        raise InputError(
            f"tuning.space: holds nothing for arm {arm!r}; expected a field such as "
            f"{config.algorithm}.learning_rate, so that every learning arm is tuned"
        )
    return found


def suggest(trial: Any, searched: dict[str, Any]) -> dict[str, Any]:
    """One value for every path, from Optuna's trial; a choice of a list or mapping is drawn by its place."""
    values: dict[str, Any] = {}
    for path, search in searched.items():
        if isinstance(search, Range):
            if search.whole:
                values[path] = trial.suggest_int(path, int(search.low), int(search.high), log=search.log)
            else:
                values[path] = trial.suggest_float(path, search.low, search.high, log=search.log)
        else:
            values[path] = search[trial.suggest_categorical(path, list(range(len(search))))]
    return values


def values_of(trial: Any, searched: dict[str, Any]) -> dict[str, Any]:
    """What :func:`suggest` returned for a trial that is stored."""
    return {
        path: trial.params[path] if isinstance(search, Range) else search[trial.params[path]]
        for path, search in searched.items()
    }


def with_values(study: StudyConfig, values: dict[str, Any]) -> StudyConfig:
    """The study with these fields; raises InputError where they do not fit together."""
    content = study.model_dump(mode="json", exclude_unset=True)
    for path, value in values.items():
        set_path(content, split_path(path, study), value)
    try:
        return StudyConfig.model_validate(content)
    except ValidationError as error:
        raise InputError(messages.lines(error, "tuning.space")) from None


def for_trial(study: StudyConfig, arm: str, values: dict[str, Any]) -> StudyConfig:
    """The study of one trial: the arm alone (and the twin it is matched to), scored on validation weeks and homes."""
    chosen = with_values(study, values)
    config = chosen.arms[arm]
    kept = {arm, getattr(config, "match", arm)}
    content = chosen.model_dump(mode="json", exclude_unset=True)
    content["arms"] = {
        name: each
        for name, each in content["arms"].items()
        if name in kept or chosen.arms[name].controller == "no-control"
    }
    steps = study.tuning.steps or study.training.steps
    content["training"] = content.get("training", {}) | {"seeds": study.tuning.seed_list, "steps": steps}
    content["split"] = content.get("split", {}) | {"evaluate_on": "validation"}
    content["sweep"], content["tuning"] = None, {}
    return StudyConfig.model_validate(content)
