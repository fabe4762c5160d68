"""From observations and weights to half angles, and from gradients of angles back to both."""

from __future__ import annotations

import math
from typing import Any

from entangrid.agents.quantum.kernels.layout import (
    C_LANE,
    C_SHARED,
    LANE_SLOTS,
    N_INPUTS,
    N_LANE,
    N_SHARED,
    SHARED_SLOTS,
    SQUASH,
)
from entangrid.agents.quantum.kernels.simd import clear, inner, kernel, load, pick, put, straight, total
from entangrid.agents.quantum.kernels.symbols import Index, Number, Register, Room
from entangrid.agents.quantum.kernels.trigonometry import sincos, store_turn


@kernel
def shared_half_angles(weights: Any, code: Any, const: Any, shared: Any) -> None:
    """(cos, sin) of the half angles that all samples share, two numbers a slot."""
    half = const.dtype.type(0.5)
    for k in range(code[N_SHARED]):
        w = code[code[SHARED_SLOTS] + k]
        c = code[C_SHARED] + 2 * k
        angle = const[c + 1]
        if w >= 0:
            angle += weights[w]
        angle *= half * const[c]
        shared[2 * k] = math.cos(angle)
        shared[2 * k + 1] = math.sin(angle)


@straight
def _scaled(memory: Room, k: Index, source: Room, j: Index, scale: Number) -> None:
    memory[k] = source[j] * scale.everywhere()


@straight
def _affine(value: Register, factor: Number, offset: Number) -> Register:
    return value * factor.everywhere() + offset.everywhere()


@inner
def encode(
    x: Any, scales: Any, weights: Any, code: Any, const: Any, inputs: Any, squashed: Any, lane: Any, row: int,
    rows: int, w: int,
) -> None:  # fmt: skip
    """Transpose the block's inputs to `inputs`; squash them into `squashed`, and (cos, sin) of half angles into `lane`,
    one and two registers a lane slot."""
    for j in range(code[N_INPUTS]):
        clear(inputs, j)
        for i in range(rows):
            put(inputs, j, i, x[row + i, j])
    squash = code[SQUASH]
    for k in range(code[N_LANE]):
        slot, c = code[LANE_SLOTS] + 3 * k, code[C_LANE] + 3 * k
        scale, weight = code[slot + 1], code[slot + 2]
        _scaled(squashed, k, inputs, code[slot], scales[scale] if scale >= 0 else 1.0)
        if squash:
            for i in range(w):
                z = pick(squashed, k, i)
                put(squashed, k, i, math.tanh(z) if squash == 1 else math.atan(z))
        gain, constant = 0.5 * const[c], const[c + 2]
        if weight >= 0:
            constant += weights[weight]
        store_turn(lane, 2 * k, _affine(load(squashed, k), gain * const[c + 1], gain * constant))


@inner
def load_given(given: Any, state: Any, count: int, row: int, rows: int) -> None:
    """Transpose `count` columns of given states, real and imaginary parts in turn; idle lanes hold zeros."""
    for j in range(count):
        clear(state, j)
        for i in range(rows):
            put(state, j, i, given[row + i, j])


@straight
def _grown(value: Register, factor: Number) -> Register:
    return value * factor.everywhere()


@straight
def _behind_tanh(value: Register, z: Register) -> Register:
    return value * (z.constant(1.0) - z * z)


@straight
def _behind_arctan(value: Register, z: Register) -> Register:
    """1 / (1 + tan(z)^2) = cos(z)^2."""
    _, cos = sincos(z)
    return value * cos * cos


@straight
def _sum_of_products(one: Register, other: Register) -> Number:
    return (one * other).sum()


@straight
def _add_grown(memory: Room, k: Index, value: Register, factor: Number) -> None:
    memory[k] = memory[k] + value * factor.everywhere()


@inner
def pass_on(
    code: Any, const: Any, scales: Any, inputs: Any, squashed: Any, lane_grads: Any, input_grads: Any,
    shared_grads: Any, grad_scales: Any, grad_weights: Any, block: int,
) -> None:  # fmt: skip
    """Gradients of the slots' angles to inputs (into `input_grads`), scalings and weights (row `block`)."""
    squash = code[SQUASH]
    for j in range(code[N_INPUTS]):
        clear(input_grads, j)
    for k in range(code[N_LANE]):
        slot, c = code[LANE_SLOTS] + 3 * k, code[C_LANE] + 3 * k
        source, scale, weight = code[slot], code[slot + 1], code[slot + 2]
        g = _grown(load(lane_grads, k), const[c])
        if weight >= 0:
            grad_weights[block, weight] += total(g)
        g = _grown(g, const[c + 1])
        if squash == 1:
            g = _behind_tanh(g, load(squashed, k))
        elif squash == 2:
            g = _behind_arctan(g, load(squashed, k))
        if scale >= 0:
            grad_scales[block, scale] += _sum_of_products(g, load(inputs, source))
        _add_grown(input_grads, source, g, scales[scale] if scale >= 0 else 1.0)
    for k in range(code[N_SHARED]):
        weight = code[code[SHARED_SLOTS] + k]
        if weight >= 0:
            grad_weights[block, weight] += const[code[C_SHARED] + 2 * k] * shared_grads[k]
