"""The arms of a study: controllers without learning, and algorithms told apart by their network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    create_model,
    model_validator,
)

from entangrid import agents
from entangrid.agents import ablations, learners
from entangrid.experiments.config.algorithms import CONTINUOUS_ONLY, ON_POLICY, PARTIAL
from entangrid.experiments.config.base import Layers, Model, Name, NotNegative, Positive, one_of
from entangrid.experiments.config.circuits import NOISY, AnyCircuit, CircuitConfig, CVCircuitConfig, NoiseConfig
from entangrid.experiments.config.seeded import SearchedArm, SeededArm

#: Suffix of a learning arm's controller -> which networks are circuits; more than one algorithm may stand before it.
QUANTUM = {"quantum": "actor", "quantum-critic": "critic", "quantum-both": "both"}
MLP_NAMES = tuple(name for name in learners.LEARNERS if name.endswith("-mlp"))
MATCHED_NAMES = tuple(f"{name}-matched" for name in MLP_NAMES)
QUANTUM_NAMES = tuple(name for name in learners.LEARNERS if name.split("-", 1)[1] in QUANTUM)


def described() -> str:
    """All of them in one line."""
    algorithms = ", ".join(name.removesuffix("-mlp") for name in MLP_NAMES)
    networks = ", ".join(f"-{network}" for network in ("mlp", "mlp-matched", *QUANTUM))
    return f"{', '.join([*agents.RULES, *agents.SEARCHED])}, or one of {algorithms} with {networks}"


def names() -> tuple[str, ...]:
    """Every controller that an arm may name."""
    return (*agents.RULES, *agents.SEARCHED, *MLP_NAMES, *MATCHED_NAMES, *QUANTUM_NAMES)


def _option(value: Any) -> str:
    kinds = {bool: "switch", int: "number", float: "number", str: "text", list: "list", dict: "mapping"}
    return kinds.get(type(value), "null")


def _options(depth: int) -> Any:
    simple: dict[str, Any] = {
        "switch": bool,
        "number": Annotated[float | int, Field(ge=-1e12, le=1e12)],
        "text": Annotated[str, Field(max_length=1_000)],
        "null": None,
    }
    if depth:
        simple["list"] = Annotated[list[_options(depth - 1)], Field(max_length=10_000)]  # type: ignore[misc]
        simple["mapping"] = Annotated[dict[str, _options(depth - 1)], Field(max_length=100)]  # type: ignore[misc]
    return one_of(_option, **simple)


if TYPE_CHECKING:
    Option = Any
else:
    Option = _options(2)


class RuleArm(Model):
    """A controller without learning, and the options that it takes."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Option]

    controller: str = Field(description="which one", json_schema_extra={"enum": [*agents.RULES]})

    @property
    def options(self) -> dict[str, Any]:
        """What the controller is given beside the task."""
        return dict(self.__pydantic_extra__ or {})


_SECTIONS: dict[str, Any] = {
    name: (model | None, Field(None, description="what differs from the study's section; of the arm's own algorithm"))
    for name, model in PARTIAL.items()
}
if TYPE_CHECKING:
    _Sections = SeededArm
else:
    _Sections = create_model("_Sections", __base__=SeededArm, **_SECTIONS)


class LearningArm(_Sections):
    """An algorithm of Stable-Baselines3, or REINFORCE, with a network."""

    controller: str
    head: Literal["gaussian", "squashed-gaussian", "beta", "categorical", "softmax"] | None = Field(
        None, description="of PPO, A2C and REINFORCE; null is SB3's own for the action space"
    )
    activation: Literal["tanh", "relu"] | None = Field(None, description="of classical networks; null is SB3's own")

    @property
    def algorithm(self) -> str:
        """What stands before the first "-" of the controller's name."""
        return str(self.controller.split("-", 1)[0])

    @property
    def override(self) -> dict[str, Any]:
        """What the arm says of its algorithm, on top of the study's section."""
        section: BaseModel | None = getattr(self, self.algorithm)
        return {} if section is None else section.model_dump()

    @classmethod
    def quiet(cls) -> frozenset[str]:
        """See :class:`SeededArm`: the arm's own section alone is written."""
        return super().quiet() | frozenset(PARTIAL)

    @model_validator(mode="after")
    def _own_section(self) -> LearningArm:
        for name in PARTIAL:
            if name != self.algorithm and getattr(self, name) is not None:
                raise ValueError(f"{name} belongs to another algorithm than controller {self.controller!r}")
        if self.head is not None and self.algorithm not in ON_POLICY:
            raise ValueError(f"head belongs to {', '.join(ON_POLICY)}, not to controller {self.controller!r}")
        return self


class _Classical(LearningArm):
    lr_scale: Positive = Field(1.0, description="factor on the actor's learning rate")

    @model_validator(mode="after")
    def _scaled(self) -> _Classical:
        if self.lr_scale != 1.0 and self.algorithm not in ON_POLICY:
            raise ValueError(f"lr_scale belongs to {', '.join(ON_POLICY)}, not to controller {self.controller!r}")
        return self


class MLPArm(_Classical):
    """A multilayer perceptron as actor, or as DQN's Q-network."""

    controller: str = Field(description="algorithm and network", json_schema_extra={"enum": [*MLP_NAMES]})
    hidden: Layers = Field([64, 64], min_length=1, description="units of the hidden layers")


class MatchedArm(_Classical):
    """A perceptron of one hidden layer with the parameter count of a quantum arm's network."""

    controller: str = Field(description="algorithm and network", json_schema_extra={"enum": [*MATCHED_NAMES]})
    match: Name = Field(description="the quantum arm, of the same algorithm")


Group = Literal["input_scaling", "angles", "output_scaling"]


class QuantumArm(LearningArm):
    """A circuit as actor (as DQN's Q-network), as critic, or one as each."""

    controller: str = Field(description="algorithm and circuits", json_schema_extra={"enum": [*QUANTUM_NAMES]})
    circuit: AnyCircuit = Field(CircuitConfig(), description="the actor's; {n_modes: ...} is one of qumodes")
    critic_circuit: CircuitConfig | None = Field(None, description="the critic's; null is the actor's fields")
    hidden: Layers = Field([64, 64], min_length=1, description="of an actor that is no circuit")
    lr_scale_input: NotNegative = Field(1.0, description="factor on the learning rate of the factors on the inputs")
    lr_scale_angles: NotNegative = Field(1.0, description="of the gates' angles")
    lr_scale_output: NotNegative = Field(1.0, description="of what follows the read-out, the head with it")
    critic_lr_scale_input: NotNegative = Field(1.0, description="the same of the critic's circuit")
    critic_lr_scale_angles: NotNegative = Field(1.0, description="of its angles")
    critic_lr_scale_output: NotNegative = Field(1.0, description="of what follows its read-out")
    ablation: Literal[ablations.ABLATIONS] | None = Field(  # type: ignore[valid-type]
        None, description="one named change of this arm, of the circuits and of nothing else"
    )
    frozen: list[Group] = Field([], max_length=3, description="groups of parameters that keep their first values")
    output_gain: float = Field(0.01, gt=0.0, le=10.0, description="of the head's orthogonal initialisation")
    inverse_temperature: Positive = Field(1.0, description='first value of the "softmax" head\'s')
    linear_head: bool = Field(
        True, description="DQN: a linear layer follows the read-out, or else the circuit's output"
    )
    backend: Literal["fused", "torchquantum", "torch", "density", "trajectories", "shots"] | None = Field(
        None, description="what executes circuits; null is fused, shots with shots, and density or trajectories"
    )
    precision: Literal["single", "double"] = Field("single", description="of circuits of qumodes")
    noise: NoiseConfig | None = Field(None, description="of the backends density, trajectories and shots")
    shots: int | None = Field(None, ge=1, le=10_000_000, description="measurements of every setting")
    trajectories: int | None = Field(None, ge=1, le=1_000_000, description="random pure states that are averaged")

    @property
    def role(self) -> str:
        """Which networks are circuits: "actor", "critic" or "both"."""
        return QUANTUM[self.controller.split("-", 1)[1]]

    @property
    def is_cv(self) -> bool:
        """Whether the actor's circuit has qumodes."""
        return isinstance(self.circuit, CVCircuitConfig)

    @property
    def executed_by(self) -> str:
        """``backend`` after its default."""
        if self.backend is not None:
            return str(self.backend)
        if self.shots is not None:
            return "shots"
        if self.trajectories is not None:
            return "trajectories"
        if self.noise is not None:
            return "density" if getattr(self.circuit, "n_qubits", 0) <= 8 else "trajectories"
        return "fused"

    @model_validator(mode="after")
    def _fits(self) -> QuantumArm:
        backend = self.executed_by
        for name, where in (("noise", NOISY), ("shots", ("shots",)), ("trajectories", ("trajectories",))):
            if getattr(self, name) is not None and backend not in where:
                raise ValueError(f"{name} does not go with backend {backend!r}; expected {' or '.join(where)}")
        if self.precision == "double" and not self.is_cv:
            raise ValueError("precision is 'double', which policies have with qumodes only; expected 'single'")
        if self.critic_circuit is not None and self.role == "actor":
            raise ValueError(f"critic_circuit is not used with controller {self.controller!r}")
        given = self.model_fields_set
        for name in ("lr_scale_input", "lr_scale_angles", "lr_scale_output"):
            if self.role == "actor" and getattr(self, f"critic_{name}") != 1.0:
                raise ValueError(f"critic_{name} is not used with controller {self.controller!r}")
            if self.role == "critic" and getattr(self, name) != 1.0:
                raise ValueError(f"{name} is not used with controller {self.controller!r}; expected critic_{name}")
        if self.role != "critic" and "hidden" in given and self.hidden != [64, 64]:
            raise ValueError(f"hidden is not used with controller {self.controller!r}: the actor is a circuit")
        if len(set(self.frozen)) != len(self.frozen):
            raise ValueError(f"frozen is {self.frozen}; expected every group once")
        if self.is_cv:
            self._fits_modes()
        if self.ablation is not None:
            self._fits_ablation(self.ablation)
        return self

    def _fits_ablation(self, name: str) -> None:
        if (name == "kerr-off") != self.is_cv and not name.endswith("-frozen"):
            raise ValueError(f"ablation {name!r} is of {'qubits' if self.is_cv else 'qumodes'}, not of this circuit")
        if name.startswith(("shots-", "depolarising-")) and self.executed_by != "fused":
            raise ValueError(f"ablation {name!r} chooses the backend; expected none of backend, noise, shots here")

    def _fits_modes(self) -> None:
        if self.controller not in ("ppo-quantum", "a2c-quantum"):
            raise ValueError(f"circuit has qumodes; expected ppo-quantum or a2c-quantum, not {self.controller!r}")
        for name, free in (("backend", None), ("noise", None), ("shots", None), ("trajectories", None), ("head", None)):
            if getattr(self, name) != free:
                raise ValueError(f"{name} does not go with a circuit of qumodes")


def _kind(value: Any) -> str:
    if isinstance(value, BaseModel):
        kind = {RuleArm: "rule", SearchedArm: "searched", MLPArm: "mlp", MatchedArm: "matched", QuantumArm: "quantum"}
        return kind[type(value)]
    controller = value.get("controller") if isinstance(value, dict) else None
    if not isinstance(controller, str):
        return "unknown"
    kinds = (
        ("rule", agents.RULES),
        ("searched", agents.SEARCHED),
        ("mlp", MLP_NAMES),
        ("matched", MATCHED_NAMES),
        ("quantum", QUANTUM_NAMES),
    )
    return next((kind for kind, known in kinds if controller in known), "unknown")


if TYPE_CHECKING:
    Arm = RuleArm | SearchedArm | MLPArm | MatchedArm | QuantumArm
else:
    Arm = one_of(_kind, rule=RuleArm, searched=SearchedArm, mlp=MLPArm, matched=MatchedArm, quantum=QuantumArm)
Arms = Annotated[dict[Name, Arm], Field(min_length=1, max_length=1_000)]

__all__ = [
    "CONTINUOUS_ONLY",
    "Arm",
    "Arms",
    "LearningArm",
    "MLPArm",
    "MatchedArm",
    "QuantumArm",
    "RuleArm",
    "SearchedArm",
    "SeededArm",
    "names",
]
