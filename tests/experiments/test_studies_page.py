"""The page on studies: every YAML block of it can be run, and it names every field and controller."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from entangrid.experiments import config, plan
from entangrid.experiments.config.task import TASK_NAMES

PAGE = (Path(__file__).parents[2] / "docs" / "studies.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_block_is_a_study_whose_runs_can_be_planned(number: int) -> None:
    study = config.parse(BLOCKS[number], f"studies.md, block {number}")
    assert len(plan.plan(study)) > len(study.arms)


def test_the_page_names_every_field_task_and_network() -> None:
    assert len(BLOCKS) >= 2
    for name in [*config.StudyConfig.model_fields, *config.TaskConfig.model_fields, *TASK_NAMES]:
        assert f"`{name}" in PAGE, name
    for field in ("sweep", "verdict", "tuning", "tracking", "training", "split"):
        model = config.StudyConfig.model_fields[field].annotation
        for name in getattr(model, "model_fields", {}):
            assert name in PAGE, (field, name)
    for network in ("ALGO-mlp", "ALGO-mlp-matched", "ALGO-quantum", "ALGO-quantum-critic"):
        assert f"`{network}`" in PAGE
