#!/usr/bin/env python
"""Wall time of training with quantum networks against the same run with an MLP, on ``entangrid/Home-v0``.

    python scripts/bench_training.py [--rounds 5] [--n-envs 16] [--without-torchquantum]

Every row is one of Stable-Baselines3's own algorithm classes; what differs is the network. PPO plays rollouts of 128
steps in each environment and updates for 10 epochs with minibatches of 64 (SB3's defaults but for the rollout, which
keeps its 2048 steps in all); DQN and SAC take SB3's defaults of one call, and one gradient step on 256 transitions a
step of all environments. First the fused kernels and TorchQuantum's own execution are held to the same numbers: the
same seed, one short training each, every network's numbers within 1e-3. Then the rows of an algorithm take turns, so
that a slow moment of the machine hits all of them; printed are medians of wall and processor seconds for 10,000
environment steps, and medians of the ratios to the MLP of the same turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from typing import Any, NamedTuple

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import torch  # noqa: E402  # after the number of threads

from entangrid.agents.learners import make_learner  # noqa: E402
from entangrid.envs.sb3 import HomeVecEnv  # noqa: E402
from entangrid.envs.tasks import Task  # noqa: E402

SCENARIO = "bundled-home"
CIRCUIT = {"n_qubits": 6, "n_layers": 4}
REACH = {"ppo-quantum": 1.2, "ppo-quantum-both": 1.35}


class Row(NamedTuple):
    """A learner's name and what executes its circuits."""

    name: str
    backend: str

    @property
    def label(self) -> str:
        return self.name if self.backend in ("", "fused") else f"{self.name}, TorchQuantum"


def task_of(algorithm: str) -> Task:
    """The registered environment's task; DQN has one action for every combination of battery and heat pump."""
    if algorithm == "dqn":
        return Task.make(SCENARIO, action_set="discrete", controls=("battery", "heat_pump"))
    return Task.make(SCENARIO)


def options_of(algorithm: str) -> dict[str, Any]:
    if algorithm == "ppo":
        return {"n_steps": 128, "batch_size": 64, "n_epochs": 10}
    options = {"learning_starts": 512, "batch_size": 256, "train_freq": 1, "gradient_steps": 1, "buffer_size": 100_000}
    return options | ({"target_update_interval": 512} if algorithm == "dqn" else {})


def make(row: Row, n_envs: int, seed: int = 0) -> Any:
    algorithm, network = row.name.split("-", 1)
    kwargs: dict[str, Any] = {}
    if row.backend:
        kwargs["backend"] = row.backend
        if network in ("quantum", "quantum-both"):
            kwargs["circuit"] = CIRCUIT
        if network in ("quantum-critic", "quantum-both"):
            # a critic of SAC reads the actions too, which takes more layers
            kwargs["critic_circuit"] = CIRCUIT if algorithm == "ppo" else {"n_qubits": 6}
    env = HomeVecEnv(task_of(algorithm), n_envs, seed)
    return make_learner(row.name, env, seed=seed, policy_kwargs=kwargs, **options_of(algorithm))


def numbers(policy: Any, rows: int = 64) -> torch.Tensor:
    """What the policy's networks give for drawn observations (and actions)."""
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(rows, policy.observation_space.shape[0], generator=draw) * 2 - 1
    with torch.no_grad():
        if hasattr(policy, "q_net"):
            return policy.q_net(x)
        if hasattr(policy, "critic"):
            a = torch.rand(rows, policy.action_space.shape[0], generator=draw) * 2 - 1
            return torch.cat([*policy.critic(x, a), policy.actor(x, deterministic=True)], 1)
        return torch.cat([policy.get_distribution(x).distribution.mean, policy.predict_values(x)], 1)


def require_equal(name: str, n_envs: int, steps: int) -> float:
    """Largest difference of the networks after the same short training; SystemExit if it is no rounding error.

    Not of the parameters: a rotation about Z before the read-out has no gradient but rounding errors, and Adam makes
    steps of those.
    """
    fused, reference = (make(Row(name, backend), n_envs).learn(steps).policy for backend in ("fused", "torchquantum"))
    worst = float((numbers(fused) - numbers(reference)).abs().max())
    if not worst < 1e-3:
        raise SystemExit(f"{name}: fused and torchquantum differ by {worst:.1e} after {steps} steps")
    return worst


def seconds(row: Row, n_envs: int, steps: int) -> tuple[float, float]:
    """(wall, processor) time of 10,000 environment steps of training, without building and without the first calls."""
    model = make(row, n_envs)
    model.learn(n_envs * (128 if row.name.startswith("ppo") else 64))
    done = model.num_timesteps
    wall, processor = time.perf_counter(), time.process_time()
    model.learn(steps, reset_num_timesteps=False)
    spent = time.perf_counter() - wall, time.process_time() - processor
    scale = 1e4 / (model.num_timesteps - done)
    return spent[0] * scale, spent[1] * scale


def bench(rows: list[Row], n_envs: int, steps: int, slow_steps: int, rounds: int) -> None:
    times: dict[Row, list[tuple[float, float]]] = {row: [] for row in rows}
    for turn in range(rounds):
        for row in rows:
            slow = row.backend == "torchquantum"
            if not slow or turn < 2:
                times[row].append(seconds(row, n_envs, slow_steps if slow else steps))
    base = times[rows[0]]
    for row in rows:
        line = f"{row.label:34}"
        for k in (0, 1):
            ratio = statistics.median(t[k] / b[k] for t, b in zip(times[row], base, strict=False))
            line += f"{statistics.median(t[k] for t in times[row]):10.2f}{ratio:9.2f}"
        print(line + (f"   reach <= {REACH[row.name]}" if row.label in REACH else ""), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns of every row (2 of TorchQuantum's)")
    parser.add_argument("--n-envs", type=int, default=16)
    parser.add_argument("--algorithms", nargs="+", choices=["ppo", "dqn", "sac"], default=["ppo", "dqn", "sac"])
    parser.add_argument("--without-torchquantum", action="store_true", help="leave out what takes minutes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{SCENARIO}, {options.n_envs} environments, circuits of 6 qubits, one thread")
    for algorithm in options.algorithms:
        kinds = ["quantum"] if algorithm == "dqn" else ["quantum", "quantum-critic", "quantum-both"]
        names = [f"{algorithm}-{kind}" for kind in kinds]
        steps = 128 * options.n_envs if algorithm == "ppo" else 520 + 8 * options.n_envs
        for name in [] if options.without_torchquantum else names:
            worst = require_equal(name, options.n_envs, steps)
            print(f"{name}: fused and TorchQuantum train alike, largest difference {worst:.1e}", flush=True)
        rows = [Row(f"{algorithm}-mlp", ""), *(Row(name, "fused") for name in names)]
        if not options.without_torchquantum:
            rows += [Row(name, "torchquantum") for name in names if name != f"{algorithm}-quantum-critic"]
        print(f"\n{algorithm:34}{'wall s':>10}{'ratio':>9}{'CPU s':>10}{'ratio':>9}", flush=True)
        bench(rows, options.n_envs, 4096, 2048, options.rounds)
        print()


if __name__ == "__main__":
    main()
