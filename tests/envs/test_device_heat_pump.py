"""Heat pump: COP and output when heating and cooling, part load; against a NumPy twin and published values."""

from __future__ import annotations

import math
from pathlib import Path

import device_cases as cases
import numpy as np
import pandas as pd
import pytest
from device_cases import numbers
from hypothesis import given
from hypothesis import strategies as st

from entangrid.data.errors import InputError
from entangrid.data.sources.heat_pumps import WHEN2HEAT, WHEN2HEAT_FACTOR, hplib_generic
from entangrid.envs.kernels import heat_pump

HERE = Path(__file__).parent
temperatures = numbers(-30.0, 45.0)


def fits(name: str, p: tuple[float, float, float, float]) -> dict[str, float]:
    return {f"hp_{name}_p{i}": p[i - 1] for i in (1, 2, 3, 4)}


def plane(home, name: str, source: float, sink: float, ambient: float) -> float:
    p = np.array([home[f"hp_{name}_p{i}"] for i in (1, 2, 3, 4)])
    return float(p @ np.array([source, sink, 1.0, ambient]))


@st.composite
def pumps(draw: st.DrawFn):
    planes = {}
    for name in ("cop", "pth", "eer", "pdc"):
        slope = draw(numbers(-70.0, 70.0))
        rest = draw(st.tuples(numbers(-0.1, 0.1), numbers(-1.0, 8.0), numbers(-0.2, 0.2)))
        planes |= fits(name, (slope, rest[0], rest[1], rest[2] - slope))
    return cases.home(
        **planes,
        hp_model=draw(st.sampled_from([0.0, 1.0])),
        hp_q_ref=draw(numbers(0.0, 20.0)),
        hp_cool_q_ref=draw(numbers(0.0, 20.0)),
        hp_source=draw(st.one_of(st.just(math.nan), numbers(-5.0, 20.0))),
        hp_quad_0=draw(numbers(4.0, 12.0)),
        hp_quad_1=draw(numbers(-0.25, -0.05)),
        hp_quad_2=draw(numbers(0.0, 0.002)),
        hp_quad_factor=draw(numbers(0.5, 1.0)),
        hp_cool_sink=draw(numbers(5.0, 20.0)),
        hp_min_share=draw(numbers(0.0, 1.0)),
        hp_cc=draw(numbers(0.5, 1.0)),
    )


@given(pumps(), temperatures, numbers(20.0, 70.0))
def test_heating_equals_numpy_twin(home, t_out: float, t_sink: float) -> None:
    source = t_out if math.isnan(home["hp_source"]) else home["hp_source"]
    if home["hp_model"] == 1.0:
        lift = np.clip(t_sink - source, 15.0, None)
        poly = np.polynomial.Polynomial([home["hp_quad_0"], home["hp_quad_1"], home["hp_quad_2"]])
        expected = np.clip(home["hp_quad_factor"] * poly(lift), 1.0, None), home["hp_q_ref"]
    else:
        cop = np.clip(plane(home, "cop", source, t_sink, t_out), 1.0, None)
        expected = cop, home["hp_q_ref"] * np.clip(plane(home, "pth", source, t_sink, t_out), 0.0, None)
    assert heat_pump.heating(home, t_out, t_sink) == pytest.approx(expected, rel=1e-10, abs=1e-9)


@given(pumps(), temperatures)
def test_cooling_equals_numpy_twin(home, t_out: float) -> None:
    eer = np.clip(plane(home, "eer", t_out, home["hp_cool_sink"], t_out), 1.0, None)
    q = home["hp_cool_q_ref"] * np.clip(plane(home, "pdc", t_out, home["hp_cool_sink"], t_out), 0.0, None)
    assert heat_pump.cooling(home, t_out) == pytest.approx((eer, q), rel=1e-10, abs=1e-9)


@given(pumps(), temperatures, numbers(20.0, 70.0))
def test_neither_mode_makes_less_heat_than_power_nor_negative_output(home, t_out: float, t_sink: float) -> None:
    for efficiency, q_max in (heat_pump.heating(home, t_out, t_sink), heat_pump.cooling(home, t_out)):
        assert efficiency >= 1.0
        assert q_max >= 0.0


@pytest.mark.parametrize(("t_out", "expected"), [(-15, 1.67), (-7, 2.90), (2, 4.29), (7, 5.06), (12, 5.83)])
def test_cop_of_the_generic_pump_at_35_degrees(t_out: float, expected: float) -> None:
    """Values computed with hplib 1.9."""
    home = cases.home(**fits("cop", hplib_generic(1).cop), **fits("pth", hplib_generic(4).pth), hp_q_ref=6.7)
    cop, q_max = heat_pump.heating(home, t_out, 35.0)
    assert cop == pytest.approx(expected, rel=0.01)
    assert 4.0 < q_max < 12.0


@pytest.mark.parametrize("source", ["air", "ground", "water"])
def test_when2heat_coefficients_are_the_published_ones(source: str) -> None:
    table = pd.read_csv(HERE / "data" / "when2heat" / "cop_parameters.csv", index_col="source")
    assert WHEN2HEAT[source] == tuple(table.loc[source])


def test_when2heat_cop_by_hand_and_its_smallest_lift() -> None:
    q0, q1, q2 = WHEN2HEAT["air"]
    home = cases.home(hp_model=1, hp_quad_0=q0, hp_quad_1=q1, hp_quad_2=q2, hp_quad_factor=WHEN2HEAT_FACTOR, hp_q_ref=8)
    assert heat_pump.heating(home, 5.0, 35.0) == pytest.approx((0.85 * (6.08 - 2.823 + 0.4176), 8.0), rel=1e-12)
    assert heat_pump.heating(home, 30.0, 35.0) == heat_pump.heating(home, 20.0, 35.0)
    lifts = [heat_pump.heating(home, t, 35.0)[0] for t in range(-25, 21)]
    assert lifts == sorted(lifts)


def test_ground_source_keeps_its_temperature_whatever_the_weather() -> None:
    q0, q1, q2 = WHEN2HEAT["ground"]
    home = cases.home(hp_model=1, hp_quad_0=q0, hp_quad_1=q1, hp_quad_2=q2, hp_source=5.0, hp_q_ref=8)
    assert heat_pump.heating(home, -20.0, 35.0) == heat_pump.heating(home, 30.0, 35.0)
    brine = cases.home(**fits("cop", hplib_generic(2).cop), **fits("pth", hplib_generic(5).pth), hp_source=5.0)
    assert heat_pump.heating(brine, 0.0, 35.0)[0] == pytest.approx(hplib_generic(2).cop_at(5.0, 35.0), abs=0.01)


def test_generic_cooling_is_sensible() -> None:
    """EER of EN 14511's points: about 3 to 4 at 35 °C outdoors, higher for a warmer supply and milder weather."""
    fit = hplib_generic(1)
    home = cases.home(**fits("eer", fit.eer), **fits("pdc", fit.pdc), hp_cool_q_ref=5.0, hp_cool_sink=7.0)
    eer, q_max = heat_pump.cooling(home, 35.0)
    assert eer == pytest.approx(3.28, abs=0.01)
    assert q_max == pytest.approx(5.0, rel=0.002)
    assert (eer, q_max) == pytest.approx((fit.eer_at(35.0, 7.0), 5.0 * fit.cold_share_at(35.0, 7.0)), rel=1e-12)
    warmer = cases.home(**fits("eer", fit.eer), **fits("pdc", fit.pdc), hp_cool_q_ref=5.0, hp_cool_sink=18.0)
    assert heat_pump.cooling(warmer, 35.0)[0] == pytest.approx(3.99, abs=0.01)
    falling = [heat_pump.cooling(warmer, t)[0] for t in (20.0, 25.0, 30.0, 35.0, 40.0)]
    assert falling == sorted(falling, reverse=True)


@pytest.mark.parametrize("group", [2, 4, 5, 6])
def test_groups_without_cooling_say_so(group: int) -> None:
    fit = hplib_generic(group)
    assert fit.eer is None
    assert fit.pdc is None
    with pytest.raises(InputError, match="no fit for cooling"):
        fit.eer_at(35.0, 7.0)
    with pytest.raises(InputError, match="no fit for cooling"):
        fit.cold_share_at(35.0, 7.0)


@given(pumps(), numbers(1e-6, 1.0))
def test_part_load_is_en_14825(home, share: float) -> None:
    """COP over full-load COP is CR / (Cc CR + 1 - Cc) below the smallest speed, 1 above."""
    cr = share / home["hp_min_share"] if share < home["hp_min_share"] else 1.0
    relative_cop = cr / (home["hp_cc"] * cr + 1.0 - home["hp_cc"])
    assert share / heat_pump.electric_share(home, share) == pytest.approx(relative_cop, rel=1e-9)


@given(pumps(), numbers(-0.5, 1.5), numbers(-0.5, 1.5))
def test_electric_share_rises_with_the_heat_and_never_falls_below_it(home, one: float, other: float) -> None:
    low, high = sorted((one, other))
    below, above = heat_pump.electric_share(home, low), heat_pump.electric_share(home, high)
    assert 0.0 <= below <= above + 1e-15
    assert above <= 1.0
    assert above >= min(max(high, 0.0), 1.0) - 1e-15


def test_a_unit_that_is_off_takes_nothing_one_that_waits_a_little() -> None:
    home = cases.home(hp_min_share=0.3, hp_cc=0.9)
    assert heat_pump.electric_share(home, 0.0) == 0.0
    assert heat_pump.electric_share(home, 1e-12) == pytest.approx(0.03)
    assert heat_pump.electric_share(home, 0.3 - 1e-12) == pytest.approx(0.3)
    assert heat_pump.electric_share(cases.home(hp_min_share=0.0), 1e-12) == 1e-12
