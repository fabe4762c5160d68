"""Sines, cosines and polar forms of registers."""

from __future__ import annotations

from entangrid.agents.quantum.kernels.simd import straight
from entangrid.agents.quantum.kernels.symbols import Index, Register, Room

_PARTS = {
    # π/2 in parts whose products with small integers are exact, then the polynomials of sin and cos on [-π/4, π/4]
    "f32": (
        [1.5703125, 4.837512969970703125e-4, 7.54978995489188216e-8],
        [-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4],
        [4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5],
    ),
    "f64": (
        [1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624879595063154e-21],
        [-1.66666666666666324348e-1, 8.33333333332248946124e-3, -1.98412698298579493134e-4,
         2.75573137070700676789e-6, -2.50507602534068634195e-8, 1.58969099521155010221e-10],
        [4.16666666666666019037e-2, -1.38888888888741095749e-3, 2.48015872894767294178e-5,
         -2.75573143513906633035e-7, 2.08757232129817482790e-9, -1.13596475577881948265e-11],
    ),
}  # fmt: skip


def sincos(value: Register) -> tuple[Register, Register]:
    """(sin, cos) of every lane, to one unit in the last place or two for |value| below some 1e4.

    Reduction modulo π/2 after Cody and Waite, then the minimax polynomials of Cephes (single) and fdlibm (double)
    [Moshier 1992; Sun Microsystems 1993].
    """
    parts, sine, cosine = _PARTS[value.scribe.bits]
    k = (value * 0.6366197723675814).rint()
    r = value
    for part in parts:
        r = (-k).times_plus(value.constant(part), r)
    z = r * r
    sin = (r * z).times_plus(z.polynomial(sine), r)
    cos = (z * z).times_plus(z.polynomial(cosine), value.constant(-0.5).times_plus(z, value.constant(1.0)))
    quadrant = k.whole()
    odd = k.has_bit(quadrant, 1)
    s, c = cos.choose(odd, sin), sin.choose(odd, cos)
    return (-s).choose(k.has_bit(quadrant, 2), s), (-c).choose(k.has_bit(quadrant, 2, plus=1), c)


@straight
def store_turn(memory: Room, k: Index, half_angle: Register) -> None:
    """cos and sin of a half angle into registers k and k + 1."""
    memory[k + 1], memory[k] = sincos(half_angle)


def polar(real: Register, imaginary: Register) -> tuple[Register, Register, Register]:
    """(|z|, Re z/|z|, Im z/|z|) of every lane, with 1 as the direction of zero."""
    square = real * real + imaginary * imaginary
    size = square.sqrt()
    is_zero = square.below(1e-30 if real.scribe.bits == "f32" else 1e-280)
    one, zero = real.constant(1.0), real.constant(0.0)
    return size, one.choose(is_zero, real / size), zero.choose(is_zero, imaginary / size)
