"""The Fourier series that a circuit is in its inputs.

A read-out of a circuit whose gates turn by multiples of an input x is a finite Fourier series in x. Its frequencies are
differences of sums of the encoding generators' eigenvalues (Schuld, Sweke and Meyer 2021,
doi:10.1103/PhysRevA.103.032430); which of them a given read-out reaches depends on everything else.
"""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import torch

from entangrid.agents.quantum.analysis_states import draw_weights, read, states
from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.translation import Fixed, Turn, translate
from entangrid.data.errors import InputError

_TOLERANCE = 1e-9
_MOST = 1_000_000


class Spectrum(NamedTuple):
    """Of one input: the `frequencies` (K,) that the encoding allows, root mean square `size` (n_observables, K) of
    their coefficients over random weights, whether each read-out has it at all (`reached`), and `outside`, the largest
    coefficient found at any other frequency (0 but for rounding)."""

    frequencies: np.ndarray
    size: np.ndarray
    reached: np.ndarray
    outside: float


def _merge(values: np.ndarray) -> np.ndarray:
    values = np.sort(values)
    distinct: np.ndarray = values[np.concatenate([[True], np.diff(values) > _TOLERANCE])]
    return distinct


def _sums(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.size * b.size > _MOST:
        raise InputError(f"more than {_MOST} frequencies: the scalings have no common measure")
    return _merge((a[:, None] + b).ravel())


def encoding_frequencies(circuit: Circuit, scaling: Any = None) -> list[np.ndarray]:
    """The frequencies [1 / unit of the feature] that each feature's gates allow, sorted, from their generators alone.

    A Pauli rotation by g x adds -g, 0 or g; a controlled one also -g/2 and g/2. `scaling` (n_scales,) are the λ,
    `init_scaling` by default. Squashing is left out: with it the series is one in tanh(λ x) or arctan(λ x). Raises
    `InputError` for amplitude encoding, which has no generators, for `scaling` of another shape, and for more
    frequencies than can be listed.
    """
    if circuit.encoding == "amplitude":
        raise InputError("encoding='amplitude' has no generators, hence no spectrum")
    n_scales = circuit.program.n_scales
    scales = np.full(n_scales, circuit.init_scaling) if scaling is None else np.asarray(scaling, float)
    if scales.shape != (n_scales,):
        raise InputError(f"scaling has shape {scales.shape}; expected ({n_scales},)")
    steps: list[list[np.ndarray]] = [[] for _ in range(circuit.features)]
    for gate in circuit.gates:
        for primitive in translate(gate) or ():
            if isinstance(primitive, Fixed) or primitive.angle.input < 0:
                continue
            angle = primitive.angle
            gain = angle.factor * primitive.gain * (scales[angle.scale] if angle.scale >= 0 else 1.0)
            controlled = isinstance(primitive, Turn) and bool(primitive.controls)
            steps[angle.input].append(gain * np.array([-1.0, -0.5, 0.0, 0.5, 1.0] if controlled else [-1.0, 0.0, 1.0]))
    return [reduce(_sums, found, np.zeros(1)) for found in steps]


def fourier_spectrum(circuit: Circuit, feature: int = 0, n_samples: int = 30, seed: int = 0) -> Spectrum:
    """Which of the frequencies of one feature the read-outs reach, found by the discrete Fourier transform over one
    period for random weights and random other features, all λ at `init_scaling`.

    Raises `InputError` where the frequencies have no common period, and for a feature that does not exist.
    """
    if not 0 <= feature < circuit.features:
        raise InputError(f"feature={feature} must be between 0 and {circuit.features - 1}")
    frequencies = encoding_frequencies(circuit)[feature]
    positive = frequencies[frequencies > _TOLERANCE]
    unit = positive[0] if len(positive) else 1.0
    order = np.rint(frequencies / unit).astype(int)
    if np.abs(order * unit - frequencies).max() > 1e-6:
        raise InputError(f"feature {feature}: frequencies {positive} are no multiples of the smallest")
    highest = int(order.max())
    points = 2 * (highest + 2) + 1  # room for two orders more, which must stay empty
    grid = np.arange(points) * 2.0 * np.pi / (points * unit)
    weights = draw_weights(circuit, n_samples, seed, "uniform")
    others = np.random.default_rng([seed, 2]).uniform(-np.pi, np.pi, (n_samples, circuit.features))
    power = np.zeros((circuit.terms.weights.shape[1], points))
    for sample in range(n_samples):
        features = np.repeat(others[sample][None], points, 0)
        features[:, feature] = grid
        with torch.no_grad():
            rows = weights[sample].expand(points, -1)
            values = read(circuit, states(circuit, rows, features, squash=False)).numpy()
        power += np.abs(np.fft.fft(values, axis=0).T / points) ** 2 / n_samples
    size = np.sqrt(power)
    allowed = np.zeros(points, bool)
    allowed[order] = True
    return Spectrum(
        frequencies, size[:, order], size[:, order] > _TOLERANCE, float(size[:, ~allowed].max(initial=0.0))
    )  # fmt: skip
