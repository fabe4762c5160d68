"""One-qubit gates on one block of samples, and what gradients need of them.

A block holds one sample a lane; amplitude j of a state is its registers 2j (real) and 2j + 1. Rotations are
exp(-i a/2 P) for a Pauli string P; gates of SU(2) are unit quaternions q0 - i (q1 X + q2 Y + q3 Z), kept as
alpha = q0 - i q3 and beta = q2 - i q1, the first column of the matrix [[alpha, -beta*], [beta, alpha*]].

Gradients are adjoint (Jones and Gacon 2020, arXiv:2009.02823): with the state psi and the costate chi, both after a
gate, the derivative of the loss to the angle of exp(-i a/2 P) is Im <chi|P|psi>; both then go back through the gate.
"""

from __future__ import annotations

from typing import Any

from entangrid.agents.quantum.kernels.simd import inner, load, spread, straight, zero
from entangrid.agents.quantum.kernels.symbols import Index, Register, Room
from entangrid.agents.quantum.kernels.trigonometry import polar

Three = tuple[Register, Register, Register]
Four = tuple[Register, Register, Register, Register]


@straight
def turned_x(ar: Register, ai: Register, br: Register, bi: Register, c: Register, s: Register) -> Four:
    """alpha and beta of a gate and then a rotation about X with (cos, sin) of half its angle."""
    return c * ar + s * bi, c * ai - s * br, c * br + s * ai, c * bi - s * ar


@straight
def turned_y(ar: Register, ai: Register, br: Register, bi: Register, c: Register, s: Register) -> Four:
    """The same about Y."""
    return c * ar - s * br, c * ai - s * bi, c * br + s * ar, c * bi + s * ai


@straight
def turned_z(ar: Register, ai: Register, br: Register, bi: Register, c: Register, s: Register) -> Four:
    """The same about Z."""
    return c * ar + s * ai, c * ai - s * ar, c * br - s * bi, c * bi + s * br


@straight
def _grow_one(state: Room, j: Index, p: Index, ar: Register, ai: Register, br: Register, bi: Register) -> None:
    o, p = j * 2, p * 2
    xr, xi = state[o], state[o + 1]
    state[p], state[p + 1] = br * xr - bi * xi, br * xi + bi * xr
    state[o], state[o + 1] = ar * xr - ai * xi, ar * xi + ai * xr


@inner
def grow_product(state: Any, u: Any, half: int) -> None:
    """Put the next more significant qubit, alpha |0> + beta |1>, in front of a state of `half` amplitudes."""
    ar, ai, br, bi = load(u, 0), load(u, 1), load(u, 2), load(u, 3)
    for j in range(half):
        _grow_one(state, j, j + half, ar, ai, br, bi)


def _su2(gate: Four, x: tuple[Register, Register], y: tuple[Register, Register]) -> Four:
    """The amplitudes of |0> and |1> behind an SU(2) gate."""
    (ar, ai, br, bi), (xr, xi), (yr, yi) = gate, x, y
    return (
        ar * xr - ai * xi - br * yr - bi * yi,
        ar * xi + ai * xr - br * yi + bi * yr,
        br * xr - bi * xi + ar * yr + ai * yi,
        br * xi + bi * xr + ar * yi - ai * yr,
    )


def _overlaps(t: Three, x: Four, f: Four) -> Three:
    """t plus Im <chi|P|psi>, P = X, Y, Z, of one pair of amplitudes of the state (x) and the costate (f)."""
    (tx, ty, tz), (xr, xi, yr, yi), (fr, fi, gr, gi) = t, x, f
    return (
        tx + fr * yi - fi * yr + gr * xi - gi * xr,
        ty + gr * xr + gi * xi - fr * yr - fi * yi,
        tz + fr * xi - fi * xr - gr * yi + gi * yr,
    )


def _pair(state: Room, o: Index, p: Index) -> Four:
    return state[o], state[o + 1], state[p], state[p + 1]


@straight
def _turn_pair(
    state: Room, j: Index, k: Index, ar: Register, ai: Register, br: Register, bi: Register
) -> None:  # fmt: skip
    o, p = j * 2, k * 2
    x = _pair(state, o, p)
    state[o], state[o + 1], state[p], state[p + 1] = _su2((ar, ai, br, bi), x[:2], x[2:])


@inner
def turn(state: Any, u: Any, bit: int, control: int, dim: int) -> None:
    """Apply the SU(2) gate at `u` to one bit, where all bits of `control` are set."""
    ar, ai, br, bi = load(u, 0), load(u, 1), load(u, 2), load(u, 3)
    low = (1 << bit) - 1
    for k in range(dim >> 1):
        j = spread(k, low)
        if j & control == control:
            _turn_pair(state, j, j + low + 1, ar, ai, br, bi)


@straight
def _look_at_pair(state: Room, costate: Room, j: Index, k: Index, tx: Register, ty: Register, tz: Register) -> Three:
    o, p = j * 2, k * 2
    return _overlaps((tx, ty, tz), _pair(state, o, p), _pair(costate, o, p))


@straight
def _turn_back_pair(
    state: Room, costate: Room, j: Index, k: Index, ar: Register, ai: Register, br: Register, bi: Register,
    tx: Register, ty: Register, tz: Register,
) -> Three:  # fmt: skip
    o, p = j * 2, k * 2
    x, f = _pair(state, o, p), _pair(costate, o, p)
    out = _overlaps((tx, ty, tz), x, f)
    inverse = ar, -ai, -br, -bi
    state[o], state[o + 1], state[p], state[p + 1] = _su2(inverse, x[:2], x[2:])
    costate[o], costate[o + 1], costate[p], costate[p + 1] = _su2(inverse, f[:2], f[2:])
    return out


@inner
def turn_back(state: Any, costate: Any, u: Any, t: Any, bit: int, control: int, dim: int) -> None:
    """Im <chi|P|psi>, P = X, Y, Z, of the gate's bit into the three registers at `t`; then the inverse of the gate at
    `u` on state and costate."""
    ar, ai, br, bi = load(u, 0), load(u, 1), load(u, 2), load(u, 3)
    tx, ty, tz = zero(t), zero(t), zero(t)
    low = (1 << bit) - 1
    for k in range(dim >> 1):
        j = spread(k, low)
        if j & control == control:
            tx, ty, tz = _turn_back_pair(state, costate, j, j + low + 1, ar, ai, br, bi, tx, ty, tz)
    store_three(t, tx, ty, tz)


@inner
def look_at(state: Any, costate: Any, t: Any, bit: int, dim: int) -> None:
    """Im <chi|P|psi>, P = X, Y, Z, of a bit into the three registers at `t`."""
    tx, ty, tz = zero(t), zero(t), zero(t)
    low = (1 << bit) - 1
    for k in range(dim >> 1):
        j = spread(k, low)
        tx, ty, tz = _look_at_pair(state, costate, j, j + low + 1, tx, ty, tz)
    store_three(t, tx, ty, tz)


@straight
def store_four(u: Room, ar: Register, ai: Register, br: Register, bi: Register) -> None:
    """Write four registers."""
    u[0], u[1], u[2], u[3] = ar, ai, br, bi


@straight
def store_three(t: Room, tx: Register, ty: Register, tz: Register) -> None:
    """Write three registers."""
    t[0], t[1], t[2] = tx, ty, tz


@straight
def before_turn(t: Room, y: Index, z: Index, c: Register, s: Register) -> None:
    """Turn the overlaps at `t` back by a rotation with (cos, sin) of half its angle in the plane of `y` and `z`."""
    cos, sin = c * c - s * s, c * s + c * s
    ty, tz = t[y], t[z]
    t[y], t[z] = cos * ty + sin * tz, cos * tz - sin * ty


@straight
def split(u: Room) -> None:
    """Write the gate at `u` as RZ RY RZ up to a global phase, in place: (cos, sin) of RY, then what the earlier and the
    later RZ multiply |1> with (re, im)."""
    c, ur, ui = polar(u[0], u[1])
    s, vr, vi = polar(u[2], u[3])
    u[0], u[1] = c, s
    u[2], u[3] = ur * vr - ui * vi, -(ur * vi + ui * vr)  # conj(u v)
    u[4], u[5] = ur * vr + ui * vi, ur * vi - ui * vr  # conj(u) v


def _swung(c: Register, s: Register, x: Four) -> Four:
    """A pair of amplitudes behind RY."""
    xr, xi, yr, yi = x
    return c * xr - s * yr, c * xi - s * yi, s * xr + c * yr, s * xi + c * yi


@straight
def _swing_pair(state: Room, j: Index, step: Index, c: Register, s: Register) -> None:
    o, p = j * 2, (j + step) * 2
    state[o], state[o + 1], state[p], state[p + 1] = _swung(c, s, _pair(state, o, p))


@straight
def _swing_back_pair(
    state: Room, costate: Room, j: Index, step: Index, c: Register, s: Register, tx: Register, ty: Register,
    tz: Register,
) -> Three:  # fmt: skip
    o, p = j * 2, (j + step) * 2
    x, f = _pair(state, o, p), _pair(costate, o, p)
    out = _overlaps((tx, ty, tz), x, f)
    state[o], state[o + 1], state[p], state[p + 1] = _swung(c, -s, x)
    costate[o], costate[o + 1], costate[p], costate[p + 1] = _swung(c, -s, f)
    return out


@straight
def _in_tile(k: Index, low: Index, shift: Index, run: Index, mask: Index) -> Index:
    """Amplitude of pair k of a tile: (h << shift) + i, i below 2^run, with a zero in one bit of h."""
    a = k >> run
    return ((((a & ~low) << 1) | (a & low)) << shift) + (k & mask)


@inner
def swing(state: Any, u: Any, bit: int, pairs: int, shift: int, run: int) -> None:
    """Apply the RY of a split gate to `pairs` pairs of a tile: amplitudes (h << shift) + i, i below 2^run, that differ
    in one bit of h."""
    c, s = load(u, 0), load(u, 1)
    low, step, mask = (1 << bit) - 1, 1 << (bit + shift), (1 << run) - 1
    for k in range(pairs):
        _swing_pair(state, _in_tile(k, low, shift, run, mask), step, c, s)


@inner
def swing_back(state: Any, costate: Any, u: Any, t: Any, bit: int, pairs: int, shift: int, run: int) -> None:
    """Add the tile's part of Im <chi|P|psi>, P = X, Y, Z, to the registers at `t`; then the inverse of `swing` on state
    and costate."""
    c, s = load(u, 0), load(u, 1)
    tx, ty, tz = load(t, 0), load(t, 1), load(t, 2)
    low, step, mask = (1 << bit) - 1, 1 << (bit + shift), (1 << run) - 1
    for k in range(pairs):
        j = _in_tile(k, low, shift, run, mask)
        tx, ty, tz = _swing_back_pair(state, costate, j, step, c, s, tx, ty, tz)
    store_three(t, tx, ty, tz)


@straight
def after_later_rz(u: Room, t: Room) -> None:
    """Turn the overlaps at `t` from behind the RY of a split gate to behind its later RZ."""
    c, s, tx, ty = u[4], u[5], t[0], t[1]
    t[0], t[1] = c * tx - s * ty, c * ty + s * tx
