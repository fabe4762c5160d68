"""Entangrid: a quantum reinforcement-learning simulator for residential energy.

Importing the package makes its Gymnasium environments known (``entangrid/Home-v0``). It imports neither torch nor
Gymnasium by itself, so that the command line answers at once.
"""

from importlib.metadata import version as _version

from entangrid import agents, data, envs, experiments
from entangrid.envs.registration import register_with_gymnasium as _register_with_gymnasium

__all__ = ["agents", "data", "envs", "experiments"]

__version__ = _version("entangrid")

_register_with_gymnasium()
