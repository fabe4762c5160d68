"""From scheduled operations to a plan: what the kernels run, in two flat arrays.

The first SU(2) gate of every wire, if nothing precedes it, makes a product state. Where many wires turn at once, each
gate is split into RZ RY RZ: the real RY costs half as much, and the RZ of all wires, of two neighbouring stages and the
signs between them are one multiplication by phases.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from entangrid.agents.quantum.kernels import layout as at
from entangrid.agents.quantum.program import Angle
from entangrid.agents.quantum.readout import PauliTerms
from entangrid.agents.quantum.schedule import Chain, Factor, Move, Operation, String, schedule, stages
from entangrid.agents.quantum.translation import Primitive

_SPLIT_FROM = 5  # chains of a stage: a diagonal costs what two SU(2) gates cost more than two RY
_TILE = 7  # bits of a tile of amplitudes that stays in the first-level cache, with its costate
SQUASH_CODES = {"none": 0, "min-max": 0, "tanh": 1, "arctan": 2}  # min-max is applied before the kernel


class Plan(NamedTuple):
    """What the kernels run, `code` int64 and `const` float64 (see `kernels.layout`), and what it was made from."""

    code: np.ndarray
    const: np.ndarray
    n_inputs: int
    n_scales: int
    n_weights: int
    n_outputs: int
    n_qubits: int
    squash: int
    terms: PauliTerms
    operations: tuple[Operation, ...]


def _tilings(n_qubits: int) -> list[tuple[int, int, int]]:
    """(low, bits, run): which bits are swung together, on tiles of 2^run amplitudes side by side for each of their
    settings. First all bits that fit a tile, then two higher ones at a time, so that amplitudes come from the
    first-level cache for all but a few of them."""
    first = n_qubits if n_qubits <= _TILE + 1 else _TILE
    out = [(0, first, 0)]
    for low in range(first, n_qubits, 2):
        bits = min(2, n_qubits - low)
        out.append((low, bits, min(low, _TILE - bits)))
    return out


@dataclass
class _Tables:
    """Tables being filled: angles become slots, operations rows of integers."""

    n_qubits: int
    lane_slots: dict[tuple[Angle, float], int] = field(default_factory=dict)
    shared_slots: dict[tuple[Angle, float], int] = field(default_factory=dict)
    factors: list[tuple[int, int, int]] = field(default_factory=list)
    chains: list[tuple[int, int, int]] = field(default_factory=list)
    ops: list[list[int]] = field(default_factory=list)
    lists: list[int] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    hold: int = 0
    phases: dict[int, list[int]] = field(default_factory=dict)  # of the diagonal that is waiting, by bit
    signs: np.ndarray | None = None

    def slot(self, angle: Angle, gain: float) -> tuple[int, int]:
        """(slot, 1 if a lane slot)."""
        table = self.lane_slots if angle.input >= 0 else self.shared_slots
        return table.setdefault((angle, gain), len(table)), int(angle.input >= 0)

    def chain(self, factors: Sequence[Factor], *, split: bool = False) -> int:
        self.chains.append((len(self.factors), len(factors), int(split)))
        self.factors += [(f.axis, *self.slot(f.angle, f.gain)) for f in factors]
        return len(self.chains) - 1

    def bit(self, wire: int) -> int:
        return self.n_qubits - 1 - wire

    def add(self, kind: int, *values: int) -> None:
        self.ops.append([kind, *values, *[0] * (at.STRIDE - 1 - len(values))])

    def product(self, first: dict[int, Chain]) -> None:
        chains = [self.chain(first[w].factors if w in first else ()) for w in reversed(range(self.n_qubits))]
        self.add(at.PRODUCT, self._list(chains))

    def _list(self, values: Iterable[int]) -> int:
        start = len(self.lists)
        self.lists += [int(v) for v in values]
        return start

    def _numbers(self, values: np.ndarray) -> int:
        start = len(self.numbers)
        flat = np.asarray(values, complex).ravel()
        self.numbers += np.stack([flat.real, flat.imag], 1).ravel().tolist()
        return start

    def stage(self, chains: Sequence[Chain]) -> None:
        """Chains on different wires, which all commute."""
        if len(chains) < _SPLIT_FROM:
            self.flush()
            for chain in chains:
                self.operation(chain)
            return
        numbers = [(self.bit(c.wire), self.chain(c.factors, split=True)) for c in chains]
        for bit, number in numbers:
            self.phases.setdefault(bit, []).append(2 * number)
        self.flush()
        tilings = _tilings(self.n_qubits)
        pairs = self._list([v for pair in numbers for v in pair])
        self.add(at.SWINGS, len(numbers), pairs, len(tilings), self._list([v for tiling in tilings for v in tiling]))
        self.phases = {bit: [2 * number + 1] for bit, number in numbers}

    def flush(self) -> None:
        """Write the diagonal that is waiting."""
        if self.phases:
            entries = [self.phases.get(bit, []) for bit in range(self.n_qubits)]
            first = self._list(v for phases in entries for v in (len(phases), *phases))
            signs = -1
            if self.signs is not None:
                signs = len(self.numbers)
                self.numbers += self.signs.tolist()
            self.add(at.DIAGONAL, first, signs)
            low = self.n_qubits // 2
            self.hold = max(self.hold, (1 << low) + (1 << (self.n_qubits - low)))
        self.phases, self.signs = {}, None

    def take_signs(self, move: Move) -> bool:
        """Join a diagonal of signs to the one that is waiting, if there is one."""
        is_signs = (np.diff(move.source) == 1).all() and np.abs(move.phase.imag).max() < 1e-12
        if not self.phases or not is_signs:
            return False
        self.signs = move.phase.real.round() * (1.0 if self.signs is None else self.signs)
        return True

    def operation(self, op: Operation) -> None:
        if isinstance(op, Chain):
            control = sum(1 << self.bit(w) for w in op.controls)
            self.add(at.CHAIN, self.bit(op.wire), control, self.chain(op.factors))
        elif isinstance(op, String):
            bits = {self.bit(w): letter for w, letter in zip(op.turn.wires, op.turn.letters, strict=True)}
            flip = sum(1 << b for b, letter in bits.items() if letter in "xy")
            sign = sum(1 << b for b, letter in bits.items() if letter in "yz")
            self.add(at.PAULI, flip, sign, op.turn.letters.count("y"), *self.slot(op.turn.angle, op.turn.gain))
        elif isinstance(op, Move):
            self._move(op)
        else:
            k = len(op.ordered)
            self.hold = max(self.hold, 1 << k)
            bits_high_first = [self.bit(w) for w in op.ordered]
            rows = [sum(1 << b for i, b in enumerate(bits_high_first) if r >> (k - 1 - i) & 1) for r in range(1 << k)]
            first = self._list([*sorted(bits_high_first), *rows])
            self.add(at.DENSE, first, k, self._numbers(op.matrix), self._numbers(op.matrix.conj().T))

    def _move(self, op: Move) -> None:
        cycles: list[list[int]] = []
        seen = np.zeros(len(op.source), bool)
        for start in np.flatnonzero(op.source != np.arange(len(op.source))):
            if not seen[start]:
                cycle = [int(start)]
                while (following := int(op.source[cycle[-1]])) != start:
                    cycle.append(following)
                seen[cycle] = True
                cycles.append(cycle)
        if cycles:
            first = self._list([v for cycle in cycles for v in [len(cycle), *cycle]])
            back = self._list([v for cycle in cycles for v in [len(cycle), *reversed(cycle)]])
            self.add(at.PERMUTE, first, len(cycles), back)
        negative = np.flatnonzero(np.abs(op.phase + 1) < 1e-12)
        turned = np.flatnonzero((np.abs(op.phase + 1) >= 1e-12) & (np.abs(op.phase - 1) >= 1e-12))
        if len(negative):
            self.add(at.SIGN, self._list(negative), len(negative))
        if len(turned):
            tables = (self._numbers(values) for values in (op.phase[turned], op.phase[turned].conj()))
            self.add(at.PHASE, self._list(turned), len(turned), *tables)


# which integer of an operation is a position in the lists
_LIST_FIELDS = {
    at.PRODUCT: (1,),
    at.SIGN: (1,),
    at.PHASE: (1,),
    at.PERMUTE: (1, 3),
    at.DENSE: (1,),
    at.DIAGONAL: (1,),
    at.SWINGS: (2, 4),
}


def make_plan(
    primitives: Iterable[Primitive],
    terms: PauliTerms,
    n_qubits: int,
    n_inputs: int,
    n_scales: int,
    n_weights: int,
    squash: str = "none",
    given_state: bool = False,
) -> Plan:
    """The plan of a circuit on |0...0>, or on states that the caller gives."""
    operations = schedule(primitives, n_qubits)
    if terms.is_diagonal:  # phases of amplitudes do not change their magnitude
        while operations and isinstance(last := operations[-1], Move) and (np.diff(last.source) == 1).all():
            operations.pop()
    tables = _Tables(n_qubits)
    first: dict[int, Chain] = {}
    if not given_state:
        touched: set[int] = set()
        for op in operations:
            if isinstance(op, Chain) and not op.controls and op.wire not in touched:
                first[op.wire] = op
            touched |= op.wires
        tables.product(first)
    for group in stages([op for op in operations if not any(op is chain for chain in first.values())]):
        if isinstance(group, list):
            tables.stage(group)
        elif not (isinstance(group, Move) and tables.take_signs(group)):
            tables.flush()
            tables.operation(group)
    if not terms.is_diagonal:
        tables.flush()
    return _pack(tables, terms, operations, n_inputs, n_scales, n_weights, SQUASH_CODES[squash], given_state)


def _pack(
    tables: _Tables,
    terms: PauliTerms,
    operations: Sequence[Operation],
    n_inputs: int,
    n_scales: int,
    n_weights: int,
    squash: int,
    given_state: bool,
) -> Plan:
    order = np.argsort(terms.flip != 0, kind="stable")  # diagonal strings first, as the kernels expect
    n_terms, n_out = terms.weights.shape
    header = [0] * at.HEADER
    sizes = {
        at.N_QUBITS: tables.n_qubits, at.N_INPUTS: n_inputs, at.N_LANE: len(tables.lane_slots),
        at.N_SHARED: len(tables.shared_slots), at.N_CHAINS: len(tables.chains), at.N_OPS: len(tables.ops),
        at.N_TERMS: n_terms, at.N_OUT: n_out, at.N_HOLD: tables.hold, at.SQUASH: squash, at.GIVEN: int(given_state),
    }  # fmt: skip
    for where, value in sizes.items():
        header[where] = value
    sections = {
        at.LANE_SLOTS: [v for a, _ in tables.lane_slots for v in (a.input, a.scale, a.weight)],
        at.SHARED_SLOTS: [a.weight for a, _ in tables.shared_slots],
        at.FACTORS: [v for factor in tables.factors for v in factor],
        at.CHAINS: [v for chain in tables.chains for v in chain],
        at.TERMS: [int(v) for t in order for v in (terms.flip[t], terms.sign[t], terms.n_y[t])],
    }
    numbers = {
        at.C_LANE: [v for a, gain in tables.lane_slots for v in (gain, a.factor, a.offset)],
        at.C_SHARED: [v for a, gain in tables.shared_slots for v in (gain, a.offset)],
        at.C_WEIGHTS: terms.weights[order].ravel().tolist(),
    }
    code, const = list(header), list(tables.numbers)
    for where, values in sections.items():
        header[where] = len(code)
        code += values
    for where, floats in numbers.items():
        header[where] = len(const)
        const += floats
    lists = len(code)
    code += tables.lists
    header[at.OPS] = len(code)
    for op in tables.ops:
        for position in _LIST_FIELDS.get(op[0], ()):
            op[position] += lists
        code += op
    code[: at.HEADER] = header
    return Plan(
        code=np.array(code, np.int64),
        const=np.array([*const, 0.0]),
        n_inputs=n_inputs,
        n_scales=n_scales,
        n_weights=n_weights,
        n_outputs=n_out,
        n_qubits=tables.n_qubits,
        squash=squash,
        terms=terms,
        operations=tuple(operations),
    )
