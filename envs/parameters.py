"""Parameters of a home: names, units, ranges and defaults; the way from a scenario's table to the kernels' records."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from entangrid.data.errors import InputError
from entangrid.envs.layout import HOME, Records


class Parameter(NamedTuple):
    """One column of ``Scenario.homes``: where it goes, which values make sense, what stands in when it is absent."""

    field: str
    low: float
    high: float
    default: float | None = None
    scale: float = 1.0


PARAMETERS: dict[str, Parameter] = {
    "c_air_kwh_k": Parameter("c_air", 1e-3, 50.0),
    "c_mass_kwh_k": Parameter("c_mass", 1e-3, 500.0),
    "ua_air_out_w_k": Parameter("ua_air_out", 0.0, 5_000.0, scale=1e-3),
    "ua_mass_out_w_k": Parameter("ua_mass_out", 0.0, 5_000.0, scale=1e-3),
    "ua_air_mass_w_k": Parameter("ua_air_mass", 1.0, 100_000.0, scale=1e-3),
    "hp_q_ref_kw": Parameter("hp_q_ref", 0.0, 100.0),
    "hp_cop_p1": Parameter("hp_cop_p1", -1e3, 1e3),
    "hp_cop_p2": Parameter("hp_cop_p2", -1e3, 1e3),
    "hp_cop_p3": Parameter("hp_cop_p3", -1e3, 1e3),
    "hp_cop_p4": Parameter("hp_cop_p4", -1e3, 1e3),
    "hp_pth_p1": Parameter("hp_pth_p1", -1e3, 1e3),
    "hp_pth_p2": Parameter("hp_pth_p2", -1e3, 1e3),
    "hp_pth_p3": Parameter("hp_pth_p3", -1e3, 1e3),
    "hp_pth_p4": Parameter("hp_pth_p4", -1e3, 1e3),
    "hp_sink_base_c": Parameter("hp_sink_base", 0.0, 80.0, 30.0),
    "hp_sink_slope": Parameter("hp_sink_slope", -5.0, 0.0, -0.5),
    "hp_sink_min_c": Parameter("hp_sink_min", 0.0, 80.0, 25.0),
    "hp_air_share": Parameter("hp_air_share", 0.0, 1.0, 0.3),
    "battery_kwh": Parameter("battery_e", 0.0, 1_000.0, 0.0),
    "battery_p_kw": Parameter("battery_p", 0.0, 1_000.0, 0.0),
    "battery_eta_charge": Parameter("battery_eta_c", 0.1, 1.0, 0.95),
    "battery_eta_discharge": Parameter("battery_eta_d", 0.1, 1.0, 0.95),
    "battery_self_discharge_per_h": Parameter("battery_self", 0.0, 0.5, 0.0),
    "battery_wear_eur_kwh": Parameter("battery_wear", 0.0, 10.0, 0.0),
    "t_set_c": Parameter("t_set", 5.0, 35.0, 21.0),
    "comfort_low_c": Parameter("t_low", 5.0, 35.0, 20.0),
    "comfort_high_c": Parameter("t_high", 5.0, 40.0, 24.0),
    "discomfort_eur_kh": Parameter("discomfort_price", 0.0, 100.0, 0.3),
}


def home_records(homes: pd.DataFrame) -> Records:
    """Turn a scenario's home table (one row a home) into kernel records (H,).

    Raises InputError for an unknown or missing column, a value out of range, a comfort band upside down.
    """
    unknown = [column for column in homes.columns if column not in PARAMETERS]
    if unknown:
        raise InputError(f"homes: column {unknown[0]!r} is unknown; expected some of {', '.join(PARAMETERS)}")
    records = np.zeros(len(homes), HOME)
    for column, parameter in PARAMETERS.items():
        if column in homes.columns:
            values = homes[column].to_numpy(np.float64)
        elif parameter.default is not None:
            values = np.full(len(homes), parameter.default)
        else:
            raise InputError(f"homes: column {column!r} is missing")
        for name, value in zip(homes.index, values, strict=True):
            if not parameter.low <= value <= parameter.high:
                raise InputError(
                    f"homes: {column} of home {name!r} is {value:g}; expected {parameter.low:g} to {parameter.high:g}"
                )
        records[parameter.field] = values * parameter.scale
    upside_down = records["t_low"] >= records["t_high"]
    if upside_down.any():
        raise InputError(
            f"homes: comfort_low_c of home {homes.index[int(np.argmax(upside_down))]!r} is not below comfort_high_c"
        )
    return records
