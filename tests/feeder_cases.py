"""Random feeders as tables, and an independent power flow of such tables in volts, amperes and ohms."""

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

Tables = dict[str, pd.DataFrame]


def random_tables(seed: int, n_bus: int = 12, *, shunts: bool = True) -> Tables:
    """A radial feeder of n_bus low-voltage buses with random ids, the high-voltage bus somewhere in the bus table."""
    rng = np.random.default_rng(seed)
    ids = rng.choice(10 * n_bus + 10, size=n_bus + 1, replace=False)
    lv, hv = ids[:-1], ids[-1]
    rows = []
    for k in range(1, n_bus):
        ends = [lv[k], lv[rng.integers(0, k)]]
        rng.shuffle(ends)
        rows.append(
            {
                "from_bus": ends[0],
                "to_bus": ends[1],
                "length_km": rng.uniform(0.005, 0.08),
                "r_ohm_per_km": rng.uniform(0.1, 0.6),
                "x_ohm_per_km": rng.uniform(0.05, 0.1),
                "c_nf_per_km": rng.uniform(200.0, 900.0) if shunts else 0.0,
                "max_i_ka": 0.27,
                "parallel": int(rng.integers(1, 3)),
            }
        )
    trafo = {
        "hv_bus": hv, "lv_bus": lv[0], "sn_mva": rng.choice([0.16, 0.25, 0.4]),
        "vn_hv_kv": rng.choice([20.0, 21.0]), "vn_lv_kv": rng.choice([0.4, 0.42]),
        "vk_percent": rng.uniform(4.0, 6.0), "vkr_percent": rng.uniform(1.0, 2.0),
        "pfe_kw": rng.uniform(0.3, 1.5) if shunts else 0.0, "i0_percent": rng.uniform(0.0, 1.0) if shunts else 0.0,
        "tap_side": rng.choice(["hv", "lv"]), "tap_pos": int(rng.integers(-2, 3)), "tap_neutral": 0,
        "tap_step_percent": 2.5,
    }  # fmt: skip
    bus = pd.DataFrame({"bus": ids, "vn_kv": [0.4] * n_bus + [20.0]})
    return {
        "bus": bus.sample(frac=1, random_state=seed % 2**32).reset_index(drop=True),
        "line": pd.DataFrame(rows, columns=None if rows else LINE_COLUMNS),
        "trafo": pd.DataFrame([trafo]),
        "ext_grid": pd.DataFrame({"bus": [hv], "vm_pu": [rng.uniform(0.98, 1.04)]}),
    }


LINE_COLUMNS = ["from_bus", "to_bus", "length_km", "r_ohm_per_km", "x_ohm_per_km", "c_nf_per_km", "max_i_ka"]


def random_load(seed: int, tables: Tables, n_step: int = 3, rated_share: float = 1.0) -> tuple[Any, Any]:
    """Snapshots (T, n_bus) of mostly consumption and mostly feed-in by turns; nothing at the high-voltage bus."""
    rng = np.random.default_rng(seed + 1)
    n_bus = len(tables["bus"])
    scale = 1000.0 * tables["trafo"]["sn_mva"].iloc[0] * rated_share / n_bus
    p = scale * rng.uniform(-0.2, 0.9, (n_step, n_bus)) * np.where(np.arange(n_step) % 2 == 0, 1.0, -1.0)[:, None]
    q = scale * rng.uniform(-0.2, 0.4, (n_step, n_bus))
    at_hv = (tables["bus"]["bus"] == tables["ext_grid"]["bus"].iloc[0]).to_numpy()
    p[:, at_hv] = q[:, at_hv] = 0.0
    return p, q


def phasor_flow(tables: Tables, p_kw: Any, q_kvar: Any, hz: float = 50.0) -> dict[str, Any]:
    """One snapshot by the fixed point V = Z (I(V) + I_0) of the complex node equations, in SI units.

    Knows nothing of trees, squared voltages or per unit: an admittance matrix over the low-voltage buses and the
    transformer's star point, line-to-line volts, the high-voltage side referred through the ratio.
    """
    bus, line, trafo = tables["bus"], tables["line"], tables["trafo"].iloc[0]
    hv = tables["ext_grid"]["bus"].iloc[0]
    kept = [(i, b) for i, b in enumerate(bus["bus"]) if b != hv]
    place = {b: k for k, (_, b) in enumerate(kept)}
    n = len(kept)
    star = n
    y = np.zeros((n + 1, n + 1), dtype=complex)
    for row in line.itertuples():
        a, b = place[row.from_bus], place[row.to_bus]
        units = getattr(row, "parallel", 1)
        series = units / ((row.r_ohm_per_km + 1j * row.x_ohm_per_km) * row.length_km)
        charging = 2j * np.pi * hz * row.c_nf_per_km * 1e-9 * row.length_km * units
        y[[a, b], [a, b]] += series + charging / 2
        y[[a, b], [b, a]] -= series
    factor = 1.0 + (trafo.tap_pos - trafo.tap_neutral) * trafo.tap_step_percent / 100.0
    u_hv = 1e3 * trafo.vn_hv_kv * (factor if trafo.tap_side == "hv" else 1.0)
    u_lv = 1e3 * trafo.vn_lv_kv * (factor if trafo.tap_side == "lv" else 1.0)
    s = 1e6 * trafo.sn_mva
    z = u_lv**2 / s / 100 * (trafo.vkr_percent + 1j * np.sqrt(trafo.vk_percent**2 - trafo.vkr_percent**2))
    magnetising = np.sqrt(max((trafo.i0_percent / 100 * s) ** 2 - (1e3 * trafo.pfe_kw) ** 2, 0.0))
    half, lv = 2.0 / z, place[trafo.lv_bus]
    y[star, star] += 2 * half + (1e3 * trafo.pfe_kw - 1j * magnetising) / u_lv**2
    y[lv, lv] += half
    y[[star, lv], [lv, star]] -= half
    vn_hv = bus.loc[bus["bus"] == hv, "vn_kv"]
    slack = tables["ext_grid"]["vm_pu"].iloc[0] * 1e3 * (vn_hv.iloc[0] if len(vn_hv) else trafo.vn_hv_kv) * u_lv / u_hv
    power = 1e3 * np.array([p_kw[i] + 1j * q_kvar[i] for i, _ in kept] + [0.0])
    source = np.zeros(n + 1, dtype=complex)
    source[star] = half * slack
    volts = np.full(n + 1, slack, dtype=complex)
    for _ in range(200):
        new = np.linalg.solve(y, source - np.conj(power / volts))
        change = np.abs(new - volts).max()
        volts = new
        if change < 1e-9:
            break
    assert change < 1e-9
    drawn = slack * np.conj(half * (slack - volts[star]))
    base = np.array([1e3 * bus["vn_kv"].iloc[i] for i, _ in kept])
    return {"rows": [i for i, _ in kept], "vm_pu": np.abs(volts[:n]) / base, "slack_kva": drawn / 1e3}


grids = st.builds(
    lambda seed, n_bus, shunts: (seed, random_tables(seed, n_bus, shunts=shunts)),
    st.integers(0, 10_000),
    st.integers(1, 25),
    st.booleans(),
)
