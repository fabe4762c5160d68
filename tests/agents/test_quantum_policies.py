"""Quantum policies inside Stable-Baselines3: learning-rate groups, saving, loading, determinism."""

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
from entangrid.agents.quantum.policies import QuantumActorCriticPolicy
from entangrid.data.errors import InputError

SCALES = {"input_scaling": 10.0, "angles": 0.5, "output_scaling": 0.0}


class Tracking(gym.Env[np.ndarray, np.ndarray]):
    """Reward is minus the distance of two actions from two of five numbers."""

    observation_space = spaces.Box(-1.0, 1.0, (5,), np.float32)
    action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.t = 0
        return self._observe(), {}

    def _observe(self) -> np.ndarray:
        self.x = self.np_random.uniform(-1, 1, 5).astype(np.float32)
        return self.x

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.t += 1
        reward = -float(np.abs(action - self.x[:2]).sum())
        return self._observe(), reward, False, self.t >= 10, {}


def _model(env: Any, algorithm: Any = PPO, seed: int = 3, **policy_kwargs: Any) -> Any:
    policy_kwargs = {"circuit": {"n_qubits": 3, "n_layers": 2}, "lr_scales": SCALES} | policy_kwargs
    options = {"n_steps": 32, "device": "cpu", "learning_rate": lambda left: 5e-4 * (1.0 + left)}
    if algorithm is PPO:
        options |= {"batch_size": 16, "n_epochs": 2}
    return algorithm(QuantumActorCriticPolicy, env, seed=seed, policy_kwargs=policy_kwargs, **options)


ENVIRONMENTS = [pytest.param(Tracking, id="Box"), pytest.param(lambda: gym.make("CartPole-v1"), id="Discrete")]


@pytest.mark.parametrize("algorithm", [PPO, A2C])
@pytest.mark.parametrize("make", ENVIRONMENTS)
def test_trains_saves_and_reloads_the_same_actions(make: Any, algorithm: Any, tmp_path: Path) -> None:
    model = _model(make(), algorithm)
    before = copy.deepcopy(model.policy.state_dict())
    model.learn(64)
    after = model.policy.state_dict()
    assert not torch.equal(
        before["mlp_extractor.policy_net.0.module.angles"], after["mlp_extractor.policy_net.0.module.angles"]
    )
    observations = np.stack([model.observation_space.sample() for _ in range(20)]).clip(-3, 3)
    actions, _ = model.predict(observations, deterministic=True)
    model.save(tmp_path / "model.zip")
    loaded = algorithm.load(tmp_path / "model.zip", device="cpu")
    np.testing.assert_array_equal(loaded.predict(observations, deterministic=True)[0], actions)
    assert [g["lr_scale"] for g in loaded.policy.optimizer.param_groups] == [1.0, *SCALES.values()]
    model.policy.save(tmp_path / "policy.pt")
    policy = QuantumActorCriticPolicy.load(tmp_path / "policy.pt", device="cpu")
    np.testing.assert_array_equal(policy.predict(observations, deterministic=True)[0], actions)
    for other in (copy.deepcopy(model.policy), pickle.loads(pickle.dumps(loaded.policy))):
        np.testing.assert_array_equal(other.predict(observations, deterministic=True)[0], actions)


def test_groups_keep_their_rate_under_a_schedule() -> None:
    model = _model(Tracking())
    head = model.policy.action_net.weight.detach().clone()
    model.learn(64)
    groups = {g["name"]: g for g in model.policy.optimizer.param_groups}
    assert {name: g["lr_scale"] for name, g in groups.items()} == {"base": 1.0} | SCALES
    assert {g["lr"] for g in groups.values()} == {model.lr_schedule(0.0)}
    assert torch.equal(model.policy.action_net.weight, head)  # scale 0 freezes it
    assert sum(len(g["params"]) for g in groups.values()) == len(list(model.policy.parameters()))


def test_a_step_moves_each_group_by_its_own_rate() -> None:
    policy = _model(Tracking()).policy
    before = [p.detach().clone() for p in policy.parameters()]
    names = {id(p): g["name"] for g in policy.optimizer.param_groups for p in g["params"]}
    for p in policy.parameters():
        p.grad = torch.ones_like(p)
    policy.optimizer.step()
    for p, old in zip(policy.parameters(), before, strict=True):
        moved = (old - p.detach()).numpy()
        rate = 1e-3 * ({"base": 1.0} | SCALES)[names[id(p)]]  # Adam's first step is its rate, whatever the gradient
        np.testing.assert_allclose(moved, rate, rtol=1e-2, atol=1e-7)


def test_same_seed_same_bits() -> None:
    one, two, other = (_model(Tracking(), seed=s).learn(64).policy.state_dict() for s in (3, 3, 4))
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert any(not torch.equal(one[k], other[k]) for k in one)


def test_resumed_optimizer_continues_with_its_groups(tmp_path: Path) -> None:
    model = _model(Tracking()).learn(32)
    model.save(tmp_path / "model.zip")
    loaded = PPO.load(tmp_path / "model.zip", env=Tracking(), device="cpu")
    head = loaded.policy.action_net.weight.detach().clone()
    loaded.learn(32)
    assert torch.equal(loaded.policy.action_net.weight, head)


def test_the_actor_is_the_circuit_and_one_linear_layer() -> None:
    policy = _model(Tracking(), lr_scales=None, net_arch={"vf": [16]}).policy
    circuit = policy.circuit
    assert (circuit.n_qubits, circuit.n_layers, circuit.inputs) == (3, 2, 5)
    assert actor_parameters(policy) == circuit.n_parameters + 2 * (3 + 1) + 2
    assert critic_parameters(policy) == 16 * 6 + 17
    x = torch.randn(4, 5)
    mean = policy.get_distribution(x).distribution.mean
    torch.testing.assert_close(mean, policy.action_net(policy.mlp_extractor.policy_net(x)))


def test_default_circuit_reads_every_input() -> None:
    policy = QuantumActorCriticPolicy(spaces.Box(-1, 1, (26,), np.float32), spaces.Discrete(3), lambda _: 1e-3)
    assert policy.circuit.n_qubits == 6
    assert policy.circuit.n_layers == 5


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"circuit": {"n_qubits": 3, "n_inputs": 4}}, "n_inputs=4"),
        ({"circuit": {"qbits": 3}}, "qbits"),
        ({"lr_scales": {"angle": 1.0}}, "angle"),
        ({"lr_scales": {"angles": -1.0}}, "negative"),
        ({"net_arch": {"pi": [4], "vf": [4]}}, "actor is the circuit"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        _model(Tracking(), **options)


def test_backends_train_alike_and_load_each_other() -> None:
    fused = _model(Tracking(), backend="fused", lr_scales=None).learn(32)
    reference = _model(Tracking(), backend="torchquantum", lr_scales=None).learn(32)
    one, two = fused.policy.state_dict(), reference.policy.state_dict()
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=1e-4, rtol=0)
    reference.policy.load_state_dict(one)
    x = torch.randn(7, 5)
    torch.testing.assert_close(
        fused.policy.get_distribution(x).distribution.mean,
        reference.policy.get_distribution(x).distribution.mean,
        atol=1e-5,
        rtol=0,
    )
