"""Everything else that acts on a block of samples: diagonals, Pauli strings, permutations, constant matrices.

States are laid out as in `gates`.
"""

from __future__ import annotations

from typing import Any

from entangrid.agents.quantum.kernels.simd import inner, load, spread, straight, zero
from entangrid.agents.quantum.kernels.symbols import Index, Number, Register, Room

Two = tuple[Register, Register]


@straight
def _one(table: Room) -> None:
    table[0], table[1] = table.zero().constant(1.0), table.zero()


@straight
def _times_phase(pr: Register, pi: Register, gate: Room, k: Index, direction: Register) -> Two:
    er, ei = gate[k], gate[k + 1] * direction
    return pr * er - pi * ei, pr * ei + pi * er


@straight
def _store_two(memory: Room, j: Index, re: Register, im: Register) -> None:
    memory[j * 2], memory[j * 2 + 1] = re, im


@inner
def phase_table(table: Any, gate: Any, code: Any, first: int, bits: int, direction: Any) -> int:
    """Products of the diagonal's phases over all settings of the next `bits` bits, at `table`; returns the position in
    `code` behind them. `gate` is where the split gates are; `direction` is 1, or -1 for the inverse."""
    _one(table)
    position = first
    for bit in range(bits):
        start = position + 1
        position = start + code[position]
        half = 1 << bit
        for j in range(half):
            pr, pi = load(table, 2 * j), load(table, 2 * j + 1)
            for i in range(start, position):
                which = code[i]  # 2 chain + 1 if its later RZ
                pr, pi = _times_phase(pr, pi, gate, 6 * (which >> 1) + 2 + 2 * (which & 1), direction)
            _store_two(table, j + half, pr, pi)
    return position


@straight
def _times(state: Room, j: Index, hr: Register, hi: Register, table: Room, i: Index) -> None:
    lr, li = table[i * 2], table[i * 2 + 1]
    pr, pi = hr * lr - hi * li, hr * li + hi * lr
    o = j * 2
    xr, xi = state[o], state[o + 1]
    state[o], state[o + 1] = pr * xr - pi * xi, pr * xi + pi * xr


@straight
def _times_signed(state: Room, j: Index, hr: Register, hi: Register, table: Room, i: Index, sign: Number) -> None:
    lr, li, s = table[i * 2], table[i * 2 + 1], sign.everywhere()
    pr, pi = (hr * lr - hi * li) * s, (hr * li + hi * lr) * s
    o = j * 2
    xr, xi = state[o], state[o + 1]
    state[o], state[o + 1] = pr * xr - pi * xi, pr * xi + pi * xr


@inner
def diagonal(state: Any, dim: int, low: Any, high: Any, low_bits: int, const: Any, signs: int) -> None:
    """Multiply amplitude (j, i), i its lowest `low_bits` bits, by the phases high[j] low[i] and its sign."""
    size = 1 << low_bits
    for j in range(dim >> low_bits):
        hr, hi = load(high, 2 * j), load(high, 2 * j + 1)
        if signs >= 0:
            for i in range(size):
                _times_signed(state, j * size + i, hr, hi, low, i, const[signs + j * size + i])
        else:
            for i in range(size):
                _times(state, j * size + i, hr, hi, low, i)


@straight
def _phase_pair(state: Room, j: Index, cos: Register, sin: Register) -> None:
    xr, xi = state[j * 2], state[j * 2 + 1]
    state[j * 2], state[j * 2 + 1] = cos * xr + sin * xi, cos * xi - sin * xr


@straight
def _mix_real(state: Room, j: Index, k: Index, cos: Register, sj: Register, sk: Register) -> None:
    o, p = j * 2, k * 2
    xr, xi, yr, yi = state[o], state[o + 1], state[p], state[p + 1]
    state[o], state[o + 1] = cos * xr + sk * yr, cos * xi + sk * yi
    state[p], state[p + 1] = cos * yr + sj * xr, cos * yi + sj * xi


@straight
def _mix_imaginary(state: Room, j: Index, k: Index, cos: Register, sj: Register, sk: Register) -> None:
    o, p = j * 2, k * 2
    xr, xi, yr, yi = state[o], state[o + 1], state[p], state[p + 1]
    state[o], state[o + 1] = cos * xr + sk * yi, cos * xi - sk * yr
    state[p], state[p + 1] = cos * yr + sj * xi, cos * yi - sj * xr


@straight
def signed(value: Register, bits: Index, odd: Index) -> Register:
    """With the other sign if the number of set bits, plus `odd`, is odd."""
    return value.signed((bits.parity() + odd) & 1)


@inner
def pauli_turn(state: Any, cos: Any, sin: Any, flip: int, sign: int, n_y: int, dim: int) -> None:
    """Apply cos - i sin P for a Pauli string of two letters or more, P|j> = i^n_y (-1)^|j & sign| |j ^ flip>."""
    top = flip
    while top & (top - 1):
        top &= top - 1
    half = n_y >> 1  # -i i^n_y: real for odd n_y, imaginary for even; partners differ by the sign of |j & sign|
    for j in range(dim):
        if j & top:
            continue
        k = j ^ flip
        sj = signed(sin, j & sign, half)
        if flip == 0:
            _phase_pair(state, j, cos, sj)
        elif n_y & 1:
            _mix_real(state, j, k, cos, sj, signed(sin, k & sign, half))
        else:
            _mix_imaginary(state, j, k, cos, sj, signed(sin, k & sign, half))


@straight
def _along(total: Register, state: Room, costate: Room, j: Index, k: Index, bits: Index, n_y: Index) -> Register:
    xr, xi, fr, fi = state[j * 2], state[j * 2 + 1], costate[k * 2], costate[k * 2 + 1]
    # i^n_y times conj(chi) psi, of which the imaginary part
    part = (fr * xr + fi * xi).choose((n_y & 1).equals(1), fr * xi - fi * xr)
    return total + part.signed((bits.parity() + (n_y >> 1)) & 1)


@inner
def pauli_overlap(state: Any, costate: Any, flip: int, sign: int, n_y: int, dim: int) -> Any:
    """Im <chi|P|psi> of a Pauli string."""
    total = zero(state)
    for j in range(dim):
        total = _along(total, state, costate, j, j ^ flip, j & sign, n_y)
    return total


@straight
def _negate_one(state: Room, j: Index) -> None:
    state[j * 2], state[j * 2 + 1] = -state[j * 2], -state[j * 2 + 1]


@inner
def negate(state: Any, code: Any, first: int, count: int) -> None:
    """Change the sign of the amplitudes listed in `code`."""
    for i in range(first, first + count):
        _negate_one(state, code[i])


@straight
def _phase_one(state: Room, j: Index, re: Number, im: Number) -> None:
    pr, pi, xr, xi = re.everywhere(), im.everywhere(), state[j * 2], state[j * 2 + 1]
    state[j * 2], state[j * 2 + 1] = pr * xr - pi * xi, pr * xi + pi * xr


@inner
def phase(state: Any, code: Any, first: int, count: int, const: Any, table: int) -> None:
    """Multiply the amplitudes listed in `code` by the numbers (re, im) in `const`."""
    for i in range(count):
        _phase_one(state, code[first + i], const[table + 2 * i], const[table + 2 * i + 1])


@straight
def _copy(state: Room, j: Index, source: Room, k: Index) -> None:
    state[j * 2], state[j * 2 + 1] = source[k * 2], source[k * 2 + 1]


@inner
def permute(state: Any, code: Any, first: int, count: int) -> None:
    """Move amplitudes along `count` cycles in `code`, each its length and then its members: the amplitude of a member
    becomes that of the next one."""
    position = first
    for _ in range(count):
        length = code[position]
        j = code[position + 1]
        keep_r, keep_i = load(state, 2 * j), load(state, 2 * j + 1)
        for i in range(position + 2, position + 1 + length):
            k = code[i]
            _copy(state, j, state, k)
            j = k
        _store_two(state, j, keep_r, keep_i)
        position += length + 1


@straight
def _add_product(yr: Register, yi: Register, hold: Room, q: Index, re: Number, im: Number) -> Two:
    mr, mi, xr, xi = re.everywhere(), im.everywhere(), hold[q * 2], hold[q * 2 + 1]
    return yr + mr * xr - mi * xi, yi + mr * xi + mi * xr


@inner
def dense(state: Any, code: Any, first: int, k: int, const: Any, table: int, hold: Any, dim: int) -> None:
    """Multiply by a constant 2^k matrix, (re, im) row by row in `const`. `code` lists the k bits in rising order, then
    the 2^k offsets of the matrix's rows; `hold` is room for 2^k amplitudes."""
    size = 1 << k
    rows = first + k
    for i in range(dim >> k):
        base = i
        for b in range(first, rows):
            base = spread(base, (1 << code[b]) - 1)
        for r in range(size):
            _copy(hold, r, state, base + code[rows + r])
        m = table
        for r in range(size):
            yr, yi = zero(state), zero(state)
            for q in range(size):
                yr, yi = _add_product(yr, yi, hold, q, const[m], const[m + 1])
                m += 2
            _store_two(state, base + code[rows + r], yr, yi)
