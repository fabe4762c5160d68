"""Environments of homes: physics in Numba kernels, one simulator, several faces.

The names below are imported when they are used, so that ``import entangrid`` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from entangrid.envs.feeder import Feeder, PowerFlow
    from entangrid.envs.gym import HomeEnv, HomeVectorEnv
    from entangrid.envs.parallel import make_parallel
    from entangrid.envs.sb3 import HomeVecEnv, make_sb3
    from entangrid.envs.simulator import Simulator
    from entangrid.envs.tasks import Task

_HOMES = {
    "Feeder": "feeder",
    "PowerFlow": "feeder",
    "HomeEnv": "gym",
    "HomeVectorEnv": "gym",
    "HomeVecEnv": "sb3",
    "make_parallel": "parallel",
    "make_sb3": "sb3",
    "Simulator": "simulator",
    "Task": "tasks",
}
__all__ = [
    "Feeder",
    "HomeEnv",
    "HomeVecEnv",
    "HomeVectorEnv",
    "PowerFlow",
    "Simulator",
    "Task",
    "make_parallel",
    "make_sb3",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"entangrid.envs.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
