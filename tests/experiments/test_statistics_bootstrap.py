"""Intervals: SciPy's bootstrap and the t interval as peers, how often they hold the truth, and what p-values mean."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from entangrid.data.errors import InputError
from entangrid.experiments import statistics
from entangrid.experiments.statistics.bootstrap import Resampled, effective_df, quantile, resampling_counts

RNG = np.random.default_rng(11)


@pytest.mark.parametrize("metric", [statistics.mean, statistics.median, statistics.interquartile_mean])
def test_plain_percentiles_are_scipys(metric: statistics.bootstrap.Statistic) -> None:
    runs = RNG.gamma(2.0, 1.0, (25, 1))

    def flat(x: np.ndarray, axis: int) -> np.ndarray:
        return metric(np.moveaxis(x, axis, -1)[..., None])

    peer = scipy.stats.bootstrap((runs[:, 0],), flat, n_resamples=20_000, method="percentile", rng=1, vectorized=True)
    low, high = peer.confidence_interval
    for kind in (statistics.stratified_bootstrap, statistics.cluster_bootstrap):  # one task: the same thing
        (found,) = kind(runs, metric, resamples=20_000, seed=2)
        interval = found.interval(widened=False)
        assert interval.low == pytest.approx(low, abs=0.05 * (high - low))
        assert interval.high == pytest.approx(high, abs=0.05 * (high - low))
        assert float(found.draws.std()) == pytest.approx(float(peer.standard_error), rel=0.05)


def test_widened_interval_of_a_mean_is_the_t_interval() -> None:
    normal = scipy.stats.norm.ppf((np.arange(10) + 0.5) / 10)[:, None]
    (found,) = statistics.cluster_bootstrap(normal, statistics.mean, resamples=40_000)
    t = scipy.stats.t.ppf(0.975, 9) * normal.std(ddof=1) / np.sqrt(10)
    interval = found.interval()
    assert interval.high == pytest.approx(t, rel=0.04)
    assert interval.low == pytest.approx(-t, rel=0.04)
    test = scipy.stats.ttest_1samp(normal[:, 0], 0.8)
    assert found.p_value(0.8) == pytest.approx(test.pvalue, rel=0.15)


def test_p_value_is_one_less_the_confidence_of_the_interval_that_ends_there() -> None:
    (found,) = statistics.cluster_bootstrap(RNG.normal(1.0, 1.0, (8, 3)), statistics.mean)
    for confidence in (0.5, 0.9, 0.95, 0.999, 0.99999):  # the last ones lie beyond every resample
        interval = found.interval(confidence)
        assert found.p_value(interval.low) == pytest.approx(1.0 - confidence, rel=0.05)
        assert found.p_value(interval.high) == pytest.approx(1.0 - confidence, rel=0.05)
    assert found.p_value(found.estimate) > 0.9


@given(st.integers(0, 2**31), st.integers(2, 12), st.floats(0.5, 0.99), st.floats(0.5, 0.99))
@settings(max_examples=60)
def test_intervals_grow_with_confidence_and_lie_around_the_estimate(seed: int, n: int, one: float, two: float) -> None:
    scores = np.random.default_rng(seed).normal(size=(n, 2))
    (found,) = statistics.cluster_bootstrap(scores, statistics.mean, resamples=500)
    small, large = (found.interval(c) for c in sorted((one, two)))
    assert large.low <= small.low + 1e-12
    assert small.high <= large.high + 1e-12
    assert large.low <= large.estimate <= large.high
    plain = found.interval(one, widened=False)
    wide = found.interval(one)
    assert wide.low <= plain.low + 1e-9
    assert wide.high >= plain.high - 1e-9


@given(st.integers(0, 2**31), st.floats(-5.0, 5.0), st.floats(0.1, 10.0))
@settings(max_examples=40)
def test_shifting_and_scaling_the_scores_shifts_and_scales_the_interval(seed: int, by: float, times: float) -> None:
    scores = np.random.default_rng(seed).normal(size=(6, 3))
    (one,) = statistics.cluster_bootstrap(scores, statistics.interquartile_mean, resamples=300, seed=seed)
    (two,) = statistics.cluster_bootstrap(by + times * scores, statistics.interquartile_mean, resamples=300, seed=seed)
    for end in ("low", "high"):
        expected = by + times * getattr(one.interval(), end)
        assert getattr(two.interval(), end) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("runs", [10, 20])
@pytest.mark.parametrize("metric", [statistics.mean, statistics.interquartile_mean])
def test_intervals_over_seeds_hold_the_truth_as_often_as_they_say(
    runs: int, metric: statistics.bootstrap.Statistic
) -> None:
    rng = np.random.default_rng(runs)
    n, held, plain = 400, 0, 0
    for k in range(n):
        (found,) = statistics.cluster_bootstrap(rng.normal(0.3, 1.0, (runs, 1)), metric, resamples=1_000, seed=k)
        low, high = found.interval()[1:]
        held += low <= 0.3 <= high
        low, high = found.interval(widened=False)[1:]
        plain += low <= 0.3 <= high
    error = 3.3 * np.sqrt(0.95 * 0.05 / n)
    if metric is statistics.mean:
        assert abs(held / n - 0.95) <= error
    else:  # a trimmed mean errs to the wide side
        assert 0.95 - error <= held / n <= 0.995
    assert plain < held  # what the widening is for


@pytest.mark.parametrize("runs", [10, 20])
def test_crossed_intervals_hold_the_truth_at_least_as_often_as_they_say(runs: int) -> None:
    """Seeds and weeks both vary: the truth is the mean over all seeds and weeks that there could be."""
    rng = np.random.default_rng(runs)
    n, held, seeds_only = 400, 0, 0
    for k in range(n):
        scores = rng.normal(0.0, 1.0, (runs, 1)) + rng.normal(0.0, 1.0, (1, 8)) + rng.normal(0.0, 0.5, (runs, 8))
        (both,) = statistics.cluster_bootstrap(scores, statistics.mean, resamples=1_000, seed=k)
        (runs_alone,) = statistics.cluster_bootstrap(scores, statistics.mean, tasks_too=False, resamples=1_000, seed=k)
        held += both.interval().low <= 0.0 <= both.interval().high
        seeds_only += runs_alone.interval().low <= 0.0 <= runs_alone.interval().high
    error = 3.3 * np.sqrt(0.95 * 0.05 / n)
    assert 0.95 - error <= held / n <= 0.985
    assert seeds_only / n < 0.85  # which is why weeks are resampled too


def test_crossed_resampling_is_wider_than_stratified_where_one_run_is_good_in_all_tasks() -> None:
    scores = np.repeat(RNG.normal(size=(10, 1)), 6, axis=1) + RNG.normal(0.0, 0.01, (10, 6))
    (crossed,) = statistics.cluster_bootstrap(scores, statistics.mean)
    (stratified,) = statistics.stratified_bootstrap(scores, statistics.mean)
    assert crossed.draws.std() > 2.0 * stratified.draws.std()


def test_the_same_seed_gives_the_same_interval_and_one_run_gives_none() -> None:
    scores = RNG.normal(size=(5, 4))
    one, two = (statistics.cluster_bootstrap(scores, statistics.mean, seed=7)[0] for _ in range(2))
    assert np.array_equal(one.draws, two.draws)
    assert one.interval() == two.interval()
    (alone,) = statistics.cluster_bootstrap(scores[:1, :1], statistics.mean)
    assert np.isnan(alone.interval().low)
    assert np.isnan(alone.p_value())
    assert alone.estimate == scores[0, 0]


def test_paired_probability_of_improvement_is_narrower_where_runs_share_their_luck() -> None:
    luck = RNG.normal(0.0, 2.0, (12, 1))
    a, b = luck + RNG.normal(0.3, 0.2, (12, 5)), luck + RNG.normal(0.0, 0.2, (12, 5))
    paired = statistics.improvement_bootstrap(a, b, paired=True, resamples=2_000)
    apart = statistics.improvement_bootstrap(a, b, resamples=2_000)
    assert paired.estimate == apart.estimate
    assert paired.draws.std() < apart.draws.std()
    with pytest.raises(InputError, match="the same tasks"):
        statistics.improvement_bootstrap(a, b[:, :3])
    with pytest.raises(InputError, match="runs where paired"):
        statistics.improvement_bootstrap(a, b[:3], paired=True)


@pytest.mark.parametrize("paired", [True, False])
def test_probability_of_improvement_by_ranks_is_that_of_every_pair(paired: bool) -> None:
    a, b = RNG.normal(0.1, 1.0, (9, 4)).round(1), RNG.normal(0.0, 1.0, (9, 4)).round(1)
    found = statistics.improvement_bootstrap(a, b, paired=paired, tasks_too=False, resamples=50, seed=3)
    assert found.estimate == pytest.approx(float(statistics.probability_of_improvement(a, b)))
    rng = np.random.default_rng(3)
    resampling_counts(9, 200, rng)  # for the degrees of freedom
    if not paired:
        resampling_counts(9, 200, rng)
    left = resampling_counts(9, 50, rng).astype(int)
    right = left if paired else resampling_counts(9, 50, rng).astype(int)
    each = [
        float(statistics.probability_of_improvement(np.repeat(a, one, 0), np.repeat(b, other, 0)))
        for one, other in zip(left, right, strict=True)
    ]
    np.testing.assert_allclose(found.draws, np.sort(each))
    a[0, 0] = np.nan
    assert np.isnan(statistics.improvement_bootstrap(a, b, paired=paired, resamples=50).estimate)


@pytest.mark.parametrize("scores", [np.zeros(3), np.zeros((0, 2)), np.zeros((2, 2, 2))])
def test_scores_of_another_shape_are_refused(scores: np.ndarray) -> None:
    for kind in (statistics.stratified_bootstrap, statistics.cluster_bootstrap):
        with pytest.raises(InputError, match="expected \\(runs, tasks\\)"):
            kind(scores, statistics.mean)


def test_confidence_must_be_a_share() -> None:
    with pytest.raises(InputError, match=r"confidence is 95.*between 0 and 1"):
        Resampled(0.0, np.zeros(4), 3.0).interval(95.0)


def test_degrees_of_freedom_follow_the_larger_variance() -> None:
    assert effective_df([1.0, 0.0], [9, 6]) == pytest.approx(9.0)
    assert effective_df([0.0, 1.0], [9, 6]) == pytest.approx(6.0)
    assert effective_df([1.0, 1.0], [9, 9]) == pytest.approx(18.0)
    assert effective_df([0.0, 0.0], [9, 6]) == 6.0
    assert effective_df([0.0], [0]) == 0.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(0.0, 1.0))
def test_quantile_is_numpys(values: list[float], share: float) -> None:
    ordered = np.sort(np.array(values))
    assert quantile(ordered, share) == pytest.approx(float(np.quantile(ordered, share)), rel=1e-12, abs=1e-9)


def test_quantile_of_infinite_values_and_of_none() -> None:
    assert quantile(np.array([0.0, np.inf, np.inf]), 0.9) == np.inf
    assert np.isnan(quantile(np.zeros(0), 0.5))
