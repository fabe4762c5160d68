"""A `CVCircuit` as a torch module."""

from __future__ import annotations

import math
import warnings

import torch

from entangrid.agents.quantum.cv import CVCircuit
from entangrid.agents.quantum.cv_gates import FockGates
from entangrid.agents.quantum.cv_state import FockState
from entangrid.agents.quantum.states import beside_a_row
from entangrid.data.errors import InputError


class TruncationWarning(UserWarning):
    """States lose norm at the Fock cutoff, so that read-outs are those of no physical state."""


class CVModule(torch.nn.Module):
    """Observation (B, n_inputs) -> read-out (B, outputs), differentiable in the observation and the parameters.

    Trainable, named as in the qubit circuits' modules: `input_scaling` (n_scales,), `angles`, the parameters of each
    layer in the order of `CVCircuit.gates` (n_layers * layer_weights,), and, where the circuit has them, `input_layer`,
    `output_scaling` and `output_bias`. Gate matrices are made in double precision; states and results are of
    `precision`. `largest_norm_loss` is the largest loss of norm seen in any call; a `TruncationWarning` is given when
    it first exceeds the circuit's tolerance, and again at every tenfold of it.
    """

    def __init__(self, circuit: CVCircuit, precision: str = "single") -> None:
        super().__init__()
        if precision not in ("single", "double"):
            raise InputError(f"precision={precision!r} is unknown; expected 'single' or 'double'")
        self.circuit, self.precision = circuit, precision
        self.dtype = torch.float64 if precision == "double" else torch.float32
        self.fock = FockGates(circuit.cutoff, circuit.n_modes)
        sizes = circuit.parameters
        self.input_scaling = torch.nn.Parameter(torch.full((sizes["input_scaling"],), float(circuit.init_scaling)))
        self.angles = torch.nn.Parameter(_initial_weights(circuit))
        self.input_layer = torch.nn.Linear(circuit.inputs, circuit.n_modes) if circuit.input_layer else None
        n = circuit.observables
        self.output_scaling: torch.nn.Parameter | None = None
        self.output_bias: torch.nn.Parameter | None = None
        if circuit.output == "scale":
            self.output_scaling = torch.nn.Parameter(torch.ones(n))
        if circuit.output in ("linear", "affine"):
            signs = torch.tensor([(-1.0) ** j for j in range(circuit.outputs)])
            self.output_scaling = torch.nn.Parameter(signs.repeat(n, 1))
        if circuit.output in ("bias", "affine"):
            self.output_bias = torch.nn.Parameter(torch.zeros(circuit.outputs))
        if circuit.input_low is not None and circuit.input_high is not None:
            low, high = torch.tensor(circuit.input_low), torch.tensor(circuit.input_high)
            self.register_buffer("_low", low, persistent=False)
            self.register_buffer("_range", high - low, persistent=False)
        self._squash = {"tanh": torch.tanh, "arctan": torch.atan}.get(circuit.squash)
        self.largest_norm_loss = 0.0
        self._warned_at = 0.0
        if precision == "double":
            self.double()

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """What the gates read, (B, circuit.features)."""
        if self.circuit.squash == "min-max":
            x = (2.0 * (x - self.get_buffer("_low")) / self.get_buffer("_range") - 1.0).clamp(-1.0, 1.0)
        return x if self.input_layer is None else self.input_layer(x)

    def state(self, x: torch.Tensor) -> FockState:
        """The states of observations (B, n_inputs) behind the last layer."""
        if not isinstance(x, torch.Tensor) or x.is_complex():
            raise InputError(f"circuit input is {getattr(x, 'dtype', type(x).__name__)}; expected a real torch.Tensor")
        if x.dim() != 2 or x.shape[1] != self.circuit.inputs:
            raise InputError(f"circuit input has shape {tuple(x.shape)}; expected (batch, {self.circuit.inputs})")
        circuit, features = self.circuit, self.features(x.to(self.angles.dtype))
        complex_dtype = torch.complex128 if self.precision == "double" else torch.complex64
        state = FockState(circuit.n_modes, circuit.cutoff, x.shape[0], dtype=complex_dtype, gates=self.fock)
        first, middle, last = self._matrices(complex_dtype)
        for layer in range(circuit.n_layers):
            self._encode(state, features, layer)
            for splitters, singles in ((first[layer], middle), (first[circuit.n_layers + layer], last)):
                for (mode1, mode2), matrix in zip(circuit.mesh(), splitters, strict=True):
                    state.apply_two(mode1, mode2, matrix)
                for mode in range(circuit.n_modes):
                    state.apply(mode, singles[layer, mode])
        return state

    def _encode(self, state: FockState, features: torch.Tensor, layer: int) -> None:
        for gate in self.circuit.encoding(layer):
            r = features[:, gate.input]
            r = r if gate.scale < 0 else r * self.input_scaling[gate.scale]
            r = r if self._squash is None else self._squash(r)
            if layer:
                state.apply(gate.modes[0], self.fock.displacement(r))
                continue
            # the mode is still in its vacuum
            coherent = self.fock.coherent(r).mT.to(state.amplitudes.dtype)
            shape = [1] * self.circuit.n_modes
            shape[gate.modes[0]] = self.circuit.cutoff
            vacuum = state.amplitudes.select(gate.modes[0], 0).unsqueeze(gate.modes[0])
            state.amplitudes = vacuum * coherent.reshape(*shape, state.batch)

    def _matrices(self, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Beam splitters of all first and then all second interferometers (2 L, K, D^2, D^2); what stands between the
        two, squeezing behind rotation, (L, M, D, D); and what closes a layer, Kerr and displacement behind rotation."""
        circuit, fock = self.circuit, self.fock
        m, k = circuit.n_modes, len(circuit.mesh())
        sizes = [k, k, m, m, m, k, k, m, m, m] + ([m] if circuit.kerr else [])
        parts = torch.split(self.angles.reshape(circuit.n_layers, -1), sizes, 1)
        theta1, phi1, turn1, r, r_phase, theta2, phi2, turn2, a, a_phase, *kappa = parts
        splitters = torch.zeros(2 * circuit.n_layers, 0, 1, 1, dtype=dtype, device=self.angles.device)
        if k:
            splitters = fock.beam_splitter(torch.cat([theta1, theta2]), torch.cat([phi1, phi2])).to(dtype)
        middle = fock.squeezing(r, r_phase) * fock.phases(turn1)[..., None, :]
        last = fock.displacement(a, a_phase) * fock.phases(turn2)[..., None, :]
        if kappa:
            last = fock.kerr_phases(kappa[0])[..., :, None] * last
        return splitters, middle.to(dtype), last.to(dtype)

    def norm_loss(self, x: torch.Tensor) -> torch.Tensor:
        """1 - <psi|psi> (B,) of observations, differentiable: a penalty that keeps states below the cutoff."""
        return 1.0 - self.state(x).norm()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Read-outs (B, outputs) of the observations (B, n_inputs)."""
        if isinstance(x, torch.Tensor) and x.shape == (0, self.circuit.inputs):
            return beside_a_row(self, x)
        state = self.state(x)
        self._watch(state)
        reads = {"x": state.mean_x, "n": state.mean_n}
        z = torch.cat([reads[kind]() for kind in self.circuit.readout], 1)
        if self.output_scaling is not None:
            z = z * self.output_scaling if self.circuit.output == "scale" else z @ self.output_scaling
        return z if self.output_bias is None else z + self.output_bias

    def _watch(self, state: FockState) -> None:
        with torch.no_grad():
            lost = float((1.0 - state.norm()).max()) if state.batch else 0.0
        self.largest_norm_loss = max(self.largest_norm_loss, lost)
        if lost > max(self.circuit.norm_tolerance, 10.0 * self._warned_at):
            self._warned_at = lost
            warnings.warn(
                f"a state lost {lost:.2g} of its norm at cutoff={self.circuit.cutoff}"
                f" (tolerance {self.circuit.norm_tolerance:g}): raise the cutoff, or squash or scale down the inputs",
                TruncationWarning,
                stacklevel=4,
            )


def _initial_weights(circuit: CVCircuit) -> torch.Tensor:
    n = circuit.parameters["angles"]
    if circuit.initialisation == "zeros":
        return torch.zeros(n)
    weights = torch.randn(n) * circuit.init_std
    if circuit.initialisation == "uniform":
        passive = torch.zeros(n, dtype=torch.bool)
        for gate in circuit.gates():
            if gate.name in ("beam-splitter", "rotation"):
                passive[list(gate.weights)] = True
            elif gate.name in ("squeezing", "displacement") and gate.weights:
                passive[gate.weights[1]] = True
        weights = torch.where(passive, (2.0 * torch.rand(n) - 1.0) * math.pi, weights)
    return weights
