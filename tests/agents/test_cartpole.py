"""CartPole with a quantum actor and a quantum critic of under 100 parameters each, by PPO."""

from __future__ import annotations

import time
from typing import Any

import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

from entangrid.agents.algorithms import Linear
from entangrid.agents.networks import actor_parameters, critic_parameters
from entangrid.agents.quantum.policies import QuantumActorCriticPolicy

CIRCUIT = {"n_qubits": 4, "n_layers": 4}
POLICY = {
    "quantum": "both",
    "circuit": CIRCUIT,
    "critic_circuit": CIRCUIT,
    "lr_scales": {"input_scaling": 2.0, "angles": 1.0, "output_scaling": 3.0},
    "critic_lr_scales": {"input_scaling": 2.0, "angles": 1.0, "output_scaling": 20.0},
    "output_gain": 0.1,
}


def learn(seed: int, steps: int) -> PPO:
    """PPO on eight copies of CartPole-v1, the learning rate falling linearly over 100,000 steps."""
    torch.set_num_threads(1)
    model = PPO(
        QuantumActorCriticPolicy,
        make_vec_env("CartPole-v1", 8, seed=seed),
        learning_rate=Linear(3e-3, 1e-4),
        n_steps=128,
        batch_size=256,
        n_epochs=10,
        policy_kwargs=POLICY,
        seed=seed,
        device="cpu",
    )
    return model.learn(steps)


def mean_return(model: Any, seed: int, episodes: int) -> float:
    """Of deterministic actions in fresh episodes."""
    mean, _ = evaluate_policy(model, make_vec_env("CartPole-v1", 10, seed=10_000 + seed), episodes, deterministic=True)
    return float(mean)  # type: ignore[arg-type]


def test_a_short_run_learns_to_balance() -> None:
    model = learn(seed=0, steps=15_000)
    assert actor_parameters(model.policy) < 100
    assert critic_parameters(model.policy) < 100
    assert mean_return(model, 0, 20) > 120  # at random about 22


@pytest.mark.slow
def test_eight_of_ten_seeds_reach_475_within_100000_steps() -> None:
    rows = []
    for seed in range(10):
        started = time.process_time()
        model = learn(seed, 98_304)  # whole rollouts, not beyond 100,000
        rows.append((seed, mean_return(model, seed, 100), time.process_time() - started))
        print(f"| {seed} | {rows[-1][1]:.1f} | {rows[-1][2]:.0f} |")  # noqa: T201
    assert sum(score >= 475.0 for _, score, _ in rows) >= 8
