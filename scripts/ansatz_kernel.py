"""A kernel written for one circuit alone, to measure what `fused` pays for executing any: part of bench_quantum.py.

The circuit is n qubits of RX(s x), RY, RZ and a ring of CZ a layer, read by ⟨Z⟩ of every qubit, as `Circuit(n, layers)`
is. Nothing is looked up: layers, qubits and angles are loops and positions; the three rotations of a qubit are one
closed formula, the ring is a list of signs. It has the registers and one-qubit gates of the product's kernels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from entangrid.agents.quantum.kernels import gates
from entangrid.agents.quantum.kernels.expectation import signed_sums
from entangrid.agents.quantum.kernels.moves import negate
from entangrid.agents.quantum.kernels.simd import (
    at,
    clear,
    constant,
    inner,
    kernel,
    load,
    pick,
    put,
    room,
    straight,
    table,
    total,
    whole,
    width,
)
from entangrid.agents.quantum.kernels.symbols import Index, Number, Register, Room
from entangrid.agents.quantum.kernels.trigonometry import sincos

WIDTH = 16  # lanes of single precision


@straight
def _gate(u: Room, x: Register, scale: Number, cb: Number, sb: Number, cc: Number, sc: Number) -> None:
    """RZ(c) RY(b) RX(scale x) as alpha and beta, with (cos, sin) of b/2 and c/2; then (cos, sin) of the RX."""
    s, c = sincos(x * scale.everywhere() * 0.5)
    cb_, sb_, cc_, sc_ = cb.everywhere(), sb.everywhere(), cc.everywhere(), sc.everywhere()
    p, q, r, t = cc_ * cb_, sc_ * sb_, cc_ * sb_, sc_ * cb_
    u[0], u[1] = p * c + q * s, r * s - t * c
    u[2], u[3] = r * c + t * s, q * c - p * s
    u[4], u[5] = c, s


@straight
def _start(state: Room) -> None:
    state[0], state[1] = state.zero().constant(1.0), state.zero()


@straight
def _probability(sums: Room, i: Index, state: Room, j: Index) -> None:
    xr, xi = state[j * 2], state[j * 2 + 1]
    sums[i] = xr * xr + xi * xi


@straight
def _add_signed(memory: Room, k: Index, value: Register, odd: Index) -> None:
    memory[k] = memory[k] + value.signed(odd & 1)


@straight
def _times_amplitude(costate: Room, j: Index, factor: Register, state: Room) -> None:
    costate[j * 2], costate[j * 2 + 1] = factor * state[j * 2], factor * state[j * 2 + 1]


@straight
def _scaled_product(one: Register, other: Register) -> Number:
    return (one * other).sum()


@straight
def _add_scaled(memory: Room, k: Index, value: Register, factor: Number) -> None:
    memory[k] = memory[k] + value * factor.everywhere()


@inner
def _sign(code: Any, state: Any, count: int) -> None:
    negate(state, code, whole(0), count)


@kernel
def forward(x: Any, scaling: Any, halves: Any, negative: Any, work: Any, stride: int, out: Any) -> None:
    """⟨Z⟩ (B, n) of inputs (B, n); `halves` (layers, n, 4) are (cos, sin) of the half angles; `negative` the amplitudes
    whose sign the ring changes. Block b of samples works at element b * stride of `work`."""
    n, layers, w, code = x.shape[1], scaling.shape[0], width(work), table(negative)
    dim, count = 1 << n, len(negative)
    for b in range((x.shape[0] + w - 1) // w):
        row = b * w
        rows = min(w, x.shape[0] - row)
        state = room(work, b * stride)
        inputs = at(state, 2 * dim)
        gate = at(inputs, n)
        sums = at(gate, 6 * n * layers)
        values = at(sums, 8)
        for q in range(n):
            clear(inputs, q)
            clear(values, q)
            for i in range(rows):
                put(inputs, q, i, x[row + i, q])
        _start(state)
        for layer in range(layers):
            for q in range(n):
                h = halves[layer, q]
                u = at(gate, 6 * (layer * n + q))
                _gate(u, load(inputs, q), scaling[layer, q], h[0], h[1], h[2], h[3])
                if layer:
                    gates.turn(state, u, n - 1 - q, whole(0), dim)
            if layer == 0:
                for q in range(n - 1, -1, -1):
                    gates.grow_product(state, at(gate, 6 * q), 1 << (n - 1 - q))
            if layer + 1 < layers:
                _sign(code, state, count)
        for high in range(0, dim, 8):
            for i in range(8):
                _probability(sums, i, state, high + i)
            signed_sums(sums)
            for q in range(n):
                bit = 1 << (n - 1 - q)
                _add_signed(values, q, load(sums, bit & 7), (high >> (n - 1 - q)) & 1)
        for q in range(n):
            for i in range(rows):
                out[row + i, q] = pick(values, q, i)


@kernel
def backward(
    grad: Any, scaling: Any, halves: Any, negative: Any, work: Any, stride: int, back: Any, grad_x: Any, grad_s: Any,
    grad_a: Any,
) -> None:  # fmt: skip
    """Gradients to inputs (B, n), scaling (layers, n) and angles (layers, n, 2), added to zeros."""
    n, layers, w, code = grad.shape[1], scaling.shape[0], width(work), table(negative)
    dim, count = 1 << n, len(negative)
    costate = room(back, 0)
    slopes = at(costate, 2 * dim)
    sums = at(slopes, n)
    t = at(sums, 8)
    to_x = at(t, 3)
    for b in range((grad.shape[0] + w - 1) // w):
        row = b * w
        rows = min(w, grad.shape[0] - row)
        state = room(work, b * stride)
        inputs = at(state, 2 * dim)
        gate = at(inputs, n)
        for q in range(n):
            clear(to_x, q)
            clear(slopes, q)
            for i in range(rows):
                put(slopes, q, i, grad[row + i, q])
        for high in range(0, dim, 8):
            for i in range(8):
                clear(sums, i)
            for q in range(n):
                _add_signed(sums, (1 << (n - 1 - q)) & 7, load(slopes, q), (high >> (n - 1 - q)) & 1)
            signed_sums(sums)
            for i in range(8):
                _times_amplitude(costate, high + i, load(sums, i), state)
        for layer in range(layers - 1, -1, -1):
            if layer + 1 < layers:
                _sign(code, state, count)
                _sign(code, costate, count)
            for q in range(n):
                u = at(gate, 6 * (layer * n + q))
                if layer:
                    gates.turn_back(state, costate, u, t, n - 1 - q, whole(0), dim)
                else:
                    gates.look_at(state, costate, t, n - 1 - q, dim)
                h = halves[layer, q]
                grad_a[layer, q, 1] += total(load(t, 2))
                gates.before_turn(t, 0, 1, constant(t, h[2]), constant(t, h[3]))
                grad_a[layer, q, 0] += total(load(t, 1))
                gates.before_turn(t, 2, 0, constant(t, h[0]), constant(t, h[1]))
                grad_s[layer, q] += _scaled_product(load(t, 0), load(inputs, q))
                _add_scaled(to_x, q, load(t, 0), scaling[layer, q])
        for q in range(n):
            for i in range(rows):
                grad_x[row + i, q] = pick(to_x, q, i)


class OneAnsatz:
    """The kernel with its workspace, in single precision; at least three qubits."""

    def __init__(self, n: int, layers: int) -> None:
        j = np.arange(1 << n)
        bits = j[:, None] >> np.arange(n) & 1
        self.negative = np.flatnonzero((bits & np.roll(bits, 1, 1)).sum(1) % 2)
        self.stride = ((2 << n) + 2 * n + 6 * n * layers + 8) * WIDTH
        self.back = np.empty(((2 << n) + 2 * n + 11) * WIDTH, np.float32)
        self.work = np.empty(0, np.float32)

    def act(self, x: np.ndarray, scaling: np.ndarray, angles: np.ndarray, *, keep: bool = False) -> np.ndarray:
        """⟨Z⟩ (B, n); `keep` leaves the states for `differentiate`."""
        stride = self.stride if keep else 0
        size = max(self.stride, -(-len(x) // WIDTH) * stride)
        if self.work.size < size:
            self.work = np.empty(size, np.float32)
        half = 0.5 * angles
        self.halves = np.stack([np.cos(half), np.sin(half)], -1).reshape(*scaling.shape, 4)
        out = np.empty_like(x)
        forward(x, scaling, self.halves, self.negative, self.work, stride, out)
        return out

    def differentiate(self, grad: np.ndarray, scaling: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Gradients to inputs, scaling and angles; uses the states up."""
        out = np.empty_like(grad), np.zeros_like(scaling), np.zeros((*scaling.shape, 2), np.float32)
        backward(grad, scaling, self.halves, self.negative, self.work, self.stride, self.back, *out)
        return out


class OneAnsatzFunction(torch.autograd.Function):
    """`OneAnsatz` under torch's automatic differentiation."""

    @staticmethod
    def forward(ctx: Any, x: Any, scaling: Any, angles: Any, one: OneAnsatz) -> torch.Tensor:
        ctx.one, ctx.scaling = one, scaling.detach().numpy()
        return torch.from_numpy(one.act(x.detach().numpy(), ctx.scaling, angles.detach().numpy(), keep=True))

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        out = ctx.one.differentiate(np.ascontiguousarray(grads[0].numpy()), ctx.scaling)
        return *(torch.from_numpy(g) for g in out), None
