"""Forward and adjoint pass of a compiled plan over blocks of samples.

Blocks are independent, and each writes its own row of the gradients of the trainable vectors, so that the sum over
blocks has one order whatever the number of threads. The workspace of a block is that of `ends`.
"""

from __future__ import annotations

from typing import Any

from entangrid.agents.quantum.kernels import gates
from entangrid.agents.quantum.kernels.ends import block_registers, encode, load_given, pass_on, read_out, start_costate
from entangrid.agents.quantum.kernels.layout import (
    CHAIN,
    CHAIN_REGISTERS,
    CHAINS,
    DIAGONAL,
    FACTORS,
    GIVEN,
    N_CHAINS,
    N_HOLD,
    N_INPUTS,
    N_LANE,
    N_OPS,
    N_OUT,
    N_QUBITS,
    N_TERMS,
    OPS,
    PAULI,
    PERMUTE,
    PHASE,
    PRODUCT,
    SHARED_SLOTS,
    SIGN,
    STRIDE,
    SWINGS,
    TILE,
)
from entangrid.agents.quantum.kernels.simd import inner, kernel, vload, vset, vstore, vsum, vzero, width


@inner
def _swing_all(
    code: Any, first: int, count: int, work: Any, base: int, gate: int, back: Any, c: int, t: int, is_back: bool
) -> None:
    """The RY of a stage, listed at `first` as (bit, chain), tile by tile: all low bits of a tile at once, then two
    higher bits at a time, so that amplitudes come from the first-level cache for all but a few of them."""
    w = width(work)
    n = code[N_QUBITS]
    low = 0
    while low < n:
        bits = min(n if n <= TILE + 1 else TILE, n - low) if low == 0 else min(2, n - low)
        run = 0 if low == 0 else min(low, TILE - bits)
        pairs = 1 << (bits + run - 1)
        for outer in range(1 << (n - low - bits)):
            for tile in range(1 << (low - run)):
                start = ((outer << (low + bits)) + (tile << run)) * 2 * w
                for i in range(count):
                    bit = code[first + 2 * i] - low
                    if 0 <= bit < bits:
                        u = gate + CHAIN_REGISTERS * code[first + 2 * i + 1] * w
                        if is_back:
                            gates.swing_back(
                                work, base + start, back, c + start, u, t + 3 * i * w, bit, pairs, low, run
                            )  # fmt: skip
                        else:
                            gates.swing(work, base + start, u, bit, pairs, low, run)
        low += bits


@inner
def _run_ops(code: Any, const: Any, shared: Any, work: Any, base: int) -> None:
    """All operations on the block's state."""
    w = width(work)
    n = code[N_QUBITS]
    dim = 1 << n
    lane = base + ((2 << n) + code[N_INPUTS] + code[N_LANE]) * w
    gate = lane + 2 * code[N_LANE] * w
    hold = gate + CHAIN_REGISTERS * code[N_CHAINS] * w
    for k in range(code[N_CHAINS]):
        first, count = code[code[CHAINS] + 3 * k], code[code[CHAINS] + 3 * k + 1]
        for i in range(count):
            f = code[FACTORS] + 3 * (first + i)
            gates.compose(work, gate + CHAIN_REGISTERS * k * w, lane, shared, code[f], code[f + 1], code[f + 2], i == 0)
        if code[code[CHAINS] + 3 * k + 2]:
            gates.split(work, gate + CHAIN_REGISTERS * k * w)
        if count == 0:
            for i in range(4):
                vstore(work, gate + (CHAIN_REGISTERS * k + i) * w, vset(const.dtype.type(1.0 if i == 0 else 0.0)))
    for o in range(code[N_OPS]):
        op = code[OPS] + STRIDE * o
        kind = code[op]
        if kind == PRODUCT:
            vstore(work, base, vset(const.dtype.type(1.0)))
            vstore(work, base + w, vset(const.dtype.type(0.0)))
            for q in range(n):
                gates.grow_product(work, base, gate + CHAIN_REGISTERS * code[code[op + 1] + q] * w, 1 << q)
        elif kind == CHAIN:
            gates.turn(work, base, gate + CHAIN_REGISTERS * code[op + 3] * w, code[op + 1], code[op + 2], dim)
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
        elif kind == DIAGONAL:
            low_bits = n // 2
            high = hold + (2 << low_bits) * w
            at = gates.phase_table(work, hold, gate, code, code[op + 1], low_bits, False)
            gates.phase_table(work, high, gate, code, at, n - low_bits, False)
            gates.diagonal(work, base, dim, work, hold, high, low_bits, const, code[op + 2])
        elif kind == SWINGS:
            _swing_all(code, code[op + 2], code[op + 1], work, base, gate, work, 0, 0, False)
        else:
            gates.dense(work, base, code, code[op + 1], code[op + 2], const, code[op + 3], hold, dim)


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
        encode(x, scales, weights, code, const, work, base, row, rows)
        if code[GIVEN]:
            load_given(given, code, work, base, row, rows)
        _run_ops(code, const, shared, work, base)
        read_out(code, const, work, base, out, row, rows)


@inner
def _share_out(
    code: Any, work: Any, lane: int, back: Any, lane_grads: int, t: int, shared: Any, shared_grads: Any, chain: int
) -> None:
    """From (tx, ty, tz) after a chain to the gradients of its angles: the component along each rotation's axis, then
    the vector is turned back by that rotation."""
    w = width(work)
    first, count = code[code[CHAINS] + 3 * chain], code[code[CHAINS] + 3 * chain + 1]
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
    room = gate + CHAIN_REGISTERS * code[N_CHAINS] * w
    for i in range(code[N_LANE]):
        vstore(back, lane_grads + i * w, vzero(const))
    for o in range(code[N_OPS] - 1, -1, -1):
        op = code[OPS] + STRIDE * o
        kind = code[op]
        if kind == PRODUCT:
            for q in range(n):
                chain = code[code[op + 1] + q]
                if code[code[CHAINS] + 3 * chain + 1] > 0:
                    gates.turn_back(work, base, back, 0, gate + CHAIN_REGISTERS * chain * w, t, q, 0, dim, False)
                    _share_out(code, work, lane, back, lane_grads, t, shared, shared_grads, chain)
        elif kind == CHAIN:
            chain = code[op + 3]
            gates.turn_back(
                work, base, back, 0, gate + CHAIN_REGISTERS * chain * w, t, code[op + 1], code[op + 2], dim, True
            )
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
        elif kind == DIAGONAL:
            low_bits = n // 2
            high = room + (2 << low_bits) * w
            at = gates.phase_table(work, room, gate, code, code[op + 1], low_bits, True)
            gates.phase_table(work, high, gate, code, at, n - low_bits, True)
            gates.diagonal(work, base, dim, work, room, high, low_bits, const, code[op + 2])
            gates.diagonal(back, 0, dim, work, room, high, low_bits, const, code[op + 2])
        elif kind == SWINGS:
            first, count = code[op + 2], code[op + 1]
            for i in range(3 * count):
                vstore(back, t + i * w, vzero(const))
            _swing_all(code, first, count, work, base, gate, back, 0, t, True)
            for i in range(count):
                chain = code[first + 2 * i + 1]
                gates.after_later_rz(work, gate + CHAIN_REGISTERS * chain * w, back, t + 3 * i * w)
                _share_out(code, work, lane, back, lane_grads, t + 3 * i * w, shared, shared_grads, chain)
        else:
            gates.dense(work, base, code, code[op + 1], code[op + 2], const, code[op + 4], room, dim)
            gates.dense(back, 0, code, code[op + 1], code[op + 2], const, code[op + 4], hold, dim)


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
    hold = t + 3 * code[N_QUBITS] * w
    sums = hold + 2 * code[N_HOLD] * w
    two = const.dtype.type(2.0)
    for b in range(first, last):
        base, row = b * stride, b * w
        rows = min(w, grad_out.shape[0] - row)
        shared_grads[:] = 0
        start_costate(code, const, work, base, back, terms, sums, grad_out, row, rows)
        _undo_ops(code, const, shared, work, base, back, lane_grads, t, hold, shared_grads)
        pass_on(
            code, const, scales, work, base, back, lane_grads, shared_grads, grad_scales, grad_weights, b
        )  # fmt: skip
        for i in range(rows):
            for j in range(n_in):
                grad_x[row + i, j] = back[lane_grads + (n_lane + j) * w + i]
        if code[GIVEN]:
            for i in range(rows):
                for j in range(2 << code[N_QUBITS]):
                    grad_given[row + i, j] = two * back[j * w + i]
