"""Density matrices by Kraus operators on dense matrices: shares no code with the product."""

from __future__ import annotations

import itertools
from functools import reduce
from typing import Any

import numpy as np
import torch
from quantum_cases import angle_value
from quantum_reference import PAULI, embed, gate_matrix, pauli_string

PAULIS = [PAULI[letter] for letter in "ixyz"]


def kraus_depolarising(p: float, k: int) -> list[np.ndarray]:
    products = [reduce(np.kron, chosen) for chosen in itertools.product(PAULIS, repeat=k)]
    return [np.sqrt(1 - p) * products[0], *(np.sqrt(p / (4**k - 1)) * m for m in products[1:])]


def kraus_amplitude(gamma: float, excited: float) -> list[np.ndarray]:
    keep = np.sqrt(1 - gamma)
    down = [np.diag([1, keep]), np.array([[0, np.sqrt(gamma)], [0, 0]])]
    up = [np.diag([keep, 1]), np.array([[0, 0], [np.sqrt(gamma), 0]])]
    return [np.sqrt(1 - excited) * m for m in down] + [np.sqrt(excited) * m for m in up]


def kraus_phase(lam: float) -> list[np.ndarray]:
    return [np.diag([1, np.sqrt(1 - lam)]), np.diag([0, np.sqrt(lam)])]


def kraus_thermal(t1: float, t2: float, time: float, excited: float) -> list[list[np.ndarray]]:
    """Decay by T1, then the dephasing that T2 has beyond it."""
    rest = np.exp(-2 * time * (1 / t2 - 0.5 / t1))
    return [kraus_amplitude(1 - np.exp(-time / t1), excited), kraus_phase(1 - rest)]


def apply(rho: np.ndarray, kraus: list[np.ndarray], wires: tuple[int, ...], n: int) -> np.ndarray:
    full = [embed(m.astype(complex), wires, n) for m in kraus]
    return sum(m @ rho @ m.conj().T for m in full)


def of(value: Any, wire: int) -> float:
    return value[wire] if isinstance(value, tuple | list) else value


def evolve(n: int, gates: list[Any], noise: Any, x: Any, scales: Any, weights: Any) -> np.ndarray:
    """The density matrix (2^n, 2^n) after gates with a `NoiseModel`."""
    rho = np.zeros((1 << n, 1 << n), complex)
    rho[0, 0] = 1.0
    for gate in gates:
        angles = [torch.as_tensor(angle_value(a, x, scales, weights), dtype=torch.float64) for a in gate.angles]
        unitary = gate_matrix(gate.name, angles).detach().resolve_conj().numpy()
        k = len(gate.wires)
        rho = apply(rho, [unitary.conj().T if gate.inverse else unitary], gate.wires, n)
        if gate.name in noise.noiseless:
            continue
        p = noise.depolarising_1q if k == 1 else noise.depolarising_2q
        rho = apply(rho, kraus_depolarising(p, k), gate.wires, n) if p else rho
        for wire in gate.wires:
            steps = [kraus_amplitude(noise.amplitude_damping, noise.excited), kraus_phase(noise.phase_damping)]
            if noise.t1 is not None:
                time = noise.gate_time_1q if k == 1 else noise.gate_time_2q
                steps += kraus_thermal(of(noise.t1, wire), of(noise.t2, wire), time, noise.excited)
            for kraus in steps:
                rho = apply(rho, kraus, (wire,), n)
    return rho


def read(rho: np.ndarray, strings: tuple[str, ...], noise: Any) -> np.ndarray:
    """Means (T,) of what is read: outcomes of the measurement in the strings' bases, flipped with the noise's odds."""
    n = len(rho).bit_length() - 1
    values = []
    for string in strings:
        effects = np.eye(1)
        for wire, letter in enumerate(string):
            if letter == "I":
                effect = np.eye(2)
            else:
                p01, p10 = of(noise.readout_p01, wire), of(noise.readout_p10, wire)
                p = pauli_string(letter)
                zero, one = (np.eye(2) + p) / 2, (np.eye(2) - p) / 2
                effect = (1 - 2 * p01) * zero - (1 - 2 * p10) * one
            effects = np.kron(effects, effect)
        values.append(np.trace(rho @ effects).real)
    assert len(rho) == 1 << n
    return np.array(values)
