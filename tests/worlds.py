"""Small scenarios for tests: seeded, any number of homes, nothing read from disk."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from entangrid.data.scenario import Scenario

#: hplib's generic outdoor air/water pumps: COP of the regulated group 1, full output of the on-off group 4; rounded
HEAT_PUMP = {
    "hp_cop_p1": 46.3746,
    "hp_cop_p2": -0.087567,
    "hp_cop_p3": 7.04544,
    "hp_cop_p4": -46.2206,
    "hp_pth_p1": 62.971810,
    "hp_pth_p2": -0.0048685,
    "hp_pth_p3": 1.4797008,
    "hp_pth_p4": -62.932498,
}
HOME = {
    "c_air_kwh_k": 0.6,
    "c_mass_kwh_k": 6.4,
    "ua_air_out_w_k": 95.0,
    "ua_mass_out_w_k": 75.0,
    "ua_air_mass_w_k": 1000.0,
    "hp_q_ref_kw": 6.7,
    **HEAT_PUMP,
    "battery_kwh": 10.0,
    "battery_p_kw": 5.0,
    "battery_self_discharge_per_h": 2e-5,
    "battery_wear_eur_kwh": 0.01,
}


def scenario(days: int = 7, homes: int = 1, seed: int = 0, dt_h: float = 0.25, **changes: Any) -> Scenario:
    """A cold period that starts on a Monday; home h differs from home 0 in envelope and battery.

    ``changes``: columns of the home table, or fields of the scenario, to replace.
    """
    rng = np.random.default_rng(seed)
    n = round(days * 24 / dt_h)
    hour = (np.arange(n) * dt_h) % 24.0
    day = (np.arange(n) * dt_h) // 24.0
    sun = np.maximum(np.sin(np.pi * (hour - 7.0) / 10.0), 0.0) * (hour > 7.0) * (hour < 17.0)
    table = pd.DataFrame([HOME] * homes, index=[f"home-{h + 1}" for h in range(homes)])
    for h in range(1, homes):
        table.iloc[h, table.columns.get_loc("ua_air_out_w_k")] *= 1.0 + 0.1 * h
        table.iloc[h, table.columns.get_loc("battery_kwh")] *= 1.0 + 0.2 * h
    for column in [c for c in changes if c not in Scenario.__dataclass_fields__]:
        table[column] = changes.pop(column)
    cloud = rng.uniform(0.3, 1.0, (n, homes))
    fields: dict[str, Any] = {
        "name": "test-world",
        "start": pd.Timestamp("2016-01-04"),
        "dt_h": dt_h,
        "utc_offset_h": 1.0,
        "homes": table,
        "t_out_c": 3.0 + 5.0 * np.sin(2 * np.pi * (hour - 9.0) / 24.0) + rng.normal(0.0, 1.0, n),
        "hour": hour,
        "weekday": (day % 7).astype(np.int64),
        "price_import_eur_kwh": np.where(
            (hour >= 17) & (hour < 21), 0.42, np.where((hour >= 22) | (hour < 6), 0.22, 0.3)
        ),
        "price_export_eur_kwh": np.full(n, 0.08),
        "carbon_kg_kwh": np.full(n, 0.5),
        "load_kw": rng.gamma(1.2, 0.35, (n, homes)),
        "pv_kw": 4.0 * sun[:, None] * cloud,
        "occupancy": np.repeat(((hour < 8) | (hour > 16)).astype(float)[:, None], homes, 1),
        "gains_air_kw": rng.uniform(0.0, 0.3, (n, homes)),
        "gains_mass_kw": 0.8 * sun[:, None] * cloud,
        "provenance": {"all": "made by a test"},
    }
    fields.update(changes)
    return Scenario(**fields)
