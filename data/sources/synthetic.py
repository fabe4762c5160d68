"""Any number of made-up homes over any number of days, from a seed: for studies that need more than was measured.

================= =====================================================================================================
part              from
================= =====================================================================================================
weather           :mod:`entangrid.data.sources.synthetic_weather`
occupancy         :mod:`entangrid.data.sources.synthetic_occupancy`; the share of the household that is at home
load              :mod:`entangrid.data.sources.synthetic_load`
house, devices    :mod:`entangrid.data.sources.synthetic_homes`
PV, sun           :mod:`entangrid.data.solar`
heat gains        90 W a person awake and 65 W a person asleep, 60 % of the load, and the sun; to air and mass as in
                  :mod:`entangrid.data.sources.bundled`
prices, carbon    :mod:`entangrid.data.tariff`, 0.08 EUR/kWh for feed-in, 0.527 kg/kWh, as the bundled home's; other
                  tariffs and an hourly carbon: :mod:`entangrid.data.sources.synthetic_market`
hot water, ...    if asked for: :mod:`entangrid.data.sources.synthetic_devices`, whose share of homes has them
================= =====================================================================================================

Random numbers: every home, and every part of it, has its own stream, seeded by (seed, number of home, part). So home k
is the same in a scenario of 3 homes and of 300, and a longer scenario begins like a shorter one. The weather is one for
all. The same arguments give the same bits on the same machine and versions.
"""

from collections import defaultdict
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entangrid.data.checks import Origin
from entangrid.data.errors import InputError
from entangrid.data.meter_occupancy import occupancy_from_meter
from entangrid.data.scenario import Scenario
from entangrid.data.solar import pv_power_kw, window_gains_kw
from entangrid.data.sources.bundled import CARBON_KG_KWH, INTERNAL_TO_AIR, LOAD_AS_HEAT, SOLAR_TO_AIR
from entangrid.data.sources.heat_pumps import hplib_generic
from entangrid.data.sources.home_defaults import home_parameters
from entangrid.data.sources.synthetic_devices import DEVICES_THAT_WAIT, Calendar, devices
from entangrid.data.sources.synthetic_devices import outages as grid_available
from entangrid.data.sources.synthetic_homes import house
from entangrid.data.sources.synthetic_load import load_kw
from entangrid.data.sources.synthetic_market import market
from entangrid.data.sources.synthetic_occupancy import ASLEEP, AWAKE, AWAY, household, on_trip, states
from entangrid.data.sources.synthetic_options import Extras, read_text
from entangrid.data.sources.synthetic_weather import Climate, climate_of, synthetic_weather
from entangrid.data.tariff import feed_in, time_of_use
from entangrid.data.times import wall_clock

Floats = NDArray[np.float64]

START = "2015-01-05"  # a Monday
KW_AWAKE, KW_ASLEEP = 0.09, 0.065
FIRST_MONDAY = pd.Timestamp("1900-01-01")
_PEOPLE, _LOAD, _HOUSE = 1, 2, 3
_OUTAGES = 12
_SHARE = {"hot water": "tanks", "vehicles": "vehicles"}
FLAT_EUR_KWH = {"flat": 0.30, "block": 0.28, "demand": 0.24}
FEES_EUR_KWH = 0.16  # on top of the day-ahead price: own round number for grid fees, levies and taxes


def synthetic(
    homes: int = 26,
    days: int = 92,
    seed: int = 0,
    dt_h: float = 0.25,
    start: str | pd.Timestamp = START,
    climate: str | Climate = "temperate",
    *,
    tanks: float = 0.0,
    vehicles: float = 0.0,
    v2h: float = 0.0,
    appliances: float = 0.0,
    cooling: float = 0.0,
    zones: int = 1,
    ageing: bool = False,
    curtailable: bool = False,
    outages: float = 0.0,
    tariff: str = "tou",
    carbon: str = "flat",
    meter_occupancy: bool = False,
) -> Scenario:
    """Return ``homes`` made-up homes (1 to 10,000) over ``days`` (1 to 3,660) at steps of ``dt_h`` (5 min to 1 h).

    start: a day; it begins at 00:00 local standard time. climate: "temperate", "continental", "mediterranean" or one's
    own :class:`Climate`. The others: :class:`~entangrid.data.sources.synthetic_options.Extras`. tariff: "tou" (three
    levels by the clock), "flat", "dynamic" (an hourly day-ahead price, with fees for import and without for feed-in,
    which is negative at times), "block" (an adder beyond a monthly energy), "demand" (a price of the month's highest
    import). Raises ``InputError`` for an argument out of range.
    """
    extras = Extras(
        tanks, vehicles, v2h, appliances, cooling, zones, ageing, curtailable, outages, tariff, carbon, meter_occupancy
    )
    place = climate_of(climate)
    index = _index(homes, days, seed, dt_h, start)
    # One day ahead lets the people get up before the scenario begins.
    early = pd.date_range(index[0] - pd.Timedelta(days=1), index[-1], freq=index.freq)
    ahead = len(early) - len(index)
    hour, weekday = wall_clock(early, place.utc_offset_h, place.timezone, Origin("synthetic"))
    day = np.asarray((early - early[0]).days, dtype=np.int64)
    week = np.asarray((early - FIRST_MONDAY).days, dtype=np.int64) // 7
    weather = synthetic_weather(place, index, dt_h, seed)
    ghi = weather["ghi_w_m2"].to_numpy(dtype=np.float64)
    sky = {
        "latitude": place.latitude,
        "longitude": place.longitude,
        "altitude_m": place.altitude_m,
        "utc_offset_h": place.utc_offset_h,
    }
    areas = ("area_equator_m2", "area_east_m2", "area_west_m2")
    sun_kw_m2 = [window_gains_kw(weather, **sky, **{"area_equator_m2": 0.0, facing: 1.0}) for facing in areas]

    @cache
    def pv_kw_per_kwp(tilt_deg: float, azimuth_deg: float) -> Floats:
        return pv_power_kw(weather, **sky, kwp=1.0, tilt_deg=tilt_deg, azimuth_deg=azimuth_deg)

    base, full_speed, cooling_fit = home_parameters(), hplib_generic(4), hplib_generic(1)
    columns: defaultdict[str, list[Floats]] = defaultdict(list)
    parameters = []
    for k in range(homes):
        people = np.random.default_rng((seed, k + 1, _PEOPLE))
        profiles = household(people)
        trips, *streams = people.spawn(1 + len(profiles))
        chains = np.stack(
            [states(p, hour, weekday, week, dt_h, stream) for p, stream in zip(profiles, streams, strict=True)]
        )
        chains = np.where(on_trip(hour, day, trips), AWAY, chains)
        home = house(
            f"home-{k + 1}", len(profiles), base, full_speed, place, np.random.default_rng((seed, k + 1, _HOUSE))
        )
        row = {str(name): float(value) for name, value in home.parameters.iloc[0].items()}
        has = devices(row, chains, Calendar(hour, weekday, ahead, dt_h), extras, cooling_fit, (seed, k + 1))
        chains = chains[:, ahead:]
        awake, asleep = (chains == AWAKE).sum(axis=0), (chains == ASLEEP).sum(axis=0)
        load = load_kw(
            hour[ahead:],
            awake.astype(np.float64),
            len(profiles),
            ghi,
            dt_h,
            np.random.default_rng((seed, k + 1, _LOAD)),
            without=DEVICES_THAT_WAIT if has.appliances else (),
        )
        internal = KW_AWAKE * awake + KW_ASLEEP * asleep + LOAD_AS_HEAT * load
        solar = sum((area * sun for area, sun in zip(home.windows_m2, sun_kw_m2, strict=True)), np.zeros(len(index)))
        columns["load_kw"].append(load)
        columns["pv_kw"].append(home.kwp * pv_kw_per_kwp(home.tilt_deg, home.azimuth_deg))
        columns["occupancy"].append((chains != AWAY).mean(axis=0))
        columns["gains_air_kw"].append(INTERNAL_TO_AIR * internal + SOLAR_TO_AIR * solar)
        columns["gains_mass_kw"].append((1.0 - INTERNAL_TO_AIR) * internal + (1.0 - SOLAR_TO_AIR) * solar)
        for column, values in has.series.items():
            columns[column].append(values)
        parameters.append(home.parameters.assign(**has.columns))

    hour, weekday, day = hour[ahead:], weekday[ahead:], day[ahead:] - day[ahead]
    arguments = f"homes={homes},days={days},seed={seed},dt_h={dt_h:g},start={index[0]:%Y-%m-%d},climate={place.name}"
    arguments += extras.text()
    series: dict[str, Floats] = {key: np.column_stack(parts) for key, parts in columns.items()}
    if extras.outages > 0.0:
        series["grid_available"] = grid_available(day, extras.outages, dt_h, np.random.default_rng((seed, 0, _OUTAGES)))
    if extras.meter_occupancy:
        series["occupancy_meter"] = occupancy_from_meter(series["load_kw"], hour, dt_h)
    return Scenario(
        name=f"synthetic:{arguments}",
        start=index[0],
        dt_h=dt_h,
        utc_offset_h=place.utc_offset_h,
        homes=pd.concat(parameters),
        t_out_c=weather["temp_air_c"].to_numpy(dtype=np.float64),
        hour=hour,
        weekday=weekday,
        **_prices_and_carbon(extras, hour, weekday, index, ghi, dt_h, seed),
        **series,
        provenance={
            "all": f"made up by this project's generator: {arguments}; no measured series is in it",
            "heat pump": "hplib 1.9, generic groups 1 and 4, MIT; DOI 10.5281/zenodo.5521597",
            "pv and windows": "pvlib: Hay-Davies, Faiman, PVWatts; DOI 10.21105/joss.00884",
            "left out": ", ".join(name for name in ("hot water", "vehicles") if not getattr(extras, _SHARE[name]))
            or "nothing",
        },
    )


def from_text(text: str) -> Scenario:
    """Return ``synthetic(...)`` of arguments as in "homes=26,days=92,seed=0"; raises ``InputError`` by argument."""
    return synthetic(**read_text(text))  # type: ignore[arg-type]


def _prices_and_carbon(
    extras: Extras,
    hour: Floats,
    weekday: NDArray[np.int64],
    index: pd.DatetimeIndex,
    ghi_w_m2: Floats,
    dt_h: float,
    seed: int,
) -> dict[str, Floats]:
    """Return the columns of prices and carbon (n,) of the tariff and the carbon that are asked for."""
    n = len(hour)
    out = {"price_export_eur_kwh": feed_in(n), "carbon_kg_kwh": np.full(n, CARBON_KG_KWH)}
    if extras.tariff == "tou":
        out["price_import_eur_kwh"] = time_of_use(hour, weekday)
    elif extras.tariff != "dynamic":
        out["price_import_eur_kwh"] = np.full(n, FLAT_EUR_KWH[extras.tariff])
    if extras.tariff == "dynamic" or extras.carbon == "hourly":
        hours = market(hour, weekday, np.asarray(index.day_of_year, dtype=np.float64), ghi_w_m2, dt_h, seed)
        if extras.carbon == "hourly":
            out["carbon_kg_kwh"] = hours.carbon_kg_kwh
        if extras.tariff == "dynamic":
            out["price_import_eur_kwh"] = hours.spot_eur_kwh + FEES_EUR_KWH
            out["price_export_eur_kwh"] = hours.spot_eur_kwh
    return out


def _index(homes: int, days: int, seed: int, dt_h: float, start: str | pd.Timestamp) -> pd.DatetimeIndex:
    for name, value, low, high in (
        ("homes", homes, 1, 10_000),
        ("days", days, 1, 3660),
        ("seed", seed, 0, 2**63 - 1),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
            raise InputError(f"synthetic: {name} is {value!r}, expected a whole number from {low} to {high}")
    minutes = float(dt_h) * 60.0
    if not (5 <= minutes <= 60 and abs(minutes - round(minutes)) < 1e-9 and 60 % round(minutes) == 0):
        raise InputError(f"synthetic: dt_h is {dt_h}, expected 5, 6, 10, 12, 15, 20, 30 or 60 min in hours")
    first = pd.to_datetime(start, errors="coerce")
    if pd.isna(first) or first.tzinfo is not None or first != first.normalize() or not 1950 <= first.year <= 2100:
        raise InputError(f"synthetic: start is {str(start)!r}, expected a day such as 2015-01-05")
    return pd.date_range(first, periods=days * 24 * 60 // round(minutes), freq=pd.Timedelta(minutes=round(minutes)))
