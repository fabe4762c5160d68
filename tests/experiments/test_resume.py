"""A training that was interrupted, in another process or not, ends in the bits of one that was not."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from resume_cases import CASES, CIRCUIT, Case, differences, walk, whole_state

from entangrid.agents.quantum.analysis_cost import cost
from entangrid.agents.quantum.circuit import Circuit
from entangrid.data.errors import InputError
from entangrid.experiments.training import Interrupted, Outcome, Plan, train

KEY = "abc"
torch.set_num_threads(1)  # as in a run's process


def evaluation(model: Any) -> list[list[Any]]:
    """Stands for a week: what the policy does in four made-up moments, and noise that it must not leave behind."""
    np.random.random(3)  # noqa: NPY002
    torch.rand(3)
    seen = np.linspace(-1, 1, 48, dtype=np.float32).reshape(4, 12)
    actions, _ = model.predict(seen, deterministic=True)
    return [["week", "objective", float(np.asarray(actions, float).sum()), "EUR"]]


def straight(case: Case, folder: Path, **options: Any) -> tuple[Any, Outcome]:
    model = case.make()
    plan = Plan(case.steps, eval_every=20, best=options.pop("best", False), checkpoint_s=1e9)
    return model, train(model, plan, folder, KEY, evaluate=evaluation, **options)


def interrupted(case: Case, folder: Path, best: bool = False) -> tuple[Any, Outcome, int]:
    """Stopped at three rollouts, each time with a new model, which goes on."""
    plan = Plan(case.steps, eval_every=20, best=best, checkpoint_s=1e9)
    reached = 0

    def progress(steps: int) -> None:
        nonlocal reached
        reached = steps

    for n, share in enumerate((0.25, 0.5, 0.7, 2.0)):
        model = case.make()
        if n:  # what the process that goes on drew before must not matter
            np.random.seed(n)  # noqa: NPY002
            torch.manual_seed(n)
        options: dict[str, Any] = {"evaluate": evaluation, "progress": progress}
        options["stop"] = lambda until=share * case.steps: reached >= until
        try:
            return model, train(model, plan, folder, KEY, **options), n
        except Interrupted:
            continue
    raise AssertionError("never finished")


def log_rows(text: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(text)))
    return [{k: v for k, v in row.items() if k not in ("time/fps", "time/time_elapsed")} for row in rows]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_interrupted_and_resumed_equals_straight_bit_for_bit(case: Case, tmp_path: Path) -> None:
    first, one = straight(case, tmp_path / "straight")
    expected = whole_state(first)
    second, two, times = interrupted(case, tmp_path / "interrupted")
    assert times >= 1 + (case.steps > 24 * 3)
    assert two.resumed == times
    assert differences(expected, whole_state(second)) == []
    assert one.gradient_steps == two.gradient_steps > 0
    assert one.circuit_executions == two.circuit_executions
    assert one.steps == two.steps >= case.steps
    assert one.curve.equals(two.curve)
    assert len(one.curve) >= 3
    assert log_rows(one.progress) == log_rows(two.progress)
    assert log_rows(one.progress)


def test_training_changes_what_the_comparison_compares(tmp_path: Path) -> None:
    """The comparison itself: a model that learnt one rollout more differs in weights, optimizer and generators."""
    case = CASES[0]
    first = whole_state(straight(case, tmp_path / "one")[0])
    longer = case._replace(steps=case.steps + 24)
    second = whole_state(straight(longer, tmp_path / "two")[0])
    wrong = "\n".join(differences(first, second))
    for part in ("model.policy.mlp_extractor", "exp_avg", "torch generator", "env state", "_last_obs"):
        assert part in wrong


def test_the_comparison_reaches_every_optimizer() -> None:
    """Also those whose state is a new object each time it is asked for, of which ids come again."""
    optimizers = []
    for value in range(20):
        weight = torch.nn.Parameter(torch.full((2,), float(value)))
        optimizers.append(torch.optim.Adam([weight]))
        weight.grad = torch.ones(2)
        optimizers[-1].step()
    found = {path for path, _ in walk("all", optimizers, {})}
    assert {f"all[{i}].state.0.exp_avg" for i in range(20)} <= found


@pytest.mark.parametrize("name", ["ppo-mlp", "ppo-shots", "dqn-mlp", "sac-mlp"])
def test_evaluations_and_checkpoints_on_the_way_change_no_bit(name: str, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    expected = whole_state(straight(case, tmp_path / "evaluated")[0])
    model = case.make()
    once = train(model, Plan(case.steps, checkpoint_every=1), tmp_path / "stored", KEY)
    used = (".training:", "action_dist.")  # what the last call of the policy leaves, which decides nothing
    assert [line for line in differences(expected, whole_state(model)) if not any(u in line for u in used)] == []
    assert once.curve.empty
    assert len(list((tmp_path / "stored" / "checkpoints").iterdir())) == 2


def test_the_best_policy_on_validation_is_taken_also_after_an_interruption(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "ppo-mlp")
    first, one = straight(case, tmp_path / "straight", best=True)
    second, two, _ = interrupted(case, tmp_path / "interrupted", best=True)
    values = one.curve[one.curve["steps"] > 0].set_index("steps")["value"]
    assert one.selected == two.selected == values.idxmin()
    assert evaluation(first)[0][2] == evaluation(second)[0][2] == values.min()
    assert values.iloc[-1] > values.min()  # or the last one would have been as good


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "ppo-shots")
    first, one = straight(case, tmp_path)
    second = case.make()

    def never() -> bool:
        raise AssertionError("trained again")

    two = train(second, Plan(case.steps, eval_every=20), tmp_path, KEY, stop=never)
    assert evaluation(first) == evaluation(second)
    assert one.curve.equals(two.curve)
    assert (one.steps, one.gradient_steps, one.circuit_executions, one.progress) == (
        two.steps,
        two.gradient_steps,
        two.circuit_executions,
        two.progress,
    )


def test_a_checkpoint_of_another_model_is_refused_by_name(tmp_path: Path) -> None:
    mlp, quantum = (next(case for case in CASES if case.name == name) for name in ("ppo-mlp", "ppo-quantum"))
    with pytest.raises(Interrupted):
        train(mlp.make(), Plan(mlp.steps), tmp_path, KEY, stop=iter([False, True]).__next__)
    with pytest.raises(InputError, match="checkpoints: state does not fit this model"):
        train(quantum.make(), Plan(mlp.steps), tmp_path, KEY)


def test_circuits_and_gradient_steps_are_counted_as_a_machine_would_run_them(tmp_path: Path) -> None:
    """PPO: 4 rollouts of 3 x 8 samples, twice in 2 minibatches of 12."""
    outcomes = {}
    for name in ("ppo-quantum", "ppo-shots", "ppo-mlp"):
        case = next(case for case in CASES if case.name == name)
        outcomes[name] = train(case.make(), Plan(case.steps), tmp_path / name, KEY)
    assert {outcome.gradient_steps for outcome in outcomes.values()} == {4 * 2 * 2}
    assert outcomes["ppo-mlp"].circuit_executions == 0
    circuit = Circuit(**CIRCUIT, n_inputs=12)
    found = cost(circuit)
    rollouts, updates = 4 * 24, 4 * 2 * 24  # samples
    assert found.settings == 1  # every qubit's Z at once
    assert outcomes["ppo-quantum"].circuit_executions == rollouts + updates * (1 + found.shifts)
    assert outcomes["ppo-shots"].circuit_executions == outcomes["ppo-quantum"].circuit_executions
