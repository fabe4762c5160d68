"""Holm's correction, the minimum detectable effect, verdicts, and sample complexity on hand-made matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from entangrid.data.errors import InputError
from entangrid.experiments.statistics import holm, judge, minimum_detectable_effect, sample_complexity

SHARES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12)


def test_holm_of_hand_made_p_values() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.001]) == pytest.approx([0.5, 0.002])
    assert holm([]) == []
    adjusted = holm([0.01, float("nan"), 0.02])
    assert adjusted[0] == pytest.approx(0.02)
    assert math.isnan(adjusted[1])
    assert adjusted[2] == pytest.approx(0.02)


@given(SHARES)
def test_holm_lies_between_the_p_value_and_bonferronis_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for p, q in zip(p_values, adjusted, strict=True):
        assert p - 1e-12 <= q <= min(1.0, p * len(p_values)) + 1e-12
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= -1e-12).all()
    backwards = holm(p_values[::-1])[::-1]
    assert backwards == pytest.approx(adjusted)


@given(SHARES.filter(lambda p: len(p) > 1))
def test_holm_rejects_what_its_stepwise_rule_rejects(p_values: list[float]) -> None:
    rejected = 0
    for k, p in enumerate(sorted(p_values)):
        if p > 0.05 / (len(p_values) - k):
            break
        rejected += 1
    assert sum(q <= 0.05 for q in holm(p_values)) in (rejected, rejected + p_values.count(0.05))


@pytest.mark.parametrize(("n", "power", "comparisons"), [(3, 0.8, 1), (5, 0.8, 1), (10, 0.8, 3), (20, 0.9, 1)])
def test_minimum_detectable_effect_is_found_as_often_as_it_says(n: int, power: float, comparisons: int) -> None:
    """The noncentral t against simulation: paired differences with that true mean, tested one study at a time."""
    sd, rng = 0.3, np.random.default_rng(n)
    effect = minimum_detectable_effect(sd / math.sqrt(n), n - 1, power=power, comparisons=comparisons)
    studies = rng.normal(effect, sd, (20_000, n))
    p = scipy.stats.ttest_1samp(studies, 0.0, axis=1).pvalue
    error = 4.0 * math.sqrt(power * (1.0 - power) / 20_000)
    assert abs(np.mean(p < 0.05 / comparisons) - power) <= error


@given(st.floats(1e-3, 10.0), st.integers(1, 200), st.floats(0.3, 0.95))
def test_minimum_detectable_effect_scales_and_falls_with_more_seeds(error: float, df: int, power: float) -> None:
    effect = minimum_detectable_effect(error, df, power=power)
    assert effect > 0.0
    assert minimum_detectable_effect(2.0 * error, df, power=power) == pytest.approx(2.0 * effect, rel=1e-6)
    assert minimum_detectable_effect(error, df + 1, power=power) < effect
    assert minimum_detectable_effect(error, df, power=power, comparisons=3) > effect


def test_minimum_detectable_effect_of_many_seeds_is_the_normal_one() -> None:
    effect = minimum_detectable_effect(1.0, 1e6)
    assert effect == pytest.approx(scipy.stats.norm.ppf(0.975) + scipy.stats.norm.ppf(0.8), rel=1e-3)
    assert math.isnan(minimum_detectable_effect(1.0, 0.0))
    with pytest.raises(InputError, match="power is 80"):
        minimum_detectable_effect(1.0, 9, power=80.0)


@pytest.mark.parametrize(
    ("low", "high", "p", "margin", "verdict"),
    [
        (0.06, 0.20, 0.001, 0.05, "better"),
        (-0.20, -0.06, 0.001, 0.05, "worse"),
        (-0.02, 0.03, 0.7, 0.05, "equivalent"),
        (0.01, 0.03, 0.001, 0.05, "equivalent"),  # a difference, and too small to matter
        (-0.02, 0.08, 0.2, 0.05, "undecided"),
        (0.01, 0.20, 0.08, 0.05, "undecided"),  # not after the correction
        (-0.02, 0.03, 0.7, None, "undecided"),
        (float("nan"), float("nan"), float("nan"), 0.05, "undecided"),
    ],
)
def test_verdicts(low: float, high: float, p: float, margin: float | None, verdict: str) -> None:
    assert judge(low, high, p, margin) == verdict


STEPS = np.array([100, 200, 300, 400])
CURVES = np.array([[0.1, 0.6, 0.95, 0.95], [0.1, 0.95, 0.2, 0.95], [0.1, 0.2, 0.95, 0.95], [0.1, 0.2, 0.3, 0.4]])


@pytest.mark.parametrize(
    ("error", "success", "steps", "reached"),
    [
        (0.1, 0.5, 200.0, True),  # a quarter is good at 200, half at 300, three quarters at 400
        (0.1, 0.75, 300.0, True),
        (0.1, 1.0, 400.0, False),
        (0.5, 0.5, 100.0, True),
        (0.5, 0.25, 100.0, True),
        (1.0, 1.0, 0.0, True),
    ],
)
def test_sample_complexity_of_a_hand_made_matrix(error: float, success: float, steps: float, reached: bool) -> None:
    found = sample_complexity(CURVES, STEPS, error=error, success=success)
    assert (found.steps, found.reached) == (steps, reached)
    assert 0.0 <= found.low <= found.steps <= found.high <= 400.0


def test_sample_complexity_counts_every_evaluation_that_fails() -> None:
    lucky = np.array([[0.95, 0.1, 0.1, 0.95]])
    assert sample_complexity(lucky, STEPS, error=0.1, success=0.5).steps == 200.0
    uneven = sample_complexity(lucky, np.array([100, 200, 1000, 1100]), error=0.1, success=0.5)
    assert uneven.steps == 900.0


@given(st.integers(0, 2**31), st.integers(1, 8), st.floats(0.05, 0.9), st.floats(0.05, 0.95))
def test_sample_complexity_falls_with_tolerance_and_rises_with_the_share_of_runs(
    seed: int, runs: int, error: float, success: float
) -> None:
    curves = np.random.default_rng(seed).uniform(0.0, 1.0, (runs, 4))
    base = sample_complexity(curves, STEPS, error=error, success=success, resamples=50)
    assert (
        sample_complexity(curves, STEPS, error=min(error + 0.1, 1.0), success=success, resamples=50).steps <= base.steps
    )
    assert sample_complexity(curves, STEPS, error=error, success=success + 0.05, resamples=50).steps >= base.steps
    shuffled = np.random.default_rng(0).permutation(curves, axis=0)
    assert sample_complexity(shuffled, STEPS, error=error, success=success, resamples=50).steps == base.steps


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        (np.array([100, 100, 300, 400]), 0.1, "do not ascend"),
        (np.array([-1, 100, 300, 400]), 0.1, "do not ascend"),
        (np.array([100, 200]), 0.1, "expected \\(runs, T\\)"),
        (STEPS, 1.5, "error is 1.5"),
    ],
)
def test_bad_input_of_sample_complexity(steps: np.ndarray, error: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sample_complexity(CURVES, steps, error=error, success=0.5)
