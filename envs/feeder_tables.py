"""Reads and checks the cells of a feeder's tables (SimBench and pandapower columns)."""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entangrid.data.errors import InputError

COLUMNS = {
    "bus": ("vn_kv",),
    "line": ("from_bus", "to_bus", "length_km", "r_ohm_per_km", "x_ohm_per_km", "c_nf_per_km", "max_i_ka"),
    "trafo": (
        "hv_bus", "lv_bus", "sn_mva", "vn_hv_kv", "vn_lv_kv", "vk_percent", "vkr_percent", "pfe_kw", "i0_percent",
    ),
    "ext_grid": ("bus", "vm_pu"),
}  # fmt: skip


def names(values: Iterable[Any], limit: int = 5) -> str:
    """The first few values, for a message."""
    shown = [str(value) for value in values]
    rest = len(shown) - limit
    return ", ".join(shown[:limit]) + (f" and {rest} more" if rest > 0 else "")


class Table:
    """One table with its row labels; every reader raises InputError naming table, row, column and value.

    A row's label is its entry in a column called like the table (``bus``, ``line``), else its index. Rows whose
    ``in_service`` is False are kept or dropped by whoever reads the table (see :meth:`in_service`).
    """

    def __init__(self, name: str, frame: pd.DataFrame) -> None:
        if not isinstance(frame, pd.DataFrame):
            raise InputError(f"{name}: expected a pandas DataFrame, got {type(frame).__name__}")
        missing = [column for column in COLUMNS[name] if column not in frame.columns]
        if missing:
            raise InputError(
                f"{name}: missing column(s) {', '.join(missing)}; expected at least {', '.join(COLUMNS[name])}"
            )
        self.name = name
        self.frame = frame
        labelled = name in frame.columns and name != "ext_grid"
        self.labels: list[Hashable] = list(frame[name] if labelled else frame.index)

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, keep: NDArray[np.bool_]) -> "Table":
        """The same table with only some of its rows."""
        part = Table(self.name, self.frame[keep])
        part.labels = [label for label, kept in zip(self.labels, keep, strict=True) if kept]
        return part

    def fail(self, row: int, column: str, expected: str) -> InputError:
        """The error of one cell."""
        value = self.cell(row, column)
        shown = "is empty" if value is None else f"= {value!r}"
        return InputError(f"{self.name} {self.labels[row]}: {column} {shown}, expected {expected}")

    def cell(self, row: int, column: str) -> Any:
        """One cell as it stands; None where the column is missing or the cell is empty."""
        if column not in self.frame.columns:
            return None
        value = self.frame[column].iloc[row]
        if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
            return None
        return value.item() if isinstance(value, np.generic) else value

    def numbers(
        self, column: str, default: float | None = None, lowest: float = -np.inf, above: bool = False
    ) -> NDArray[np.float64]:
        """A column as finite floats (n_rows,), at least ``lowest`` (``above``: greater than it).

        Empty cells and a missing column become ``default``; without a default an empty cell is an error.
        """
        limits = "a finite number" + ("" if np.isinf(lowest) else f" {'>' if above else '>='} {lowest:g}")
        out = np.empty(len(self))
        for row in range(len(self)):
            value = self.cell(row, column)
            if value is None and default is not None:
                value = default
            try:
                number = float(value)
            except (TypeError, ValueError):
                raise self.fail(row, column, limits) from None
            if not np.isfinite(number) or number < lowest or (above and number == lowest):
                raise self.fail(row, column, limits)
            out[row] = number
        return out

    def in_service(self) -> NDArray[np.bool_]:
        """Which rows are in service (n_rows,); all are where there is no such column."""
        flags = np.ones(len(self), dtype=np.bool_)
        for row in range(len(self)):
            value = self.cell(row, "in_service")
            if value is not None:
                if value not in (True, False):
                    raise self.fail(row, "in_service", "True or False")
                flags[row] = bool(value)
        return flags

    def references(self, column: str) -> list[Hashable]:
        """A column of bus labels, none empty."""
        out: list[Hashable] = []
        for row in range(len(self)):
            value = self.cell(row, column)
            if value is None:
                raise self.fail(row, column, "a bus")
            out.append(value)
        return out


def bus_labels(bus: Table) -> list[Hashable]:
    """The labels of the buses, each once and in service."""
    seen: set[Hashable] = set()
    for label in bus.labels:
        if label is None or (isinstance(label, float) and np.isnan(label)):
            raise InputError("bus: a row has no label (index or column bus)")
        if label in seen:
            raise InputError(f"bus {label}: listed more than once, expected every bus once")
        seen.add(label)
    off = [label for label, on in zip(bus.labels, bus.in_service(), strict=True) if not on]
    if off:
        raise InputError(f"bus {names(off)}: in_service = False, expected buses in service: leave the row out")
    return bus.labels
