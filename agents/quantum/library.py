"""The circuits of the papers that studies are compared with, at the papers' sizes [trainable numbers in brackets].

Each is a `Circuit`; `dataclasses.replace` changes its size. What each paper's agent adds around it (replay, learning
rates, rewards) belongs to the studies.
"""

from __future__ import annotations

from entangrid.agents.quantum.circuit import Circuit


def jerbi2021() -> Circuit:
    """REINFORCE on CartPole [94]: Z⊗Z⊗Z⊗Z times weights of alternating sign (arXiv:2103.05577)."""
    return Circuit(
        n_qubits=4, n_layers=5, rotations=("rx", "ry", "rz"), encode_first=False, final_block=True,
        readout="z-all", output="linear", n_outputs=2,
    )  # fmt: skip


def skolik2022() -> Circuit:
    """Q-learning on CartPole [62]: ⟨Z0 Z1⟩ and ⟨Z2 Z3⟩ in [0, 1] times weights (doi:10.22331/q-2022-05-24-720)."""
    return Circuit(n_qubits=4, n_layers=5, squash="tanh", readout="zz", readout_range="unit", output="scale")


def chen2020() -> Circuit:
    """Q-learning on FrozenLake [28]: bits of the state, ⟨Z_i⟩ plus a bias (doi:10.1109/ACCESS.2020.3010470)."""
    return Circuit(n_qubits=4, n_layers=2, ansatz="basis-bits", trainable_scaling=False, output="bias")


def lockwood2020() -> Circuit:
    """Q-learning on CartPole [48]: signs of the state as bits, pooling, ⟨Z⟩ of two qubits (arXiv:2008.07524)."""
    return Circuit(
        n_qubits=4, n_layers=3, ansatz="pooling", trainable_scaling=False, readout=("IIZI", "IIIZ")
    )  # fmt: skip


def meyer2025(n_qubits: int = 10) -> Circuit:
    """Hybrid network for beam management [313 with 10 qubits, 437 with 14]: linear layers before and after a ring of
    controlled rotations (arXiv:2501.15893)."""
    return Circuit(
        n_qubits=n_qubits, n_layers=4, n_inputs=3, ansatz="controlled-rotation-ring", input_layer=True,
        output="affine", n_outputs=3,
    )  # fmt: skip


def qevcs2025() -> Circuit:
    """Electric-vehicle charging [263]: 11 qubits, ⟨Z_i Z_i+1⟩ in [0, 1] times weights."""
    return Circuit(
        n_qubits=11, n_layers=5, rotations=("rx", "ry", "rz"), encode_first=False, final_block=True, squash="tanh",
        readout="zz-chain", readout_range="unit", output="scale",
    )  # fmt: skip


def unentangled(n_qubits: int, n_layers: int = 3) -> Circuit:
    """Re-uploading without two-qubit gates: what entanglement is to be compared with."""
    return Circuit(n_qubits=n_qubits, n_layers=n_layers, entangler="none")


def single_qubit(n_inputs: int, n_repeats: int = 1) -> Circuit:
    """All inputs one after another on one qubit (Pérez-Salinas et al. 2020, doi:10.22331/q-2020-02-06-226)."""
    return Circuit(n_qubits=1, n_layers=n_inputs * n_repeats, n_inputs=n_inputs)


LIBRARY = {
    "jerbi2021": jerbi2021,
    "skolik2022": skolik2022,
    "chen2020": chen2020,
    "lockwood2020": lockwood2020,
    "meyer2025": meyer2025,
    "qevcs2025": qevcs2025,
}
