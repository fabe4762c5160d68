"""The feeder in a linear program: what homes exchange, voltages, loadings, and what the limits cost.

DistFlow's equations are linear but for the squared current i2 = (P² + Q²) / v of each edge. Around the flow of a guess
(marked ^) that is its tangent, which is exact there and nowhere above the function, which is convex::

    i2 = (2 P^ P + 2 Q^ Q - i2^ v) / v^

Around an idle feeder it is nearly 0, and the rest is LinDistFlow. Costs, as in :mod:`entangrid.envs.kernels.grid`:

* below the band: v_low - sqrt(v) by tangents; above it: the tangent of sqrt(v) at the guess or at the limit;
* loading of lines and transformer |S| / sqrt(v): at least the projections on fixed directions and on the guess's own,
  with 1 / sqrt(v) linear around the guess;
* ageing: :mod:`entangrid.agents.optimal.life`.

So at the guess the program's costs are the simulator's, and further away the errors are of second order: to be solved
again around the replay. Sources: Baran, Wu 1989, DOI 10.1109/61.25627; Low 2014, DOI 10.1109/TCNS.2014.2309732.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from entangrid.agents.optimal.life import life
from entangrid.agents.optimal.linear import ALL, F, I, LinearProgram, Term
from entangrid.agents.optimal.replay import Flow
from entangrid.envs.kernels import distflow
from entangrid.envs.kernels.feeder_batch import line_results, transformer_results
from entangrid.envs.world import Grid

_DIRECTIONS = 16
_BELOW_PU = (0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3)  # depths under the band at which its cost has a tangent
_FARTHEST = 1.5  # a line that cannot reach its rating by this factor is left out: losses, low voltage


class Exchange(NamedTuple):
    """What a home draws from its node over n steps: columns (n,) and their weights, and what nobody decides on."""

    node: int
    active: list[tuple[I, npt.ArrayLike]]  # [kW]
    reactive: list[tuple[I, npt.ArrayLike]]  # [kvar]
    fixed_kvar: F
    most_kva: float


class Columns(NamedTuple):
    """Columns (N, n) of the nodes, as in :class:`Flow`; voltages of homes' nodes outside the band; loading above 1."""

    v: I
    p: I
    q: I
    outside: I | None
    loading: I


def idle(grid: Grid, n: int) -> Flow:
    """The flow of n steps without any consumption."""
    size = grid.parent.size
    zero, v = np.zeros(size), np.full(size, float(grid.settings[0]["v_slack"]))
    p, q, i2, current = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(grid.line_node.size)
    shape = (grid.parent, grid.r, grid.x, grid.g, grid.b)
    distflow.solve(*shape, zero, zero, v, p, q, i2, distflow.MIN_SWEEPS, distflow.MAX_SWEEPS, 1e-12)
    s = grid.settings[0]
    loading, _ = transformer_results(grid.r, grid.g, v, i2, s["hv_percent"], s["lv_percent"])
    lines = (grid.line_node, grid.parent, grid.r, grid.x, grid.g_half, grid.b_half)
    line_results(*lines, v, p, q, i2, current)
    v, p, q, i2, current = (np.tile(part, (n, 1)) for part in (v, p, q, i2, current))
    return Flow(v, p, q, i2, current, np.full(n, loading / 100.0))


def add(lp: LinearProgram, grid: Grid, guess: Flow, homes: list[Exchange], t_out: F, oil: F, dt: float) -> Columns:
    """Columns, rows and costs of the feeder over n steps around a guess.

    t_out (n,) [°C]; oil (3,): the transformer's state at the beginning; dt [h].
    """
    s, n = grid.settings[0], t_out.size
    if s["linear"] > 0:
        guess = _lossless(grid, guess)
    nodes = _flow(lp, grid, guess, homes, n)
    outside = None
    if s["violation_price"] > 0.0:
        outside = _band(lp, grid, guess, nodes[0], homes, dt)
    v, p, q = nodes
    load = lp.columns(n)
    for edge, percent in ((1, s["hv_percent"]), (2, s["lv_percent"])):
        rated = 100.0 / float(percent)
        exact = guess.loading if s["linear"] > 0 else None
        _at_least_current(lp, guess, edge, rated, (v, p, q), load, exact)
    price = float(s["overload_price"]) * dt
    if price > 0.0:
        over = lp.columns(n, cost=price)
        lp.at_most(np.ones(n), (ALL, load, 1.0), (ALL, over, -1.0))
        for k, most in enumerate(_most_kva(grid, homes)):
            edge, rated = int(grid.line_node[k]), 100.0 / float(grid.line_percent[k])
            if edge > 0 and most * _FARTHEST > rated:
                share = lp.columns(n)
                _at_least_current(lp, guess, edge, rated, (v, p, q), share, guess.current[:, k] / rated)
                over = lp.columns(n, cost=price)
                lp.at_most(np.ones(n), (ALL, share, 1.0), (ALL, over, -1.0))
    if s["ageing_price"] > 0.0:
        life(lp, grid, load, t_out, oil, dt)
    return Columns(v, p, q, outside, load)


def _lossless(grid: Grid, guess: Flow) -> Flow:
    """The guess without what is lost behind each edge, as LinDistFlow's voltages take it."""
    p, q = guess.p.copy(), guess.q.copy()
    behind = np.zeros((2, *p.shape))
    for i in range(grid.parent.size - 1, 0, -1):
        p[:, i] -= behind[0, :, i]
        q[:, i] -= behind[1, :, i]
        behind[0, :, grid.parent[i]] += behind[0, :, i] + grid.r[i] * guess.i2[:, i]
        behind[1, :, grid.parent[i]] += behind[1, :, i] + grid.x[i] * guess.i2[:, i]
    return guess._replace(p=p, q=q)


def _flow(lp: LinearProgram, grid: Grid, guess: Flow, homes: list[Exchange], n: int) -> tuple[I, I, I]:
    """DistFlow around the guess: squared voltages, active and reactive flows (N, n)."""
    size, lossless = grid.parent.size, grid.settings[0]["linear"] > 0
    v, p, q = (lp.columns((size, n), low=-np.inf) for _ in range(3))
    i2 = lp.columns((size, n), low=-np.inf)
    slack = np.full(n, float(grid.settings[0]["v_slack"]))
    lp.equal(slack, (ALL, v[0], 1.0))
    active: list[list[Term]] = [[] for _ in range(size)]
    reactive: list[list[Term]] = [[] for _ in range(size)]
    fixed = np.zeros((size, n))
    for home in homes:
        active[home.node] += [(ALL, columns, -np.asarray(w)) for columns, w in home.active]
        reactive[home.node] += [(ALL, columns, -np.asarray(w)) for columns, w in home.reactive]
        fixed[home.node] += home.fixed_kvar
    for i in range(1, size):
        j, r, x = int(grid.parent[i]), float(grid.r[i]), float(grid.x[i])
        active[j] += [(ALL, p[i], -1.0), (ALL, i2[i], -r)]
        reactive[j] += [(ALL, q[i], -1.0), (ALL, i2[i], -x)]
        lp.equal(
            np.zeros(n), (ALL, v[i], 1.0), (ALL, v[j], -1.0), (ALL, p[i], 2.0 * r), (ALL, q[i], 2.0 * x),
            (ALL, i2[i], r * r + x * x),
        )  # fmt: skip
        if lossless:
            lp.equal(np.zeros(n), (ALL, i2[i], 1.0))
            continue
        at = guess.v[:, i]
        lp.equal(
            np.zeros(n), (ALL, i2[i], 1.0), (ALL, p[i], -2.0 * guess.p[:, i] / at),
            (ALL, q[i], -2.0 * guess.q[:, i] / at), (ALL, v[i], guess.i2[:, i] / at),
        )  # fmt: skip
    for i in range(size):
        shunted = v[0] if lossless else v[i]
        lp.equal(np.zeros(n), (ALL, p[i], 1.0), (ALL, shunted, -float(grid.g[i])), *active[i])
        lp.equal(fixed[i], (ALL, q[i], 1.0), (ALL, shunted, float(grid.b[i])), *reactive[i])
    lp.equal(np.zeros(n), (ALL, i2[0], 1.0))
    return v, p, q


def _band(lp: LinearProgram, grid: Grid, guess: Flow, v: I, homes: list[Exchange], dt: float) -> I:
    """How far the voltages of homes' nodes are outside the band (B, n) [pu], at its price."""
    s = grid.settings[0]
    low, high = float(s["v_low"]), float(s["v_high"])
    nodes, counts = np.unique([home.node for home in homes], return_counts=True)
    n = guess.loading.size
    outside = lp.columns((nodes.size, n), cost=counts[:, None] * float(s["violation_price"]) * dt)
    for k, i in enumerate(nodes):
        depths = [np.full(n, low - depth) for depth in _BELOW_PU if low - depth > 0.2]
        for u in [*depths, np.clip(np.sqrt(guess.v[:, i]), 0.2, low)]:
            # low - sqrt(v) >= low - u - (v - u²) / (2 u)
            lp.at_least(low - 0.5 * u, (ALL, outside[k], 1.0), (ALL, v[i], 0.5 / u))
        u = np.maximum(np.sqrt(guess.v[:, i]), high)
        lp.at_most(high - 0.5 * u, (ALL, v[i], 0.5 / u), (ALL, outside[k], -1.0))
    return outside


def _at_least_current(
    lp: LinearProgram, guess: Flow, edge: int, rated: float, nodes: tuple[I, I, I], share: I, exact: F | None
) -> None:
    """share (n,) >= current in an edge [kW/pu] over ``rated``, by projections; exact: what it is at the guess."""
    v, p, q = (part[edge] for part in nodes)
    n, at = share.size, guess.v[:, edge]
    p_at, q_at = guess.p[:, edge], guess.q[:, edge]
    root, apparent = np.sqrt(at), np.hypot(p_at, q_at)
    slope = 0.5 * apparent / (at * root * rated)  # of a higher voltage, downwards
    right = slope * at
    if exact is not None:
        right = right + exact - apparent / (root * rated)
    angles: list[npt.ArrayLike] = [2.0 * np.pi * m / _DIRECTIONS for m in range(_DIRECTIONS)]
    for angle in [*angles, np.arctan2(q_at, p_at)]:
        cosine = np.broadcast_to(np.cos(angle), (n,)) / (root * rated)
        sine = np.broadcast_to(np.sin(angle), (n,)) / (root * rated)
        lp.at_most(-right, (ALL, p, cosine), (ALL, q, sine), (ALL, v, -slope), (ALL, share, -1.0))


def _most_kva(grid: Grid, homes: list[Exchange]) -> F:
    """Upper bound (L,) of what each line carries without losses."""
    most = np.zeros(grid.parent.size)
    for home in homes:
        most[home.node] += home.most_kva
    for i in range(grid.parent.size - 1, 0, -1):
        most[grid.parent[i]] += most[i]
    return np.asarray(np.where(grid.line_node > 0, most[grid.line_node], 0.0))
