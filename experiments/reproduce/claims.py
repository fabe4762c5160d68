"""The claimed numbers, from their one file."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict


class Claim(BaseModel):
    """A number that a paper states or that follows from what it published; see the head of ``claims.yaml``."""

    model_config = ConfigDict(extra="forbid")

    metric: str
    value: float
    unit: str
    mark: str
    source: str
    low: float | None = None
    high: float | None = None


def load(target: str) -> dict[str, Claim]:
    """Claims of a target by key; empty where nothing was stated that could be matched."""
    return {key: Claim(**entry) for key, entry in _read()[target].items()}


def franz_runs() -> dict[str, list[int]]:
    """Agent -> last validation of each published run of Franz et al. 2022, negative where it did not solve the task."""
    runs: dict[str, list[int]] = _read()["franz2022-runs"]
    return runs


def _read() -> Any:
    import yaml

    return yaml.safe_load((files("entangrid.experiments.reproduce") / "claims.yaml").read_text(encoding="utf-8"))
