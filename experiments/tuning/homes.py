"""Whether a search's homes are other homes than those of the test: by what they hold, not by what they are called."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entangrid.data.errors import InputError
from entangrid.data.scenario import Scenario
from entangrid.data.splits import split_homes
from entangrid.experiments import setting
from entangrid.experiments.config import StudyConfig
from entangrid.experiments.config.task import scenario_text

_HOURS = (168, 2_000)  # of two profiles: what tells households apart, and what is enough
_ALIKE = 0.99  # correlation of hourly loads; between two of 200 made-up households it is 0.8 at most


def shared(study: StudyConfig) -> bool:
    """Whether homes of tuning are homes of the test, so that weeks and seeds alone keep them apart."""
    homes = study.split.homes
    return study.tuning.scenario is None and not (homes.test_share or homes.test)


def check(study: StudyConfig) -> None:
    """Raise InputError where a search would know homes of the test, unless the study says that it may
    (``tuning.shared_homes``); and where it has no one test to keep from."""
    if shared(study) and not study.tuning.shared_homes:
        raise InputError(
            "tuning would search on homes of the test, since split.homes holds none out for it; expected "
            "split.homes.test_share above 0, other homes as tuning.scenario, or tuning.shared_homes: true, with which "
            "weeks and seeds alone keep them apart"
        )
    for path in study.sweep.axes if study.sweep else {}:
        if path.startswith("split."):
            raise InputError(f"sweep.axes.{path} changes what the test is; a search knows one test: tune without it")
    if shared(study):
        return
    if study.tuning.scenario is not None:
        check_scenario(study)
        return
    own, test = _own(study)
    searched = own.of_homes([name for name in own.home_names if name not in test.home_names])
    _check_apart("split.homes", searched, test)


def check_scenario(study: StudyConfig) -> None:
    """Raise InputError for a ``tuning.scenario`` that cannot be loaded, or that has homes of the test."""
    if study.tuning.scenario is None:
        return
    name = scenario_text(study.tuning.scenario)
    try:
        searched = setting.load_scenario(name)
    except InputError as error:
        raise InputError(f"tuning.scenario: {error}") from None
    for each in study.scenario_names:
        alone = study.model_copy(update={"scenario": each, "scenarios": None})
        if _seed(name) is not None and _seed(name) == _seed(setting.scenario_name(alone)):
            raise InputError("tuning.scenario has the homes of the study's scenario; expected others (another seed)")
        _check_apart("tuning.scenario", searched, _own(alone)[1])


def _own(study: StudyConfig) -> tuple[Scenario, Scenario]:
    """The study's scenario, and it with the homes of the test alone."""
    own = setting.load_scenario(setting.scenario_name(study))
    return own, own.of_homes(split_homes(own, **study.split.homes.model_dump())["test"])


def _check_apart(where: str, searched: Scenario, test: Scenario) -> None:
    if common := common_home(searched, test):
        raise InputError(
            f"{where}: home {common[0]!r} of the search is home {common[1]!r} of the test; expected others"
        )


def _seed(scenario: str) -> int | None:
    """Of made-up homes: the same one makes the same homes again, whatever else is asked for. None for others."""
    name, _, given = scenario.partition(":")
    if name != "synthetic":
        return None
    return int(dict(each.partition("=")[::2] for each in given.split(",")).get("seed", "0"))


def common_home(one: Scenario, other: Scenario) -> tuple[str, str] | None:
    """The first home of one scenario that is a home of the other too, and its name there; None if there is none.

    A household is known by its electric load: two homes are the same if their hourly loads are proportional, but for a
    constant, over a week or more of common time (up to 2,000 h of it). Homes without such a time, or without a load
    that changes, are the same if name and parameters are. Two scenarios in which two homes or more have the same names
    and parameters, and not those of each other, are of the same homes too, whatever their loads: made up from one seed.
    """
    twins = [name for name in one.home_names if name in other.home_names]
    twins = [name for name in twins if _same(_row(one, name), _row(other, name))]
    if len(twins) > 1 and not _same(_row(one, twins[0]), _row(one, twins[1])):
        return twins[0], twins[0]
    a, b = _hourly(one), _hourly(other)
    times = a.index.intersection(b.index)[: _HOURS[1]]
    known = len(times) >= _HOURS[0]
    left, right = (_unit(frame.loc[times].to_numpy()) for frame in (a, b)) if known else (None, None)
    for i, name in enumerate(one.home_names):
        if left is not None and right is not None and left[:, i].any():
            found = np.flatnonzero(left[:, i] @ right > _ALIKE)
            if found.size:
                return name, other.home_names[int(found[0])]
        elif name in other.home_names:
            j = other.home_names.index(name)
            unknown = right is None or not right[:, j].any()
            if unknown and _same(_row(one, name), _row(other, name)):
                return name, name
    return None


def _hourly(scenario: Scenario) -> pd.DataFrame:
    return pd.DataFrame(scenario.load_kw, scenario.index).resample("1h").mean()


def _unit(load: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns of mean 0 and length 1; zeros where nothing changes."""
    moved = load - load.mean(axis=0)
    length = np.linalg.norm(moved, axis=0)
    flat = length <= 1e-9 * np.maximum(np.abs(load).sum(axis=0), 1.0)
    return np.where(flat, 0.0, moved / np.where(flat, 1.0, length))


def _row(scenario: Scenario, name: str) -> pd.Series:
    return scenario.homes.iloc[scenario.home_names.index(name)]


def _same(one: pd.Series, other: pd.Series) -> bool:
    names = one.index.union(other.index)
    return bool(np.allclose(one.reindex(names), other.reindex(names), rtol=1e-6, equal_nan=True))
