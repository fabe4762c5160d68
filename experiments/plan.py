"""From a study to its runs: which arm, which seed, under which key."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

from entangrid.data.scenario import Scenario
from entangrid.experiments.config import Arm, LearningArm, MatchedArm, StudyConfig

#: Raised whenever physics or algorithms change, so that no stale result is taken for a fresh one.
RESULTS_VERSION = 2


class Run(NamedTuple):
    """One arm with one seed; ``seed`` is None for a controller that does not learn."""

    arm: str
    config: Arm
    seed: int | None
    key: str

    @property
    def folder(self) -> str:
        """Name of the run's folder."""
        seed = "" if self.seed is None else f"-seed{self.seed}"
        return f"{self.arm}{seed}-{self.key}"


def plan(study: StudyConfig, scenario: Scenario) -> list[Run]:
    """Every run of a study, in the order of its arms, then seeds."""
    runs = []
    for name, arm in study.arms.items():
        seeds: list[int | None] = list(study.training.seeds) if isinstance(arm, LearningArm) else [None]
        runs += [Run(name, arm, seed, _key(study, arm, seed, scenario)) for seed in seeds]
    return runs


def _key(study: StudyConfig, arm: Arm, seed: int | None, scenario: Scenario) -> str:
    """Hash of all that decides the run's result; names and questions do not."""
    learns = isinstance(arm, LearningArm)
    matched = study.arms[arm.match].model_dump() if isinstance(arm, MatchedArm) else None
    content: dict[str, Any] = {
        "results_version": RESULTS_VERSION,
        "scenario": scenario.content_hash(),
        "task": study.task.model_dump(),
        "split": study.split.model_dump(),
        "arm": arm.model_dump(),
        "match": matched,
        "seed": seed,
        "training": study.training.model_dump(exclude={"seeds"}) if learns else None,
        "ppo": study.ppo.model_dump() if learns else None,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
