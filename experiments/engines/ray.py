"""Ray: a cluster by its address, or one of processes on this machine."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from entangrid.data.errors import InputError
from entangrid.experiments.engines import THREADS, Engine, Job, Outcome, text_of
from entangrid.experiments.engines.worker import work


def make(jobs: int, scratch: Path, address: str | None = None) -> Engine:
    """``address``: of a cluster whose nodes see the study's folder under the same path; without it, ``jobs`` processes
    here."""
    return Ray(jobs, address)


class Ray:
    """See :class:`~entangrid.experiments.engines.Engine`."""

    def __init__(self, jobs: int, address: str | None):
        import ray

        self._ray: Any = ray
        options: dict[str, Any] = {"address": address}
        if address is None:  # Ray's own workers are so nice that anything else on the machine starves them
            options = {"num_cpus": jobs, "include_dashboard": False, "_system_config": {"worker_niceness": 0}}
        try:
            ray.init(**options, log_to_driver=False, logging_level=logging.ERROR, runtime_env={"env_vars": THREADS})
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise InputError(f"engine ray: {address or 'local cluster'} cannot be reached: {error}") from None
        self._work = ray.remote(num_cpus=1, max_retries=0)(work)
        self._jobs: dict[Any, str] = {}

    def submit(self, job: Job) -> None:
        """See the protocol."""
        self._jobs[self._work.remote(job)] = job.name

    def as_completed(self, timeout_s: float) -> Iterator[Outcome]:
        """See the protocol."""
        if not self._jobs:
            return
        done, _ = self._ray.wait(list(self._jobs), num_returns=1, timeout=timeout_s)
        for reference in done:
            name = self._jobs.pop(reference)
            errors = self._ray.exceptions
            try:
                yield Outcome(*self._ray.get(reference))
            except (errors.WorkerCrashedError, errors.NodeDiedError, errors.OutOfMemoryError) as error:
                yield Outcome(name, text_of(error), died=True)
            except errors.RayError as error:
                yield Outcome(name, text_of(error))

    def cancel(self) -> None:
        """See the protocol."""
        for reference in self._jobs:
            with contextlib.suppress(Exception):  # it may have ended meanwhile
                self._ray.cancel(reference, force=True)
        self._jobs.clear()
        self._ray.shutdown()
