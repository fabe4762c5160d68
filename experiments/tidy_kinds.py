"""Whether the columns of a stored table, which may be a stranger's, hold what a study's table holds."""

from __future__ import annotations

import pandas as pd

from entangrid.experiments.tidy_rows import COLUMNS, WORDS

_ALWAYS = ("arm", "controller", "metric", "unit")  # in every row


def misfit(frame: pd.DataFrame) -> str | None:
    """The first column that does not; None if all do."""
    return next((str(name) for name in frame.columns if not _fits(str(name), frame[name])), None)


def _fits(name: str, column: pd.Series) -> bool:
    if name in _ALWAYS and column.isna().any():
        return False
    if name == "value":
        return pd.api.types.is_float_dtype(column)
    if name in ("seed", "cluster"):
        return _whole(column) and (
            name == "cluster" or bool((column.dropna() >= 0).all() and (column.dropna() < 2**31).all())
        )
    values = pd.Series(column.cat.categories) if isinstance(column.dtype, pd.CategoricalDtype) else column
    if isinstance(values.dtype, pd.StringDtype):
        return True
    words = name in COLUMNS
    if values.dtype != object:  # a scenario that no row has is a column of no kind
        return pd.api.types.is_numeric_dtype(values) and (not words or bool(values.isna().all()))
    kinds = (str,) if name in WORDS else (str, int, float)
    return all(isinstance(each, kinds) for each in values.dropna())


def _whole(column: pd.Series) -> bool:
    """Whether these are whole numbers, or none."""
    if not pd.api.types.is_numeric_dtype(column):
        return bool(column.isna().all())
    known = column.dropna()
    return pd.api.types.is_integer_dtype(known) or bool((known % 1.0 == 0.0).all())
