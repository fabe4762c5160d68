"""Checks of home and zone records that no single column's range can make; each raises InputError naming the home."""

import numpy as np
import pandas as pd

from entangrid.data.errors import InputError
from entangrid.envs.layout import CURVE_POINTS, Records


def check_zones(zones: Records, names: "pd.Index[str]", prefix: str) -> None:
    """Raise InputError for a comfort band upside down and for a node that nothing connects."""
    upside_down = zones["t_low"] >= zones["t_high"]
    if upside_down.any():
        home = names[int(np.argmax(upside_down))]
        raise InputError(f"homes: {prefix}comfort_low_c of home {home!r} is not below {prefix}comfort_high_c")
    loose = (zones["ua_air_mass"] <= 0.0) & ((zones["ua_air_surface"] <= 0.0) | (zones["ua_surface_mass"] <= 0.0))
    if loose.any():
        home = names[int(np.argmax(loose))]
        raise InputError(
            f"homes: {prefix}ua_air_mass_w_k of home {home!r} is 0 and no surface node joins air and mass; "
            f"expected a conductance above 0"
        )
    too_much = zones["mass_to_mass"] + zones["mass_to_surface"] > 1.0 + 1e-9
    if too_much.any():
        home = names[int(np.argmax(too_much))]
        raise InputError(f"homes: {prefix}mass_to_mass + {prefix}mass_to_surface of home {home!r} exceed 1")
    nowhere = (zones["mass_to_surface"] > 0.0) & (zones["ua_air_surface"] <= 0.0)
    if nowhere.any():
        home = names[int(np.argmax(nowhere))]
        raise InputError(
            f"homes: {prefix}mass_to_surface of home {home!r} is above 0 and it has no surface node; "
            f"expected {prefix}ua_air_surface_w_k above 0"
        )


def check_heat_pumps(homes: pd.DataFrame, records: Records) -> None:
    """Raise InputError for a heat pump without its fits."""
    for q, model, fits in (("hp_q_ref", 0.0, ("hp_cop", "hp_pth")), ("hp_cool_q_ref", None, ("hp_eer", "hp_pdc"))):
        there = records[q] > 0.0
        if model is not None:
            there &= records["hp_model"] == model
        for fit in fits:
            lacking = there & (sum(np.abs(records[f"{fit}_p{i}"]) for i in (1, 2, 3, 4)) == 0.0)
            if lacking.any():
                home = homes.index[int(np.argmax(lacking))]
                raise InputError(f"homes: home {home!r} has {q}_kw above 0 and no {fit}_p1 to {fit}_p4")


def check_tanks(homes: pd.DataFrame, records: Records) -> None:
    """Raise InputError for a tank whose temperatures do not ascend, or whose legionella temperature is out of reach."""
    tank = records["dhw_c"] > 0.0
    for low, high, where in (
        ("dhw_t_min", "dhw_t_set", tank),
        ("dhw_t_set", "dhw_t_max", tank),
        ("dhw_legionella_c", "dhw_t_max", tank & (records["dhw_legionella_h"] > 0.0)),
    ):
        wrong = where & (records[low] > records[high])
        if wrong.any():
            home = homes.index[int(np.argmax(wrong))]
            above, below = (name if name.endswith("_c") else f"{name}_c" for name in (low, high))
            raise InputError(f"homes: {above} of home {home!r} is above {below}; expected it at or below")


def check_curves(homes: pd.DataFrame, records: Records) -> None:
    """Raise InputError for a battery curve whose points do not ascend."""
    for name in ("battery_eta_x", "battery_lim_x"):
        falls = (records["battery_curves"] > 0.0) & (np.diff(records[name], axis=1) < 0.0).any(axis=1)
        if falls.any():
            home = homes.index[int(np.argmax(falls))]
            raise InputError(f"homes: {name}1 to {name}{CURVE_POINTS} of home {home!r} do not ascend")
