"""The generator: reproducible, home by home; its loads, days and skies resemble measured ones."""

import numpy as np
import pandas as pd
import pvlib
import pytest

from entangrid.data import InputError, Scenario, load, synthetic
from entangrid.data.sources.bundled import LOAD_FILE
from entangrid.data.sources.bundled_files import bundled_csv
from entangrid.data.sources.synthetic_load import _on_hours, add_power
from entangrid.data.sources.synthetic_occupancy import ASLEEP, AWAKE, AWAY, PROFILES, on_trip, states
from entangrid.data.sources.synthetic_weather import CLIMATES, persistent_noise, synthetic_weather
from entangrid.envs.parameters import home_records, zone_records

HOME_ARRAYS = ("load_kw", "pv_kw", "occupancy", "gains_air_kw", "gains_mass_kw")

# BDEW standard load profile H25 (2025; as in demandlib 0.2.2, MIT), January to March, five weekdays to one Saturday and
# one Sunday: power in each hour over the mean.
H25 = (
    "0.720 0.623 0.588 0.580 0.600 0.666 0.827 0.922 0.942 0.961 0.994 1.091 "
    "1.102 1.062 1.024 1.036 1.123 1.338 1.547 1.562 1.420 1.261 1.115 0.897"
)


@pytest.fixture(scope="module")
def many() -> Scenario:
    return synthetic()


def test_the_same_arguments_give_the_same_bits_and_another_seed_does_not(many):
    few = synthetic(homes=2, days=3, seed=4)
    assert synthetic(homes=2, days=3, seed=4).content_hash() == few.content_hash()
    assert load("synthetic:homes=2,days=3,seed=4").content_hash() == few.content_hash()
    assert load("synthetic:homes=2,days=3,seed=5").content_hash() != few.content_hash()
    assert (synthetic(homes=2, days=3, seed=5).t_out_c != few.t_out_c).any()
    assert (many.n_homes, many.n_steps, many.dt_h) == (26, 92 * 96, 0.25)
    assert load(few.name).content_hash() == few.content_hash()


def test_a_home_depends_neither_on_the_others_nor_on_the_days_to_come(many):
    few = synthetic(homes=3, days=5)
    for field in HOME_ARRAYS:
        np.testing.assert_array_equal(
            getattr(few, field)[:-8], getattr(many, field)[: few.n_steps - 8, :3], err_msg=field
        )
    np.testing.assert_array_equal(few.t_out_c, many.t_out_c[: few.n_steps])
    pd.testing.assert_frame_equal(few.homes, many.homes[:3])
    assert not np.array_equal(few.load_kw[:, 0], few.load_kw[:, 1])


def test_the_mean_day_is_that_of_the_standard_profile(many):
    """RMS deviation of the hours' shares: 0.10 to 0.13 is seen; SimBench's single homes lie between 0.10 and 0.32."""
    reference = np.array(H25.split(), dtype=float)
    mean = many.load_kw.mean(axis=1)
    hours = np.array([mean[many.hour.astype(int) == h].mean() for h in range(24)])
    hours /= hours.mean()
    assert np.sqrt(((hours - reference) ** 2).mean()) < 0.15
    assert np.abs(hours - reference).max() < 0.35
    assert np.corrcoef(hours, reference)[0, 1] > 0.95
    weekend = many.weekday >= 5
    # H25, January to March: 1.17
    assert mean[weekend].mean() / mean[~weekend].mean() == pytest.approx(1.17, abs=0.08)


def load_statistics(load_kw: np.ndarray) -> dict[str, float]:
    """Figures of one home's quarter-hours (n,), relative to its mean power."""
    x = load_kw / load_kw.mean()
    days = x.reshape(-1, 96)
    return {
        "mean daily peak": days.max(axis=1).mean(),
        "highest peak": x.max(),
        "variation of days": days.mean(axis=1).std(),
        "10 % quantile": np.quantile(x, 0.1),
        "median": np.median(x),
        "95 % quantile": np.quantile(x, 0.95),
        "persistence": np.corrcoef(x[:-1], x[1:])[0, 1],
    }


def test_single_homes_are_as_spiky_as_simbenchs(many):
    """The median home lies within the range of SimBench's homes B, C, G, L (A is electrically heated), first 92 days.

    Widened by a fifth on either side, as five homes are few.
    """
    profiles = bundled_csv(LOAD_FILE)
    measured = pd.DataFrame(load_statistics(profiles[f"H0-{home}_pload"].to_numpy()[: 92 * 96]) for home in "BCGL")
    made_up = pd.DataFrame(load_statistics(many.load_kw[:, h]) for h in range(many.n_homes))
    for figure in measured.columns:
        low, high = 0.8 * measured[figure].min(), 1.2 * measured[figure].max()
        assert low <= made_up[figure].median() <= high, figure
    assert made_up["mean daily peak"].between(2.5, 9.0).all()


def test_yearly_energy_is_that_of_households(many):
    """A plausible range for homes of one to four persons without electric heating and hot water; no reference."""
    yearly = many.load_kw.mean(axis=0) * 8760
    assert 2300.0 < yearly.mean() < 3500.0
    assert yearly.min() > 1000.0
    assert yearly.max() < 7500.0
    assert many.load_kw.sum(axis=1).max() < 0.45 * many.load_kw.max(axis=0).sum()


@pytest.mark.parametrize("dt_h", [1 / 12, 0.5, 1.0])
def test_any_step_gives_a_like_home(many, dt_h):
    other = synthetic(homes=8, days=28, dt_h=dt_h)
    reference = many.window(0, 28 * 96)
    assert other.n_steps == round(28 * 24 / dt_h)
    assert other.load_kw.mean() == pytest.approx(reference.load_kw[:, :8].mean(), rel=0.15)
    assert other.occupancy.mean() == pytest.approx(reference.occupancy[:, :8].mean(), abs=0.12)


def test_homes_differ_and_their_parameters_are_possible(many):
    records, zones = home_records(many.homes), zone_records(many.homes)[:, 0]
    for part, name in ((zones, "ua_air_out"), (zones, "c_mass"), (records, "hp_q_ref"), (zones, "t_set")):
        assert len(np.unique(part[name])) == many.n_homes, name
    assert 0 < (records["battery_e"] > 0.0).sum() < many.n_homes
    assert 0 < (many.pv_kw.max(axis=0) > 0.0).sum() < many.n_homes
    loss_kw = (zones["ua_air_out"] + zones["ua_mass_out"]) * 32.0
    assert ((loss_kw > 1.5) & (loss_kw < 16.0)).all()


def test_gains_are_people_load_and_sun(many):
    gains = many.gains_air_kw + many.gains_mass_kw - 0.6 * many.load_kw
    assert gains.min() >= -1e-12
    night = (many.hour < 4.0)[:, None]
    assert np.abs(gains[(many.occupancy == 0.0) & night]).max() < 1e-9
    assert gains[(many.occupancy > 0.0) & night].min() > 0.06
    nobody = many.occupancy == 0.0
    assert many.load_kw[nobody].mean() < 0.6 * many.load_kw[~nobody].mean()


def chain(profile: str, seed: int, weeks: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    index = pd.date_range("2015-01-05", periods=weeks * 7 * 96, freq="15min")
    hour = np.asarray(index.hour + index.minute / 60)
    weekday = np.asarray(index.day_of_week, dtype=np.int64)
    week = np.arange(len(index)) // (7 * 96)
    return states(profile, hour, weekday, week, 0.25, np.random.default_rng(seed)), hour, weekday


@pytest.mark.parametrize(
    ("profile", "away_at_11", "awake_at_20"),
    [
        ("commuter", (0.8, 1.0), (0.5, 1.0)),
        ("part-time", (0.45, 0.95), (0.6, 1.0)),
        ("retired", (0.1, 0.5), (0.75, 1.0)),
    ],
)
def test_profiles_keep_their_hours_on_workdays(profile, away_at_11, awake_at_20):
    chains = [chain(profile, seed) for seed in range(8)]
    away = np.mean([(s == AWAY)[(h == 11.0) & (d < 5)].mean() for s, h, d in chains])
    awake = np.mean([(s == AWAKE)[(h == 20.0) & (d < 5)].mean() for s, h, d in chains])
    asleep = np.mean([(s == ASLEEP)[h == 3.0].mean() for s, h, _ in chains])
    assert away_at_11[0] <= away <= away_at_11[1]
    assert awake_at_20[0] <= awake <= awake_at_20[1]
    assert asleep > 0.75
    sleep_h = 24.0 * np.mean([(s == ASLEEP).mean() for s, _, _ in chains])
    assert 6.0 < sleep_h < 9.5


def test_shift_workers_take_turns():
    state, hour, weekday = chain("shift", 3, weeks=60)
    week = np.arange(len(state)) // (7 * 96)
    at_night = np.array(
        [
            (state == AWAY)[(week % 3 == turn) & (hour == 2.0) & (weekday.clip(1, 4) == weekday)].mean()
            for turn in range(3)
        ]
    )
    assert sorted(at_night > 0.7) == [False, False, True]
    assert set(PROFILES) == {"commuter", "part-time", "retired", "shift"}


def test_trips_are_whole_days_and_rare():
    day = np.repeat(np.arange(4000), 24)
    hour = np.tile(np.arange(24.0), 4000)
    away = on_trip(hour, day, np.random.default_rng(1))
    assert 0.03 < away.mean() < 0.12
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], away, [0]]))))[::2]
    assert runs.min() >= 2 * 24 + 9
    assert runs.max() <= 9 * 24 + 9


def test_noise_has_unit_variance_and_forgets_at_its_time_constant():
    x = persistent_noise(np.random.default_rng(0), 200_000, 0.25, 5.0)
    assert x.mean() == pytest.approx(0.0, abs=0.1)
    assert x.std() == pytest.approx(1.0, abs=0.05)
    for lag in (1, 20, 40):
        assert np.corrcoef(x[:-lag], x[lag:])[0, 1] == pytest.approx(np.exp(-lag / 20), abs=0.05)
    np.testing.assert_array_equal(persistent_noise(np.random.default_rng(0), 100, 0.25, 5.0), x[:100])


@pytest.mark.parametrize("name", list(CLIMATES))
def test_weather_is_that_of_the_climate(name):
    """Yearly sums of global irradiance of such places: about 1,050 / 1,400 / 1,650 kWh/m²."""
    climate = CLIMATES[name]
    index = pd.date_range("2015-01-01", periods=3 * 365 * 24, freq="h")
    weather = synthetic_weather(climate, index, 1.0, 2)
    yearly = weather["ghi_w_m2"].sum() / 3000.0
    assert yearly == pytest.approx({"temperate": 1050, "continental": 1400, "mediterranean": 1650}[name], rel=0.1)
    temp = weather["temp_air_c"]
    assert temp.mean() == pytest.approx(climate.t_mean_c, abs=1.0)
    assert temp[index.month == 7].mean() - temp[index.month == 1].mean() == pytest.approx(2 * climate.t_year_k, rel=0.2)
    utc = (index + pd.Timedelta(minutes=30) - pd.Timedelta(hours=climate.utc_offset_h)).tz_localize("UTC")
    sun = pvlib.solarposition.get_solarposition(utc, climate.latitude, climate.longitude, climate.altitude_m)
    cosine = np.maximum(np.cos(np.radians(sun["apparent_zenith"].to_numpy())), 0.0)
    np.testing.assert_allclose(weather["ghi_w_m2"], weather["dni_w_m2"] * cosine + weather["dhi_w_m2"], atol=1e-6)
    assert (weather["ghi_w_m2"].to_numpy() <= 1361.0 * 1.04 * cosine + 1e-9).all()
    assert (weather >= 0.0).drop(columns="temp_air_c").all(axis=None)
    # A cloudy day makes another likely: correlation of clearness from day to day.
    daily = weather["ghi_w_m2"].to_numpy().reshape(-1, 24).sum(axis=1) / cosine.reshape(-1, 24).sum(axis=1)
    assert 0.25 < np.corrcoef(daily[:-1], daily[1:])[0, 1] < 0.8


def test_the_clock_on_the_wall_is_the_climates():
    summer = synthetic(homes=1, days=2, start="2015-07-01")
    assert summer.hour[0] == 1.0
    assert summer.utc_offset_h == 1.0
    assert synthetic(homes=1, days=1, climate="continental").utc_offset_h == -6.0


def test_pieces_of_a_load_keep_their_energy():
    power = np.zeros(20)
    add_power(power, 1.1, 2.95, 2.0, 0.25)
    assert power.sum() * 0.25 == pytest.approx(2.0 * 1.85)
    assert power.max() == pytest.approx(2.0)
    assert (power[:4] == 0.0).all()
    on = _on_hours(np.linspace(0.0, 10.0, 1001), 0.3)
    assert on[-1] == pytest.approx(3.0)
    assert (np.diff(on) >= -1e-15).all()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"homes": 0}, "homes is 0, expected a whole number from 1"),
        ({"days": 2.5}, "days is 2.5, expected a whole number"),
        ({"seed": -1}, "seed is -1"),
        ({"homes": True}, "homes is True"),
        ({"dt_h": 0.3}, "dt_h is 0.3, expected 5, 6"),
        ({"start": "tomorrow"}, "start is 'tomorrow', expected a day"),
        ({"start": "2015-01-05 12:00"}, "start is '2015-01-05 12:00'"),
        ({"climate": "temprate"}, r"climate 'temprate' is unknown \(did you mean 'temperate'\?\)"),
    ],
)
def test_impossible_wishes_are_refused(how, message):
    with pytest.raises(InputError, match=message):
        synthetic(**how)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("homs=2", r"argument 'homs' is unknown \(did you mean 'homes'\?\)"),
        ("homes=two", "homes is 'two', expected a number"),
        ("homes=1,homes=2", "argument 'homes' is there twice"),
        ("homes=0", "homes is 0"),
    ],
)
def test_a_wrong_text_is_refused_by_argument(text, message):
    with pytest.raises(InputError, match=message):
        load(f"synthetic:{text}")
