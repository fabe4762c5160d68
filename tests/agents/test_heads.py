"""Heads are the distributions they say: densities integrate to one, entropies and gradients are right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from policy_cases import Choosing, ChoosingTwice, Tracking
from scipy import stats
from stable_baselines3 import PPO

from entangrid.agents.heads import BetaDistribution, InverseTemperature, check_head
from entangrid.agents.policies import ScaledActorCriticPolicy
from entangrid.agents.quantum.policies import QuantumActorCriticPolicy
from entangrid.data.errors import InputError

BOX = spaces.Box(np.array([-2.0, 0.0], np.float32), np.array([1.0, 5.0], np.float32))


def quantum(space: spaces.Space[Any], **options: Any) -> QuantumActorCriticPolicy:
    options = {"circuit": {"n_qubits": 3, "n_layers": 2}} | options
    return QuantumActorCriticPolicy(spaces.Box(-1, 1, (5,), np.float32), space, lambda _: 1e-3, **options)


def test_beta_is_scipys_on_twice_the_interval() -> None:
    raw = torch.tensor([[0.3, -1.0, 2.0, 0.5], [-3.0, 4.0, 0.0, 1.0]], dtype=torch.float64)
    ours = BetaDistribution(2).proba_distribution(raw)
    alpha, beta = (1 + np.log1p(np.exp(raw.numpy())))[:, :2], (1 + np.log1p(np.exp(raw.numpy())))[:, 2:]
    theirs = stats.beta(alpha, beta, loc=-1, scale=2)
    actions = torch.tensor([[0.1, -0.9], [0.7, 0.99]], dtype=torch.float64)
    np.testing.assert_allclose(ours.log_prob(actions).numpy(), theirs.logpdf(actions.numpy()).sum(1), rtol=1e-9)
    np.testing.assert_allclose(ours.entropy().numpy(), theirs.entropy().sum(1), rtol=1e-9)
    np.testing.assert_allclose(ours.mode().numpy(), theirs.mean(), rtol=1e-9)
    torch.manual_seed(0)
    drawn = torch.stack([ours.sample() for _ in range(4000)]).numpy()
    assert np.abs(drawn).max() <= 1
    np.testing.assert_allclose(drawn.mean(0), theirs.mean(), atol=4 * theirs.std().max() / math.sqrt(4000))
    assert torch.isfinite(ours.log_prob(torch.tensor([[-1.0, 1.0], [1.0, -1.0]]))).all()


@pytest.mark.parametrize("head", ["squashed-gaussian", "beta"])
@pytest.mark.parametrize("classical", [False, True])
def test_bounded_heads_have_all_their_mass_inside(head: str, classical: bool) -> None:
    observation_space, one = spaces.Box(-1, 1, (5,), np.float32), spaces.Box(-2.0, 1.0, (1,), np.float32)
    policy: Any = quantum(one, head=head)
    if classical:
        policy = ScaledActorCriticPolicy(observation_space, one, lambda _: 1e-3, head=head)
    grid = torch.linspace(-1, 1, 20_001)[1:-1, None]
    row = torch.zeros(1, 5)
    with torch.no_grad():
        _, log_prob, _ = policy.evaluate_actions(row.expand(len(grid), -1), grid)
    assert float(torch.trapezoid(log_prob.exp(), grid[:, 0])) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("head", ["squashed-gaussian", "beta"])
def test_bounded_heads_reach_the_environment_in_its_own_bounds(head: str) -> None:
    policy = quantum(BOX, head=head)
    with torch.no_grad():  # push the first action up and the second down, hard
        policy.action_net.bias[0] += 30.0
        policy.action_net.bias[-1] += -30.0 if head == "squashed-gaussian" else 30.0
    actions, _ = policy.predict(np.zeros((50, 5), np.float32))
    assert ((actions >= BOX.low) & (actions <= BOX.high)).all()
    assert (actions[:, 0] > 0.0).all()
    assert (actions[:, 1] < 2.5).all()


def test_softmax_is_one_temperature_times_the_read_out() -> None:
    policy = quantum(spaces.Discrete(4), head="softmax", inverse_temperature=3.0)
    assert isinstance(policy.action_net, InverseTemperature)
    assert (policy.circuit.output, policy.circuit.outputs) == ("linear", 4)
    x = torch.randn(6, 5)
    logits = policy.get_distribution(x).distribution.logits
    z = policy.mlp_extractor.policy_net(x)
    torch.testing.assert_close(logits, torch.log_softmax(3.0 * z, 1))
    names = {g["name"]: [id(p) for p in g["params"]] for g in policy.optimizer.param_groups}
    assert id(policy.action_net.beta) in names["output_scaling"]
    log_prob = policy.evaluate_actions(x, torch.zeros(6))[1].sum()
    (gradient,) = torch.autograd.grad(log_prob, [policy.action_net.beta])
    expected = (z[:, 0] - (torch.softmax(3.0 * z, 1) * z).sum(1)).sum()  # ∇β log π = z_a - E z
    torch.testing.assert_close(gradient, expected)


def test_softmax_takes_observables_without_weights_and_several_actions_at_once() -> None:
    policy = quantum(spaces.Discrete(3), head="softmax", circuit={"n_qubits": 3, "n_layers": 2, "output": "none"})
    assert sum(p.numel() for p in policy.action_net.parameters()) == 1
    assert quantum(spaces.MultiDiscrete([2, 3]), head="softmax").circuit.outputs == 5
    with pytest.raises(InputError, match="the actor has 2 outputs; expected 3"):
        quantum(spaces.Discrete(3), head="softmax", circuit={"n_qubits": 2, "n_layers": 3, "output": "none"})


@pytest.mark.parametrize(
    ("head", "space", "word"),
    [
        ("magic", BOX, "'magic' is unknown; expected one of gaussian"),
        ("softmax", BOX, "does not go with the action space"),
        ("beta", spaces.Discrete(3), "does not go with the action space"),
        ("beta", spaces.Box(-np.inf, np.inf, (1,), np.float32), "bounded"),
        ("softmax", spaces.MultiBinary(3), "Discrete or MultiDiscrete"),
    ],
)
def test_heads_that_do_not_fit_are_refused(head: str, space: spaces.Space[Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        check_head(head, space)
    with pytest.raises(InputError, match=word):
        quantum(space, head=head)


def test_bounded_heads_and_sde_are_refused_together() -> None:
    with pytest.raises(InputError, match="use_sde"):
        check_head("beta", BOX, use_sde=True)


@pytest.mark.parametrize(
    ("env", "head"),
    [(Tracking, "beta"), (Tracking, "squashed-gaussian"), (Choosing, "softmax"), (ChoosingTwice, "softmax")],
)
def test_a_step_up_the_gradient_makes_an_action_likelier(env: Any, head: str) -> None:
    policy: Any = PPO(
        QuantumActorCriticPolicy, env(), seed=0, device="cpu",
        policy_kwargs={"head": head, "circuit": {"n_qubits": 3, "n_layers": 2}, "output_gain": 0.5},
    ).policy  # fmt: skip
    x = torch.randn(16, 5)
    with torch.no_grad():
        actions = policy(x)[0]
    before = policy.evaluate_actions(x, actions)[1].mean()
    policy.optimizer.zero_grad()
    (-before).backward()
    policy.optimizer.step()
    assert policy.evaluate_actions(x, actions)[1].mean() > before
