"""Sun on roofs and windows, by pvlib: AC power of a PV system and heat through glass.

Weather frames are those of :func:`entangrid.data.sources.weather.read_station`: one row per step, index = the step's
beginning in naive local standard time, columns ``temp_air_c, wind_m_s, ghi_w_m2, dni_w_m2, dhi_w_m2``. The sun is
where it stands at the step's centre. Azimuth: 0 = north, 90 = east, 180 = south.

Sources: W. F. Holmgren, C. W. Hansen, M. A. Mikofski, *pvlib python*, JOSS 3(29) 884 (2018), DOI 10.21105/joss.00884;
J. E. Hay, J. A. Davies (1980) for diffuse light on tilted planes; D. Faiman, *Assessing the outdoor operating
temperature of photovoltaic modules*, Prog. Photovolt. 16, 307 (2008), DOI 10.1002/pip.813; A. P. Dobos, *PVWatts
Version 5 Manual*, NREL/TP-6A20-62641 (2014), DOI 10.2172/1158421.
"""

import numpy as np
import pandas as pd
import pvlib
from numpy.typing import NDArray

from entangrid.data.errors import InputError

Floats = NDArray[np.float64]


def plane_irradiance(
    weather: pd.DataFrame,
    *,
    latitude: float,
    longitude: float,
    altitude_m: float,
    utc_offset_h: float,
    tilt_deg: float,
    azimuth_deg: float,
    albedo: float = 0.2,
) -> Floats:
    """Return the irradiance on a plane (n,) [W/m²]: beam, Hay-Davies diffuse and what the ground reflects.

    albedo: 0.2, grass. Raises ``InputError`` for weather with a missing column, an uneven index or no number.
    """
    _check(weather, latitude, longitude, tilt_deg, azimuth_deg)
    index = pd.DatetimeIndex(weather.index)
    utc = (index + (index[1] - index[0]) / 2 - pd.Timedelta(hours=utc_offset_h)).tz_localize("UTC")
    sun = pvlib.solarposition.get_solarposition(utc, latitude, longitude, altitude_m)
    on_plane = pvlib.irradiance.get_total_irradiance(
        tilt_deg,
        azimuth_deg,
        sun["apparent_zenith"].to_numpy(),
        sun["azimuth"].to_numpy(),
        weather["dni_w_m2"].to_numpy(dtype=np.float64),
        weather["ghi_w_m2"].to_numpy(dtype=np.float64),
        weather["dhi_w_m2"].to_numpy(dtype=np.float64),
        dni_extra=pvlib.irradiance.get_extra_radiation(utc).to_numpy(),
        albedo=albedo,
        model="haydavies",
    )
    return np.maximum(np.asarray(on_plane["poa_global"], dtype=np.float64), 0.0)


def pv_power_kw(
    weather: pd.DataFrame,
    *,
    latitude: float,
    longitude: float,
    altitude_m: float,
    utc_offset_h: float,
    kwp: float,
    tilt_deg: float,
    azimuth_deg: float,
    losses_percent: float = 14.0,
    gamma_per_k: float = -0.004,
    dc_ac_ratio: float = 1.2,
    inverter_efficiency: float = 0.96,
) -> Floats:
    """Return the AC power that a PV system can give (n,) [kW].

    Plane irradiance, Faiman cell temperature (pvlib's default coefficients; the station's wind at 10 m is taken as it
    is), PVWatts DC power, losses and inverter. kwp: DC power at 1000 W/m² and 25 °C [kW]. losses_percent: soiling,
    shading, wiring, mismatch and the rest, 14 % in PVWatts. gamma_per_k: -0.4 %/K, crystalline silicon.
    dc_ac_ratio: module power over the inverter's AC limit, 1.2 in PVWatts. Raises ``InputError`` for parameters or
    weather that cannot be.
    """
    for name, value, low, high in (
        ("kwp", kwp, 0.0, 1000.0),
        ("losses_percent", losses_percent, 0.0, 100.0),
        ("gamma_per_k", gamma_per_k, -0.02, 0.0),
        ("dc_ac_ratio", dc_ac_ratio, 0.1, 10.0),
        ("inverter_efficiency", inverter_efficiency, 0.5, 1.0),
    ):
        _within(name, value, low, high)
    if kwp == 0.0:
        return np.zeros(len(weather))
    poa = plane_irradiance(
        weather,
        latitude=latitude,
        longitude=longitude,
        altitude_m=altitude_m,
        utc_offset_h=utc_offset_h,
        tilt_deg=tilt_deg,
        azimuth_deg=azimuth_deg,
    )
    cell_c = pvlib.temperature.faiman(
        poa, weather["temp_air_c"].to_numpy(dtype=np.float64), weather["wind_m_s"].to_numpy(dtype=np.float64)
    )
    dc_kw = pvlib.pvsystem.pvwatts_dc(poa, cell_c, kwp, gamma_per_k) * (1.0 - losses_percent / 100.0)
    ac_kw = pvlib.inverter.pvwatts(dc_kw, kwp / dc_ac_ratio / inverter_efficiency, inverter_efficiency)
    return np.maximum(np.nan_to_num(np.asarray(ac_kw, dtype=np.float64)), 0.0)


def window_gains_kw(
    weather: pd.DataFrame,
    *,
    latitude: float,
    longitude: float,
    altitude_m: float,
    utc_offset_h: float,
    area_equator_m2: float,
    area_east_m2: float = 0.0,
    area_west_m2: float = 0.0,
    g_value: float = 0.6,
    frame_factor: float = 0.7,
    incidence_factor: float = 0.9,
    shading_factor: float = 0.75,
) -> Floats:
    """Return the solar heat through vertical windows (n,) [kW].

    Areas are those of the openings; what counts is area · glass share · g at normal incidence · 0.9 for slanting
    light · shading. g_value: 0.6, double glazing with coating. frame_factor 0.7 and incidence_factor 0.9: ISO
    13790 (frame share 0.3, F_w). shading_factor: 0.75, trees, neighbours, reveals and curtains. Raises
    ``InputError`` as above.
    """
    effective = 1.0
    for name, value in (
        ("g_value", g_value),
        ("frame_factor", frame_factor),
        ("incidence_factor", incidence_factor),
        ("shading_factor", shading_factor),
    ):
        _within(name, value, 0.0, 1.0)
        effective *= value
    heat_w = np.zeros(len(weather))
    equator = 180.0 if latitude >= 0.0 else 0.0
    for name, area_m2, azimuth_deg in (
        ("area_equator_m2", area_equator_m2, equator),
        ("area_east_m2", area_east_m2, 90.0),
        ("area_west_m2", area_west_m2, 270.0),
    ):
        _within(name, area_m2, 0.0, 1000.0)
        if area_m2 > 0.0:
            heat_w += (
                area_m2
                * effective
                * plane_irradiance(
                    weather,
                    latitude=latitude,
                    longitude=longitude,
                    altitude_m=altitude_m,
                    utc_offset_h=utc_offset_h,
                    tilt_deg=90.0,
                    azimuth_deg=azimuth_deg,
                )
            )
    return heat_w / 1000.0


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InputError(f"{name} is {value}, expected {low:g} to {high:g}")


def _check(weather: pd.DataFrame, latitude: float, longitude: float, tilt_deg: float, azimuth_deg: float) -> None:
    _within("latitude", latitude, -90.0, 90.0)
    _within("longitude", longitude, -180.0, 180.0)
    _within("tilt_deg", tilt_deg, 0.0, 90.0)
    _within("azimuth_deg", azimuth_deg, 0.0, 360.0)
    if not isinstance(weather.index, pd.DatetimeIndex) or weather.index.tz is not None or len(weather) < 2:
        raise InputError("weather: expected a DatetimeIndex in naive local standard time with at least two steps")
    steps = np.diff(weather.index.to_numpy())
    if (steps != steps[0]).any():
        first = int(np.argmax(steps != steps[0])) + 1
        raise InputError(f"weather: row {weather.index[first]}: uneven step, expected {pd.Timedelta(steps[0])}")
    for column in ("temp_air_c", "wind_m_s", "ghi_w_m2", "dni_w_m2", "dhi_w_m2"):
        if column not in weather.columns:
            raise InputError(f"weather: column {column!r} is missing")
        values = weather[column].to_numpy(dtype=np.float64)
        bad = ~np.isfinite(values) | ((values < 0.0) & (column != "temp_air_c"))
        if bad.any():
            first = int(np.argmax(bad))
            raise InputError(
                f"weather: row {weather.index[first]}, column {column!r}: {values[first]}, expected a finite number"
                + ("" if column == "temp_air_c" else " >= 0")
            )
