"""Check of a deferrable appliance's series: cycles far enough apart that none has to be refused."""

import numpy as np
from numpy.typing import ArrayLike

from entangrid.data.errors import InputError


def check_spacing(ready: ArrayLike, run_steps: float, window_steps: float, name: str = "appliance") -> None:
    """Raise ``InputError`` if a cycle becomes ready while the one before may still be waiting or running.

    ready (T,): above 0 where a cycle becomes ready. A cycle that becomes ready in step t runs at the latest until the
    end of step t + window_steps + run_steps - 1; one that becomes ready up to then would be refused
    (:func:`entangrid.envs.kernels.appliance.step`). name: the series, for the message.
    """
    steps = np.flatnonzero(np.asarray(ready) > 0.0)
    apart = window_steps + run_steps
    close = np.flatnonzero(np.diff(steps) < apart)
    if close.size:
        first, second = int(steps[close[0]]), int(steps[close[0] + 1])
        raise InputError(
            f"{name}: cycles become ready in steps {first} and {second}; expected {apart:g} steps or more between "
            f"them, {window_steps:g} to wait and {run_steps:g} to run"
        )
