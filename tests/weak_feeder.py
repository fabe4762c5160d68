"""A feeder as weak as a test wants it: a chain of buses behind one transformer."""

from __future__ import annotations

from typing import Any

import pandas as pd

from entangrid.envs.feeder import Feeder

R_OHM_KM, X_OHM_KM, VK_PERCENT, VKR_PERCENT = 0.6, 0.08, 4.0, 2.0


def tables(
    buses: int, *, sn_kva: float = 10.0, length_km: float = 0.1, max_i_ka: float = 0.05, pure: bool = False,
    stiff: bool = False,
) -> dict[str, pd.DataFrame]:  # fmt: skip
    """So many buses in a row after the transformer's own, equally far from each other.

    pure: nothing but series impedances; stiff: hardly those.
    """
    share = 1e-6 if stiff else 1.0
    bus = pd.DataFrame({"vn_kv": [20.0] + [0.4] * (buses + 1)})
    line = pd.DataFrame(
        {
            "from_bus": range(1, buses + 1),
            "to_bus": range(2, buses + 2),
            "length_km": share * length_km,
            "r_ohm_per_km": R_OHM_KM,
            "x_ohm_per_km": X_OHM_KM,
            "c_nf_per_km": 0.0 if pure else 300.0,
            "max_i_ka": max_i_ka,
        }
    )
    trafo = pd.DataFrame(
        {
            "hv_bus": [0], "lv_bus": 1, "sn_mva": sn_kva / 1000.0, "vn_hv_kv": 20.0, "vn_lv_kv": 0.4,
            "vk_percent": share * VK_PERCENT, "vkr_percent": share * VKR_PERCENT, "pfe_kw": 0.0 if pure else 0.05,
            "i0_percent": 0.0 if pure else 0.5,
        }
    )  # fmt: skip
    return {"bus": bus, "line": line, "trafo": trafo, "ext_grid": pd.DataFrame({"bus": [0], "vm_pu": [1.0]})}


def chain(buses: int, **how: Any) -> Feeder:
    """The feeder of :func:`tables`."""
    return Feeder.from_tables(**tables(buses, **how))
