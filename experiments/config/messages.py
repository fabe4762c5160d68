"""What pydantic found wrong, as one line each: field, value, expectation, and a hint where a word is misspelt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from entangrid.experiments.config.arms import described, names
from entangrid.experiments.config.base import is_tag
from entangrid.experiments.config.fields import did_you_mean, known_fields
from entangrid.experiments.config.task import OTHER_TASKS, TASK_NAMES

_MOST = 20  # lines


#: Where fields were said, the last word first: how messages call the place, and the fields that stand there.
Origins = Sequence[tuple[str, Any]]


def lines(error: ValidationError, where: str, origins: Origins = ()) -> str:
    """All of them, each beginning with the place that its field stands at, else with ``where``."""
    items = error.errors(include_url=False)
    found = list(dict.fromkeys((_origin(item["loc"], origins) or where, _sentence(item)) for item in items))
    shown = [f"{place}: {sentence}" for place, sentence in found[:_MOST]]
    if len(found) > _MOST:
        shown.append(f"{where}: and {len(found) - _MOST} more")
    return "\n".join(shown)


def _origin(location: Sequence[Any], origins: Origins) -> str | None:
    """The place that said the field of an error last; None for what concerns the whole study, or is missing."""
    parts = [part for part in location if not is_tag(part) and part != "[key]"]
    return next((place for place, content in origins if parts and _stands(content, parts)), None)


def _stands(content: Any, parts: Sequence[Any]) -> bool:
    for part in parts:
        inside = part in content if isinstance(content, dict) else isinstance(part, int) and isinstance(content, list)
        if not inside or (isinstance(content, list) and part >= len(content)):
            return False
        content = content[part]
    return True


def _sentence(item: Any) -> str:
    location = item["loc"]
    plain = [part for part in location if not is_tag(part) and part != "[key]"]
    field = ".".join(str(part) if str(part).isprintable() and str(part).strip() else repr(part) for part in plain)
    if len(field) > 120:
        field = field[:117] + "..."
    message = item["msg"].removeprefix("Value error, ")
    kind = item["type"]
    if kind == "extra_forbidden":
        return f"{field}: unknown field" + did_you_mean(str(plain[-1]), known_fields(location[:-1]))
    if kind == "missing":
        return f"{field}: missing; expected a value"
    if kind == "value_error" and (not field or message.startswith((f"{field}.", "arms.", "sweep.", "tuning."))):
        return str(message)
    if kind in ("union_tag_invalid", "union_tag_not_found") and len(plain) == 2 and plain[0] == "arms":
        return _arm(field, item["input"])
    if kind == "literal_error" and plain == ["task", "name"]:
        return _task(field, item["input"])
    if kind == "literal_error" and isinstance(item["input"], str):
        known = [word.strip(" '") for word in str(item["ctx"]["expected"]).replace(" or ", ",").split(",")]
        message += did_you_mean(item["input"], known)
    if kind in ("model_type", "dict_type"):
        message = "expected a mapping of fields"
    if kind == "value_error":
        return f"{field}: {message}"
    return f"{field}: {message} (got {_short(item['input'])})"


def _arm(field: str, value: Any) -> str:
    if not isinstance(value, dict):
        return f"{field}: expected a mapping with a controller (got {_short(value)})"
    controller = value.get("controller")
    if controller is None:
        return f"{field}.controller: missing; expected one of {described()}"
    hint = did_you_mean(controller, names()) if isinstance(controller, str) else ""
    return f"{field}.controller: {_short(controller)} is unknown{hint}; expected one of {described()}"


def _task(field: str, value: Any) -> str:
    word = str(value).removeprefix("entangrid/").removesuffix("-v0").lower() if isinstance(value, str) else ""
    if word in OTHER_TASKS:
        return (
            f"{field}: {value!r} has no homes, weeks and bills for a study to measure; expected one of "
            f"{', '.join(TASK_NAMES)} (learn it with entangrid.agents.learners)"
        )
    hint = did_you_mean(word, [*TASK_NAMES, *OTHER_TASKS])
    return f"{field}: {_short(value)} is unknown{hint}; expected one of {', '.join(TASK_NAMES)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
