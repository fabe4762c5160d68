"""How the homes of a task hang on its feeder: buses, prices of violations, and the arrays for the kernel."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from entangrid.data.errors import InputError
from entangrid.envs.feeder import BUNDLED, Feeder
from entangrid.envs.transformer_life import ThermalConstants
from entangrid.envs.world import GRID, Grid


@dataclass(frozen=True)
class FeederRules:
    """What the feeder's limits are and what it costs to leave them.

    v_low_pu, v_high_pu: EN 50160's band. violation_eur_pu_h: per pu outside the band, home and hour (10 % of a home's
    voltage for an hour: 10 EUR). overload_eur_pu_h: per rating of the transformer or a line exceeded, and hour.
    ageing_eur_h: an hour of the transformer's life; 10,000 EUR over 180,000 h of normal insulation life (IEC 60076-7)
    are 0.056. method: "distflow" or "lindistflow".
    """

    v_low_pu: float = 0.9
    v_high_pu: float = 1.1
    violation_eur_pu_h: float = 100.0
    overload_eur_pu_h: float = 10.0
    ageing_eur_h: float = 0.056
    method: str = "distflow"

    def __post_init__(self) -> None:
        """Raises InputError for a band upside down, a negative price or an unknown method."""
        if self.method not in ("distflow", "lindistflow"):
            raise InputError(f"feeder_rules: method is {self.method!r}; expected 'distflow' or 'lindistflow'")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "method" and not (math.isfinite(value) and value >= 0.0):
                raise InputError(f"feeder_rules: {field.name} is {value!r}; expected a number >= 0")
        if not 0.0 < self.v_low_pu < self.v_high_pu:
            raise InputError(f"feeder_rules: v_low_pu {self.v_low_pu:g} is not below v_high_pu {self.v_high_pu:g}")


def load_feeder(feeder: Feeder | str | Path) -> Feeder:
    """A feeder as it is, by bundled name, or from a folder with bus.csv, line.csv, trafo.csv and ext_grid.csv.

    The tables' columns are those of :meth:`Feeder.from_tables`. Raises InputError for an unknown name or a missing or
    unreadable file.
    """
    if isinstance(feeder, Feeder):
        return feeder
    if str(feeder) in BUNDLED:
        return Feeder.bundled(str(feeder))
    folder = Path(feeder)
    if not folder.is_dir():
        raise InputError(f"feeder {str(feeder)!r} is not known; expected {', '.join(BUNDLED)}, or a folder of tables")
    frames: dict[str, Any] = {}
    for table in ("bus", "line", "trafo", "ext_grid"):
        file = folder / f"{table}.csv"
        try:
            frames[table] = pd.read_csv(file, index_col=0)
        except (OSError, ValueError, pd.errors.ParserError) as error:
            raise InputError(f"{file}: {error}; expected a table with a first column of labels") from None
    return Feeder.from_tables(**frames)


def home_buses(feeder: Feeder, n_homes: int, buses: Sequence[Hashable] | None) -> np.ndarray:
    """Position in the bus table of each home's bus (H,).

    ``buses`` names one bus label a home. Without it homes are spread evenly over all low-voltage buses but the
    transformer's own; more homes than buses share them in turn. Raises InputError for a wrong number or label, and for
    the high-voltage bus.
    """
    if buses is not None:
        if len(buses) != n_homes:
            raise InputError(f"home_bus names {len(buses)} buses; expected one for each of the {n_homes} homes")
        place = {label: i for i, label in enumerate(feeder.bus_labels)}
        by_text = {str(label): i for label, i in place.items()}
        found = [place.get(bus, by_text.get(str(bus), -1)) for bus in buses]
        if -1 in found:
            bad = buses[found.index(-1)]
            raise InputError(f"home_bus: {bad!r} is no bus of the feeder; expected some of {list(by_text)[:8]} ...")
        place_of = np.array(found, np.int64)
        at_slack = feeder.grid.node_of_bus[place_of] == 0
        if at_slack.any():
            bad = buses[int(np.argmax(at_slack))]
            raise InputError(f"home_bus: {bad!r} is the transformer's high-voltage bus; expected low-voltage buses")
        return place_of
    candidates = np.flatnonzero(feeder.grid.node_of_bus > 2)
    if candidates.size == 0:
        candidates = np.flatnonzero(feeder.grid.node_of_bus == 2)
    if n_homes <= candidates.size:
        return candidates[(np.arange(n_homes) * candidates.size) // n_homes]
    return candidates[np.arange(n_homes) % candidates.size]


def grid_arrays(feeder: Feeder, bus: np.ndarray, rules: FeederRules, dt_h: float) -> Grid:
    """The kernel's view of a feeder; bus (H,): position of each home's bus."""
    grid, constants = feeder.grid, ThermalConstants()
    parts = constants.parts(60.0 * dt_h)
    keep = constants.decays(60.0 * dt_h / parts)
    settings = np.zeros(1, GRID)
    settings[0] = (
        grid.v_slack,
        grid.transformer.hv_percent,
        grid.transformer.lv_percent,
        min(grid.transformer.loss_ratio, 1e9),
        constants.oil_rise_k,
        constants.oil_exponent,
        constants.hot_spot_gradient_k,
        constants.winding_exponent,
        constants.k21,
        *keep,
        parts,
        constants.upgraded_paper,
        rules.v_low_pu,
        rules.v_high_pu,
        rules.violation_eur_pu_h,
        rules.overload_eur_pu_h,
        rules.ageing_eur_h,
        rules.method == "lindistflow",
    )
    return Grid(
        settings,
        grid.parent,
        grid.r,
        grid.x,
        grid.g,
        grid.b,
        np.ascontiguousarray(grid.node_of_bus[bus]),
        grid.line_node,
        grid.g_half,
        grid.b_half,
        100.0 * grid.ka_per_kw / grid.rating_ka,
    )


def no_grid(n_homes: int) -> Grid:
    """The arrays of a task without a feeder: typed like one, and empty."""
    empty, none = np.zeros(0), np.zeros(0, np.int64)
    return Grid(
        np.zeros(1, GRID), none, empty, empty, empty, empty, np.zeros(n_homes, np.int64), none, empty, empty, empty
    )
