"""A radial low-voltage feeder: one transformer, its buses and lines, and the power flow in it."""

import warnings
from importlib.resources import files
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from entangrid.data.errors import InputError
from entangrid.envs.feeder_tree import RadialGrid, build_grid
from entangrid.envs.kernels.feeder_batch import solve_snapshots

Floats = NDArray[np.float64]

BUNDLED = ("rural1", "rural2", "rural3", "semiurb4", "semiurb5", "urban6")


class PowerFlow(NamedTuple):
    """Solved snapshots; T snapshots, columns in the row order of the tables."""

    vm_pu: Floats  # (T, n_bus) voltage magnitude
    line_loading_percent: Floats  # (T, n_line) larger end current over max_i_ka
    line_current_ka: Floats  # (T, n_line)
    trafo_loading_percent: Floats  # (T,) larger of both sides' current over rated
    line_loss_kw: Floats  # (T,) all lines
    trafo_loss_kw: Floats  # (T,) copper and iron
    p_slack_kw: Floats  # (T,) from the external grid: consumption + losses
    q_slack_kvar: Floats  # (T,)
    residual_pu: Floats  # (T,) largest voltage change in the last sweep
    sweeps: NDArray[np.int64]  # (T,) sweeps made; 0 with LinDistFlow


class Feeder:
    """A radial low-voltage feeder behind one transformer. Make it with :meth:`from_tables` or :meth:`bundled`.

    ``grid`` holds the numbered tree for the kernels, ``bus_labels`` and ``line_labels`` the tables' rows.
    """

    def __init__(self, grid: RadialGrid) -> None:
        self.grid = grid
        self.bus_labels = grid.bus_labels
        self.line_labels = grid.line_labels

    @classmethod
    def from_tables(
        cls,
        bus: pd.DataFrame,
        line: pd.DataFrame,
        trafo: pd.DataFrame,
        ext_grid: pd.DataFrame,
        *,
        frequency_hz: float = 50.0,
    ) -> "Feeder":
        """A feeder from frames with SimBench's (and pandapower's) columns.

        A row's label is its entry in a column named after the table (``bus``, ``line``), else its index.

        ========= ============================================== =================================================
        table     needed columns                                 used where present
        ========= ============================================== =================================================
        bus       vn_kv
        line      from_bus, to_bus, length_km, r_ohm_per_km,     parallel, df, g_us_per_km, in_service
                  x_ohm_per_km, c_nf_per_km, max_i_ka
        trafo     hv_bus, lv_bus, sn_mva, vn_hv_kv, vn_lv_kv,    tap_side, tap_pos, tap_neutral, tap_step_percent,
                  vk_percent, vkr_percent, pfe_kw, i0_percent    tap_step_degree, tap_changer_type (tap2_ alike),
                                                                 parallel, df, in_service, leakage_*_ratio_hv
        ext_grid  bus, vm_pu                                     in_service
        ========= ============================================== =================================================

        The external grid holds the voltage of the transformer's high-voltage bus. That bus may stand in ``bus`` or not;
        where it does not, vm_pu is taken relative to the transformer's vn_hv_kv.

        Raises InputError for missing columns, empty or impossible values, loops, unconnected or unknown buses, and
        anything but one transformer (or equal ones side by side) fed by one external grid.
        """
        if not np.isfinite(frequency_hz) or frequency_hz <= 0.0:
            raise InputError(f"frequency_hz = {frequency_hz!r}, expected a number > 0")
        return cls(build_grid(bus, line, trafo, ext_grid, float(frequency_hz)))

    @classmethod
    def bundled(cls, name: str) -> "Feeder":
        """One of the six bundled SimBench grids: rural1, rural2, rural3, semiurb4, semiurb5, urban6 (ODbL 1.0)."""
        if name not in BUNDLED:
            raise InputError(f"feeder = {name!r}, expected one of {', '.join(BUNDLED)}")
        folder = files("entangrid.data.bundled") / "simbench_lv"
        frames: dict[str, Any] = {}
        for table in ("bus", "line", "trafo", "ext_grid"):
            with (folder / f"{name}_{table}.csv").open(encoding="utf-8") as file:
                frames[table] = pd.read_csv(file, index_col=0)
        return cls.from_tables(**frames)

    @property
    def n_bus(self) -> int:
        """Rows of the bus table."""
        return len(self.bus_labels)

    @property
    def n_line(self) -> int:
        """Rows of the line table."""
        return len(self.line_labels)

    def power_flow(
        self,
        p_kw: ArrayLike,
        q_kvar: ArrayLike | None = None,
        *,
        method: Literal["distflow", "lindistflow"] = "distflow",
        tolerance_pu: float = 1e-9,
        min_sweeps: int = 2,
        max_sweeps: int = 100,
    ) -> PowerFlow:
        """Solve T snapshots of the consumption at every bus.

        p_kw, q_kvar: (T, n_bus), consumption positive, feed-in negative, in the row order of ``bus``; without q_kvar
        there is none. "distflow" sweeps until the largest voltage change is at most ``tolerance_pu``, between
        ``min_sweeps`` and ``max_sweeps`` times, and warns (RuntimeWarning) about snapshots that did not get there: a
        load beyond the feeder's limit has no solution. "lindistflow" neglects the losses in the voltages and estimates
        them from the lossless flows.

        Raises InputError for a wrong shape, a value that is not finite, or an unknown option.
        """
        p = self._consumption("p_kw", p_kw)
        q = np.zeros_like(p) if q_kvar is None else self._consumption("q_kvar", q_kvar)
        if q.shape != p.shape:
            raise InputError(f"q_kvar: shape {q.shape}, expected p_kw's {p.shape}")
        if method not in ("distflow", "lindistflow"):
            raise InputError(f"method = {method!r}, expected 'distflow' or 'lindistflow'")
        if not 1 <= min_sweeps <= max_sweeps:
            raise InputError(f"min_sweeps, max_sweeps = {min_sweeps}, {max_sweeps}, expected 1 <= min <= max")
        if not tolerance_pu >= 0.0:
            raise InputError(f"tolerance_pu = {tolerance_pu!r}, expected a number >= 0")
        grid = self.grid
        n_step = p.shape[0]
        vm, current = np.empty((n_step, self.n_bus)), np.empty((n_step, self.n_line))
        rest, sweeps = np.empty((6, n_step)), np.empty(n_step, dtype=np.int64)
        solve_snapshots(
            grid.parent, grid.r, grid.x, grid.g, grid.b, grid.v_slack, grid.node_of_bus,
            grid.line_node, grid.g_half, grid.b_half, grid.transformer.hv_percent, grid.transformer.lv_percent,
            p, q, method == "lindistflow", min_sweeps, max_sweeps, tolerance_pu,
            vm, current, rest, sweeps,
        )  # fmt: skip
        vm[:, grid.node_of_bus == 0] = grid.vm_hv_pu
        if method == "distflow":
            self._warn_unsolved(rest[5], tolerance_pu, max_sweeps)
        current *= grid.ka_per_kw
        return PowerFlow(
            vm_pu=vm,
            line_loading_percent=100.0 * current / grid.rating_ka,
            line_current_ka=current,
            trafo_loading_percent=rest[0],
            line_loss_kw=rest[1],
            trafo_loss_kw=rest[2],
            p_slack_kw=rest[3],
            q_slack_kvar=rest[4],
            residual_pu=rest[5],
            sweeps=sweeps,
        )

    def _consumption(self, name: str, values: ArrayLike) -> Floats:
        array = np.ascontiguousarray(values, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != self.n_bus:
            raise InputError(f"{name}: shape {array.shape}, expected (T, {self.n_bus}): one column a bus")
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            row, column = bad[0]
            raise InputError(
                f"{name}: {array[row, column]} at snapshot {row}, bus {self.bus_labels[column]}, expected a number"
            )
        return array

    @staticmethod
    def _warn_unsolved(residual: Floats, tolerance: float, max_sweeps: int) -> None:
        unsolved = np.flatnonzero(residual > max(tolerance, 1e-12))
        if len(unsolved):
            worst = unsolved[np.argmax(residual[unsolved])]
            warnings.warn(
                f"power_flow: {len(unsolved)} of {len(residual)} snapshots above {tolerance:g} pu after {max_sweeps} "
                f"sweeps, worst snapshot {worst} with {residual[worst]:.1e} pu: overloaded, or too few sweeps",
                RuntimeWarning,
                stacklevel=3,
            )
