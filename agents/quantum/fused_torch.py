"""A plan in plain torch: fused like the kernels', for any device that torch has.

All chains of the circuit are multiplied out at once, as 2x2 matrices (B, chains, 2, 2); a stage of chains on different
wires becomes one Kronecker factor for every group of up to three wires, applied by one batched matrix product each.
Constants are buffers, so that they live where the module does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from entangrid.agents.quantum.plan import Plan
from entangrid.agents.quantum.program import Angle
from entangrid.agents.quantum.schedule import Chain, Factor, Move, Operation, String

_GROUP = 3  # wires of one matrix product: building it costs 4^wires a sample, applying it 2^wires
_GENERATORS = {1: [[0, -1j], [-1j, 0]], 2: [[0, -1], [1, 0]], 3: [[-1j, 0], [0, 1j]]}  # -i times X, Y, Z


class TorchPlan(torch.nn.Module):
    """Executes a plan: inputs (B, n_in), scalings, weights and optionally states (B, 2^(n+1)) -> (B, n_out)."""

    def __init__(self, plan: Plan, precision: str = "single") -> None:
        super().__init__()
        self.n, self.n_outputs = plan.n_qubits, plan.n_outputs
        self.real = torch.float64 if precision == "double" else torch.float32
        self.complex = torch.complex128 if precision == "double" else torch.complex64
        self.squash = {1: torch.tanh, 2: torch.atan}.get(plan.squash)
        self._slots: dict[tuple[Angle, float], int] = {}
        self._chains: list[list[Factor]] = []
        self.steps = self._steps(plan.operations)
        self._keep_chains()
        self._keep_slots()
        self._keep_readout(plan)

    def _keep(self, name: str, values: object, dtype: torch.dtype | None = None) -> str:
        self.register_buffer(name, torch.as_tensor(np.asarray(values), dtype=dtype), persistent=False)
        return name

    def _slot(self, angle: Angle, gain: float) -> int:
        return self._slots.setdefault((angle, gain), len(self._slots))

    def _steps(self, operations: Sequence[Operation]) -> list[tuple[str, str, int]]:
        """(kind, name of its buffers, slot or chain) of every step; stages are collected on the way."""
        steps: list[tuple[str, str, int]] = []
        self.stages: list[list[int]] = []
        open_stage: dict[int, int] | None = None
        for number, op in enumerate(operations):
            name = f"op{number}"
            if isinstance(op, Chain) and not op.controls:
                self._chains.append(op.factors)
                if open_stage is None or op.wire in open_stage:
                    open_stage = {}
                    self.stages.append([-1] * self.n)
                    steps.append(("stage", "", len(self.stages) - 1))
                open_stage[op.wire] = self.stages[-1][op.wire] = len(self._chains) - 1
                continue
            open_stage = None
            if isinstance(op, Chain):
                self._chains.append(op.factors)
                bit = 1 << (self.n - 1 - op.wire)
                control = sum(1 << (self.n - 1 - w) for w in op.controls)
                j = np.arange(1 << self.n)
                zero = j[(j & control == control) & (j & bit == 0)]
                self._keep(name, np.concatenate([zero, zero | bit]))
                steps.append(("controlled", name, len(self._chains) - 1))
            elif isinstance(op, String):
                steps.append(("string", name, self._slot(op.turn.angle, op.turn.gain)))
                self._keep_string(name, op)
            elif isinstance(op, Move):
                self._keep(name, op.source)
                is_real = not np.abs(op.phase.imag).max() > 1e-12
                phase = op.phase.real if is_real else op.phase
                self._keep(f"{name}_phase", phase, self.real if is_real else self.complex)
                moves = bool((np.diff(op.source) != 1).any())
                steps.append(("move" if moves else "phase", name, 0))
            else:
                order = [*op.ordered, *(w for w in range(self.n) if w not in op.ordered)]
                self._keep(name, op.matrix, self.complex)
                self._keep(f"{name}_order", self._axes(order))
                self._keep(f"{name}_back", np.argsort(self._axes(order)))
                steps.append(("dense", name, len(op.ordered)))
        return steps

    def _axes(self, order: Sequence[int]) -> np.ndarray:
        """Amplitude numbers with the wires in another order."""
        j = np.arange(1 << self.n).reshape([2] * self.n)
        out: np.ndarray = j.transpose(order).ravel()
        return out

    def _keep_string(self, name: str, op: String) -> None:
        bits = {1 << (self.n - 1 - w): p for w, p in zip(op.turn.wires, op.turn.letters, strict=True)}
        flip = sum(b for b, p in bits.items() if p in "xy")
        sign = sum(b for b, p in bits.items() if p in "yz")
        partner = np.arange(1 << self.n) ^ flip
        phase = (1.0 - 2.0 * (np.bitwise_count(partner & sign) & 1)) * 1j ** op.turn.letters.count("y")
        self._keep(name, partner)
        self._keep(f"{name}_phase", -1j * phase, self.complex)

    def _keep_chains(self) -> None:
        """Factors of all chains in a table, from the last to the first: slot (zero angle where a chain is shorter) and
        generator, and whether any factor of a column depends on the sample."""
        depth = max((len(c) for c in self._chains), default=0)
        slots = np.full((depth, len(self._chains) + 1), -1)
        generators = np.zeros((depth, len(self._chains) + 1, 2, 2), complex)
        self.batched = [False] * depth
        for c, factors in enumerate(self._chains):
            for t, factor in enumerate(reversed(factors)):
                slots[t, c] = self._slot(factor.angle, factor.gain)
                generators[t, c] = _GENERATORS[factor.axis]
                self.batched[t] |= factor.angle.input >= 0
        self._keep("slots", slots)
        self._keep("generators", generators, self.complex)
        for s, stage in enumerate(self.stages):
            self._keep(f"stage{s}", stage)
        n_groups = -(-self.n // _GROUP)
        self.groups = [[int(w) for w in part] for part in np.array_split(np.arange(self.n), n_groups)]

    def _keep_slots(self) -> None:
        columns = list(self._slots)
        for name in ("input", "scale", "weight"):
            self._keep(f"slot_{name}", np.array([getattr(a, name) for a, _ in columns], np.int64))
        self._keep("slot_factor", np.array([gain * a.factor for a, gain in columns]), self.real)
        self._keep("slot_gain", np.array([gain for _, gain in columns]), self.real)
        self._keep("slot_offset", np.array([gain * a.offset for a, gain in columns]), self.real)
        self.any_input = any(a.input >= 0 for a, _ in columns)

    def _keep_readout(self, plan: Plan) -> None:
        terms = plan.terms
        phases = terms.phases(self.n)
        self.diagonal = terms.is_diagonal
        if self.diagonal:
            self._keep("table", phases.real.T @ terms.weights, self.real)
        else:
            self._keep("partner", np.arange(1 << self.n) ^ terms.flip[:, None])
            self._keep("phases", phases, self.complex)
            self._keep("term_weights", terms.weights, self.real)

    def _angles(self, x: torch.Tensor, scales: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """(B or 1, slots + 1), the last zero."""
        weights = torch.cat([weights, weights.new_zeros(1)])
        out = weights[self.get_buffer("slot_weight")] * self.get_buffer("slot_gain") + self.get_buffer("slot_offset")
        out = out[None]
        if self.any_input:
            index = self.get_buffer("slot_input")
            scales = torch.cat([scales, scales.new_ones(1)])
            z = x[:, index.clamp(min=0)] * scales[self.get_buffer("slot_scale")]
            z = z if self.squash is None else self.squash(z)
            out = out + torch.where(index >= 0, z * self.get_buffer("slot_factor"), 0.0)
        return torch.nn.functional.pad(out, (0, 1))

    def _matrices(self, angles: torch.Tensor) -> torch.Tensor:
        """Every chain multiplied out, (B or 1, chains + 1, 2, 2), the last the identity. From the last factor to the
        first, so that an encoding, which usually comes first, is the only product over the whole batch."""
        slots, generators = self.get_buffer("slots"), self.get_buffer("generators")
        product = torch.eye(2, dtype=self.complex, device=angles.device).expand(1, slots.shape[-1], 2, 2)
        for t in range(slots.shape[0]):
            half = 0.5 * (angles if self.batched[t] else angles[:1])[:, slots[t]]
            cos, sin = torch.cos(half)[..., None, None], torch.sin(half)[..., None, None]
            product = cos * product + sin * (product @ generators[t])
        return product

    def forward(self, *args: torch.Tensor | None) -> torch.Tensor:
        """`run`, as torch calls it."""
        return self.run(*args)  # type: ignore[arg-type]

    def run(
        self, x: torch.Tensor, scales: torch.Tensor, weights: torch.Tensor, given: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Outputs (B, n_out)."""
        batch = x.shape[0]
        angles = self._angles(x.to(self.real), scales.to(self.real), weights.to(self.real))
        matrices = self._matrices(angles)
        if given is None:
            state = torch.zeros(batch, 1 << self.n, dtype=self.complex, device=x.device)
            state[:, 0] = 1.0
        else:
            state = torch.view_as_complex(given.to(self.real).reshape(batch, -1, 2))
        for kind, name, index in self.steps:
            state = self._step(kind, name, index, state, angles, matrices)
        return self._read(state)

    def _step(
        self, kind: str, name: str, index: int, state: torch.Tensor, angles: torch.Tensor, matrices: torch.Tensor
    ) -> torch.Tensor:
        batch = state.shape[0]
        if kind == "stage":
            chosen = matrices[:, self.get_buffer(f"stage{index}")]
            for group in self.groups:  # each product moves its wires to the end, so that all are in order again
                factor = _kron([chosen[:, w] for w in group]).transpose(-1, -2)
                state = state.reshape(batch, factor.shape[-1], -1).transpose(1, 2) @ factor
            return state.reshape(batch, -1)
        if kind == "controlled":
            where, m = self.get_buffer(name), matrices[:, index]
            low, high = state[:, where].chunk(2, 1)
            new = (m[:, 0, :1] * low + m[:, 0, 1:] * high, m[:, 1, :1] * low + m[:, 1, 1:] * high)
            return state.index_copy(1, where, torch.cat(new, 1))
        if kind == "string":
            half = 0.5 * angles[:, index : index + 1]
            turned = state[:, self.get_buffer(name)] * self.get_buffer(f"{name}_phase")
            return torch.cos(half) * state + torch.sin(half) * turned
        if kind == "dense":
            moved = state[:, self.get_buffer(f"{name}_order")].reshape(batch, 1 << index, -1)
            return (self.get_buffer(name) @ moved).reshape(batch, -1)[:, self.get_buffer(f"{name}_back")]
        state = state[:, self.get_buffer(name)] if kind == "move" else state
        return state * self.get_buffer(f"{name}_phase")

    def _read(self, state: torch.Tensor) -> torch.Tensor:
        if self.diagonal:
            probabilities = state.real.square() + state.imag.square()
            return probabilities @ self.get_buffer("table")
        partners = state[:, self.get_buffer("partner")].conj()
        terms = (partners * self.get_buffer("phases") * state[:, None]).sum(-1).real
        return terms @ self.get_buffer("term_weights")


def _kron(factors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Kronecker product of (B, 2, 2) matrices; the first is most significant."""
    out = factors[0]
    for factor in factors[1:]:
        out = (out[:, :, None, :, None] * factor[:, None, :, None, :]).flatten(1, 2).flatten(-2)
    return out
