"""Dask: a cluster on this machine, or one that runs already."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from distributed import Client, LocalCluster
from distributed.scheduler import KilledWorker

from entangrid.experiments.engines import WorkerDiedError, refuse
from entangrid.experiments.worker import THREADS


class DaskEngine:
    """Options: ``address`` of a scheduler (``tcp://host:8786``); without it a cluster of processes is started here."""

    def __init__(self, jobs: int, folder: Path, options: Mapping[str, str]):
        refuse("dask", options, ("address",))
        self._cluster: Any = None
        address: Any = options.get("address")
        if address is None:
            self._cluster = address = LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                local_directory=os.fspath(folder),
                env=dict.fromkeys(THREADS, "1"),
            )
        self._client = Client(address)
        self._executor = self._client.get_executor(pure=False)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """See :class:`entangrid.experiments.engines.Engine`."""
        inner = self._executor.submit(function, *arguments)
        outer: Future[Any] = Future()
        outer.set_running_or_notify_cancel()

        def pass_on(done: Future[Any]) -> None:
            try:
                outer.set_result(done.result())
            except KilledWorker:
                outer.set_exception(WorkerDiedError("its worker process died"))
            except BaseException as error:  # among them CancelledError
                outer.set_exception(error)

        inner.add_done_callback(pass_on)
        return outer

    def close(self, *, now: bool = False) -> None:
        """See :class:`entangrid.experiments.engines.Engine`."""
        self._executor.shutdown(wait=not now, cancel_futures=now)
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()
