"""What is read from a state: expectation values of Pauli strings and weighted sums of them.

For a string P with X or Y on the bits of `flip` and Z or Y on those of `sign`,
P|j> = i^n_y (-1)^|j & sign| |j ^ flip>, so that ⟨P⟩ is one pass over the amplitudes whatever P is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from entangrid.data.errors import InputError

Observable = str | tuple[tuple[float, str], ...]


class PauliTerms(NamedTuple):
    """T distinct strings and how outputs are made of them: masks (T,) int64, n_y (T,), weights (T, n_out)."""

    flip: np.ndarray
    sign: np.ndarray
    n_y: np.ndarray
    weights: np.ndarray

    @property
    def is_diagonal(self) -> bool:
        """Whether every string is made of I and Z alone."""
        return not self.flip.any()

    def phases(self, n_qubits: int) -> np.ndarray:
        """(T, 2^n) complex: ⟨P_t⟩ = Σ_j phases[t, j] conj(psi[j ^ flip_t]) psi[j]."""
        j = np.arange(1 << n_qubits)
        parity = np.bitwise_count(j & self.sign[:, None]) & 1
        out: np.ndarray = (1.0 - 2.0 * parity) * (1j ** self.n_y[:, None])
        return out


def observables(readout: str | Sequence[Observable], n_qubits: int) -> tuple[Observable, ...]:
    """The list behind a read-out.

    "z" is ⟨Z_i⟩ of every qubit, "zz" ⟨Z_i Z_i+1⟩ of disjoint pairs, "zz-chain" of all neighbours, "z-all" the product
    of all. A sequence holds Pauli strings such as "ZIXI" or weighted sums ((0.5, "ZZII"), (1.0, "XIII")).
    """
    if not isinstance(readout, str):
        return tuple(o if isinstance(o, str) else tuple((float(c), s) for c, s in o) for o in readout)
    if readout == "z":
        return tuple("I" * i + "Z" + "I" * (n_qubits - 1 - i) for i in range(n_qubits))
    if readout == "zz":
        return tuple("I" * i + "ZZ" + "I" * (n_qubits - 2 - i) for i in range(0, n_qubits - 1, 2))
    if readout == "zz-chain":
        return tuple("I" * i + "ZZ" + "I" * (n_qubits - 2 - i) for i in range(n_qubits - 1))
    if readout == "z-all":
        return ("Z" * n_qubits,)
    return (readout,)


def parse_readout(readout: str | Sequence[Observable], n_qubits: int) -> PauliTerms:
    """Masks and weights of a read-out. Raises `InputError` for a string that is no Pauli string of n_qubits letters."""
    columns = observables(readout, n_qubits)
    if not columns:
        raise InputError(f"readout={readout!r} has no observable; use 'z', 'zz', 'zz-chain', 'z-all' or Pauli strings")
    sums = [((1.0, o),) if isinstance(o, str) else o for o in columns]
    strings = list(dict.fromkeys(s.upper() for terms in sums for _, s in terms))
    flip, sign, n_y = [], [], []
    for string in strings:
        if len(string) != n_qubits or set(string) - set("IXYZ"):
            raise InputError(
                f"readout: {string!r} is not a Pauli string of {n_qubits} letters I, X, Y, Z"
                " (or one of 'z', 'zz', 'zz-chain', 'z-all')"
            )
        bits = [1 << (n_qubits - 1 - i) for i in range(n_qubits)]
        flip.append(sum(b for b, p in zip(bits, string, strict=True) if p in "XY"))
        sign.append(sum(b for b, p in zip(bits, string, strict=True) if p in "YZ"))
        n_y.append(string.count("Y"))
    weights = np.zeros((len(strings), len(columns)))
    for column, terms in enumerate(sums):
        for coefficient, string in terms:
            weights[strings.index(string.upper()), column] += coefficient
    return PauliTerms(np.array(flip, np.int64), np.array(sign, np.int64), np.array(n_y, np.int64), weights)
