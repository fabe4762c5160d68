"""How a compiled plan is laid out: the header of its integer array, and the kinds of operations.

A plan is two flat arrays, `code` (int64) and `const` (floating), so that a call passes few arguments. The header of
`code` holds sizes and the offsets of the tables behind it:

=============  ======================================================================================
N_QUBITS ...   sizes: qubits, inputs, lane slots, shared slots, chains, operations, terms, outputs, scratch
               amplitudes of the largest dense matrix, squash (0 none, 1 tanh, 2 arctan), 1 if a state is given
OPS            STRIDE integers an operation: kind and what the kind needs
LANE_SLOTS     (input, scale, weight) an angle that depends on the sample; -1 where a part is missing
SHARED_SLOTS   weight an angle that does not
FACTORS        (axis 1 to 3, slot, 1 if a lane slot) a rotation of a chain, from the first
CHAINS         (first factor, count, 1 if split) a chain, a run of rotations fused to one SU(2) gate
TERMS          (flip, sign, n_y) a Pauli string of the read-out
C_LANE         in `const`: (gain, factor, offset) a lane slot; C_SHARED (gain, offset) a shared slot;
               C_WEIGHTS (terms, outputs) weights of the read-out
=============  ======================================================================================

An angle is gain * (offset + factor * squash(scale * input) + weight) [rad].

A block's workspace, in registers: state 2^(n+1), inputs, squashed inputs, (cos, sin) of half angles two a lane slot,
SU(2) gates CHAIN_REGISTERS a chain, room for a dense matrix or tables of phases, expectation values, and eight for
sums. Scratch of the adjoint pass: costate, gradients to lane slots, inputs, terms and outputs, overlaps three a qubit,
matrix room, eight for sums.
"""

import numpy as np

(
    N_QUBITS, N_INPUTS, N_LANE, N_SHARED, N_CHAINS, N_OPS, N_TERMS, N_OUT, N_HOLD, SQUASH, GIVEN,
    OPS, LANE_SLOTS, SHARED_SLOTS, FACTORS, CHAINS, TERMS, C_LANE, C_SHARED, C_WEIGHTS, HEADER,
) = range(21)  # fmt: skip

STRIDE = 6

PRODUCT = 0  # chains of all qubits from |0>: first position in `code` of the list of n chain numbers
CHAIN = 1  # bit, control mask, chain
PAULI = 2  # flip, sign, n_y, slot, 1 if a lane slot
SIGN = 3  # first, count of the amplitudes to negate
PHASE = 4  # first, count of amplitudes, table of (re, im), table of the inverse
PERMUTE = 5  # first, count of cycles, first of the inverse
DENSE = 6  # first, k, table, table of the inverse
# A stage of many chains is split: RZ RY RZ each, where the RZ of all qubits are one diagonal (with signs after it)
DIAGONAL = 7  # first of the list (count of this bit's phases, then 2 chain + 1 if its later RZ) bit by bit, signs or -1
SWINGS = 8  # count, first of the list of (bit, chain) of the real rotations RY; count, first of the tilings
CHAIN_REGISTERS = 6


def block_registers(code: np.ndarray) -> int:
    """Registers of one block's workspace."""
    angles = code[N_INPUTS] + 3 * code[N_LANE] + CHAIN_REGISTERS * code[N_CHAINS]
    return int((2 << code[N_QUBITS]) + angles + 2 * code[N_HOLD] + code[N_TERMS] + 8)


def scratch_registers(code: np.ndarray) -> int:
    """Registers of scratch for the adjoint pass."""
    ends = code[N_LANE] + code[N_INPUTS] + code[N_OUT] + code[N_TERMS] + 8
    return int((2 << code[N_QUBITS]) + ends + 3 * code[N_QUBITS] + 2 * code[N_HOLD])
