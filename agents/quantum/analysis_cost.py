"""What a circuit is made of and what a gradient of it costs: counts only, no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.cv import CVCircuit
from entangrid.agents.quantum.readout import PauliTerms
from entangrid.agents.quantum.translation import Fixed, Turn, translate
from entangrid.data.errors import InputError


class Cost(NamedTuple):
    """Counts of a circuit.

    `gates` by name, as described (before any decomposition); `depth`, the longest chain of gates that wait for one
    another; `two_wire_gates`, those on two or more qubits or modes; `settings`, measurements in different bases that
    the read-out needs; `shifts`, circuits of the parameter-shift rule beside the one itself, each in every setting, for
    the derivatives to all that is trainable, None where no such rule exists.
    """

    parameters: dict[str, int]
    gates: dict[str, int]
    depth: int
    two_wire_gates: int
    settings: int
    shifts: int | None

    def shift_executions(self, batch: int) -> int | None:
        """Circuit executions (each of as many shots as one likes) of one gradient step over a batch: for each sample,
        the circuit and its shifted copies in every setting."""
        return None if self.shifts is None else batch * self.settings * (1 + self.shifts)

    def adjoint_executions(self, batch: int) -> int:
        """Passes of a simulator of one gradient step: for each sample one forward and one backward, whatever the number
        of parameters. Hardware cannot do this."""
        return 2 * batch


def cost(circuit: Circuit | CVCircuit) -> Cost:
    """The counts of a circuit. Raises `InputError` for a gate whose generator is not known."""
    if isinstance(circuit, CVCircuit):
        return _cv_cost(circuit)
    return Cost(
        circuit.parameters,
        dict(Counter(gate.name for gate in circuit.gates)),
        depth([gate.wires for gate in circuit.gates]),
        sum(len(gate.wires) > 1 for gate in circuit.gates),
        len(measurement_settings(circuit.terms, circuit.n_qubits)),
        _shifts(circuit),
    )


def depth(wires: Iterable[Sequence[int]]) -> int:
    """The longest chain of gates, given the wires of each in order."""
    level: dict[int, int] = {}
    for chosen in wires:
        new = 1 + max(level.get(wire, 0) for wire in chosen)
        level.update(dict.fromkeys(chosen, new))
    return max(level.values(), default=0)


def _shifts(circuit: Circuit) -> int:
    """Two circuits for each rotation whose angle has something trainable in or before it, four for a controlled one,
    whose generator has three eigenvalues (Wierichs et al. 2022, doi:10.22331/q-2022-03-30-677)."""
    count = 0
    for gate in circuit.gates:
        primitives = translate(gate)
        if primitives is None:
            raise InputError(f"gate {gate.name!r} on wires {gate.wires} has no known generator")
        for primitive in primitives:
            if isinstance(primitive, Fixed):
                continue
            angle = primitive.angle
            if angle.weight >= 0 or angle.scale >= 0 or (angle.input >= 0 and circuit.input_layer):
                count += 4 if isinstance(primitive, Turn) and primitive.controls else 2
    return count


def pauli_strings(terms: PauliTerms, n_qubits: int) -> list[str]:
    """The Pauli strings of a read-out, qubit 0 first."""
    strings = []
    for flip, sign in zip(terms.flip.tolist(), terms.sign.tolist(), strict=True):
        bits = [1 << (n_qubits - 1 - i) for i in range(n_qubits)]
        strings.append("".join("IZXY"[(2 if flip & b else 0) + (1 if sign & b else 0)] for b in bits))
    return strings


def measurement_settings(terms: PauliTerms, n_qubits: int) -> list[str]:
    """Bases, one letter a qubit, in which all strings of a read-out can be measured; strings share a setting where
    they have the same letter or none on every qubit (a first fit, not always the fewest)."""
    settings: list[str] = []
    for string in sorted(pauli_strings(terms, n_qubits), key=lambda s: s.count("I")):
        for i, setting in enumerate(settings):
            if all(a == b or "I" in (a, b) for a, b in zip(setting, string, strict=True)):
                settings[i] = "".join(b if a == "I" else a for a, b in zip(setting, string, strict=True))
                break
        else:
            settings.append(string)
    return settings


def _cv_cost(circuit: CVCircuit) -> Cost:
    gates = circuit.gates()
    # Gaussian gates have a two-term rule where <x> is read and all gates behind them are Gaussian (Schuld et al. 2019,
    # doi:10.1103/PhysRevA.99.032331); homodyne and photon counting are two settings
    trainable = sum(
        len(gate.weights) + (gate.scale >= 0 or (gate.input >= 0 and circuit.input_layer)) for gate in gates
    )
    return Cost(
        circuit.parameters,
        dict(Counter(gate.name for gate in gates)),
        depth([gate.modes for gate in gates]),
        sum(len(gate.modes) > 1 for gate in gates),
        len(circuit.readout),
        2 * trainable if circuit.readout == "x" and not circuit.kerr else None,
    )
