"""What a study's folder says of the study itself, read leniently: studies of earlier versions stay readable."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from entangrid.data.errors import InputError
from entangrid.experiments.shown import shown

if TYPE_CHECKING:
    from entangrid.experiments.config.claim import ClaimConfig

STUDY = "study.yaml"
CONFIG = "config.yaml"  # in a run's folder


@dataclass(frozen=True)
class Rules:
    """What the study fixed before its runs: the margin of equivalence (of gap closed), the confidence of intervals,
    and the pairs of arms that are compared, None for all that matter."""

    margin: float = 0.05
    confidence: float = 0.95
    pairs: Sequence[Sequence[str]] | None = None


@dataclass(frozen=True)
class StoredStudy:
    """``text``: the file as it stands; ``voltage_band``: [pu], EN 50160's where the study says nothing;
    ``claim``: None also where it is of another version; ``evaluated_on``: "test" or "validation"."""

    name: str
    question: str
    verdict: Rules
    voltage_band: tuple[float, float]
    text: str
    claim: ClaimConfig | None = None
    cut: tuple[str, ...] = ()
    evaluated_on: str = "test"


def read(folder: Path) -> StoredStudy:
    """The study that a folder holds; raises InputError if it holds none, naming what is wrong."""
    path = folder / STUDY
    if not path.is_file():
        raise InputError(f"{path}: missing; expected the folder of a study that was run")
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
        if "\\" in text and _holds_half_a_character(content):
            raise ValueError("holds half a character; expected Unicode")
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: cannot be read as YAML: {reason}") from None
    if not isinstance(content, dict) or not isinstance(content.get("name"), str):
        raise InputError(f"{path}: not a study's file; expected a mapping with a name")
    verdict, task = _mapping(content, "verdict"), _mapping(_mapping(content, "task"), "feeder_rules")
    rules = _rules(path, verdict)
    band = tuple(_number(path, task, f"task.feeder_rules.{name}", default, 0.0, 2.0) for name, default in _BAND)
    question = content.get("question")
    claim = _claim(content["claim"]) if content.get("claim") else None
    listed = content.get("cut")
    cut = tuple(shown(each) for each in listed if isinstance(each, str)) if isinstance(listed, list) else ()
    evaluated_on = "validation" if _mapping(content, "split").get("evaluate_on") == "validation" else "test"
    asked = shown(question) if isinstance(question, str) else ""
    return StoredStudy(shown(content["name"]), asked, rules, (band[0], band[1]), text, claim, cut, evaluated_on)


def _holds_half_a_character(content: Any) -> bool:
    """Whether a text in it is one that nothing could print. What stands in several places is looked at once."""
    waiting, seen = [content], set()
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            if any("\ud800" <= character <= "\udfff" for character in each):
                return True
        elif isinstance(each, dict | list) and id(each) not in seen:
            seen.add(id(each))
            waiting.extend([*each, *each.values()] if isinstance(each, dict) else each)
    return False


def _claim(content: Any) -> ClaimConfig | None:
    from pydantic import ValidationError

    from entangrid.experiments.config.claim import ClaimConfig

    with contextlib.suppress(ValidationError):
        return ClaimConfig.model_validate(content)
    return None


def rules_of_run(folder: Path) -> Rules | None:
    """What the study had fixed when the run of a folder was made; None where the folder does not say."""
    path = folder / CONFIG
    with contextlib.suppress(OSError, ValueError, RecursionError, yaml.YAMLError):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        verdict = _mapping(_mapping(content, "study"), "verdict") if isinstance(content, dict) else {}
        return _rules(path, verdict) if verdict else None
    return None


def _rules(path: Path, verdict: dict[str, Any]) -> Rules:
    return Rules(
        _number(path, verdict, "verdict.margin", Rules.margin, 0.0, 10.0),
        _number(path, verdict, "verdict.confidence", Rules.confidence, 0.5, 0.999_999),
        _pairs(verdict.get("pairs")),
    )


_BAND = (("v_low_pu", 0.9), ("v_high_pu", 1.1))


def _pairs(listed: Any) -> list[list[str]] | None:
    if not isinstance(listed, list):
        return None
    pairs = [pair for pair in listed if isinstance(pair, list) and len(pair) == 2]
    return [[str(name) for name in pair] for pair in pairs] or None


def _mapping(content: dict[str, Any], name: str) -> dict[str, Any]:
    found = content.get(name)
    return found if isinstance(found, dict) else {}


def _number(path: Path, content: dict[str, Any], field: str, default: float, low: float, high: float) -> float:
    value = content.get(field.rsplit(".", 1)[-1], default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low < value <= high:
        raise InputError(f"{path}: {field} is {value!r}; expected a number from {low:g} to {high:g}")
    return float(value)
