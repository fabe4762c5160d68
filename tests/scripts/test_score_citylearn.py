"""CityLearn's score: its arithmetic by hand, its parts, and that better plans score better."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("score_citylearn")


def test_terms_by_hand(script: Any) -> None:
    base = np.tile([[1.0, 0.0], [3.0, 2.0], [1.0, -2.0]], (16, 1))  # two days of 24 h
    net = base.copy()
    net[:, 0] *= 0.5
    price, carbon = np.ones(48), np.full(48, 0.5)
    found = script.score(net, base, price, carbon)
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
    assert script.score(base, base, price, carbon)["score"] == 1.0


def test_parts_are_those_whose_homes_and_days_are_there(script: Any) -> None:
    five = [f"Building_{i}" for i in range(1, 6)]
    assert [part.name for part in script.parts_of(five, 8760, "all")] == ["year", "phase 1", "phase 2"]
    every = [f"Building_{i}" for i in range(1, 18)]
    parts = script.parts_of(every, 8760, "phases")
    assert [len(part.homes) for part in parts] == [5, 5, 15]
    assert sum(part.weight for part in parts) == pytest.approx(1.0)
    assert script.parts_of(five[:3], 300, "phases") == []


def test_plans_that_know_more_score_better(script: Any) -> None:
    folder = str(Path(__file__).parent / "citylearn")
    part = script.Part("year", (0, 1), 0, 48)
    found = {arm: script.run_arm(folder, part, arm, 0.0, 1)[0] for arm in ("no-control", "mpc-perfect", "optimum")}
    cheap = script.run_arm(folder, part, "optimum-cost-carbon", 0.0, 1)[0]
    assert found["no-control"]["score"] == pytest.approx(1.0)
    assert found["optimum"]["score"] < found["no-control"]["score"]
    assert found["mpc-perfect"]["score"] < found["no-control"]["score"]
    assert cheap["cost"] + cheap["carbon"] <= found["optimum"]["cost"] + found["optimum"]["carbon"] + 0.02
