"""REINFORCE: returns, the gradient against one written by hand, whole episodes, and learning."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from policy_cases import Choosing
from stable_baselines3.common.vec_env import DummyVecEnv

from entangrid.agents.quantum.policies import QuantumActorCriticPolicy
from entangrid.agents.reinforce import REINFORCE, discounted
from entangrid.data.errors import InputError

CIRCUIT = {"n_qubits": 2, "n_layers": 3}


class Random(gym.Env[np.ndarray, int]):
    """Episodes end by chance, sooner after action 1; every step's reward is one."""

    observation_space = spaces.Box(-1.0, 1.0, (5,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        return self.np_random.uniform(-1, 1, 5).astype(np.float32), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        done = bool(self.np_random.uniform() < (0.6 if action else 0.1))
        return self.np_random.uniform(-1, 1, 5).astype(np.float32), 1.0, done, False, {}


def model(env: Any, **options: Any) -> REINFORCE:
    kwargs = {"circuit": CIRCUIT, "head": "softmax"} | options.pop("policy_kwargs", {})
    options = {"seed": 0, "device": "cpu", "n_episodes": 4} | options
    return REINFORCE(QuantumActorCriticPolicy, env, policy_kwargs=kwargs, **options)


def test_returns_stop_at_the_end_of_an_episode() -> None:
    rewards = np.array([[1.0, 0.0], [2.0, 0.0], [4.0, 8.0], [1.0, 1.0]])
    ends = np.array([[False, False], [True, False], [False, True], [True, True]])
    expected = [[2.0, 2.0], [2.0, 4.0], [4.5, 8.0], [1.0, 1.0]]
    np.testing.assert_allclose(discounted(rewards, ends, 0.5), expected)


def test_a_batch_is_whole_episodes_shared_by_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = []
    learner = model(DummyVecEnv([Random] * 2), n_episodes=6, gamma=1.0)
    train = learner.train

    def watched() -> None:
        batches.append(learner._batch)
        train()

    monkeypatch.setattr(learner, "train", watched)
    learner.learn(400)
    assert len(batches) > 3
    for batch in batches:
        assert batch is not None
        # undiscounted rewards of one: an episode's last step has return 1, so that ends count episodes
        assert int((batch.returns == 1.0).sum()) == 6
        assert len(batch.observations) == len(batch.actions) == len(batch.returns)
    assert learner.num_timesteps >= 400


@pytest.mark.parametrize("baseline", ["none", "standardised", "value"])
def test_the_step_follows_the_gradient_written_by_hand(baseline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sgd = {"optimizer_class": torch.optim.SGD, "optimizer_kwargs": {}}
    learner = model(
        Choosing(), baseline=baseline, learning_rate=0.01, gamma=0.9, ent_coef=0.1, policy_kwargs=sgd
    )  # fmt: skip
    net: Any = learner.policy.mlp_extractor.policy_net[0]
    expected = []

    def watched() -> None:
        assert learner._batch is not None
        x, actions, returns = learner._batch
        log_pi = torch.log_softmax(learner.policy.action_net(net(x)), 1)
        weight = returns
        if baseline == "standardised":
            weight = (returns - returns.mean()) / returns.std(correction=0)
        if baseline == "value":
            weight = returns - learner.policy.predict_values(x).detach()[:, 0]
        gain = (log_pi[torch.arange(len(x)), actions] * weight).sum() / 4
        gain = gain - 0.1 * (log_pi.exp() * log_pi).sum(1).mean()
        (gradient,) = torch.autograd.grad(gain, net.module.angles)
        expected.append(net.module.angles.detach() + 0.01 * gradient)
        REINFORCE.train(learner)
        expected.append(net.module.angles.detach().clone())

    monkeypatch.setattr(learner, "train", watched)
    learner.learn(32)
    torch.testing.assert_close(expected[0], expected[1], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "word"),
    [({"baseline": "best"}, "baseline='best' is unknown"), ({"n_episodes": 3}, "multiple of the 2 environments"),
     ({"n_episodes": 0}, "n_episodes=0")],
)  # fmt: skip
def test_bad_arguments_are_named(options: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        model(DummyVecEnv([Choosing] * 2), **options)


def _mean_return(learner: Any, episodes: int) -> float:
    env = DummyVecEnv([Choosing])
    env.seed(123)
    total, obs = 0.0, env.reset()
    for _ in range(8 * episodes):
        obs, reward, _, _ = env.step(learner.predict(obs, deterministic=True)[0])
        total += float(reward[0])
    return total / episodes


def test_a_softmax_circuit_learns_to_choose() -> None:
    learner = model(
        DummyVecEnv([Choosing] * 8), n_episodes=16, gamma=0.0, learning_rate=0.05,
        policy_kwargs={"circuit": {"n_qubits": 4, "n_layers": 3}},
    )  # fmt: skip
    before = _mean_return(learner, 40)
    learner.learn(12_000)
    after = _mean_return(learner, 40)
    assert after > before + 2.0  # at random -12.0, at best about -5.3
