"""Where runs are computed: existing engines behind one small seam.

An engine is opened for so many workers, takes functions with ``submit`` and gives a ``concurrent.futures.Future`` for
each; a worker that dies makes its future raise :class:`WorkerDiedError` and takes no other work with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from entangrid.data.errors import InputError

#: name -> (module, class, extra that it needs)
ENGINES = {
    "local": ("local", "LocalEngine", None),
    "dask": ("dask_engine", "DaskEngine", "dask"),
    "ray": ("ray_engine", "RayEngine", "ray"),
    "slurm": ("slurm", "SlurmEngine", "slurm"),
}


class WorkerDiedError(RuntimeError):
    """A worker process ended before its work did."""


class Engine(Protocol):
    """What every engine offers."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Have a worker call the function, which is known by its module's name there."""
        ...

    def close(self, *, now: bool = False) -> None:
        """Free the workers; ``now``: whatever they are doing."""
        ...


def open_engine(name: str, jobs: int, folder: Path, options: Mapping[str, str] | None = None) -> Engine:
    """The engine of this name with ``jobs`` workers; ``folder`` is for files of its own.

    ``options``: see the engines; "local" has none. Raises InputError for an unknown name or option and for an extra
    that is not installed.
    """
    if name not in ENGINES:
        raise InputError(f"engine is {name!r}; expected one of {', '.join(ENGINES)}")
    module, cls, extra = ENGINES[name]
    try:
        engine = getattr(import_module(f"entangrid.experiments.engines.{module}"), cls)
        opened: Engine = engine(jobs, folder, dict(options or {}))
    except ImportError as error:
        if extra is None:
            raise
        raise InputError(
            f'engine {name!r} needs {error.name}, which is not installed: pip install "entangrid[{extra}]"'
        ) from None
    return opened


def refuse(engine: str, options: Mapping[str, str], known: tuple[str, ...] = ()) -> None:
    """Raise InputError for an option that the engine does not have."""
    for option in options:
        if option not in known:
            expected = f"expected one of {', '.join(known)}" if known else "it has none"
            raise InputError(f"engine {engine!r} has no option {option!r}; {expected}")
