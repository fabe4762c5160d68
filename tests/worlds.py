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


#: What a home of :func:`whole_scenario` has besides :data:`HOME`: every device and every part of a tariff.
EVERYTHING = {
    **{f"zone{z}_{name}": HOME[name] for z in (2, 3) for name in list(HOME)[:5]},
    "ua_zone1_zone2_w_k": 150.0,
    "ua_zone2_zone3_w_k": 80.0,
    "gain_share": 0.5,
    "zone2_gain_share": 0.3,
    "zone3_gain_share": 0.2,
    "emitter_share": 0.6,
    "zone2_emitter_share": 0.4,
    "zone3_emitter_share": 0.3,
    "day_share": 0.7,
    "zone2_day_share": 0.3,
    "zone3_day_share": 0.0,
    "night_share": 0.0,
    "zone2_night_share": 0.2,
    "zone3_night_share": 0.8,
    "zone3_t_set_c": 19.0,
    "zone3_comfort_low_c": 17.0,
    "hp_q_ref_kw": 14.0,
    "hp_min_share": 0.25,
    "hp_cool_q_ref_kw": 6.0,
    "hp_eer_p1": -0.08,
    "hp_eer_p2": 0.1,
    "hp_eer_p3": 5.3,
    "hp_pdc_p1": -0.005,
    "hp_pdc_p2": 0.02,
    "hp_pdc_p3": 1.0,
    "dhw_c_kwh_k": 0.23,
    "dhw_legionella_h": 30.0,
    "battery_self_discharge_per_h": 2e-4,
    "battery_calendar_per_a": 0.02,
    "battery_cycle": 5e-5,
    "battery_price_eur_kwh": 400.0,
    "battery_backup": 1.0,
    "ev_kwh": 40.0,
    "ev_discharge_kw": 5.0,
    "ev_to_grid": 1.0,
    "appliance_kw_1": 1.2,
    "appliance_kw_2": 0.8,
    "appliance_window_h_1": 6.0,
    "appliance_window_h_2": 3.0,
    "pv_curtailable": 1.0,
    "volt_watt_start_pu": 1.02,
    "volt_watt_end_pu": 1.1,
    "block_kwh_month": 20.0,
    "block_adder_eur_kwh": 0.05,
    "demand_eur_kw": 0.5,
    "demand_free_kw": 4.0,
}


def whole_scenario(days: int = 2, homes: int = 1, seed: int = 0, dt_h: float = 0.25, **changes: Any) -> Scenario:
    """A period with everything in it: a month's end after the first day, outages, prices and carbon that vary.

    The first home has every device; the second no vehicle, a single zone, a battery without backup and no block tariff;
    the third neither battery, tank nor appliances, and a vehicle that serves only the home. ``changes`` as in
    :func:`scenario`.
    """
    rng = np.random.default_rng(seed + 100)
    n, day = round(days * 24 / dt_h), round(24 / dt_h)
    plain = scenario(days, homes, seed, dt_h)
    hour = plain.hour
    table = plain.homes.copy()
    for column, value in EVERYTHING.items():
        table[column] = value
    lacks: list[dict[str, float]] = [
        {},
        {"ev_kwh": 0.0, "battery_backup": 0.0, "block_kwh_month": 0.0, "gain_share": 1.0, "hp_cool_q_ref_kw": 0.0}
        | {"emitter_share": 1.0, "day_share": 1.0, "night_share": 1.0}
        | {name: 0.0 for name in table if name.startswith(("zone2_", "zone3_")) and "_c_mass" in name},
        {"battery_kwh": 0.0, "dhw_c_kwh_k": 0.0, "appliance_kw_1": 0.0, "appliance_kw_2": 0.0, "ev_to_grid": 0.0},
    ]
    for h in range(homes):
        for column, value in lacks[h % 3].items():
            table.iloc[h, table.columns.get_loc(column)] = value
    away = ((hour >= 8.5) & (hour < 17))[:, None] & np.ones((1, homes), bool)
    ready1, ready2 = np.zeros((n, homes)), np.zeros((n, homes))
    ready1[round(7 / dt_h) :: day] = 1.0
    ready2[round(19 / dt_h) :: day] = 1.0
    fields: dict[str, Any] = {
        "start": pd.Timestamp("2016-02-29"),
        "homes": table,
        "price_export_eur_kwh": 0.06 + 0.02 * np.cos(2 * np.pi * hour / 24.0),
        "carbon_kg_kwh": 0.4 + 0.1 * np.sin(2 * np.pi * hour / 24.0),
        "pv_kw": 2.0 * plain.pv_kw,
        "dhw_kw": rng.gamma(0.5, 1.0, (n, homes)) * (rng.random((n, homes)) < 0.2),
        "vehicle_home": 1.0 - away,
        "vehicle_trip_kwh": away * rng.uniform(0.0, 0.6, (n, homes)) * dt_h / 0.25,
        "appliance1_ready": ready1,
        "appliance2_ready": ready2,
        "occupancy_meter": rng.uniform(0.0, 1.0, (n, homes)),
        "grid_available": 1.0 - ((hour >= 18) & (hour < 20)),
    }
    for column in [c for c in changes if c not in Scenario.__dataclass_fields__]:
        table[column] = changes.pop(column)
    same = {name: getattr(plain, name) for name in Scenario.__dataclass_fields__ if name not in fields}
    return Scenario(**(same | {"name": "whole-world"} | fields | changes))
