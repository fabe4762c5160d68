"""Finding out, once, where a module's angles come from.

The kernels can compute angles of the form gain * (offset + factor * squash(scale * x_i) + weight) themselves. Each
angle of a traced module is fitted to that form from its value and its derivatives at one random point, and the fit is
tested at others, with other inputs and other parameters. Only smooth operations may have made the angles, so that
agreement at random points means agreement everywhere; modules beyond that are traced anew at every call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch

from entangrid.agents.quantum.program import Angle
from entangrid.agents.quantum.tracing import MATRIX_GATES, Tape, TracedGate, run_traced

_SMOOTH = (
    "AccumulateGrad", "MulBackward0", "AddBackward0", "SubBackward0", "RsubBackward1", "NegBackward0", "DivBackward0",
    "TanhBackward0", "AtanBackward0", "SelectBackward0", "SliceBackward0", "IndexBackward0", "IndexSelectBackward0",
    "UnsqueezeBackward0", "SqueezeBackward0", "SqueezeBackward1", "ViewBackward0", "UnsafeViewBackward0",
    "ReshapeAliasBackward0", "ExpandBackward0", "PermuteBackward0", "TransposeBackward0", "TBackward0",
    "UnbindBackward0", "StackBackward0", "CatBackward0", "SplitBackward0", "CloneBackward0", "ToCopyBackward0",
    "AliasBackward0", "AsStridedBackward0", "RepeatBackward0", "GatherBackward0", "ConstantPadNdBackward0",
)  # fmt: skip
_SQUASHES: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], Callable[[torch.Tensor], torch.Tensor]]] = {
    "none": (lambda z: z, lambda z: torch.ones_like(z)),
    "tanh": (torch.tanh, lambda z: 1.0 - torch.tanh(z) ** 2),
    "arctan": (torch.atan, lambda z: 1.0 / (1.0 + z * z)),
}
_PROBES = 4


class Recipe(NamedTuple):
    """What a module does: its gates, the source and gain of each of their angles (indices into the flattened
    parameters), the squash of all, and the strings read out."""

    n_qubits: int
    gates: list[TracedGate]
    angles: list[tuple[tuple[Angle, float], ...]]
    squash: str
    strings: tuple[str, ...]


class _Probe(NamedTuple):
    """One trace in double precision: the angles (K,) of the first sample, its inputs, the flat parameters, and the
    angles' derivatives (K, n_in) and (K, P) to both."""

    tape: Tape
    strings: tuple[str, ...]
    angles: torch.Tensor
    x: torch.Tensor
    flat: torch.Tensor
    dx: torch.Tensor
    dp: torch.Tensor

    def structure(self) -> object:
        """What must be the same at every point."""
        gates = [(g.name, g.wires, g.inverse, g.params is None or g.params.shape[-1]) for g in self.tape.gates]
        return gates, self.strings, self.tape.n_qubits


@contextmanager
def _other_parameters(module: torch.nn.Module, generator: torch.Generator) -> Iterator[None]:
    """The module with other parameter objects, in double precision and moved at random; its own come back afterwards,
    untouched, since graphs that were made from them may still be waiting for their backward pass."""
    before = [(m._parameters, dict(m._parameters)) for m in module.modules()]
    moved: dict[int, torch.nn.Parameter] = {}
    try:
        for p in module.parameters():
            value = p.detach().double() + torch.randn(p.shape, generator=generator, dtype=torch.float64)
            moved[id(p)] = torch.nn.Parameter(value)  # frozen ones too: their place is looked for
        for current, old in before:
            current.update({n: p if p is None else moved[id(p)] for n, p in old.items()})
        yield
    finally:
        for current, old in before:
            current.update(old)


def _probe(module: torch.nn.Module, n_inputs: int, generator: torch.Generator) -> _Probe | None:
    """Trace two random samples; None if the output is not the read-out itself, the two samples are not treated alike
    or the angles are not smooth."""
    x = torch.randn(2, n_inputs, generator=generator, dtype=torch.float64).requires_grad_()
    seen: list[tuple[Tape, tuple[str, ...], torch.Tensor]] = []

    def read(tape: Tape, strings: tuple[str, ...]) -> torch.Tensor:
        seen.append((tape, strings, x.new_zeros(tape.batch, len(strings))))
        return seen[-1][2]

    with _other_parameters(module, generator), torch.enable_grad():
        out = run_traced(module, (x,), read)
        if len(seen) != 1 or out is not seen[0][2] or seen[0][0].given is not None or seen[0][0].batch != 2:
            return None
        tape, strings, _ = seen[0]
        columns = [c.double().expand(2) for g in tape.gates if _n_angles(g) for c in _params(g).unbind(-1)]
        angles = torch.stack(columns, -1)[0] if columns else x.new_zeros(0)
        if not _is_smooth(angles):
            return None
        sources = [x, *module.parameters()]
        rows = [_gradients(angle, sources) for angle in angles]
        if any(row[0][1].any() for row in rows):  # an angle of the first sample depends on the second
            return None
        to_parameters = [torch.cat([x.new_zeros(0), *(g.reshape(-1) for g in row[1:])]) for row in rows]
        flat = torch.cat([p.detach().reshape(-1) for p in module.parameters()] or [x.new_zeros(0)])
        dx = torch.stack([row[0][0] for row in rows]) if rows else x.new_zeros(0, n_inputs)
        dp = torch.stack(to_parameters) if rows else x.new_zeros(0, len(flat))
        return _Probe(tape, strings, angles.detach(), x.detach()[0], flat, dx, dp)


def _n_angles(gate: TracedGate) -> int:
    return 0 if gate.params is None or gate.name in MATRIX_GATES else gate.params.shape[-1]


def _params(gate: TracedGate) -> torch.Tensor:
    assert gate.params is not None
    return gate.params


def _gradients(angle: torch.Tensor, sources: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    if angle.grad_fn is None:
        return [torch.zeros_like(s) for s in sources]
    grads = torch.autograd.grad(angle, sources, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(s) if g is None else g for g, s in zip(grads, sources, strict=True)]


def _is_smooth(angles: torch.Tensor) -> bool:
    stack, seen = [angles.grad_fn], set()
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.name().removeprefix("torch::autograd::") not in _SMOOTH:
            return False
        stack += [following for following, _ in node.next_functions]
    return True


def _fit(probe: _Probe, other: _Probe, k: int, squash: str) -> tuple[Angle, float] | None:
    """The form of angle k and its gain, or None."""
    dx, dp = probe.dx[k], probe.dp[k]
    inputs, involved = dx.nonzero().flatten().tolist(), dp.nonzero().flatten().tolist()
    value = float(probe.angles[k])
    weights = [i for i in involved if torch.isclose(dp[i], other.dp[k, i], rtol=1e-5, atol=1e-7)]
    scales = [i for i in involved if i not in weights]
    if len(inputs) > 1 or len(weights) > 1 or len(scales) > len(inputs):
        return None
    gain, weight = (float(dp[weights[0]]), weights[0]) if weights else (1.0, -1)
    offset = value - (gain * float(probe.flat[weight]) if weights else 0.0)
    if not inputs:
        return Angle(weight=weight, offset=_round(offset / gain)), _round(gain)
    scale = probe.flat[scales[0]] if scales else torch.ones_like(dx[0])
    apply, slope = _SQUASHES[squash]
    z = scale * probe.x[inputs[0]]
    factor = float(dx[inputs[0]] / (scale * slope(z)))
    offset -= factor * float(apply(z))
    scale_index = scales[0] if scales else -1
    return Angle(inputs[0], scale_index, weight, _round(factor / gain), _round(offset / gain)), _round(gain)


def _round(value: float) -> float:
    """Without the last digits, which the fit leaves behind."""
    return round(value, 12)


def _predict(angle: Angle, gain: float, squash: str, x: torch.Tensor, flat: torch.Tensor) -> torch.Tensor:
    out = torch.tensor(angle.offset, dtype=torch.float64)
    if angle.input >= 0:
        z = x[angle.input] * (flat[angle.scale] if angle.scale >= 0 else 1.0)
        out = out + angle.factor * _SQUASHES[squash][0](z)
    if angle.weight >= 0:
        out = out + flat[angle.weight]
    return gain * out


def recognise(module: torch.nn.Module, n_inputs: int) -> Recipe | None:
    """The recipe of a module of one argument (B, n_inputs), or None if it has none. Raises `Untraceable`."""
    generator = torch.Generator().manual_seed(0)
    probes: list[_Probe] = []
    for _ in range(_PROBES):
        probe = _probe(module, n_inputs, generator)
        if probe is None or (probes and probe.structure() != probes[0].structure()):
            return None
        probes.append(probe)
    for squash in _SQUASHES:
        fits = [_fit(probes[0], probes[1], k, squash) for k in range(len(probes[0].angles))]
        good = [fit for fit in fits if fit is not None]
        if len(good) < len(fits):
            return None
        if all(_agrees(probe, good, squash) for probe in probes):
            return _recipe(probes[0], good, squash)
    return None


def _agrees(probe: _Probe, fits: Sequence[tuple[Angle, float]], squash: str) -> bool:
    predicted = [_predict(angle, gain, squash, probe.x, probe.flat) for angle, gain in fits]
    return not fits or torch.allclose(torch.stack(predicted), probe.angles, rtol=1e-5, atol=1e-6)


def _recipe(probe: _Probe, fits: Sequence[tuple[Angle, float]], squash: str) -> Recipe:
    angles: list[tuple[tuple[Angle, float], ...]] = []
    at = 0
    for gate in probe.tape.gates:
        angles.append(tuple(fits[at : at + _n_angles(gate)]))
        at += _n_angles(gate)
    return Recipe(probe.tape.n_qubits, probe.tape.gates, angles, squash, probe.strings)
