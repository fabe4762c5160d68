"""From a run's configuration to the controller that acts: a rule, or an untrained model of Stable-Baselines3."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from entangrid import agents
from entangrid.agents import ablations
from entangrid.data.errors import InputError
from entangrid.experiments.config import LearningArm, MatchedArm, MLPArm, QuantumArm, RuleArm, StudyConfig
from entangrid.experiments.config.algorithms import ON_POLICY

if TYPE_CHECKING:
    from entangrid.agents.controller import Controller
    from entangrid.agents.quantum.circuit import Circuit
    from entangrid.agents.quantum.cv import CVCircuit
    from entangrid.envs.tasks import Task
    from entangrid.experiments.plan import Run

#: Fields of an algorithm's section that are no argument of its class.
_OURS = ("final_learning_rate", "critic_hidden", "normalise_reward", "log_std_init", "n_critics", "action_noise_std")


def make_rule(arm: str, config: RuleArm, task: Task) -> Controller:
    """A controller without learning, with the arm's options; raises InputError naming arm and option."""
    accepted = inspect.signature(agents.make).parameters.values()
    if config.options and not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in accepted):
        raise InputError(f"arms.{arm}.{next(iter(config.options))}: {config.controller!r} takes no options")
    try:
        made: Controller = agents.make(config.controller, task, **config.options)
    except (TypeError, InputError) as error:
        named = next((name for name in config.options if f"'{name}'" in str(error)), None)
        if isinstance(error, TypeError):
            named = named or next((name for name in config.options if not _takes(config, task, name)), None)
            said = f"{config.controller!r} does not take {'this' if named is None else repr(config.options[named])}"
            error = InputError(f"{said}; expected one of its options, with a value of its kind ({error})")
        raise InputError(f"arms.{arm}{'' if named is None else '.' + named}: {error}") from None
    return made


def _takes(config: RuleArm, task: Task, name: str) -> bool:
    """Whether a controller can be made with this option alone."""
    with contextlib.suppress(TypeError, InputError):
        agents.make(config.controller, task, **{name: config.options[name]})
        return True
    return False


def n_inputs(study: StudyConfig, task: Task) -> int:
    """Length of the observation that a learning arm is given."""
    n_homes = 1 if study.task.control == "per-home" else task.scenario.n_homes
    return len(task.observation_names) * n_homes


def n_actions(study: StudyConfig, task: Task) -> int:
    """Numbers that a learning arm's network gives: of a box, or logits and values of discrete actions."""
    from entangrid.envs import actions

    n_homes = 1 if study.task.control == "per-home" else task.scenario.n_homes
    if task.action_set == "continuous":
        return len(task.controls) * n_homes
    if task.action_set == "multi-discrete":
        return sum(len(actions.LEVELS[name]) for name in task.controls) * n_homes
    return len(actions.grid(task.controls)) * n_homes


def circuits(study: StudyConfig, arm: str, task: Task) -> dict[str, Circuit | CVCircuit]:
    """The circuits of a quantum arm, "actor" and "critic"; raises InputError naming arm and field."""
    from entangrid.agents.quantum.circuit import Circuit
    from entangrid.agents.quantum.fitting import fit_cv_circuit

    config = study.arms[arm]
    assert isinstance(config, QuantumArm)
    inputs = n_inputs(study, task)
    found: dict[str, Circuit | CVCircuit] = {}
    for role in ("actor", "critic"):
        if config.role not in (role, "both"):
            continue
        own = config.critic_circuit if role == "critic" else None
        field = "circuit" if own is None else "critic_circuit"
        length = inputs
        if role == "critic" and config.algorithm not in ON_POLICY:
            length += n_actions(study, task)  # which those critics encode behind the observation
        try:
            if config.is_cv:
                found[role] = fit_cv_circuit(config.circuit.options(), length)
                continue
            found[role] = Circuit.from_dict({**(own or config.circuit).options(), "n_inputs": length})
        except InputError as error:
            raise InputError(f"arms.{arm}.{field}: {error}") from None
    return found


def matched_layers(study: StudyConfig, arm: str, task: Task) -> dict[str, list[int]]:
    """Hidden layers of a matched arm's networks, "actor" and "critic", where its quantum twin has a circuit."""
    from entangrid.agents.networks import matched_hidden

    config = study.arms[arm]
    assert isinstance(config, MatchedArm)
    twin = study.arms[config.match]
    assert isinstance(twin, QuantumArm)
    if "softmax" in (twin.head, config.head):
        raise InputError(f"arms.{arm}: the head 'softmax' has no layer whose width could be matched")
    actions = n_actions(study, task)
    layers = {}
    for role, circuit in circuits(study, config.match, task).items():
        n_out = 1 if role == "critic" else actions * (2 if config.algorithm == "sac" or twin.head == "beta" else 1)
        inputs = circuit.inputs
        target = circuit.n_parameters + (circuit.outputs + 1) * n_out
        if config.algorithm == "dqn" and not twin.linear_head:
            target = circuit.n_parameters
        layers[role] = [matched_hidden(inputs, n_out, target)]
    return layers


def make_env(study: StudyConfig, task: Task, seed: int) -> Any:
    """The training environments of a learning arm: the same draws for every arm with this seed."""
    from entangrid.envs.sb3 import HomeVecEnv, PerHomeVecEnv

    kind = PerHomeVecEnv if study.task.control == "per-home" else HomeVecEnv
    return kind(task, study.training.n_envs, seed)


def build_learner(run: Run, task: Task) -> Any:
    """SB3's algorithm of a learning arm, untrained, on the training task."""
    from entangrid.agents.learners import make_learner

    study, config = run.study, run.config
    assert run.seed is not None
    assert isinstance(config, LearningArm)
    section = study.hyperparameters(run.arm).model_dump()
    env = make_env(study, task, run.seed)
    actions = env.action_space
    if section["normalise_reward"]:
        import numpy as np
        from stable_baselines3.common.vec_env import VecNormalize

        # PPO clips actor and critic gradients together; unscaled, an early policy's discomfort drowns the actor's
        env = VecNormalize(env, norm_obs=False, norm_reward=True, clip_reward=np.inf, gamma=section["gamma"])
    name = config.controller.removesuffix("-matched")
    kwargs = _policy(study, run.arm, config, section, task)
    try:
        model = make_learner(name, env, seed=run.seed, policy_kwargs=kwargs, **_arguments(section, actions))
    except InputError as error:
        raise InputError(f"arms.{run.arm}: {error}") from None
    if isinstance(config, QuantumArm) and config.frozen:
        _freeze(model.policy, config.frozen)
    return model


def _arguments(section: dict[str, Any], actions: Any) -> dict[str, Any]:
    """The algorithm's own arguments."""
    from entangrid.agents.algorithms import Linear

    out = {name: value for name, value in section.items() if name not in _OURS}
    last = section["final_learning_rate"]
    if last is not None:
        out["learning_rate"] = Linear(section["learning_rate"], last)
    if section.get("n_episodes", 0) is None:
        del out["n_episodes"]
    if section.get("max_grad_norm", 0.0) is None:
        out["max_grad_norm"] = float("inf")
    if section.get("action_noise_std", 0.0) > 0.0:
        import numpy as np
        from stable_baselines3.common.noise import NormalActionNoise

        size = actions.shape[0]
        out["action_noise"] = NormalActionNoise(np.zeros(size), np.full(size, section["action_noise_std"]))
    return out


def _policy(
    study: StudyConfig, arm: str, config: LearningArm, section: Mapping[str, Any], task: Task
) -> dict[str, Any]:
    """The policy's own arguments."""
    from torch import nn

    on_policy = config.algorithm in ON_POLICY
    kwargs: dict[str, Any] = {}
    if on_policy:
        kwargs |= {"activation_fn": nn.Tanh, "log_std_init": section["log_std_init"]}
    if config.activation is not None:
        kwargs["activation_fn"] = {"tanh": nn.Tanh, "relu": nn.ReLU}[config.activation]
    if config.head is not None:
        kwargs["head"] = config.head
    if "n_critics" in section:
        kwargs["n_critics"] = section["n_critics"]
    layers = {"actor": [64, 64], "critic": list(section["critic_hidden"])}
    if isinstance(config, QuantumArm):
        kwargs |= _quantum(study, arm, config, task)
        layers["actor"] = list(config.hidden)
        layers |= {role: [] for role in ("actor", "critic") if config.role in (role, "both")}
    elif isinstance(config, MatchedArm):
        twin = study.arms[config.match]
        assert isinstance(twin, QuantumArm)
        layers["actor"] = list(twin.hidden)
        layers |= matched_layers(study, arm, task)
    elif isinstance(config, MLPArm):
        layers["actor"] = list(config.hidden)
    if isinstance(config, MLPArm | MatchedArm) and on_policy:
        kwargs["lr_scale_actor"] = config.lr_scale
    if config.algorithm == "dqn":
        if not isinstance(config, QuantumArm):
            kwargs["net_arch"] = layers["actor"]
    elif not isinstance(config, QuantumArm) or config.role != "both" or on_policy:
        kwargs["net_arch"] = {"pi": layers["actor"], "vf" if on_policy else "qf": layers["critic"]}
    return kwargs


def _quantum(study: StudyConfig, arm: str, config: QuantumArm, task: Task) -> dict[str, Any]:
    found = circuits(study, arm, task)
    scales = {
        role: {
            "input_scaling": getattr(config, f"{prefix}lr_scale_input"),
            "angles": getattr(config, f"{prefix}lr_scale_angles"),
            "output_scaling": getattr(config, f"{prefix}lr_scale_output"),
        }
        for role, prefix in (("actor", ""), ("critic", "critic_"))
    }
    kwargs: dict[str, Any] = {}
    if "actor" in found:
        kwargs |= {"circuit": found["actor"].to_dict(), "lr_scales": scales["actor"]}
    if "critic" in found:
        kwargs |= {"critic_circuit": found["critic"].to_dict(), "critic_lr_scales": scales["critic"]}
    if not config.is_cv:
        kwargs["backend"] = _backend(config)
    if config.ablation is not None:
        changed = ablations.apply(config.ablation, {**kwargs, "quantum": config.role})
        kwargs = {name: value for name, value in changed.items() if name != "quantum"}
    if config.is_cv:
        return kwargs | {"precision": config.precision, "output_gain": config.output_gain}
    if config.algorithm == "dqn":
        return kwargs | {"linear_head": config.linear_head}
    if config.algorithm in ON_POLICY:
        kwargs |= {"output_gain": config.output_gain, "inverse_temperature": config.inverse_temperature}
    return kwargs


def _backend(config: QuantumArm) -> str | dict[str, Any]:
    options: dict[str, Any] = {"shots": config.shots, "trajectories": config.trajectories}
    options = {name: value for name, value in options.items() if value is not None}
    if config.noise is not None:
        options["noise"] = config.noise.model_dump()
    return {"backend": config.executed_by, **options} if options else config.executed_by


def _freeze(policy: Any, groups: Sequence[str]) -> None:
    """Let groups of parameters keep their first values, in every circuit of the policy."""
    owners = [policy, *(getattr(policy, name, None) for name in ("actor", "critic"))]
    for owner in owners:
        optimizer = getattr(owner, "optimizer", None)
        for group in [] if optimizer is None else optimizer.param_groups:
            if str(group.get("name", "")).removeprefix("critic.") in groups:
                for parameter in group["params"]:
                    parameter.requires_grad_(False)


__all__ = ["build_learner", "circuits", "make_env", "make_rule", "matched_layers"]
