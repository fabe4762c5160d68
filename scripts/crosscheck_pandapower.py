#!/usr/bin/env python
"""Compare the feeder with pandapower on random radial grids; prints the largest differences.

Needs pandapower in the environment (pip install pandapower==3.5.6): keep it in a side environment, it pins pandas.
The grids have taps on either side (with and without an angle), off-nominal ratios, parallel units, derating, line
conductance, and from light load to beyond twice the transformer's rating, in both directions.
"""

import argparse
import warnings
from typing import Any

import numpy as np
import pandas as pd

from entangrid.envs.feeder import Feeder
from entangrid.envs.kernels.distflow import STEP_TOLERANCE

CABLES = (  # Ω/km, Ω/km, nF/km, kA
    (0.2067, 0.0804, 830.0, 0.27),
    (0.1267, 0.0798, 870.0, 0.357),
    (0.641, 0.083, 210.0, 0.142),
    (1.15, 0.36, 9.0, 0.1),
)


def random_tables(rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """One grid of 2 to 60 low-voltage buses with shuffled ids."""
    n = int(rng.integers(2, 61))
    ids = rng.permutation(np.arange(5, 8 + 3 * n))[: n + 1].tolist()
    hv, lv = ids[-1], ids[:-1]
    vn_hv, vn_lv = rng.choice([10.0, 20.0, 30.0]), rng.choice([0.4, 0.4, 0.69, 0.23])
    vk = rng.uniform(3.0, 7.0)
    trafo = {
        "hv_bus": hv, "lv_bus": lv[0], "sn_mva": rng.choice([0.1, 0.16, 0.25, 0.4, 0.63]),
        "vn_hv_kv": vn_hv * rng.choice([1.0, 1.0, 1.05, 0.975]), "vn_lv_kv": vn_lv * rng.choice([1.0, 1.0, 1.05]),
        "vk_percent": vk, "vkr_percent": rng.uniform(0.8, 2.5), "pfe_kw": rng.choice([0.0, 0.3, 0.8, 1.6]),
        "i0_percent": rng.choice([0.0, 0.1, 0.3, 1.8]), "parallel": int(rng.choice([1, 1, 2])),
        "df": rng.choice([1.0, 0.9]), "tap_side": rng.choice(["hv", "lv"]), "tap_pos": int(rng.integers(-2, 3)),
        "tap_neutral": int(rng.integers(0, 2)),
        "tap_step_percent": rng.choice([2.5, 1.5, 0.625]), "tap_step_degree": rng.choice([0.0, 0.0, 30.0, 90.0]),
        "tap_changer_type": "Ratio",
    }  # fmt: skip
    lines = []
    for k in range(1, n):
        r, x, c, i = CABLES[rng.integers(len(CABLES))]
        ends = [lv[k], lv[rng.integers(max(0, k - 6), k)]]
        rng.shuffle(ends)
        lines.append(
            {
                "from_bus": ends[0], "to_bus": ends[1], "length_km": rng.uniform(0.001, 0.12), "r_ohm_per_km": r,
                "x_ohm_per_km": x, "c_nf_per_km": c * rng.choice([1, 100]), "max_i_ka": i,
                "parallel": int(rng.choice([1, 1, 2])), "df": rng.choice([1.0, 0.8]),
                "g_us_per_km": rng.choice([0.0, 5.0]),
            }
        )  # fmt: skip
    return {
        "bus": pd.DataFrame({"bus": ids, "vn_kv": [vn_lv] * n + [vn_hv]}),
        "line": pd.DataFrame(lines),
        "trafo": pd.DataFrame([trafo]),
        "ext_grid": pd.DataFrame({"bus": [hv], "vm_pu": [rng.uniform(0.95, 1.06)]}),
    }


def to_pandapower(pp: Any, tables: dict[str, pd.DataFrame]) -> Any:
    """The same grid as a pandapower net with one load a bus."""
    net = pp.create_empty_network(f_hz=50.0)
    for position, row in enumerate(tables["bus"].itertuples()):
        pp.create_bus(net, row.vn_kv, index=row.bus)
        pp.create_load(net, row.bus, 0.0, index=position)
    ext = tables["ext_grid"].iloc[0]
    pp.create_ext_grid(net, int(ext.bus), vm_pu=ext.vm_pu)
    pp.create_transformer_from_parameters(net, **tables["trafo"].iloc[0].to_dict())
    for record in tables["line"].to_dict("records"):
        pp.create_line_from_parameters(net, **record)
    return net


def differences(feeder: Feeder, net: Any, p: Any, q: Any, buses: Any) -> dict[str, float]:
    """Largest differences between one solved pandapower net and the feeder."""
    flow, step = feeder.power_flow([p], [q]), feeder.power_flow([p], [q], tolerance_pu=STEP_TOLERANCE)
    vm = net.res_bus.vm_pu.loc[buses].to_numpy()
    line, trafo, ext = net.res_line, net.res_trafo, net.res_ext_grid
    return {
        "voltage [pu]": np.abs(flow.vm_pu[0] - vm).max(),
        "voltage, sweeps as in an environment [pu]": np.abs(step.vm_pu[0] - vm).max(),
        "line loading [%]": np.abs(flow.line_loading_percent[0] - line.loading_percent).max(),
        "transformer loading [%]": abs(flow.trafo_loading_percent[0] - trafo.loading_percent[0]),
        "line loss, relative": abs(flow.line_loss_kw[0] / line.pl_mw.sum() / 1000.0 - 1.0),
        "transformer loss, relative": abs(flow.trafo_loss_kw[0] / trafo.pl_mw[0] / 1000.0 - 1.0),
        "slack power [kW]": abs(flow.p_slack_kw[0] - 1000.0 * ext.p_mw[0]),
        "slack reactive power [kvar]": abs(flow.q_slack_kvar[0] - 1000.0 * ext.q_mvar[0]),
        "sweeps": float(flow.sweeps[0]),
        "sweeps as in an environment": float(step.sweeps[0]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grids", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    try:
        import pandapower as pp
    except ImportError:
        parser.exit(1, "pandapower is not installed here: pip install pandapower==3.5.6\n")
    warnings.simplefilter("ignore")
    worst: dict[str, float] = {}
    solved = 0
    for grid in range(args.grids):
        rng = np.random.default_rng([args.seed, grid])
        tables = random_tables(rng)
        feeder = Feeder.from_tables(tables["bus"], tables["line"], tables["trafo"], tables["ext_grid"])
        net, trafo = to_pandapower(pp, tables), tables["trafo"].iloc[0]
        for direction in (1.0, -1.0):
            total = direction * rng.choice([0.3, 0.8, 1.3, 2.0]) * 1000.0 * trafo.sn_mva * trafo.parallel
            p = total * np.append(rng.dirichlet(np.ones(feeder.n_bus - 1)), 0.0)
            q = np.abs(p) * rng.uniform(-0.2, 0.5)
            net.load["p_mw"], net.load["q_mvar"] = p / 1000.0, q / 1000.0
            try:
                pp.runpp(net, tolerance_mva=1e-10, init="flat", calculate_voltage_angles=True, max_iteration=40)
            except pp.LoadflowNotConverged:
                continue
            # below 0.7 pu, or with more than half of the power lost, Newton may have found the unstable solution
            if net.res_bus.vm_pu.min() < 0.7 or net.res_line.pl_mw.sum() > 0.5 * abs(total) / 1000.0:
                continue
            solved += 1
            for name, value in differences(feeder, net, p, q, tables["bus"]["bus"]).items():
                worst[name] = max(worst.get(name, 0.0), float(value))
    print(f"{args.grids} grids; {solved} snapshots solved above 0.7 pu with less than half lost; largest differences:")
    for name, value in worst.items():
        print(f"  {name:45s} {value:.2e}")


if __name__ == "__main__":
    main()
