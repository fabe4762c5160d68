"""What CityLearn's schema says of a building's devices, as parameters and as electric power.

================================ ======================================================================================
schema                           here
================================ ======================================================================================
electrical_storage.capacity      ``battery_kwh`` = capacity · depth_of_discharge (default 1): what can be used
  .nominal_power                 ``battery_p_kw``
  .efficiency                    of the round trip: ``battery_eta_charge`` = ``battery_eta_discharge`` = its square
                                 root; what counts is the curve
  .power_efficiency_curve        [share of nominal_power, efficiency of the round trip]: ``battery_eta_x``,
                                 ``battery_eta_y`` = its square root
  .capacity_power_curve          [charge, share of nominal_power]: ``battery_lim_x`` (of what can be used), ``_lim_y``
  .loss_coefficient              per hour: ``battery_self_discharge_per_h``
  .capacity_loss_coefficient     of a full cycle: ``battery_cycle``
  .initial_soc                   not modelled: a task sets the state at its beginning
pv.nominal_power                 kW; ``pv_kw`` = nominal_power · solar_generation [W/kW] / 1000
pv.generation_mode               "per_kw" (default), or "absolute": solar_generation is in kWh an hour
cooling, heating, dhw demand     met when it falls due, by the device of that name, as electric load: demand /
                                 efficiency (ElectricHeater) or demand / :func:`cop` (HeatPump), without a power limit
cooling, heating, dhw storage    not modelled: the tanks are never used
================================ ======================================================================================

What the schema does not say of a battery, CityLearn (3.0.2) draws at random, curves relative to ``efficiency``; here it
is the middle of the range that it draws from (:data:`MIDDLE`, :data:`EFFICIENCY_CURVE`, :data:`POWER_CURVE`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from entangrid.data.checks import did_you_mean
from entangrid.data.errors import InputError

Floats = NDArray[np.float64]

PV_MODES = {
    **dict.fromkeys(("per_kw", "profile", "w_per_kw"), "per_kw"),
    **dict.fromkeys(("absolute", "absolute_kwh", "kwh", "kwh_step", "energy"), "absolute"),
}
MAX_COP = 20.0
CURVE_POINTS = 5  # of the battery's columns
MIDDLE = {"efficiency": 0.94, "loss_coefficient": 0.005, "capacity_loss_coefficient": 5.5e-5}
EFFICIENCY_CURVE = ((0.0, 0.875), (0.3, 0.925), (0.7, 0.99), (0.8, 1.0), (1.0, 0.965))  # times ``efficiency``
POWER_CURVE = ((0.0, 0.975), (0.8, 0.925), (1.0, 0.25))


class Section:
    """One device's ``attributes`` in a schema, read key by key; messages name file, building and key."""

    def __init__(self, where: str, content: object, known: tuple[str, ...]) -> None:
        """Raises ``InputError`` unless ``content`` has a type and attributes, all of them known."""
        self.where = where
        if not isinstance(content, Mapping):
            raise InputError(f"{where}: {content!r}, expected a device with 'type' and 'attributes'")
        for key in content:
            if key not in ("type", "autosize", "autosize_attributes", "autosizer", "attributes"):
                raise InputError(f"{where}.{key}: unknown; expected type, autosize, autosize_attributes, attributes")
        attributes = content.get("attributes") or {}
        if not isinstance(attributes, Mapping):
            raise InputError(f"{where}.attributes: {attributes!r}, expected values by name")
        for key in attributes:
            if key not in known:
                raise InputError(
                    f"{where}.attributes.{key}: unknown{did_you_mean(str(key), known)}; expected {', '.join(known)}"
                )
        self.attributes = attributes
        self.autosize = bool(content.get("autosize"))
        self.kind = str(content.get("type") or "").rsplit(".", 1)[-1]

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """Return an attribute; raises ``InputError`` if it is outside [low, high], or missing without default."""
        value = self.attributes.get(key)
        if value is None:
            if default is not None:
                return default
            why = " (it would be sized at run time; write the size into the schema)" if self.autosize else ""
            raise InputError(f"{self.where}.attributes.{key}: missing{why}; expected {low:g} to {high:g}")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise InputError(f"{self.where}.attributes.{key}: {value!r}, expected {low:g} to {high:g}")
        return float(value)

    def curve(self, key: str, low: float, default: Sequence[tuple[float, float]]) -> Floats:
        """Return an attribute of [x, y] points (n, 2), or ``default``.

        Raises ``InputError`` unless there are 2 to 5 points with x ascending from 0 to 1 and y from ``low`` to 1.
        """
        value = self.attributes.get(key)
        if value is None:
            return np.array(default, np.float64)
        wrong = InputError(
            f"{self.where}.attributes.{key}: {value!r}, expected 2 to {CURVE_POINTS} points [x, y], x ascending from "
            f"0 to 1, y from {low:g} to 1"
        )
        try:
            points = np.array(value, np.float64)
        except (TypeError, ValueError):
            raise wrong from None
        if points.ndim != 2 or points.shape[1] != 2 or not 2 <= len(points) <= CURVE_POINTS:
            raise wrong
        x, y = points.T
        if x[0] != 0.0 or x[-1] != 1.0 or not (np.diff(x) > 0.0).all() or not ((y >= low) & (y <= 1.0)).all():
            raise wrong
        return points


class Battery(NamedTuple):
    """Parameter columns and the attributes that they leave out."""

    columns: dict[str, float]
    left_out: list[str]


def battery(where: str, content: object) -> Battery:
    """Return the battery of ``electrical_storage``; none if it is absent. Raises ``InputError`` naming the key."""
    if content is None:  # every home has the same columns
        content = {"attributes": {"capacity": 0.0, "nominal_power": 0.0}}
    names = ("capacity", "nominal_power", "depth_of_discharge", "power_efficiency_curve", "capacity_power_curve")
    section = Section(where, content, (*names, *MIDDLE, "initial_soc"))
    efficiency = section.number("efficiency", 0.01, 1.0, MIDDLE["efficiency"])
    usable = section.number("depth_of_discharge", 0.0, 1.0, 1.0)
    by_power = section.curve("power_efficiency_curve", 0.01, [(x, efficiency * y) for x, y in EFFICIENCY_CURVE])
    by_charge = _above(section.curve("capacity_power_curve", 0.1, POWER_CURVE), 1.0 - usable)
    columns = {
        "battery_kwh": section.number("capacity", 0.0, 1000.0) * usable,
        "battery_p_kw": section.number("nominal_power", 0.0, 1000.0),
        "battery_eta_charge": float(np.sqrt(efficiency)),
        "battery_eta_discharge": float(np.sqrt(efficiency)),
        "battery_self_discharge_per_h": section.number("loss_coefficient", 0.0, 0.5, MIDDLE["loss_coefficient"]),
        "battery_cycle": section.number("capacity_loss_coefficient", 0.0, 0.01, MIDDLE["capacity_loss_coefficient"]),
        "battery_curves": 1.0,
        **_columns("battery_eta", by_power[:, 0], np.sqrt(by_power[:, 1])),
        **_columns("battery_lim", by_charge[:, 0], by_charge[:, 1]),
    }
    return Battery(columns, [key for key in ("initial_soc",) if section.attributes.get(key) is not None])


def _above(curve: Floats, floor: float) -> Floats:
    """A curve over the whole capacity as one over what can be used, from ``floor`` to 1 of it."""
    if not 0.0 < floor < 1.0:
        return curve
    kept = curve[curve[:, 0] > floor]
    x = np.concatenate([[floor], kept[:, 0]])
    y = np.concatenate([[np.interp(floor, curve[:, 0], curve[:, 1])], kept[:, 1]])
    return np.column_stack([(x - floor) / (1.0 - floor), y])


def _columns(name: str, x: Floats, y: Floats) -> dict[str, float]:
    """Columns ``name_x1`` to ``name_y5``; a shorter curve repeats its last point."""
    at = np.minimum(np.arange(CURVE_POINTS), len(x) - 1)
    return {f"{name}_{axis}{i + 1}": float(v[k]) for axis, v in (("x", x), ("y", y)) for i, k in enumerate(at)}


def pv_share(where: str, content: object) -> tuple[float, str]:
    """Return (factor from solar_generation to kW, unit of solar_generation). Without PV the factor is 0."""
    if content is None:
        return 0.0, "W/kW"
    section = Section(where, content, ("nominal_power", "generation_mode"))
    mode = str(section.attributes.get("generation_mode") or "per_kw")
    if mode not in PV_MODES:
        raise InputError(f"{where}.attributes.generation_mode: {mode!r}, expected one of {', '.join(PV_MODES)}")
    if PV_MODES[mode] == "absolute":
        return 1.0, "kWh"
    return section.number("nominal_power", 0.0, 100_000.0) / 1000.0, "W/kW"


def device_kw(
    where: str, content: object, demand_kwh: Floats, t_out_c: Floats, use: str, place: Callable[[int], str]
) -> Floats:
    """Return the electric power [kW] (n,) of a device that meets ``demand_kwh`` (n,) of heat or cold in each hour.

    use: "cooling", "heating" or "dhw". A demand of nothing needs no device. Raises ``InputError`` for a demand without
    a device, and for a device other than HeatPump and ElectricHeater.
    """
    if not demand_kwh.any():
        return np.zeros_like(demand_kwh)
    if content is None:
        first = int(np.argmax(demand_kwh != 0.0))
        raise InputError(f"{place(first)}: {demand_kwh[first]:g} kWh, but {where} is missing in the schema")
    known = ("nominal_power", "efficiency", "target_cooling_temperature", "target_heating_temperature")
    section = Section(where, content, known)
    efficiency = section.number("efficiency", 0.01, 1.0)
    if section.kind == "ElectricHeater" and use != "cooling":
        return np.asarray(demand_kwh / efficiency)
    if section.kind == "HeatPump":
        key = "target_cooling_temperature" if use == "cooling" else "target_heating_temperature"
        target = section.number(key, -20.0, 100.0)
        return np.asarray(demand_kwh / cop(efficiency, target, t_out_c, cooling=use == "cooling"))
    raise InputError(
        f"{where}.type: {section.kind!r} for {use} is not supported; expected HeatPump"
        + ("" if use == "cooling" else " or ElectricHeater")
    )


def cop(efficiency: float, target_c: float, t_out_c: Floats, *, cooling: bool) -> Floats:
    """Coefficient of performance (n,): Carnot's between target and outdoors times ``efficiency``, from 0 to 20.

    efficiency · T_target / (T_target - T_out) for heat, and with the sign of the difference turned for cold; where the
    difference is against the pump's direction, or the quotient above 20, it is 20, as in CityLearn.
    """
    lift = (t_out_c - target_c) if cooling else (target_c - t_out_c)
    quotient = np.divide(efficiency * (target_c + 273.15), lift, out=np.full_like(t_out_c, MAX_COP), where=lift > 0.0)
    return np.minimum(quotient, MAX_COP)
