"""One interface to every way of executing a circuit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from entangrid.agents.quantum.circuit import Circuit
from entangrid.agents.quantum.fused import Engine, execute
from entangrid.agents.quantum.module import CircuitModule
from entangrid.agents.quantum.states import DRAWS, beside_a_row
from entangrid.data.errors import InputError

if TYPE_CHECKING:
    from entangrid.agents.quantum.noise import NoiseModel
    from entangrid.agents.quantum.traced import TracedCircuit

EXACT = ("fused", "torchquantum", "torch")
NOISY = ("density", "trajectories", "shots")
BACKENDS = (*EXACT, *NOISY)
PRECISIONS = ("single", "double")


class CompiledCircuit(torch.nn.Module):
    """A circuit and what executes it: (B, n_inputs) -> (B, outputs), float32, or float64 in double precision.

    The parameters are those of `module`, the TorchQuantum definition, and are saved under the same names whatever the
    backend, so that a policy trained with one can be loaded with another.
    """

    def __init__(self, module: CircuitModule, backend: str, precision: str, threads: int | None) -> None:
        super().__init__()
        self.module, self.backend, self.precision = module, backend, precision
        self.dtype = torch.float64 if precision == "double" else torch.float32
        self.engine: Engine | None = None
        self.network: torch.nn.Module | None = None
        circuit = module.circuit
        # the kernels do all of it: nothing before, nothing after, which is worth a shortcut at small sizes
        self.whole = (circuit.output, circuit.readout_range, circuit.input_layer) == ("none", "signed", False)
        self.whole &= circuit.encoding != "amplitude" and circuit.squash != "min-max"
        if backend == "fused":
            self.engine = Engine(plan_of(module.circuit), precision, threads)
        elif backend == "torch":
            from entangrid.agents.quantum.fused_torch import TorchPlan

            self.network = TorchPlan(plan_of(module.circuit), precision)

    @property
    def circuit(self) -> Circuit:
        """The description."""
        circuit: Circuit = self.module.circuit
        return circuit

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Read-outs (B, outputs), differentiable in the observations (B, n_inputs) and the parameters."""
        module: Any = self._modules["module"]  # dictionaries: torch's attributes cost as much as a small circuit
        if self.backend == "torchquantum":
            out: torch.Tensor = module(x)
            return out
        module.check(x)
        if self.engine is None and not len(x):
            return beside_a_row(self, x)
        if self.engine is not None and self.whole:
            return execute(self.engine, x, _own(module, "input_scaling"), _own(module, "angles"))
        states = module.amplitudes(x)
        parts = None if states is None else torch.stack([states, torch.zeros_like(states)], -1).flatten(1)
        features = module.features(x) if states is None else x[:, :0]
        if self.network is not None:
            return self._finish(self.network(features, module.input_scaling, module.angles, parts))
        assert self.engine is not None
        return self._finish(execute(self.engine, features, module.input_scaling, module.angles, parts))

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        state_dict.pop(prefix + DRAWS, None)  # of a layer with noise or shots
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _finish(self, z: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.module.finish(z)
        return out

    def act(self, x: np.ndarray) -> np.ndarray:
        """`forward` of an array of observations without gradients, and in the fused backend without torch."""
        module: Any = self._modules["module"]
        x = np.asarray(x)
        module.check(x, np.ndarray)
        engine = self.engine
        if engine is None or not self.whole:
            with torch.no_grad():
                out: np.ndarray = self(torch.as_tensor(x, dtype=self.dtype)).numpy()
                return out
        dtype = engine.dtype
        scaling, angles = (_own(module, name).detach().numpy() for name in ("input_scaling", "angles"))
        return engine.forward(
            np.ascontiguousarray(x, dtype), np.ascontiguousarray(scaling, dtype), np.ascontiguousarray(angles, dtype)
        )


def _own(module: torch.nn.Module, name: str) -> torch.Tensor:
    """A parameter, or what a parametrization computes in its place."""
    parameter = module._parameters.get(name)
    return getattr(module, name) if parameter is None else parameter


def plan_of(circuit: Circuit) -> Any:
    """The plan of a described circuit. Raises `InputError` for a gate that the kernels cannot execute."""
    from entangrid.agents.quantum.plan import make_plan
    from entangrid.agents.quantum.translation import translate

    primitives = []
    for gate in circuit.gates:
        translated = translate(gate)
        if translated is None:
            raise InputError(f"gate {gate.name!r} on wires {gate.wires} has no fast form; use backend='torchquantum'")
        primitives += translated
    sizes = circuit.parameters
    return make_plan(
        primitives,
        circuit.terms,
        circuit.n_qubits,
        0 if circuit.encoding == "amplitude" else circuit.features,
        sizes["input_scaling"],
        sizes["angles"],
        circuit.squash,
        given_state=circuit.encoding == "amplitude",
    )


def compile_circuit(
    circuit: Circuit | torch.nn.Module,
    backend: str | Mapping[str, Any] = "fused",
    precision: str = "single",
    threads: int | None = None,
    *,
    noise: NoiseModel | Mapping[str, Any] | None = None,
    shots: int | None = None,
    trajectories: int | None = None,
    seed: int | None = None,
) -> CompiledCircuit | TracedCircuit:
    """A module that executes a circuit by `backend`, (B, n_inputs) -> (B, outputs).

    ================ ===================================================================================================
    "fused"          compiled kernels; `threads` bounds the threads of a call, None following torch's setting
    "torchquantum"   TorchQuantum's own execution, in single precision only
    "torch"          plain torch, for any device
    "density"        exact with `noise`, up to 8 qubits
    "trajectories"   the mean over `trajectories` (100) random pure states with `noise`, for any number of qubits
    "shots"          estimates from `shots` (1024) measurements of every setting, with `noise` if there is any;
                     gradients by parameter shifts, and every circuit executed counted in the layer's `executions`
    ================ ===================================================================================================

    `circuit` is a `Circuit`, its built module, or any ``torchquantum.QuantumModule`` (see `TracedCircuit` for what is
    traced); layers of one module share its parameters. `precision` is "single" or "double". `noise` is a `NoiseModel`
    or its fields; `seed` determines all draws, and is itself drawn from torch's generator if None. `backend` may be a
    mapping of these options with the name under "backend", where there is room for one argument only, as in the
    policies. Raises `InputError` naming the option.
    """
    if isinstance(backend, Mapping):
        options = {"precision": precision, "threads": threads, "noise": noise, "shots": shots,
                   "trajectories": trajectories, "seed": seed}  # fmt: skip
        if unknown := sorted(set(backend) - {"backend", *options}):
            raise InputError(f"backend: {unknown[0]!r} is no option; expected some of backend, {', '.join(options)}")
        chosen = options | {name: value for name, value in backend.items() if name != "backend"}
        return compile_circuit(circuit, backend.get("backend", "fused"), **chosen)
    if backend not in BACKENDS:
        raise InputError(f"backend={backend!r} is unknown; expected one of {', '.join(BACKENDS)}")
    if precision not in PRECISIONS:
        raise InputError(f"precision={precision!r} is unknown; expected 'single' or 'double'")
    if threads is not None and (not isinstance(threads, int) or isinstance(threads, bool) or threads < 1):
        raise InputError(f"threads={threads!r} must be an integer of at least 1, or None")
    used = {"noise": NOISY, "shots": ("shots",), "trajectories": ("trajectories",), "seed": NOISY}
    given = {"noise": noise, "shots": shots, "trajectories": trajectories, "seed": seed}
    for name, backends in used.items():
        if given[name] is not None and backend not in backends:
            raise InputError(f"{name} does not go with backend={backend!r}; expected {' or '.join(backends)}")
    module = circuit.build() if isinstance(circuit, Circuit) else circuit
    if backend in NOISY:
        from entangrid.agents.quantum.noise import NoiseModel
        from entangrid.agents.quantum.noisy import NoisyOptions, noisy_layer

        model = NoiseModel.from_dict(noise) if isinstance(noise, Mapping) else noise or NoiseModel()
        return noisy_layer(
            module,
            NoisyOptions(backend, model, precision, 1024 if shots is None else shots,
                         100 if trajectories is None else trajectories, seed),
        )  # fmt: skip
    if backend == "torchquantum" and precision == "double":
        raise InputError("precision='double': TorchQuantum computes in complex64 only; use backend='fused' or 'torch'")
    if isinstance(module, CircuitModule):
        return CompiledCircuit(module, backend, precision, threads)
    from entangrid.agents.quantum.traced import TracedCircuit

    return TracedCircuit(module, backend, precision, threads)
