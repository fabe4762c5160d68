"""Hot-water tank: one fully mixed node, solved exactly over the step."""

import numpy as np

from entangrid.envs.kernels.jit import kernel
from entangrid.envs.layout import Records

TOUCH_K = 1e-9  # rounding that a tank brought exactly to a temperature may miss it by [K]


@kernel
def decay(k: float) -> tuple[float, float, float]:
    """(e^-k, mean of e^-ks over s in [0, 1], mean of what a constant input has built up by s); k >= 0.

    The three are e^-k, (1 - e^-k) / k and (1 - (1 - e^-k) / k) / k; for small k from their series.
    """
    if k < 1e-3:
        return np.exp(-k), 1.0 - k / 2.0 + k * k / 6.0 - k**3 / 24.0, 0.5 - k / 6.0 + k * k / 24.0 - k**3 / 120.0
    first = -np.expm1(-k) / k
    return np.exp(-k), first, (1.0 - first) / k


@kernel
def idle(home: Records, t_tank: float, dt: float) -> tuple[float, float]:
    """(temperature at the end without heat and draw [°C], rise at the end by a constant kilowatt [K/kW])."""
    keep, first, _ = decay(home["dhw_ua"] * dt / home["dhw_c"])
    return home["dhw_t_env"] + (t_tank - home["dhw_t_env"]) * keep, first * dt / home["dhw_c"]


@kernel
def heat_to(home: Records, t_tank: float, target: float, draw_kw: float, dt: float) -> float:
    """Constant heat [kW], at least 0, that brings the tank to a target [°C] by the end of the step in spite of a draw.

    0 without a tank. draw_kw >= 0 [kW]; dt [h].
    """
    if home["dhw_c"] <= 0.0:
        return 0.0
    free, rise = idle(home, t_tank, dt)
    return float(max((target - free) / rise + draw_kw, 0.0))


@kernel
def must_disinfect(home: Records, cold_h: float) -> bool:
    """Whether the tank is due to be heated to dhw_legionella_c: cold_h >= dhw_legionella_h > 0 [h]."""
    return bool(home["dhw_c"] > 0.0 and home["dhw_legionella_h"] > 0.0 and cold_h >= home["dhw_legionella_h"])


@kernel
def thermostat(home: Records, t_tank: float, cold_h: float, draw_kw: float, dt: float) -> float:
    """Heat that the tank's own control asks for [kW]: to dhw_t_set, or to dhw_legionella_c when that is due."""
    target = home["dhw_t_set"]
    if must_disinfect(home, cold_h):
        target = max(target, home["dhw_legionella_c"])
    return heat_to(home, t_tank, target, draw_kw, dt)


@kernel
def step(
    home: Records, t_tank: float, cold_h: float, q_request: float, draw_kw: float, dt: float
) -> tuple[float, float, float, float, float, float]:
    """Heat, draw and lose for one step.

    C dT/dt = q - d - UA (T - T_env),   T' = T_env + (T - T_env) e^-k + (q - d) (1 - e^-k) / UA,   k = UA dt / C

    Returns (T' [°C], hours since the tank was at dhw_legionella_c, heat taken q [kW], draw served d [kW], mean loss
    [kW], unmet draw [kWh]). Heat and draw are constant over the step. q is the request, at least 0 and at most what
    keeps T' <= dhw_t_max. The draw is served in full while T' >= dhw_t_min; otherwise as much as leaves the tank at
    dhw_t_min, and nothing if it is colder than that without draw. The hours are counted at steps' ends: 0 when T' is
    there, else dt more. No tank (dhw_c = 0): all zero, T unchanged.
    q_request, draw_kw: heat [kW], the latter the heat content of the water over the cold supply; dt [h].
    Source: one-node tank, Duffie, Beckman, Solar Engineering of Thermal Processes, DOI 10.1002/9781118671603, sec. 8.3.
    """
    if home["dhw_c"] <= 0.0:
        return t_tank, 0.0, 0.0, 0.0, 0.0, 0.0
    keep, first, second = decay(home["dhw_ua"] * dt / home["dhw_c"])
    excess = t_tank - home["dhw_t_env"]
    free = home["dhw_t_env"] + excess * keep
    rise = first * dt / home["dhw_c"]
    draw = max(draw_kw, 0.0)
    q = min(max(q_request, 0.0), max((home["dhw_t_max"] - free) / rise + draw, 0.0))
    drawn = min(draw, max((free - home["dhw_t_min"]) / rise + q, 0.0))
    t_end = free + rise * (q - drawn)
    loss = home["dhw_ua"] * (excess * first + (q - drawn) * second * dt / home["dhw_c"])
    cold = 0.0 if t_end >= home["dhw_legionella_c"] - TOUCH_K else cold_h + dt
    return t_end, cold, q, drawn, loss, (draw - drawn) * dt
