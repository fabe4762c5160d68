"""States of one circuit for many draws of its weights at once: what the analyses sample.

The backends share weights over a batch of observations; here each sample has weights of its own. Gates come from
`translation`, the states are exact and in double precision, and gradients flow by autograd.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.program import Angle
from entangrid.agents.quantum.translation import Fixed, PauliTurn, Turn, translate
from entangrid.data.errors import InputError

_PAULI = {
    "x": torch.tensor([[0, 1], [1, 0]], dtype=torch.complex128),
    "y": torch.tensor([[0, -1j], [1j, 0]], dtype=torch.complex128),
    "z": torch.tensor([[1, 0], [0, -1]], dtype=torch.complex128),
}
_BYTES = 1 << 28  # of states that autograd may keep at once


def draw_weights(circuit: Circuit, n_samples: int, seed: int, initialisation: str | None = None) -> torch.Tensor:
    """Weights (S, n_weights) as the circuit initialises them, or by another `initialisation`."""
    rng, n, kind = np.random.default_rng(seed), circuit.program.n_weights, initialisation or circuit.initialisation
    weights = np.zeros((n_samples, n))
    if kind == "gaussian":
        weights = rng.normal(0.0, circuit.init_std, (n_samples, n))
    elif kind in ("uniform", "identity-block"):
        weights = rng.uniform(-np.pi, np.pi, (n_samples, n))
    elif kind != "zeros":
        raise InputError(f"initialisation={kind!r} is unknown")
    if kind == "identity-block":
        for copy, original in circuit.program.twins:
            weights[:, copy] = weights[:, original]
    return torch.tensor(weights)


def chunks(circuit: Circuit, n_samples: int) -> Iterator[slice]:
    """Runs of samples that fit into memory with all that autograd keeps of them."""
    most = max(1, _BYTES // ((len(circuit.gates) + 2) << (circuit.n_qubits + 5)))
    return (slice(first, min(first + most, n_samples)) for first in range(0, n_samples, most))


def states(
    circuit: Circuit, weights: torch.Tensor, features: Any = None, scaling: Any = None, *, squash: bool = True
) -> torch.Tensor:
    """Amplitudes (S, 2^n) for weights (S, n_weights).

    `features` (S or 1, circuit.features) are what the gates read (behind min-max scaling and input layer), zeros by
    default; `scaling` (n_scales,) is `init_scaling` by default; with `squash` False the circuit's is left out.
    """
    s, n, dtype = weights.shape[0], circuit.n_qubits, torch.float64
    x = torch.zeros(1, circuit.features, dtype=dtype) if features is None else torch.as_tensor(features, dtype=dtype)
    x = x.reshape(1, -1) if x.dim() == 1 else x
    if x.shape[1] != circuit.features or x.shape[0] not in (1, s):
        raise InputError(f"features have shape {tuple(x.shape)}; expected (1 or {s}, {circuit.features})")
    scale = torch.full((circuit.program.n_scales,), float(circuit.init_scaling), dtype=dtype)
    scale = scale if scaling is None else torch.as_tensor(scaling, dtype=dtype)
    transform = {"tanh": torch.tanh, "arctan": torch.atan}.get(circuit.squash) if squash else None

    def value(angle: Angle) -> torch.Tensor:
        out = torch.full((1,), angle.offset, dtype=dtype)
        if angle.input >= 0:
            z = x[:, angle.input] * (scale[angle.scale] if angle.scale >= 0 else 1.0)
            out = out + angle.factor * (z if transform is None else transform(z))
        return out + weights[:, angle.weight] if angle.weight >= 0 else out

    psi = _start(circuit, x, s)
    for gate in circuit.gates:
        primitives = translate(gate)
        if primitives is None:
            raise InputError(f"gate {gate.name!r} on wires {gate.wires} cannot be analysed")
        for primitive in primitives:
            psi = _apply(psi, primitive, n, value)
    return psi.reshape(s, -1)


def _start(circuit: Circuit, x: torch.Tensor, n_samples: int) -> torch.Tensor:
    psi = torch.zeros(n_samples, 1 << circuit.n_qubits, dtype=torch.complex128)
    if circuit.encoding == "amplitude" and bool((x != 0).any()):
        psi[:, : x.shape[1]] = (x / torch.linalg.vector_norm(x, dim=1, keepdim=True)).to(psi.dtype)
    else:
        psi[:, 0] = 1.0
    return psi


def _apply(psi: torch.Tensor, primitive: Turn | PauliTurn | Fixed, n: int, value: Any) -> torch.Tensor:
    if isinstance(primitive, Fixed):
        return _contract(psi, torch.as_tensor(primitive.matrix, dtype=psi.dtype), primitive.wires, n)
    half = 0.5 * primitive.gain * value(primitive.angle)
    cos, sin = torch.cos(half)[:, None], torch.sin(half)[:, None]
    if isinstance(primitive, PauliTurn):
        turned = psi
        for wire, letter in zip(primitive.wires, primitive.letters, strict=True):
            turned = _contract(turned, _PAULI[letter], (wire,), n)
        return cos * psi - 1j * sin * turned
    turned = _contract(psi, _PAULI["xyz"[primitive.axis - 1]], (primitive.wire,), n)
    out = cos * psi - 1j * sin * turned
    if not primitive.controls:
        return out
    on = torch.ones(1 << n, dtype=torch.bool)
    for wire in primitive.controls:
        on &= (torch.arange(1 << n) >> (n - 1 - wire) & 1).bool()
    return torch.where(on, out, psi)


def _contract(psi: torch.Tensor, matrix: torch.Tensor, wires: tuple[int, ...], n: int) -> torch.Tensor:
    """A constant matrix on wires of states (S, 2^n)."""
    axes = [w + 1 for w in wires]
    moved = psi.reshape(-1, *[2] * n).movedim(axes, list(range(1, len(wires) + 1)))
    turned = (matrix @ moved.reshape(moved.shape[0], 1 << len(wires), -1)).reshape(moved.shape)
    return turned.movedim(list(range(1, len(wires) + 1)), axes).reshape(psi.shape)


def read(circuit: Circuit, psi: torch.Tensor) -> torch.Tensor:
    """Expectation values (S, n_observables) of the circuit's read-out, before any output scaling."""
    terms = circuit.terms
    phases = torch.as_tensor(terms.phases(circuit.n_qubits), dtype=psi.dtype)
    j = torch.arange(psi.shape[1])
    columns = [
        (phases[t] * psi[:, j ^ int(flip)].conj() * psi).sum(1).real for t, flip in enumerate(terms.flip.tolist())
    ]
    return torch.stack(columns, 1) @ torch.as_tensor(terms.weights)
