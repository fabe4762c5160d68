"""A rule of homes: a controller that decides from the observation, with a few declared numbers that can be tuned."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.agents.controller import F, Memoryless, Physical, encode
from entangrid.data.errors import InputError
from entangrid.envs.tasks import Task


class Range(NamedTuple):
    """A parameter of a rule: its default, and the range that it may be tuned in."""

    default: float
    low: float
    high: float


class Rule(Memoryless):
    """Commands of every device from what is seen; ``values`` holds the parameters, numbers or (E, 1) arrays.

    **Information: the observation**, and of the home its own parameters. A subclass says which parameters it has
    (``parameters``), which of the task's controls it is about (``needs``: at least one of them must be there), and what
    it commands.
    """

    name: ClassVar[str]
    parameters: ClassVar[dict[str, Range]] = {}
    needs: ClassVar[tuple[str, ...]] = ()
    information = "observation"

    def __init__(self, task: Task, **values: float):
        """Raises InputError for a task without any of the controls that the rule is about, for an unknown parameter and
        for a value out of its range."""
        if self.needs and not set(self.needs) & set(task.controls):
            raise InputError(
                f"{self.name}: the task controls {', '.join(task.controls)}; expected one of {', '.join(self.needs)}"
            )
        self.task = task
        self.values: dict[str, Any] = {name: range_.default for name, range_ in self.parameters.items()}
        for name, value in values.items():
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                raise InputError(f"{self.name}: parameter {name!r} is unknown; expected some of {known}")
            range_ = self.parameters[name]
            if not range_.low <= value <= range_.high:
                raise InputError(f"{self.name}: {name} is {value:g}; expected {range_.low:g} to {range_.high:g}")
            self.values[name] = float(value)

    def act(self, observation: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Actions for observations (E, K H)."""
        return encode(self.task, self.commands(Physical(self.task, observation)))

    def commands(self, seen: Physical) -> dict[str, F]:
        """Commands (E, H) of each of the task's controls."""
        raise NotImplementedError


def hour_of(seen: Physical) -> F:
    """Wall-clock hour (E, H) [0, 24) from its sine and cosine."""
    angle = np.arctan2(seen["hour_sin"], seen["hour_cos"])
    return np.asarray(np.round(angle / (2.0 * np.pi) * 24.0, 4) % 24.0)


def within(hour: F, first: Any, last: Any) -> npt.NDArray[np.bool_]:
    """Whether hours lie in [first, last), over midnight where last is before first."""
    return np.asarray(np.where(first <= last, (hour >= first) & (hour < last), (hour >= first) | (hour < last)))
