"""The configuration's own shape: which fields stand where, for messages, paths and sweeps."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Tag, TypeAdapter, ValidationError

from entangrid.experiments.config.arms import LearningArm, MatchedArm, RuleArm
from entangrid.experiments.config.base import Range, is_tag
from entangrid.experiments.config.seeded import SeededArm
from entangrid.experiments.config.study import FIXED, StudyConfig


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt word, or nothing."""
    close = difflib.get_close_matches(word, list(known), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _members(kind: Any, tag: str | None = None) -> list[tuple[str | None, Any]]:
    """The plain types behind an annotation, each with its tag in a union."""
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *metadata = get_args(kind)
        own = next((m.tag for m in metadata if isinstance(m, Tag)), tag)
        return _members(inner, own)
    if origin in (Union, types.UnionType):
        return [member for each in get_args(kind) for member in _members(each, tag)]
    return [(tag, kind)]


def _step(kinds: list[Any], part: Any) -> list[Any]:
    found = []
    for kind in kinds:
        for _, plain in _members(kind):
            if isinstance(plain, type) and issubclass(plain, BaseModel):
                if part in plain.model_fields:
                    field = plain.model_fields[part]
                    extra = [*field.metadata, *([field.discriminator] if field.discriminator else [])]
                    found.append(Annotated[(field.annotation, *extra)] if extra else field.annotation)
            elif get_origin(plain) is dict:
                found.append(get_args(plain)[1])
            elif get_origin(plain) is list:
                found.append(get_args(plain)[0])
    return found


def known_fields(location: Sequence[Any]) -> list[str]:
    """Names of the fields that may stand at a location of pydantic's, tags of unions included."""
    kinds: list[Any] = [StudyConfig]
    for part in location:
        if is_tag(part):
            kinds = [plain for kind in kinds for tag, plain in _members(kind) if tag == part]
        else:
            kinds = _step(kinds, part)
    models = [plain for kind in kinds for _, plain in _members(kind) if isinstance(plain, type)]
    return [name for model in models if issubclass(model, BaseModel) for name in model.model_fields]


def split_path(path: str, study: StudyConfig) -> list[str]:
    """The parts of a dotted path; an arm's name may have dots of its own."""
    parts = path.split(".")
    if parts[0] == "arms":
        for n in range(len(parts), 1, -1):
            if ".".join(parts[1:n]) in study.arms:
                return ["arms", ".".join(parts[1:n]), *parts[n:]]
    return parts


def check_path(study: StudyConfig, path: str, values: list[Any] | Range, where: str) -> None:
    """Raise ValueError unless the path leads to one field of the study that may be varied, and takes these values.

    What fields say of one another is checked when runs are planned.
    """
    parts = split_path(path, study)
    own = parts[0] == "arms"
    if own and len(parts) > 1 and parts[1] not in study.arms:
        raise ValueError(f"{where}: no arm has this name; expected one of {', '.join(study.arms)}")
    seeds = parts[:2] == ["training", "seeds"] or (own and parts[2:] == ["seeds"])
    if seeds or (parts[0] in FIXED and not (own and len(parts) > 2)):
        raise ValueError(f"{where}: cannot be varied; expected a field that decides a run's result")
    if own and isinstance(study.arms[parts[1]], RuleArm) and parts[2] != "controller":
        return  # its options are known to the controller alone
    kinds: list[Any] = [type(study.arms[parts[1]])] if own else [StudyConfig]
    for i, part in enumerate(parts[2:] if own else parts):
        deeper = _step(kinds, part)
        if not deeper or (own and i == 0 and part in ("controller", "match")):
            models = [plain for kind in kinds for _, plain in _members(kind) if isinstance(plain, type)]
            names = [name for model in models if issubclass(model, BaseModel) for name in model.model_fields]
            raise ValueError(f"{where}: no field {part!r} that can be varied{did_you_mean(part, names)}")
        kinds = deeper
    if any(isinstance(plain, type) and issubclass(plain, BaseModel) for kind in kinds for _, plain in _members(kind)):
        raise ValueError(f"{where}: a section, not a field; expected one of its fields")
    union: Any = Union[tuple(kinds)]  # noqa: UP007 - made at run time
    adapter: TypeAdapter[Any] = TypeAdapter(union, config=ConfigDict(strict=True, allow_inf_nan=False))
    if isinstance(values, Range):
        values = [int(v) if values.whole else v for v in (values.low, values.high)]
    for value in values:
        try:
            adapter.validate_python(value)
        except ValidationError as error:
            raise ValueError(f"{where}: {error.errors()[0]['msg']} (got {value!r:.60})") from None


def concerns(study: StudyConfig, path: str, arm: str) -> bool:
    """Whether a field can change the results of an arm: an arm's own fields also concern the twins that match it."""
    parts = split_path(path, study)
    config = study.arms[arm]
    if parts[0] == "arms":
        return parts[1] == arm or (isinstance(config, MatchedArm) and config.match == parts[1])
    if parts[0] == "training":
        return isinstance(config, SeededArm)
    from entangrid.experiments.config.algorithms import ALGORITHMS

    if parts[0] in ALGORITHMS:
        return isinstance(config, LearningArm) and config.algorithm == parts[0]
    return True


def copy_along(content: dict[str, Any], parts: Sequence[str]) -> None:
    """Replace what stands along a path by copies, so that setting the field leaves the original alone."""
    place: Any = content
    for part in parts[:-1]:
        key: Any = int(part) if isinstance(place, list) and part.isdigit() and int(part) < len(place) else part
        old = place.get(key) if isinstance(place, dict) else place[key] if isinstance(key, int) else None
        if not isinstance(old, dict | list):
            return
        place[key] = old.copy()
        place = place[key]


def set_path(content: dict[str, Any], parts: Sequence[str], value: Any) -> None:
    """Set a field of plain nested mappings and lists, making mappings where there are none.

    Raises ValueError where the path goes through something that is neither.
    """
    place: Any = content
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if isinstance(place, list):
            if not part.isdigit() or int(part) >= len(place):
                raise ValueError(f"{'.'.join(parts[:i])} is a list of {len(place)}; {part!r} is no place in it")
            if last:
                place[int(part)] = value
            else:
                place = place[int(part)]
        elif isinstance(place, dict):
            if last:
                place[part] = value
            elif place.get(part) is None:
                place[part] = {}
                place = place[part]
            else:
                place = place[part]
        else:
            raise ValueError(f"{'.'.join(parts[:i])} is {place!r}, which has no field {part!r}")
