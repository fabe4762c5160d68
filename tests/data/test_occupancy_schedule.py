"""The household's schedule: reproducible, independent of the window, and as it is stated."""

import numpy as np
import pytest

from entangrid.data import InputError
from entangrid.data.occupancy import Schedule, presence


def clock(n_days: int, per_hour: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    step = np.arange(n_days * 24 * per_hour)
    day = step // (24 * per_hour)
    return (step % (24 * per_hour)) / per_hour, day % 7, day


def test_presence_is_zero_or_one_and_follows_the_schedule():
    hour, weekday, day = clock(364)
    home = presence(hour, weekday, day)
    assert set(np.unique(home)) == {0.0, 1.0}
    workday = weekday < 5
    assert (home[(hour < 6.5) | (hour >= 20)] == 1.0).all()
    assert (home[workday & (hour >= 9.5) & (hour < 15.0)] == 0.0).all()
    away_h = (1.0 - home).reshape(364, 96).sum(axis=1) / 4
    is_workday = workday.reshape(364, 96)[:, 0]
    assert away_h[is_workday].mean() == pytest.approx(8.5, abs=0.2)
    assert away_h[is_workday].std() > 0.5
    weekend = away_h[~is_workday]
    assert (weekend > 0).mean() == pytest.approx(0.6, abs=0.12)
    assert weekend.max() <= 4.25
    assert weekend[weekend > 0].min() >= 0.75


def test_any_window_gives_the_same_as_the_whole():
    hour, weekday, day = clock(28)
    whole = presence(hour, weekday, day, seed=3)
    part = slice(700, 1500)
    np.testing.assert_array_equal(presence(hour[part], weekday[part], day[part], seed=3), whole[part])


def test_seeds_differ_and_repeat():
    moments = clock(28)
    np.testing.assert_array_equal(presence(*moments, seed=1), presence(*moments, seed=1))
    assert (presence(*moments, seed=1) != presence(*moments, seed=2)).any()


def test_without_jitter_the_hours_are_exact():
    hour, weekday, day = clock(7)
    home = presence(hour, weekday, day, schedule=Schedule(jitter_h=0.0, weekend_out_probability=0.0))
    np.testing.assert_array_equal(home == 0.0, (weekday < 5) & (hour >= 8.0) & (hour < 16.5))


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (Schedule(leave_h=18.0), "leave_h 18.0 and return_h 16.5"),
        (Schedule(jitter_h=-1.0), "jitter_h is -1.0"),
        (Schedule(weekend_out_probability=60.0), "weekend_out_probability is 60.0"),
        (Schedule(weekend_start_h=(16.0, 10.0)), "weekend_start_h"),
        (Schedule(weekend_duration_h=(1.0, 40.0)), "weekend_duration_h"),
    ],
)
def test_impossible_schedules_are_refused(schedule, message):
    with pytest.raises(InputError, match=message):
        presence(*clock(1), schedule=schedule)


def test_arrays_must_fit():
    hour, weekday, day = clock(1)
    with pytest.raises(InputError, match=r"\(96,\), \(5,\), \(96,\)"):
        presence(hour, weekday[:5], day)
    with pytest.raises(InputError, match="expected numbers >= 0"):
        presence(hour, weekday, day - 1)
    with pytest.raises(InputError, match="seed -1"):
        presence(hour, weekday, day, seed=-1)
