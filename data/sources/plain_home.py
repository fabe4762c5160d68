"""Parameters of a home of which only the meter is known: no heat pump, and a building in which nothing happens.

Electric load, PV and battery are all that such a home has: ``building`` 0 leaves rooms out of the simulation. The
columns that describe heat pump and building need values all the same, and these would make them idle anyway:

- ``hp_q_ref_kw`` 0: the heat pump can give no heat and draws no power; its fits are the constant 1.
- no conductance to the outdoors and no heat gains: the indoor temperature stays where it starts, so the value of the
  heat stored in the building does not change either. Capacities of 1 kWh/K keep the matrices well conditioned.
- ``discomfort_eur_kh`` 0: comfort costs nothing.
"""

import pandas as pd

IDLE = {
    "building": 0.0,
    "c_air_kwh_k": 1.0,
    "c_mass_kwh_k": 1.0,
    "ua_air_out_w_k": 0.0,
    "ua_mass_out_w_k": 0.0,
    "ua_air_mass_w_k": 1000.0,
    "hp_q_ref_kw": 0.0,
    **{f"hp_cop_p{i}": float(i == 3) for i in (1, 2, 3, 4)},
    **{f"hp_pth_p{i}": float(i == 3) for i in (1, 2, 3, 4)},
    "t_set_c": 21.0,
    "comfort_low_c": 20.0,
    "comfort_high_c": 24.0,
    "discomfort_eur_kh": 0.0,
}

BATTERY = {
    "battery_kwh": 0.0,
    "battery_p_kw": 0.0,
    "battery_eta_charge": 1.0,
    "battery_eta_discharge": 1.0,
    "battery_self_discharge_per_h": 0.0,
    "battery_wear_eur_kwh": 0.0,
}


def plain_parameters(name: str, **battery: float) -> pd.DataFrame:
    """Return the parameter table (1, P) of an idle building with a battery; ``battery``: columns of :data:`BATTERY`."""
    return pd.DataFrame(IDLE | BATTERY | battery, index=pd.Index([name], name="home"))
