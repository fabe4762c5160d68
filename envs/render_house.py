"""A picture of one home: what its devices and rooms do, and where power flows."""

from __future__ import annotations

from typing import Any

import numpy as np

from entangrid.envs import render_canvas as draw
from entangrid.envs.layout import N_APPLIANCES, TERMS
from entangrid.envs.render_canvas import Canvas, Frame, Trail

BUS_Y = 250.0  # the home's wiring: everything electric hangs on it
LEFT, RIGHT, FLOOR, EAVES = 152.0, 488.0, 150.0, 345.0  # the house
BOX_Y, BOX_H = 156.0, 52.0  # devices below the wiring


class Now:
    """Where one environment of a task of homes stands: its last step, or the first one to come before any."""

    def __init__(self, simulator: Any, env: int):
        clock = simulator.clock[env]
        self.taken = int(clock[1] - clock[2])
        self.episode = int(clock[3])
        self.step = max(int(clock[1]) - 1, int(clock[2]))  # the scenario's step that is shown
        self.common = simulator.task.common[self.step]
        self.on = bool(self.common["grid"] > 0.5)

    def header(self, canvas: Canvas, task: Any, title: str) -> None:
        """Title, time and weather on top."""
        when = task.scenario.index[self.step].strftime("%a %d %b %Y  %H:%M")
        outdoors = f"{self.common['t_out']:.1f} °C outdoors"
        canvas.header(title, when, outdoors)

    def strip(self, canvas: Canvas, task: Any, trail: Trail, key: Any, title: str) -> None:
        """The last day of a power that was kept in the trail, and the price."""
        hours, kw = trail.last(key, self.step, 1)
        steps = np.arange(self.step + 1 - hours.size, self.step + 1)
        price = np.where(steps >= 0, task.common["price_import"][np.maximum(steps, 0)], np.nan)
        canvas.strip(title, hours, kw[:, 0], price, "EUR/kWh", trail.step_h)


class HouseView:
    """Draws one home of a task; see :meth:`frame`."""

    def __init__(self, task: Any):
        """task: of homes."""
        self.task = task
        self.canvas = Canvas()
        self.trail = Trail(task.scenario.dt_h)
        homes = task.homes
        sizes = [homes[name].max() for name in ("battery_p", "ev_p_charge", "hp_q_ref", "dhw_element")]
        has_vehicle = bool((homes["ev_e"] > 0.0).any())
        sizes[1] = sizes[1] if has_vehicle else 0.0
        sizes[2] /= 3.0  # a heat pump's electric power
        self.scale_kw = max(*map(float, sizes), float(task.series["pv"].max()), 3.0)

    def frame(self, simulator: Any, env: int = 0, home: int = 0) -> Frame:
        """The home after its last step, (480, 640, 3) uint8.

        Arrows show power by their width: blue gives to the home's wiring, orange takes from it.
        """
        now = Now(simulator, env)
        terms = simulator.terms[env, home] if now.taken else np.zeros(1, TERMS)[0]
        if now.taken:
            self.trail.add((env, home), now.episode, now.step, float(terms["p_grid_kw"]))
        else:
            self.trail.forget((env, home))
        canvas, task = self.canvas, self.task
        canvas.clear()
        now.header(canvas, task, task.scenario.home_names[home])
        self._house(now, home)
        self._rooms(now, simulator.state[env, home], terms, home)
        self._sun(terms, home)
        self._grid(now, simulator.state[env, home], terms)
        self._devices(simulator.state[env, home], terms, home)
        self._vehicle(now, simulator.state[env, home], terms, home)
        self._legend(now, terms)
        now.strip(canvas, task, self.trail, (env, home), "grid, kW: import up, export down")
        return canvas.image()

    def _house(self, now: Now, home: int) -> None:
        canvas = self.canvas
        canvas.line([(14, FLOOR), (626, FLOOR)], draw.GREY, 1.2)
        canvas.shape([(LEFT, FLOOR), (RIGHT, FLOOR), (RIGHT, EAVES), (LEFT, EAVES)], draw.WALL, draw.GREY, 1.2)
        canvas.shape([(LEFT - 18, EAVES), (320, 432), (RIGHT + 18, EAVES)], "#efe9e0", draw.GREY, 1.2)
        canvas.line([(LEFT + 8, BUS_Y), (RIGHT - 8, BUS_Y)], draw.INK, 3)
        people = float(self.task.series[now.step, home]["occupancy"])
        colour = draw.mixed(draw.INK, 0.12 + 0.88 * people)
        canvas.dots(np.array([300.0]), np.array([390.0]), [colour], 9.0, edges="none")
        canvas.shape([(291, 364), (309, 364), (309, 377), (304, 383), (296, 383), (291, 377)], colour)
        canvas.text(318, 374, f"{100 * people:.0f} % home", 8, at="left")

    def _rooms(self, now: Now, state: Any, terms: Any, home: int) -> None:
        zones = [zone for zone in self.task.zones[home] if zone["c_mass"] > 0.0]
        x0, width, gap = LEFT + 12.0, 290.0, 6.0
        w = (width - gap * (len(zones) - 1)) / len(zones)
        small = len(zones) > 2
        for z, zone in enumerate(zones):
            t = float(state["t_air"] if z == 0 else state["t_zones"][2 * (z - 1)])
            low, high = float(zone["t_low"]), float(zone["t_high"])
            off = t - min(max(t, low), high)
            off = 0.0 if abs(off) < 0.05 else off
            face = draw.mixed(draw.BLUE if off < 0.0 else draw.ORANGE, 0.55 * min(abs(off) / 3.0, 1.0) + 0.12)
            x = x0 + z * (w + gap)
            self.canvas.box(x, 270, w, 66, "white" if off == 0.0 else face)
            self.canvas.text(x + w / 2, 310, f"{t:.1f} °C", 10 if small else 13, bold=True)
            note = (
                f"{low:.0f} to {high:.0f} °C" if off == 0.0 else f"{abs(off):.1f} K too {'cold' if off < 0 else 'warm'}"
            )
            self.canvas.text(x + w / 2, 287, note, 6.5 if small else 8, draw.GREY if off == 0.0 else draw.INK)

    def _sun(self, terms: Any, home: int) -> None:
        if not self.task.series["pv"][:, home].max() > 0.0:
            return
        p = float(terms["p_pv_kw"])
        panel = [(347.0, 422.0), (458.0, 370.0), (463.0, 378.5), (352.0, 430.5)]
        self.canvas.shape(panel, draw.mixed(draw.ORANGE, 0.25 + 0.75 * min(p / self.scale_kw, 1.0)), draw.INK, 0.8)
        self.canvas.text(476, 410, f"PV {p:.2f} kW", 9, at="left", bold=True)
        curtailed = float(terms["curtailed_kwh"]) / self.task.scenario.dt_h
        if curtailed > 0.005:
            self.canvas.text(476, 395, f"{curtailed:.2f} kW curtailed", 7.5, draw.TAKES, "left")
        self.canvas.arrow((471, 353), (471, BUS_Y + 3), p, self.scale_kw, draw.GIVES)

    def _grid(self, now: Now, state: Any, terms: Any) -> None:
        canvas, p = self.canvas, float(terms["p_grid_kw"])
        pylon = draw.INK if now.on else draw.mixed(draw.INK, 0.25)
        canvas.line([(52, FLOOR), (66, 212), (80, FLOOR)], pylon, 1.4)
        canvas.line([(57, 172), (75, 172)], pylon, 1.2)
        for y, half in ((196.0, 20.0), (206.0, 13.0)):
            canvas.line([(66 - half, y), (66 + half, y)], pylon, 1.4)
        canvas.box(14, 224, 104, 52, "white" if now.on else draw.mixed(draw.VERMILLION, 0.25))
        unserved = float(terms["unserved_kwh"]) / self.task.scenario.dt_h
        if not now.on:
            canvas.text(66, 260, "OUTAGE", 10, draw.VERMILLION, bold=True)
            canvas.text(66, 242, f"{unserved:.2f} kW unserved", 7.5)
        else:
            canvas.text(66, 265, "grid import" if p > 0.005 else "grid export" if p < -0.005 else "grid", 8)
            canvas.text(66, 249, f"{abs(p):.2f} kW", 11, bold=True)
            price = now.common["price_export" if p < -0.005 else "price_import"]
            canvas.text(66, 233, f"{price:.2f} EUR/kWh", 7.5, draw.GREY)
        if self.task.feeder is not None:
            canvas.text(66, 286, f"{float(state['vm']):.3f} pu", 8)
        self._flow((121, BUS_Y), (LEFT + 8, BUS_Y), -p)

    def _flow(self, outside: tuple[float, float], inside: tuple[float, float], takes_kw: float) -> None:
        """An arrow between a device and the wiring."""
        if takes_kw > 0.0:
            self.canvas.arrow(inside, outside, takes_kw, self.scale_kw, draw.TAKES)
        else:
            self.canvas.arrow(outside, inside, takes_kw, self.scale_kw, draw.GIVES)

    def _devices(self, state: Any, terms: Any, home: int) -> None:
        record = self.task.homes[home]
        shown: list[tuple[str, float, str, tuple[float, str] | None]] = [("load", float(terms["p_load_kw"]), "", None)]
        if (record["app_kw"] > 0.0).any():
            runs = int((state["app_left"] > 0.0).sum())
            waits = int((state["app_wait"] >= 0.0).sum())
            note = f"{runs} on" if runs else f"{waits} ready" if waits else f"{_count(record)} idle"
            shown.append(("cycles", float(terms["p_appliances_kw"]), note, None))
        if record["hp_q_ref"] > 0.0 or record["hp_cool_q_ref"] > 0.0:
            heat = float(terms["q_hp_kw"]) + (float(terms["q_dhw_kw"]) if record["dhw_hp"] > 0.0 else 0.0)
            shown.append(
                (
                    "heat pump",
                    float(terms["p_hp_kw"]),
                    f"{'heat' if heat >= 0 else 'cool'} {abs(heat):.{0 if abs(heat) >= 9.95 else 1}f} kW",
                    None,
                )
            )
        if record["dhw_c"] > 0.0:
            t, cold, hot = float(state["t_tank"]), 20.0, float(record["dhw_t_max"])
            gauge = ((t - cold) / (hot - cold), draw.PINK if t >= record["dhw_t_min"] else draw.SKY)
            shown.append(("hot water", float(terms["p_element_kw"]), f"{t:.0f} °C", gauge))
        if record["battery_e"] > 0.0:
            soc = float(state["soc"])
            shown.append(("battery", float(terms["p_battery_kw"]), f"{100 * soc:.0f} %", (soc, draw.GREEN)))
        pitch = (RIGHT - LEFT - 12.0) / len(shown)
        w = min(pitch - 3.0, 82.0)
        for i, (name, kw, note, gauge_of) in enumerate(shown):
            middle = LEFT + 6.0 + (i + 0.5) * pitch
            self.canvas.box(middle - w / 2, BOX_Y, w, BOX_H)
            self.canvas.text(middle, BOX_Y + 43, name, 6.8)
            self.canvas.text(middle, BOX_Y + 30, f"{abs(kw):.2f} kW", 7.5, bold=True)
            self.canvas.text(middle, BOX_Y + (18 if gauge_of else 15), note, 6.5, draw.GREY)
            if gauge_of:
                self.canvas.gauge(middle - w / 2 + 5, BOX_Y + 4, w - 10, 6, *gauge_of)
            self._flow((middle, BOX_Y + BOX_H + 1), (middle, BUS_Y - 3), kw)

    def _vehicle(self, now: Now, state: Any, terms: Any, home: int) -> None:
        if not self.task.homes[home]["ev_e"] > 0.0:
            return
        canvas, p, soc = self.canvas, float(terms["p_ev_kw"]), float(state["ev_soc"])
        there = bool(self.task.series[now.step, home]["ev_home"] > 0.5)
        canvas.box(522, 224, 104, 52)
        canvas.text(574, 265, "vehicle" if there else "vehicle away", 8)
        canvas.text(574, 250, f"{abs(p):.2f} kW" if there else "on the road", 11 if there else 9, bold=there)
        canvas.text(574, 237, f"{100 * soc:.0f} %", 7.5, draw.GREY)
        canvas.gauge(530, 227, 88, 5, soc, draw.GREEN)
        missing = float(terms["unmet_ev_kwh"])
        if missing > 0.005:
            canvas.text(574, 286, f"{missing:.1f} kWh missing", 7.5, draw.VERMILLION, bold=True)
        self._flow((519, BUS_Y), (RIGHT - 8, BUS_Y), p)
        if there:
            body = [(524, 162), (524, 178), (540, 182), (552, 198), (590, 198), (604, 182), (622, 178), (622, 162)]
            canvas.shape(body, draw.mixed(draw.GREEN, 0.35), draw.INK, 1)
            canvas.shape([(546, 183), (556, 194), (572, 194), (572, 183)], "white", draw.INK, 0.6)
            canvas.shape([(577, 183), (577, 194), (588, 194), (597, 183)], "white", draw.INK, 0.6)
            canvas.dots(np.array([542.0, 604.0]), np.array([161.0, 161.0]), [draw.INK] * 2, 14.0)

    def _legend(self, now: Now, terms: Any) -> None:
        canvas = self.canvas
        for x, colour, words in ((16, draw.GIVES, "gives power"), (100, draw.TAKES, "takes power")):
            canvas.gauge(x, 133, 10, 8, 1.0, colour)
            canvas.text(x + 15, 137, words, 7.5, at="left")
        money = f"this step: bill {float(terms['bill_eur']):+.2f} EUR, reward {float(terms['reward_eur']):+.2f} EUR"
        canvas.text(626, 137, f"step {now.taken} of {self.task.episode_steps};  {money}", 7.5, at="right")


def _count(record: Any) -> int:
    return int(sum(record["app_kw"][i] > 0.0 for i in range(N_APPLIANCES)))
