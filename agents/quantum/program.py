"""A circuit as a list of gates whose angles say where they come from: what every backend executes.

An angle is ``offset + factor * squash(scale[s] * x[i]) + weight[w]`` [rad]; any part may be missing. `scale` and
`weight` index the two trainable vectors of the circuit, `input` the observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

PAULI_ROTATIONS = ("rx", "ry", "rz")
ENTANGLERS = ("cz-ring", "cz-chain", "cz-all", "cnot-ring", "cnot-chain", "cnot-all", "none")


class Angle(NamedTuple):
    """One angle [rad]: indices into the observation and the two trainable vectors, -1 where a part is missing."""

    input: int = -1
    scale: int = -1
    weight: int = -1
    factor: float = 1.0
    offset: float = 0.0


class Gate(NamedTuple):
    """One gate by TorchQuantum's name, on wires (0 is the most significant bit)."""

    name: str
    wires: tuple[int, ...]
    angles: tuple[Angle, ...] = ()
    inverse: bool = False


def entangling_layer(kind: str, n_qubits: int) -> list[Gate]:
    """The two-qubit gates of one entangling layer. A ring of two qubits is a single gate, not the pair that undoes
    itself."""
    if kind == "none" or n_qubits == 1:
        return []
    name, shape = kind.split("-")
    pairs = [(i, i + 1) for i in range(n_qubits - 1)]
    if shape == "ring" and n_qubits > 2:
        pairs.append((n_qubits - 1, 0))
    if shape == "all":
        pairs = [(i, j) for i in range(n_qubits) for j in range(i + 1, n_qubits)]
    return [Gate(name, pair) for pair in pairs]


class Program(NamedTuple):
    """A gate list, sizes of its trainable vectors, and pairs of weights (copy, original) that start equal."""

    gates: tuple[Gate, ...]
    n_scales: int
    n_weights: int
    twins: tuple[tuple[int, int], ...] = ()


class Writer:
    """Writes gates down and hands out the next free index of each trainable vector."""

    def __init__(self, encoding: str, n_qubits: int, n_inputs: int, *, trainable_scaling: bool) -> None:
        self.encoding, self.n_qubits, self.n_inputs = encoding, n_qubits, n_inputs
        self.trainable_scaling = trainable_scaling
        self.gates: list[Gate] = []
        self.twins: list[tuple[int, int]] = []
        self.n_scales = 0
        self.n_weights = 0

    def scale(self) -> int:
        """The next scaling, or none where they are not trainable."""
        if not self.trainable_scaling:
            return -1
        self.n_scales += 1
        return self.n_scales - 1

    def weight(self) -> int:
        """The next weight."""
        self.n_weights += 1
        return self.n_weights - 1

    def rotations(self, names: Sequence[str], wires: Sequence[int] | None = None) -> None:
        """Trainable rotations on each wire, each with a weight of its own."""
        for wire in range(self.n_qubits) if wires is None else wires:
            self.gates += [Gate(name, (wire,), (Angle(weight=self.weight()),)) for name in names]

    def encode(self, layer: int) -> None:
        """The layer's block of the observation, one input a wire; amplitudes are encoded before all gates."""
        if self.encoding == "amplitude":
            return
        n_blocks = -(-self.n_inputs // self.n_qubits)
        first = (layer % n_blocks) * self.n_qubits
        for i in range(first, min(first + self.n_qubits, self.n_inputs)):
            self.gates.append(Gate(self.encoding, (i - first,), (Angle(input=i, scale=self.scale()),)))

    def undo(self, start: int) -> None:
        """The inverse of everything since `start`, with weights of its own that begin at the same values."""
        for gate in reversed(self.gates[start:]):
            angles = []
            for angle in gate.angles:
                new = self.weight()
                self.twins.append((new, angle.weight))
                angles.append(angle._replace(weight=new))
            self.gates.append(Gate(gate.name, gate.wires, tuple(angles), not gate.inverse))

    def program(self) -> Program:
        """What was written."""
        return Program(tuple(self.gates), self.n_scales, self.n_weights, tuple(self.twins))
