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
    """The arms that are tuned, in the study's order: those that learn and follow no other."""
    learning = [name for name, arm in study.arms.items() if isinstance(arm, LearningArm)]
    return [name for name in learning if parent(study, name) is None]


def parent(study: StudyConfig, arm: str) -> str | None:
    """The arm whose values an arm takes over: the first that it differs from in its ablation, in what it sees of the
    occupants and in its number of seeds alone, and that has no ablation. None for an arm that is tuned by itself.

    So an ablation stays its parent with one change, after tuning too.
    """
    own = _but_for_changes(study, arm)
    if own is None or not _changed(study, arm):
        return None
    return next(
        (name for name in study.arms if not _changed(study, name) and _but_for_changes(study, name) == own),
        None,
    )


def _changed(study: StudyConfig, arm: str) -> bool:
    config = study.arms[arm]
    task = getattr(config, "task", None)
    sees = task is not None and (task.occupancy is not None or task.occupancy_accuracy is not None)
    return getattr(config, "ablation", None) is not None or sees


def _but_for_changes(study: StudyConfig, arm: str) -> dict[str, Any] | None:
    config = study.arms[arm]
    if not isinstance(config, LearningArm):
        return None
    content = config.model_dump(exclude={"ablation", "seeds"})
    content["task"] = (content.get("task") or {}).get("action_set")
    return content


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


def point(study: StudyConfig) -> dict[str, Any]:
    """Where a study with a sweep is tuned: the middle one of each axis's values, for all arms alike.

    Raises InputError for an axis that is a range, or that is searched too.
    """
    found: dict[str, Any] = {}
    for path, values in (study.sweep.axes if study.sweep else {}).items():
        if isinstance(values, Range):
            raise InputError(f"sweep.axes.{path} is a range, without a middle value to tune at; expected a list")
        if path in study.tuning.space:
            raise InputError(f"tuning.space.{path} is an axis of the sweep too; expected one of them")
        found[path] = values[len(values) // 2]
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
    """The study with these fields, of an arm and of those that follow it; raises InputError where they do not fit
    together."""
    content = study.model_dump(mode="json", exclude_unset=True)
    parents = {name: parent(study, name) for name in study.arms}
    for path, value in values.items():
        parts = split_path(path, study)
        set_path(content, parts, value)
        for name, followed in parents.items():
            if parts[0] == "arms" and followed == parts[1]:
                set_path(content, ["arms", name, *parts[2:]], value)
    return _valid(content)


def _valid(content: dict[str, Any]) -> StudyConfig:
    try:
        return StudyConfig.model_validate(content)
    except ValidationError as error:
        raise InputError(messages.lines(error, "tuning.space")) from None


def for_trial(study: StudyConfig, arm: str, values: dict[str, Any]) -> StudyConfig:
    """The study of one trial: the arm alone (and the twin it is matched to), scored on validation weeks and homes (or
    those of ``tuning.scenario``), in a sweep at :func:`point`. Raises InputError where values do not fit together."""
    chosen = with_values(study, values | point(study))
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
    if study.tuning.scenario is not None:  # all of its homes are the search's
        other = study.tuning.model_dump(mode="json", exclude_unset=True)["scenario"]
        content |= {"scenario": other, "scenarios": None, "split": content["split"] | {"homes": {}}}
    # what is no part of a run may name other arms; and a trial's seeds are not to be called the search's too
    content |= {"sweep": None, "verdict": {}, "claim": None, "tuning": {"seeds": study.training.seed_list}}
    return _valid(content)
