"""Many snapshots of one feeder: scatter the consumption, solve, read off voltages, currents and losses.

Node arrays and units are those of :mod:`entangrid.envs.kernels.distflow`.
"""

import numpy as np
from numba import njit

from entangrid.envs.kernels.distflow import Floats, Integers, backward, lindistflow, solve
from entangrid.envs.kernels.jit import kernel


@kernel
def line_results(
    node: Integers,
    parent: Integers,
    r: Floats,
    x: Floats,
    g_half: Floats,
    b_half: Floats,
    v: Floats,
    p_flow: Floats,
    q_flow: Floats,
    i2: Floats,
    current: Floats,
) -> float:
    """Larger end current of every line [kW/pu] (in place: current) and the sum of all line losses [kW].

    A line is a π with half of its shunt y = g + jb [kW/pu², kvar/pu²] at each end. With S_r out of and S_s into the
    series branch: |I_to| = |S_r - y* v_r| / √v_r and |I_from| = |S_s + y* v_s| / √v_s. ``node`` (n_line,) is the far
    node of a line, -1 when the line is out of service.
    """
    loss = 0.0
    for k in range(node.shape[0]):
        i = node[k]
        if i < 0:
            current[k] = 0.0
            continue
        j = parent[i]
        g, b = g_half[k], b_half[k]
        p_to = p_flow[i] - g * v[i]
        q_to = q_flow[i] + b * v[i]
        p_from = p_flow[i] + r[i] * i2[i] + g * v[j]
        q_from = q_flow[i] + x[i] * i2[i] - b * v[j]
        at_to = (p_to * p_to + q_to * q_to) / v[i]
        at_from = (p_from * p_from + q_from * q_from) / v[j]
        current[k] = np.sqrt(max(at_to, at_from))
        loss += r[i] * i2[i] + g * (v[i] + v[j])
    return loss


@kernel
def transformer_results(
    r: Floats, g: Floats, v: Floats, i2: Floats, hv_percent: float, lv_percent: float
) -> tuple[float, float]:
    """Loading [%] and loss [kW] of the transformer: edges 1 and 2 with its iron and magnetising branch at node 1.

    ``hv_percent`` and ``lv_percent`` turn a current [kW/pu] into a share of the rated current of that side.
    """
    loading = max(np.sqrt(i2[1]) * hv_percent, np.sqrt(i2[2]) * lv_percent)
    return loading, r[1] * i2[1] + r[2] * i2[2] + g[1] * v[1]


@kernel
def voltage_change(
    parent: Integers, r: Floats, x: Floats, v: Floats, p_flow: Floats, q_flow: Floats, i2: Floats
) -> float:
    """Largest voltage change [pu] that a forward pass would make, first order; nothing is written."""
    change = 0.0
    for i in range(1, parent.shape[0]):
        drop = 2.0 * (r[i] * p_flow[i] + x[i] * q_flow[i]) + (r[i] * r[i] + x[i] * x[i]) * i2[i]
        change = max(change, abs(v[parent[i]] - drop - v[i]))
    return 0.5 * change


@njit(cache=True)
def solve_snapshots(
    parent: Integers,
    r: Floats,
    x: Floats,
    g: Floats,
    b: Floats,
    v_slack: float,
    node_of_bus: Integers,
    line_node: Integers,
    g_half: Floats,
    b_half: Floats,
    hv_percent: float,
    lv_percent: float,
    p_bus: Floats,
    q_bus: Floats,
    linear: bool,
    min_sweeps: int,
    max_sweeps: int,
    tolerance: float,
    vm: Floats,
    current: Floats,
    per_snapshot: Floats,
    sweeps: Integers,
) -> None:
    """Solve T snapshots of consumption ``p_bus``, ``q_bus`` (T, n_bus) [kW, kvar], one after the other.

    Writes vm (T, n_bus) [pu; at node 0 in the feeder's own base], current (T, n_line) [kW/pu], sweeps (T,) and
    per_snapshot (6, T): transformer loading [%], line loss, transformer loss, slack P [kW], slack Q [kvar], residual
    [pu]. With ``linear`` the voltages are LinDistFlow's; currents, losses and slack are then one backward pass at
    those voltages, and the residual is what one more forward pass would change.
    """
    n = parent.shape[0]
    p, q, v = np.empty(n), np.empty(n), np.empty(n)
    p_flow, q_flow, i2 = np.empty(n), np.empty(n), np.empty(n)
    v[0] = v_slack
    for t in range(p_bus.shape[0]):
        p[:] = 0.0
        q[:] = 0.0
        for k in range(node_of_bus.shape[0]):
            p[node_of_bus[k]] += p_bus[t, k]
            q[node_of_bus[k]] += q_bus[t, k]
        if linear:
            lindistflow(parent, r, x, g, b, p, q, v, p_flow, q_flow)
            backward(parent, r, x, g, b, p, q, v, p_flow, q_flow, i2)
            sweeps[t] = 0
            per_snapshot[5, t] = voltage_change(parent, r, x, v, p_flow, q_flow, i2)
        else:
            sweeps[t], per_snapshot[5, t] = solve(
                parent, r, x, g, b, p, q, v, p_flow, q_flow, i2, min_sweeps, max_sweeps, tolerance
            )
        loading, loss = transformer_results(r, g, v, i2, hv_percent, lv_percent)
        per_snapshot[0, t] = loading
        per_snapshot[1, t] = line_results(line_node, parent, r, x, g_half, b_half, v, p_flow, q_flow, i2, current[t])
        per_snapshot[2, t] = loss
        per_snapshot[3, t] = p_flow[0]
        per_snapshot[4, t] = q_flow[0]
        for k in range(node_of_bus.shape[0]):
            vm[t, k] = np.sqrt(v[node_of_bus[k]])
