#!/usr/bin/env python
"""Wall time of training with quantum networks against the same run with an MLP, on ``entangrid/Home-v0``.

    python scripts/bench_training.py [--rounds 5] [--n-envs 16] [--without-torchquantum]

Every row is one of Stable-Baselines3's own algorithm classes; what differs is the network. PPO plays rollouts of 128
steps in each environment and updates for 10 epochs with minibatches of 64 (SB3's defaults but for the rollout, which
keeps its 2048 steps in all); DQN and SAC take SB3's defaults of one call, and one gradient step on 256 transitions a
step of all environments. First the fused kernels and TorchQuantum's own execution are held to the same numbers: the
same seed, one short training each, every parameter within 1e-3. Then the rows of an algorithm take turns, so that a
slow moment of the machine hits all of them; printed are medians of seconds for 10,000 environment steps, and ratios to
the MLP of the same turn.
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


def require_equal(name: str, n_envs: int, steps: int) -> float:
    """Largest difference of any parameter after the same short training; SystemExit if it is no rounding error."""
    fused, reference = (make(Row(name, backend), n_envs).learn(steps).policy for backend in ("fused", "torchquantum"))
    theirs = reference.state_dict()
    worst = max(float((v - theirs[k]).abs().max()) for k, v in fused.state_dict().items())
    if not worst < 1e-3:
        raise SystemExit(f"{name}: fused and torchquantum differ by {worst:.1e} after {steps} steps")
    return worst


def seconds(row: Row, n_envs: int, steps: int) -> float:
    """Wall time of `steps` environment steps of training, without building and without the first calls."""
    model = make(row, n_envs)
    model.learn(n_envs * 64 if not row.name.startswith("ppo") else n_envs * 128)
    done = model.num_timesteps
    started = time.perf_counter()
    model.learn(steps, reset_num_timesteps=False)
    return (time.perf_counter() - started) * 1e4 / (model.num_timesteps - done)


def bench(rows: list[Row], n_envs: int, steps: int, slow_steps: int, rounds: int) -> None:
    times: dict[Row, list[float]] = {row: [] for row in rows}
    for turn in range(rounds):
        for row in rows:
            slow = row.backend == "torchquantum"
            if not slow or turn < 2:
                times[row].append(seconds(row, n_envs, slow_steps if slow else steps))
    base = times[rows[0]]
    for row in rows:
        ratio = statistics.median(t / b for t, b in zip(times[row], base, strict=False))
        reach = f"   reach <= {REACH[row.name]}" if row.label in REACH else ""
        print(f"{row.label:34}{statistics.median(times[row]):10.2f}{ratio:9.2f}{reach}", flush=True)


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
        for name in names:
            worst = 0.0 if options.without_torchquantum else require_equal(name, options.n_envs, steps)
            print(f"{name}: fused and TorchQuantum train alike, largest difference {worst:.1e}", flush=True)
        rows = [Row(f"{algorithm}-mlp", ""), *(Row(name, "fused") for name in names)]
        if not options.without_torchquantum:
            rows += [Row(name, "torchquantum") for name in names if name != f"{algorithm}-quantum-critic"]
        print(f"\n{algorithm:34}{'s/10k steps':>10}{'ratio':>8}", flush=True)
        bench(rows, options.n_envs, 8192, 2048, options.rounds)
        print()


if __name__ == "__main__":
    main()
