"""Gap closed: hand-made numbers, invariances, and an interval that covers."""

from __future__ import annotations

import numpy as np
import pytest

from entangrid.experiments.statistics import gap_closed

NO_CONTROL, OPTIMUM = np.array([40.0, 30.0, 20.0]), np.array([20.0, 20.0, 10.0])


def test_the_ends_of_the_scale() -> None:
    for agent, expected in ((NO_CONTROL, 0.0), (OPTIMUM, 1.0)):
        gap = gap_closed(NO_CONTROL, agent[None], OPTIMUM)
        assert gap is not None
        assert (gap.mean, gap.low, gap.high) == (expected, expected, expected)


def test_it_is_a_ratio_of_sums_not_a_mean_of_ratios() -> None:
    agent = np.array([[30.0, 30.0, 20.0], [40.0, 20.0, 10.0]])  # saves 10 of 40, and 20 of 40
    gap = gap_closed(NO_CONTROL, agent, OPTIMUM)
    assert gap is not None
    np.testing.assert_allclose(gap.per_seed, [0.25, 0.5])
    assert gap.mean == pytest.approx(0.375)
    assert gap.low <= gap.mean <= gap.high


def test_it_does_not_depend_on_the_currency() -> None:
    agent = np.array([[31.0, 24.0, 22.0]])
    one, two = gap_closed(NO_CONTROL, agent, OPTIMUM), gap_closed(NO_CONTROL * 7, agent * 7, OPTIMUM * 7)
    assert one is not None
    assert two is not None
    assert one.mean == pytest.approx(two.mean)
    assert one.low == pytest.approx(two.low)


def test_too_little_headroom_gives_no_ratio() -> None:
    assert gap_closed(NO_CONTROL, NO_CONTROL[None], NO_CONTROL * 0.99) is None


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for k in range(200):
        headroom = rng.uniform(5.0, 20.0, 40)
        saved = 0.4 * headroom + rng.normal(0.0, 3.0, 40)
        gap = gap_closed(50.0 + headroom, (50.0 + headroom - saved)[None], np.full(40, 50.0), resamples=500, seed=k)
        assert gap is not None
        hits += gap.low <= 0.4 <= gap.high
    assert 178 <= hits <= 200  # 95 % nominal; a percentile interval of 40 weeks covers a little less
