"""Fewer, larger TorchQuantum gates for the same circuit.

TorchQuantum spends some 50 tensor operations on a gate, whatever its size. Circuits made of Pauli rotations and fixed
CZ or CNOT gates fall into stages: one product of rotations per qubit, then one entangling layer. A stage becomes a few
unitaries on up to three neighbouring wires, and its entangling layer a signed permutation of the amplitudes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from entangrid.agents.quantum.program import PAULI_ROTATIONS, Angle, Gate
from entangrid.agents.quantum.torchquantum import tq, tqf

_ENTANGLING = ("cz", "cnot")
_BLOCK = 3  # wires of one unitary; building it costs 4^wires, applying it 2^wires


class Stage(NamedTuple):
    """Rotations of each qubit in order, then amplitudes j <- sign[j] amplitude[source[j]]."""

    rotations: list[list[tuple[str, Angle]]]
    entangler: list[Gate]


def split_stages(gates: Sequence[Gate], n_qubits: int) -> list[Stage] | None:
    """The stages of a gate list, or None where it holds other gates."""
    stages: list[Stage] = []
    for gate in gates:
        if gate.inverse or gate.name not in PAULI_ROTATIONS + _ENTANGLING:
            return None
        is_rotation = gate.name in PAULI_ROTATIONS
        if not stages or (is_rotation and stages[-1].entangler):
            stages.append(Stage([[] for _ in range(n_qubits)], []))
        if is_rotation:
            stages[-1].rotations[gate.wires[0]].append((gate.name, gate.angles[0]))
        else:
            stages[-1].entangler.append(gate)
    return stages


def signed_permutation(gates: Sequence[Gate], n_qubits: int) -> tuple[np.ndarray, np.ndarray]:
    """(source, sign) of a run of CZ and CNOT gates: new[j] = sign[j] old[source[j]]."""
    source, sign = np.arange(1 << n_qubits), np.ones(1 << n_qubits)
    for gate in gates:
        control, target = (1 << (n_qubits - 1 - w) for w in gate.wires)
        j = np.arange(1 << n_qubits)
        if gate.name == "cz":
            sign = np.where((j & control > 0) & (j & target > 0), -sign, sign)
        else:
            take = np.where(j & control > 0, j ^ target, j)
            source, sign = source[take], sign[take]
    return source, sign


def template(stages: Sequence[Stage]) -> tuple[str, ...] | None:
    """One list of rotations of which every qubit's in every stage is a subsequence; None if there is no short one."""
    runs = [tuple(name for name, _ in run) for stage in stages for run in stage.rotations]
    for candidate in sorted(set(runs), key=len, reverse=True):
        if all(_fit(run, candidate) is not None for run in set(runs)):
            return candidate
    return None


def _fit(run: Sequence[str], names: Sequence[str]) -> list[int] | None:
    """Positions in `names` that the rotations of `run` take, the last possible ones, or None."""
    positions, at = [], len(names)
    for name in reversed(run):
        at -= 1
        while at >= 0 and names[at] != name:
            at -= 1
        if at < 0:
            return None
        positions.append(at)
    return positions[::-1]


class BlockForm(torch.nn.Module):
    """Executes the stages of one gate list on a TorchQuantum device.

    `order[t]` says which entries of the angle vectors, followed by one zero, are the angles (S, n) of rotation t of
    the template; `batched[t]` whether they depend on the observation.
    """

    def __init__(self, stages: Sequence[Stage], names: tuple[str, ...], slots: dict[Angle, int], n_qubits: int) -> None:
        super().__init__()
        self.n_qubits, self.names = n_qubits, names
        order = np.full((len(names), len(stages), n_qubits), -1)
        self.batched = [False] * len(names)
        for s, stage in enumerate(stages):
            for q, run in enumerate(stage.rotations):
                fit = _fit([name for name, _ in run], names)
                assert fit is not None, "the template holds every run"
                for position, (_, angle) in zip(fit, run, strict=True):
                    order[position, s, q] = slots[angle]
                    self.batched[position] |= angle.input >= 0
        self.register_buffer("order", torch.as_tensor(order), persistent=False)
        # -i P, by which a rotation is cos(a/2) + sin(a/2) (-i P)
        paulis = {"rx": [[0, -1j], [-1j, 0]], "ry": [[0, -1], [1, 0]], "rz": [[-1j, 0], [0, 1j]]}
        generators = torch.tensor([paulis[name] for name in names], dtype=torch.complex64)
        self.register_buffer("generators", generators, persistent=False)
        self.kinds: list[str] = []
        for s, stage in enumerate(stages):
            source, sign = signed_permutation(stage.entangler, n_qubits)
            moves, flips = bool((source != np.arange(1 << n_qubits)).any()), bool((sign < 0).any())
            self.kinds.append(("permute" if moves else "") + ("sign" if flips else ""))
            self.register_buffer(f"source{s}", torch.as_tensor(source), persistent=False)
            self.register_buffer(f"sign{s}", torch.as_tensor(sign, dtype=torch.float32), persistent=False)
        n_blocks = -(-n_qubits // _BLOCK)
        self.wires = [list(map(int, part)) for part in np.array_split(np.arange(n_qubits), n_blocks)]

    def run(self, angles: torch.Tensor, start: torch.Tensor | None = None) -> torch.Tensor:
        """Amplitudes (B, 2^n) complex64 for the angles (B, K + 1) of all slots, the last of them zero, from the states
        `start` or |0...0>."""
        matrices = self._products(angles)
        device = tq.QuantumDevice(n_wires=self.n_qubits, bsz=angles.shape[0], device=angles.device)
        if start is not None:
            device.set_states(start.to(torch.complex64))
        blocks = [(wires, _kron([matrices[:, :, w] for w in wires])) for wires in self.wires]
        for s, kind in enumerate(self.kinds):
            for wires, block in blocks:
                tqf.qubitunitaryfast(device, wires=wires, params=block[:, s])
            if kind:
                states = device.get_states_1d()
                if "permute" in kind:
                    states = states[:, self.get_buffer(f"source{s}")]
                if "sign" in kind:
                    states = states * self.get_buffer(f"sign{s}")
                device.set_states(states)
        states = device.get_states_1d()
        assert isinstance(states, torch.Tensor)
        return states

    def _products(self, angles: torch.Tensor) -> torch.Tensor:
        """The product of every stage's and qubit's rotations, (B, S, n, 2, 2); from the last rotation to the first, so
        that the encoding, which usually comes first, is the only step over the whole batch."""
        order, generators = self.get_buffer("order"), self.get_buffer("generators")
        product: torch.Tensor | None = None
        for t in reversed(range(len(self.names))):
            half = 0.5 * (angles if self.batched[t] else angles[:1])[:, order[t]]
            cos, sin = torch.cos(half)[..., None, None], torch.sin(half)[..., None, None]
            if product is None:
                product = cos * torch.eye(2, dtype=torch.complex64, device=angles.device) + sin * generators[t]
            else:
                product = cos * product + sin * (product @ generators[t])
        assert product is not None, "a template has at least one rotation"
        return product


def _kron(factors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Kronecker product over the last two dimensions, (..., 2, 2) each; the first factor is most significant."""
    out = factors[0]
    for factor in factors[1:]:
        out = out[..., :, None, :, None] * factor[..., None, :, None, :]
        out = out.flatten(-4, -3).flatten(-2, -1)
    return out
