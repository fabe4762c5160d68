"""Transformer temperatures and insulation ageing after IEC 60076-7:2018 (loading guide for oil-immersed units).

State: top-oil temperature [°C] and two parts of the hot spot's rise over it [K]. The guide's three first-order
equations, load factor K = I / I_rated and loss ratio R = rated copper loss / iron loss::

    k11 τ_o       dθ_o/dt = Δθ_or ((1 + R K²) / (1 + R))^x - (θ_o - θ_a)
    k22 τ_w       dh1/dt  = k21 Δθ_hr K^y - h1
    (τ_o / k22)   dh2/dt  = (k21 - 1) Δθ_hr K^y - h2          θ_h = θ_o + h1 - h2

The guide steps them by Euler with half the winding's time constant at most; K and θ_a being constant over a step, each
has the exact solution target + (state - target) e^(-Δt/τ), which is stable at any step. Background: D. Susa and others,
IEEE Trans. Power Delivery 20(1) 197-204 (2005), doi:10.1109/TPWRD.2004.835255.
"""

import numpy as np

from entangrid.envs.kernels.jit import kernel


@kernel
def oil_rise(load: float, loss_ratio: float, rise_rated: float, exponent: float) -> float:
    """Final top-oil rise over the ambient [K]: Δθ_or ((1 + R K²) / (1 + R))^x."""
    return float(rise_rated * ((1.0 + loss_ratio * load * load) / (1.0 + loss_ratio)) ** exponent)


@kernel
def winding_rise(load: float, gradient_rated: float, exponent: float) -> float:
    """Final rise of the hot spot over the top oil [K]: Δθ_hr K^y."""
    return float(gradient_rated * load**exponent)


@kernel
def relative_ageing(hot_spot: float, upgraded: bool) -> float:
    """Relative ageing rate V of paper at a hot spot [°C]; V = 1 is normal life.

    Not thermally upgraded: 2^((θ_h - 98) / 6). Upgraded: e^(15000 / (110 + 273) - 15000 / (θ_h + 273)).
    """
    if upgraded:
        return float(np.exp(15000.0 / 383.0 - 15000.0 / (hot_spot + 273.0)))
    return float(2.0 ** ((hot_spot - 98.0) / 6.0))


@kernel
def thermal_step(
    oil: float,
    rise_1: float,
    rise_2: float,
    oil_final: float,
    winding_final: float,
    k21: float,
    keep_oil: float,
    keep_1: float,
    keep_2: float,
) -> tuple[float, float, float]:
    """One exact step of the state; ``keep_*`` are e^(-Δt/τ) of the three equations.

    ``oil_final`` [°C] is ambient plus :func:`oil_rise`, ``winding_final`` [K] is :func:`winding_rise`.
    """
    target_1, target_2 = k21 * winding_final, (k21 - 1.0) * winding_final
    return (
        oil_final + (oil - oil_final) * keep_oil,
        target_1 + (rise_1 - target_1) * keep_1,
        target_2 + (rise_2 - target_2) * keep_2,
    )


@kernel
def ageing_step(
    oil: float,
    rise_1: float,
    rise_2: float,
    oil_final: float,
    winding_final: float,
    k21: float,
    keep_oil: float,
    keep_1: float,
    keep_2: float,
    parts: int,
    upgraded: bool,
) -> tuple[float, float, float, float]:
    """``parts`` equal steps of :func:`thermal_step` and the mean of V over them (trapezoids).

    The winding answers in minutes and V doubles every 6 K, so V is integrated inside an environment's step.
    Returns (oil, rise_1, rise_2, mean V); mean V times the step's hours is the life lost [h].
    """
    before = relative_ageing(oil + rise_1 - rise_2, upgraded)
    total = 0.0
    for _ in range(parts):
        oil, rise_1, rise_2 = thermal_step(oil, rise_1, rise_2, oil_final, winding_final, k21, keep_oil, keep_1, keep_2)
        after = relative_ageing(oil + rise_1 - rise_2, upgraded)
        total += 0.5 * (before + after)
        before = after
    return oil, rise_1, rise_2, total / parts
