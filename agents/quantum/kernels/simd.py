"""A register of samples as a Numba type: 16 float32 or 8 float64, one per lane.

LLVM does not turn the plain inner loop over samples into vector code (the arrays might overlap), which costs a factor
of some forty. With explicit vectors the same source becomes AVX-512, AVX2, SSE or NEON instructions.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils as _cgutils
from numba.core import imputils as _imputils
from numba.core import types as _types
from numba.core.datamodel import models
from numba.core.typing import templates as _templates
from numba.extending import intrinsic as _intrinsic
from numba.extending import register_model as _register_model

F = TypeVar("F", bound=Callable[..., Any])
# Numba's own annotations are partial: inside this file its machinery is untyped
cgutils: Any = _cgutils
types: Any = _types
templates: Any = _templates
intrinsic: Any = _intrinsic
register_model: Any = _register_model
lower_builtin: Any = _imputils.lower_builtin
REGISTER_BYTES = 64
_CONTRACT = ("contract", "nsz")  # fused multiply-add allowed; NaN and infinity keep their meaning


def kernel(function: F) -> F:
    """Compile, keep on disk, check no bounds, release the interpreter's lock."""
    return cast(F, numba.njit(cache=True, error_model="numpy", boundscheck=False, nogil=True)(function))


def inner(function: F) -> F:
    """For a function that only kernels call: no wrappers for Python, and kept on disk inside the kernels alone."""
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(F, numba.njit(error_model="numpy", boundscheck=False, nogil=True, **options)(function))


class Lanes(types.Type):  # type: ignore[misc]
    """One vector register of numbers of a floating type."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        self.width = REGISTER_BYTES // (dtype.bitwidth // 8)
        super().__init__(name=f"Lanes({dtype})")

    @property
    def key(self) -> Any:
        return self.dtype


LANES = {types.float32: Lanes(types.float32), types.float64: Lanes(types.float64)}


def _vector(lanes: Lanes) -> ir.VectorType:
    return ir.VectorType(ir.FloatType() if lanes.dtype == types.float32 else ir.DoubleType(), lanes.width)


def _splat(vector: ir.VectorType, value: float) -> ir.Constant:
    return ir.Constant(vector, [ir.Constant(vector.element, value)] * vector.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, _vector(lanes))  # type: ignore[no-untyped-call]


def _binary(function: Any, instruction: str) -> None:
    @templates.infer_global(function)
    class _Template(templates.AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == 2 and isinstance(args[0], Lanes) and args[0] == args[1]:
                return templates.signature(args[0], *args)
            return None

    @lower_builtin(function, Lanes, Lanes)  # type: ignore[untyped-decorator]
    def _lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args, flags=_CONTRACT)


_binary(operator.add, "fadd")
_binary(operator.sub, "fsub")
_binary(operator.mul, "fmul")


@templates.infer_global(operator.neg)
class _Negative(templates.AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        return templates.signature(args[0], *args) if len(args) == 1 and isinstance(args[0], Lanes) else None


@lower_builtin(operator.neg, Lanes)  # type: ignore[untyped-decorator]
def _lower_negative(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.fneg(*args)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    address = builder.gep(data, [offset])
    return builder.bitcast(address, _vector(LANES[array_type.dtype]).as_pointer())


@intrinsic  # type: ignore[untyped-decorator]
def vload(typing: Any, array: Any, offset: Any) -> Any:
    """The register at element `offset` of a flat contiguous array. No bounds are checked."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = builder.load(_pointer(context, builder, sig.args[0], args[0], args[1]))
        value.align = sig.args[0].dtype.bitwidth // 8
        return value

    return LANES[array.dtype](array, types.intp), generate


@intrinsic  # type: ignore[untyped-decorator]
def vstore(typing: Any, array: Any, offset: Any, value: Any) -> Any:
    """Write a register to element `offset` of a flat contiguous array. No bounds are checked."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        store = builder.store(args[2], _pointer(context, builder, sig.args[0], args[0], args[1]))
        store.align = sig.args[0].dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, types.intp, LANES[array.dtype]), generate


@intrinsic  # type: ignore[untyped-decorator]
def vset(typing: Any, value: Any) -> Any:
    """A register with the same float32 or float64 number in every lane."""
    lanes = LANES[value]

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector, index = _vector(lanes), ir.IntType(32)
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), args[0], ir.Constant(index, 0))
        zeros = ir.Constant(ir.VectorType(index, lanes.width), [0] * lanes.width)
        return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)

    return lanes(value), generate


@intrinsic  # type: ignore[untyped-decorator]
def vsum(typing: Any, value: Any) -> Any:
    """The sum over the lanes, always in the same order."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = _vector(value)
        bits = "f32" if vector.element == ir.FloatType() else "f64"
        kind = ir.FunctionType(vector.element, [vector.element, vector])
        name = f"llvm.vector.reduce.fadd.v{vector.count}{bits}"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(function, [ir.Constant(vector.element, -0.0), args[0]], fastmath=("reassoc",))

    return value.dtype(value), generate


@intrinsic  # type: ignore[untyped-decorator]
def width(typing: Any, array: Any) -> Any:
    """Lanes of a register of the array's type, as a compile-time constant."""
    lanes = LANES[array.dtype].width

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.get_constant(types.intp, lanes)

    return types.intp(array), generate


@intrinsic  # type: ignore[untyped-decorator]
def vzero(typing: Any, array: Any) -> Any:
    """A register of zeros of the array's type."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(_vector(LANES[array.dtype]), 0.0)

    return LANES[array.dtype](array), generate


@intrinsic  # type: ignore[untyped-decorator]
def parity(typing: Any, bits: Any) -> Any:
    """1 if an odd number of bits is set, else 0."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.and_(builder.ctpop(args[0]), ir.Constant(args[0].type, 1))

    return types.intp(types.intp), generate


@intrinsic  # type: ignore[untyped-decorator]
def vpolar(typing: Any, real: Any, imaginary: Any) -> Any:
    """(|z|, Re z/|z|, Im z/|z|) of every lane, with 1 as the direction of zero."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = _vector(real)
        single = vector.element == ir.FloatType()
        kind = ir.FunctionType(vector, [vector])
        name = f"llvm.sqrt.v{vector.count}{'f32' if single else 'f64'}"
        root = cgutils.get_or_insert_function(builder.module, kind, name)
        square = builder.fadd(builder.fmul(args[0], args[0]), builder.fmul(args[1], args[1]))
        size = builder.call(root, [square])
        is_zero = builder.fcmp_ordered("<", square, _splat(vector, 1e-30 if single else 1e-280))
        re = builder.select(is_zero, _splat(vector, 1.0), builder.fdiv(args[0], size))
        im = builder.select(is_zero, _splat(vector, 0.0), builder.fdiv(args[1], size))
        return context.make_tuple(builder, sig.return_type, [size, re, im])

    return types.UniTuple(real, 3)(real, imaginary), generate


_SINCOS: dict[Any, tuple[list[float], list[float], list[float]]] = {
    # π/2 in parts whose products with small integers are exact, then the polynomials of sin and cos on [-π/4, π/4]
    types.float32: (
        [1.5703125, 4.837512969970703125e-4, 7.54978995489188216e-8],
        [-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4],
        [4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5],
    ),
    types.float64: (
        [1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624879595063154e-21],
        [-1.66666666666666324348e-1, 8.33333333332248946124e-3, -1.98412698298579493134e-4,
         2.75573137070700676789e-6, -2.50507602534068634195e-8, 1.58969099521155010221e-10],
        [4.16666666666666019037e-2, -1.38888888888741095749e-3, 2.48015872894767294178e-5,
         -2.75573143513906633035e-7, 2.08757232129817482790e-9, -1.13596475577881948265e-11],
    ),
}  # fmt: skip


@intrinsic  # type: ignore[untyped-decorator]
def vsincos(typing: Any, value: Any) -> Any:
    """(sin, cos) of every lane, to one unit in the last place or two for |value| below some 1e4.

    Reduction modulo π/2 after Cody and Waite, then the minimax polynomials of Cephes (single) and fdlibm (double)
    [Moshier 1992; Sun Microsystems 1993].
    """

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = _vector(value)
        integer = ir.VectorType(ir.IntType(32 if vector.element == ir.FloatType() else 64), vector.count)
        bits = "f32" if vector.element == ir.FloatType() else "f64"
        parts, sine, cosine = _SINCOS[value.dtype]

        def call(name: str, *operands: Any) -> Any:
            kind = ir.FunctionType(vector, [vector] * len(operands))
            function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{vector.count}{bits}")
            return builder.call(function, operands)

        def polynomial(coefficients: list[float], at: Any) -> Any:
            out = _splat(vector, coefficients[-1])
            for c in reversed(coefficients[:-1]):
                out = call("fma", out, at, _splat(vector, c))
            return out

        k = call("rint", builder.fmul(args[0], _splat(vector, 0.6366197723675814)))
        r = args[0]
        for part in parts:
            r = call("fma", builder.fneg(k), _splat(vector, part), r)
        z = builder.fmul(r, r)
        one, half = _splat(vector, 1.0), _splat(vector, -0.5)
        sin = call("fma", builder.fmul(r, z), polynomial(sine, z), r)
        cos = call("fma", builder.fmul(z, z), polynomial(cosine, z), call("fma", half, z, one))
        quadrant = builder.fptosi(k, integer)

        def has_bit(number: Any, bit: int) -> Any:
            mask = ir.Constant(integer, [bit] * vector.count)
            return builder.icmp_signed("!=", builder.and_(number, mask), ir.Constant(integer, [0] * vector.count))

        odd = has_bit(quadrant, 1)
        next_quadrant = builder.add(quadrant, ir.Constant(integer, [1] * vector.count))
        s, c = builder.select(odd, cos, sin), builder.select(odd, sin, cos)
        s = builder.select(has_bit(quadrant, 2), builder.fneg(s), s)
        c = builder.select(has_bit(next_quadrant, 2), builder.fneg(c), c)
        return context.make_tuple(builder, sig.return_type, [s, c])

    return types.UniTuple(value, 2)(value), generate
