"""Every learning algorithm with every kind of quantum policy, small enough for a test of a second; and a worker."""

from __future__ import annotations

import pickle
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3
from torch import nn

from entangrid.agents.policies import ScaledActorCriticPolicy
from entangrid.agents.quantum.cv_policy import CVActorCriticPolicy
from entangrid.agents.quantum.off_policy import QuantumSACPolicy, QuantumTD3Policy
from entangrid.agents.quantum.policies import QuantumActorCriticPolicy
from entangrid.agents.quantum.q_policies import QuantumDQNPolicy
from entangrid.agents.reinforce import REINFORCE

SCALES = {"input_scaling": 10.0, "angles": 0.5, "output_scaling": 2.0}
CIRCUIT = {"n_qubits": 3, "n_layers": 2}
CRITIC = {"n_qubits": 2, "n_layers": 4, "entangler": "none"}


class Tracking(gym.Env[np.ndarray, Any]):
    """Reward is minus the distance of two actions from two of five numbers; episodes of 8 steps."""

    observation_space = spaces.Box(-1.0, 1.0, (5,), np.float32)
    action_space: spaces.Space[Any] = spaces.Box(-2.0, 1.0, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.t = 0
        return self._observe(), {}

    def _observe(self) -> np.ndarray:
        self.x = self.np_random.uniform(-1, 1, 5).astype(np.float32)
        return self.x

    def _aim(self, action: Any) -> np.ndarray:
        return np.asarray(action)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.t += 1
        reward = -float(np.abs(self._aim(action) - self.x[:2]).sum())
        return self._observe(), reward, False, self.t >= 8, {}


class Choosing(Tracking):
    """The same with four discrete actions."""

    action_space = spaces.Discrete(4)

    def _aim(self, action: Any) -> np.ndarray:
        return np.array([[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]])[int(action)]


class ChoosingTwice(Tracking):
    """The same with two discrete actions of two and three levels."""

    action_space = spaces.MultiDiscrete([2, 3])

    def _aim(self, action: Any) -> np.ndarray:
        return np.array([action[0] - 0.5, 0.5 * action[1] - 0.5])


def small_network(n_inputs: int) -> nn.Module:
    """A module of one's own in the place of a circuit."""
    return nn.Sequential(nn.Linear(n_inputs, 2), nn.Tanh())


class Case(NamedTuple):
    """One row of the table: an algorithm, a policy and what is asked of it."""

    name: str
    algorithm: Any
    policy: Any
    env: Any
    policy_kwargs: dict[str, Any]
    options: dict[str, Any]

    def make(self, seed: int = 3, **kwargs: Any) -> Any:
        """The untrained model."""
        return self.algorithm(
            self.policy, self.env(), seed=seed, device="cpu", policy_kwargs=self.policy_kwargs | kwargs, **self.options
        )


_PPO = {"n_steps": 16, "batch_size": 8, "n_epochs": 2, "learning_rate": 1e-3}
_A2C = {"n_steps": 8}
_REINFORCE = {"n_episodes": 2}
_REPLAY = {"learning_starts": 8, "batch_size": 8, "buffer_size": 200, "train_freq": 4, "gradient_steps": 2}

ACTOR = {"circuit": CIRCUIT, "lr_scales": SCALES}
BOTH = ACTOR | {"quantum": "both", "critic_circuit": CRITIC, "critic_lr_scales": {"angles": 3.0}}
ONLY_CRITIC = {"quantum": "critic", "critic_circuit": CRITIC}

# qumodes
CV = {"circuit": {"n_modes": 2, "n_layers": 1, "cutoff": 4, "input_layer": True, "norm_tolerance": 1.0}}
CV_BOTH = CV | {"quantum": "both", "critic_circuit": CV["circuit"] | {"n_modes": 1}, "lr_scales": SCALES}

_AC = QuantumActorCriticPolicy
CASES = [
    Case("ppo-actor", PPO, _AC, Tracking, ACTOR, _PPO),
    Case("ppo-critic", PPO, _AC, Tracking, ONLY_CRITIC | {"net_arch": {"pi": [8]}}, _PPO),
    Case("ppo-both", PPO, _AC, Tracking, BOTH, _PPO),
    Case("ppo-categorical", PPO, _AC, Choosing, BOTH, _PPO),
    Case("ppo-softmax", PPO, _AC, Choosing, BOTH | {"head": "softmax", "inverse_temperature": 2.0}, _PPO),
    Case("ppo-softmax-multi", PPO, _AC, ChoosingTwice, ACTOR | {"head": "softmax"}, _PPO),
    Case("ppo-beta", PPO, _AC, Tracking, BOTH | {"head": "beta"}, _PPO),
    Case("ppo-squashed", PPO, _AC, Tracking, ACTOR | {"head": "squashed-gaussian"}, _PPO),
    Case("ppo-sde", PPO, _AC, Tracking, ACTOR, _PPO | {"use_sde": True}),
    Case("ppo-own-module", PPO, _AC, Tracking, {"circuit": small_network}, _PPO),
    Case("ppo-torch", PPO, _AC, Tracking, BOTH | {"backend": "torch"}, _PPO),
    Case("ppo-torchquantum", PPO, _AC, Tracking, BOTH | {"backend": "torchquantum"}, _PPO),
    Case("ppo-double", PPO, _AC, Tracking, BOTH | {"backend": {"backend": "fused", "precision": "double"}}, _PPO),
    Case("ppo-mlp-beta", PPO, ScaledActorCriticPolicy, Tracking, {"head": "beta", "lr_scale_actor": 2.0}, _PPO),
    Case("a2c-both", A2C, _AC, Tracking, BOTH, _A2C),
    Case("a2c-adam", A2C, _AC, Choosing, ACTOR, _A2C | {"use_rms_prop": False}),
    Case("reinforce-softmax", REINFORCE, _AC, Choosing, ACTOR | {"head": "softmax"}, _REINFORCE),
    Case("reinforce-value", REINFORCE, _AC, Tracking, BOTH, _REINFORCE | {"baseline": "value"}),
    Case("reinforce-beta", REINFORCE, _AC, Tracking, ACTOR | {"head": "beta"}, _REINFORCE | {"baseline": "none"}),
    Case("dqn-linear", DQN, QuantumDQNPolicy, Choosing, ACTOR, _REPLAY),
    Case(
        "dqn-skolik", DQN, QuantumDQNPolicy, Choosing,
        {"circuit": {"n_qubits": 4, "n_layers": 2, "output": "scale", "readout_range": "unit"}, "linear_head": False},
        _REPLAY,
    ),
    Case("sac-both", SAC, QuantumSACPolicy, Tracking, BOTH, _REPLAY),
    Case("sac-actor", SAC, QuantumSACPolicy, Tracking, ACTOR | {"quantum": "actor", "net_arch": [8]}, _REPLAY),
    Case("sac-critic", SAC, QuantumSACPolicy, Tracking, ONLY_CRITIC | {"net_arch": [8]}, _REPLAY),
    Case("sac-sde", SAC, QuantumSACPolicy, Tracking, BOTH, _REPLAY | {"use_sde": True}),
    Case("td3-both", TD3, QuantumTD3Policy, Tracking, BOTH, _REPLAY),
    Case("td3-critic", TD3, QuantumTD3Policy, Tracking, ONLY_CRITIC | {"net_arch": [8]}, _REPLAY),
    Case("ddpg-actor", DDPG, QuantumTD3Policy, Tracking, ACTOR | {"quantum": "actor", "net_arch": [8]}, _REPLAY),
    Case("ddpg-both", DDPG, QuantumTD3Policy, Tracking, BOTH, _REPLAY),
    Case("ppo-cv", PPO, CVActorCriticPolicy, Tracking, CV | {"head": "beta"}, _PPO),
    Case("a2c-cv", A2C, CVActorCriticPolicy, Choosing, CV_BOTH | {"precision": "double"}, _A2C),
    Case("reinforce-cv", REINFORCE, _AC, Choosing, CV | {"head": "softmax"}, _REINFORCE),
    Case("dqn-cv", DQN, QuantumDQNPolicy, Choosing, CV, _REPLAY),
    Case("sac-cv", SAC, QuantumSACPolicy, Tracking, CV_BOTH, _REPLAY),
    Case("td3-cv", TD3, QuantumTD3Policy, Tracking, CV_BOTH, _REPLAY),
    Case("ddpg-cv", DDPG, QuantumTD3Policy, Tracking, CV_BOTH, _REPLAY),
]  # fmt: skip


def observations(n: int = 20) -> np.ndarray:
    """Rows of observations, the same at every call."""
    return np.random.default_rng(0).uniform(-1, 1, (n, 5)).astype(np.float32)


def actions_of_pickle(data: bytes) -> np.ndarray:
    """What another process answers with: the deterministic actions of a pickled policy."""
    actions: np.ndarray = pickle.loads(data).predict(observations(), deterministic=True)[0]
    return actions
