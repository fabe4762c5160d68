"""Random numbers of layers with noise or shots are part of what is saved."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from policy_cases import Choosing, Tracking
from quantum_cases import Encoded
from stable_baselines3 import DQN, PPO, SAC, TD3

from entangrid.agents.quantum import Circuit, compile_circuit
from entangrid.agents.quantum.off_policy import QuantumSACPolicy, QuantumTD3Policy
from entangrid.agents.quantum.policies import QuantumActorCriticPolicy
from entangrid.agents.quantum.q_policies import QuantumDQNPolicy

CIRCUIT = {"n_qubits": 2, "n_layers": 3}
SHOTS = {"backend": "shots", "shots": 8}
JUMPS = {"backend": "trajectories", "trajectories": 3, "noise": {"amplitude_damping": 0.1}}


@pytest.mark.parametrize("backend", [SHOTS, SHOTS | {"seed": 2**64 - 1}, JUMPS])
@pytest.mark.parametrize("make", [lambda: Circuit(3, 2), Encoded])
def test_a_loaded_layer_draws_on(make: Any, backend: dict[str, Any]) -> None:
    torch.manual_seed(0)
    layer, other = (compile_circuit(make(), backend) for _ in range(2))
    x = torch.rand(4, 3)
    layer(x)
    buffer = io.BytesIO()
    torch.save(layer.state_dict(), buffer)
    buffer.seek(0)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    assert (other.executions, other.measurements) == (layer.executions, layer.measurements)
    for _ in range(2):
        assert torch.equal(other(x), layer(x))
    assert not torch.equal(layer(x), layer(x))


@pytest.mark.parametrize("make", [lambda: Circuit(3, 2), Encoded])
def test_states_cross_to_backends_that_draw_nothing_and_back(make: Any) -> None:
    shots, exact = compile_circuit(make(), SHOTS), compile_circuit(make(), "fused")
    exact.load_state_dict(shots.state_dict())
    x = torch.rand(2, 3)
    assert torch.equal(exact(x), compile_circuit(shots.module)(x))
    shots(x)
    draws = shots.state_dict()["draws"]
    shots.load_state_dict(exact.state_dict())
    assert torch.equal(shots.state_dict()["draws"], draws)


@pytest.mark.parametrize("backend", [SHOTS, JUMPS])
def test_a_loaded_model_trains_on_to_the_same_bits(backend: dict[str, Any], tmp_path: Path) -> None:
    options = {"n_steps": 8, "batch_size": 8, "n_epochs": 1, "device": "cpu", "seed": 5}
    model = PPO(
        QuantumActorCriticPolicy, Tracking(), policy_kwargs={"circuit": CIRCUIT, "backend": backend}, **options
    ).learn(8)
    model.save(tmp_path / "model.zip")
    loaded = PPO.load(tmp_path / "model.zip", device="cpu")
    for one in (model, loaded):
        one.set_env(PPO("MlpPolicy", Tracking(), **options).get_env(), force_reset=True)
        one.set_random_seed(11)
        one.learn(8, reset_num_timesteps=False)
    for ours, theirs in zip(model.policy.parameters(), loaded.policy.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("algorithm", "policy", "env", "pairs"),
    [
        (DQN, QuantumDQNPolicy, Choosing, [("q_net", "q_net_target")]),
        (SAC, QuantumSACPolicy, Tracking, [("critic", "critic_target")]),
        (TD3, QuantumTD3Policy, Tracking, [("actor", "actor_target"), ("critic", "critic_target")]),
    ],
)
def test_targets_draw_for_themselves(algorithm: Any, policy: Any, env: Any, pairs: list[tuple[str, str]]) -> None:
    circuits = {"circuit": CIRCUIT} | ({} if algorithm is DQN else {"critic_circuit": CIRCUIT | {"n_layers": 4}})
    model = algorithm(policy, env(), device="cpu", buffer_size=10, policy_kwargs=circuits | {"backend": SHOTS})
    for pair in pairs:
        states = [getattr(model.policy, name).state_dict() for name in pair]
        draws = [torch.cat([v for k, v in state.items() if k.endswith("draws")]) for state in states]
        seeds = torch.stack(draws).reshape(2, -1, 4)[:, :, 0]
        assert (seeds[0] != seeds[1]).all()
