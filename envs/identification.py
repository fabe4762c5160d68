"""A thermal model fitted to a measured home: temperatures, weather, gains and delivered heat in, table columns out.

A thermostat makes a home hard to identify, because its air temperature hardly moves. The error of a simulation over
the whole period is then smallest for a house too heavy to move at all, and the error one step ahead is mostly noise.
So the error up to ``horizon_h`` ahead is made small (6 h, about what a heat pump can shift): the model runs without
measured temperatures for so long, then its air starts from the measured one again while its mass runs on. Capacities
stay within ISO 13790's mass classes, and all parameters are drawn towards what a home of that floor area has
(:data:`STARTS`), as much as a short and autocorrelated record deserves.

Sources: Madsen, Holst 1995, DOI 10.1016/0378-7788(94)00904-X; Bacher, Madsen 2011, DOI 10.1016/j.enbuild.2011.02.005.
"""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import least_squares

from entangrid.data.errors import InputError
from entangrid.envs import parameters, thermal
from entangrid.envs.layout import HOME, ZONE

F = NDArray[np.float64]
Model = Literal["1r1c", "2r2c"]


class Measured(NamedTuple):
    """A measured home: ``t_air_c`` at the start of each step, the rest as means over it; (T,) each."""

    t_air_c: F
    t_out_c: F
    heat_kw: F  # delivered; cooling negative
    gains_kw: F  # people and appliances
    solar_kw: F  # through the windows
    dt_h: float

    def part(self, first: int, last: int) -> "Measured":
        """Steps ``first`` to ``last``, the latter not included."""
        air, out, heat, gains, solar = (np.asarray(series)[first:last] for series in self[:5])
        return Measured(air, out, heat, gains, solar, self.dt_h)


class Fitted(NamedTuple):
    """A fitted model: a row of ``Scenario.homes``, and how it shares gains out."""

    columns: pd.DataFrame  # (1, ...) thermal columns; its index is the model's name
    gains_to_air: float  # share of ``gains_kw`` that is gains_air_kw; the rest is gains_mass_kw
    solar_to_air: float  # the same of ``solar_factor`` times ``solar_kw``
    solar_factor: float
    mass_offset_k: float  # mass over air temperature when the fitted period began
    error_k: float  # root mean square error up to the horizon, in the fitted period


class Start(NamedTuple):
    """Where a parameter starts and is drawn to. ``spread``: of its logarithm, its logit, or itself, by ``kind``."""

    value: float
    spread: float
    kind: Literal["log", "logit", "linear"] = "log"
    per_area: bool = False  # value, low and high are per m² of floor
    low: float = 0.0
    high: float = np.inf


_CAPACITY = {"per_area": True, "low": 80.0 / 3_600.0, "high": 370.0 / 3_600.0}

#: A factor of two either way for capacities [kWh/K] and conductances [W/K]: ISO 13790's medium mass class within the
#: range of its classes, 36 kJ/(m² K) for air, furniture and linings, a loss of 1.2 W/(m² K), H_is and H_ms in series.
STARTS: dict[str, dict[str, Start]] = {
    "1r1c": {
        "c_mass_kwh_k": Start(0.056, 0.7, **_CAPACITY),  # type: ignore[arg-type]
        "ua_mass_out_w_k": Start(1.2, 0.7, per_area=True),
    },
    "2r2c": {
        "c_air_kwh_k": Start(0.010, 0.7, per_area=True),
        "c_mass_kwh_k": Start(0.046, 0.7, **_CAPACITY),  # type: ignore[arg-type]
        "ua_air_out_w_k": Start(0.4, 0.7, per_area=True),
        "ua_mass_out_w_k": Start(0.8, 0.7, per_area=True),
        "ua_air_mass_w_k": Start(9.0, 0.7, per_area=True),
        "hp_air_share": Start(0.7, 1.0, "logit"),
        "solar_to_air": Start(0.3, 1.0, "logit"),
        "solar_factor": Start(1.0, 0.7),
        "mass_offset_k": Start(0.0, 1.0, "linear"),
    },
}

SAME_H = 6.0  # residuals so close in time say the same: together they count as one against STARTS
SENSOR_K = 0.1  # no residual is trusted to less


def fit(measured: Measured, floor_area_m2: float, model: Model = "2r2c", *, horizon_h: float = 6.0) -> Fitted:
    """Fit a model to a measured period; a week of 15-min steps takes seconds.

    model: "2r2c" (air and mass), or "1r1c", one node that takes gains and heat as given, for comparison.
    floor_area_m2: sets where parameters start and what they are drawn to. horizon_h: see the module.
    Raises InputError for series of unequal length, a gap, less than a day, or an argument out of range.
    """
    _check(measured, model, floor_area_m2, horizon_h)
    starts = list(STARTS[model].values())
    area = [floor_area_m2 if start.per_area else 1.0 for start in starts]
    middle = np.array([_encode(start.value * a, start.kind) for start, a in zip(starts, area, strict=True)])
    spread = np.array([start.spread for start in starts])
    bounds = np.full((2, len(starts)), 25.0) * np.array([[-1.0], [1.0]])
    for i, (start, a) in enumerate(zip(starts, area, strict=True)):
        if np.isfinite(start.high):
            bounds[:, i] = _encode(start.low * a, start.kind), _encode(start.high * a, start.kind)
    horizon = max(round(horizon_h / measured.dt_h), 1)
    repeats = max(SAME_H / measured.dt_h, 1.0)

    def error(encoded: F) -> F:
        trial = _decode(model, encoded)
        return np.nan_to_num(_run(trial, measured, trial.mass_offset_k, horizon) - measured.t_air_c, nan=1e3)

    encoded, noise = middle, 0.3
    for _ in range(4):  # the weight of the data follows the size of the residuals
        weight = 1.0 / (max(noise, SENSOR_K) * np.sqrt(repeats))

        def residuals(trial: F, weight: float = weight) -> F:
            return np.concatenate([error(trial) * weight, (trial - middle) / spread])

        encoded = least_squares(residuals, encoded, bounds=(bounds[0], bounds[1])).x
        noise = rmse_k(error(encoded), 0.0)
    return _decode(model, encoded)._replace(error_k=noise)


def simulate(fitted: Fitted, measured: Measured, mass_offset_k: float | None = None) -> F:
    """Air temperature (T,) [°C] at the start of each step, from the first measured one on without another.

    mass_offset_k: mass over air temperature at the start; default: that of the fitted period.
    """
    offset = fitted.mass_offset_k if mass_offset_k is None else mass_offset_k
    return _run(fitted, measured, offset, len(measured.t_air_c))


def gains_kw(fitted: Fitted, measured: Measured) -> tuple[F, F]:
    """(gains_air_kw, gains_mass_kw) of a ``Scenario`` for the fitted home, (T,) each."""
    solar = fitted.solar_factor * np.asarray(measured.solar_kw)
    gains = np.asarray(measured.gains_kw)
    air = fitted.gains_to_air * gains + fitted.solar_to_air * solar
    return air, gains + solar - air


def rmse_k(simulated: F, measured: F | float) -> float:
    """Root mean square difference [K]."""
    return float(np.sqrt(np.mean((np.asarray(simulated) - np.asarray(measured)) ** 2)))


def _check(measured: Measured, model: str, floor_area_m2: float, horizon_h: float) -> None:
    if model not in STARTS:
        raise InputError(f"fit: model is {model!r}; expected one of {', '.join(STARTS)}")
    for name, value in (("floor_area_m2", floor_area_m2), ("horizon_h", horizon_h), ("dt_h", measured.dt_h)):
        if not 0.0 < value < np.inf:
            raise InputError(f"fit: {name} is {value:g}; expected a number above 0")
    n = len(measured.t_air_c)
    for name in ("t_air_c", "t_out_c", "heat_kw", "gains_kw", "solar_kw"):
        series = np.asarray(getattr(measured, name), np.float64)
        if series.shape != (n,):
            raise InputError(f"fit: {name} has shape {series.shape}; expected {(n,)} as t_air_c")
        if not np.isfinite(series).all():
            raise InputError(f"fit: {name} has a gap at step {int(np.argmin(np.isfinite(series)))}; expected numbers")
    if n * measured.dt_h < 24.0:
        raise InputError(f"fit: the series lasts {n * measured.dt_h:g} h; expected at least a day")


def _encode(value: float, kind: str) -> float:
    if kind == "linear":
        return value
    return float(np.log(value) if kind == "log" else np.log(value / (1.0 - value)))


def _decode(model: str, encoded: F) -> Fitted:
    """The model that encoded parameters make."""
    value: dict[str, float] = {}
    for (name, start), x in zip(STARTS[model].items(), encoded, strict=True):
        value[name] = float({"log": np.exp(x), "logit": 1.0 / (1.0 + np.exp(-x)), "linear": x}[start.kind])
    columns = {name: x for name, x in value.items() if name in parameters.PARAMETERS}
    if model == "1r1c":  # an air node with neither capacity nor loss nor heat is where the mass is
        columns |= {"c_air_kwh_k": 0.0, "ua_air_out_w_k": 0.0, "ua_air_mass_w_k": 1e3, "hp_air_share": 0.0}
    return Fitted(
        pd.DataFrame([columns], index=[model]),
        gains_to_air=0.0 if model == "1r1c" else 1.0,
        solar_to_air=value.get("solar_to_air", 0.0),
        solar_factor=value.get("solar_factor", 1.0),
        mass_offset_k=value.get("mass_offset_k", 0.0),
        error_k=float("nan"),
    )


def _run(fitted: Fitted, measured: Measured, mass_offset_k: float, horizon: int) -> F:
    """Air temperature at the start of each step; every ``horizon`` steps the air starts from the measured one."""
    row = fitted.columns.iloc[0]
    home, zones = np.zeros(1, HOME), np.zeros((1, 1), ZONE)
    zones["mass_to_mass"] = 1.0
    for name in ("c_air_kwh_k", "c_mass_kwh_k", "ua_air_out_w_k", "ua_mass_out_w_k", "ua_air_mass_w_k"):
        parameter = parameters.ZONE_PARAMETERS[name]
        zones[parameter.field] = row[name] * parameter.scale
    m = thermal.StepMatrices(*(part[0] for part in thermal.step_matrices(home, zones, measured.dt_h)))
    air, mass = gains_kw(fitted, measured)
    heat = np.asarray(measured.heat_kw)
    share = float(row["hp_air_share"])
    u = np.column_stack([measured.t_out_c, air + share * heat, mass + (1.0 - share) * heat])

    forcing = u @ m.b.T
    (a_aa, a_am), (a_ma, a_mm) = m.a.tolist()
    by_air, by_mass = forcing.T.tolist()
    tied = m.capacity[0] == 0.0  # 1r1c
    t_air = float(measured.t_air_c[0])
    t_mass = t_air + mass_offset_k
    out = np.empty(len(u))
    for t in range(len(u)):
        if t % horizon == 0:
            t_air = float(measured.t_air_c[t])
            t_mass = t_air if tied else t_mass
        out[t] = t_air
        t_air, t_mass = a_aa * t_air + a_am * t_mass + by_air[t], a_ma * t_air + a_mm * t_mass + by_mass[t]
    return out
