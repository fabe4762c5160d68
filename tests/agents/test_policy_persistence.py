"""Every policy saves, loads, copies, crosses to another process, resumes, and trains to the same bits."""

from __future__ import annotations

import copy
import io
import multiprocessing
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from policy_cases import CASES, Case, actions_of_pickle, observations

STEPS = 32


@pytest.fixture(scope="module")
def other_process() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def trained(request: pytest.FixtureRequest) -> tuple[Case, Any]:
    return request.param, request.param.make().learn(STEPS)


def acts(policy: Any) -> np.ndarray:
    actions: np.ndarray = policy.predict(observations(), deterministic=True)[0]
    return actions


def optimizers(model: Any) -> list[torch.optim.Optimizer]:
    parts = [getattr(model, name, None) for name in ("policy", "actor", "critic")]
    return [part.optimizer for part in parts if hasattr(part, "optimizer")]


def same_state(one: Any, two: Any) -> bool:
    first, second = one.state_dict(), two.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def go_on(model: Any, case: Case) -> Any:
    """Train on from a defined state of everything that is not the model's."""
    model.set_env(case.env(), force_reset=True)
    model.set_random_seed(11)
    return model.learn(STEPS, reset_num_timesteps=False)


def test_training_changes_every_network(trained: tuple[Case, Any]) -> None:
    case, model = trained
    before = case.make().policy.state_dict()
    changed = {k for k, v in model.policy.state_dict().items() if not torch.equal(v, before[k])}
    expected = {k for k in before if "angles" in k and "q_net_target" not in k}  # copied every 10,000 steps
    if case.algorithm.__name__ == "REINFORCE" and case.options.get("baseline") != "value":
        expected = {k for k in expected if "value_net" not in k}
    assert expected <= changed
    assert changed


def test_model_and_policy_files_give_the_same_actions(trained: tuple[Case, Any], tmp_path: Path) -> None:
    case, model = trained
    model.save(tmp_path / "model.zip")
    loaded = case.algorithm.load(tmp_path / "model.zip", device="cpu")
    assert same_state(model.policy, loaded.policy)
    np.testing.assert_array_equal(acts(loaded), acts(model))
    model.policy.save(tmp_path / "policy.pt")
    policy = case.policy.load(tmp_path / "policy.pt", device="cpu")
    assert same_state(model.policy, policy)
    np.testing.assert_array_equal(acts(policy), acts(model))


def test_parts_with_files_of_their_own(trained: tuple[Case, Any], tmp_path: Path) -> None:
    _, model = trained
    for name in ("actor", "q_net"):
        if (part := getattr(model.policy, name, None)) is not None:
            part.save(tmp_path / "part.pt")
            assert same_state(part, type(part).load(tmp_path / "part.pt", device="cpu"))


def test_copies_act_and_learn_alike_and_apart(trained: tuple[Case, Any]) -> None:
    _, model = trained
    buffer = io.BytesIO()
    torch.save(model.policy, buffer)
    buffer.seek(0)
    copies = [
        copy.deepcopy(model.policy),
        pickle.loads(pickle.dumps(model.policy)),
        torch.load(buffer, weights_only=False),
    ]
    before = copy.deepcopy(model.policy.state_dict())
    for other in copies:
        assert same_state(other, model.policy)
        np.testing.assert_array_equal(acts(other), acts(model))
        for one in (other, getattr(other, "actor", None), getattr(other, "critic", None)):
            if hasattr(one, "optimizer"):
                for p in one.parameters():
                    p.grad = torch.ones_like(p)
                one.optimizer.step()
        assert not same_state(other, model.policy)  # its optimizer moves its own parameters
    for other in copies[1:]:
        assert same_state(other, copies[0])
    assert all(torch.equal(v, before[k]) for k, v in model.policy.state_dict().items())


def test_tensors_load_without_pickle(trained: tuple[Case, Any]) -> None:
    case, model = trained
    buffer = io.BytesIO()
    torch.save(model.policy.state_dict(), buffer)
    buffer.seek(0)
    other = case.make(seed=4)
    assert not same_state(other.policy, model.policy)
    other.policy.load_state_dict(torch.load(buffer, weights_only=True))
    np.testing.assert_array_equal(acts(other), acts(model))


def test_another_process_acts_alike(trained: tuple[Case, Any], other_process: ProcessPoolExecutor) -> None:
    _, model = trained
    theirs = other_process.submit(actions_of_pickle, pickle.dumps(model.policy)).result(timeout=120)
    np.testing.assert_array_equal(theirs, acts(model))


def test_a_loaded_model_trains_on_to_the_same_bits(trained: tuple[Case, Any], tmp_path: Path) -> None:
    case, model = trained
    model.save(tmp_path / "model.zip")
    loaded = case.algorithm.load(tmp_path / "model.zip", device="cpu")
    if hasattr(model, "replay_buffer"):
        model.save_replay_buffer(tmp_path / "replay.pkl")
        loaded.load_replay_buffer(tmp_path / "replay.pkl")
    steps = model.num_timesteps
    for one in (model, loaded):
        go_on(one, case)
        assert one.num_timesteps >= steps + STEPS
    assert same_state(model.policy, loaded.policy)
    for one, two in zip(optimizers(model), optimizers(loaded), strict=True):
        assert [g.get("lr_scale") for g in one.param_groups] == [g.get("lr_scale") for g in two.param_groups]


def test_parameters_and_optimizer_cross_into_a_fresh_model(trained: tuple[Case, Any]) -> None:
    case, model = trained
    other = case.make(seed=4)
    other.set_parameters(model.get_parameters())
    assert same_state(other.policy, model.policy)
    for one, two in zip(optimizers(other), optimizers(model), strict=True):
        assert [g.get("name") for g in one.param_groups] == [g.get("name") for g in two.param_groups]
        assert [g.get("lr_scale") for g in one.param_groups] == [g.get("lr_scale") for g in two.param_groups]
        ours, theirs = one.state_dict()["state"], two.state_dict()["state"]
        assert ours.keys() == theirs.keys()
    go_on(other, case)
    assert other.num_timesteps >= STEPS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_same_seed_same_bits(case: Case) -> None:
    one, two, other = (case.make(seed=s).learn(STEPS).policy for s in (5, 5, 6))
    assert same_state(one, two)
    assert not same_state(one, other)
