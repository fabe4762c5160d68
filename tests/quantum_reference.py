"""An independent reference for circuits: dense unitaries in double precision, gradients from the exact product rule."""

from __future__ import annotations

import numpy as np

PAULI = {
    "i": np.eye(2),
    "x": np.array([[0, 1], [1, 0]]),
    "y": np.array([[0, -1j], [1j, 0]]),
    "z": np.diag([1.0, -1.0]),
}


def embed(matrix: np.ndarray, wires: tuple[int, ...], n: int) -> np.ndarray:
    """The (2^n, 2^n) operator of a matrix on some wires; wire 0 is the most significant bit."""
    k = len(wires)
    full = np.kron(matrix, np.eye(1 << (n - k))).reshape([2] * (2 * n))
    order = [*wires, *(w for w in range(n) if w not in wires)]
    inverse = np.argsort(order)
    return full.transpose([*inverse, *(n + inverse)]).reshape(1 << n, 1 << n)


def pauli_string(letters: str) -> np.ndarray:
    out = np.eye(1)
    for letter in letters.lower():
        out = np.kron(out, PAULI[letter])
    return out


def rotation(axis: str, angle: float) -> np.ndarray:
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * PAULI[axis]


def evaluate(circuit, x, scaling, weights):
    """Expectation values (B, T) of every string and their derivatives to inputs (B, T, I), scalings, weights."""
    squash, slope = {
        "none": (lambda v: v, lambda v: 1.0),
        "tanh": (np.tanh, lambda v: 1.0 - np.tanh(v) ** 2),
        "arctan": (np.arctan, lambda v: 1.0 / (1.0 + v * v)),
    }[circuit.squash]
    n, strings = circuit.n_qubits, [pauli_string(s) for s in circuit.strings]
    shape = (len(x), len(strings))
    values, dx = np.zeros(shape), np.zeros((*shape, x.shape[1]))
    dscale, dweight = np.zeros((*shape, len(scaling))), np.zeros((*shape, len(weights)))
    for b, row in enumerate(x):
        state = np.zeros(1 << n, complex)
        state[0] = 1.0
        tangents: list[tuple[np.ndarray, list[tuple[np.ndarray, int, float]]]] = []
        for gate in circuit.gates:
            if gate.name in ("cz", "cnot"):
                control, target = gate.wires
                u = np.diag([1.0, 1.0, 0.0, 0.0]).astype(complex)
                u[2:, 2:] = PAULI["z" if gate.name == "cz" else "x"]
                full = embed(u, (control, target), n)
                state, tangents = full @ state, [(full @ t, where) for t, where in tangents]
                continue
            (a,), axis = gate.angles, gate.name[1]
            inner = 0.0 if a.input < 0 else row[a.input] * (scaling[a.scale] if a.scale >= 0 else 1.0)
            angle = (a.factor * squash(inner) if a.input >= 0 else 0.0) + a.offset
            angle += weights[a.weight] if a.weight >= 0 else 0.0
            full = embed(rotation(axis, angle), gate.wires, n)
            turned = embed(-0.5j * PAULI[axis], gate.wires, n) @ full @ state
            state, tangents = full @ state, [(full @ t, where) for t, where in tangents]
            where = []
            if a.weight >= 0:
                where.append((dweight, a.weight, 1.0))
            if a.input >= 0:
                rate = a.factor * slope(inner)
                where.append((dx, a.input, rate * (scaling[a.scale] if a.scale >= 0 else 1.0)))
                if a.scale >= 0:
                    where.append((dscale, a.scale, rate * row[a.input]))
            tangents.append((turned, where))
        for t, operator in enumerate(strings):
            values[b, t] = np.real(state.conj() @ operator @ state)
            for tangent, where in tangents:
                slope_t = 2 * np.real(state.conj() @ operator @ tangent)
                for target, index, rate in where:
                    target[b, t, index] += slope_t * rate
    return values, dx, dscale, dweight
