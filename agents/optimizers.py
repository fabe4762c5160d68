"""Adam with a learning rate of its own for each parameter group.

Stable-Baselines3 writes the schedule's rate into every group before each update, so that rates given per group are
lost. Here a group keeps a factor, ``lr_scale``, which the step applies and undoes; it is part of the optimizer's
state, and so is saved and loaded with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


class ScaledAdam(torch.optim.Adam):
    """Adam whose step uses ``lr * lr_scale`` in each parameter group (1 where a group has no such key)."""

    def __init__(self, params: Any, lr: float = 1e-3, eps: float = 1e-5, **kwargs: Any) -> None:
        # eps is Stable-Baselines3's default for actor-critic policies
        super().__init__(params, lr=lr, eps=eps, **kwargs)

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
