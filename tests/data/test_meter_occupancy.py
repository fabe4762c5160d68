"""Occupancy inferred from the meter: causal, an exact filter before it learns, right on homes whose truth is known."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata

from entangrid.data import InputError, Scenario, synthetic
from entangrid.data.meter_occupancy import AWAKE, AWAY, EDGES, Guess, _first_counts, _moves, occupancy_from_meter

WEEKS_TO_LEARN = 2


@pytest.fixture(scope="module")
def homes() -> Scenario:
    return synthetic(homes=20, days=42, seed=11)


def auc(chance: np.ndarray, truth: np.ndarray) -> float:
    """Area under the receiver operating characteristic: the chance that a presence is ranked above an absence."""
    n_there = truth.sum()
    return (rankdata(chance)[truth].sum() - n_there * (n_there + 1) / 2) / (n_there * (len(truth) - n_there))


def test_it_finds_presence_far_better_than_chance_and_than_the_commonest_answer(homes):
    """Seen: 0.96 of area, 0.93 right where always "at home" is right 0.81 of the time."""
    chance = occupancy_from_meter(homes.load_kw, homes.hour, homes.dt_h)
    learnt = WEEKS_TO_LEARN * 7 * homes.steps_per_day
    truth, chance = homes.occupancy[learnt:] > 0.0, chance[learnt:]
    areas = [auc(chance[:, k], truth[:, k]) for k in range(homes.n_homes)]
    assert np.mean(areas) > 0.93
    assert min(areas) > 0.75
    right, commonest = ((chance > 0.5) == truth).mean(), truth.mean()
    assert right > commonest + 0.08
    day = (homes.hour[learnt:] >= 6.0) & (homes.hour[learnt:] < 22.0)
    assert ((chance[day] > 0.5) == truth[day]).mean() > truth[day].mean() + 0.1
    # As a chance it is honest as well: the squared error is below half of the base rate's.
    assert ((chance - truth) ** 2).mean() < 0.5 * truth.mean() * (1.0 - truth.mean())


def test_the_clock_alone_does_worse(homes):
    chance = occupancy_from_meter(homes.load_kw, homes.hour, homes.dt_h)
    blind = occupancy_from_meter(np.full_like(homes.load_kw, 0.2), homes.hour, homes.dt_h)
    truth = homes.occupancy > 0.0
    assert auc(chance.ravel(), truth.ravel()) > auc(blind.ravel(), truth.ravel()) + 0.1


def test_it_uses_the_past_and_present_only(homes):
    whole = occupancy_from_meter(homes.load_kw[:600], homes.hour[:600], homes.dt_h)
    np.testing.assert_array_equal(occupancy_from_meter(homes.load_kw[:300], homes.hour[:300], 0.25), whole[:300])
    changed = homes.load_kw[:600].copy()
    changed[300:] = 3.0
    other = occupancy_from_meter(changed, homes.hour[:600], 0.25)
    np.testing.assert_array_equal(other[:300], whole[:300])
    assert (other[300:] != whole[300:]).any()


def test_homes_do_not_touch_each_other(homes):
    both = occupancy_from_meter(homes.load_kw[:400, :2], homes.hour[:400], 0.25)
    alone = occupancy_from_meter(homes.load_kw[:400, 1], homes.hour[:400], 0.25)
    assert alone.shape == (400,)
    np.testing.assert_allclose(both[:, 1], alone, rtol=1e-12)
    assert both.min() >= 0.0
    assert both.max() <= 1.0


def test_without_learning_it_is_the_sum_over_all_paths():
    """Every sequence of states with its probability, against the filter; no code is shared but the two tables."""
    guess = Guess(weight_h=1e12)
    hour = np.array([5.75, 6.0, 6.25, 6.5, 6.75])
    load = np.array([0.1, 0.5, 1.5, 0.09, 0.1])
    moves, counts = _moves(hour, 0.25), _first_counts(guess, 1, 0.25)[:, 0]
    density = counts / counts.sum(axis=1, keepdims=True)
    bins = [int(np.sum(np.log(kw) > EDGES)) for kw in load]
    weight = np.zeros((5, 3))
    for length in range(1, 6):
        for first in range(3):
            for path in product(range(3), repeat=length):
                p, before = 1.0 / 3.0, first
                for t, state in enumerate(path):
                    p *= moves[t, state, before] * density[int(state == AWAKE), bins[t]]
                    before = state
                weight[length - 1, path[-1]] += p
    expected = 1.0 - weight[:, AWAY] / weight.sum(axis=1)
    np.testing.assert_allclose(occupancy_from_meter(load, hour, 0.25, guess), expected, rtol=1e-9)


def test_chances_to_move_are_chances_and_follow_the_clock():
    moves = _moves(np.arange(24.0), 0.25)
    np.testing.assert_allclose(moves.sum(axis=1), 1.0, rtol=1e-12)
    assert moves.min() >= 0.0
    assert moves[0, 2, AWAKE] > moves[12, 2, AWAKE]
    assert moves[8, AWAY, AWAKE] > moves[20, AWAY, AWAKE]


@pytest.mark.parametrize("dt_h", [1 / 12, 1.0])
def test_other_steps_work_too(dt_h):
    scenario = synthetic(homes=6, days=28, seed=12, dt_h=dt_h)
    chance = occupancy_from_meter(scenario.load_kw, scenario.hour, dt_h)
    truth = scenario.occupancy > 0.0
    assert auc(chance.ravel(), truth.ravel()) > 0.85


@pytest.mark.parametrize(
    ("load", "hour", "dt_h", "message"),
    [
        (np.zeros(3), np.zeros(4), 0.25, r"load_kw has shape \(3,\) and hour \(4,\)"),
        (np.zeros((3, 1, 1)), np.zeros(3), 0.25, "load_kw has shape"),
        (np.array([0.1, -0.1]), np.zeros(2), 0.25, "negative or missing"),
        (np.array([0.1, np.nan]), np.zeros(2), 0.25, "negative or missing"),
        (np.zeros(2), np.zeros(2), 2.0, "dt_h is 2.0"),
    ],
)
def test_what_does_not_fit_is_refused(load, hour, dt_h, message):
    with pytest.raises(InputError, match=message):
        occupancy_from_meter(load, hour, dt_h)
