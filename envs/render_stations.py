"""Pictures of the two charging stations: points and their vehicles, and the queues of dispatched jobs."""

from __future__ import annotations

from typing import Any

import numpy as np

from entangrid.envs import render_canvas as draw
from entangrid.envs.charging import PROFILES
from entangrid.envs.render_canvas import STRIP, Canvas, Frame, Trail, nice

BUS_Y = 322.0  # the charging station's wiring
LONGEST_MIN = 60.0  # longest wait that the bars of the queues show
JOBS = 96  # that the dispatch's chart looks back


class ChargingView:
    """Draws the station of ``entangrid/Charging-v0``; see :meth:`frame`."""

    def __init__(self, task: Any):
        """task: a :class:`~entangrid.envs.charging.ChargingTask`."""
        self.task = task
        self.canvas = Canvas()
        self.trail = Trail(1.0)

    def frame(self, simulator: Any, env: int = 0) -> Frame:
        """The station after its last hour, (480, 640, 3) uint8: powers of that hour, vehicles of the next."""
        canvas = self.canvas
        taken, episode = (int(value) for value in simulator.clock[env])
        hour = max(taken - 1, 0)
        names = simulator.terms.dtype.names
        terms = dict(zip(names, simulator.terms[env].item() if taken else (0.0,) * len(names), strict=True))
        if taken:
            self.trail.add(env, episode, hour, terms["p_grid_kw"])
        else:
            self.trail.forget(env)
        prices = np.array(PROFILES[int(simulator.profile[env])])
        canvas.clear()
        canvas.header("charging station", f"{hour:02d}:00 to {hour + 1:02d}:00", f"{prices[hour]:.2f} EUR/kWh")
        canvas.line([(158, BUS_Y), (626, BUS_Y)], draw.INK, 3)
        canvas.box(14, BUS_Y - 26, 104, 52)
        canvas.text(66, BUS_Y + 12, "grid import", 8)
        canvas.text(66, BUS_Y - 6, f"{terms['p_grid_kw']:.1f} kW", 11, bold=True)
        canvas.arrow((121, BUS_Y), (156, BUS_Y), terms["p_grid_kw"], self._scale, draw.GIVES)
        canvas.box(166, 386, 104, 52, draw.mixed(draw.ORANGE, min(0.6 * terms["p_pv_kw"] / self._scale, 0.6)))
        canvas.text(218, 424, "PV", 8)
        canvas.text(218, 406, f"{terms['p_pv_kw']:.1f} kW", 11, bold=True)
        canvas.arrow((218, 383), (218, BUS_Y + 3), terms["p_pv_kw"] - terms["p_unused_kw"], self._scale, draw.GIVES)
        unused = f"{terms['p_unused_kw']:.1f} kW of PV unused" if terms["p_unused_kw"] > 0.05 else ""
        canvas.text(280, 390, unused, 8, draw.TAKES, "left")
        canvas.text(626, 424, f"points together {terms['p_points_kw']:+.1f} kW", 8.5, at="right")
        left = f"{terms['departed']:.0f} departed, {terms['missing_kwh']:.1f} kWh short of full"
        canvas.text(626, 406, left, 8.5, at="right")
        for point in range(simulator.soc.shape[1]):
            self._point(simulator, env, point, bool(taken))
        for x, colour, words in ((16, draw.GIVES, "gives power"), (100, draw.TAKES, "takes power")):
            canvas.gauge(x, 133, 10, 8, 1.0, colour)
            canvas.text(x + 15, 137, words, 7.5, at="left")
        money = f"bill {terms['bill_eur']:.2f} EUR, missing charge {terms['departure_eur']:.2f} EUR"
        canvas.text(626, 137, f"step {taken} of {simulator.episode_steps};  {money}", 7.5, at="right")
        hours, kw = self.trail.last(env, hour, 1)
        steps = np.arange(hour + 1 - hours.size, hour + 1)
        canvas.strip("grid import, kW", hours, kw[:, 0], np.where(steps >= 0, prices[steps], np.nan), "EUR/kWh", 1.0)
        return canvas.image()

    @property
    def _scale(self) -> float:
        return max(float(self.task.pv_kwp), 2.0 * float(self.task.p_max_kw))

    def _point(self, simulator: Any, env: int, point: int, taken: bool) -> None:
        canvas, middle = self.canvas, 182.0 + 47.0 * point
        soc, hours = float(simulator.soc[env, point]), int(simulator.hours[env, point])
        kw = float(simulator.p_point_kw[env, point]) if taken else 0.0
        there = hours > 0
        canvas.box(middle - 21, 156, 42, 112, "white" if there else draw.WALL, draw.GREY if there else draw.PALE)
        canvas.text(
            middle, 259, f"{abs(kw):.1f} kW", 7, draw.INK if abs(kw) >= 0.05 else draw.GREY, bold=abs(kw) >= 0.05
        )
        above, below = (middle, BUS_Y - 3), (middle, 270.0)
        start, end, colour = (above, below, draw.TAKES) if kw > 0.0 else (below, above, draw.GIVES)
        canvas.arrow(start, end, kw, self.task.p_max_kw, colour)
        if there:
            canvas.shape([(middle - 5, 244), (middle + 5, 244), (middle + 5, 248), (middle - 5, 248)], draw.GREY)
            bar = [(middle - 11, 194), (middle + 11, 194), (middle + 11, 244), (middle - 11, 244)]
            canvas.shape(bar, draw.PALE)
            top = 194 + 50 * soc
            canvas.shape([(middle - 11, 194), (middle + 11, 194), (middle + 11, top), (middle - 11, top)], draw.GREEN)
            canvas.shape(bar, "none", draw.GREY, 0.8)
            canvas.text(middle, 184, f"{100 * soc:.0f} %", 7.5, bold=True)
            canvas.text(middle, 168, f"{hours} h left", 6.8, draw.VERMILLION if hours == 1 and soc < 0.9 else draw.INK)
        else:
            canvas.text(middle, 212, "empty", 7, draw.GREY)


class DispatchView:
    """Draws the station of ``entangrid/Dispatch-v0``; see :meth:`frame`."""

    def __init__(self, task: Any):
        """task: a :class:`~entangrid.envs.dispatch.DispatchTask`."""
        self.task = task
        self.canvas = Canvas()
        self.trail = Trail(1.0, JOBS)

    def frame(self, simulator: Any, env: int = 0) -> Frame:
        """The queues when the next job arrives, and how the last jobs went; (480, 640, 3) uint8."""
        canvas, task = self.canvas, self.task
        taken, episode = (int(value) for value in simulator.clock[env])
        terms, job = simulator.terms[env], simulator.job[env]
        arrives = float(job["arrives_h"])
        if taken:
            self.trail.add(env, episode, taken - 1, float(terms["response_h"]) * 60.0, float(terms["success"]))
        else:
            self.trail.forget(env)
        day, hour = divmod(arrives, 24.0)
        minutes = int(hour * 60.0)
        when = f"day {int(day) + 1}, {minutes // 60:02d}:{minutes % 60:02d}"
        canvas.clear()
        canvas.header("job dispatch", when, f"{task.price_cny_h[int(hour)]:.2f} CNY/h")
        kind = int(job["type"])
        canvas.box(14, 262, 108, 66, draw.mixed(self._colour(kind), 0.35))
        canvas.text(68, 310, "next job", 8)
        canvas.text(68, 290, f"type {kind}", 12, bold=True)
        canvas.text(68, 272, f"no. {min(taken + 1, simulator.episode_steps)}", 7.5)
        x0, x1, top, pitch = 250.0, 560.0, 418.0, 27.0
        canvas.text(150, top + 19, "point", 7.5, draw.GREY, "left")
        canvas.text(x0 - 8, top + 19, "speed, cost", 7.5, draw.GREY, "right")
        canvas.text(x0, top + 19, f"wait, 0 to {LONGEST_MIN:.0f} min", 7.5, draw.GREY, "left")
        for point, idle_at in enumerate(simulator.idle_at[env]):
            y = top - pitch * point
            wait = max(float(idle_at) - arrives, 0.0) * 60.0
            suits = task.point_type[point] == kind
            canvas.text(150, y, f"{point}", 9, at="left", bold=suits)
            canvas.gauge(166, y - 6, 12, 12, 1.0, self._colour(task.point_type[point]))
            canvas.text(x0 - 8, y, f"{task.speed[point]:g} x, {task.cost_factor[point]:g}", 7.5, at="right")
            canvas.gauge(x0, y - 8, x1 - x0, 16, wait / LONGEST_MIN, self._colour(task.point_type[point]))
            canvas.text(x1 + 8, y, f"{wait:.1f} min" if wait > 0.0 else "idle", 8, at="left", bold=wait == 0.0)
        if taken:
            went = "in time" if terms["success"] > 0.5 else "late"
            last = f"last job: {60.0 * float(terms['response_h']):.1f} min, {went}"
            canvas.text(16, 148, f"{last}, profit {float(terms['profit_cny']):+.2f} CNY", 8, at="left")
        canvas.text(626, 148, f"{taken} of {simulator.episode_steps} jobs", 8, at="right")
        self._chart(env, taken)
        return canvas.image()

    @staticmethod
    def _colour(kind: int) -> str:
        return draw.SKY if kind == 0 else draw.PINK

    def _chart(self, env: int, taken: int) -> None:
        """Response times of the last jobs as columns, against the deadline."""
        canvas, (x0, y0, w, h) = self.canvas, STRIP
        deadline = 60.0 * self.task.deadline_h
        _, rows = self.trail.last(env, taken - 1, 2)
        known = rows[np.isfinite(rows[:, 0])]
        top = nice(max(float(known[:, 0].max(initial=0.0)), 1.5 * deadline))
        canvas.shape([(x0, y0), (x0 + w, y0), (x0 + w, y0 + h), (x0, y0 + h)], "#fbfbfb")
        for i, (response, success) in enumerate(rows):
            if np.isfinite(response):
                a, b, y = x0 + w * i / JOBS, x0 + w * (i + 0.85) / JOBS, y0 + h * response / top
                canvas.shape([(a, y0), (b, y0), (b, y), (a, y)], draw.BLUE if success > 0.5 else draw.VERMILLION)
        y = y0 + h * deadline / top
        canvas.line([(x0, y), (x0 + w, y)], draw.INK, 1.2, "--")
        canvas.line([(x0, y0), (x0 + w, y0)], draw.GREY, 0.8)
        canvas.text(x0 - 5, y0 + h, f"{top:g}", 7, draw.GREY, "right")
        canvas.text(x0 - 5, y0, "0", 7, draw.GREY, "right")
        canvas.text(x0 + w + 5, y, f"{deadline:g}", 7, draw.INK, "left")
        canvas.text(x0, y0 - 9, f"{JOBS} jobs ago", 7, draw.GREY)
        canvas.text(x0 + w, y0 - 9, "last", 7, draw.GREY)
        canvas.text(x0, y0 + h + 9, "response, min", 7.5, at="left", bold=True)
        for x, colour, words in ((x0 + 96, draw.BLUE, "in time"), (x0 + 160, draw.VERMILLION, "late")):
            canvas.gauge(x, y0 + h + 5, 10, 8, 1.0, colour)
            canvas.text(x + 15, y0 + h + 9, words, 7.5, at="left")
        share = f"in time: {100.0 * known[:, 1].mean():.0f} % of these" if len(known) else ""
        canvas.text(x0 + w, y0 + h + 9, share, 7.5, at="right", bold=True)
