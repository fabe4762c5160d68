"""The two ends of a plan: from observations to half angles, from states to outputs, and their gradients.

Workspace of a block, in registers: state 2^(n+1), inputs, squashed inputs, (cos, sin) of half angles two a lane slot,
SU(2) gates six a chain, room for a dense matrix or tables of phases, expectation values, and eight for sums.
"""

from __future__ import annotations

import math
from typing import Any

from entangrid.agents.quantum.kernels.layout import (
    C_LANE,
    C_SHARED,
    C_WEIGHTS,
    CHAIN_REGISTERS,
    LANE_SLOTS,
    N_CHAINS,
    N_HOLD,
    N_INPUTS,
    N_LANE,
    N_OUT,
    N_QUBITS,
    N_SHARED,
    N_TERMS,
    SHARED_SLOTS,
    SQUASH,
    TERMS,
)
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


@kernel
def block_registers(code: Any) -> int:
    """Registers of one block's workspace."""
    state = 2 << code[N_QUBITS]
    angles = code[N_INPUTS] + 3 * code[N_LANE] + CHAIN_REGISTERS * code[N_CHAINS]
    return int(state + angles + 2 * code[N_HOLD] + code[N_TERMS] + 8)


@kernel
def scratch_registers(code: Any) -> int:
    """Registers of scratch for the adjoint pass: costate, gradients to lane slots, inputs, terms and outputs, overlaps
    three a qubit, matrix room, eight for sums."""
    state = 2 << code[N_QUBITS]
    ends = code[N_LANE] + code[N_INPUTS] + code[N_OUT] + code[N_TERMS] + 8
    return int(state + ends + 3 * code[N_QUBITS] + 2 * code[N_HOLD])


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
def encode(x: Any, scales: Any, weights: Any, code: Any, const: Any, work: Any, base: int, row: int, rows: int) -> None:
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
def load_given(given: Any, code: Any, work: Any, base: int, row: int, rows: int) -> None:
    """Transpose given states (B, 2^(n+1)), real and imaginary parts in turn, into the block; idle lanes hold zeros."""
    w = width(work)
    for j in range(2 << code[N_QUBITS]):
        for i in range(rows):
            work[base + j * w + i] = given[row + i, j]
        for i in range(rows, w):
            work[base + j * w + i] = 0


@inner
def hadamard8(work: Any, at: int) -> None:
    """The eight signed sums of eight registers, in place: out[k] = Σ_i (-1)^|i & k| in[i]."""
    w = width(work)
    for bit in range(3):
        for k in range(4):
            low = (1 << bit) - 1
            o = at + (((k & ~low) << 1) | (k & low)) * w
            p = o + (1 << bit) * w
            x, y = vload(work, o), vload(work, p)
            vstore(work, o, x + y)
            vstore(work, p, x - y)


@inner
def read_out(code: Any, const: Any, work: Any, base: int, out: Any, row: int, rows: int) -> None:
    """Outputs of the block: weighted sums of the expectation values of the read-out's Pauli strings.

    Diagonal strings (listed first) take the probabilities of eight amplitudes at a time: the signs of the lowest three
    bits are one Hadamard transform for all strings.
    """
    w = width(work)
    dim, n_terms, n_out = 1 << code[N_QUBITS], code[N_TERMS], code[N_OUT]
    zero, one, two = const.dtype.type(0.0), const.dtype.type(1.0), const.dtype.type(2.0)
    terms = code[TERMS]
    value = base + (block_registers(code) - n_terms - 8) * w
    sums = value + n_terms * w
    n_diagonal = 0
    for t in range(n_terms):
        vstore(work, value + t * w, vzero(const))
        n_diagonal += code[terms + 3 * t] == 0
    for high in range(max(dim >> 3, 1) if n_diagonal else 0):
        for i in range(8):
            o = base + (8 * high + i) * 2 * w
            if i < dim:
                xr, xi = vload(work, o), vload(work, o + w)
                vstore(work, sums + i * w, xr * xr + xi * xi)
            else:
                vstore(work, sums + i * w, vzero(const))
        hadamard8(work, sums)
        for t in range(n_diagonal):
            sign = code[terms + 3 * t + 1]
            factor = vset(one - two * const.dtype.type(parity((8 * high) & sign)))
            at_t = value + t * w
            vstore(work, at_t, vload(work, at_t) + factor * vload(work, sums + (sign & 7) * w))
    for t in range(n_diagonal, n_terms):
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
    for c in range(n_out):
        total = vzero(const)
        for t in range(n_terms):
            weight = const[code[C_WEIGHTS] + t * n_out + c]
            if weight != zero:
                total = total + vset(weight) * vload(work, value + t * w)
        vstore(work, sums, total)
        for i in range(rows):
            out[row + i, c] = work[sums + i]


@inner
def start_costate(
    code: Any, const: Any, work: Any, base: int, back: Any, terms: int, sums: int, grad_out: Any, row: int, rows: int
) -> None:
    """chi = sum over terms of (gradient to the term) P psi, at the start of `back`; `sums` is room for eight."""
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
    for high in range(max(dim >> 3, 1)):
        for i in range(8):
            vstore(back, sums + i * w, vzero(const))
        for t in range(n_diagonal):
            sign = code[code[TERMS] + 3 * t + 1]
            factor = vset(one - two * const.dtype.type(parity((8 * high) & sign)))
            at_k = sums + (sign & 7) * w
            vstore(back, at_k, vload(back, at_k) + factor * vload(back, terms + t * w))
        hadamard8(back, sums)
        for i in range(min(8, dim)):
            v = vload(back, sums + i * w)
            o = (8 * high + i) * 2 * w
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
def pass_on(
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
