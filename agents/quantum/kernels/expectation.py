"""From states to outputs, weighted sums of expectation values of Pauli strings, and from gradients to costates.

Diagonal strings (listed first) take eight amplitudes at a time: the signs of the lowest three bits are one Hadamard
transform for all strings.
"""

from __future__ import annotations

from typing import Any

from entangrid.agents.quantum.kernels.layout import C_WEIGHTS, N_OUT, N_QUBITS, N_TERMS, TERMS
from entangrid.agents.quantum.kernels.simd import at, clear, inner, load, pick, put, store, straight, zero
from entangrid.agents.quantum.kernels.symbols import Index, Number, Register, Room


@straight
def signed_sums(sums: Room) -> None:
    """The eight signed sums of eight registers, in place: out[k] = Σ_i (-1)^|i & k| in[i]."""
    for step in (1, 2, 4):
        for k in range(8):
            if not k & step:
                sums[k], sums[k + step] = sums[k] + sums[k + step], sums[k] - sums[k + step]


@straight
def _probability(sums: Room, i: Index, state: Room, j: Index) -> None:
    xr, xi = state[j * 2], state[j * 2 + 1]
    sums[i] = xr * xr + xi * xi


@straight
def _add_signed(memory: Room, k: Index, value: Register, bits: Index) -> None:
    memory[k] = memory[k] + value.signed(bits.parity())


@straight
def _add_weighted(memory: Room, k: Index, value: Register, weight: Number) -> None:
    memory[k] = memory[k] + value * weight.everywhere()


@straight
def _add_along(total: Register, state: Room, j: Index, k: Index, bits: Index, n_y: Index) -> Register:
    """Plus the real part of i^n_y conj(y) x, with its sign."""
    xr, xi, yr, yi = state[j * 2], state[j * 2 + 1], state[k * 2], state[k * 2 + 1]
    part = (yi * xr - yr * xi).choose((n_y & 1).equals(1), yr * xr + yi * xi)
    return total + part.signed((bits.parity() + (n_y >> 1)) & 1)


@inner
def read_out(code: Any, const: Any, state: Any, value: Any, out: Any, row: int, rows: int) -> None:
    """Outputs of the block. `value` is room for all strings and eight more."""
    dim, n_terms, n_out, terms = 1 << code[N_QUBITS], code[N_TERMS], code[N_OUT], code[TERMS]
    sums = at(value, n_terms)
    n_diagonal = 0
    for t in range(n_terms):
        clear(value, t)
        if code[terms + 3 * t] == 0:
            n_diagonal += 1
    for high in range(0, dim if n_diagonal else 0, 8):
        for i in range(8):
            if i < dim:
                _probability(sums, i, state, high + i)
            else:
                clear(sums, i)
        signed_sums(sums)
        for t in range(n_diagonal):
            sign = code[terms + 3 * t + 1]
            _add_signed(value, t, load(sums, sign & 7), high & sign)
    for t in range(n_diagonal, n_terms):
        flip, sign, n_y = code[terms + 3 * t], code[terms + 3 * t + 1], code[terms + 3 * t + 2]
        along = zero(value)
        for j in range(dim):
            along = _add_along(along, state, j, j ^ flip, j & sign, n_y)
        store(value, t, along)
    for c in range(n_out):
        clear(sums, 0)
        for t in range(n_terms):
            weight = const[code[C_WEIGHTS] + t * n_out + c]
            if weight != 0:
                _add_weighted(sums, 0, load(value, t), weight)
        for i in range(rows):
            out[row + i, c] = pick(sums, 0, i)


@straight
def _times_amplitude(costate: Room, j: Index, factor: Register, state: Room) -> None:
    o = j * 2
    costate[o], costate[o + 1] = factor * state[o], factor * state[o + 1]


@straight
def _add_turned(
    costate: Room, k: Index, state: Room, j: Index, weight: Register, bits: Index, n_y: Index
) -> None:  # fmt: skip
    """Plus i^n_y times the amplitude, with its sign."""
    v = weight.signed((bits.parity() + (n_y >> 1)) & 1)
    xr, xi = state[j * 2], state[j * 2 + 1]
    is_odd = (n_y & 1).equals(1)
    costate[k * 2] = costate[k * 2] + v * (-xi).choose(is_odd, xr)
    costate[k * 2 + 1] = costate[k * 2 + 1] + v * xr.choose(is_odd, xi)


@inner
def start_costate(
    code: Any, const: Any, state: Any, costate: Any, value: Any, outputs: Any, sums: Any, grad_out: Any, row: int,
    rows: int,
) -> None:  # fmt: skip
    """chi = sum over strings of (gradient to the string) P psi. `value` is room for all strings, `outputs` for all
    outputs, `sums` for eight."""
    dim, n_terms, n_out, terms = 1 << code[N_QUBITS], code[N_TERMS], code[N_OUT], code[TERMS]
    for c in range(n_out):
        clear(outputs, c)
        for i in range(rows):
            put(outputs, c, i, grad_out[row + i, c])
    n_diagonal = 0
    for t in range(n_terms):
        clear(value, t)
        for c in range(n_out):
            weight = const[code[C_WEIGHTS] + t * n_out + c]
            if weight != 0:
                _add_weighted(value, t, load(outputs, c), weight)
        if code[terms + 3 * t] == 0:
            n_diagonal += 1
    for high in range(0, dim, 8):
        for i in range(8):
            clear(sums, i)
        for t in range(n_diagonal):
            sign = code[terms + 3 * t + 1]
            _add_signed(sums, sign & 7, load(value, t), high & sign)
        signed_sums(sums)
        for i in range(min(8, dim)):
            _times_amplitude(costate, high + i, load(sums, i), state)
    for t in range(n_diagonal, n_terms):
        flip, sign, n_y = code[terms + 3 * t], code[terms + 3 * t + 1], code[terms + 3 * t + 2]
        weight_t = load(value, t)
        for j in range(dim):
            _add_turned(costate, j ^ flip, state, j, weight_t, j & sign, n_y)
