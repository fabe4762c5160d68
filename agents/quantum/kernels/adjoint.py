"""Forward and adjoint pass of a compiled plan over blocks of samples.

Workspace of a block, in registers: state 2^(n+1), inputs, squashed inputs, (cos, sin) of half angles two a lane slot,
SU(2) gates four a chain, room for a dense matrix, expectation values and one output. Blocks are independent, and each
writes its own row of the gradients of the trainable vectors, so that the sum over blocks has one order whatever the
number of threads.
"""

from __future__ import annotations

import math
from typing import Any

from entangrid.agents.quantum.kernels import gates
from entangrid.agents.quantum.kernels import layout as at
from entangrid.agents.quantum.kernels.simd import (
    inner,
    kernel,
    parity,
    vload,
    vset,
    vsincos,
    vstore,
    vsum,
    vzero,
    width,
)

(N_QUBITS, N_INPUTS, N_LANE, N_SHARED, N_CHAINS) = (at.N_QUBITS, at.N_INPUTS, at.N_LANE, at.N_SHARED, at.N_CHAINS)
(N_OPS, N_TERMS, N_OUT, N_HOLD, SQUASH, GIVEN) = (at.N_OPS, at.N_TERMS, at.N_OUT, at.N_HOLD, at.SQUASH, at.GIVEN)
(OPS, LANE_SLOTS, SHARED_SLOTS, FACTORS, CHAINS, TERMS) = (
    at.OPS, at.LANE_SLOTS, at.SHARED_SLOTS, at.FACTORS, at.CHAINS, at.TERMS,
)  # fmt: skip
(C_LANE, C_SHARED, C_WEIGHTS, STRIDE) = (at.C_LANE, at.C_SHARED, at.C_WEIGHTS, at.STRIDE)
(PRODUCT, CHAIN, PAULI, SIGN, PHASE, PERMUTE, DENSE) = (
    at.PRODUCT, at.CHAIN, at.PAULI, at.SIGN, at.PHASE, at.PERMUTE, at.DENSE,
)  # fmt: skip


@kernel
def block_registers(code: Any) -> int:
    """Registers of one block's workspace."""
    state = 2 << code[N_QUBITS]
    return int(state + code[N_INPUTS] + 3 * code[N_LANE] + 4 * code[N_CHAINS] + 2 * code[N_HOLD] + code[N_TERMS] + 1)


@kernel
def scratch_registers(code: Any) -> int:
    """Registers of scratch for the adjoint pass: costate, gradients to lane slots and inputs, overlaps, matrix room."""
    state = 2 << code[N_QUBITS]
    return int(state + code[N_LANE] + code[N_INPUTS] + code[N_OUT] + code[N_TERMS] + 3 + 2 * code[N_HOLD])


@kernel
def shared_half_angles(weights: Any, code: Any, const: Any, shared: Any) -> None:
    """(cos, sin) of the half angles that all samples share, two numbers a slot."""
    for k in range(code[N_SHARED]):
        w = code[code[SHARED_SLOTS] + k]
        c = code[C_SHARED] + 2 * k
        angle = const[c + 1]
        if w >= 0:
            angle += weights[w]
        half = const.dtype.type(0.5) * const[c] * angle
        shared[2 * k] = math.cos(half)
        shared[2 * k + 1] = math.sin(half)


@inner
def _encode(
    x: Any, scales: Any, weights: Any, code: Any, const: Any, work: Any, base: int, row: int, rows: int
) -> None:
    """Transpose the block's inputs and compute squashed inputs and half angles of its lane slots."""
    w = width(work)
    n_in, n_lane = code[N_INPUTS], code[N_LANE]
    inputs = base + (2 << code[N_QUBITS]) * w
    squashed = inputs + n_in * w
    lane = squashed + n_lane * w
    for j in range(n_in):
        for i in range(rows):
            work[inputs + j * w + i] = x[row + i, j]
        for i in range(rows, w):
            work[inputs + j * w + i] = 0
    for k in range(n_lane):
        slot = code[LANE_SLOTS] + 3 * k
        z = vload(work, inputs + code[slot] * w)
        if code[slot + 1] >= 0:
            z = z * vset(scales[code[slot + 1]])
        at_k = squashed + k * w
        vstore(work, at_k, z)
        if code[SQUASH] == 1:
            for i in range(at_k, at_k + w):
                work[i] = math.tanh(work[i])
        elif code[SQUASH] == 2:
            for i in range(at_k, at_k + w):
                work[i] = math.atan(work[i])
        c = code[C_LANE] + 3 * k
        constant = const[c + 2]
        if code[slot + 2] >= 0:
            constant += weights[code[slot + 2]]
        half = const.dtype.type(0.5) * const[c]
        sin, cos = vsincos(vload(work, at_k) * vset(half * const[c + 1]) + vset(half * constant))
        vstore(work, lane + 2 * k * w, cos)
        vstore(work, lane + (2 * k + 1) * w, sin)


@inner
def _load_given(given: Any, code: Any, work: Any, base: int, row: int, rows: int) -> None:
    """Transpose given states (B, 2^(n+1)), real and imaginary parts in turn, into the block; idle lanes hold zeros."""
    w = width(work)
    for j in range(2 << code[N_QUBITS]):
        for i in range(rows):
            work[base + j * w + i] = given[row + i, j]
        for i in range(rows, w):
            work[base + j * w + i] = 0


@inner
def _run_ops(code: Any, const: Any, shared: Any, work: Any, base: int) -> None:
    """All operations on the block's state."""
    w = width(work)
    n = code[N_QUBITS]
    dim = 1 << n
    lane = base + ((2 << n) + code[N_INPUTS] + code[N_LANE]) * w
    gate = lane + 2 * code[N_LANE] * w
    hold = gate + 4 * code[N_CHAINS] * w
    for k in range(code[N_CHAINS]):
        first, count = code[code[CHAINS] + 2 * k], code[code[CHAINS] + 2 * k + 1]
        for i in range(count):
            f = code[FACTORS] + 3 * (first + i)
            gates.compose(work, gate + 4 * k * w, lane, shared, code[f], code[f + 1], code[f + 2], i == 0)
        if count == 0:
            for i in range(4):
                vstore(work, gate + (4 * k + i) * w, vset(const.dtype.type(1.0 if i == 0 else 0.0)))
    for o in range(code[N_OPS]):
        op = code[OPS] + STRIDE * o
        kind = code[op]
        if kind == PRODUCT:
            vstore(work, base, vset(const.dtype.type(1.0)))
            vstore(work, base + w, vset(const.dtype.type(0.0)))
            for q in range(n):
                gates.grow_product(work, base, gate + 4 * code[code[op + 1] + q] * w, 1 << q)
        elif kind == CHAIN:
            gates.turn(work, base, gate + 4 * code[op + 3] * w, code[op + 1], code[op + 2], dim)
        elif kind == PAULI:
            slot = 2 * code[op + 4]
            if code[op + 5]:
                c, s = vload(work, lane + slot * w), vload(work, lane + (slot + 1) * w)
            else:
                c, s = vset(shared[slot]), vset(shared[slot + 1])
            gates.pauli_turn(work, base, c, s, code[op + 1], code[op + 2], code[op + 3], dim)
        elif kind == SIGN:
            gates.negate(work, base, code, code[op + 1], code[op + 2])
        elif kind == PHASE:
            gates.phase(work, base, code, code[op + 1], code[op + 2], const, code[op + 3], False)
        elif kind == PERMUTE:
            gates.permute(work, base, code, code[op + 1], code[op + 2], False)
        else:
            gates.dense(work, base, code, code[op + 1], code[op + 2], const, code[op + 3], hold, dim)


@inner
def _read(code: Any, const: Any, work: Any, base: int, out: Any, row: int, rows: int) -> None:
    """Outputs of the block: weighted sums of the expectation values of the read-out's Pauli strings."""
    w = width(work)
    dim, n_terms, n_out = 1 << code[N_QUBITS], code[N_TERMS], code[N_OUT]
    zero, one, two = const.dtype.type(0.0), const.dtype.type(1.0), const.dtype.type(2.0)
    terms = code[TERMS]
    value = base + (block_registers(code) - n_terms - 1) * w
    t = 0
    while t < n_terms:
        if t + 4 <= n_terms and code[terms + 3 * t] == 0 and code[terms + 3 * t + 9] == 0:  # sorted: all four diagonal
            s0, s1 = code[terms + 3 * t + 1], code[terms + 3 * t + 4]
            s2, s3 = code[terms + 3 * t + 7], code[terms + 3 * t + 10]
            a0, a1, a2, a3 = vzero(const), vzero(const), vzero(const), vzero(const)
            for j in range(dim):
                o = base + j * 2 * w
                xr, xi = vload(work, o), vload(work, o + w)
                p = xr * xr + xi * xi
                a0 = a0 + vset(one - two * const.dtype.type(parity(j & s0))) * p
                a1 = a1 + vset(one - two * const.dtype.type(parity(j & s1))) * p
                a2 = a2 + vset(one - two * const.dtype.type(parity(j & s2))) * p
                a3 = a3 + vset(one - two * const.dtype.type(parity(j & s3))) * p
            vstore(work, value + t * w, a0)
            vstore(work, value + (t + 1) * w, a1)
            vstore(work, value + (t + 2) * w, a2)
            vstore(work, value + (t + 3) * w, a3)
            t += 4
            continue
        flip, sign, n_y = code[terms + 3 * t], code[terms + 3 * t + 1], code[terms + 3 * t + 2]
        total = vzero(const)
        for j in range(dim):
            o = base + j * 2 * w
            p = base + (j ^ flip) * 2 * w
            xr, xi, yr, yi = vload(work, o), vload(work, o + w), vload(work, p), vload(work, p + w)
            odd = parity(j & sign) ^ ((n_y >> 1) & 1)
            part = yi * xr - yr * xi if n_y & 1 else yr * xr + yi * xi  # real part of i^n_y conj(y) x
            total = total + vset(one - two * const.dtype.type(odd)) * part
        vstore(work, value + t * w, total)
        t += 1
    for c in range(n_out):
        total = vzero(const)
        for t in range(n_terms):
            weight = const[code[C_WEIGHTS] + t * n_out + c]
            if weight != zero:
                total = total + vset(weight) * vload(work, value + t * w)
        vstore(work, value + n_terms * w, total)
        for i in range(rows):
            out[row + i, c] = work[value + n_terms * w + i]


@kernel
def forward(
    x: Any, given: Any, scales: Any, weights: Any, shared: Any, code: Any, const: Any, work: Any, stride: int,
    first: int, last: int, out: Any,
) -> None:  # fmt: skip
    """Outputs (B, n_out) of blocks `first` to `last` for inputs (B, n_in).

    `shared` holds what `shared_half_angles` computed. Block b works at element b * stride of `work`; with
    stride 0 all blocks use the same room, which keeps it in the cache and leaves nothing for the adjoint pass.
    """
    w = width(work)
    for b in range(first, last):
        base, row = b * stride, b * w
        rows = min(w, x.shape[0] - row)
        _encode(x, scales, weights, code, const, work, base, row, rows)
        if code[GIVEN]:
            _load_given(given, code, work, base, row, rows)
        _run_ops(code, const, shared, work, base)
        _read(code, const, work, base, out, row, rows)


@inner
def _start_costate(
    code: Any, const: Any, work: Any, base: int, back: Any, terms: int, grad_out: Any, row: int, rows: int
) -> None:
    """chi = sum over terms of (gradient to the term) P psi, at the start of `back`."""
    w = width(work)
    dim, n_terms, n_out = 1 << code[N_QUBITS], code[N_TERMS], code[N_OUT]
    zero, one, two = const.dtype.type(0.0), const.dtype.type(1.0), const.dtype.type(2.0)
    outputs = terms + n_terms * w
    for c in range(n_out):
        for i in range(rows):
            back[outputs + c * w + i] = grad_out[row + i, c]
        for i in range(rows, w):
            back[outputs + c * w + i] = 0
    n_diagonal = 0
    for t in range(n_terms):
        total = vzero(const)
        for c in range(n_out):
            weight = const[code[C_WEIGHTS] + t * n_out + c]
            if weight != zero:
                total = total + vset(weight) * vload(back, outputs + c * w)
        vstore(back, terms + t * w, total)
        n_diagonal += code[code[TERMS] + 3 * t] == 0
    for j in range(dim):
        v = vzero(const)
        for t in range(n_diagonal):
            odd = parity(j & code[code[TERMS] + 3 * t + 1])
            v = v + vset(one - two * const.dtype.type(odd)) * vload(back, terms + t * w)
        o = j * 2 * w
        vstore(back, o, v * vload(work, base + o))
        vstore(back, o + w, v * vload(work, base + o + w))
    for t in range(n_diagonal, n_terms):
        term = code[TERMS] + 3 * t
        flip, sign, n_y = code[term], code[term + 1], code[term + 2]
        g = vload(back, terms + t * w)
        for j in range(dim):
            odd = parity(j & sign) ^ ((n_y >> 1) & 1)
            v = g * vset(one - two * const.dtype.type(odd))
            o, p = base + j * 2 * w, (j ^ flip) * 2 * w
            xr, xi, fr, fi = vload(work, o), vload(work, o + w), vload(back, p), vload(back, p + w)
            vstore(back, p, fr - v * xi if n_y & 1 else fr + v * xr)
            vstore(back, p + w, fi + v * xr if n_y & 1 else fi + v * xi)


@inner
def _share_out(
    code: Any, work: Any, lane: int, back: Any, lane_grads: int, t: int, shared: Any, shared_grads: Any, chain: int
) -> None:
    """From (tx, ty, tz) after a chain to the gradients of its angles: the component along each rotation's axis, then
    the vector is turned back by that rotation."""
    w = width(work)
    first, count = code[code[CHAINS] + 2 * chain], code[code[CHAINS] + 2 * chain + 1]
    for i in range(count - 1, -1, -1):
        f = code[FACTORS] + 3 * (first + i)
        axis, slot, is_lane = code[f], code[f + 1], code[f + 2]
        along = vload(back, t + (axis - 1) * w)
        if is_lane:
            vstore(back, lane_grads + slot * w, vload(back, lane_grads + slot * w) + along)
            c, s = vload(work, lane + 2 * slot * w), vload(work, lane + (2 * slot + 1) * w)
        else:
            if code[code[SHARED_SLOTS] + slot] >= 0:
                shared_grads[slot] += vsum(along)
            c, s = vset(shared[2 * slot]), vset(shared[2 * slot + 1])
        if i > 0:
            cos, sin = c * c - s * s, c * s + c * s
            y, z = t + (axis % 3) * w, t + ((axis + 1) % 3) * w
            ty, tz = vload(back, y), vload(back, z)
            vstore(back, y, cos * ty + sin * tz)
            vstore(back, z, cos * tz - sin * ty)


@inner
def _undo_ops(
    code: Any, const: Any, shared: Any, work: Any, base: int, back: Any, lane_grads: int, t: int, hold: int,
    shared_grads: Any,
) -> None:  # fmt: skip
    """Walk the operations backwards, adding to the gradients of lane slots (in `back`) and shared slots."""
    w = width(work)
    n = code[N_QUBITS]
    dim = 1 << n
    lane = base + ((2 << n) + code[N_INPUTS] + code[N_LANE]) * w
    gate = lane + 2 * code[N_LANE] * w
    room = gate + 4 * code[N_CHAINS] * w
    for i in range(code[N_LANE]):
        vstore(back, lane_grads + i * w, vzero(const))
    for o in range(code[N_OPS] - 1, -1, -1):
        op = code[OPS] + STRIDE * o
        kind = code[op]
        if kind == PRODUCT:
            for q in range(n):
                chain = code[code[op + 1] + q]
                if code[code[CHAINS] + 2 * chain + 1] > 0:
                    gates.turn_back(work, base, back, 0, gate + 4 * chain * w, t, q, 0, dim, False)
                    _share_out(code, work, lane, back, lane_grads, t, shared, shared_grads, chain)
        elif kind == CHAIN:
            chain = code[op + 3]
            gates.turn_back(work, base, back, 0, gate + 4 * chain * w, t, code[op + 1], code[op + 2], dim, True)
            _share_out(code, work, lane, back, lane_grads, t, shared, shared_grads, chain)
        elif kind == PAULI:
            flip, sign, n_y, slot = code[op + 1], code[op + 2], code[op + 3], code[op + 4]
            gates.pauli_overlap(work, base, back, 0, t, flip, sign, n_y, dim)
            along = vload(back, t)
            if code[op + 5]:
                vstore(back, lane_grads + slot * w, vload(back, lane_grads + slot * w) + along)
                c, s = vload(work, lane + 2 * slot * w), vload(work, lane + (2 * slot + 1) * w)
            else:
                if code[code[SHARED_SLOTS] + slot] >= 0:
                    shared_grads[slot] += vsum(along)
                c, s = vset(shared[2 * slot]), vset(shared[2 * slot + 1])
            gates.pauli_turn(work, base, c, -s, flip, sign, n_y, dim)
            gates.pauli_turn(back, 0, c, -s, flip, sign, n_y, dim)
        elif kind == SIGN:
            gates.negate(work, base, code, code[op + 1], code[op + 2])
            gates.negate(back, 0, code, code[op + 1], code[op + 2])
        elif kind == PHASE:
            gates.phase(work, base, code, code[op + 1], code[op + 2], const, code[op + 3], True)
            gates.phase(back, 0, code, code[op + 1], code[op + 2], const, code[op + 3], True)
        elif kind == PERMUTE:
            gates.permute(work, base, code, code[op + 1], code[op + 2], True)
            gates.permute(back, 0, code, code[op + 1], code[op + 2], True)
        else:
            gates.dense(work, base, code, code[op + 1], code[op + 2], const, code[op + 4], room, dim)
            gates.dense(back, 0, code, code[op + 1], code[op + 2], const, code[op + 4], hold, dim)


@inner
def _pass_on(
    code: Any, const: Any, scales: Any, work: Any, base: int, back: Any, lane_grads: int, shared_grads: Any,
    grad_scales: Any, grad_weights: Any, block: int,
) -> None:  # fmt: skip
    """Gradients of the slots' angles to inputs (registers behind the lane slots' in `back`), scalings and weights."""
    w = width(work)
    n_in, n_lane = code[N_INPUTS], code[N_LANE]
    inputs = base + (2 << code[N_QUBITS]) * w
    squashed = inputs + n_in * w
    input_grads = lane_grads + n_lane * w
    one = const.dtype.type(1.0)
    for j in range(n_in):
        vstore(back, input_grads + j * w, vzero(const))
    for k in range(n_lane):
        slot, c = code[LANE_SLOTS] + 3 * k, code[C_LANE] + 3 * k
        g = vload(back, lane_grads + k * w) * vset(const[c])
        if code[slot + 2] >= 0:
            grad_weights[block, code[slot + 2]] += vsum(g)
        g = g * vset(const[c + 1])
        x = vload(work, inputs + code[slot] * w)
        scale = one
        if code[slot + 1] >= 0:
            scale = scales[code[slot + 1]]
        z = vload(work, squashed + k * w)
        if code[SQUASH] == 1:
            g = g * (vset(one) - z * z)
        elif code[SQUASH] == 2:  # 1 / (1 + tan(z)^2) = cos(z)^2
            _, cos = vsincos(z)
            g = g * cos * cos
        if code[slot + 1] >= 0:
            grad_scales[block, code[slot + 1]] += vsum(g * x)
        at_x = input_grads + code[slot] * w
        vstore(back, at_x, vload(back, at_x) + g * vset(scale))
    for k in range(code[N_SHARED]):
        weight = code[code[SHARED_SLOTS] + k]
        if weight >= 0:
            grad_weights[block, weight] += const[code[C_SHARED] + 2 * k] * shared_grads[k]


@kernel
def backward(
    grad_out: Any, scales: Any, shared: Any, code: Any, const: Any, work: Any, back: Any, shared_grads: Any,
    first: int, last: int, grad_x: Any, grad_given: Any, grad_scales: Any, grad_weights: Any,
) -> None:  # fmt: skip
    """Gradients for blocks `first` to `last` from `grad_out` (B, n_out), undoing the states that `forward` left.

    Writes rows of `grad_x` (B, n_in) and `grad_given`, and adds to row b of `grad_scales` (blocks, n_scales) and
    `grad_weights`. `back` and `shared_grads` are scratch of `scratch_registers` and one number a shared slot.
    """
    w = width(work)
    n_lane, n_in, n_out, n_terms = code[N_LANE], code[N_INPUTS], code[N_OUT], code[N_TERMS]
    stride = block_registers(code) * w
    lane_grads = (2 << code[N_QUBITS]) * w
    terms = lane_grads + (n_lane + n_in) * w
    t = terms + (n_terms + n_out) * w
    two = const.dtype.type(2.0)
    for b in range(first, last):
        base, row = b * stride, b * w
        rows = min(w, grad_out.shape[0] - row)
        shared_grads[:] = 0
        _start_costate(code, const, work, base, back, terms, grad_out, row, rows)
        _undo_ops(code, const, shared, work, base, back, lane_grads, t, t + 3 * w, shared_grads)
        _pass_on(
            code, const, scales, work, base, back, lane_grads, shared_grads, grad_scales, grad_weights, b
        )  # fmt: skip
        for i in range(rows):
            for j in range(n_in):
                grad_x[row + i, j] = back[lane_grads + (n_lane + j) * w + i]
        if code[GIVEN]:
            for i in range(rows):
                for j in range(2 << code[N_QUBITS]):
                    grad_given[row + i, j] = two * back[j * w + i]
