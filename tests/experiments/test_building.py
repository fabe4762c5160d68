"""What a study's arms become: every learner, with its own hyperparameters, circuit, noise, and paired draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import worlds

from entangrid.agents import learners
from entangrid.data.errors import InputError
from entangrid.envs.tasks import Task
from entangrid.experiments import building, config, plan, setting
from entangrid.experiments.evaluate import evaluate

torch = pytest.importorskip("torch")

STUDY = """
name: tiny
scenario: bundled-home
split: {months: [1], test_every: 2}
training: {steps: 64, n_envs: 2, episode_days: 1, seeds: [3]}
ppo: {n_steps: 8, batch_size: 8, n_epochs: 1, critic_hidden: [8]}
a2c: {n_steps: 4, critic_hidden: [8]}
reinforce: {critic_hidden: [8]}
sac: {learning_starts: 8, batch_size: 8, critic_hidden: [8], buffer_size: 100}
td3: {learning_starts: 8, batch_size: 8, critic_hidden: [8], buffer_size: 100}
ddpg: {learning_starts: 8, batch_size: 8, critic_hidden: [8], buffer_size: 100}
dqn: {learning_starts: 8, batch_size: 8, buffer_size: 100, final_learning_rate: 1.0e-5}
arms:
  none: {controller: no-control}
"""


def study(*overrides: str) -> config.StudyConfig:
    return config.parse(STUDY, "tiny.yaml", overrides)


def built(arm: str, *overrides: str) -> tuple[Any, plan.Run, setting.Setting]:
    """The model of arm "x", its run and its tasks."""
    of = study(f"arms.x={arm}", *overrides)
    run = next(run for run in plan.plan(of) if run.arm == "x")
    made = setting.make(run.study)
    return building.build_learner(run, made.train), run, made


def numbers(policy: Any) -> int:
    return sum(p.numel() for p in policy.parameters() if p.requires_grad)


@pytest.mark.parametrize("name", learners.LEARNERS)
def test_every_learner_is_built_and_learns(name: str) -> None:
    fields = {"mlp": "hidden: [8]", "quantum": "circuit: {n_qubits: 4, n_layers: 3}"}
    network = "mlp" if name.endswith("-mlp") else "quantum"
    if name.endswith("-critic"):
        fields["quantum"] += ", hidden: [8]"
    if name.split("-")[0] in ("sac", "td3", "ddpg") and name.endswith(("-critic", "-both")):
        fields["quantum"] += ", critic_circuit: {n_qubits: 4, n_layers: 4}"
    space = "discrete" if name.startswith("dqn") else "continuous"
    model, run, made = built(f"{{controller: {name}, {fields[network]}}}", f"task.action_set={space}")
    before = {key: value.clone() for key, value in model.policy.state_dict().items()}
    model.learn(1_600 if name.startswith("reinforce") else 64)
    after = model.policy.state_dict()
    assert any(not torch.equal(before[key], after[key]) for key in before)
    actions, _ = model.predict(np.zeros((2, *model.observation_space.shape), np.float32), deterministic=True)
    assert np.isfinite(actions).all()
    section = getattr(run.study, name.split("-")[0])
    assert model.gamma == section.gamma
    assert model.seed == run.seed == 3
    assert made.train.starts.size


def test_hyperparameters_of_an_arm_lie_on_top_of_the_studys() -> None:
    model, run, _ = built("{controller: ppo-mlp, ppo: {gamma: 0.5, final_learning_rate: 0.0}}", "ppo.gae_lambda=0.7")
    assert (model.gamma, model.gae_lambda, model.n_steps) == (0.5, 0.7, 8)
    assert model.lr_schedule(1.0) == pytest.approx(3e-4)
    assert model.lr_schedule(0.0) == 0.0
    assert run.study.hyperparameters("x").model_dump()["gamma"] == 0.5


def test_null_of_an_arm_is_a_value() -> None:
    model, _, _ = built("{controller: ppo-mlp, ppo: {target_kl: null}}", "ppo.target_kl=0.1")
    assert model.target_kl is None


@pytest.mark.parametrize("name", ["ppo", "sac", "td3", "dqn", "a2c"])
def test_matched_networks_come_as_near_as_a_hidden_unit_allows(name: str) -> None:
    of = study(
        f"task.action_set={'discrete' if name == 'dqn' else 'continuous'}",
        f"arms.q={{controller: {name}-quantum, circuit: {{n_qubits: 4, n_layers: 3}}}}",
        f"arms.m={{controller: {name}-mlp-matched, match: q}}",
    )
    sizes, inputs, outputs = {}, 0, 0
    for run in plan.plan(of):
        if run.seed is not None:
            model = building.build_learner(run, setting.make(run.study).train)
            network = {"sac": "actor", "td3": "actor", "dqn": "q_net"}.get(name)
            if network:
                sizes[run.arm] = numbers(getattr(model.policy, network))
            else:
                critic = [*model.policy.mlp_extractor.value_net.parameters(), *model.policy.value_net.parameters()]
                sizes[run.arm] = numbers(model.policy) - sum(p.numel() for p in critic)
            inputs = model.observation_space.shape[0]
            outputs = int(model.action_space.n) if name == "dqn" else model.action_space.shape[0]
    unit = inputs + 1 + outputs * (2 if name == "sac" else 1)
    assert abs(sizes["q"] - sizes["m"]) <= unit / 2 or sizes["m"] < sizes["q"] + unit


def test_frozen_groups_keep_their_values_and_are_not_counted() -> None:
    arm = "{controller: ppo-quantum, circuit: {n_qubits: 4, n_layers: 3}, frozen: [angles, input_scaling]}"
    model, _, _ = built(arm)
    free, _, _ = built(arm.replace(", frozen: [angles, input_scaling]", ""))
    assert numbers(free.policy) - numbers(model.policy) == 3 * 4 * 3
    before = {key: value.clone() for key, value in model.policy.state_dict().items()}
    model.learn(64)
    changed = {key for key, value in model.policy.state_dict().items() if not torch.equal(before[key], value)}
    assert not [key for key in changed if key.endswith(("angles", "input_scaling"))]
    assert any(key.startswith("action_net") for key in changed)


@pytest.mark.parametrize(
    ("fields", "backend"),
    [
        ("", "fused"),
        (", backend: torch", "torch"),
        (", noise: {depolarising_1q: 0.01, readout_p01: 0.02}", "density"),
        (", noise: {depolarising_2q: 0.01}, trajectories: 3", "trajectories"),
        (", shots: 20", "shots"),
    ],
)
def test_noise_shots_and_backends_reach_the_circuit(fields: str, backend: str) -> None:
    arm = f"{{controller: ppo-quantum, circuit: {{n_qubits: 4, n_layers: 3}}{fields}}}"
    model, run, _ = built(arm, "ppo.n_steps=2", "ppo.batch_size=4", "ppo.normalise_reward=false")
    assert run.config.executed_by == backend
    layer = model.policy.mlp_extractor.policy_net[0]
    assert (layer.backend if hasattr(layer, "backend") else layer.options.backend) == backend
    model.learn(4)


def test_qumodes_are_an_actor_of_ppo_and_a2c() -> None:
    model, _, made = built("{controller: ppo-quantum, circuit: {n_modes: 2, cutoff: 6}}")
    assert type(model.policy).__name__ == "CVActorCriticPolicy"
    assert model.policy.circuit.n_inputs == len(made.train.observation_names)
    model.learn(16)


def test_a_circuit_of_every_field_is_the_circuit_that_is_built() -> None:
    fields = "{n_qubits: 3, n_layers: 4, ansatz: hardware-efficient, entangler: none, encoding: ry, final_block: true"
    fields += ", readout: [ZII, [[0.5, IZZ], [2, XII]]], rotations: [rx, ry], squash: tanh"
    fields += ", initialisation: gaussian, init_std: 0.2}"
    model, _, _ = built(f"{{controller: ppo-quantum, circuit: {fields}}}")
    circuit = model.policy.circuit
    assert (circuit.n_qubits, circuit.entangler, circuit.rotations, circuit.encoding) == (3, "none", ("rx", "ry"), "ry")
    assert circuit.readout == ("ZII", ((0.5, "IZZ"), (2.0, "XII")))


def test_configured_circuits_know_every_field_of_a_circuit() -> None:
    from dataclasses import fields

    from entangrid.agents.quantum.circuit import Circuit
    from entangrid.agents.quantum.cv import CVCircuit
    from entangrid.agents.quantum.noise import NoiseModel
    from entangrid.data.sources.synthetic_options import TYPES
    from entangrid.envs.connection import FeederRules
    from entangrid.experiments.config.task import FeederRulesConfig, SyntheticConfig

    for plain, model in ((Circuit, config.CircuitConfig), (CVCircuit, config.CVCircuitConfig)):
        assert {f.name for f in fields(plain)} - {"n_inputs"} == set(model.model_fields)
    for plain, model in ((NoiseModel, config.NoiseConfig), (FeederRules, FeederRulesConfig)):
        assert {f.name for f in fields(plain)} == set(model.model_fields)
    for field in fields(FeederRules):
        assert FeederRulesConfig.model_fields[field.name].default == field.default
    assert set(SyntheticConfig.model_fields) == set(TYPES)


@pytest.mark.parametrize(
    ("arm", "message"),
    [
        ("{controller: no-control, speed: 3}", r"arms hold 2 of 'no-control'"),
        ("{controller: self-consumption, speed: 3}", r"arms.x.speed: "),
        ("{controller: ppo-quantum, circuit: {n_qubits: 2, n_layers: 2}}", r"arms.x.circuit: Circuit: n_layers=2"),
        ("{controller: ppo-quantum, circuit: {n_modes: 2, n_layers: 2}}", r"arms.x.circuit: CVCircuit: n_inputs=12"),
        ("{controller: ppo-quantum, circuit: {readout: [Q]}}", r"arms.x.circuit: "),
        ("{controller: ppo-quantum, noise: {t1: [1.0, 2.0]}}", r"arms.x.noise: .*t1 has 2 values; expected n_qubits=6"),
        ("{controller: ppo-quantum, noise: {t1: 1.0, t2: 3.0}}", r"arms.x.noise: .*t2=3.0 is above 2 t1"),
        ("{controller: sac-quantum-both, circuit: {n_qubits: 6, n_layers: 2}}", r"arms.x.circuit: Circuit: n_layers=2"),
        (
            "{controller: ppo-quantum, backend: density, circuit: {n_qubits: 9, n_layers: 2}}",
            r"arms.x.backend is 'density', for up to 8 qubits; the actor has 9",
        ),
        (
            "{controller: ppo-quantum, ablation: depolarising-1, circuit: {n_qubits: 9, n_layers: 2}}",
            r"arms.x.ablation is 'depolarising-1', .* up to 8 qubits; the actor has 9",
        ),
        (
            "{controller: ppo-quantum, ablation: circuit-to-fourier, circuit: {n_qubits: 4, encoding: amplitude}}",
            r"arms.x.ablation is 'circuit-to-fourier', but encoding 'amplitude' of the actor has no spectrum",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_when_it_is_planned(arm: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan.plan(study(f"arms.x={arm}"))


@pytest.mark.parametrize(
    ("arm", "message"),
    [
        ("ppo-quantum, head: softmax, circuit: FOUR", r"arms.x.head is 'softmax', .* an action, 5; the circuit has 4"),
        ("dqn-quantum, linear_head: false, circuit: FOUR", r"arms.x.linear_head is False, .* 5; the circuit has 4"),
        (
            "dqn-quantum, linear_head: false, ablation: circuit-to-fourier, circuit: FIVE",
            r"arms.x.linear_head is False, .*expected none with ablation 'circuit-to-fourier'",
        ),
    ],
)
def test_a_read_out_without_a_layer_behind_it_has_one_output_an_action(arm: str, message: str) -> None:
    four = "{n_qubits: 4, n_layers: 3}"
    five = "{n_qubits: 4, n_layers: 3, output: linear, n_outputs: 5}"
    text = f"arms.x={{controller: {arm.replace('FOUR', four).replace('FIVE', five)}}}"
    discrete = ("task.action_set=discrete", "task.controls=[battery]")
    with pytest.raises(InputError, match=message):
        plan.plan(study(text, *discrete))
    right = text.replace(four, five).replace(", ablation: circuit-to-fourier", "")
    assert built(right.removeprefix("arms.x="), *discrete)[0].action_space.n == 5


def test_the_same_seed_gives_every_arm_the_same_draws() -> None:
    of = study(
        "task={name: home, occupancy: noisy, observation_set: forecast, forecast: noisy}",
        "arms.a={controller: ppo-mlp, hidden: [8]}",
        "arms.b={controller: ppo-quantum, circuit: {n_qubits: 6, n_layers: 6}}",
        "arms.c={controller: sac-mlp}",
        "training.seeds=[0, 7]",
    )
    seen: dict[tuple[str, int], list[np.ndarray]] = {}
    for run in plan.plan(of):
        if run.seed is None:
            continue
        env = building.make_env(run.study, setting.make(run.study).train, run.seed)
        idle = np.zeros((2, *env.action_space.shape), np.float32)
        rows = [env.reset()]
        rows += [env.step(idle)[0] for _ in range(200)]  # two episodes, hence two starts an environment
        seen[run.arm, run.seed] = rows
    for seed in (0, 7):
        for arm in "bc":
            np.testing.assert_array_equal(seen["a", seed], seen[arm, seed])
    assert not np.array_equal(seen["a", 0], seen["a", 7])


def test_one_policy_for_every_home_sees_and_earns_each_home_alone() -> None:
    from entangrid.envs.sb3 import HomeVecEnv, PerHomeVecEnv

    task = Task.make(worlds.scenario(days=14, homes=3), random_state=True, episode_steps=24)
    joint, single = HomeVecEnv(task, 2, 5), PerHomeVecEnv(task, 2, 5)
    assert single.num_envs == 6
    n_controls = len(task.controls)
    assert single.action_space.shape == (n_controls,)
    np.testing.assert_array_equal(joint.reset().reshape(6, -1), single.reset())
    rng = np.random.default_rng(0)
    for step in range(50):
        actions = rng.uniform(-1.0, 1.0, (6, n_controls)).astype(np.float32)
        a, b = joint.step(actions.reshape(2, -1)), single.step(actions)
        np.testing.assert_array_equal(a[0].reshape(6, -1), b[0])
        np.testing.assert_allclose(a[1], b[1].reshape(2, 3).sum(1), rtol=0, atol=1e-5)
        np.testing.assert_array_equal(np.repeat(a[2], 3), b[2])
        for e in np.flatnonzero(b[2]):
            whole = a[3][e // 3]["terminal_observation"].reshape(3, -1)
            np.testing.assert_array_equal(whole[e % 3], b[3][e]["terminal_observation"])
        assert (step + 1) % 24 or b[2].all()
    kept = single.snapshot()
    actions = np.zeros((6, n_controls), np.float32)
    first = single.step(actions)[0]
    single.restore(kept)
    np.testing.assert_array_equal(single.step(actions)[0], first)


def test_a_policy_of_single_homes_is_evaluated_on_homes_that_it_never_saw() -> None:
    of = study(
        "scenario={synthetic: {homes: 4, days: 28, dt_h: 1.0}}",
        "split={test_every: 2, homes: {test: [home-2, home-4]}}",
        "task.control=per-home",
        "arms.x={controller: ppo-mlp, hidden: [8]}",
    )
    run = next(run for run in plan.plan(of) if run.arm == "x")
    made = setting.make(run.study)
    assert made.train.scenario.home_names == ["home-1", "home-3"]
    assert made.test.scenario.home_names == ["home-2", "home-4"]
    model = building.build_learner(run, made.train)
    assert model.n_envs == 4  # two copies of two homes
    model.learn(64)
    metrics = evaluate(model, made.test).metrics
    assert {"home-2", "home-4"} <= set(metrics["home"])
    # the same policy on one home alone does there what it does among others
    alone = made.test.scenario.of_homes(["home-4"])
    from dataclasses import replace

    single = evaluate(model, replace(made.test, scenario=alone)).metrics
    mine = metrics[(metrics["home"] == "home-4") & (metrics["metric"] == "cost")]["value"].to_numpy()
    own = single[single["metric"] == "cost"]["value"].to_numpy()
    np.testing.assert_allclose(mine, own, rtol=1e-6)
