"""Homes and numbers for the tests of single devices."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import strategies as st

from entangrid.envs.parameters import home_records

DEFAULTS = home_records(pd.DataFrame(index=["home-1"]))
STEPS = st.sampled_from([1 / 12, 0.25, 0.5, 1.0])


def home(**fields: Any) -> Any:
    """One HOME record: every default, then the fields given (names and units of the record, not of the table)."""
    record = DEFAULTS.copy()
    for name, value in fields.items():
        record[name] = value
    return record[0]


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_infinity=False, allow_subnormal=False)
