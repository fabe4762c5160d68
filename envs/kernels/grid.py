"""The feeder of one environment over one step: power flow, transformer, and what violations cost."""

import numpy as np

from entangrid.envs.kernels import distflow, transformer, voltage
from entangrid.envs.kernels.feeder_batch import line_results, transformer_results
from entangrid.envs.kernels.jit import kernel
from entangrid.envs.kernels.zones import F
from entangrid.envs.layout import Records
from entangrid.envs.world import Grid


@kernel
def begin(grid: Grid, state: Records, oil: F, t_out: float, seen: Records) -> None:
    """Start of an episode: every voltage is the slack's, the transformer idle in equilibrium with the air [°C].

    state (H,); oil (3,); seen: one FEEDER_TERMS record, of which voltages and hot spot are written.
    """
    s = grid.settings[0]
    for h in range(state.shape[0]):
        state[h]["vm"] = np.sqrt(s["v_slack"])
    oil[0] = t_out + transformer.oil_rise(0.0, s["loss_ratio"], s["oil_rise"], s["oil_exponent"])
    oil[1] = 0.0
    oil[2] = 0.0
    seen["v_min_pu"] = seen["v_max_pu"] = np.sqrt(s["v_slack"])
    seen["hot_spot_c"] = oil[0]


@kernel
def step(
    grid: Grid,
    homes: Records,
    state: Records,
    terms: Records,
    on: bool,
    t_out: float,
    dt: float,
    oil: F,
    nodes: F,
    current: F,
    out: Records,
) -> float:
    """Solve the feeder for what its homes exchange; write voltages and terms; return what the step costs [EUR].

    Consumption (load, heat pump, element, appliances) draws reactive power at the home's ``tan_phi``; PV, battery and
    vehicle run at unity. Sweeps as in :mod:`entangrid.envs.kernels.distflow` with its tolerance for environments.
    cost = violation_price sum_homes band excess dt + overload_price (transformer + lines above rating) dt
    + ageing_price life lost. In an outage nothing flows: voltages stay at the slack's, the transformer cools.

    homes, state, terms (H,); oil (3,); nodes (6, n); current (L,); out: one FEEDER_TERMS record, written.
    Sources: Baran, Wu 1989, DOI 10.1109/61.25627; IEC 60076-7:2018; EN 50160:2010.
    """
    s = grid.settings[0]
    p, q, v, p_flow, q_flow, i2 = nodes[0], nodes[1], nodes[2], nodes[3], nodes[4], nodes[5]
    v[0] = s["v_slack"]
    residual = 0.0
    violation = 0.0
    overload = 0.0
    out["v_min_pu"] = out["v_max_pu"] = np.sqrt(s["v_slack"])
    out["line_loss_kw"] = out["trafo_loss_kw"] = out["p_slack_kw"] = out["line_loading_percent"] = 0.0
    loading = 0.0
    if on:
        for i in range(p.shape[0]):
            p[i] = 0.0
            q[i] = 0.0
        for h in range(homes.shape[0]):
            t = terms[h]
            used = t["p_load_kw"] + t["p_hp_kw"] + t["p_element_kw"] + t["p_appliances_kw"]
            p[grid.home_node[h]] += t["p_grid_kw"]
            q[grid.home_node[h]] += homes[h]["tan_phi"] * used
        if s["linear"] > 0:
            distflow.lindistflow(grid.parent, grid.r, grid.x, grid.g, grid.b, p, q, v, p_flow, q_flow)
            distflow.backward(grid.parent, grid.r, grid.x, grid.g, grid.b, p, q, v, p_flow, q_flow, i2)
        else:
            _, residual = distflow.solve(
                grid.parent, grid.r, grid.x, grid.g, grid.b, p, q, v, p_flow, q_flow, i2,
                distflow.MIN_SWEEPS, distflow.MAX_SWEEPS, distflow.STEP_TOLERANCE,
            )  # fmt: skip
        lowest = v[2]  # node 1 is the transformer's star point, no bus
        highest = v[2]
        for i in range(3, v.shape[0]):
            lowest = min(lowest, v[i])
            highest = max(highest, v[i])
        out["v_min_pu"] = np.sqrt(lowest)
        out["v_max_pu"] = np.sqrt(highest)
        loading, loss = transformer_results(grid.r, grid.g, v, i2, s["hv_percent"], s["lv_percent"])
        out["trafo_loss_kw"] = loss
        out["line_loss_kw"] = line_results(
            grid.line_node, grid.parent, grid.r, grid.x, grid.g_half, grid.b_half, v, p_flow, q_flow, i2, current
        )
        out["p_slack_kw"] = p_flow[0]
        most = 0.0
        for k in range(current.shape[0]):
            share = current[k] * grid.line_percent[k]
            most = max(most, share)
            overload += max(share - 100.0, 0.0) / 100.0
        out["line_loading_percent"] = most
        overload += max(loading - 100.0, 0.0) / 100.0
        for h in range(homes.shape[0]):
            u = np.sqrt(v[grid.home_node[h]])
            state[h]["vm"] = u
            violation += voltage.band_excess(u, s["v_low"], s["v_high"])
    else:
        for i in range(1, v.shape[0]):
            v[i] = s["v_slack"]
        for k in range(current.shape[0]):
            current[k] = 0.0
        for h in range(homes.shape[0]):
            state[h]["vm"] = np.sqrt(s["v_slack"])
    out["trafo_loading_percent"] = loading
    load = loading / 100.0
    oil[0], oil[1], oil[2], rate = transformer.ageing_step(
        oil[0],
        oil[1],
        oil[2],
        t_out + transformer.oil_rise(load, s["loss_ratio"], s["oil_rise"], s["oil_exponent"]),
        transformer.winding_rise(load, s["gradient"], s["winding_exponent"]),
        s["k21"],
        s["keep_oil"],
        s["keep_1"],
        s["keep_2"],
        s["parts"],
        s["upgraded"] > 0,
    )
    out["hot_spot_c"] = oil[0] + oil[1] - oil[2]
    out["ageing_h"] = rate * dt
    out["violation_pu_h"] = violation * dt
    out["overload_h"] = overload * dt
    out["residual_pu"] = residual
    cost = (s["violation_price"] * violation + s["overload_price"] * overload + s["ageing_price"] * rate) * dt
    out["feeder_eur"] = cost
    return float(cost)
