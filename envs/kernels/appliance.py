"""Deferrable appliance: a cycle of constant power that may wait, but not for ever, and is never interrupted."""

import numpy as np

from entangrid.envs.kernels.jit import kernel


@kernel
def cycle(kw: float, hours: float, window_h: float, dt: float) -> tuple[float, float, float]:
    """Fit a cycle to steps of dt [h]; return (power [kW], run_steps, window_steps), the latter two whole numbers.

    run_steps: the length in the nearest number of steps, at least one; the power is scaled so that the cycle takes
    kw · hours [kWh] all the same. window_steps: whole steps within the window, so that the deadline is kept.
    No appliance (kw or hours 0): zeros.
    """
    if kw <= 0.0 or hours <= 0.0:
        return 0.0, 0.0, 0.0
    run_steps = max(np.floor(hours / dt + 0.5), 1.0)
    return kw * hours / (run_steps * dt), run_steps, np.floor(max(window_h, 0.0) / dt + 1e-9)


@kernel
def step(
    ready: float, start: float, wait: float, left: float, kw: float, run_steps: float, window_steps: float
) -> tuple[float, float, float]:
    """Start, run or wait for one step; return (wait after, left after, power in this step [kW]).

    ready > 0: a cycle becomes ready in this step. start > 0: begin if one is ready. wait: steps until a ready cycle
    must start, -1: none is ready; left: steps that a running cycle still takes. A cycle starts in the step in which it
    is told to, at the latest window_steps after the one in which it became ready, then takes kw for run_steps. While
    one waits or runs, another that becomes ready is refused (:func:`entangrid.envs.appliances.check_spacing`).
    No appliance (kw or run_steps 0): nothing.
    """
    if kw <= 0.0 or run_steps <= 0.0:
        return -1.0, 0.0, 0.0
    if left > 0.0:
        return -1.0, left - 1.0, kw
    if wait < 0.0 and ready > 0.0:
        wait = window_steps
    if wait < 0.0:
        return -1.0, 0.0, 0.0
    if start > 0.0 or wait < 1.0:
        return -1.0, run_steps - 1.0, kw
    return wait - 1.0, 0.0, 0.0
