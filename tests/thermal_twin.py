"""The thermal network again, from heat flows between nodes, sharing no code with the package."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

PAIRS = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def net_flows(home: Any, zones: Any, t: Any, u: Any) -> tuple[Any, float]:
    """(net heat into every node (Z, 3): air, surface, mass; loss to the outdoors) [kW] at temperatures t (Z, 3)."""
    into = np.zeros((len(zones), 3))
    loss = 0.0
    for z, zone in enumerate(zones):
        for node, name in enumerate(("ua_air_out", "ua_surface_out", "ua_mass_out")):
            if node == 1 and zone["ua_air_surface"] == 0:
                continue
            q = zone[name] * (t[z, node] - u[0])
            into[z, node] -= q
            loss += q
        for i, j, name in ((0, 2, "ua_air_mass"), (0, 1, "ua_air_surface"), (1, 2, "ua_surface_mass")):
            if i + j != 2 and zone["ua_air_surface"] == 0:
                continue
            q = zone[name] * (t[z, i] - t[z, j])
            into[z, i] -= q
            into[z, j] += q
        q_air, q_mass = u[1 + 2 * z], u[2 + 2 * z]
        into[z, 0] += q_air
        into[z, 2] += q_mass * zone["mass_to_mass"]
        surface_share = zone["mass_to_surface"] if zone["ua_air_surface"] > 0 else 0.0
        into[z, 1] += q_mass * surface_share
        loss += q_mass * (1 - zone["mass_to_mass"] - surface_share)
    for (i, j), ua in zip(PAIRS, home["ua_zones"], strict=True):
        if j < len(zones):
            q = ua * (t[i, 0] - t[j, 0])
            into[i, 0] -= q
            into[j, 0] += q
    return into, loss


def step(home: Any, zones: Any, x: Any, u: Any, dt: float) -> tuple[Any, Any, float]:
    """(end (2 Z,), mean (2 Z,), mean loss) of one step by an ODE solver; zones: only those that are there."""
    n = len(zones)
    capacity = np.column_stack([zones["c_air"], np.zeros(n), zones["c_mass"]]).ravel()
    slow = capacity > 0
    fixed = np.repeat(zones["ua_air_surface"] == 0, 3) & (np.arange(3 * n) % 3 == 1)  # surfaces that are not there
    fast = ~slow & ~fixed

    def all_nodes(dynamic: Any) -> Any:
        """Temperatures of all nodes: those without capacity from their own (linear) balances."""
        t = np.zeros(3 * n)
        t[slow] = dynamic
        if fast.any():
            rest = net_flows(home, zones, t.reshape(n, 3), u)[0].ravel()[fast]
            slope = np.zeros((fast.sum(), fast.sum()))
            for k, node in enumerate(np.flatnonzero(fast)):
                probe = t.copy()
                probe[node] += 1.0
                slope[:, k] = net_flows(home, zones, probe.reshape(n, 3), u)[0].ravel()[fast] - rest
            t[fast] = np.linalg.solve(slope, -rest)
        return t.reshape(n, 3)

    def rate(_: float, y: Any) -> Any:
        t = all_nodes(y[: slow.sum()])
        into, loss = net_flows(home, zones, t, u)
        return np.concatenate([into.ravel()[slow] / capacity[slow], t[:, [0, 2]].ravel(), [loss]])

    start = np.column_stack([x[0::2], np.zeros(n), x[1::2]]).ravel()[slow]
    y0 = np.concatenate([start, np.zeros(2 * n + 1)])
    y = solve_ivp(rate, (0.0, dt), y0, method="Radau", rtol=1e-10, atol=1e-11).y[:, -1]
    end = all_nodes(y[: slow.sum()])[:, [0, 2]].ravel()
    return end, y[slow.sum() : -1] / dt, float(y[-1] / dt)
