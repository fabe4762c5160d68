"""A `Circuit` as a TorchQuantum module."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from entangrid.agents.quantum.blocks import BlockForm, split_stages, template
from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.program import Angle
from entangrid.agents.quantum.states import beside_a_row
from entangrid.agents.quantum.torchquantum import tq, tqf
from entangrid.data.errors import InputError


class CircuitModule(tq.QuantumModule):  # type: ignore[misc]  # TorchQuantum has no types
    """Observation (B, n_inputs) -> read-out (B, outputs), differentiable in the observation and the parameters.

    Trainable: `input_scaling` (n_scales,), `angles` (n_weights,) [rad] and, where the circuit has them, `input_layer`,
    `output_scaling` and `output_bias`. `apply_gates` is the definition, gate by gate; `forward` executes the same
    circuit as few large TorchQuantum gates where it can (`blocks`), because TorchQuantum's cost is per gate. The
    quantum device lives only inside the call: kept on the module it would break ``deepcopy`` and enter ``state_dict``.
    `slots` tells the column of `slot_angles` that holds an angle.
    """

    def __init__(self, circuit: Circuit) -> None:
        super().__init__()
        self.circuit = circuit
        self.n_inputs = circuit.inputs
        sizes = circuit.parameters
        self.input_scaling = torch.nn.Parameter(torch.full((sizes["input_scaling"],), float(circuit.init_scaling)))
        self.angles = torch.nn.Parameter(_initial_angles(circuit))
        self.input_layer = torch.nn.Linear(circuit.inputs, circuit.n_qubits) if circuit.input_layer else None
        self._build_output()
        if circuit.input_low is not None and circuit.input_high is not None:
            low, high = torch.tensor(circuit.input_low), torch.tensor(circuit.input_high)
            self.register_buffer("_low", low, persistent=False)
            self.register_buffer("_range", high - low, persistent=False)
        slots: dict[Angle, int] = {}
        for gate in circuit.gates:
            for angle in gate.angles:
                slots.setdefault(angle, len(slots))
        self.slots = slots
        for name in ("input", "scale", "weight"):
            index = torch.tensor([getattr(a, name) for a in slots], dtype=torch.int64)
            self.register_buffer(f"_{name}", index, persistent=False)
        self._has = {name: any(getattr(a, name) >= 0 for a in slots) for name in ("input", "scale", "weight")}
        self._factor = _constant(self, "_factors", [a.factor for a in slots], neutral=1.0)
        self._offset = _constant(self, "_offsets", [a.offset for a in slots], neutral=0.0)
        self._squash = {"tanh": torch.tanh, "arctan": torch.atan}.get(circuit.squash)
        stages = split_stages(circuit.gates, circuit.n_qubits)
        names = template(stages) if stages else None
        self.blocks = BlockForm(stages, names, slots, circuit.n_qubits) if stages and names else None
        self._build_readout()

    def _build_output(self) -> None:
        n, kind = self.circuit.terms.weights.shape[1], self.circuit.output
        self.output_scaling: torch.nn.Parameter | None = None
        self.output_bias: torch.nn.Parameter | None = None
        if kind == "scale":
            self.output_scaling = torch.nn.Parameter(torch.ones(n))
        if kind in ("linear", "affine"):
            # alternating signs, so that the outputs differ from the first step (Jerbi et al. 2021)
            signs = torch.tensor([(-1.0) ** j for j in range(self.circuit.outputs)])
            self.output_scaling = torch.nn.Parameter(signs.repeat(n, 1))
        if kind in ("bias", "affine"):
            self.output_bias = torch.nn.Parameter(torch.zeros(self.circuit.outputs))

    def _build_readout(self) -> None:
        terms, n = self.circuit.terms, self.circuit.n_qubits
        phases = terms.phases(n)
        if terms.is_diagonal:
            table = torch.as_tensor((phases.real.T @ terms.weights), dtype=torch.float32)  # (2^n, n_observables)
            self.register_buffer("_eigenvalues", table, persistent=False)
        else:
            partner = np.arange(1 << n) ^ terms.flip[:, None]
            self.register_buffer("_partner", torch.as_tensor(partner), persistent=False)
            self.register_buffer("_phases", torch.as_tensor(phases, dtype=torch.complex64), persistent=False)
            weights = torch.as_tensor(terms.weights, dtype=torch.float32)
            self.register_buffer("_weights", weights, persistent=False)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """What the gates read, (B, circuit.features): the observation after min-max scaling and input layer."""
        if self.circuit.squash == "min-max":
            x = (2.0 * (x - self.get_buffer("_low")) / self.get_buffer("_range") - 1.0).clamp(-1.0, 1.0) * math.pi
        return x if self.input_layer is None else self.input_layer(x)

    def amplitudes(self, x: torch.Tensor) -> torch.Tensor | None:
        """The states (B, 2^n) that amplitude encoding starts from, real; None with other encodings. A row of zeros is
        |0...0>."""
        if self.circuit.encoding != "amplitude":
            return None
        x = self.features(x)
        norm = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        zero = torch.nn.functional.one_hot(x.new_zeros(len(x), dtype=torch.int64), x.shape[1]).to(x.dtype)
        unit = torch.where(norm == 0, zero, x) / torch.where(norm == 0, 1.0, norm)  # NaN stays NaN
        return torch.nn.functional.pad(unit, (0, (1 << self.circuit.n_qubits) - x.shape[1]))

    def slot_angles(self, x: torch.Tensor) -> torch.Tensor:
        """Every angle of the circuit [rad] from its features, (B, K + 1) or (1, K + 1); the last is zero."""
        a = x.new_zeros(1, len(self.slots))
        if self._has["input"]:
            a = x[:, self.get_buffer("_input").clamp(min=0)]
            if self._has["scale"]:
                scale = torch.cat([self.input_scaling, self.input_scaling.new_ones(1)])
                a = a * scale[self.get_buffer("_scale")]
            if self._squash is not None:
                a = self._squash(a)
            a = torch.where(self.get_buffer("_input") >= 0, a, 0.0)
        if self._factor:
            a = a * self.get_buffer("_factors").to(a.dtype)
        if self._has["weight"]:
            weight = torch.cat([self.angles, self.angles.new_zeros(1)])
            a = a + weight[self.get_buffer("_weight")]
        if self._offset:
            a = a + self.get_buffer("_offsets").to(a.dtype)
        return torch.nn.functional.pad(a, (0, 1))

    def apply_gates(self, x: torch.Tensor, device: Any) -> None:
        """The circuit gate by gate on a TorchQuantum device: its definition, and what is traced."""
        if (states := self.amplitudes(x)) is not None:
            device.set_states(states.to(torch.complex64))
        columns = self.slot_angles(self.features(x)).unbind(1)
        for gate in self.circuit.gates:
            chosen = [columns[self.slots[a]] if a.input >= 0 else columns[self.slots[a]][:1] for a in gate.angles]
            size = max((column.shape[0] for column in chosen), default=1)
            params = torch.stack([column.expand(size) for column in chosen], dim=-1) if chosen else None
            tqf.func_name_dict[gate.name](
                device,
                wires=list(gate.wires),
                params=params,
                inverse=gate.inverse,
                static=self.static_mode,
                parent_graph=self.graph,
            )

    def read(self, states: torch.Tensor) -> torch.Tensor:
        """Read-out and output scaling of amplitudes (B, 2^n)."""
        if self.circuit.terms.is_diagonal:
            z: torch.Tensor = (states.real.square() + states.imag.square()) @ self.get_buffer("_eigenvalues")
        else:
            partners = states[:, self.get_buffer("_partner")].conj()  # (B, T, 2^n)
            terms = (partners * self.get_buffer("_phases") * states[:, None, :]).sum(-1).real
            z = terms @ self.get_buffer("_weights")
        return self.finish(z)

    def finish(self, z: torch.Tensor) -> torch.Tensor:
        """Range and output scaling of observables (B, n_observables)."""
        if self.circuit.readout_range == "unit":
            z = 0.5 * (z + 1.0)
        if self.output_scaling is not None:
            z = z * self.output_scaling if self.circuit.output == "scale" else z @ self.output_scaling
        return z if self.output_bias is None else z + self.output_bias

    def check(self, x: torch.Tensor | np.ndarray, kind: type[Any] = torch.Tensor) -> None:
        """Raise `InputError` unless `x` is of a kind, real, and of shape (batch, n_inputs)."""
        if not isinstance(x, kind):
            raise InputError(f"circuit input is of type {type(x).__name__}; expected {kind.__name__}")
        if x.ndim != 2 or x.shape[1] != self.n_inputs:
            raise InputError(f"circuit input has shape {tuple(x.shape)}; expected (batch, {self.circuit.inputs})")
        if x.is_complex() if isinstance(x, torch.Tensor) else x.dtype.kind not in "fiub":
            raise InputError(f"circuit input has type {x.dtype}; expected real numbers")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Expectation values (B, outputs) float32 of the observations (B, n_inputs)."""
        self.check(x)
        if not len(x):
            return beside_a_row(self, x)
        x = x.to(self.angles.dtype)
        if self.blocks is None:
            device = tq.QuantumDevice(n_wires=self.circuit.n_qubits, bsz=x.shape[0], device=x.device)
            self.apply_gates(x, device)
            states = device.get_states_1d()
        else:
            angles = self.slot_angles(self.features(x))
            states = self.blocks.run(angles.float().expand(x.shape[0], -1), self.amplitudes(x))
        return self.read(states)


def _initial_angles(circuit: Circuit) -> torch.Tensor:
    n = circuit.parameters["angles"]
    if circuit.initialisation in ("uniform", "identity-block"):
        angles = (2.0 * torch.rand(n) - 1.0) * math.pi
        for copy, original in circuit.program.twins:
            angles[copy] = angles[original]
        return angles
    if circuit.initialisation == "gaussian":
        return torch.randn(n) * circuit.init_std
    return torch.zeros(n)


def _constant(module: torch.nn.Module, name: str, values: list[float], neutral: float) -> bool:
    """Register the values, in double precision, as a buffer unless all are neutral; whether they were."""
    if all(v == neutral for v in values):
        return False
    module.register_buffer(name, torch.tensor(values, dtype=torch.float64), persistent=False)
    return True
