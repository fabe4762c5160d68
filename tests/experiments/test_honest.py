"""The honest test: headroom first, energy at matched comfort, and the packaged studies that ask for both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from entangrid.data.errors import InputError
from entangrid.experiments import config, headroom, matched, matched_bootstrap, statistics, stored, summary, tidy
from entangrid.experiments.config.claim import ClaimConfig
from entangrid.experiments.evidence import Evidence
from entangrid.experiments.headroom import Headroom, Matched
from entangrid.experiments.matched import Front, Fronts
from entangrid.experiments.matched_bootstrap import Estimate, Resamples
from entangrid.experiments.plan import plan
from entangrid.experiments.scores import Scores
from tests import study_cases

NAN = float("nan")
CLAIM = ClaimConfig(source="nengroo2025-like/energy_ddpg", metric="heat_pump")
HONEST = [name for name in config.packaged() if name.startswith("honest")]


@pytest.mark.parametrize(
    ("bound", "energy"),
    [
        (0.0, 10.0),  # a point of the front
        (1.0, 8.0),  # half way between two
        (2.0, 6.0),
        (3.0, 5.0),  # (4, 7) is beaten by (2, 6) and is none of the front
        (5.0, 3.0),  # not below the least energy of all
        (1e6, 3.0),
    ],
)
def test_energy_is_read_between_the_points_that_no_other_beats(bound: float, energy: float) -> None:
    assert matched.energy_at([6.0, 10.0, 7.0, 4.0, 3.0], [2.0, 0.0, 2.5, 4.0, 5.0], bound) == pytest.approx(energy)


def test_energy_is_not_made_up_beyond_the_front() -> None:
    assert np.isnan(matched.energy_at([3.0, 5.0], [9.0, 7.0], 6.9))
    assert np.isnan(matched.energy_at([], [], 1.0))
    assert np.isnan(matched.energy_at([NAN], [0.0], 1.0))
    assert matched.energy_at([5.0, NAN], [7.0, 1.0], 7.0) == 5.0
    assert matched.energy_at([5.0, 4.0], [7.0, 7.0], 7.0) == 4.0


def test_more_discomfort_never_costs_more_energy() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        energy, discomfort = rng.uniform(0.0, 10.0, (2, 6))
        found = [matched.energy_at(energy, discomfort, bound) for bound in np.linspace(discomfort.min(), 12.0, 40)]
        assert np.all(np.diff(found) <= 1e-12)


def test_many_fronts_are_read_at_once() -> None:
    rng = np.random.default_rng(1)
    energy, discomfort = rng.uniform(0.0, 10.0, (2, 7, 3, 5))
    energy[2, 1], discomfort[4, 0, :4] = NAN, NAN
    bounds = rng.uniform(2.0, 9.0, 7)
    found = matched.energy_at(energy, discomfort, bounds[:, None])
    assert found.shape == (7, 3)
    for b in range(7):
        for s in range(3):
            one = matched.energy_at(energy[b, s], discomfort[b, s], bounds[b])
            np.testing.assert_array_equal(found[b, s], one)
    assert np.isnan(found[2, 1])


def front(seeds: list[int], energy: list[list[float]], discomfort: list[list[float]]) -> Front:
    """Of one week and one home."""
    both = np.array([energy, discomfort])
    return Front(seeds, both[0], both[1], both[..., None, None])


def resampled(arms: dict[str, Front], bound: float) -> Resamples:
    return Resamples(Fronts(arms, np.ones((1, 1))), bound, resamples=1000)


def test_seeds_that_are_too_uncomfortable_are_counted_and_left_out() -> None:
    arm = front([0, 1, 2], [[4.0, 8.0], [6.0, 10.0], [1.0, 2.0]], [[2.0, 0.0], [2.0, 0.0], [9.0, 8.0]])
    drawn = resampled({"a": arm}, 1.0)
    np.testing.assert_array_equal(drawn.arms["a"].measured, [[6.0, 8.0, NAN]])
    found = drawn.estimate(matched_bootstrap.mean, drawn.arms["a"])
    assert found.value == pytest.approx(7.0)
    assert found.low < 7.0 < found.high
    assert found.undefined == pytest.approx((1.0 / 3.0) ** 3, abs=0.02)  # all three drawn are the third


def test_differences_are_of_the_seeds_that_both_have() -> None:
    drawn = resampled(
        {
            "a": front([0, 1, 2, 3], [[5.0], [6.0], [0.0], [9.0]], [[0.0], [0.0], [9.0], [0.0]]),
            "b": front([1, 2, 3], [[4.0], [1.0], [7.0]], [[0.0]] * 3),
            "rule": front([-1], [[3.0]], [[0.0]]),
        },
        1.0,
    )
    pairs = headroom._pairs(drawn, [["a", "b"], ["a", "rule"], ["a", "nobody"]])
    assert [(pair.a, pair.b, pair.seeds) for pair in pairs] == [("a", "b", 2), ("a", "rule", 3)]
    assert pairs[0].difference.value == pytest.approx(2.0)
    assert np.isnan(pairs[0].difference.low)  # two seeds say nothing of others
    value, low, high, p, *_ = pairs[1].difference
    assert value == pytest.approx((2.0 + 3.0 + 6.0) / 3.0)
    assert low < value < high
    assert pairs[1].p_holm == p  # the only pair with one


def test_interquartile_means_leave_a_quarter_out_at_either_end() -> None:
    rng = np.random.default_rng(0)
    energy = rng.uniform(1.0, 9.0, (40, 9))
    energy[rng.uniform(size=energy.shape) < 0.3] = NAN
    energy[0] = NAN
    found = matched_bootstrap.interquartile_mean(energy)
    assert np.isnan(found[0])
    for row, value in zip(energy[1:], found[1:], strict=True):
        known = row[~np.isnan(row)]
        assert value == pytest.approx(float(statistics.interquartile_mean(known[:, None])))
    np.testing.assert_allclose(found, [np.nan, *(np.nan_to_num(found[1:]))])


def several(energy: np.ndarray, discomfort: np.ndarray, seeds: list[int]) -> Front:
    """Of (S, V, W, C) cells."""
    return Front(seeds, energy.mean((2, 3)), discomfort.mean((2, 3)), np.stack([energy, discomfort]))


def test_intervals_hold_what_homes_and_weeks_bring_and_pairs_share_it() -> None:
    rng = np.random.default_rng(3)
    of_homes = rng.uniform(10.0, 60.0, (1, 1, 4, 6)) * np.ones((5, 1, 1, 1))
    none = np.zeros_like(of_homes)
    luck = rng.normal(0.0, 0.2, (5, 1, 1, 1))
    arms = {
        "base": several(of_homes[:1], none[:1], [-1]),
        "rule": several(0.8 * of_homes[:1], none[:1], [-1]),
        "agent": several(0.9 * of_homes + luck, none, [0, 1, 2, 3, 4]),
    }
    drawn = Resamples(Fronts(arms, np.ones((4, 6))), None, "base", resamples=1000)
    base, rule, agent = (drawn.arms[name] for name in arms)
    energy = drawn.estimate(matched_bootstrap.mean, rule)
    assert energy.high - energy.low > 5.0  # homes differ
    saved = matched_bootstrap.saving(matched_bootstrap.mean)
    np.testing.assert_allclose(drawn.estimate(saved, rule, base)[:3], 0.2)  # a fifth in every home and week
    of_agent = drawn.estimate(saved, agent, base)
    assert of_agent.low < 0.1 < of_agent.high
    assert 0.001 < of_agent.high - of_agent.low < 0.1


def test_the_bound_is_what_the_baseline_has_in_the_resample() -> None:
    rng = np.random.default_rng(4)
    discomfort = rng.uniform(0.0, 9.0, (1, 1, 3, 5))
    energy = rng.uniform(10.0, 30.0, (1, 1, 3, 5))
    arms = {
        name: several(energy, factor * discomfort, [-1]) for name, factor in (("base", 1.0), ("a", 0.999), ("b", 1.001))
    }
    drawn = Resamples(Fronts(arms, np.ones((3, 5))), None, "base", resamples=500)
    assert not np.isnan(drawn.arms["a"].both).any()
    assert np.isnan(drawn.arms["b"].both).all()
    fixed = Resamples(Fronts(arms, np.ones((3, 5))), float(discomfort.mean()), "base", resamples=500)
    assert 0.1 < np.isnan(fixed.arms["a"].both).mean() < 0.9


def of(**arms: float) -> Headroom:
    """Arms by their energy."""
    found = {}
    for name, value in arms.items():
        energy, saved = Estimate(value), Estimate(1.0 - value / (arms["fixed"] or NAN))
        found[name.replace("_", "-")] = Matched(
            [-1], np.array([value]), int(np.isnan(value)), energy, energy, saved, saved
        )
    return Headroom(CLAIM, "kWh", 0.5, "fixed", "optimum" if "optimum" in found else None, found, {}, [])


def test_a_claim_beyond_perfect_foresight_is_said_to_be_out_of_reach() -> None:
    said = headroom.sentence(of(fixed=100.0, optimum=60.0, quantum=80.0))
    assert "perfect foresight saves 40 %" in said
    assert "the claimed 63 %" in said
    assert "doi:10.1016/j.egyai.2025.100541" in said
    assert "is not reached here even with perfect foresight" in said


def test_a_claim_within_reach_is_not_ruled_out_and_the_best_arm_stands_beside_it() -> None:
    said = headroom.sentence(of(fixed=100.0, optimum=30.0, quantum=80.0, twin=75.0))
    assert "perfect foresight saves 70 %" in said
    assert "is not ruled out, and the best arm without it, twin, saves 25 %" in said


def test_an_arm_may_save_more_than_the_optimum_that_minimises_the_bill() -> None:
    said = headroom.sentence(of(fixed=100.0, optimum=60.0, quantum=30.0))
    assert "quantum, saves 70 %" in said
    assert "not reached" not in said


def test_the_best_arm_without_foresight_does_not_know_the_future() -> None:
    found = of(fixed=100.0, optimum=60.0, mpc_perfect=30.0, twin=75.0)._replace(foreseeing=frozenset({"mpc-perfect"}))
    assert found.best == "twin"
    assert "not reached" not in headroom.sentence(found)  # the plan with a perfect forecast does reach it


def test_headroom_that_is_not_known_is_not_made_up() -> None:
    assert "not known" in headroom.sentence(of(fixed=100.0, quantum=80.0))
    for arms in ({"fixed": NAN, "optimum": 1.0}, {"fixed": 0.0, "optimum": 0.0}, {"fixed": 1.0, "optimum": NAN}):
        assert "not defined" in headroom.sentence(of(**arms))


def test_arms_are_ranked_and_those_too_uncomfortable_come_last() -> None:
    assert of(fixed=100.0, quantum=NAN, optimum=60.0).ranked == ["optimum", "fixed", "quantum"]


def with_claim(folder: Path, **claim: object) -> Path:
    """A made-up study of three comfort weights, every arm's discomfort falling with it and its energy rising."""
    out = study_cases.make(folder, seeds=4, homes=("home-1", "home-2"))
    content = yaml.safe_load((out / stored.STUDY).read_text(encoding="utf-8"))
    content |= {
        "claim": {"source": "nengroo2025-like/energy_ddpg", "metric": "import"} | claim,
        "cut": ["most of <it>"],
        "verdict": {"margin": 0.05, "confidence": 0.95, "pairs": [["quantum", "twin"]]},
    }
    (out / stored.STUDY).write_text(yaml.safe_dump(content), encoding="utf-8")
    return out


def test_headroom_stands_first_under_the_table_in_the_report_and_on_the_figure(tmp_path: Path) -> None:
    from entangrid.experiments import figures, report

    out = with_claim(tmp_path / "study", discomfort_kh=4.0)
    study, scores = stored.read(out), Scores(tidy.read(out))
    lines = summary.closing_lines(scores, study)
    assert lines[0].startswith("headroom: with at most 4.00 K h of discomfort a home and week")
    assert any(line.startswith("at that comfort, quantum less twin: ") for line in lines)
    assert "cut to fit: most of <it>" in lines
    assert sum("quantum against" in line for line in lines) == 1  # declared pairs alone
    page = report.write(out).read_text(encoding="utf-8")
    assert "perfect foresight saves" in page
    assert "most of &lt;it&gt;" in page
    chart = figures.draw("pareto", Evidence(out))[""].svg()
    assert "claimed 63 %" in chart.replace("\n", " ") or "claimed" in chart


def test_the_front_joins_the_weights_of_a_sweep() -> None:
    rows = []
    for arm, controller, seeds in (("none", "no-control", [None]), ("agent", "ppo-mlp", [0, 1])):
        for seed in seeds:
            for weight, energy, discomfort in ((0.1, 10.0, 4.0), (1.0, 20.0, 0.0)):
                for home in ("a", "b"):
                    luck = 2.0 * (seed or 0)
                    for metric, value, unit in (
                        ("import", energy + luck, "kWh"), ("discomfort", discomfort, "K h"), ("objective", 1.0, "EUR"),
                    ):  # fmt: skip
                        rows.append((arm, controller, seed, "s", home, 0, "w1", metric, value, unit, "test", weight))
    table = pd.DataFrame(rows, columns=[*tidy.COLUMNS, matched.WEIGHT]).astype({"seed": "Int64", "cluster": "Int64"})
    fronts, counts = matched.fronts(Scores(table), "import")
    assert list(fronts) == ["none", "agent"]
    assert counts.tolist() == [[2.0]]  # homes share a household's profile
    np.testing.assert_allclose(fronts["agent"].energy, [[10.0, 20.0], [12.0, 22.0]])  # a home and week
    np.testing.assert_allclose(fronts["agent"].discomfort, [[4.0, 0.0]] * 2)
    found = headroom.find(Scores(table), CLAIM.model_copy(update={"metric": "import", "discomfort_kh": 2.0}))
    assert found is not None
    np.testing.assert_allclose(found.arms["agent"].per_seed, [15.0, 17.0])  # half way


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "source",
            "nobody/nothing",
            r"claim: source is 'nobody/nothing'; expected one of .*nengroo2025-like/energy_ddpg",
        ),
        ("metric", "happiness", r"claim.metric: "),
        ("baseline", "nobody", r"claim.baseline is 'nobody'; expected the name of an arm"),
        ("reduction", 63.0, r"claim.reduction: .*less than 1"),
    ],
)
def test_a_claim_that_does_not_fit_is_refused(field: str, value: object, message: str) -> None:
    claim = {"source": "nengroo2025-like/energy_ddpg", field: value}
    text = yaml.safe_dump({"name": "mine", "claim": claim, "arms": {"none": {"controller": "no-control"}}})
    with pytest.raises(InputError, match=message):
        config.parse(text, "mine.yaml")


def test_the_claim_is_read_from_the_one_file() -> None:
    assert CLAIM.share == pytest.approx(0.63)
    assert "DDPG" in CLAIM.said


@pytest.mark.parametrize("name", HONEST)
def test_the_packaged_honest_studies_are_what_they_say(name: str) -> None:
    study = config.load(name)
    assert study.claim is not None
    assert study.cut
    assert study.task.control == "per-home"
    assert study.verdict.pairs
    tuned = {study.arms[each].algorithm for each in study.arms if hasattr(study.arms[each], "algorithm")}
    assert tuned <= {path.split(".")[0] for path in study.tuning.space}
    if name.endswith(("laptop", "full")) or name == "honest-test":
        assert study.scenario_names[0].startswith("synthetic:homes=26,days=92,seed=0")  # type: ignore[union-attr]
        assert (study.split.homes.test_share > 0.0) == (study.task.name != "Feeder-v0")  # a grid has all its homes
        assert study.split.validation_every
        assert len(study.training.seed_list) >= (20 if name.endswith("full") else 10)
        headline = ("ppo-quantum", "ppo-mlp-matched", "ppo-mlp")
        assert all(study.arms[each].seeds is None for each in headline)  # type: ignore[union-attr]


def test_every_task_that_studies_measure_has_its_presets() -> None:
    from entangrid.experiments.config.task import TASK_NAMES

    sizes = ("smoke", "laptop", "full")
    assert set(HONEST) == {"honest-test", *(f"honest-{task}-{size}" for task in TASK_NAMES for size in sizes)}
    for task, registered in TASK_NAMES.items():
        assert {config.load(f"honest-{task}-{size}").task.name for size in sizes} == {registered}


@pytest.mark.parametrize("name", [name for name in HONEST if name.endswith("full")])
def test_the_full_studies_hold_every_ablation(name: str) -> None:
    from entangrid.agents.ablations import ABLATIONS

    arms = config.load(name).arms.values()
    assert {arm.ablation for arm in arms if getattr(arm, "ablation", None)} == set(ABLATIONS)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", [name for name in HONEST if name.endswith(("laptop", "full"))])
def test_ablations_differ_from_their_parent_in_the_one_thing(name: str) -> None:
    study = config.load(name)
    parents = {"kerr-off": "ppo-qumodes"}
    assert sum(bool(getattr(arm, "ablation", None)) for arm in study.arms.values()) >= 8
    for label, arm in study.arms.items():
        if getattr(arm, "ablation", None):
            parent = study.arms[parents.get(label, "ppo-quantum")].model_dump()
            assert arm.model_dump() | {"ablation": None, "seeds": None} == parent | {"seeds": None}, label


@pytest.mark.parametrize("name", ["honest-thermostat-laptop", "honest-battery-laptop"])
def test_every_arm_sees_the_same_and_a_blind_one_all_but_the_occupants(name: str) -> None:
    """The same states, reached by the same commands, in training, validation and test."""
    from entangrid.envs.simulator import Simulator
    from entangrid.experiments import setting
    from entangrid.experiments.plan import plan

    study = config.load(name, ["scenario.synthetic.homes=12", "scenario.synthetic.days=28"])
    runs = {run.arm: run for run in plan(study, check=False) if run.axes.get(matched.WEIGHT, 0.03) == 0.03}
    assert set(runs) == set(study.arms)
    seen: dict[str, list[np.ndarray]] = {}
    for arm, run in runs.items():
        made = setting.make(run.study, arm=arm)
        rows = []
        for task in (made.train, made.validation, made.test):
            assert task is not None
            simulator = Simulator(task, 2, 5, autoreset=False)
            rows.append(simulator.reset().copy())
            for step in range(12):
                simulator.step(commands(task, step))
                rows.append(simulator.obs.copy())
        seen[arm] = rows
    place = list(made.train.observation_names).index("occupancy")
    for arm, rows in seen.items():
        blind = arm.endswith("-blind")
        for mine, theirs in zip(rows, seen["no-control"], strict=True):
            mine, theirs = (x.reshape(-1, len(made.train.observation_names)) for x in (mine, theirs))
            rest = np.arange(mine.shape[1]) != place
            np.testing.assert_array_equal(mine[:, rest], theirs[:, rest], err_msg=arm)
            if not blind:
                np.testing.assert_array_equal(mine[:, place], theirs[:, place], err_msg=arm)
        if blind:
            stacked = [
                np.concatenate([r.reshape(-1, rest.size)[:, place] for r in each])
                for each in (rows, seen["no-control"])
            ]
            assert not np.array_equal(*stacked)


@pytest.mark.parametrize("name", ["honest-thermostat-laptop", "honest-battery-laptop"])
def test_every_learner_is_given_the_same_observations_by_its_own_environments(name: str) -> None:
    """What reaches the algorithm, with all that stands between it and the simulator, under the same commands."""
    from entangrid.experiments import building, setting
    from entangrid.experiments.config import LearningArm
    from entangrid.experiments.plan import plan

    smaller = ["scenario.synthetic.homes=12", "scenario.synthetic.days=28"]
    study = config.load(name, [*smaller, "training.n_envs=2", "training.episode_days=1"])
    runs = {run.arm: run for run in plan(study, check=False) if run.seed == 0}
    seen: dict[str, list[np.ndarray]] = {}
    for arm, run in runs.items():
        if not isinstance(run.config, LearningArm):
            continue
        task = setting.make(run.study, arm=arm).train
        env = building.build_learner(run, task).get_env()
        rows = [env.reset()]
        for step in range(26):  # past the end of the first episodes
            actions = commands(task, step).reshape(env.num_envs, *env.action_space.shape)
            rows.append(env.step(actions.astype(env.action_space.dtype))[0])
        seen[arm] = [row.copy() for row in rows]
    assert len(seen) > 15
    place = list(task.observation_names).index("occupancy")
    rest = np.arange(len(task.observation_names)) != place
    for arm, rows in seen.items():
        for mine, theirs in zip(rows, seen["ppo-quantum"], strict=True):
            np.testing.assert_array_equal(mine[:, rest], theirs[:, rest], err_msg=arm)
            if not arm.endswith("-blind"):
                np.testing.assert_array_equal(mine, theirs, err_msg=arm)


def commands(task: object, step: int) -> np.ndarray:
    """The same commands for all homes in the task's own actions, changing from step to step."""
    from entangrid.agents.controller import encode

    n_homes = task.scenario.n_homes  # type: ignore[attr-defined]
    value = (-1.0, 0.0, 1.0)[step % 3]
    return encode(task, {name: np.full((2, n_homes), value) for name in task.controls})  # type: ignore[attr-defined, arg-type]


def test_an_arm_may_have_fewer_seeds_which_stay_the_same_runs() -> None:
    text = """
name: mine
scenario: bundled-home
training: {steps: 64, seeds: [4, 5, 6]}
arms:
  none: {controller: no-control}
  all: {controller: ppo-mlp}
  few: {controller: ppo-mlp, seeds: SEEDS}
"""
    of = {n: plan(config.parse(text.replace("SEEDS", n), "mine.yaml"), check=False) for n in ("2", "null")}
    assert [run.seed for run in of["2"]] == [None, 4, 5, 6, 4, 5]
    keys = [{run.folder for run in runs if run.arm == "few"} for runs in of.values()]
    assert keys[0] < keys[1]


@pytest.mark.parametrize("name", [name for name in HONEST if name.endswith("smoke")])
def test_the_smoke_studies_run_to_a_report(name: str, tmp_path: Path) -> None:
    from entangrid.experiments import report, runner

    study = config.load(name)
    out = tmp_path / name
    table = runner.run_study(study, out, jobs=1)
    assert set(table["arm"].unique()) == set(study.arms)
    lines = summary.closing_lines(Scores(table), study)
    assert lines[0].startswith("headroom")
    assert "the claimed 63 %" in lines[0]
    assert report.write(out).is_file()
