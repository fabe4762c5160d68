"""Archetypes: a table that the kernels take, in the order and the size that homes have."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from entangrid.data.errors import InputError
from entangrid.envs import archetypes, parameters, thermal

ALL = list(itertools.product(archetypes.ERAS, archetypes.SIZES, archetypes.MASS_CLASSES))


@pytest.mark.parametrize("model", ["2r2c", "5r1c"])
@pytest.mark.parametrize("zones", [1, 2, 3, 4])
def test_every_archetype_becomes_records(model: str, zones: int) -> None:
    table = pd.concat([archetypes.archetype(*each, model=model, zones=zones) for each in ALL])
    assert table.index.is_unique
    homes, records = parameters.home_records(table), parameters.zone_records(table)
    assert records.shape == (len(ALL), zones)
    m = thermal.step_matrices(homes, records, 0.25)
    assert np.isfinite(m.a).all()
    assert m.capacity.sum(axis=1) == pytest.approx(
        [archetypes.MASS_CLASSES[c].capacity * archetypes.SIZES[s].floor_area / 3_600 for _, s, c in ALL], abs=0.005
    )
    for share in ("gain_share", "day_share", "night_share"):
        assert records[share].sum(axis=1) == pytest.approx(np.ones(len(ALL)))


def test_losses_by_hand() -> None:
    """Detached, 2010-2020: a box of 9 m by 7.78 m, two storeys of 2.8 m."""
    losses = archetypes.losses_w_k("2010-2020", "detached")
    facade = 2 * (9 + 70 / 9) * 5.6
    assert losses["opaque"] == pytest.approx((facade - 28) * 0.33 + 70 * 0.25 + 70 * 0.40 * 0.5)
    assert losses["windows"] == pytest.approx(28 * 1.35)
    assert losses["ventilation"] == pytest.approx(0.34 * 0.5 * 140 * 2.5)
    assert archetypes.design_load_kw("2010-2020") == pytest.approx(sum(losses.values()) * 32 / 1e3)


def test_newer_homes_lose_less_and_detached_ones_most() -> None:
    def per_area(era: str, size: str) -> float:
        return sum(archetypes.losses_w_k(era, size).values()) / archetypes.SIZES[size].floor_area

    for size in archetypes.SIZES:
        by_era = [per_area(era, size) for era in archetypes.ERAS]
        assert by_era == sorted(by_era, reverse=True)
    for era in archetypes.ERAS:
        assert per_area(era, "detached") > max(per_area(era, "terraced"), per_area(era, "apartment"))


def test_magnitudes_are_those_of_real_homes() -> None:
    """TABULA's German single-family house of 1969-1978: 493 + 88 W/K on 173 m², 3.4 W/(m² K); a passive house's heat
    load is about 10 W/m² with its gains, and 15 to 20 without."""
    old = sum(archetypes.losses_w_k("before 1979", "detached").values()) / 140
    assert 2.8 < old < 4.0
    assert 1_000 * archetypes.design_load_kw("passive", "detached") / 140 < 20


def test_both_models_lose_the_same_in_the_steady_state() -> None:
    for era in archetypes.ERAS:
        one, five = (parameters.zone_records(archetypes.archetype(era, model=m)) for m in ("2r2c", "5r1c"))
        assert one["ua_steady"] == pytest.approx(five["ua_steady"], rel=2e-3)


def test_zones_split_a_home_without_changing_its_sum() -> None:
    one = parameters.zone_records(archetypes.archetype("1979-1994", zones=1))
    for zones in (2, 3, 4):
        table = archetypes.archetype("1979-1994", zones=zones)
        assert parameters.zone_records(table)["ua_steady"].sum() == pytest.approx(one["ua_steady"].sum(), rel=2e-3)
        assert table["zone2_t_set_c"].iloc[0] == 19.0
        assert table["ua_zone1_zone2_w_k"].iloc[0] > 10.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"era": "1890"}, "era is '1890'; expected one of before 1979"),
        ({"era": "passive", "size": "castle"}, "size is 'castle'"),
        ({"era": "passive", "mass_class": "solid"}, "mass_class is 'solid'"),
        ({"era": "passive", "model": "7r2c"}, "model is '7r2c'"),
        ({"era": "passive", "zones": 5}, "zones is 5"),
    ],
)
def test_unknown_names_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        archetypes.archetype(**arguments)
