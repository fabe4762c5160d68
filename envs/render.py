"""Which picture belongs to a task, and the window that shows it.

A view draws one environment of a simulator: ``view.frame(simulator, env)`` is an image (480, 640, 3) uint8. Matplotlib
is imported when the first view is made, and never its global state, but for the window.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from entangrid.data.errors import InputError

Frame = npt.NDArray[np.uint8]


class View(Protocol):
    """Draws environments of one task."""

    def frame(self, simulator: Any, env: int = 0) -> Frame: ...


def make_view(task: Any) -> View:
    """The view of a task: its feeder if it has one, else its (first) home, else its charging station.

    Raises InputError for a task that is none of the registered kinds.
    """
    from entangrid.envs.charging import ChargingTask
    from entangrid.envs.dispatch import DispatchTask
    from entangrid.envs.tasks import Task

    if isinstance(task, Task):
        if task.feeder is not None:
            from entangrid.envs.render_feeder import FeederView

            return FeederView(task)
        from entangrid.envs.render_house import HouseView

        return HouseView(task)
    from entangrid.envs.render_stations import ChargingView, DispatchView

    if isinstance(task, ChargingTask):
        return ChargingView(task)
    if isinstance(task, DispatchTask):
        return DispatchView(task)
    raise InputError(f"task is a {type(task).__name__}; expected a task of homes, a ChargingTask or a DispatchTask")


class Display:
    """A window that shows a view's frames without holding up the program."""

    def __init__(self, view: View):
        """Raises InputError where matplotlib has no window to offer."""
        import matplotlib
        from matplotlib import pyplot
        from matplotlib.backends.registry import BackendFilter, backend_registry

        self.view = view
        known: Any = backend_registry
        try:
            backend = matplotlib.get_backend()
            windows = {name.lower() for name in known.list_builtin(BackendFilter.INTERACTIVE)}
            if backend.lower() not in windows:
                raise ImportError(f"matplotlib's backend here is {backend!r}")
            self.figure: Any = pyplot.figure(figsize=(6.4, 4.8), dpi=100)
        except ImportError as error:
            raise InputError(f"render_mode 'human' needs a display: {error}; expected one, or 'rgb_array'") from None
        self.image = self.figure.figimage(np.full((480, 640, 3), 255, np.uint8))
        self._pyplot = pyplot

    def frame(self, simulator: Any, env: int = 0) -> None:
        """Show the environment as it is now; a window that was closed stays closed."""
        if not self._pyplot.fignum_exists(self.figure.number):
            return
        self.image.set_data(self.view.frame(simulator, env))
        self.figure.canvas.draw_idle()
        self.figure.show()
        self.figure.canvas.flush_events()

    def close(self) -> None:
        """Close the window."""
        self._pyplot.close(self.figure)
