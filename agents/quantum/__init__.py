"""Quantum circuits: description, TorchQuantum modules, fast execution, policies for Stable-Baselines3.

`Circuit` is data and needs no torch; what needs torch is imported where it is used.
"""

from entangrid.agents.quantum.circuit import Circuit

__all__ = ["Circuit"]
