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


class Counter:
    """Hands out the next free index of each trainable vector while gates are written down."""

    def __init__(self) -> None:
        self.n_scales = 0
        self.n_weights = 0

    def scale(self) -> int:
        self.n_scales += 1
        return self.n_scales - 1

    def weight(self) -> int:
        self.n_weights += 1
        return self.n_weights - 1

    def rotations(self, names: Sequence[str], wire: int) -> list[Gate]:
        """Trainable rotations on one wire, each with a weight of its own."""
        return [Gate(name, (wire,), (Angle(weight=self.weight()),)) for name in names]


def reuploading(
    n_qubits: int,
    n_layers: int,
    n_inputs: int,
    rotations: Sequence[str],
    entangler: str,
    *,
    encoding: str,
    encode_first: bool,
    final_block: bool,
    trainable_scaling: bool,
) -> tuple[Gate, ...]:
    """Data re-uploading: each layer encodes one block of the observation and applies trainable rotations and an
    entangler; layer l reads block l mod ceil(n_inputs / n_qubits).

    `encode_first` puts the encoding before the rotations of its layer (Skolik et al. 2022,
    doi:10.22331/q-2022-05-24-720); otherwise it follows the entangler (Jerbi et al. 2021, arXiv:2103.05577), where
    `final_block` closes the circuit with rotations of its own.
    """
    count = Counter()
    n_blocks = -(-n_inputs // n_qubits)
    gates: list[Gate] = []
    for layer in range(n_layers):
        first = (layer % n_blocks) * n_qubits
        encode = [
            Gate(encoding, (i - first,), (Angle(input=i, scale=count.scale() if trainable_scaling else -1),))
            for i in range(first, min(first + n_qubits, n_inputs))
        ]
        variational = [gate for wire in range(n_qubits) for gate in count.rotations(rotations, wire)]
        variational += entangling_layer(entangler, n_qubits)
        gates += encode + variational if encode_first else variational + encode
    if final_block:
        gates += [gate for wire in range(n_qubits) for gate in count.rotations(rotations, wire)]
    return tuple(gates)
