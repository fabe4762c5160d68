"""The arithmetic of CityLearn's score by hand."""

from __future__ import annotations

import numpy as np
import pytest

from entangrid.envs.citylearn_score import score

PRICE, CARBON = np.ones(48), np.full(48, 0.5)


def test_terms_by_hand() -> None:
    base = np.tile([[1.0, 0.0], [3.0, 2.0], [1.0, -2.0]], (16, 1))  # two days of 24 h
    net = base.copy()
    net[:, 0] *= 0.5
    found = score(net, base, PRICE, CARBON)
    assert found["cost"] == found["carbon"] == pytest.approx((0.5 + 1.0) / 2)  # the mean of the homes' ratios
    # sums 1, 5, -1 without control, 0.5, 3.5, -1.5 with it; upward: from 1 to 5 and from -1 to 1
    ramps = (16 * 3.0 + 15 * 2.0) / (16 * 4.0 + 15 * 2.0)
    factor = (1.0 - (2.5 / 3.0) / 3.5) / (1.0 - (5.0 / 3.0) / 5.0)
    assert found["ramping"] == pytest.approx(ramps)
    assert found["load factor"] == found["monthly"] == pytest.approx(factor)
    assert found["peak"] == found["daily peak"] == pytest.approx(0.7)
    grid = (ramps + factor + 0.7 + 0.7) / 4
    assert found["score"] == pytest.approx((0.75 + 0.75 + grid) / 3)
    assert found["score-22"] == pytest.approx((0.75 + 0.75 + (ramps + factor) / 2) / 3)
    assert score(base, base, PRICE, CARBON)["score"] == 1.0


def test_a_term_without_series_is_left_out_and_a_home_without_import_counts_as_1() -> None:
    base = np.tile([[1.0, -1.0], [2.0, -1.0]], (24, 1))
    net = base * [0.5, 1.0]
    found = score(net, base, np.zeros(48), CARBON)
    assert np.isnan(found["cost"])
    assert found["carbon"] == pytest.approx((0.5 + 1.0) / 2)
    assert found["score"] == pytest.approx((0.75 + found["grid"]) / 2)
    alone = score(net, base, np.zeros(48), np.zeros(48))
    assert alone["score"] == alone["grid"] == found["grid"]
