"""Parameter columns of tanks, vehicles, cooling, ageing and tariffs, each with the reason for its value."""

from entangrid.data.sources.heat_pumps import HeatPumpFit
from entangrid.data.sources.home_defaults import Default

WATER_KWH_L_K = 1.163e-3  # heat capacity of a litre of water

#: Ageing of a lithium-ion battery, instead of a price of wear per kWh.
AGEING = {
    "battery_calendar_per_a": Default(0.01, "own round number: 10 % in ten years at half charge and room temperature"),
    "battery_calendar_soc": Default(
        1.0, "own round number near the 1.04 of Xu et al. 2018, DOI 10.1109/TSG.2016.2578950"
    ),
    "battery_cycle": Default(3.3e-5, "20 % in 6,000 full cycles, as makers of home batteries with LFP cells warrant"),
    "battery_price_eur_kwh": Default(400.0, "own round number for a kWh of new capacity, installed, without inverter"),
    "battery_wear_eur_kwh": Default(0.0, "the wear is in the ageing"),
}

#: Time-independent parts of the tariffs that have one.
BLOCK = {
    "block_kwh_month": Default(250.0, "own round number: about a household without heat pump and vehicle"),
    "block_adder_eur_kwh": Default(0.10, "own round number for what lies beyond"),
}
DEMAND = {
    "demand_eur_kw": Default(6.0, "own round number: for the highest import of the calendar month"),
    "demand_free_kw": Default(2.0, "own round number: what every home needs"),
}


def values(defaults: dict[str, Default]) -> dict[str, float]:
    """Return the numbers without their reasons."""
    return {name: default.value for name, default in defaults.items()}


def tank(litres: float, loss_w_k: float, *, by_heat_pump: bool = True, element_kw: float = 2.0) -> dict[str, float]:
    """Return the columns of a hot-water tank of ``litres``, 0 for none; loss_w_k: of its insulation [W/K].

    Set to 52 °C, useful from 42 °C on (a shower of 40 °C), 65 °C at most; once a week 60 °C against legionella, as
    DVGW W 551 advises for large systems.
    """
    return {
        "dhw_c_kwh_k": WATER_KWH_L_K * litres,
        "dhw_ua_w_k": loss_w_k,
        "dhw_t_env_c": 18.0,
        "dhw_t_set_c": 52.0,
        "dhw_t_min_c": 42.0,
        "dhw_t_max_c": 65.0,
        "dhw_by_heat_pump": float(by_heat_pump),
        "dhw_element_kw": element_kw,
        "dhw_legionella_c": 60.0,
        "dhw_legionella_h": 168.0,
        "dhw_unmet_eur_kwh": 1.0,
    }


def vehicle(
    capacity_kwh: float, charge_kw: float, *, to_home_kw: float = 0.0, to_grid: bool = False
) -> dict[str, float]:
    """Return the columns of a vehicle, capacity 0 for none; to_home_kw: what it may give back, 0 for nothing.

    Charger and battery lose 8 % each way; four fifths of the charge is wanted at departure; a kWh that is missing costs
    0.60 EUR, about what public chargers take; giving back wears 0.05 EUR/kWh.
    """
    return {
        "ev_kwh": capacity_kwh,
        "ev_charge_kw": charge_kw,
        "ev_discharge_kw": to_home_kw,
        "ev_eta_charge": 0.92,
        "ev_eta_discharge": 0.92,
        "ev_to_grid": float(to_grid),
        "ev_soc_departure": 0.8,
        "ev_unmet_eur_kwh": 0.6,
        "ev_wear_eur_kwh": 0.05,
    }


def cooling(q_kw: float, fit: HeatPumpFit) -> dict[str, float]:
    """Return the columns of a heat pump that cools with ``q_kw`` at 35 °C outdoors and 7 °C supply; 0: it does not.

    fit: one with cooling, hplib's group 1; the supply is at 18 °C, as floors and fan coils without condensation have.
    """
    columns = {"hp_cool_q_ref_kw": q_kw, "hp_cool_sink_c": 18.0}
    for name, plane in (("eer", fit.eer), ("pdc", fit.pdc)):
        columns |= {f"hp_{name}_p{i}": p for i, p in enumerate(plane or (0.0,) * 4, start=1)}
    return columns


def names() -> list[str]:
    """Return the columns of this module, of deferrable appliances and of the flags that go with them."""
    appliances = [f"appliance_{what}_{i}" for i in (1, 2) for what in ("kw", "h", "window_h")]
    fit = HeatPumpFit((0.0,) * 4, (0.0,) * 4)
    devices = tank(0.0, 0.0) | vehicle(0.0, 0.0) | cooling(0.0, fit) | values(AGEING | BLOCK | DEMAND)
    return [*devices, *appliances, "battery_backup", "pv_curtailable"]
