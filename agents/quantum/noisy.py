"""Layers that execute a circuit with noise or with finitely many shots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from entangrid.agents.quantum.compiling import CompiledCircuit
from entangrid.agents.quantum.density import Density
from entangrid.agents.quantum.module import CircuitModule
from entangrid.agents.quantum.noise import NoiseModel
from entangrid.agents.quantum.parameter_shift import shift_rules, shifted
from entangrid.agents.quantum.program import Angle, Gate
from entangrid.agents.quantum.readout import PauliTerms, parse_readout
from entangrid.agents.quantum.shots import Shots
from entangrid.agents.quantum.states import DRAWS, beside_a_row
from entangrid.agents.quantum.steps import noisy_program
from entangrid.agents.quantum.traced import TracedCircuit
from entangrid.agents.quantum.tracing import MATRIX_GATES, Tape, TracedGate, Untraceable
from entangrid.agents.quantum.trajectories import Trajectories
from entangrid.data.errors import InputError


class Draws:
    """Random numbers and counts of a layer: every call of the circuit draws from a stream of its own, which the seed
    and the number of the call determine."""

    def __init__(self, seed: int | None) -> None:
        self.own_seed = self.seed = int(torch.randint(1 << 62, ())) if seed is None else seed
        self.calls = self.executions = self.measurements = 0

    def restart(self, seed: int) -> None:
        """From the first call, with all counts at zero."""
        self.seed, self.calls, self.executions, self.measurements = seed, 0, 0, 0

    def to_tensor(self) -> torch.Tensor:
        """(4,) int64: seed, calls, executions and measurements."""
        state = np.array([self.seed, self.calls, self.executions, self.measurements], np.uint64)
        return torch.from_numpy(state.view(np.int64))

    def from_tensor(self, state: torch.Tensor) -> None:
        """Go on where another layer's `to_tensor` was taken."""
        numbers = state.cpu().numpy().view(np.uint64).tolist()
        self.seed, self.calls, self.executions, self.measurements = numbers

    def next(self) -> np.random.Generator:
        """The stream of the next call."""
        self.calls += 1
        return np.random.Generator(np.random.Philox(key=np.array([self.seed, self.calls], np.uint64)))


@dataclass
class NoisyOptions:
    """How a layer executes, and its random numbers."""

    backend: str
    noise: NoiseModel
    precision: str
    shots: int
    trajectories: int
    seed: int | None
    draws: Draws = field(init=False)

    def __post_init__(self) -> None:
        for name in ("shots", "trajectories"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(f"{name}={value!r} must be an integer of at least 1")
        if self.seed is not None and (isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0):
            raise InputError(f"seed={self.seed!r} must be an integer of at least 0, or None")
        self.draws = Draws(self.seed)


class NoisyEngine(torch.nn.Module):
    """One circuit by one of the backends: angles (B or 1, K) and states (B, 2^n) or None -> (B, n_out)."""

    def __init__(
        self,
        gates: Sequence[Gate],
        matrices: Sequence[np.ndarray | None] | None,
        terms: PauliTerms,
        n_qubits: int,
        options: NoisyOptions,
    ) -> None:
        super().__init__()
        program = noisy_program(gates, terms, n_qubits, options.noise, matrices)
        self.backend, self.draws = options.backend, options.draws
        self.execute: Density | Trajectories | Shots
        if options.backend == "density":
            self.execute = Density(program, options.precision)
        elif options.backend == "trajectories":
            self.execute = Trajectories(program, options.trajectories, options.precision)
        else:
            self.execute = Shots(program, options.shots, options.precision)
            self.rules = shift_rules(program)

    def forward(
        self, angles: torch.Tensor, given: torch.Tensor | None, batch: int, wanted: Sequence[bool]
    ) -> torch.Tensor:
        """Read-outs (batch, n_out); `wanted` tells which columns of the angles may need a gradient."""
        if isinstance(self.execute, Density):
            return self.execute(angles, given, batch)  # type: ignore[no-any-return]
        if isinstance(self.execute, Trajectories):
            return self.execute(angles, given, batch, self.draws.next())  # type: ignore[no-any-return]
        return shifted(angles.expand(batch, -1), given, self._estimate, self.rules, wanted)

    def _estimate(self, angles: torch.Tensor, given: torch.Tensor | None) -> torch.Tensor:
        assert isinstance(self.execute, Shots)
        executions = angles.shape[0] * len(self.execute.bases)
        self.draws.executions += executions
        self.draws.measurements += executions * self.execute.shots
        out: torch.Tensor = self.execute(angles, given, self.draws.next())
        return out.to(angles.dtype)


if TYPE_CHECKING:
    _Module = torch.nn.Module
else:
    _Module = object


class Counting(_Module):
    """What layers with noise or shots have in common; stands before a module class among the bases.

    Seed and counts are part of the state under the name `DRAWS`, so that a loaded layer draws on as the saved one.
    """

    options: NoisyOptions

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.options.backend != "density":
            destination[prefix + DRAWS] = self.options.draws.to_tensor()

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        state = state_dict.get(prefix + DRAWS)  # absent in the state of a layer that draws nothing
        super()._load_from_state_dict(state_dict, prefix, *args)  # takes it out
        if state is not None:
            self.options.draws.from_tensor(state)

    @property
    def noise(self) -> NoiseModel:
        """The model in use."""
        return self.options.noise

    @property
    def executions(self) -> int:
        """Circuits that the backend "shots" has run so far: one for every sample, shift and setting of the measurement,
        each measured `shots` times."""
        return self.options.draws.executions

    @property
    def measurements(self) -> int:
        """Shots taken so far, in all executions."""
        return self.options.draws.measurements

    def reseed(self, seed: int) -> None:
        """Start the random numbers anew; counts are set to zero."""
        self.options.draws.restart(seed)

    def restart(self) -> None:
        """`reseed` with the layer's first seed, which a copy of another layer's state replaces."""
        self.options.draws.restart(self.options.draws.own_seed)


class NoisyCircuit(Counting, CompiledCircuit):
    """A `Circuit` with noise or shots, with the interface and the parameters of `CompiledCircuit`."""

    def __init__(self, module: CircuitModule, options: NoisyOptions) -> None:
        CompiledCircuit.__init__(self, module, options.backend, options.precision, None)
        self.options = options
        circuit = module.circuit
        sources = [angle for gate in circuit.gates for angle in gate.angles]
        self.columns: tuple[Angle, ...] = tuple(sources)
        self.register_buffer("_columns", torch.tensor([module.slots[a] for a in sources], dtype=torch.int64), False)
        self.noisy = NoisyEngine(circuit.gates, None, circuit.terms, circuit.n_qubits, options)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Read-outs (B, outputs) of observations (B, n_inputs)."""
        module = self.module
        module.check(x)
        if not len(x) and self.backend != "shots":
            return beside_a_row(self, x)
        x = x.to(self.dtype)
        given = module.amplitudes(x)
        features = module.features(x)
        angles = module.slot_angles(features)[:, self.get_buffer("_columns")]
        weighed, scaled, fed = (t.requires_grad for t in (module.angles, module.input_scaling, features))
        wanted = [
            (a.weight >= 0 and weighed) or (a.input >= 0 and (fed or (a.scale >= 0 and scaled))) for a in self.columns
        ]
        return self._finish(self.noisy(angles, given, x.shape[0], wanted).to(self.dtype))


class NoisyTraced(Counting, TracedCircuit):
    """Any TorchQuantum module that `TracedCircuit` can trace, with noise or shots. It is traced at every call."""

    def __init__(self, module: Any, options: NoisyOptions) -> None:
        TracedCircuit.__init__(self, module, options.backend, options.precision, None)
        self.options = options
        self.mode = "traced at every call"
        self._noisy: dict[Any, NoisyEngine] = {}

    def _give_up(self, reason: Untraceable) -> None:
        raise InputError(f"backend={self.backend!r}: {type(self.module).__name__} cannot be executed: {reason}")

    def _read(self, tape: Tape, strings: tuple[str, ...]) -> torch.Tensor:
        engine = self._noisy_engine(tape, strings)
        columns: list[torch.Tensor] = []
        wanted: list[bool] = []
        for gate in tape.gates:
            if _n_angles(gate) and gate.params is not None:
                columns.append(gate.params)
                wanted += [gate.params.requires_grad] * _n_angles(gate)
        rows = max((c.shape[0] for c in columns), default=1)
        if columns:
            angles = torch.cat([c.expand(rows, -1) for c in columns], 1)
        else:
            angles = torch.zeros(1, 0, dtype=self.dtype)
        return engine(angles.to(self.dtype), tape.given, tape.batch, wanted)  # type: ignore[no-any-return]

    def _noisy_engine(self, tape: Tape, strings: tuple[str, ...]) -> NoisyEngine:
        matrices = [_matrix(gate) for gate in tape.gates]
        gates = [Gate(g.name, g.wires, (Angle(),) * _n_angles(g), g.inverse) for g in tape.gates]
        key = (tape.n_qubits, strings, tuple(gates), tuple(None if m is None else m.tobytes() for m in matrices))
        if key not in self._noisy:
            terms = parse_readout(strings, tape.n_qubits)
            device = next((g.params.device for g in tape.gates if g.params is not None), torch.device("cpu"))
            self._noisy[key] = NoisyEngine(gates, matrices, terms, tape.n_qubits, self.options).to(device)
        return self._noisy[key]


def _n_angles(gate: TracedGate) -> int:
    return 0 if gate.params is None or gate.name in MATRIX_GATES else gate.params.shape[-1]


def _matrix(gate: TracedGate) -> np.ndarray | None:
    if gate.name not in MATRIX_GATES:
        return None
    if gate.params is None or gate.params.requires_grad or gate.params.squeeze().dim() != 2:
        raise Untraceable(f"gate {gate.name} with a matrix that is trainable or differs between samples")
    out: np.ndarray = gate.params.detach().squeeze().cpu().numpy().astype(complex)
    return out


def noisy_layer(module: torch.nn.Module, options: NoisyOptions) -> NoisyCircuit | NoisyTraced:
    """The layer of a module."""
    return NoisyCircuit(module, options) if isinstance(module, CircuitModule) else NoisyTraced(module, options)
