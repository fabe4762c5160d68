"""A whole home left to itself for days: thermostats, disinfection, deadlines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import worlds
from home_cases import Case

from entangrid.envs import thermal
from entangrid.envs.layout import APPLIANCE, CONTROLS, TANK
from entangrid.envs.parameters import home_records, zone_records

NOTHING = np.full(len(CONTROLS), np.nan)


class Life:
    """The first home of :func:`worlds.whole_scenario` left to itself in constant surroundings."""

    def __init__(self, **series: Any):
        homes = worlds.whole_scenario().homes
        self.case = Case(0, 1, frozenset(), False, 0.25, 0, False)
        self.case.home, self.case.zones = home_records(homes)[0], zone_records(homes)[0]
        self.case.home["dhw_legionella_h"] = 0.0
        self.case.matrices = thermal.step_matrices(np.array([self.case.home]), self.case.zones[None, :], 0.25)
        self.case.series[:], self.case.common["grid"], self.case.common["new_month"] = 0.0, 1.0, 0.0
        self.case.state["app_wait"], self.case.state["app_left"] = -1.0, 0.0
        for name, value in series.items():
            record = self.case.common if name in self.case.common.dtype.names else self.case.series
            record[name] = value

    def live(self, steps: int, command: Any = NOTHING) -> list[Any]:
        rows = []
        for _ in range(steps):
            after, terms = self.case.run(command, self.case.state)
            self.case.state[:] = after
            rows.append(terms)
        return rows


@pytest.mark.parametrize("t_out", [1.0, 7.0, 15.0])
def test_thermostats_hold_rooms_and_tank(t_out: float) -> None:
    life = Life(t_out=t_out, dhw=0.3)
    life.case.state["t_tank"] = 30.0
    life.live(400)
    state = life.case.state[0]
    for z, zone in enumerate(life.case.zones):
        air = state["t_air"] if z == 0 else state["t_zones"][2 * z - 2]
        assert air == pytest.approx(zone["t_set"], abs=0.7)
    assert state["t_tank"] == pytest.approx(life.case.home["dhw_t_set"], abs=1e-6)


def test_the_thermostat_cools_a_hot_home_and_a_pump_without_cooling_does_not() -> None:
    warm = []
    for cools in (True, False):
        life = Life(t_out=33.0, gains_air=1.0)
        if not cools:
            life.case.home["hp_cool_q_ref"] = 0.0
        life.case.state["t_air"] = life.case.state["t_mass"] = 28.0
        rows = life.live(300)
        assert (min(t["q_hp_kw"] for t in rows) < 0.0) == cools
        warm.append(life.case.state["t_air"][0])
    assert warm[0] < life.case.zones[0]["t_high"] + 1.0 < warm[1]


def test_disinfection_comes_whatever_the_command() -> None:
    life = Life(t_out=5.0)
    life.case.home["dhw_legionella_h"] = 10.0
    life.case.home["hp_q_ref"] = 3.0  # too little for one step
    life.case.state["t_tank"], life.case.state["tank_cold_h"] = 50.0, 0.0
    command = NOTHING.copy()
    command[TANK] = -1.0
    rows = life.live(48, command)
    heated = [i for i, t in enumerate(rows) if t["q_dhw_kw"] > 0.0]
    assert heated
    assert heated[0] == 40  # after ten hours
    assert any(t["p_element_kw"] > 0.0 for t in rows)
    assert life.case.state["t_tank"][0] > 55.0
    assert life.case.state["tank_cold_h"][0] <= 2.0


def test_a_cycle_runs_once_by_its_deadline_and_never_starts_in_an_outage() -> None:
    kwh = 1.2 * 2.0
    wait = NOTHING.copy()
    wait[APPLIANCE] = -1.0
    for command, first in ((NOTHING, 0), (wait, 24)):
        life = Life(app_ready=(1.0, 0.0))
        rows = life.live(1, command)
        life.case.series["app_ready"] = 0.0
        rows += life.live(60, command)
        power = np.array([t["p_appliances_kw"] for t in rows])
        assert np.flatnonzero(power).tolist() == list(range(first, first + 8))
        assert power.sum() * 0.25 == pytest.approx(kwh)
    life = Life(app_ready=(1.0, 0.0), grid=0.0)
    life.case.home["app_window_h"] = 0.0  # the deadline is now
    rows = life.live(1)
    life.case.series["app_ready"] = 0.0
    rows += life.live(5)
    assert not any(t["p_appliances_kw"] for t in rows)
    life.case.common["grid"] = 1.0
    power = [t["p_appliances_kw"] for t in life.live(12, wait)]
    assert np.flatnonzero(power).tolist() == list(range(8))
