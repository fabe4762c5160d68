"""Registers, numbers and addresses as symbols: arithmetic on them writes LLVM instructions.

Multiplications and additions may be contracted to fused multiply-adds; NaN and infinity keep their meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils as _cgutils

cgutils: Any = _cgutils
_CONTRACT = ("contract", "nsz")
_WORD = ir.IntType(64)
_LANE = ir.IntType(32)


class Scribe(NamedTuple):
    """Where instructions go, and the type of a register."""

    builder: Any
    vector: Any

    @property
    def bits(self) -> str:
        """The suffix of LLVM's names for the numbers' type."""
        return "f32" if self.vector.element == ir.FloatType() else "f64"

    def splat(self, value: float) -> Any:
        """A constant register."""
        return ir.Constant(self.vector, [ir.Constant(self.vector.element, value)] * self.vector.count)

    def call(self, name: str, *operands: Any) -> Any:
        """An LLVM intrinsic of registers."""
        kind = ir.FunctionType(self.vector, [self.vector] * len(operands))
        name = f"llvm.{name}.v{self.vector.count}{self.bits}"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), operands)


class _Symbol:
    def __init__(self, scribe: Scribe, value: Any) -> None:
        self.scribe, self.value = scribe, value


class Index(_Symbol):
    """A whole number."""

    def _with(self, instruction: str, other: Index | int) -> Index:
        right = ir.Constant(_WORD, other) if isinstance(other, int) else other.value
        return Index(self.scribe, getattr(self.scribe.builder, instruction)(self.value, right))

    def __add__(self, other: Index | int) -> Index:
        return self._with("add", other)

    def __sub__(self, other: Index | int) -> Index:
        return self._with("sub", other)

    def __mul__(self, other: Index | int) -> Index:
        return self._with("mul", other)

    __radd__, __rmul__ = __add__, __mul__

    def __and__(self, other: Index | int) -> Index:
        return self._with("and_", other)

    def __or__(self, other: Index | int) -> Index:
        return self._with("or_", other)

    def __xor__(self, other: Index | int) -> Index:
        return self._with("xor", other)

    def __lshift__(self, other: Index | int) -> Index:
        return self._with("shl", other)

    def __rshift__(self, other: Index | int) -> Index:
        return self._with("ashr", other)

    def __invert__(self) -> Index:
        return self ^ -1

    def parity(self) -> Index:
        """1 if an odd number of bits is set, else 0."""
        return Index(self.scribe, self.scribe.builder.ctpop(self.value)) & 1

    def equals(self, other: int) -> Any:
        """A condition for `choose`."""
        return self.scribe.builder.icmp_signed("==", self.value, ir.Constant(_WORD, other))


class Number(_Symbol):
    """One floating number."""

    def everywhere(self) -> Register:
        """A register of it."""
        builder, vector = self.scribe.builder, self.scribe.vector
        nothing = ir.Constant(vector, ir.Undefined)
        one = builder.insert_element(nothing, self.value, ir.Constant(_LANE, 0))
        zeros = ir.Constant(ir.VectorType(_LANE, vector.count), [0] * vector.count)
        return Register(self.scribe, builder.shuffle_vector(one, nothing, zeros))


class Register(_Symbol):
    """A number of every lane."""

    def _with(self, instruction: str, other: Register | float) -> Register:
        right = self.scribe.splat(other) if isinstance(other, float) else other.value
        return Register(self.scribe, getattr(self.scribe.builder, instruction)(self.value, right, flags=_CONTRACT))

    def __add__(self, other: Register | float) -> Register:
        return self._with("fadd", other)

    def __sub__(self, other: Register | float) -> Register:
        return self._with("fsub", other)

    def __mul__(self, other: Register | float) -> Register:
        return self._with("fmul", other)

    def __truediv__(self, other: Register) -> Register:
        return self._with("fdiv", other)

    def __neg__(self) -> Register:
        return Register(self.scribe, self.scribe.builder.fneg(self.value))

    def sum(self) -> Number:
        """Over the lanes, always in the same order."""
        vector = self.scribe.vector
        kind = ir.FunctionType(vector.element, [vector.element, vector])
        name = f"llvm.vector.reduce.fadd.v{vector.count}{self.scribe.bits}"
        function = cgutils.get_or_insert_function(self.scribe.builder.module, kind, name)
        start = ir.Constant(vector.element, -0.0)
        return Number(self.scribe, self.scribe.builder.call(function, [start, self.value], fastmath=("reassoc",)))

    def sqrt(self) -> Register:
        """The root."""
        return Register(self.scribe, self.scribe.call("sqrt", self.value))

    def rint(self) -> Register:
        """The nearest whole number."""
        return Register(self.scribe, self.scribe.call("rint", self.value))

    def times_plus(self, factor: Register, term: Register) -> Register:
        """self * factor + term with one rounding."""
        return Register(self.scribe, self.scribe.call("fma", self.value, factor.value, term.value))

    def constant(self, value: float) -> Register:
        """A constant beside this."""
        return Register(self.scribe, self.scribe.splat(value))

    def below(self, value: float) -> Any:
        """Conditions for `choose`."""
        return self.scribe.builder.fcmp_ordered("<", self.value, self.scribe.splat(value))

    def whole(self) -> Any:
        """The lanes as whole numbers of the same size."""
        vector = self.scribe.vector
        integer = ir.VectorType(ir.IntType(32 if self.scribe.bits == "f32" else 64), vector.count)
        return self.scribe.builder.fptosi(self.value, integer)

    def has_bit(self, integers: Any, bit: int, plus: int = 0) -> Any:
        """Conditions for `choose`: whether `integers` + `plus` (from `whole`) have a bit set."""
        builder, kind = self.scribe.builder, integers.type

        def everywhere(value: int) -> Any:
            return ir.Constant(kind, [value] * kind.count)

        shifted = builder.add(integers, everywhere(plus))
        return builder.icmp_signed("!=", builder.and_(shifted, everywhere(bit)), everywhere(0))

    def choose(self, condition: Any, other: Register) -> Register:
        """Self where the condition holds (of all lanes, or of each), else `other`."""
        return Register(self.scribe, self.scribe.builder.select(condition, self.value, other.value))

    def signed(self, odd: Index) -> Register:
        """With the other sign if `odd` is 1."""
        return (-self).choose(odd.equals(1), self)

    def polynomial(self, coefficients: Sequence[float]) -> Register:
        """Σ_k coefficients[k] self^k."""
        out = self.constant(coefficients[-1])
        for c in reversed(coefficients[:-1]):
            out = out.times_plus(self, self.constant(c))
        return out


class Room(_Symbol):
    """Memory in registers."""

    def _address(self, k: Index | int, lane: Index | int = 0) -> Any:
        index = Index(self.scribe, ir.Constant(_WORD, k)) if isinstance(k, int) else k
        return self.scribe.builder.gep(self.value, [(index * self.scribe.vector.count + lane).value])

    def _register(self, k: Index | int) -> Any:
        return self.scribe.builder.bitcast(self._address(k), self.scribe.vector.as_pointer())

    @property
    def _alignment(self) -> int:
        return 4 if self.scribe.bits == "f32" else 8

    def __getitem__(self, k: Index | int) -> Register:
        value = self.scribe.builder.load(self._register(k))
        value.align = self._alignment
        return Register(self.scribe, value)

    def __setitem__(self, k: Index | int, value: Register) -> None:
        self.scribe.builder.store(value.value, self._register(k)).align = self._alignment

    def pick(self, k: Index, lane: Index) -> Number:
        """One lane of register k."""
        return Number(self.scribe, self.scribe.builder.load(self._address(k, lane)))

    def put(self, k: Index, lane: Index, value: Number) -> None:
        """Write one lane of register k."""
        self.scribe.builder.store(value.value, self._address(k, lane))

    def shifted(self, k: Index) -> Room:
        """From register k on."""
        return Room(self.scribe, self._address(k))

    def zero(self) -> Register:
        """A register of zeros."""
        return Register(self.scribe, self.scribe.splat(0.0))
