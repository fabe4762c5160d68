"""What makes a study's runs: processes of this machine, or an existing cluster engine. All make the same numbers.

An engine is given jobs and gives back how each ended. It needs to know nothing of runs, for :func:`worker.work` may be
started for the same run as often as one likes: it goes on from the last checkpoint, and a finished run is left alone.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from entangrid.data.errors import InputError

#: variables that keep numerical libraries to one thread, hence to one core and the same bits
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

#: engine -> (package that it needs, options that it takes)
_ENGINES: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "local": (None, ()),
    "dask": ("distributed", ("address",)),
    "ray": ("ray", ("address",)),
    "slurm": ("submitit", ("partition", "account", "qos", "minutes", "memory_gb", "cluster")),
}
NAMES = tuple(_ENGINES)


class Job(NamedTuple):
    """A run as any engine can carry it. ``name``: of the run's folder; ``folder``: that folder, absolute; ``run``: see
    :func:`entangrid.experiments.engines.worker.pack`."""

    name: str
    folder: str
    run: str


class Outcome(NamedTuple):
    """How a job ended: ``problem`` says in words why it failed, None if it did not. ``died``: the process that made it
    is gone without a word. ``busy``: another process is making the run."""

    name: str
    problem: str | None = None
    died: bool = False
    busy: bool = False


class Engine(Protocol):
    """The seam. A job's name is not submitted again before its outcome was given."""

    def submit(self, job: Job) -> None:
        """Take a job; returns at once."""
        ...

    def as_completed(self, timeout_s: float) -> Iterator[Outcome]:
        """The outcomes that have come in; waits for the first at most ``timeout_s``."""
        ...

    def cancel(self) -> None:
        """Stop what is under way, forget what waits, let all processes go; also after the last outcome."""
        ...


def check(name: str, options: Mapping[str, str] | None = None) -> None:
    """Raise InputError for an engine or option that is unknown, and if the engine's package is not installed."""
    if name not in _ENGINES:
        raise InputError(f"engine is {name!r}; expected one of: {', '.join(NAMES)}")
    package, known = _ENGINES[name]
    for option in options or {}:
        if option not in known:
            expected = f"one of: {', '.join(known)}" if known else "none"
            raise InputError(f"engine {name}: option {option!r} is unknown; expected {expected}")
    if package is not None and importlib.util.find_spec(package) is None:
        raise InputError(f'engine {name!r} needs {package}, which is not installed: pip install "entangrid[{name}]"')


def make(name: str, jobs: int, scratch: Path, options: Mapping[str, str] | None = None) -> Engine:
    """An engine that makes so many runs at a time; ``scratch``: a folder it may use; ``options``: its own.

    Raises InputError as :func:`check`, for an option's value, and for an engine that cannot be reached.
    """
    check(name, options)
    made: Callable[..., Engine] = import_module(f"entangrid.experiments.engines.{name}").make
    return made(jobs=jobs, scratch=scratch, **(options or {}))


def text_of(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}".rstrip(": ")


def whole_number(engine: str, option: str, value: Any, least: int = 1) -> int:
    """An option's value as a number; raises InputError naming it."""
    try:
        number = int(value)
    except ValueError:
        number = least - 1
    if number < least:
        raise InputError(f"engine {engine}: {option} is {value!r}; expected a whole number of at least {least}")
    return number


__all__ = ["NAMES", "THREADS", "Engine", "Job", "Outcome", "check", "make"]
