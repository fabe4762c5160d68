"""Time-of-use prices by the clock on the wall."""

import numpy as np
import pytest

from entangrid.data import InputError
from entangrid.data.tariff import feed_in, time_of_use

HOUR = np.tile(np.arange(24.0), 7)
WEEKDAY = np.repeat(np.arange(7), 24)


def test_default_levels_hold_at_their_hours_every_day():
    price = time_of_use(HOUR, WEEKDAY).reshape(7, 24)
    expected = np.full(24, 0.30)
    expected[[22, 23, 0, 1, 2, 3, 4, 5]] = 0.22
    expected[17:21] = 0.42
    np.testing.assert_array_equal(price, np.tile(expected, (7, 1)))


def test_peak_may_be_kept_to_weekdays_and_wins_over_night():
    price = time_of_use(HOUR, WEEKDAY, peak_h=(21.0, 23.0), peak_weekdays=range(5)).reshape(7, 24)
    assert (price[:5, 21:23] == 0.42).all()
    assert (price[5:, 21] == 0.30).all()
    assert (price[5:, 22] == 0.22).all()


def test_feed_in_is_flat():
    np.testing.assert_array_equal(feed_in(3), [0.08, 0.08, 0.08])


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"day_eur_kwh": 30.0}, r"day_eur_kwh is 30.0.*looks like ct/kWh"),
        ({"night_eur_kwh": float("nan")}, "night_eur_kwh is nan"),
        ({"peak_h": (17.0, 25.0)}, r"peak_h is \(17.0, 25.0\)"),
        ({"peak_weekdays": (1, 7)}, "peak_weekdays has 7"),
    ],
)
def test_impossible_tariffs_are_refused(how, message):
    with pytest.raises(InputError, match=message):
        time_of_use(HOUR, WEEKDAY, **how)


def test_arrays_must_fit():
    with pytest.raises(InputError, match=r"hour has values from 1.0 to 24.0"):
        time_of_use(HOUR + 1.0, WEEKDAY)
    with pytest.raises(InputError, match=r"shape \(168,\) and weekday \(3,\)"):
        time_of_use(HOUR, WEEKDAY[:3])
    with pytest.raises(InputError, match="eur_kwh is 8"):
        feed_in(3, eur_kwh=8.0)
