"""A two-node model fitted to the first week of a detailed simulation and driven open loop through the second.

FOLDER holds reference_winter_14d_15min.csv.gz and reference_summer_14d_15min.csv.gz with OCHRE's columns (the bundled
ones by default). Each model is fitted to days 1 to 7 of one season, then simulated from day 1 on with weather, gains
and delivered heat but no measured indoor temperature after the start; printed are the errors [K] of days 1 to 7, of
days 8 to 14, and of the other season's 14 days (its mass starts at air temperature). ``--choose`` prints what the
default horizon was chosen by, which are days 1 to 7 alone: the error of days 5 to 7 after a fit to days 1 to 4, and of
days 6 and 7 after a fit to days 1 to 5. Last comes a single node fitted by linear regression of one step's change.

    python scripts/fit_ochre.py [FOLDER] [--horizons 6 24 168] [--choose]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entangrid.envs.identification import Measured, Model, fit, rmse_k, simulate

F = NDArray[np.float64]
MODELS: tuple[Model, ...] = ("1r1c", "2r2c")

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


def regression_k(home: Measured, cut: int) -> F:
    """Error (T,) [K] of one node whose two parameters are a linear regression of the change in each step before cut."""
    power = home.heat_kw + home.gains_kw + home.solar_kw
    before = slice(0, cut - 1)
    columns = np.column_stack([home.t_out_c - home.t_air_c, power])[before]
    (leak, per_kw), *_ = np.linalg.lstsq(columns, np.diff(home.t_air_c[:cut]), rcond=None)
    t = np.empty(len(power))
    t[0] = home.t_air_c[0]
    for k in range(len(t) - 1):
        t[k + 1] = t[k] + leak * (home.t_out_c[k] - t[k]) + per_kw * power[k]
    return t - home.t_air_c


def validation_k(home: Measured, model: Model, horizon_h: float) -> list[float]:
    """Errors [K] of the rest of days 1 to 7 after fits to the first four and five of them."""
    week, errors = home.part(0, DAYS * STEPS), []
    for days in (4, 5):
        fitted = fit(week.part(0, days * STEPS), FLOOR_AREA_M2, model, horizon_h=horizon_h)
        errors.append(rmse_k((simulate(fitted, week) - week.t_air_c)[days * STEPS :], 0.0))
    return errors


def choose(seasons: dict[str, Measured], horizons: list[float]) -> None:
    """Print the errors of validation within days 1 to 7, and their root mean square over both seasons."""
    print("horizon h  model   winter 4+3, 5+2  summer 4+3, 5+2  together")
    for horizon in horizons:
        for model in MODELS:
            winter, summer = (validation_k(seasons[season], model, horizon) for season in ("winter", "summer"))
            text = "  ".join(f"{first:7.3f} {second:7.3f}" for first, second in (winter, summer))
            print(f"{horizon:9g}  {model:6s}  {text}  {rmse_k(np.array(winter + summer), 0.0):8.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "tests" / "reference" / "ochre_home"
    )
    parser.add_argument("--horizons", nargs="+", type=float, default=[6.0, 24.0, 168.0], help="[h]")
    parser.add_argument("--choose", action="store_true", help="print validation within days 1 to 7 instead")
    arguments = parser.parse_args()
    seasons = {season: measured(arguments.folder, season) for season in ("winter", "summer")}
    if arguments.choose:
        return choose(seasons, arguments.horizons)
    cut = DAYS * STEPS
    print("fitted on  horizon h  model   days 1-7  days 8-14  to 1R1C  other season  kWh/K  W/K  solar factor")
    for season, other in (("winter", "summer"), ("summer", "winter")):
        for horizon in arguments.horizons:
            plain = 0.0
            for model in MODELS:
                home = seasons[season]
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
    for season, home in seasons.items():
        error = regression_k(home, cut)
        print(f"{season:9s}  one step by linear regression, one node: days 8-14 {rmse_k(error[cut:], 0.0):.3f}")


if __name__ == "__main__":
    main()
