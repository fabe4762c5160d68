"""Heat pump: heat output limit and coefficient of performance from source and sink temperature."""

from entangrid.envs.kernels.jit import kernel
from entangrid.envs.layout import Records


@kernel
def sink_c(t_out: float, base: float, slope: float, minimum: float) -> float:
    """Supply temperature of the heating curve [°C]: max(base + slope * t_out, minimum).

    Floor heating: base 30 °C, slope -0.5. Source: Ruhnau, Hirth, Praktiknjo 2019, DOI 10.1038/s41597-019-0199-y.
    """
    return max(base + slope * t_out, minimum)


@kernel
def linear_fit(t_source: float, t_sink: float, t_ambient: float, p1: float, p2: float, p3: float, p4: float) -> float:
    """hplib's fit p1 t_source + p2 t_sink + p3 + p4 t_ambient [-]; temperatures in °C, p1, p2, p4 [1/K].

    Source: fits of European Heat Pump Keymark data published with hplib 1.9.
    """
    return p1 * t_source + p2 * t_sink + p3 + p4 * t_ambient


@kernel
def cop(t_source: float, t_sink: float, t_ambient: float, p1: float, p2: float, p3: float, p4: float) -> float:
    """Coefficient of performance [-], at least 1: below that an electric element would take over."""
    return max(linear_fit(t_source, t_sink, t_ambient, p1, p2, p3, p4), 1.0)


@kernel
def q_max(
    t_source: float, t_sink: float, t_ambient: float, q_ref: float, p1: float, p2: float, p3: float, p4: float
) -> float:
    """Largest heat output [kW] at these temperatures: q_ref [kW] times the fit, never negative.

    A speed-controlled pump at full speed behaves like an on-off pump, so its limit is hplib's thermal fit of that
    group. Below its smallest speed it cycles within the step; its mean output still takes every value from 0 on.
    """
    return q_ref * max(linear_fit(t_source, t_sink, t_ambient, p1, p2, p3, p4), 0.0)


@kernel
def quadratic_cop(t_source: float, t_sink: float, q0: float, q1: float, q2: float, factor: float) -> float:
    """when2heat's COP [-], at least 1: factor (q0 + q1 dT + q2 dT²), dT = max(sink - source, 15 K).

    q0 [-], q1 [1/K], q2 [1/K²]; factor (0.85 there) turns test-bench values into those of the field.
    Source: Ruhnau, Hirth, Praktiknjo 2019, DOI 10.1038/s41597-019-0199-y.
    """
    lift = max(t_sink - t_source, 15.0)
    return max(factor * (q0 + q1 * lift + q2 * lift * lift), 1.0)


@kernel
def heating(home: Records, t_out: float, t_sink: float) -> tuple[float, float]:
    """(cop [-], largest heat output [kW]) at this outdoor and supply temperature [°C].

    Source of heat: hp_source [°C], or the outdoor air where that is NaN. hp_model 0: :func:`cop` and :func:`q_max` with
    hplib's fits; 1: :func:`quadratic_cop` and the constant output hp_q_ref.
    """
    source = home["hp_source"]
    if source != source:
        source = t_out
    if home["hp_model"] > 0.0:
        return (
            quadratic_cop(
                source, t_sink, home["hp_quad_0"], home["hp_quad_1"], home["hp_quad_2"], home["hp_quad_factor"]
            ),
            home["hp_q_ref"],
        )
    return (
        cop(source, t_sink, t_out, home["hp_cop_p1"], home["hp_cop_p2"], home["hp_cop_p3"], home["hp_cop_p4"]),
        q_max(
            source,
            t_sink,
            t_out,
            home["hp_q_ref"],
            home["hp_pth_p1"],
            home["hp_pth_p2"],
            home["hp_pth_p3"],
            home["hp_pth_p4"],
        ),
    )


@kernel
def cooling(home: Records, t_out: float) -> tuple[float, float]:
    """(eer [-], at least 1, largest cooling output [kW]) at this outdoor temperature [°C].

    hplib's fits of EER and Pdc with the outdoor air as source and ambient, supply water at hp_cool_sink; Pdc is a share
    of hp_cool_q_ref, which holds at 35 °C outdoors and 7 °C supply.
    """
    sink = home["hp_cool_sink"]
    return (
        cop(t_out, sink, t_out, home["hp_eer_p1"], home["hp_eer_p2"], home["hp_eer_p3"], home["hp_eer_p4"]),
        q_max(
            t_out,
            sink,
            t_out,
            home["hp_cool_q_ref"],
            home["hp_pdc_p1"],
            home["hp_pdc_p2"],
            home["hp_pdc_p3"],
            home["hp_pdc_p4"],
        ),
    )


@kernel
def electric_share(home: Records, share: float) -> float:
    """Electric power as a share of that at full output [-], for a heat output share in [0, 1].

    Down to hp_min_share the speed follows and both shares are equal. Below, the pump cycles, and its COP falls as
    EN 14825 has it for units that heat or cool water: COP CR / (Cc CR + 1 - Cc), CR = share / hp_min_share, so

    electric share = hp_min_share (Cc CR + 1 - Cc)

    which meets the line above at CR = 1. As CR goes to 0 it goes to hp_min_share (1 - Cc), the draw of a unit that is
    on and waits; a unit with share = 0 is off and takes nothing, so the share jumps there, as in the standard, where
    off mode is counted by itself. Clipped to [0, 1] outside.
    """
    if share <= 0.0:
        return 0.0
    if share >= home["hp_min_share"]:
        return min(share, 1.0)
    return home["hp_cc"] * share + home["hp_min_share"] * (1.0 - home["hp_cc"])  # type: ignore[no-any-return]
