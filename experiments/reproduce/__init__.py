"""The papers' figures, run again: one module a paper, ``claims.yaml`` with what they state.

``entangrid reproduce`` is the command; `running.reproduce` the function behind it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from entangrid.data.errors import InputError

if TYPE_CHECKING:
    from entangrid.experiments.reproduce.target import Target

#: target -> module and name of its `Target`
_TARGETS = {
    "franz2022-nn-vs-vqdqn": ("franz2022_network", "TARGET"),
    "franz2022-scaling-ablation": ("franz2022_scaling", "TARGET"),
    "jerbi2021-cartpole": ("jerbi2021", "TARGET"),
    "skolik2022-cartpole": ("skolik2022", "TARGET"),
    "chen2020-frozenlake": ("chen2020", "TARGET"),
    "lockwood2020-cartpole": ("lockwood2020", "TARGET"),
    "meyer2025-sample-complexity": ("meyer2025", "TARGET"),
    "chargym-baselines": ("chargym", "TARGET"),
    "qevcs-2025": ("qevcs2025", "TARGET"),
    "andres2022-like": ("andres2022", "TARGET"),
    "nengroo2025-like": ("nengroo2025", "TARGET"),
}

NAMES = tuple(_TARGETS)


def resolve(name: str) -> str:
    """The target's full name from any beginning of it that fits no other; raises InputError."""
    if name in _TARGETS:
        return name
    fitting = [each for each in NAMES if name and each.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(fitting or NAMES)
    problem = "fits several" if fitting else "is unknown"
    raise InputError(f"target {name!r} {problem}; expected one of {known}")


def load(name: str) -> Target:
    """A target by its name or the beginning of it; raises InputError."""
    module, attribute = _TARGETS[resolve(name)]
    target: Target = getattr(import_module(f"entangrid.experiments.reproduce.{module}"), attribute)
    return target
