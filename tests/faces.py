"""What every face of a registered task must do, told once for the tasks' own test files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import spaces

Simulators = Callable[..., Any]  # (n_envs, seed, **keywords of the simulator)


def draw_actions(simulator: Any, rng: np.random.Generator) -> np.ndarray:
    """One random action a copy."""
    space = simulator.action_space
    if isinstance(space, spaces.Discrete):
        return rng.integers(0, space.n, simulator.n_envs)
    return rng.uniform(-1.0, 1.0, (simulator.n_envs, *space.shape)).astype(np.float32)


def trace(simulator: Any, steps: int, seed: int = 0) -> list[tuple[np.ndarray, ...]]:
    """(obs, reward, truncated, final_obs) of every step under random actions; the simulator has been reset."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(steps):
        simulator.step(draw_actions(simulator, rng))
        rows.append(
            tuple(a.copy() for a in (simulator.obs, simulator.reward, simulator.truncated, simulator.final_obs))
        )
    return rows


def check_copies_equal_singles(make: Simulators, steps: int) -> None:
    """Copy e of a batch gives the bits of a batch of one that draws as copy e, through episode ends."""
    batch = make(3, 5)
    batch.reset()
    rng = np.random.default_rng(1)
    actions = [draw_actions(batch, rng) for _ in range(steps)]
    singles = [make(1, 5, first_env=e) for e in range(3)]
    for single in singles:
        single.reset()
    ended = 0
    for a in actions:
        batch.step(a)
        ended += int(batch.truncated.sum())
        for e, single in enumerate(singles):
            single.step(a[e : e + 1])
            for name in ("obs", "reward", "truncated", "final_obs", "terms"):
                assert getattr(batch, name)[e].tobytes() == getattr(single, name)[0].tobytes(), name
    assert ended >= 3


def check_restored_equals_straight(make: Simulators, steps: int) -> None:
    """After a restore, into the same simulator or a fresh one, the same actions give the same bits."""
    simulator = make(2, 3)
    simulator.reset()
    trace(simulator, steps // 2)
    kept = simulator.snapshot()
    straight = trace(simulator, steps, seed=9)
    simulator.restore(kept)
    other = make(2, 4)
    other.restore(kept)
    for again in (trace(simulator, steps, seed=9), trace(other, steps, seed=9)):
        for a, b in zip(straight, again, strict=True):
            assert all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


def check_same_seed_same_bits(make: Simulators, steps: int) -> None:
    """The seed decides everything, and another seed or copy gives other numbers."""
    runs = []
    for seed in (7, 7, 8):
        simulator = make(2, seed)
        simulator.reset()
        runs.append(np.stack([r[0] for r in trace(simulator, steps)]))
    assert runs[0].tobytes() == runs[1].tobytes()
    assert runs[0].tobytes() != runs[2].tobytes()
    assert runs[0][:, 0].tobytes() != runs[0][:, 1].tobytes()
