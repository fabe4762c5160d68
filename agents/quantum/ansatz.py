"""The circuit families, as programs."""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import TYPE_CHECKING

from entangrid.agents.quantum.program import Angle, Gate, Program, Writer, entangling_layer
from entangrid.data.errors import InputError

if TYPE_CHECKING:
    from entangrid.agents.quantum.circuit import Circuit


def _writer(circuit: Circuit) -> Writer:
    return Writer(
        circuit.encoding, circuit.n_qubits, circuit.features, trainable_scaling=circuit.trainable_scaling
    )  # fmt: skip


def reuploading(circuit: Circuit) -> Program:
    """Data re-uploading: each layer encodes one block of the observation and applies rotations and an entangler.

    `encode_first` puts the encoding before the rotations of its layer (Skolik et al. 2022,
    doi:10.22331/q-2022-05-24-720); otherwise it follows the entangler (Jerbi et al. 2021, arXiv:2103.05577), where
    `final_block` closes the circuit with rotations of its own. With "identity-block" initialisation the rotations and
    entangler of a layer are followed by their inverse, so that each layer starts as its encoding alone (Grant et al.
    2019, doi:10.22331/q-2019-12-09-214).
    """
    write = _writer(circuit)
    for layer in range(circuit.n_layers):
        if circuit.encode_first:
            write.encode(layer)
        start = len(write.gates)
        write.rotations(circuit.rotations)
        write.gates += entangling_layer(circuit.entangler, circuit.n_qubits)
        if circuit.initialisation == "identity-block":
            write.undo(start)
        if not circuit.encode_first:
            write.encode(layer)
    if circuit.final_block:
        write.rotations(circuit.rotations)
    return write.program()


def hardware_efficient(circuit: Circuit) -> Program:
    """The observation once, then layers of rotations and an entangler (Kandala et al. 2017, doi:10.1038/nature23879).
    Inputs beyond the qubits turn about the next axis."""
    write = _writer(circuit)
    if circuit.encoding != "amplitude":
        axes = ("rx", "ry", "rz")
        for i in range(circuit.features):
            axis = axes[(axes.index(circuit.encoding) + i // circuit.n_qubits) % 3]
            write.gates.append(Gate(axis, (i % circuit.n_qubits,), (Angle(input=i, scale=write.scale()),)))
    for _ in range(circuit.n_layers):
        write.rotations(circuit.rotations)
        write.gates += entangling_layer(circuit.entangler, circuit.n_qubits)
    if circuit.final_block:
        write.rotations(circuit.rotations)
    return write.program()


def strongly_entangling(circuit: Circuit) -> Program:
    """Each layer encodes, turns every qubit freely (RZ RY RZ) and entangles it with the one `range` further, where the
    range grows with the layer (Schuld et al. 2020, doi:10.1103/PhysRevA.101.032308)."""
    write, n = _writer(circuit), circuit.n_qubits
    for layer in range(circuit.n_layers):
        write.encode(layer)
        write.rotations(("rz", "ry", "rz"))
        if n > 1:
            reach = 1 + layer % (n - 1)
            write.gates += [Gate("cnot", (i, (i + reach) % n)) for i in range(n)]
    return write.program()


def controlled_rotation_ring(circuit: Circuit) -> Program:
    """Hadamard gates, then a ring of controlled rotations whose three angles are each scale * x_i + weight (Meyer et
    al. 2025, arXiv:2501.15893). One feature a qubit."""
    write, n = _writer(circuit), circuit.n_qubits
    if n < 2:
        raise InputError("Circuit: ansatz='controlled-rotation-ring' needs n_qubits of at least 2")
    n_features = circuit.features
    for _ in range(circuit.n_layers):
        write.gates += [Gate("h", (i,)) for i in range(n)]
        for i in range(n):
            angles = [Angle(i % n_features, write.scale(), write.weight()) for _ in range(3)]
            write.gates.append(Gate("crot", (i, (i + 1) % n), tuple(angles)))
    return write.program()


def basis_bits(circuit: Circuit) -> Program:
    """Observation of bits b: RX(πb) RZ(πb); layers of a CNOT chain and free rotations (Chen et al. 2020,
    doi:10.1109/ACCESS.2020.3010470)."""
    write = _writer(circuit)
    _encode_bits(circuit, write)
    for _ in range(circuit.n_layers):
        write.gates += entangling_layer("cnot-chain", circuit.n_qubits)
        write.rotations(("rz", "ry", "rz"))
    return write.program()


def pooling(circuit: Circuit) -> Program:
    """Observation of bits (the signs of the state), layers of a CNOT chain and RX RY RZ, then the first half of the
    qubits pooled into the second (Lockwood and Si 2020, arXiv:2008.07524): rotations of both, CNOT, inverse rotations
    of the target. Read the second half."""
    write, half = _writer(circuit), circuit.n_qubits // 2
    if circuit.n_qubits % 2:
        raise InputError(f"Circuit: ansatz='pooling' needs an even n_qubits, not {circuit.n_qubits}")
    _encode_bits(circuit, write)
    for _ in range(circuit.n_layers):
        write.gates += entangling_layer("cnot-chain", circuit.n_qubits)
        write.rotations(("rx", "ry", "rz"))
    for source in range(half):
        start = len(write.gates)
        write.rotations(("rx", "ry", "rz"), [source + half])
        basis = write.gates[start:]
        write.rotations(("rx", "ry", "rz"), [source])
        write.gates.append(Gate("cnot", (source, source + half)))
        write.gates += [gate._replace(inverse=True) for gate in reversed(basis)]
    return write.program()


def _encode_bits(circuit: Circuit, write: Writer) -> None:
    for i in range(min(circuit.features, circuit.n_qubits)):
        write.gates += [Gate(name, (i,), (Angle(input=i, factor=pi),)) for name in ("rx", "rz")]


ANSATZE: dict[str, Callable[[Circuit], Program]] = {
    "reuploading": reuploading,
    "hardware-efficient": hardware_efficient,
    "strongly-entangling": strongly_entangling,
    "controlled-rotation-ring": controlled_rotation_ring,
    "basis-bits": basis_bits,
    "pooling": pooling,
}
