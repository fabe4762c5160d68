"""Typical years at any step, and PV and window gains against pvlib's hourly calculation."""

import numpy as np
import pandas as pd
import pvlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from entangrid.data import InputError
from entangrid.data.solar import plane_irradiance, pv_power_kw, window_gains_kw
from entangrid.data.sources.bundled_files import bundled_csv
from entangrid.data.sources.weather import read_station, spread_irradiance, station, stations

STATIONS = ("seattle_wa", "new_york_jfk_ny", "buffalo_ny", "atlanta_ga")
IRRADIANCE = ["ghi_w_m2", "dni_w_m2", "dhi_w_m2"]


def place(name: str) -> dict[str, float]:
    return {key: value for key, value in station(name)._asdict().items() if key != "name"}


def pvlib_hourly_pv_kw(name: str, year: int, kwp: float, tilt_deg: float, azimuth_deg: float) -> pd.Series:
    """The peer: pvlib's own chain of objects, hourly, on the file's irradiance as it is."""
    at = station(name)
    raw = bundled_csv(f"tmy3/{name}.csv.gz")
    index = pd.date_range(f"{year}-01-01", periods=8760, freq="h", tz=f"Etc/GMT{-at.utc_offset_h:+.0f}")
    centre = index + pd.Timedelta(minutes=30)
    # The file's values stand at the hours' ends, the power is asked for at their centres.
    ends = np.concatenate([[8759], np.arange(8760)])
    temp, wind = (raw[c].to_numpy(dtype=float)[ends] for c in ("temp_air_c", "wind_m_s"))
    weather = pd.DataFrame(
        {
            "ghi": raw["ghi_w_m2"].to_numpy(dtype=float),
            "dni": raw["dni_w_m2"].to_numpy(dtype=float),
            "dhi": raw["dhi_w_m2"].to_numpy(dtype=float),
            "temp_air": (temp[1:] + temp[:-1]) / 2,
            "wind_speed": (wind[1:] + wind[:-1]) / 2,
        },
        index=centre,
    )
    system = pvlib.pvsystem.PVSystem(
        surface_tilt=tilt_deg,
        surface_azimuth=azimuth_deg,
        albedo=0.2,
        module_parameters={"pdc0": kwp * 1e3, "gamma_pdc": -0.004},
        inverter_parameters={"pdc0": kwp * 1e3 / 1.2 / 0.96},
        temperature_model_parameters={"u0": 25.0, "u1": 6.84},
        losses_parameters={
            **dict.fromkeys(("soiling", "shading", "snow", "mismatch", "wiring", "connections"), 0),
            **dict.fromkeys(("lid", "nameplate_rating", "age"), 0),
            "availability": 14,
        },
    )
    chain = pvlib.modelchain.ModelChain(
        system,
        pvlib.location.Location(at.latitude, at.longitude, altitude=at.altitude_m),
        transposition_model="haydavies",
        aoi_model="no_loss",
        spectral_model="no_loss",
        temperature_model="faiman",
        losses_model="pvwatts",
        dc_model="pvwatts",
        ac_model="pvwatts",
    )
    chain.run_model(weather)
    return (chain.results.ac.clip(lower=0.0) / 1e3).set_axis(index.tz_localize(None))


@pytest.mark.parametrize("name", STATIONS)
def test_quarter_hourly_pv_agrees_with_pvlibs_hourly_chain(name):
    """Year: within 1 %. Days: no day's energy differs by more than 3 % of the mean day's (1 % is seen)."""
    plane = {"kwp": 6.0, "tilt_deg": 35.0, "azimuth_deg": 180.0}
    peer = pvlib_hourly_pv_kw(name, 2015, **plane)
    ours = pv_power_kw(read_station(name, 2015, 0.25), **place(name), **plane)
    assert ours.sum() / 4 == pytest.approx(peer.sum(), rel=0.01)
    days, peer_days = ours.reshape(365, 96).sum(axis=1) / 4, peer.to_numpy().reshape(365, 24).sum(axis=1)
    assert np.abs(days - peer_days).max() <= 0.03 * peer_days.mean()
    hourly = pv_power_kw(read_station(name, 2015, 1.0), **place(name), **plane)
    # 5 W of 6 kW: the chain of objects lets refraction depend on the air's temperature.
    np.testing.assert_allclose(hourly, peer, rtol=0.0, atol=5e-3)
    assert hourly.sum() == pytest.approx(peer.sum(), rel=1e-4)


@pytest.mark.parametrize("dt_h", [1 / 12, 0.25, 0.5, 1.0])
def test_hourly_means_of_irradiance_are_kept(dt_h):
    raw = bundled_csv("tmy3/buffalo_ny.csv.gz")
    weather = read_station("buffalo_ny", 2015, dt_h)
    means = weather[IRRADIANCE].to_numpy().reshape(8760, -1, 3).mean(axis=1)
    np.testing.assert_allclose(means[:, 0], raw["ghi_w_m2"], rtol=1e-12)
    np.testing.assert_allclose(means[:, 2], raw["dhi_w_m2"], rtol=1e-12)
    lost = raw["dni_w_m2"].to_numpy() - means[:, 1]
    assert (lost >= -1e-9).all()
    assert lost.sum() <= 0.002 * raw["dni_w_m2"].sum()
    assert np.median(lost) == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(
    ghi=arrays(np.float64, 6, elements=st.floats(0, 1200)),
    dni=arrays(np.float64, 6, elements=st.floats(0, 1000)),
    dhi=arrays(np.float64, 6, elements=st.floats(0, 500)),
    cosine=arrays(np.float64, 24, elements=st.floats(-1, 1).map(lambda x: x if abs(x) > 1e-6 else 0.0)),
)
def test_spreading_keeps_means_and_signs_for_any_sun(ghi, dni, dhi, cosine):
    out_ghi, out_dni, out_dhi = spread_irradiance(ghi, dni, dhi, cosine, np.full(24, 1361.0))
    np.testing.assert_allclose(out_ghi.reshape(6, 4).mean(axis=1), ghi, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(out_dhi.reshape(6, 4).mean(axis=1), dhi, rtol=1e-9, atol=1e-9)
    assert (out_dni >= 0.0).all()
    assert (out_dni <= 1361.0).all()
    assert (out_dni[cosine <= 0.0] == 0.0).all()
    assert (out_dni.reshape(6, 4).mean(axis=1) <= dni * (1 + 1e-12)).all()


def test_temperature_meets_the_file_at_the_hours_ends():
    raw = bundled_csv("tmy3/seattle_wa.csv.gz")["temp_air_c"].to_numpy()
    fine = read_station("seattle_wa", 2015, 1 / 12)["temp_air_c"].to_numpy()
    # The mean of the two steps that meet at an hour's end is the file's value, but for half a step of slope.
    around = (fine[11:-1:12] + fine[12::12]) / 2
    slopes = np.abs(np.diff(np.concatenate([[raw[-1]], raw])))
    assert (np.abs(around - raw[:-1]) <= (slopes[:-1] + slopes[1:]) / 24 + 1e-9).all()
    assert fine.mean() == pytest.approx(raw.mean(), abs=1e-9)
    assert fine[0] == pytest.approx(raw[-1] + (raw[0] - raw[-1]) / 24)


def test_leap_years_repeat_28_february():
    weather = read_station("seattle_wa", 2016, 1.0)
    assert len(weather) == 8784
    np.testing.assert_array_equal(weather.loc["2016-02-29", IRRADIANCE], weather.loc["2016-02-28", IRRADIANCE])
    plain = read_station("seattle_wa", 2015, 1.0)
    assert len(plain) == 8760
    np.testing.assert_array_equal(weather[IRRADIANCE][-24 * 306 :], plain[IRRADIANCE][-24 * 306 :])


def test_bundled_stations_are_known_by_name():
    assert tuple(stations()) == STATIONS
    with pytest.raises(InputError, match=r"'seatle_wa' is not bundled \(did you mean 'seattle_wa'"):
        read_station("seatle_wa", 2015)
    for dt_h in (0.0, -1.0, 0.3, 2.0, 1 / 60, float("nan")):
        with pytest.raises(InputError, match="dt_h"):
            read_station("seattle_wa", 2015, dt_h)


@pytest.mark.parametrize("dt_h", [0.25, 1.0])
def test_power_is_bounded_by_inverter_and_darkness(dt_h):
    weather = read_station("atlanta_ga", 2015, dt_h)
    power = pv_power_kw(weather, **place("atlanta_ga"), kwp=6.0, tilt_deg=35.0, azimuth_deg=180.0)
    assert power.min() >= 0.0
    assert 4.0 < power.max() <= 5.0 + 1e-9
    assert (power[weather["ghi_w_m2"] == 0.0] <= 1e-9).all()
    assert (pv_power_kw(weather, **place("atlanta_ga"), kwp=0.0, tilt_deg=35.0, azimuth_deg=180.0) == 0.0).all()


def test_window_gains_add_up_and_follow_the_sun():
    weather, at = read_station("seattle_wa", 2015, 0.25), place("seattle_wa")
    south = window_gains_kw(weather, **at, area_equator_m2=10.0)
    east = window_gains_kw(weather, **at, area_equator_m2=0.0, area_east_m2=10.0)
    west = window_gains_kw(weather, **at, area_equator_m2=0.0, area_west_m2=10.0)
    both = window_gains_kw(weather, **at, area_equator_m2=10.0, area_east_m2=10.0, area_west_m2=10.0)
    np.testing.assert_allclose(both, south + east + west, atol=1e-12)
    morning = np.asarray(pd.DatetimeIndex(weather.index).hour) < 12
    assert east[morning].sum() > 1.5 * east[~morning].sum()
    assert west[~morning].sum() > 1.5 * west[morning].sum()
    facade = plane_irradiance(weather, **at, tilt_deg=90.0, azimuth_deg=180.0)
    np.testing.assert_allclose(south, 10.0 * 0.6 * 0.7 * 0.9 * 0.75 * facade / 1000.0)
    assert (window_gains_kw(weather, **at, area_equator_m2=0.0) == 0.0).all()


def test_south_of_the_equator_windows_face_north():
    weather = read_station("seattle_wa", 2015, 1.0)
    at = place("seattle_wa") | {"latitude": -47.47}
    facade = plane_irradiance(weather, **at, tilt_deg=90.0, azimuth_deg=0.0)
    gains = window_gains_kw(weather, **at, area_equator_m2=1.0, g_value=1.0, frame_factor=1.0, incidence_factor=1.0)
    np.testing.assert_allclose(gains, 0.75 * facade / 1000.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kwp": -1.0}, "kwp is -1.0, expected 0 to 1000"),
        ({"losses_percent": 140.0}, "losses_percent"),
        ({"gamma_per_k": 0.4}, "gamma_per_k"),
        ({"dc_ac_ratio": 0.0}, "dc_ac_ratio"),
        ({"inverter_efficiency": 96.0}, "inverter_efficiency"),
        ({"tilt_deg": 120.0}, "tilt_deg"),
        ({"azimuth_deg": -90.0}, "azimuth_deg"),
        ({"latitude": 100.0}, "latitude"),
        ({"longitude": float("nan")}, "longitude"),
    ],
)
def test_impossible_systems_are_refused(change, message):
    weather = read_station("seattle_wa", 2015, 1.0)[:48]
    how = place("seattle_wa") | {"kwp": 6.0, "tilt_deg": 35.0, "azimuth_deg": 180.0} | change
    with pytest.raises(InputError, match=message):
        pv_power_kw(weather, **how)


def test_impossible_weather_is_refused_by_row_and_column():
    weather = read_station("seattle_wa", 2015, 1.0)[:48]
    at = place("seattle_wa")

    def message(frame: pd.DataFrame) -> str:
        with pytest.raises(InputError) as error:
            window_gains_kw(frame, **at, area_equator_m2=1.0)
        return str(error.value)

    assert "column 'ghi_w_m2' is missing" in message(weather.drop(columns="ghi_w_m2"))
    assert "row 2015-01-01 00:00:00, column 'dni_w_m2': -1.0" in message(weather.assign(dni_w_m2=-1.0))
    assert "column 'temp_air_c': nan" in message(weather.assign(temp_air_c=np.nan))
    assert "row 2015-01-01 04:00:00: uneven step" in message(weather.drop(weather.index[3]))
    assert "naive local standard time" in message(weather.tz_localize("UTC"))
    assert "naive local standard time" in message(weather[:1])
    with pytest.raises(InputError, match=r"g_value is 1\.2"):
        window_gains_kw(weather, **at, area_equator_m2=1.0, g_value=1.2)
    with pytest.raises(InputError, match="area_west_m2 is -2"):
        window_gains_kw(weather, **at, area_equator_m2=1.0, area_west_m2=-2.0)
