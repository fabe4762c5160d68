"""Function approximators in plain NumPy over the compiled kernels: no torch in the loop of small batches.

At four qubits and batches of 16 the kernels take 20 µs for values and gradients together, less than torch needs to
record one operation; the papers' Q-learning spends its whole budget on such batches.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from entangrid.agents.quantum.circuit import Circuit

F = npt.NDArray[np.float32]
Parameters = dict[str, F]


class Approximator(Protocol):
    """Observations (B, n_in) to numbers (B, n_out), with named groups of trainable numbers."""

    parameters: Parameters

    def values(self, x: F, parameters: Parameters | None = None) -> F:
        """Numbers (B, n_out), by other parameters of the same shapes where given (a target network's)."""
        ...

    def values_and_keep(self, x: F) -> tuple[F, Any]:
        """The same, and what `gradients` needs."""
        ...

    def gradients(self, kept: Any, grad_out: F) -> Parameters:
        """Of a loss, from its gradient (B, n_out) to the numbers, to every group."""
        ...


def n_parameters(approximator: Approximator) -> int:
    """Number of trainable numbers."""
    return sum(p.size for p in approximator.parameters.values())


class CircuitFunction:
    """A described circuit in single precision on one thread, with its output scaling and bias.

    The groups are "input_scaling", "angles", "output_scaling" and "output_bias", those that the circuit has. First
    values are the description's except for the angles, which are drawn uniformly from ``angles`` = (low, high) by the
    generator: the papers differ in that.
    """

    def __init__(self, circuit: Circuit, rng: np.random.Generator, angles: tuple[float, float]) -> None:
        from entangrid.agents.quantum.compiling import plan_of
        from entangrid.agents.quantum.fused import Engine

        self.circuit, self.engine = circuit, Engine(plan_of(circuit), "single", threads=1)
        sizes, n = circuit.parameters, circuit.terms.weights.shape[1]
        self._scales = np.full(sizes["input_scaling"], circuit.init_scaling, np.float32)
        self.parameters: Parameters = {"angles": rng.uniform(*angles, sizes["angles"]).astype(np.float32)}
        if self._scales.size:
            self.parameters["input_scaling"] = self._scales
        if circuit.output == "scale":
            self.parameters["output_scaling"] = np.ones(n, np.float32)
        elif circuit.output in ("linear", "affine"):
            signs = np.array([(-1.0) ** j for j in range(circuit.outputs)], np.float32)
            self.parameters["output_scaling"] = np.tile(signs, (n, 1))
        if circuit.output in ("bias", "affine"):
            self.parameters["output_bias"] = np.zeros(circuit.outputs, np.float32)
        self._unit = circuit.readout_range == "unit"

    def _finish(self, z: F, parameters: Parameters) -> F:
        if self._unit:
            z = 0.5 * (z + np.float32(1.0))
        weights = parameters.get("output_scaling")
        if weights is not None:
            z = z * weights if weights.ndim == 1 else z @ weights
        if "output_bias" in parameters:
            z = z + parameters["output_bias"]
        return z

    def values(self, x: F, parameters: Parameters | None = None) -> F:
        """See :class:`Approximator`."""
        p = self.parameters if parameters is None else parameters
        return self._finish(self.engine.forward(x, p.get("input_scaling", self._scales), p["angles"]), p)

    def values_and_keep(self, x: F) -> tuple[F, Any]:
        """See :class:`Approximator`."""
        p = self.parameters
        z, *work = self.engine.forward_keep(x, p.get("input_scaling", self._scales), p["angles"])
        return self._finish(z, p), (z, work)

    def gradients(self, kept: Any, grad_out: F) -> Parameters:
        """See :class:`Approximator`."""
        z, work = kept
        p = self.parameters
        out: Parameters = {}
        grad_z = grad_out
        if "output_bias" in p:
            out["output_bias"] = grad_out.sum(0)
        weights = p.get("output_scaling")
        if weights is not None:
            seen = 0.5 * (z + np.float32(1.0)) if self._unit else z
            if weights.ndim == 1:
                out["output_scaling"], grad_z = (grad_out * seen).sum(0), grad_out * weights
            else:
                out["output_scaling"], grad_z = seen.T @ grad_out, grad_out @ weights.T
        if self._unit:
            grad_z = 0.5 * grad_z
        scales = p.get("input_scaling", self._scales)
        _, grad_scales, out["angles"], _ = self.engine.backward(np.ascontiguousarray(grad_z, np.float32), scales, *work)
        if "input_scaling" in p:
            out["input_scaling"] = grad_scales
        self.engine.release(work[0])
        return out


class NetworkFunction:
    """Dense network with ReLU between its layers and Glorot-uniform first weights; groups "w0", "b0", "w1", ..."""

    def __init__(self, sizes: tuple[int, ...], rng: np.random.Generator) -> None:
        self.depth = len(sizes) - 1
        self.parameters: Parameters = {}
        for i, (n_in, n_out) in enumerate(pairwise(sizes)):
            limit = np.sqrt(6.0 / (n_in + n_out))
            self.parameters[f"w{i}"] = rng.uniform(-limit, limit, (n_in, n_out)).astype(np.float32)
            self.parameters[f"b{i}"] = np.zeros(n_out, np.float32)

    def values(self, x: F, parameters: Parameters | None = None) -> F:
        """See :class:`Approximator`."""
        p = self.parameters if parameters is None else parameters
        for i in range(self.depth):
            x = x @ p[f"w{i}"] + p[f"b{i}"]
            if i < self.depth - 1:
                x = np.maximum(x, 0.0)
        return x

    def values_and_keep(self, x: F) -> tuple[F, Any]:
        """See :class:`Approximator`."""
        layers = [x]
        for i in range(self.depth):
            x = x @ self.parameters[f"w{i}"] + self.parameters[f"b{i}"]
            if i < self.depth - 1:
                x = np.maximum(x, 0.0)
                layers.append(x)
        return x, layers

    def gradients(self, kept: Any, grad_out: F) -> Parameters:
        """See :class:`Approximator`."""
        out: Parameters = {}
        for i in range(self.depth - 1, -1, -1):
            out[f"w{i}"], out[f"b{i}"] = kept[i].T @ grad_out, grad_out.sum(0)
            if i:
                grad_out = (grad_out @ self.parameters[f"w{i}"].T) * (kept[i] > 0.0)
        return out


class Adam:
    """Adam (Kingma and Ba 2015, arXiv:1412.6980), with AMSGrad where asked for, and learning rates by group or number.

    The AMSGrad maximum is taken of the uncorrected second moment, as in Keras, which the papers used.
    """

    def __init__(self, rates: Mapping[str, float | F], amsgrad: bool = False, eps: float = 1e-7) -> None:
        self.rates, self.amsgrad, self.eps = dict(rates), amsgrad, eps
        self.step_count = 0
        self._moments: dict[str, tuple[F, F, F]] = {}

    def step(self, parameters: Parameters, gradients: Parameters, factor: float = 1.0) -> None:
        """Change the parameters in place; ``factor`` multiplies every learning rate (a schedule's)."""
        self.step_count += 1
        t = self.step_count
        correction = np.sqrt(1.0 - 0.999**t) / (1.0 - 0.9**t)
        for name, g in gradients.items():
            if name not in self._moments:
                self._moments[name] = (np.zeros_like(g), np.zeros_like(g), np.zeros_like(g))
            m, v, most = self._moments[name]
            m += np.float32(0.1) * (g - m)
            v += np.float32(0.001) * (g * g - v)
            if self.amsgrad:
                np.maximum(most, v, out=most)
                v = most
            rate = np.asarray(self.rates[name] * (factor * correction), np.float32)
            parameters[name] -= rate * m / (np.sqrt(v) + np.float32(self.eps))


class RMSprop:
    """RMSprop as torch has it, one learning rate for all groups."""

    def __init__(self, rate: float, alpha: float = 0.99, eps: float = 1e-8) -> None:
        self.rate, self.alpha, self.eps = rate, alpha, eps
        self._square: Parameters = {}

    def step(self, parameters: Parameters, gradients: Parameters, factor: float = 1.0) -> None:
        """See :class:`Adam`."""
        for name, g in gradients.items():
            v = self._square.setdefault(name, np.zeros_like(g))
            v += np.float32(1.0 - self.alpha) * (g * g - v)
            parameters[name] -= np.float32(self.rate * factor) * g / (np.sqrt(v) + np.float32(self.eps))
