"""What a learning run costs: gradient steps, circuits executed, parameters in and outside of circuits."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import nn

from entangrid.agents.networks import actor_tensors, critic_tensors
from entangrid.experiments.model_state import circuit_draws, optimizers

_CIRCUITS = {  # module -> class of the layers; where a module was never imported there is none of its layers
    "entangrid.agents.quantum.compiling": "CompiledCircuit",
    "entangrid.agents.quantum.traced": "TracedCircuit",
    "entangrid.agents.quantum.cv_module": "CVModule",
}
_AROUND = {"input_layer", "output_scaling", "output_bias"}  # classical layers that belong to a circuit's module


def circuits(model: Any) -> dict[str, nn.Module]:
    """The layers of a model's policy that execute circuits, by name."""
    kinds = tuple(getattr(sys.modules[module], name) for module, name in _CIRCUITS.items() if module in sys.modules)
    return {name: part for name, part in model.policy.named_modules() if kinds and isinstance(part, kinds)}


def parameter_counts(model: Any) -> dict[str, int]:
    """Trainable numbers: parameters_actor, parameters_critic, and how many of each are angles or input scalings of
    circuits (..._circuit) and all others (..._classical)."""
    inside = {
        id(parameter)
        for layer in circuits(model).values()
        for name, parameter in layer.named_parameters()
        if not _AROUND & set(name.split("."))
    }
    counts: dict[str, int] = {}
    for role, tensors in (("actor", actor_tensors(model.policy)), ("critic", critic_tensors(model.policy))):
        total = sum(p.numel() for p in tensors)
        circuit = sum(p.numel() for p in tensors if id(p) in inside)
        counts |= {
            f"parameters_{role}": total,
            f"parameters_{role}_circuit": circuit,
            f"parameters_{role}_classical": total - circuit,
        }
    return counts


class Costs:
    """Counts while a model trains; plain numbers, so that they can be stored and given back.

    gradient steps: calls of ``step`` of the optimizer that is called most often (SAC's actor and critics take theirs
    side by side). circuit executions: what a quantum computer would have to run for the same training, each execution
    of as many shots as one likes. A forward pass costs one execution for each sample and measurement setting; where it
    is differentiated, one more for each shifted copy of the parameter-shift rule, although a simulator needs none. The
    backend "shots" runs just these and counts them itself. Derivatives by the observation or the action are not
    counted, and where a circuit has no shift rule or no description, forward passes alone.
    """

    def __init__(self, model: Any) -> None:
        self.steps = dict.fromkeys(optimizers(model), 0)
        self.forward = dict.fromkeys(circuits(model), 0)
        self.differentiated = dict.fromkeys(self.forward, 0)
        self.paused = False
        self._model = model
        for name, optimizer in optimizers(model).items():
            self._watch_steps(name, optimizer)
        for name, layer in circuits(model).items():
            self._watch_layer(name, layer)

    def _watch_steps(self, name: str, optimizer: torch.optim.Optimizer) -> None:
        depth = 0  # ScaledRates' step calls torch's: both tell

        def before(*_: Any) -> None:
            nonlocal depth
            depth += 1

        def after(*_: Any) -> None:
            nonlocal depth
            depth -= 1
            self.steps[name] += depth == 0

        optimizer.register_step_pre_hook(before)
        optimizer.register_step_post_hook(after)

    def _watch_layer(self, name: str, layer: nn.Module) -> None:
        def after(_: Any, __: Any, out: Any) -> None:
            if self.paused or not isinstance(out, torch.Tensor):
                return
            self.forward[name] += out.shape[0]
            if out.requires_grad:
                self.differentiated[name] += out.shape[0]

        layer.register_forward_hook(after)

    def state(self) -> dict[str, dict[str, int]]:
        """What is to be stored."""
        return {"steps": self.steps, "forward": self.forward, "differentiated": self.differentiated}

    def restore(self, state: dict[str, dict[str, int]]) -> None:
        """Go on from what was stored."""
        self.steps.update(state["steps"])
        self.forward.update(state["forward"])
        self.differentiated.update(state["differentiated"])

    @property
    def gradient_steps(self) -> int:
        """See the class."""
        return max(self.steps.values(), default=0)

    @property
    def circuit_executions(self) -> int:
        """See the class."""
        measured = {name: draws.executions for name, draws in circuit_draws(self._model) if draws.executions}
        total: int = sum(measured.values())
        for name, layer in circuits(self._model).items():
            if name not in measured:
                settings, shifts = _cost(layer)
                total += settings * (self.forward[name] + shifts * self.differentiated[name])
        return total


def _cost(layer: Any) -> tuple[int, int]:
    """(measurement settings, shifted copies) of the circuit of a layer; (1, 0) where it has no description."""
    circuit = getattr(layer, "circuit", None)
    if circuit is None:
        return 1, 0
    from entangrid.agents.quantum.analysis_cost import cost

    found = cost(circuit)
    return found.settings, found.shifts or 0
