"""Gates on one block of samples: amplitude j of the state at `s` is the registers s + 2jw (real) and s + (2j+1)w.

A block holds w samples (`width`), one per lane. All arrays are flat; positions are element offsets. Rotations are
exp(-i a/2 P) for a Pauli string P; gates of SU(2) are unit quaternions q0 - i (q1 X + q2 Y + q3 Z), kept as
alpha = q0 - i q3 and beta = q2 - i q1, the first column of the matrix [[alpha, -beta*], [beta, alpha*]].

Gradients are adjoint (Jones and Gacon 2020, arXiv:2009.02823): with the state psi and the costate chi, both after a
gate, the derivative of the loss to the angle of exp(-i a/2 P) is Im <chi|P|psi>; both then go back through the gate.
"""

from __future__ import annotations

from typing import Any

from entangrid.agents.quantum.kernels.simd import inner, parity, vload, vpolar, vset, vstore, vzero, width


@inner
def compose(work: Any, u: int, lane: Any, shared: Any, axis: int, slot: int, is_lane: int, is_first: int) -> None:
    """Multiply the quaternion at `u` (alpha, beta as four registers) from the left by a Pauli rotation.

    `lane` is the offset of (cos a/2, sin a/2) registers in `work`; `shared` the same as numbers, two per slot.
    """
    w = width(work)
    if is_lane:
        c, s = vload(work, lane + 2 * slot * w), vload(work, lane + (2 * slot + 1) * w)
    else:
        c, s = vset(shared[2 * slot]), vset(shared[2 * slot + 1])
    if is_first:
        zero = vzero(work)
        vstore(work, u, c)
        vstore(work, u + w, -s if axis == 3 else zero)
        vstore(work, u + 2 * w, s if axis == 2 else zero)
        vstore(work, u + 3 * w, -s if axis == 1 else zero)
        return
    q0, q3 = vload(work, u), -vload(work, u + w)
    q2, q1 = vload(work, u + 2 * w), -vload(work, u + 3 * w)
    if axis == 1:
        p0, p1, p2, p3 = c * q0 - s * q1, c * q1 + s * q0, c * q2 - s * q3, c * q3 + s * q2
    elif axis == 2:
        p0, p1, p2, p3 = c * q0 - s * q2, c * q1 + s * q3, c * q2 + s * q0, c * q3 - s * q1
    else:
        p0, p1, p2, p3 = c * q0 - s * q3, c * q1 - s * q2, c * q2 + s * q1, c * q3 + s * q0
    vstore(work, u, p0)
    vstore(work, u + w, -p3)
    vstore(work, u + 2 * w, p2)
    vstore(work, u + 3 * w, -p1)


@inner
def grow_product(work: Any, s: int, u: int, half: int) -> None:
    """Put the next more significant qubit, alpha |0> + beta |1>, in front of a state of `half` amplitudes."""
    w = width(work)
    ar, ai = vload(work, u), vload(work, u + w)
    br, bi = vload(work, u + 2 * w), vload(work, u + 3 * w)
    for j in range(half):
        o = s + j * 2 * w
        p = o + half * 2 * w
        xr, xi = vload(work, o), vload(work, o + w)
        vstore(work, p, br * xr - bi * xi)
        vstore(work, p + w, br * xi + bi * xr)
        vstore(work, o, ar * xr - ai * xi)
        vstore(work, o + w, ar * xi + ai * xr)


@inner
def turn(work: Any, s: int, u: int, bit: int, control: int, dim: int) -> None:
    """Apply the SU(2) gate at `u` to one bit, where all bits of `control` are set."""
    w = width(work)
    ar, ai = vload(work, u), vload(work, u + w)
    br, bi = vload(work, u + 2 * w), vload(work, u + 3 * w)
    low = (1 << bit) - 1
    for k in range(dim >> 1):
        j = ((k & ~low) << 1) | (k & low)
        if j & control == control:
            o = s + j * 2 * w
            p = o + (low + 1) * 2 * w
            xr, xi, yr, yi = vload(work, o), vload(work, o + w), vload(work, p), vload(work, p + w)
            vstore(work, o, ar * xr - ai * xi - br * yr - bi * yi)
            vstore(work, o + w, ar * xi + ai * xr - br * yi + bi * yr)
            vstore(work, p, br * xr - bi * xi + ar * yr + ai * yi)
            vstore(work, p + w, br * xi + bi * xr + ar * yi - ai * yr)


@inner
def turn_back(
    work: Any, s: int, back: Any, c: int, u: int, t: int, bit: int, control: int, dim: int, undo: bool
) -> None:
    """Im <chi|X|psi>, <..Y..>, <..Z..> of the gate's bit into three registers of `back` at `t`; then, if `undo`, the
    inverse of the gate at `u` on the state (at `s` of `work`) and the costate (at `c` of `back`)."""
    w = width(work)
    ar, ai = vload(work, u), vload(work, u + w)
    br, bi = vload(work, u + 2 * w), vload(work, u + 3 * w)
    zero = vzero(work)
    tx, ty, tz = zero, zero, zero
    low = (1 << bit) - 1
    for k in range(dim >> 1):
        j = ((k & ~low) << 1) | (k & low)
        if j & control == control:
            o = j * 2 * w
            p = o + (low + 1) * 2 * w
            xr, xi, yr, yi = vload(work, s + o), vload(work, s + o + w), vload(work, s + p), vload(work, s + p + w)
            fr, fi, gr, gi = vload(back, c + o), vload(back, c + o + w), vload(back, c + p), vload(back, c + p + w)
            tx = tx + fr * yi - fi * yr + gr * xi - gi * xr
            ty = ty + gr * xr + gi * xi - fr * yr - fi * yi
            tz = tz + fr * xi - fi * xr - gr * yi + gi * yr
            if undo:
                vstore(work, s + o, ar * xr + ai * xi + br * yr + bi * yi)
                vstore(work, s + o + w, ar * xi - ai * xr + br * yi - bi * yr)
                vstore(work, s + p, bi * xi - br * xr + ar * yr - ai * yi)
                vstore(work, s + p + w, ar * yi - br * xi - bi * xr + ai * yr)
                vstore(back, c + o, ar * fr + ai * fi + br * gr + bi * gi)
                vstore(back, c + o + w, ar * fi - ai * fr + br * gi - bi * gr)
                vstore(back, c + p, bi * fi - br * fr + ar * gr - ai * gi)
                vstore(back, c + p + w, ar * gi - br * fi - bi * fr + ai * gr)
    vstore(back, t, tx)
    vstore(back, t + w, ty)
    vstore(back, t + 2 * w, tz)


@inner
def split(work: Any, u: int) -> None:
    """Write the gate at `u` as RZ RY RZ up to a global phase, in place: (cos, sin) of RY, then what the earlier and the
    later RZ multiply |1> with (re, im)."""
    w = width(work)
    c, ur, ui = vpolar(vload(work, u), vload(work, u + w))
    s, vr, vi = vpolar(vload(work, u + 2 * w), vload(work, u + 3 * w))
    vstore(work, u, c)
    vstore(work, u + w, s)
    vstore(work, u + 2 * w, ur * vr - ui * vi)  # conj(u v)
    vstore(work, u + 3 * w, -(ur * vi + ui * vr))
    vstore(work, u + 4 * w, ur * vr + ui * vi)  # conj(u) v
    vstore(work, u + 5 * w, ur * vi - ui * vr)


@inner
def swing(work: Any, s: int, u: int, bit: int, pairs: int, shift: int, run: int) -> None:
    """Apply the RY of a split gate to `pairs` pairs of a tile: amplitudes (h << shift) + i, i below 2^run, that differ
    in one bit of h."""
    w = width(work)
    c, sn = vload(work, u), vload(work, u + w)
    low, step = (1 << bit) - 1, (1 << (bit + shift)) * 2 * w
    for k in range(pairs):
        a = k >> run
        o = s + (((((a & ~low) << 1) | (a & low)) << shift) + (k & ((1 << run) - 1))) * 2 * w
        p = o + step
        xr, xi, yr, yi = vload(work, o), vload(work, o + w), vload(work, p), vload(work, p + w)
        vstore(work, o, c * xr - sn * yr)
        vstore(work, o + w, c * xi - sn * yi)
        vstore(work, p, sn * xr + c * yr)
        vstore(work, p + w, sn * xi + c * yi)


@inner
def swing_back(
    work: Any, s: int, back: Any, c: int, u: int, t: int, bit: int, pairs: int, shift: int, run: int
) -> None:
    """Add the tile's part of Im <chi|P|psi>, P = X, Y, Z, to the registers at `t`; then the inverse of `swing` on state
    and costate."""
    w = width(work)
    co, sn = vload(work, u), vload(work, u + w)
    tx, ty, tz = vload(back, t), vload(back, t + w), vload(back, t + 2 * w)
    low, step = (1 << bit) - 1, (1 << (bit + shift)) * 2 * w
    for k in range(pairs):
        a = k >> run
        o = (((((a & ~low) << 1) | (a & low)) << shift) + (k & ((1 << run) - 1))) * 2 * w
        p = o + step
        xr, xi, yr, yi = vload(work, s + o), vload(work, s + o + w), vload(work, s + p), vload(work, s + p + w)
        fr, fi, gr, gi = vload(back, c + o), vload(back, c + o + w), vload(back, c + p), vload(back, c + p + w)
        tx = tx + fr * yi - fi * yr + gr * xi - gi * xr
        ty = ty + gr * xr + gi * xi - fr * yr - fi * yi
        tz = tz + fr * xi - fi * xr - gr * yi + gi * yr
        vstore(work, s + o, co * xr + sn * yr)
        vstore(work, s + o + w, co * xi + sn * yi)
        vstore(work, s + p, co * yr - sn * xr)
        vstore(work, s + p + w, co * yi - sn * xi)
        vstore(back, c + o, co * fr + sn * gr)
        vstore(back, c + o + w, co * fi + sn * gi)
        vstore(back, c + p, co * gr - sn * fr)
        vstore(back, c + p + w, co * gi - sn * fi)
    vstore(back, t, tx)
    vstore(back, t + w, ty)
    vstore(back, t + 2 * w, tz)


@inner
def after_later_rz(work: Any, u: int, back: Any, t: int) -> None:
    """Turn the overlaps at `t` from behind the RY of a split gate to behind its later RZ."""
    w = width(work)
    c, s = vload(work, u + 4 * w), vload(work, u + 5 * w)
    tx, ty = vload(back, t), vload(back, t + w)
    vstore(back, t, c * tx - s * ty)
    vstore(back, t + w, c * ty + s * tx)


@inner
def phase_table(work: Any, room: int, gate: int, code: Any, first: int, bits: int, inverse: bool) -> int:
    """Products of the diagonal's phases over all settings of the next `bits` bits, at `room`; returns the position in
    `code` behind them. `gate` is where the split gates are."""
    w = width(work)
    _, one, zero = vpolar(vzero(work), vzero(work))
    vstore(work, room, one)
    vstore(work, room + w, zero)
    at = first
    for bit in range(bits):
        count = code[at]
        at += 1
        for j in range(1 << bit):
            pr, pi = vload(work, room + 2 * j * w), vload(work, room + (2 * j + 1) * w)
            for i in range(at, at + count):
                u = gate + (6 * (code[i] >> 1) + 2 + 2 * (code[i] & 1)) * w
                er, ei = vload(work, u), vload(work, u + w)
                if inverse:
                    ei = -ei
                pr, pi = pr * er - pi * ei, pr * ei + pi * er
            o = room + 2 * (j + (1 << bit)) * w
            vstore(work, o, pr)
            vstore(work, o + w, pi)
        at += count
    return at


@inner
def diagonal(
    work: Any, s: int, dim: int, tables: Any, low: int, high: int, low_bits: int, const: Any, signs: int
) -> None:
    """Multiply amplitude (j, i), i its lowest `low_bits` bits, by phases high[j] low[i] of `tables` and its sign."""
    w = width(work)
    size = 1 << low_bits
    for j in range(dim >> low_bits):
        hr, hi = vload(tables, high + 2 * j * w), vload(tables, high + (2 * j + 1) * w)
        for i in range(size):
            lr, li = vload(tables, low + 2 * i * w), vload(tables, low + (2 * i + 1) * w)
            pr, pi = hr * lr - hi * li, hr * li + hi * lr
            if signs >= 0:
                sign = vset(const[signs + j * size + i])
                pr, pi = pr * sign, pi * sign
            o = s + (j * size + i) * 2 * w
            xr, xi = vload(work, o), vload(work, o + w)
            vstore(work, o, pr * xr - pi * xi)
            vstore(work, o + w, pr * xi + pi * xr)


@inner
def pauli_turn(work: Any, s: int, cos: Any, sin: Any, flip: int, sign: int, n_y: int, dim: int) -> None:
    """Apply cos - i sin P for a Pauli string of two letters or more, P|j> = i^n_y (-1)^|j & sign| |j ^ flip>."""
    w = width(work)
    top = flip
    while top & (top - 1):
        top &= top - 1
    for j in range(dim):
        if j & top:
            continue
        o = s + j * 2 * w
        xr, xi = vload(work, o), vload(work, o + w)
        if flip == 0:
            sj = -sin if parity(j & sign) else sin
            vstore(work, o, cos * xr + sj * xi)
            vstore(work, o + w, cos * xi - sj * xr)
            continue
        p = s + (j ^ flip) * 2 * w
        yr, yi = vload(work, p), vload(work, p + w)
        # -i i^n_y: real for odd n_y, imaginary for even; the two partners differ by the sign of |j & sign|
        sj = -sin if parity(j & sign) ^ ((n_y >> 1) & 1) else sin
        sp = -sin if parity((j ^ flip) & sign) ^ ((n_y >> 1) & 1) else sin
        if n_y & 1:
            vstore(work, o, cos * xr + sp * yr)
            vstore(work, o + w, cos * xi + sp * yi)
            vstore(work, p, cos * yr + sj * xr)
            vstore(work, p + w, cos * yi + sj * xi)
        else:
            vstore(work, o, cos * xr + sp * yi)
            vstore(work, o + w, cos * xi - sp * yr)
            vstore(work, p, cos * yr + sj * xi)
            vstore(work, p + w, cos * yi - sj * xr)


@inner
def pauli_overlap(work: Any, s: int, back: Any, c: int, t: int, flip: int, sign: int, n_y: int, dim: int) -> None:
    """Im <chi|P|psi> of a Pauli string into the register of `back` at `t`."""
    w = width(work)
    total = vzero(work)
    for j in range(dim):
        o = s + j * 2 * w
        p = c + (j ^ flip) * 2 * w
        xr, xi = vload(work, o), vload(work, o + w)
        fr, fi = vload(back, p), vload(back, p + w)
        # i^n_y times conj(chi) psi, of which the imaginary part
        part = fr * xr + fi * xi if n_y & 1 else fr * xi - fi * xr
        total = total - part if parity(j & sign) ^ ((n_y >> 1) & 1) else total + part
    vstore(back, t, total)


@inner
def negate(work: Any, s: int, code: Any, first: int, count: int) -> None:
    """Change the sign of the amplitudes listed in `code`."""
    w = width(work)
    for i in range(first, first + count):
        o = s + code[i] * 2 * w
        vstore(work, o, -vload(work, o))
        vstore(work, o + w, -vload(work, o + w))


@inner
def phase(work: Any, s: int, code: Any, first: int, count: int, const: Any, table: int, inverse: bool) -> None:
    """Multiply the amplitudes listed in `code` by the unit numbers (re, im) in `const` (conjugate if `inverse`)."""
    w = width(work)
    for i in range(count):
        o = s + code[first + i] * 2 * w
        pr, pi = vset(const[table + 2 * i]), vset(const[table + 2 * i + 1])
        if inverse:
            pi = -pi
        xr, xi = vload(work, o), vload(work, o + w)
        vstore(work, o, pr * xr - pi * xi)
        vstore(work, o + w, pr * xi + pi * xr)


@inner
def permute(work: Any, s: int, code: Any, first: int, count: int, inverse: bool) -> None:
    """Move amplitudes along `count` cycles in `code`, each its length and then its members: the amplitude of a member
    becomes that of the next one (of the previous one if `inverse`)."""
    w = width(work)
    at = first
    for _ in range(count):
        length = code[at]
        step, start = (-1, at + length) if inverse else (1, at + 1)
        o = s + code[start] * 2 * w
        keep_r, keep_i = vload(work, o), vload(work, o + w)
        for i in range(1, length):
            p = s + code[start + step * i] * 2 * w
            vstore(work, o, vload(work, p))
            vstore(work, o + w, vload(work, p + w))
            o = p
        vstore(work, o, keep_r)
        vstore(work, o + w, keep_i)
        at += length + 1


@inner
def dense(work: Any, s: int, code: Any, first: int, k: int, const: Any, table: int, hold: int, dim: int) -> None:
    """Multiply by a constant 2^k matrix, (re, im) row by row in `const`. `code` lists the k bits in rising order, then
    the 2^k offsets of the matrix's rows; `hold` is room for 2^k amplitudes."""
    w = width(work)
    size = 1 << k
    for i in range(dim >> k):
        base = i
        for b in range(first, first + k):
            low = (1 << code[b]) - 1
            base = ((base & ~low) << 1) | (base & low)
        for r in range(size):
            o = s + (base + code[first + k + r]) * 2 * w
            vstore(work, hold + 2 * r * w, vload(work, o))
            vstore(work, hold + (2 * r + 1) * w, vload(work, o + w))
        for r in range(size):
            yr, yi = vzero(work), vzero(work)
            for q in range(size):
                m = table + 2 * (r * size + q)
                mr, mi = vset(const[m]), vset(const[m + 1])
                xr, xi = vload(work, hold + 2 * q * w), vload(work, hold + (2 * q + 1) * w)
                yr = yr + mr * xr - mi * xi
                yi = yi + mr * xi + mi * xr
            o = s + (base + code[first + k + r]) * 2 * w
            vstore(work, o, yr)
            vstore(work, o + w, yi)
