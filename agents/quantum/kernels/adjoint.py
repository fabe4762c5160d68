"""Forward and adjoint pass of a compiled plan over blocks of samples.

Blocks are independent, and each writes its own row of the gradients of the trainable vectors, so that the sum over
blocks has one order whatever the number of threads. A block's workspace and the scratch of the adjoint pass are laid
out in `layout`.
"""

from __future__ import annotations

from typing import Any

from entangrid.agents.quantum.kernels import gates, moves
from entangrid.agents.quantum.kernels.encoding import encode, load_given, pass_on
from entangrid.agents.quantum.kernels.expectation import read_out, start_costate
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
)
from entangrid.agents.quantum.kernels.simd import (
    add,
    at,
    clear,
    constant,
    fill,
    inlined,
    inner,
    kernel,
    load,
    negative,
    pick,
    room,
    splat,
    table,
    total,
    whole,
    width,
    zero,
)


@inner
def _swing_all(code: Any, op: int, state: Any, gate: Any, costate: Any, t: Any, is_back: int) -> None:
    """The RY of a stage, each on its bit, tile by tile of amplitudes that stay in the first-level cache."""
    n, count, first = code[N_QUBITS], code[op + 1], code[op + 2]
    for tiling in range(code[op + 4], code[op + 4] + 3 * code[op + 3], 3):
        low, bits, run = code[tiling], code[tiling + 1], code[tiling + 2]
        pairs = 1 << (bits + run - 1)
        for outer in range(1 << (n - low - bits)):
            for tile in range(1 << (low - run)):
                start = 2 * ((outer << (low + bits)) + (tile << run))
                here, there = at(state, start), at(costate, start)
                for i in range(count):
                    bit = code[first + 2 * i] - low
                    if 0 <= bit < bits:
                        u = at(gate, CHAIN_REGISTERS * code[first + 2 * i + 1])
                        if is_back:
                            gates.swing_back(here, there, u, at(t, 3 * i), bit, pairs, low, run)
                        else:
                            gates.swing(here, u, bit, pairs, low, run)


@inner
def _diagonal(code: Any, op: int, const: Any, state: Any, gate: Any, hold: Any, costate: Any, is_back: int) -> None:
    """The phases of a stage, as two tables over the low and the high bits."""
    n = code[N_QUBITS]
    low_bits = n >> 1
    high = at(hold, 2 << low_bits)
    direction = constant(hold, -1.0 if is_back else 1.0)
    position = moves.phase_table(hold, gate, code, code[op + 1], low_bits, direction)
    moves.phase_table(high, gate, code, position, n - low_bits, direction)
    moves.diagonal(state, 1 << n, hold, high, low_bits, const, code[op + 2])
    if is_back:
        moves.diagonal(costate, 1 << n, hold, high, low_bits, const, code[op + 2])


@inner
def _constant(code: Any, op: int, const: Any, state: Any, hold: Any, is_back: int) -> None:
    """An operation without angles, or its inverse, on a state or a costate."""
    kind, first, count = code[op], code[op + 1], code[op + 2]
    if kind == SIGN:
        moves.negate(state, code, first, count)
    elif kind == PHASE:
        moves.phase(state, code, first, count, const, code[op + 3 + is_back])
    elif kind == PERMUTE:
        moves.permute(state, code, code[op + 3] if is_back else first, count)
    else:
        moves.dense(state, code, first, count, const, code[op + 3 + is_back], hold, 1 << code[N_QUBITS])


@inner
def _make_gates(code: Any, shared: Any, lane: Any, gate: Any) -> None:
    """The fused gate of every chain."""
    for k in range(code[N_CHAINS]):
        chain = code[CHAINS] + 3 * k
        f = code[FACTORS] + 3 * code[chain]
        ar, ai, br, bi = constant(gate, 1.0), zero(gate), zero(gate), zero(gate)
        for _ in range(code[chain + 1]):
            axis, slot = code[f], 2 * code[f + 1]
            if code[f + 2]:
                c, s = load(lane, slot), load(lane, slot + 1)
            else:
                c, s = splat(shared[slot]), splat(shared[slot + 1])
            if axis == 1:
                ar, ai, br, bi = gates.turned_x(ar, ai, br, bi, c, s)
            elif axis == 2:
                ar, ai, br, bi = gates.turned_y(ar, ai, br, bi, c, s)
            else:
                ar, ai, br, bi = gates.turned_z(ar, ai, br, bi, c, s)
            f += 3
        u = at(gate, CHAIN_REGISTERS * k)
        gates.store_four(u, ar, ai, br, bi)
        if code[chain + 2]:
            gates.split(u)


@inlined
def _run_ops(code: Any, const: Any, shared: Any, state: Any, lane: Any, gate: Any, hold: Any) -> None:
    """All operations on the block's state."""
    dim, is_back = 1 << code[N_QUBITS], whole(0)
    for op in range(code[OPS], code[OPS] + STRIDE * code[N_OPS], STRIDE):
        kind = code[op]
        if kind == PRODUCT:
            fill(state, 0, 1.0)
            clear(state, 1)
            for q in range(code[N_QUBITS]):
                gates.grow_product(state, at(gate, CHAIN_REGISTERS * code[code[op + 1] + q]), 1 << q)
        elif kind == CHAIN:
            gates.turn(state, at(gate, CHAIN_REGISTERS * code[op + 3]), code[op + 1], code[op + 2], dim)
        elif kind == PAULI:
            slot = 2 * code[op + 4]
            if code[op + 5]:
                c, s = load(lane, slot), load(lane, slot + 1)
            else:
                c, s = splat(shared[slot]), splat(shared[slot + 1])
            moves.pauli_turn(state, c, s, code[op + 1], code[op + 2], code[op + 3], dim)
        elif kind == DIAGONAL:
            _diagonal(code, op, const, state, gate, hold, state, is_back)
        elif kind == SWINGS:
            _swing_all(code, op, state, gate, state, state, is_back)
        else:
            _constant(code, op, const, state, hold, is_back)


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
    code, const, shared, scales, weights = table(code), table(const), table(shared), table(scales), table(weights)
    for b in range(first, last):
        row = b * w
        rows = min(w, x.shape[0] - row)
        state = room(work, b * stride)
        inputs = at(state, 2 << code[N_QUBITS])
        squashed = at(inputs, code[N_INPUTS])
        lane = at(squashed, code[N_LANE])
        gate = at(lane, 2 * code[N_LANE])
        hold = at(gate, CHAIN_REGISTERS * code[N_CHAINS])
        encode(x, scales, weights, code, const, inputs, squashed, lane, row, rows, w)
        if code[GIVEN]:
            load_given(given, state, 2 << code[N_QUBITS], row, rows)
        _make_gates(code, shared, lane, gate)
        _run_ops(code, const, shared, state, lane, gate, hold)
        read_out(code, const, state, at(hold, 2 * code[N_HOLD]), out, row, rows)


@inner
def _share_out(
    code: Any, chain: int, lane: Any, lane_grads: Any, t: Any, shared: Any, shared_grads: Any
) -> None:  # fmt: skip
    """From (tx, ty, tz) after a chain to the gradients of its angles: the component along each rotation's axis, then
    the vector is turned back by that rotation."""
    first, count = code[code[CHAINS] + 3 * chain], code[code[CHAINS] + 3 * chain + 1]
    for i in range(count - 1, -1, -1):
        f = code[FACTORS] + 3 * (first + i)
        axis, slot = code[f] - 1, code[f + 1]
        if code[f + 2]:
            add(lane_grads, slot, load(t, axis))
            c, s = load(lane, 2 * slot), load(lane, 2 * slot + 1)
        else:
            if code[code[SHARED_SLOTS] + slot] >= 0:
                shared_grads[slot] += total(load(t, axis))
            c, s = splat(shared[2 * slot]), splat(shared[2 * slot + 1])
        if i:
            gates.before_turn(t, (axis + 1) % 3, (axis + 2) % 3, c, s)


@inlined
def _undo_ops(
    code: Any, const: Any, shared: Any, state: Any, lane: Any, gate: Any, costate: Any, lane_grads: Any,
    t: Any, hold: Any, shared_grads: Any,
) -> None:  # fmt: skip
    """Walk the operations backwards, adding to the gradients of lane slots and shared slots."""
    n, is_back = code[N_QUBITS], whole(1)
    dim = 1 << n
    for i in range(code[N_LANE]):
        clear(lane_grads, i)
    for op in range(code[OPS] + STRIDE * (code[N_OPS] - 1), code[OPS] - 1, -STRIDE):
        kind = code[op]
        if kind == PRODUCT:
            for q in range(n):
                chain = code[code[op + 1] + q]
                if code[code[CHAINS] + 3 * chain + 1] > 0:
                    gates.look_at(state, costate, t, q, dim)
                    _share_out(code, chain, lane, lane_grads, t, shared, shared_grads)
        elif kind == CHAIN:
            u = at(gate, CHAIN_REGISTERS * code[op + 3])
            gates.turn_back(state, costate, u, t, code[op + 1], code[op + 2], dim)
            _share_out(code, code[op + 3], lane, lane_grads, t, shared, shared_grads)
        elif kind == PAULI:
            flip, sign, n_y, slot = code[op + 1], code[op + 2], code[op + 3], code[op + 4]
            along = moves.pauli_overlap(state, costate, flip, sign, n_y, dim)
            if code[op + 5]:
                add(lane_grads, slot, along)
                c, s = load(lane, 2 * slot), load(lane, 2 * slot + 1)
            else:
                if code[code[SHARED_SLOTS] + slot] >= 0:
                    shared_grads[slot] += total(along)
                c, s = splat(shared[2 * slot]), splat(shared[2 * slot + 1])
            s = negative(s)
            moves.pauli_turn(state, c, s, flip, sign, n_y, dim)
            moves.pauli_turn(costate, c, s, flip, sign, n_y, dim)
        elif kind == DIAGONAL:
            _diagonal(code, op, const, state, gate, hold, costate, is_back)
        elif kind == SWINGS:
            first, count = code[op + 2], code[op + 1]
            for i in range(3 * count):
                clear(t, i)
            _swing_all(code, op, state, gate, costate, t, is_back)
            for i in range(count):
                chain = code[first + 2 * i + 1]
                here = at(t, 3 * i)
                gates.after_later_rz(at(gate, CHAIN_REGISTERS * chain), here)
                _share_out(code, chain, lane, lane_grads, here, shared, shared_grads)
        else:
            _constant(code, op, const, state, hold, is_back)
            _constant(code, op, const, costate, hold, is_back)


@kernel
def backward(
    grad_out: Any, scales: Any, shared: Any, code: Any, const: Any, work: Any, stride: int, back: Any,
    shared_grads: Any, first: int, last: int, grad_x: Any, grad_given: Any, grad_scales: Any, grad_weights: Any,
) -> None:  # fmt: skip
    """Gradients for blocks `first` to `last` from `grad_out` (B, n_out), undoing the states that `forward` left.

    Writes rows of `grad_x` (B, n_in) and `grad_given`, and adds to row b of `grad_scales` (blocks, n_scales) and
    `grad_weights`. `back` and `shared_grads` are scratch of `layout.scratch_registers` and one number a shared slot.
    """
    w = width(work)
    code, const, shared, scales = table(code), table(const), table(shared), table(scales)
    costate = room(back, 0)
    lane_grads = at(costate, 2 << code[N_QUBITS])
    input_grads = at(lane_grads, code[N_LANE])
    value = at(input_grads, code[N_INPUTS])
    outputs = at(value, code[N_TERMS])
    t = at(outputs, code[N_OUT])
    hold = at(t, 3 * code[N_QUBITS])
    sums = at(hold, 2 * code[N_HOLD])
    for b in range(first, last):
        row = b * w
        rows = min(w, grad_out.shape[0] - row)
        state = room(work, b * stride)
        inputs = at(state, 2 << code[N_QUBITS])
        squashed = at(inputs, code[N_INPUTS])
        lane = at(squashed, code[N_LANE])
        gate = at(lane, 2 * code[N_LANE])
        shared_grads[:] = 0
        start_costate(code, const, state, costate, value, outputs, sums, grad_out, row, rows)
        _undo_ops(code, const, shared, state, lane, gate, costate, lane_grads, t, hold, shared_grads)
        pass_on(
            code, const, scales, inputs, squashed, lane_grads, input_grads, shared_grads, grad_scales, grad_weights, b
        )
        for i in range(rows):
            for j in range(code[N_INPUTS]):
                grad_x[row + i, j] = pick(input_grads, j, i)
            if code[GIVEN]:
                for j in range(2 << code[N_QUBITS]):
                    grad_given[row + i, j] = 2.0 * pick(costate, j, i)
