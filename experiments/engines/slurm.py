"""Slurm, by submitit: every run a task of an array job, started again by Slurm where it was preempted."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from entangrid.data.errors import InputError
from entangrid.experiments.engines import Engine, Job, Outcome, text_of, whole_number
from entangrid.experiments.engines.worker import work

_CLUSTERS = ("slurm", "local", "debug")


def make(
    jobs: int,
    scratch: Path,
    partition: str | None = None,
    account: str | None = None,
    qos: str | None = None,
    minutes: str = "1440",
    memory_gb: str = "4",
    cluster: str = "slurm",
) -> Engine:
    """At most ``jobs`` runs at a time, each on one core with ``memory_gb`` for at most ``minutes``; ``cluster`` "local"
    tries the same with processes of this machine. Raises InputError for an option's value and where there is no
    Slurm."""
    if cluster not in _CLUSTERS:
        raise InputError(f"engine slurm: cluster is {cluster!r}; expected one of: {', '.join(_CLUSTERS)}")
    parameters: dict[str, Any] = {
        "name": "entangrid",
        "timeout_min": whole_number("slurm", "minutes", minutes),
        "mem_gb": whole_number("slurm", "memory_gb", memory_gb),
        "cpus_per_task": 1,
    }
    if cluster == "slurm":
        if shutil.which("srun") is None:
            raise InputError("engine slurm: srun is not found here; start the study on a machine with Slurm's commands")
        given = {"partition": partition, "account": account, "qos": qos}
        parameters |= {f"slurm_{name}": value for name, value in given.items() if value is not None}
        parameters["slurm_array_parallelism"] = jobs
    return Slurm(jobs, scratch, cluster, parameters)


class Requeued:
    """The job as submitit stores it; asked for a checkpoint when Slurm takes its node away, it asks to be started
    again, since the run has checkpoints of its own."""

    def __call__(self, job: Job) -> Outcome:
        """Make the run."""
        return work(job)

    def checkpoint(self, job: Job) -> Any:
        """See submitit."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, job)


class Slurm:
    """See :class:`~entangrid.experiments.engines.Engine`."""

    def __init__(self, jobs: int, scratch: Path, cluster: str, parameters: dict[str, Any]):
        import submitit

        self._executor: Any = submitit.AutoExecutor(str(scratch), cluster=cluster)
        self._executor.update_parameters(**parameters)
        self._uncompleted: Any = submitit.core.utils.UncompletedJobError
        # Slurm's array holds back what is beyond its parallelism; submitit's processes here do not
        self._at_a_time = None if cluster == "slurm" else jobs
        self._errors = scratch / "errors.txt"
        self._waiting: deque[Job] = deque()
        self._jobs: dict[Any, str] = {}

    def submit(self, job: Job) -> None:
        """See the protocol."""
        self._waiting.append(job)

    def _hand_out(self) -> None:
        room = len(self._waiting) if self._at_a_time is None else self._at_a_time - len(self._jobs)
        now = [self._waiting.popleft() for _ in range(min(room, len(self._waiting)))]
        if not now:
            return
        quiet = contextlib.nullcontext() if self._at_a_time is None else _errors_to(self._errors)
        with quiet, self._executor.batch():
            made = [self._executor.submit(Requeued(), job) for job in now]
        self._jobs.update(zip(made, (job.name for job in now), strict=True))

    def as_completed(self, timeout_s: float) -> Iterator[Outcome]:
        """See the protocol."""
        self._hand_out()
        deadline = time.monotonic() + timeout_s
        while True:
            done = [job for job in self._jobs if job.done()]
            if done or time.monotonic() >= deadline:
                break
            time.sleep(min(0.2, timeout_s))
        for job in done:
            name = self._jobs.pop(job)
            try:
                yield Outcome(*job.result())
            except self._uncompleted as error:
                yield Outcome(name, text_of(error), died=True)
            except Exception as error:  # whatever the job's process could not turn into an outcome
                yield Outcome(name, text_of(error))

    def cancel(self) -> None:
        """See the protocol."""
        for job in self._jobs:
            with contextlib.suppress(Exception):  # it may have ended meanwhile
                job.cancel()
        self._jobs.clear()
        self._waiting.clear()


@contextlib.contextmanager
def _errors_to(path: Path) -> Iterator[None]:
    """Processes that are started within write their errors there: submitit's own print a traceback each at Ctrl-C."""
    with path.open("ab") as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
