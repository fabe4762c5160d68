"""Noise as data: channels of one qubit, and a model that says which of them follow which gate.

Every channel here treats X and Y alike and mixes only I and Z, so that three numbers describe it and chains of channels
compose to a channel of the same kind. Equations: Nielsen and Chuang, "Quantum Computation and Quantum Information",
chapter 8 (doi:10.1017/CBO9780511976667).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import exp, inf
from typing import Any, NamedTuple

import numpy as np

from entangrid.agents.quantum.program import Gate
from entangrid.data.errors import InputError


class Channel(NamedTuple):
    """Bloch vector (x, y, z) -> (transverse x, transverse y, longitudinal z + shift)."""

    transverse: float = 1.0
    longitudinal: float = 1.0
    shift: float = 0.0

    def then(self, later: Channel) -> Channel:
        """This channel followed by another."""
        return Channel(
            self.transverse * later.transverse,
            self.longitudinal * later.longitudinal,
            later.longitudinal * self.shift + later.shift,
        )

    @property
    def is_identity(self) -> bool:
        """Whether nothing happens."""
        return self == (1.0, 1.0, 0.0)

    @property
    def is_unital(self) -> bool:
        """Whether the maximally mixed state stays: then the channel applies Pauli operators at random."""
        return self.shift == 0.0

    def pauli_probabilities(self) -> np.ndarray:
        """(4,): probability of I, X, Y and Z; only for a unital channel."""
        flip = (1.0 - self.longitudinal) / 4.0
        same = (1.0 + self.longitudinal) / 4.0
        out = np.array([same + self.transverse / 2.0, flip, flip, same - self.transverse / 2.0])
        floored: np.ndarray = np.maximum(out, 0.0)  # rounding
        return floored

    def kraus(self) -> np.ndarray:
        """(K, 2, 2) complex operators with Σ K†K = 1: two jumps, and the eigenvectors of what the channel does to the
        diagonal and the coherence (K is 4 at most; operators that vanish are left out)."""
        t, z, s = self
        up, down = (1.0 - z - s) / 2.0, (1.0 - z + s) / 2.0  # |0> to |1>, |1> to |0>
        operators = [np.sqrt(max(down, 0.0)) * np.array([[0, 1], [0, 0]], complex)]
        operators.append(np.sqrt(max(up, 0.0)) * np.array([[0, 0], [1, 0]], complex))
        values, vectors = np.linalg.eigh(np.array([[(1 + z + s) / 2, t], [t, (1 + z - s) / 2]]))
        operators += [np.sqrt(max(v, 0.0)) * np.diag(column).astype(complex)
                      for v, column in zip(values, vectors.T, strict=True)]  # fmt: skip
        return np.stack([k for k in operators if np.abs(k).max() > 1e-9])


IDENTITY = Channel()


def depolarising(probability: float) -> Channel:
    """X, Y or Z with a third of `probability` each; 3/4 gives the maximally mixed state."""
    return Channel(1.0 - 4.0 * probability / 3.0, 1.0 - 4.0 * probability / 3.0)


def amplitude_damping(gamma: float, excited: float = 0.0) -> Channel:
    """Decay by `gamma` towards a state whose population of |1> is `excited`."""
    return Channel((1.0 - gamma) ** 0.5, 1.0 - gamma, gamma * (1.0 - 2.0 * excited))


def phase_damping(lam: float) -> Channel:
    """Coherences shrink by sqrt(1 - lam)."""
    return Channel((1.0 - lam) ** 0.5, 1.0)


def thermal_relaxation(t1: float, t2: float, time: float, excited: float = 0.0) -> Channel:
    """Relaxation during `time` (the unit of t1 and t2, t2 <= 2 t1): populations to (1 - excited, excited) at the rate
    1/t1, coherences to zero at the rate 1/t2."""
    left = exp(-time / t1)
    return Channel(exp(-time / t2), left, (1.0 - left) * (1.0 - 2.0 * excited))


class Scatter(NamedTuple):
    """Depolarising of several wires at once: with `probability` one of the 4^k - 1 products of Pauli operators that are
    not the identity, all alike."""

    wires: tuple[int, ...]
    probability: float

    @property
    def factor(self) -> float:
        """What every expectation value that touches the wires is multiplied with."""
        size = 4.0 ** len(self.wires)
        return 1.0 - self.probability * size / (size - 1.0)


class Damp(NamedTuple):
    """A channel on one wire."""

    wire: int
    channel: Channel


PerQubit = float | tuple[float, ...]
_SHARES = ("depolarising_1q", "depolarising_2q", "amplitude_damping", "phase_damping", "excited", "readout_p01",
           "readout_p10")  # fmt: skip
_TIMES = ("gate_time_1q", "gate_time_2q")


@dataclass(frozen=True)
class NoiseModel:
    """What follows every gate, on the gate's wires and in this order, and what the read-out does.

    ================= ================================================================================================
    depolarising_1q   probability of an error, X, Y or Z alike, after a gate on one wire; 3/4 is maximal mixing
    depolarising_2q   the same after a gate on k >= 2 wires, any of the 4^k - 1 Pauli errors alike; 1 - 4^-k is maximal
                      mixing
    amplitude_damping decay probability towards the equilibrium, on every wire of a gate
    phase_damping     loss of coherence, by sqrt(1 - value), on every wire of a gate
    t1, t2            relaxation times [s], a number or one a qubit; without t2 it is 2 t1, without t1 only dephasing
    gate_time_1q, _2q duration [s] of a gate on one wire, on more
    excited           population of |1> in equilibrium
    readout_p01, _p10 probability to read 1 of a |0>, and 0 of a |1>, a number or one a qubit
    noiseless         names of gates without noise, such as ("rz",) where these are changes of frame
    ================= ================================================================================================

    Idle wires do not relax: insert gates "i" where they should. States that an amplitude encoding or a module of
    one's own prepares are free of noise. Raises `InputError` naming the field.
    """

    depolarising_1q: float = 0.0
    depolarising_2q: float = 0.0
    amplitude_damping: float = 0.0
    phase_damping: float = 0.0
    t1: PerQubit | None = None
    t2: PerQubit | None = None
    gate_time_1q: float = 0.0
    gate_time_2q: float = 0.0
    excited: float = 0.0
    readout_p01: PerQubit = 0.0
    readout_p10: PerQubit = 0.0
    noiseless: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("t1", "t2", "readout_p01", "readout_p10", "noiseless"):
            value = getattr(self, name)
            if isinstance(value, Sequence) and not isinstance(value, str):  # lists, as they come from YAML
                object.__setattr__(self, name, tuple(value))
        for name in _SHARES:
            for value in _values(name, getattr(self, name)):
                if not 0.0 <= value <= 1.0:
                    raise InputError(f"NoiseModel: {name}={value!r} must be between 0 and 1")
        for name in _TIMES:
            if not 0.0 <= _values(name, getattr(self, name))[0] < inf:
                raise InputError(f"NoiseModel: {name}={getattr(self, name)!r} must be a time [s] of at least 0")
        for name in ("t1", "t2"):
            given = getattr(self, name)
            for value in () if given is None else _values(name, given):
                if not value > 0.0:
                    raise InputError(f"NoiseModel: {name}={value!r} must be a time [s] above 0")
        if isinstance(self.noiseless, str) or not all(isinstance(name, str) for name in self.noiseless):
            raise InputError(f"NoiseModel: noiseless={self.noiseless!r} must be a sequence of gate names")
        lengths = {len(v) for v in (self.t1, self.t2) if isinstance(v, tuple)}
        for qubit in range(min(lengths, default=1)):
            t1, t2 = self._times(qubit)
            if t2 > 2.0 * t1 * (1.0 + 1e-12):
                raise InputError(f"NoiseModel: t2={t2!r} is above 2 t1={2 * t1!r}, which no channel has")

    def check(self, n_qubits: int) -> None:
        """Raise `InputError` unless every list has a value for each qubit."""
        for name in ("t1", "t2", "readout_p01", "readout_p10"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != n_qubits:
                raise InputError(f"NoiseModel: {name} has {len(value)} values; expected n_qubits={n_qubits}")

    def _times(self, qubit: int) -> tuple[float, float]:
        t1 = inf if self.t1 is None else _of(self.t1, qubit)
        return t1, (2.0 * t1 if self.t2 is None else _of(self.t2, qubit))

    def relaxation(self, wire: int, n_wires: int) -> Channel:
        """Amplitude damping, phase damping and thermal relaxation of one wire after a gate on `n_wires`."""
        time = self.gate_time_1q if n_wires == 1 else self.gate_time_2q
        out = amplitude_damping(self.amplitude_damping, self.excited).then(phase_damping(self.phase_damping))
        return out.then(thermal_relaxation(*self._times(wire), time, self.excited))

    def after(self, gate: Gate) -> list[Scatter | Damp]:
        """The channels that follow a gate."""
        if gate.name in self.noiseless or not gate.wires:
            return []
        n_wires = len(gate.wires)
        scatters: list[Scatter | Damp] = []
        before = IDENTITY
        if n_wires == 1:
            before = depolarising(self.depolarising_1q)
        elif self.depolarising_2q > 0.0:
            scatters.append(Scatter(gate.wires, self.depolarising_2q))
        damps = [Damp(w, before.then(self.relaxation(w, n_wires))) for w in gate.wires]
        return scatters + [d for d in damps if not d.channel.is_identity]

    def readout(self, n_qubits: int) -> np.ndarray:
        """(n_qubits, 2): probabilities to read 1 of a |0> and 0 of a |1>."""
        return np.array([[_of(self.readout_p01, q), _of(self.readout_p10, q)] for q in range(n_qubits)])

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` reads back."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NoiseModel:
        """A model from plain data. Raises `InputError` naming a field that does not exist."""
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(data) - known):
            raise InputError(f"NoiseModel: {unknown[0]!r} is no field; expected some of {', '.join(sorted(known))}")
        return cls(**data)


def _values(name: str, value: Any) -> tuple[float, ...]:
    values = value if isinstance(value, tuple) else (value,)
    if not values or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
        raise InputError(f"NoiseModel: {name}={value!r} must be a number, or for some fields one a qubit")
    if len(values) > 1 and name in ("excited", "depolarising_1q", "depolarising_2q", "amplitude_damping",
                                    "phase_damping", *_TIMES):  # fmt: skip
        raise InputError(f"NoiseModel: {name}={value!r} must be one number")
    return tuple(float(v) for v in values)


def _of(value: PerQubit, qubit: int) -> float:
    return float(value[qubit]) if isinstance(value, tuple) else float(value)
