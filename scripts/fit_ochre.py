"""A two-node model fitted to the first week of a detailed simulation and driven open loop through the second.

FOLDER holds reference_winter_14d_15min.csv.gz and reference_summer_14d_15min.csv.gz with OCHRE's columns (the bundled
ones by default). Each model is fitted to days 1 to 7 of one season, then simulated from day 1 on with weather, gains
and delivered heat but no measured indoor temperature after the start; printed are the errors [K] of days 1 to 7, of
days 8 to 14, and of the other season's 14 days (its mass starts at air temperature).

    python scripts/fit_ochre.py [FOLDER] [--horizons 6 24 168]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from entangrid.envs.identification import STARTS, Measured, fit, rmse_k, simulate

FLOOR_AREA_M2 = 157.8
DAYS, STEPS = 7, 96


def measured(folder: Path, season: str) -> Measured:
    """Fourteen days of OCHRE's results; temperatures are those at the start of a step."""
    table = pd.read_csv(folder / f"reference_{season}_14d_15min.csv.gz")
    watts = {
        "heat": table["HVAC Heating Delivered (W)"] - table["HVAC Cooling Delivered (W)"],
        "gains": table["Internal Heat Gain - Indoor (W)"],
        "solar": table["Window Transmitted Solar Gain (W)"],
    }
    heat, gains, solar = (series.to_numpy(float) / 1_000.0 for series in watts.values())
    air, out = (table[f"Temperature - {place} (C)"].to_numpy(float) for place in ("Indoor", "Outdoor"))
    return Measured(air, out, heat, gains, solar, 0.25)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "tests" / "reference" / "ochre_home"
    )
    parser.add_argument("--horizons", nargs="+", type=float, default=[6.0, 24.0, 168.0], help="[h]")
    arguments = parser.parse_args()
    seasons = {season: measured(arguments.folder, season) for season in ("winter", "summer")}
    print("fitted on  horizon h  model   days 1-7  days 8-14  to 1R1C  other season  kWh/K  W/K  solar factor")
    for season, other in (("winter", "summer"), ("summer", "winter")):
        for horizon in arguments.horizons:
            plain = 0.0
            for model in STARTS:
                home, cut = seasons[season], DAYS * STEPS
                fitted = fit(home.part(0, cut), FLOOR_AREA_M2, model, horizon_h=horizon)
                error = simulate(fitted, home) - home.t_air_c
                elsewhere = rmse_k(simulate(fitted, seasons[other], 0.0), seasons[other].t_air_c)
                week_1, week_2 = rmse_k(error[:cut], 0.0), rmse_k(error[cut:], 0.0)
                plain = plain or week_2
                row = fitted.columns.iloc[0]
                air, mass, between = (row[f"ua_{ends}_w_k"] for ends in ("air_out", "mass_out", "air_mass"))
                in_series = mass if model == "1r1c" else mass * between / (mass + between)
                print(
                    f"{season:9s}  {horizon:9g}  {model:6s}  {week_1:8.3f}  {week_2:9.3f}  {week_2 / plain:7.2f}  "
                    f"{elsewhere:12.2f}  {row['c_air_kwh_k'] + row['c_mass_kwh_k']:5.1f}  "
                    f"{air + in_series:3.0f}  {fitted.solar_factor:12.2f}"
                )


if __name__ == "__main__":
    main()
