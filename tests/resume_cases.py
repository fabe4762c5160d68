"""Learning algorithms, small, for tests of checkpoints; and the whole state of a model, for comparing two."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
import worlds
from stable_baselines3.common.noise import NormalActionNoise, OrnsteinUhlenbeckActionNoise
from stable_baselines3.common.vec_env import VecEnvWrapper, VecNormalize

from entangrid.agents.algorithms import Linear, PPOSettings, QuantumSettings, make_ppo
from entangrid.agents.learners import make_learner
from entangrid.envs.sb3 import HomeVecEnv
from entangrid.envs.tasks import Task

CIRCUIT = {"n_qubits": 3, "n_layers": 4}
SHOTS = {"backend": "shots", "shots": 8}
NOISE = {"backend": "trajectories", "trajectories": 2, "noise": {"depolarizing": 0.05}}


def env(action_set: str = "continuous", n_envs: int = 3) -> HomeVecEnv:
    """Copies of a small home with episodes of 7 steps, which end in the middle of every rollout."""
    task = Task.make(worlds.scenario(days=7), action_set=action_set, episode_steps=7, random_state=True)
    return HomeVecEnv(task, n_envs, seed=5)


class Case(NamedTuple):
    """``make``: the untrained model; ``steps``: environment steps of a whole training."""

    name: str
    make: Callable[[], Any]
    steps: int


def _learner(name: str, steps: int, *, n_envs: int = 3, schedule: bool = False, **options: Any) -> Case:
    def make() -> Any:
        options_now = dict(options)
        if schedule:
            options_now["learning_rate"] = Linear(3e-3, 1e-4)
        if "action_noise" in options_now:
            options_now["action_noise"] = options_now["action_noise"]()
        return make_learner(name, env("discrete" if name.startswith("dqn") else "continuous", n_envs), seed=3,
                            **options_now)  # fmt: skip

    return Case(f"{name}{'-scheduled' if schedule else ''}-{options.pop('label', '')}".rstrip("-"), make, steps)


def _ppo(label: str, schedule: bool, **options: Any) -> Case:
    settings = PPOSettings(n_steps=8, batch_size=12, n_epochs=2, final_learning_rate=1e-4 if schedule else None)
    return Case(f"ppo-{label}", lambda: make_ppo(env(), settings, seed=3, **options), 96)


OFF = {"learning_starts": 12, "batch_size": 8, "buffer_size": 60}  # filled and overwritten during the training
QUANTUM = {"circuit": CIRCUIT, "backend": "fused"}
CASES = [
    _ppo("mlp", False, hidden=(8,)),
    _ppo("mlp-scheduled", True, hidden=(8,), lr_scale_actor=2.0),
    _ppo("quantum", False, quantum=QuantumSettings(CIRCUIT | {"n_inputs": 12})),
    _ppo("quantum-scheduled", True, quantum=QuantumSettings(CIRCUIT | {"n_inputs": 12}, lr_scale_angles=5.0)),
    _ppo("shots", True, quantum=QuantumSettings(CIRCUIT | {"n_inputs": 12}, backend=SHOTS)),  # type: ignore[arg-type]
    _learner("ppo-mlp", 48, label="sde", n_steps=4, batch_size=12, n_epochs=1, use_sde=True, sde_sample_freq=3),
    _learner("a2c-mlp", 90),
    _learner("a2c-mlp", 90, schedule=True),
    _learner("a2c-quantum", 60, schedule=True, policy_kwargs=QUANTUM),
    _learner("reinforce-mlp", 126, schedule=True),
    _learner("reinforce-mlp", 126, label="value", baseline="value"),
    _learner("reinforce-quantum", 84, policy_kwargs=QUANTUM),
    _learner("dqn-mlp", 120, **OFF, train_freq=2, target_update_interval=15),
    _learner("dqn-mlp", 120, schedule=True, **OFF, gradient_steps=-1, target_update_interval=15),
    _learner("dqn-quantum", 60, **OFF, policy_kwargs=QUANTUM, exploration_fraction=0.8),
    _learner("sac-mlp", 90, **OFF),
    _learner("sac-mlp", 90, schedule=True, **OFF, ent_coef=0.1, target_update_interval=2),
    _learner("sac-mlp", 60, label="sde", **OFF, use_sde=True, sde_sample_freq=2, train_freq=4),
    _learner("sac-quantum", 48, **OFF, policy_kwargs=QUANTUM),
    _learner("td3-mlp", 90, **OFF, label="noise",
             action_noise=lambda: NormalActionNoise(np.zeros(2), 0.1 * np.ones(2))),
    _learner("td3-mlp", 90, schedule=True, **OFF),
    _learner("td3-quantum", 48, **OFF, policy_kwargs=QUANTUM),
    _learner("ddpg-mlp", 90, **OFF, label="noise",
             action_noise=lambda: OrnsteinUhlenbeckActionNoise(np.zeros(2), 0.1 * np.ones(2))),
    _learner("ddpg-mlp", 60, schedule=True, n_envs=1, **OFF, train_freq=(1, "episode")),
    _learner("ddpg-quantum", 48, **OFF, policy_kwargs=QUANTUM),
]  # fmt: skip

#: differs between a straight and a resumed run and decides nothing: clocks, the logger, scratch memory
_IGNORED = {"start_time", "_logger", "_custom_logger", "rollout_buffer", "_pool", "_free"}


def whole_state(model: Any) -> dict[str, Any]:
    """Every number that can be reached from a model or is global, by the way to it."""
    found = dict(walk("model", model, {}))
    found["torch generator"] = torch.get_rng_state().numpy()
    found["numpy generator"] = np.random.get_state()[1]  # noqa: NPY002
    found["python generator"] = np.array(random.getstate()[1])
    for name, space in (("action", model.action_space), ("observation", model.observation_space)):
        found[f"{name} generator"] = repr(space._np_random and space._np_random.bit_generator.state)
    environment = model.env
    while isinstance(environment, VecEnvWrapper):
        if isinstance(environment, VecNormalize):
            found["normalised"] = np.array([environment.ret_rms.mean, environment.ret_rms.var])
        environment = environment.venv
    found |= {f"env {name}": value for name, value in environment.snapshot().items()}
    return found


def walk(path: str, thing: Any, seen: dict[int, Any]) -> Iterator[tuple[str, Any]]:
    """``seen`` holds what was walked, by id: were it not held, a later object could have the id of one that is gone."""
    if isinstance(thing, torch.Tensor):
        yield path, thing.detach().numpy().copy()
        return
    if isinstance(thing, np.ndarray):
        yield path, thing.copy()
        return
    if thing is None or isinstance(thing, bool | int | float | str | np.generic):
        yield path, thing
        return
    if id(thing) in seen:
        return
    seen[id(thing)] = thing
    if isinstance(thing, torch.optim.Optimizer):
        yield from walk(path, thing.state_dict(), seen)
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield from walk(f"{path}.{key}", value, seen)
    elif isinstance(thing, list | tuple | deque):
        for i, value in enumerate(thing):
            yield from walk(f"{path}[{i}]", value, seen)
    elif type(thing).__module__.startswith(("stable_baselines3", "entangrid", "torch.nn")):
        if isinstance(thing, torch.nn.Module):
            yield from ((f"{path}.{k}", v.detach().numpy().copy()) for k, v in thing.state_dict().items())
            for name, part in thing.named_children():
                yield from walk(f"{path}.{name}", part, seen)
        for name, value in vars(thing).items():
            if name not in _IGNORED and not name.startswith("_parameters") and name not in ("_modules", "_buffers"):
                yield from walk(f"{path}.{name}", value, seen)


def differences(one: dict[str, Any], two: dict[str, Any]) -> list[str]:
    """The ways whose numbers are not equal to the last bit."""
    wrong = sorted(one.keys() ^ two.keys())
    for name in one.keys() & two.keys():
        a, b = one[name], two[name]
        same = a.tobytes() == b.tobytes() if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) else a == b
        both_nan = isinstance(a, float) and isinstance(b, float) and a != a and b != b
        if not same and not both_nan:
            wrong.append(f"{name}: {a!r} and {b!r}"[:300])
    return sorted(wrong)
