"""What the fused kernel works on: three groups of arrays, and the scalars that go with them as records."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from entangrid.envs.layout import Records

F = NDArray[np.float64]
I = NDArray[np.int64]  # noqa: E741

SETTINGS = np.dtype(
    [
        ("dt", "f8"),  # [h]
        ("carbon_price", "f8"),  # [EUR/kg]
        ("episode_steps", "i8"),
        ("seed", "i8"),
        ("stride", "i8"),  # copies of the task side by side
        ("sequential", "i8"),  # 1: starts in their order, 0: drawn
        ("random_state", "i8"),
        ("autoreset", "i8"),
        ("initial", "f8", (10,)),  # low, high of soc, air, mass, tank and vehicle's soc
        ("occupancy_seen", "i8"),  # 0: true, 1: noisy, 2: from the meter
        ("occupancy_accuracy", "f8"),
        ("forecast", "i8"),  # 0: perfect, 1: persistence, 2: noisy
        ("forecast_sigma", "f8"),  # standard deviation of the error 24 h ahead, share of the entry's range
        ("day", "i8"),  # steps in 24 h
        ("has_feeder", "i8"),
        ("shows_devices", "i8"),  # 1: some entry comes from a device other than the battery, or from the feeder
    ]
)

GRID = np.dtype(
    [
        ("v_slack", "f8"),  # squared [pu²]
        ("hv_percent", "f8"),  # loading [%] per current [kW/pu] on either side of the transformer
        ("lv_percent", "f8"),
        ("loss_ratio", "f8"),
        ("oil_rise", "f8"),  # IEC 60076-7, see kernels.transformer
        ("oil_exponent", "f8"),
        ("gradient", "f8"),
        ("winding_exponent", "f8"),
        ("k21", "f8"),
        ("keep_oil", "f8"),
        ("keep_1", "f8"),
        ("keep_2", "f8"),
        ("parts", "i8"),
        ("upgraded", "i8"),
        ("v_low", "f8"),  # voltage band [pu]
        ("v_high", "f8"),
        ("violation_price", "f8"),  # [EUR/(pu h)] of voltage outside the band, summed over homes
        ("overload_price", "f8"),  # [EUR/(pu h)] of transformer and line loading above rating
        ("ageing_price", "f8"),  # [EUR/h] of an hour of the transformer's life
        ("linear", "i8"),  # 1: LinDistFlow
    ]
)


class World(NamedTuple):
    """A task: constant while it is simulated. H homes, Z zones, N = 2 Z nodes, T steps, S starts, K observations."""

    settings: Records  # (1,)
    homes: Records  # (H,)
    zones: Records  # (H, Z)
    a: F  # (H, N, N)
    b: F  # (H, N, 1 + N)
    a_mean: F
    b_mean: F
    loss_x: F  # (H, N)
    loss_u: F  # (H, 1 + N)
    capacity: F  # (H, N)
    common: Records  # (T,)
    series: Records  # (T, H)
    value_el: F  # (S,) [EUR/kWh]
    value_heat: F  # (S, H)
    value_tank: F  # (S, H)
    starts: I  # (S,)
    slots: I  # (10,): column of the actions that holds each control, -1: the device's own controller
    entries: I  # (K,): number of each observation entry, see observations.ENTRIES
    lead: I  # (K,): steps ahead that a forecast entry looks, 0: now
    low: F  # (H, K): lower end of each entry's physical range
    scale: F  # (H, K): 2 over its length


class Grid(NamedTuple):
    """The feeder: one node array entry a node, see :mod:`entangrid.envs.kernels.distflow`. Without one: empty."""

    settings: Records  # (1,) GRID
    parent: I  # (n,)
    r: F
    x: F
    g: F
    b: F
    home_node: I  # (H,) node of each home
    line_node: I  # (L,)
    g_half: F
    b_half: F
    line_percent: F  # (L,) loading [%] per current [kW/pu]


class Live(NamedTuple):
    """The state of E environments and what a step writes."""

    clock: I  # (E, 4): start index, step, start step, episode number
    env_ids: I  # (E,)
    state: Records  # (E, H)
    transformer: F  # (E, 3): top oil [°C], two parts of the hot spot's rise [K]
    nodes: F  # (E, 6, n): p, q, v, p_flow, q_flow, i2; v holds the squared voltages [pu²]
    current: F  # (E, L) [kW/pu]
    terms: Records  # (E, H)
    feeder_terms: Records  # (E,): what the last step did
    feeder_seen: Records  # (E,): as it is observed, at the beginning of an episode an idle feeder's
    work: F  # (E, W)
    obs: NDArray[np.float32]  # (E, H, K)
    final_obs: NDArray[np.float32]
    reward: F  # (E,)
    truncated: NDArray[np.bool_]
