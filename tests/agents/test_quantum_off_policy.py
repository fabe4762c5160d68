"""Quantum critics and Q-networks: the action is encoded in the circuit, targets and optimizers are SB3's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from policy_cases import BOTH, CASES, CIRCUIT, CRITIC, SCALES, Choosing, Tracking, observations
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3
from stable_baselines3.sac.policies import SACPolicy

from entangrid.agents.networks import actor_parameters, critic_parameters
from entangrid.agents.optimizers import ScaledRates, scaled
from entangrid.agents.quantum.library import jerbi2021, skolik2022
from entangrid.agents.quantum.off_policy import QuantumSACPolicy, QuantumTD3Policy
from entangrid.agents.quantum.policies import QuantumActorCriticPolicy
from entangrid.agents.quantum.q_policies import QuantumDQNPolicy
from entangrid.data.errors import InputError

OBSERVATIONS, ACTIONS = spaces.Box(-1, 1, (5,), np.float32), spaces.Box(-1, 1, (2,), np.float32)


def sac(**options: Any) -> QuantumSACPolicy:
    return QuantumSACPolicy(OBSERVATIONS, ACTIONS, lambda _: 1e-3, **options)


@pytest.mark.parametrize("policy_class", [QuantumSACPolicy, QuantumTD3Policy])
def test_the_action_enters_the_critics_circuit(policy_class: Any) -> None:
    policy = policy_class(OBSERVATIONS, ACTIONS, lambda _: 1e-3, critic_circuit=CRITIC)
    for network in policy.critic.q_networks:
        circuit = network[0].circuit
        assert circuit.inputs == 7
        encoded = {angle.input for gate in circuit.gates for angle in gate.angles if angle.input >= 0}
        assert encoded == set(range(7))
        assert network[1].in_features == circuit.outputs
    torch.manual_seed(0)
    obs, base = torch.randn(1, 5), torch.tensor([[0.3, -0.2]])
    q = lambda shift: policy.critic(obs, base + torch.tensor([[shift, 0.0]]))[0].item()  # noqa: E731
    bend = q(0.8) - 2 * q(0.0) + q(-0.8)
    assert abs(bend) > 1e-3  # a linear head alone would be affine in the action
    action = base.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(policy.critic.q1_forward(obs, action).sum(), action)
    step = 1e-2
    assert gradient[0, 0].item() == pytest.approx((q(step) - q(-step)) / (2 * step), abs=2e-3)


def test_critics_differ_and_targets_begin_equal() -> None:
    policy = sac(critic_circuit=CRITIC, n_critics=3)
    one, two, _ = (network[0].module.angles for network in policy.critic.q_networks)
    assert not torch.equal(one, two)
    target = policy.critic_target.state_dict()
    assert all(torch.equal(v, target[k]) for k, v in policy.critic.state_dict().items())
    assert not any(p is t for p, t in zip(policy.critic.parameters(), policy.critic_target.parameters(), strict=True))


def test_roles_choose_which_network_is_a_circuit() -> None:
    reference = SACPolicy(OBSERVATIONS, ACTIONS, lambda _: 1e-3, net_arch=[8])
    for quantum in ("actor", "critic"):
        policy = sac(quantum=quantum, net_arch=[8])
        names = {"actor": "critic", "critic": "actor"}
        kept = getattr(policy, names[quantum]).state_dict()
        assert {k: v.shape for k, v in kept.items()} == {
            k: v.shape for k, v in getattr(reference, names[quantum]).state_dict().items()
        }
        assert any("angles" in k for k in getattr(policy, quantum).state_dict())


def test_sac_keeps_adam_as_stable_baselines_has_it() -> None:
    policy = sac()
    groups = [*policy.actor.optimizer.param_groups, *policy.critic.optimizer.param_groups]
    assert {g["eps"] for g in groups} == {1e-8}


@pytest.mark.parametrize("case", [c for c in CASES if "lr_scales" in c.policy_kwargs], ids=lambda c: c.name)
def test_every_group_keeps_its_factor_under_a_schedule(case: Any) -> None:
    options = case.options | {"learning_rate": lambda left: 1e-3 * (1 + left)}
    model = case._replace(options=options).make().learn(24)
    parts = [getattr(model, name, None) for name in ("policy", "actor", "critic")]
    optimizers = [part.optimizer for part in parts if hasattr(part, "optimizer")]
    seen: dict[str, float] = {}
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            if "lr_scale" in group:
                assert isinstance(optimizer, ScaledRates)
                seen[group["name"]] = group["lr_scale"]
            assert group["lr"] < 2e-3
        if isinstance(optimizer, ScaledRates):
            assert {g["lr"] for g in optimizer.param_groups} == {optimizer.param_groups[0]["lr"]}
    assert {name: seen.get(name) for name in SCALES} == SCALES or model.__class__ in (SAC, TD3, DDPG)
    members = [p for optimizer in optimizers for g in optimizer.param_groups for p in g["params"]]
    assert len({id(p) for p in members}) == len(members)


def test_actor_and_critic_have_factors_of_their_own() -> None:
    policy = sac(circuit=CIRCUIT, critic_circuit=CRITIC, lr_scales=SCALES, critic_lr_scales={"angles": 3.0})
    actor = {g["name"]: g["lr_scale"] for g in policy.actor.optimizer.param_groups}
    critic = {g["name"]: g["lr_scale"] for g in policy.critic.optimizer.param_groups}
    assert actor == {"base": 1.0} | SCALES
    assert critic == {"base": 1.0, "input_scaling": 1.0, "angles": 3.0, "output_scaling": 1.0}
    assert not policy.critic.optimizer.param_groups[0]["params"]
    assert len(policy.critic.optimizer.param_groups[2]["params"]) == 2  # the angles of both critics
    both = QuantumActorCriticPolicy(OBSERVATIONS, ACTIONS, lambda _: 1e-3, **BOTH)
    found = {g["name"]: g["lr_scale"] for g in both.optimizer.param_groups}
    assert found == {"base": 1.0} | SCALES | {
        "critic.input_scaling": 1.0, "critic.angles": 3.0, "critic.output_scaling": 1.0
    }  # fmt: skip


def test_a2cs_rmsprop_obeys_the_factors() -> None:
    frozen = {"input_scaling": 0.0, "angles": 1.0, "output_scaling": 0.0}
    model = A2C(
        QuantumActorCriticPolicy,
        Tracking(),
        seed=0,
        device="cpu",
        policy_kwargs={"lr_scales": frozen, "circuit": CIRCUIT},
    )
    assert isinstance(model.policy.optimizer, torch.optim.RMSprop)
    net: Any = model.policy.mlp_extractor.policy_net[0]
    head, scaling, angles = (
        p.detach().clone() for p in (model.policy.action_net.weight, net.module.input_scaling, net.module.angles)
    )
    model.learn(20)
    assert torch.equal(model.policy.action_net.weight, head)
    assert torch.equal(net.module.input_scaling, scaling)
    assert not torch.equal(net.module.angles, angles)


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.SGD])
def test_scaled_steps_are_torchs_steps_at_the_scaled_rate(optimizer: Any) -> None:
    rows = [torch.nn.Parameter(torch.tensor([1.0, -2.0])) for _ in range(2)]
    ours = scaled(optimizer)(
        [{"params": [rows[0]], "lr_scale": 0.25}], lr=0.1, **({"eps": 1e-8} if "Adam" in optimizer.__name__ else {})
    )
    theirs = optimizer([rows[1]], lr=0.025)
    for k in range(3):
        for p in rows:
            p.grad = torch.tensor([0.5, -1.0]) * (k + 1)
        ours.step()
        theirs.step()
    torch.testing.assert_close(rows[0], rows[1])
    with pytest.raises(InputError, match="LBFGS ignores lr_scale"):
        scaled(torch.optim.LBFGS)


def test_dqn_reads_values_off_the_circuit() -> None:
    space = spaces.Discrete(4)
    policy = QuantumDQNPolicy(OBSERVATIONS, space, lambda _: 1e-3, circuit=CIRCUIT, linear_head=False)
    assert (policy.circuit.output, policy.circuit.outputs) == ("affine", 4)
    assert len(policy.q_net.q_net) == 1
    x = torch.randn(3, 5)
    torch.testing.assert_close(policy.q_net(x), policy.q_net.q_net[0](x))
    torch.testing.assert_close(policy.q_net(x), policy.q_net_target(x))
    greedy, _ = policy.predict(x.numpy(), deterministic=True)
    np.testing.assert_array_equal(greedy, policy.q_net(x).argmax(1).numpy())
    with pytest.raises(InputError, match="3 outputs, but linear_head=False needs one an action, 4"):
        QuantumDQNPolicy(
            OBSERVATIONS, space, lambda _: 1e-3, circuit=CIRCUIT | {"output": "scale"}, linear_head=False
        )  # fmt: skip


@pytest.mark.parametrize(
    ("algorithm", "policy", "options", "word"),
    [
        (SAC, QuantumSACPolicy, {"quantum": "all"}, "'all' is unknown"),
        (SAC, QuantumSACPolicy, {"quantum": "critic", "circuit": CIRCUIT}, "circuit=.* is not used"),
        (SAC, QuantumSACPolicy, {"net_arch": [8]}, "net_arch=.* is not used"),
        (TD3, QuantumTD3Policy, {"critic_circuit": {"n_inputs": 5}}, "critic_circuit: n_inputs=5, .* given 7"),
        (TD3, QuantumTD3Policy, {"critic_lr_scales": {"angle": 1}}, "critic_lr_scales: unknown group 'angle'"),
        (SAC, QuantumSACPolicy, {"share_features_extractor": True}, "share_features_extractor"),
        (PPO, QuantumActorCriticPolicy, {"critic_circuit": CIRCUIT}, "critic_circuit=.* is not used"),
        (PPO, QuantumActorCriticPolicy, {"quantum": "both", "net_arch": {"vf": [8]}}, "critic is the circuit"),
        (PPO, QuantumActorCriticPolicy, {"circuit": 3}, "circuit=3: expected a dictionary"),
        (PPO, QuantumActorCriticPolicy, {"optimizer_class": torch.optim.Adagrad}, "Adagrad ignores lr_scale"),
        (DQN, QuantumDQNPolicy, {"net_arch": [8]}, "Q-network is the circuit"),
    ],
)
def test_bad_options_are_named(algorithm: Any, policy: Any, options: dict[str, Any], word: str) -> None:
    env = Choosing() if algorithm is DQN else Tracking()
    with pytest.raises(InputError, match=word):
        algorithm(policy, env, device="cpu", policy_kwargs=options)


@pytest.mark.parametrize("name", ["ppo-both", "dqn-linear", "sac-both", "td3-both"])
def test_backends_train_alike(name: str) -> None:
    case = next(c for c in CASES if c.name == name)
    one, two = (case.make(backend=backend).learn(24).policy for backend in ("fused", "torchquantum"))
    # not the angles themselves: rotations about Z just before the read-out have no gradient but rounding errors,
    # which Adam makes steps of
    x, a = torch.as_tensor(observations()), torch.rand(20, 2)
    with torch.no_grad():
        found = [_numbers(policy, x, a) for policy in (one, two)]
    torch.testing.assert_close(*found, atol=1e-4, rtol=0)


def _numbers(policy: Any, x: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    if hasattr(policy, "critic"):
        return torch.cat([*policy.critic(x, a), *policy.critic_target(x, a), policy._predict(x, True)], 1)
    if hasattr(policy, "q_net"):
        return torch.cat([policy.q_net(x), policy.q_net_target(x)], 1)
    return torch.cat([policy.get_distribution(x).distribution.mean, policy.predict_values(x)], 1)


def test_papers_agents_have_the_papers_number_of_parameters() -> None:
    cartpole = spaces.Box(-1, 1, (4,), np.float32), spaces.Discrete(2), lambda _: 1e-3
    skolik = QuantumDQNPolicy(*cartpole, circuit=skolik2022().to_dict(), linear_head=False)
    assert (actor_parameters(skolik), critic_parameters(skolik)) == (0, 62)
    jerbi = QuantumActorCriticPolicy(*cartpole, circuit=jerbi2021().to_dict(), head="softmax")
    assert actor_parameters(jerbi) == 94 + 1  # and the inverse temperature
    policy = sac(circuit=CIRCUIT | {"n_layers": 2}, critic_circuit=CRITIC)
    assert actor_parameters(policy) == 5 + 2 * 3 * 2 + 2 * (3 + 1) * 2  # λ, angles; means and deviations
    assert critic_parameters(policy) == 2 * (7 + 4 * 2 * 2 + 2 + 1)  # two critics
