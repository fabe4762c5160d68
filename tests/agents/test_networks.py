"""Matched sizes and parameter counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3 import PPO

from entangrid.agents.networks import actor_parameters, critic_parameters, matched_hidden, mlp_parameters
from entangrid.data.errors import InputError


@given(st.integers(1, 40), st.integers(1, 10), st.integers(1, 5000), st.integers(0, 5))
def test_no_other_width_is_nearer(n_in: int, n_out: int, n_parameters: int, n_log_std: int) -> None:
    width = matched_hidden(n_in, n_out, n_parameters, n_log_std)
    distance = [abs(mlp_parameters(n_in, w, n_out) + n_log_std - n_parameters) for w in range(1, width + 5)]
    assert distance[width - 1] == min(distance)
    assert distance.index(min(distance)) == width - 1


def test_widths_of_known_sizes() -> None:
    assert mlp_parameters(4, 8, 2) == 58  # the 4-8-2 network of Franz et al. 2022
    assert matched_hidden(4, 2, 58) == 8
    assert matched_hidden(4, 2, 1) == 1
    with pytest.raises(InputError, match="n_out"):
        matched_hidden(4, 0, 10)


def test_counts_of_sb3_policies() -> None:
    discrete = PPO("MlpPolicy", "CartPole-v1", device="cpu", policy_kwargs={"net_arch": {"pi": [8], "vf": [16]}})
    assert actor_parameters(discrete.policy) == 58
    assert critic_parameters(discrete.policy) == mlp_parameters(4, 16, 1)
    box = PPO("MlpPolicy", "Pendulum-v1", device="cpu", policy_kwargs={"net_arch": {"pi": [5], "vf": []}})
    assert actor_parameters(box.policy) == mlp_parameters(3, 5, 1) + 1  # and log_std
    assert critic_parameters(box.policy) == 4
    assert actor_parameters(box.policy) + critic_parameters(box.policy) == sum(
        p.numel() for p in box.policy.parameters()
    )
