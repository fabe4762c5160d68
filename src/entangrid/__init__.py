"""Entangrid: a quantum reinforcement-learning simulator for residential energy.

Importing the package makes its Gymnasium environments known (``entangrid/Home-v0``). It imports neither torch nor
Gymnasium by itself, so that the command line answers at once.
"""

from entangrid import agents, data, envs, experiments
from entangrid.envs.registration import register_with_gymnasium as _register_with_gymnasium

__all__ = ["agents", "data", "envs", "experiments"]

_register_with_gymnasium()


def __getattr__(name: str) -> str:
    """``__version__``, which is looked up when it is asked for: that takes as long as many a command."""
    if name == "__version__":
        from importlib.metadata import version

        return version("entangrid")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
