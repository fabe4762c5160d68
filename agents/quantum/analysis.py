"""What a circuit can do, by sampling its weights: expressibility, entangling capability, gradients, Fourier spectrum.

None of these says that a circuit learns well; they say what it cannot do, and where its gradients vanish.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from entangrid.agents.quantum.analysis_gradients import GradientVariance, barren_plateau, gradient_variance
from entangrid.agents.quantum.analysis_spectrum import Spectrum, encoding_frequencies, fourier_spectrum
from entangrid.agents.quantum.analysis_states import chunks, draw_weights, states
from entangrid.agents.quantum.circuit import Circuit
from entangrid.data.errors import InputError

__all__ = [
    "Entanglement", "Expressibility", "GradientVariance", "Spectrum", "barren_plateau", "encoding_frequencies",
    "entangling_capability", "expressibility", "fourier_spectrum", "gradient_variance", "haar_probabilities",
    "meyer_wallach",
]  # fmt: skip


class Expressibility(NamedTuple):
    """`kl` [nat] of the circuit's fidelities to those of Haar-random states, 0 at best; `floor` is what as many
    fidelities of Haar-random states give themselves, on average: values near it cannot be told from it."""

    kl: float
    floor: float


class Entanglement(NamedTuple):
    """Mean Meyer-Wallach measure, its standard error, and the mean over Haar-random states, (N - 2) / (N + 1)."""

    mean: float
    standard_error: float
    haar: float


def haar_probabilities(n_qubits: int, n_bins: int) -> np.ndarray:
    """Logarithm of the probability that the fidelity of two Haar-random states falls into each of n_bins equal bins of
    [0, 1]: (1 - F)^(N - 1) beyond F, N = 2^n_qubits."""
    power = (1 << n_qubits) - 1
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    with np.errstate(divide="ignore"):
        beyond = power * np.log1p(-edges)
        out: np.ndarray = beyond[:-1] + np.log1p(-np.exp(beyond[1:] - beyond[:-1]))
    return out


def _divergence(fidelities: np.ndarray, log_haar: np.ndarray) -> float:
    counts = np.histogram(fidelities.clip(0.0, 1.0), bins=len(log_haar), range=(0.0, 1.0))[0]
    p = counts[counts > 0] / counts.sum()
    return float((p * (np.log(p) - log_haar[counts > 0])).sum())


def expressibility(
    circuit: Circuit, n_samples: int = 5_000, n_bins: int = 75, seed: int = 0, features: Any = None
) -> Expressibility:
    """How far the states that uniform weights give are from Haar-random ones: the Kullback-Leibler divergence of the
    histogram of fidelities between pairs (Sim, Johnson and Aspuru-Guzik 2019, doi:10.1002/qute.201900070).

    `features` (n_features,) is the observation at which the weights are varied, zeros by default. A circuit without
    weights gives (2^n - 1) ln(n_bins). Raises `InputError` for fewer than two samples or bins.
    """
    _at_least_two(n_samples=n_samples, n_bins=n_bins)
    weights = draw_weights(circuit, 2 * n_samples, seed, "uniform")
    fidelities = []
    with torch.no_grad():
        for part in chunks(circuit, n_samples):
            left = states(circuit, weights[part], features)
            right = states(circuit, weights[n_samples:][part], features)
            fidelities.append((left.conj() * right).sum(1).abs().square())
    log_haar = haar_probabilities(circuit.n_qubits, n_bins)
    kl = _divergence(torch.cat(fidelities).numpy(), log_haar)
    rng = np.random.default_rng(seed)
    random = rng.beta(1.0, (1 << circuit.n_qubits) - 1.0, (20, n_samples))
    return Expressibility(kl, float(np.mean([_divergence(row, log_haar) for row in random])))


def meyer_wallach(psi: torch.Tensor) -> torch.Tensor:
    """Q (S,) of states (S, 2^n): 2 (1 - mean purity of a qubit), 0 for product states, 1 where each qubit is maximally
    mixed (Meyer and Wallach 2002, doi:10.1063/1.1497700; in this form Brennen 2003, arXiv:quant-ph/0305094)."""
    n = psi.shape[1].bit_length() - 1
    purities = []
    for wire in range(n):
        rows = psi.reshape(-1, 1 << wire, 2, 1 << (n - 1 - wire)).movedim(2, 1).reshape(-1, 2, 1 << (n - 1))
        purities.append((rows @ rows.mH).abs().square().sum((1, 2)))
    return 2.0 * (1.0 - torch.stack(purities).mean(0))


def entangling_capability(
    circuit: Circuit, n_samples: int = 1_000, seed: int = 0, features: Any = None
) -> Entanglement:
    """Mean Meyer-Wallach measure over uniform weights at one observation (zeros by default), as Sim et al. 2019
    (doi:10.1002/qute.201900070) define it. Raises `InputError` for fewer than two samples."""
    _at_least_two(n_samples=n_samples)
    weights = draw_weights(circuit, n_samples, seed, "uniform")
    with torch.no_grad():
        parts = [meyer_wallach(states(circuit, weights[part], features)) for part in chunks(circuit, n_samples)]
    q = torch.cat(parts).numpy()
    size = 1 << circuit.n_qubits
    return Entanglement(float(q.mean()), float(q.std(ddof=1) / np.sqrt(n_samples)), (size - 2) / (size + 1))


def _at_least_two(**numbers: int) -> None:
    for name, value in numbers.items():
        if value < 2:
            raise InputError(f"{name}={value!r} must be at least 2")
