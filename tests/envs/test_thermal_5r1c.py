"""ISO 13790's 5R1C: a year against stored results of another code, with and without heating and cooling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from entangrid.data.errors import InputError
from entangrid.envs import archetypes, parameters, thermal
from entangrid.envs.kernels import zones as kernels

FOLDER = Path(__file__).parents[1] / "reference" / "iso13790_5r1c"


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "denver_hourly.csv.gz")


def house() -> dict[str, float]:
    given = json.loads((FOLDER / "parameters.json").read_text())
    derived = given["derived"]
    return archetypes.iso13790_5r1c(
        h_tr_em=derived["h_tr_em"],
        h_tr_w=derived["h_tr_w"],
        h_ve=derived["h_ve_adj"],
        a_m=derived["mass_area"],
        a_t=given["total_internal_area"],
        c_m=derived["c_m_j_per_k"] / 3.6e6,
    )


def year(reference: pd.DataFrame, ideal: bool, columns: dict[str, float]) -> tuple[Any, Any, Any]:
    """(mean air temperature, mass temperature at the hour's end, heat [kW]) of every hour."""
    table = pd.DataFrame([columns], index=["house"])
    homes, zones = parameters.home_records(table), parameters.zone_records(table)
    m = thermal.StepMatrices(*(part[0] for part in thermal.step_matrices(homes, zones, 1.0)))
    internal, solar = reference["internal_gains_w"] / 1e3, reference["solar_gains_w"] / 1e3
    u = np.column_stack([reference["t_out_c"], internal / 2.0, internal / 2.0 + solar])
    x, end, mean = np.array([20.0, 20.0]), np.empty(2), np.empty(2)
    air, mass, heat = (np.empty(len(u)) for _ in range(3))
    for t in range(len(u)):
        q = kernels.ideal_heat(x, u[t], m.a_mean, m.b_mean, 20.0, 26.0, 0) if ideal else 0.0
        u[t, 1] += q
        kernels.advance(x, u[t], m.a, m.b, m.a_mean, m.b_mean, end, mean)
        x[:] = end
        air[t], mass[t], heat[t] = mean[0], end[1], q
    return air, mass, heat


def rmse(a: Any, b: Any) -> float:
    return float(np.sqrt(np.mean((np.asarray(a) - np.asarray(b)) ** 2)))


def test_thermostat_of_unlimited_power(reference: pd.DataFrame) -> None:
    air, mass, heat = year(reference, True, house())
    assert rmse(air, reference["ideal_t_air_c"]) < 0.001  # asked for: 0.05 K
    assert rmse(mass, reference["ideal_t_mass_end_c"]) < 0.001
    stored = reference["ideal_heat_cool_w"] / 1e3
    assert heat.clip(0.0).sum() == pytest.approx(stored.clip(0.0).sum(), rel=1e-5)  # asked for: 0.5 %
    assert heat.clip(max=0.0).sum() == pytest.approx(stored.clip(upper=0.0).sum(), rel=1e-4)
    assert heat.clip(0.0).sum() == pytest.approx(12_218.0, abs=1.0)


def test_free_floating(reference: pd.DataFrame) -> None:
    air, mass, heat = year(reference, False, house())
    assert rmse(air, reference["free_t_air_c"]) < 0.001
    assert rmse(mass, reference["free_t_mass_end_c"]) < 0.001
    assert not heat.any()


def test_two_nodes_made_of_it_need_nearly_the_same_heat(reference: pd.DataFrame) -> None:
    _, _, exact = year(reference, True, house())
    air, _, heat = year(reference, True, archetypes.two_nodes(house(), c_air=0.33))
    assert heat.clip(0.0).sum() == pytest.approx(exact.clip(0.0).sum(), rel=0.02)
    assert rmse(air, reference["ideal_t_air_c"]) < 0.2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"h_ve": -1.0}, "h_ve is -1"),
        ({"c_m": 0.0}, "c_m is 0"),
        ({"a_t": float("nan")}, "a_t is nan"),
        ({"a_m": 600.0}, "a_m is 600 of a_t 540"),
    ],
)
def test_impossible_houses_are_named(change: dict[str, float], message: str) -> None:
    right = {"h_tr_em": 105.0, "h_tr_w": 26.0, "h_ve": 50.0, "a_m": 300.0, "a_t": 540.0, "c_m": 5.5}
    with pytest.raises(InputError, match=message):
        archetypes.iso13790_5r1c(**(right | change))


def test_heat_for_a_surface_that_is_not_there_is_refused() -> None:
    table = pd.DataFrame([house() | {"ua_air_surface_w_k": 0.0, "ua_air_mass_w_k": 100.0}], index=["house"])
    with pytest.raises(InputError, match="mass_to_surface of home 'house' is above 0 and it has no surface node"):
        parameters.zone_records(table)
