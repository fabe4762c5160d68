"""Processes of this machine, one core each. A process that dies takes its own run with it and no other."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from entangrid.experiments.engines import THREADS, Engine, Job, Outcome
from entangrid.experiments.engines.worker import work

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def make(jobs: int, scratch: Path) -> Engine:
    """See :func:`entangrid.experiments.engines.make`."""
    return Local(jobs)


class _Worker:
    """A process that takes jobs one after the other, so that only the first pays for the imports."""

    def __init__(self, context: Any):
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True, name="entangrid worker")
        with _one_thread_each():
            self.process.start()
        theirs.close()
        self.job: Job | None = None

    def give(self, job: Job) -> None:
        self.job = job
        with contextlib.suppress(OSError):  # it died meanwhile, which its end of the pipe tells as well
            self.connection.send(job)

    def receive(self) -> Outcome | None:
        """What it has to say; None if it is dead."""
        try:
            outcome: Outcome = self.connection.recv()
        except (EOFError, OSError):
            return None
        self.job = None
        return outcome

    def end(self) -> None:
        self.connection.close()
        self.process.terminate()

    def reap(self) -> None:
        self.process.join(5.0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class Local:
    """The default engine; see :class:`~entangrid.experiments.engines.Engine`."""

    def __init__(self, jobs: int):
        self._jobs = jobs
        self._context = multiprocessing.get_context("spawn")
        self._waiting: deque[Job] = deque()
        self._workers: list[_Worker] = []

    def submit(self, job: Job) -> None:
        """See the protocol."""
        self._waiting.append(job)

    def as_completed(self, timeout_s: float) -> Iterator[Outcome]:
        """See the protocol."""
        self._hand_out()
        busy = {worker.connection: worker for worker in self._workers if worker.job is not None}
        for ready in wait(list(busy), timeout_s):
            worker = busy[ready]
            job, outcome = worker.job, worker.receive()
            assert job is not None
            if outcome is None:
                self._workers.remove(worker)
                worker.end()
                worker.reap()
                yield Outcome(job.name, _last_words(worker.process.exitcode), died=True)
            else:
                yield outcome

    def _hand_out(self) -> None:
        idle = [worker for worker in self._workers if worker.job is None]
        while self._waiting:
            if not idle:
                if len(self._workers) >= self._jobs:
                    return
                self._workers.append(_Worker(self._context))
                idle.append(self._workers[-1])
            idle.pop().give(self._waiting.popleft())

    def cancel(self) -> None:
        """See the protocol."""
        self._waiting.clear()
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.end()
        for worker in workers:
            worker.reap()


def _last_words(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process ended with exit code {code}"


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(THREADS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _serve(connection: Connection) -> None:
    """In the process: job after job, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    _end_with_parent()
    while True:
        try:
            job = connection.recv()
        except (EOFError, OSError):
            return
        outcome = work(job)
        try:
            connection.send(outcome)
        except OSError:
            return


def _end_with_parent() -> None:
    """A killed parent leaves no workers behind, not even one that is busy in compiled code."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent.pid:  # it was gone before the kernel was asked
            os._exit(1)

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
