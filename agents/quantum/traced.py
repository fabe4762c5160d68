"""A module of one's own, executed by the fused kernels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from entangrid.agents.quantum.fused import Engine, execute, execute_module, flatten
from entangrid.agents.quantum.fused_torch import TorchPlan
from entangrid.agents.quantum.plan import Plan, make_plan
from entangrid.agents.quantum.program import Angle, Gate
from entangrid.agents.quantum.readout import parse_readout
from entangrid.agents.quantum.recognition import Recipe, recognise
from entangrid.agents.quantum.states import DRAWS
from entangrid.agents.quantum.torchquantum import tq
from entangrid.agents.quantum.tracing import MATRIX_GATES, Tape, TracedGate, Untraceable, require_module, run_traced
from entangrid.agents.quantum.translation import Fixed, Primitive, translate
from entangrid.data.errors import InputError

_MEMORYLESS = (tq.QuantumModule, tq.QuantumDevice, torch.nn.ModuleList, torch.nn.ModuleDict, torch.nn.ParameterList)


class TracedCircuit(torch.nn.Module):
    """Any TorchQuantum module whose forward takes what it likes and reads out by ``expval``, ``MeasureAll`` or
    ``expval_joint_analytical``.

    A module of one argument (B, n_in) that returns such a read-out is traced once, if its angles are affine in
    elementwise scaled and squashed inputs; which gates it applies must not depend on the data. Any other module runs
    its Python code at every call, with its gates and read-outs handed to the kernels. What cannot be traced is named in
    a warning and left to TorchQuantum. The module's devices do not hold the final state afterwards.
    """

    def __init__(
        self, module: Any, backend: str = "fused", precision: str = "single", threads: int | None = None
    ) -> None:
        super().__init__()
        self.module = require_module(module)
        self.backend, self.precision, self.threads = backend, precision, threads
        self.dtype = torch.float64 if precision == "double" else torch.float32
        # "unknown" until the first call, then "traced once", "traced at every call" or "torchquantum"
        self.mode = "torchquantum" if backend == "torchquantum" else "unknown"
        self._engines: dict[Any, Engine | TorchPlan] = {}
        self._recipe_engine: Engine | TorchPlan | None = None
        self._places: list[tuple[Any, str]] = []
        self._width = 0

    def forward(self, *args: Any) -> Any:
        """What the module returns."""
        if self.mode == "unknown" or (self.mode == "traced once" and not self._is_as_traced(args)):
            self._choose(args)
        if (engine := self._recipe_engine) is not None:
            parameters = self._parameters_now()
            if isinstance(engine, Engine):
                return execute_module(engine, args[0], parameters)
            flat = torch.cat([p.reshape(-1) for p in parameters]) if parameters else args[0].new_zeros(0)
            return engine.run(args[0], flat, flat, None)
        if self.mode == "traced at every call":
            try:
                return run_traced(self.module, args, self._read)
            except Untraceable as reason:
                self._give_up(reason)
        return self.module(*args)

    def act(self, x: np.ndarray) -> np.ndarray:
        """`forward` of an array (B, n_in) without gradients; without torch too where the module was traced once."""
        given = (torch.as_tensor(x, dtype=self.dtype),)
        if self.mode == "unknown" or (self.mode == "traced once" and not self._is_as_traced(given)):
            self._choose(given)
        engine = self._recipe_engine
        with torch.no_grad():
            if not isinstance(engine, Engine):
                out: np.ndarray = self(*given).numpy()
                return out
            flat = flatten(self._parameters_now(), engine.dtype)
            return engine.forward(np.ascontiguousarray(x, engine.dtype), flat, flat)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        state_dict.pop(prefix + DRAWS, None)  # of a layer with noise or shots
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _is_as_traced(self, args: Sequence[Any]) -> bool:
        return len(args) == 1 and isinstance(args[0], torch.Tensor) and args[0].shape[1:] == (self._width,)

    def _choose(self, args: Sequence[Any]) -> None:
        self.mode, self._recipe_engine = "traced at every call", None
        is_matrix = len(args) == 1 and isinstance(args[0], torch.Tensor) and args[0].dim() == 2
        # probing runs the module several times, which layers with a memory of their own would not forgive
        if is_matrix and all(isinstance(m, _MEMORYLESS) for m in self.module.modules()):
            try:
                if (recipe := recognise(self.module, args[0].shape[1])) is not None:
                    self._recipe_engine = self._engine_of(recipe, args[0].shape[1])
                    self._places, self._width = _places(self.module), args[0].shape[1]
                    self.mode = "traced once"
            except Untraceable as reason:
                self._give_up(reason)

    def _parameters_now(self) -> list[torch.Tensor]:
        """The module's parameters, in the order in which the recipe counts their numbers."""
        return [owner[name] for owner, name in self._places]

    def _give_up(self, reason: Untraceable) -> None:
        if self.precision == "double":
            raise InputError(f"precision='double': {reason} runs on TorchQuantum only, which computes in complex64")
        warnings.warn(
            f"{type(self.module).__name__} runs on TorchQuantum itself: {reason} has no fast form", stacklevel=4
        )
        self.mode = "torchquantum"

    def _executor(self, plan: Plan, device: torch.device) -> Engine | TorchPlan:
        if self.backend == "torch":
            return TorchPlan(plan, self.precision).to(device)
        return Engine(plan, self.precision, self.threads)

    def _engine_of(self, recipe: Recipe, n_inputs: int) -> Engine | TorchPlan:
        primitives: list[Primitive] = []
        for gate, angles in zip(recipe.gates, recipe.angles, strict=True):
            for primitive in _translate(gate):
                if not isinstance(primitive, Fixed):
                    angle, gain = angles[primitive.angle.input]
                    primitives.append(primitive._replace(angle=angle, gain=primitive.gain * gain))
                else:
                    primitives.append(primitive)
        terms = parse_readout(recipe.strings, recipe.n_qubits)
        n = sum(p.numel() for p in self.module.parameters())
        plan = make_plan(primitives, terms, recipe.n_qubits, n_inputs, n, n, recipe.squash)
        return self._executor(plan, next(self.module.parameters(), torch.zeros(0)).device)

    def _read(self, tape: Tape, strings: tuple[str, ...]) -> torch.Tensor:
        """Execute a tape: angles that differ between samples become inputs of the kernel, others its weights."""
        lanes: list[torch.Tensor] = []
        shared: list[torch.Tensor] = []
        sources: list[tuple[Angle, ...]] = []
        n_lanes = n_shared = 0
        for gate in tape.gates:
            k = 0 if gate.params is None or gate.name in MATRIX_GATES else gate.params.shape[-1]
            if k and gate.params is not None and gate.params.shape[0] > 1:
                lanes.append(gate.params)
                sources.append(tuple(Angle(input=n_lanes + i) for i in range(k)))
                n_lanes += k
            else:
                shared += [gate.params.reshape(-1)] if k and gate.params is not None else []
                sources.append(tuple(Angle(weight=n_shared + i) for i in range(k)))
                n_shared += k
        like = next(iter([*lanes, *shared]), torch.zeros(0))
        x = torch.cat(lanes, -1) if lanes else like.new_zeros(tape.batch, 0)
        weights = torch.cat(shared) if shared else like.new_zeros(0)
        engine = self._engine_for(tape, strings, sources, n_lanes, n_shared, x.device)
        given = None if tape.given is None else torch.view_as_real(tape.given.resolve_conj()).reshape(tape.batch, -1)
        return _execute(engine, x, like.new_zeros(0), weights, given)

    def _engine_for(
        self,
        tape: Tape,
        strings: tuple[str, ...],
        sources: list[tuple[Angle, ...]],
        n_lanes: int,
        n_shared: int,
        device: torch.device,
    ) -> Engine | TorchPlan:
        structure = tuple(
            (g.name, g.wires, g.inverse, s, _matrix_bytes(g)) for g, s in zip(tape.gates, sources, strict=True)
        )
        key = (device, tape.n_qubits, tape.given is None, structure, strings)
        if key not in self._engines:
            primitives: list[Primitive] = []
            for gate, angles in zip(tape.gates, sources, strict=True):
                for primitive in _translate(gate):
                    if not isinstance(primitive, Fixed):
                        primitive = primitive._replace(angle=angles[primitive.angle.input])
                    primitives.append(primitive)
            terms = parse_readout(strings, tape.n_qubits)
            given = tape.given is not None
            plan = make_plan(primitives, terms, tape.n_qubits, n_lanes, 0, n_shared, given_state=given)
            self._engines[key] = self._executor(plan, device)
        return self._engines[key]


def _places(module: torch.nn.Module) -> list[tuple[Any, str]]:
    """Where each of `module.parameters()` is: walking the modules at every call costs more than a small circuit."""
    out: dict[int, tuple[Any, str]] = {}
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                out.setdefault(id(parameter), (part._parameters, name))
    return list(out.values())


def _execute(
    engine: Engine | TorchPlan, x: torch.Tensor, scales: torch.Tensor, weights: torch.Tensor, given: torch.Tensor | None
) -> torch.Tensor:
    if isinstance(engine, TorchPlan):
        return engine.run(x, scales, weights, given)
    return execute(engine, x, scales, weights, given)


def _matrix_bytes(gate: TracedGate) -> bytes | None:
    if gate.name not in MATRIX_GATES or gate.params is None:
        return None
    _require_constant(gate)
    return gate.params.detach().cpu().numpy().tobytes()


def _require_constant(gate: TracedGate) -> torch.Tensor:
    if gate.params is None or gate.params.requires_grad or gate.params.squeeze().dim() != 2:
        raise Untraceable(f"gate {gate.name} with a matrix that is trainable or differs between samples")
    return gate.params


def _translate(gate: TracedGate) -> list[Primitive]:
    """Primitives whose angles are placeholders: `input` is the position among the gate's own angles."""
    matrix, count = None, 0
    if gate.name in MATRIX_GATES:
        matrix = _require_constant(gate).detach().squeeze().cpu().numpy().astype(complex)
    elif gate.params is not None:
        count = gate.params.shape[-1]
    translated = translate(
        Gate(gate.name, gate.wires, tuple(Angle(input=i) for i in range(count)), gate.inverse), matrix
    )
    if translated is None:
        raise Untraceable(f"gate {gate.name} on wires {list(gate.wires)}")
    return translated
