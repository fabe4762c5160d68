"""Learning controllers: twins differ in the network alone, policies save and reload, easy problems are learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
import worlds
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from entangrid.agents.algorithms import Linear, PPOSettings, QuantumSettings, make_ppo
from entangrid.agents.networks import actor_parameters, critic_parameters
from entangrid.data.errors import InputError
from entangrid.envs import HomeVecEnv, Task

CIRCUIT = QuantumSettings({"n_qubits": 4, "n_layers": 3, "n_inputs": 12}, 5.0, 5.0, 5.0, 0.1)
SHORT = PPOSettings(n_steps=16, batch_size=32, n_epochs=2)


def home(n_envs: int = 4, seed: int = 0) -> HomeVecEnv:
    return HomeVecEnv(Task.make(worlds.scenario(days=3), episode_steps=24, random_state=True), n_envs, seed)


def test_critics_are_the_same_and_actors_are_counted_apart() -> None:
    quantum = make_ppo(home(), SHORT, seed=0, quantum=CIRCUIT).policy
    classical = make_ppo(home(), SHORT, seed=0, hidden=(64, 64)).policy
    assert critic_parameters(quantum) == critic_parameters(classical) == 12 * 64 + 64 + 64 * 64 + 64 + 64 + 1
    # 3 layers x 4 qubits x (1 scaling + 2 angles), a head of 4 x 2 + 2, two log standard deviations
    assert actor_parameters(quantum) == 36 + 10 + 2
    assert actor_parameters(classical) == 12 * 64 + 64 + 64 * 64 + 64 + 2 * 64 + 2 + 2


@pytest.mark.parametrize(
    "network", [{"quantum": CIRCUIT}, {"quantum": CIRCUIT._replace(backend="torchquantum")}, {"hidden": (6,)}]
)
def test_policy_saves_and_reloads_to_the_same_actions(network: dict[str, Any], tmp_path: Path) -> None:
    model = make_ppo(home(), SHORT, seed=3, **network)
    model.learn(128)
    observations = np.random.default_rng(0).uniform(-1, 1, (50, 12)).astype(np.float32)
    model.save(tmp_path / "policy.zip")
    again = PPO.load(tmp_path / "policy.zip", device="cpu")
    np.testing.assert_array_equal(
        model.predict(observations, deterministic=True)[0], again.predict(observations, deterministic=True)[0]
    )


@pytest.mark.parametrize("network", [{"quantum": CIRCUIT}, {"hidden": (6,)}])
def test_same_seed_trains_to_the_same_bits(network: dict[str, Any]) -> None:
    def weights(seed: int) -> torch.Tensor:
        model = make_ppo(home(seed=seed), SHORT, seed=seed, **network)
        model.learn(192)
        return torch.nn.utils.parameters_to_vector(model.policy.parameters())

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_sb3_bootstraps_through_the_end_of_an_episode() -> None:
    """A constant reward of 1 and episodes that are truncated: the value must become 1 / (1 - gamma), not less."""

    class Constant(gymnasium.Env[np.ndarray, np.ndarray]):
        observation_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)

        def reset(self, **kwargs: Any) -> Any:
            super().reset(**kwargs)
            self.t = 0
            return np.zeros(1, np.float32), {}

        def step(self, action: Any) -> Any:
            self.t += 1
            return np.zeros(1, np.float32), 1.0, False, self.t == 2, {}

    settings = PPOSettings(
        learning_rate=0.02, n_steps=64, batch_size=64, gamma=0.8, critic_hidden=(), normalise_reward=False
    )
    model = make_ppo(DummyVecEnv([lambda: gymnasium.wrappers.TimeLimit(Constant(), 2)]), settings, seed=0, hidden=(4,))
    model.learn(6_000)
    value = model.policy.predict_values(torch.zeros(1, 1)).item()
    assert value == pytest.approx(5.0, rel=0.1)


class Echo(gymnasium.Env[np.ndarray, np.ndarray]):
    """Reward is minus the squared distance of the action from the observation: the identity is optimal."""

    observation_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(self, **kwargs: Any) -> Any:
        super().reset(**kwargs)
        self.obs = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        return self.obs, {}

    def step(self, action: Any) -> Any:
        reward = -float(((action - self.obs) ** 2).sum())
        self.obs = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        return self.obs, reward, False, False, {}


@pytest.mark.parametrize(
    "network", [{"quantum": QuantumSettings({"n_qubits": 2, "n_layers": 2}, 5.0, 5.0, 10.0, 0.1)}, {"hidden": (16,)}]
)
def test_both_kinds_of_actor_learn_the_identity(network: dict[str, Any]) -> None:
    settings = PPOSettings(learning_rate=3e-3, n_steps=64, batch_size=128, gamma=0.5, log_std_init=-1.0)
    model = make_ppo(DummyVecEnv([lambda: gymnasium.wrappers.TimeLimit(Echo(), 50)] * 8), settings, seed=0, **network)
    observations = np.random.default_rng(1).uniform(-0.8, 0.8, (200, 2)).astype(np.float32)

    def error() -> float:
        return float(np.abs(model.predict(observations, deterministic=True)[0] - observations).mean())

    before = error()
    model.learn(10_240)
    assert error() < 0.5 * before
    assert error() < 0.2


def test_linear_schedule_and_bad_calls() -> None:
    assert Linear(1.0, 0.2)(1.0) == 1.0
    assert Linear(1.0, 0.2)(0.0) == pytest.approx(0.2)
    with pytest.raises(InputError, match="exactly one of hidden and quantum"):
        make_ppo(home(), SHORT, seed=0)
    with pytest.raises(InputError, match="exactly one of hidden and quantum"):
        make_ppo(home(), SHORT, seed=0, hidden=(4,), quantum=CIRCUIT)


def test_absent_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    real = builtins.__import__

    def without_sb3(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "stable_baselines3":
            raise ModuleNotFoundError("no", name="stable_baselines3")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_sb3)
    with pytest.raises(
        InputError, match=r'stable_baselines3, which is not installed: pip install "entangrid\[learn\]"'
    ):
        make_ppo(None, SHORT, seed=0, hidden=(4,))
