"""Dask: a scheduler by its address, or a cluster of processes on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from entangrid.data.errors import InputError
from entangrid.experiments.engines import THREADS, Engine, Job, Outcome, text_of
from entangrid.experiments.engines.worker import work


def make(jobs: int, scratch: Path, address: str | None = None) -> Engine:
    """``address``: of a scheduler, whose workers must see the study's folder under the same path and have one thread
    each; without it, ``jobs`` processes here."""
    return Dask(jobs, scratch, address)


class Dask:
    """See :class:`~entangrid.experiments.engines.Engine`. Dask itself starts the job of a dead worker again on another
    one, and gives up after three."""

    def __init__(self, jobs: int, scratch: Path, address: str | None):
        from distributed import Client, LocalCluster

        self._cluster: Any = None
        try:
            if address is None:
                self._cluster = LocalCluster(
                    n_workers=jobs,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=None,
                    local_directory=str(scratch),
                    env=THREADS,
                    silence_logs=50,
                )
            self._client: Any = Client(self._cluster or address, timeout=30)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(f"engine dask: {address or 'local cluster'} cannot be reached: {error}") from None
        self._jobs: dict[Any, str] = {}

    def submit(self, job: Job) -> None:
        """See the protocol."""
        self._jobs[self._client.submit(work, job, pure=False)] = job.name

    def as_completed(self, timeout_s: float) -> Iterator[Outcome]:
        """See the protocol."""
        from distributed import wait

        if not self._jobs:
            return
        with contextlib.suppress(TimeoutError):
            wait(list(self._jobs), timeout=timeout_s, return_when="FIRST_COMPLETED")
        for future in [each for each in self._jobs if each.done()]:
            name = self._jobs.pop(future)
            error = future.exception() if future.status == "error" else None
            if future.status == "finished":
                yield Outcome(*future.result())
            elif error is None or type(error).__name__ == "KilledWorker":
                yield Outcome(name, f"its worker died ({future.status})", died=True)
            else:
                yield Outcome(name, text_of(error))

    def cancel(self) -> None:
        """See the protocol. A job that runs on a scheduler elsewhere cannot be stopped in its middle: it goes on to its
        end, and is found finished or claimed by a study that is started again."""
        with contextlib.suppress(Exception):  # whatever is left of it is closed below
            self._client.cancel(list(self._jobs), force=True)
        self._jobs.clear()
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()
