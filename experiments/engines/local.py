"""Processes on this machine: the default."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import queue
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from entangrid.experiments.engines import WorkerDiedError, refuse
from entangrid.experiments.worker import THREADS


class LocalEngine:
    """Spawned processes, one core each. Every one is a pool of its own, so that one that dies takes no other along."""

    def __init__(self, jobs: int, folder: Path, options: Mapping[str, str]):
        refuse("local", options)
        self._before = {name: os.environ.get(name) for name in THREADS}
        os.environ.update(dict.fromkeys(THREADS, "1"))  # of the processes to come
        self._idle: queue.SimpleQueue[ProcessPoolExecutor | None] = queue.SimpleQueue()
        for _ in range(jobs):
            self._idle.put(None)  # made when it is needed
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="entangrid-run")

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """See :class:`entangrid.experiments.engines.Engine`."""
        return self._threads.submit(self._call, function, arguments)

    def _call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        pool: ProcessPoolExecutor | None = self._idle.get()
        if pool is None:
            pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _start)
        try:
            result = pool.submit(function, *arguments).result()
        except BrokenProcessPool:
            pool.shutdown(wait=False)
            pool = None
            raise WorkerDiedError("its worker process died") from None
        finally:
            self._idle.put(pool)
        return result

    def close(self, *, now: bool = False) -> None:
        """See :class:`entangrid.experiments.engines.Engine`."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if now:
            for child in multiprocessing.active_children():
                child.terminate()
        self._threads.shutdown(wait=True)
        while not self._idle.empty():
            pool = self._idle.get()
            if pool is not None:
                pool.shutdown()
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start() -> None:
    """In a new worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed parent leaves no workers behind: they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
