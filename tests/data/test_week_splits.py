"""Weeks for training, validation and testing: whole, disjoint, from every season, the same every time."""

import numpy as np
import pandas as pd
import pytest
from data_frames import good_scenario
from hypothesis import given, settings
from hypothesis import strategies as st

from entangrid.data import InputError, split_weeks

YEAR = {"start": "2015-01-01", "n_steps": 365 * 24, "minutes": 60}


@settings(max_examples=40, deadline=None)
@given(
    first_day=st.integers(0, 400),
    first_step=st.integers(0, 23),
    n_days=st.integers(14, 120),
    validation_every=st.sampled_from([0, 2, 3, 5, 7]),
    test_every=st.sampled_from([0, 2, 3, 5]),
)
def test_weeks_are_whole_disjoint_and_complete(first_day, first_step, n_days, validation_every, test_every):
    start = pd.Timestamp("2015-01-01") + pd.Timedelta(days=first_day, hours=first_step)
    scenario = good_scenario(start=str(start), n_steps=n_days * 24, minutes=60)
    sets = split_weeks(scenario, validation_every=validation_every, test_every=test_every)
    every = np.sort(np.concatenate(list(sets.values())))
    assert (np.diff(every) == 7 * 24).all()
    assert every[0] < 7 * 24
    assert n_days * 24 - 2 * 7 * 24 < every[-1] <= n_days * 24 - 7 * 24
    for weeks in sets.values():
        assert weeks.dtype == np.int64
        assert (np.diff(weeks) > 0).all()
        for week in weeks:
            assert scenario.index[week].day_of_week == 0
            assert scenario.index[week] == scenario.index[week].normalize()
    assert (len(sets["test"]) == 0) == (test_every == 0 or len(every) < test_every)


def test_the_pattern_is_fixed():
    sets = split_weeks(good_scenario(**YEAR))
    every = np.sort(np.concatenate(list(sets.values())))
    assert len(every) == 51
    np.testing.assert_array_equal(sets["test"], every[4::5])
    np.testing.assert_array_equal(sets["validation"], every[2::5])


def test_months_are_those_of_the_monday():
    scenario = good_scenario(**YEAR)
    sets = split_weeks(scenario, months=(1, 2, 12))
    months = [scenario.index[week].month for weeks in sets.values() for week in weeks]
    assert set(months) == {1, 2, 12}
    # Four Mondays in January, four in February, three in December: the week of the 28th ends in the next year.
    assert len(months) == 11


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"months": (0,)}, "months: 0, expected numbers from 1 to 12"),
        ({"months": ()}, "months: empty"),
        ({"test_every": 1}, "test_every: 1"),
        ({"validation_every": -2}, "validation_every: -2"),
        ({"months": (7,)}, r"no whole week with its Monday in months \[7\]"),
    ],
)
def test_wrong_wishes_are_refused(how, message):
    with pytest.raises(InputError, match=message):
        split_weeks(good_scenario(start="2015-01-01", n_steps=24 * 20, minutes=60), **how)


def test_steps_that_miss_midnight_are_refused():
    with pytest.raises(InputError, match="none at midnight"):
        split_weeks(good_scenario(start="2015-01-01 00:10", n_steps=24 * 20, minutes=60))
    with pytest.raises(InputError, match="no whole week between"):
        split_weeks(good_scenario(start="2015-01-01 00:10", n_steps=20, minutes=60))
