"""A home with a battery, PV and a meter, hour by hour: the setting of the CityLearn Challenge 2022, on free data.

Load and PV are the bundled home's (:mod:`entangrid.data.sources.bundled`), at hourly steps unless others are asked for;
the building is :mod:`idle <entangrid.data.sources.plain_home>`. Battery: 6.4 kWh, 5 kW, 90 % for the round trip, as in
the challenge's schema. Price: time of use. Carbon: made up hour by hour from the weather, seed 0
(:mod:`entangrid.data.sources.synthetic_market`), as no series with a free licence comes with the package.
"""

import numpy as np

from entangrid.data.scenario import Scenario
from entangrid.data.sources.bundled import PROVENANCE, home_series
from entangrid.data.sources.plain_home import plain_parameters
from entangrid.data.sources.synthetic_market import market

BATTERY = {
    "battery_kwh": 6.4,
    "battery_p_kw": 5.0,
    "battery_eta_charge": float(np.sqrt(0.9)),
    "battery_eta_discharge": float(np.sqrt(0.9)),
}


def bundled_battery(dt_h: float = 1.0) -> Scenario:
    """Return the scenario "bundled-battery": 2016, one home, at steps of ``dt_h`` [h] (5 min to 1 h)."""
    fields, weather, day = home_series(dt_h)
    carbon = market(
        fields["hour"], fields["weekday"], day.astype(np.float64), weather["ghi_w_m2"].to_numpy(np.float64), dt_h, 0
    ).carbon_kg_kwh
    still = np.zeros_like(fields["load_kw"])
    provenance = {key: PROVENANCE[key] for key in ("load", "weather")}
    return Scenario(
        name="bundled-battery",
        dt_h=dt_h,
        homes=plain_parameters("home-1", **BATTERY),
        **fields | {"carbon_kg_kwh": carbon, "gains_air_kw": still, "gains_mass_kw": still},
        provenance=provenance
        | {
            "pv": PROVENANCE["pv and windows"],
            "carbon": "made up hour by hour from the weather by this project's model of a power market, seed 0",
            "battery": "6.4 kWh, 5 kW, 90 %: as in the schema of the CityLearn Challenge 2022, DOI 10.18738/T8/0YLJ6Q",
            "building": "none: no heat pump, idle envelope, comfort at no price",
            "occupancy, prices": PROVENANCE["occupancy, prices, house"],
        },
    )
