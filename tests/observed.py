"""Tasks of whole homes and the physical values behind what they show."""

from __future__ import annotations

from typing import Any

import numpy as np
import worlds

from entangrid.envs import Task

HOMES = 3


def make(**changes: Any) -> Task:
    options: dict[str, Any] = {
        "scenario": worlds.whole_scenario(days=3, homes=HOMES),
        "feeder": "rural1",
        "observation_set": "feeder",
        "random_state": True,
        "episode_steps": 96,
        "starts": [20],
    }
    scenario = changes.pop("world", None)
    return Task.make(**(options | ({"scenario": worlds.whole_scenario(**scenario)} if scenario else {}) | changes))


def physical(task: Task, obs: Any) -> dict[str, Any]:
    """The values (H,) behind the observation (H, K) of one environment, by name."""
    low, high = task.observation_ranges
    values = low + 0.5 * (obs.astype(float) + 1.0) * (high - low)
    return {name: values[:, i] for i, name in enumerate(task.observation_names)}


def clipped(task: Task, name: str, value: Any) -> Any:
    """A true value as far as the entry's range shows it."""
    i = task.observation_names.index(name)
    return np.clip(value, task.observation_ranges[0][:, i], task.observation_ranges[1][:, i])
