"""Circuits and noise as a study's file says them; the fields are those of ``entangrid.agents.quantum``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from entangrid.experiments.config.base import Model, NotNegative, Share, one_of

Rotation = Literal["rx", "ry", "rz"]
Output = Literal["none", "scale", "bias", "linear", "affine"]
Squash = Literal["none", "tanh", "arctan", "min-max"]
Bounds = Annotated[list[Annotated[float, Field(ge=-1e9, le=1e9)]], Field(min_length=1, max_length=100_000)]


def _text_or_list(value: Any) -> str:
    return "list" if isinstance(value, list) else "text"


def _number_or_list(value: Any) -> str:
    return "list" if isinstance(value, list) else "number"


Text = Annotated[str, Field(min_length=1, max_length=64)]
WeightedSum = Annotated[
    list[Annotated[list[float | str], Field(min_length=2, max_length=2)]], Field(min_length=1, max_length=1024)
]
if TYPE_CHECKING:
    Readout = str | list[str | list[list[float | str]]]
else:
    Observable = one_of(_text_or_list, text=Text, list=WeightedSum)
    Readout = one_of(_text_or_list, text=Text, list=Annotated[list[Observable], Field(min_length=1, max_length=1024)])


class _Ends(Model):
    trainable_scaling: bool = Field(True, description="the factors on the inputs are trainable")
    squash: Squash = Field("none", description="of each scaled input")
    input_low: Bounds | None = Field(None, description='of each input, with squash "min-max"')
    input_high: Bounds | None = Field(None, description='of each input, with squash "min-max"')
    input_layer: bool = Field(False, description="a trainable linear layer stands before the circuit")
    output: Output = Field("none", description="what follows the read-out, before the policy's head")
    n_outputs: int | None = Field(None, ge=1, le=1024, description='width of a "linear" or "affine" output')
    init_scaling: float = Field(1.0, ge=-1e3, le=1e3, description="first value of every factor on the inputs")


class CircuitConfig(_Ends):
    """A circuit of qubits: :class:`entangrid.agents.quantum.circuit.Circuit`; the observation gives ``n_inputs``."""

    n_qubits: int = Field(6, ge=1, le=16, description="qubits")
    n_layers: int = Field(4, ge=1, le=1024, description="layers; they encode the inputs in turn")
    ansatz: Literal[
        "reuploading",
        "hardware-efficient",
        "strongly-entangling",
        "controlled-rotation-ring",
        "basis-bits",
        "pooling",
    ] = Field("reuploading", description="the gates of a layer")
    entangler: Literal["cz-ring", "cz-chain", "cz-all", "cnot-ring", "cnot-chain", "cnot-all", "none"] = Field(
        "cz-ring", description="two-qubit gates of a layer"
    )
    readout: Readout = Field("z", description='"z", "zz", "zz-chain", "z-all", or a list of Pauli strings')
    readout_range: Literal["signed", "unit"] = Field("signed", description="[-1, 1] or [0, 1]")
    rotations: list[Rotation] = Field(["ry", "rz"], max_length=16, description="trainable, of each qubit and layer")
    encoding: Literal["rx", "ry", "rz", "amplitude"] = Field("rx", description="how inputs enter")
    encode_first: bool = Field(True, description="encode before the rotations of a layer, or else after its entangler")
    final_block: bool = Field(False, description="closing rotations after the last layer")
    initialisation: Literal["uniform", "gaussian", "zeros", "identity-block"] = Field(
        "uniform", description="of the angles"
    )
    init_std: NotNegative = Field(0.1, description="standard deviation [rad] of a gaussian initialisation")

    def options(self) -> dict[str, Any]:
        """The fields of ``Circuit`` but for ``n_inputs``."""
        return self.model_dump()


class CVCircuitConfig(_Ends):
    """A circuit of qumodes: :class:`entangrid.agents.quantum.cv.CVCircuit`.

    What is left out follows the observation.
    """

    n_modes: int = Field(ge=1, le=4, description="qumodes")
    n_layers: int | None = Field(None, ge=1, le=1024, description="null is as many as read every input, at least 2")
    cutoff: int = Field(10, ge=2, le=50, description="levels kept of each mode")
    reupload: bool | None = Field(None, description="each layer encodes; null is where the inputs need it")
    kerr: bool = Field(True, description="Kerr gates, the only ones that are not Gaussian")
    readout: Literal["x", "n", "xn"] = Field("x", description="of every mode: position, photon number, or both")
    squash: Squash | None = Field(None, description="of each input; null is tanh")  # type: ignore[assignment]
    initialisation: Literal["gaussian", "uniform", "zeros"] = Field("gaussian", description="of the parameters")
    init_std: NotNegative = Field(0.05, description="standard deviation of a gaussian initialisation")
    init_scaling: float | None = Field(None, ge=-1e3, le=1e3, description="null keeps displacements within the cutoff")  # type: ignore[assignment]
    norm_tolerance: NotNegative = Field(1e-3, description="loss of norm above which a warning is given")

    def options(self) -> dict[str, Any]:
        """The fields of ``CVCircuit`` that are given, but for ``n_inputs``."""
        chosen = ("n_layers", "reupload", "squash", "init_scaling")
        return {name: value for name, value in self.model_dump().items() if name not in chosen or value is not None}


def _qubits_or_modes(value: Any) -> str:
    modes = "n_modes" in value if isinstance(value, dict) else isinstance(value, CVCircuitConfig)
    return "modes" if modes else "qubits"


if TYPE_CHECKING:
    AnyCircuit = CircuitConfig | CVCircuitConfig
    Times = float | list[float]
    Shares = float | list[float]
else:
    AnyCircuit = one_of(_qubits_or_modes, qubits=CircuitConfig, modes=CVCircuitConfig)
    Times = one_of(
        _number_or_list,
        number=Annotated[float, Field(gt=0.0, le=1e6)],
        list=Annotated[list[Annotated[float, Field(gt=0.0, le=1e6)]], Field(min_length=1, max_length=16)],
    )
    Shares = one_of(_number_or_list, number=Share, list=Annotated[list[Share], Field(min_length=1, max_length=16)])


class NoiseConfig(Model):
    """What follows every gate and what the read-out does: :class:`entangrid.agents.quantum.noise.NoiseModel`."""

    depolarising_1q: Share = Field(0.0, description="probability of a Pauli error after a gate on one qubit")
    depolarising_2q: Share = Field(0.0, description="after a gate on more qubits")
    amplitude_damping: Share = Field(0.0, description="decay probability of every qubit of a gate")
    phase_damping: Share = Field(0.0, description="loss of coherence of every qubit of a gate")
    t1: Times | None = Field(None, description="relaxation time [s], a number or one a qubit")
    t2: Times | None = Field(None, description="dephasing time [s], a number or one a qubit")
    gate_time_1q: float = Field(0.0, ge=0.0, le=1e6, description="duration [s] of a gate on one qubit")
    gate_time_2q: float = Field(0.0, ge=0.0, le=1e6, description="duration [s] of a gate on more qubits")
    excited: Share = Field(0.0, description="population of |1> in equilibrium")
    readout_p01: Shares = Field(0.0, description="probability to read 1 of a |0>")
    readout_p10: Shares = Field(0.0, description="probability to read 0 of a |1>")
    noiseless: list[Text] = Field([], max_length=32, description="names of gates without noise")


BACKENDS = ("fused", "torchquantum", "torch", "density", "trajectories", "shots")
NOISY = ("density", "trajectories", "shots")
