"""Gap closed and paired differences: hand-made numbers, invariances, and intervals that hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entangrid.data.errors import InputError
from entangrid.experiments.statistics import crossed_ratio, gap_closed, paired_numerators, ratios

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


def test_homes_are_summed_before_the_ratio() -> None:
    none, best = np.stack([NO_CONTROL, NO_CONTROL / 2], 1), np.stack([OPTIMUM, OPTIMUM / 2], 1)
    agent = none[None] - 0.25 * (none - best)
    gap = gap_closed(none, agent, best)
    assert gap is not None
    assert gap.mean == pytest.approx(0.25)
    assert gap.high - gap.low < 1e-9  # the same share in every week and home


@given(st.floats(0.01, 100.0), st.integers(0, 2**31))
@settings(max_examples=50)
def test_it_does_not_depend_on_currency_or_on_the_order_of_weeks_and_seeds(rate: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    best = rng.uniform(5.0, 20.0, (4, 2))
    none = best + rng.uniform(2.0, 10.0, (4, 2))
    agent = none - rng.uniform(-0.5, 1.0, (3, 4, 2)) * (none - best)
    one, two = (
        gap_closed(none, agent, best, resamples=200),
        gap_closed(none * rate, agent * rate, best * rate, resamples=200),
    )
    weeks, seeds = rng.permutation(4), rng.permutation(3)
    three = gap_closed(none[weeks], agent[seeds][:, weeks], best[weeks], resamples=200)
    assert one is not None
    assert two is not None
    assert three is not None
    np.testing.assert_allclose([two.mean, two.low, two.high], [one.mean, one.low, one.high], rtol=1e-6, atol=1e-6)
    assert three.mean == pytest.approx(one.mean)
    assert one.low <= one.mean <= one.high


def test_too_little_headroom_gives_no_ratio() -> None:
    assert gap_closed(NO_CONTROL, NO_CONTROL[None], NO_CONTROL * 0.99) is None
    assert gap_closed(np.zeros(3), np.zeros((1, 3)), np.zeros(3)) is None


def test_one_week_and_no_seeds_have_no_interval() -> None:
    gap = gap_closed(NO_CONTROL[:1], NO_CONTROL[None, :1] - 5.0, OPTIMUM[:1])
    assert gap is not None
    assert gap.mean == pytest.approx(0.25)
    assert np.isnan(gap.low)
    assert np.isnan(gap.high)


def test_seeds_widen_the_interval() -> None:
    headroom = np.full(40, 10.0)
    rng = np.random.default_rng(3)
    share = 0.4 + rng.normal(0.0, 0.2, (5, 1)) + rng.normal(0.0, 0.01, (5, 40))
    agent = 50.0 + headroom - share * headroom
    both = gap_closed(50.0 + headroom, agent, np.full(40, 50.0))
    weeks = gap_closed(50.0 + headroom, agent.mean(0)[None], np.full(40, 50.0))
    assert both is not None
    assert weeks is not None
    assert both.high - both.low > 5 * (weeks.high - weeks.low)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    n, hits = 300, 0
    for k in range(n):
        headroom = rng.uniform(5.0, 20.0, 12)
        share = 0.4 + rng.normal(0.0, 0.1, (10, 1)) + rng.normal(0.0, 0.1, (1, 12)) + rng.normal(0.0, 0.05, (10, 12))
        agent = 50.0 + headroom - share * headroom
        gap = gap_closed(50.0 + headroom, agent, np.full(12, 50.0), resamples=1_000, seed=k)
        assert gap is not None
        hits += gap.low <= 0.4 <= gap.high
    assert abs(hits / n - 0.95) <= 3.3 * np.sqrt(0.95 * 0.05 / n) + 0.01


@pytest.mark.parametrize(("homes", "with_headroom"), [(3, 1), (6, 2), (10, 4)])
def test_homes_in_which_nothing_can_be_saved_say_nothing(homes: int, with_headroom: int) -> None:
    rng = np.random.default_rng(11)
    headroom = np.zeros((4, homes))
    headroom[:, :with_headroom] = rng.uniform(5.0, 20.0, (4, with_headroom))
    none = 50.0 + headroom
    agent = none - headroom * (0.5 + rng.normal(0.0, 0.001, (10, 4, homes)))
    alone = slice(0, with_headroom)
    gap = gap_closed(none, agent, none - headroom)
    same = gap_closed(none[:, alone], agent[:, :, alone], (none - headroom)[:, alone])
    assert gap is not None
    assert same is not None
    assert (gap.mean, gap.low, gap.high) == pytest.approx((same.mean, same.low, same.high), abs=1e-12)
    assert 0.49 < gap.low < gap.mean < gap.high < 0.51
    optimum = gap_closed(none, (none - headroom)[None], none - headroom)
    assert optimum is not None
    assert (optimum.low, optimum.high) == pytest.approx((1.0, 1.0), abs=1e-12)
    noise = rng.normal(0.0, 1e-11, (10, 4, homes))  # of a solver
    noisy = gap_closed(none, agent + noise, none - headroom + noise[0])
    assert noisy is not None
    assert (noisy.low, noisy.high) == pytest.approx((gap.low, gap.high), abs=1e-9)


def test_a_resample_without_anything_to_save_is_left_out_and_one_that_can_only_lose_is_not() -> None:
    cells = np.diag([4.0, 2.0, 3.0])  # each home has headroom in a week of its own
    found = crossed_ratio([0.25 * cells[None]], cells)
    assert 2_000 < found.resampled.draws.size < 10_000
    np.testing.assert_allclose(found.resampled.draws, 0.25)
    assert found.resampled.interval() == pytest.approx((0.25, 0.25, 0.25))
    worse = 0.25 * cells
    worse[:, 2] = -1.0  # a home without headroom in which the agent costs
    cells[:, 2] = 0.0
    losing = crossed_ratio([worse[None]], cells)
    assert np.isneginf(losing.resampled.draws).any()
    assert not np.isnan(losing.resampled.draws).any()


def test_the_interval_holds_the_truth_where_few_homes_have_headroom() -> None:
    rng = np.random.default_rng(12)
    hits, n = 0, 300
    for k in range(n):
        there = rng.uniform(size=12) < 0.35
        there[:2] = True
        headroom = np.where(there, rng.uniform(8.0, 12.0, (6, 12)), 0.0)
        share = (
            0.3 + rng.normal(0.0, 0.1, (5, 1, 1)) + rng.normal(0.0, 0.2, (1, 1, 12)) + rng.normal(0.0, 0.1, (5, 6, 12))
        )
        gap = gap_closed(
            50.0 + headroom, 50.0 + headroom - share * headroom, np.full((6, 12), 50.0), resamples=1_000, seed=k
        )
        assert gap is not None
        hits += gap.low <= 0.3 <= gap.high
    assert hits / n >= 0.95 - 3.3 * np.sqrt(0.95 * 0.05 / n) - 0.01


def test_homes_of_one_profile_vary_together() -> None:
    rng = np.random.default_rng(5)
    profile = np.repeat([0, 1, 2, 3], 10)
    share = rng.normal(0.0, 1.0, 4)[profile][None, None, :] + rng.normal(0.0, 0.1, (1, 3, 40))
    apart = crossed_ratio([share], np.ones((3, 40)))
    together = crossed_ratio([share], np.ones((3, 40)), clusters=profile)
    assert apart.estimate == pytest.approx(together.estimate)
    assert together.standard_error > 2.0 * apart.standard_error
    assert together.df < 5.0


def test_standard_error_is_that_of_the_resamples() -> None:
    rng = np.random.default_rng(6)
    share = rng.normal(0.0, 1.0, (30, 1, 1)) + rng.normal(0.0, 1.0, (1, 30, 1)) + rng.normal(0.0, 0.1, (30, 30, 1))
    found = crossed_ratio([share], np.ones((30, 1)))
    assert float(found.resampled.draws.std()) == pytest.approx(found.standard_error, rel=0.05)
    assert found.standard_error**2 == pytest.approx(sum(found.parts.values()))
    assert found.parts["homes"] == 0.0
    assert 29.0 <= found.df <= 58.0


@pytest.mark.parametrize(("resamples", "elements"), [(500, 4_000_000), (3_000, 4_000_000), (500, 1_500)])
def test_resamples_that_are_kept_are_those_that_would_be_drawn_again(
    resamples: int, elements: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratios, "_ELEMENTS", elements)  # the last: in four chunks and a rest
    rng = np.random.default_rng(8)
    numerators = [rng.normal(0.3, 1.0, (6, 4, 3)), rng.normal(0.0, 1.0, (5, 4, 3))]
    below = rng.uniform(0.5, 1.0, (4, 3))
    first, second = (crossed_ratio(numerators, below, resamples=resamples) for _ in range(2))
    monkeypatch.setattr(ratios, "_kept", ratios._drawn)
    anew = crossed_ratio(numerators, below, resamples=resamples)
    assert first.resampled.draws.size == resamples
    assert np.array_equal(first.resampled.draws, second.resampled.draws)
    assert np.array_equal(first.resampled.draws, anew.resampled.draws)
    other = crossed_ratio(numerators, below, resamples=resamples, seed=1)
    assert not np.array_equal(first.resampled.draws, other.resampled.draws)


def test_pairs_share_seeds_or_are_resampled_apart() -> None:
    rng = np.random.default_rng(7)
    luck = rng.normal(0.0, 1.0, (6, 4, 1))
    a, b = luck + 0.1, luck[[2, 1, 0, 3, 4, 5]]
    numerators, n, paired = paired_numerators(a, b, [0, 1, 2, 3, 4, 5], [2, 1, 0, 3, 4, 5])
    assert (n, paired) == (6, True)
    np.testing.assert_allclose(numerators[0], 0.1)
    numerators, n, paired = paired_numerators(a, b, [0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15])
    assert (len(numerators), n, paired) == (2, 6, False)
    apart = crossed_ratio(numerators, np.ones((4, 1)))
    assert apart.estimate == pytest.approx(0.1 * 4 / 4)
    assert apart.standard_error > 0.1
    numerators, n, paired = paired_numerators(a, b, [0, 1, 2, 3, 4, 5], [2, 1, 0, 30, 40, 50])
    assert (numerators[0].shape, n, paired) == ((3, 4, 1), 3, True)
    np.testing.assert_allclose(numerators[0], 0.1)
    numerators, n, paired = paired_numerators(a, b[:1], [0, 1, 2, 3, 4, 5], [])
    assert (numerators[0].shape, n, paired) == ((6, 4, 1), 6, True)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected \(seeds, 2, 1\)"):
        crossed_ratio([np.zeros((3, 4, 1))], np.ones((2, 1)))
    with pytest.raises(InputError, match="infinite or undefined"):
        crossed_ratio([np.full((3, 2, 1), np.inf)], np.ones((2, 1)))
    with pytest.raises(InputError, match="expected more than 0"):
        crossed_ratio([np.zeros((3, 2, 1))], np.zeros((2, 1)))
