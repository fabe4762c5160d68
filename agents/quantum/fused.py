"""Execution of a plan by the compiled kernels: NumPy in and out, and as one differentiable torch function."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors  # one call for all, where Python takes many

from entangrid.agents.quantum.kernels import adjoint
from entangrid.agents.quantum.kernels import layout as at
from entangrid.agents.quantum.kernels.encoding import shared_half_angles
from entangrid.agents.quantum.kernels.simd import REGISTER_BYTES
from entangrid.agents.quantum.plan import Plan
from entangrid.data.errors import InputError

_PARALLEL_FROM = 1 << 18  # register operations of a call below which a second thread costs more than it saves
_POOLS: dict[tuple[int, int], ThreadPoolExecutor] = {}


def _pool(threads: int) -> ThreadPoolExecutor:
    """One pool a process and size; a forked child makes its own, since threads do not survive a fork."""
    key = (os.getpid(), threads)
    if key not in _POOLS:
        _POOLS[key] = ThreadPoolExecutor(threads, thread_name_prefix="circuit")
    return _POOLS[key]


class Engine:
    """A plan in one precision ("single" or "double") with reusable workspace.

    `threads` is the number of threads that share the blocks of a large call; None is torch's setting at the time of
    the call. Results have the same bits for any number, since blocks are independent and gradients are summed over
    them in one order. The inputs and the two trainable vectors are contiguous arrays of the engine's type.
    """

    def __init__(self, plan: Plan, precision: str = "single", threads: int | None = None) -> None:
        self.plan, self.threads = plan, threads
        self.dtype = np.dtype(np.float64 if precision == "double" else np.float32)
        self.code, self.const = plan.code, plan.const.astype(self.dtype)
        self.width = REGISTER_BYTES // self.dtype.itemsize
        self.stride = at.block_registers(self.code) * self.width
        self.scratch = at.scratch_registers(self.code) * self.width
        self.given = bool(self.code[at.GIVEN])
        self.n_shared = int(self.code[at.N_SHARED])
        self._block_operations = (len(plan.operations) + plan.n_qubits) << plan.n_qubits
        self._none = np.empty((0, 0), self.dtype)
        self._free: list[np.ndarray] = []

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_free": []}

    def _workspace(self, size: int) -> np.ndarray:
        # fresh memory costs a page fault every 4 kB, more than the arithmetic of small circuits
        with suppress(IndexError):  # another thread may take the last one
            while self._free:
                work = self._free.pop()
                if work.size >= size:
                    return work
        return np.empty(size, self.dtype)

    def release(self, work: np.ndarray) -> None:
        """Give back the workspace of a finished pass."""
        if len(self._free) < 4:
            self._free.append(work)

    def _chunks(self, blocks: int) -> list[tuple[int, int]]:
        threads = min(self.threads or torch.get_num_threads(), blocks)
        if threads < 2 or blocks * self._block_operations < _PARALLEL_FROM:
            return [(0, blocks)]
        edges = [blocks * i // threads for i in range(threads + 1)]
        return list(pairwise(edges))

    def forward(
        self, x: np.ndarray, scales: np.ndarray, weights: np.ndarray, given: np.ndarray | None = None
    ) -> np.ndarray:
        """Outputs (B, n_out) of inputs (B, n_in): acting, without torch and without what gradients would need."""
        self._check(x, scales, weights)
        shared = self._shared(weights)
        out = np.empty((x.shape[0], self.plan.n_outputs), self.dtype)
        given = self._none if given is None else given
        chunks = self._chunks(-(-x.shape[0] // self.width))

        def run(first: int, last: int) -> None:
            work = self._workspace(self.stride)
            adjoint.forward(x, given, scales, weights, shared, self.code, self.const, work, 0, first, last, out)
            self.release(work)

        self._each(run, chunks)
        return out

    def forward_keep(
        self, x: np.ndarray, scales: np.ndarray, weights: np.ndarray, given: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Outputs, and the workspace and shared half angles that `backward` needs."""
        self._check(x, scales, weights)
        shared = self._shared(weights)
        out = np.empty((x.shape[0], self.plan.n_outputs), self.dtype)
        given = self._none if given is None else given
        blocks = -(-x.shape[0] // self.width)
        work = self._workspace(blocks * self.stride)

        def run(first: int, last: int) -> None:
            adjoint.forward(
                x, given, scales, weights, shared, self.code, self.const, work, self.stride, first, last, out
            )  # fmt: skip

        self._each(run, self._chunks(blocks))
        return out, work, shared

    def backward(
        self, grad_out: np.ndarray, scales: np.ndarray, work: np.ndarray, shared: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Gradients to inputs (B, n_in), scalings, weights and given states (B, 2^(n+1)); uses `work` up."""
        rows, plan = grad_out.shape[0], self.plan
        blocks = -(-rows // self.width)
        grad_x = np.empty((rows, plan.n_inputs), self.dtype)
        grad_given = np.empty((rows, 2 << plan.n_qubits), self.dtype) if self.given else self._none
        grad_scales = np.zeros((blocks, plan.n_scales), self.dtype)
        grad_weights = np.zeros((blocks, plan.n_weights), self.dtype)

        def run(first: int, last: int) -> None:
            back = self._workspace(self.scratch)
            adjoint.backward(
                grad_out, scales, shared, self.code, self.const, work, self.stride, back,
                np.empty(self.n_shared, self.dtype), first, last, grad_x, grad_given, grad_scales, grad_weights,
            )  # fmt: skip
            self.release(back)

        self._each(run, self._chunks(blocks))
        return grad_x, grad_scales.sum(0), grad_weights.sum(0), grad_given

    def _check(self, x: np.ndarray, scales: np.ndarray, weights: np.ndarray) -> None:
        """The kernels check no bounds."""
        plan = self.plan
        if x.ndim != 2 or x.shape[1] != plan.n_inputs or scales.size != plan.n_scales or weights.size != plan.n_weights:
            raise InputError(
                f"the circuit was compiled for inputs (batch, {plan.n_inputs}), {plan.n_scales} scalings and"
                f" {plan.n_weights} angles, and is given {x.shape}, {scales.size} and {weights.size}"
            )

    def _shared(self, weights: np.ndarray) -> np.ndarray:
        shared = np.empty(2 * self.n_shared + 2, self.dtype)
        shared_half_angles(weights, self.code, self.const, shared)
        return shared

    def _each(self, run: Any, chunks: list[tuple[int, int]]) -> None:
        if len(chunks) == 1:
            run(*chunks[0])
            return
        for done in [_pool(len(chunks)).submit(run, *chunk) for chunk in chunks]:
            done.result()


class FusedFunction(torch.autograd.Function):
    """`Engine` under torch's automatic differentiation, on the CPU."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        scales: torch.Tensor,
        weights: torch.Tensor,
        given: torch.Tensor | None,
        engine: Engine,
    ) -> torch.Tensor:
        """Outputs (B, n_out) in the engine's precision."""
        a, b, c = (_array(t, engine.dtype) for t in (x, scales, weights))
        states = None if given is None else _array(given, engine.dtype)
        out, work, shared = engine.forward_keep(a, b, c, states)
        ctx.engine, ctx.kept = engine, (work, shared)
        ctx.save_for_backward(x, scales, weights, given)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Gradients by the adjoint method; a second pass over a kept graph computes the states anew.

        Raises `InputError` under ``create_graph``: torch would leave the circuit out of second derivatives and say
        nothing (`once_differentiable` does not stop it where other paths lead to the same parameters).
        """
        _require_first_derivative()
        engine: Engine = ctx.engine
        x, scales, weights, given = ctx.saved_tensors
        if ctx.kept is None:
            states = None if given is None else _array(given, engine.dtype)
            a, b, c = (_array(t, engine.dtype) for t in (x, scales, weights))
            _, *kept = engine.forward_keep(a, b, c, states)
        else:
            kept, ctx.kept = ctx.kept, None
        out = engine.backward(_array(grads[0], engine.dtype), _array(scales, engine.dtype), *kept)
        engine.release(kept[0])
        gx, gs, gw, gg = (torch.from_numpy(g) for g in out)
        # torch casts a gradient to the type of what it belongs to
        return gx, gs, gw, None if given is None else gg, None


class FusedModuleFunction(torch.autograd.Function):
    """`Engine` with many parameters in place of two vectors, under torch's automatic differentiation."""

    @staticmethod
    def forward(ctx: Any, engine: Engine, x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        """Outputs (B, n_out) in the engine's precision."""
        flat = flatten(parameters, engine.dtype)
        out, work, shared = engine.forward_keep(_array(x, engine.dtype), flat, flat)
        ctx.engine, ctx.kept, ctx.flat, ctx.parameters = engine, (work, shared), flat, parameters
        ctx.save_for_backward(x)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """As that of `FusedFunction`."""
        _require_first_derivative()
        engine: Engine = ctx.engine
        (x,) = ctx.saved_tensors
        kept, ctx.kept = ctx.kept, None
        if kept is None:
            _, *kept = engine.forward_keep(_array(x, engine.dtype), ctx.flat, ctx.flat)
        gx, gs, gw, _ = engine.backward(_array(grads[0], engine.dtype), ctx.flat, *kept)
        engine.release(kept[0])
        parts = _unflatten_dense_tensors(torch.from_numpy(gs + gw), ctx.parameters)  # type: ignore[no-untyped-call]
        return None, torch.from_numpy(gx), *parts


def flatten(parameters: Sequence[torch.Tensor], dtype: np.dtype[Any]) -> np.ndarray:
    """All numbers of some tensors in one array."""
    if not parameters:
        return np.zeros(0, dtype)
    flat: np.ndarray = _flatten_dense_tensors(parameters).detach().numpy()  # type: ignore[no-untyped-call]
    return flat.astype(dtype, copy=False)


def _require_first_derivative() -> None:
    if torch.is_grad_enabled():
        raise InputError("backend='fused' has no second derivatives (create_graph=True); use backend='torch'")


def _require_cpu(x: torch.Tensor) -> None:
    if x.device.type != "cpu":
        raise InputError(f"backend='fused' runs on the CPU, not on {x.device}; use backend='torch' there")


def execute_module(engine: Engine, x: torch.Tensor, parameters: Sequence[torch.Tensor]) -> torch.Tensor:
    """Outputs (B, n_out) of a plan whose scalings and weights are both all numbers of `parameters`."""
    _require_cpu(x)
    if torch.is_grad_enabled() and any(t.requires_grad for t in (x, *parameters)):
        apply: Any = FusedModuleFunction.apply
        out: torch.Tensor = apply(engine, x, *parameters)
        return out
    flat = flatten(parameters, engine.dtype)
    return torch.from_numpy(engine.forward(_array(x, engine.dtype), flat, flat))


def execute(
    engine: Engine, x: torch.Tensor, scales: torch.Tensor, weights: torch.Tensor, given: torch.Tensor | None = None
) -> torch.Tensor:
    """Outputs (B, n_out), with what gradients need only where some are wanted. Raises `InputError` off the CPU."""
    _require_cpu(x)
    sources = (x, scales, weights) if given is None else (x, scales, weights, given)
    if torch.is_grad_enabled() and any(t.requires_grad for t in sources):
        apply: Any = FusedFunction.apply
        out: torch.Tensor = apply(x, scales, weights, given, engine)
        return out
    a, b, c, *states = (_array(t, engine.dtype) for t in sources)
    return torch.from_numpy(engine.forward(a, b, c, *states))


def _array(tensor: torch.Tensor, dtype: np.dtype[Any]) -> np.ndarray:
    array: np.ndarray = tensor.detach().numpy()
    return np.ascontiguousarray(array, dtype)
