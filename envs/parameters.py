"""Parameters of a home: names, units, ranges and defaults; the way from a scenario's table to the kernels' records."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from entangrid.data.errors import InputError
from entangrid.envs import parameter_checks
from entangrid.envs.layout import CURVE_POINTS, HOME, MAX_ZONES, N_APPLIANCES, ZONE, Records


class Parameter(NamedTuple):
    """One column of ``Scenario.homes``: where it goes, which values make sense, what stands in when it is absent."""

    field: str
    low: float
    high: float
    default: float | None = None
    scale: float = 1.0
    place: int | None = None  # place in a field that holds several numbers


def _each(
    prefix: str, field: str, n: int, low: float, high: float, defaults: tuple[float, ...]
) -> dict[str, Parameter]:
    return {f"{prefix}{i + 1}": Parameter(field, low, high, defaults[i], place=i) for i in range(n)}


def _fit(prefix: str) -> dict[str, Parameter]:
    return {f"{prefix}_p{i}": Parameter(f"{prefix}_p{i}", -1e3, 1e3, 0.0) for i in (1, 2, 3, 4)}


FLAG = (0.0, 1.0)

HOME_PARAMETERS: dict[str, Parameter] = {
    "building": Parameter("building", *FLAG, 1.0),
    "ideal_load": Parameter("ideal_load", *FLAG, 0.0),
    **{
        f"ua_zone{i + 1}_zone{j + 1}_w_k": Parameter("ua_zones", 0.0, 1e5, 0.0, 1e-3, k)
        for k, (i, j) in enumerate((i, j) for i in range(MAX_ZONES) for j in range(i + 1, MAX_ZONES))
    },
    # heat pump; when2heat's quadratic: Ruhnau, Hirth, Praktiknjo 2019, DOI 10.1038/s41597-019-0199-y
    "hp_q_ref_kw": Parameter("hp_q_ref", 0.0, 100.0, 0.0),
    **_fit("hp_cop"),
    **_fit("hp_pth"),
    "hp_model": Parameter("hp_model", *FLAG, 0.0),
    "hp_quad_0": Parameter("hp_quad_0", 0.0, 20.0, 6.08),
    "hp_quad_1": Parameter("hp_quad_1", -1.0, 0.0, -0.0941),
    "hp_quad_2": Parameter("hp_quad_2", 0.0, 0.1, 0.000464),
    "hp_quad_factor": Parameter("hp_quad_factor", 0.1, 1.5, 0.85),
    "hp_source_c": Parameter("hp_source", -20.0, 40.0, float("nan")),
    "hp_sink_base_c": Parameter("hp_sink_base", 0.0, 80.0, 30.0),
    "hp_sink_slope": Parameter("hp_sink_slope", -5.0, 0.0, -0.5),
    "hp_sink_min_c": Parameter("hp_sink_min", 0.0, 80.0, 25.0),
    "hp_air_share": Parameter("hp_air_share", 0.0, 1.0, 0.3),
    "hp_min_share": Parameter("hp_min_share", 0.0, 1.0, 0.0),
    "hp_cc": Parameter("hp_cc", 0.5, 1.0, 0.9),
    "hp_cool_q_ref_kw": Parameter("hp_cool_q_ref", 0.0, 100.0, 0.0),
    **_fit("hp_eer"),
    **_fit("hp_pdc"),
    "hp_cool_sink_c": Parameter("hp_cool_sink", 5.0, 25.0, 18.0),
    # hot-water tank
    "dhw_c_kwh_k": Parameter("dhw_c", 0.0, 10.0, 0.0),
    "dhw_ua_w_k": Parameter("dhw_ua", 0.0, 100.0, 2.0, 1e-3),
    "dhw_t_env_c": Parameter("dhw_t_env", 0.0, 40.0, 18.0),
    "dhw_t_set_c": Parameter("dhw_t_set", 30.0, 90.0, 52.0),
    "dhw_t_min_c": Parameter("dhw_t_min", 30.0, 70.0, 42.0),
    "dhw_t_max_c": Parameter("dhw_t_max", 40.0, 95.0, 65.0),
    "dhw_by_heat_pump": Parameter("dhw_hp", *FLAG, 1.0),
    "dhw_element_kw": Parameter("dhw_element", 0.0, 30.0, 2.0),
    "dhw_legionella_c": Parameter("dhw_legionella_c", 40.0, 80.0, 60.0),
    "dhw_legionella_h": Parameter("dhw_legionella_h", 0.0, 8760.0, 168.0),
    "dhw_unmet_eur_kwh": Parameter("dhw_unmet_price", 0.0, 100.0, 1.0),
    # battery
    "battery_kwh": Parameter("battery_e", 0.0, 1_000.0, 0.0),
    "battery_p_kw": Parameter("battery_p", 0.0, 1_000.0, 0.0),
    "battery_eta_charge": Parameter("battery_eta_c", 0.1, 1.0, 0.95),
    "battery_eta_discharge": Parameter("battery_eta_d", 0.1, 1.0, 0.95),
    "battery_self_discharge_per_h": Parameter("battery_self", 0.0, 0.5, 0.0),
    "battery_wear_eur_kwh": Parameter("battery_wear", 0.0, 10.0, 0.0),
    "battery_curves": Parameter("battery_curves", *FLAG, 0.0),
    **_each("battery_eta_x", "battery_eta_x", CURVE_POINTS, 0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0)),
    **_each("battery_eta_y", "battery_eta_y", CURVE_POINTS, 0.1, 1.0, (1.0,) * CURVE_POINTS),
    **_each("battery_lim_x", "battery_lim_x", CURVE_POINTS, 0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0)),
    **_each("battery_lim_y", "battery_lim_y", CURVE_POINTS, 0.0, 1.0, (1.0,) * CURVE_POINTS),
    "battery_calendar_per_a": Parameter("battery_calendar", 0.0, 0.5, 0.0),
    "battery_calendar_soc": Parameter("battery_calendar_soc", 0.0, 5.0, 1.0),
    "battery_cycle": Parameter("battery_cycle", 0.0, 0.01, 0.0),
    "battery_price_eur_kwh": Parameter("battery_price", 0.0, 5_000.0, 0.0),
    "battery_backup": Parameter("battery_backup", *FLAG, 0.0),
    # vehicle
    "ev_kwh": Parameter("ev_e", 0.0, 300.0, 0.0),
    "ev_charge_kw": Parameter("ev_p_charge", 0.0, 50.0, 11.0),
    "ev_discharge_kw": Parameter("ev_p_discharge", 0.0, 50.0, 0.0),
    "ev_eta_charge": Parameter("ev_eta_c", 0.1, 1.0, 0.92),
    "ev_eta_discharge": Parameter("ev_eta_d", 0.1, 1.0, 0.92),
    "ev_to_grid": Parameter("ev_v2g", *FLAG, 0.0),
    "ev_soc_departure": Parameter("ev_soc_departure", 0.0, 1.0, 0.8),
    "ev_unmet_eur_kwh": Parameter("ev_unmet_price", 0.0, 100.0, 0.6),
    "ev_wear_eur_kwh": Parameter("ev_wear", 0.0, 10.0, 0.05),
    # appliances
    **_each("appliance_kw_", "app_kw", N_APPLIANCES, 0.0, 20.0, (0.0, 0.0)),
    **_each("appliance_h_", "app_h", N_APPLIANCES, 0.0, 24.0, (2.0, 1.5)),
    **_each("appliance_window_h_", "app_window_h", N_APPLIANCES, 0.0, 48.0, (8.0, 8.0)),
    # PV, meter, tariff
    "pv_curtailable": Parameter("pv_curtailable", *FLAG, 0.0),
    "volt_watt_start_pu": Parameter("vw_start", 0.0, 1.5, 0.0),
    "volt_watt_end_pu": Parameter("vw_end", 0.0, 1.5, 0.0),
    "tan_phi": Parameter("tan_phi", -2.0, 2.0, 0.2),
    "block_kwh_month": Parameter("block_kwh", 0.0, 1e6, 0.0),
    "block_adder_eur_kwh": Parameter("block_adder", 0.0, 5.0, 0.0),
    "demand_eur_kw": Parameter("demand_price", 0.0, 1e3, 0.0),
    "demand_free_kw": Parameter("demand_free", 0.0, 1e3, 0.0),
    "unserved_eur_kwh": Parameter("unserved_price", 0.0, 1e3, 5.0),
    "discomfort_eur_kh": Parameter("discomfort_price", 0.0, 100.0, 0.3),
}

#: Columns of zone 1; those of zone 2 to 4 begin with ``zone2_`` to ``zone4_``. A zone is there if its c_mass is.
ZONE_PARAMETERS: dict[str, Parameter] = {
    "c_air_kwh_k": Parameter("c_air", 0.0, 50.0),
    "c_mass_kwh_k": Parameter("c_mass", 1e-3, 500.0),
    "ua_air_out_w_k": Parameter("ua_air_out", 0.0, 5_000.0, scale=1e-3),
    "ua_mass_out_w_k": Parameter("ua_mass_out", 0.0, 5_000.0, scale=1e-3),
    "ua_air_mass_w_k": Parameter("ua_air_mass", 0.0, 100_000.0, scale=1e-3),
    "ua_air_surface_w_k": Parameter("ua_air_surface", 0.0, 100_000.0, 0.0, 1e-3),
    "ua_surface_mass_w_k": Parameter("ua_surface_mass", 0.0, 100_000.0, 0.0, 1e-3),
    "ua_surface_out_w_k": Parameter("ua_surface_out", 0.0, 100_000.0, 0.0, 1e-3),
    "mass_to_mass": Parameter("mass_to_mass", *FLAG, 1.0),
    "mass_to_surface": Parameter("mass_to_surface", *FLAG, 0.0),
    "gain_share": Parameter("gain_share", *FLAG, 1.0),
    "emitter_share": Parameter("emitter_share", *FLAG, 1.0),
    "day_share": Parameter("day_share", *FLAG, 1.0),
    "night_share": Parameter("night_share", *FLAG, 1.0),
    "t_set_c": Parameter("t_set", 5.0, 35.0, 21.0),
    "comfort_low_c": Parameter("t_low", 5.0, 35.0, 20.0),
    "comfort_high_c": Parameter("t_high", 5.0, 40.0, 24.0),
}

PARAMETERS: dict[str, Parameter] = {
    **ZONE_PARAMETERS,
    **HOME_PARAMETERS,
    **{f"zone{z}_{name}": p for z in range(2, MAX_ZONES + 1) for name, p in ZONE_PARAMETERS.items()},
}


def home_records(homes: pd.DataFrame) -> Records:
    """Turn a scenario's home table (one row a home) into kernel records (H,).

    Raises InputError for an unknown or missing column and for a value out of range.
    """
    unknown = [column for column in homes.columns if column not in PARAMETERS]
    if unknown:
        raise InputError(f"homes: column {unknown[0]!r} is unknown; expected some of {', '.join(PARAMETERS)}")
    records = np.zeros(len(homes), HOME)
    for column, parameter in HOME_PARAMETERS.items():
        _fill(records, homes, column, parameter)
    records["n_zones"] = 1 + sum(_has_zone(homes, z) for z in range(2, MAX_ZONES + 1))
    parameter_checks.check_heat_pumps(homes, records)
    parameter_checks.check_tanks(homes, records)
    parameter_checks.check_curves(homes, records)
    return records


def zone_records(homes: pd.DataFrame) -> Records:
    """Kernel records of all zones (H, Z), Z the most that a home of the table has; absent zones are all zero.

    A zone is there if its ``c_mass_kwh_k`` is above 0, and zones are numbered without a gap. Raises InputError for a
    missing column, a value out of range, a gap, a comfort band upside down, a node without any connection, or shares
    of heat gains or emitters that do not add up.
    """
    n_zones = 1
    for z in range(2, MAX_ZONES + 1):
        if _has_zone(homes, z).any():
            n_zones = z
    records = np.zeros((len(homes), n_zones), ZONE)
    for z in range(1, n_zones + 1):
        there = np.ones(len(homes), np.bool_) if z == 1 else _has_zone(homes, z)
        before = np.ones(len(homes), np.bool_) if z <= 2 else _has_zone(homes, z - 1)
        if (there & ~before).any():
            home = homes.index[int(np.argmax(there & ~before))]
            raise InputError(f"homes: home {home!r} has a zone {z} and no zone {z - 1}; expected zones without a gap")
        if not there.any():
            continue
        prefix = "" if z == 1 else f"zone{z}_"
        part = np.zeros(int(there.sum()), ZONE)
        for name, parameter in ZONE_PARAMETERS.items():
            _fill(part, homes[there], prefix + name, parameter)
        parameter_checks.check_zones(part, homes.index[there], prefix)
        records[there, z - 1] = part
    records["ua_steady"] = _ua_steady(records)
    for share in ("gain_share", "emitter_share"):
        total = records[share].sum(axis=1)
        wrong = np.abs(total - 1.0) >= 1e-6
        if share == "emitter_share":  # a single zone's emitters may be smaller than the pump, several may be larger
            wrong &= (total < 1.0) & ((records["c_mass"] > 0.0).sum(axis=1) > 1)
        if wrong.any():
            h = int(np.argmax(wrong))
            raise InputError(
                f"homes: {share} of home {homes.index[h]!r} adds up to {total[h]:g} over zones; expected 1"
            )
    return records


def _has_zone(homes: pd.DataFrame, z: int) -> np.ndarray:
    column = f"zone{z}_c_mass_kwh_k"
    if column not in homes.columns:
        return np.zeros(len(homes), np.bool_)
    return np.asarray(homes[column].to_numpy(np.float64) > 0.0)


def _fill(records: Records, homes: pd.DataFrame, column: str, parameter: Parameter) -> None:
    """Write one column into its field; raises InputError for a missing column or a value out of range."""
    if column in homes.columns:
        values = homes[column].to_numpy(np.float64)
        fits = (values >= parameter.low) & (values <= parameter.high)
        if parameter.default is not None and np.isnan(parameter.default):
            fits |= np.isnan(values)
        if not fits.all():
            first = int(np.argmin(fits))
            raise InputError(
                f"homes: {column} of home {homes.index[first]!r} is {values[first]:g}; "
                f"expected {parameter.low:g} to {parameter.high:g}"
            )
    elif parameter.default is not None:
        values = np.full(len(homes), parameter.default)
    else:
        raise InputError(f"homes: column {column!r} is missing")
    if parameter.place is None:
        records[parameter.field] = values * parameter.scale
    else:
        records[parameter.field][:, parameter.place] = values * parameter.scale


def _ua_steady(zones: Records) -> np.ndarray:
    """Loss per kelvin of a zone held at one air temperature in the steady state [kW/K].

    The mass, and the surface node if there is one, float: air-mass and air-surface-mass paths in parallel, the
    surface's own way out beside them. Solved as a two-node network for unit air temperature.
    """
    loss = np.zeros(zones.shape)
    for place in np.ndindex(zones.shape):
        zone = zones[place]
        if zone["c_mass"] <= 0.0:
            continue
        am, as_, sm = zone["ua_air_mass"], zone["ua_air_surface"], zone["ua_surface_mass"]
        mo, so = zone["ua_mass_out"], zone["ua_surface_out"]
        if as_ > 0.0:
            balance = np.array([[am + sm + mo, -sm], [-sm, as_ + sm + so]])
            mass, surface = np.linalg.solve(balance, np.array([am, as_]))
        else:
            mass, surface = am / (am + mo), 0.0
        loss[place] = zone["ua_air_out"] + mo * mass + so * surface
    return loss
