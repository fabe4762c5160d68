"""A picture of a feeder: the tree behind its transformer, voltages, loadings and what the homes do."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from entangrid.envs import render_canvas as draw
from entangrid.envs.layout import FEEDER_TERMS
from entangrid.envs.render_canvas import Canvas, F, Frame, Trail
from entangrid.envs.render_house import Now

TREE = (128.0, 182.0, 492.0, 246.0)  # x, y, width, height of the tree [px]
LOADINGS = ((50.0, "#bdbdbd"), (80.0, draw.YELLOW), (100.0, draw.ORANGE), (np.inf, draw.VERMILLION))


def tree_places(parent: npt.NDArray[np.int64]) -> tuple[F, F]:
    """Where the nodes (n,) of a tree stand, x by their distance from node 2 and y by branches; both from 0 to 1.

    parent: of a :class:`~entangrid.envs.feeder_tree.RadialGrid`; nodes 0 and 1 are the transformer's and stay at 0.
    Every leaf has a row of its own, and a node stands level with its largest branch, so that no lines cross.
    """
    n = parent.size
    depth, height = np.zeros(n), np.zeros(n, np.int64)
    children: list[list[int]] = [[] for _ in range(n)]
    for node in range(3, n):
        depth[node] = depth[parent[node]] + 1
        children[int(parent[node])].append(node)
    for node in range(n - 1, 2, -1):
        height[parent[node]] = max(height[parent[node]], height[node] + 1)
    row = np.zeros(n)
    free, stack = 0, [2]
    while stack:
        node = stack.pop()
        if not children[node]:
            row[node] = free
            free += 1
        stack += sorted(children[node], key=lambda c: height[c])
    for node in range(n - 1, 1, -1):
        if children[node]:
            row[node] = row[max(children[node], key=lambda c: height[c])]
    if children[2]:
        row[2] = np.mean([row[c] for c in children[2]])
    return depth / max(depth.max(), 1.0), 1.0 - (row + 0.5) / max(free, 1)


class FeederView:
    """Draws the feeder of a task; see :meth:`frame`."""

    def __init__(self, task: Any):
        """task: of homes, with a feeder."""
        self.task = task
        self.canvas = Canvas()
        self.trail = Trail(task.scenario.dt_h)
        grid = task.feeder.grid
        x, y = tree_places(grid.parent)
        x0, y0, w, h = TREE
        self.x, self.y = x0 + x * w, y0 + y * h
        self.at = grid.node_of_bus[task.bus]  # node of each home (H,)
        rows = np.unique(self.y[2:]).size
        pitch = w / max(np.unique(self.x[2:]).size - 1, 1)
        self.size = float(np.clip(min(0.45 * h / rows, 0.7 * pitch), 6.0, 14.0))
        lines = np.flatnonzero(grid.line_node > 2)
        self.lines = lines
        ends = [(int(grid.line_node[k]), int(grid.parent[grid.line_node[k]])) for k in lines]
        self.paths = [[(self.x[up], self.y[up]), (self.x[up], self.y[to]), (self.x[to], self.y[to])] for to, up in ends]
        sizes = [task.homes[name].max() for name in ("battery_p", "hp_q_ref")]
        self.scale_kw = max(float(sizes[0]), float(sizes[1]) / 3.0, float(task.series["pv"].max()), 3.0)

    def frame(self, simulator: Any, env: int = 0) -> Frame:
        """The feeder after the last step, (480, 640, 3) uint8.

        Buses are coloured by voltage, lines by loading; a triangle at a bus is the power of its homes.
        """
        now = Now(simulator, env)
        terms = simulator.feeder_terms[env] if now.taken else np.zeros(1, FEEDER_TERMS)[0]
        power = simulator.terms[env]["p_grid_kw"] if now.taken else np.zeros(self.at.size)
        if now.taken:
            self.trail.add(env, now.episode, now.step, float(terms["p_slack_kw"]))
        else:
            self.trail.forget(env)
        canvas = self.canvas
        canvas.clear()
        now.header(canvas, self.task, f"{self.at.size} homes")
        self._transformer(now, terms, float(simulator.feeder_terms[env]["hot_spot_c"]))
        self._tree(now, simulator, env)
        self._homes(power)
        self._legend(now, terms, power)
        now.strip(canvas, self.task, self.trail, env, "transformer, kW: import up, export down")
        return canvas.image()

    def _tree(self, now: Now, simulator: Any, env: int) -> None:
        loading = simulator.line_loading_percent[env][self.lines] if now.taken else np.zeros(self.lines.size)
        bands = np.searchsorted([limit for limit, _ in LOADINGS], loading)
        colours = [LOADINGS[b][1] for b in bands]
        width = 0.14 * self.size
        self.canvas.lines(self.paths, colours, width * (1.0 + np.minimum(loading, 150.0) / 100.0))
        grid = self.task.feeder.grid
        vm = np.ones(grid.parent.size)
        if now.taken:
            vm[grid.node_of_bus] = simulator.vm[env]
        shown = np.arange(2, vm.size)
        rules = self.task.feeder_rules
        outside = (vm < rules.v_low_pu) | (vm > rules.v_high_pu)
        rings = [draw.VERMILLION if out else draw.INK for out in outside[shown]]
        lines = np.where(outside[shown], 2.2, 0.6)
        colours_of = [self._voltage_colour(float(v)) for v in vm[shown]]
        self.canvas.dots(self.x[shown], self.y[shown], colours_of, self.size, edges=rings, line=lines)

    def _voltage_colour(self, vm: float) -> tuple[float, float, float]:
        """Orange towards the lower end of the band, white at 1 pu, blue towards the upper end; by the root."""
        rules = self.task.feeder_rules
        share = (
            (1.0 - vm) / max(1.0 - rules.v_low_pu, 1e-3) if vm < 1.0 else (vm - 1.0) / max(rules.v_high_pu - 1, 1e-3)
        )
        return draw.mixed(draw.ORANGE if vm < 1.0 else draw.BLUE, share**0.5)

    def _homes(self, power: F) -> None:
        sums = np.zeros(self.x.size)
        np.add.at(sums, self.at, power)
        for marker, colour, sign in (("v", draw.TAKES, 1.0), ("^", draw.GIVES, -1.0)):
            nodes = np.flatnonzero(sums * sign > 0.005)
            sizes = self.size * (0.35 + 0.9 * np.sqrt(np.minimum(np.abs(sums[nodes]) / self.scale_kw, 1.5)))
            up = self.y[nodes] + 0.95 * self.size
            self.canvas.dots(self.x[nodes], up, [colour] * nodes.size, sizes, marker, "white", 0.4)

    def _transformer(self, now: Now, terms: Any, hot_spot: float) -> None:
        canvas, loading = self.canvas, float(terms["trafo_loading_percent"])
        colour = next(colour for limit, colour in LOADINGS if loading <= limit)
        y0, h = TREE[1], TREE[3] - 10
        canvas.shape([(34, y0), (54, y0), (54, y0 + h), (34, y0 + h)], draw.PALE)
        filled = min(loading / 150.0, 1.0) * h
        canvas.shape([(34, y0), (54, y0), (54, y0 + filled), (34, y0 + filled)], colour)
        canvas.shape([(34, y0), (54, y0), (54, y0 + h), (34, y0 + h)], "none", draw.GREY, 0.8)
        for mark in (0, 50, 100, 150):
            y = y0 + h * mark / 150.0
            canvas.line([(30, y), (54 if mark == 100 else 34, y)], draw.INK, 1.4 if mark == 100 else 0.8)
            canvas.text(28, y, f"{mark}", 6.5, draw.GREY, "right")
        canvas.line([(55, self.y[2]), (self.x[2], self.y[2])], draw.GREY, 2)
        canvas.text(14, y0 + h + 12, "transformer", 8, at="left")
        canvas.text(60, y0 + h - 8, f"{loading:.0f} %", 11, at="left", bold=True)
        canvas.text(60, y0 + h - 26, f"{abs(float(terms['p_slack_kw'])):.0f} kW", 8.5, at="left")
        canvas.text(60, y0 + h - 39, "import" if terms["p_slack_kw"] >= 0.0 else "export", 7.5, draw.GREY, "left")
        canvas.text(60, y0 + 20, "hot spot", 7, draw.GREY, "left")
        canvas.text(60, y0 + 7, f"{hot_spot:.0f} °C", 8.5, at="left")
        if not now.on:
            canvas.text(14, y0 - 12, "OUTAGE", 10, draw.VERMILLION, "left", bold=True)

    def _legend(self, now: Now, terms: Any, power: F) -> None:
        canvas, rules = self.canvas, self.task.feeder_rules
        v = [float(terms[name]) if now.taken else 1.0 for name in ("v_min_pu", "v_max_pu")]
        canvas.text(626, 441, f"{v[0]:.3f} to {v[1]:.3f} pu", 9, at="right", bold=True)
        y = 154.0
        for i in range(21):
            value = rules.v_low_pu + (rules.v_high_pu - rules.v_low_pu) * i / 20
            canvas.shape(
                [(48 + 5 * i, y), (53 + 5 * i, y), (53 + 5 * i, y + 9), (48 + 5 * i, y + 9)],
                self._voltage_colour(value),
            )
        canvas.text(44, y + 4, f"{rules.v_low_pu:g}", 7, draw.GREY, "right")
        canvas.text(157, y + 4, f"{rules.v_high_pu:g} pu", 7, draw.GREY, "left")
        canvas.text(215, y + 4, "line", 7.5, at="left")
        for i, (_, colour) in enumerate(LOADINGS):
            canvas.line([(243 + 18 * i, y + 4), (259 + 18 * i, y + 4)], colour, 3.5)
        canvas.text(320, y + 4, "below 50, 80, 100 %, above", 7, draw.GREY, "left")
        for x, marker, colour, words in ((474, "v", draw.TAKES, "home takes"), (556, "^", draw.GIVES, "home gives")):
            canvas.dots(np.array([x]), np.array([y + 4.5]), [colour], 9.0, marker, "white", 0.4)
            canvas.text(x + 9, y + 4, words, 7.5, at="left")
        loading = f"most loaded line {float(terms['line_loading_percent']):.0f} %"
        losses = f"losses {float(terms['line_loss_kw'] + terms['trafo_loss_kw']):.2f} kW"
        homes = f"homes {power.sum():+.1f} kW"
        canvas.text(16, 137, f"{homes},  {loading},  {losses}", 7.5, at="left")
        cost = f"grid cost of this step {float(terms['feeder_eur']):.2f} EUR"
        canvas.text(626, 137, f"step {now.taken} of {self.task.episode_steps};  {cost}", 7.5, at="right")
