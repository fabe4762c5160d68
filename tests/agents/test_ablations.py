"""Each ablation differs from its parent in exactly what its name says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import worlds

from entangrid.agents.ablations import ABLATIONS, apply
from entangrid.agents.learners import make_learner
from entangrid.agents.networks import mlp_parameters
from entangrid.data.errors import InputError
from entangrid.envs import HomeVecEnv, Task

CIRCUIT = {"n_qubits": 4, "n_layers": 3, "n_inputs": 12}
PARENT: dict[str, Any] = {"circuit": CIRCUIT, "lr_scales": {"angles": 2.0}}
MODES: dict[str, Any] = {"circuit": {"n_modes": 1, "n_inputs": 12, "cutoff": 5}}
ANGLES, SCALING = "mlp_extractor.policy_net.0.module.angles", "mlp_extractor.policy_net.0.module.input_scaling"
HEAD = {"action_net.weight", "action_net.bias"}


def policy(settings: dict[str, Any], name: str = "ppo-quantum", seed: int = 3) -> Any:
    env = HomeVecEnv(Task.make(worlds.scenario(days=2), episode_steps=24), 2)
    options = {"n_steps": 8, "batch_size": 8, "n_epochs": 1} if name.startswith("ppo") else {}
    return make_learner(name, env, seed=seed, policy_kwargs=settings, **options)


def parts(learner: Any) -> dict[str, dict[str, Any]]:
    """Everything that an ablation could change, by kind."""
    parameters = dict(learner.policy.named_parameters())
    layer = learner.policy.mlp_extractor.policy_net[0]
    circuit = getattr(layer, "circuit", None)
    return {
        "shapes": {name: tuple(p.shape) for name, p in parameters.items()},
        "trainable": {name: p.requires_grad for name, p in parameters.items()},
        "first values": {name: p.detach().numpy().tobytes() for name, p in parameters.items()},
        "circuit": {} if circuit is None else circuit.to_dict(),
        "execution": {"backend": getattr(layer, "backend", None), "layer": type(layer).__name__},
        "rates": {group["name"]: group["lr_scale"] for group in learner.policy.optimizer.param_groups},
    }


def differences(one: dict[str, dict[str, Any]], other: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
    out = {}
    for kind in one:
        names = one[kind].keys() | other[kind].keys()
        if found := {name for name in names if one[kind].get(name, "absent") != other[kind].get(name, "absent")}:
            out[kind] = found
    return out


EXPECTED: dict[str, dict[str, set[str]]] = {
    "entanglers-off": {"circuit": {"entangler"}},
    "circuit-frozen": {"trainable": {ANGLES}, "rates": {"angles"}},
    "scaling-frozen": {"trainable": {SCALING, *HEAD}, "rates": {"input_scaling", "output_scaling"}},
    "layers-frozen": {"trainable": HEAD},
    "shots-100": {"execution": {"backend", "layer"}},
    "shots-1000": {"execution": {"backend", "layer"}},
    "shots-10000": {"execution": {"backend", "layer"}},
    "depolarising-0.1": {"execution": {"backend", "layer"}},
    "depolarising-1": {"execution": {"backend", "layer"}},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_nothing_but_the_named_property_changes(name: str) -> None:
    parent, ablated = policy(PARENT), policy(apply(name, PARENT))
    assert differences(parts(parent), parts(ablated)) == EXPECTED[name]


@pytest.mark.parametrize("name", ["circuit-to-mlp", "circuit-to-fourier", "circuit-to-identity"])
def test_a_replacement_stands_where_the_circuit_stood(name: str) -> None:
    parent, ablated = parts(policy(PARENT)), parts(policy(apply(name, PARENT)))
    changed = differences(parent, ablated)
    assert set(changed) <= {"shapes", "trainable", "first values", "circuit", "execution"}
    within = {part for part in changed["shapes"] if not part.startswith("mlp_extractor.policy_net")}
    fourier = name == "circuit-to-fourier"
    assert within == ({"action_net.weight"} if fourier else set())  # the read-out has as many columns as features
    shapes = [s for part, s in ablated["shapes"].items() if part.startswith("mlp_extractor.policy_net")]
    if name == "circuit-to-mlp":
        count = sum(int(np.prod(shape)) for shape in shapes)
        assert abs(count - 36) <= (mlp_parameters(12, 2, 4) - mlp_parameters(12, 1, 4)) / 2  # 12 λ and 24 angles
    elif fourier:
        assert shapes == []
        assert ablated["shapes"]["action_net.weight"][1] % 2 == 0
    else:
        assert shapes == [(4, 12), (4,)]


def test_kerr_off_takes_out_the_kerr_gates_alone() -> None:
    parent, ablated = parts(policy(MODES)), parts(policy(apply("kerr-off", MODES)))
    changed = differences(parent, ablated)
    assert changed["circuit"] == {"kerr"}
    assert set(changed) <= {"circuit", "shapes", "first values"}
    assert all(part.endswith("angles") or part.startswith("action_net") for part in changed.get("shapes", set()))


@pytest.mark.parametrize(
    ("name", "moves"), [("circuit-frozen", {SCALING, *HEAD}), ("scaling-frozen", {ANGLES}), ("layers-frozen", {ANGLES})]
)
def test_what_is_frozen_does_not_move(name: str, moves: set[str]) -> None:
    learner = policy(apply(name, {"circuit": CIRCUIT, "output_gain": 1.0}))
    before = {n: p.detach().clone() for n, p in learner.policy.named_parameters()}
    learner.learn(32)
    moved = {n for n, p in learner.policy.named_parameters() if not torch.equal(p, before[n])}
    frozen = {n for n, p in learner.policy.named_parameters() if not p.requires_grad}
    assert not moved & frozen
    assert moves <= moved


@pytest.mark.parametrize("name", ["circuit-frozen", "circuit-to-fourier", "circuit-to-mlp", "entanglers-off"])
@pytest.mark.parametrize("learner", ["sac-quantum", "td3-quantum"])
def test_off_policy_learners_take_ablations(name: str, learner: str) -> None:
    made = policy(apply(name, {"circuit": CIRCUIT}), learner)
    action, _ = made.predict(np.zeros((1, 12), np.float32), deterministic=True)
    assert np.isfinite(action).all()


def test_ablations_say_what_they_need() -> None:
    assert set(EXPECTED) | {"circuit-to-mlp", "circuit-to-fourier", "circuit-to-identity", "kerr-off"} == set(ABLATIONS)
    given = {"circuit": dict(CIRCUIT)}
    apply("entanglers-off", given)
    assert given == {"circuit": CIRCUIT}
    with pytest.raises(InputError, match="'magic' is unknown; expected one of entanglers-off"):
        apply("magic", given)
    with pytest.raises(InputError, match="needs a circuit of qumodes"):
        apply("kerr-off", given)
    with pytest.raises(InputError, match="needs a circuit of qubits"):
        apply("entanglers-off", MODES)
