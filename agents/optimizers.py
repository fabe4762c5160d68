"""Optimizers with a learning rate of its own for each parameter group.

Stable-Baselines3 writes the schedule's rate into every group before each update, so that rates given per group are
lost. Here a group keeps a factor, ``lr_scale``, which the step applies and undoes; it is part of the optimizer's
state, and so is saved and loaded with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from entangrid.data.errors import InputError


class ScaledRates(torch.optim.Optimizer):
    """A step that uses ``lr * lr_scale`` in each parameter group (1 where a group has no such key).

    Stands before the optimizer it changes: ``class ScaledSGD(ScaledRates, torch.optim.SGD)``.
    """

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step; each group's ``lr`` is what it was before, afterwards."""
        rates = [group["lr"] for group in self.param_groups]
        for group in self.param_groups:
            group["lr"] *= group.get("lr_scale", 1.0)
        try:
            loss: float | None = super().step(closure)
            return loss
        finally:
            for group, rate in zip(self.param_groups, rates, strict=True):
                group["lr"] = rate


class ScaledAdam(ScaledRates, torch.optim.Adam):
    """Adam with `ScaledRates`."""

    def __init__(self, params: Any, lr: float = 1e-3, eps: float = 1e-5, **kwargs: Any) -> None:
        # eps is Stable-Baselines3's default for actor-critic policies
        super().__init__(params, lr=lr, eps=eps, **kwargs)


class ScaledAdamW(ScaledRates, torch.optim.AdamW):
    """AdamW with `ScaledRates`."""


class ScaledRMSprop(ScaledRates, torch.optim.RMSprop):
    """RMSprop with `ScaledRates`; SB3's A2C asks for RMSprop unless told otherwise."""


class ScaledSGD(ScaledRates, torch.optim.SGD):
    """Stochastic gradient descent with `ScaledRates`."""


_SCALED: dict[type[torch.optim.Optimizer], type[torch.optim.Optimizer]] = {
    torch.optim.Adam: ScaledAdam,
    torch.optim.AdamW: ScaledAdamW,
    torch.optim.RMSprop: ScaledRMSprop,
    torch.optim.SGD: ScaledSGD,
}


def scaled(optimizer_class: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """The class itself if it has `ScaledRates`, else torch's with them.

    Raises `InputError` for a class that would silently ignore the groups' factors.
    """
    if issubclass(optimizer_class, ScaledRates):
        return optimizer_class
    if optimizer_class not in _SCALED:
        known = ", ".join(c.__name__ for c in _SCALED)
        raise InputError(
            f"optimizer_class={optimizer_class.__name__} ignores lr_scale; expected one of {known}, or a subclass of"
            " entangrid.agents.optimizers.ScaledRates and it"
        )
    return _SCALED[optimizer_class]
