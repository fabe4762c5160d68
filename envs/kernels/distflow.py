"""Radial power flow in squared voltages: DistFlow sweeps and LinDistFlow.

Nodes are numbered from the slack (node 0) outwards, so that ``parent[i] < i``; edge i joins ``parent[i]`` to i and is
numbered after its far end. Every array has one entry a node, shape (n,):

======================  =================================================================================
parent                  node at the near end of edge i (entry 0 is unused)
r, x                    series resistance and reactance of edge i [pu²/kW]: R[Ω] / (1000 · V_base[kV]²)
g, b                    shunt at node i [kW/pu², kvar/pu²], b > 0 capacitive
p, q                    consumption at node i [kW, kvar]; a feed-in is negative
v                       squared voltage [pu²]; v[0] is the slack's and is never written
p_flow, q_flow          power that arrives at node i over edge i [kW, kvar]; entry 0 is what the slack delivers
i2                      squared current in edge i [kW²/pu²]
======================  =================================================================================

With powers in kW, voltages in pu and impedances as above no other base is needed: r·i2 is a loss in kW.

Branch equations, M. E. Baran and F. F. Wu, IEEE Trans. Power Delivery 4(2) 1401-1407 (1989), doi:10.1109/61.25627::

    i2_i   = (P_i² + Q_i²) / v_i                                      P_i, Q_i arrive at node i
    P_i    = p_i + g_i v_i + Σ_children (P_c + r_c i2_c)
    Q_i    = q_i - b_i v_i + Σ_children (Q_c + x_c i2_c)
    v_i    = v_parent - 2 (r_i P_i + x_i Q_i) - (r_i² + x_i²) i2_i
"""

import numpy as np
from numpy.typing import NDArray

from entangrid.envs.kernels.jit import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Loaded beyond collapse a feeder has no solution. Its sweeps are kept finite by holding squared voltages within 0.2 to
# 3 pu and the drop |z| I over an edge within the two ends' largest sum, 6 pu. The residual is taken before the limits
# act, so such a snapshot never counts as converged.
V_FLOOR = 0.04
V_CEILING = 9.0
DROP_CEILING = 36.0

# For a step of an environment: at 1e-4 pu the error left is below 5e-5 pu (docs/feeder.md); the cap bounds the time.
MIN_SWEEPS = 2
MAX_SWEEPS = 20
STEP_TOLERANCE = 1e-4


@kernel
def backward(
    parent: Integers,
    r: Floats,
    x: Floats,
    g: Floats,
    b: Floats,
    p: Floats,
    q: Floats,
    v: Floats,
    p_flow: Floats,
    q_flow: Floats,
    i2: Floats,
) -> None:
    """Sum powers and losses from the leaves to the slack at the voltages ``v`` (in place: p_flow, q_flow, i2)."""
    n = parent.shape[0]
    for i in range(n):
        p_flow[i] = p[i] + g[i] * v[i]
        q_flow[i] = q[i] - b[i] * v[i]
    i2[0] = 0.0
    for i in range(n - 1, 0, -1):
        square = (p_flow[i] * p_flow[i] + q_flow[i] * q_flow[i]) / v[i]
        if square * (r[i] * r[i] + x[i] * x[i]) > DROP_CEILING:
            square = DROP_CEILING / (r[i] * r[i] + x[i] * x[i])
        i2[i] = square
        p_flow[parent[i]] += p_flow[i] + r[i] * square
        q_flow[parent[i]] += q_flow[i] + x[i] * square


@kernel
def forward(parent: Integers, r: Floats, x: Floats, v: Floats, p_flow: Floats, q_flow: Floats, i2: Floats) -> float:
    """Carry voltages from the slack to the leaves (in place: v).

    Returns half the largest change of a squared voltage, which near 1 pu is the largest change of a voltage [pu].
    """
    change = 0.0
    for i in range(1, parent.shape[0]):
        v_new = v[parent[i]] - 2.0 * (r[i] * p_flow[i] + x[i] * q_flow[i]) - (r[i] * r[i] + x[i] * x[i]) * i2[i]
        change = max(change, abs(v_new - v[i]))
        v[i] = min(max(v_new, V_FLOOR), V_CEILING)
    return 0.5 * change


@kernel
def sweep(
    parent: Integers,
    r: Floats,
    x: Floats,
    g: Floats,
    b: Floats,
    p: Floats,
    q: Floats,
    v: Floats,
    p_flow: Floats,
    q_flow: Floats,
    i2: Floats,
) -> float:
    """One backward and one forward pass from the voltages in ``v``; returns the residual of :func:`forward` [pu]."""
    backward(parent, r, x, g, b, p, q, v, p_flow, q_flow, i2)
    return forward(parent, r, x, v, p_flow, q_flow, i2)


@kernel
def solve(
    parent: Integers,
    r: Floats,
    x: Floats,
    g: Floats,
    b: Floats,
    p: Floats,
    q: Floats,
    v: Floats,
    p_flow: Floats,
    q_flow: Floats,
    i2: Floats,
    min_sweeps: int,
    max_sweeps: int,
    tolerance: float,
) -> tuple[int, float]:
    """DistFlow from a flat start: sweep until the residual is at most ``tolerance`` [pu].

    At least ``min_sweeps``, at most ``max_sweeps``. Returns (sweeps made, last residual [pu]). A sweep leaves an error
    of about the residual times the share of the power that is lost: away from collapse the residual bounds the error.
    """
    for i in range(1, parent.shape[0]):
        v[i] = v[0]
    residual = np.inf
    done = 0
    while done < max_sweeps and (done < min_sweeps or residual > tolerance):
        residual = sweep(parent, r, x, g, b, p, q, v, p_flow, q_flow, i2)
        done += 1
    return done, residual


@kernel
def lindistflow(
    parent: Integers,
    r: Floats,
    x: Floats,
    g: Floats,
    b: Floats,
    p: Floats,
    q: Floats,
    v: Floats,
    p_flow: Floats,
    q_flow: Floats,
) -> None:
    """LinDistFlow: voltages of the lossless feeder, shunts taken at the slack's voltage (in place: v, flows).

    v_i = v_parent - 2 (r_i P_i + x_i Q_i). Without shunts no voltage is below DistFlow's: L. Gan and others, IEEE
    Trans. Automatic Control 60(1) 72-87 (2015), doi:10.1109/TAC.2014.2332712.
    """
    n = parent.shape[0]
    for i in range(n):
        p_flow[i] = p[i] + g[i] * v[0]
        q_flow[i] = q[i] - b[i] * v[0]
    for i in range(n - 1, 0, -1):
        p_flow[parent[i]] += p_flow[i]
        q_flow[parent[i]] += q_flow[i]
    for i in range(1, n):
        v_new = v[parent[i]] - 2.0 * (r[i] * p_flow[i] + x[i] * q_flow[i])
        v[i] = min(max(v_new, V_FLOOR), V_CEILING)
