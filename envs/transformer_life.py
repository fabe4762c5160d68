"""Hot spot and loss of life of a feeder's transformer over a series of loadings (IEC 60076-7:2018)."""

import math
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from entangrid.data.errors import InputError
from entangrid.envs.kernels.transformer import ageing_step, oil_rise, winding_rise

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ThermalConstants:
    """Thermal constants of a transformer; the defaults are the guide's for distribution units with ONAN cooling.

    A rated load at 20 °C settles at 20 + 55 + 23 = 98 °C, where paper that is not upgraded ages normally.
    """

    oil_rise_k: float = 55.0
    hot_spot_gradient_k: float = 23.0
    oil_exponent: float = 0.8
    winding_exponent: float = 1.6
    tau_oil_min: float = 180.0
    tau_winding_min: float = 4.0
    k11: float = 1.0
    k21: float = 1.0
    k22: float = 2.0
    upgraded_paper: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least = 1.0 if field.name == "k21" else 0.0
            if field.name != "upgraded_paper" and not (math.isfinite(value) and value >= least and value > 0.0):
                raise InputError(f"ThermalConstants: {field.name} = {value!r}, expected a number > 0 (k21: >= 1)")

    def decays(self, minutes: float) -> tuple[float, float, float]:
        """e^(-Δt/τ) over some minutes for top oil and both winding terms: the kernels' ``keep_*``."""
        return (
            math.exp(-minutes / (self.k11 * self.tau_oil_min)),
            math.exp(-minutes / (self.k22 * self.tau_winding_min)),
            math.exp(-minutes * self.k22 / self.tau_oil_min),
        )

    def parts(self, minutes: float) -> int:
        """Sub-steps of at most half the winding's time constant, for the integral of the ageing rate."""
        return max(1, math.ceil(2.0 * minutes / self.tau_winding_min))


class HotSpot(NamedTuple):
    """Per step (T,): temperatures at its end, mean relative ageing rate in it, life lost in it."""

    hot_spot_c: Floats
    top_oil_c: Floats
    ageing_rate: Floats
    loss_of_life_hours: Floats


def hot_spot(
    loading_percent: ArrayLike,
    ambient_c: ArrayLike,
    step_hours: float,
    *,
    loss_ratio: float = 5.0,
    constants: ThermalConstants | None = None,
) -> HotSpot:
    """Temperatures and ageing of a transformer under a series of loadings, from the steady state of its first step.

    loading_percent: (T,) as in :class:`~entangrid.envs.feeder.PowerFlow`; ambient_c: (T,) or one number. ``loss_ratio``
    is rated copper loss over iron loss (a feeder's: ``feeder.grid.transformer.loss_ratio``). Raises InputError for
    values that are not finite, negative loadings and shapes that differ.
    """
    constants = constants or ThermalConstants()
    load = np.atleast_1d(np.asarray(loading_percent, dtype=np.float64)) / 100.0
    if load.ndim != 1 or len(load) == 0 or not np.isfinite(load).all() or (load < 0.0).any():
        raise InputError(f"loading_percent: expected finite numbers >= 0 of shape (T,), got shape {load.shape}")
    ambient = np.asarray(ambient_c, dtype=np.float64)
    if ambient.shape not in ((), load.shape) or not np.isfinite(ambient).all():
        raise InputError(f"ambient_c: expected one finite number or shape {load.shape}, got shape {ambient.shape}")
    if not (math.isfinite(step_hours) and step_hours > 0.0):
        raise InputError(f"step_hours = {step_hours!r}, expected a number > 0")
    if not loss_ratio >= 0.0:
        raise InputError(f"loss_ratio = {loss_ratio!r}, expected a number >= 0")
    ambient = np.broadcast_to(ambient, load.shape)
    ratio = min(loss_ratio, 1e9)  # a transformer without iron loss has an infinite ratio
    parts = constants.parts(60.0 * step_hours)
    keep = constants.decays(60.0 * step_hours / parts)
    out = np.empty((3, len(load)))
    oil, rise_1, rise_2 = 0.0, 0.0, 0.0
    for t in range(len(load)):
        oil_final = ambient[t] + oil_rise(load[t], ratio, constants.oil_rise_k, constants.oil_exponent)
        winding = winding_rise(load[t], constants.hot_spot_gradient_k, constants.winding_exponent)
        if t == 0:
            oil, rise_1, rise_2 = oil_final, constants.k21 * winding, (constants.k21 - 1.0) * winding
        oil, rise_1, rise_2, rate = ageing_step(
            oil, rise_1, rise_2, oil_final, winding, constants.k21, *keep, parts, constants.upgraded_paper
        )
        out[:, t] = oil + rise_1 - rise_2, oil, rate
    return HotSpot(out[0], out[1], out[2], out[2] * step_hours)
