"""What an arm could not be built or run with is refused with the plan, before anything is made; without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entangrid.data.errors import InputError
from entangrid.experiments import building, searching
from entangrid.experiments.config import LearningArm, MatchedArm, QuantumArm, RuleArm, SearchedArm, StudyConfig

if TYPE_CHECKING:
    from entangrid.agents.quantum.circuit import Circuit
    from entangrid.agents.quantum.cv import CVCircuit
    from entangrid.envs.tasks import Task


def check(study: StudyConfig, arm: str, train: Task, test: Task) -> None:
    """Raise InputError, naming the arm, for what could not be built or run; cheap, and without torch."""
    config = study.arms[arm]
    if isinstance(config, RuleArm):
        building.make_rule(arm, config, test)
        return
    if isinstance(config, SearchedArm):
        return
    _check_head(study, arm, config, train)
    if config.algorithm == "dqn" and building.n_inputs(study, train) != len(train.observation_names):
        raise InputError(f"arms.{arm}: dqn controls one home; expected a scenario of one, or task.control 'per-home'")
    if isinstance(config, QuantumArm):
        _check_circuits(study, arm, config, train)
    elif isinstance(config, MatchedArm):
        building.matched_layers(study, arm, train)


def _check_head(study: StudyConfig, arm: str, config: LearningArm, train: Task) -> None:
    """The "softmax" head has no layer of its own: what comes before it gives one number an action."""
    if config.head != "softmax" or isinstance(config, MatchedArm):
        return
    if isinstance(config, QuantumArm) and "actor" in building.circuits(study, arm, train):
        return  # see _check_outputs
    hidden, actions = getattr(config, "hidden", None) or [], building.n_actions(study, train)
    last = hidden[-1] if hidden else building.n_inputs(study, train)
    if last != actions:
        raise InputError(
            f"arms.{arm}.head is 'softmax', which has no layer of its own, and arms.{arm}.hidden ends with {last}; "
            f"expected one number an action, {actions}"
        )


def check_budget(study: StudyConfig, arm: str, train: Task) -> None:
    """Raise InputError for steps, environments and batches that do not fit together; cheaper still, for every value of
    a sweep."""
    config = study.arms[arm]
    if isinstance(config, SearchedArm):
        searching.check(study, arm, train)
    elif isinstance(config, LearningArm):
        _check_batches(study, arm, config, train)


def _check_batches(study: StudyConfig, arm: str, config: LearningArm, train: Task) -> None:
    section = study.hyperparameters(arm).model_dump()
    if config.algorithm != "ppo":
        return
    homes = searching.homes_of_a_step(study, train)
    rollout = study.training.n_envs * homes * section["n_steps"]
    if rollout % section["batch_size"]:
        where = f"arms.{arm}.ppo" if {"batch_size", "n_steps"} & config.override.keys() else "ppo"
        raise InputError(
            f"{where}.batch_size is {section['batch_size']}; expected a divisor of training.n_envs * ppo.n_steps * "
            f"homes of training = {rollout}"
        )


def _check_circuits(study: StudyConfig, arm: str, config: QuantumArm, train: Task) -> None:
    found = building.circuits(study, arm, train)
    backend = config.executed_by
    for role, circuit in found.items():
        n_qubits = getattr(circuit, "n_qubits", 0)
        if backend == "density" and n_qubits > 8:
            raise InputError(f"arms.{arm}.backend is 'density', for up to 8 qubits; the {role} has {n_qubits}")
        if config.noise is not None:
            from entangrid.agents.quantum.noise import NoiseModel

            try:
                NoiseModel.from_dict(config.noise.model_dump()).check(n_qubits)
            except InputError as error:
                raise InputError(f"arms.{arm}.noise: {error}") from None
        if config.ablation is not None:
            _check_ablation(arm, role, config, circuit)
        if train.action_set != "continuous":
            _check_outputs(arm, role, config, circuit.outputs, building.n_actions(study, train))


def _check_ablation(arm: str, role: str, config: QuantumArm, circuit: Circuit | CVCircuit) -> None:
    """An ablation that this circuit does not have is refused with the plan, not by the run."""
    where, n_qubits = f"arms.{arm}.ablation is {config.ablation!r}", getattr(circuit, "n_qubits", 0)
    if str(config.ablation).startswith("depolarising-") and n_qubits > 8:
        raise InputError(f"{where}, simulated as density matrices of up to 8 qubits; the {role} has {n_qubits}")
    if config.ablation != "circuit-to-fourier":
        return
    for field, name in (("encoding", "amplitude"), ("squash", "min-max")):
        if getattr(circuit, field, None) == name:
            raise InputError(f"{where}, but {field} {name!r} of the {role} has no spectrum of its own to take")


def _check_outputs(arm: str, role: str, config: QuantumArm, outputs: int, actions: int) -> None:
    """Where no linear layer follows the read-out, it has one output an action."""
    bare = "head" if config.head == "softmax" else "linear_head" if not config.linear_head else None
    if bare is None or role != "actor" or (bare == "linear_head" and config.algorithm != "dqn"):
        return
    said = f"arms.{arm}.{bare} is {getattr(config, bare)!r}, so that no linear layer gives one output an action"
    if config.ablation == "circuit-to-fourier":
        raise InputError(f"{said}; expected none with ablation 'circuit-to-fourier', whose read-out is that layer")
    if outputs != actions:
        raise InputError(
            f"{said}, {actions}; the circuit has {outputs}: expected circuit.output 'linear' and n_outputs {actions}"
        )
