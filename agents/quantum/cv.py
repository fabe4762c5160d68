"""The description of a continuous-variable circuit: data only, checked, no torch.

TorchQuantum has no qumodes, so that these circuits run on a Fock-space simulator of their own (`cv_state`), in plain
torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from entangrid.agents.quantum.circuit import OUTPUTS, SQUASHES
from entangrid.data.errors import InputError

if TYPE_CHECKING:
    from entangrid.agents.quantum.cv_module import CVModule

CV_INITIALISATIONS = ("gaussian", "uniform", "zeros")
_MOST = {"n_modes": 4, "cutoff": 50}
_MOST_AMPLITUDES = 20_000


class CVGate(NamedTuple):
    """One gate: "displacement", "squeezing", "rotation", "beam-splitter" or "kerr", its modes, and where its parameters
    stand among the trainable ones; an encoding gate has an `input` and the index of its scale (-1 without)."""

    name: str
    modes: tuple[int, ...]
    weights: tuple[int, ...] = ()
    input: int = -1
    scale: int = -1


@dataclass(frozen=True)
class CVCircuit:
    """Displacement encoding and layers of a continuous-variable network on 1 to 4 qumodes.

    A layer is that of Killoran et al. (2019, doi:10.1103/PhysRevResearch.1.033063): interferometer, squeezing,
    interferometer, displacement, Kerr; an interferometer is a rectangular mesh of M (M - 1) / 2 beam splitters and a
    rotation of each mode. 4 K + 7 M parameters for M modes and K beam splitters: 7, 18, 33, 52 for 1 to 4 modes.

    ================== ====================================================================================
    n_modes, n_layers  size
    n_inputs           length of the observation; None is n_modes
    cutoff             levels kept of each mode, D; a state has D^n_modes amplitudes
    reupload           each layer encodes first, layer l the inputs [b n_modes, (b+1) n_modes) with
                       b = l mod ceil(n_inputs/n_modes); False encodes once, before the first layer
    kerr               False leaves out the Kerr gates, the only ones that are not Gaussian: with ⟨x⟩, no squashing and
                       no truncation the network is then affine in the observation, whatever its depth
    readout            "x" ⟨x_i⟩ of every mode (x = a + a^†), "n" ⟨n_i⟩, or "xn" both; not divided by the norm
    trainable_scaling  displacement by λ x with a trainable λ per encoding gate; False displaces by x
    squash             as in `Circuit`; "min-max" takes x from [input_low, input_high] to [-1, 1], clipped
    input_layer        as in `Circuit`: a trainable linear layer to one feature a mode
    output, n_outputs  as in `Circuit`
    initialisation     "gaussian" (all parameters, standard deviation `init_std`), "uniform" (rotations, beam splitters
                       and phases in [-π, π], the others gaussian) or "zeros"
    init_scaling       first value of every λ
    norm_tolerance     loss of norm of any sample above which a `TruncationWarning` is given
    ================== ====================================================================================

    Raises `InputError` naming the field.
    """

    n_modes: int
    n_layers: int = 1
    n_inputs: int | None = None
    cutoff: int = 10
    reupload: bool = False
    kerr: bool = True
    readout: str = "x"
    trainable_scaling: bool = True
    squash: str = "none"
    input_low: tuple[float, ...] | None = None
    input_high: tuple[float, ...] | None = None
    input_layer: bool = False
    output: str = "none"
    n_outputs: int | None = None
    initialisation: str = "gaussian"
    init_std: float = 0.05
    init_scaling: float = 1.0
    norm_tolerance: float = 1e-3

    def __post_init__(self) -> None:
        if self.n_inputs is None:
            object.__setattr__(self, "n_inputs", self.n_modes)
        for field, least in (("n_modes", 1), ("n_layers", 1), ("n_inputs", 1), ("cutoff", 2), ("n_outputs", 1)):
            value, most = getattr(self, field), _MOST.get(field)
            if field == "n_outputs" and value is None:
                continue
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or value < least or (most is not None and value > most):
                limits = f"of at least {least}" if most is None else f"between {least} and {most}"
                raise InputError(f"CVCircuit: {field}={value!r} must be an integer {limits}")
        if (size := self.cutoff**self.n_modes) > _MOST_AMPLITUDES:
            raise InputError(
                f"CVCircuit: cutoff={self.cutoff} with n_modes={self.n_modes} is {size} amplitudes;"
                f" expected at most {_MOST_AMPLITUDES}"
            )
        choices = {
            "readout": ("x", "n", "xn"), "squash": SQUASHES, "output": OUTPUTS, "initialisation": CV_INITIALISATIONS
        }  # fmt: skip
        for field, allowed in choices.items():
            if getattr(self, field) not in allowed:
                raise InputError(
                    f"CVCircuit: {field}={getattr(self, field)!r} is unknown; expected one of {', '.join(allowed)}"
                )
        for field in ("init_std", "norm_tolerance"):
            if not getattr(self, field) >= 0:
                raise InputError(f"CVCircuit: {field}={getattr(self, field)!r} must not be negative")
        if self.n_outputs is not None and self.output not in ("linear", "affine"):
            raise InputError(f"CVCircuit: n_outputs={self.n_outputs} needs output='linear' or 'affine'")
        self._check_bounds()
        blocks = -(-self.features // self.n_modes)
        if blocks > (self.n_layers if self.reupload else 1):
            raise InputError(
                f"CVCircuit: n_inputs={self.n_inputs} do not fit n_modes={self.n_modes};"
                f" use reupload with at least {blocks} layers, or input_layer"
            )

    def _check_bounds(self) -> None:
        for field in ("input_low", "input_high"):
            bounds = getattr(self, field)
            if (bounds is not None) != (self.squash == "min-max"):
                raise InputError(f"CVCircuit: {field}={bounds!r} belongs to squash='min-max', which needs it")
            if bounds is not None:
                object.__setattr__(self, field, tuple(float(v) for v in bounds))
                if len(bounds) != self.inputs:
                    raise InputError(f"CVCircuit: {field} has {len(bounds)} numbers; expected n_inputs={self.inputs}")
        for i, (low, high) in enumerate(zip(self.input_low or (), self.input_high or (), strict=True)):
            if not low < high:
                raise InputError(f"CVCircuit: input_low[{i}]={low} must be below input_high[{i}]={high}")

    @property
    def inputs(self) -> int:
        """n_inputs after its default."""
        return self.n_modes if self.n_inputs is None else self.n_inputs

    @property
    def features(self) -> int:
        """Numbers that the gates read: the inputs, or one a mode behind an input layer."""
        return self.n_modes if self.input_layer else self.inputs

    @property
    def observables(self) -> int:
        """Numbers that are read out."""
        return self.n_modes * len(self.readout)

    @property
    def outputs(self) -> int:
        """Length of what the built module returns."""
        return self.observables if self.n_outputs is None else self.n_outputs

    def mesh(self) -> tuple[tuple[int, int], ...]:
        """The beam splitters of an interferometer in order: neighbours, in columns that alternate (Clements et al.
        2016, doi:10.1364/OPTICA.3.001460)."""
        m = self.n_modes
        return tuple((k, k + 1) for column in range(m) for k in range(m - 1) if (column + k) % 2 == 0)

    @property
    def layer_weights(self) -> int:
        """Trainable numbers of one layer: 4 K + 7 M, without Kerr gates 4 K + 6 M."""
        return 4 * len(self.mesh()) + (7 if self.kerr else 6) * self.n_modes

    def encoding(self, layer: int) -> tuple[CVGate, ...]:
        """The displacements by the observation that stand before a layer."""
        if layer and not self.reupload:
            return ()
        m, blocks = self.n_modes, -(-self.features // self.n_modes)
        first = (layer % blocks) * m
        before = sum(len(self.encoding(k)) for k in range(layer)) if self.trainable_scaling else 0
        return tuple(
            CVGate("displacement", (i - first,), (), i, before + i - first if self.trainable_scaling else -1)
            for i in range(first, min(first + m, self.features))
        )

    def gates(self) -> list[CVGate]:
        """Every gate in order, with the indices of its parameters."""
        gates: list[CVGate] = []
        modes, mesh, n = range(self.n_modes), self.mesh(), 0

        def interferometer() -> None:
            nonlocal n
            gates.extend(CVGate("beam-splitter", pair, (n + i, n + len(mesh) + i)) for i, pair in enumerate(mesh))
            n += 2 * len(mesh)
            gates.extend(CVGate("rotation", (i,), (n + i,)) for i in modes)
            n += self.n_modes

        def each(name: str) -> None:
            nonlocal n
            gates.extend(CVGate(name, (i,), (n + i, n + self.n_modes + i)) for i in modes)
            n += 2 * self.n_modes

        for layer in range(self.n_layers):
            gates.extend(self.encoding(layer))
            interferometer()
            each("squeezing")
            interferometer()
            each("displacement")
            if self.kerr:
                gates.extend(CVGate("kerr", (i,), (n + i,)) for i in modes)
                n += self.n_modes
        return gates

    @property
    def parameters(self) -> dict[str, int]:
        """Number of trainable numbers by group, named as in `Circuit`; "angles" are the parameters of the layers."""
        n = self.observables
        encodings = sum(len(self.encoding(layer)) for layer in range(self.n_layers))
        sizes = {"none": 0, "scale": n, "bias": n, "linear": n * self.outputs, "affine": (n + 1) * self.outputs}
        return {
            "input_layer": (self.inputs + 1) * self.n_modes if self.input_layer else 0,
            "input_scaling": encodings if self.trainable_scaling else 0,
            "angles": self.n_layers * self.layer_weights,
            "output_scaling": sizes[self.output],
        }

    @property
    def n_parameters(self) -> int:
        """Number of trainable numbers in all."""
        return sum(self.parameters.values())

    def build(self, precision: str = "single") -> CVModule:
        """The torch module of this circuit: (B, n_inputs) -> (B, outputs); `precision` "single" or "double"."""
        from entangrid.agents.quantum.cv_module import CVModule

        return CVModule(self, precision)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `CVCircuit.from_dict` reads back."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CVCircuit:
        """A circuit from plain data. Raises `InputError` naming a field that does not exist."""
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(data) - known):
            raise InputError(f"CVCircuit: {unknown[0]!r} is no field; expected some of {', '.join(sorted(known))}")
        return cls(**data)
