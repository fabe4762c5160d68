"""A register of samples as a Numba type: 16 float32 or 8 float64, one per lane; and memory that is read in registers.

LLVM does not turn the plain inner loop over samples into vector code (the arrays might overlap), which costs a factor
of some forty. With explicit vectors the same source becomes AVX-512, AVX2, SSE or NEON instructions.

Straight-line arithmetic is written as functions of `symbols` under `straight`: Numba would type every single operation
of them, which takes most of the time of the first call.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import imputils as _imputils
from numba.core import types as _types
from numba.core.datamodel import models
from numba.core.typing import templates as _templates
from numba.extending import intrinsic as _intrinsic
from numba.extending import register_model as _register_model

from entangrid.agents.quantum.kernels import symbols

F = TypeVar("F", bound=Callable[..., Any])
# Numba's own annotations are partial: inside this file its machinery is untyped
types: Any = _types
templates: Any = _templates
lower_builtin: Any = _imputils.lower_builtin
intrinsic: Any = _intrinsic
register_model: Any = _register_model
REGISTER_BYTES = 64


def kernel(function: F) -> F:
    """Compile, keep on disk, check no bounds, release the interpreter's lock."""
    return cast(F, numba.njit(cache=True, error_model="numpy", boundscheck=False, nogil=True)(function))


def inner(function: F) -> F:
    """For a function that only kernels call: no wrappers for Python, and kept on disk inside the kernels alone."""
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(F, numba.njit(error_model="numpy", boundscheck=False, nogil=True, **options)(function))


def inlined(function: F) -> F:
    """For the one part of a kernel that has a name of its own: compiled as if it stood there."""
    return cast(F, numba.njit(inline="always", error_model="numpy", boundscheck=False, nogil=True)(function))


class Lanes(types.Type):  # type: ignore[misc]
    """One vector register of numbers of a floating type."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        self.width = REGISTER_BYTES // (dtype.bitwidth // 8)
        super().__init__(name=f"Lanes({dtype})")


class Room(types.Type):  # type: ignore[misc]
    """An address in an array of numbers of a floating type, from which registers are counted. No bounds are checked."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Room({dtype})")


class Table(types.Type):  # type: ignore[misc]
    """An address of numbers that are only read."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Table({dtype})")


LANES = {types.float32: Lanes(types.float32), types.float64: Lanes(types.float64)}
ROOMS = {types.float32: Room(types.float32), types.float64: Room(types.float64)}


def _number(dtype: Any) -> Any:
    return ir.FloatType() if dtype == types.float32 else ir.DoubleType()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Lanes) -> None:
        super().__init__(manager, kind, ir.VectorType(_number(kind.dtype), kind.width))  # type: ignore[no-untyped-call]


@register_model(Room)
class _RoomModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Room) -> None:
        super().__init__(manager, kind, _number(kind.dtype).as_pointer())  # type: ignore[no-untyped-call]


@register_model(Table)
class _TableModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Table) -> None:
        number = ir.IntType(64) if kind.dtype == types.int64 else _number(kind.dtype)
        super().__init__(manager, kind, number.as_pointer())  # type: ignore[no-untyped-call]


@templates.infer_global(operator.getitem)
class _Getitem(templates.AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        return templates.signature(args[0].dtype, args[0], types.intp) if isinstance(args[0], Table) else None


@lower_builtin(operator.getitem, Table, types.intp)  # type: ignore[untyped-decorator]
def _lower_getitem(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.load(builder.gep(args[0], [args[1]]))


@intrinsic  # type: ignore[untyped-decorator]
def table(typing: Any, array: Any) -> Any:
    """The numbers of a flat contiguous array, which must outlive it."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return Table(array.dtype)(array), generate


def straight(function: Callable[..., Any]) -> Any:
    """Straight-line code for kernels: `function` runs once on symbols, which write the instructions down.

    Its annotations say what it takes and returns: `symbols.Register`, `Room`, `Index` or `Number` (a tuple of several
    to return). What is known when it runs is not written down, so that loops over constants unroll.
    """
    signature = inspect.signature(function, eval_str=True)
    wanted = [p.annotation for p in signature.parameters.values()]
    returned = signature.return_annotation
    several = getattr(returned, "__args__", None)

    def kind(symbol: Any, dtype: Any) -> Any:
        return {symbols.Index: types.intp, symbols.Number: dtype, symbols.Register: LANES[dtype],
                symbols.Room: ROOMS[dtype]}[symbol]  # fmt: skip

    def definition(context: Any, *args: Any) -> Any:
        dtype = next((a.dtype for a in args if isinstance(a, Lanes | Room)), None)
        if dtype is None:
            dtype = next((a for a in args if a in LANES), types.float64)
        if several:
            result = types.Tuple([kind(symbol, dtype) for symbol in several])
        else:
            result = types.void if returned is None else kind(returned, dtype)

        def generate(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            scribe = symbols.Scribe(builder, ir.VectorType(_number(dtype), LANES[dtype].width))
            out = function(*(symbol(scribe, value) for symbol, value in zip(wanted, values, strict=True)))
            if several:
                return context.make_tuple(builder, sig.return_type, [symbol.value for symbol in out])
            return context.get_dummy_value() if returned is None else out.value

        return result(*(kind(symbol, dtype) for symbol in wanted)), generate

    first = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    definition.__signature__ = inspect.Signature([first, *signature.parameters.values()])  # type: ignore[attr-defined]
    definition.__name__, definition.__doc__ = function.__name__, function.__doc__
    return intrinsic(definition)


@intrinsic  # type: ignore[untyped-decorator]
def room(typing: Any, array: Any, first: Any) -> Any:
    """The room that begins at element `first` of a flat contiguous array, which must outlive it."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.gep(data, [args[1]])

    return ROOMS[array.dtype](array, types.intp), generate


@intrinsic  # type: ignore[untyped-decorator]
def width(typing: Any, array: Any) -> Any:
    """Lanes of a register of the array's type, as a compile-time constant."""
    lanes = LANES[array.dtype].width

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.get_constant(types.intp, lanes)

    return types.intp(array), generate


@straight
def whole(k: symbols.Index) -> symbols.Index:
    """A constant as any other whole number: Numba compiles a function anew for every constant it is called with."""
    return k


@straight
def at(memory: symbols.Room, k: symbols.Index) -> symbols.Room:
    """The room from register k on."""
    return memory.shifted(k)


@straight
def load(memory: symbols.Room, k: symbols.Index) -> symbols.Register:
    """Register k."""
    return memory[k]


@straight
def store(memory: symbols.Room, k: symbols.Index, value: symbols.Register) -> None:
    """Write register k."""
    memory[k] = value


@straight
def clear(memory: symbols.Room, k: symbols.Index) -> None:
    """Zeros into register k."""
    memory[k] = memory.zero()


@straight
def fill(memory: symbols.Room, k: symbols.Index, value: symbols.Number) -> None:
    """The same number into every lane of register k."""
    memory[k] = value.everywhere()


@straight
def zero(memory: symbols.Room) -> symbols.Register:
    """A register of zeros of the room's type."""
    return memory.zero()


@straight
def constant(memory: symbols.Room, value: symbols.Number) -> symbols.Register:
    """A register of the room's type with the same number in every lane."""
    return value.everywhere()


@straight
def splat(value: symbols.Number) -> symbols.Register:
    """A register with the same number in every lane."""
    return value.everywhere()


@straight
def add(memory: symbols.Room, k: symbols.Index, value: symbols.Register) -> None:
    """Add to register k."""
    memory[k] = memory[k] + value


@straight
def negative(value: symbols.Register) -> symbols.Register:
    """All lanes with the other sign."""
    return -value


@straight
def total(value: symbols.Register) -> symbols.Number:
    """The sum over the lanes, always in the same order."""
    return value.sum()


@straight
def put(memory: symbols.Room, k: symbols.Index, lane: symbols.Index, value: symbols.Number) -> None:
    """Write one lane of register k."""
    memory.put(k, lane, value)


@straight
def pick(memory: symbols.Room, k: symbols.Index, lane: symbols.Index) -> symbols.Number:
    """One lane of register k."""
    return memory.pick(k, lane)


@straight
def parity(bits: symbols.Index) -> symbols.Index:
    """1 if an odd number of bits is set, else 0."""
    return bits.parity()


@straight
def spread(k: symbols.Index, low: symbols.Index) -> symbols.Index:
    """k with a zero put in above the bits of the mask `low` = 2^b - 1."""
    return ((k & ~low) << 1) | (k & low)
