"""A linear program under construction: columns with costs and bounds, rows as sparse terms, and HiGHS to solve it.

Solver: Huangfu, Hall 2018, DOI 10.1007/s12532-017-0130-5, through ``scipy.optimize``.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, OptimizeWarning, linprog, milp

F = npt.NDArray[np.float64]
I = npt.NDArray[np.int64]  # noqa: E741

#: One part of a block of rows: which of the block's rows, the columns there, their weights.
Term = tuple[slice | I, I, npt.ArrayLike]
ALL, LATER = slice(None), slice(1, None)
#: From so many columns on, a program without whole numbers is solved by the interior-point method.
MANY = 8_000
_PRIMAL: Any = {"simplex_strategy": 4, "presolve": False}
_INTERIOR: Any = {"solver": "ipm", "run_crossover": "off"}


class InfeasibleError(RuntimeError):
    """The solver found no plan; the message carries its own words."""


class Solution(NamedTuple):
    """Values of all columns, their cost, and a proven lower bound of the cost."""

    x: F
    cost: float
    bound: float


class LinearProgram:
    """Minimise cost · x with rows of equalities and upper limits; columns are numbered as they are made."""

    def __init__(self) -> None:
        self.n_columns = 0
        self._n_rows = 0
        self._cost: list[F] = []
        self._lower: list[F] = []
        self._upper: list[F] = []
        self._whole: list[F] = []
        self._terms: list[tuple[I, I, F]] = []
        self._low: list[F] = []
        self._high: list[F] = []
        self._added: list[tuple[I, F]] = []

    def columns(
        self,
        shape: int | tuple[int, ...],
        *,
        cost: npt.ArrayLike = 0.0,
        low: npt.ArrayLike = 0.0,
        high: npt.ArrayLike = np.inf,
        whole: bool = False,
    ) -> I:
        """Numbers of new columns in the given shape, as which cost and bounds are broadcast."""
        shape = (shape,) if isinstance(shape, int) else shape
        for where, value in ((self._cost, cost), (self._lower, low), (self._upper, high), (self._whole, float(whole))):
            where.append(np.broadcast_to(np.asarray(value, np.float64), shape).reshape(-1))
        first, self.n_columns = self.n_columns, self.n_columns + int(np.prod(shape))
        return np.arange(first, self.n_columns).reshape(shape)

    def price(self, columns: I, cost: npt.ArrayLike) -> None:
        """Add to the cost of columns."""
        self._added.append((columns.reshape(-1), np.broadcast_to(np.asarray(cost, np.float64), columns.shape).ravel()))

    def upper_bounds(self, columns: I) -> F:
        """Upper bounds of columns."""
        return np.asarray(np.concatenate(self._upper)[columns])

    def equal(self, right: F, *terms: Term) -> None:
        """One row an entry of ``right`` (m,): the sum of the terms equals it."""
        self._rows(right, right, terms)

    def at_most(self, right: F, *terms: Term) -> None:
        """One row an entry of ``right`` (m,): the sum of the terms is at most it."""
        self._rows(np.full(right.shape, -np.inf), right, terms)

    def at_least(self, right: F, *terms: Term) -> None:
        """One row an entry of ``right`` (m,): the sum of the terms is at least it."""
        self._rows(right, np.full(right.shape, np.inf), terms)

    def _rows(self, low: F, high: F, terms: tuple[Term, ...]) -> None:
        row = self._n_rows + np.arange(high.size)
        for where, columns, weights in terms:
            self._terms.append((row[where], columns, np.broadcast_to(np.asarray(weights, np.float64), columns.shape)))
        self._low.append(low)
        self._high.append(high)
        self._n_rows += high.size

    def solve(self, time_limit_s: float = 60.0, gap: float = 0.0) -> Solution:
        """The best solution; with whole numbers the best within a relative ``gap`` or after the time limit, and how
        good it may be at most.

        Raises InfeasibleError if none is found.
        """
        cost, lower, upper, whole, matrix, low, high = self._assembled()
        if self.n_columns >= MANY and not whole.any():
            inner: Any = linprog  # its types know no sparse matrices
            same = low == high
            a_ub, b_ub = _upper_rows(matrix, low, high, same)
            found = inner(
                cost, a_ub, b_ub, matrix[same], high[same], np.column_stack([lower, upper]), method="highs-ipm"
            )
            if found.x is not None:
                return Solution(np.asarray(found.x, np.float64), float(found.fun), float(found.fun))
        result = milp(
            cost,
            constraints=LinearConstraint(matrix, low, high),
            bounds=Bounds(lower, upper),
            integrality=whole.astype(np.int64) if whole.any() else None,
            options={"mip_rel_gap": gap, "time_limit": time_limit_s},
        )
        if result.x is None:
            raise InfeasibleError(str(result.message))
        bound = result.mip_dual_bound if whole.any() else result.fun
        return Solution(np.asarray(result.x, np.float64), float(result.fun), float(bound))

    def solve_quickly(self) -> Solution:
        """The best solution of a program without whole numbers whose costs are of the order of 1, by HiGHS's primal
        simplex, or, with many columns, by its interior point without the crossover to a corner.

        Twice as quick as :meth:`solve` on programs of batteries; exact to HiGHS's tolerances (1e-7). Raises
        InfeasibleError.
        """
        cost, lower, upper, _, matrix, low, high = self._assembled()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Unrecognized options", RuntimeWarning)  # SciPy hands them to HiGHS
            result = milp(
                cost,
                constraints=LinearConstraint(matrix, low, high),
                bounds=Bounds(lower, upper),
                options=_INTERIOR.copy() if self.n_columns >= MANY else _PRIMAL.copy(),
            )
        if result.x is None:
            return self.solve()
        return Solution(np.asarray(result.x, np.float64), float(result.fun), float(result.fun))

    def solve_inside(self, fixed: tuple[I, F] | None = None, time_limit_s: float = 3600.0) -> Solution:
        """The interior-point method without crossover, whole numbers relaxed: an optimum, seldom a vertex.

        fixed: columns that are held, and at what. Raises InfeasibleError if the method ends without an optimum.
        """
        cost, lower, upper, _, matrix, low, high = self._assembled()
        if fixed is not None:
            lower[fixed[0]] = upper[fixed[0]] = fixed[1]
        inner: Any = linprog  # its types know no sparse matrices
        same = low == high
        a_ub, b_ub = _upper_rows(matrix, low, high, same)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)  # an option that SciPy hands on without knowing it
            found = inner(
                cost, a_ub, b_ub, matrix[same], high[same], np.column_stack([lower, upper]), method="highs-ipm",
                options={"run_crossover": "off", "time_limit": time_limit_s},
            )  # fmt: skip
        if found.x is None or found.status != 0:
            raise InfeasibleError(str(found.message))
        return Solution(np.asarray(found.x, np.float64), float(found.fun), float(found.fun))

    def whole_columns(self) -> I:
        """Columns that are to be whole numbers."""
        return np.flatnonzero(np.concatenate(self._whole))

    def _assembled(self) -> tuple[F, F, F, F, sparse.csr_matrix, F, F]:
        """Cost, lower and upper bounds, which are whole; the rows' matrix, lower and upper sides."""
        cost = np.concatenate(self._cost)
        for columns, value in self._added:
            np.add.at(cost, columns, value)
        lower, upper = np.concatenate(self._lower), np.concatenate(self._upper)
        whole = np.concatenate(self._whole)
        rows, columns, values = (np.concatenate(part) for part in zip(*self._terms, strict=True))
        matrix = sparse.csr_matrix((values, (rows, columns)), shape=(self._n_rows, self.n_columns))
        return cost, lower, upper, whole, matrix, np.concatenate(self._low), np.concatenate(self._high)


def _upper_rows(matrix: sparse.csr_matrix, low: F, high: F, same: npt.NDArray[np.bool_]) -> tuple[sparse.csr_matrix, F]:
    """All inequalities as rows that are at most a right-hand side."""
    over, under = ~same & np.isfinite(high), ~same & np.isfinite(low)
    return sparse.vstack([matrix[over], -matrix[under]]).tocsr(), np.concatenate([high[over], -low[under]])
