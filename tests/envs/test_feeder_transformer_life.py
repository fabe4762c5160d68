"""Hot spot and ageing of the transformer: reference points of the loading guide and an Euler twin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entangrid.data.errors import InputError
from entangrid.envs.kernels.transformer import relative_ageing
from entangrid.envs.transformer_life import ThermalConstants, hot_spot


def euler_twin(load: np.ndarray, ambient: np.ndarray, ratio: float, c: ThermalConstants, minutes: float) -> np.ndarray:
    """Hot spot at the end of every step by the guide's difference equations with steps of 0.05 min."""
    dt = 0.05
    rise = c.oil_rise_k * ((1 + ratio * load**2) / (1 + ratio)) ** c.oil_exponent
    gradient = c.hot_spot_gradient_k * load**c.winding_exponent
    oil, h1, h2 = ambient[0] + rise[0], c.k21 * gradient[0], (c.k21 - 1) * gradient[0]
    out = []
    for t in range(len(load)):
        for _ in range(round(minutes / dt)):
            oil += dt / (c.k11 * c.tau_oil_min) * (rise[t] - (oil - ambient[t]))
            h1 += dt / (c.k22 * c.tau_winding_min) * (c.k21 * gradient[t] - h1)
            h2 += dt * c.k22 / c.tau_oil_min * ((c.k21 - 1) * gradient[t] - h2)
        out.append(oil + h1 - h2)
    return np.array(out)


def test_rated_load_at_20_degrees_settles_at_98_degrees_and_ages_normally() -> None:
    result = hot_spot(np.full(4, 100.0), 20.0, 1.0)
    np.testing.assert_allclose(result.hot_spot_c, 98.0)
    np.testing.assert_allclose(result.top_oil_c, 75.0)
    np.testing.assert_allclose(result.loss_of_life_hours, 1.0)


@pytest.mark.parametrize(
    ("temperature", "plain", "upgraded"),
    [(80, 0.125, 0.036), (92, 0.5, 0.145), (98, 1.0, 0.282), (110, 4.0, 1.0), (122, 16.0, 3.29), (140, 128.0, 17.2)],
)
def test_relative_ageing_has_the_guides_values(temperature: float, plain: float, upgraded: float) -> None:
    assert relative_ageing(temperature, False) == pytest.approx(plain, rel=1e-12)
    assert relative_ageing(temperature, True) == pytest.approx(upgraded, rel=0.02)


@pytest.mark.parametrize("constants", [ThermalConstants(), ThermalConstants(k11=0.5, k21=2.0, tau_winding_min=7.0)])
def test_exact_steps_agree_with_small_euler_steps(constants: ThermalConstants) -> None:
    load = np.array([0.3, 0.3, 1.4, 1.4, 0.9, 0.2, 0.0, 1.1])
    ambient = np.array([5.0, 6.0, 6.0, 12.0, 25.0, 30.0, 18.0, -5.0])
    ours = hot_spot(100 * load, ambient, 0.25, loss_ratio=6.0, constants=constants).hot_spot_c
    np.testing.assert_allclose(ours, euler_twin(load, ambient, 6.0, constants, 15.0), atol=0.15)


def test_temperature_does_not_depend_on_the_step_and_life_hardly() -> None:
    load, ambient = np.repeat([40.0, 130.0, 80.0, 110.0], 4), np.repeat([5.0, 10.0, 20.0, 0.0], 4)
    coarse = hot_spot(load, ambient, 1.0)
    fine = hot_spot(np.repeat(load, 12), np.repeat(ambient, 12), 1.0 / 12)
    np.testing.assert_allclose(coarse.hot_spot_c, fine.hot_spot_c[11::12], rtol=1e-12)
    np.testing.assert_allclose(coarse.loss_of_life_hours.sum(), fine.loss_of_life_hours.sum(), rtol=0.01)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0.0, 200.0), min_size=1, max_size=30),
    st.floats(-20.0, 40.0),
    st.floats(0.0, 20.0),
    st.floats(0.02, 2.0),
)
def test_ageing_is_positive_and_grows_with_load_and_ambient(
    load: list[float], ambient: float, ratio: float, hours: float
) -> None:
    base = hot_spot(load, ambient, hours, loss_ratio=ratio)
    hotter = hot_spot(load, ambient + 6.0, hours, loss_ratio=ratio)
    loaded = hot_spot([value + 10.0 for value in load], ambient, hours, loss_ratio=ratio)
    assert (base.loss_of_life_hours > 0.0).all()
    np.testing.assert_allclose(hotter.ageing_rate, 2.0 * base.ageing_rate, rtol=1e-9)
    assert (loaded.ageing_rate > base.ageing_rate).all()
    assert (base.hot_spot_c >= base.top_oil_c - 1e-9).all()


def test_transformer_without_iron_loss_is_accepted() -> None:
    assert hot_spot([100.0], 20.0, 1.0, loss_ratio=float("inf")).hot_spot_c[0] == pytest.approx(98.0)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="loading_percent"):
        hot_spot([-1.0], 20.0, 1.0)
    with pytest.raises(InputError, match="ambient_c"):
        hot_spot([50.0, 60.0], [20.0, 20.0, 20.0], 1.0)
    with pytest.raises(InputError, match="step_hours = 0"):
        hot_spot([50.0], 20.0, 0)
    with pytest.raises(InputError, match="loss_ratio = -1"):
        hot_spot([50.0], 20.0, 1.0, loss_ratio=-1)
    with pytest.raises(InputError, match=r"ThermalConstants: k21 = 0\.5"):
        ThermalConstants(k21=0.5)
