"""The description of a parametrized quantum circuit: data only, checked, no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

from entangrid.agents.quantum.ansatz import ANSATZE
from entangrid.agents.quantum.program import ENTANGLERS, PAULI_ROTATIONS, Gate, Program
from entangrid.agents.quantum.readout import Observable, PauliTerms, parse_readout
from entangrid.data.errors import InputError

if TYPE_CHECKING:
    from entangrid.agents.quantum.module import CircuitModule

SQUASHES = ("none", "tanh", "arctan", "min-max")
INITIALISATIONS = ("uniform", "gaussian", "zeros", "identity-block")
MAX_QUBITS, MAX_LAYERS = 20, 10_000
OUTPUTS = ("none", "scale", "bias", "linear", "affine")


def _one_of(field: str, value: object, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise InputError(f"Circuit: {field}={value!r} is unknown; expected one of {', '.join(allowed)}")


def _whole(field: str, value: object, least: int, most: int | None = None) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"Circuit: {field}={value!r} must be an integer of at least {least}")
    if most is not None and value > most:
        raise InputError(f"Circuit: {field}={value} is more than {most}, beyond what is simulated here")


def _number(field: str, value: object) -> float:
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
        raise InputError(f"Circuit: {field}={value!r} must be a finite number")
    return float(value)


def _observables(readout: object) -> tuple[Observable, ...]:
    try:
        sums = [o if isinstance(o, str) else tuple((float(c), str(s)) for c, s in o) for o in readout]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        sums = [((math.nan, ""),)]
    if not all(isinstance(o, str) or (o and all(math.isfinite(c) for c, _ in o)) for o in sums):
        raise InputError(
            f"Circuit: readout={readout!r} must be a word, or a list of Pauli strings and of sums"
            " [[coefficient, string], ...] with finite coefficients"
        )
    return tuple(sums)


@dataclass(frozen=True)
class Circuit:
    """Encoding, ansatz, entangler, read-out and scaling of a parametrized quantum circuit.

    =================== ===================================================================================
    n_qubits, n_layers  size; layer l encodes inputs [b n_qubits, (b+1) n_qubits), b = l mod ceil(n_inputs/n_qubits)
    n_inputs            length of the observation; None is n_qubits
    ansatz              "reuploading", "hardware-efficient", "strongly-entangling", "controlled-rotation-ring",
                        "basis-bits" or "pooling" (see `ansatz`); one qubit or no entangler are cases of these
    entangler           "cz-ring", "cz-chain", "cz-all", the same with "cnot-", or "none"
    readout             "z" ⟨Z_i⟩ of every qubit, "zz" of disjoint neighbours, "zz-chain" of all neighbours, "z-all" one
                        product, or a sequence of Pauli strings or weighted sums ((coefficient, string), ...)
    readout_range       "signed" leaves expectation values in [-1, 1], "unit" maps them to [0, 1]
    rotations           trainable Pauli rotations of each qubit and layer, in order
    encoding            the Pauli rotation that encodes, or "amplitude": the normalised observation as amplitudes
    encode_first        the encoding before the rotations of its layer; False puts it after the entangler
    final_block         closing rotations after the last layer
    trainable_scaling   the λ are trainable (one per encoding gate); False leaves the observation as it is
    squash              "none", "tanh" or "arctan" of each λ x; "min-max" takes x from [input_low, input_high] to
                        [-π, π], clipped, before the λ
    input_layer         a trainable linear layer from the observation to one feature a qubit, as the hybrid models have
                        it; without, nothing but elementwise scaling and squashing stands before the circuit
    output              after the read-out: "none", "scale" w_i z_i, "bias" z_i + b_i, "linear" z W, "affine" z W + b
    n_outputs           width of a "linear" or "affine" output; None is the number of observables
    initialisation      of the angles: "uniform" in [-π, π], "gaussian" (standard deviation `init_std`), "zeros", or
                        "identity-block" (re-uploading only; uniform, each layer with its inverse behind it)
    init_scaling        first value of every λ
    =================== ===================================================================================

    The form is that of Jerbi et al. (2021, arXiv:2103.05577) and Skolik et al. (2022, doi:10.22331/q-2022-05-24-720).
    Raises `InputError` naming the field.
    """

    n_qubits: int
    n_layers: int = 3
    n_inputs: int | None = None
    ansatz: str = "reuploading"
    entangler: str = "cz-ring"
    readout: str | tuple[Observable, ...] = "z"
    readout_range: str = "signed"
    rotations: tuple[str, ...] = ("ry", "rz")
    encoding: str = "rx"
    encode_first: bool = True
    final_block: bool = False
    trainable_scaling: bool = True
    squash: str = "none"
    input_low: tuple[float, ...] | None = None
    input_high: tuple[float, ...] | None = None
    input_layer: bool = False
    output: str = "none"
    n_outputs: int | None = None
    initialisation: str = "uniform"
    init_std: float = 0.1
    init_scaling: float = 1.0

    def __post_init__(self) -> None:
        _whole("n_qubits", self.n_qubits, 1, MAX_QUBITS)
        _whole("n_layers", self.n_layers, 1, MAX_LAYERS)
        if self.n_inputs is None:
            object.__setattr__(self, "n_inputs", self.n_qubits)
        _whole("n_inputs", self.n_inputs, 1)
        object.__setattr__(self, "rotations", tuple(self.rotations))
        if not isinstance(self.readout, str):  # lists, as they come from YAML and JSON
            object.__setattr__(self, "readout", _observables(self.readout))
        _one_of("ansatz", self.ansatz, tuple(ANSATZE))
        _one_of("entangler", self.entangler, ENTANGLERS)
        _one_of("encoding", self.encoding, (*PAULI_ROTATIONS, "amplitude"))
        _one_of("squash", self.squash, SQUASHES)
        _one_of("output", self.output, OUTPUTS)
        _one_of("readout_range", self.readout_range, ("signed", "unit"))
        _one_of("initialisation", self.initialisation, INITIALISATIONS)
        for rotation in self.rotations:
            _one_of("rotations", rotation, PAULI_ROTATIONS)
        if _number("init_std", self.init_std) < 0:
            raise InputError(f"Circuit: init_std={self.init_std!r} must not be negative")
        _number("init_scaling", self.init_scaling)
        for field in ("encode_first", "final_block", "trainable_scaling", "input_layer"):
            if not isinstance(getattr(self, field), bool):
                raise InputError(f"Circuit: {field}={getattr(self, field)!r} must be true or false")
        if self.n_outputs is not None:
            _whole("n_outputs", self.n_outputs, 1)
            if self.output not in ("linear", "affine"):
                raise InputError(
                    f"Circuit: n_outputs={self.n_outputs} needs output='linear' or 'affine', not {self.output!r}"
                )
        if self.initialisation == "identity-block" and self.ansatz != "reuploading":
            raise InputError(
                f"Circuit: initialisation='identity-block' needs ansatz='reuploading', not {self.ansatz!r}"
            )
        self._check_bounds()
        self._check_inputs_are_read()
        parse_readout(self.readout, self.n_qubits)

    def _check_bounds(self) -> None:
        for field in ("input_low", "input_high"):
            bounds = getattr(self, field)
            if (bounds is not None) != (self.squash == "min-max"):
                raise InputError(f"Circuit: {field}={bounds!r} belongs to squash='min-max', which needs it")
            if bounds is not None:
                object.__setattr__(self, field, tuple(_number(f"{field}[{i}]", v) for i, v in enumerate(bounds)))
                if len(bounds) != self.inputs:
                    raise InputError(f"Circuit: {field} has {len(bounds)} numbers; expected n_inputs={self.inputs}")
        for i, (low, high) in enumerate(zip(self.input_low or (), self.input_high or (), strict=True)):
            if not low < high:
                raise InputError(f"Circuit: input_low[{i}]={low} must be below input_high[{i}]={high}")

    def _check_inputs_are_read(self) -> None:
        if self.encoding == "amplitude":
            if self.ansatz not in ("reuploading", "hardware-efficient", "strongly-entangling") or self.input_layer:
                raise InputError(
                    f"Circuit: encoding='amplitude' does not go with ansatz={self.ansatz!r} or input_layer"
                )
            if self.inputs > 1 << self.n_qubits:
                raise InputError(
                    f"Circuit: n_inputs={self.inputs} does not fit the {1 << self.n_qubits} amplitudes of"
                    f" n_qubits={self.n_qubits}"
                )
            return
        read = {angle.input for gate in self.gates for angle in gate.angles}
        unread = [i for i in range(self.features) if i not in read]
        if unread:
            raise InputError(
                f"Circuit: n_layers={self.n_layers} with n_qubits={self.n_qubits} never encodes inputs"
                f" {unread[0]} to {unread[-1]} of n_inputs={self.n_inputs}; use at least"
                f" {-(-self.inputs // self.n_qubits)} layers or more qubits"
            )

    @property
    def inputs(self) -> int:
        """n_inputs after its default."""
        return self.n_qubits if self.n_inputs is None else self.n_inputs

    @property
    def features(self) -> int:
        """Numbers that the gates read: the inputs, or one a qubit behind an input layer."""
        return self.n_qubits if self.input_layer else self.inputs

    @cached_property
    def program(self) -> Program:
        """The gates and sizes of the trainable vectors."""
        return ANSATZE[self.ansatz](self)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """Every gate in order."""
        return self.program.gates

    @cached_property
    def terms(self) -> PauliTerms:
        """The read-out as Pauli strings and weights."""
        return parse_readout(self.readout, self.n_qubits)

    @property
    def outputs(self) -> int:
        """Length of what the built module returns."""
        return self.terms.weights.shape[1] if self.n_outputs is None else self.n_outputs

    @cached_property
    def parameters(self) -> dict[str, int]:
        """Number of trainable numbers by group: "input_layer", "input_scaling", "angles", "output_scaling"."""
        n = self.terms.weights.shape[1]
        sizes = {"none": 0, "scale": n, "bias": n, "linear": n * self.outputs, "affine": (n + 1) * self.outputs}
        return {
            "input_layer": (self.inputs + 1) * self.n_qubits if self.input_layer else 0,
            "input_scaling": self.program.n_scales,
            "angles": self.program.n_weights,
            "output_scaling": sizes[self.output],
        }

    @property
    def n_parameters(self) -> int:
        """Number of trainable numbers in all."""
        return sum(self.parameters.values())

    def build(self) -> CircuitModule:
        """The TorchQuantum module of this circuit: (B, n_inputs) -> (B, outputs)."""
        from entangrid.agents.quantum.module import CircuitModule

        return CircuitModule(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `Circuit.from_dict` reads back."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Circuit:
        """A circuit from plain data. Raises `InputError` naming a field that does not exist."""
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(data) - known):
            raise InputError(f"Circuit: {unknown[0]!r} is no field; expected some of {', '.join(sorted(known))}")
        return cls(**data)
