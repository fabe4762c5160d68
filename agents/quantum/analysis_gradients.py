"""Variance of gradients over random initialisations: where it falls exponentially with the qubits, training stalls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch

from entangrid.agents.quantum.analysis_states import chunks, draw_weights, read, states
from entangrid.agents.quantum.circuit import Circuit
from entangrid.data.errors import InputError


class GradientVariance(NamedTuple):
    """Of one read-out: variance over initialisations of its derivative to each weight (n_weights,), their mean, and
    the standard error of that mean over the initialisations."""

    n_qubits: int
    per_weight: np.ndarray
    mean: float
    standard_error: float


def gradient_variance(
    circuit: Circuit, n_samples: int = 200, seed: int = 0, output: int = 0, initialisation: str | None = None
) -> GradientVariance:
    """Variance of the derivative of observable `output` to every weight, over `n_samples` initialisations.

    Initialisations are the circuit's own or `initialisation`; each sees an observation of its own, uniform in
    [-1, 1] (McClean et al. 2018, doi:10.1038/s41467-018-07090-4). Raises `InputError` for a circuit without weights,
    an output that does not exist, or fewer than two samples.
    """
    n_weights, n_outputs = circuit.program.n_weights, circuit.terms.weights.shape[1]
    if not n_weights:
        raise InputError("gradient_variance: the circuit has no trainable angles")
    if not 0 <= output < n_outputs:
        raise InputError(f"gradient_variance: output={output} must be between 0 and {n_outputs - 1}")
    if n_samples < 2:
        raise InputError(f"n_samples={n_samples!r} must be at least 2")
    weights = draw_weights(circuit, n_samples, seed, initialisation)
    features = torch.tensor(np.random.default_rng([seed, 1]).uniform(-1.0, 1.0, (n_samples, circuit.features)))
    parts = []
    for part in chunks(circuit, n_samples):
        chosen = weights[part].clone().requires_grad_()
        total = read(circuit, states(circuit, chosen, features[part]))[:, output].sum()
        parts.append(torch.autograd.grad(total, chosen)[0])
    slopes = torch.cat(parts).numpy()
    squares = ((slopes - slopes.mean(0)) ** 2).mean(1) * n_samples / (n_samples - 1)
    error = float(squares.std(ddof=1) / np.sqrt(n_samples))
    return GradientVariance(circuit.n_qubits, slopes.var(0, ddof=1), float(squares.mean()), error)


def barren_plateau(
    circuit: Circuit, n_qubits: Sequence[int] = (2, 4, 6, 8), n_samples: int = 200, seed: int = 0, **changes: Any
) -> list[GradientVariance]:
    """`gradient_variance` of the same circuit at several sizes, one input a qubit; `changes` are other fields of the
    circuit. The read-out must be a named one ("z", "z-all", ...), which grows with the circuit."""
    if not isinstance(circuit.readout, str) or circuit.readout not in ("z", "zz", "zz-chain", "z-all"):
        raise InputError(f"barren_plateau: readout={circuit.readout!r} has a fixed size; use 'z', 'zz' or 'z-all'")
    sized = [
        replace(circuit, **({"n_qubits": n, "n_inputs": n, "input_low": None, "input_high": None,
                             "squash": "none" if circuit.squash == "min-max" else circuit.squash,
                             "n_outputs": None, "output": "none"} | changes))
        for n in n_qubits
    ]  # fmt: skip
    return [gradient_variance(one, n_samples, seed) for one in sized]
