"""Two independent ways to compute what qumodes do, which share nothing with the product: exact moments of Gaussian
states, and Fock states with gates as matrix exponentials."""

from __future__ import annotations

import numpy as np
from scipy.linalg import expm


def ladder(levels: int) -> np.ndarray:
    return np.diag(np.sqrt(np.arange(1.0, levels)), 1)


class Gaussian:
    """Exact moments of Gaussian states: mean and covariance of (x1, p1, x2, p2, ...), hbar = 2, from the action of each
    gate on the ladder operators, a -> U a + W a^†."""

    def __init__(self, modes: int) -> None:
        self.mean, self.cov = np.zeros(2 * modes), np.eye(2 * modes)

    def transform(self, modes: tuple[int, ...], u: np.ndarray, w: np.ndarray) -> None:
        s = np.eye(len(self.mean))
        for i, row in enumerate(modes):
            for j, column in enumerate(modes):
                plus, minus = u[i, j] + w[i, j], u[i, j] - w[i, j]
                s[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = [
                    [plus.real, -minus.imag], [plus.imag, minus.real]
                ]  # fmt: skip
        self.mean, self.cov = s @ self.mean, s @ self.cov @ s.T

    def displace(self, mode: int, r: float, phi: float) -> None:
        self.mean[2 * mode : 2 * mode + 2] += 2 * r * np.array([np.cos(phi), np.sin(phi)])

    def squeeze(self, mode: int, r: float, phi: float) -> None:
        self.transform((mode,), np.array([[np.cosh(r) + 0j]]), np.array([[-np.exp(1j * phi) * np.sinh(r)]]))

    def rotate(self, mode: int, phi: float) -> None:
        self.transform((mode,), np.array([[np.exp(1j * phi)]]), np.zeros((1, 1), complex))

    def beam_split(self, mode1: int, mode2: int, theta: float, phi: float) -> None:
        c, s = np.cos(theta), np.sin(theta) * np.exp(1j * phi)
        self.transform((mode1, mode2), np.array([[c, -s.conjugate()], [s, c]]), np.zeros((2, 2), complex))

    def mean_x(self) -> np.ndarray:
        return self.mean[::2]

    def mean_n(self) -> np.ndarray:
        second = np.diag(self.cov) + self.mean**2
        return (second[::2] + second[1::2]) / 4 - 0.5


class Dense:
    """Fock states in NumPy with gates as matrix exponentials, `levels` of them a mode: the large-cutoff reference."""

    def __init__(self, modes: int, levels: int) -> None:
        self.levels, self.a = levels, ladder(levels)
        self.state = np.zeros([levels] * modes, complex)
        self.state[(0,) * modes] = 1.0

    def one(self, mode: int, generator: np.ndarray) -> None:
        self.state = np.moveaxis(np.tensordot(expm(generator), self.state, (1, mode)), 0, mode)

    def displace(self, mode: int, r: float, phi: float) -> None:
        alpha = r * np.exp(1j * phi)
        self.one(mode, alpha * self.a.T - alpha.conjugate() * self.a)

    def squeeze(self, mode: int, r: float, phi: float) -> None:
        z = r * np.exp(1j * phi)
        self.one(mode, 0.5 * (z.conjugate() * self.a @ self.a - z * self.a.T @ self.a.T))

    def rotate(self, mode: int, phi: float) -> None:
        self.one(mode, 1j * phi * np.diag(np.arange(self.levels)))

    def kerr(self, mode: int, kappa: float) -> None:
        self.one(mode, 1j * kappa * np.diag(np.arange(self.levels) ** 2))

    def beam_split(self, mode1: int, mode2: int, theta: float, phi: float) -> None:
        assert mode2 == mode1 + 1
        one = np.eye(self.levels)
        generator = np.exp(1j * phi) * np.kron(self.a, one) @ np.kron(one, self.a).T
        unitary = expm(theta * (generator - generator.conj().T)).reshape([self.levels] * 4)
        self.state = np.moveaxis(np.tensordot(unitary, self.state, ((2, 3), (mode1, mode2))), (0, 1), (mode1, mode2))

    def mean(self, operator: np.ndarray) -> np.ndarray:
        modes = range(self.state.ndim)
        turned = [np.moveaxis(np.tensordot(operator, self.state, (1, m)), 0, m) for m in modes]
        return np.array([np.vdot(self.state, moved).real for moved in turned])
