"""What a search leaves behind: every trial, the best so far, and a study that ``entangrid run`` takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from entangrid.data.errors import InputError
from entangrid.experiments import store
from entangrid.experiments.config import StudyConfig
from entangrid.experiments.figures import tuning
from entangrid.experiments.tuning import space
from entangrid.experiments.tuning.search import Search, require_optuna

TRIALS, TUNED, FIGURE = "trials.parquet", "tuned.yaml", "tuning.png"


class NothingFoundError(InputError):
    """Of an arm no trial came to its end."""


def trials(searches: Sequence[Search]) -> pd.DataFrame:
    """One row a trial, in the order in which they were asked.

    Columns: arm, trial, state (complete, pruned, fail), score (mean over seeds of the objective of the validation weeks
    [EUR], lower is better), scores (of each seed, JSON), steps (of the arm's budget), spent (of it up to here),
    environment_steps (that its runs took: whole rollouts may add a little to steps), best (lowest score so far), values
    (the fields tried, JSON).
    """
    require_optuna()
    rows: list[dict[str, Any]] = []
    for search in searches:
        best, spent = np.inf, 0
        for trial in search.study.get_trials(deepcopy=False):
            if not trial.state.is_finished():
                continue
            complete = trial.state.name == "COMPLETE"
            best = min(best, trial.value) if complete else best
            spent += int(trial.user_attrs.get("steps", 0))
            rows.append(
                {
                    "arm": search.arm,
                    "trial": trial.number,
                    "state": trial.state.name.lower(),
                    "score": trial.value if complete else np.nan,
                    "scores": json.dumps(trial.user_attrs.get("scores", [])),
                    "steps": int(trial.user_attrs.get("steps", 0)),
                    "spent": spent,
                    "environment_steps": int(trial.user_attrs.get("environment_steps", 0)),
                    "best": best if np.isfinite(best) else np.nan,
                    "values": json.dumps(space.values_of(trial, search.searched)),
                }
            )
    columns = ["arm", "trial", "state", "score", "scores", "steps", "spent", "environment_steps", "best", "values"]
    return pd.DataFrame(rows, columns=columns)


def tuned(study: StudyConfig, searches: Sequence[Search]) -> StudyConfig:
    """The study with every arm's best values; raises NothingFoundError for an arm of which no trial came to its end."""
    for search in searches:
        try:
            best = search.study.best_trial
        except ValueError:
            raise NothingFoundError(f"tune: no trial of arm {search.arm!r} came to its end; see {TRIALS}") from None
        study = space.with_values(study, space.values_of(best, search.searched))
    return study


def write(study: StudyConfig, searches: Sequence[Search], out: Path) -> pd.DataFrame:
    """Write the trials, their figure, and the tuned study if every arm has one; returns the trials."""
    frame = trials(searches)
    store.write_atomically(out / TRIALS, lambda path: frame.to_parquet(path, index=False))
    tuning.draw(frame, out / FIGURE)
    result = tuned(study, searches)
    n, seeds = study.tuning.trials, study.tuning.seed_list
    steps = study.tuning.steps or study.training.steps
    made = ", ".join(f"{arm} {count}" for arm, count in frame["arm"].value_counts(sort=False).items())
    budget = f"the steps of {n} trials of {len(seeds)} seeds, {steps} steps each"
    head = (
        f"# {study.name}, tuned: of every learning arm the best that {budget}, found\n# (trials: {made}),\n"
        f"# by the objective of validation weeks and homes. No trial saw the test. All trials: {TRIALS}\n"
    )
    content = result.model_dump(mode="json", exclude_unset=True)
    text = head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    store.write_atomically(out / TUNED, lambda path: path.write_text(text, encoding="utf-8"))
    return frame


def brief(value: Any) -> str:
    """A value for reading."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
