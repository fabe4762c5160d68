"""An independent reference for circuits: dense unitaries in double precision, gradients from the exact product rule."""

from __future__ import annotations

import numpy as np
import torch

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


# Gates in torch, double precision, from their generators or as roots: another way than the product's own tables.
def _kron(*factors: torch.Tensor) -> torch.Tensor:
    out = factors[0]
    for factor in factors[1:]:
        out = torch.kron(out, factor)
    return out


def _pauli(letters: str) -> torch.Tensor:
    return _kron(*(torch.tensor(PAULI[p], dtype=torch.complex128) for p in letters))


def _exp(generator: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """exp(-i angle/2 G) for a generator whose cube is itself (torch.matrix_exp is good to some 1e-10 only)."""
    square = generator @ generator
    one = torch.eye(len(generator), dtype=torch.complex128)
    return one + (torch.cos(angle / 2) - 1.0) * square - 1j * torch.sin(angle / 2) * generator


def _control(matrix: torch.Tensor, n: int = 1) -> torch.Tensor:
    return torch.block_diag(torch.eye((len(matrix) << n) - len(matrix), dtype=torch.complex128), matrix)


def _root(matrix: np.ndarray) -> torch.Tensor:
    """The principal root."""
    values, vectors = np.linalg.eig(matrix)
    return torch.tensor(vectors @ np.diag(np.sqrt(values.astype(complex))) @ np.linalg.inv(vectors))


def _phase(angle: torch.Tensor) -> torch.Tensor:
    return torch.diag(torch.stack([torch.ones_like(angle) + 0j, torch.exp(1j * angle)]))


def _u3(theta: torch.Tensor, phi: torch.Tensor, lam: torch.Tensor) -> torch.Tensor:
    return _phase(phi) @ _exp(_pauli("y"), theta) @ _phase(lam)


def _exchange(theta: torch.Tensor, beta: torch.Tensor, a: int, b: int) -> torch.Tensor:
    """exp(-i theta/2 (e^{i beta} |a><b| + h.c.))."""
    up = torch.zeros(4, 4, dtype=torch.complex128)
    up[a, b] = 1.0
    return _exp(torch.exp(1j * beta) * up + torch.exp(-1j * beta) * up.T, theta)


_SWAP = np.eye(4)[[0, 2, 1, 3]]
_PI = torch.tensor(np.pi, dtype=torch.float64)
_CONSTANT = {
    "hadamard": (_pauli("x") + _pauli("z")) / np.sqrt(2), "sh": _exp(_pauli("y"), _PI / 4),
    "i": _pauli("i"), "paulix": _pauli("x"), "pauliy": _pauli("y"), "pauliz": _pauli("z"),
    "s": _root(PAULI["z"]), "sdg": _root(PAULI["z"]).conj(), "t": _root(np.diag([1, 1j])),
    "tdg": _root(np.diag([1, 1j])).conj(), "sx": _root(PAULI["x"]), "sxdg": _root(PAULI["x"]).mH,
    "cnot": _control(_pauli("x")), "cy": _control(_pauli("y")), "cz": _control(_pauli("z")),
    "cs": _control(_root(PAULI["z"])), "csdg": _control(_root(PAULI["z"]).conj()), "csx": _control(_root(PAULI["x"])),
    "swap": torch.tensor(_SWAP + 0j), "sswap": _root(_SWAP), "cswap": _control(torch.tensor(_SWAP + 0j)),
    "iswap": _exp(0.5 * (_pauli("xx") + _pauli("yy")), -_PI),
    "ecr": (_pauli("xi") - _pauli("yx")) / np.sqrt(2), "ccz": _control(_pauli("z"), 2),
    "dcx": torch.tensor(_SWAP + 0j) @ _control(_pauli("x")) @ torch.tensor(_SWAP + 0j) @ _control(_pauli("x")),
    "c3x": _control(_pauli("x"), 3), "c4x": _control(_pauli("x"), 4), "c3sx": _control(_root(PAULI["x"]), 3),
    "multicnot": _control(_pauli("x"), 2),
    "multixcnot": torch.block_diag(_pauli("x"), torch.eye(6, dtype=torch.complex128)),
    "qft": torch.fft.ifft(torch.eye(8, dtype=torch.complex128), norm="ortho"),
}  # fmt: skip
_TURNING = {
    **{f"r{p}": (lambda a, p=p: _exp(_pauli(p), a), 1) for p in ("x", "y", "z", "xx", "yy", "zz", "zx")},
    **{f"cr{p}": (lambda a, p=p: _control(_exp(_pauli(p), a)), 1) for p in "xyz"},
    "phaseshift": (_phase, 1),
    "multirz": (lambda a: _exp(_pauli("zzz"), a), 1),
    "rot": (lambda a, b, c: _exp(_pauli("z"), c) @ _exp(_pauli("y"), b) @ _exp(_pauli("z"), a), 3),
    "crot": (lambda a, b, c: _control(_exp(_pauli("z"), c) @ _exp(_pauli("y"), b) @ _exp(_pauli("z"), a)), 3),
    "u3": (_u3, 3),
    "cu3": (lambda a, b, c: _control(_u3(a, b, c)), 3),
    "cu": (lambda a, b, c, d: _control(torch.exp(1j * d) * _u3(a, b, c)), 4),
    "r": (lambda a, b: _exp(torch.cos(b) * _pauli("x") + torch.sin(b) * _pauli("y"), a), 2),
    "xxplusyy": (lambda a, b: _exchange(a, b, 1, 2), 2),
    "xxminyy": (lambda a, b: _exchange(a, -b, 0, 3), 2),
}
GATES = {**{name: (m.shape[-1].bit_length() - 1, 0) for name, m in _CONSTANT.items()}}
GATES |= {
    name: (make(*[torch.tensor(0.1, dtype=torch.float64)] * k).shape[-1].bit_length() - 1, k)
    for name, (make, k) in _TURNING.items()
}  # name: (wires, angles)


def gate_matrix(name: str, angles: list[torch.Tensor]) -> torch.Tensor:
    """The unitary of a TorchQuantum gate, differentiable in its angles."""
    return _TURNING[name][0](*angles) if name in _TURNING else _CONSTANT[name]


def run_dense(
    n: int, gates: list[tuple[str, tuple[int, ...], list[torch.Tensor], bool]], strings: list[str]
) -> torch.Tensor:
    """Expectation values (T,) of Pauli strings after gates (name, wires, angles, inverse) on |0...0>."""
    state = torch.zeros(1 << n, dtype=torch.complex128)
    state[0] = 1.0
    for name, wires, angles, inverse in gates:
        matrix = gate_matrix(name, angles)
        matrix = matrix.mH if inverse else matrix
        order = [*wires, *(w for w in range(n) if w not in wires)]
        moved = state.reshape([2] * n).permute(order).reshape(1 << len(wires), -1)
        state = (matrix @ moved).reshape([2] * n).permute(*np.argsort(order).tolist()).reshape(-1)
    values = []
    for string in strings:
        turned = state.reshape([2] * n)
        for wire, letter in enumerate(string.lower()):
            turned = torch.tensordot(_pauli(letter), turned, ([1], [wire])).movedim(0, wire)
        values.append((state.conj() @ turned.reshape(-1)).real)
    return torch.stack(values)
