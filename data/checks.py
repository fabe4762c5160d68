"""Checks of one table on its way in: columns, numbers, ranges. Every message names file, row and column.

The row is the line in the file (the header is line 1) when the table came from a file, and the time stamp or the
position otherwise. Times are checked in :mod:`entangrid.data.times`.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from entangrid.data.errors import InputError
from entangrid.data.ranges import check_range


@dataclass(frozen=True)
class Origin:
    """Where a table came from: its name in messages, and the line of its first row if it is a file."""

    file: str
    first_line: int | None = None

    def place(self, position: int, column: str, label: object = None) -> str:
        """Return ``file: row R, column 'C'`` for the row at ``position`` (0 is the first)."""
        if self.first_line is not None:
            row = str(self.first_line + position)
        else:
            row = str(position if label is None else label)
        return f"{self.file}: row {row}, column {column!r}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest known name, or nothing."""
    near = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def check_columns(columns: Iterable[object], required: Iterable[str], optional: Iterable[str], origin: Origin) -> None:
    """Raise ``InputError`` for a column that is repeated, unknown or missing."""
    names = [str(column) for column in columns]
    required, optional = list(required), list(optional)
    known = required + optional
    for position, name in enumerate(names):
        if name in names[:position]:
            raise InputError(f"{origin.file}: row 1, column {name!r} is there twice")
    missing = [name for name in required if name not in names]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, [k for k in known if k not in names])
            raise InputError(f"{origin.file}: row 1, column {name!r} is unknown{hint}; expected {', '.join(known)}")
    if missing:
        raise InputError(f"{origin.file}: row 1, column {missing[0]!r} is missing; found {', '.join(names) or 'none'}")


def numbers(values: "pd.Series[float]", place: Callable[[int], str]) -> NDArray[np.float64]:
    """Return a column (n,) of numbers, or of text that holds numbers, as float64.

    Raises ``InputError`` for an empty cell and for text that is no number. NaN and infinities pass here and are
    refused by the range check.
    """
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_complex_dtype(values.dtype):
        return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    cells = values.tolist()
    out = np.empty(len(cells))
    for i, cell in enumerate(cells):
        try:
            # float() would take "1_000"; in a table that is a slip.
            out[i] = np.nan if "_" in str(cell) else float(cell)
        except (TypeError, ValueError):
            out[i] = np.nan
        if out[i] != out[i] and not _is_nan(cell):
            raise InputError(f"{place(i)}: {_describe(cell)}")
    return out


def series(
    frame: pd.DataFrame, column: str, origin: Origin, labels: Callable[[int], object] | None = None
) -> NDArray[np.float64]:
    """Return ``frame[column]`` (n,) as finite float64 within the column's range, or raise ``InputError``."""

    def place(position: int) -> str:
        return origin.place(position, column, labels(position) if labels else None)

    values = numbers(frame[column], place)
    check_range(column, values, place)
    return values


def parameter_table(frame: pd.DataFrame, origin: Origin) -> pd.DataFrame:
    """Return the homes' parameter table as read-only float64, index ``home`` of text.

    Checks: at least one home and one column, unique names, every cell a finite number. Physical ranges are the
    environments' business.
    """
    names = [str(name) for name in frame.index]
    if not names:
        raise InputError(f"{origin.file}: no rows: expected one row per home")
    for position, name in enumerate(names):
        if not name or not all(c.isascii() and (c.isalnum() or c in "-_.") for c in name) or name.startswith("."):
            raise InputError(
                f"{origin.place(position, 'home')}: {name!r} is no home name: expected letters, digits, "
                "'-', '_' and '.'"
            )
        # Homes become files, and some file systems do not tell A from a.
        if name.lower() in [other.lower() for other in names[:position]]:
            raise InputError(f"{origin.place(position, 'home', name)}: home {name!r} is there twice")
    headers = [str(column) for column in frame.columns]
    for position, header in enumerate(headers):
        if header in headers[:position]:
            raise InputError(f"{origin.file}: row 1, column {header!r} is there twice")
    columns: dict[str, NDArray[np.float64]] = {}
    for column in frame.columns:

        def place(position: int, column: str = str(column)) -> str:
            return origin.place(position, column, names[position])

        cells = numbers(frame[column], place)
        finite = np.isfinite(cells)
        if not finite.all():
            first = int(np.argmin(finite))
            raise InputError(f"{place(first)}: {cells[first]} is no parameter, expected a finite number")
        columns[str(column)] = cells
    values = np.column_stack(list(columns.values())) if columns else np.empty((len(names), 0))
    return read_only(pd.DataFrame(values, index=pd.Index(names, name="home", dtype=object), columns=list(columns)))


def read_only(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of one float64 block (n, p) whose cells cannot be assigned to."""
    values = np.array(frame.to_numpy(), dtype=np.float64)
    values.setflags(write=False)
    return pd.DataFrame(values, index=frame.index.copy(), columns=frame.columns.copy(), copy=False)


def first_unknown(given: Mapping[str, object], known: Iterable[str]) -> str | None:
    """Return the first key that is not known, with a hint, or None."""
    known = list(known)
    for key in given:
        if key not in known:
            return f"{key!r} is unknown{did_you_mean(str(key), known)}; expected {', '.join(known)}"
    return None


def _is_nan(cell: object) -> bool:
    return (isinstance(cell, float) and cell != cell) or cell is None or cell is pd.NA or str(cell).lower() == "nan"


def _describe(cell: object) -> str:
    text = str(cell)
    if not text.strip():
        return "empty cell, expected a number"
    if "," in text:
        return f"{text!r} is not a number (write the decimal point as '.')"
    return f"{text!r} is not a number"
