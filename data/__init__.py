"""Data: real series and typical years, checked on the way in, as dense read-only arrays (:class:`Scenario`).

>>> from entangrid.data import load, split_weeks
>>> scenario = load("bundled-home")
>>> weeks = split_weeks(scenario, months=(1, 2, 12))

Names are imported when they are first used: pandas and pvlib stay out of ``import entangrid``.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from entangrid.data.errors import InputError

if TYPE_CHECKING:
    from entangrid.data.loading import load
    from entangrid.data.scenario import Scenario
    from entangrid.data.sources.synthetic import synthetic
    from entangrid.data.splits import split_weeks

__all__ = ["InputError", "Scenario", "load", "split_weeks", "synthetic"]

_WHERE = {"Scenario": "scenario", "load": "loading", "split_weeks": "splits", "synthetic": "sources.synthetic"}


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
