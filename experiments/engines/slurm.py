"""Slurm, through submitit: every run is a job of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import FailedJobError, UncompletedJobError

from entangrid.data.errors import InputError
from entangrid.experiments.engines import WorkerDiedError
from entangrid.experiments.worker import THREADS

_POLL_S = 0.5


class SlurmEngine:
    """Options: what submitit's ``update_parameters`` takes (``slurm_partition``, ``timeout_min``, ``mem_gb``, ...), and
    ``cluster``: "slurm", or "local" to try it without Slurm. At most ``jobs`` jobs are in the queue at a time.

    submitit hands a job its function by a pickle in the study's ``slurm`` folder; no result is read from there but a
    line of text, and no run needs the folder afterwards.
    """

    def __init__(self, jobs: int, folder: Path, options: Mapping[str, str]):
        given = dict(options)
        cluster = given.pop("cluster", None)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self._executor = submitit.AutoExecutor(folder=folder / "%j", cluster=cluster)
            parameters: dict[str, Any] = {"timeout_min": 24 * 60, "cpus_per_task": 1, "name": "entangrid"}
            parameters |= {name: int(value) if value.isdigit() else value for name, value in given.items()}
            if self._executor.cluster == "slurm":
                parameters.setdefault("slurm_setup", [f"export {name}=1" for name in THREADS])
            self._executor.update_parameters(**parameters)
        except (NameError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"engine 'slurm': {str(error).splitlines()[0]}") from None
        self._ended = threading.Event()
        self._jobs: list[Any] = []
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="entangrid-job")

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """See :class:`entangrid.experiments.engines.Engine`."""
        return self._threads.submit(self._watch, function, arguments)

    def _watch(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        job = self._executor.submit(function, *arguments)
        self._jobs.append(job)
        while not job.done():
            if self._ended.wait(_POLL_S):
                raise CancelledError
        try:
            return job.result()
        except (UncompletedJobError, FailedJobError) as error:
            raise WorkerDiedError(f"its job ended: {str(error).strip().splitlines()[0]}") from None

    def close(self, *, now: bool = False) -> None:
        """See :class:`entangrid.experiments.engines.Engine`."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if now:
            self._ended.set()
            for job in self._jobs:
                job.cancel()
        self._threads.shutdown(wait=True)
