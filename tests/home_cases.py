"""Random whole homes in random situations: parameters, weather, prices, state and commands of one step."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy_twin_devices import steady_ua

from entangrid.envs import thermal
from entangrid.envs.kernels import home as home_kernel
from entangrid.envs.kernels import rooms
from entangrid.envs.layout import COMMON, CONTROLS, HOME, MAX_ZONES, SERIES, STATE, TERMS, ZONE
from entangrid.envs.parameters import HOME_PARAMETERS, ZONE_PARAMETERS, Parameter

DEVICES = ("pump", "cooling", "tank", "battery", "vehicle", "appliances")
STEPS_H = (1 / 12, 0.25, 0.5, 1.0)


class Dice:
    """Seeded numbers; one in eight lies at an end of its range, where most mistakes are."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)

    def __call__(self, low: float, high: float) -> float:
        u = self.rng.random() * 1.25 - 0.125
        return low + min(max(u, 0.0), 1.0) * (high - low)

    def yes(self, chance: float = 0.5) -> float:
        return float(self.rng.random() < chance)


def _zone(dice: Dice, prefix: str) -> dict[str, float]:
    surface = dice.yes()
    low = dice(15.0, 21.0)
    return {
        prefix + "c_air_kwh_k": dice(0.05, 2.0) * (1.0 - surface * dice.yes()),
        prefix + "c_mass_kwh_k": dice(0.5, 40.0),
        prefix + "ua_air_out_w_k": dice(5.0, 400.0),
        prefix + "ua_mass_out_w_k": dice(0.0, 400.0),
        prefix + "ua_air_mass_w_k": dice(50.0, 3000.0),
        prefix + "ua_air_surface_w_k": surface * dice(50.0, 2000.0),
        prefix + "ua_surface_mass_w_k": surface * dice(50.0, 2000.0),
        prefix + "ua_surface_out_w_k": surface * dice(0.0, 200.0),
        prefix + "mass_to_mass": dice(0.3, 0.7),
        prefix + "mass_to_surface": dice(0.0, 0.3),
        prefix + "emitter_share": dice(0.5, 1.0),
        prefix + "day_share": dice(0.0, 1.0),
        prefix + "night_share": dice(0.0, 1.0),
        prefix + "t_set_c": low + dice(0.0, 2.0),
        prefix + "comfort_low_c": low,
        prefix + "comfort_high_c": low + dice(2.0, 6.0),
    }


def _heat_pump(dice: Dice, cools: bool) -> dict[str, float]:
    fits = {"cop": (0.1, -0.07, 6.0), "pth": (0.02, -0.005, 0.9), "eer": (-0.1, 0.08, 5.0), "pdc": (-0.01, 0.02, 1.0)}
    table = {
        "hp_q_ref_kw": dice(1.0, 20.0),
        "hp_model": dice.yes(0.3),
        "hp_quad_0": dice(5.0, 10.0),
        "hp_sink_base_c": dice(25.0, 50.0),
        "hp_sink_slope": dice(-1.0, 0.0),
        "hp_sink_min_c": dice(20.0, 35.0),
        "hp_air_share": dice(0.0, 1.0),
        "hp_min_share": dice(0.0, 0.6),
        "hp_cc": dice(0.6, 1.0),
        "hp_cool_q_ref_kw": cools * dice(1.0, 10.0),
        "hp_cool_sink_c": dice(7.0, 20.0),
    }
    if dice.yes(0.3):
        table["hp_source_c"] = dice(0.0, 12.0)
    for fit, (p1, p2, p3) in fits.items():
        table[f"hp_{fit}_p1"] = p1 * dice(0.2, 1.5)
        table[f"hp_{fit}_p2"] = p2 * dice(0.2, 1.5)
        table[f"hp_{fit}_p3"] = p3 * dice(0.8, 1.3)
        table[f"hp_{fit}_p4"] = dice(-0.01, 0.01)
    return table


def _tank(dice: Dice) -> dict[str, float]:
    low = dice(35.0, 45.0)
    return {
        "dhw_c_kwh_k": dice(0.1, 1.0),
        "dhw_ua_w_k": dice(0.0, 10.0),
        "dhw_t_env_c": dice(5.0, 25.0),
        "dhw_t_min_c": low,
        "dhw_t_set_c": low + dice(1.0, 10.0),
        "dhw_t_max_c": low + dice(20.0, 40.0),
        "dhw_by_heat_pump": dice.yes(),
        "dhw_element_kw": dice(0.0, 6.0),
        "dhw_legionella_c": low + 15.0,
        "dhw_legionella_h": dice.yes() * dice(20.0, 200.0),
        "dhw_unmet_eur_kwh": dice(0.0, 3.0),
    }


def _battery(dice: Dice) -> dict[str, float]:
    table = {
        "battery_kwh": dice(0.5, 30.0),
        "battery_p_kw": dice(0.1, 15.0),
        "battery_eta_charge": dice(0.5, 1.0),
        "battery_eta_discharge": dice(0.5, 1.0),
        "battery_self_discharge_per_h": dice(0.0, 0.05),
        "battery_wear_eur_kwh": dice(0.0, 0.2),
        "battery_curves": dice.yes(),
        "battery_calendar_per_a": dice(0.0, 0.1),
        "battery_calendar_soc": dice(0.0, 3.0),
        "battery_cycle": dice(0.0, 0.001),
        "battery_price_eur_kwh": dice(0.0, 800.0),
        "battery_backup": dice.yes(0.7),
    }
    for name in ("eta", "lim"):
        x = np.cumsum(dice.rng.uniform(0.05, 0.2, 5))
        for i in range(5):
            table[f"battery_{name}_x{i + 1}"] = x[i]
            table[f"battery_{name}_y{i + 1}"] = round(dice(0.7, 1.0) if name == "eta" else dice(0.0, 1.0), 2)
    return table


def _vehicle(dice: Dice) -> dict[str, float]:
    return {
        "ev_kwh": dice(5.0, 90.0),
        "ev_charge_kw": dice(0.0, 22.0),
        "ev_discharge_kw": dice.yes(0.7) * dice(0.5, 11.0),
        "ev_eta_charge": dice(0.6, 1.0),
        "ev_eta_discharge": dice(0.6, 1.0),
        "ev_to_grid": dice.yes(),
        "ev_soc_departure": dice(0.0, 1.0),
        "ev_unmet_eur_kwh": dice(0.0, 2.0),
        "ev_wear_eur_kwh": dice(0.0, 0.2),
    }


def random_home(dice: Dice, n_zones: int, devices: frozenset[str]) -> dict[str, float]:
    """One row of a table of homes."""
    table: dict[str, float] = {}
    parts = dice.rng.dirichlet(np.ones(n_zones))
    for z in range(n_zones):
        prefix = "" if z == 0 else f"zone{z + 1}_"
        table |= _zone(dice, prefix)
        table[prefix + "gain_share"] = parts[z]
    if n_zones > 1:
        table["zone2_emitter_share"] = 1.0
    table |= {f"ua_zone{i}_zone{j}_w_k": dice(0.0, 300.0) for i in range(1, 5) for j in range(i + 1, 5)}
    if "pump" in devices:
        table |= _heat_pump(dice, "cooling" in devices)
    if "tank" in devices:
        table |= _tank(dice)
    if "battery" in devices:
        table |= _battery(dice)
    if "vehicle" in devices:
        table |= _vehicle(dice)
    if "appliances" in devices:
        for i in (1, 2):
            table[f"appliance_kw_{i}"] = dice.yes(0.8) * dice(0.1, 3.0)
            table[f"appliance_h_{i}"] = dice(0.0, 4.0)
            table[f"appliance_window_h_{i}"] = dice(0.0, 6.0)
    start = dice(0.95, 1.05)
    return table | {
        "pv_curtailable": dice.yes(),
        "volt_watt_start_pu": start,
        "volt_watt_end_pu": dice.yes() * (start + dice(0.01, 0.1)),
        "tan_phi": dice(-0.5, 0.5),
        "block_kwh_month": dice.yes() * dice(1.0, 100.0),
        "block_adder_eur_kwh": dice(0.0, 0.3),
        "demand_eur_kw": dice.yes() * dice(0.0, 10.0),
        "demand_free_kw": dice(0.0, 5.0),
        "unserved_eur_kwh": dice(0.0, 10.0),
        "discomfort_eur_kh": dice(0.0, 5.0),
    }


def _surroundings(dice: Dice, outage: bool) -> tuple[Any, Any]:
    common, series = np.zeros(1, COMMON), np.zeros(1, SERIES)
    common["t_out"] = dice(-25.0, 42.0)
    common["price_import"] = dice(-0.3, 1.0)
    common["price_export"] = dice(-0.3, 1.0)
    common["carbon"] = dice(0.0, 1.0)
    common["hour"] = dice.rng.integers(0, 24)
    common["grid"] = 0.0 if outage else 1.0
    common["new_month"] = dice.yes(0.1)
    series["load"] = dice(0.0, 12.0)
    series["pv"] = dice(0.0, 15.0)
    series["occupancy"] = dice(0.0, 1.0)
    series["gains_air"] = dice(0.0, 3.0)
    series["gains_mass"] = dice(0.0, 6.0)
    series["dhw"] = dice.yes() * dice(0.0, 20.0)
    series["ev_home"] = dice.yes(0.8)
    series["ev_trip"] = (1.0 - series["ev_home"]) * dice(0.0, 20.0)
    series["ev_leaves_h"] = dice.rng.choice([1 / 12, 0.25, 0.5, 1.0, 24.0])
    series["app_ready"] = dice.rng.integers(0, 2, 2)
    return common, series


def _state(dice: Dice, home: Any) -> Any:
    state = np.zeros(1, STATE)
    for name in ("soc", "ev_soc"):
        state[name] = dice(0.0, 1.0)
    state["soh"] = dice(0.4, 1.0)
    state["t_air"], state["t_mass"] = dice(5.0, 35.0), dice(5.0, 35.0)
    state["t_zones"] = [dice(5.0, 35.0) for _ in range(2 * MAX_ZONES - 2)]
    state["t_tank"] = dice(20.0, float(home["dhw_t_max"]))
    state["tank_cold_h"] = dice(0.0, 250.0)
    for i in range(2):
        waits = dice.yes()
        state["app_wait"][0, i] = dice.rng.integers(0, 9) if waits else -1
        state["app_left"][0, i] = 0 if waits else dice.yes() * dice.rng.integers(0, 9)
    state["month_kwh"] = dice(0.0, 150.0)
    state["month_peak"] = dice(0.0, 12.0)
    state["vm"] = dice(0.9, 1.15)
    return state


def _fill(record: Any, parameters: dict[str, Parameter], table: dict[str, float], prefix: str = "") -> None:
    """What ``home_records`` and ``zone_records`` do with a table, without the table."""
    for name, p in parameters.items():
        value = table.get(prefix + name, p.default)
        assert value is not None, name
        assert np.isnan(value) or p.low <= value <= p.high, f"{prefix}{name} = {value}"
        if p.place is None:
            record[p.field] = value * p.scale
        else:
            record[p.field][p.place] = value * p.scale


def records(table: dict[str, float], n_zones: int, padded: int) -> tuple[Any, Any]:
    """One HOME record and its ZONE records (Z,), followed by ``padded`` zones that only a neighbour has."""
    home, zones = np.zeros(1, HOME), np.zeros(n_zones + padded, ZONE)
    _fill(home[0], HOME_PARAMETERS, table)
    home["n_zones"] = n_zones
    for z in range(n_zones):
        _fill(zones[z], ZONE_PARAMETERS, table, "" if z == 0 else f"zone{z + 1}_")
        zones[z]["ua_steady"] = steady_ua(zones[z])
    return home[0], zones


class Case:
    """One home in one step; ``run`` takes a copy of its state through the kernel."""

    def __init__(
        self, seed: int, n_zones: int, devices: frozenset[str], outage: bool, dt: float, padded: int, ideal: bool
    ):
        dice = Dice(seed)
        self.dt, self.n_zones, self.devices = dt, n_zones, devices
        table = random_home(dice, n_zones, devices) | {"ideal_load": float(ideal)}
        table["building"] = float(ideal or not dice.yes(0.1))
        self.home, self.zones = records(table, n_zones, padded)
        self.common, self.series = _surroundings(dice, outage)
        self.state = _state(dice, self.home)
        self.values = (dice(0.0, 0.6), dice(0.0, 0.3), dice(0.0, 0.3))
        self.carbon_price = dice(0.0, 0.5)
        self.command = np.array(
            [np.nan if dice.yes(0.2) else dice.rng.choice([dice(-1.0, 1.0), dice(-3.0, 3.0)]) for _ in CONTROLS]
        )
        self.matrices = thermal.step_matrices(np.array([self.home]), self.zones[None, :], dt)

    def run(self, command: Any = None, state: Any = None) -> tuple[Any, Any]:
        """(STATE record after, TERMS record)."""
        after, terms = (self.state if state is None else state).copy(), np.zeros(1, TERMS)
        home_kernel.step(
            self.home,
            self.zones,
            self.common[0],
            self.series[0],
            after[0],
            self.command if command is None else command,
            *(part[0] for part in self.matrices),
            *self.values,
            self.carbon_price,
            self.dt,
            np.full(rooms.WORK, np.nan),  # scratch: what a neighbour left there must not matter
            terms[0],
        )
        return after[0], terms[0]

    def __repr__(self) -> str:
        on = "outage, " if self.common["grid"][0] == 0 else ""
        return f"Case({on}{self.n_zones} zones, {sorted(self.devices)}, dt={self.dt:g})"


def cases(
    *,
    zones: tuple[int, ...] = (1, 2, 3, 4),
    outage: tuple[bool, ...] = (False, False, True),
    needs: tuple[str, ...] = (),
    ideal: tuple[bool, ...] = (False,) * 7 + (True,),
) -> st.SearchStrategy[Case]:
    """Random cases; ``needs``: devices that every home has."""
    return st.builds(
        lambda seed, n, has, out, dt, pad, all_by_itself: Case(
            seed, n, frozenset(has) | frozenset(needs), out, dt, min(pad, MAX_ZONES - n), all_by_itself
        ),
        st.integers(0, 2**32 - 1),
        st.sampled_from(zones),
        st.sets(st.sampled_from(DEVICES)),
        st.sampled_from(outage),
        st.sampled_from(STEPS_H),
        st.sampled_from((0, 0, 1)),
        st.sampled_from(ideal),
    )
