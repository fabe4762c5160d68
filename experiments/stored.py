"""What a study's folder says of the study itself, read leniently: studies of earlier versions stay readable."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from entangrid.data.errors import InputError

STUDY = "study.yaml"


@dataclass(frozen=True)
class Rules:
    """What the study fixed before its runs: the margin of equivalence (of gap closed), the confidence of intervals."""

    margin: float = 0.05
    confidence: float = 0.95


@dataclass(frozen=True)
class StoredStudy:
    """``text``: the file as it stands; ``voltage_band``: [pu], EN 50160's where the study says nothing."""

    name: str
    question: str
    verdict: Rules
    voltage_band: tuple[float, float]
    text: str


def read(folder: Path) -> StoredStudy:
    """The study that a folder holds; raises InputError if it holds none, naming what is wrong."""
    path = folder / STUDY
    if not path.is_file():
        raise InputError(f"{path}: missing; expected the folder of a study that was run")
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: cannot be read as YAML: {reason}") from None
    if not isinstance(content, dict) or not isinstance(content.get("name"), str):
        raise InputError(f"{path}: not a study's file; expected a mapping with a name")
    verdict, task = _mapping(content, "verdict"), _mapping(_mapping(content, "task"), "feeder_rules")
    rules = Rules(
        _number(path, verdict, "verdict.margin", Rules.margin, 0.0, 10.0),
        _number(path, verdict, "verdict.confidence", Rules.confidence, 0.5, 0.999_999),
    )
    band = tuple(_number(path, task, f"task.feeder_rules.{name}", default, 0.0, 2.0) for name, default in _BAND)
    question = content.get("question")
    return StoredStudy(content["name"], question if isinstance(question, str) else "", rules, (band[0], band[1]), text)


_BAND = (("v_low_pu", 0.9), ("v_high_pu", 1.1))


def _mapping(content: dict[str, Any], name: str) -> dict[str, Any]:
    found = content.get(name)
    return found if isinstance(found, dict) else {}


def _number(path: Path, content: dict[str, Any], field: str, default: float, low: float, high: float) -> float:
    value = content.get(field.rsplit(".", 1)[-1], default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low < value <= high:
        raise InputError(f"{path}: {field} is {value!r}; expected a number from {low:g} to {high:g}")
    return float(value)
