"""Heat pump: heat output limit and coefficient of performance from source and sink temperature."""

from numba import njit


@njit(cache=True)
def sink_c(t_out: float, base: float, slope: float, minimum: float) -> float:
    """Supply temperature of the heating curve [°C]: max(base + slope * t_out, minimum).

    Floor heating: base 30 °C, slope -0.5. Source: Ruhnau, Hirth, Praktiknjo 2019, DOI 10.1038/s41597-019-0199-y.
    """
    return max(base + slope * t_out, minimum)


@njit(cache=True)
def linear_fit(t_source: float, t_sink: float, t_ambient: float, p1: float, p2: float, p3: float, p4: float) -> float:
    """hplib's fit p1 t_source + p2 t_sink + p3 + p4 t_ambient [-]; temperatures in °C, p1, p2, p4 [1/K].

    Source: fits of European Heat Pump Keymark data published with hplib 1.9.
    """
    return p1 * t_source + p2 * t_sink + p3 + p4 * t_ambient


@njit(cache=True)
def cop(t_source: float, t_sink: float, t_ambient: float, p1: float, p2: float, p3: float, p4: float) -> float:
    """Coefficient of performance [-], at least 1: below that an electric element would take over."""
    return max(linear_fit(t_source, t_sink, t_ambient, p1, p2, p3, p4), 1.0)


@njit(cache=True)
def q_max(
    t_source: float, t_sink: float, t_ambient: float, q_ref: float, p1: float, p2: float, p3: float, p4: float
) -> float:
    """Largest heat output [kW] at these temperatures: q_ref [kW] times the fit, never negative.

    A speed-controlled pump at full speed behaves like an on-off pump, so its limit is hplib's thermal fit of that
    group. Below its smallest speed it cycles within the step; its mean output still takes every value from 0 on.
    """
    return q_ref * max(linear_fit(t_source, t_sink, t_ambient, p1, p2, p3, p4), 0.0)
