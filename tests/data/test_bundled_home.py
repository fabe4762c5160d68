"""The home that comes with the package: real load at the right hour, plausible weather and parameters."""

import numpy as np
import pandas as pd
import pytest

from entangrid.data import InputError, Scenario, load
from entangrid.data.sources import home_defaults
from entangrid.data.sources.bundled import LOAD_FILE, bundled_home, household_load_kw
from entangrid.data.sources.bundled_files import bundled_csv
from entangrid.data.sources.heat_pumps import hplib_generic


@pytest.fixture(scope="module")
def home() -> Scenario:
    return load("bundled-home")


def test_load_is_the_profile_in_its_own_order(home):
    profile = bundled_csv(LOAD_FILE)["H0-B_pload"].to_numpy()
    assert home.n_steps == len(profile) == 366 * 96
    np.testing.assert_allclose(home.load_kw[:, 0] / home.load_kw.sum(), profile / profile.sum(), rtol=1e-9)
    assert home.load_kw.sum() * home.dt_h == pytest.approx(4000.0, rel=1e-12)


def test_wall_clock_is_that_of_the_profile(home):
    shown = pd.to_datetime(bundled_csv(LOAD_FILE)["time"], format="%d.%m.%Y %H:%M")
    np.testing.assert_array_equal(home.hour, shown.dt.hour + shown.dt.minute / 60)
    np.testing.assert_array_equal(home.weekday, shown.dt.day_of_week)
    assert home.weekday[0] == 4


def test_prices_follow_the_wall_clock(home):
    evening = (home.hour >= 17) & (home.hour < 21)
    np.testing.assert_array_equal(home.price_import_eur_kwh == 0.42, evening)
    assert set(np.unique(home.price_import_eur_kwh)) == {0.22, 0.30, 0.42}
    assert (home.price_export_eur_kwh == 0.08).all()
    assert (home.carbon_kg_kwh == 0.527).all()


def test_the_sun_stands_highest_about_noon_of_standard_time(home):
    day = home.pv_kw[:, 0].reshape(-1, 96).mean(axis=0)
    centre_h = (day * (np.arange(96) + 0.5) / 4).sum() / day.sum()
    assert centre_h == pytest.approx(12.2, abs=0.2)


def test_yearly_sums_are_plausible(home):
    assert home.pv_kw.sum() * home.dt_h / 6.0 == pytest.approx(1140.0, abs=30.0)
    assert home.t_out_c.mean() == pytest.approx(11.24, abs=0.02)
    assert -6.7 <= home.t_out_c.min() <= -5.0
    assert 0.6 < home.occupancy.mean() < 0.8
    assert set(np.unique(home.occupancy)) == {0.0, 1.0}


def test_heat_gains_are_load_persons_and_sun(home):
    gains = (home.gains_air_kw + home.gains_mass_kw)[:, 0]
    internal = 0.2 * home.occupancy[:, 0] + 0.6 * home.load_kw[:, 0]
    sun = gains - internal
    assert sun.min() >= -1e-12
    np.testing.assert_allclose(home.gains_air_kw[:, 0], 0.5 * internal + 0.1 * sun, atol=1e-12)
    assert 2000.0 < sun.sum() * home.dt_h < 4500.0
    dark = home.pv_kw[:, 0] == 0.0
    assert sun[dark].sum() < 0.01 * sun.sum()


@pytest.mark.parametrize("dt_h", [1 / 12, 1 / 6, 0.5, 1.0])
def test_any_step_keeps_the_energy(home, dt_h):
    other = bundled_home(dt_h)
    assert other.n_steps == round(8784 / dt_h)
    for name, rel in (("load_kw", 1e-12), ("pv_kw", 1e-3), ("gains_mass_kw", 2e-3)):
        energy, reference = getattr(other, name).sum() * dt_h, getattr(home, name).sum() * home.dt_h
        assert energy == pytest.approx(reference, rel=rel), name


def test_it_is_the_same_every_time(home):
    assert bundled_home().content_hash() == home.content_hash()


def test_only_single_homes_are_loads():
    with pytest.raises(InputError, match="'H0-H' is not a bundled home; known: H0-A, H0-B, H0-C, H0-G, H0-L"):
        household_load_kw("H0-H")


def test_a_negative_load_in_the_file_would_be_named(monkeypatch):
    table = pd.DataFrame({"H0-B_pload": [0.1, -0.2, 0.3]})
    monkeypatch.setattr("entangrid.data.sources.bundled.bundled_csv", lambda _: table)
    with pytest.raises(InputError, match=r"row 3, column 'H0-B_pload': negative"):
        household_load_kw()


def test_every_parameter_has_a_source_and_the_promised_value(home):
    row = home.homes.loc["home-1"]
    stated = home_defaults.HOUSE | home_defaults.SINK | home_defaults.BATTERY_AND_COMFORT
    for name, default in stated.items():
        assert row[name] == default.value
        assert len(default.source) > 10
    fitted = {f"hp_{kind}_p{i}" for kind in ("cop", "pth") for i in (1, 2, 3, 4)} | {"hp_q_ref_kw"}
    assert set(home.homes.columns) == set(stated) | fitted


def test_heat_pump_gives_seven_kilowatts_at_minus_seven(home):
    row, regulated, full_speed = home.homes.loc["home-1"], hplib_generic(1), hplib_generic(4)
    assert row["hp_q_ref_kw"] * full_speed.heat_share_at(-7.0, 33.5) == pytest.approx(7.0, rel=1e-3)
    assert [row[f"hp_cop_p{i}"] for i in (1, 2, 3, 4)] == list(regulated.cop)
    assert [row[f"hp_pth_p{i}"] for i in (1, 2, 3, 4)] == list(full_speed.pth)


@pytest.mark.parametrize(("t_out_c", "cop"), [(-15, 1.67), (-7, 2.90), (2, 4.29), (7, 5.06), (12, 5.83)])
def test_generic_cop_is_hplibs_at_35_degrees(t_out_c, cop):
    """Values computed with hplib 1.9."""
    assert hplib_generic(1).cop_at(t_out_c, 35.0) == pytest.approx(cop, abs=0.006)


def test_heat_output_rises_with_the_outdoor_temperature():
    fit = hplib_generic(4)
    assert fit.heat_share_at(-7.0, 52.0) == pytest.approx(1.0, abs=0.06)
    shares = [fit.heat_share_at(t_out_c, 35.0) for t_out_c in (-15, -7, 2, 7, 12)]
    assert shares == sorted(shares)


@pytest.mark.parametrize("group", [0, 3, 7])
def test_groups_without_a_generic_fit_are_refused(group):
    with pytest.raises(InputError, match=rf"group {group}.*1 \(outdoor air/water, regulated\)"):
        hplib_generic(group)


@pytest.mark.parametrize("group", [2, 4, 5, 6])
def test_other_groups_have_finite_fits(group):
    fit = hplib_generic(group)
    assert np.isfinite([*fit.cop, *fit.pth]).all()
