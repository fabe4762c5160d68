"""Aggregates and stratified intervals: rliable's numbers, hand-made ones, bounds, order of runs, monotonicity."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from entangrid.experiments import statistics

REFERENCE = json.loads(Path(__file__).with_name("rliable_reference.json").read_text(encoding="utf-8"))
A, B = np.array(REFERENCE["a"]), np.array(REFERENCE["b"])
THRESHOLDS = np.array(REFERENCE["thresholds"])
AGGREGATES = {
    "mean": statistics.mean,
    "median": statistics.median,
    "interquartile_mean": statistics.interquartile_mean,
    "optimality_gap": statistics.optimality_gap,
}
SCORES = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7),
    elements=st.floats(-3.0, 3.0, allow_nan=False, width=32),
)


@pytest.mark.parametrize("metric", AGGREGATES)
@pytest.mark.parametrize(("name", "scores"), [("of_a", A), ("of_b", B)])
def test_aggregates_are_rliables(name: str, scores: np.ndarray, metric: str) -> None:
    reference = REFERENCE[name][metric]
    assert float(AGGREGATES[metric](scores)) == pytest.approx(reference["value"], abs=1e-12)
    (found,) = statistics.stratified_bootstrap(scores, AGGREGATES[metric], resamples=20_000, seed=3)
    low, high = reference["interval"]
    interval = found.interval(widened=False)  # rliable's are plain percentiles
    assert interval.low == pytest.approx(low, abs=0.04 * (high - low))  # two random numbers of different seeds
    assert interval.high == pytest.approx(high, abs=0.04 * (high - low))


@pytest.mark.parametrize(("name", "scores"), [("of_a", A), ("of_b", B)])
def test_performance_profiles_are_rliables(name: str, scores: np.ndarray) -> None:
    for kind in ("score_distribution", "average_score_distribution"):
        found = getattr(statistics, kind)(scores, THRESHOLDS)
        np.testing.assert_allclose(found, REFERENCE[name][kind], rtol=0, atol=1e-12)


def test_probability_of_improvement_is_rliables() -> None:
    reference = REFERENCE["improvement"]
    assert float(statistics.probability_of_improvement(A, B)) == pytest.approx(reference["value"], abs=1e-12)
    crossed = statistics.improvement_bootstrap(A, B, resamples=4_000)
    assert crossed.estimate == pytest.approx(reference["value"], abs=1e-12)
    assert crossed.interval().low <= reference["interval"][0]  # whole runs vary together, tasks too: no narrower
    assert crossed.interval().high >= reference["interval"][1]


def test_leading_axes_stay() -> None:
    stack = np.stack([A, 2.0 * A, A - 1.0])
    for function in AGGREGATES.values():
        np.testing.assert_allclose(function(stack), [function(each) for each in stack])
    for kind in (statistics.score_distribution, statistics.average_score_distribution):
        np.testing.assert_allclose(kind(stack, THRESHOLDS), [kind(each, THRESHOLDS) for each in stack])


def test_interquartile_mean_of_hand_made_scores() -> None:
    assert statistics.interquartile_mean(np.arange(8.0).reshape(4, 2)) == pytest.approx(3.5)
    assert statistics.interquartile_mean(np.array([[0.0, 1.0, 2.0, 100.0]])) == pytest.approx(1.5)
    assert statistics.interquartile_mean(np.array([[0.0, 1.0, 5.0]])) == pytest.approx(2.0)  # too few to leave any out
    assert np.isnan(statistics.interquartile_mean(np.array([[0.0, np.nan, 5.0, 1.0]])))


@given(SCORES)
def test_aggregates_lie_within_the_scores_and_do_not_depend_on_the_order_of_runs(scores: np.ndarray) -> None:
    shuffled = np.random.default_rng(0).permutation(scores, axis=0)
    for name, function in AGGREGATES.items():
        value = float(function(scores))
        if name == "optimality_gap":
            assert 0.0 <= value <= max(1.0 - scores.min(), 0.0) + 1e-9
        else:
            assert scores.min() - 1e-9 <= value <= scores.max() + 1e-9
        assert float(function(shuffled)) == pytest.approx(value, abs=1e-9)


@given(SCORES, st.floats(0.0, 2.0))
def test_aggregates_rise_with_the_scores(scores: np.ndarray, more: float) -> None:
    raised = scores.copy()
    raised[0] += more
    for name, function in AGGREGATES.items():
        sign = -1.0 if name == "optimality_gap" else 1.0
        assert sign * float(function(raised)) >= sign * float(function(scores)) - 1e-9


@given(SCORES)
def test_profiles_fall_from_one_to_none(scores: np.ndarray) -> None:
    thresholds = np.linspace(scores.min() - 1.0, scores.max(), 9)
    for kind in (statistics.score_distribution, statistics.average_score_distribution):
        profile = kind(scores, thresholds)
        assert profile[0] == 1.0
        assert profile[-1] == 0.0
        assert (np.diff(profile) <= 1e-12).all()


@given(SCORES, st.integers(1, 7), st.integers(0, 99))
def test_one_of_two_is_better(scores: np.ndarray, runs: int, seed: int) -> None:
    other = np.random.default_rng(seed).choice(scores.ravel(), (runs, scores.shape[1]))
    one = float(statistics.probability_of_improvement(scores, other))
    assert 0.0 <= one <= 1.0
    assert one + float(statistics.probability_of_improvement(other, scores)) == pytest.approx(1.0)
    assert float(statistics.probability_of_improvement(scores, scores)) == pytest.approx(0.5)
