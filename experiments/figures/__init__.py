"""Figures by name, each drawn from a study's folder alone."""

from __future__ import annotations

from pathlib import Path

from entangrid.data.errors import InputError
from entangrid.experiments import config, plan, setting, tidy
from entangrid.experiments.config import StudyConfig

NAMES = ("overview",)


def stored_study(folder: Path) -> StudyConfig:
    """The study that a folder holds; raises InputError if it holds none."""
    path = folder / tidy.STUDY
    if not path.is_file():
        raise InputError(f"{path}: missing; expected the folder of a study that was run")
    return config.load(str(path))


def make(name: str, folder: Path) -> Path:
    """Draw figure ``name`` of the study in ``folder``; returns the file. Raises InputError for an unknown name."""
    if name not in NAMES:
        raise InputError(f"figure {name!r} is unknown; expected one of: {', '.join(NAMES)}")
    from entangrid.experiments.figures import overview

    study = stored_study(folder)
    runs = plan.plan(study, setting.make(study).scenario)
    return overview.draw(runs, tidy.read(folder), folder)
