"""Policies of qumodes inside Stable-Baselines3: learning, learning-rate groups, saving, determinism."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, PPO

from entangrid.agents.networks import actor_parameters, critic_parameters
from entangrid.agents.quantum.cv_policy import CVActorCriticPolicy
from entangrid.agents.quantum.networks import fit_cv_circuit
from entangrid.agents.quantum.policies import QuantumActorCriticPolicy
from entangrid.data.errors import InputError

SCALES = {"input_scaling": 2.0, "angles": 0.5, "output_scaling": 0.0}


class Tracking(gym.Env[np.ndarray, np.ndarray]):
    """Reward is minus the distance of an action from the first of three numbers."""

    observation_space = spaces.Box(-1.0, 1.0, (3,), np.float32)
    action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.t = 0
        return self._observe(), {}

    def _observe(self) -> np.ndarray:
        self.x = self.np_random.uniform(-1, 1, 3).astype(np.float32)
        return self.x

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.t += 1
        reward = -float(np.abs(action[0] - self.x[0]))
        return self._observe(), reward, False, self.t >= 10, {}


def _model(algorithm: Any = PPO, seed: int = 3, env: Any = None, **policy_kwargs: Any) -> Any:
    policy_kwargs = {"circuit": {"n_modes": 2, "cutoff": 5, "norm_tolerance": 1.0}, "lr_scales": SCALES} | policy_kwargs
    options: dict[str, Any] = {"n_steps": 32, "device": "cpu", "learning_rate": lambda left: 5e-4 * (1.0 + left)}
    options |= {"batch_size": 16, "n_epochs": 2} if algorithm is PPO else {}
    return algorithm(CVActorCriticPolicy, env or Tracking(), seed=seed, policy_kwargs=policy_kwargs, **options)


@pytest.mark.parametrize(("algorithm", "make"), [(PPO, Tracking), (A2C, lambda: gym.make("CartPole-v1"))])
def test_trains_saves_and_reloads_the_same_actions(algorithm: Any, make: Any, tmp_path: Path) -> None:
    model = _model(algorithm, env=make())
    name = "mlp_extractor.policy_net.0.module.angles"
    before = copy.deepcopy(model.policy.state_dict())
    model.learn(64)
    assert not torch.equal(before[name], model.policy.state_dict()[name])
    head = "action_net.weight"
    assert torch.equal(before[head], model.policy.state_dict()[head])  # scale 0 freezes it
    observations = np.stack([model.observation_space.sample() for _ in range(20)]).clip(-3, 3)
    actions, _ = model.predict(observations, deterministic=True)
    model.save(tmp_path / "model.zip")
    loaded = algorithm.load(tmp_path / "model.zip", device="cpu")
    model.policy.save(tmp_path / "policy.pt")
    policy = CVActorCriticPolicy.load(tmp_path / "policy.pt", device="cpu")
    for other in (loaded, policy, copy.deepcopy(model.policy), pickle.loads(pickle.dumps(model.policy))):
        np.testing.assert_array_equal(other.predict(observations, deterministic=True)[0], actions)
    assert [g["lr_scale"] for g in loaded.policy.optimizer.param_groups] == [1.0, *SCALES.values()]


def test_same_seed_same_bits() -> None:
    one, two, other = (_model(seed=s).learn(32).policy.state_dict() for s in (3, 3, 4))
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert any(not torch.equal(one[k], other[k]) for k in one)


def test_it_learns_to_copy_a_number() -> None:
    model = PPO(
        CVActorCriticPolicy, Tracking(), seed=0, device="cpu", learning_rate=5e-3, n_steps=256, batch_size=64,
        gamma=0.0,
        policy_kwargs={
            "circuit": {"cutoff": 7, "n_modes": 1, "norm_tolerance": 1.0}, "output_gain": 0.1, "log_std_init": -1.0
        },
    )  # fmt: skip
    x = np.random.default_rng(1).uniform(-1, 1, (200, 3)).astype(np.float32)

    def distance() -> float:
        return float(np.abs(model.predict(x, deterministic=True)[0][:, 0] - x[:, 0]).mean())

    before = distance()
    model.learn(2_048)
    assert distance() < 0.5 * before


def test_the_actor_is_the_circuit_and_one_linear_layer() -> None:
    policy = _model(lr_scales=None, net_arch={"vf": [16]}).policy
    assert (policy.circuit.n_modes, policy.circuit.n_layers, policy.circuit.reupload) == (2, 2, True)
    assert actor_parameters(policy) == policy.circuit.n_parameters + (2 + 1) + 1
    assert critic_parameters(policy) == 16 * 4 + 17
    double = _model(precision="double").policy
    assert double.predict(np.zeros((1, 3), np.float32))[0].dtype == np.float32


def test_default_circuit_reads_every_input() -> None:
    circuit = fit_cv_circuit({}, 26)
    assert (circuit.n_modes, circuit.n_layers, circuit.reupload, circuit.squash) == (2, 13, True, "tanh")
    assert fit_cv_circuit({}, 1).n_modes == 1
    assert fit_cv_circuit({"n_modes": 3, "input_layer": True}, 5).reupload is False
    torch.manual_seed(0)
    module = circuit.build()
    module(2.0 * torch.rand(50, 26) - 1.0)
    assert module.largest_norm_loss < circuit.norm_tolerance


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"circuit": {"n_modes": 2, "n_inputs": 4}}, "n_inputs=4"),
        ({"circuit": {"n_modes": 0}}, "n_modes=0"),
        ({"circuit": {"qubits": 3}}, "qubits"),
        ({"lr_scales": {"angle": 1.0}}, "angle"),
        ({"lr_scales": {"angles": -1.0}}, "negative"),
        ({"net_arch": {"pi": [4], "vf": [4]}}, "actor is the circuit"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        _model(**options)


def test_a_backend_of_qubits_is_refused() -> None:
    with pytest.raises(InputError, match=r"'shots'.*n_modes in circuit"):
        PPO(
            QuantumActorCriticPolicy,
            Tracking(),
            device="cpu",
            policy_kwargs={"circuit": {"n_modes": 1}, "backend": "shots"},
        )
