"""What may stand where a circuit stood: an MLP of its size, its Fourier features, or nothing but a linear layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from entangrid.agents.networks import matched_hidden
from entangrid.agents.quantum.analysis_spectrum import encoding_frequencies
from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.fitting import fit_circuit
from entangrid.data.errors import InputError

KINDS = ("mlp", "fourier", "identity")
_NOTHING = 1e-9


class FourierFeatures(nn.Module):
    """sin(ω · x) and cos(ω · x) for frequencies ω that a circuit's encoding reaches, (B, n_inputs) -> (B, 2 K).

    The circuit is a trigonometric polynomial in its features (Schuld, Sweke, Meyer 2021, DOI
    10.1103/PhysRevA.103.032430). Held are all frequencies of one feature alone, and as many again, or ``n_frequencies``
    in all, drawn (seeded) from those of several features, of which there are too many to list (random Fourier features
    of the circuit's spectrum: Landman and others 2022, arXiv:2210.13200). Nothing here is trained, as long as the
    circuit has no input layer; a linear layer behind it is the read-out. The λ keep their first values.
    """

    def __init__(self, circuit: Circuit, n_frequencies: int | None = None, seed: int = 0) -> None:
        super().__init__()
        if circuit.squash == "min-max":
            raise InputError("FourierFeatures: squash='min-max' is not supported; expected 'none', 'tanh' or 'arctan'")
        self.input_layer = nn.Linear(circuit.inputs, circuit.n_qubits) if circuit.input_layer else None
        frequencies = encoding_frequencies(circuit)
        alone = [np.eye(len(frequencies))[i] * w for i, each in enumerate(frequencies) for w in each if w > _NOTHING]
        wanted = 2 * len(alone) if n_frequencies is None else n_frequencies
        rows = {tuple(row): None for row in np.round(alone, 9).tolist()[:wanted]}
        rng = np.random.default_rng(seed)
        room = int(np.prod([len(each) for each in frequencies], dtype=np.float64)) // 2
        while len(rows) < min(wanted, room):
            row = np.array([rng.choice(each) for each in frequencies])
            if np.abs(row).max() > _NOTHING:
                row *= np.sign(row[np.flatnonzero(np.abs(row) > _NOTHING)[0]])
                rows.setdefault(tuple(np.round(row, 9).tolist()))
        self.register_buffer("frequencies", torch.tensor(list(rows), dtype=torch.float32), persistent=True)
        # a squashed feature is tanh(λ x), whose frequencies are those of the gates alone
        self.squash, self.scale = circuit.squash, float(circuit.init_scaling)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (B, 2 K) of observations (B, n_inputs)."""
        if self.input_layer is not None:
            x = self.input_layer(x)
        frequencies = self.get_buffer("frequencies").to(x.dtype)
        if self.squash != "none":
            x = (torch.tanh if self.squash == "tanh" else torch.arctan)(self.scale * x) / self.scale
        phases = x @ frequencies.T
        return torch.cat([torch.sin(phases), torch.cos(phases)], 1)


@dataclass(frozen=True)
class Replacement:
    """From a number of inputs to the module that stands in a circuit's place; plain data, to be saved with a policy.

    kind: "mlp", one hidden layer of tanh between as many inputs and outputs, whose width brings it nearest to the
    circuit's number of parameters; "fourier", :class:`FourierFeatures`; "identity", one linear layer to as many
    outputs. circuit: fields of `Circuit`, as the policy would take them.
    """

    kind: str
    circuit: tuple[tuple[str, Any], ...]
    seed: int = 0

    @classmethod
    def of(cls, kind: str, circuit: Mapping[str, Any] | None, seed: int = 0) -> Replacement:
        """The replacement of a circuit; raises InputError for an unknown kind and for qumodes."""
        if kind not in KINDS:
            raise InputError(f"replacement {kind!r} is unknown; expected one of {', '.join(KINDS)}")
        if circuit is not None and "n_modes" in circuit:
            raise InputError(f"replacement {kind!r}: the circuit has qumodes; expected one of qubits")
        return cls(kind, tuple(sorted((circuit or {}).items())), seed)

    def __call__(self, n_inputs: int) -> nn.Module:
        """The module (B, n_inputs) -> (B, outputs)."""
        circuit = fit_circuit(dict(self.circuit), n_inputs)
        if self.kind == "fourier":
            return FourierFeatures(circuit, seed=self.seed)
        if self.kind == "identity":
            layers = nn.Sequential()
            layers.add_module("input_layer", nn.Linear(n_inputs, circuit.outputs))
            return layers
        width = matched_hidden(n_inputs, circuit.outputs, circuit.n_parameters)
        return nn.Sequential(nn.Linear(n_inputs, width), nn.Tanh(), nn.Linear(width, circuit.outputs))
