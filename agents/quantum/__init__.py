"""Quantum circuits: description, TorchQuantum modules, fast execution, policies for Stable-Baselines3.

`Circuit` and `CVCircuit` are data and need no torch; what needs torch is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.cv import CVCircuit

if TYPE_CHECKING:
    from entangrid.agents.quantum.compiling import compile_circuit

__all__ = ["CVCircuit", "Circuit", "compile_circuit"]


def __getattr__(name: str) -> Any:
    if name == "compile_circuit":
        from entangrid.agents.quantum.compiling import compile_circuit

        return compile_circuit
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
