"""Ray: on this machine, or on a cluster that runs already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import ray

from entangrid.experiments.engines import WorkerDiedError, refuse
from entangrid.experiments.worker import THREADS


class RayEngine:
    """Options: ``address`` of a cluster ("auto" for the one of this machine); without it Ray is started here."""

    def __init__(self, jobs: int, folder: Path, options: Mapping[str, str]):
        refuse("ray", options, ("address",))
        address = options.get("address")
        environment = {"env_vars": dict.fromkeys(THREADS, "1")}
        here: dict[str, Any] = {"num_cpus": jobs, "include_dashboard": False} if address is None else {}
        ray.init(address=address or "local", runtime_env=environment, log_to_driver=False, **here)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """See :class:`entangrid.experiments.engines.Engine`."""
        inner: Future[Any] = ray.remote(max_retries=0)(function).remote(*arguments).future()
        outer: Future[Any] = Future()
        outer.set_running_or_notify_cancel()

        def pass_on(done: Future[Any]) -> None:
            try:
                outer.set_result(done.result())
            except ray.exceptions.WorkerCrashedError:
                outer.set_exception(WorkerDiedError("its worker process died"))
            except BaseException as error:
                outer.set_exception(error)

        inner.add_done_callback(pass_on)
        return outer

    def close(self, *, now: bool = False) -> None:
        """See :class:`entangrid.experiments.engines.Engine`."""
        ray.shutdown()
