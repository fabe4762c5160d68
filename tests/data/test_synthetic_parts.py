"""Hot water, vehicles, appliances, market, outages of made-up homes: against published figures and their own rules."""

import numpy as np
import pandas as pd
import pytest

from entangrid.data.sources import synthetic_appliances, synthetic_vehicle
from entangrid.data.sources.synthetic_devices import outages
from entangrid.data.sources.synthetic_hot_water import _since_waking_h, dhw_kw
from entangrid.data.sources.synthetic_market import market
from entangrid.data.sources.synthetic_occupancy import ASLEEP, AWAKE, AWAY, household, on_trip, states
from entangrid.data.sources.synthetic_weather import CLIMATES, synthetic_weather

DAYS, HOMES = 26 * 7, 12
INDEX = pd.date_range("2015-01-05", periods=DAYS * 96, freq="15min")
HOUR = np.asarray(INDEX.hour + INDEX.minute / 60)
WEEKDAY = np.asarray(INDEX.day_of_week, dtype=np.int64)
DAY = np.arange(len(INDEX)) // 96


def people(k: int) -> np.ndarray:
    """States (persons, n) of the k-th household, as the generator makes them."""
    rng = np.random.default_rng((5, k))
    profiles = household(rng)
    trips, *streams = rng.spawn(1 + len(profiles))
    chains = [states(p, HOUR, WEEKDAY, DAY // 7, 0.25, s) for p, s in zip(profiles, streams, strict=True)]
    return np.where(on_trip(HOUR, DAY, trips), AWAY, np.stack(chains))


@pytest.fixture(scope="module")
def households() -> list[np.ndarray]:
    return [people(k) for k in range(HOMES)]


def test_hot_water_is_what_persons_and_households_draw(households):
    """About 4 kWh a day are the median of 115,000 British homes (DESNZ 2024), 5.85 the load profile M of (EU) 814/2013.

    Seen: 1.9 kWh a person and day, 3.9 kWh in the median home.
    """
    draws = [dhw_kw(HOUR, chains, 0.25, np.random.default_rng((6, k))) for k, chains in enumerate(households)]
    energy = np.array([d.sum() / 4 / DAYS for d in draws])
    persons = np.array([len(chains) for chains in households])
    assert 1.4 < energy.sum() / persons.sum() < 2.2
    assert 2.5 < np.median(energy) < 5.85
    assert (energy / persons > 0.8).all()
    # Peaks where the British homes have them: from 6 to 8 and 17 to 19 h, and next to nothing at night.
    day = np.sum(draws, axis=0).reshape(-1, 96).mean(axis=0)
    relative = day.reshape(24, 4).mean(axis=1) / day.mean()
    assert relative[6:8].mean() > 1.8
    assert relative[17:21].mean() > 1.5
    assert relative[1:5].mean() < 0.25
    # A bath room's mixer gives 14 kW; more than five showers at a time do not happen.
    assert max(d.max() for d in draws) < 30.0


def test_nobody_draws_hot_water_from_afar_or_in_bed(households):
    chains = households[0]
    power = dhw_kw(HOUR, chains, 0.25, np.random.default_rng(1))
    quiet = ~(chains == AWAKE).any(axis=0)
    # A draw that begins in a step may end in the next one.
    quiet[1:] &= quiet[:-1]
    assert quiet.sum() > 1000
    assert (power[quiet] == 0.0).all()


def test_hot_water_begins_alike_however_long_it_goes_on(households):
    whole = dhw_kw(HOUR, households[1], 0.25, np.random.default_rng(2))
    part = dhw_kw(HOUR[:960], households[1][:, :960], 0.25, np.random.default_rng(2))
    np.testing.assert_array_equal(part[:-2], whole[:958])


def test_time_since_waking():
    chain = np.array([ASLEEP, ASLEEP, AWAKE, AWAKE, AWAY, AWAKE, ASLEEP, AWAKE])
    since = _since_waking_h(chain, 0.5)
    assert since[2:].tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 0.0]
    assert (since[:2] > 1e5).all()


def drive(chains: np.ndarray, seed: int, capacity: float = 58.0, dt_h: float = 0.25) -> synthetic_vehicle.Driving:
    return synthetic_vehicle.driving(HOUR, WEEKDAY, chains[0], capacity, dt_h, np.random.default_rng((7, seed)))


def test_vehicles_drive_as_far_as_cars_do(households):
    """German cars were driven 37 km a day in 2019 (Kraftfahrt-Bundesamt). Seen: about 32 km, 21 to 60 by home."""
    uses = [drive(chains, k) for k, chains in enumerate(households)]
    km = np.array([use.km / DAYS for use in uses])
    assert 26.0 < km.mean() < 48.0
    assert (km > 5.0).all()
    assert (km < 110.0).all()
    away = np.array([1.0 - use.home.mean() for use in uses])
    assert 0.1 < away.mean() < 0.4
    for use in uses:
        assert 0.15 <= use.kwh_km <= 0.20
        # Long journeys are charged on the way, so a vehicle's battery gives no more than its kilometres take.
        assert 0.7 * use.km * use.kwh_km < use.trip_kwh.sum() <= use.km * use.kwh_km + 1e-9
    free = [use.home.reshape(-1, 96).min(axis=1).mean() for use in uses]
    assert 0.1 < np.mean(free) < 0.6


def test_a_vehicle_is_away_only_with_its_driver_and_drives_only_then(households):
    for k, chains in enumerate(households[:4]):
        use = drive(chains, k, capacity=40.0)
        away = use.home == 0.0
        assert (chains[0][away] == AWAY).all()
        assert (use.trip_kwh[~away] == 0.0).all()
        assert set(np.unique(use.home)) == {0.0, 1.0}
        # One absence takes no more than seven tenths of the battery, and every finished one takes something.
        edges = np.flatnonzero(np.diff(away.astype(int), prepend=0, append=0))
        for first, end in zip(edges[::2], edges[1::2], strict=True):
            taken = use.trip_kwh[first:end].sum()
            assert 0.0 < taken <= 0.7 * 40.0 + 1e-9


def test_driving_begins_alike_however_long_it_goes_on(households):
    whole = drive(households[2], 2)
    n = 1400
    part = synthetic_vehicle.driving(
        HOUR[:n], WEEKDAY[:n], households[2][0, :n], 58.0, 0.25, np.random.default_rng((7, 2))
    )
    np.testing.assert_array_equal(part.home, whole.home[:n])
    last = int(np.flatnonzero(part.home)[-1])
    np.testing.assert_allclose(part.trip_kwh[: last + 1], whole.trip_kwh[: last + 1])


@pytest.mark.parametrize("dt_h", [1 / 12, 0.25, 1.0])
def test_cycles_never_meet(dt_h):
    """The kernel refuses a cycle that becomes ready while another waits or runs."""
    n = round(60 * 24 / dt_h)
    hour = (np.arange(n) * dt_h) % 24.0
    for k, appliance in enumerate(synthetic_appliances.APPLIANCES):
        out = synthetic_appliances.ready(appliance, hour, np.ones(n, bool), 4, dt_h, np.random.default_rng(k))
        assert set(np.unique(out)) == {0.0, 1.0}
        apart = np.diff(np.flatnonzero(out)) * dt_h
        assert apart.min() >= appliance.window_h + appliance.hours


def test_cycles_are_about_as_many_as_households_run(households):
    """Labels reckoned with 220 washing and 280 dishwashing cycles a year ((EU) 1061/2010, 1059/2010)."""
    for appliance, low, high in zip(synthetic_appliances.APPLIANCES, (110, 130), (260, 300), strict=True):
        counts = []
        for k, chains in enumerate(households):
            somebody = (chains == AWAKE).any(axis=0)
            out = synthetic_appliances.ready(
                appliance, HOUR, somebody, len(chains), 0.25, np.random.default_rng((8, k))
            )
            assert (somebody[out > 0.0]).all()
            counts.append(out.sum() * 365 / DAYS)
        assert low < np.mean(counts) < high, appliance.name
    assert set(synthetic_appliances.columns(False).values()) >= {0.0}


def test_the_market_is_like_a_real_one():
    """German day-ahead market of 2024: 0.080 EUR/kWh, 1.11 times that on workdays, about 460 negative hours (FfE)."""
    index = pd.date_range("2015-01-01", periods=365 * 24, freq="h")
    hour, weekday = np.asarray(index.hour, float), np.asarray(index.day_of_week)
    prices, negative, peak, sunny = [], [], [], []
    for seed in range(3):
        ghi = synthetic_weather(CLIMATES["temperate"], index, 1.0, seed)["ghi_w_m2"].to_numpy()
        spot, carbon = market(hour, weekday, np.asarray(index.day_of_year, float), ghi, 1.0, seed)
        prices.append(spot.mean())
        negative.append((spot < 0.0).sum())
        workday = (weekday < 5) & (hour >= 8) & (hour < 20)
        peak.append(spot[workday].mean() / spot.mean())
        sunny.append(np.corrcoef(ghi[hour == 13], spot[hour == 13])[0, 1])
        assert 0.3 < carbon.mean() < 0.45
        assert carbon.min() >= 0.06
        assert np.corrcoef(carbon, spot)[0, 1] > 0.9
        assert -0.5 < spot.min() < 0.0 < spot.max() < 0.4
    assert np.mean(prices) == pytest.approx(0.080, abs=0.015)
    assert 250 < np.mean(negative) < 750
    assert np.mean(peak) == pytest.approx(1.11, abs=0.06)
    assert np.mean(sunny) < -0.3


def test_a_price_holds_for_its_hour_at_any_step():
    index = pd.date_range("2015-06-01", periods=4 * 24 * 4, freq="15min")
    hour = np.asarray(index.hour + index.minute / 60)
    ghi = synthetic_weather(CLIMATES["temperate"], index, 0.25, 1)["ghi_w_m2"].to_numpy()
    day = np.asarray(index.day_of_year, float)
    quarter = market(hour, np.asarray(index.day_of_week), day, ghi, 0.25, 1)
    hourly = market(hour[::4], np.asarray(index.day_of_week)[::4], day[::4], ghi.reshape(-1, 4).mean(axis=1), 1.0, 1)
    np.testing.assert_array_equal(quarter.spot_eur_kwh.reshape(-1, 4).min(axis=1), hourly.spot_eur_kwh)
    np.testing.assert_array_equal(quarter.spot_eur_kwh.reshape(-1, 4).max(axis=1), hourly.spot_eur_kwh)
    part = market(hour[:192], np.asarray(index.day_of_week)[:192], day[:192], ghi[:192], 0.25, 1)
    np.testing.assert_array_equal(part.carbon_kg_kwh, quarter.carbon_kg_kwh[:192])


def test_outages_are_as_many_as_asked_for_and_last_hours():
    day = np.repeat(np.arange(4000), 96)
    grid = outages(day, 12.0, 0.25, np.random.default_rng(3))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], grid == 0.0, [0]]).astype(int)))
    hours = (edges[1::2] - edges[::2]) * 0.25
    assert len(hours) == pytest.approx(4000 * 12 / 365, rel=0.25)
    assert hours.min() >= 0.25
    assert hours.max() <= 24.0
    assert np.median(hours) == pytest.approx(1.5, rel=0.25)
    np.testing.assert_array_equal(outages(day[:9600], 12.0, 0.25, np.random.default_rng(3))[:9500], grid[:9500])
    assert (outages(day, 0.0, 0.25, np.random.default_rng(3)) == 1.0).all()
