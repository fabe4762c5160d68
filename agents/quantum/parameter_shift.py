"""Gradients from values of the circuit alone, as hardware gives them.

As a function of one angle a read-out is a trigonometric polynomial. Its frequencies are sums and differences of those
that the gate's rotations have: gain for exp(-i gain a/2 P), gain/2 and gain if the rotation is controlled. With
frequencies that are multiples 1 to R of a base, 2 R shifted values give the derivative exactly, with any noise that
does not depend on the angle (Wierichs et al. 2022, doi:10.22331/q-2022-03-30-677): two for a Pauli rotation, the known
four for a controlled one (Anselmetti et al. 2021, doi:10.1088/1367-2630/ac2cb3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce
from math import gcd
from typing import Any, NamedTuple

import numpy as np
import torch

from entangrid.agents.quantum.steps import NoisyProgram
from entangrid.agents.quantum.translation import PauliTurn, Turn
from entangrid.data.errors import InputError


class Rule(NamedTuple):
    """The derivative is Σ coefficients[i] f(angle + shifts[i])."""

    shifts: np.ndarray
    coefficients: np.ndarray


def equidistant_rule(base: float, count: int) -> Rule:
    """The rule for frequencies base, 2 base ... count base; none for a function that does not depend on the angle."""
    k = np.arange(1, 2 * count + 1)
    x = (2 * k - 1) * np.pi / max(2 * count, 1)
    coefficients = base * (-1.0) ** (k - 1) / (4 * max(count, 1) * np.sin(x / 2) ** 2)
    return Rule(np.where(x > np.pi, x - 2 * np.pi, x) / base, coefficients)


def frequencies(program: NoisyProgram, column: int) -> list[Fraction]:
    """Positive frequencies that a read-out can have in one angle, in order."""
    found = {Fraction(0)}
    for step in program.steps:
        if not isinstance(step, Turn | PauliTurn) or step.angle.input != column:
            continue
        gain = abs(Fraction(step.gain).limit_denominator(64))
        own = [Fraction(0), gain] + ([gain / 2] if isinstance(step, Turn) and step.controls else [])
        found = {abs(f + sign * g) for f in found for g in own for sign in (1, -1)}
    return sorted(found - {Fraction(0)})


def shift_rules(program: NoisyProgram) -> tuple[Rule, ...]:
    """The rule of every column of angles."""
    rules = []
    for column in range(program.n_angles):
        of = frequencies(program, column)
        if not of:
            rules.append(Rule(np.zeros(0), np.zeros(0)))
            continue
        scale = np.lcm.reduce([f.denominator for f in of])
        base = Fraction(reduce(gcd, [int(f * scale) for f in of]), int(scale))
        rules.append(equidistant_rule(float(base), int(max(of) / base)))
    return tuple(rules)


Estimate = Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]  # angles (R, K) and states to values (R, n_out)
_ROWS = 8192  # of one shifted evaluation


class ShiftedFunction(torch.autograd.Function):
    """Values by `estimate`; gradients to the angles by shifting one at a time, those with `wanted` only."""

    @staticmethod
    def forward(
        ctx: Any,
        angles: torch.Tensor,
        given: torch.Tensor | None,
        estimate: Estimate,
        rules: Sequence[Rule],
        wanted: Sequence[bool],
    ) -> torch.Tensor:
        """Values (B, n_out) of angles (B, K)."""
        ctx.save_for_backward(angles, given)
        ctx.estimate, ctx.rules, ctx.wanted = estimate, rules, wanted
        return estimate(angles, given)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Gradient (B, K) to the angles. Raises `InputError` under ``create_graph``, which would leave it out."""
        if torch.is_grad_enabled():
            raise InputError("backend='shots' has no second derivatives (create_graph=True)")
        angles, given = ctx.saved_tensors
        if ctx.needs_input_grad[1]:
            raise InputError("backend='shots': there is no parameter-shift rule for the amplitudes of a prepared state")
        batch, n_angles = angles.shape
        shifts = [(k, s, c) for k in range(n_angles) if ctx.wanted[k]
                  for s, c in zip(*ctx.rules[k], strict=True)]  # fmt: skip
        out = torch.zeros_like(angles)
        size = max(1, _ROWS // max(batch, 1))
        for start in range(0, len(shifts), size):
            part = shifts[start : start + size]
            moved = angles.repeat(len(part), 1, 1)
            columns = torch.tensor([k for k, _, _ in part], device=angles.device)
            moved[torch.arange(len(part)), :, columns] += torch.tensor([[s] for _, s, _ in part]).to(angles)
            states = None if given is None else given.repeat(len(part), 1)
            values = ctx.estimate(moved.reshape(-1, n_angles), states)
            values = values.reshape(len(part), batch, values.shape[1])
            slopes = (values * grads[0].to(values)).sum(2) * torch.tensor([[c] for _, _, c in part]).to(values)
            out.index_add_(1, columns, slopes.T.to(out))
        return out, None, None, None, None


def shifted(
    angles: torch.Tensor, given: torch.Tensor | None, estimate: Estimate, rules: Sequence[Rule], wanted: Sequence[bool]
) -> torch.Tensor:
    """`estimate`, differentiable in the angles by parameter shifts."""
    apply: Any = ShiftedFunction.apply
    out: torch.Tensor = apply(angles, given, estimate, rules, wanted)
    return out
